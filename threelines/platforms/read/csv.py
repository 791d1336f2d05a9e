"""Generic tables: CSV, TSV and their relatives, with a header row."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from threelines.platforms.read._rows import Rows
from threelines.platforms.read._source import LIMIT, Options, ReadError, Skip, Source
from threelines.platforms.read._table import Table
from threelines.records import Record

NAME = "csv"
TAKES_MAP = True
_DELIMITERS = ",;\t|"
_SEPARATOR = re.compile(r"sep=([,;\t|])\s*\Z", re.I)


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
    rows = Rows(source, options, lambda: (row for _, row in _rows(source)))
    for at, row in _rows(source, rows.require):
        if isinstance(row, Skip):
            yield row
        else:
            yield from rows.records(row, at)
    yield from rows.finish()


def _rows(
    source: Source, require: Callable[[list[str]], object] = tuple
) -> Iterator[tuple[str, dict[str, str] | Skip]]:
    """Yield (`file:line`, row or what is wrong); `require` is given the header before the first."""
    table = Table(source, _delimiter(source))
    header, unnamed = None, set[str]()
    for at, cells in table.rows():
        if isinstance(cells, Skip):
            yield at, cells
        elif header is None and _SEPARATOR.match(table.delimiter.join(cells)):
            pass  # Excel's own first line, which `_delimiter` has read
        elif header is None:
            header = _header(cells, source)
            unnamed = {name for name, cell in zip(header, cells, strict=True) if not cell.strip()}
            require([name for name in header if name not in unnamed])
            table.width = len(header)
        elif len(cells) == len(header):
            row = dict(zip(header, cells, strict=True))
            yield at, {name: cell for name, cell in row.items() if cell or name not in unnamed} if unnamed else row
        elif any(cells):
            yield at, Skip(at, f"{len(cells)} columns where the header has {len(header)}")


def _delimiter(source: Source) -> str:
    first = source.head().replace(b"\r", b"\n").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    if told := _SEPARATOR.match(first):
        return told[1]
    if '"' in first:
        first = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=first.count)


def _header(cells: list[str], source: Source) -> list[str]:
    """Return the columns' names; one without a name has its place for one (Excel writes empty columns behind the last)."""
    given = [cell.strip() for cell in cells]
    double = sorted(name for name, times in Counter(given).items() if name and times > 1)
    if double:
        raise ReadError(f"{source.name}: two columns are called {double[0]!r}; rename one")
    return [name or _free_name(f"column {number}", given) for number, name in enumerate(given, start=1)]


def _free_name(name: str, given: Collection[str]) -> str:
    while name in given:
        name = f"unnamed {name}"
    return name
