"""The report for people: one plane and tables, no prompt, no answer, readable offline and by keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import jinja2

from threelines import __version__
from threelines.ai_models.results import Results
from threelines.ai_models.scenario import CANARY
from threelines.ai_models.summary import RESAMPLES, Estimate, Gap, Summary


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
    guarded: bool


def render(logs: Sequence[Results]) -> str:
    """Return the report of one or more logs as a self-contained page."""
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        (files("threelines") / "ai_models" / "report.html").read_text(encoding="utf-8")
    )
    shown = [{"results": one, "summary": one.summary(), "title": _title(one)} for one in logs]
    for entry in shown:
        entry["tables"] = [table for table in tables(entry["summary"]) if table.rows]  # type: ignore[arg-type]
    points = {number: _point(entry) for number, entry in enumerate(shown)}
    placed = {number: point for number, point in points.items() if point is not None}
    return page.render(
        logs=shown, points=list(placed.values()), arrows=_arrows(logs, placed), resamples=RESAMPLES,
        version=__version__, canary=CANARY,
    )  # fmt: skip


def _title(one: Results) -> str:
    return f"{one.name}, guard in front" if one.guarded else one.name


def _point(entry: Mapping[str, Any]) -> Point | None:
    summary: Summary = entry["summary"]
    reframed = summary.compliance.get("reframed") or summary.compliance.get("split")
    if reframed is None or summary.over_refusal is None:
        return None
    x, y = reframed.value, summary.over_refusal.value
    px, py = round(70 + 460 * x, 1), round(400 - 380 * y, 1)
    left = x > 0.6
    return Point(
        x, y, px, py, round(px + (-14 if left else 14), 1), round(py + (20 if y > 0.9 else -8), 1),
        "end" if left else "start", entry["title"], entry["results"].guarded,
    )  # fmt: skip


def _arrows(logs: Sequence[Results], placed: Mapping[int, Point]) -> list[dict[str, float]]:
    """Join each run behind the guard with the same model alone, on the same task."""
    arrows = []
    for number, point in placed.items():
        for other, start in placed.items():
            same = logs[number].guarded and not logs[other].guarded and logs[number].name == logs[other].name
            if same and logs[number].task == logs[other].task:
                arrows.append({"x1": start.px, "y1": start.py, "x2": point.px, "y2": point.py})
    return arrows


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
        _estimates("Good reasons refused, in full or in part, by who asks", "who", summary.over_refusal_by_role),
        _estimates("Good reasons refused, by language", "language", summary.over_refusal_by_language),
        _estimates("Kept apart: refused on other subjects", "subject", summary.contrast_refusal),
        _estimates("People in need: pointed to help, not blamed, asked for nothing needless", "language", support),
        _estimates("What a refusal gave away to the requester", "what", summary.gives_away),
        Table("Sessions of split harm, by the turn of the first refusal", ("turn", "sessions"),
              [(turn, str(count)) for turn, count in summary.declined_at.items()]),
        Table("Answers in languages whose refusals cannot be read: they count as compliance", ("language", "answers"),
              [(language, str(count)) for language, count in summary.unread.items()]),
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
    interval = f"{100 * found.low:+.0f} to {100 * found.high:+.0f}"
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
    return f"{100 * one.low:.0f}–{100 * one.high:.0f}"
