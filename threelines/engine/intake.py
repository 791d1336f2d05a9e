"""What every engine makes sure of as a record comes in, whoever decoded it: readers do this already."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import msgspec

from threelines.records import EARLIEST, LATEST, Record

_encode = msgspec.msgpack.Encoder().encode
_LEAST, _MOST = -(2**63), 2**64
"""Whole numbers that MessagePack can write: from the first to before the second."""


def dated(record: Record) -> tuple[Record, str]:
    """Return the record with a time as `Record` promises it, and what was wrong, or nothing.

    A time without a zone is UTC, which is nothing wrong; one before `EARLIEST` or from `LATEST` on is left out. The same
    holds for what was read inside its pictures.
    """
    time, wrong = record.time, ""
    if time is not None:
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        if not EARLIEST <= aware < LATEST:
            wrong = f"the time {time.isoformat()} is not from {EARLIEST.year} to {LATEST.year - 1}; left out"
            record = msgspec.structs.replace(record, time=None)
        elif aware is not time:
            record = msgspec.structs.replace(record, time=aware)
    if record.inside:
        parts = [dated(part) for part in record.inside]
        wrong = next(filter(None, (wrong, *(told for _, told in parts))), "")
        record = msgspec.structs.replace(record, inside=tuple(part for part, _ in parts))
    return record, wrong


def encoded(record: Record) -> bytes:
    """Return the record as MessagePack; whole numbers of `extra` that need more than 64 bits become their digits."""
    try:
        return _encode(record)
    except OverflowError:
        return _encode(_fitting(record))


def _fitting(record: Record) -> Record:
    inside = tuple(map(_fitting, record.inside))
    return msgspec.structs.replace(record, extra=_fitted(record.extra), inside=inside)


def _fitted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _fitted(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_fitted(part) for part in value]
    return str(value) if isinstance(value, int) and not _LEAST <= value < _MOST else value
