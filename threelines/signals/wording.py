"""Words: sourced phrases, found after folding, quoted as written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from threelines.records import Signal, Strength, Thread
from threelines.signals.bare import bare
from threelines.signals.detector import reads
from threelines.signals.holders import lawfully_held
from threelines.signals.reading import Found, Reading, readings, strength_of
from threelines.vocabulary.terms import UNVERIFIED, Entry, Vocabulary

UNREAD = " (words that no speaker has read yet: without weight)"
ELSEWHERE = ("support",)
"""Categories whose phrases another family reads."""
_VISA = "REC-06"
"""Work to be entered without the visa it needs."""
_NO_VISA = re.compile(r"\bno visa\b|\bwithout (?:a )?(?:work |working )?visa\b")


@reads("advert", "conversation", "session", of_words=True)
def published_phrase(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The text uses words that an official warning or a study lists for this sign."""
    known = readings(thread, vocabulary)
    held = lawfully_held(known)
    lone = not any(_of_control(reading, found) for reading in known for found in reading.phrases)
    for reading in known:
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.joins or indicator.ai_use or indicator.category in ELSEWHERE or turned_round(reading, found):
                continue
            if (reading.record.id, found.start, found.end) in held:
                continue
            yield reading.signal(
                found, indicator=indicator.id, strength=_strength(reading, found, lone=lone), detail=named(found.entry),
                detector="published_phrase", shadow=indicator.shadow,
            )  # fmt: skip


def named(entry: Entry) -> str:
    """Return the sign's name, and openly whether nobody who speaks the language has read the words (rule 8)."""
    return f"{entry.indicator.name}{UNREAD}" if entry.evidence == UNVERIFIED else entry.indicator.name


def _strength(reading: Reading, found: Found, *, lone: bool) -> Strength:
    """Return the strength of the phrase: alone, a bare order says little, and "no visa needed" beside remote work."""
    usual = strength_of(found.entry)
    if lone and usual == "strong" and bare(reading, found):
        return "weak"
    if usual != "strong" or found.entry.indicator.id != _VISA or not reading.slot("free_movement"):
        return usual
    return "weak" if _NO_VISA.search(reading.folded, found.start, found.end) else usual


def _of_control(reading: Reading, found: Found) -> bool:
    """Whether the phrase is a sign of control that counts, and more than a bare order or state."""
    entry = found.entry
    control = entry.counts and entry.indicator.category == "control"
    return control and not bare(reading, found) and not turned_round(reading, found)


def turned_round(reading: Reading, found: Found) -> bool:
    """Whether "no", "never" or the like turns the words round: then they say the opposite."""
    return reading.negated(found)
