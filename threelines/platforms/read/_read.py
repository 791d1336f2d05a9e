"""The verb: files of any known format → records, with account ids as tokens."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, cast, get_args

import msgspec

import threelines.platforms.read as package
from threelines.platforms.pseudonym import conceal, pseudonyms
from threelines.platforms.read._archive import OFFICE_REASON, files_of, is_archive
from threelines.platforms.read._source import Note, Options, ReadError, ReadReport, Skip, Source
from threelines.platforms.read._times import Order
from threelines.records import Record

_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_GENERIC = ("jsonl", "json", "csv")  # asked last: many exports would pass for these


_LINK_REASON = "a link that leads out of the folder is not followed; give what it leads to by itself"


class Format(Protocol):
    """A module of this folder."""

    NAME: str

    def sniff(self, path: Path, head: bytes) -> bool:
        """Tell whether a file looks like this format."""

    def read(self, source: Source, options: Options) -> Iterator[Record | Skip]:
        """Yield records and what went wrong."""


@cache
def formats() -> dict[str, Format]:
    """Return the known formats by name: every module here that does not start with "_"."""
    names = (module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] != "_")
    found = [cast(Format, importlib.import_module(f"{package.__name__}.{name}")) for name in names]
    found.sort(key=lambda one: (_GENERIC.index(one.NAME) + 1 if one.NAME in _GENERIC else 0, one.NAME))
    return {one.NAME: one for one in found}


def read(
    inputs: str | Path | Iterable[str | Path],
    *,
    format_name: str | None = None,
    mapping: Mapping[str, str | Sequence[str]] | None = None,
    strict: bool = False,
    key: bytes | None = None,
    reveal: bool = False,
    report: ReadReport | None = None,
    encoding: str = "",
    dates: Order | None = None,
    largest: int = 0,
) -> Iterator[Record]:
    """Return the records of files and folders, or of one, one by one; `report` is filled as they flow.

    `mapping` says where a field is under another name; `text` may name several columns, which are joined in that order.

    Account ids become tokens under `key`; `reveal=True` keeps them and is a deliberate act. A broken line
    is counted and passed over, with `strict` it ends the run. `encoding` is that of all texts without a byte order
    mark, as Python calls it; without it they are UTF-8. `dates` says what stands first in a date such as
    03/04/2024 ("dmy", "mdy", "ymd"); without it each file is asked. `largest` bounds the bytes of each file once unpacked: a larger
    one is refused, also when its packed form is small.
    """
    if not reveal and key is None:
        raise ReadError("reading needs a key for the account ids, or reveal=True to keep them as they are")
    if format_name is not None and format_name not in formats():
        raise ReadError(f"no format is called {format_name!r}; known: {', '.join(sorted(formats()))}")
    if dates not in (None, *get_args(Order)):
        raise ReadError(f"no order of dates is called {dates!r}; known: {', '.join(get_args(Order))}")
    token = str if reveal or key is None else pseudonyms(key)
    options = Options(mapping=dict(mapping or {}), reveal=reveal, dates=dates, token=token)
    given = list(map(Path, _several(inputs)))
    sources = [Source(one.path, one.name, _known_encoding(encoding), largest) for one in _sources(given)]
    if mapping:
        _refuse_idle_map(sources, format_name)
    links = [Skip(name, _LINK_REASON) for one in given if one.is_dir() for name in _files(one)[1]]
    return _stream(sources, links, format_name, options, strict, report if report is not None else ReadReport())


def _refuse_idle_map(sources: list[Source], name: str | None) -> None:
    """Raise where no file is of a format that takes a mapping; beside a table, exports of platforms are let be."""
    known = [formats()[name]] if name else [_format_before(source) for source in sources]
    if all(form and not getattr(form, "TAKES_MAP", False) for form in known):
        told = ", ".join(sorted({form.NAME for form in known if form}))
        taking = ", ".join(sorted(one.NAME for one in formats().values() if getattr(one, "TAKES_MAP", False)))
        raise ReadError(
            f"--map is for formats without fields of their own ({taking}), not for {told}; leave it out, or name another --format"
        )


def _format_before(source: Source) -> Format | None:
    """Return the format of a file that can be read again; None for a pipe, and where it is not known."""
    if not source.path.is_file():
        return None
    try:
        return _sniffed(source)
    except (ReadError, EOFError, zlib.error, OSError):
        return None


def _several(inputs: str | Path | Iterable[str | Path]) -> Iterable[str | Path]:
    return [inputs] if isinstance(inputs, str | Path) else inputs  # the letters of a name would pass for files


def _known_encoding(name: str) -> str:
    """Return an encoding of texts; raise ReadError for what is none."""
    try:
        b"a".decode(name or "utf-8", "replace")  # no text is read so by what Python calls a codec besides, such as zip
    except (LookupError, ValueError) as fault:
        raise ReadError(
            f"no encoding of texts is called {name!r}; such as windows-1252 (what Excel calls ANSI in western languages), "
            "windows-1251, gb18030, big5, shift_jis"
        ) from fault
    return name


def shown_names(inputs: Iterable[str | Path], *, key: bytes | None, format_name: str | None = None) -> tuple[str, ...]:
    """Return how each input may be called in a report: its name, or its token where a file of it is named for a person.

    Without a key (ids were revealed) it is the name. A file is called as its records' `source` calls it.
    """
    token = str if key is None else pseudonyms(key)
    shown = []
    for one, sources in _by_input(inputs):
        name = one.name if one.is_dir() else sources[0].name
        hide = key is not None and any(_names_a_person(source, format_name) for source in sources)
        shown.append(token(name) if hide else name)
    return tuple(shown)


def shown_place(where: str, report: ReadReport, *, key: bytes | None) -> str:
    """Return how a report may call the place of a fault: as it stands, or with the token of a file named for a person.

    A file of no known format might be. Without a key (ids were revealed) it stands as it is.
    """
    if key is None:
        return where
    fits = [name for name in report.formats if where == name or where.startswith(f"{name}:")]
    name = max(fits, key=len, default=where)
    form = formats().get(report.formats.get(name, ""))
    if form and not getattr(form, "NAMED_FOR_A_PERSON", False):
        return where
    return pseudonyms(key)(name) + where[len(name) :]


def _names_a_person(source: Source, format_name: str | None) -> bool:
    if not source.path.is_file():  # a pipe can be read once only
        return False
    if is_archive(source):  # most often a chat's
        return True
    form = formats()[format_name] if format_name else _format_before(source)
    return getattr(form, "NAMED_FOR_A_PERSON", False)


def _sources(inputs: Iterable[str | Path]) -> list[Source]:
    return [source for _, sources in _by_input(inputs) for source in sources]


def _by_input(inputs: Iterable[str | Path]) -> list[tuple[Path, list[Source]]]:
    """Return each input with its files, under names that keep them apart."""
    found = []
    for one in map(Path, inputs):
        if one.is_dir():
            files, links = _files(one)
            if not files:
                raise ReadError(
                    f"{one}: the folder holds no file" + (f" ({links[0]}: {_LINK_REASON})" if links else "")
                )
            found.append((one, [Source(path, path.relative_to(one).as_posix()) for path in files]))
        elif one.exists():
            found.append((one, [Source(one, one.name)]))
        else:
            raise ReadError(f"{one}: there is no such file")
    names = _kept_apart([source for _, sources in found for source in sources])
    return [(one, [Source(source.path, names[_place(source)]) for source in sources]) for one, sources in found]


def _files(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the files of a folder and the names of links that lead out of it: to another case, or anywhere."""
    found = sorted(path for path in folder.rglob("*") if not path.name.startswith("."))
    home = folder.resolve()
    links = {one for one in found if one.is_symlink() and one.exists() and not _real(one).is_relative_to(home)}
    files = [one for one in found if one.is_file() and one not in links]
    return files, [one.relative_to(folder).as_posix() for one in sorted(links)]


