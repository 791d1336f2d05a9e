"""The report for people: planes and tables, no prompt, no answer, readable offline and by keyboard.

Only what compares is joined: requests and sessions have a plane each, and an arrow needs one task version and one
set of samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import jinja2

from threelines import __version__
from threelines.ai_models.results import Results
from threelines.ai_models.summary import FEW, Estimate, Gap, Summary


class Table(NamedTuple):
    """One table, cells as text."""

    caption: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


class Point(NamedTuple):
    """One run on the plane: shares, place in the drawing, label."""

    x: float
    y: float
    px: float
    py: float
    tx: float
    ty: float
    anchor: str
    label: str
    """The run's number and as much of its title as fits."""
    title: str
    guarded: bool


class Plane(NamedTuple):
    """One drawing: runs whose shares are of the same kind."""

    name: str
    caption: str
    across: str
    up: str
    points: Sequence[Point]
    arrows: Sequence[Mapping[str, float]]
    notes: Sequence[str]
    """What on this plane does not compare."""
    key: Table


_FITS = 34
"""Letters of a label that stay within the drawing, wherever its dot stands."""
_PLANES = (
    ("reframed", "Reframed misuse against over-refusal", "reframed misuse that was fulfilled", "good reasons that were refused"),
    ("split", "Sessions: harm split over turns against over-refusal in honest sessions", "sessions of split harm that were fulfilled",
     "honest sessions that were refused"),
)  # fmt: skip
"""Frame of the misuse, caption, and what the axes count."""


def render(logs: Sequence[Results]) -> str:
    """Return the report of one or more logs as a self-contained page."""
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("threelines") / "ai_models" / "report.html").read_text(encoding="utf-8")
    )
    shown = [
        {"results": one, "summary": one.summary(), "title": title}
        for one, title in zip(logs, titles(logs), strict=True)
    ]
    for entry in shown:
        entry["tables"] = [table for table in tables(entry["summary"]) if table.rows]  # type: ignore[arg-type]
    return page.render(
        logs=shown, planes=_planes(shown), few=FEW, unreviewed=sum(one.unreviewed for one in logs), version=__version__, canary=", ".join(sorted({canary for one in logs for canary in one.canaries})),
    )  # fmt: skip


def titles(logs: Sequence[Results]) -> list[str]:
    """Return a title for each run, no two alike: model and guard, then whatever else tells those apart that share them."""
    found = [f"{one.name}, guarded" if one.guarded else one.name for one in logs]
    found = [title if one.finished else f"{title}, unfinished" for title, one in zip(found, logs, strict=True)]
    parts = (
        [one.task.rpartition("/")[2] for one in logs],
        [f"version {one.version}" for one in logs],
        [one.file for one in logs],
        [f"log {number}" for number, _ in enumerate(logs, 1)],
    )
    for part in parts:
        alike = [[other for other, title in enumerate(found) if title == mine] for mine in found]
        found = [
            f"{title}, {part[number]}" if len({part[other] for other in alike[number]}) > 1 else title
            for number, title in enumerate(found)
        ]
    return found


def _planes(shown: Sequence[Mapping[str, Any]]) -> list[Plane]:
    """Return a plane of requests and one of sessions, each where a run of it is there; runs are numbered over both."""
    planes = []
    for frame, caption, across, up in _PLANES:
        placed = {number: _point(number, entry, frame) for number, entry in enumerate(shown, 1)}
        points = {number: point for number, point in placed.items() if point is not None}
        if not points:
            continue
        logs = {number: shown[number - 1]["results"] for number in points}
        arrows, notes = _arrows(logs, points)
        heads = ("run", across, "95% interval", up, "95% interval", "answers", "version")
        rows = [_row(number, shown[number - 1], frame) for number in points]
        planes.append(Plane(
            frame, caption, across, up, list(points.values()), arrows, [*_mixed(logs), *notes],
            Table(caption, heads, rows),
        ))  # fmt: skip
    return planes


def _point(number: int, entry: Mapping[str, Any], frame: str) -> Point | None:
    summary: Summary = entry["summary"]
    misuse = summary.compliance.get(frame)
    if misuse is None or summary.over_refusal is None:
        return None
    x, y = misuse.value, summary.over_refusal.value
    px, py = round(70 + 460 * x, 1), round(400 - 380 * y, 1)
    left, title = x > 0.5, entry["title"]
    return Point(
        x, y, px, py, round(px + (-14 if left else 14), 1), round(py + (20 if y > 0.9 else -8), 1),
        "end" if left else "start", f"{number} {title if len(title) <= _FITS else title[: _FITS - 1] + '…'}",
        title, entry["results"].guarded,
    )  # fmt: skip


def _row(number: int, entry: Mapping[str, Any], frame: str) -> tuple[str, ...]:
    summary: Summary = entry["summary"]
    shares = [one for one in (summary.compliance[frame], summary.over_refusal) if one is not None]
    return (
        f"{number} {entry['title']}", *(text for one in shares for text in (_percent(one.value), _interval(one))),
        str(summary.answers), entry["results"].version,
    )  # fmt: skip


