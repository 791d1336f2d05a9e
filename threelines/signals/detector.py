"""What a detector is: `(Thread, Vocabulary) → Iterator[Signal]`, and the kinds of thread it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol, cast

from threelines.records import Record, Signal, Strength, Thread, ThreadKind
from threelines.vocabulary.terms import Vocabulary


class Detector(Protocol):
    """A function that was told which kinds of thread it reads.

    An account's thread holds `facts["quantiles"]`, where it stands among the platform's others; a detector speaks of
    a quantile only where it is high, so an account of which nothing is seen at 1 is passed over.
    """

    __name__: str
    __doc__: str | None
    reads: tuple[ThreadKind, ...]
    of_words: bool
    """Whether it speaks only where a word of the vocabulary stands: silent threads need not ask it."""

    def __call__(self, thread: Thread, vocabulary: Vocabulary, /) -> Iterator[Signal]:
        """Yield what is seen in the thread."""


def reads(
    *kinds: ThreadKind, of_words: bool = False
) -> Callable[[Callable[[Thread, Vocabulary], Iterator[Signal]]], Detector]:
    """Name the kinds of thread a detector reads; the engine partitions by them.

    `of_words` promises that it yields nothing from a thread without a word of the vocabulary.
    """

    def name_kinds(function: Callable[[Thread, Vocabulary], Iterator[Signal]]) -> Detector:
        detector = cast(Detector, function)
        detector.reads, detector.of_words = kinds, of_words
        return detector

    return name_kinds


def quoted(
    record: Record,
    start: int,
    end: int,
    *,
    indicator: str,
    strength: Strength,
    detail: str,
    detector: str,
    shadow: bool = False,
) -> Signal:
    """Make a signal whose quote is the record's own text at its span."""
    return Signal(
        indicator=indicator,
        record=record.id,
        quote=record.text[start:end],
        start=start,
        end=end,
        strength=strength,
        detail=detail,
        detector=detector,
        shadow=shadow,
    )
