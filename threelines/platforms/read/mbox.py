"""Mail: mbox files, one message after the other (stdlib `mailbox` indexes the whole file first, so not it)."""

from __future__ import annotations

import codecs
import email
import email.policy
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any, cast

from threelines.platforms.read._html import words_of
from threelines.platforms.read._source import LIMIT, TOO_LONG, Options, Repair, Skip, Source, lines, without_surrogates
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "mbox"
_LONGEST = {"subject": 8 * 1024, "": 1024}
"""Characters of a header that the standard parser is given: its time grows with the square of them."""
_LONGEST_LIST = 32 * 1024
"""The same for addresses and references, which are not given to it."""
_HEADERS = 128 * 1024
"""Characters of all headers of one mail that it is given; a header that is repeated counts once."""
_PARTS, _MULTIPARTS = 2000, 50
"""Most parts of one mail; each line is compared with the boundary of every multipart around it."""
_SLOW = ("punycode", "idna")
"""Codecs of host names, no charsets; their time grows with the square of the text, too."""

_CHARSETS = {
    "windows-874": "cp874", "tis-620": "cp874", "iso-8859-11": "cp874", "x-sjis": "cp932", "shift_jis": "cp932", "x-euc-jp": "euc_jp",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "x-gbk": "gb18030", "gbk": "gb18030", "gb2312": "gb18030",
    "x-x-big5": "big5hkscs", "big5": "big5hkscs", "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "x-mac-cyrillic": "mac_cyrillic",
    "x-mac-roman": "mac_roman", "unicode-1-1-utf-8": "utf-8", "utf8mb4": "utf-8", **{f"x-cp{page}": f"cp{page}" for page in range(1250, 1259)},
}  # fmt: skip
"""Charset of a mail → Python's name of what is meant by it, or of the larger one that is written under it (WHATWG Encoding)."""


