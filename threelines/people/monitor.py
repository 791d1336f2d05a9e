"""Early warning: which languages, communities, corridors and capabilities rise, as rates.

A series is hits over totals per period. In the register the total is the cases in which somebody
asked about AI: a form that begins to ask more must not look like an outbreak. What is small is not
named: below k cases in the last year a signal says only that there is one to look into.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec

from threelines.people.outbreak import discoveries, ears, excess
from threelines.people.register import Register
from threelines.people.suppress import K, rounded
from threelines.records import NO_ANSWER, ThreelinesError
from threelines.roles import require

Period = Literal["week", "month", "quarter"]
PER_YEAR: dict[Period, int] = {"week": 52, "month": 12, "quarter": 4}
PERIODS: tuple[Period, ...] = ("week", "month", "quarter")
"""The shortest first."""
RATE = 0.05
"""Accepted share of false signals among all signals (Benjamini-Hochberg)."""
BASE = 5
"""Counts of named groups are rounded to this."""
TOLD = -(-K // BASE) * BASE - BASE // 2
"""The least count that the usual rounding leaves at K or above: lifting 11 and 12 to 15 would overstate every rate."""
CLOSES = -(-K // BASE) * BASE
"""Hits that close a point of a plot. Most stop at this very number, so it is one that rounding leaves as it is."""
UNDER_REVIEW = "signal under review"
SUSPECTED = ("suspected", "probable", "confirmed")


class MonitorError(ThreelinesError):
    """The monitor cannot read its input; the text names the file, the fault and the remedy."""


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Hits and totals of one language, community, corridor or capability, oldest period first."""

    kind: str
    name: str
    periods: tuple[str, ...]
    hits: tuple[int, ...]
    totals: tuple[int, ...]


