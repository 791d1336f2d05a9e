"""Set the level of a platform: `--rate 1%` or `--budget 50/day`, with a guarantee.

Split conformal prediction (Vovk et al. 2005; Papadopoulos et al. 2002): of n + 1 exchangeable scores the
next one is equally likely to take any rank, so that a level at the k-th largest of n reference scores is
reached by a new one with probability at most k / (n + 1). No assumption on the scores' distribution is
made; the one assumption is that tomorrow's threads are like the reference (same platform, same mix).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from threelines.records import ThreelinesError

_DAY = 86_400.0


class CalibrationError(ThreelinesError):
    """A level cannot be set from what was given."""


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """The level from which a thread is raised, and what it promises."""

    score: float
    """Raise what scores above this. Infinite when the reference is too small to promise the rate."""
    rate: float
    """Share of threads asked for."""
    reference: int
    """Scores it was set from."""
    basis: Literal["rate", "budget"] = "rate"
    per_day: float = 0.0
    """Threads a day asked for, with a budget."""
    days: float = 0.0
    """Days that the reference covers, with a budget: see `Days`."""

    @classmethod
    def for_rate(cls, scores: Iterable[float], rate: float) -> Threshold:
        """Return the lowest level that a new thread exceeds with probability at most `rate`.

        Ties stay below: where 40% of the scores are equal, a level inside them would raise all 40%.
        """
        if not 0 < rate < 1:
            raise CalibrationError(f"--rate {rate:g}: give a share between 0 and 1, such as 0.01 or 1%")
        ordered = sorted(scores)
        allowed = math.floor(rate * (len(ordered) + 1) + 1e-9)
        level = ordered[-allowed] if allowed >= 1 else math.inf
        return cls(score=level, rate=rate, reference=len(ordered))

    @classmethod
    def for_budget(cls, scores: Iterable[float], per_day: float, *, days: float) -> Threshold:
        """Return the level that raises at most `per_day` threads a day on average; `days` is what `Days` counted."""
        ordered = sorted(scores)
        if per_day <= 0 or days <= 0:
            raise CalibrationError(f"--budget {per_day:g}/day over {days:g} days: both must be above 0")
        if not ordered:
            raise CalibrationError("--budget: no thread was judged; there is nothing to set a level from")
        rate = per_day * days / len(ordered)
        level = -math.inf if rate >= 1 else cls.for_rate(ordered, rate).score
        return cls(score=level, rate=min(rate, 1.0), reference=len(ordered), basis="budget", per_day=per_day, days=days)

    def raises(self, score: float) -> bool:
        """Whether a thread of this score is raised."""
        return score > self.score

    def shown(self, *, floor: float) -> str:
        """Say which concern is raised, where nothing below `floor` ever is: the higher of both levels is the one applied."""
        if self.score == math.inf:
            return "none"
        return f"concern {floor:g} or more" if self.score < floor else f"concern above {self.score:.4g}"

    def told(self, *, floor: float = -math.inf) -> str:
        """Say in one sentence which level is applied and what it promises; `floor` as for `shown`."""
        if self.basis == "budget":
            return self._told_of_budget(floor)
        if self.score == math.inf:
            least = math.ceil(1 / self.rate - 1)
            return f"Nothing is raised: {self.reference} threads are too few to promise {100 * self.rate:g}%; at least {least} are needed."
        return self._told_of_level(f"{100 * self.rate:g}% of threads", floor)

    def _told_of_budget(self, floor: float) -> str:
        asked = f"{self.per_day:g} threads a day"
        days = f"{self.days:.4g} {'day' if self.days == 1 else 'days'} with records"
        if self.score == math.inf:  # more threads would not help: the rate falls as they grow
            return (
                f"Nothing is raised: at {asked} the {days} allow less than one thread; "
                f"give records of at least {math.ceil(1 / self.per_day - 1e-9)} days."
            )
        if self.score == -math.inf:
            return f"Everything raised is shown: {self.reference} threads in {days} do not reach {asked}."
        return self._told_of_level(f"{asked}, over {days}", floor)

    def _told_of_level(self, asked: str, floor: float) -> str:
        if self.score < floor:
            return (
                f"Raised from {floor:g}, as without a level of your own: on average at most {asked} would lie above "
                f"{self.score:.4g} already, and fewer are raised; set from {self.reference} threads."
            )
        return (
            f"Raised above {self.score:.4g}: on average at most {asked}, as long as threads stay like the "
            f"{self.reference} it was set from."
        )


class Days:
    """Counts the days that records cover, so that one wrong date adds one day and not fifty years.

    Days in a row with records count from the first record to the last, and at least as one day (UTC); days without
    records between them do not count. Memory is one entry for each day with records.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, float]] = {}

    def add(self, at: float) -> None:
        """Take in the time of one record, in seconds since 1970, UTC."""
        day = int(at // _DAY)
        first, last = self._seen.get(day, (at, at))
        if first == last or not first <= at <= last:
            self._seen[day] = min(first, at), max(last, at)

    def __bool__(self) -> bool:
        """Whether any record had a time."""
        return bool(self._seen)

    def count(self) -> float:
        """Return the days covered; 1 where no record had a time."""
        days, begun = 0.0, math.nan
        for day in sorted(self._seen):
            first, last = self._seen[day]
            if day - 1 not in self._seen:
                begun = first
            if day + 1 not in self._seen:
                days += max(1.0, (last - begun) / _DAY)
        return max(1.0, days)


def share_at_least(score: float, reference: Sequence[float]) -> float:
    """Return the conformal p-value: the share of n reference scores and this one that are at least as high.

    `reference` must be sorted. A thread unlike nothing before has p = 1 / (n + 1), never 0.
    """
    at_least = len(reference) - bisect_left(reference, score)
    return (at_least + 1) / (len(reference) + 1)


def parse_rate(text: str) -> float:
    """Read `1%` or `0.01`."""
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError as fault:
        raise CalibrationError(f"--rate {text!r}: not a number; give 1% or 0.01") from fault
    share = value / 100 if text.strip().endswith("%") else value
    if not 0 < share < 1:
        raise CalibrationError(f"--rate {text}: give a share above 0 and below all, such as 1% or 0.01")
    return share


def parse_budget(text: str) -> float:
    """Read `50/day`, `350/week` or `50` as threads a day."""
    amount, _, unit = text.strip().partition("/")
    days = {"": 1.0, "day": 1.0, "week": 7.0, "month": 30.0}.get(unit.strip().lower())
    try:
        value = float(amount)
    except ValueError as fault:
        raise CalibrationError(f"--budget {text!r}: not a number; give 50/day") from fault
    if days is None:
        raise CalibrationError(f"--budget {text!r}: the unit is day, week or month")
    if not 0 < value < float("inf"):
        raise CalibrationError(f"--budget {text}: give a number above 0, such as 50/day")
    return value / days
