"""Which columns of a row are its text, and which are left unread though words stand in them.

A column `text` is the whole text, as a mapped one is. Where there is neither, columns that are called as texts are (`title`,
`description`, in the languages of the vocabulary), and beside them those called as parts of an advert (`salary`, `visa`).
Several are joined in the order of the file, each a paragraph of its own: no phrase runs from one into the next.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from threelines.platforms.columns import is_personal, kind_of
from threelines.platforms.read._beside import Beside
from threelines.platforms.read._html import words_of
from threelines.platforms.read._source import Note

_SAMPLED = 200  # rows from the first in which unread words are looked for
_EACH = 50  # beyond them in each of so many: a column may be empty for thousands of rows
_RARE = 50  # told where one row of so many has words there
_LOOKED_AT = 400  # letters of a value
_SHOWN = 8
_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_NESTED = (list, dict)
_HTML = re.compile(
    r"</(?:p|div|span|ul|ol|li|b|i|u|em|strong|a|h[1-6]|table|tr|td|font|pre)\s*>|<(?:br|p|li)\s*/?>", re.I
)
_LINK = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")


class Texts:
    """The text columns of one file."""

    def __init__(self, name: str, named: tuple[str, ...], fields: Iterable[str]) -> None:
        self._name, self._fields = name, frozenset(fields)
        self._named = named
        """Columns that the mapping names; none where it does not say."""
        self._read: dict[str, None] = dict.fromkeys(named)
        self._objects: dict[str, bool] = {}
        """Those of them that hold objects, which are no text → whether they hold words in other rows."""
        self._last: tuple[str, ...] = ()
        self._unread: Counter[str] = Counter()
        self._rows = self._sampled = 0
        self._beside = Beside(name)

    def joined(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return a row without a column `text` with one, made of its text columns; None where it has none.

        One column is taken as the text, several stay in the row, too: which words were the title is known there alone;
        so does one of HTML, whose words are the text.
        """
        columns = text_columns(tuple(row))
        if not columns or not any(_holds_words(row[one]) for one in columns if kind_of(one) == "text"):
            return None
        if columns is not self._last:
            self._last = columns
            self._read.update(dict.fromkeys(columns))
        for one in columns:
            if type(row[one]) in _NESTED and _holds_objects(row[one]):
                self._objects.setdefault(one, self._rows > 0)
            elif one in self._objects:
                self._objects[one] |= isinstance(row[one], str)
        is_same = len(columns) == 1 and not _is_html(row[columns[0]])
        rest = {key: value for key, value in row.items() if key != columns[0]} if is_same else row
        return {**rest, "text": paragraphs(row[one] for one in columns)}

    def watch(self, row: Mapping[str, Any], text: Any) -> None:
        """Note, in some rows from the first to the last, which columns were not read though words stand in them."""
        self._rows += 1
        if self._rows > _SAMPLED and self._rows % _EACH:
            return
        self._sampled += 1
        self._beside.watch(row)
        held = text if isinstance(text, str) else ""
        for column, value in row.items():
            if column in self._read or column in self._fields or not isinstance(value, str):
                continue
            if has_words(value, named=bool(kind_of(column))) and not is_personal(column) and value.strip() not in held:
                self._unread[column] += 1

    def notes(self) -> Iterator[Note]:
        """Say which columns were joined by themselves, and which were not read."""
        if self._read and not self._named:
            yield Note(
                self._name, f"read as text: {_listed(one for one in self._read if self._objects.get(one, True))}"
            )
        if self._objects:
            reason = f"objects stand in {_listed(self._objects)}, which are not read as text"
            yield Note(self._name, reason, "to read a part of one, name all: --map text=COLUMN --map text=COLUMN.PART")
        unread = [column for column, times in self._unread.items() if times * _RARE >= self._sampled]
        if unread:
            verb = "were" if len(unread) > 1 else "was"
            remedy = f"to read all: {_asked((*(self._read or ['text']), *unread))}"
            yield Note(self._name, f"words stand in {_listed(unread)}, which {verb} not read as text", remedy)
        yield from self._beside.notes()


@lru_cache(maxsize=256)
def text_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns whose names say that they hold the text, in their order; none where no name does.

    Parts of an advert count where two of them, or two texts, stand together: a message with a `location` is no advert.
    """
    kinds = {column: kind_of(column) for column in columns}
    texts, parts = ([one for one in columns if kinds[one] == kind] for kind in ("text", "part"))
    if texts and (len(parts) > 1 or len(texts) > 1):
        return tuple(one for one in columns if kinds[one])
    return tuple(texts)


def paragraphs(values: Iterable[Any]) -> str:
    """Join words, and lists of words, into one text: each value a paragraph, each word of a list a line.

    Of HTML its words are taken; an object is no text, as names of people may stand in it.
    """
    parts = (
        "\n".join(filter(None, map(_words, value))) if isinstance(value, list) else _words(value) for value in values
    )
    return "\n\n".join(part for part in parts if part)


def has_words(value: str, *, named: bool) -> bool:
    """Tell whether a value reads as words: no id, link, number, time or single name. Two will do where the name says text."""
    piece = _LINK.sub("", value[:_LOOKED_AT]).strip()
    letters = sum(map(str.isalpha, piece))
    if letters * 2 < len(piece) or not letters:
        return named and letters > 1 and " " in piece
    words = sum(any(map(str.isalpha, word)) for word in piece.split())
    least = 2 if named else 4
    return words >= least or (letters >= 4 * least and bool(_SPACELESS.search(piece)))


def likely(row: Mapping[str, Any]) -> list[str]:
    """Return the columns of a row that read as a text, for whoever has to name one."""
    return [
        one
        for one, value in row.items()
        if isinstance(value, str) and not is_personal(one) and has_words(value, named=bool(kind_of(one)))
    ]


def _holds_words(value: Any) -> bool:
    return (
        value is None
        or isinstance(value, str)
        or (isinstance(value, list) and all(isinstance(one, str) for one in value))
    )


def _holds_objects(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(isinstance(one, list | dict) for one in value))


def _words(value: Any) -> str:
    if isinstance(value, str):
        return words_of(value) if _is_html(value) else value.strip()
    return "" if value is None or value != value or isinstance(value, list | dict) else str(value)


def _is_html(value: Any) -> bool:
    return isinstance(value, str) and "<" in value and _HTML.search(value) is not None


def _listed(columns: Iterable[str]) -> str:
    names = list(columns)
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _asked(columns: tuple[str, ...]) -> str:
    return " ".join(f"--map {shlex.quote(f'text={one}')}" for one in columns[:_SHOWN]) + (
        " …" if columns[_SHOWN:] else ""
    )
