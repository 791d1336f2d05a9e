"""Methods of outbreak detection from epidemiology, for rates: hits over those who could be hits.

EARS C1 to C3: Hutwagner et al. 2003, J. Urban Health 80(2 Suppl 1). Quasi-Poisson regression with
trend, season, down-weighting of past outbreaks and negative binomial tail: Farrington et al. 1996,
J. R. Stat. Soc. A 159(3); Noufaily et al. 2013, Stat. Med. 32(7). False discovery rate over all
series: Benjamini and Hochberg 1995, J. R. Stat. Soc. B 57(1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

LEAST_RECENT = 5
"""Fewer hits in the last four periods raise nothing (Farrington et al. 1996, section 3.7)."""
GAP = 4
"""Periods before the present that the baseline leaves out: an outbreak must not hide itself."""
LONG = 20
"""Periods of baseline that the regression needs; below that the EARS baseline of seven is used."""
SEASON = 2
"""Years of baseline from which a season can be told from a trend. Before it the last periods alone must stand out, too:
against a year's mean every shared season rises.
"""
CARE = 8
"""How much a dispersion is widened, over its degrees of freedom: from few periods it is as often too small as too large,
and among many series the smallest make the signals (measured: `python bench/monitor.py quiet`).
"""
MANY = 100
"""Periods of baseline from which a dispersion is taken as it is: wider ones would see a long series' rises later."""
LEAST_SPREAD = 2.0
"""Least dispersion of a short past."""
FULL = 156
"""Longest baseline, in periods."""


class Ears(msgspec.Struct, frozen=True, kw_only=True):
    """The three EARS statistics; alarms are C1 > 3, C2 > 3, C3 > 2."""

    c1: float
    c2: float
    c3: float

    @property
    def alarms(self) -> tuple[str, ...]:
        """The names of those that are over their limit."""
        limits = (("C1", self.c1, 3.0), ("C2", self.c2, 3.0), ("C3", self.c3, 2.0))
        return tuple(name for name, value, limit in limits if value > limit)


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """How far the hits of one period exceed what the past lets expect."""

    hits: int
    total: int
    expected: float
    dispersion: float
    p: float
    """Chance of this many hits or more, if nothing had changed."""
    method: str


def ears(hits: Sequence[float], totals: Sequence[float]) -> Ears:
    """Return C1, C2 and C3 of the last period, each against a baseline of seven periods."""
    y, n = np.asarray(hits, float), np.asarray(totals, float)
    last = len(y) - 1
    c2 = [_standardised(y, n, at, gap=2) for at in range(last - 2, last + 1)]
    return Ears(c1=_standardised(y, n, last, gap=0), c2=c2[-1], c3=round(sum(max(0.0, c - 1) for c in c2), 3))


def _standardised(y: Any, n: Any, at: int, *, gap: int) -> float:
    start, end = at - gap - 7, at - gap
    if start < 0 or n[start:end].sum() == 0:
        return 0.0
    expected = n * (y[start:end].sum() + 0.5) / (n[start:end].sum() + 1)
    spread = math.sqrt(max(float(np.var((y - expected)[start:end], ddof=1)), float(expected[at]), 0.2))
    return round(float(y[at] - expected[at]) / spread, 3)


def excess(hits: Sequence[float], totals: Sequence[float], *, per_year: int = 52) -> Excess:
    """Return the excess of the last period over the baseline before it."""
    y, n = np.asarray(hits, float), np.asarray(totals, float)
    last = len(y) - 1
    usable = np.flatnonzero(n[: max(0, last - GAP + 1)] > 0)[-FULL:]
    is_few = y[max(0, last - 3) :].sum() < LEAST_RECENT
    made = []
    if len(usable) >= LONG:
        made.append(("quasi-Poisson regression", *_regression(y, n, usable, last, per_year)))
    if len(usable) < max(LONG, SEASON * per_year):
        made.append(("seven periods", *_short(y, n, last)))
    judged = [
        Excess(
            hits=int(y[last]), total=int(n[last]), expected=round(expected, 3), dispersion=round(dispersion, 3),
            p=1.0 if is_few else float(f"{tail(int(y[last]), expected, variance):.4g}"), method=method,
        )
        for method, expected, variance, dispersion in made
    ]  # fmt: skip
    return max(judged, key=lambda found: found.p)


def _short(y: Any, n: Any, last: int) -> tuple[float, float, float]:
    """Return expected hits by the last seven periods, their variance, and the dispersion by all earlier ones."""
    before = slice(max(0, last - 9), max(0, last - 2)) if last >= 5 else slice(0, last)
    base = float(n[before].sum())
    if base == 0:
        return float(n[last]), float(n[last]) + 1, 1.0  # no past: nothing can be unusual
    hits = float(y[before].sum()) + 0.5
    expected = float(n[last]) * hits / (base + 1)
    past = np.flatnonzero(n[:last] > 0)
    mean = n[past] * (y[past].sum() + 0.5) / (n[past].sum() + 1)
    freedom = max(1, len(past) - 1)
    dispersion = max(LEAST_SPREAD, float(((y[past] - mean) ** 2 / mean).sum()) / freedom * (1 + CARE / freedom))
    return expected, dispersion * (expected + expected**2 / hits), dispersion


