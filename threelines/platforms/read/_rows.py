"""The generic form: one row of any table or JSON object → records."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec

from threelines.platforms.read._source import BROKEN_UTF8, Options, ReadError, Repair, Skip, Source
from threelines.platforms.read._texts import Texts, likely, paragraphs, text_columns
from threelines.platforms.read._times import Order, Shown, order_shown, time_of
from threelines.records import KINDS, Attachment, Record

FIELDS = (
    "id", "kind", "author", "audience", "conversation", "time", "text", "language", "attachments", "label", "source",
)  # fmt: skip
_NESTED = ("turns", "posts")
_NEEDED = ("text", "label")  # where the column of one is missing, no other part of a row says what was asked
_ABSENT = object()
_ONE_WORD = ("id", "author", "conversation", "language", "source")
_DEEPEST = 40
_SHOWN = 20  # columns in a message
_ENOUGH = 100  # rows without text before the whole file is refused


class Rows:
    """Turn rows into records under one column map, and notice when a file has no text at all."""

    def __init__(self, source: Source, options: Options, again: Callable[[], Iterable[Any]]) -> None:
        """Prepare for a file; `again` reads its rows anew, for what only all of them tell (a pipe is read once)."""
        self.name = name = source.name
        given = {field: (value,) if isinstance(value, str) else (*value,) for field, value in options.mapping.items()}
        _refuse_map(given)
        self._constants = {field: value[0][1:] for field, value in given.items() if value[0][:1] == "="}
        self._pairs = [(field, one) for field, value in given.items() if field not in self._constants for one in value]
        texts = tuple(column for field, column in self._pairs if field == "text")
        self._several = texts if len(texts) > 1 else ()
        self._columns = {field: column for field, column in self._pairs if not (self._several and field == "text")}
        self._unseen = {column for _, column in self._pairs}
        self._found: dict[str, None] = {}
        self._good = self._without_text = 0
        self._texts = Texts(name, texts, (*FIELDS, *_NESTED, "extra", *self._unseen))
        self._is_watched, self._is_table = "text" not in self._constants, False
        self._joins = False if "text" in given else None
        """Whether text columns are found by their names; not known before the first row without a text."""
        self._again = again if source.path.is_file() else tuple
        self._order: Order | Shown | None = options.dates

    def records(self, row: Any, at: str) -> Iterable[Record | Skip]:
        """Return what a row holds: a record, the turns of a conversation or the posts of an account."""
        if not isinstance(row, dict):
            return (Skip(at, f"a JSON object was expected, not {_shown(row)}"),)
        given = row
        if self._pairs or self._constants:
            row = self._renamed(row)
        if "text" not in row:
            for nested, spread in (("turns", _turns), ("posts", _posts)):
                if isinstance(row.get(nested), list):
                    self._good += 1
                    faults = _without_objects(row)
                    return (*(Repair(at, fault) for fault in faults), *spread(row, at, self._dates))
            if joined := self._joined(row):
                row = joined
            elif self._is_table or not (row.get("attachments") or row.get("kind") in ("media", "system")):
                return (self._no_text(given, at),)
        self._good += 1
        if self._is_watched:
            self._texts.watch(row, row.get("text"))
        return _record(row, at, self._dates)

    def finish(self) -> Iterator[Skip]:
        """Refuse a file in which no row had a text, or the column of the text or label; tell of other columns."""
        self._refuse_without_text()
        if self._found:  # of a file without a row nothing can be said
            for field, column in self._pairs:
                if column in self._unseen:
                    reason = _no_column_reason(list(self._found), field, column)
                    if field in _NEEDED:
                        raise ReadError(f"{self.name}: {reason}")
                    yield Repair(self.name, reason)
        yield from self._texts.notes()

    def require(self, columns: Iterable[str]) -> None:
        """Refuse a table at its header when it lacks a column that was mapped; at its first row when it has no text column."""
        names = list(columns)
        for field, column in self._pairs:
            if not _may_hold(names, column):
                reason = _no_text_reason if field == "text" else _no_column_reason
                raise ReadError(f"{self.name}: {reason(names, field, column)}")
        self._unseen.difference_update(names)
        mapped = {column for _, column in self._pairs}
        rest = tuple(name for name in names if name not in mapped)
        if self._joins is None and "text" not in rest and not text_columns(rest):
            self._is_table, self._reason = True, _no_text_reason(names, "text", "text")

    def _refuse_without_text(self) -> None:
        if (self._without_text or self._is_table) and not self._good:
            raise ReadError(f"{self.name}: {self._reason}")

    def _joined(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a row with a text made of its text columns; None where a row before has one as it is, or this has none."""
        if self._joins is None:
            self._joins = not self._good
        return self._texts.joined(row) if self._joins else None

    def _renamed(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row under our names; a column that has the name of a field which another one gives goes to `extra`."""
        taken = {column: value for column in self._columns.values() if (value := _part(row, column)) is not _ABSENT}
        texts = {column: value for column in self._several if (value := _part(row, column)) is not _ABSENT}
        if self._unseen:
            self._unseen.difference_update(taken, texts)
            if len(self._found) < _SHOWN:
                self._found.update(dict.fromkeys(row))
        named = {key: value for key, value in row.items() if key not in taken}
        given = self._columns.keys() | self._constants.keys() | ({"text"} if self._several else set())
        if beside := {field: named.pop(field) for field in given & named.keys()}:
            own = named.get("extra", {})
            named["extra"] = {**beside, **own} if isinstance(own, dict) else {**beside, "extra": own}
        for field, column in self._columns.items():
            if column in taken:
                named[field] = taken[column]
        if texts:
            named["text"] = paragraphs(texts.values())
        return named | self._constants

    def _dates(self) -> Order | Shown:
        """Return what was told of the order of dates, else what the column shows; it is asked at the first that needs it."""
        if self._order is None:
            self._order = order_shown(self._times())
        return self._order

    def _times(self) -> Iterator[Any]:
        column, nested = self._columns.get("time", "time"), [self._columns.get(one, one) for one in _NESTED]
        for row in self._again():
            if isinstance(row, dict):
                yield _part(row, column)
                for parts in filter(None, (row.get(one) for one in nested)):
                    if isinstance(parts, list):
                        yield from (part.get("time") for part in parts if isinstance(part, dict))

    def _no_text(self, row: dict[str, Any], at: str) -> Skip:
        wanted = next((column for field, column in self._pairs if field == "text"), "text")
        self._reason = _no_text_reason(list(row), "text", wanted, likely(row))
        self._without_text += 1
        if self._is_table or self._without_text >= _ENOUGH:
            self._refuse_without_text()
        return Skip(at, self._reason)


def _refuse_map(given: Mapping[str, tuple[str, ...]]) -> None:
    unknown = sorted(set(given) - {*FIELDS, *_NESTED})
    if unknown:
        raise ReadError(f"--map: no field is called {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
    for field, value in given.items():
        if not value:
            raise ReadError(f"--map: no column is named for {field!r}")
        if len(value) > 1 and (field != "text" or any(one[:1] == "=" for one in value)):
            raise ReadError(f"--map: {field!r} is given twice; only the text may come from several columns")


def _part(row: dict[str, Any], column: str) -> Any:
    """Return the value of a column; `author.id`, where no column is called so, is `id` of the object `author`."""
    if column in row:
        return row[column]
    name, dot, rest = column.partition(".")
    inner = row.get(name) if dot else None
    return _part(inner, rest) if isinstance(inner, dict) else _ABSENT


def _may_hold(names: list[str], column: str) -> bool:
    return column in names or column.partition(".")[0] in names


def _no_text_reason(columns: list[str], field: str, wanted: str, words: Iterable[str] = ()) -> str:
    named = " ".join(f"--map {shlex.quote(f'text={name}')}" for name in words) or f"--map {field}=COLUMN"
    return f"no column {wanted!r} (found: {_listing(columns)}); name the text with {named}, several columns each with its own --map{_spoilt(columns)}"


def _no_column_reason(columns: list[str], field: str, column: str) -> str:
    return f"--map {field}={column}: there is no column {column!r} (found: {_listing(columns)}){_spoilt(columns)}"


def _spoilt(columns: list[str]) -> str:
    """Return the hint at another encoding where the names themselves are not readable."""
    return f"; {BROKEN_UTF8}" if any("\ufffd" in str(one) for one in columns) else ""


def _listing(columns: list[str]) -> str:
    return ", ".join(map(str, columns[:_SHOWN])) or "none"


def _record(row: dict[str, Any], at: str, order: Callable[[], Order | Shown]) -> Iterable[Record | Skip]:
    found = set(map(type, row.values()))  # most rows are words only, and pay for no more than this
    if float in found:  # NaN is how a table of floats writes nothing
        row = {key: value for key, value in row.items() if value == value}
    faults = _without_objects(row) if list in found or dict in found else []
    take = row.pop
    text, identity, kind = take("text", ""), take("id", None), take("kind", None)
    author, audience, conversation = take("author", ""), take("audience", ()), take("conversation", "")
    moment, fault = time_of(take("time", None), order)
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


def _turns(row: dict[str, Any], at: str, order: Callable[[], Order | Shown]) -> Iterator[Record | Skip]:
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
        yield from _record(filled, at, order)


def _posts(row: dict[str, Any], at: str, order: Callable[[], Order | Shown]) -> Iterator[Record | Skip]:
    """One account per row: `posts: [{time, text}]`."""
    posts, shared, account = _spread(row, "posts", at)
    for number, post in enumerate(posts, start=1):
        if not isinstance(post, dict):
            yield Skip(at, f"post {number} is {_shown(post)}, not an object")
            continue
        yield from _record(
            {"kind": "post", **shared, **post, "id": post.get("id") or f"{account}:{number}", "author": account},
            at,
            order,
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
