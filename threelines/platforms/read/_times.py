"""Points in time as exports write them: ISO 8601, epochs, mail dates, and years of three calendars."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from threelines.records import EARLIEST, LATEST
from threelines.text.fold import ascii_digits

_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "R": 2018, "H": 1988, "S": 1925}
_EAST_ASIAN = re.compile(
    r"(令和|平成|昭和|[RHS](?=\s?\d{1,2}\D))?\s*(\d{1,4}|元)\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*日?"
    r"(?:[\sT]*(\d{1,2})[時时:](\d{1,2})(?:[分:](\d{1,2}))?[分秒]?)?\s*\Z"
)
_DAY_MONTH = re.compile(
    r"(0?[1-9]|[12]\d|3[01])([./-])(0?[1-9]|[12]\d|3[01])\2(\d{4}|\d{2})(?:,?\s+(\d{1,2}:\d\d(?::\d\d)?)(?:\.\d+)?)?"
    r"\s*(?:UTC|GMT|Z)?\s*([+-]\d\d:?\d\d)?\Z"
)
_HALVES = re.compile(r"\b(\d{1,2})([:.]\d\d(?:[:.]\d\d)?(?:\.\d+)?)\s?([ap])\.?\s?m\b\.?", re.I)
_POINTS = re.compile(r"(?<=[\sT])(\d{1,2})\.(\d\d)(?:\.(\d\d))?(?=\s|\Z)")
_BEFORE_OFFSET = re.compile(r"\b(?:GMT|UTC)\s?(?=[+-]\d)")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d(?:\s|\Z)")
_COMMENT = re.compile(r"\([^()]*\)")
_HYPHENS = re.compile(r"(?<=\d)-([A-Za-z]{3})-(?=\d)")
_WORD = re.compile(r"[^\W\d_]+")
_NAMED = frozenset("mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec".split())
_ZONES = frozenset("ut utc gmt z ast adt est edt cst cdt mst mdt pst pdt".split())
_EPOCH = re.compile(r"-?\d{9,19}(?:\.\d+)?\Z")


Order = Literal["dmy", "mdy", "ymd"]
"""Which of day, month and year stands first."""

Shown = Literal["day", "month", "year", "both", "either", ""]
"""What the dates of a column show to stand first; both: neither day nor month holds for all; either: day or year."""


def order_shown(values: Iterable[Any]) -> Shown:
    """Return what dates such as 17/04/2024 show: a number above 12 is no month. In 24/04/05 it may be a year."""
    shown, short, are_short = set[Literal["day", "month"]](), set[tuple[int, int, int]](), True
    for value in values:
        found = _DAY_MONTH.match(_simple(value)) if isinstance(value, str) and 5 < len(value) < 60 else None
        if not found:
            continue
        first, second, third = int(found[1]), int(found[3]), int(found[4])
        if len(found[4]) == 2:
            short.add((first, second, third))
        else:
            are_short = False
        if max(first, second) > 12:
            shown.add("day" if first > second else "month")
            if len(shown) > 1:
                return "both"
    if shown == {"day"} and are_short:
        return _day_or_year(short)
    return shown.pop() if shown else ""


def _day_or_year(dates: set[tuple[int, int, int]]) -> Shown:
    """Return whether the day or the year stands first: no date is to come, and days are at least twice as many as years."""
    last = _tomorrow()
    is_day = all(_is_past(year, month, day, last) for day, month, year in dates)
    is_year = all(_is_past(year, month, day, last) for year, month, day in dates)
    firsts, lasts = (len({one[place] for one in dates}) for place in (0, 2))
    speaks_for_day = is_day > is_year, firsts >= 2 * lasts
    speaks_for_year = is_year > is_day, lasts >= 2 * firsts
    if any(speaks_for_day) == any(speaks_for_year):
        return "either"
    return "day" if any(speaks_for_day) else "year"


def _is_past(year: int, month: int, day: int, last: date) -> bool:
    """Whether there is such a day of a year of two digits, up to the last."""
    try:
        return date(_full(year), month, day) <= last
    except ValueError:
        return False


def _tomorrow() -> date:
    """Return the day up to which a time may have come: a zone may be ahead of ours."""
    return datetime.now(UTC).date() + timedelta(days=1)


def _full(year: int) -> int:
    """Return a year of two digits as one of 1970 to 2069."""
    return year + (2000 if year < 70 else 1900)


def _nothing_shown() -> Shown:
    return ""


def era_year(era: str, year: int) -> int:
    """Return the Gregorian year of a Japanese era year: Reiwa 6 is 2024."""
    return _ERAS[era] + year


def gregorian_year(year: int) -> int:
    """Return the Gregorian year of a full year in Buddhist (2567), Republic of China (113) or Gregorian count."""
    if 2400 <= year <= 2700:
        return year - 543
    return year + 1911 if 98 <= year <= 199 else year


def time_of(value: Any, order: Callable[[], Order | Shown] = _nothing_shown) -> tuple[datetime | None, str]:
    """Return (time with a zone, what was wrong); nothing in, nothing out; no zone means UTC.

    `order` is asked only of a date such as 03/04/2024: what was told, or what its column shows.

    A time before 1970 or after 2100 (a sentinel date, a broken clock) is none. A number is read as its digits
    are in a text: 20260101 is a date, nine digits or more count from 1970, and fewer are no time.
    """
    try:
        if value is None:
            return None, ""
        if isinstance(value, str):
            return _bounded(*_from_text(value, order))
        if isinstance(value, datetime):
            return _bounded(_aware(value))
        if isinstance(value, date):
            return _bounded(datetime(value.year, value.month, value.day, tzinfo=UTC))
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _bounded(*_from_text(str(int(value) if value % 1 == 0 else value), order))
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


def _from_text(text: str, order: Callable[[], Order | Shown]) -> tuple[datetime | None, str]:
    if _EPOCH.match(text):  # before ISO 8601, which reads 1714121300000 as a day of the year 1714
        return _from_epoch(float(text)), ""
    # else it is no ISO 8601 for certain; 21.15 would be read as 21 hours and a part of a second
    if (text[4:5] in "-T" or text[:8].isdigit()) and not ("." in text and _POINTS.search(text)):
        with suppress(ValueError):
            time = datetime.fromisoformat(text)
            if 1600 < time.year < 2400:
                return (time if time.tzinfo else time.replace(tzinfo=UTC)), ""
            if (year := gregorian_year(time.year)) > 1600:
                return _aware(_with_year(text, time.year, year)), f"the year {time.year} was read as {year}"
            raise OverflowError(text)
    return _from_odd_text(text, order)


def _with_year(text: str, old: int, new: int) -> datetime:
    """29 February of a Buddhist year is no Gregorian date until the year is changed; so change the text."""
    return datetime.fromisoformat(text.replace(f"{old:04}", f"{new:04}", 1))


def _from_odd_text(text: str, order: Callable[[], Order | Shown]) -> tuple[datetime | None, str]:
    plain = _simple(text)
    if not plain:
        return None, ""
    if _EPOCH.match(plain):
        return _from_epoch(float(plain)), ""
    buddhist = re.match(r"(2[4-6]\d\d)-(?=\d\d-\d\d)", plain)
    if buddhist:  # 2567-02-29 exists there, not here
        year = gregorian_year(int(buddhist[1]))
        return _aware(datetime.fromisoformat(f"{year}{plain[4:]}")), f"the year {buddhist[1]} was read as {year}"
    if found := _DAY_MONTH.match(plain):
        return _from_day_and_month(found, order(), is_halved=bool(_HALVES.search(text)))
    if found := _EAST_ASIAN.match(plain):
        return _from_parts(found)
    for form in (plain.removesuffix(" UTC").removesuffix(" GMT"), plain.replace("/", "-")):
        try:
            return _aware(datetime.fromisoformat(form)), ""
        except ValueError:
            continue
    return _from_mail(plain)


def _from_mail(plain: str) -> tuple[datetime | None, str]:
    """Read a date as mails write it; the standard parser takes a zone that it does not know for UTC, and says nothing."""
    plain = _HYPHENS.sub(r" \1 ", _COMMENT.sub(" ", plain))
    moment = _aware(parsedate_to_datetime(plain.replace(" at ", " ")))
    odd = [word for word in _WORD.findall(plain) if word.lower() not in _ZONES and word[:3].lower() not in _NAMED]
    unknown = [] if _OFFSET.search(plain) else [word for word in odd if word != "at"]
    return moment, f"the zone {unknown[0][:20]!r} is not known; the time was read as UTC" if unknown else ""


def _from_day_and_month(found: re.Match[str], order: Order | Shown, *, is_halved: bool) -> tuple[datetime | None, str]:
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    told, note = order in ("dmy", "mdy", "ymd"), ""
    if order == "either" and first != year:
        return None, f"{found[0][:20]!r} can be day first or year first; left out (--dates dmy or --dates ymd tells)"
    if order == "year":
        note = "the date was read year first, as its column shows (--dates dmy: day first)"
    if found[2] == "." and order in ("", "both"):
        order = "day"  # no region writes the month first with points
    if order in ("", "both") and first != second:
        if max(first, second) > 12:
            order = "day" if first > second else "month"
        elif is_halved and found[2] == "/" and not order:
            order, note = "month", "the date was read month first, as beside AM and PM (--dates dmy: day first)"
        else:
            return (
                None,
                f"{found[0][:20]!r} can be day first or month first; left out (--dates dmy or --dates mdy tells)",
            )
    if order in ("ymd", "year"):
        day, month, year = year, second, first
    else:
        day, month = (second, first) if order in ("month", "mdy") else (first, second)
    full = gregorian_year(year if year > 99 else _full(year))
    if year != full and not (told and year < 100):
        note = note or f"the year {year:02} was read as {full}"
    clock = (found[5] or "0:00").rjust(5, "0")
    return _aware(datetime.fromisoformat(f"{full:04}-{month:02}-{day:02} {clock}{found[6] or ''}")), note


def _from_parts(found: re.Match[str]) -> tuple[datetime, str]:
    era, year_text, *rest = found.groups()
    number = 1 if year_text == "元" else int(year_text)
    year = era_year(era, number) if era else gregorian_year(number)
    if year < 1600:
        raise ValueError(found[0])
    month, day, hour, minute, second = (int(part or 0) for part in rest)
    note = f"the year {era or ''}{year_text} was read as {year}" if year != number else ""
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC), note


def _simple(text: str) -> str:
    """Return a text with ASCII digits, one kind of space, no invisible marks, and a clock of 24 hours with colons."""
    plain = "".join(map(_plain, ascii_digits(text))).strip()
    plain = _HALVES.sub(_in_24_hours, plain)
    if ":" not in plain:
        plain = _POINTS.sub(lambda found: ":".join(filter(None, found.groups())), plain)
    return _BEFORE_OFFSET.sub("", plain)


def _in_24_hours(found: re.Match[str]) -> str:
    hour, late = int(found[1]), found[3] in "pP"
    if hour < 13:
        hour = hour % 12 + 12 * late
    return f"{hour:02}{found[2]}"


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
