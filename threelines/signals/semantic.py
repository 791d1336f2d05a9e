"""Closeness of meaning: a sentence says, in whatever language, what a published sign says.

A raw cosine means nothing here (unrelated sentences have 0.7, translations 0.9). So vectors are
centred on everyday sentences, and a sentence counts only where it is closer to a sign's own
examples than every one of 1,600 everyday sentences is, by a margin. It is a second look: weak, never
alone, and it says how far the encoder knows the language.

It reads conversations only. Adverts are all about work, pay and travel: 97% of ordinary adverts held a sentence
unusually close to some sign (measured), so closeness would say nothing there.

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
from threelines.text.background import background
from threelines.text.coverage import said
from threelines.text.fold import fold
from threelines.text.language import identify_all
from threelines.vocabulary.terms import Indicator, Vocabulary

if TYPE_CHECKING:
    from threelines.text.encoder import Encoder

MARGIN = 0.05
"""How much closer than the closest everyday sentence; set on other turns of the same talks: 0 to 1% pass."""
LEAST = 0.38
"""Least centred cosine, whatever the everyday sentences are like."""
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


class Closeness:
    """A sentence says, in whatever language, what a published sign says."""

    __name__ = "semantic_closeness"
    reads: tuple[ThreadKind, ...] = ("conversation",)
    of_words: bool = False

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
    def _centre(self) -> Vectors:
        centre: Vectors = background().mean(axis=0)
        return centre

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
        everyday = _unit(background() - self._centre)
        return Anchors(
            tuple(self._vocabulary.indicators[name] for name in indicators), vectors,
            np.asarray([indicators.index(indicator.id) for indicator, _ in named], dtype=np.int64),
            (everyday @ vectors.T).max(axis=0) if len(named) else np.zeros(0, dtype=np.float32),
        )  # fmt: skip

    def _centred(self, texts: Sequence[str]) -> Vectors:
        return _unit(self._encoder.encode(texts) - self._centre) if texts else np.zeros((0, 384), dtype=np.float32)

    def __call__(self, thread: Thread, vocabulary: Vocabulary, /) -> Iterator[Signal]:
        """Yield a weak signal for each sentence that is unusually close to a sign."""
        if not len(self.anchors.vectors):
            return
        for reading in candidates(thread, vocabulary):
            said_already = {found.entry.indicator.id for found in reading.phrases}
            spans = list(sentences(reading.record.text))
            near = self.near([reading.record.text[start:end] for start, end in spans])
            for (start, end), found in zip(spans, near, strict=True):
                if found and found[0].id not in said_already:
                    yield self._signal(reading.record, (start, end), found)

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


def anchor_texts(indicator: Indicator) -> list[str]:
    """Return sentences that show a sign: its examples, then its seed phrases, written out."""
    if not indicator.counts or indicator.ai_use:
        return []
    shown = [example.text for example in indicator.examples if example.shows]
    seeds = indicator.seed.phrases if indicator.seed else ()
    written = [variants(phrase.replace(" .. ", " "))[0] for phrase in seeds]
    return [text for text in dict.fromkeys([*shown, *written]) if len(text) >= _SHORTEST][:_MOST_ANCHORS]


def candidates(thread: Thread, vocabulary: Vocabulary) -> Iterator[Reading]:
    """Yield the records worth a second look: some word of the vocabulary stands in them, or none of it could.

    In a language without phrases of its own nothing can be found by words, so every record of some length is a candidate.
    """
    spoken = readings(thread, vocabulary)
    silent = [reading for reading in spoken if not reading.phrases and not reading.words]
    languages = identify_all([reading.record.text for reading in silent])
    worded = {language.iso639_3 for language in vocabulary.languages.values() if language.phrases}
    unread = {id(reading) for reading, found in zip(silent, languages, strict=True) if found.iso639_3 not in worded}
    for reading in spoken:
        if reading.phrases or reading.words or id(reading) in unread:
            yield reading


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


def _unit(vectors: Vectors) -> Vectors:
    unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit
