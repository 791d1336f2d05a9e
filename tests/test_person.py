"""Whose person words speak of: who tells what is done to them is helped first, and an advert stays one."""

from __future__ import annotations

from itertools import islice

import pytest

from threelines.assess import assess
from threelines.people.advise import in_need, look, weigh
from threelines.people.interface import load_interfaces
from threelines.records import Record, Thread
from threelines.signals.person import to_the_reader
from threelines.signals.reading import variants
from threelines.signals.support import asks_or_reports
from threelines.vocabulary.terms import Vocabulary, load

CONTROL = "Company confiscated your passport, you are not allowed to leave the building."
OFFER = "High salary, no experience needed, free flight and visa, chat operator in Myawaddy, enter on a tourist visa."


def first_person() -> list[str]:
    """Return sampled variants of the English patterns that say what another does to the writer."""
    known = load().indicators
    written = (
        full.replace(" .. ", " now ")
        for sign in known.values()
        for phrase in (sign.seed.phrases if sign.category == "control" and sign.seed else ())
        for full in islice(variants(phrase), 0, None, 3)
    )
    return [
        text
        for text in written
        if {"me", "my", "us", "our"} & set(text.split())
        and not {"you", "your"} & set(text.split())
        and not any(
            theirs in text for theirs in ("owe", "with me", "with us", "for us", "by us", "our side", "our friends")
        )
    ]


def test_what_is_done_to_the_writer_is_told_by_the_same_words(vocabulary: Vocabulary):
    """A sign in the writer's own person ("they keep my passport") also says that somebody tells of their own need."""
    said = first_person()
    untold = [text for text in said if not in_need(look(f"They say: {text}", vocabulary), vocabulary)]

    assert len(said) > 60
    assert not untold


@pytest.mark.parametrize(
    "text",
    [
        "They have not paid me, they keep my passport.", "they hold our passports and they have not paid us",
        "They hold my documents and do not pay my salary.",
    ],
)  # fmt: skip
def test_the_own_report_is_no_priority(vocabulary: Vocabulary, text: str):
    """Rule 7: a report in the first person is met with help, and its words never come first."""
    judged = look(text, vocabulary)

    assert judged.support
    assert judged.tier in ("none", "look")


@pytest.mark.parametrize("text", ["I took my phone out.", "Can I take my phone with me?", "We keep your passport."])
def test_the_own_deed_and_the_readers_things_are_no_report(vocabulary: Vocabulary, text: str):
    """Who takes their own phone, or keeps another's passport, tells of no need."""
    assert not look(text, vocabulary).support


@pytest.mark.parametrize("stray", ["They beat us every day.", "他们打我。", "Me pegan."])
def test_a_stray_plea_does_not_disarm_what_is_said_to_the_reader(vocabulary: Vocabulary, stray: str):
    """What an advert says to "you" keeps its tier, headline and steps; help is shown beside."""
    judged = look(f"{CONTROL} {stray}", vocabulary)

    assert judged.tier == look(CONTROL, vocabulary).tier == "priority"
    if judged.support:
        assert not in_need(judged, vocabulary)


def test_a_stray_plea_leaves_the_steps_of_an_offer(vocabulary: Vocabulary):
    """One phrase of need beside several signs of an offer: help comes first, and the steps stay."""
    from datetime import date

    advice = weigh(f"{OFFER} They beat us every day.", vocabulary, load_interfaces()["en"], today=date(2026, 1, 1))

    assert advice.support
    assert advice.headline
    assert len(advice.steps) == 3


def test_a_survivor_who_retells_the_offer_is_in_need(vocabulary: Vocabulary):
    """Where the words of need are those of a sign that counts, nothing is left to weigh."""
    judged = look(f"They promised: {OFFER} Then they locked us in and took our passports.", vocabulary)

    assert in_need(judged, vocabulary)
    assert judged.tier == "look"


@pytest.mark.parametrize(
    "text",
    [
        "No me quitaron el pasaporte", "Non mi hanno tolto il passaporto", "他们没有拿走我的护照", "Nobody locked me in",
        "Niemand zwingt mich zu arbeiten", "Nadie me obliga a trabajar", "Personne ne me force à travailler",
        "Nobody forces me to have sex", "Ninguém me obriga a trabalhar", "ไม่มีใครยึดพาสปอร์ตของฉัน",
    ],
)  # fmt: skip
def test_what_is_denied_is_no_plea(vocabulary: Vocabulary, text: str):
    """A negation before the words, or nobody as who does it, says the opposite."""
    assert not look(text, vocabulary).support


@pytest.mark.parametrize(
    "text",
    [
        "I cannot leave they took my passport", "nobody helps me they took my passport", "when I say no he beats me",
        "nadie me ayuda me quitaron el pasaporte", "no puedo salir me quitaron el pasaporte",
    ],
)  # fmt: skip
def test_a_plea_without_stops_is_not_denied(vocabulary: Vocabulary, text: str):
    """Frightened people write no commas: a negation of another clause takes nothing from their words."""
    assert look(text, vocabulary).support


def test_another_accounts_threat_stands(vocabulary: Vocabulary):
    """A threat of one account to another is not lowered by what the other tells."""
    records = (
        Record(id="1", author="a", conversation="c", text=CONTROL),
        Record(id="2", author="b", conversation="c", text="They took my passport"),
    )
    thread = Thread(kind="conversation", id="c", records=records)

    assert any(signal.indicator == "SUP-03" for signal in asks_or_reports(thread, vocabulary))
    assert assess(thread, vocabulary).tier == "priority"


def test_japanese_rough_you_is_the_reader():
    """What is said to お前 is said to the reader; without a subject the words may be anybody's, and count as told."""
    said = "お前は借金を返すまでここから出られない"

    assert to_the_reader(said, said.index("ここから"), len(said))
    assert not to_the_reader("ここから出られない", 0, 9)
