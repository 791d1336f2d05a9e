"""Marks that stand between the words of a text where none belong: "Draft / a / vacancy", a picture after each word.

A reader of words and of meaning is thrown off by them, a person is not; so what is read is a copy without them. A mark counts
as out of place where others stand close by (ends of sentences: where other ends do): a comma in a list of single words goes
as well, and nothing is lost with it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from threelines.signals.negation import SENTENCE_ENDS

_SIGNS = (
    r"!-&(-,./:-@\[-`{-~\u00a1-\u00a9\u00ab\u00ac\u00ae-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u2012-\u2018\u201a-\u2027\u2030-\u205e\u20a0-\u20cf\u2190-\u2bff\u3030\ufe0f\U0001f000-\U0001faff"
)
"""Signs and pictures, but apostrophes, hyphens and what ends a clause in Chinese and Japanese."""
_GAP = re.compile(rf"(?<=[^\s{_SIGNS}])(?:[{_SIGNS}][\s{_SIGNS}]*|\s[\s{_SIGNS}]*)(?=[^\s{_SIGNS}])")
_SIGN = re.compile(rf"[{_SIGNS}]")
_END = re.compile(rf"[{SENTENCE_ENDS}]")
AROUND = 2
"""Gaps between words that are looked at on either side of one."""
MANY = 2
"""Of these, how many with marks make a mark between them one that is out of place."""


class Cleared(NamedTuple):
    """A text without marks that are out of place, with the way back."""

    text: str
    places: range | list[int]
    """Where each of its letters stands in the original."""


def cleared(text: str) -> Cleared:
    """Return the text with one space in place of marks between words that stand out of place."""
    taken = [] if _few(text) else _out_of_place(text)
    if not taken:
        return Cleared(text, range(len(text)))
    pieces: list[str] = []
    places: list[int] = []
    at = 0
    for start, end in taken:
        pieces += [text[at:start], " "]
        places += [*range(at, start), start]
        at = end
    return Cleared("".join([*pieces, text[at:]]), [*places, *range(at, len(text))])


def _few(text: str) -> bool:
    """Whether there are not enough marks for one to be out of place."""
    found = _SIGN.finditer(text)
    return sum(1 for _ in zip(range(MANY + 1), found, strict=False)) <= MANY


def _out_of_place(text: str) -> list[tuple[int, int]]:
    gaps = [match.span() for match in _GAP.finditer(text)]
    ended = [_END.search(text, start, end) is not None for start, end in gaps]
    marked = [end or _SIGN.search(text, *gap) is not None for end, gap in zip(ended, gaps, strict=True)]
    edges = [0, *(end for _, end in gaps)], [*(start for start, _ in gaps), len(text)]
    words = [stop - start for start, stop in zip(*edges, strict=True)]
    return [
        gap
        for number, gap in enumerate(gaps)
        if marked[number]
        and sum((ended if ended[number] else marked)[max(0, number - AROUND) : number + AROUND + 1]) > MANY
        and not _in_a_word(words[number : number + 2], text[slice(*gap)])
    ]


def _in_a_word(lengths: list[int], gap: str) -> bool:
    """Whether it may stand between letters of one word ("w.o.r.k"), which `text.fold` puts together."""
    return max(lengths) <= (1 if any(map(str.isspace, gap)) else 2)
