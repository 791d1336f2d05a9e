"""DiscordChatExporter: the JSON export of one channel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threelines.platforms.read._json import head_value, items
from threelines.platforms.read._source import Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "discord"
_SPOKEN = ("Default", "Reply", "ThreadStarterMessage", "ChatInputCommand", "20", "21", "0", "19")


def sniff(path: Path, head: bytes) -> bool:
    """It opens with a guild and a channel."""
    return head.lstrip()[:1] == b"{" and b'"guild"' in head and b'"channel"' in head


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per message; nicknames, colours and avatars are kept only when revealed."""
    channel = head_value(source, "channel.id", "channel.type", "channel.name", "guild.id")
    for number, message in enumerate(items(source, "messages.item"), start=1):
        if isinstance(message, Skip):
            yield message
        elif isinstance(message, dict):
            yield from _records(channel, message, source.at(number), options)
        else:
            yield Skip(source.at(number), "a message is no object")


def _records(channel: dict[str, Any], message: dict[str, Any], at: str, options: Options) -> Iterator[Record | Skip]:
    moment, fault = time_of(message.get("timestamp"))
    if fault:
        yield Repair(at, fault)
    author = _part(message, "author")
    extra: dict[str, Any] = {"guild": str(channel["guild.id"])} if channel.get("guild.id") else {}
    if author.get("isBot"):
        extra["bot"] = True
    if reply := _part(message, "reference").get("messageId"):
        extra["reply_to"] = str(reply)
    if options.reveal:
        names = {
            "author_name": author.get("nickname") or author.get("name"),
            "channel_name": channel.get("channel.name"),
        }
        extra |= {key: value for key, value in names.items() if value}
    passed_on = _part(message, "forwardedMessage")
    texts = _text(message, author), _text(passed_on, {})
    yield Record(
        id=str(message.get("id") or at), kind="message" if message.get("type", "Default") in _SPOKEN else "system",
        author=str(author.get("id") or author.get("name") or ""), audience=tuple(_ids(message.get("mentions"))),
        conversation=str(channel.get("channel.id", "")), time=moment, text="\n\n".join(filter(None, texts)),
        attachments=tuple(file for one in (message, passed_on) for file in _attachments(one.get("attachments"))), source=at, extra=extra,
    )  # fmt: skip


def _text(message: dict[str, Any], author: dict[str, Any]) -> str:
    """The cards of a bot or webhook are its words; one of a page that a person links is written by Discord, of that page."""
    content = message.get("content")
    said = content if isinstance(content, str) else ""
    parts: list[Any] = [said]
    for card in _objects(message.get("embeds")):
        link = card.get("url")
        if isinstance(link, str) and link in said and not author.get("isBot"):
            continue
        parts += [_part(card, "author").get("name"), card.get("title"), card.get("description")]
        parts += [field.get(key) for field in _objects(card.get("fields")) for key in ("name", "value")]
        parts += [_part(card, "footer").get("text"), link]
    return "\n\n".join(part for part in parts if isinstance(part, str) and part)


def _part(message: dict[str, Any], key: str) -> dict[str, Any]:
    part = message.get(key)
    return part if isinstance(part, dict) else {}


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _ids(mentions: Any) -> Iterator[str]:
    for one in _objects(mentions):
        if one.get("id"):
            yield str(one["id"])


def _attachments(files: Any) -> Iterator[Attachment]:
    for one in _objects(files):
        if name := one.get("fileName") or one.get("url"):
            yield Attachment(name=str(name))
