"""How soon the monitor sees a seeded outbreak, and how often it cries wolf, beside plain thresholds.

    python bench/monitor.py

Forty invented series of weekly cases share one denominator: the people who were asked. It grows by
a third over three years and doubles for the last half-year, when a new form starts to ask everybody.
In five series the rate is multiplied from week 130 on; the others never change. Each method is run
as it would be in life: every week, on what is known by then.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from threelines.people.outbreak import discoveries, ears, excess

WEEKS, START, SERIES, SEEDED, RUNS = 182, 130, 40, 5, 4
YEARS = (WEEKS - 104) / 52
FACTORS = (2.0, 3.0, 5.0)


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


if __name__ == "__main__":
    rows = run()
    print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("| " + " | ".join("-" if value is None else str(value) for value in row.values()) + " |")
