"""Telegram Desktop: `result.json` of one chat or of a whole account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ijson

from threelines.platforms.read._json import Document, guarded
from threelines.platforms.read._source import Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "telegram"
_MESSAGE = "messages.item"
_FILES = (("photo", "image/*"), ("file", ""))
_READABLE = ("url", "auth", "web_view", "simple_web_view", "copy_text")
"""Buttons whose `data` is for people: an address, or words to copy. That of the others is for the bot alone."""


def sniff(path: Path, head: bytes) -> bool:
    """It has Telegram's keys: messages with senders, or a list of chats."""
    if head.lstrip()[:1] != b"{":
        return False
    one_chat = b'"messages"' in head and b'"type"' in head and (b'"from_id"' in head or b'"actor_id"' in head)
    whole = b'"chats"' in head and b'"list"' in head
    return one_chat or whole or b'"date_unixtime"' in head or b'"Here is the data you requested' in head


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per message; chats keep their ids, display names are kept only when revealed."""
    with source.open() as file:
        document = Document(file)
        number = 0
        for item in guarded(source, document, _messages(document)):
            if isinstance(item, Skip):
                yield item
                continue
            number += 1
            chat, message = item
            yield from _records(chat, message, source.at(number), options)


def _messages(document: Document) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield (chat, message) in the order of the file; a chat's name, type and id stand before its messages."""
    chat: dict[str, Any] = {}
    building: ijson.ObjectBuilder | None = None
    inside = ""
    for prefix, event, value in ijson.parse(document, use_float=True):
        if building is not None:
            building.event(event, value)
            if prefix == inside and event in ("end_map", "end_array"):
                document.item_done()
                yield chat, building.value
                building = None
        elif prefix.endswith(_MESSAGE) and event == "start_map":
            building, inside = ijson.ObjectBuilder(), prefix
            building.event(event, value)
        elif event == "start_map" and (prefix == "" or prefix.endswith(".list.item")):
            chat = {}
        elif event in ("string", "number") and prefix.rpartition(".")[2] in ("name", "type", "id"):
            chat[prefix.rpartition(".")[2]] = value


def _records(chat: dict[str, Any], message: dict[str, Any], at: str, options: Options) -> Iterator[Record | Skip]:
    moment, fault = time_of(message.get("date_unixtime") or message.get("date"))
    if fault:
        yield Repair(at, fault)
    text = _text(message.get("text"))
    if text is None:
        yield Skip(at, "the text is neither words nor a list of them")
        return
    service = message.get("type") == "service"
    if not service:
        for what, said in _beside(message):
            if said is None:
                yield Repair(at, f"the {what} has another shape than Telegram's; its words were left out")
            else:
                text = "\n".join(filter(None, (text, *said)))
    name = message.get("from") or message.get("actor")
    author = message.get("from_id") or message.get("actor_id") or name or ""
    extra = _extra(chat, message)
    if options.reveal:
        extra |= {key: value for key, value in (("author_name", name), ("chat_name", chat.get("name"))) if value}
    members = message.get("members") if service else None
    yield Record(
        id=str(message.get("id", "")) or at, kind="system" if service else "message", author=str(author),
        audience=tuple(str(one) for one in members if one) if isinstance(members, list) else (),
        conversation=str(chat.get("id", "")), time=moment, text=text, attachments=tuple(_attachments(message)),
        source=at, extra=extra,
    )  # fmt: skip


def _text(value: Any) -> str | None:
    """Telegram writes plain words as a string, marked-up words as a list of strings and entities."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return None
    parts = (part.get("text", "") if isinstance(part, dict) else part for part in value)
    return "".join(part for part in parts if isinstance(part, str))


def _beside(message: dict[str, Any]) -> Iterator[tuple[str, list[str] | None]]:
    """Yield (what, its lines) for the words that people read in a message beside its text; None: of no known shape."""
    for key, what, lines_of in (
        ("poll", "poll", _poll),
        ("contact_information", "shared contact", _contact),
        ("inline_bot_buttons", "row of buttons", _buttons),
    ):
        if message.get(key) is not None:
            yield what, lines_of(message[key])


def _poll(poll: Any) -> list[str] | None:
    """Return the question and each answer."""
    if not isinstance(poll, dict) or not isinstance(answers := poll.get("answers", []), list):
        return None
    if not all(isinstance(one, dict) for one in answers):
        return None
    words = [_text(one) for one in (poll.get("question"), *(answer.get("text") for answer in answers))]
    return None if None in words else [one for one in words if one]


def _contact(contact: Any) -> list[str] | None:
    """Return name and number as one line, as the card in the message shows them."""
    if not isinstance(contact, dict):
        return None
    parts = [contact.get(key) or "" for key in ("first_name", "last_name", "phone_number")]
    if not all(isinstance(part, str) for part in parts):
        return None
    return [" ".join(part for part in parts if part)]


def _buttons(rows: Any) -> list[str] | None:
    """Return a line for each button: its words and where it leads."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        return None
    said = []
    for button in (one for row in rows for one in row):
        if not isinstance(button, dict):
            return None
        parts = [button.get("text") or "", (button.get("data") or "") if button.get("type") in _READABLE else ""]
        if not all(isinstance(part, str) for part in parts):
            return None
        said.append(" ".join(part for part in parts if part))
    return said


def _extra(chat: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    """Keep what later steps can use and what names nobody; hidden link targets are among it."""
    extra: dict[str, Any] = {"chat_type": chat["type"]} if "type" in chat else {}
    for key in ("action", "reply_to_message_id", "edited", "media_type", "mime_type", "duration_seconds"):
        if message.get(key) not in (None, ""):
            extra[key] = message[key]
    if forwarded := message.get("forwarded_from_id") or message.get("forwarded_from"):
        extra["forwarded_account"] = str(forwarded)
    pieces = message.get("text_entities") or message.get("text")
    if isinstance(pieces, list):
        links = [part["href"] for part in pieces if isinstance(part, dict) and isinstance(part.get("href"), str)]
        if links:
            extra["links"] = links
    return extra


def _attachments(message: dict[str, Any]) -> Iterator[Attachment]:
    for key, kind in _FILES:
        if isinstance(message.get(key), str):
            yield Attachment(name=message[key], media_type=str(message.get("mime_type") or kind))
    if isinstance(message.get("contact_vcard"), str):
        yield Attachment(name=message["contact_vcard"], media_type="text/vcard")
