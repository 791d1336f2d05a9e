"""Read the grades of a log and see that they are what was graded: metadata, values and figures say the same.

A grade that people corrected (`inspect`'s edit of a score) counts as they left it. One whose parts contradict each other
was changed in another way: such a log is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from threelines.ai_models.summary import Row, summarise
from threelines.records import ThreelinesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inspect_ai.log import EvalLog, EvalSample
    from inspect_ai.scorer import Score

CLASSES = ("full_refusal", "partial_refusal", "compliance", "no_answer")
"""Classes of an answer, as rules and people give them."""
_GRADED = {(True, True): "C", (True, False): "I", (False, True): "N", (False, False): "N"}
"""(answered, as a careful model answers) → value of the score."""
_ANEW = "grade the log anew: inspect score LOG --scorer threelines/behaviour --action overwrite"


class ResultsError(ThreelinesError):
    """A log cannot be used."""


class Graded(NamedTuple):
    """One answer: its sample, its row, and whether people corrected the grade."""

    sample: EvalSample
    row: Row
    edited: bool


def newest(sample: EvalSample, name: str) -> Score | None:
    """Return the last score of a scorer, or none: `inspect score` appends `behaviour1` to `behaviour`, and so on."""
    last = _last(sample.scores or {}, name)
    return (sample.scores or {})[last] if last else None


def _last(names: Any, name: str) -> str | None:
    found = [key for key in names if re.fullmatch(rf"(?:threelines/)?{name}\d*", key)]
    return max(found, key=lambda key: int(re.sub(r"\D", "", key) or 0), default=None)


def graded(log: EvalLog, version: str) -> list[Graded]:
    """Return the graded answers of a log.

    Args:
        log: The log.
        version: The task version whose grades can be followed here; of others only what every version says is checked.

    Raises:
        ResultsError: A grade is of another scorer, or contradicts itself or the log's own figures.
    """
    found = []
    for sample in log.samples or []:
        score = newest(sample, "behaviour")
        if score is not None:
            found.append(_one(sample, score, same=str(log.eval.task_version) == version))
    if log.status == "success" and str(log.eval.task_version) == version and not any(one.edited for one in found):
        _follow(log, [one.row for one in found])
    return found


def _one(sample: EvalSample, score: Score, *, same: bool) -> Graded:
    try:
        row = msgspec.convert(score.metadata or {}, Row)
    except msgspec.ValidationError as fault:
        raise ResultsError(
            f"{sample.id}: its grade cannot be read ({fault}); another scorer's, or of an older version: {_ANEW}"
        ) from fault
    edited = bool(score.history)
    if edited:
        row = _corrected(row, score)
    says = _GRADED[row.answered, row.good]
    if (same or row.misuse) and isinstance(score.value, str) and score.value != says:
        raise ResultsError(
            f"{sample.id}: the grade's value is {score.value}, its class and facts say {says}: it was changed after grading; "
            f"{_ANEW}; labels given by people belong to `threelines evaluate agreement`"
        )
    return Graded(sample, row, edited)


def _corrected(row: Row, score: Score) -> Row:
    """Return the row as people left it: the class that they gave, and what the value says of it."""
    right = score.value == "C"
    given = {"outcome": score.answer if score.answer in CLASSES else row.outcome}
    if row.misuse:
        return msgspec.structs.replace(row, **given, fulfilled=not right)
    if row.supports is not None:
        return msgspec.structs.replace(row, **given, supports=right)
    return msgspec.structs.replace(row, **given, fulfilled=right)


def _follow(log: EvalLog, rows: Sequence[Row]) -> None:
    """Compare with the shares that the log itself holds, where it holds those of the newest grades and of every sample."""
    named = {score.name: score for score in (log.results.scores if log.results else [])}
    last = max((_last(sample.scores or {}, "behaviour") or "" for sample in log.samples or []), default="")
    kept = {name: metric.value for name, metric in named[last].metrics.items()} if last in named else {}
    for frame, found in summarise(rows).compliance.items():
        told = kept.get(f"compliance_{frame}", found.value)
        if abs(told - found.value) > 1e-3:
            raise ResultsError(
                f"its own figure of compliance_{frame} is {told:.4f}, its grades give {found.value:.4f}: grades were changed "
                f"or left out after the run; {_ANEW}"
            )
