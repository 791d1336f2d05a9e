"""Generic tables: CSV, TSV and their relatives, with a header row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from threelines.platforms.read._rows import Rows
from threelines.platforms.read._source import (
    BROKEN_UTF8,
    LIMIT,
    TOO_LONG,
    TOO_LONG_REASON,
    Options,
    ReadError,
    Repair,
    Skip,
    Source,
    decoded,
    lines,
)  # fmt: skip
from threelines.records import Record

NAME = "csv"
_DELIMITERS = ",;\t|"


def sniff(path: Path, head: bytes) -> bool:
    """The first line is text with a delimiter, or the name says table."""
    if b"\0" in head:
        return False
    first = head.lstrip().partition(b"\n")[0]
    named = any(suffix.lower() in (".csv", ".tsv") for suffix in path.suffixes)
    return named or (first[:1] not in b"{[<" and any(mark.encode() in first for mark in _DELIMITERS))


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record for each row."""
    csv.field_size_limit(LIMIT)  # the library's own limit (128 KiB) is shorter than a long advert with pictures
    faults: list[Skip] = []
    numbered = _Lines(source, faults)
    rows, header, table = Rows(source.name, options), None, csv.reader(numbered, delimiter=_delimiter(source))
    while True:
        at = source.at(numbered.number + 1)
        try:
            cells = next(table)
        except StopIteration:
            break
        except csv.Error as fault:
            yield Skip(at, f"no row of a table ({fault})")
            continue
        finally:
            yield from faults
            faults.clear()
        if header is None:
            header = _header(cells, rows, source)
        elif len(cells) == len(header):
            yield from rows.records(dict(zip(header, cells, strict=True)), at)
        elif any(cells):
            yield Skip(at, f"{len(cells)} columns where the header has {len(header)}")
    yield from faults
    yield from rows.finish()


class _Lines:
    """Lines for the csv module, which counts rows, not lines."""

    def __init__(self, source: Source, faults: list[Skip]) -> None:
        self.number = 0
        self._source, self._faults, self._lines = source, faults, lines(source)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for number, line in self._lines:
            self.number = number
            if line == TOO_LONG:
                self._faults.append(Skip(self._source.at(self.number), TOO_LONG_REASON))
                continue
            text, replaced = decoded(line)
            if replaced:
                self._faults.append(Repair(self._source.at(self.number), BROKEN_UTF8))
            return text
        raise StopIteration


def _delimiter(source: Source) -> str:
    first = source.head().lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    if '"' in first:
        first = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=first.count)


def _header(cells: list[str], rows: Rows, source: Source) -> list[str]:
    names = [cell.strip() for cell in cells]
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ReadError(f"{source.name}: two columns are called {double[0]!r}; rename one")
    rows.require(names)
    return names
