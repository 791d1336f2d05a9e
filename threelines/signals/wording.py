"""Words: sourced phrases, found after folding, quoted as written."""

from __future__ import annotations

from collections.abc import Iterator

from threelines.records import Signal, Thread
from threelines.signals.detector import reads
from threelines.signals.reading import Found, Reading, readings, strength_of
from threelines.vocabulary.terms import UNVERIFIED, Entry, Vocabulary

UNREAD = " (words that no speaker has read yet: without weight)"
ELSEWHERE = ("support",)
"""Categories whose phrases another family reads."""


@reads("advert", "conversation", "session", of_words=True)
def published_phrase(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The text uses words that an official warning or a study lists for this sign."""
    for reading in readings(thread, vocabulary):
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.joins or indicator.ai_use or indicator.category in ELSEWHERE or turned_round(reading, found):
                continue
            yield reading.signal(
                found, indicator=indicator.id, strength=strength_of(found.entry), detail=named(found.entry),
                detector="published_phrase", shadow=indicator.shadow,
            )  # fmt: skip


def named(entry: Entry) -> str:
    """Return the sign's name, and openly whether nobody who speaks the language has read the words (rule 8)."""
    return f"{entry.indicator.name}{UNREAD}" if entry.evidence == UNVERIFIED else entry.indicator.name


def turned_round(reading: Reading, found: Found) -> bool:
    """Whether "no", "never" or the like turns the words round: then they say the opposite."""
    return reading.negated(found)
