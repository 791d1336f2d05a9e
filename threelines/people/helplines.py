"""Where to call: an organisation's name and page until the deployer has dialled and confirmed the number.

None of the packaged numbers has been called by us. A wrong number on a help page can cost a life, so
`shown` gives a number only with a recorded, dated confirmation that has not expired.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from threelines.people.codes import country_code
from threelines.records import ThreelinesError, filled

_EVERYWHERE = "ZZ"
_DIALLED = re.compile(r"\+?[\d ()./-]{3,30}", re.ASCII)
"""What a telephone can dial."""
"""Stands for no single country: ISO 3166 keeps the code for its users."""
VALID_DAYS = 180
"""A confirmation older than this is asked for again."""


class HelplineError(ThreelinesError):
    """A confirmation cannot be recorded or read."""


class Helpline(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation that can be called."""

    id: str
    country: str
    """ISO 3166, two letters; ZZ for no single country."""
    country_name: str
    organisation: str
    number_to_confirm: str = ""
    """As published somewhere; never shown before it was dialled."""
    hours: str = ""
    languages: tuple[str, ...] = ()
    source: str = ""
    page: str = ""
    """The organisation's own page, or that of its own government or union: the only one that somebody in need is sent to."""
    read_at: str = ""
    """Somebody else's page where the number was read: for who dials it, never for somebody in need."""
    note: str = ""
    """What who dials it should know; not shown with the name."""
    evidence: str = ""


@filled
class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody dialled the number and the organisation answered."""

    number: str
    by: str
    """Role or pseudonym of who called."""
    on: date
    expires: date


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a person in need sees."""

    organisation: str
    country: str
    languages: tuple[str, ...]
    number: str
    """Empty until confirmed."""
    hours: str
    page: str
    everywhere: bool = False
    """An index or an organisation of no single country: where to turn if none is listed for one's own."""


@cache
def helplines() -> dict[str, Helpline]:
    """Read the packaged list, by id."""
    raw = tomllib.loads((files("threelines") / "people" / "helplines.toml").read_text(encoding="utf-8"))
    return {entry.id: entry for entry in msgspec.convert(raw["helpline"], list[Helpline])}


def country(text: str) -> str:
    """Return the ISO 3166 code of two letters in capitals; HelplineError where `text` is none."""
    code = country_code(text)
    if not code:
        remedy = "the United Kingdom is GB" if text.strip().upper() == "UK" else "give one of two letters, such as KE"
        raise HelplineError(f"{text!r} is no country code of ISO 3166; {remedy}")
    return code


def unlisted(countries: Iterable[str]) -> list[str]:
    """Return those of the country codes for which no organisation is listed."""
    listed = {entry.country for entry in helplines().values()}
    return [code for code in countries if code not in listed]


def confirmations(path: Path) -> dict[str, Confirmation]:
    """Read the deployer's confirmations; none where the file does not exist yet."""
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Confirmation])
    except msgspec.DecodeError as fault:
        raise HelplineError(f"{path}: not a file of confirmations ({fault})") from fault


def confirm(path: Path, helpline: str, number: str, *, by: str, on: date, days: int = VALID_DAYS) -> Confirmation:
    """Record that `number` was dialled and answered; returns what was recorded."""
    if helpline not in helplines():
        raise HelplineError(f"no helpline {helpline!r}; `threelines helplines` lists the ids")
    if not _DIALLED.fullmatch(number.strip()) or sum(letter.isdigit() for letter in number) < 3 or not by.strip():
        raise HelplineError("say which number was dialled (digits, spaces and + - ( ) / . alone), and who dialled it")
    made = Confirmation(number=number.strip(), by=by.strip(), on=on, expires=on + timedelta(days=days))
    kept = {**confirmations(path), helpline: made}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(dict(sorted(kept.items())))) + b"\n")
    return made


def shown(confirmed: dict[str, Confirmation], *, today: date, countries: Iterable[str] = ()) -> list[Shown]:
    """Return what may be shown, confirmed numbers first, then by country; never nothing.

    `countries` are codes of two letters, none for all. Where nothing is listed for one of them, the organisations of no
    single country stand for it.
    """
    wanted = {country.upper() for country in countries}
    wanted |= {_EVERYWHERE} if unlisted(wanted) else set()
    entries = [entry for entry in helplines().values() if not wanted or entry.country in wanted]
    made = [_shown(entry, confirmed.get(entry.id), today) for entry in entries]
    return sorted(made, key=lambda entry: (not entry.number, entry.country, entry.organisation))


def _shown(entry: Helpline, confirmed: Confirmation | None, today: date) -> Shown:
    stands = confirmed is not None and confirmed.on <= today < confirmed.expires
    return Shown(
        organisation=entry.organisation,
        country=entry.country_name,
        languages=entry.languages,
        number=confirmed.number if confirmed and stands else "",
        hours=entry.hours if stands else "",
        page=entry.page,
        everywhere=entry.country == _EVERYWHERE,
    )
