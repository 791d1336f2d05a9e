"""Texts laid down for linking: each record as it is, and beside it what linking needs of it, made once.

    judged record ──► sketch, and what ties its author to others (`Lights`) ──► link scripts, networks, praise
                 └──► the record itself, read again only where it is shown

The process that judges a record also makes these, so that all cores share the work and linking decodes no text.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Sequence
from mmap import ACCESS_READ, mmap
from pathlib import Path

import msgspec
import numpy as np

from threelines.engine.spill import Log, payloads, places
from threelines.link.copies import SKETCH, WORDS, Sketches, Values, sketch
from threelines.link.network import items_of
from threelines.records import Record, Thread
from threelines.signals.naming import only_names
from threelines.vocabulary.terms import Vocabulary

BLOCK = 250_000
"""Texts that are linked at once: about 2 KB of memory each."""
FILE = 25_000
"""Texts in one file, at most."""
_CHUNK = 500
"""Texts that are sketched at once: their shingles stay in the processor's cache."""


class Lights(msgspec.Struct, array_like=True):
    """What linking needs of records besides their sketches: columns, one row a record."""

    ids: list[str] = []
    authors: list[str] = []
    """Empty for calls and notices, too: nobody wrote them."""
    times: list[float | None] = []
    """Seconds since 1970, UTC."""
    items: dict[int, list[tuple[str, str]]] = {}
    """By row, where there is any, (kind, value) of what can tie the author to others: see `link.network.items_of`."""
    texts: int = 0
    """How many of the records have a text."""

    def extend(self, more: Lights) -> None:
        """Append the rows of another part."""
        base = len(self.ids)
        self.ids += more.ids
        self.authors += more.authors
        self.times += more.times
        self.items |= {base + row: items for row, items in more.items.items()}
        self.texts += more.texts


def tied_by(
    record: Record, vocabulary: Vocabulary, region: str = "", thread: Thread | None = None
) -> list[tuple[str, str]]:
    """Return `items_of` a record, with what its words say of the contacts in it: given, or only named.

    `thread` is that of the record alone, where it was read already. Without an author nobody is tied.
    """
    if not record.author or record.kind == "system":
        return []
    return items_of(record, region, lambda record: only_names(record, vocabulary, thread))


_encode = msgspec.msgpack.Encoder().encode
_decode_lights = msgspec.msgpack.Decoder(Lights).decode
_decode_record = msgspec.msgpack.Decoder(Record).decode


class Texts:
    """Lay records down in a file, in order; another holds their light columns, others their sketches and sizes.

    After `FILE` records the next such files are begun: a block is made of whole ones.
    """

    def __init__(self, path: Path) -> None:
        self._name, self._part = path, 0
        self._begin()

    def _begin(self) -> None:
        self._path = path = self._name.with_name(f"{self._name.name}-{self._part:04d}")
        self._records, self._columns = Log(path.with_suffix(".log")), Log(path.with_suffix(".light"))
        self._lights = Lights()
        self._texts: list[str] = []
        self._sketches: list[Values] = []
        self._sizes = array("Q")

    def add(self, record: Record, encoded: bytes, items: list[tuple[str, str]] | None = None) -> None:
        """Append one record; `encoded` is its msgpack form, `items` what `tied_by` says, else `items_of`."""
        if len(self._sizes) == FILE:
            self.close()
            self._part += 1
            self._begin()
        self._records.add(encoded)
        self._sizes.append(len(encoded))
        spoken, lights = record.kind != "system", self._lights
        items = items_of(record) if items is None else items
        if spoken and items:
            lights.items[len(lights.ids)] = items
        lights.ids.append(record.id)
        lights.authors.append(record.author if spoken else "")
        lights.times.append(record.time.timestamp() if record.time else None)
        text = record.text if spoken else ""
        lights.texts += bool(text)
        self._texts.append(text)
        if len(self._texts) == _CHUNK:
            self._sketch()

    def _sketch(self) -> None:
        made = sketch(self._texts)
        self._sketches.append(np.hstack((made.shingles, made.words, made.sizes[:, None].astype(np.uint32))))
        self._columns.add(_encode(self._lights))
        self._lights, self._texts = Lights(), []

    def close(self) -> None:
        """Write out what is still buffered; a writer that was given nothing leaves no file."""
        if self._texts:
            self._sketch()
        if self._sketches:
            self._records.close()
            self._columns.close()
            self._path.with_suffix(".sizes").write_bytes(self._sizes.tobytes())
            np.save(self._path.with_suffix(".npy"), np.concatenate(self._sketches))


class Block:
    """Texts that are linked together: those of some of the files, in order."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def lights(self) -> Lights:
        """Return the light columns of every record, in order."""
        made = Lights()
        for part in payloads([path.with_suffix(".light") for path in self._paths]):
            made.extend(_decode_lights(part))
        return made

    def sketches(self) -> Sketches:
        """Return the sketch of every record, in the same order."""
        count = sum(map(_rows, self._paths))
        shingles, words = np.empty((count, SKETCH), dtype=np.uint32), np.empty((count, WORDS), dtype=np.uint32)
        sizes = np.empty(count, dtype=np.int64)
        at = 0
        for path in self._paths:  # into place one by one: all of them beside the result took the memory twice
            table = np.load(path)
            rows = slice(at, at := at + len(table))
            shingles[rows], words[rows], sizes[rows] = table[:, :SKETCH], table[:, SKETCH:-1], table[:, -1]
        return Sketches(shingles, words, sizes)

    def records(self, rows: Collection[int]) -> Iterator[tuple[int, Record]]:
        """Yield (row, record) of some rows, in order; no other is decoded."""
        return ((row, _decode_record(encoded)) for row, encoded in self.encoded(rows))

    def encoded(self, rows: Collection[int]) -> Iterator[tuple[int, bytes]]:
        """Yield (row, record in msgpack) of some rows, in order; the rest of the file is not read."""
        wanted = np.sort(np.fromiter(rows, dtype=np.int64, count=len(rows)))
        base = 0
        for path in self._paths:
            sizes = np.fromfile(path.with_suffix(".sizes"), dtype=np.uint64).astype(np.int64)
            here = wanted[slice(*np.searchsorted(wanted, (base, base + len(sizes))))]
            if here.size:
                begins = places(sizes)[here - base].tolist()
                with path.with_suffix(".log").open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as stored:
                    for row, begin, size in zip(here.tolist(), begins, sizes[here - base].tolist(), strict=True):
                        yield row, stored[begin : begin + size]
            base += len(sizes)


def blocks(folder: Path, *, limit: int = BLOCK) -> Iterator[Block]:
    """Put the files of a folder together, in order; a block holds `limit` records at most, or one file."""
    part: list[Path] = []
    held = 0
    for path in sorted(folder.glob("*.npy")):
        rows = _rows(path)
        if held and held + rows > limit:
            yield Block(part)
            part, held = [], 0
        part.append(path)
        held += rows
    if part:
        yield Block(part)


def _rows(path: Path) -> int:
    return int(np.load(path, mmap_mode="r").shape[0])
