"""JSON documents of any size, one item at a time (through ijson)."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from threelines.platforms.read._source import BROKEN_UTF8, LIMIT, Repair, Skip, Source

_CHUNK = 64 * 1024


class _TooLong(ValueError):
    """One item is longer than `LIMIT`."""


class Document:
    """A JSON file being read: gives clean UTF-8 and refuses an item that never ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._kept = file, b""
        self._since_item = 0
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
    except (ijson.JSONError, ValueError, RecursionError) as fault:
        yield Skip(source.name, f"the JSON breaks off ({str(fault).splitlines()[0][:100]}); what came before was read")
    if document.replaced:
        yield Repair(source.name, BROKEN_UTF8)


def head_value(source: Source, *prefixes: str) -> dict[str, Any]:
    """Return the first simple values at these prefixes, reading no further than the first 64 KiB."""
    found: dict[str, Any] = {}
    try:
        for prefix, _, value in ijson.parse(io.BytesIO(source.head()), use_float=True):
            if prefix in prefixes and prefix not in found:
                found[prefix] = value
    except (ijson.JSONError, ValueError):
        pass  # cut in the middle, as meant
    return found
