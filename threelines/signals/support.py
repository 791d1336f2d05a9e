"""Support: people who ask, report, warn or help. They are routed to help, never to enforcement (rule 7)."""

from __future__ import annotations

from collections.abc import Iterator

from threelines.records import Signal, Thread
from threelines.signals.detector import reads
from threelines.signals.reading import readings
from threelines.vocabulary.terms import UNVERIFIED, Vocabulary


@reads("advert", "conversation", "session", "account", of_words=True)
def asks_or_reports(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The writer seems to ask for help, tell what happened, warn others or work to help."""
    for reading in readings(thread, vocabulary):
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.category == "support" and found.entry.evidence != UNVERIFIED:
                yield reading.signal(
                    found, indicator=indicator.id, strength="context", detail=indicator.name + ".",
                    detector="asks_or_reports", shadow=indicator.shadow,
                )  # fmt: skip
