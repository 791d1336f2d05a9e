"""`threelines demo`: scan the bundled sample exports, write a report, print the top findings."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click


@click.command(short_help="Scan the bundled sample exports and write a report.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default="demo-output",
    show_default=True,
    help="Folder for findings.jsonl and report.html.",
)
@click.pass_context
def command(context: click.Context, out: Path) -> None:
    """Scan the bundled sample exports: an honest jobs board with a few doubtful adverts, a group, chats.

    The samples are invented, at the level of a public awareness campaign. Account ids are replaced by
    pseudonyms with a throw-away key. Nothing leaves this machine.

    \b
    Example:
      threelines demo --out demo-output
    """
    from threelines.cli.scan import command as scan

    out.mkdir(parents=True, exist_ok=True)
    samples = sorted(
        str(path) for path in Path(str(files("threelines") / "samples")).iterdir() if path.name != "README.md"
    )
    key = out / "demo.key"
    arguments = [
        *samples,
        "--out",
        str(out / "findings.jsonl"),
        "--report",
        str(out / "report.html"),
        "--key-file",
        str(key),
    ]
    click.echo(f"threelines scan {' '.join(Path(name).name for name in samples)} --out … --report …\n", err=True)
    with scan.make_context("scan", arguments, parent=context) as scanning:
        scan.invoke(scanning)
    click.echo(f"Open {out / 'report.html'} in a browser; {out / 'findings.jsonl'} is the same for programs.", err=True)
