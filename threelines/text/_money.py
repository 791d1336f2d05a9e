"""Sums of money in plain text: amounts, ranges, currency and what period they are for.

Currency codes: ISO 4217. A sign that several countries share gets the most common reading where these
offers circulate ($ is USD, ¥ is CNY, Rs is INR); `pesos` alone is left without a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from threelines.text.fold import fold_letter


class Sum(NamedTuple):
    """A sum of money in plain text."""

    start: int
    end: int
    low: float
    high: float
    currency: str
    period: str


def plain_word(word: str) -> str:
    """Return a word as it looks in plain text."""
    return "".join(map(fold_letter, word))


def _table(lines: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for line in lines.strip().splitlines():
        code, _, words = line.strip().partition(" ")
        table |= {plain_word(word).replace("_", " "): "" if code == "-" else code for word in words.split()}
    return table


_CURRENCIES = _table("""
USD $ us$ usd dollar dollars dolar dolares dólares dollari долларов доллара долл دولار 美元 美金 美刀 刀 ดอลลาร์ đô usdt usdc
EUR € eur euro euros евро يورو 欧元 ยูโร
GBP £ gbp pound pounds quid 英镑
CNY ¥ cny rmb yuan 元 块 块钱 人民币 圆 元人民币 元/人 юаней หยวน
JPY jpy yen 円 日元 日圆 เยน
KRW ₩ krw won 원 韩元 вон
THB ฿ thb baht bath บาท บ. 泰铢 铢
VND ₫ vnd vnđ đồng dong đ
IDR rp rp. idr rupiah
MYR rm myr ringgit 令吉 马币
SGD s$ sg$ sgd 新币 新加坡元
HKD hk$ hkd 港币 港元 港纸
TWD nt$ ntd twd 台币 新台币 台幣 新台幣
PHP ₱ php piso 菲币 比索
INR ₹ inr rs rs. rupee rupees रुपये रु रुपए ரூபாய் రూపాయలు
PKR pkr روپے
BDT ৳ bdt taka tk টাকা
NPR npr रुपैयाँ
LKR lkr
KHR ៛ khr riel riels រៀល 瑞尔
LAK ₭ lak kip ກີບ
MMK mmk kyat kyats ကျပ် 缅币
AED aed dirham dirhams dhs درهم
SAR sar riyal riyals ريال ر.س
KWD kwd دينار
EGP egp جنيه
TRY ₺ try tl lira
RUB ₽ rub руб руб. рублей рубля р.
UAH ₴ uah грн гривень
KZT ₸ kzt тенге
UZS uzs so'm sum сум сўм
RON ron lei leu
MDL mdl
BGN bgn lv лв
PLN pln zł zl złotych
CZK czk kč
HUF huf ft forint
ALL all_leke lekë leke
KES kes ksh ksh. kshs
TZS tzs tsh tshs
UGX ugx ush ushs
NGN ₦ ngn naira
GHS ₵ ghs cedis
ZAR zar rand
ETB etb birr ብር
BRL r$ brl reais
MXN mx$ mxn
COP cop
PEN pen_soles soles
ARS ars
CHF chf
CAD c$ ca$ cad
AUD a$ au$ aud
ILS ₪ ils nis שקל שקלים ש"ח
- peso pesos shilling shillings shilingi
""")

_SCALES: Mapping[str, float] = {
    plain_word(word): factor
    for factor, words in (
        (1e2, "百 百块 sau ร้อย"),
        (1e3, "k rb ribu rban rbu 千 천 พัน thousand mil тыс тыс. ألف الف آلاف الاف elfu nghìn ngàn"),
        (1e4, "万 萬 만 w หมื่น"),
        (1e5, "lakh lakhs lac lacs แสน लाख লাখ သိန်း"),
        (1e6, "jt juta tr triệu mio million millions millón millones milhões ล้าน 백만 млн laki"),
        (1e7, "crore crores करोड़ কোটি"),
        (1e8, "亿 億 억"),
        (1e6, "m"),
        (1e9, "b bn billion tỷ miliar milyar"),
        (1e12, "t tn trillion"),
    )
    for word in words.split()
}
_IMPLIED = {plain_word(word): code for word, code in (
    ("jt", "IDR"), ("juta", "IDR"), ("rb", "IDR"), ("ribu", "IDR"), ("triệu", "VND"), ("หมื่น", "THB"), ("แสน", "THB"), ("만", "KRW"),
)}  # fmt: skip

_NUMBER = re.compile(
    r"(?<![\d.,])(?:\d{1,3}(?:[,.'’٬ ]\d{3})+(?!\d)(?:[.,٫]\d{1,2}(?!\d))?|\d{1,2}(?:,\d{2})+,\d{3}(?!\d)|\d+(?:[.,٫]\d+)?)"
)
_TO = re.compile(
    r"\s{0,2}(?:-{1,2}|–|—|−|~|〜|至|到|to|upto|s/d|sd|sampai(?:\s+dengan)?|hingga|ถึง|đen|den|до|дo|a|ate|hasta|bis|ila|الى|إلى|के? से|から|부터)\s{0,2}"
)
_AFTER = re.compile(r"[\s/,.(（\-–+]{0,4}")
_DIVIDERS = "setiap|bawat|every|isang|في ال|a la|cada|each|kada|tiap|kwa|mỗi|một|net|par|per|por|pro|ต่อ|al|an|ao|im|in|le|na|se|за|на|في|ละ|a|p|в|በ|一|个|每"
_DIVIDER = re.compile(
    "(?:" + "|".join(sorted(map(plain_word, _DIVIDERS.split("|")), key=len, reverse=True)) + r")\s{0,2}"
)

_UNITS = (
    ("hour", "hour hourly hr hrs hora heure stunde ora час jam 小时 小時 时 時間 ชั่วโมง ชม giờ 시간 ساعة घंटा saa oras saat"),
    ("day", "day daily día diario dia diária jour tag giorno день сутки hari harian 天 日 วัน ngày 일 يوم दिन দিন siku araw gün ቀን ថ្ងៃ နေ့"),
    ("week", "week weekly wk semana semanal semaine woche settimana неделю неделя minggu 周 星期 礼拜 週 สัปดาห์ อาทิตย์ tuần 주 أسبوع wiki linggo hafta ሳምንት"),
    ("month", "month monthly mo mth mes mensual mensuales mês mensal mensais mois monat monatlich mese месяц мес мес. bulan bulanan bln 月 月薪 个月 เดือน tháng 달 월 "
     "شهر شهريا شهرياً महीना महीने मासिक মাস মাসে mwezi buwan ay aylık ወር ខែ လ lună месеца"),
    ("year", "year yearly annum annually yr año anual ano an année jahr anno год tahun 年 ปี năm 년 سنة साल mwaka taon yıl"),
    ("task", "task order like video review delivery tarea pedido 单 單 件 次 งาน 건 tugas click referral"),
)  # fmt: skip
_PERIODS = {plain_word(word): unit for unit, words in _UNITS for word in words.split()}
_DATE_PARTS = ("日", "年", "时", "時", "月", "년", "월", "일")  # right after a number: 2024年, 15日, no pay


def _lengths(words: Iterable[str], end: int) -> Mapping[str, tuple[int, ...]]:
    """Return how long the words are that have a letter at one end (0: first, -1: last), the longest first."""
    found: dict[str, set[int]] = {}
    for word in words:
        found.setdefault(word[end], set()).add(len(word))
    return {letter: tuple(sorted(lengths, reverse=True)) for letter, lengths in found.items()}


class _Words:
    """The words of a table, and how long those are that begin with a letter.

    At most places of a text no word begins: one look at the letter tells, instead of a dozen slices.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self.known = frozenset(words)
        self.opening = _lengths(self.known, 0)


