"""Advice for a person with an offer: signs in plain words, three steps, what AI changes, where to turn.

Nothing is kept. The words come from the interface strings of a language that a named person has
reviewed; where there is none, English is shown and the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec

from threelines.assess import SUPPORT, assess, positive_dimensions, tells
from threelines.people.helplines import Confirmation, Shown, country, shown
from threelines.people.interface import SOURCE, Interface, choose, known_code, load_interfaces, preferred
from threelines.people.interface import Shown as Given
from threelines.records import Assessment, Record, Signal, Thread
from threelines.signals.bound import binds
from threelines.signals.pleas import pleads
from threelines.vocabulary.terms import IN_NEED, Indicator, Vocabulary

LONGEST = 100_000
"""Characters of an offer that are looked at: the longest chat that somebody pastes, in a quarter of a second."""
SIGNS = 6
"""Signs shown at most: a frightened reader gets the strongest first."""
_LOST = "\ufffd"
"""Stands in a text where its bytes could not be read."""
_STRENGTH = {"strong": 0, "medium": 1, "weak": 2, "context": 3}


class Sign(msgspec.Struct, frozen=True, kw_only=True):
    """One published sign that the offer shows."""

    indicator: str
    name: str
    quote: str
    why: str
    innocent: str
    """Empty for a person in need: nothing is left to be explained away."""
    ask: str
    """What the person can do to find out; for a person in need what they can do now, or empty."""
    published_by: str
    address: str


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What the page, the command and an SMS are made of."""

    level: str
    """`signs_none`, `signs_some` or `signs_many`: the interface string that says it. `unread`: no sign was seen, but
    not all was read."""
    headline: str
    """Empty for a person in need, as are `steps` and `ai`: they speak of an offer that is still to be answered. Beside
    a plea in words of everyday life the steps stay, and only "none of the known signs" is left out."""
    signs: tuple[Sign, ...]
    support: bool
    """The words sound like somebody in need, or may be a plea: help comes first."""
    support_text: str
    steps: tuple[str, ...]
    ai: str
    limits: str
    helplines: tuple[Shown, ...]
    language: str
    """Language of these words."""
    asked: str
    """Language that was asked for; differs where no reviewed translation exists."""
    note: str
    """Says openly that the words are not in the language asked for."""
    unread: str = ""
    """Says openly that part of the offer could not be read."""


def advise(
    words: str,
    vocabulary: Vocabulary,
    *,
    language: str = "en",
    today: date,
    confirmed: dict[str, Confirmation] | None = None,
    countries: Iterable[str] = (),
) -> Advice:
    """Look at one offer in any language and say what is worth asking about.

    `language` is a code, or a list of them as browsers send it (Accept-Language). InterfaceError where it is no code of ISO 639, HelplineError where a country is none of ISO 3166.
    """
    interfaces = load_interfaces()
    asked = language if set(language) & set(",;*") else known_code(interfaces, language)
    given = choose(interfaces, asked, today=today)
    asked, name = _asked(given, asked, vocabulary)
    advice = weigh(words, vocabulary, given.given, today=today, confirmed=confirmed, countries=map(country, countries))
    note = f"{given.given.interface['not_translated']} {name}" if given.given.language == SOURCE != asked else ""
    return msgspec.structs.replace(advice, asked=asked, note=note)


def weigh(
    words: str,
    vocabulary: Vocabulary,
    given: Interface,
    *,
    today: date,
    confirmed: dict[str, Confirmation] | None = None,
    countries: Iterable[str] = (),
) -> Advice:
    """Look at one offer and say it in the words of `given`: what the command and the page both show."""
    words = words.replace("\r\n", "\n")  # browsers send two characters for the one that was typed
    said = given.interface
    judged = look(words, vocabulary)
    need = in_need(judged, vocabulary)
    signs = signs_of(judged, vocabulary)
    level, unread = level_of(judged, signs), _unread(words)
    plea = not judged.support and (pleads(words[:LONGEST]) or binds(words[:LONGEST]))
    support = judged.support or plea
    if unread and level == "signs_none":
        level = "unread"  # "none of the known signs" would be taken for the part that nobody read, too
    return Advice(
        level=level,
        headline=_headline(level, said, in_need=need or (plea and level == "signs_none")),
        signs=signs,
        support=support,
        support_text=said["support"] if support else "",
        steps=() if need else (said["step_1"], said["step_2"], said["step_3"]),
        ai="" if need else said["ai_text"],
        limits=said["limits"],
        helplines=tuple(shown(confirmed or {}, today=today, countries=countries)),
        language=given.language,
        asked=given.language,
        note="",
        unread=unread,
    )


def _headline(level: str, said: dict[str, str], *, in_need: bool) -> str:
    if level == "unread":
        return "So we cannot say whether it shows any of the known signs."
    return "" if in_need else said[level]


