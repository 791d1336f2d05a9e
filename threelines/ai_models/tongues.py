"""Which languages a request names, in whatever language it is written.

"Translate it into A, B and C" needs no verb to be understood: a list of names of languages is the
same task everywhere. The names are those of the Unicode CLDR in 70 languages (Unicode licence),
folded as every text is; `train_requests.py` does not touch them. Endings may follow a name where
words are inflected; only names that stand in a list of two or more are counted, or one after "into".
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import ahocorasick_rs

from threelines.ai_models.grade import identify
from threelines.text.romanised import romanised

LONGEST_GAP = 14
"""Letters between two names that still belong to one list: a comma, "and", "then in"."""
LONGEST_ENDING = 5
"""Letters of an inflected ending."""
LONGEST_PREFIX = 3
"""Letters of article and preposition that stand before a name in Arabic, Hebrew and Ethiopic writing."""
_LEAST_INFLECTED = 4
"""Names shorter than this stand alone, without endings."""
_APART = re.compile(r"[.!?;:।。！？\n\"]")


class _Names(NamedTuple):
    automaton: ahocorasick_rs.AhoCorasick
    names: tuple[str, ...]
    codes: tuple[str, ...]


def named_languages(folded: str) -> frozenset[str]:
    """Return codes (ISO 639) of the languages that stand in a list in this folded text."""
    found = _found(folded)
    listed = set()
    for (_, end, first), (start, _, second) in zip(found, found[1:], strict=False):
        if first != second and start - end <= LONGEST_GAP and not _APART.search(folded, end, start):
            listed |= {first, second}
    return frozenset(listed)


def code_of(name: str) -> str:
    """Return the code of a language by its folded name, or an empty text."""
    known = _names()
    place = bisect_left(known.names, name)
    return known.codes[place] if known.names[place : place + 1] == (name,) else ""


def _found(folded: str) -> list[tuple[int, int, str]]:
    """Return (start, end, code) of names, longest first where they overlap."""
    known, spans = _names(), []
    for index, start, end in known.automaton.find_matches_as_indexes(folded, overlapping=True):
        stop = _word_end(folded, start, end, len(known.names[index]))
        if stop:
            spans.append((start, stop, known.codes[index]))
    kept: list[tuple[int, int, str]] = []
    for start, end, code in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end, code))
    return kept


def _word_end(folded: str, start: int, end: int, length: int) -> int:
    """Return where the word ends that begins with the name, or 0 where it is another word."""
    if not _spaced(folded[start]):
        return end
    before = start
    while before and start - before <= LONGEST_PREFIX and folded[before - 1].isalnum() and _spaced(folded[before - 1]):
        before -= 1
    if before < start and not ("\u0590" <= folded[start] < "\u0800" or "\u1200" <= folded[start] < "\u1380"):
        return 0
    if start - before > LONGEST_PREFIX:
        return 0
    stop = end
    while stop < len(folded) and folded[stop].isalnum() and _spaced(folded[stop]) and stop - end <= LONGEST_ENDING:
        stop += 1
    inflected = stop - end
    return stop if inflected == 0 or (length >= _LEAST_INFLECTED and inflected <= LONGEST_ENDING) else 0


def _spaced(letter: str) -> bool:
    """Whether the letter belongs to a script that puts spaces between words."""
    return not (
        "\u0e00" <= letter < "\u1100" or "\u1780" <= letter < "\u1800" or "\u3040" <= letter < "\ua000"
        or "\uac00" <= letter < "\ud7b0"
    )  # fmt: skip


@lru_cache(maxsize=1)
def _names() -> _Names:
    table: dict[str, str] = json.loads(
        (files("threelines") / "ai_models" / "language_names.json").read_text(encoding="utf-8")
    )["names"]
    names = tuple(sorted(table))
    return _Names(ahocorasick_rs.AhoCorasick(list(names)), names, tuple(table[name] for name in names))


def answered_in(text: str, told_in: Iterable[str]) -> str:
    """Return the code of the language to answer who tells of need in `text` by words of the languages `told_in`.

    The likeliest of those whose words the text uses most; where it uses none, the text's own (`hi-Latn` in chat spelling).
    """
    chat, said = romanised(text), Counter(told_in)
    found = chat[0] if chat else identify(text)
    most = {language for language, count in said.items() if count == max(said.values())}
    # a detector takes Malay for Indonesian; traditional Chinese shares words with simplified
    return min(most) if most and most.isdisjoint((found, found.split("-")[0])) else found
