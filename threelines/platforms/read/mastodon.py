"""Mastodon and other ActivityPub servers: the `outbox.json` of an account's archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threelines.platforms.read._html import words_of
from threelines.platforms.read._json import items
from threelines.platforms.read._source import Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record

NAME = "mastodon"


def sniff(path: Path, head: bytes) -> bool:
    """It is an ActivityPub collection with ordered items."""
    return head.lstrip()[:1] == b"{" and b'"orderedItems"' in head


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per post, its HTML as words; boosts of others are kept as `system`."""
    for number, item in enumerate(items(source, "orderedItems.item"), start=1):
        if isinstance(item, Skip):
            yield item
        elif isinstance(item, dict):
            yield from _records(item, source.at(number))
        else:
            yield Skip(source.at(number), "an activity is no object")


def _records(activity: dict[str, Any], at: str) -> Iterator[Record | Skip]:
    moment, fault = time_of(activity.get("published"))
    if fault:
        yield Repair(at, fault)
    note = activity.get("object")
    actor = _address(activity.get("actor"))
    if activity.get("type") != "Create" or not isinstance(note, dict):
        yield Record(
            id=_address(activity.get("id")) or at, kind="system", author=actor, time=moment, source=at,
            extra={"action": str(activity.get("type", ""))},
        )  # fmt: skip
        return
    mentions = [tag for tag in _list(note.get("tag")) if isinstance(tag, dict) and tag.get("type") == "Mention"]
    yield Record(
        id=_address(note.get("id")) or at, kind="post", author=actor or _address(note.get("attributedTo")),
        audience=tuple(address for tag in mentions if (address := _address(tag.get("href")))),
        conversation=str(note.get("conversation") or note.get("context") or ""), time=moment, text=_text(note),
        language=_language(note), attachments=tuple(_attachments(note)), source=at, extra=_extra(note),
    )  # fmt: skip


def _text(note: dict[str, Any]) -> str:
    """The content warning and the answers of a poll are part of what was said."""
    answers = [one.get("name") for key in ("oneOf", "anyOf") for one in _list(note.get(key)) if isinstance(one, dict)]
    parts = [note.get("summary"), note.get("content"), *answers]
    return "\n\n".join(words_of(part) for part in parts if isinstance(part, str) and part)


def _language(note: dict[str, Any]) -> str:
    languages = note.get("contentMap")
    return next(iter(languages)) if isinstance(languages, dict) and len(languages) == 1 else ""


def _extra(note: dict[str, Any]) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if reply := _address(note.get("inReplyTo")):
        extra["reply_to"] = reply
    public = any(str(to).endswith("#Public") for to in (*_list(note.get("to")), *_list(note.get("cc"))))
    extra["visibility"] = "public" if public else "limited"
    return extra


def _attachments(note: dict[str, Any]) -> Iterator[Attachment]:
    for one in _list(note.get("attachment")):
        if isinstance(one, dict) and (url := _address(one.get("url"))):
            yield Attachment(name=url, media_type=str(one.get("mediaType") or ""))


def _address(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
