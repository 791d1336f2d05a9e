"""Offers: pay, requirement, role and place compared with sourced tables."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals.examples import signals_of
from threelines.vocabulary.terms import Vocabulary

DATA = Path(__file__).parents[1].parent / "shared" / "data" / "dev"


def shown(text: str, vocabulary: Vocabulary) -> dict[str, str]:
    """Return indicator → strength of what a text shows."""
    return {signal.indicator: signal.strength for signal in signals_of(text, vocabulary)}


def test_pay_is_compared_with_the_place_of_work(vocabulary: Vocabulary):
    """The same sum is far above market in one country and ordinary in another; skill asked for ends the comparison."""
    much = "Office work in Cambodia. 1,500 USD per month. No experience required."
    plain = "Office work in Singapore. 1,500 USD per month. No experience required."
    skilled = "Office work in Cambodia. 1,500 USD per month. Five years of experience required."

    assert shown(much, vocabulary)["REC-01"] == "medium"
    assert "REC-01" not in shown(plain, vocabulary)
    assert "REC-01" not in shown(skilled, vocabulary)


def test_joint_signs_weigh_more_than_single_ones(vocabulary: Vocabulary):
    """REC-02 alone is weak; beside pay far above market it is medium, as its file says and why."""
    assert shown("No experience required.", vocabulary)["REC-02"] == "weak"
    assert shown("No experience required, 6,000 USD per month.", vocabulary)["REC-02"] == "medium"


def test_an_ordinary_role_needs_a_named_place(vocabulary: Vocabulary):
    """Customer service is ordinary work; in a zone of official warnings it is one sign among others."""
    assert "REC-04" not in shown("Customer service in Lisbon, 900 EUR per month.", vocabulary)
    there = shown("Customer service in Sihanoukville.", vocabulary)
    assert {"REC-04", "REC-27"} <= set(there)


def test_places_say_who_named_them_and_when(vocabulary: Vocabulary):
    """The sentence of a place signal names the source and the day it was read."""
    found = next(s for s in signals_of("Work in Myawaddy.", vocabulary) if s.indicator == "REC-27")

    assert "Nepal" in found.detail
    assert "read 20" in found.detail


def test_foreign_money_shows_work_abroad(vocabulary: Vocabulary):
    """Pay in yuan for work in Cambodia is a sign; pay in dollars there, or in yuan in China, is not."""
    assert "REC-22" in shown("Work in Cambodia, 9000 yuan per month.", vocabulary)
    assert "REC-22" not in shown("Work in Cambodia, 900 USD per month.", vocabulary)
    assert "REC-22" not in shown("中国 上海 月薪9000元", vocabulary)
    assert "REC-22" not in shown("Work in Mexico, 9000 pesos per month.", vocabulary)


def test_free_travel_and_housing_never_counts(vocabulary: Vocabulary):
    """Rule 5: an employer that pays for travel and housing follows fair-recruitment rules."""
    text = "Meals and accommodation are provided, flights are paid by the employer."

    assert set(shown(text, vocabulary).values()) <= {"context"}


def test_each_writer_of_a_talk_makes_an_own_offer(vocabulary: Vocabulary):
    """Pay named by one and a missing requirement named by the other are no joint sign."""
    records = (
        Record(id="1", author="a", conversation="c", text="I earn 9,000 USD per month now."),
        Record(id="2", author="b", conversation="c", text="No experience required at my job."),
    )
    found = assess(Thread(kind="conversation", id="c", records=records), vocabulary)

    assert {s.strength for s in found.signals if s.indicator == "REC-02"} == {"weak"}


def test_bands_and_places_name_their_sources(vocabulary: Vocabulary):
    """Every wage band and every place that counts has a source of the same file."""
    assert vocabulary.offers is not None
    offers = vocabulary.offers
    assert all(band.source in offers.sources for band in offers.bands)
    assert all(place.source in offers.sources and place.checked for place in offers.places if place.kind != "country")
    assert all(closed.source in offers.sources for closed in offers.closed)


def rate(name: str, vocabulary: Vocabulary, keep: dict[str, str]) -> float:
    """Return the share of adverts of a developer set that are raised."""
    path = DATA / f"{name}.jsonl.gz"
    if not path.is_file():
        pytest.skip(f"{path} is absent: the labelled sets lie beside the repository in this workplace only")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if all(row.get(key) == value for key, value in keep.items())]
    raised = 0
    for row in rows:
        record = Record(id="r", kind="advert", text=row["text"])
        raised += assess(Thread(kind="advert", id="t", records=(record,)), vocabulary).tier != "none"
    return raised / len(rows)


@pytest.mark.data
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("variant", ["short", "LLM-polished"])
def test_scam_compound_offers_are_found(vocabulary: Vocabulary, language: str, variant: str):
    """Nine in ten offers in the style of scam compounds are raised, short and polished alike."""
    kept = {"lang": language, "variant": variant}

    assert rate("jobads_enzh_fraudr1_scamcompound", vocabulary, kept) >= 0.9


@pytest.mark.data
@pytest.mark.parametrize(("name", "kept"), [("jobads_zh_orfd", {"label": "real"}), ("jobads_benign_jobstreet", {})])
def test_ordinary_adverts_are_left_alone(vocabulary: Vocabulary, name: str, kept: dict[str, str]):
    """At most one in twenty real adverts is raised, at the same threshold."""
    assert rate(name, vocabulary, kept) <= 0.05
