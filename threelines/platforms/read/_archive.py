"""ZIP archives, read as the folders they hold: "Export chat" and many platforms give one."""

from __future__ import annotations

import lzma
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

import msgspec

from threelines.platforms.read._source import ReadError, Skip, Source

MOST_FILES = 10_000
"""Files of one archive that are read."""
MOST_BYTES = 4 * 1024**3
"""Bytes of all files of one archive once unpacked, whatever it says of itself."""

OFFICE_REASON = "this is a document or spreadsheet of an office program; save it as CSV (UTF-8)"
_ZIP = b"PK\x03\x04"
_OFFICE = {"[Content_Types].xml", "mimetype"}
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, EOFError, OSError, ValueError)
_CHUNK = 1024 * 1024
_ENDINGS = re.compile(r"(?:\.\w{1,10}){1,2}\Z", re.ASCII)


def is_archive(source: Source) -> bool:
    """Tell whether a file is a ZIP archive; a pipe, which can be read once only, is none."""
    if not source.path.is_file():
        return False
    try:
        with source.path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except OSError:
        return False  # the reader says why


def files_of(source: Source) -> Iterator[Source | Skip]:
    """Yield each file of an archive, unpacked while it is read, or why it is not; raise ReadError for what is none.

    Of a name inside only the endings are used for a place on the disk. Archives inside are not opened.
    """
    try:
        with zipfile.ZipFile(source.path) as archive, _folder(source) as folder:
            if _OFFICE & set(archive.namelist()):
                raise ReadError(f"{source.name}: {OFFICE_REASON}")
            yield from _files(source, archive, Path(folder))
    except _DAMAGED as fault:
        raise ReadError(f"{source.name}: the archive is damaged ({fault})") from fault


def _folder(source: Source) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="threelines-", dir=source.room)


def _files(source: Source, archive: zipfile.ZipFile, folder: Path) -> Iterator[Source | Skip]:
    most, seen = min(source.largest or MOST_BYTES, MOST_BYTES), set[str]()
    left = most
    inside = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one.filename)]
    for one in inside[:MOST_FILES]:
        name = f"{source.name}/{''.join(letter for letter in one.filename if letter.isprintable())}"
        ending = _ENDINGS.search(one.filename)
        path = folder / f"file{ending[0] if ending else ''}"
        if one.flag_bits & 1 or name in seen:
            yield Skip(name, "it stands in the archive twice" if name in seen else "it is locked with a password")
            continue
        seen.add(name)
        try:
            with archive.open(one) as packed, path.open("wb") as plain:
                left -= _copied(packed, plain, left)
        except _DAMAGED as fault:
            yield Skip(name, f"it is damaged or packed in an unknown way ({fault})")
            continue
        if left < 0:
            yield Skip(name, f"the archive holds more than {most // 1024**2:,} MiB; unpack it and read the folder")
            return
        os.utime(path, (source.path.stat().st_mtime,) * 2)  # no date in a chat is newer than its export
        inner = msgspec.structs.replace(source, path=path, name=name)
        yield Skip(name, "an archive inside an archive is not opened") if is_archive(inner) else inner
        path.unlink()
    if len(inside) > MOST_FILES:
        yield Skip(source.name, f"the archive holds {len(inside):,} files; the first {MOST_FILES:,} were read")


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return not parts or parts[-1].startswith(".") or parts[0] == "__MACOSX"


def _copied(packed: IO[bytes], plain: BinaryIO, most: int) -> int:
    """Copy and return the number of bytes; stop soon after `most`."""
    count = 0
    while count <= most and (chunk := packed.read(_CHUNK)):
        count += len(chunk)
        plain.write(chunk)
    return count
