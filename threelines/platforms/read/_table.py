"""The rows of a table as text: quoted cells of several lines, and quotes that open a cell by mistake."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from threelines.platforms.read._source import (
    BROKEN_UTF8,
    LIMIT,
    TOO_LONG,
    TOO_LONG_REASON,
    Repair,
    Skip,
    Source,
    decoded,
    lines,
)  # fmt: skip

MOST_LINES = 10_000
"""Lines of one row: a long mail in a cell has a few thousand, a quote that nobody closed goes on to the end."""

_ALIKE, _ALIKE_IN_A_BROKEN_ROW = 5, 2
"""So many lines inside a cell, each of which reads as a whole row, are rows: a later quote closed what none had opened."""

_STAND_IN = "\ufdd0"  # a letter in the place of a quote that is to be read as one
_UNCLOSED = "a quote opens a cell here and does not close it"
_WORDS_BEHIND = "words stand behind the quote that closes a cell; they were read as part of it"

_Line = tuple[int, str]


class _Unclosed(Exception):
    """A row goes on past the end of the file or past the limits."""


class Table:
    """The rows of one file.

    A row is read strictly first, so that a quote which closes no cell is noticed in its line: of what it swallowed every
    line is read again, and no line more than a few times, whatever the file holds.
    """

    def __init__(self, source: Source, delimiter: str) -> None:
        self.width = 0
        """Cells of the header; 0 while it is not read."""
        self._source, self.delimiter = source, delimiter
        self._lines = _Lines(source)

    def rows(self) -> Iterator[tuple[str, list[str] | Skip]]:
        """Yield (`file:line`, cells or a fault); a `Repair` is followed by its row."""
        numbered = self._lines
        strict, lenient = (self._reader(numbered, strict=strict) for strict in (True, False))
        reader = strict
        while True:
            row, cells, fault = numbered.begin(), None, ""
            try:
                cells = next(reader, None)
            except _Unclosed:
                fault = _UNCLOSED
            except csv.Error as wrong:
                fault = f"no row of a table ({wrong})"
            if numbered.faults:
                yield from ((one.where, one) for one in numbered.faults)
                numbered.faults.clear()
            if not row:
                return
            at = self._source.at(row[0][0])
            if fault is _UNCLOSED:
                yield from self._apart(row, *self._read_as_letter(row))
            elif len(row) > 1 and reader is strict and (found := self._mistake(row, cells)):
                yield from self._apart(row, *found)
            elif cells is None and reader is strict:
                numbered.again(row)
                reader = lenient
                continue
            elif cells is None:
                yield at, Skip(at, fault)
            else:
                if len(row) > 1 and reader is lenient and self._fits(cells):
                    yield at, Repair(at, _WORDS_BEHIND)
                yield at, cells
            reader = strict

    def _reader(self, texts: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        return csv.reader(texts, delimiter=self.delimiter, strict=strict)

    def _fits(self, cells: list[str] | None) -> bool:
        return cells is not None and len(cells) == (self.width or len(cells))

    def _mistake(self, row: list[_Line], cells: list[str] | None) -> tuple[int, list[str] | None] | None:
        """Return what `_read_as_letter` does where the last quoted cell of a row holds rows, else None.

        It closes in the last line. Where words follow its quote there (`cells` is None), one row inside is enough.
        """
        end = len(row) - 1
        least = 1 if cells is None else _ALIKE if self._fits(cells) else _ALIKE_IN_A_BROKEN_ROW
        if not self.width:
            return None
        if cells is not None and (self.width == 1 or end <= least or not self._is_row(row[end - 1])):
            return None  # in a table of one column every line is a row
        opened, literal = self._read_as_letter(row[:end])
        inside = row[opened + 1 : end if cells is not None else opened + 2]
        if self._fits(literal) and len(inside) >= least and all(map(self._is_row, inside)):
            return opened, literal
        return None

    def _is_row(self, line: _Line) -> bool:
        """Tell whether a line alone has as many cells as the header."""
        try:
            return len(next(self._reader([line[1]]))) == self.width
        except csv.Error:
            return False

    def _read_as_letter(self, row: list[_Line]) -> tuple[int, list[str] | None]:
        """Lines that end inside a quoted cell → where in them it opens, and the cells up to there with the quote as a letter."""
        texts = [text for _, text in row]
        before = next(self._reader(texts))
        first, end, rest = before[-1].partition("\n")
        further = rest.count("\n") + (1 if rest and not rest.endswith("\n") else 0)
        opened = len(texts) - 1 - further
        # every quote inside the cell was written twice, so what stands behind the opening one has a known length
        quote = len(texts[opened]) - len((first + end).replace('"', '""')) - 1
        texts[opened:] = [texts[opened][:quote] + _STAND_IN + texts[opened][quote + 1 :]]
        try:
            cells = next(self._reader(texts))
        except csv.Error:
            return opened, None
        cell = len(before) - 1
        cells[cell] = '"' + cells[cell][1:]
        return opened, cells

    def _apart(self, row: list[_Line], opened: int, cells: list[str] | None) -> Iterator[tuple[str, list[str] | Skip]]:
        """Yield the row that ends in the line of the opening quote, and give the lines behind it back."""
        self._lines.again(row[opened + 1 :])
        where = self._source.at(row[opened][0])
        if cells is not None and self._fits(cells):
            yield where, Repair(where, f"{_UNCLOSED}; it was read as a letter")
            yield self._source.at(row[0][0]), cells
        else:
            columns = "no row" if cells is None else f"{len(cells)} columns where the header has {self.width}"
            yield where, Skip(where, f"{_UNCLOSED}; read as a letter it gives {columns}")


class _Lines:
    """Lines for the csv module, which counts rows, not lines; they can be given back."""

    def __init__(self, source: Source) -> None:
        self.faults: list[Skip] = []
        """What was wrong with the lines; who reads them clears it."""
        self._source, self._lines = source, lines(source)
        self._back = deque[_Line]()
        self._row: list[_Line] = []
        self._size = 0

    def begin(self) -> list[_Line]:
        """Begin a row: return the list that its lines will be in."""
        self._row, self._size = [], 0
        return self._row

    def again(self, row: list[_Line]) -> None:
        """Take lines back; they come next."""
        self._back.extendleft(reversed(row))

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._new()
        row = self._row
        if row:  # the csv module asks for a second line only inside a quoted cell
            if line is None:
                raise _Unclosed
            self._size += len(row[-1][1])
            if len(row) >= MOST_LINES or self._size + len(line[1]) > LIMIT:
                self._back.appendleft(line)
                raise _Unclosed
        elif line is None:
            raise StopIteration
        row.append(line)
        return line[1]

    def _new(self) -> _Line | None:
        for number, line in self._lines:
            if line == TOO_LONG:
                self.faults.append(Skip(self._source.at(number), TOO_LONG_REASON))
                continue
            text, replaced = decoded(line)
            if replaced:
                self.faults.append(Repair(self._source.at(number), BROKEN_UTF8))
            return number, text
        return None
