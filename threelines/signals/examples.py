"""The vocabulary's own examples are tests: each must show its indicator, or must not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from threelines.records import Record, Signal, Thread
from threelines.signals import SIGNALS
from threelines.signals.reading import variants
from threelines.text.fold import fold
from threelines.vocabulary.terms import Entry, Indicator, Vocabulary


class Failure(NamedTuple):
    """One thing in a vocabulary that is not as its file says."""

    where: str
    fault: str


def signals_of(text: str, vocabulary: Vocabulary) -> list[Signal]:
    """Return what every detector of adverts sees in one text."""
    thread = Thread(kind="advert", id="example", records=(Record(id="example", kind="advert", text=text),))
    return [found for detector in SIGNALS if "advert" in detector.reads for found in detector(thread, vocabulary)]


def failures(vocabulary: Vocabulary) -> Iterator[Failure]:
    """Yield every example that fails, and every loose end, in the order of ids."""
    for indicator in sorted(vocabulary.indicators.values(), key=lambda item: item.id):
        if not indicator.pack or indicator.pack in vocabulary.packs:
            where = f"indicators/{indicator.id}"
            for example in indicator.examples:
                yield from _tried(where, indicator.id, example.text, vocabulary, shows=example.shows)
            yield from _unshown(where, indicator)
    for code in sorted(vocabulary.languages):
        language = vocabulary.languages[code]
        for said in language.examples:
            yield from _tried(f"languages/{code}.toml", said.indicator, said.text, vocabulary, shows=said.shows)
        for key in sorted(language.sources.keys() - {phrase.source for phrase in language.phrases}):
            yield Failure(f"languages/{code}.toml", f"source {key!r} is used by no phrase; delete it or use it")
    yield from _two_homes(vocabulary)


def _tried(where: str, indicator: str, text: str, vocabulary: Vocabulary, *, shows: bool) -> Iterator[Failure]:
    seen = {signal.indicator for signal in signals_of(text, vocabulary)}
    if (indicator in seen) is not shows:
        verb = "must show" if shows else "must not show"
        yield Failure(where, f"{text!r} {verb} {indicator}; correct the phrase or the example")


def _unshown(where: str, indicator: Indicator) -> Iterator[Failure]:
    if indicator.seed and indicator.seed.phrases and {True, False} - {e.shows for e in indicator.examples}:
        yield Failure(where, "has phrases but no example both ways; add one that shows it and one that does not")
    if indicator.counts and not indicator.sources:
        yield Failure(where, "counts but names no source; add [[sources]] or mark it unverified")


def _two_homes(vocabulary: Vocabulary) -> Iterator[Failure]:
    """Yield words that stand for two indicators. Support signs may share the words of what they report."""
    home: dict[tuple[str, str], Entry] = {}
    told: set[tuple[str, str, str]] = set()
    for entry in vocabulary.entries:
        if entry.indicator.category == "support":
            continue
        for text in variants(entry.text):
            first = home.setdefault((entry.language, fold(text)), entry)
            pair = (first.indicator.id, entry.indicator.id, entry.text)
            if first.indicator.id != entry.indicator.id and pair not in told:
                told.add(pair)
                fault = f"{text!r} stands for {first.indicator.id} and {entry.indicator.id}; keep it in one"
                yield Failure(f"languages/{entry.language}", fault)