_CURRENCY, _SCALE, _PERIOD = _Words(_CURRENCIES), _Words(_SCALES), _Words(_PERIODS)
_CLOSING = _lengths(_CURRENCIES, -1)

_BEFORE = tuple(
    (re.compile("|".join(re.escape(plain_word(word)) for word in words.split("|"))), unit)
    for unit, words in (
        ("month", "月薪|月入|月收入|每月|月给|月給|月収|工资|底薪|월급|월 |เดือนละ|เงินเดือน|monthly|per month|mensual|mensal|mensuel|gaji|bulanan|شهري|зарплата|lương|maaş|mshahara"),
        ("day", "日薪|每天|每日|日结|日給|일급|일당|วันละ|daily|per day|diario|harian|в день"),
        ("hour", "时薪|時薪|時給|시급|hourly|per hour|por hora"),
        ("week", "周薪|週薪|每周|주급|weekly|per week|semanal"),
        ("year", "年薪|年収|연봉|yearly|annual|anual"),
    )
)  # fmt: skip
_PAY = re.compile("|".join(
    re.escape(plain_word(word)) for word in
    ["salary", "wage", "pay", "earn", "income", "gaji", "upah", "sueldo", "salario", "salário", "salaire", "gehalt", "зарплат", "оплат", "เงินเดือน", "รายได้", "ค่าจ้าง", "lương", "thu nhập", "薪", "工资", "收入", "待遇", "급여", "월급", "시급", "給", "年収", "راتب", "الراتب", "مرتب", "वेतन", "বেতন", "maaş", "mshahara", "sweldo", "sahod", "စာခ", "លុយ", "ប្រាក់ខែ", "ደመወዝ", "penghasilan", "ganar", "stipend"]
))  # fmt: skip

