"""Persona: facts an account states about itself that drift from one person to the next.

AI-07 is unverified, and people share accounts, forget, joke and protect themselves. So drift is context
for the person who reads: never counted, neither for concern nor for AI use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import ahocorasick_rs

from threelines.records import Record, Signal, Thread
from threelines.signals.account import wording_print
from threelines.signals.detector import quoted, reads
from threelines.signals.reading import readings
from threelines.text.fold import fold, fold_back
from threelines.vocabulary.terms import Vocabulary

YEAR = 365.25 * 86_400
AGE_SLACK = 2
"""Years two stated ages may differ: birthdays and rounding."""
SAME_SENTENCE = 3
"""Times one sentence must be sent, to as many people, before its numbers are compared."""
_NUMBER = re.compile(r"\d+")
_SLOTS = {r"\{n\}": r"(\d{1,3})(?!\d)", r"\{w\}": r"([^\W\d_][\w'-]{1,20})"}


class Fact(NamedTuple):
    """One statement an account makes about itself."""

    kind: str
    value: str
    record: Record
    start: int
    end: int


class _Pattern(NamedTuple):
    kind: str
    anchor: str
    expression: re.Pattern[str]


@cache
def _patterns() -> tuple[_Pattern, ...]:
    path = files("threelines") / "vocabulary" / "persona.toml"
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    made = []
    for kinds in tables.values():
        for kind, texts in kinds.items():
            for text in texts:
                head, slot, tail = text.partition("{n}") if "{n}" in text else text.partition("{w}")
                value = _SLOTS[re.escape(slot)]
                anchor = fold(head).rstrip()
                expression = re.compile(rf"(?<!\w){re.escape(anchor)}\s*{value}{re.escape(fold(tail))}")
                made.append(_Pattern(kind, anchor, expression))
    return tuple(made)


@cache
def _anchors() -> Any:
    """One automaton over the patterns' fixed words: most texts hold none of them."""
    return ahocorasick_rs.AhoCorasick([pattern.anchor for pattern in _patterns()])


def may_state(folded: str) -> bool:
    """Whether the folded text holds the fixed words of a statement about oneself."""
    return bool(_anchors().find_matches_as_indexes(folded))


def facts_of(record: Record, folded: str) -> Iterator[Fact]:
    """Yield what the author says about himself or herself in this record, whose folded text is given."""
    present = {index for index, _, _ in _anchors().find_matches_as_indexes(folded, overlapping=True)}
    for pattern in (_patterns()[index] for index in sorted(present)):
        for match in pattern.expression.finditer(folded):
            start, end = fold_back(record.text).span(*match.span())
            yield Fact(pattern.kind, match[1].strip("'-"), record, start, end)


def drift(facts: list[Fact]) -> tuple[Fact, Fact] | None:
    """Return the first two statements of one kind that cannot both hold, or None."""
    for index, later in enumerate(facts):
        for earlier in facts[:index]:
            if _disagree(earlier, later):
                return earlier, later
    return None


def _disagree(earlier: Fact, later: Fact) -> bool:
    if earlier.kind != "age":
        return earlier.value != later.value
    years = 0.0
    if earlier.record.time and later.record.time:
        years = abs((later.record.time - earlier.record.time).total_seconds()) / YEAR
    return abs(int(later.value) - int(earlier.value)) > AGE_SLACK + years


@reads("account")
def facts_that_drift(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account tells different people different things about its age, name, town or work."""
    by_kind: dict[str, dict[str, Fact]] = {}
    for reading in readings(thread, vocabulary):
        for fact in facts_of(reading.record, reading.folded):
            # One statement per value is enough: memory stays small however often it is repeated.
            by_kind.setdefault(fact.kind, {}).setdefault(fact.value, fact)
    for kind in sorted(by_kind):
        found = drift(list(by_kind[kind].values())[:50])
        if found:
            earlier, later = found
            yield quoted(
                later.record, later.start, later.end, indicator="AI-07", strength="context",
                detector="facts_that_drift",
                detail=f"Stated {kind}: here {later.value!r}, in record {earlier.record.id} {earlier.value!r}. "
                "Several people may share the account, and people protect themselves. Unverified: never counted.",
            )  # fmt: skip


@reads("account")
def same_sentence_other_numbers(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account sends one sentence with different numbers in it to different people; needs no language."""
    sent: dict[int, dict[str, Record]] = {}
    for record in thread.records:
        numbers = " ".join(_NUMBER.findall(record.text)) if record.conversation else ""
        if numbers:
            print_ = wording_print(record.text)
            if print_:
                sent.setdefault(print_, {}).setdefault(f"{record.conversation}\n{numbers}", record)
    for found in sent.values():
        people = {key.split("\n")[0] for key in found}
        numbers_seen = {key.split("\n")[1] for key in found}
        if len(people) >= SAME_SENTENCE and len(numbers_seen) >= 2:
            last = list(found.values())[-1]
            yield Signal(
                indicator="AI-07", record=last.id, strength="context", detector="same_sentence_other_numbers",
                detail=f"One sentence went to {len(people)} people with {len(numbers_seen)} different sets of numbers. "
                "Order numbers, prices and dates do the same. Unverified: never counted.",
            )  # fmt: skip