def _asked(given: Given, language: str, vocabulary: Vocabulary) -> tuple[str, str]:
    """Return code and name of the language that was asked for first, also where no file has its words."""
    if given.asked.language != SOURCE:
        return given.asked.language, given.asked.name
    wanted = preferred(language)[:1]
    code = wanted[0] if wanted and wanted[0] not in ("", "*") else SOURCE
    known = vocabulary.languages.get(code)
    return code, known.name if known else code


def _unread(words: str) -> str:
    """Return what is to be said of the part that was not looked at; in English, as reviewed files have no such words."""
    told = []
    if _LOST in words:
        told.append(
            "Part of this could not be read: it is not written in UTF-8. Save it as UTF-8, or paste the words, and look again."
        )
    if len(words) > LONGEST:
        told.append(f"Only the first {LONGEST:,} characters were looked at. Give the part that matters.")
    return " ".join(told)


def look(words: str, vocabulary: Vocabulary) -> Assessment:
    """Judge the words as one advert."""
    record = Record(id="offer", kind="advert", text=words[:LONGEST])
    return assess(Thread(kind="advert", id="offer", records=(record,)), vocabulary)


def in_need(judged: Assessment, vocabulary: Vocabulary) -> bool:
    """Say whether somebody asks to get out or tells what happened: then no offer is left to weigh.

    One such phrase beside several published signs, none of which it tells of, leaves the offer to be weighed: help is
    shown first, and the steps stay.
    """
    need = [signal for signal in judged.signals if signal.indicator in IN_NEED and not signal.shadow]
    known = vocabulary.indicators
    counted = [s for s in judged.signals if _counts(s, known[s.indicator]) and s.strength != "context"]
    if not need or tells(need, counted):
        return bool(need)
    if judged.tier in ("priority", "urgent"):  # said to the reader
        return False
    return len({(s.start, s.end) for s in need}) > 1 or not positive_dimensions(counted, known)


def _counts(signal: Signal, indicator: Indicator) -> bool:
    """Whether the signal is a sign of an offer or of control."""
    return not signal.shadow and not indicator.ai_use and indicator.counts and indicator.category != SUPPORT


def level_of(judged: Assessment, signs: tuple[Sign, ...]) -> str:
    """Return how the signs are summed up; a raised offer says so plainly, one sign alone does not frighten."""
    if judged.tier != "none" and not judged.support:
        return "signs_many"
    return "signs_some" if signs else "signs_none"


def signs_of(judged: Assessment, vocabulary: Vocabulary) -> tuple[Sign, ...]:
    """Return the signs that count, the strongest first, each once; without words for an offer where somebody is in need."""
    need = in_need(judged, vocabulary)
    found: dict[str, Sign] = {}
    for signal in sorted(judged.signals, key=lambda s: (_STRENGTH[s.strength], s.start)):
        indicator = vocabulary.indicators[signal.indicator]
        if not _counts(signal, indicator):
            continue
        source = indicator.sources[0] if indicator.sources else None
        found.setdefault(
            signal.indicator,
            Sign(
                indicator=signal.indicator,
                name=indicator.name,
                quote=signal.quote,
                why=indicator.description,
                innocent="" if need else indicator.look_alikes,
                ask=_ask(indicator, in_need=need),
                published_by=source.organisation if source else "",
                address=source.address if source else "",
            ),
        )
    return tuple(found.values())[:SIGNS]


def _ask(indicator: Indicator, *, in_need: bool) -> str:
    """Return what to do: to somebody in need only what is said of control, as the rest comes before one takes a job."""
    if in_need:
        return indicator.ask if indicator.category == "control" else ""
    return indicator.ask or indicator.next_step


def as_text(advice: Advice) -> str:
    """Return the advice as plain text, short lines, nothing that a screen reader stumbles over."""
    lines = [advice.note] if advice.note else []
    lines += [advice.support_text] if advice.support else []
    lines += [advice.unread] if advice.unread else []
    lines += [advice.headline] if advice.headline else []
    for number, sign in enumerate(advice.signs, start=1):
        lines += ["", f"{number}. {sign.name}"]
        lines += [f"   The words: “{' '.join(sign.quote.split())}”"] if sign.quote else []
        lines += [f"   Why it is listed: {sign.why} ({sign.published_by})"]
        lines += [f"   It can be harmless: {sign.innocent}"] if sign.innocent else []
        lines += [f"   {'To find out' if advice.steps else 'What you can do'}: {sign.ask}"] if sign.ask else []
    lines += ["", *(f"- {step}" for step in advice.steps)] if advice.steps else []
    lines += ["", advice.ai] if advice.ai else []
    lines += ["", advice.limits]
    called = [entry for entry in advice.helplines if entry.number]
    lines += [f"{entry.organisation} ({entry.country}): {entry.number} {entry.hours}".rstrip() for entry in called]
    return "\n".join(lines)