_TAIL = re.compile(r"[.,](\d+)\Z")
_DIGIT = re.compile(r"\d")
_SEPARATORS = str.maketrans("", "", ",.' ")
_EACH = re.compile(r"\s?(?:/|per |a |monthly|weekly|daily|hourly|yearly|每|ต่อ)")
_KANA = re.compile(r"[\u3041-\u30fe]")


def sums(plain: str) -> Iterator[Sum]:
    """Yield the sums of money in plain text, left to right."""
    at = 0
    # The digit is looked for first: a number alone is searched for at every letter, ten times as slowly.
    while (digit := _DIGIT.search(plain, at)) and (number := _NUMBER.search(plain, digit.start())):
        found = _sum(plain, number)
        at = found.end if found else number.end()
        if found:
            yield found


class _Amount(NamedTuple):
    start: int
    end: int
    value: float
    scale: str
    currency: str | None


def _sum(plain: str, number: re.Match[str]) -> Sum | None:
    first = _amount(plain, number)
    start, end, low, currency = first.start, first.end, first.value, first.currency
    high, scales = low, [first.scale]
    join = _TO.match(plain, end)
    second = _second(plain, join.end()) if join else None
    if second is not None:
        high, end = second.value, second.end
        scales.append(second.scale)
        if second.scale and not first.scale and low < high / _SCALES[second.scale] * 1.0001:
            low *= _SCALES[second.scale]
        currency = currency if currency is not None else second.currency
    if currency is None:
        currency = next((_IMPLIED[scale] for scale in scales if scale in _IMPLIED), None)
    if currency is None and start and plain[start - 1].isalpha() and plain[start - 1].isascii():
        return None
    if currency is None and (high < 100 or plain[end : end + 1] == "%" or _is_year(first, second)):
        return None
    period, stop = _period_after(plain, end)
    if (
        currency is None
        and not (period and _EACH.match(plain, end))
        and not _PAY.search(plain, max(0, start - 16), start)
    ):
        return None
    period = period or _period_before(plain, start)
    if currency == "CNY" and "¥" in plain[start:end] and _KANA.search(plain):
        currency = "JPY"
    return Sum(start, stop, min(low, high), max(low, high), currency or "", period)


def _is_year(first: _Amount, second: _Amount | None) -> bool:
    return second is None and not first.scale and 1900 <= first.value <= 2100 and first.end - first.start == 4


