"""Reddit: listings of its API, and dumps with one post or comment per line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from threelines.platforms.read._json import items
from threelines.platforms.read._source import Options, Repair, Skip, Source
from threelines.platforms.read._times import time_of
from threelines.platforms.read.jsonl import objects
from threelines.records import Attachment, Record

NAME = "reddit"
_LISTINGS = ("data.children.item.data", "item.data.children.item.data")
_KIND = re.compile("t[1-6]_")
_GONE = ("[deleted]", "[removed]", "[deleted by user]", "[ Removed by Reddit ]")


def sniff(path: Path, head: bytes) -> bool:
    """It holds a Listing, or its first line has a subreddit and words."""
    start = head.lstrip()
    if start[:1] not in b"{[" or not start:
        return False
    squeezed = head.replace(b" ", b"")
    if b'"kind":"Listing"' in squeezed:
        return True
    first = start.partition(b"\n")[0]
    return start[:1] == b"{" and b'"subreddit"' in first and (b'"body"' in first or b'"selftext"' in first)


def read(source: Source, options: Options) -> Iterator[Record | Skip]:
    """Yield a record per post (title and text) and comment; a post or comment whose words are all deleted is `system`."""
    start = source.head()
    if b'"kind":"Listing"' not in start.replace(b" ", b""):
        for at, row in objects(source):
            yield from (row,) if isinstance(row, Skip) else _records(row, at)
        return
    prefix = _LISTINGS[start.lstrip()[:1] == b"["]
    for number, item in enumerate(items(source, prefix), start=1):
        if isinstance(item, Skip):
            yield item
        else:
            yield from _with_replies(item, source, number)


def _with_replies(item: Any, source: Source, number: int) -> Iterator[Record | Skip]:
    """A comment of a listing holds the answers to it, at any depth."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        yield from _records(one, source.at(number))
        replies = one.get("replies") if isinstance(one, dict) else None
        if isinstance(replies, dict):
            children = replies.get("data", {}).get("children", []) if isinstance(replies.get("data"), dict) else []
            waiting += [
                child.get("data")
                for child in reversed(children)
                if isinstance(child, dict) and child.get("kind") != "more"
            ]


def _records(row: Any, at: str) -> Iterator[Record | Skip]:
    if not isinstance(row, dict):
        yield Skip(at, "no object of Reddit")
        return
    body = row.get("body") if isinstance(row.get("body"), str) else None
    title, more = row.get("title"), row.get("selftext")
    if body is None and not isinstance(title, str) and not isinstance(more, str):
        yield Skip(at, "neither body nor title nor selftext")
        return
    moment, fault = time_of(row.get("created_utc") or row.get("created"))
    if fault:
        yield Repair(at, fault)
    parts = [part for part in ((title, more) if body is None else (body,)) if isinstance(part, str) and part]
    left = [part for part in parts if part not in _GONE]  # often the body of a post goes and its title stays
    author = row.get("author")
    name = _full(row.get("name") or row.get("id"), "t3_" if body is None else "t1_")
    yield Record(
        id=name or at, kind="system" if parts and not left else "post" if body is None else "message",
        author=str(author) if author and author not in _GONE else "",
        conversation=_full(row.get("link_id"), "t3_") or (name if body is None else ""), time=moment,
        text="\n\n".join(left or parts),
        attachments=tuple(_attachments(row)), source=at,
        extra={key: row[key] for key in ("subreddit", "parent_id", "score", "permalink") if row.get(key) is not None},
    )  # fmt: skip


def _full(name: Any, kind: str) -> str:
    """Return a name with its kind in front: dumps may have only the `id`, which comments name as `t3_` and the id."""
    return f"{'' if _KIND.match(str(name)) else kind}{name}" if name else ""


def _attachments(row: dict[str, Any]) -> Iterator[Attachment]:
    url = row.get("url")
    if isinstance(url, str) and not row.get("is_self") and row.get("body") is None:
        yield Attachment(
            name=url, media_type="image/*" if url.endswith((".jpg", ".png", ".jpeg", ".gif", ".webp")) else ""
        )
