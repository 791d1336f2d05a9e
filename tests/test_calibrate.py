"""Levels by rate and by budget: the promise is kept, by simulation."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.engine.calibrate import CalibrationError, Days, Threshold, parse_budget, parse_rate, share_at_least


@pytest.mark.parametrize("rate", [0.001, 0.01, 0.05, 0.2])
@pytest.mark.parametrize("ties", [False, True])
def test_realised_rate_is_at_most_the_asked_one(rate: float, ties: bool) -> None:
    """Over many seeds the share of new threads raised stays at or below the rate, up to chance (3 sigma)."""
    raised = trials = 0
    for seed in range(400):
        draw = Random(seed)
        scores = [round(draw.gauss(0, 1), 1 if ties else 9) for _ in range(1200)]
        level = Threshold.for_rate(scores[:1000], rate)
        raised += sum(map(level.raises, scores[1000:]))
        trials += 200
    # Calls that share a reference are correlated: the variance of a conformal level's rate is about rate / n more.
    sigma = math.sqrt(rate * (1 - rate) / trials + rate * (1 - rate) / 1000 / 400)

    assert raised / trials <= rate + 3 * sigma


def test_rate_is_not_wasted_without_ties() -> None:
    """With distinct scores the realised rate is close to the asked one: the level is not merely safe."""
    raised = 0
    for seed in range(300):
        draw = Random(seed)
        scores = [draw.random() for _ in range(1199)]
        raised += sum(map(Threshold.for_rate(scores[:999], 0.02).raises, scores[999:]))

    assert 0.017 <= raised / 60_000 <= 0.0206


@given(st.lists(st.floats(0, 1), min_size=1, max_size=200), st.floats(0.001, 0.999))
def test_a_level_never_raises_more_of_its_own_reference(scores: list[float], rate: float) -> None:
    """In the reference itself fewer than rate × (n + 1) scores lie above, whatever the ties."""
    level = Threshold.for_rate(scores, rate)

    assert sum(map(level.raises, scores)) <= rate * (len(scores) + 1)


def test_budget_becomes_a_rate_over_the_days() -> None:
    """50 a day over 4 days of 1,000 threads is 20%."""
    level = Threshold.for_budget([i / 1000 for i in range(1000)], 50, days=4)

    assert level.rate == 0.2
    assert sum(level.raises(i / 1000) for i in range(1000)) <= 200
    assert "50 threads a day" in level.told()


def test_a_budget_above_the_traffic_raises_everything() -> None:
    """Who can read more than there is gets all of it, and is told so in words."""
    level = Threshold.for_budget([0.0, 0.5], 50, days=1)

    assert level.raises(0.0)
    assert level.told() == "Everything raised is shown: 2 threads in 1 day with records do not reach 50 threads a day."


def test_a_budget_of_less_than_a_thread_asks_for_days() -> None:
    """One thread in ten weeks cannot be picked from three days, however many threads they hold; from 70 days it can."""
    scores = [i / 5000 for i in range(5000)]
    short, long = (Threshold.for_budget(scores, 0.1 / 7, days=days) for days in (3, 70))

    assert not short.raises(1.0)
    assert "at least 70 days" in short.told()
    assert 1 == sum(map(long.raises, [*scores, 1.0]))


DAY = 86_400.0
NOON = 20_000.5 * DAY


@pytest.mark.parametrize(
    ("times", "days"),
    [
        ([], 1),
        ([NOON], 1),
        ([NOON, NOON + DAY], 1),  # a day's export that does not begin at midnight
        ([NOON + hour * 3600.0 for hour in range(24 * 4 + 1)], 4),
        ([NOON, NOON + 7 * DAY, NOON + 14 * DAY], 3),  # days without records do not count
        ([0.0, *(NOON + hour * 3600.0 for hour in range(24 * 4 + 1))], 5),
        ([-NOON, 9 * NOON, *(NOON + hour * 3600.0 for hour in range(24 * 4 + 1))], 6),
    ],
)
def test_a_wrong_date_adds_one_day(times: list[float], days: float) -> None:
    """Days in a row count from the first record to the last; a record of 1970 counts one day and no fifty years."""
    counted = Days()
    for at in reversed(times):
        counted.add(at)

    assert counted.count() == pytest.approx(days)
    assert bool(counted) == bool(times)


def test_too_small_a_reference_promises_nothing() -> None:
    """Fifty threads cannot promise 1%: nothing is raised, and the sentence says what is needed."""
    level = Threshold.for_rate([0.1] * 50, 0.01)

    assert not level.raises(1.0)
    assert "at least 99" in level.told()


@given(st.lists(st.integers(0, 5), max_size=40), st.integers(0, 5))
def test_p_value_counts_the_thread_itself(reference: list[int], score: int) -> None:
    """The conformal p-value is the rank of the thread among the reference and itself, ties against it."""
    expected = (sum(other >= score for other in reference) + 1) / (len(reference) + 1)

    assert expected == share_at_least(score, sorted(reference))


def test_rates_and_budgets_are_read_as_people_write_them() -> None:
    """1% and 0.01 are the same rate; a week's budget is divided by 7."""
    assert parse_rate("1%") == parse_rate("0.01") == 0.01
    assert parse_budget("350/week") == parse_budget("50/day") == parse_budget("50") == 50


@pytest.mark.parametrize("wrong", ["many", "50/hour", ""])
def test_a_wrong_budget_is_refused_with_the_remedy(wrong: str) -> None:
    """The message names what was given and how to write it."""
    with pytest.raises(CalibrationError, match="--budget"):
        parse_budget(wrong)
