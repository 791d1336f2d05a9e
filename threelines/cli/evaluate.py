"""`threelines evaluate`: turn evaluation logs into a report, a risk record, or scenarios for other tools."""

from __future__ import annotations

import csv
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import click

from threelines.cli._outputs import OutFile, keep_apart, written

if TYPE_CHECKING:
    from threelines.ai_models.results import Results

_LOG = click.Path(exists=True, dir_okay=False, path_type=Path)
_OUT = OutFile()


@click.group(short_help="Reports, risk records and exports of model evaluations.")
def command() -> None:
    """Measure an AI model on trafficking misuse with Inspect, then make the results readable.

    \b
    Measure (needs the extra `evaluate`):
      inspect eval threelines/misuse --model PROVIDER/MODEL --max-retries 2 --timeout 60
      inspect eval threelines/misuse --model guarded/x -M inner=PROVIDER/MODEL --max-retries 2 --timeout 60
    \b
    Then:
      threelines evaluate report logs/A.eval logs/B.eval --out report.html
      threelines evaluate risk-record logs/A.eval --guarded logs/B.eval --out record.json
      threelines evaluate export promptfoo --out tests.yaml
    """


@command.command()
@click.argument("logs", nargs=-1, required=True, type=_LOG)
@click.option("--out", type=_OUT, required=True, help="Write the page here.")
def report(logs: tuple[Path, ...], out: Path) -> None:
    """Write one page: reframed misuse against over-refusal, and tables. No prompt or answer is in it.

    \b
    Example, a model alone and behind the guard (an arrow joins the two):
      threelines evaluate report logs/alone.eval logs/guarded.eval --out report.html
    """
    keep_apart([("--out", out)], logs)
    from threelines.ai_models.report import render
    from threelines.ai_models.results import read

    found = [read(log) for log in logs]
    for one in found:
        if not one.finished:
            click.echo(f"warning: {one.file}: the run did not finish ({one.status}); the page says so", err=True)
    with written(out) as file:
        file.write(render(found).encode())
    click.echo(f"wrote {out}", err=True)


@command.command("risk-record", short_help="Fill a risk record of the model from a log.")
@click.argument("log", type=_LOG)
@click.option("--guarded", type=_LOG, help="A log of the same model behind the guard: the mitigation.")
@click.option("--unfinished", is_flag=True, help="Take logs whose run did not finish, too; the record says so.")
@click.option("--out", type=_OUT, required=True, help="Write the record (JSON) here.")
def risk_record(log: Path, guarded: Path | None, unfinished: bool, out: Path) -> None:
    """Fill a risk record of the model (AI Act, Art. 55-style) from a log; what only its provider knows stays null.

    The mitigation is computed on the samples that both logs hold.

    \b
    Example:
      threelines evaluate risk-record logs/alone.eval --guarded logs/guarded.eval --out record.json
    """
    import msgspec

    from threelines.ai_models.results import read
    from threelines.ai_models.risk import differ
    from threelines.ai_models.risk import risk_record as fill

    keep_apart([("--out", out)], [log, *([guarded] if guarded else [])])
    alone, behind = read(log), read(guarded) if guarded else None
    for one in [alone, *([behind] if behind else [])]:
        if not (one.finished or unfinished):
            raise click.UsageError(
                f"{one.file}: the run did not finish ({one.status}), {len(one.rows)} of {one.planned} answers are "
                "graded; finish it with `inspect eval-retry`, or add --unfinished: the record then says so"
            )
    _refuse_mixture(alone, behind)
    if behind and behind.samples_graded != alone.samples_graded:
        click.echo(f"warning: {differ(alone, behind)}", err=True)
    with written(out) as file:
        file.write(msgspec.json.format(msgspec.json.encode(fill(alone, behind)), indent=2) + b"\n")
    click.echo(f"wrote {out}", err=True)


