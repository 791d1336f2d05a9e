"""How soon the monitor sees a seeded outbreak, and how often it cries wolf, beside plain thresholds.

    python bench/monitor.py
    python bench/monitor.py quiet
    python bench/monitor.py plots

`quiet` prints how often anything rises where nothing changes, by length, spread and season.

`plots` prints how far the rates that a plot shows are from the true ones, over the demonstration's cases.

Forty invented series of weekly cases share one denominator: the people who were asked. It grows by
a third over three years and doubles for the last half-year, when a new form starts to ask everybody.
In five series the rate is multiplied from week 130 on; the others never change. Each method is run
as it would be in life: every week, on what is known by then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from threelines.people.demo import fill
from threelines.people.monitor import BASE, CLOSES, Series, points, register_series
from threelines.people.outbreak import discoveries, ears, excess
from threelines.people.register import Register
from threelines.people.suppress import K, rounded
from threelines.roles import User
from threelines.store.keyring import Keyring

WEEKS, START, SERIES, SEEDED, RUNS = 182, 130, 40, 5, 4
YEARS = (WEEKS - 104) / 52
FACTORS = (2.0, 3.0, 5.0)
QUIET = (
    ("week", 52, 60, 10, 1.6, 0.0), ("week", 52, 60, 10, 3.0, 0.0), ("week", 52, 60, 20, 1.6, 0.0), ("week", 52, 60, 20, 3.0, 0.0),
    ("week", 52, 60, 30, 3.0, 0.0), ("week", 52, 60, 66, 1.6, 0.5), ("week", 52, 60, 104, 3.0, 0.0), ("week", 52, 60, 156, 1.6, 0.5),
    ("week", 52, 60, 156, 3.0, 0.0), ("month", 12, 250, 10, 3.0, 0.0), ("month", 12, 250, 18, 1.6, 0.5), ("month", 12, 250, 18, 3.0, 0.0),
    ("month", 12, 250, 36, 3.0, 0.0), ("quarter", 4, 750, 10, 3.0, 0.0), ("quarter", 4, 750, 16, 5.0, 0.0), ("quarter", 4, 750, 26, 3.0, 0.0),
)  # fmt: skip
"""Period, periods a year, people asked, length, spread and season of series in which nothing changes."""


def run(*, seed: int = 7) -> list[dict[str, Any]]:
    """Return one row per method and strength of outbreak: weeks until seen, share seen, false alarms a year."""
    return [
        {"method": name, "rate times": factor, **_score(name, factor, seed)}
        for factor in FACTORS
        for name in ("monitor (regression, q <= 0.05)", "EARS C2 > 3", "counts > mean + 2 sd", "counts > mean + 3 sd")
    ]


def _score(method: str, factor: float, seed: int) -> dict[str, Any]:
    delays: list[int] = []
    missed = false = 0
    for number in range(RUNS):
        hits, totals = _invented(np.random.default_rng(seed + number), factor)
        alarms = np.array([_alarms(method, hits[:, : week + 1], totals[: week + 1]) for week in range(104, WEEKS)]).T
        false += int(alarms[SEEDED:].sum() + alarms[:SEEDED, : START - 104].sum())
        for row in alarms[:SEEDED, START - 104 :]:
            seen = np.flatnonzero(row)
            if len(seen):
                delays.append(int(seen[0]))
            else:
                missed += 1
    return {
        "weeks until seen (median)": float(np.median(delays)) if delays else None,
        "seen": round(1 - missed / (SEEDED * RUNS), 2),
        "false alarms a year (40 series)": round(false / YEARS / RUNS, 1),
    }


def _invented(draw: np.random.Generator, factor: float) -> tuple[np.ndarray, np.ndarray]:
    weeks = np.arange(WEEKS)
    asked = draw.poisson((60 + 20 * weeks / WEEKS) * np.where(weeks >= WEEKS - 26, 2.0, 1.0))
    base = np.exp(draw.uniform(np.log(0.01), np.log(0.08), SERIES))[:, None]
    season = 1 + 0.25 * np.sin(2 * np.pi * (weeks / 52 + draw.random((SERIES, 1))))
    rate = base * season
    rate[:SEEDED, START:] *= factor
    spread = draw.gamma(8.0, 1 / 8.0, rate.shape)  # more variable than Poisson, as real cases are
    return draw.poisson(asked * np.minimum(rate * spread, 0.9)), asked


def _alarms(method: str, hits: np.ndarray, totals: np.ndarray) -> list[bool]:
    if method.startswith("monitor"):
        return [q <= 0.05 for q in discoveries([excess(row, totals).p for row in hits])]
    if method.startswith("EARS"):
        return [ears(row, totals).c2 > 3 for row in hits]
    times = 3.0 if "3 sd" in method else 2.0
    past = hits[:, -53:-1]
    return list(hits[:, -1] > past.mean(axis=1) + times * past.std(axis=1))


def quiet(*, runs: int = 100, seed: int = 7) -> list[dict[str, Any]]:
    """Return, for series in which nothing changes, the share of runs with a signal and the signals a run.

    A run is one present period of forty series with rates of 1% to 15%. `spread` is the variance of hits over their mean;
    `season` is how far all rates rise and fall together within a year.
    """
    rows = []
    for period, per_year, asked, length, spread, season in QUIET:
        draw = np.random.default_rng(seed)
        found = np.array([_rising(draw, per_year, asked, length, spread, season) for _ in range(runs)])
        rows.append(
            {
                "period": period, "length": length, "spread": spread, "season": season,
                "runs with a signal": round(float((found > 0).mean()), 2), "signals a run": round(float(found.mean()), 2),
            }
        )  # fmt: skip
    return rows


def _rising(draw: np.random.Generator, per_year: int, asked: int, length: int, spread: float, season: float) -> int:
    totals = draw.poisson(asked, length) + 1
    base = np.exp(draw.uniform(np.log(0.01), np.log(0.15), SERIES))[:, None]
    wave = 1 + season * np.sin(2 * np.pi * (np.arange(length) / per_year + draw.random()))
    mean = totals * base * wave
    hits = np.minimum(draw.negative_binomial(mean / (spread - 1), 1 / spread), totals)
    return sum(q <= 0.05 for q in discoveries([excess(row, totals, per_year=per_year).p for row in hits]))


def plots(*, cases: int = 2000) -> list[dict[str, Any]]:
    """Return, for ways to close and round a point, how much of the true rate the shown one is."""
    with TemporaryDirectory() as folder:
        keyring = Keyring.create(Path(folder, "demo.key"))
        user = User(id="bench", role="supervisor", team="bench")
        with Register.open(Path(folder, "demo.db"), keyring, user, today=date(2026, 9, 15)) as register:
            fill(register, cases=cases)
            series = register_series(register)
    ways = {
        f"closed at {CLOSES}, usual rounding": [ratio for one in series for ratio in shown_over_true(one)],
        f"closed at {K}, never below 15": [ratio for one in series for ratio in _lifted(one)],
    }
    return [
        {"points": way, "number": len(found), "shown/true, mean": round(float(np.mean(found)), 3), "least": round(min(found), 2), "most": round(max(found), 2)}
        for way, found in ways.items()
    ]  # fmt: skip


def shown_over_true(one: Series) -> list[float]:
    """Return, for each point of a series' plot, the rate it shows over the rate of the periods it stands for."""
    ratios, start = [], 0
    for period, hits, total in points(one):
        end = one.periods.index(period) + 1
        ratios.append(hits / total / (sum(one.hits[start:end]) / sum(one.totals[start:end])))
        start = end
    return ratios


def _lifted(one: Series) -> Iterator[float]:
    hits = total = 0
    for more, of in zip(one.hits, one.totals, strict=True):
        hits, total = hits + more, total + of
        if hits >= K and total - hits >= K:
            yield rounded(hits, base=BASE) / rounded(total, base=BASE) / (hits / total)
            hits = total = 0


if __name__ == "__main__":
    rows = plots() if "plots" in sys.argv else quiet() if "quiet" in sys.argv else run()
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join("-" if value is None else str(value) for value in row.values()) + " |")
