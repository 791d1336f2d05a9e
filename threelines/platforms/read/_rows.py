"""The generic form: one row of any table or JSON object → records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from threelines.platforms.read._source import Options, ReadError, Repair, Skip
from threelines.platforms.read._times import time_of
from threelines.records import KINDS, Attachment, Record

FIELDS = (
    "id", "kind", "author", "audience", "conversation", "time", "text", "language", "attachments", "label", "source",
)  # fmt: skip
_NESTED = ("turns", "posts")
_NEEDED = ("text", "label")  # where the column of one is missing, no other part of a row says what was asked
_ABSENT = object()
_LIKELY = ("body", "message", "content", "description", "msg", "comment", "post", "tweet", "caption", "title")
_ONE_WORD = ("id", "author", "conversation", "language", "source")
_DEEPEST = 40
_SHOWN = 20  # columns in a message
_ENOUGH = 100  # rows without text before the whole file is refused


class Rows:
    """Turn rows into records under one column map, and notice when a file has no text at all."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self._constants = {field: value[1:] for field, value in options.mapping.items() if value[:1] == "="}
        self._columns = {field: value for field, value in options.mapping.items() if value[:1] != "="}
        unknown = sorted(set(options.mapping) - {*FIELDS, *_NESTED})
        if unknown:
            raise ReadError(f"--map: no field is called {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
        self._unseen = set(self._columns.values())
        self._found: dict[str, None] = {}
        self._good = self._without_text = 0

    def records(self, row: Any, at: str) -> Iterable[Record | Skip]:
        """Return what a row holds: a record, the turns of a conversation or the posts of an account."""
        if not isinstance(row, dict):
            return (Skip(at, f"a JSON object was expected, not {_shown(row)}"),)
        given = row
        if self._columns or self._constants:
            row = self._renamed(row)
        if "text" not in row:
            for nested, spread in (("turns", _turns), ("posts", _posts)):
                if isinstance(row.get(nested), list):
                    self._good += 1
                    faults = _without_objects(row)
                    return (*(Repair(at, fault) for fault in faults), *spread(row, at))
            if not (row.get("attachments") or row.get("kind") in ("media", "system")):
                return (self._no_text(given, at),)
        self._good += 1
        return _record(row, at)

    def finish(self) -> Iterator[Repair]:
        """Refuse a file in which no row had a text, or the column of the text or label; tell of other mapped columns."""
        self._refuse_without_text()
        if self._found:  # of a file without a row nothing can be said
            for field, column in self._columns.items():
                if column in self._unseen:
                    reason = _no_column_reason(list(self._found), field, column)
                    if field in _NEEDED:
                        raise ReadError(f"{self.name}: {reason}")
                    yield Repair(self.name, reason)

    def require(self, columns: Iterable[str]) -> None:
        """Refuse a table at its header when it has no text column, or not a column that was mapped."""
        names = list(columns)
        if self._constants.get("text") is None and not _may_hold(names, self._columns.get("text", "text")):
            raise ReadError(f"{self.name}: {_no_text_reason(names, self._columns.get('text', 'text'))}")
        for field, column in self._columns.items():
            if not _may_hold(names, column):
                raise ReadError(f"{self.name}: {_no_column_reason(names, field, column)}")
        self._unseen.difference_update(names)

    def _refuse_without_text(self) -> None:
        if self._without_text and not self._good:
            raise ReadError(f"{self.name}: {self._reason}")

    def _renamed(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row under our names; a column that has the name of a field which another one gives goes to `extra`."""
        taken = {column: value for column in self._columns.values() if (value := _part(row, column)) is not _ABSENT}
        if self._unseen:
            self._unseen.difference_update(taken)
            if len(self._found) < _SHOWN:
                self._found.update(dict.fromkeys(row))
        named = {key: value for key, value in row.items() if key not in taken}
        given = self._columns.keys() | self._constants.keys()
        if beside := {field: named.pop(field) for field in given & named.keys()}:
            own = named.get("extra", {})
            named["extra"] = {**beside, **own} if isinstance(own, dict) else {**beside, "extra": own}
        for field, column in self._columns.items():
            if column in taken:
                named[field] = taken[column]
        return named | self._constants

    def _no_text(self, row: dict[str, Any], at: str) -> Skip:
        self._reason = _no_text_reason(list(row), self._columns.get("text", "text"))
        self._without_text += 1
        if self._without_text >= _ENOUGH and not self._good:
            self._refuse_without_text()
        return Skip(at, self._reason)


def _part(row: dict[str, Any], column: str) -> Any:
    """Return the value of a column; `author.id`, where no column is called so, is `id` of the object `author`."""
    if column in row:
        return row[column]
    name, dot, rest = column.partition(".")
    inner = row.get(name) if dot else None
    return _part(inner, rest) if isinstance(inner, dict) else _ABSENT


def _may_hold(names: list[str], column: str) -> bool:
    return column in names or column.partition(".")[0] in names


def _no_text_reason(columns: list[str], wanted: str) -> str:
    likely = next((name for name in columns if name.lower() in _LIKELY), "COLUMN")
    return f"no column {wanted!r} (found: {_listing(columns)}); name the text with --map text={likely}"


def _no_column_reason(columns: list[str], field: str, column: str) -> str:
    return f"--map {field}={column}: there is no column {column!r} (found: {_listing(columns)})"


def _listing(columns: list[str]) -> str:
    return ", ".join(map(str, columns[:_SHOWN])) or "none"


def _record(row: dict[str, Any], at: str, **given: Any) -> Iterable[Record | Skip]:
    found = set(map(type, row.values()))  # most rows are words only, and pay for no more than this
    if float in found:  # NaN is how a table of floats writes nothing
        row = {key: value for key, value in row.items() if value == value}
    faults = _without_objects(row) if list in found or dict in found else []
    take = row.pop
    text, identity, kind = take("text", ""), take("id", None), take("kind", None)
    author, audience, conversation = take("author", ""), take("audience", ()), take("conversation", "")
    moment, fault = time_of(take("time", None))
    language, attachments = take("language", ""), take("attachments", ())
    label, odd = label_of(take("label", ""))
    source, extra = take("source", at), take("extra", None)
    faults += [one for one in (fault, odd) if one]
    if not isinstance(text, str):
        if isinstance(text, list | dict):
            return (Skip(at, f"the text is {_shown(text)}, not words"),)
        text = word_of(text)
    if kind and kind not in KINDS:
        row["kind"] = kind
        faults.append(f"kind {str(kind)[:40]!r} is none of {', '.join(KINDS)}; read as message")
        kind = None
    if extra is not None:
        row = {**row, **extra} if isinstance(extra, dict) else {**row, "extra": extra}
    if row and any(isinstance(value, list | dict) for value in row.values()) and _depth(row) > _DEEPEST:
        row = {key: value for key, value in row.items() if not isinstance(value, list | dict)}
        faults.append("columns that are nested too deep were left out")
    record = Record(
        id=word_of(identity) or at, kind=kind or "message", author=word_of(author),
        audience=_words(audience) if audience else (), conversation=word_of(conversation), time=moment, text=text,
        language=word_of(language), attachments=_attachments(attachments) if attachments else (), label=label,
        source=word_of(source) or at, extra=row,
    )  # fmt: skip
    if faults:
        return (*(Repair(at, fault) for fault in faults), record)
    return (record,)


def _turns(row: dict[str, Any], at: str) -> Iterator[Record | Skip]:
    """One conversation per row: `turns: [{speaker, text, time}]`.

    A speaker (`A`, `customer`) is a role inside its conversation and becomes the account `conversation/A`;
    an `author` in a turn is an account as it stands.
    """
    turns, shared, conversation = _spread(row, "turns", at)
    speakers = {_author(turn, conversation) for turn in turns if isinstance(turn, dict)}
    for number, turn in enumerate(turns, start=1):
        if not isinstance(turn, dict):
            yield Skip(at, f"turn {number} is {_shown(turn)}, not an object")
            continue
        author = _author(turn, conversation)
        own = {key: value for key, value in turn.items() if key not in ("speaker", "role")}
        if "text" not in own and isinstance(turn.get("content"), str):
            own["text"] = own.pop("content")
        filled = {
            **shared, **own, "id": own.get("id") or f"{conversation}:{number}",
            "author": author or turn.get("author"),
            "conversation": conversation,
        }  # fmt: skip
        if "audience" not in filled and len(speakers) == 2:
            filled["audience"] = sorted(speakers - {author})
        yield from _record(filled, at)


def _posts(row: dict[str, Any], at: str) -> Iterator[Record | Skip]:
    """One account per row: `posts: [{time, text}]`."""
    posts, shared, account = _spread(row, "posts", at)
    for number, post in enumerate(posts, start=1):
        if not isinstance(post, dict):
            yield Skip(at, f"post {number} is {_shown(post)}, not an object")
            continue
        yield from _record(
            {"kind": "post", **shared, **post, "id": post.get("id") or f"{account}:{number}", "author": account}, at
        )


def _spread(row: dict[str, Any], nested: str, at: str) -> tuple[list[Any], dict[str, Any], str]:
    parts = row.pop(nested)
    identity = word_of(row.pop("id", None)) or at
    shared = {key: value for key, value in row.items() if key != "kind" or value in KINDS}
    if nested == "turns":
        identity = word_of(shared.pop("conversation", None)) or identity
    elif author := word_of(shared.pop("author", None)):
        identity = author
    return parts, shared, identity


def _author(turn: dict[str, Any], conversation: str) -> str:
    if author := word_of(turn.get("author")):
        return author
    speaker = word_of(turn.get("speaker")) or word_of(turn.get("role"))
    return f"{conversation}/{speaker}" if speaker else ""


def word_of(value: Any) -> str:
    """Return a word, number or time as text; nothing for what is none of them."""
    if isinstance(value, str):
        return value
    if value is None or value != value or isinstance(value, list | dict):  # NaN is nothing, too
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _without_objects(row: dict[str, Any]) -> list[str]:
    """Take out what has to be one word and is none; return what to say of each.

    An object changes with its least part (`last_seen`), so each record of one account would be another account's.
    """
    faults = []
    for field in _ONE_WORD:
        if isinstance(value := row.get(field), list | dict):
            del row[field]
            faults.append(f"the {field} is {_shown(value)}, not a word; it was left out{_remedy(field, value)}")
    audience = row.get("audience")
    parts = audience if isinstance(audience, list) else [audience]
    if any(isinstance(one, list | dict) for one in parts):
        del row["audience"]
        faults.append("the audience is an object or a list of them, not words; it was left out")
    return faults


def _remedy(field: str, value: list[Any] | dict[str, Any]) -> str:
    parts = value if isinstance(value, dict) else {}
    part = next((name for name in ("id", *parts) if isinstance(parts.get(name), str | int)), "")
    return f"; name the part that identifies it, such as --map {field}={field}.{part}" if part else ""


def label_of(value: Any) -> tuple[str, str]:
    """Return the label and what is wrong with it: white space around it would make another label of it."""
    if isinstance(value, list | dict):
        return "", f"the label is {_shown(value)}, not a word; it was left out"
    return word_of(value).strip(), ""


def _listed(value: Any, separators: str) -> list[Any]:
    if isinstance(value, str):
        if value[:1] == "[":
            try:
                return list(msgspec.json.decode(value, type=list[Any]))
            except msgspec.DecodeError:
                pass
        return [part.strip() for part in re.split(separators, value)]
    return list(value) if isinstance(value, list | tuple) else [value]


def _words(value: Any) -> tuple[str, ...]:
    return tuple(word for part in _listed(value, "[;,]") if (word := word_of(part)))


def _attachments(value: Any) -> tuple[Attachment, ...]:
    made = []
    for part in _listed(value, ";"):
        if isinstance(part, dict):
            name = word_of(part.get("name") or part.get("url") or part.get("file"))
            made.append(
                Attachment(name=name, media_type=word_of(part.get("media_type")), hash=word_of(part.get("hash")))
            )
        elif part:
            made.append(Attachment(name=word_of(part)))
    return tuple(made)


def _depth(value: Any, level: int = 0) -> int:
    if level > _DEEPEST or not isinstance(value, list | dict):
        return level
    parts = value.values() if isinstance(value, dict) else value
    return max((_depth(part, level + 1) for part in parts), default=level)


def _shown(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
