"""What rises: rates over what was asked, tested against each series' own past, all series at once.

Two tests of the newest period. C2 of EARS compares with the mean and deviation of seven periods, with
a gap of one (Hutwagner et al., J Urban Health 80(2), 2003; days there, periods here). The other is a
quasi-Poisson threshold with the 2/3-power transformation (Farrington et al., JRSS A 159(3), 1996),
with the number asked as offset. Alerts come from the second, under Benjamini and Hochberg (1995) over
all series. A series with fewer than 11 cases in the period is never named.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.people.register import Register

K = 11
"""Smallest count with which a series is named."""
BASELINE, GAP, C2_LIMIT, FALSE_SHARE = 7, 1, 3.0, 0.05
UNDER_REVIEW = "under review"
SEEN = ("suspected", "probable", "confirmed")
LISTED = ("ai_Capability", "ai_ContactLanguage", "ai_PlatformClass")
ONE = ("ai_Community", "tl_CountryOfExploitation")
Period = Literal["month", "quarter"]


class Event(msgspec.Struct, frozen=True):
    """One case or incident in which the question was asked, with the series that it counts in."""

    period: str
    series: tuple[str, ...] = ()


class Trend(msgspec.Struct, frozen=True, kw_only=True):
    """One series in its newest period. Fewer than 11 cases: name, counts and p (they follow from it) are withheld."""

    name: str
    count: int | None
    asked: int
    rate: float | None
    expected: float | None
    c2: bool
    p: float
    is_alert: bool
    rates: tuple[float, ...] = ()
    """Rates of all periods, oldest first; empty where withheld."""


def period_of(day: date, period: Period) -> str:
    """Return 2026-Q3 or 2026-09."""
    return f"{day.year}-Q{(day.month + 2) // 3}" if period == "quarter" else day.isoformat()[:7]


def of_register(register: Register, period: Period) -> list[Event]:
    """Return the consented cases in which somebody asked about AI."""
    events = []
    for _, _, content, fields in register.leaving("statistics"):
        if fields.get("ai_Asked") == "yes":
            day = date.fromisoformat(content.provenance["recorded"])
            events.append(Event(period_of(day, period), _series(fields)))
    return events


def _series(fields: Mapping[str, Any]) -> tuple[str, ...]:
    if fields.get("ai_Suspected") not in SEEN:
        return ()
    listed = {f"{name}={value}" for name in LISTED for value in fields.get(name) or ()}
    return tuple(sorted(listed | {f"{name}={fields[name]}" for name in ONE if fields.get(name)}))


def of_incidents(rows: Iterable[Mapping[str, Any]], period: Period) -> list[Event]:
    """Return events from rows with `date` and `label`; all rows of a period are what was asked."""
    return [
        Event(period_of(date.fromisoformat(str(row["date"])[:10]), period), (f"label={row['label']}",))
        for row in rows
        if row.get("date") and row.get("label")
    ]


def monitor(events: Sequence[Event], *, at: str = "") -> list[Trend]:
    """Test every series at the period `at` (the newest otherwise): alerts first, then by p."""
    asked = Counter(event.period for event in events)
    periods = [period for period in _span(asked) if not at or period <= at]
    if len(periods) < BASELINE + GAP + 1:
        return []
    totals = np.array([asked[period] for period in periods], dtype=float)
    counts = Counter((name, event.period) for event in events for name in event.series)
    names = sorted({name for name, _ in counts})
    table = [np.array([counts[name, period] for period in periods], dtype=float) for name in names]
    tested = [threshold(series, totals) for series in table]
    alerts = discoveries([p for p, _ in tested])
    trends = [
        _trend(name, series, totals, (p, expected, is_alert))
        for name, series, (p, expected), is_alert in zip(names, table, tested, alerts, strict=True)
    ]
    return sorted(trends, key=lambda trend: (not trend.is_alert, trend.p, trend.name))


def _span(asked: Mapping[str, int]) -> list[str]:
    """Return all periods from the first to the last: one in which nothing was asked is a period too."""
    if not asked:
        return []
    parts, mark = (4, "Q") if "Q" in min(asked) else (12, "")
    first, last = (int(end[:4]) * parts + int(end[5:].lstrip("Q")) - 1 for end in (min(asked), max(asked)))
    width = 1 if mark else 2
    return [f"{step // parts}-{mark}{step % parts + 1:0{width}d}" for step in range(first, last + 1)]


def _trend(
    name: str, series: NDArray[np.float64], totals: NDArray[np.float64], tested: tuple[float, float, bool]
) -> Trend:
    p, expected, is_alert = tested
    count, asked, is_named = int(series[-1]), int(totals[-1]), series[-1] >= K
    rates = tuple(float(rate) for rate in np.round(series / np.maximum(totals, 1), 4))
    return Trend(
        name=name if is_named else UNDER_REVIEW, count=count if is_named else None, asked=asked,
        rate=rates[-1] if is_named else None, expected=round(expected, 1) if is_named else None,
        c2=c2(series, totals), p=round(p, 6) if is_named else float(not is_alert), is_alert=is_alert, rates=rates if is_named else (),
    )  # fmt: skip


def threshold(series: NDArray[np.float64], totals: NDArray[np.float64]) -> tuple[float, float]:
    """Return (one-sided p, expected count) of the last period by a quasi-Poisson rate of the baseline."""
    past, base = series[-BASELINE - GAP - 1 : -GAP - 1], totals[-BASELINE - GAP - 1 : -GAP - 1]
    if base.sum() == 0 or totals[-1] == 0:
        return 1.0, 0.0
    rate = (past.sum() + 0.5) / base.sum()
    fitted = np.maximum(rate * base, 1e-9)
    spread = max(1.0, float(((past - fitted) ** 2 / fitted)[base > 0].sum()) / max(1, int((base > 0).sum()) - 1))
    expected = float(rate * totals[-1])
    variance = spread * expected + expected**2 * spread / max(float(past.sum()), 0.5)
    deviation = math.sqrt(4 / 9 * expected ** (-2 / 3) * variance)
    z = (float(series[-1]) ** (2 / 3) - expected ** (2 / 3)) / deviation
    return 0.5 * math.erfc(z / math.sqrt(2)), expected


def c2(series: NDArray[np.float64], totals: NDArray[np.float64]) -> bool:
    """Say whether the last rate is more than three deviations above the mean of the baseline."""
    rates = series / np.maximum(totals, 1)
    past = rates[-BASELINE - GAP - 1 : -GAP - 1]
    mean = float(past.mean())
    floor = math.sqrt(max(mean * (1 - mean), 1e-9) / max(float(totals[-1]), 1))
    return bool(rates[-1] > mean + C2_LIMIT * max(float(past.std(ddof=1)), floor))


def discoveries(values: Sequence[float], *, share: float = FALSE_SHARE) -> list[bool]:
    """Return which p values stand when at most `share` of those that stand may be false."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    stand = 0
    for rank, place in enumerate(order, start=1):
        if values[place] <= share * rank / len(values):
            stand = rank
    kept = set(order[:stand])
    return [place in kept for place in range(len(values))]


def plot(trends: Sequence[Trend]) -> str:
    """Return the rates of the named series, one line each, as SVG; alerts are drawn thick."""
    named = [trend for trend in trends if trend.rates][:20]
    top = max((max(trend.rates) for trend in named), default=0) or 1
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 {30 * len(named) + 10}" role="img">']
    for row, trend in enumerate(named):
        low = 30 * row + 30
        step = 360 / max(len(trend.rates) - 1, 1)
        points = " ".join(
            f"{300 + place * step:.1f},{low - 24 * rate / top:.1f}" for place, rate in enumerate(trend.rates)
        )
        width = 3 if trend.is_alert else 1
        parts.append(f'<text x="4" y="{low - 6}" font-size="12">{escape(trend.name)}</text>')
        parts.append(f'<polyline points="{points}" fill="none" stroke="black" stroke-width="{width}"/>')
        parts.append(f'<text x="668" y="{low - 6}" font-size="12">{trend.rates[-1]:.1%}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