def _regression(y: Any, n: Any, usable: Any, last: int, per_year: int) -> tuple[float, float, float]:
    """Fit without and with a trend; keep the trend when it is clear and foretells nothing unseen."""
    without = _fit(y, n, usable, last, per_year, trend=False)
    with_trend = _fit(y, n, usable, last, per_year, trend=True)
    slope, error = with_trend[3]
    highest = float(max(y[usable] / n[usable])) * float(n[last])
    keep = abs(slope) > 1.96 * error and with_trend[0] <= max(highest, without[0])
    return (with_trend if keep else without)[:3]


def _fit(
    y: Any, n: Any, usable: Any, last: int, per_year: int, *, trend: bool
) -> tuple[float, float, float, tuple[float, float]]:
    """Return expected hits, their variance, the dispersion and (slope, its standard error)."""
    design = _design(np.arange(last + 1), usable, per_year, trend=trend)
    x, hits, totals = design[usable], y[usable], n[usable]
    weights = np.ones(len(usable))
    beta = covariance = np.zeros(0)
    dispersion = 1.0
    for _ in range(3):
        beta, mean, covariance = _poisson(x, hits, totals, weights)
        freedom = max(1, len(usable) - x.shape[1])
        dispersion = max(1.0, float((weights * (hits - mean) ** 2 / mean).sum()) / freedom)
        weights = _down_weighted(hits, mean, dispersion, x, covariance)
    expected = float(n[last]) * math.exp(min(50.0, float(design[last] @ beta)))
    covariance = covariance * dispersion
    of_mean = expected**2 * float(design[last] @ covariance @ design[last])
    wider = 1 + CARE / max(1, len(usable) - x.shape[1]) if len(usable) < MANY else 1.0
    slope = (float(beta[1]), math.sqrt(float(covariance[1, 1]))) if trend else (0.0, 1.0)
    return expected, (dispersion * expected + of_mean) * wider, dispersion, slope


def _design(times: Any, usable: Any, per_year: int, *, trend: bool) -> Any:
    columns = [np.ones(len(times))]
    if trend:
        columns.append((times - times[usable].mean()) / per_year)
    if len(usable) >= SEASON * per_year:
        angle = 2 * np.pi * times / per_year
        columns += [np.sin(angle), np.cos(angle)]
    return np.column_stack(columns)


def _poisson(x: Any, hits: Any, totals: Any, weights: Any) -> tuple[Any, Any, Any]:
    """Fit a Poisson regression with log link and offset by reweighted least squares.

    A tenth of a hit is added at the mean rate, so that a series of zeros has a fit.
    """
    rate = (hits.sum() + 0.5) / (totals.sum() + 1)
    hits = hits + 0.1 * rate * totals / max(1.0, float(totals.mean()))
    beta = np.zeros(x.shape[1])
    beta[0] = math.log(rate)
    information = np.eye(x.shape[1])
    mean = totals * rate
    for _ in range(25):
        mean = totals * np.exp(np.clip(x @ beta, -30, 5))
        information = (x * (weights * mean)[:, None]).T @ x + 1e-6 * np.eye(x.shape[1])
        step = np.linalg.solve(information, x.T @ (weights * (hits - mean)))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return beta, np.maximum(mean, 1e-9), np.linalg.inv(information)


def _down_weighted(hits: Any, mean: Any, dispersion: float, x: Any, covariance: Any) -> Any:
    """Give less weight to periods that were outbreaks themselves (Anscombe residuals over 2.58)."""
    leverage = np.clip(np.einsum("ij,jk,ik->i", x, covariance, x) * mean, 0, 0.99)
    root = 1.5 * (hits ** (2 / 3) - mean ** (2 / 3)) / (mean ** (1 / 6) * np.sqrt(dispersion * (1 - leverage)))
    weights = np.where(root > 2.58, 1 / np.maximum(root, 1e-9) ** 2, 1.0)
    return weights * len(weights) / weights.sum()


def tail(hits: int, mean: float, variance: float) -> float:
    """Return P(Y >= hits) of a negative binomial with this mean and variance (Poisson where they agree)."""
    if hits <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    size = mean * mean / (variance - mean) if variance > mean * (1 + 1e-6) else None
    logs = [_log_probability(count, mean, size) for count in range(hits)]
    below = math.fsum(math.exp(value) for value in logs)
    return max(1.0 - below, 0.0) if below < 1 - 1e-9 else max(math.exp(_log_probability(hits, mean, size)), 1e-300)


def _log_probability(count: int, mean: float, size: float | None) -> float:
    if size is None:
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    chance = size / (size + mean)
    ways = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    return ways + size * math.log(chance) + count * math.log1p(-chance)


def discoveries(p_values: Sequence[float]) -> list[float]:
    """Return Benjamini-Hochberg q values: q <= 0.05 leaves 5% of false signals among all, on average over many
    runs, if the p values are right. Where nothing rises every signal is false: then it is the chance of any.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    q = [1.0] * len(p_values)
    least = 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * len(p_values) / rank)
        q[place] = float(f"{least:.4g}")
    return q
