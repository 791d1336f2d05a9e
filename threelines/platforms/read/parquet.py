"""Generic tables: Apache Parquet, read in batches."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threelines.platforms.read._rows import Rows
from threelines.platforms.read._source import Options, ReadError, Skip, Source
from threelines.records import Record

NAME = "parquet"
TAKES_MAP = True
_BATCH = 10_000
_VALUE = 8  # bytes of the smallest value, about


def sniff(path: Path, head: bytes) -> bool:
    """It starts with Parquet's magic bytes."""
    return head.startswith(b"PAR1")


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record for each row; the number after the file name counts rows."""
    with source.path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if not packed:
        yield from _rows(source.path, source, options)
        return
    with tempfile.NamedTemporaryFile(suffix=".parquet", dir=source.room) as plain, source.unpacked() as unpacked:
        shutil.copyfileobj(unpacked, plain)
        plain.flush()
        yield from _rows(Path(plain.name), source, options)


def _rows(path: Path, source: Source, options: Options) -> Iterator[Record | Skip]:
    import polars  # 0.15 s, which no other format needs

    rows, number, size = Rows(source, options, lambda: _again(path)), 0, 0
    try:
        table = polars.scan_parquet(path)
        rows.require(name for name in (*table.collect_schema().names(),) if name)
        if source.largest:
            source.refuse_larger(_least(table))
        for batch in table.collect_batches(chunk_size=_BATCH, maintain_order=True):
            if source.largest:
                size += int(batch.estimated_size())
                source.refuse_larger(size)
            for row in batch.iter_rows(named=True):
                number += 1
                yield from rows.records(row, source.at(number))
    except polars.exceptions.PolarsError as fault:
        raise ReadError(f"{source.name}: Parquet cannot be read after row {number} ({str(fault)[:120]})") from fault
    yield from rows.finish()


def _again(path: Path) -> Iterator[dict[str, Any]]:
    import polars

    for batch in polars.scan_parquet(path).collect_batches(chunk_size=_BATCH):
        yield from batch.iter_rows(named=True)


def _least(table: Any) -> int:
    """Return the bytes that a table takes at least: a value repeated a billion times is a few bytes in the file."""
    import polars

    return int(table.select(polars.len()).collect().item()) * len(table.collect_schema()) * _VALUE
