"""Files that a command writes: refused early when they cannot be, and never left half written."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click


class OutFile(click.Path):
    """A file to write: its folder must be there before hours of work are done for it."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or say why nothing can be written there."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(
                f"{path}: there is no folder {str(path.parent)!r}; make it first, or name another file", param, ctx
            )
        if not path.exists() and not os.access(path.parent, os.W_OK):
            self.fail(f"{path}: the folder cannot be written to; name a file elsewhere", param, ctx)
        return path


def keep_apart(outputs: Iterable[tuple[str, Path | None]], inputs: Iterable[Path] = ()) -> None:
    """Refuse an output that is an input, is read as one of an input folder, or is named twice."""
    sources = [path.resolve() for path in inputs]
    taken: set[Path] = set()
    for option, path in outputs:
        if path is None or (path.exists() and not path.is_file()):
            continue  # a pipe or /dev/null may take several outputs
        place = path.resolve()
        if place in sources or (place.exists() and any(one in place.parents for one in sources)):
            raise click.UsageError(f"{option} {path} would overwrite an input; name another file")
        if place in taken:
            raise click.UsageError(f"{option} {path} is written by another option too; name another file")
        taken.add(place)


_JOINERS = "\u200c\u200d"
"""Persian, Indic scripts and emoji are written with these."""


def visible(text: str) -> str:
    """Replace what a terminal would obey instead of show; ids and quotes are hostile input."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in _JOINERS else "\ufffd" for letter in text)


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a place beside `path` to write to, moved there at the end: what fails leaves no half file, and the old one."""
    if path.exists() and not path.is_file():  # a pipe, a terminal, /dev/null: there is nothing to move
        yield path
        return
    place = path.resolve()  # a link stays a link
    # hidden: a folder that is read may be the same; of a name of its own: another run may write the same file, and the
    # last one to end wins, whole; the ending stays, for what is told by it
    part = place.with_name(f".{place.stem}.{secrets.token_hex(8)}.part{place.suffix}")
    try:
        yield part
        part.replace(place)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def beside_all(path: Path, endings: Iterable[str]) -> Iterator[Path]:
    """Do as `beside` for `path` and the files of its name with other endings: all of them are moved, or none is left."""
    others = tuple(endings)
    with beside(path) as part:
        try:
            yield part
            for ending in others:
                part.with_suffix(ending).replace(path.with_suffix(ending).resolve())
        finally:
            for ending in others:
                part.with_suffix(ending).unlink(missing_ok=True)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a place beside `path` for writing bytes, as `beside` does."""
    with beside(path) as part, part.open("wb") as file:
        yield file
