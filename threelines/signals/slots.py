"""Offers: pay, requirements, role and place of work, compared with each other and with sourced tables.

Words alone fail in a polished text. What an offer says in its slots stays the same: what is paid,
what is asked for it, what the work is and where it is done. Each comparison names its table
(`vocabulary/offers.toml`). Where people come from is never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from threelines.records import Signal, Strength, Thread
from threelines.signals.detector import reads
from threelines.signals.reading import Found, Reading, Word, readings, strength_of
from threelines.text._money import sums
from threelines.text.fold import fold
from threelines.vocabulary.terms import Closed, Indicator, Offers, People, Place, Vocabulary

_ROLES = "role"
_OPEN = frozenset({"REC-01", "REC-02", "REC-04", "REC-10"})
"""Indicators whose words open the comparison: without one of them, or a place, nothing is parsed."""
_ORDER = ("zone", "border", "warned", "country")
_ASKS_NOTHING = ("REC-02", "REC-10", "REC-30")
"""No experience, no interview, only a telephone or a keyboard: three ways to ask for nothing."""
_ANYWHERE = ("USD", "USDT")
"""Money in which offers pay in any country: without a place the highest minimum of the table stands for it."""
_TEN_THOUSAND = "万"
_EARNED = re.compile(
    r"(?P<per>月入|月收入|月薪|年入|年薪|年收入|日入|日赚|日薪|每天|每日|每小时|时薪|每部戏?|单部戏|每场|单场|每次|每单|片酬|酬劳|报酬)\D{0,6}?(?P<low>\d[\d,]*(?:\.\d+)?)(?P<unit>万)?"
)
"""Chinese writes the period before the amount and may leave out the unit: `月入3万+`, `日赚3000+`."""
_CLAUSE = re.compile(r"[^\d,](?=,\D)")
"""A period in the next clause belongs to something else: `5000元，每周可预支`."""
_SUM = re.compile(r"\d|thousand|million|过万")
"""In or behind words of pay: `monthly income over ten thousand`."""
_PER = {"月": "month", "年": "year", "日": "day", "每天": "day", "每日": "day", "每小时": "hour", "时": "hour"}
_KANA = re.compile(r"[\u3041-\u30fe]")


class Pay(NamedTuple):
    """An amount that the offer promises, at its place in the record's text."""

    reading: Reading
    start: int
    end: int
    dollars: float
    """US dollars a month at the middle of the range; 0 where no month can be made of it."""
    currency: str
    hourly: bool = False


