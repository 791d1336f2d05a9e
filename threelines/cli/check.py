"""`threelines check`: is this offer safe? Signs, three steps, where to turn."""

from __future__ import annotations

import codecs
import datetime
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from threelines.cli._inputs import confirmed_option

if TYPE_CHECKING:
    from threelines.people.advise import Advice


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
@confirmed_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    words: str | None, path: Path | None, language: str, countries: tuple[str, ...], confirmed: Path, as_json: bool
) -> None:
    """Look at WORDS, a file or standard input (`-`): one job offer, message or advert in any language.

    Nothing is kept. The answer lists published signs with an innocent explanation for each, and what to
    do to find out. One sign alone means little: most honest adverts have one.

    \b
    Examples:
      threelines check "Paste the offer here"
      threelines check --file offer.txt --country KE --language sw
      threelines check - < offer.txt
    """
    import msgspec

    from threelines.people.advise import advise, as_text
    from threelines.people.helplines import confirmations, country, unlisted
    from threelines.vocabulary.terms import load

    offer = _offer(words, path)
    if not offer.strip():
        raise click.UsageError("nothing to look at: give the words of the offer, --file, or standard input")
    advice = advise(
        offer, load(), language=language, today=datetime.datetime.now(datetime.UTC).date(),
        confirmed=confirmations(confirmed), countries=countries,
    )  # fmt: skip
    click.echo(msgspec.json.format(msgspec.json.encode(advice)).decode() if as_json else as_text(advice))
    if not as_json:
        _point(advice, bool(countries))
    for code in unlisted(map(country, countries)):
        click.echo(f"No organisation is listed for {code}; `threelines helplines list` shows all.", err=as_json)


def _offer(words: str | None, path: Path | None) -> str:
    """Return the words to look at; what is no offer is refused, because "none of the known signs" sounds like safety."""
    if path and words is not None:
        raise click.UsageError("give the words of the offer or --file, not both")
    if path:
        return _text(path.read_bytes(), str(path))
    if words is None or words == "-":
        return _text(sys.stdin.buffer.read(), "standard input")
    _refuse_path(words)
    return _text(words.encode("utf-8", "surrogatepass"), "the words")  # a shell's bytes can be half letters


def _refuse_path(words: str) -> None:
    try:
        path = Path(words.strip())
        folder, there = path.is_dir(), path.exists()
    except (OSError, ValueError):  # no name can be as long as most offers, or hold what some do
        return
    if words.strip() and there:
        remedy = "give one file of it with --file" if folder else f"did you mean --file {words.strip()}?"
        raise click.UsageError(
            f"{words.strip()}: a {'folder' if folder else 'file'}, not the words of an offer; {remedy}"
        )


def _text(raw: bytes, name: str) -> str:
    """Return the bytes as text; U+FFFD stands for what is in no encoding we read, and `advise` says so."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    if "\0" in text:
        raise click.UsageError(f"{name}: a picture or document, not text; copy the words of the offer into a text file")
    return text


def _point(advice: Advice, chosen: bool) -> None:
    """Say where to find a number that nobody here has dialled; to somebody in need also without a country."""
    entries = [entry for entry in advice.helplines if not entry.number]
    if not chosen:
        click.echo("\nName your country to see organisations there: --country KE")
        entries = [entry for entry in entries if entry.everywhere] if advice.support else []
    for entry in entries:
        where = (
            f"find their number on their own page {entry.page}"
            if entry.page
            else "no page of their own is known here; look for it"
        )
        click.echo(f"{entry.organisation} ({entry.country}): {where}")
