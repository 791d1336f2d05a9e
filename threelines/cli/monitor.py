"""The command `threelines monitor`: early warning of what rises."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from threelines.cli._register import database_options, opened

if TYPE_CHECKING:
    from threelines.people.monitor import Series, Signal


@click.command()
@database_options("supervisor", required=False)
@click.option(
    "--findings",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Findings of a scan, one file per day, week or month, named so: findings-2026-09-14.jsonl. All threads must be in it (scan --all), or rates have no base.",
)
@click.option(
    "--incidents",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=None,
    help="A public incident set: JSON lines with date, text, label, domain.",
)
@click.option(
    "--period",
    type=click.Choice(["week", "month", "quarter"]),
    default=None,
    help="Week for cases, quarter for incidents, what the file names speak of for findings, unless given.",
)
@click.option(
    "--until",
    default="",
    help="Judge the last whole period before this day, such as 2026-09-15; today otherwise. Consent is always that of today.",
)
@click.option(
    "--internal", is_flag=True, help="Name small groups and show small counts: for supervisors, never to be passed on."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder for a plot of each series that may be named.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON line per series.")
def command(findings: tuple[Path, ...], incidents: Path | None, until: str, **options: Any) -> None:
    """See which languages, communities, corridors and capabilities rise, as rates.

    A rate is over the cases in which somebody asked about AI, so asking more does not look like more.
    Each series is held against its own past, and all together so that few signals are false (docs/monitor.md says how
    many where nothing rises). Where nothing rises at all, every signal is false.
    A group with fewer than 11 cases in the last year is never named: "signal under review".

    \b
      threelines monitor --db cases.db
      threelines monitor --findings findings-2026-08.jsonl --findings findings-2026-09.jsonl --period month
      threelines monitor --incidents incidents.jsonl.gz --out plots
    """
    from threelines.people import monitor
    from threelines.people.suppress import K

    if sum(map(bool, (options["database"], findings, incidents))) != 1:
        raise click.UsageError("give one of --db, --findings and --incidents")
    today = _day(until)
    period: Any = options["period"] or (
        "quarter" if incidents else monitor.findings_period(findings) if findings else "week"
    )
    k = 1 if options["internal"] or incidents else K
    if incidents:
        series = monitor.incident_series(incidents, today=today, period=period)
    elif findings:
        series = monitor.findings_series(findings, today=today, period=period)
    else:
        series = _from_register(options, today, period)
    signals = monitor.watch(series, period=period, k=k)
    _print(signals, k, as_json=options["as_json"])
    if options["out"]:
        _plot(options["out"], series, signals, k)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text) if text else datetime.now(UTC).date()
    except ValueError:
        raise click.UsageError("--until needs a day such as 2026-09-15") from None


def _from_register(options: dict[str, Any], today: date, period: Any) -> list[Series]:
    from threelines.people.monitor import register_series
    from threelines.roles import require

    access = {name: options[name] for name in ("database", "key_file", "passphrase", "user", "role", "team")}
    with opened(**access) as register:
        if options["internal"]:
            require(register.user, "case.list")
        return register_series(register, period=period, until=today)


_LONGEST_NAME = 80
_FEW = {"hits": "fewer than {k} cases in it", "rest": "fewer than {k} cases outside it"}
"""Said where the rate is withheld."""


def _print(signals: list[Signal], k: int, *, as_json: bool) -> None:
    import msgspec

    from threelines.people import monitor

    if as_json:
        for signal in signals:
            click.echo(msgspec.json.encode(signal).decode())
        return
    least = {"hits": monitor.TOLD, "rest": monitor.CLOSES} if k > 1 else {"hits": 1, "rest": 1}
    rising = [signal for signal in signals if signal.is_rising]
    for signal in rising:
        rate = (
            f"{signal.rate:.1%}, expected {signal.expected_rate:.1%}"
            if signal.rate is not None and signal.expected_rate is not None
            else _FEW[signal.few].format(k=least[signal.few])
        )
        also = f"; EARS {' '.join(signal.ears)}" if signal.ears else ""
        click.echo(f"rising  {signal.kind:<11} {signal.name:<34} {signal.period}  {rate}  q={signal.q:.2g}{also}")
    click.echo(
        f"{len(rising)} of {len(signals)} series rise. A reason to look: ask what changed in recording first.", err=True
    )


def _plot(folder: Path, series: list[Series], signals: list[Signal], k: int) -> None:
    from threelines.people.monitor import points
    from threelines.people.plot import rate_plot

    named = {(signal.kind, signal.name): signal.is_rising for signal in signals}
    folder.mkdir(parents=True, exist_ok=True)
    for one, file in zip(series, _files(series), strict=True):
        if (one.kind, one.name) in named:
            drawn = points(one, k=k)
            rising = named[one.kind, one.name] and bool(drawn) and drawn[-1][0] == one.periods[-1]
            picture = rate_plot(f"{one.kind}: {one.name}", drawn, rising=rising)
            if picture:
                path = folder / file
                path.write_text(picture, encoding="utf-8")
                click.echo(path)


def _files(series: list[Series]) -> list[str]:
    """Return a file name for each series: names that share their ASCII letters and digits, or have none, get a hash."""
    plain = [re.sub(r"[^A-Za-z0-9]+", "-", one.name).strip("-")[:_LONGEST_NAME] for one in series]
    alike = Counter((one.kind, name.lower()) for one, name in zip(series, plain, strict=True))
    return [
        f"{one.kind}-{name}.svg"
        if name and alike[one.kind, name.lower()] == 1
        else f"{one.kind}-{name}{'-' * bool(name)}{sha256(one.name.encode()).hexdigest()[:8]}.svg"
        for one, name in zip(series, plain, strict=True)
    ]
