"""Partition to disk: what does not fit in memory waits in files, grouped by key.

A partition that is still too large is split again by another hash, so the memory a scan needs
does not grow with the file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Generator, Iterator
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("<I")
_BUFFER = 1 << 17
_PIECE = 1 << 20
PARTS = 64
LIMIT = 24 << 20
"""Bytes of one partition that a worker loads at once."""


def _part(key: bytes, salt: int) -> int:
    """Return the partition of a key.

    A partition is split by another hash than made it: CRC32 with another start keeps together what it put together,
    and whoever chooses ids to fall into one partition has chosen them for CRC32 only.
    """
    return (blake2b(key, digest_size=1, salt=bytes([salt])).digest()[0] if salt else zlib.crc32(key)) % PARTS


class Spill:
    """Write payloads into `PARTS` files by a hash of their key: another hash for each `salt` (0 to 255)."""

    def __init__(self, folder: Path, *, name: str = "0", salt: int = 0) -> None:
        self._folder, self._name, self._salt = folder, name, salt
        self._buffers = [bytearray() for _ in range(PARTS)]
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, key: str, payload: bytes) -> None:
        """Append one payload to the partition of its key."""
        part = _part(key.encode("utf-8", "surrogatepass"), self._salt)
        buffer = self._buffers[part]
        buffer += _LENGTH.pack(len(payload))
        buffer += payload
        if len(buffer) > _BUFFER:
            self._flush(part)

    def _flush(self, part: int) -> None:
        with (self._folder / f"{part:02d}-{self._name}.part").open("ab") as file:
            file.write(self._buffers[part])
        self._buffers[part].clear()

    def close(self) -> None:
        """Write out what is still buffered."""
        for part, buffer in enumerate(self._buffers):
            if buffer:
                self._flush(part)


class Log:
    """Write payloads into one file, in order."""

    def __init__(self, path: Path) -> None:
        self._path, self._buffer = path, bytearray()
        path.parent.mkdir(parents=True, exist_ok=True)

    def add(self, payload: bytes) -> None:
        """Append one payload."""
        self._buffer += _LENGTH.pack(len(payload)) + payload
        if len(self._buffer) > _BUFFER:
            self.close()

    def close(self) -> None:
        """Write out what is still buffered."""
        with self._path.open("ab") as file:
            file.write(self._buffer)
        self._buffer.clear()


def partitions(folder: Path) -> list[list[Path]]:
    """Return the files of each partition that has any, in order."""
    parts: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.part")):
        parts.setdefault(path.name[:2], []).append(path)
    return [parts[key] for key in sorted(parts)]


def payloads(paths: list[Path]) -> Iterator[bytes]:
    """Yield the payloads of a partition in the order they were added."""
    for path in paths:
        rest = b""
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                stored = rest + piece
                at = yield from _whole(stored)
                rest = stored[at:]


def _whole(stored: bytes) -> Generator[bytes, None, int]:
    """Yield the payloads that lie in these bytes as a whole; return where the first one begins that does not."""
    at, end = 0, len(stored)
    while at + _LENGTH.size <= end:
        start = at + _LENGTH.size
        stop = start + _LENGTH.unpack_from(stored, at)[0]
        if stop > end:
            break
        yield stored[start:stop]
        at = stop
    return at


def places(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each payload begins in a `Log` of payloads of these sizes."""
    return np.cumsum(sizes + _LENGTH.size) - sizes


def size(paths: list[Path]) -> int:
    """Return the bytes of a partition on disk."""
    return sum(path.stat().st_size for path in paths)