def _real(link: Path) -> Path:
    try:
        return link.resolve(strict=True)
    except (OSError, RuntimeError):
        return Path("/")  # it leads nowhere, so not into any folder


def _kept_apart(sources: list[Source]) -> dict[Path, str]:
    """Return file → name. Files of one name (`_chat.txt`) are named from the folder they have in common.

    Ids and conversations are made from the name, so two files of one name would become one conversation.
    """
    places = {_place(source): source.name for source in sources}
    alike: dict[str, list[Path]] = {}
    for place, name in places.items():
        alike.setdefault(name, []).append(place)
    for files in alike.values():
        if len(files) > 1:
            places |= _from_common_folder(files)
    if len(set(places.values())) < len(places):  # such a name is what another file is called already
        places = _from_common_folder(list(places))
    return places


def _from_common_folder(files: list[Path]) -> dict[Path, str]:
    folder = os.path.commonpath([file.parent for file in files])
    return {file: file.relative_to(folder).as_posix() for file in files}


def _place(source: Source) -> Path:
    return Path(os.path.abspath(source.path))  # noqa: PTH100 -- links stay as they are, `..` goes


def _stream(
    sources: list[Source], links: list[Skip], name: str | None, options: Options, strict: bool, report: ReadReport
) -> Iterator[Record]:
    """Read file after file. A file that cannot be read ends the run only when it is the only one."""
    token = None if options.reveal else options.token
    for link in links:
        if strict:
            raise ReadError(f"{link.where}: {link.reason}")
        report.add(link)
    for source in sources:
        try:
            for item in _items_of(source, name, options, report):
                if isinstance(item, Record):
                    report.read += 1
                    yield conceal(item, token) if token else item
                elif strict and not isinstance(item, Note):
                    raise ReadError(f"{item.where}: {item.reason}")
                else:
                    report.add(item)
        except ReadError as fault:
            if strict or len(sources) == 1:
                raise
            report.add(Skip(source.name, str(fault).removeprefix(f"{source.name}: ")))
    if not report.read and len(sources) > 1 and report.examples:
        first = report.examples[0]
        raise ReadError(f"nothing could be read; the first fault: {first.where}: {first.reason}")


