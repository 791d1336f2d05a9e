"""Generic JSON: one array of objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from threelines.platforms.read._json import items
from threelines.platforms.read._rows import Rows
from threelines.platforms.read._source import Options, Skip, Source
from threelines.records import Record

NAME = "json"
TAKES_MAP = True


def sniff(path: Path, head: bytes) -> bool:
    """It starts as a JSON array of objects."""
    start = head.lstrip()[:200].split()
    return b"".join(start).startswith((b"[{", b"[]"))


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield the records of each object of the array; the number after the file name counts objects."""
    rows = Rows(source, options, lambda: items(source, "item"))
    for number, item in enumerate(items(source, "item"), start=1):
        if isinstance(item, Skip):
            yield item
        else:
            yield from rows.records(item, source.at(number))
    yield from rows.finish()
