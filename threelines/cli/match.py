"""`threelines match`: learn which handles, phones or hashes two organisations share, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import click

from threelines.cli._outputs import keep_apart

_SHOWN = 20
"""Numbers of lines that are named at most."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW = click.Path(dir_okay=False, path_type=Path)
_REGION = click.option("--region", default="", help="Country of numbers without a country code, two letters.")


@click.group(short_help="Compare handles, phones or hashes with a partner, privately.")
def command() -> None:
    """Compare lists with a partner organisation without showing them to each other.

    \b
    You:      threelines match start ours.txt --keep round.secret --out request.psi
    Partner:  threelines match answer theirs.txt request.psi --out answer.psi
    You:      threelines match finish answer.psi --keep round.secret

    Each side learns how many values the other compares; you learn which of your values are on both; the
    partner learns nothing else. Run it the other way round for the partner to know. A list has one value a
    line. A handle in the address of a profile or post is that platform's, one value; one alone is compared as
    that of each platform and by itself, nine values.
    """


@command.command("start")
@click.argument("values", type=_FILE)
@click.option("--keep", required=True, type=_NEW, help="Secret of this round; delete it afterwards.")
@click.option("--out", required=True, type=_NEW, help="Request to send to the partner.")
@_REGION
def start_round(values: Path, keep: Path, out: Path, region: str) -> None:
    """Make a request from VALUES.

    \b
    Example:
      threelines match start ours.txt --keep round.secret --out request.psi
    """
    import msgspec

    from threelines.people.matching import read_lines, start

    keep_apart((("--keep", keep), ("--out", out)), (values,))
    lines = read_lines(values)
    state, request = start(lines, region=region)
    _tell_doubtful(lines, region)
    _keep(keep, msgspec.msgpack.encode(state))
    out.write_bytes(request)
    click.echo(f"{_compared(lines, state.values)} Send {out}; keep {keep} to yourself.")


def _keep(path: Path, secret: bytes) -> None:
    """Write a file that only its owner can read, and none over another round's secret."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
    except FileExistsError as fault:
        raise click.UsageError(
            f"--keep {path}: stands there already, and may be the secret of a round; name another file"
        ) from fault


def _compared(lines: dict[int, str], values: list[str]) -> str:
    number = len(values)
    return f"{len(lines)} lines, {number} values to compare; the partner learns that there are {number}."


def _tell_doubtful(lines: dict[int, str], region: str) -> None:
    from threelines.people.matching import doubtful

    for what, numbers in doubtful(lines, region=region).items():
        click.echo(
            f"taken for a handle, looks like {what}; matches only what is written the same: line {_listed(numbers)}",
            err=True,
        )


def _listed(lines: list[int]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return ", ".join(map(str, lines[:_SHOWN])) + more


@command.command("answer")
@click.argument("values", type=_FILE)
@click.argument("request", type=_FILE)
@click.option("--out", required=True, type=_NEW, help="Answer to send back.")
@_REGION
def answer_round(values: Path, request: Path, out: Path, region: str) -> None:
    """Answer a partner's REQUEST from your own VALUES.

    Once for each round that you agreed on: whoever asks may put numbers into a list by guessing, up to 20,000 a
    request, and learns which of them you hold. Ask where the values come from, and refuse a second request.

    \b
    Example:
      threelines match answer theirs.txt request.psi --out answer.psi
    """
    from threelines.people.matching import answer, prepared, read_lines

    keep_apart((("--out", out),), (values, request))
    lines = read_lines(values)
    out.write_bytes(answer(lines, request.read_bytes(), region=region))
    _tell_doubtful(lines, region)
    click.echo(f"{_compared(lines, prepared(lines, region=region))} Send {out} back.")
    click.echo("Nothing about the partner's values was learned, but how many there are.")


@command.command("finish")
@click.argument("message", metavar="ANSWER", type=_FILE)
@click.option("--keep", required=True, type=_FILE, help="Secret of this round, from `start`.")
def finish_round(message: Path, keep: Path) -> None:
    """Print which of your values the partner holds, too.

    \b
    Example:
      threelines match finish answer.psi --keep round.secret
    """
    import msgspec

    from threelines.people.matching import State, finish

    try:
        state = msgspec.msgpack.decode(keep.read_bytes(), type=State)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise click.UsageError(
            f"{keep}: not the secret of a round; give the file that `match start --keep` made"
        ) from fault
    shared = finish(state, message.read_bytes())
    for value in shared:
        click.echo(value)
    click.echo(f"{len(shared)} shared.", err=True)
