"""Persona drift: statements that cannot all hold, shown as context and never counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from threelines.assess import judge, observe
from threelines.records import Record, Thread
from threelines.signals.persona import facts_of, facts_that_drift, same_sentence_other_numbers
from threelines.text.fold import fold

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)


def said(*texts: str, days: float = 1.0) -> Thread:
    """Return an account that says each text to another person, `days` apart."""
    records = tuple(
        Record(id=str(i), author="a", audience=(f"b{i}",), conversation=f"c{i}",
               time=MONDAY + timedelta(days=days * i), text=text)
        for i, text in enumerate(texts)
    )  # fmt: skip
    return Thread(kind="account", id="a", records=records)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Hello, I am 27 years old.", "age", "27"),
        ("Me llamo Ana y vivo aquí", "name", "ana"),
        ("tengo 31 años", "age", "31"),
        ("Umur saya 24 tahun", "age", "24"),
        ("Saya tinggal di Medan", "town", "medan"),
        ("我今年28岁", "age", "28"),
        ("ฉันอายุ 25 ปี", "age", "25"),
        ("I work as a teacher", "job", "teacher"),
    ],
)
def test_facts_are_read_in_five_languages(text, kind, value):
    """Each language's plain way to say a fact about oneself is read."""
    found = [(fact.kind, fact.value) for fact in facts_of(Record(id="1", author="a", text=text), fold(text))]

    assert (kind, value) in found


@pytest.mark.parametrize("text", ["I am 27 minutes late", "my brother lives in Lima", "soy feliz"])
def test_other_sentences_are_not_facts(text):
    """Minutes are not years, and a brother is not oneself."""
    assert list(facts_of(Record(id="1", author="a", text=text), fold(text))) == []


def test_two_ages_are_shown_with_the_words(vocabulary):
    """The later statement is quoted as written, and the earlier record is named."""
    thread = said("I am 27 years old", "well, I am 34 years old")
    (signal,) = facts_that_drift(thread, vocabulary)

    assert signal.quote == "I am 34 years old"
    assert thread.records[1].text[signal.start : signal.end] == signal.quote
    assert "record 0" in signal.detail
    assert signal.strength == "context"


def test_birthdays_are_not_drift(vocabulary):
    """Ages that time explains agree."""
    thread = said("I am 27 years old", "I am 31 years old", days=1000)

    assert list(facts_that_drift(thread, vocabulary)) == []


def test_one_sentence_with_other_numbers_needs_no_language(vocabulary):
    """The same words to three people with different numbers are shown, in any language."""
    thread = said(*(f"qorvi taleb nusk {n} weltom haresk" for n in (21, 24, 29)))
    same = said(*(["qorvi taleb nusk 21 weltom haresk"] * 3))

    assert [s.indicator for s in same_sentence_other_numbers(thread, vocabulary)] == ["AI-07"]
    assert list(same_sentence_other_numbers(same, vocabulary)) == []


def test_drift_counts_for_nothing(vocabulary):
    """AI-07 is unverified: neither concern nor AI use moves (rule 8)."""
    thread = said("I am 27 years old", "I am 44 years old", "my name is Ana", "my name is Eva")
    assessment = judge(thread, observe(thread, vocabulary), vocabulary)

    assert {s.indicator for s in assessment.signals} == {"AI-07"}
    assert (assessment.concern, assessment.ai_use, assessment.tier) == (0.0, 0.0, "none")