class Offer:
    """What one writer offers in a thread: an advert, or all their messages of a conversation."""

    def __init__(self, parts: list[Reading], vocabulary: Vocabulary, facts: Offers) -> None:
        self.parts = parts
        self.vocabulary = vocabulary
        self.facts = facts

    def phrases(self, indicator: str) -> Iterator[tuple[Reading, Found]]:
        """Yield the indicator's words that are not turned round by a negation."""
        for part in self.parts:
            for found in part.phrases:
                if found.entry.indicator.id == indicator and not part.negated(found):
                    yield part, found

    @cached_property
    def places(self) -> list[tuple[Reading, Word, Place]]:
        """Places of work in the order in which they are named; a zone before a country."""
        people = _people(self.facts.people)
        found = [
            (p, w, self.facts.places[int(w.value)])
            for p in self.parts
            for w in p.slot("place")
            if not _names_people(p.folded, w, people)
        ]
        return sorted(found, key=lambda item: _ORDER.index(item[2].kind))

    @cached_property
    def country(self) -> str:
        """Where the work is: the country of the first place, or of the currency that only one country has."""
        if self.places:
            return self.places[0][2].country
        first = self.pays[0].currency if self.pays else "USD"
        homes = [c for c, own in self.facts.currencies.items() if first != "USD" and own == (first,)]
        return homes[0] if len(homes) == 1 else ""

    @cached_property
    def pays(self) -> list[Pay]:
        """Amounts with a currency; parsed once, and only where something else was found."""
        return [pay for part in self.parts for pay in _pays(part, self.facts)]

    @cached_property
    def foreign(self) -> Pay | None:
        """The first pay in a currency in which nobody is ordinarily paid where the work is."""
        own = self.facts.currencies.get(self.country, ()) if self.places else ()
        if not own:
            return None
        return next(
            (pay for pay in self.pays if pay.currency not in (*own, "USD") and not _local(pay, self.country)), None
        )

    @cached_property
    def closed(self) -> Closed | None:
        """The list that closes this destination to those whom the pay addresses."""
        if self.foreign is None:
            return None
        lists = (c for c in self.facts.closed if c.currency == self.foreign.currency and self.country in c.countries)
        return next(lists, None)

    @cached_property
    def sites(self) -> list[tuple[Reading, Word, Place]]:
        """Places that count: zones of official warnings; others on a list when pay shows that the work is abroad."""
        return [i for i in self.places if i[2].kind == "zone" or (i[2].source and self.foreign)][:1]

    @cached_property
    def high(self) -> Pay | None:
        """The first pay far above what work that asks for nothing pays in that country."""
        if not any(True for name in _ASKS_NOTHING for _ in self.phrases(name)):
            return None
        return next((pay for pay in self.pays if 0 < self.facts.high * self.minimum(pay) <= pay.dollars), None)

    def minimum(self, pay: Pay) -> float:
        """Return the highest minimum wage, in US dollars a month, where the pay may be earned; 0 where no row says it."""
        homes = self.homes(pay)
        if pay.hourly and pay.currency == "USD" and homes in ((), ("US",)):
            return 0.0  # the states' own minimum is up to more than twice the federal one, and has no row
        rows = (b.minimum for b in self.facts.bands if b.country in homes or (not homes and pay.currency in _ANYWHERE))
        return max(rows, default=0.0)

    def homes(self, pay: Pay) -> tuple[str, ...]:
        """Return the place of work, or else every country of the currency; dollars are paid anywhere."""
        if self.places:
            return (self.country,)
        if pay.currency in _ANYWHERE:
            return ()
        return tuple(country for country, own in self.facts.currencies.items() if pay.currency in own)

    @cached_property
    def well_paid(self) -> bool:
        """Whether words of high pay may weigh more beside others: not where the sum is ordinary, or none is named.

        Without a sum they need a role, a place or a post without interview; a sum that no row measures is no ordinary one.
        """
        praise = list(self.phrases("REC-01"))
        if self.high or not praise:
            return self.high is not None
        sums_named = [pay for pay in self.pays if pay.dollars]
        if sums_named:
            return not any(self.minimum(pay) for pay in sums_named)
        beside = bool(self.roles or self.sites) or any(
            True for name in ("REC-04", "REC-10") for _ in self.phrases(name)
        )
        return beside or any(_SUM.search(part.folded, found.start, found.end + 14) for part, found in praise)

    @cached_property
    def asks_nothing(self) -> bool:
        """Whether the offer says that no experience, degree or skill is needed."""
        return any(True for _ in self.phrases("REC-02"))

    @cached_property
    def roles(self) -> list[tuple[Reading, Word]]:
        """Roles of the scam-centre cluster that are ordinary work elsewhere: they need such a place."""
        return [(part, word) for part in self.parts for word in part.slot(_ROLES)] if self.sites else []

    @cached_property
    def present(self) -> frozenset[str]:
        """Indicators that the offer shows, for the joins of others."""
        seen = {
            "REC-01": self.well_paid,
            "REC-02": self.asks_nothing,
            "REC-04": bool(self.roles) or any(True for _ in self.phrases("REC-04")),
            "REC-22": self.foreign is not None,
            "REC-27": bool(self.sites),
            "REC-36": self.closed is not None,
        }
        others = {f.entry.indicator.id for p in self.parts for f in p.phrases if f.entry.counts and not p.negated(f)}
        return frozenset({name for name, shown in seen.items() if shown} | (others - seen.keys()))

    def strength(self, indicator: Indicator, alone: Strength) -> Strength:
        """Return the strength that a source gives beside the other signs of the same offer."""
        if alone == "context" or (indicator.id == "REC-01" and not self.well_paid):
            return alone
        for join in indicator.joins:
            if self.present.issuperset(join.together_with):
                return join.strength
        return alone


