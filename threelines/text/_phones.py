"""Telephone numbers in plain text, judged by `phonenumbers` (Google's libphonenumber tables)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from threelines.text._money import plain_word


class Phone(NamedTuple):
    """A telephone number: E.164 where its country is known, else its digits."""

    start: int
    end: int
    value: str


_CANDIDATE = re.compile(
    r"(?<![a-z0-9.,/@#_\-])(?:\+|00)?(?:\d{1,3}[ .\-_*]{0,2})?\(?\+?\d(?:(?:[ ).\-–·_*]{0,3}|/)(?:\d|(?<=\d)o|(?<=\do)o|o(?=o?\d))){5,16}"
    r"(?![a-z0-9_@]|[.,]\d|\s?%)"
)
_ENOUGH = re.compile(r"[0-9](?:(?:[ ).\-–·_*]{0,3}|/)[0-9]){5}")
"""As few digits as a number may have, beside one another: looked for first, because it begins with a digit."""
_DATE = re.compile(
    r"(?:\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}|\d{1,2}[\-/.]\d{1,2}[\-/.]\d{2,4})(?:[\s\-–]+\d{1,2}(?:[\-/.]\d{1,2})*)?\Z"
)
_HOUR = r"(?:[01]?\d|2[0-3])[_*.][0-5][05]"
_HOURS = re.compile(rf"{_HOUR}(?:(?: ?[\-–] ?| ){_HOUR})+\Z")
"""Times of opening ("08_00 20_00 12_00"), apart by something else than their own sign: a number has one sign or blanks."""
_RANGE = re.compile(r"\d{3,6}\s?[\-–]\s?\d{3,6}\Z")
_ASKED = re.compile(
    "|".join(
        re.escape(plain_word(word))
        for word in [
            "tel",
            "phone",
            "call",
            "mobile",
            "cell",
            "sms",
            "text me",
            "hp",
            "no hp",
            "telp",
            "hubungi",
            "kontak",
            "contact",
            "whatsapp",
            "viber",
            "telegram",
            "zalo",
            "电话",
            "電話",
            "手机",
            "手機",
            "联系",
            "致电",
            "โทร",
            "เบอร์",
            "ติดต่อ",
            "điện thoại",
            "đt",
            "sđt",
            "liên hệ",
            "hotline",
            "llam",
            "celular",
            "cel",
            "teléfono",
            "telefon",
            "тел",
            "звон",
            "номер",
            "هاتف",
            "اتصل",
            "للتواصل",
            "फोन",
            "नंबर",
            "ফোন",
            "전화",
            "연락",
            "ဖုန်း",
            "ទូរស័ព្ទ",
            "simu",
            "piga",
            "tawag",
            "ስልክ",
            "line",
            "wa",
            "微信",
            "imo",
            "📞",
            "☎",
            "📱",
        ]
    )
)
# Countries with a leading zero (or a pattern of their own) from which and to which recruiters write;
# the first that accepts the number proves that it is one, not whose it is.
_REGIONS = (
    "TH", "ID", "PH", "VN", "MY", "MM", "KH", "LA", "TW", "KR", "JP", "BD", "PK", "LK", "KE", "TZ", "UG", "NG", "GH", "ZA", "ET",
    "AE", "SA", "EG", "JO", "LB", "TR", "UA", "RO", "BG", "MD", "GB", "FR", "DE", "IT", "NL", "AU",
)  # fmt: skip
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}\Z")
_AMERICAN = re.compile(r"\(?\d{3}\)?[\s.\-]\d{3}[\s.\-]\d{4}\Z")


def phones(plain: str, region: str | None = None) -> Iterator[Phone]:
    """Yield the telephone numbers in plain text; `region` (ISO 3166) reads numbers without a country."""
    if not _ENOUGH.search(plain):
        return
    for found in _CANDIDATE.finditer(plain):
        written = found[0]
        if _DATE.match(written) or _RANGE.match(written) or _HOURS.match(written):
            continue
        value = _number(written, region)
        if value is None and _ASKED.search(plain, max(0, found.start() - 24), found.start()):
            digits = _digits(written)
            value = digits if 7 <= len(digits) <= 13 else None
        if value is not None:
            yield Phone(found.start(), found.end(), value)


def _digits(written: str) -> str:
    return "".join(letter for letter in written.replace("o", "0") if letter.isdigit())


@lru_cache(maxsize=20_000)
def _number(written: str, region: str | None) -> str | None:
    digits = _digits(written)
    if "+" in written[:2] or (digits.startswith("00") and len(digits) > 9):
        return _international("+" + digits.removeprefix("00"))
    if region and (number := _valid(digits, region)):
        return number
    if _CHINESE_MOBILE.match(digits):
        return _valid(digits, "CN")
    if digits.startswith("0") and 9 <= len(digits) <= 12:
        return digits if any(_valid(digits, one) for one in _REGIONS) else None
    if (
        digits.startswith(("60", "62", "63", "66", "84", "86", "91", "95", "254", "855", "856", "971"))
        and 11 <= len(digits) <= 13
    ):
        return _valid("+" + digits, None)
    return _valid(digits, "US") if _AMERICAN.match(written) else None


def _international(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _valid(number: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(number, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
