"""Generic JSON lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from threelines.platforms.read._rows import Rows
from threelines.platforms.read._source import (
    BROKEN_UTF8,
    TOO_LONG,
    TOO_LONG_REASON,
    Options,
    Repair,
    Skip,
    Source,
    decoded,
    lines,
    without_surrogates,
)  # fmt: skip
from threelines.records import Record

NAME = "jsonl"
TAKES_MAP = True


def sniff(path: Path, head: bytes) -> bool:
    """The first line is one whole JSON object, or the name says so."""
    first, _, rest = head.lstrip().partition(b"\n")
    if not first.startswith(b"{"):
        return False
    if any(suffix in (".jsonl", ".ndjson") for suffix in path.suffixes):
        return True
    whole = first.rstrip().endswith(b"}")
    return whole and (not rest.strip() or rest.lstrip().startswith(b"{"))


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield the records of each line."""
    rows = Rows(source, options, lambda: (row for _, row in objects(source)))
    records = rows.records
    for at, row in objects(source):
        if isinstance(row, Skip):
            yield row
        else:
            yield from records(row, at)
    yield from rows.finish()


def objects(source: Source) -> Iterator[tuple[str, Any]]:
    """Yield (`file:line`, the decoded line or what is wrong with it); a `Repair` is followed by its line."""
    decode, name = msgspec.json.Decoder().decode, source.name
    for number, line in lines(source):
        at = f"{name}:{number}"
        try:
            yield at, decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if line == TOO_LONG or line.strip():
                yield from ((at, item) for item in _second_try(line, at))


def _second_try(line: bytes, at: str) -> Iterator[Any]:
    """Decode a line that the strict decoder refused: with replaced bytes, or say what is wrong."""
    if line == TOO_LONG:
        yield Skip(at, TOO_LONG_REASON)
        return
    text, replaced = decoded(line)
    try:
        row = json.loads(text)
        if not replaced:
            row = json.loads(without_surrogates(json.dumps(row, ensure_ascii=False)))
    except RecursionError:
        yield Skip(at, "JSON nested too deep")
    except ValueError as fault:
        yield Skip(at, f"no JSON ({fault})")
    else:
        yield Repair(at, BROKEN_UTF8 if replaced else "half characters or odd numbers were replaced")
        yield row
