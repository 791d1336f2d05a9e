"""Bare orders and states that any exam, ward, school trip or consulate also gives: "hand over your phone".

Beside another sign of control they count in full; alone, however many, they are weak and raise nobody. Which words are bare
stands with the sign (`[seed] bare`), what takes an order out of any ward with the language (`[terms] holds_people`).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache

from threelines.signals.reading import Found, Reading

_SENTENCE_END = re.compile(r"[.!?;\n]")
_REST = 120
"""Characters of the sentence after a phrase that are read for what holds people."""


def bare(reading: Reading, found: Found) -> bool:
    """Whether the phrase is a bare order or state of its sign, in a sentence without what holds people, or a threat."""
    seed = found.entry.indicator.seed
    if seed is None or not seed.bare or seed.language != found.entry.language:
        return False
    if not _bare(seed.bare).fullmatch(reading.folded, found.start, found.end):
        return False
    ended = _SENTENCE_END.search(reading.folded, found.end, found.end + _REST)
    end = ended.start() if ended else found.end + _REST
    words = reading.slot("holds_people")
    at = bisect_left(words, found.start, key=lambda word: word.start)
    return at == len(words) or words[at].start >= end


@lru_cache(maxsize=64)
def _bare(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
