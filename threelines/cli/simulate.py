"""`threelines simulate`: a made-up platform to try things on, with its truth in another file."""

from __future__ import annotations

from io import TextIOWrapper
from pathlib import Path

import click

from threelines.cli._outputs import OutFile, written

_OUT = OutFile()


@click.command(short_help="Make up a platform, with the truth in another file.")
@click.option("--accounts", type=click.IntRange(60), default=2000, show_default=True, help="Accounts on the platform.")
@click.option("--days", type=click.IntRange(1, 3650), default=7, show_default=True, help="Days from 3 March 2025 on.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same bytes.")
@click.option("--out", type=_OUT, required=True, help="Write the records here, as JSONL.")
@click.option("--truth", type=_OUT, required=True, help="Write roles, groups, planted talks and parameters here.")
@click.option("--noise-words", is_flag=True, help="Replace every word by noise: the same conduct, nothing to read.")
def command(accounts: int, days: int, seed: int, out: Path, truth: Path, noise_words: bool) -> None:
    """Make up a platform: ordinary people, innocent look-alikes, and a few accounts that ought to be found.

    Look-alikes are support desks, honest recruiters, marketing bots, outreach in many languages, night-shift
    workers, gamers and groups of people who moved. To be found, in small numbers: human recruiters, scam-centre
    shifts and AI agents. Published parameters are used where there are any; every other one is a range, and the
    first line of the truth file calls it an assumption. Texts are everyday sentences and teach nothing.

    Records come account by account, not in order of time. About 450 to 1,000 messages a day for 100 accounts.

    \b
    Examples:
      threelines simulate --out platform.jsonl --truth truth.jsonl
      threelines simulate --accounts 10000 --days 14 --seed 7 --out p.jsonl --truth t.jsonl
      threelines scan platform.jsonl --rate 1% --report report.html
    """
    from threelines.cli._progress import Stages
    from threelines.platforms.simulate import Simulation, simulate

    if out.resolve() == truth.resolve():
        raise click.UsageError("--out and --truth are the same file: the truth must stand apart from the records")
    simulation = Simulation(accounts=accounts, days=days, seed=seed, noise_words=noise_words)
    with (
        written(out) as raw_records,
        written(truth) as raw_facts,
        TextIOWrapper(raw_records, encoding="utf-8", newline="\n") as records,
        TextIOWrapper(raw_facts, encoding="utf-8", newline="\n") as facts,
        Stages() as stages,
    ):
        count = simulate(simulation, records, facts, progress=lambda done: stages("reading", done))
        seconds = stages.seconds
    click.echo(f"{count:,} records of {accounts:,} accounts in {seconds:.1f} s; truth apart in {truth}", err=True)
