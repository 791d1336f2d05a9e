"""Warnings, campaigns and helplines are raised for no words that they only speak of; nobody is cleared by one such word."""

from __future__ import annotations

import time

import pytest

from threelines.assess import RAISED, WARNED, assess
from threelines.platforms.report import Report
from threelines.records import Assessment, Record, Thread
from threelines.vocabulary.terms import Vocabulary

SPOKEN_OF = (
    "Call our free hotline if they took your passport or if you cannot leave until you pay.",
    "Signs of trafficking: the boss has your passport; you are not allowed to leave the building.",
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
_ADVERT = (
    "High salary, no experience needed, enter on a tourist visa, pay the visa fee, the company keeps your passport."
)
LURES = (
    f'"{_ADVERT}" Human trafficking awareness. Contact @agent_x +66 81 234 5678',
    f"Know your rights: {_ADVERT} Contact @agent_x",
    f"Know your rights: {_ADVERT} Call the manager today.",
    f"“{_ADVERT}” Human trafficking awareness. +66 81 234 5678",
    f"“{_ADVERT}” Human trafficking awareness. See jobs-abroad.com/apply",
    f"“{_ADVERT}” Human trafficking awareness. Write to somebody on Telegram.",
    "If you want high salary, no experience needed, enter on a tourist visa and pay the visa fee, contact @agent_x. "
    "Human trafficking hotline 1300.",
    "If you want high salary, no experience needed, enter on a tourist visa and pay the visa fee, the job is yours. "
    "Human trafficking hotline 1300.",
    "If you talk to the human trafficking hotline they know where your family lives and you cannot leave until you have "
    "paid the debt.",
    "Know your rights: Sueldo muy alto, sin experiencia. Entrada con visado de turista. Descontamos la deuda y guardamos "
    "tu pasaporte. Pregunta en la oficina.",
    f"«{_ADVERT}» Te esperamos en la oficina. Human trafficking hotline.",
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


@pytest.mark.parametrize("text", LURES)
def test_nothing_is_cleared_beside_a_contact_or_in_a_language_without_the_writer_s_words(
    vocabulary: Vocabulary, text: str
):
    """A handle, number, link or bid to write or call, an "if" that offers or threatens, or other words than English: raised."""
    found = judged(text, vocabulary)

    assert found.support
    assert found.tier != "none"


def test_a_contact_in_the_next_message_clears_nothing(vocabulary: Vocabulary):
    """Who quotes an offer as a warning and gives their handle in another message stays raised."""
    texts = (f"“{_ADVERT}” Human trafficking awareness.", "@agent_x")
    records = tuple(Record(id=str(n), author="a", text=text) for n, text in enumerate(texts))

    assert assess(Thread(kind="conversation", id="t", records=records[:1]), vocabulary).tier == "none"
    assert assess(Thread(kind="conversation", id="t", records=records), vocabulary).tier == "look"


def test_a_helpline_s_own_number_is_no_contact(vocabulary: Vocabulary):
    """A warning that gives a listed helpline's number stays a warning."""
    assert judged(SPOKEN_OF[1] + " Hotline: 1-888-373-7888.", vocabulary).tier == "none"


def test_a_long_warning_is_read_in_time_that_grows_with_its_length(vocabulary: Vocabulary):
    """Thousands of "if" in one sentence, or of heads of lists, are read once (they took minutes)."""
    signs = (
        "know your rights. The employer kept the passport, high salary, no experience needed, enter on a tourist visa."
    )
    for filler in ("if x ", "know your rights: ", "if they "):
        start = time.process_time()
        judged(signs + " " + filler * (100_000 // len(filler)), vocabulary)
        assert time.process_time() - start < 8


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


@pytest.mark.parametrize(
    "text",
    [
        "Know your rights: they took your passport, you are not allowed to call your family, you are never paid.",
        "Know your rights: passports are kept by the office. You cannot leave until the debt is paid. Guards are at the gate.",
    ],
)
def test_what_stands_under_a_heading_of_rights_is_looked_at(vocabulary: Vocabulary, text: str):
    """House rules hide under the same heading as advice, without an I: such a text comes after others, and is not cleared."""
    assert judged(text, vocabulary).tier == "look"
