"""`threelines match`: learn which handles, phones or hashes two organisations share, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

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

    lines = read_lines(values)
    state, request = start(lines, region=region)
    _tell_doubtful(lines, region)
    keep.touch(mode=0o600)
    keep.write_bytes(msgspec.msgpack.encode(state))
    out.write_bytes(request)
    click.echo(f"{_compared(lines, state.values)} Send {out}; keep {keep} to yourself.")


def _compared(lines: dict[int, str], values: list[str]) -> str:
    number = len(values)
    return f"{len(lines)} lines, {number} values to compare; the partner learns that there are {number}."


def _tell_doubtful(lines: dict[int, str], region: str) -> None:
    from threelines.people.matching import doubtful

    for what, numbers in doubtful(lines, region=region).items():
        click.echo(
            f"taken for a handle, looks like {what}; matches only what is written the same: line {', '.join(map(str, numbers))}",
            err=True,
        )


@command.command("answer")
@click.argument("values", type=_FILE)
@click.argument("request", type=_FILE)
@click.option("--out", required=True, type=_NEW, help="Answer to send back.")
@_REGION
def answer_round(values: Path, request: Path, out: Path, region: str) -> None:
    """Answer a partner's REQUEST from your own VALUES.

    \b
    Example:
      threelines match answer theirs.txt request.psi --out answer.psi
    """
    from threelines.people.matching import answer, prepared, read_lines

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
