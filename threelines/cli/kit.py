"""`threelines kit`: awareness material from one set of reviewed messages."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from threelines.cli._inputs import confirmed_option


@click.command(short_help="Write awareness material: text, SMS, poster, audio script.")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder to write into.")
@click.option("--language", default="en", show_default=True, help="Language; only reviewed ones can be written.")
@click.option(
    "--messages",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with your own reviewed translations.",
)
@click.option(
    "--helpline", default="", help="Id of a helpline that you have confirmed (`threelines helplines confirm`)."
)
@confirmed_option
def command(out: Path, language: str, folders: tuple[Path, ...], helpline: str, confirmed: Path) -> None:
    """Write the awareness kit of one language, and list the languages that nobody has reviewed yet.

    Needs the extra `share`, which sets the poster. A telephone number appears only after your organisation has dialled and confirmed it.

    \b
    Example:
      threelines kit --out kit/ --helpline FI-1
    """
    from threelines.people.helplines import confirmations, helplines
    from threelines.people.kit import Number, load_kits, missing_languages, sms_without, write_kit

    today = datetime.datetime.now(datetime.timezone.utc).date()
    kits = load_kits(*folders)
    if language not in kits:
        raise click.UsageError(f"no messages in {language!r}; there are: {', '.join(sorted(kits))}")
    number = None
    if helpline:
        made = confirmations(confirmed).get(helpline)
        if made is None or not made.on <= today < made.expires:
            raise click.UsageError(
                f"{helpline}: not confirmed; dial it, then: threelines helplines confirm {helpline} --number … --by …"
            )
        number = Number(
            organisation=helplines()[helpline].organisation, number=made.number, dialled=made.on, until=made.expires
        )
    for path in write_kit(kits[language], out, today=today, number=number):
        click.echo(str(path))
    if bare := sms_without(kits[language], number.line if number else ""):
        click.echo(f"No room for the number in the SMS of {', '.join(bare)}: one SMS each was kept.", err=True)
    click.echo(f"Not yet reviewed, so not written: {', '.join(missing_languages(kits, today))}", err=True)