class Signal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One series as it stands in the last whole period."""

    kind: str
    name: str
    """`signal under review` where fewer than k cases of the last year stand behind it."""
    period: str
    is_rising: bool
    q: float
    """Share of false ones to expect among all signals at least as strong."""
    few: Literal["", "hits", "rest"] = ""
    """Why no number is given: fewer than `TOLD` hits, or fewer than `CLOSES` of the rest."""
    hits: int | None = None
    """None where it is below k, or would be when rounded."""
    total: int | None = None
    rate: float | None = None
    expected_rate: float | None = None
    ears: tuple[str, ...] = ()
    method: str = ""


# ---------------------------------------------------------------------- series


def register_series(register: Register, *, period: Period = "week", until: date | None = None) -> list[Series]:
    """Return the series of the register: suspected use of AI over all who were asked.

    They end with the last whole period before `until` (today if not given), silent ones included.
    Consent is always that of today: who withdrew since `until` is not counted.
    """
    require(register.user, "monitor.read")
    names = (
        "ai_Asked", "ai_Suspected", "ai_ContactLanguage", "ai_Capability", "ai_Community", "tl_CountryOfRecruitment",
        "tl_CountryOfExploitation",
    )  # fmt: skip
    count = _Count(period)
    for _, recorded, answers in register.columns("statistics", names):
        asked, suspected, languages, capabilities, community, start, end = answers
        if asked != "yes" or not recorded:
            continue
        found: list[tuple[str, str]] = []
        if suspected in SUSPECTED:
            found = [("language", name) for name in languages or ()]
            found += [("capability", name) for name in capabilities or ()]
            found += [("community", community)] if community else []
            found += [("corridor", f"{start} → {end}")] if start and end else []
            found.append(("all", "AI use suspected"))
        count.add(recorded, [(kind, name) for kind, name in found if name not in NO_ANSWER])
    return count.series(min(until or register.today, register.today), is_silence_told=True)


def findings_series(paths: Sequence[Path], *, today: date, period: Period = "week") -> list[Series]:
    """Return the series of scans: raised threads by capability, act and indicator, over all threads.

    A finding has no time of its own, so the file's name gives it: one scan per day, week or month,
    such as `findings-2026-09-14.jsonl` or `2026-09.jsonl`. Raises MonitorError where `period` is shorter than what a name
    speaks of, where two files hold the same lines, and where a file has raised threads only.
    """
    count = _Count(period)
    seen: dict[str, Path] = {}
    for path in paths:
        day = _day_of(path)
        if PERIODS.index(_span_of(path)) > PERIODS.index(period):
            raise MonitorError(
                f"{path.name}: speaks of a whole {_span_of(path)}; give --period {_span_of(path)} or longer"
            )
        digest, tiers = sha256(), set()
        for number, row in _lines(path):
            digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
            tiers.add(row.get("tier"))
            try:
                raised = row["tier"] != "none"
                found = [("capability", name) for name in row["capabilities"]] if raised else []
                found += [("act", name) for name in row["elements"]["act"]] if raised else []
                shown = (
                    {signal["indicator"] for signal in row["signals"] if not signal.get("shadow")} if raised else set()
                )
            except (KeyError, TypeError):
                raise MonitorError(f"{path.name}:{number}: not a finding of `threelines scan`") from None
            count.add(
                day,
                [*found, *(("indicator", name) for name in sorted(shown)), *([("all", "raised")] if raised else [])],
            )
        if tiers and "none" not in tiers:
            raise MonitorError(f"{path.name}: has raised threads only, so there is no rate; scan with --all")
        if tiers and (same := seen.get(digest.hexdigest())):
            raise MonitorError(f"{path.name}: holds the same lines as {same.name}; give each scan once")
        seen[digest.hexdigest()] = path
    return count.series(today)


def findings_period(paths: Sequence[Path]) -> Period:
    """Return the longest of week and month that the names of scan files speak of."""
    return max(map(_span_of, paths), key=PERIODS.index)


# Words of English summaries of public incidents. They sort news, and never a person or a case.
_WORDS = {
    "deepfake media": r"deepfake|deep fake|face.?swap|ai.generated (image|video|photo)|synthetic (image|video|media)",
    "voice clone": r"voice.?clon|clon\w+ (\w+ )?voice|ai.generated voice|synthetic voice",
    "automated conversation": r"chatbot|chat bot|\bbots?\b|companion app",
    "translation": r"translat",
    "personas and publications": r"fake (profile|persona|account|news|website|review)|impersonat",
}
_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _WORDS.items()}


def incident_series(path: Path, *, today: date, period: Period = "quarter") -> list[Series]:
    """Return the series of a public incident set: risk domain and capability, over all incidents.

    Lines hold `date`, `text`, `label` and `domain`, as in the AI Incident Database coded by the MIT
    AI Risk Repository. What rises is what the press reports: never how often something happens.
    """
    count = _Count(period)
    for number, row in _lines(path):
        try:
            day, text = str(row["date"]), str(row.get("text", ""))
            date.fromisoformat(day)
        except (KeyError, ValueError):
            raise MonitorError(f"{path.name}:{number}: needs a `date` such as 2026-09-14") from None
        found = [("capability", name) for name, pattern in _PATTERNS.items() if pattern.search(text)]
        found += [("domain", str(row["domain"]))] if row.get("domain") else []
        found += [("risk", str(row["label"]))] if row.get("label") else []
        count.add(day, found)
    return count.series(today)


class _Count:
    """Hits and totals by period, filled case by case."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._totals: dict[str, int] = defaultdict(int)
        self._hits: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._known: dict[str, str] = {}

    def add(self, day: str, found: Iterable[tuple[str, str]]) -> None:
        period = self._known.get(day) or self._known.setdefault(day, period_of(date.fromisoformat(day), self._period))
        self._totals[period] += 1
        for key in set(found):
            self._hits[key][period] += 1

    def series(self, today: date, *, is_silence_told: bool = False) -> list[Series]:
        """Return all series over the same whole periods: the present one is still being written.

        In a register a period without a case is one in which nobody asked. Files of scans and incidents
        end with the last one that was given: what no file speaks of is not known.
        """
        present = period_of(today, self._period)
        past = [period for period in self._totals if period < present]
        if not past:
            return []
        last = period_of(_start(present) - timedelta(days=1), self._period) if is_silence_told else max(past)
        periods = _between(min(past), last, self._period)
        totals = tuple(self._totals.get(period, 0) for period in periods)
        return [
            Series(kind=kind, name=name, periods=periods, totals=totals, hits=tuple(hits.get(p, 0) for p in periods))
            for (kind, name), hits in sorted(self._hits.items())
        ]


def period_of(day: date, period: Period) -> str:
    """Return `2026-W38`, `2026-09` or `2026-Q3`."""
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return f"{day:%Y-%m}" if period == "month" else f"{day.year}-Q{(day.month + 2) // 3}"


def _between(first: str, last: str, period: Period) -> tuple[str, ...]:
    step = timedelta(days=7 if period == "week" else 28)
    day, found = _start(first), [first]
    while found[-1] < last:
        day += step
        name = period_of(day, period)
        if name != found[-1]:
            found.append(name)
    return tuple(found)