def sniff(path: Path, head: bytes) -> bool:
    """It starts with a "From " line."""
    return head.startswith(b"From ")


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per mail with all words that it shows (plain text before HTML); addresses are the accounts."""
    for number, raw in _mails(source):
        at = source.at(number)
        if raw is None:
            yield Skip(at, f"a mail is longer than {LIMIT // 1024 // 1024} MiB")
            continue
        try:
            bounds = _Bounds()
            policy = email.policy.default.clone(header_factory=bounds.header, message_factory=bounds.part)
            yield from _records(cast(_Part, email.message_from_bytes(raw, policy=policy)), at, options)
            for name in bounds.cut:
                yield Repair(at, f"the header {name[:40]} is longer than what is read of it; it was cut")
        except (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as fault:
            # The standard parser raises all of these on headers and encodings that break the rules.
            yield Skip(at, f"no mail that can be read ({type(fault).__name__}: {str(fault)[:80]})")


class _Bounds:
    """What one mail may make the standard parser do: a few hundred kilobytes can keep it busy for minutes."""

    def __init__(self) -> None:
        self.cut: dict[str, None] = {}
        """Headers that were cut."""
        self._left, self._parts, self._multiparts = _HEADERS, 0, 0
        self._parsed: dict[tuple[str, str], Any] = {}

    def header(self, name: str, value: str) -> Any:
        """Return a header as the standard parser gives it, cut before and kept: it is asked for many times."""
        key = name.lower(), value
        if key not in self._parsed:
            longest = min(_LONGEST.get(key[0], _LONGEST[""]), self._left)
            if len(value) > longest:
                self.cut[key[0]] = None
                value = value[:longest]
            self._left -= len(value)
            self._parsed[key] = email.policy.default.header_factory(name, value)
        return self._parsed[key]

    def part(self, policy: Any = None) -> EmailMessage:
        """Return an empty part for the parser to fill; raises ValueError for one too many."""
        self._parts += 1
        if self._parts > _PARTS:
            raise ValueError(f"more than {_PARTS} parts")
        return _Part(self, policy)

    def multipart(self) -> None:
        """Count a part that holds others; raises ValueError for one too many."""
        self._multiparts += 1
        if self._multiparts > _MULTIPARTS:
            raise ValueError(f"more than {_MULTIPARTS} parts that hold others")


class _Part(EmailMessage):
    def __init__(self, bounds: _Bounds, policy: Any) -> None:
        super().__init__(policy)
        self.bounds = bounds

    def get_boundary(self, failobj: Any = None) -> Any:
        """The parser asks once for each part that holds others."""
        self.bounds.multipart()
        return super().get_boundary(failobj)


def _mails(source: Source) -> Iterator[tuple[int, bytes | None]]:
    """Yield (line, mail), None for one that is too long; ">From " lines get their "From " back (mboxrd)."""
    parts: list[bytes] = []
    size, start, blank = 0, 0, True
    for number, line in lines(source):
        if blank and line.startswith(b"From "):
            if start:
                yield start, b"".join(parts) if size <= LIMIT else None
            parts, size, start = [], 0, number
        elif start:
            size += len(line) if line != TOO_LONG else LIMIT + 1
            if size > LIMIT:
                parts.clear()
            else:
                parts.append(line[1:] if line.startswith(b">") and line.lstrip(b">").startswith(b"From ") else line)
        blank = not line.strip() and line != TOO_LONG
    if start:
        yield start, b"".join(parts) if size <= LIMIT else None


def _records(mail: _Part, at: str, options: Options) -> Iterator[Record | Skip]:
    written = str(mail.get("Date", ""))
    moment, fault = time_of(written)
    if fault:
        yield Repair(at, fault)
    faults: list[str] = []
    body = _words(mail, faults)
    yield from (Repair(at, fault) for fault in dict.fromkeys(faults))
    first, thread = _thread(mail)
    subject = _subject(mail)
    extra = {"subject": subject} if subject else {}
    senders = _addresses(mail, "From")
    if options.reveal and senders and senders[0][0]:
        extra["author_name"] = _name(senders[0][0])
    text = f"{subject}\n\n{body}" if first and subject else body
    yield Record(
        id=_id(mail, "Message-ID") or at, author=senders[0][1] if senders else "",
        audience=tuple(dict.fromkeys(address for _, address in (*_addresses(mail, "To"), *_addresses(mail, "Cc")))),
        conversation=thread, time=moment, text=without_surrogates(text), attachments=tuple(_attachments(mail)),
        source=at, extra={key: without_surrogates(value) for key, value in extra.items()},
    )  # fmt: skip


def _thread(mail: _Part) -> tuple[bool, str]:
    """Return whether the mail opens its thread, and the thread: the first mail that it refers to."""
    earlier = " ".join(_listed(mail, "References")).split() or " ".join(_listed(mail, "In-Reply-To")).split()
    return not earlier, without_surrogates(earlier[0].strip("<>") if earlier else _id(mail, "Message-ID"))


def _id(mail: EmailMessage, header: str) -> str:
    return without_surrogates(str(mail.get(header, "")).strip().strip("<>"))


def _addresses(mail: _Part, header: str) -> list[tuple[str, str]]:
    return [(name, address.lower()) for name, address in getaddresses(_listed(mail, header)) if address]


def _listed(mail: _Part, header: str) -> list[str]:
    """Return the values of a header that lists addresses or ids, as written."""
    left, kept = _LONGEST_LIST, []
    for name, value in mail.raw_items():
        if name.lower() == header.lower():
            if len(value) > left:
                mail.bounds.cut[name.lower()] = None
            kept.append(str(value)[:left].encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
            left -= len(value[:left])
    return kept


def _name(written: str) -> str:
    try:
        return str(make_header(decode_header(written)))
    except (LookupError, ValueError, HeaderParseError):
        return written


def _words(part: EmailMessage, faults: list[str]) -> str:
    """Return all words that a part shows, those of mails inside it too; what was wrong with them goes to `faults`."""
    kind = part.get_content_type()
    inner = [one for one in part.iter_parts() if isinstance(one, EmailMessage)]
    if kind == "message/rfc822":  # a mail that is passed on, shown or attached
        return "\n\n".join(filter(None, (text for one in inner for text in (_subject(one), _words(one, faults)))))
    if part.is_attachment():
        return ""
    if kind in ("text/plain", "text/html"):
        return _decoded(part, faults)
    if kind == "multipart/alternative":  # the same words in several forms
        inner.sort(key=_preferred)
        return next((text for one in inner if (text := _words(one, faults))), "")
    if kind == "multipart/related":  # what stands beside the first is shown inside it
        start = part.get_param("start")
        inner = [one for one in inner if start and one["content-id"] == start][:1] or inner[:1]
    elif part.get_content_maintype() != "multipart":
        return ""
    return "\n\n".join(text for one in inner if (text := _words(one, faults)))


def _preferred(part: EmailMessage) -> int:
    kind = part.get_content_type()
    return 0 if kind == "text/plain" else 2 if kind == "text/html" else 1


def _subject(mail: EmailMessage) -> str:
    return str(mail.get("Subject", "")).strip()


def _decoded(part: EmailMessage, faults: list[str]) -> str:
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        faults.append("the body is not encoded as it says; left out")
        return ""
    text, fault = _text_of(raw, part.get_content_charset("utf-8"))
    faults += [fault] if fault else []
    text = text.replace("\r\n", "\n")
    return words_of(text) if part.get_content_type() == "text/html" else text.strip()


def _text_of(raw: bytes, charset: str) -> tuple[str, str]:
    """Return bytes as text, and what was wrong with them."""
    name = _CHARSETS.get(charset, charset)
    try:
        if codecs.lookup(name).name in _SLOW:
            raise LookupError(charset)
        return raw.decode(name), ""
    except LookupError:
        known, fault = False, f"the charset {charset[:20]!r} is not known; the text was read as UTF-8"
    except UnicodeDecodeError:
        known, fault = True, f"the text is not {charset[:20]}; it was read as UTF-8"
    try:
        return raw.decode("utf-8"), fault
    except UnicodeDecodeError:
        if known:
            return raw.decode(name, "replace"), f"bytes that are not {charset[:20]} were replaced"
        return raw.decode("utf-8", "replace"), f"{fault}, and bytes that are not were replaced"


def _attachments(mail: EmailMessage) -> Iterator[Attachment]:
    for part in mail.walk():
        name = part.get_filename()
        if name:
            yield Attachment(name=without_surrogates(str(name)), media_type=part.get_content_type())
