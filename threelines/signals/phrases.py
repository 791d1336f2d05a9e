"""Find groups of phrases in text after folding, and quote them as written.

The phrase grammar is the vocabulary's: `{a|b}` alternatives, `{a|}` optional, ` .. ` a gap that no
sentence end may stand in.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import ahocorasick_rs

from threelines.signals.negation import SENTENCE_ENDS
from threelines.signals.reading import variants
from threelines.text.fold import fold

GAP = 40
"""Characters that ` .. ` may span."""

_STOPS = re.compile(f"[{SENTENCE_ENDS}]")


class Hit(NamedTuple):
    """One phrase found in folded text."""

    group: str
    start: int
    end: int
    gaps: tuple[tuple[int, int], ...] = ()
    """What stands between its parts."""


def meet(one: Hit, other: Hit) -> bool:
    """Whether two hits share a letter."""
    return one.start < other.end and other.start < one.end


class Phrases:
    """Named groups of phrases as one automaton."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
        for group, texts in groups.items():
            for text in (full for phrase in texts for full in variants(phrase)):
                parts = tuple(fold(part).strip() for part in text.split(" .. "))
                found.setdefault(parts[0], []).append((group, parts[1:]))
        self._heads = sorted(head for head in found if head)
        self._tails = [found[head] for head in self._heads]
        self._automaton = ahocorasick_rs.AhoCorasick(self._heads)

    def find(self, folded: str) -> list[Hit]:
        """Return every hit, by place; hits of one group may overlap."""
        hits = set()
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            if _inside_word(folded, start, end):
                continue
            for group, tail in self._tails[index]:
                gaps = _gaps(folded, tail, end)
                if gaps is not None:
                    stop = gaps[-1][1] + len(tail[-1]) if tail else end
                    hits.add(Hit(group, start, stop, gaps))
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.group))


class Spans:
    """Spans by their starts, looked up by bisection: a text of one repeated phrase is full of them."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        """The furthest end so far."""
        for start, end in sorted(spans):
            self._starts.append(start)
            self._ends.append(max(end, self._ends[-1]) if self._ends else end)

    def meet(self, start: int, end: int) -> bool:
        """Whether one of them shares a letter with this span."""
        at = bisect_left(self._starts, end)
        return at > 0 and self._ends[at - 1] > start

    def hold(self, start: int, end: int) -> bool:
        """Whether one of them holds this span whole."""
        at = bisect_right(self._starts, start)
        return at > 0 and self._ends[at - 1] >= end


def _gaps(folded: str, tail: tuple[str, ...], end: int) -> tuple[tuple[int, int], ...] | None:
    """Return what stands before each further part, None where one is missing."""
    gaps = []
    for part in tail:
        at = folded.find(part, end, end + GAP + len(part))
        while at >= 0 and _inside_word(folded, at, at + len(part)):
            at = folded.find(part, at + 1, end + GAP + len(part))
        if at < 0 or _STOPS.search(folded, end, at):
            return None
        gaps.append((end, at))
        end = at + len(part)
    return tuple(gaps)


def _inside_word(folded: str, start: int, end: int) -> bool:
    before = start > 0 and written_apart(folded[start]) and written_apart(folded[start - 1])
    after = end < len(folded) and written_apart(folded[end - 1]) and written_apart(folded[end])
    return before or after


def written_apart(letter: str) -> bool:
    """Whether the letter belongs to a script that puts spaces between words."""
    return letter.isalnum() and not (
        "\u0e00" <= letter < "\u1100" or "\u1780" <= letter < "\u1800" or "\u3040" <= letter < "\ua000"
    )
