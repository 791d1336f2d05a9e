"""What every reader shares: the file, its lines, and what is said when something is wrong with them."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from threelines.platforms.pseudonym import Token
from threelines.platforms.read._times import Order
from threelines.records import ThreelinesError

LIMIT = 16 * 1024 * 1024
"""Longest line, field or JSON item that is read, in bytes; what is longer is one counted skip."""

_CHUNK = 256 * 1024
_PEEKED = 8192
_EXAMPLES = 20
_ALIKE = 4  # examples of one reason, so that a second reason is seen too


class ReadError(ThreelinesError):
    """An input cannot be read at all, or `strict` was asked for and a line is broken."""


class Skip(msgspec.Struct, frozen=True):
    """A line that gave no record, and why."""

    where: str
    """`file:line`, or the file alone."""
    reason: str


class Repair(Skip, frozen=True):
    """A line that gave a record although something in it had to be replaced or left out."""


class Note(Skip, frozen=True):
    """What was decided about a whole file, for a person to see: no fault, it is counted nowhere and ends no run."""

    remedy: str = ""
    """How to have read what was not; empty where nothing was left unread."""


class ReadReport(msgspec.Struct):
    """What a run has read so far; filled while the records flow."""

    read: int = 0
    skipped: int = 0
    repaired: int = 0
    examples: list[Skip] = msgspec.field(default_factory=list)
    """The first faults, skips and repairs alike."""
    notes: list[Note] = msgspec.field(default_factory=list)
    """What was decided about files, each once however many files it holds for."""
    formats: dict[str, str] = msgspec.field(default_factory=dict)
    """File → the format it was read as."""

    def add(self, fault: Skip) -> None:
        """Count a fault; the first ones are kept as examples. A note is kept, not counted."""
        if isinstance(fault, Note):
            if len(self.notes) < _EXAMPLES and all(one.reason != fault.reason for one in self.notes):
                self.notes.append(fault)
            return
        if isinstance(fault, Repair):
            self.repaired += 1
        else:
            self.skipped += 1
        kind = fault.reason[:6], fault.where.partition(":")[0]
        alike = sum((one.reason[:6], one.where.partition(":")[0]) == kind for one in self.examples)
        if len(self.examples) < _EXAMPLES and alike < _ALIKE:
            self.examples.append(fault)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader needs to know beside the file."""

    mapping: Mapping[str, str | Sequence[str]] = {}
    """Our field → the export's column; a value that starts with "=" is a constant for all rows. `text` may have several."""
    reveal: bool = False
    """Keep display names and the words of system lines."""
    dates: Order | None = None
    """What stands first in a date that can be read in more than one order; found from the whole file where it is None."""
    token: Token = str
    """What an id that the reader itself makes from a name becomes; account ids are changed later."""


class Source(msgspec.Struct, frozen=True):
    """One file of the input."""

    path: Path
    name: str
    """As shown in records and messages."""
    encoding: str = ""
    """Of its text, as Python calls it; UTF-8, or UTF-16 by its mark, where it is empty."""
    largest: int = 0
    """Bytes that it may have once unpacked; 0 sets no bound. More raise ReadError while it is read."""

    @property
    def room(self) -> Path | None:
        """Folder for what has to be unpacked: beside a bounded file, which is an upload in a folder of its own."""
        return self.path.parent if self.largest else None

    def at(self, line: int) -> str:
        """Return `file:line`."""
        return f"{self.name}:{line}"

    def unpacked(self) -> io.BufferedReader:
        """Open for reading the bytes as they are, unpacked when gzip."""
        try:
            file = self.path.open("rb")
            if file.peek(2)[:2] == b"\x1f\x8b":
                file = cast(io.BufferedReader, gzip.GzipFile(fileobj=file))
        except OSError as fault:
            raise ReadError(f"{self.name}: cannot be read ({fault.strerror or fault})") from fault
        return io.BufferedReader(cast(io.RawIOBase, _Bounded(file, self)), _CHUNK) if self.largest else file

    def refuse_larger(self, size: int) -> None:
        """Raise ReadError when a size in bytes passes the bound of this file."""
        if self.largest and size > self.largest:
            raise ReadError(
                f"{self.name}: more than {self.largest // 1024 // 1024} MiB once unpacked; read it with `threelines scan`"
            )

    def open(self) -> BinaryIO:
        """Open for reading text as bytes: unpacked, UTF-8 whatever the encoding, without a byte order mark."""
        file = self.unpacked()
        try:
            mark = file.peek(4)[:4]
        except OSError as fault:
            raise ReadError(f"{self.name}: cannot be read ({fault.strerror or fault})") from fault
        if mark.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return io.BufferedReader(cast(io.RawIOBase, _Utf8(file, "utf-16")), _CHUNK)
        if self.encoding and not mark.startswith(codecs.BOM_UTF8):
            return io.BufferedReader(cast(io.RawIOBase, _Utf8(file, self.encoding)), _CHUNK)
        if mark.startswith(codecs.BOM_UTF8):
            file.read(3)
        return cast(BinaryIO, file)

    def head(self, size: int = 64 * 1024) -> bytes:
        """Return the first bytes, unpacked."""
        with self.open() as file:
            return file.read(size)


class _Bounded(io.RawIOBase):
    """A file that may not be larger than its source says: a few kilobytes of gzip unpack to gigabytes."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file, self._source, self._seen = file, source, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer))
        self._seen += len(piece)
        self._source.refuse_larger(self._seen)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Utf8(io.RawIOBase):
    """A file in another encoding as UTF-8 bytes."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._ready:
            chunk = self._file.read(_CHUNK)
            self._ready = self._decoder.decode(chunk, not chunk).encode("utf-8", "replace")
            if not chunk:
                break
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()


def lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line) from 1; a line longer than `LIMIT` comes as `TOO_LONG`, its rest is not kept."""
    number = 0
    with _with_newlines(source.open()) as file:
        while line := file.readline(LIMIT + 1):
            number += 1
            if len(line) > LIMIT and line[-1:] != b"\n":
                while (rest := file.readline(_CHUNK)) and rest[-1:] != b"\n":
                    pass
                line = TOO_LONG
            yield number, line


def _with_newlines(file: BinaryIO) -> BinaryIO:
    """Return a file whose lines end in CR alone (Excel's "CSV (Macintosh)") with newlines instead; any other as it is."""
    start = cast(io.BufferedReader, file).peek(_PEEKED)
    if b"\r" not in start or b"\n" in start:
        return file
    return io.BufferedReader(cast(io.RawIOBase, _Newlines(file)), _CHUNK)


class _Newlines(io.RawIOBase):
    """A file with newlines in the place of CR."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        piece = self._file.read(len(buffer)).replace(b"\r", b"\n")
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()


TOO_LONG = b""
"""Stands for a line that is longer than `LIMIT`; no real line is empty, each has its end."""

TOO_LONG_REASON = f"longer than {LIMIT // 1024 // 1024} MiB"


def decoded(line: bytes) -> tuple[str, bool]:
    """Return a line as text, and whether bytes that are no UTF-8 had to be replaced."""
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        return line.decode("utf-8", "replace"), True


BROKEN_UTF8 = (
    "bytes that are not UTF-8 were replaced by U+FFFD; is it in another encoding (--encoding windows-1252, as Excel writes a CSV "
    "in western languages, windows-1251, gb18030, …)?"
)


def without_surrogates(text: str) -> str:
    r"""Return text that can be written as UTF-8: half characters (`\ud83d` alone) become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
