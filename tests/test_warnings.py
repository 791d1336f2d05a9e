"""Warnings, campaigns and helplines are raised for no words that they only speak of; nobody is cleared by one such word."""

from __future__ import annotations

import pytest

from threelines.assess import RAISED, WARNED, assess
from threelines.platforms.report import Report
from threelines.records import Assessment, Record, Thread
from threelines.vocabulary.terms import Vocabulary

SPOKEN_OF = (
    "Call our free hotline if they took your passport or if you cannot leave until you pay.",
    "Signs of trafficking: the boss has your passport; you are not allowed to leave the building.",
    "Know your rights: they took your passport, you are not allowed to call your family, you are never paid.",
    "Police warn: “High salary, no experience needed, enter on a tourist visa”. Do not go.",
    "“They took our passports and we cannot leave until we pay.” Call the hotline when you read this.",
)
THEIR_OWN = (
    "Know your rights. Your passport stays with me, you may not leave before the debt is paid.",
    "Police warn of fake job offers. We took your passports, you are not allowed to leave the building.",
    "Know your rights: we took your passport and you may not leave.",
    "If they took your passport, call the hotline. Enter on a tourist visa, no experience needed, the permit comes later.",
    "Police warn of others, we are honest: “No experience needed, enter on a tourist visa, start immediately”.",
    "If you run we will hurt you, we took your passport. Call the helpline.",
)


def judged(text: str, vocabulary: Vocabulary) -> Assessment:
    """Judge one post."""
    return assess(Thread(kind="advert", id="t", records=(Record(id="r", text=text, kind="advert"),)), vocabulary)


@pytest.mark.parametrize("text", SPOKEN_OF)
def test_what_is_only_spoken_of_is_not_raised(vocabulary: Vocabulary, text: str):
    """A text that warns, with every sign quoted, supposed or listed, is not raised, keeps its signs, and says why."""
    found = judged(text, vocabulary)

    assert (found.tier, found.support) == ("none", True)
    assert found.concern < RAISED
    assert found.signals
    assert found.explanation == WARNED


@pytest.mark.parametrize("text", THEIR_OWN)
def test_no_word_of_warning_clears_an_offer_or_a_threat(vocabulary: Vocabulary, text: str):
    """Who offers or threatens in their own words stays raised, whatever warning stands beside it."""
    assert judged(text, vocabulary).tier != "none"


def test_a_text_counts_once_and_a_warning_is_no_need(vocabulary: Vocabulary):
    """The report counts texts, not threads: a plea judged as an advert and with its account is one; a warning is told apart."""
    report = Report(vocabulary, inputs=())
    plea = Record(id="p", author="a", kind="advert", text="They took my passport, please help us get out.")
    warning = Record(id="w", author="b", kind="advert", text="Police warn of fake job offers abroad.")
    for kind in ("advert", "account"):
        for record in (plea, warning):
            report.add(assess(Thread(kind=kind, id=f"{kind} {record.id}", records=(record,)), vocabulary), {})

    assert (report.support, report.informs) == (1, 1)


@pytest.mark.parametrize("text", [THEIR_OWN[0], THEIR_OWN[1], THEIR_OWN[2], THEIR_OWN[5]])
def test_a_word_of_warning_takes_nothing_off_a_threat(vocabulary: Vocabulary, text: str):
    """What the writer says of themselves to "you" keeps its tier, whatever warning stands beside it."""
    assert judged(text, vocabulary).tier in ("priority", "urgent")
