"""What the columns of a table are called: those that name people, and those that hold the words of a text.

Names of columns are plain words of a header: `[columns]` of each language of the vocabulary. A word stands for itself, with
`*` for every word that begins so (`telefon*`: Telefonnummer); in scripts without spaces for every name that holds it. Case
and accents do not count, `phoneNumber` and `phone_number` are two words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal, NamedTuple

from threelines.vocabulary.terms import Column, load

_SPACELESS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_APART = re.compile(
    r"[^\w'’\u0300-\u036f\u0600-\u1fff\u200c\u200d]|[\d_]|(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])"
)
_SIGNS = str.maketrans(
    {"ı": "i", "ł": "l", "đ": "d", "ø": "o", "ß": "ss", "’": None, "'": None, "-": None, "\u200c": None, "\u200d": None}
)
_LATIN_MARKS = re.compile("[\u0300-\u036f]")


class _Names(NamedTuple):
    """Names of columns, ready to be compared."""

    words: frozenset[str]
    starts: tuple[str, ...]
    parts: tuple[str, ...]

    def hold(self, words: frozenset[str], joined: str) -> bool:
        """Tell whether one of the words, or all of them joined, is such a name."""
        if joined in self.words or not words.isdisjoint(self.words):
            return True
        return (
            joined.startswith(self.starts)
            or any(word.startswith(self.starts) for word in words)
            or any(part in joined for part in self.parts)
        )


def _names(words: Iterable[str]) -> _Names:
    given = [folded for word in words if (folded := _folded(word))]
    starts = tuple(word[:-1] for word in given if word[-1] == "*")
    parts = tuple(word for word in given if _SPACELESS.search(word))
    return _Names(frozenset(word for word in given if word[-1] != "*" and word not in parts), starts, parts)


def _folded(word: str) -> str:
    """Return a word without case and accents; vowel signs of other scripts are letters and stay."""
    apart = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC", _LATIN_MARKS.sub("", apart)).translate(_SIGNS)


_DONE = frozenset("sent written made given taken paid held brought shown".split())
"""Participles that do not end in "ed": `sent_by` names who sent, `pay_by` and `by_hour` name nobody."""


@lru_cache(maxsize=6)
def _called(kind: Column) -> _Names:
    """Return how columns of that kind are called, in all languages of the vocabulary."""
    return _names(word for language in load().languages.values() for word in language.columns.get(kind, ()))


def _read(column: str) -> tuple[frozenset[str], str]:
    """Return the words of a column's name, and all of them joined."""
    words = [word for piece in _APART.split(unicodedata.normalize("NFC", column)) if (word := _folded(piece))]
    return frozenset(words), "".join(words)


@lru_cache(maxsize=4096)
def is_personal(column: str) -> bool:
    """Tell whether a column looks as if it held a person's name, address or number (when in doubt, yes)."""
    words, joined = _read(column)
    return (_called("person").hold(words, joined) or _names_who(words)) and not _called("thing").hold(words, joined)


def _names_who(words: frozenset[str]) -> bool:
    """Tell whether a name is that of who did something: `by`, `posted_by`."""
    return "by" in words and (len(words) == 1 or any(word.endswith("ed") or word in _DONE for word in words))


@lru_cache(maxsize=4096)
def is_code(column: str) -> bool:
    """Tell whether a column is called as one of postal codes, orders or numbers of things, whose digits dial nobody."""
    return not is_personal(column) and _called("code").hold(*_read(column))


@lru_cache(maxsize=4096)
def kind_of(column: str) -> Literal["text", "part", ""]:
    """Tell whether a column is called as one that holds a text, or a part of an advert; empty for any other name."""
    words, joined = _read(column)
    if _called("no_text").hold(words, joined) or is_personal(column):
        return ""
    return "text" if _called("text").hold(words, joined) else "part" if _called("part").hold(words, joined) else ""
