"""JSON documents of any size, one item at a time (through ijson)."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson
import numpy as np

from threelines.platforms.read._source import BROKEN_UTF8, LIMIT, Repair, Skip, Source

_CHUNK = 64 * 1024
_DEEPEST = 500
"""Brackets within brackets that are read: ijson keeps a path for each, so its memory grows with their square."""


class _TooLong(ValueError):
    """One item is longer than `LIMIT`."""


class _TooDeep(ValueError):
    """Brackets stand within brackets, more than `_DEEPEST` of them."""


class _Nesting:
    """How deep a document is nested; told chunk by chunk, before a parser sees them."""

    def __init__(self) -> None:
        self._depth, self._is_quoted, self._escape = 0, False, b""

    def add(self, chunk: bytes) -> None:
        """Count the brackets that stand in no string; raise _TooDeep."""
        plain = (self._escape + chunk).replace(b"\\\\", b"").replace(b'\\"', b"")
        self._escape = b"\\" if plain.endswith(b"\\") else b""
        signs = np.frombuffer(plain.translate(_SQUARE, _REST), dtype=np.uint8)
        quotes = np.cumsum(signs == _QUOTE) + self._is_quoted
        steps = np.where(quotes & 1, 0, (signs == _OPEN).astype(np.int8) - (signs == _CLOSE))
        depths = np.cumsum(steps) + self._depth
        if len(signs):
            self._depth, self._is_quoted = int(depths[-1]), bool(quotes[-1] & 1)
            if int(depths.max()) > _DEEPEST:
                raise _TooDeep


_SQUARE = bytes.maketrans(b"{}", b"[]")
_REST = bytes(set(range(256)) - set(b'"[]{}'))
_QUOTE, _OPEN, _CLOSE = b'"'[0], b"["[0], b"]"[0]


class Document:
    """A JSON file being read: gives clean UTF-8 and refuses an item that never ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._kept = file, b""
        self._since_item = 0
        self._nesting = _Nesting()
        self.replaced = False

    def item_done(self) -> None:
        """Start to count again: an item was given out."""
        self._since_item = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, always whole UTF-8 characters (yajl stops at the first broken one)."""
        if size == 0:
            return b""
        while chunk := self._file.read(_CHUNK):
            self._since_item += len(chunk)
            if self._since_item > LIMIT:
                raise _TooLong
            self._nesting.add(chunk)
            if clean := self._clean(self._kept + chunk, last=False):
                return clean
        return self._clean(self._kept, last=True)

    def _clean(self, data: bytes, *, last: bool) -> bytes:
        try:
            _, used = codecs.utf_8_decode(data, "strict", last)
        except UnicodeDecodeError:
            self.replaced = True
            text, used = codecs.utf_8_decode(data, "replace", last)
            self._kept = data[used:]
            return text.encode("utf-8")
        self._kept = data[used:]
        return data[:used]


def items(source: Source, prefix: str) -> Iterator[Any]:
    """Yield each value at an ijson prefix, and a `Skip` or `Repair` for what is wrong with the document."""
    with source.open() as file:
        document = Document(file)
        yield from guarded(source, document, _items(document, prefix))


def _items(document: Document, prefix: str) -> Iterator[Any]:
    for item in ijson.items(document, prefix, use_float=True):
        document.item_done()
        yield item


def guarded(source: Source, document: Document, found: Iterator[Any]) -> Iterator[Any]:
    """Pass items on; a document that breaks off is one skip, replaced bytes are one repair."""
    try:
        yield from found
    except _TooLong:
        yield Skip(
            source.name, f"an item is longer than {LIMIT // 1024 // 1024} MiB; the rest of the file was left out"
        )
    except _TooDeep:
        yield Skip(source.name, f"nested deeper than {_DEEPEST} brackets; the rest of the file was left out")
    except (ijson.JSONError, ValueError, RecursionError) as fault:
        yield Skip(source.name, f"the JSON breaks off ({str(fault).splitlines()[0][:100]}); what came before was read")
    if document.replaced:
        yield Repair(source.name, BROKEN_UTF8)


def head_value(source: Source, *prefixes: str) -> dict[str, Any]:
    """Return the first simple values at these prefixes, reading no further than the first 64 KiB."""
    found: dict[str, Any] = {}
    head = source.head()
    try:
        _Nesting().add(head)
        for prefix, _, value in ijson.parse(io.BytesIO(head), use_float=True):
            if prefix in prefixes and prefix not in found:
                found[prefix] = value
    except (ijson.JSONError, ValueError):
        pass  # cut in the middle, as meant, or too deep to be one of these
    return found
