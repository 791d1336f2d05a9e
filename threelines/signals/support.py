"""Support: people who ask, report, warn or help. They are routed to help, never to enforcement (rule 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from threelines.records import Signal, Thread
from threelines.signals.detector import reads
from threelines.signals.reading import Reading, readings
from threelines.signals.wording import named
from threelines.vocabulary.terms import TELLS, UNVERIFIED, Vocabulary

_EVERYDAY = ("SUP-02", "SUP-04")
"""Bare pleas and the names of courts: unread, they say nothing without words of control."""


@reads("advert", "conversation", "session", "account", of_words=True)
def asks_or_reports(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The writer seems to ask for help, tell what happened, warn others or work to help."""
    known = readings(thread, vocabulary)
    grave: frozenset[str] | None = None
    for reading in known:
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.category != "support":
                continue
            if found.entry.evidence == UNVERIFIED and indicator.id in _EVERYDAY:
                grave = _grave(known) if grave is None else grave
                if reading.record.author not in grave:
                    continue
            yield reading.signal(
                found, indicator=indicator.id, strength="context", detail=named(found.entry) + ".",
                detector="asks_or_reports", shadow=indicator.shadow,
            )  # fmt: skip


def _grave(known: Sequence[Reading]) -> frozenset[str]:
    """Return the authors who speak of control or tell: only there does "help me" or "the court" say whose voice it is."""
    return frozenset(
        reading.record.author
        for reading in known
        for found in reading.phrases
        if found.entry.indicator.category == "control" or found.entry.indicator.id == TELLS
    )
