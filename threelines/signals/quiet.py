"""Which records need not be read again when their account is judged: nothing was found in them."""

from __future__ import annotations

from threelines.records import Thread
from threelines.signals.persona import may_state
from threelines.signals.reading import Reading, readings
from threelines.signals.residue import may_be_left_over
from threelines.vocabulary.terms import Vocabulary


def loud_records(thread: Thread, vocabulary: Vocabulary) -> frozenset[str]:
    """Return the ids of records that hold anything an account's detectors of words, facts or residue may speak of."""
    return frozenset(reading.record.id for reading in readings(thread, vocabulary) if _loud(reading))


def _loud(reading: Reading) -> bool:
    return bool(reading.phrases or reading.words) or may_state(reading.folded) or may_be_left_over(reading.record.text)
