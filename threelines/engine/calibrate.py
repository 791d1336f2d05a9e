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
        """Return the level that raises at most `per_day` threads a day on average; `days` is what the scores span."""
        ordered = sorted(scores)
        if per_day <= 0 or days <= 0:
            raise CalibrationError(f"--budget {per_day:g}/day over {days:g} days: both must be above 0")
        if not ordered:
            raise CalibrationError("--budget: no thread was judged; there is nothing to set a level from")
        rate = per_day * days / len(ordered)
        level = -math.inf if rate >= 1 else cls.for_rate(ordered, rate).score
        return cls(score=level, rate=min(rate, 1.0), reference=len(ordered), basis="budget", per_day=per_day)

    def raises(self, score: float) -> bool:
        """Whether a thread of this score is raised."""
        return score > self.score

    def told(self) -> str:
        """Say in one sentence what the level promises, for the report."""
        if math.isinf(self.score) and self.score > 0:
            least = math.ceil(1 / self.rate - 1)
            return f"{self.reference} reference threads are too few to promise {100 * self.rate:g}%; at least {least} are needed."
        asked = f"{self.per_day:g} threads a day" if self.basis == "budget" else f"{100 * self.rate:g}% of threads"
        return (
            f"Raised above {self.score:.4g}: on average at most {asked}, as long as threads stay like the "
            f"{self.reference} it was set from."
        )


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
