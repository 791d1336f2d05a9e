"""Closeness of meaning: a sentence says, in whatever language, what a published sign says.

A raw cosine means nothing here (unrelated sentences have 0.7, translations 0.9). So vectors are
centred on everyday sentences, and a sentence counts only where it is closer to a sign's own
examples than every one of 1,600 everyday sentences is, by a margin. It is a second look: weak, never
alone, and it says how far the encoder knows the language.

A static student of the encoder (`text/student.py`) looks at everything first and lets through what may be close; only
that is encoded. So no word of the vocabulary need stand in a message, and a scan is not as slow as the encoder.

It reads conversations only. Adverts are all about work, pay and travel: nearly every ordinary advert holds a
sentence unusually close to some sign, so closeness would say nothing there.

Off unless asked for (`threelines scan --semantic`, extra `semantic`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.records import Record, Signal, Thread, ThreadKind
from threelines.signals.detector import Detector, quoted
from threelines.signals.reading import Reading, matcher, readings, variants
from threelines.text.background import background, centred, everyday
from threelines.text.coverage import said
from threelines.text.fold import fold
from threelines.text.language import identify_all
from threelines.vocabulary.terms import UNVERIFIED, Indicator, Vocabulary

if TYPE_CHECKING:
    from threelines.text.encoder import Encoder
    from threelines.text.student import Student

MARGIN = 0.05
"""How much closer than the closest everyday sentence."""
LEAST = 0.45
"""Least centred cosine: a lower one flags more everyday sentences (`docs/models/encoder.md`)."""
FIRST = 0.34
"""How close to some sign the student must put a sentence for the encoder to look at it."""
_SENTENCE = re.compile(r"[^.!?。！？؟।။።\n|]+")
_SHORTEST, _LONGEST = 14, 300
_MOST_SENTENCES = 40
_MOST_ANCHORS = 12

Vectors = NDArray[np.float32]


class Anchors(NamedTuple):
    """What sentences are compared with."""

    indicators: tuple[Indicator, ...]
    vectors: Vectors
    """Centred unit vectors of examples and phrases."""
    owner: NDArray[np.int64]
    """Which indicator each vector belongs to."""
    usual: NDArray[np.float32]
    """For each vector, the closeness of the closest everyday sentence."""
    placed: Vectors
    """The same vectors where they lie for the student."""


class Closeness:
    """A sentence says, in whatever language, what a published sign says."""

    __name__ = "semantic_closeness"
    reads: tuple[ThreadKind, ...] = ("conversation",)
    of_words = False

    def __init__(self, encoder: Encoder | None, vocabulary: Vocabulary) -> None:
        self._given, self._vocabulary = encoder, vocabulary

    def __getstate__(self) -> dict[str, Any]:
        # another process makes its own encoder: a session of onnxruntime cannot be sent
        return {"_given": None, "_vocabulary": self._vocabulary}

    @cached_property
    def _encoder(self) -> Encoder:
        from threelines.text.encoder import Encoder

        return self._given or Encoder()

    @cached_property
    def _student(self) -> Student:
        from threelines.text.student import Student

        return Student(self._encoder.tokens)

    @cached_property
    def anchors(self) -> Anchors:
        """The signs' own examples and phrases, encoded once."""
        named = [
            (indicator, text)
            for indicator in self._vocabulary.active
            for text in anchor_texts(indicator)
            if not names_a_place(text, self._vocabulary)
        ]
        indicators = tuple(dict.fromkeys(indicator.id for indicator, _ in named))
        vectors = self._centred([text for _, text in named])
        return Anchors(
            tuple(self._vocabulary.indicators[name] for name in indicators), vectors,
            np.asarray([indicators.index(indicator.id) for indicator, _ in named], dtype=np.int64),
            (everyday() @ vectors.T).max(axis=0, initial=-1.0), self._student.network.place(vectors),
        )  # fmt: skip

    def _centred(self, texts: Sequence[str]) -> Vectors:
        return centred(self._encoder.encode(texts)) if texts else np.zeros((0, 384), dtype=np.float32)

    def __call__(self, thread: Thread, vocabulary: Vocabulary, /) -> Iterator[Signal]:
        """Yield a weak signal for each sentence that is unusually close to a sign."""
        if not len(self.anchors.vectors):
            return
        spoken = [
            (reading, span) for reading in readings(thread, vocabulary) for span in sentences(reading.record.text)
        ]
        kept = self.first_look([reading.record.text[start:end] for reading, (start, end) in spoken])
        spoken = [one for one, may_be in zip(spoken, kept, strict=True) if may_be]
        near = self.near([reading.record.text[start:end] for reading, (start, end) in spoken])
        for (reading, span), found in zip(spoken, near, strict=True):
            if found and not _worded(reading, found[0]):
                yield self._signal(reading.record, span, found)

    def first_look(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which texts the student puts near enough to a sign for a second look."""
        close = self._student.encode(texts) @ self.anchors.placed.T
        passed: NDArray[np.bool_] = close.max(axis=1, initial=-1.0) >= FIRST
        return passed

    def near(self, texts: Sequence[str]) -> list[tuple[Indicator, float] | None]:
        """Return, for each text, the sign it is unusually close to, and the closeness."""
        if not texts:
            return []
        close = self._centred(texts) @ self.anchors.vectors.T
        above = np.where(close >= LEAST, close - self.anchors.usual, -1.0)
        best = above.argmax(axis=1)
        return [
            (self.anchors.indicators[int(self.anchors.owner[at])], float(close[row, at]))
            if above[row, at] >= MARGIN
            else None
            for row, at in enumerate(best)
        ]

    def _signal(self, record: Record, span: tuple[int, int], found: tuple[Indicator, float]) -> Signal:
        indicator, closeness = found
        (language,) = identify_all([record.text[span[0] : span[1]]])
        detail = (
            f"Close in meaning to “{indicator.name}” (closeness {closeness:.2f} of 1, more than any of "
            f"{len(background()):,} everyday sentences); {said(language.iso639_3)} ({language.code})."
        )
        return quoted(
            record, *span, indicator=indicator.id, strength="weak", detail=detail, detector=self.__name__,
            shadow=indicator.shadow,
        )  # fmt: skip


def semantic_closeness(encoder: Encoder | None, vocabulary: Vocabulary) -> Detector:
    """Make the detector; without an encoder each process makes its own on first use."""
    return Closeness(encoder, vocabulary)


def _worded(reading: Reading, indicator: Indicator) -> bool:
    """Whether words with a source show the sign already; words that no speaker has read take no weight from meaning."""
    return any(
        phrase.entry.indicator.id == indicator.id and phrase.entry.evidence != UNVERIFIED for phrase in reading.phrases
    )


def anchor_texts(indicator: Indicator) -> list[str]:
    """Return sentences that show a sign: its examples, then its seed phrases, written out."""
    if not indicator.counts or indicator.ai_use:
        return []
    shown = [example.text for example in indicator.examples if example.shows]
    seeds = indicator.seed.phrases if indicator.seed else ()
    written = [variants(phrase.replace(" .. ", " "))[0] for phrase in seeds]
    return [text for text in dict.fromkeys([*shown, *written]) if len(text) >= _SHORTEST][:_MOST_ANCHORS]


def names_a_place(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a place is named: then a sentence could be close by where somebody comes from (rule 6)."""
    return any(word.slot == "place" for word in matcher(vocabulary).find(fold(text))[1])


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of sentences of 14 to 300 characters, forty at most."""
    count = 0
    for match in _SENTENCE.finditer(text):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        end = match.end() - (len(match[0]) - len(match[0].rstrip()))
        if _SHORTEST <= end - start <= _LONGEST and count < _MOST_SENTENCES:
            count += 1
            yield start, end
