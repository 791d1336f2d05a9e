"""Facebook, Messenger and Instagram: `message_1.json` of "Download your information", and Messenger's encrypted chats.

Older files write each byte of a letter as a letter of its own (`Å¾` for ž); they are put together again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threelines.platforms.read._json import items
from threelines.platforms.read._source import Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "meta"
NAMED_FOR_A_PERSON = True
_FILES = ("photos", "videos", "gifs", "audio_files", "files", "media")
_NOTICES = ("Call", "Subscribe", "Unsubscribe")


def sniff(path: Path, head: bytes) -> bool:
    """It has participants, and messages whose sender is called as Meta calls it."""
    if head.lstrip()[:1] != b"{" or b'"participants"' not in head:
        return False
    return b'"sender_name"' in head or b'"senderName"' in head


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per message; names are the only accounts in these files, in a chat of two the other is the audience.

    A chat may come in several files, so an id is made from the file's name, which becomes a token unless revealed.
    """
    members = [name for one in items(source, "participants.item") if (name := _name(one))]
    title = next((one for key in ("thread_path", "threadName") for one in items(source, key) if _is_said(one)), "")
    chat = _whole(title) if title else source.name
    name = source.name
    if not options.reveal:
        chat, name = options.token(chat), options.token(name)
    for number, message in enumerate(items(source, "messages.item"), start=1):
        if isinstance(message, Skip):
            yield message
        elif isinstance(message, dict):
            place = source.at(number), f"{name}:{number}", chat
            yield from _records(message, place, tuple(dict.fromkeys(members)), options)
        else:
            yield Skip(source.at(number), "a message is no object")


def _records(
    message: dict[str, Any], place: tuple[str, str, str], members: tuple[str, ...], options: Options
) -> Iterator[Record | Skip]:
    at, identity, chat = place
    moment, fault = time_of(message.get("timestamp_ms") or message.get("timestamp"))
    if fault:
        yield Repair(at, fault)
    author = _said(message, "sender_name") or _said(message, "senderName")
    notice = not author or message.get("type") in _NOTICES
    text = "\n".join(filter(None, _words(message)))
    gone = message.get("is_unsent") is True or message.get("isUnsent") is True
    yield Record(
        id=identity, kind="system" if notice else "message", author=author,
        audience=tuple(name for name in members if name != author) if len(members) == 2 and author in members else (),
        conversation=chat, time=moment, text="" if notice and not options.reveal else text,
        attachments=tuple(_attachments(message, options)), source=identity, extra={"unsent": True} if gone else {},
    )  # fmt: skip


def _words(message: dict[str, Any]) -> Iterator[str]:
    yield _said(message, "content") or _said(message, "text")
    share = message.get("share")
    if isinstance(share, dict):
        yield from (_said(share, key) for key in ("share_text", "link"))


def _attachments(message: dict[str, Any], options: Options) -> Iterator[Attachment]:
    """The folder of a chat is called after a person: without `reveal` a file's own name is kept alone."""
    listed = [one for key in _FILES if isinstance(message.get(key), list) for one in message[key]]
    for one in (*listed, message.get("sticker")):
        if isinstance(one, dict) and (uri := _said(one, "uri")):
            yield Attachment(name=uri if options.reveal else uri.rpartition("/")[2])


def _name(member: Any) -> str:
    return _said(member, "name") if isinstance(member, dict) else _whole(member) if isinstance(member, str) else ""


def _said(part: dict[str, Any], key: str) -> str:
    value = part.get(key)
    return _whole(value) if isinstance(value, str) else ""


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _whole(text: str) -> str:
    """Return the text that was meant: bytes of UTF-8 written as letters are put together, any other text stays."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text
