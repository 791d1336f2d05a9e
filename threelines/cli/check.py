"""`threelines check`: is this offer safe? Signs, three steps, where to turn."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click


@click.command(short_help="Look at one offer: signs, three steps, where to turn.")
@click.argument("words", required=False)
@click.option(
    "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read the offer from a file."
)
@click.option(
    "--language",
    default="en",
    show_default=True,
    help="Language of the answer; English where no reviewed translation exists.",
)
@click.option(
    "--country", "countries", multiple=True, help="Two letters: show organisations of this country; may be repeated."
)
@click.option(
    "--confirmed",
    type=click.Path(dir_okay=False, path_type=Path),
    default="helplines.json",
    show_default=True,
    help="Numbers that your organisation has dialled (`threelines helplines confirm`).",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    words: str | None, path: Path | None, language: str, countries: tuple[str, ...], confirmed: Path, as_json: bool
) -> None:
    """Look at WORDS, a file or standard input: one job offer, message or advert in any language.

    Nothing is kept. The answer lists published signs with an innocent explanation for each, and what to
    do to find out. One sign alone means little: most honest adverts have one.

    \b
    Examples:
      threelines check "Paste the offer here"
      threelines check --file offer.txt --country KE --language sw
    """
    import msgspec

    from threelines.people.advise import advise, as_text
    from threelines.people.helplines import confirmations
    from threelines.vocabulary.terms import load

    offer = _text(path) if path else words or sys.stdin.read()
    if not offer.strip():
        raise click.UsageError("nothing to look at: give the words of the offer, --file, or standard input")
    advice = advise(
        offer, load(), language=language, today=datetime.datetime.now(datetime.UTC).date(),
        confirmed=confirmations(confirmed), countries=countries,
    )  # fmt: skip
    click.echo(msgspec.json.format(msgspec.json.encode(advice)).decode() if as_json else as_text(advice))
    if not as_json:
        _point(advice.helplines, bool(countries))


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if b"\0" in raw:  # "none of the known signs" about a screenshot would sound like safety
        raise click.UsageError(f"{path}: a picture or document, not text; copy the words of the offer into a text file")
    return raw.decode("utf-8-sig", errors="replace")


def _point(helplines: tuple[object, ...], chosen: bool) -> None:
    unconfirmed = [entry for entry in helplines if not entry.number]  # type: ignore[attr-defined]
    if not chosen:
        click.echo("\nName your country to see organisations there: --country KE")
        return
    for entry in unconfirmed:
        click.echo(f"{entry.organisation} ({entry.country}): find their number on their own page {entry.page}".rstrip())  # type: ignore[attr-defined]
