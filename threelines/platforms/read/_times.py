"""Points in time as exports write them: ISO 8601, epochs, mail dates, and years of three calendars."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from threelines.records import EARLIEST, LATEST
from threelines.text.fold import ascii_digits

_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "R": 2018, "H": 1988, "S": 1925}
_EAST_ASIAN = re.compile(
    r"(令和|平成|昭和|[RHS](?=\s?\d{1,2}\D))?\s*(\d{1,4}|元)\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?"
    r"(?:[\sT]*(\d{1,2})[時时:](\d{1,2})(?:[分:](\d{1,2}))?[分秒]?)?\s*\Z"
)
_AMERICAN = re.compile(r"\d{1,2}/\d{1,2}/\d{4},? \d{1,2}:\d\d(?::\d\d)? [AP]M\Z")
_EPOCH = re.compile(r"-?\d{9,19}(?:\.\d+)?\Z")


def era_year(era: str, year: int) -> int:
    """Return the Gregorian year of a Japanese era year: Reiwa 6 is 2024."""
    return _ERAS[era] + year


def gregorian_year(year: int) -> int:
    """Return the Gregorian year of a full year in Buddhist (2567), Republic of China (113) or Gregorian count."""
    if 2400 <= year <= 2700:
        return year - 543
    return year + 1911 if 98 <= year <= 199 else year


def time_of(value: Any) -> tuple[datetime | None, str]:
    """Return (time with a zone, what was wrong); nothing in, nothing out; no zone means UTC.

    A time before 1970 or after 2100 (a sentinel date, a broken clock) is none. A number is read as its digits
    are in a text: 20260101 is a date, nine digits or more count from 1970, and fewer are no time.
    """
    try:
        if value is None:
            return None, ""
        if isinstance(value, str):
            return _bounded(*_from_text(value))
        if isinstance(value, datetime):
            return _bounded(_aware(value))
        if isinstance(value, date):
            return _bounded(datetime(value.year, value.month, value.day, tzinfo=UTC))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _bounded(*_from_text(str(int(value) if value % 1 == 0 else value)))
    except (ValueError, OverflowError, OSError):
        pass
    return None, f"the time {str(value)[:40]!r} cannot be read as one from 1970 to 2100; left out"


def _bounded(time: datetime | None, note: str = "") -> tuple[datetime | None, str]:
    """Return what was given, or raise OverflowError: whoever reads the time later converts it and counts with it."""
    if time is not None and not EARLIEST <= time < LATEST:
        raise OverflowError
    return time, note


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _from_text(text: str) -> tuple[datetime | None, str]:
    if _EPOCH.match(text):  # before ISO 8601, which reads 1714121300000 as a day of the year 1714
        return _from_epoch(float(text)), ""
    if text[4:5] in "-T" or text[:8].isdigit():  # else it is no ISO 8601 for certain
        with suppress(ValueError):
            time = datetime.fromisoformat(text)
            if 1600 < time.year < 2400:
                return (time if time.tzinfo else time.replace(tzinfo=UTC)), ""
            if (year := gregorian_year(time.year)) > 1600:
                return _aware(_with_year(text, time.year, year)), f"the year {time.year} was read as {year}"
            raise OverflowError(text)
    return _from_odd_text(text)


def _with_year(text: str, old: int, new: int) -> datetime:
    """29 February of a Buddhist year is no Gregorian date until the year is changed; so change the text."""
    return datetime.fromisoformat(text.replace(f"{old:04}", f"{new:04}", 1))


def _from_odd_text(text: str) -> tuple[datetime | None, str]:
    plain = "".join(map(_plain, ascii_digits(text))).strip()
    if not plain:
        return None, ""
    if _EPOCH.match(plain):
        return _from_epoch(float(plain)), ""
    buddhist = re.match(r"(2[4-6]\d\d)-(?=\d\d-\d\d)", plain)
    if buddhist:  # 2567-02-29 exists there, not here
        year = gregorian_year(int(buddhist[1]))
        return _aware(datetime.fromisoformat(f"{year}{plain[4:]}")), f"the year {buddhist[1]} was read as {year}"
    if found := _EAST_ASIAN.match(plain):
        return _from_parts(found)
    for form in (plain.removesuffix(" UTC").removesuffix(" GMT"), plain.replace("/", "-")):
        try:
            return _aware(datetime.fromisoformat(form)), ""
        except ValueError:
            continue
    if _AMERICAN.match(plain):
        time = datetime.strptime(
            plain.replace(",", ""), "%m/%d/%Y %I:%M:%S %p" if plain.count(":") > 1 else "%m/%d/%Y %I:%M %p"
        )
        return time.replace(tzinfo=UTC), "the date was read month first, as beside AM and PM"
    return _aware(parsedate_to_datetime(plain)), ""


def _from_parts(found: re.Match[str]) -> tuple[datetime, str]:
    era, year_text, *rest = found.groups()
    number = 1 if year_text == "元" else int(year_text)
    year = era_year(era, number) if era else gregorian_year(number)
    if year < 1600:
        raise ValueError(found[0])
    month, day, hour, minute, second = (int(part or 0) for part in rest)
    note = f"the year {era or ''}{year_text} was read as {year}" if year != number else ""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC), note


def _plain(letter: str) -> str:
    """One kind of space; invisible marks away."""
    if letter.isascii():
        return letter
    return "" if unicodedata.category(letter) == "Cf" else " " if letter.isspace() else letter


def _from_epoch(number: float) -> datetime:
    """Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size."""
    for unit, limit in ((1, 1e11), (1e3, 1e14), (1e6, 1e17), (1e9, 1e20)):
        if abs(number) < limit:
            return datetime.fromtimestamp(number / unit, UTC)
    raise ValueError(number)
