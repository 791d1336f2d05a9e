"""Offers: ordinary work is compared only with a wage of its own country, and its stock phrases stay weak."""

from __future__ import annotations

import pytest

from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals.examples import signals_of
from threelines.vocabulary.terms import Vocabulary


def tier(text: str, vocabulary: Vocabulary) -> str:
    """Return the tier of one advert."""
    record = Record(id="r", kind="advert", text=text)
    return assess(Thread(kind="advert", id="t", records=(record,)), vocabulary).tier


@pytest.mark.parametrize(
    "text",
    [
        "Warehouse operative in London, no experience needed, £14.80 per hour, immediate start",
        "Farm worker in Germany, no experience needed, €15 per hour, flexible hours",
        "Cleaner in Seattle, no experience required, $20.76 per hour, flexible hours",
    ],
)
def test_pay_is_not_compared_where_no_row_says_the_wage(vocabulary: Vocabulary, text: str):
    """Pounds, euros and dollars by the hour have no row of the table: nothing is compared, nothing raised."""
    assert "REC-01" not in {signal.indicator for signal in signals_of(text, vocabulary)}
    assert tier(text, vocabulary) == "none"


def test_money_of_two_countries_is_compared_with_the_higher_wage(vocabulary: Vocabulary):
    """Hong Kong dollars are paid in two places: far above both is far above."""
    much = [
        s for s in signals_of("No experience required, 40,000 HKD per month.", vocabulary) if s.indicator == "REC-01"
    ]

    assert "HK, MO" in much[0].detail
    assert "REC-01" not in {
        s.indicator for s in signals_of("No experience required, 15,000 HKD per month.", vocabulary)
    }


@pytest.mark.parametrize(
    "text",
    [
        "경력 무관, 누구나 가능, 월 300만 원, 단순 업무",
        "Tanpa pengalaman, gaji besar, proses cepat",
        "Sem experiência, salários atrativos, contratação rápida",
        "Sales representative. No experience needed, uncapped commission, flexible hours.",
    ],
)
def test_stock_phrases_of_ordinary_work_stay_weak(vocabulary: Vocabulary, text: str):
    """Praise of the pay weighs more beside others only where a sum, a role or a place goes with it."""
    assert {s.strength for s in signals_of(text, vocabulary) if s.indicator in ("REC-01", "REC-02")} == {"weak"}
    assert tier(text, vocabulary) == "none"


def test_praise_of_pay_weighs_beside_a_sum_that_no_row_measures(vocabulary: Vocabulary):
    """Words that name a sum, or a role of warnings beside them, are no stock phrase."""
    for text in (
        "No experience needed, monthly income over ten thousand.",
        "No experience needed, generous commission, customer service in Sihanoukville.",
    ):
        assert {s.strength for s in signals_of(text, vocabulary) if s.indicator == "REC-01"} == {"medium"}, text
