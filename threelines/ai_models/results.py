"""Read evaluation logs: rows and what they rest on, never a prompt or an answer."""

from __future__ import annotations

from collections.abc import Set
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from threelines.agreement import alpha
from threelines.ai_models.conditions import Conditions, conditions
from threelines.ai_models.scenario import CANARY, UNREVIEWED
from threelines.ai_models.scores import Graded, ResultsError, graded, newest
from threelines.ai_models.summary import Row, Summary, summarise

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample


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
    conditions: Conditions = Conditions()
    errors: int = 0
    """Answers that were lost to errors."""
    edited: int = 0
    """Grades that people corrected in the log."""
    canaries: tuple[str, ...] = (CANARY,)
    """Of the scenarios that were asked."""
    unreviewed: int = 0
    """Answers to requests whose translation no person has read."""

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
    found = _graded(path, log)
    scored = [one.sample for one in found]
    answers = [one for one in found if one.row.answered]
    rows = [one.row for one in answers]
    inner = (log.eval.model_args or {}).get("inner", "") if log.eval.model.startswith("guarded/") else ""
    epochs = log.eval.config.epochs or 1
    asked = len(log.eval.dataset.sample_ids or []) or log.eval.dataset.samples or 0
    every = log.samples or []
    return Results(
        file=path.name, digest=sha256(path.read_bytes()).hexdigest(), task=log.eval.task,
        version=str(log.eval.task_version), model=log.eval.model, inner=str(inner), created=str(log.eval.created),
        samples=len(every), failed=len(every) - len(rows), rows=tuple(rows),
        judged=_answers(scored, "judged", epochs), ruled=_answers(scored, "behaviour", epochs), epochs=epochs,
        status=log.status, planned=asked * epochs, asked=asked,
        dataset=log.eval.dataset.samples or asked, keys=tuple(_key(one.sample) for one in answers), guard=_guards(scored),
        conditions=conditions(log), errors=sum(sample.error is not None for sample in every),
        edited=sum(one.edited for one in answers),
        canaries=tuple(sorted({_fact(sample, "scenario", "canary") for sample in every} - {""})),
        unreviewed=sum(_fact(one.sample, "request", "translation") == UNREVIEWED for one in answers),
    )  # fmt: skip


def _graded(path: Path, log: EvalLog) -> list[Graded]:
    """Return the graded answers of a log; an error where there is none."""
    from threelines.ai_models.tasks import VERSION

    try:
        found = graded(log, VERSION)
    except ResultsError as fault:
        raise ResultsError(f"{path}: {fault}") from fault
    if not found:
        ended = "" if log.status == "success" else f" (the run did not finish: {log.status})"
        raise ResultsError(
            f"{path}: no graded answers in it{ended}; is it a log of threelines/misuse, support or session?"
        )
    return found


def _fact(sample: EvalSample, part: str, name: str) -> str:
    """Return what the log holds of the item that was asked; empty where it holds none."""
    return str(((sample.metadata or {}).get("item") or {}).get(part, {}).get(name, ""))


def _key(sample: EvalSample) -> str:
    turns = (sample.metadata or {}).get("turns") or [str(sample.input)]
    return f"{sample.id} {sha256(msgspec.json.encode(turns)).hexdigest()[:12]}"


def _guards(samples: list[EvalSample]) -> str:
    """Return the guard's version; a log that was taken up again may hold two."""
    found = {str((sample.output.metadata or {}).get("guard", "")) for sample in samples if sample.output}
    return ", ".join(sorted(found - {""}))


def answer_id(sample: str, epoch: int | str, epochs: int) -> str:
    """Return what names one answer: the sample's id, and its epoch where each sample was asked more than once."""
    return sample if epochs == 1 else f"{sample}, epoch {epoch}"


def _answers(samples: list[EvalSample], name: str, epochs: int) -> dict[str, str]:
    given = [(sample, score) for sample in samples if (score := newest(sample, name)) and score.answer]
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
