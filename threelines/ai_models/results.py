"""Read evaluation logs: rows and what they rest on, never a prompt or an answer."""

from __future__ import annotations

import re
from collections.abc import Set
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from threelines.agreement import alpha
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
    """Answers that could not be had or graded, or were cut off before a word: they stand in no figure."""
    rows: tuple[Row, ...]
    judged: dict[str, str] = {}
    """Answer (see answer_id) → class by the judge, where one was asked."""
    ruled: dict[str, str] = {}
    """Answer → class by the rules."""
    epochs: int = 1
    """How often each sample was asked."""
    status: str = "success"
    """What Inspect says of the run: `success`, or `cancelled`, `error`, `started` where it did not finish."""
    planned: int = 0
    """Answers that the run was to give: its samples, each as often as it was to be asked."""
    asked: int = 0
    """Samples that the run was to ask; fewer than `dataset` with --limit."""
    dataset: int = 0
    """Samples of the task."""
    keys: tuple[str, ...] = ()
    """Of each row its sample: the id and what was asked, because one id over another text is another sample."""
    guard: str = ""
    """Version of the guard that stood in front; empty where the log does not hold it."""

    @property
    def guarded(self) -> bool:
        """Whether the guard stood in front."""
        return bool(self.inner)

    @property
    def name(self) -> str:
        """The model that was measured, with or without the guard."""
        return self.inner or self.model

    @property
    def finished(self) -> bool:
        """Whether the run came to its end."""
        return self.status == "success"

    @property
    def samples_graded(self) -> frozenset[str]:
        """The samples that the figures rest on."""
        return frozenset(self.keys)

    def over(self, samples: Set[str]) -> Results:
        """Return the same log with the answers to these samples only."""
        kept = [(key, row) for key, row in zip(self.keys, self.rows, strict=True) if key in samples]
        return msgspec.structs.replace(self, keys=tuple(key for key, _ in kept), rows=tuple(row for _, row in kept))

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
    scored = [sample for sample in log.samples or [] if _newest(sample, "behaviour")]
    if not scored:
        ended = "" if log.status == "success" else f" (the run did not finish: {log.status})"
        raise ResultsError(
            f"{path}: no graded answers in it{ended}; is it a log of threelines/misuse, support or session?"
        )
    graded = [msgspec.convert(_newest(sample, "behaviour").metadata or {}, Row) for sample in scored]
    rows = [row for row in graded if row.answered]
    inner = (log.eval.model_args or {}).get("inner", "") if log.eval.model.startswith("guarded/") else ""
    epochs = log.eval.config.epochs or 1
    asked = len(log.eval.dataset.sample_ids or []) or log.eval.dataset.samples or 0
    return Results(
        file=path.name, digest=sha256(path.read_bytes()).hexdigest(), task=log.eval.task,
        version=str(log.eval.task_version), model=log.eval.model, inner=str(inner), created=str(log.eval.created),
        samples=len(log.samples or []), failed=len(log.samples or []) - len(rows), rows=tuple(rows),
        judged=_answers(scored, "judged", epochs), ruled=_answers(scored, "behaviour", epochs), epochs=epochs,
        status=log.status, planned=asked * epochs, asked=asked,
        dataset=log.eval.dataset.samples or asked, keys=tuple(_key(sample) for sample, row in zip(scored, graded, strict=True) if row.answered), guard=_guards(scored),
    )  # fmt: skip


def _newest(sample: Any, name: str) -> Any:
    """Return the last score of a scorer, or none: `inspect score` appends `behaviour1` to `behaviour`, and so on."""
    found = [key for key in sample.scores or {} if re.fullmatch(rf"(?:threelines/)?{name}\d*", key)]
    newest = max(found, key=lambda key: int(re.sub(r"\D", "", key) or 0), default=None)
    return sample.scores[newest] if newest else None


def _key(sample: Any) -> str:
    turns = (sample.metadata or {}).get("turns") or [str(sample.input)]
    return f"{sample.id} {sha256(msgspec.json.encode(turns)).hexdigest()[:12]}"


def _guards(samples: list[Any]) -> str:
    """Return the guard's version; a log that was taken up again may hold two."""
    found = {str((sample.output.metadata or {}).get("guard", "")) for sample in samples if sample.output}
    return ", ".join(sorted(found - {""}))


def answer_id(sample: str, epoch: int | str, epochs: int) -> str:
    """Return what names one answer: the sample's id, and its epoch where each sample was asked more than once."""
    return sample if epochs == 1 else f"{sample}, epoch {epoch}"


def _answers(samples: list[Any], name: str, epochs: int) -> dict[str, str]:
    given = [(sample, score) for sample in samples if (score := _newest(sample, name)) and score.answer]
    return {answer_id(str(one.id), one.epoch, epochs): str(score.answer) for one, score in given}


class Agreement(msgspec.Struct, frozen=True, kw_only=True):
    """How far two graders agree on the same answers."""

    graders: str
    alpha: float
    """Krippendorff's alpha, nominal; NaN where nothing can be compared."""
    answers: int


def agreement(results: Results, people: dict[str, str]) -> tuple[Agreement, ...]:
    """Compare rules, judge and people pairwise; a judge that failed is its own class.

    Args:
        results: The log.
        people: Answer (see answer_id) → class by people.
    """
    graders = {"rules": results.ruled, "judge": results.judged, "people": people}
    names = [name for name, given in graders.items() if given]
    found = []
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            both = sorted(set(graders[first]) & set(graders[second]))
            units = [(graders[first][key], graders[second][key]) for key in both]
            found.append(Agreement(graders=f"{first} and {second}", alpha=alpha(units), answers=len(both)))
    return tuple(found)
