"""Support: people who ask, tell, warn or help are routed to help."""

from __future__ import annotations

import pytest

from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals.support import asks_or_reports
from threelines.vocabulary.terms import Vocabulary


def message(text: str) -> Thread:
    """Return a conversation of one message."""
    return Thread(kind="conversation", id="c", records=(Record(id="r", author="a", conversation="c", text=text),))


@pytest.mark.parametrize(
    ("text", "indicator"),
    [
        ("Is this job offer in Thailand real?", "SUP-01"), ("Please help us get out of here", "SUP-02"),
        ("My employer took my passport", "SUP-03"), ("Police warned of fake job offers", "SUP-04"),
        ("My client was promised another job", "SUP-05"), ("警方提醒：切勿轻信高薪招聘", "SUP-04"),
        ("Em trai tôi bị lừa sang Campuchia", "SUP-03"), ("เตือนภัย อย่าหลงเชื่อ", "SUP-04"),
    ],
)  # fmt: skip
def test_help_seeking_is_recognised(vocabulary: Vocabulary, text: str, indicator: str):
    """Rule 7: asking, telling, warning and helping each have their sign, in several languages."""
    assert indicator in {signal.indicator for signal in asks_or_reports(message(text), vocabulary)}


def test_a_survivor_is_helped_and_never_urgent(vocabulary: Vocabulary):
    """Rule 7: who tells in the first person what was done to them is support, at most something to look at."""
    found = assess(message("They took my passport and we are not allowed to leave the building."), vocabulary)

    assert found.support
    assert found.tier in ("none", "look")


def test_an_advert_that_denies_fraud_is_no_warning(vocabulary: Vocabulary):
    """That an advert says of itself "no fees, beware of others" does not make its writer a helper."""
    assert not list(asks_or_reports(message("本岗位为正规兼职，不收取任何费用，谨防诈骗。"), vocabulary))


@pytest.mark.parametrize("text", ["Help me get the milk", "Is this bus going downtown?", "I was forced to laugh, haha"])
def test_everyday_talk_is_no_cry_for_help(vocabulary: Vocabulary, text: str):
    """Ordinary questions and jokes are not flagged."""
    assert not list(asks_or_reports(message(text), vocabulary))