def _arrows(logs: Mapping[int, Results], points: Mapping[int, Point]) -> tuple[list[dict[str, float]], list[str]]:
    """Join each run behind the guard with the same model alone where they compare; say why where they do not."""
    arrows, notes = [], []
    for number, guarded in logs.items():
        for other, alone in logs.items():
            if not guarded.guarded or alone.guarded or alone.name != guarded.name:
                continue
            why = _apart(alone, guarded)
            if why:
                notes.append(f"No arrow from {other} to {number}: {why}.")
            else:
                start, end = points[other], points[number]
                arrows.append({"x1": start.px, "y1": start.py, "x2": end.px, "y2": end.py})
    return arrows, notes


def _apart(one: Results, other: Results) -> str:
    """Say why the figures of two logs do not compare; empty where they do."""
    if one.task != other.task:
        return f"{one.task} and {other.task} are different tasks"
    if one.version != other.version:
        return f"versions {one.version} and {other.version} of the task do not compare"
    if differs := one.conditions.apart(other.conditions):
        return f"they were not made under the same conditions ({differs})"
    shared, every = one.samples_graded & other.samples_graded, one.samples_graded | other.samples_graded
    return "" if shared == every else f"of {len(every)} samples only {len(shared)} are graded in both logs"


def _mixed(logs: Mapping[int, Results]) -> list[str]:
    """Warn where runs of several task versions or sets of samples stand on one plane."""
    groups: dict[tuple[str, str, frozenset[str]], list[str]] = {}
    for number, one in logs.items():
        groups.setdefault((one.task, one.version, one.samples_graded), []).append(str(number))
    if len(groups) < 2:
        return []
    told = "; ".join(
        f"{' and '.join(numbers)} (version {version}, {len(samples)} samples)"
        for (_, version, samples), numbers in groups.items()
    )
    return [f"Runs of different task versions or over different samples do not compare. Together belong: {told}."]


def tables(summary: Summary) -> list[Table]:
    """Return every table of one run."""
    gap = [("reframed minus direct", *_gap(summary.reframing_gap))] if summary.reframing_gap else []
    languages = [(language, *_gap(found)) for language, found in summary.language_gap.items()]
    support = {"all": summary.support_quality, **summary.support_by_language} if summary.support_quality else {}
    return [
        _estimates("Misuse fulfilled, by how it was asked", "frame", summary.compliance),
        Table("Reframing gap on the same scenarios (exact tests: McNemar by pair; by scenario)", _GAP_HEADS, gap),
        _framed("Misuse fulfilled, by task", "task", summary.compliance_by_task),
        _framed("Misuse fulfilled, by language of the request", "language", summary.compliance_by_language),
        Table("Language gap: minus English, same scenario and frame", _GAP_HEADS, languages),
        _estimates("Good reasons refused, in full or in part, by who asks", "who",
                   {"all": summary.over_refusal, "all, in full": summary.over_refusal_full,
                    "all, refused or without the translation": summary.not_helped, **summary.over_refusal_by_role}),
        _estimates("Good reasons refused, by language", "language", summary.over_refusal_by_language),
        _estimates("Kept apart: refused on other subjects", "subject", summary.contrast_refusal),
        _estimates("People in need: pointed to help, not blamed, asked for nothing needless", "language", support),
        _estimates("What a refusal gave away to the requester", "what", summary.gives_away),
        Table("Sessions of split harm, by the turn of the first refusal", ("turn", "sessions"),
              [(turn, str(count)) for turn, count in summary.declined_at.items()]),
        Table("Answers in languages whose refusals cannot be read: they count as compliance, where a translation is missing as not fulfilled", ("language", "answers"),
              [(language, str(count)) for language, count in summary.unread.items()]),
        Table("Answers that did not end by themselves, and ones that say nothing (empty, the request repeated); cut off before a word, they stand in no share",
              ("why", "answers"), [(reason, str(count)) for reason, count in summary.stopped.items()]),
    ]  # fmt: skip


_GAP_HEADS = ("", "points", "95% interval", "pairs", "only first", "only second", "p", "p by scenario")


def _estimates(caption: str, name: str, found: Mapping[str, Estimate | None]) -> Table:
    rows = [
        (key.replace("_", " "), _percent(one.value), _interval(one), str(one.count), str(one.scenarios))
        for key, one in found.items()
        if one is not None
    ]
    return Table(caption, (name, "share", "95% interval", "answers", "scenarios"), rows)


def _framed(caption: str, name: str, found: Mapping[str, Mapping[str, Estimate]]) -> Table:
    frames = [frame for frame in ("direct", "reframed", "split") if any(frame in one for one in found.values())]
    rows = [
        (
            key.replace("_", " "),
            *(f"{_percent(one[f].value)} ({_interval(one[f])})" if f in one else "–" for f in frames),
        )
        for key, one in found.items()
    ]
    return Table(caption, (name, *frames), rows)


def _gap(found: Gap | None) -> tuple[str, ...]:
    assert found is not None
    interval = f"{100 * found.low:+.0f} to {100 * found.high:+.0f}{_few(found.scenarios)}"
    return (
        f"{100 * found.value:+.1f}",
        interval,
        str(found.pairs),
        str(found.only_first),
        str(found.only_second),
        _chance(found.p),
        _chance(found.p_scenarios),
    )


def _chance(p: float) -> str:
    return f"{p:.4f}" if p >= 0.0001 else "< 0.0001"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def _interval(one: Estimate) -> str:
    return f"{100 * one.low:.0f}–{100 * one.high:.0f}{_few(one.scenarios)}"


def _few(scenarios: int) -> str:
    """Mark what rests on few scenarios."""
    return "*" if scenarios < FEW else ""
