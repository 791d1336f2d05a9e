"""`threelines course`: a short course for technologists, to read, to score, to import."""

from __future__ import annotations

import json
from pathlib import Path

import click

from threelines.cli._outputs import written


@click.group(short_help="A short course for technologists, with scored exercises.")
def command() -> None:
    """Learn what trafficking looks like, what AI changes, and how to judge without harm.

    \b
    threelines course take                         answer on the terminal, scored
    threelines course export html --out course.html
    threelines course export gift --out course.gift     (Moodle and other learning systems)
    """


@command.command("export")
@click.argument("form", type=click.Choice(["html", "gift", "json"]))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def export_course(form: str, out: Path) -> None:
    """Write the course as a page, as GIFT questions, or as JSON.

    \b
    Example:
      threelines course export html --out course.html
    """
    from threelines.people.course import as_gift, as_html, as_json, load_course

    course = load_course()
    if form == "html":
        made = as_html(course)
    else:
        made = as_gift(course) if form == "gift" else json.dumps(as_json(course), indent=1) + "\n"
    with written(out) as file:
        file.write(made.encode())
    click.echo(f"{out}: {len(course.lesson)} lessons, {len(course.exercise)} exercises")


@command.command("take")
@click.option(
    "--answers",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='Score a file instead: {"e1": 1, …}, options counted from 0.',
)
def take_course(answers: Path | None) -> None:
    """Answer the exercises and get a score with reasons.

    \b
    Example:
      threelines course take
    """
    from threelines.people.course import grade, load_course

    course = load_course()
    given = _answers(answers) if answers else {}
    if not answers:
        for exercise in course.exercise:
            click.echo(f"\n{exercise.question}")
            for number, option in enumerate(exercise.options, start=1):
                click.echo(f"  {number}. {option}")
            given[exercise.id] = click.prompt("Your answer", type=click.IntRange(1, len(exercise.options))) - 1
    score = grade(given, course)
    for name, right, why in score.explained:
        click.echo(f"{name}: {'right' if right else 'not right'}. {why}")
    click.echo(f"{score.right} of {score.total}{': passed' if score.passed else ''}")


def _answers(path: Path) -> dict[str, int]:
    import msgspec

    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise click.UsageError(f'{path}: {fault}; give a JSON object such as {{"e1": 1, "e2": 0}}') from fault