def _start(period: str) -> date:
    year, part = int(period[:4]), period[5:]
    if part.startswith("W"):
        return date.fromisocalendar(year, int(part[1:]), 1)
    return date(year, int(part[1:]) * 3 - 2 if part.startswith("Q") else int(part), 1)


_NAMED = re.compile(r"(\d{4})-W(\d\d)|(\d{4}-\d\d)(-\d\d)?", re.ASCII)


def _span_of(path: Path) -> Period:
    found = _NAMED.search(path.name)
    return "month" if found and found[3] and not found[4] else "week"


def _day_of(path: Path) -> str:
    found = _NAMED.search(path.name)
    if not found:
        raise MonitorError(f"{path.name}: put the day, week or month into its name, such as findings-2026-09-14.jsonl")
    try:
        if found[1]:
            return date.fromisocalendar(int(found[1]), int(found[2]), 1).isoformat()
        return date.fromisoformat(found[3] + (found[4] or "-01")).isoformat()
    except ValueError:
        raise MonitorError(
            f"{path.name}: no calendar has {found[0]}; mend the day, week or month in its name"
        ) from None


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except json.JSONDecodeError:
                    raise MonitorError(f"{path.name}:{number}: not JSON") from None
                if not isinstance(row, dict):
                    raise MonitorError(f"{path.name}:{number}: not an object")
                yield number, row


# ---------------------------------------------------------------------- signals


def watch(series: Sequence[Series], *, period: Period, k: int = K) -> list[Signal]:
    """Judge the last period of every series, strongest first; names need k cases in the last year.

    `k = 1` names everything and gives every number that is known: for public incident sets, and for those inside who may read the cases.
    """
    per_year = PER_YEAR[period]
    judged = [(one, excess(one.hits, one.totals, per_year=per_year)) for one in series]
    q_values = discoveries([found.p for _, found in judged])
    signals = [
        _signal(one, found.expected, q, found.method, per_year=per_year, k=k)
        for (one, found), q in zip(judged, q_values, strict=True)
    ]
    return sorted(signals, key=lambda signal: (signal.q, signal.kind, signal.name))


def _signal(one: Series, expected: float, q: float, method: str, *, per_year: int, k: int) -> Signal:
    hits, total = one.hits[-1], one.totals[-1]
    common = {
        "kind": one.kind, "period": one.periods[-1], "is_rising": q <= RATE, "q": q, "method": method,
        "ears": ears(one.hits, one.totals).alarms,
    }  # fmt: skip
    if k > 1 and sum(one.hits[-per_year:]) < k:
        return Signal(name=UNDER_REVIEW, few="hits", **common)  # type: ignore[arg-type]
    if (k > 1 and hits < TOLD) or not total:
        return Signal(name=one.name, few="hits", **common)  # type: ignore[arg-type]
    if k > 1 and total - hits < CLOSES:  # so that the rest is no less than K, read off the rounded numbers either
        return Signal(name=one.name, few="rest", **common)  # type: ignore[arg-type]
    expected_rate = round(expected / total, 4)
    if k > 1:
        hits, total = _rounded(hits), _rounded(total)
    rates = {"rate": round(hits / total, 4), "expected_rate": expected_rate}
    return Signal(name=one.name, hits=hits, total=total, **rates, **common)  # type: ignore[arg-type]


def points(one: Series, *, k: int = K) -> list[tuple[str, int, int]]:
    """Return (last period, hits, total) of neighbouring periods put together until each has `CLOSES` hits.

    From the oldest on, so that a later plot of the same series has the same points and no difference
    of two plots is a smaller count; what are not so many hits yet waits for the next plot. Because a case
    can come or go in an old period, too, counts are rounded. With `k = 1` each period of which
    something is known is a point, as it is.
    """
    if k == 1:
        return [point for point in zip(one.periods, one.hits, one.totals, strict=True) if point[2]]
    made: list[tuple[str, int, int]] = []
    hits = total = 0
    for period, more, of in zip(one.periods, one.hits, one.totals, strict=True):
        hits, total = hits + more, total + of
        if hits >= CLOSES and total - hits >= CLOSES:
            made.append((period, _rounded(hits), _rounded(total)))
            hits = total = 0
    return made


def _rounded(count: int) -> int:
    """Round to the nearest multiple of BASE."""
    return rounded(count, base=BASE, k=0)
