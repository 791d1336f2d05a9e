"""Support: people who ask, report, warn or help. They are routed to help, never to enforcement (rule 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from threelines.records import Signal, Thread
from threelines.signals.detector import reads
from threelines.signals.holders import lawfully_held
from threelines.signals.person import of_the_writer
from threelines.signals.reading import Found, Reading, readings
from threelines.signals.wording import named
from threelines.vocabulary.terms import IN_NEED, TELLS, UNVERIFIED, Indicator, Vocabulary

_EVERYDAY = ("SUP-02", "SUP-04")
"""Bare pleas and the names of courts: unread, they say nothing without words of control."""
_DONE_TO = "control"
"""Category whose words may be those of the one it is done to: "they keep my passport" shows the sign and tells (SUP-03)."""
_NEAR = 6
"""Characters between a negation and what it denies: frightened people write no stops ("I can't leave they took my passport")."""


@reads("advert", "conversation", "session", "account", of_words=True)
def asks_or_reports(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The writer seems to ask for help, tell what happened, warn others or work to help."""
    known = readings(thread, vocabulary)
    held = lawfully_held(known)
    grave: frozenset[str] | None = None
    for reading in known:
        for found in reading.phrases:
            indicator = _told(reading, found, vocabulary)
            if indicator is None or (indicator.id in IN_NEED and reading.negated(found, _NEAR)):
                continue
            if (reading.record.id, found.start, found.end) in held:
                continue
            if found.entry.evidence == UNVERIFIED and indicator.id in _EVERYDAY:
                grave = _grave(known) if grave is None else grave
                if reading.record.author not in grave:
                    continue
            yield reading.signal(
                found, indicator=indicator.id, strength="context", detail=named(found.entry._replace(indicator=indicator)) + ".",
                detector="asks_or_reports", shadow=indicator.shadow,
            )  # fmt: skip


def _told(reading: Reading, found: Found, vocabulary: Vocabulary) -> Indicator | None:
    """Return the sign of support that the words show, if any."""
    indicator = found.entry.indicator
    if indicator.category == "support":
        return indicator
    if (
        found.entry.language == "en"
        and indicator.category == _DONE_TO
        and of_the_writer(reading.folded, found.start, found.end)
    ):
        return vocabulary.indicators.get(TELLS)
    return None


def _grave(known: Sequence[Reading]) -> frozenset[str]:
    """Return the authors who speak of control or tell: only there does "help me" or "the court" say whose voice it is."""
    return frozenset(
        reading.record.author
        for reading in known
        for found in reading.phrases
        if found.entry.indicator.category == "control" or found.entry.indicator.id == TELLS
    )
