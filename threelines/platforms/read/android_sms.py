"""SMS Backup & Restore (Android): the XML of a phone's text and picture messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from xml.parsers import expat

from threelines.platforms.read._source import LIMIT, Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "android_sms"
NAMED_FOR_A_PERSON = True
OWNER = "owner of the phone"
"""Who sent what the phone sent: the file does not say their number."""
_RECEIVED, _SENT = "1", "2"
_FROM = "137"
"""Of a picture message's addresses, the kind of who sent it (OMA MMS encapsulation)."""
_CHUNK = 64 * 1024
_REFERENCES = re.compile(rb"(?:&#\d{1,7};)+")
"""The app writes an emoji as the two halves of UTF-16, each a reference of its own, which no XML parser takes."""
_DATA = re.compile(rb"""\s*<part(?:\s+(?!data[\s=])[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s+data\s*=\s*(?P<quote>["'])""")
"""A part up to its bytes, which nobody needs and which may be a whole video."""
_EMPTY = ("", "null", "(Unknown)", "insert-address-token")


class _Message(NamedTuple):
    """One element, with the parts and addresses of a picture message."""

    told: dict[str, str]
    parts: list[dict[str, str]]
    addresses: list[dict[str, str]]


class _NotTaken(ValueError):
    """What an export of this app never holds."""


def sniff(path: Path, head: bytes) -> bool:
    """It is XML whose root is called smses."""
    return head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<" and b"<smses" in head


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per message; the other side's number is the account, the phone's owner has none.

    A phone has several backups, so an id is made from the file's name, which becomes a token unless revealed.
    """
    name, number = source.name if options.reveal else options.token(source.name), 0
    for item in _messages(source):
        if isinstance(item, Skip):
            yield item
        else:
            number += 1
            yield from _records(item, (source.at(number), f"{name}:{number}"), options)


def _records(message: _Message, place: tuple[str, str], options: Options) -> Iterator[Record | Skip]:
    (at, identity), told = place, message.told
    moment, fault = time_of(told.get("date"))
    if fault:
        yield Repair(at, fault)
    others = [one for one in told.get("address", "").split("~") if one not in _EMPTY]
    way = told.get("type") or told.get("msg_box") or _RECEIVED
    author = OWNER if way != _RECEIVED else _sender(message) or next(iter(others), "")
    heard = [*others, *([OWNER] if way == _RECEIVED else [])]
    chat = ",".join(sorted(others))
    chat = chat if options.reveal else options.token(chat)
    extra: dict[str, Any] = {} if way in (_RECEIVED, _SENT) else {"unsent": True}
    if options.reveal and told.get("contact_name", "") not in _EMPTY:
        extra["contact_name"] = told["contact_name"]
    yield Record(
        id=identity, author=author, audience=tuple(one for one in dict.fromkeys(heard) if one != author),
        conversation=chat, time=moment, text="\n".join(_words(message)), attachments=tuple(_attachments(message)),
        source=identity, extra=extra,
    )  # fmt: skip


def _sender(message: _Message) -> str:
    found = (one.get("address", "") for one in message.addresses if one.get("type") == _FROM)
    return next((one for one in found if one not in _EMPTY), "")


def _words(message: _Message) -> Iterator[str]:
    subject = message.told.get("sub", "")
    said = ["" if subject in _EMPTY else subject, message.told.get("body", "")]
    said += [one.get("text", "") for one in message.parts if one.get("ct") == "text/plain"]
    yield from filter(None, said)


def _attachments(message: _Message) -> Iterator[Attachment]:
    for part in message.parts:
        kind = part.get("ct", "")
        if kind and kind not in ("text/plain", "application/smil"):
            names = (part.get(key, "") for key in ("cl", "fn", "name"))
            yield Attachment(name=next((one for one in names if one not in _EMPTY), ""), media_type=kind)


def _messages(source: Source) -> Iterator[_Message | Skip]:
    """Yield each message as it is complete; what breaks off, or is no XML of this app, is one skip."""
    elements = _Elements()
    try:
        for chunk in _chunks(source):
            elements.feed(chunk)
            yield from elements.taken()
        elements.end()
    except (expat.ExpatError, _NotTaken) as fault:
        yield from elements.taken()
        yield Skip(source.name, f"the XML breaks off ({str(fault)[:100]}); what came before was read")


class _Elements:
    """Gathers messages while a parser runs; of pictures their names alone."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._begun
        self._parser.EndElementHandler = self._ended
        self._parser.StartDoctypeDeclHandler = self._refused  # no entities: they may grow without end, or name files
        self._open = _Message({}, [], [])
        self._done: list[_Message] = []

    def feed(self, data: bytes) -> None:
        """Read on."""
        self._parser.Parse(data, False)

    def end(self) -> None:
        """Raise ExpatError where the document is not whole."""
        self._parser.Parse(b"", True)

    def taken(self) -> list[_Message]:
        """Return what has become complete."""
        done, self._done = self._done, []
        return done

    def _begun(self, name: str, told: dict[str, str]) -> None:
        if name in ("sms", "mms"):
            self._open = _Message(told, [], [])
        elif name == "part":
            self._open.parts.append({key: value for key, value in told.items() if key != "data"})
        elif name == "addr":
            self._open.addresses.append(told)

    def _ended(self, name: str) -> None:
        if name in ("sms", "mms"):
            self._done.append(self._open)

    def _refused(self, *_: Any) -> None:
        raise _NotTaken("it declares a document type, which these files never do")


def _chunks(source: Source) -> Iterator[bytes]:
    """Yield the file up to an element's end at a time, with halves of letters put together, without a long part's bytes."""
    kept = b""
    with source.open() as file:
        while chunk := file.read(_CHUNK):
            kept += chunk
            whole, end, rest = kept.rpartition(b">")
            if end:
                yield _REFERENCES.sub(_joined, whole + end)
                kept = rest
            if opened := _DATA.match(kept):
                kept = opened[0] + _from_quote(opened["quote"], kept[opened.end() :], file)
            if len(kept) > LIMIT:
                raise _NotTaken(f"an element is longer than {LIMIT // 1024 // 1024} MiB")
    yield _REFERENCES.sub(_joined, kept)


def _from_quote(quote: bytes, chunk: bytes, file: BinaryIO) -> bytes:
    """Return what the file holds from the quote on that ends a value; nothing where it never ends."""
    while chunk and quote not in chunk:
        chunk = file.read(_CHUNK)
    return chunk[chunk.find(quote) :] if chunk else b""


def _joined(found: re.Match[bytes]) -> bytes:
    """Return a run of references as XML has them: halves put together, U+FFFD for what is no letter."""
    units = [int(number) for number in re.findall(rb"\d+", found[0])]
    made, at = [], 0
    while at < len(units):
        pair = units[at : at + 2]
        if len(pair) == 2 and 0xD800 <= pair[0] < 0xDC00 <= pair[1] <= 0xDFFF:
            made.append(0x10000 + ((pair[0] - 0xD800) << 10) + (pair[1] - 0xDC00))
            at += 2
        else:
            made.append(pair[0] if _is_letter(pair[0]) else 0xFFFD)
            at += 1
    return b"".join(b"&#%d;" % one for one in made)


def _is_letter(number: int) -> bool:
    """Whether XML 1.0 allows the character."""
    return number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0x10000 <= number < 0x110000