def _second(plain: str, at: int) -> _Amount | None:
    _, skipped = _prefix(plain, at)
    number = _NUMBER.match(plain, skipped + (plain[skipped : skipped + 1] == " "))
    return _amount(plain, number) if number else None


def _amount(plain: str, number: re.Match[str]) -> _Amount:
    """Read a number with what stands on both sides of it."""
    start, end = number.span()
    value = _value(number[0])
    before, from_ = _suffix(plain, start)
    scale, end = _scale(plain, end)
    after, stop = _prefix(plain, end)
    currency = before if before is not None else after
    return _Amount(
        from_ if before is not None else start, stop if after is not None else end,
        round(value * _SCALES[scale], 4) if scale else value, scale, currency,
    )  # fmt: skip


def _value(written: str) -> float:
    """`15,000`, `15.000` and `1,50,000` are whole; `1.5` and `4,4` are not."""
    digits = "".join(written.split()).replace("٬", ",").replace("٫", ".").replace("’", "'")
    if digits.isdigit():
        return float(digits[:300])
    tail = _TAIL.search(digits)
    if tail and len(tail[1]) != 3:
        return float(digits[: tail.start()].translate(_SEPARATORS) + "." + tail[1])
    if digits[0] == "0" and digits[1] in ".," and len(digits) == 5:
        return float(digits.replace(",", "."))
    return float(digits.translate(_SEPARATORS)[:300])


def _suffix(plain: str, at: int) -> tuple[str | None, int]:
    """Return the currency that ends right before `at`."""
    end = at - 1 if at and plain[at - 1] in " :" else at
    for length in _CLOSING.get(plain[end - 1 : end], ()):
        word = plain[end - length : end] if length <= end else ""
        if (
            word in _CURRENCIES
            and word != "u"
            and not (word[0].isalpha() and end > length and _joins(plain[end - length - 1], word[0]))
        ):
            return _CURRENCIES[word], end - length
    return None, at


def _prefix(plain: str, at: int) -> tuple[str | None, int]:
    """Return the currency that starts at `at`."""
    start = at + 1 if plain[at : at + 1] == " " else at
    word, end = _longest(plain, start, _CURRENCY)
    return (_CURRENCIES[word], end) if word else (None, at)


def _scale(plain: str, at: int) -> tuple[str, int]:
    start = at + 1 if plain[at : at + 1] == " " else at
    word, end = _longest(plain, start, _SCALE)
    if not word or (start > at and word in ("k", "m", "b", "t", "w")):  # one letter counts only right behind its number
        return "", at
    return word, end


def _longest(plain: str, start: int, words: _Words) -> tuple[str, int]:
    if plain[start : start + 1] in " \n,.":
        return "", start
    for length in words.opening.get(plain[start : start + 1], ()):
        word = plain[start : start + length]
        if (
            word in words.known
            and len(word) == length
            and not (word[-1].isalpha() and start + length < len(plain) and _joins(word[-1], plain[start + length]))
        ):
            return word, start + length
    return "", start


def _joins(left: str, right: str) -> bool:
    """Whether two letters stand in one word of a script that writes words apart."""
    return left.isalpha() and right.isalpha() and max(left, right) < "\u0e00"


def _period_after(plain: str, at: int) -> tuple[str, int]:
    """Return the period named right after a sum (`/month`, `a week`, `每月`, `sebulan`), and where it ends."""
    gap = _AFTER.match(plain, at)
    start = gap.end() if gap else at
    word, end = _longest(plain, start, _PERIOD)
    if word and not (start == at and (word in _DATE_PARTS or word[0].isascii())):
        return _PERIODS[word], end
    if divider := _DIVIDER.match(plain, start):
        word, end = _longest(plain, divider.end(), _PERIOD)
        if word:
            return _PERIODS[word], end
    return "", at


def _period_before(plain: str, at: int) -> str:
    window = plain[max(0, at - 24) : at]
    best, unit = -1, ""
    for pattern, name in _BEFORE:
        for found in pattern.finditer(window):
            if found.start() > best:
                best, unit = found.start(), name
    return unit