def _items_of(source: Source, name: str | None, options: Options, report: ReadReport) -> Iterator[Record | Skip]:
    """Yield what a file holds; of an archive what its files hold, where one that cannot be read is a skip as in a folder."""
    if name != "jsonl" and source.path.exists() and not source.path.is_file():
        with TemporaryDirectory(prefix="threelines-") as folder:  # a pipe is read once: format, then rows
            spooled = Path(folder, "piped")
            with source.path.open("rb") as piped, spooled.open("wb") as kept:
                shutil.copyfileobj(piped, kept)
            yield from _items_of(msgspec.structs.replace(source, path=spooled), name, options, report)
        return
    if not is_archive(source):
        yield from _items(source, name, options, report)
        return
    for part in files_of(source):
        if isinstance(part, Skip):
            yield part
            continue
        try:
            yield from _items(part, name, options, report)
        except ReadError as fault:
            yield Skip(part.name, str(fault).removeprefix(f"{part.name}: "))


def _items(source: Source, name: str | None, options: Options, report: ReadReport) -> Iterator[Record | Skip]:
    try:
        form = formats()[name] if name else _sniffed(source)
        report.formats[source.name] = form.NAME
        yield from form.read(source, options)
    except (EOFError, zlib.error, OSError) as fault:
        yield Skip(source.name, f"the file breaks off or is damaged ({fault}); what came before was read")


def _sniffed(source: Source) -> Format:
    head = source.head()
    if not head.strip():
        raise ReadError(f"{source.name}: the file is empty")
    for form in formats().values():
        if form.sniff(source.path, head):
            return form
    if head.startswith(_OLD_OFFICE):
        raise ReadError(f"{source.name}: {OFFICE_REASON}")
    if b"\0" in head[:4096]:
        raise ReadError(
            f"{source.name}: this is a binary file, not an export; known formats: {', '.join(sorted(formats()))}"
        )
    raise ReadError(
        f"{source.name}: the format is not recognised; name it with --format ({', '.join(sorted(formats()))})"
    )
