"""The command `threelines release`: publish statistics that hide every person in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from threelines.cli._register import database_options, opened


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=None, help="Folder for the release.")
@click.option(
    "--base",
    type=click.Choice(["1", "5"]),
    default="5",
    show_default=True,
    help="Round counts to this; 1 does not round, and only in a first release.",
)
@click.option("--show", default="", metavar="ID", help="Print a prepared release, to decide about it.")
@click.option("--approve", default="", metavar="ID", help="Agree, as a second person.")
@click.option("--refuse", default="", metavar="ID", help="Refuse, as a second person.")
@click.option(
    "--epsilon",
    type=click.FloatRange(0.01, 4.0),
    default=None,
    help="Add synthetic records with this privacy loss: from 2,000 cases, and 6,000 divided by it; needs pac-synth. At most 4 a year in all.",
)
@database_options("supervisor")
def command(
    out: Path | None, base: str, show: str, approve: str, refuse: str, epsilon: float | None, **options: Any
) -> None:
    """Publish statistics in two steps, by two people.

    The first run makes the tables and asks for a second person; nothing is written. After the
    approval the same command writes them. No count below 11 appears, and none of 1 to 10 people can be worked out.

    \b
      threelines release --db cases.db --out release-1 --user anna
      threelines release --db cases.db --show a7k… --user ben
      threelines release --db cases.db --approve a7k… --user ben
      threelines release --db cases.db --out release-1 --user anna
    """
    from threelines.people import approval, release

    with opened(**options) as register:
        if show:
            for name, text in release.read(register, show).files.items():
                click.echo(f"== {name}\n{text}")
        elif approve or refuse:
            release.read(register, approve or refuse)
            click.echo(approval.decide(register, approve or refuse, yes=bool(approve)).state)
        elif out is None:
            raise click.UsageError("give --out FOLDER, or --show, --approve or --refuse with an id")
        elif approved := release.ready(register):
            for path in release.publish(register, approved, out):
                click.echo(path)
        else:
            made = release.prepare(register, base=int(base), epsilon=epsilon)
            click.echo(
                f"prepared {made.id} ({len(made.files)} files, SHA-256 {made.digest[:16]}…); nothing is written yet"
            )
            click.echo(f"a second person looks at it:  threelines release --db … --show {made.id} --user NAME")
            click.echo(f"and agrees:                   threelines release --db … --approve {made.id} --user NAME")
