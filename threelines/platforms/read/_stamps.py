"""The head of a WhatsApp line: `[2024/5/1 下午3:20:11]`, `31/12/23, 9:15 p. m. - `, `1/5/2567 14:23 - ` …

WhatsApp writes dates as the phone's region does, so the same file may mean two dates. Which of day,
month and year comes first is decided from all its lines: a reading with an impossible date is out; of
the others the one in which time runs forward wins (an export is in order of time).
Words for the halves of the day: Unicode CLDR 46, day periods.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

from threelines.platforms.read._times import Order, era_year, gregorian_year
from threelines.text.fold import ascii_digits

_MARKS = dict.fromkeys([0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF])
MARKS = "".join(map(chr, _MARKS))
"""Invisible marks of direction that WhatsApp puts around names, dates and its own words."""

_LONGEST_HEAD = 64
_BRACKET = re.compile(r"\[([^\[\]]{8,60})\]\s?")
_DASH = re.compile(r"(.{8,50}?)(?:\s[-–—]\s|,\s(?=[^:,]{1,60}\s:\s))")
_HEAD = re.compile(
    r"(?P<era>令和|平成|[RH](?=\d))?\s?(?P<a>\d{1,4})(?P<mark>\s?[./年-]\s?|\s)(?P<b>\d{1,2})(?:\s?[./月-]\s?|월 ?|\s)(?P<c>\d{1,4})"
    r"\s?[.日]?(?:\s?(?:be|ce|ad|г\.?|พ\.ศ\.)(?=[\s,]))?[,،、]?\s*(?:(?:à|às|a las|alle|kl\.?|um|at|o|klo|v|lúc)\s)?"
    r"(?P<before>[^\d\s,:][^\d,:]{0,20}?)?\s?(?P<hour>\d{1,2})[:.h時시](?P<minute>\d{2})(?:[:.분](?P<second>\d{2}))?"
    r"(?:\s?(?P<after>[^\d\s][^\d:]{0,20}))?"
)
_SYLLABLES = str.maketrans({"년": "/", "월": "/", "일": " "})

_PM = frozenset(
    [
        "pm",
        "p",
        "md",
        "nm",
        "ip",
        "ch",
        "ptg",
        "petang",
        "du",
        "odp",
        "odpo",
        "popo",
        "ös",
        "μμ",
        "пп",
        "псп",
        "слоб",
        "слобед",
        "попл",
        "поподне",
        "кеч",
        "тк",
        "م",
        "مساء",
        "ب",
        "بظ",
        "بعدازظهر",
        "אחהצ",
        "अपराह्न",
        "सायं",
        "শাম",
        "অপরাহ্ন",
        "মপরাহ্ন",
        "పమ",
        "పిఎం",
        "பிற்பகல்",
        "മഉ",
        "หลังเที่ยง",
        "บ่าย",
        "ຫຼັງທ່ຽງ",
        "ញ",
        "ល្ងាច",
        "រសៀល",
        "ညနေ",
        "ከሰዓት",
        "ከ",
        "下午",
        "晚上",
        "傍晚",
        "中午",
        "午後",
        "오후",
        "저녁",
        "밤",
        "em",
        "eftm",
        "eftermiddag",
        "soir",
        "tarde",
        "noche",
        "gabi",
        "hapon",
        "chiều",
        "tối",
        "pasdites",
        "mradi",
        "alasiri",
        "usiku",
        "tarehe",
    ]
)
_AM = frozenset(
    [
        "am",
        "a",
        "fm",
        "vm",
        "ap",
        "sa",
        "pg",
        "pagi",
        "de",
        "dop",
        "öö",
        "πμ",
        "дп",
        "пр",
        "проб",
        "преподне",
        "тң",
        "эрт",
        "ص",
        "صباحا",
        "ق",
        "قظ",
        "قبلازظهر",
        "לפנהצ",
        "पूर्वाह्न",
        "প্রাতঃ",
        "পূর্বাহ্ন",
        "முற்பகல்",
        "ก่อนเที่ยง",
        "เช้า",
        "ກ່ອນທ່ຽງ",
        "ព្រឹក",
        "នំ",
        "နံနက်",
        "ጥዋት",
        "ጠ",
        "上午",
        "凌晨",
        "清晨",
        "早上",
        "午前",
        "오전",
        "아침",
        "새벽",
        "matin",
        "manhã",
        "mañana",
        "umaga",
        "sáng",
        "paradites",
        "asubuhi",
    ]
)


_COUNTS = ("be", "ce", "พศ", "г")  # names of the year's count, not halves of the day


class Stamp(NamedTuple):
    """What the head of a line says, before the order of its date is known."""

    parts: tuple[int, int, int]
    year_first: bool
    """The first number is surely the year: four digits or a Japanese era."""
    clock: tuple[int, int, int]
    half: str
    """Word for the half of the day, empty for a 24-hour clock."""
    mark: str
    """What stands between the numbers of the date."""
    end: int
    """Where the rest of the line starts."""
    known_half: bool


def stamp_of(line: str) -> Stamp | None:
    """Return the stamp of a line that starts a message, None for one that goes on with the last."""
    start = line[:_LONGEST_HEAD].lstrip(MARKS + " \t")
    if not start or not (start[0] in "[令平RH" or start[0].isdigit()):
        return None
    offset = len(line[:_LONGEST_HEAD]) - len(start)
    cut = _BRACKET.match(start) if start[0] == "[" else _DASH.match(start)
    if not cut:
        return None
    stamp = _stamp(cut[1])
    return stamp._replace(end=offset + cut.end()) if stamp else None


@lru_cache(maxsize=10_000)  # many messages share a minute, and each is read twice
def _stamp(head: str) -> Stamp | None:
    found = _HEAD.fullmatch(_plain(head).translate(_SYLLABLES).strip())
    if not found:
        return None
    a, b, c = int(found["a"]), int(found["b"]), int(found["c"])
    clock = (int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    if clock[0] > 24 or clock[1] > 59 or clock[2] > 60:
        return None
    if found["era"]:
        a = era_year(found["era"], a)
    half = _half(found["before"] or "") or _half(found["after"] or "")
    return Stamp(
        parts=(a, b, c), year_first=a > 99, clock=clock, half=half, mark=found["mark"].strip() or " ", end=0,
        known_half=not half or half in _AM or half in _PM or half in _COUNTS,
    )  # fmt: skip


def _plain(head: str) -> str:
    """Digits of every script as ASCII, one kind of space, no invisible marks."""
    text = ascii_digits(unicodedata.normalize("NFKC", head.translate(_MARKS)))
    return "".join(letter if letter.isascii() or not letter.isspace() else " " for letter in text)


def _half(word: str) -> str:
    word = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in word if letter.isalpha() or unicodedata.category(letter) in ("Mn", "Mc"))


def day_of(stamp: Stamp, order: Order) -> date | None:
    """Return the date of a stamp under an order, None when there is no such date."""
    a, b, c = stamp.parts
    if stamp.year_first:
        year, month, day = a, b, c
    else:
        year, month, day = (a, b, c) if order == "ymd" else (c, b, a) if order == "dmy" else (c, a, b)
    if year < 100:  # WhatsApp began in 2009: 52 to 99 are the Buddhist years 2552 to 2599
        year += 2500 if year >= 52 else 2000
    try:
        return date(gregorian_year(year), month, day)
    except ValueError:
        return None


def time_of_stamp(stamp: Stamp, order: Order) -> datetime | None:
    """Return the time of a stamp. WhatsApp writes no zone: read as UTC."""
    day = day_of(stamp, order)
    if day is None or not 2000 <= day.year <= 2100:
        return None
    hour, minute, second = stamp.clock
    if stamp.half in _PM and hour < 12:
        # 中午 is noon: 11 to 1 o'clock
        hour += 0 if stamp.half == "中午" and hour == 11 else 12
    elif stamp.half in _AM and hour == 12:
        hour = 0
    return datetime(day.year, day.month, day.day, hour % 24, minute, min(second, 59), tzinfo=UTC)


_PLAUSIBLE: dict[Order, tuple[Order, ...]] = {
    "dmy": ("dmy", "mdy", "ymd"),
    "mdy": ("mdy", "dmy", "ymd"),
    "ymd": ("ymd",),
}


class Orders:
    """Weigh the three orders over all stamps of a file; memory stays the same for any file."""

    def __init__(self, newest: date) -> None:
        self._newest = newest  # no message is newer than its file, if that has kept its date
        self._last: dict[Order, date] = {}
        self._backward: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
        self._way: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
        self._impossible: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
        self._too_new: dict[Order, int] = {"dmy": 0, "mdy": 0, "ymd": 0}
        self._stamps = 0
        self._hint: Order = "dmy"
        self._seen: set[tuple[int, int, int]] = set()

    def add(self, stamp: Stamp) -> None:
        """Weigh one stamp."""
        if stamp.year_first or (self._seen and stamp.parts in self._seen):
            return
        if not self._seen and stamp.mark == "/" and stamp.half in ("am", "pm"):
            self._hint = "mdy"  # the only large region with slashes and this clock in its default is the US
        if len(self._seen) > 64:
            self._seen.clear()
        self._seen.add(stamp.parts)
        self._stamps += 1
        for order in self._backward:
            day = day_of(stamp, order)
            if day is None or day.year < 2009:
                self._impossible[order] += 1
                continue
            self._too_new[order] += day > self._newest
            if last := self._last.get(order):
                self._backward[order] += day < last
                self._way[order] += abs((day - last).days)
            self._last[order] = day

    def decide(self) -> tuple[Order, bool]:
        """Return the order that fits best, and whether the file left no doubt.

        A year of two digits stands first so rarely that it is no doubt by itself. The date of the file counts
        only where some order fits it in most lines: archives and downloads change it. That an order makes the chat
        shorter than another is a guess: who pays on the third of each month does not write on three days running.
        """
        refuted = {order: self._impossible[order] + self._too_new[order] for order in self._backward}
        if 2 * min(refuted.values()) >= self._stamps:
            refuted = self._impossible

        def rank(order: Order) -> tuple[int, int, int, int]:
            return refuted[order], self._backward[order], self._way[order], _PLAUSIBLE[self._hint].index(order)

        ranked: list[Order] = sorted(self._backward, key=rank)
        rival = next(order for order in ranked[1:] if order != "ymd" or ranked[0] == "ymd")
        return ranked[0], not self._seen or rank(ranked[0])[:2] != rank(rival)[:2]
