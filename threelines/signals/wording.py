"""Words: sourced phrases, found after folding, quoted as written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import ahocorasick_rs

from threelines.records import Signal, Thread
from threelines.signals.detector import quoted, reads
from threelines.text.fold import fold, fold_back
from threelines.vocabulary.terms import Entry, Vocabulary

_CHOICE = re.compile(r"\{([^{}]*)\}")
_GAP = 40
_STOPS = re.compile(r"[.!?。！？\n]")


def variants(text: str) -> list[str]:
    """Write out the alternatives of a phrase: `{no|without} fee` → two phrases."""
    found = _CHOICE.search(text)
    if not found:
        return [" ".join(text.split())]
    head, tail = text[: found.start()], text[found.end() :]
    return [full for choice in found[1].split("|") for full in variants(head + choice + tail)]


class _Pattern(NamedTuple):
    entry: Entry
    parts: tuple[str, ...]


class Matcher:
    """All phrases of a vocabulary as one automaton over folded text."""

    def __init__(self, entries: tuple[Entry, ...]) -> None:
        literals: dict[str, list[_Pattern]] = {}
        for entry in entries:
            for text in variants(entry.text):
                parts = tuple(fold(part).strip() for part in text.split(" .. "))
                if all(parts):
                    literals.setdefault(parts[0], []).append(_Pattern(entry, parts))
        self._literals = sorted(literals)
        self._patterns = [literals[literal] for literal in self._literals]
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._literals, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        ) if self._literals else None  # fmt: skip

    def find(self, folded: str) -> Iterator[tuple[Entry, int, int]]:
        """Yield (entry, start, end) in the folded text, the longest match of each entry's place."""
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(folded, overlapping=True):
            for pattern in self._patterns[index]:
                stop = _follow(folded, pattern.parts, start, end)
                if stop and _stands_alone(folded, start, stop):
                    yield pattern.entry, start, stop


def _follow(folded: str, parts: tuple[str, ...], start: int, end: int) -> int:
    for part in parts[1:]:
        window = folded[end : end + _GAP + len(part)]
        at = window.find(part)
        if at < 0 or _STOPS.search(window[:at]):
            return 0
        end = end + at + len(part)
    return end


def _stands_alone(folded: str, start: int, end: int) -> bool:
    """Words of scripts with spaces must not match inside another word."""
    first, last = folded[start], folded[end - 1]
    if start and _spaced(first) and _spaced(folded[start - 1]):
        return False
    return not (end < len(folded) and _spaced(last) and _spaced(folded[end]))


def _spaced(letter: str) -> bool:
    """Whether the letter belongs to a script that writes words apart."""
    return letter.isalnum() and (letter < "\u0e00" or "\u1200" <= letter < "\u1780" or "\uac00" > letter >= "\ua000")


def matcher(vocabulary: Vocabulary) -> Matcher:
    """Return the vocabulary's automaton, built once."""
    made = vocabulary.__dict__.get("_matcher")
    if made is None:
        made = vocabulary.__dict__["_matcher"] = Matcher(vocabulary.entries)
    assert isinstance(made, Matcher)
    return made


@reads("advert", "conversation", "session")
def published_phrase(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The text uses words that an official warning or a study lists for this sign."""
    find = matcher(vocabulary).find
    for record in thread.records:
        if record.kind == "system" or not record.text:
            continue
        folded = fold(record.text)
        found = list(find(folded))
        if not found:
            continue
        back = fold_back(record.text)
        for entry, start, end in found:
            first, last = back.span(start, end)
            yield quoted(
                record, first, last, indicator=entry.indicator.id, strength=entry.indicator.strength,
                detail=entry.indicator.name, detector="published_phrase", shadow=entry.indicator.shadow,
            )  # fmt: skip
