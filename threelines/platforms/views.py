"""What a fitted adapter sees of a thread: hashed n-grams under several readings of its words.

One place for fitting and scanning, so both see exactly the same. No word is stored: an n-gram is
known by its hash.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from functools import cache, partial
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.records import Record, Thread
from threelines.text.fold import fold
from threelines.text.grams import Grams, Letters, character_grams, counted, letters, word_grams

if TYPE_CHECKING:
    from threelines.text.encoder import Encoder

BITS = 20
"""Columns of a view: 2^20. Collisions of 300,000 n-grams cost nothing that can be measured here."""

_LONGEST = 20_000
"""Characters read of one thread: enough for 200 messages, and a bound for a hostile one. Of a longer one, half of them
are its first and half its last."""


class View(NamedTuple):
    """A reading: how text is prepared, and which n-grams are taken."""

    prepare: Callable[[str], str]
    grams: Callable[[Letters], list[Grams]]


class Columns(NamedTuple):
    """Counts of n-grams: text `rows[i]` holds column `columns[i]` `counts[i]` times."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    counts: NDArray[np.int64]


MEANING = "meaning"
"""The reading that is no count of n-grams: the encoder's vector of the words."""
MEANING_SIZE = 384
_TOKENS = 192


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _apart(text: str) -> str:
    """Take Hangul syllables apart into their letters: endings carry the tone of a Korean sentence."""
    return unicodedata.normalize("NFD", text).lower()


VIEWS: dict[str, View] = {
    "inside": View(_plain, partial(character_grams, orders=(1, 2, 3, 4, 5), salt=0)),
    "across": View(_plain, partial(character_grams, orders=(1, 2, 3, 4, 5), across_words=True, salt=1)),
    "folded": View(fold, partial(character_grams, orders=(2, 3, 4), salt=2)),
    "words": View(_plain, partial(word_grams, orders=(1, 2), salt=3)),
    "apart": View(_apart, partial(character_grams, orders=(2, 3, 4, 5, 6, 7), salt=4)),
}
"""By the name an adapter's file uses; `print_of` tells whether what is behind a name is what it was."""

_STABLE = unicodedata.ucd_3_2_0
"""Letters that every Unicode of today knows: a newer one that adds letters changes no print."""
_PROBES = (
    "p4ssp0rt fr33", "p a s s p o r t", "p.a.s.s.p.o.r.t", "p\U0001f525a\U0001f525s\U0001f525s",
    "p\u0430ssp\u043ert", "pass\u200bport", "\uff30ass\uff50ort", "\u1112\u1161\u11ab\u1100\u116e\u11a8",
    "\u0b95\u0bc6\u0bbe", "\u0633\u0640\u0644\u0627\u0645", "Caf\u00e9 cafe\u0301 \u0130I\u0131",
)  # fmt: skip


@cache
def print_of(name: str) -> str:
    """Return the fingerprint of a view: 16 hex digits that change where any letter or disguise is read otherwise."""
    letters_known = (chr(code) for code in range(0x21, 0x3400) if _STABLE.category(chr(code))[0] in "LMNPS")
    (found,) = columns(["\n".join(letters_known), *_PROBES], (name,)).values()
    return sha256(b"".join(part.astype("<i8").tobytes() for part in found)).hexdigest()[:16]


def words_of(thread: Thread) -> str:
    """Return the words of a thread as an adapter reads them, one record a line, notices left out.

    Of more than 20,000 characters these are the first and the last 10,000 (`is_cut`).
    """
    words = "\n".join(_spoken(thread.records))
    if len(words) <= _LONGEST:
        return words
    half = _LONGEST // 2
    return f"{words[:half]}\n{words[1 - half :]}"


def is_cut(thread: Thread) -> bool:
    """Whether a thread is longer than what is read of it."""
    return sum(len(text) + 1 for text in _spoken(thread.records)) - 1 > _LONGEST


def _spoken(records: Sequence[Record]) -> list[str]:
    return [record.text for record in records if record.kind != "system" and record.text]


def columns(texts: Sequence[str], names: Sequence[str]) -> dict[str, Columns]:
    """Return the n-gram counts of the texts under each named view; equal preparations are made once."""
    laid: dict[Callable[[str], str], Letters] = {}
    found = {}
    for name in names:
        view = VIEWS[name]
        if view.prepare not in laid:
            laid[view.prepare] = letters([view.prepare(text) for text in texts])
        found[name] = Columns(*counted(view.grams(laid[view.prepare]), BITS))
    return found


@cache
def _encoder() -> Encoder:
    from threelines.text.encoder import Encoder

    return Encoder(longest=_TOKENS)


def meaning(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return the encoder's vectors of the texts, shape (texts, 384); needs the extra `semantic`."""
    return _encoder().encode(texts)