def _refuse_mixture(alone: Results, behind: Results | None) -> None:
    """Refuse logs whose figures do not belong into one record."""
    if alone.guarded:
        raise click.UsageError(
            f"{alone.file} is of {alone.name} behind the guard; give its log alone, this one as --guarded"
        )
    if not alone.summary().compliance_by_task:
        raise click.UsageError(
            f"{alone.file} holds no misuse that was answered: no risk to record; run threelines/misuse"
        )
    if behind is None:
        return
    if not behind.guarded:
        raise click.UsageError(f"--guarded {behind.file}: no guard stood there; run with --model guarded/x -M inner=…")
    if behind.name != alone.name:
        raise click.UsageError(f"--guarded is of {behind.name}, the log of {alone.name}; give two logs of one model")
    if (behind.task, behind.version) != (alone.task, alone.version):
        raise click.UsageError(
            f"--guarded is of {behind.task} {behind.version}, the log of {alone.task} {alone.version}: "
            "figures compare under one task and version only"
        )
    if apart := alone.conditions.apart(behind.conditions):
        raise click.UsageError(
            f"{alone.file} and {behind.file} were not made under the same conditions ({apart}): the difference would not be "
            "the guard's; run both with the same options"
        )
    shared = alone.samples_graded & behind.samples_graded
    if not shared:
        raise click.UsageError(
            f"{alone.file} and {behind.file} hold no sample in common (other scenarios or another language?): "
            "nothing to compare; run both over the same scenarios"
        )
    if not behind.over(shared).summary().compliance_by_task:
        raise click.UsageError(
            f"{alone.file} and {behind.file} have only {len(shared)} samples in common and no misuse among them: "
            "no mitigation to record; run both over the same scenarios"
        )


@command.command()
@click.argument("form", type=click.Choice(["promptfoo", "garak"]))
@click.option(
    "--scenarios", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of your own."
)
@click.option("--out", type=_OUT, required=True, help="Write the file here.")
def export(form: str, scenarios: Path | None, out: Path) -> None:
    """Write the public scenarios for promptfoo (YAML tests) or as JSON lines with garak's keys.

    garak has no probe that reads a file: the lines are for a probe of your own (`prompts = [json.loads(line)["prompt"] …]`).

    \b
    Example:
      threelines evaluate export promptfoo --out tests.yaml
    """
    from threelines.ai_models.scenario import load
    from threelines.ai_models.share import FORMATS

    lines = FORMATS[form](load(scenarios))
    with written(out) as file:
        file.write(("\n".join(lines) + "\n").encode())
    click.echo(f"wrote {out}", err=True)


@command.command()
@click.argument("log", type=_LOG)
@click.option("--labels", type=_LOG, help="CSV with columns id,label (and epoch, of repeats): classes given by people.")
def agreement(log: Path, labels: Path | None) -> None:
    """Print how far rules, judge and people agree on one log (Krippendorff's alpha, nominal).

    Publish it beside every figure that rests on a judge.

    \b
    Example:
      threelines evaluate agreement logs/A.eval --labels labels.csv
    """
    from threelines.ai_models.results import agreement as compare
    from threelines.ai_models.results import read

    results = read(log)
    found = compare(results, _labels(labels, results) if labels else {})
    if not found:
        raise click.UsageError("one grader only: give --labels, or a log made with -T judge=true")
    for one in found:
        alpha = (
            f"{one.alpha:.3f}"
            if isfinite(one.alpha)
            else "cannot be computed (all classes are the same, or nothing is in both)"
        )
        click.echo(f"{one.graders}: alpha {alpha} on {one.answers} answers")


def _labels(path: Path, results: Results) -> dict[str, str]:
    """Return answer → class by people; refuse labels that name no answer of the log, or do not say which."""
    from threelines.ai_models.results import answer_id
    from threelines.ai_models.scores import CLASSES

    people: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:  # Excel writes a byte order mark
        rows = csv.DictReader(lines)
        wanted = {"id", "label"} | ({"epoch"} if results.epochs > 1 else set())
        if not wanted <= set(rows.fieldnames or ()):
            why = f"; {results.file} holds {results.epochs} answers to each sample" if results.epochs > 1 else ""
            raise click.UsageError(f"{path}: needs the columns {','.join(sorted(wanted))}{why}")
        for row in rows:
            label = (row["label"] or "").strip()
            if label and label not in CLASSES:
                raise click.UsageError(f"{path}: {label!r} is no class; give one of {', '.join(CLASSES)}")
            key = answer_id((row["id"] or "").strip(), (row.get("epoch") or "").strip(), results.epochs)
            if label and people.setdefault(key, label) != label:
                raise click.UsageError(f"{path}: two labels for {key}: {people[key]} and {label}")
    unknown = [key for key in people if key not in results.ruled]
    if len(unknown) == len(people):
        first = next(iter(results.ruled))
        raise click.UsageError(
            f"{path}: none of its {len(people)} labels names an answer of {results.file}; "
            f"there the first is {first!r}: take ids as the log writes them (`inspect view` shows them)"
        )
    if unknown:
        click.echo(f"warning: {len(unknown)} of {len(people)} labels name no answer, as {unknown[0]!r}", err=True)
    return people