@lru_cache(maxsize=4)
def _people(words: People) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what stands before, and what stands after, a place that names people (rule 6)."""
    before, after = (
        "|".join(re.escape(fold(word).strip()) for word in sorted(side, key=len, reverse=True)) or r"(?!)"
        for side in (words.before, words.after)
    )
    return re.compile(rf"(?:{before})[ -]?$"), re.compile(rf"[ -]?(?:{after})(?![a-z])")


def _names_people(folded: str, word: Word, people: tuple[re.Pattern[str], re.Pattern[str]]) -> bool:
    before, after = people
    return bool(before.search(folded, max(0, word.start - 24), word.start) or after.match(folded, word.end))


def _pays(part: Reading, facts: Offers) -> Iterator[Pay]:
    """Yield what is promised, with what a month of it is in US dollars."""
    taken: list[int] = []
    for found in sums(part.folded):
        currency = found.currency or _bare(part.folded, found.start, found.end)
        if currency in facts.dollars:
            taken.append(found.start)
            clause = _CLAUSE.search(part.folded, found.start, found.end)
            end, period = (clause.start() + 1, "") if clause else (found.end, found.period)
            period = period or _written_before(part.folded, found.start)
            yield _pay(part, found.start, end, (found.low + found.high) / 2, (currency, period), facts)
    for match in _EARNED.finditer(part.folded) if not _KANA.search(part.folded) else ():
        if match.start("low") not in taken:
            amount = float(match["low"].replace(",", "")) * (1e4 if match["unit"] else 1)
            yield _pay(part, match.start("low"), match.end(), amount, ("CNY", _per(match["per"])), facts)


def _pay(part: Reading, first: int, last: int, amount: float, unit: tuple[str, str], facts: Offers) -> Pay:
    currency, period = unit
    start, end = part.back.span(first, last)
    dollars = _months(period, facts) * amount / facts.dollars[currency]
    return Pay(part, start, end, dollars, currency, hourly=period == "hour")


def _written_before(folded: str, start: int) -> str:
    match = _EARNED.match(folded, max(0, start - 3)) or _EARNED.match(folded, max(0, start - 2))
    return _per(match["per"]) if match and match.start("low") == start else ""


def _per(word: str) -> str:
    """Return the period that the word names; the rest is pay by the piece."""
    heads = sorted(_PER, key=len, reverse=True)
    return next((_PER[head] for head in heads if word.startswith(head)), "task")


def _bare(folded: str, start: int, end: int) -> str:
    """An amount counted in ten thousands without a unit is in yuan in a Chinese text, in yen beside kana."""
    if _TEN_THOUSAND not in folded[start:end]:
        return ""
    return "JPY" if _KANA.search(folded) else "CNY"


def _local(pay: Pay, country: str) -> bool:
    """Whether the unit's name is that of several countries, and this is one: `pesos`, `比索`."""
    written = pay.reading.record.text[pay.start : pay.end].lower()
    return country in ("MX", "PH") and ("peso" in written or "比索" in written)


def _months(period: str | None, facts: Offers) -> float:
    """Return how often the amount is paid in a month, pay by the piece at least once a day; 0 for an unknown period."""
    every = {
        "hour": facts.hours_a_month, "day": facts.days_a_month, "task": facts.days_a_month, "week": 4.33, "month": 1.0,
        "year": 1 / 12,
    }  # fmt: skip
    return every.get(period or "", 0.0)


_LAST: list[tuple[Thread, Vocabulary, tuple[Offer, ...]]] = []


def offers(thread: Thread, vocabulary: Vocabulary) -> tuple[Offer, ...]:
    """Return what each writer offers; remembered for the next detector of the same thread."""
    for last, known, found in _LAST[:1]:
        if last is thread and known is vocabulary:
            return found
    found = tuple(_offers(readings(thread, vocabulary), vocabulary))
    _LAST[:] = [(thread, vocabulary, found)]
    return found


def _offers(found: Iterable[Reading], vocabulary: Vocabulary) -> Iterator[Offer]:
    if vocabulary.offers is None:
        return
    writers: dict[str, list[Reading]] = {}
    for reading in found:
        writers.setdefault(reading.record.author, []).append(reading)
    for parts in writers.values():
        if any(f.entry.indicator.id in _OPEN for p in parts for f in p.phrases) or any(p.slot("place") for p in parts):
            yield Offer(parts, vocabulary, vocabulary.offers)


