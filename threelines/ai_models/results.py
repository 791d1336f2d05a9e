"""Read evaluation logs: rows and what they rest on, never a prompt or an answer."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from threelines.ai_models.grade import krippendorff
from threelines.ai_models.summary import Row, Summary, summarise
from threelines.records import ThreelinesError


class ResultsError(ThreelinesError):
    """A log cannot be used."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """One log, without its texts."""

    file: str
    digest: str
    """SHA-256 of the log file."""
    task: str
    version: str
    """Comparability of the task: figures of two logs compare only when it is the same."""
    model: str
    inner: str
    """The model behind the guard; empty where there was none."""
    created: str
    samples: int
    failed: int
    """Answers that could not be had or graded: they stand in no figure."""
    rows: tuple[Row, ...]
    judged: dict[str, str] = {}
    """Sample id → class by the judge, where one was asked."""
    ruled: dict[str, str] = {}
    """Sample id → class by the rules."""

    @property
    def guarded(self) -> bool:
        """Whether the guard stood in front."""
        return bool(self.inner)

    @property
    def name(self) -> str:
        """The model that was measured, with or without the guard."""
        return self.inner or self.model

    def summary(self) -> Summary:
        """Return every figure."""
        return summarise(self.rows)


def read(path: Path) -> Results:
    """Read an Inspect log (`.eval` or `.json`)."""
    from inspect_ai.log import read_eval_log

    if not path.is_file():
        raise ResultsError(f"{path}: no such log; `inspect eval` writes them to logs/")
    try:
        log = read_eval_log(str(path))
    except (ValueError, KeyError, OSError) as fault:
        raise ResultsError(f"{path}: not a log of inspect: {fault}") from fault
    scored = [sample for sample in log.samples or [] if sample.scores and "behaviour" in sample.scores]
    if not scored:
        raise ResultsError(f"{path}: no graded answers in it; is it a log of threelines/misuse, support or session?")
    rows = [msgspec.convert(sample.scores["behaviour"].metadata or {}, Row) for sample in scored if sample.scores]
    inner = (log.eval.model_args or {}).get("inner", "") if log.eval.model.startswith("guarded/") else ""
    return Results(
        file=path.name, digest=sha256(path.read_bytes()).hexdigest(), task=log.eval.task,
        version=str(log.eval.task_version), model=log.eval.model, inner=str(inner), created=str(log.eval.created),
        samples=len(log.samples or []), failed=len(log.samples or []) - len(scored), rows=tuple(rows),
        judged=_answers(scored, "judged"), ruled=_answers(scored, "behaviour"),
    )  # fmt: skip


def _answers(samples: list[Any], name: str) -> dict[str, str]:
    return {str(s.id): str(s.scores[name].answer) for s in samples if name in s.scores and s.scores[name].answer}


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two graders agree on the same answers."""

    graders: str
    alpha: float
    """Krippendorff's alpha, nominal; NaN where nothing can be compared."""
    answers: int


def agreement(results: Results, people: dict[str, str]) -> tuple[Agreement, ...]:
    """Compare rules, judge and people pairwise; a judge that failed is its own class."""
    graders = {"rules": results.ruled, "judge": results.judged, "people": people}
    names = [name for name, given in graders.items() if given]
    found = []
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            both = sorted(set(graders[first]) & set(graders[second]))
            units = [(graders[first][key], graders[second][key]) for key in both]
            found.append(Agreement(graders=f"{first} and {second}", alpha=krippendorff(units), answers=len(both)))
    return tuple(found)
