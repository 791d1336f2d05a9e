"""`threelines helplines`: list organisations, and record that a number was dialled and answered."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from threelines.cli._inputs import confirmed_option


@click.group(short_help="List helplines; confirm a number after dialling it.")
def command() -> None:
    """List organisations that can be called, and confirm a number after dialling it.

    No packaged number has been dialled by us, so none is shown to anybody before you confirm it. A
    confirmation is dated and expires.

    \b
    Examples:
      threelines helplines list --country FI
      threelines helplines confirm FI-1 --number "+358 800 555 0100" --by supervisor
      threelines kit --out kit/ --helpline FI-1
    """


@command.command("list")
@click.option("--country", "countries", multiple=True, help="Two letters; may be repeated.")
@confirmed_option
def list_helplines(countries: tuple[str, ...], confirmed: Path) -> None:
    """Print id, country, organisation, whether its number is confirmed, and the page to check: its own, or where it was read.

    \b
    Example:
      threelines helplines list --country FI --country EE
    """
    from threelines.people.helplines import confirmations, country, helplines, unlisted

    known, today = confirmations(confirmed), datetime.datetime.now(datetime.UTC).date()
    wanted = dict.fromkeys(map(country, countries))
    for entry in helplines().values():
        if not wanted or entry.country in wanted:
            made = known.get(entry.id)
            state = f"confirmed until {made.expires}" if made and today < made.expires else "not confirmed"
            where = entry.page or (f"read at {entry.read_at}" if entry.read_at else "")
            told = "; ".join(filter(None, (where, entry.note)))
            click.echo(f"{entry.id:<6} {entry.country_name:<22} {entry.organisation:<60} {state:<26} {told}".rstrip())
    for code in unlisted(wanted):
        click.echo(f"No organisation is listed for {code}.", err=True)


@command.command("confirm")
@click.argument("helpline")
@click.option("--number", required=True, help="The number that was dialled.")
@click.option("--by", required=True, help="Role or pseudonym of who dialled it.")
@click.option(
    "--days", type=click.IntRange(1, 366), default=180, show_default=True, help="For how long it may be shown."
)
@click.option(
    "--confirmed", type=click.Path(dir_okay=False, path_type=Path), default="helplines.json", show_default=True
)
def confirm_helpline(helpline: str, number: str, by: str, days: int, confirmed: Path) -> None:
    """Record that the number of HELPLINE was dialled today and the organisation answered.

    \b
    Example:
      threelines helplines confirm FI-1 --number "+358 800 555 0100" --by supervisor
    """
    from threelines.people.helplines import confirm

    made = confirm(confirmed, helpline, number, by=by, on=datetime.datetime.now(datetime.UTC).date(), days=days)
    click.echo(f"{helpline}: shown until {made.expires}. Recorded in {confirmed}.")