def _shown(offer: Offer, indicator: str, detector: str) -> Iterator[Signal]:
    known = offer.vocabulary.indicators[indicator]
    for part, found in offer.phrases(indicator):
        strength = offer.strength(known, strength_of(found.entry))
        yield part.signal(
            found, indicator=indicator, strength=strength, detail=_detail(known, strength), detector=detector,
            shadow=known.shadow,
        )  # fmt: skip


def _detail(indicator: Indicator, strength: Strength) -> str:
    raised = strength != indicator.strength and strength != "context"
    return f"{indicator.name}; it weighs more beside the other signs of this offer." if raised else f"{indicator.name}."


def _paid(offer: Offer, pay: Pay, indicator: str, *, detail: str, detector: str) -> Signal:
    known = offer.vocabulary.indicators[indicator]
    return Signal(
        indicator=indicator, record=pay.reading.record.id, quote=pay.reading.record.text[pay.start : pay.end],
        start=pay.start, end=pay.end, strength=offer.strength(known, known.strength), detail=detail,
        detector=detector, shadow=known.shadow,
    )  # fmt: skip


@reads("advert", "conversation", "session", of_words=True)
def pay_against_band(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The pay is several times the minimum wage of the place, and the offer asks for no skill."""
    for offer in offers(thread, vocabulary):
        yield from _shown(offer, "REC-01", "pay_against_band")
        if offer.high:
            homes = ", ".join(offer.homes(offer.high))
            where = f"the minimum wage of {homes}" if homes else "the highest minimum wage of the table"
            detail = f"About {offer.high.dollars / offer.minimum(offer.high):.0f} times {where}, for work that asks for nothing."
            yield _paid(offer, offer.high, "REC-01", detail=detail, detector="pay_against_band")


@reads("advert", "conversation", "session", of_words=True)
def asks_for_nothing(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The offer says that no experience, degree, language or skill is needed."""
    for offer in offers(thread, vocabulary):
        yield from _shown(offer, "REC-02", "asks_for_nothing")


@reads("advert", "conversation", "session", of_words=True)
def no_interview(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The post is given without an interview; that weighs more where the pay is high."""
    for offer in offers(thread, vocabulary):
        yield from _shown(offer, "REC-10", "no_interview")


@reads("advert", "conversation", "session", of_words=True)
def scam_centre_role(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The role is one that warnings name for scam centres; ordinary roles count only at a named place."""
    for offer in offers(thread, vocabulary):
        yield from _shown(offer, "REC-04", "scam_centre_role")
        known = vocabulary.indicators["REC-04"]
        for part, word in offer.roles[:3]:
            yield part.signal(
                word, indicator="REC-04", strength=offer.strength(known, known.strength), shadow=known.shadow,
                detail="A role that official warnings name, at a place that they name.", detector="scam_centre_role",
            )  # fmt: skip


@reads("advert", "conversation", "session", of_words=True)
def named_place_of_work(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The work is in a zone that official warnings name, or in a listed border district and paid in foreign money."""
    for offer in offers(thread, vocabulary):
        known = vocabulary.indicators["REC-27"]
        for part, word, place in offer.sites:
            source = offer.facts.sources[place.source]
            named = f"named by {source.organisation} ({source.year}), read {place.checked}"
            yield part.signal(
                word, indicator="REC-27", strength=offer.strength(known, known.strength), shadow=known.shadow,
                detail=f"Place of work: {place.name}, {named}.", detector="named_place_of_work",
            )  # fmt: skip


@reads("advert", "conversation", "session", of_words=True)
def foreign_pay(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The pay is promised in money in which nobody is ordinarily paid where the work is done."""
    for offer in offers(thread, vocabulary):
        if offer.foreign:
            detail = f"Paid in {offer.foreign.currency} for work in {offer.country}."
            yield _paid(offer, offer.foreign, "REC-22", detail=detail, detector="foreign_pay")


@reads("advert", "conversation", "session", of_words=True)
def closed_destination(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The state of those whom the pay addresses has closed this destination or does not place workers there."""
    for offer in offers(thread, vocabulary):
        if offer.foreign and offer.closed:
            source = offer.facts.sources[offer.closed.source]
            detail = f"{offer.country}, paid in {offer.foreign.currency}: {source.organisation} ({source.year})."
            yield _paid(offer, offer.foreign, "REC-36", detail=detail, detector="closed_destination")
