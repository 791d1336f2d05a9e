"""The command `threelines monitor`: what rises."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from threelines.cli.register import database_options, opened

if TYPE_CHECKING:
    from threelines.people.monitor import Event, Trend


@click.command(short_help="Show which languages, communities and capabilities rise.")
@database_options("analyst")
@click.option("--incidents", type=click.Path(exists=True, path_type=Path), help="A set of public incidents instead: FILE.jsonl.gz with date and label.")  # fmt: skip
@click.option("--per", type=click.Choice(["month", "quarter"]), default="quarter", show_default=True)
@click.option("--at", default="", help="Judge this period, such as 2026-Q3; the newest otherwise.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Also write a plot into this folder.")
def command(
    incidents: Path | None, per: Literal["month", "quarter"], at: str, out: Path | None, **options: Any
) -> None:
    """Compare the share of each series among what was asked with its own past.

    An alert means: look. Series with fewer than 11 cases in the period are counted, never named.

    \b
    Examples:
      threelines monitor --db cases.db
      threelines monitor --db cases.db --per month --out plots/
      threelines monitor --incidents incidents.jsonl.gz --per quarter
    """
    from threelines.people.monitor import BASELINE, GAP, monitor, plot

    trends = monitor(_events(incidents, per, options), at=at)
    if not trends:
        raise click.ClickException(f"fewer than {BASELINE + GAP + 1} periods; choose --per month or wait")
    for line in _table(trends):
        click.echo(line)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        (out / "monitor.svg").write_text(plot(trends), encoding="utf-8")


def _events(incidents: Path | None, per: Literal["month", "quarter"], options: dict[str, Any]) -> list[Event]:
    import gzip

    import msgspec

    from threelines.people.monitor import of_incidents, of_register

    if incidents is None:
        if not options["database"]:
            raise click.UsageError("name a register with --db or a set with --incidents")
        with opened(**options) as register:
            return of_register(register, per)
    with gzip.open(incidents, "rb") as file:
        return of_incidents((msgspec.json.decode(line) for line in file), per)


def _table(trends: list[Trend]) -> list[str]:
    lines = [f"{'series':<46} {'cases':>6} {'asked':>6} {'rate':>7} {'expected':>8} {'C2':>3}  result"]
    lines += [
        f"{trend.name[:46]:<46} {trend.count:>6} {trend.asked:>6} {trend.rate:>7.1%} {trend.expected:>8.1f} "
        f"{'yes' if trend.c2 else 'no':>3}  {'ALERT' if trend.is_alert else '-'}"
        for trend in trends
        if trend.count is not None
    ]
    small = [trend for trend in trends if trend.count is None]
    lines.append(f"{len(small)} series with fewer than 11 cases are under review; a person who may see cases looks.")
    return lines


for _option in command.params:
    if _option.name == "database":
        _option.required = False  # a public set of incidents needs no register
