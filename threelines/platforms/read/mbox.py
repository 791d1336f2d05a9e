"""Mail: mbox files, one message after the other (stdlib `mailbox` indexes the whole file first, so not it)."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import cast

from threelines.platforms.read._html import words_of
from threelines.platforms.read._source import LIMIT, TOO_LONG, Options, Repair, Skip, Source, lines, without_surrogates
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "mbox"


def sniff(path: Path, head: bytes) -> bool:
    """It starts with a "From " line."""
    return head.startswith(b"From ")


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per mail: plain text first, else the words of its HTML; addresses are the accounts."""
    for number, raw in _mails(source):
        at = source.at(number)
        if raw is None:
            yield Skip(at, f"a mail is longer than {LIMIT // 1024 // 1024} MiB")
            continue
        try:
            mail = email.message_from_bytes(raw, policy=email.policy.default)
            yield from _records(mail, at, options)
        except (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError) as fault:
            # The standard parser raises all of these on headers and encodings that break the rules.
            yield Skip(at, f"no mail that can be read ({type(fault).__name__}: {str(fault)[:80]})")


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


def _records(mail: EmailMessage, at: str, options: Options) -> Iterator[Record | Skip]:
    written = str(mail.get("Date", ""))
    moment, fault = time_of(written)
    if fault:
        yield Repair(at, fault)
    body, fault = _body(mail)
    if fault:
        yield Repair(at, fault)
    first, thread = _thread(mail)
    subject = str(mail.get("Subject", "")).strip()
    extra = {"subject": subject} if subject else {}
    senders = _addresses(mail, "From")
    if options.reveal and senders and senders[0][0]:
        extra["author_name"] = senders[0][0]
    text = f"{subject}\n\n{body}" if first and subject else body
    yield Record(
        id=_id(mail, "Message-ID") or at, author=senders[0][1] if senders else "",
        audience=tuple(dict.fromkeys(address for _, address in (*_addresses(mail, "To"), *_addresses(mail, "Cc")))),
        conversation=thread, time=moment, text=without_surrogates(text), attachments=tuple(_attachments(mail)),
        source=at, extra={key: without_surrogates(value) for key, value in extra.items()},
    )  # fmt: skip


def _thread(mail: EmailMessage) -> tuple[bool, str]:
    """Return whether the mail opens its thread, and the thread: the first mail that it refers to."""
    earlier = str(mail.get("References", "")).split() or str(mail.get("In-Reply-To", "")).split()
    return not earlier, without_surrogates(earlier[0].strip("<>") if earlier else _id(mail, "Message-ID"))


def _id(mail: EmailMessage, header: str) -> str:
    return without_surrogates(str(mail.get(header, "")).strip().strip("<>"))


def _addresses(mail: EmailMessage, header: str) -> list[tuple[str, str]]:
    pairs = getaddresses([str(value) for value in mail.get_all(header, [])])
    return [(without_surrogates(name), without_surrogates(address.lower())) for name, address in pairs if address]


def _body(mail: EmailMessage) -> tuple[str, str]:
    part = cast("EmailMessage | None", mail.get_body(preferencelist=("plain", "html")))
    if part is None:
        return "", ""
    raw = part.get_payload(decode=True)
    if not isinstance(raw, bytes):
        return "", "the body is not encoded as it says; left out"
    charset = part.get_content_charset("utf-8")
    fault = ""
    try:
        text = raw.decode(charset)
    except (LookupError, UnicodeDecodeError):
        text, fault = raw.decode("utf-8", "replace"), f"bytes that are not {charset[:20]} were replaced"
    text = text.replace("\r\n", "\n")
    return (words_of(text) if part.get_content_type() == "text/html" else text.strip()), fault


def _attachments(mail: EmailMessage) -> Iterator[Attachment]:
    for part in mail.walk():
        name = part.get_filename()
        if name:
            yield Attachment(name=without_surrogates(str(name)), media_type=part.get_content_type())
