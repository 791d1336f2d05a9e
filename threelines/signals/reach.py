"""Reach: whom an account turns to, how one-sided it is, and where it leads them. Speaks of conduct, not of AI.

One behaviour alone means little: recruiters open talks with many, shops send one text to all, players
move to another app, support desks serve many talks, night-shift workers are awake at night. What is
looked for is all of it in one order: talks opened with many strangers through most of the day, an
exchange, then the move to another app, the same way with a good part of those who answer. Only then
do the signs count (`account_concern`); else they are context. See docs/behaviour.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from threelines.records import Signal, Strength, Thread
from threelines.signals.account import CONTACT, AccountFeatures, Talk, follow, measure, new_talks
from threelines.signals.detector import reads
from threelines.vocabulary.reference import reference_values
from threelines.vocabulary.terms import Vocabulary

RARE = 0.99
"""A single behaviour is shown as context when more than this share of the platform's accounts does it less."""
UNUSUAL = 0.97
"""The ordered way counts only where it is unusual on the platform: on a board of recruiters it is less so."""


class Conduct(NamedTuple):
    """One sign of how an account behaves, before it is tied to a record."""

    indicator: str
    strength: Strength
    detail: str


def account_concern(features: AccountFeatures, quantiles: Mapping[str, float]) -> list[Conduct]:
    """Return the signs of an account's conduct; they count only where the whole ordered way is seen.

    `quantiles` holds by feature the share of the platform's accounts that lie below; empty when
    the platform is not known, and then only the published numbers and the floor decide.
    """
    together = leads_the_same_way(features, quantiles)
    return [
        Conduct(sign.indicator, sign.strength if together else "context", sign.detail)
        for sign in _signs(features, quantiles, together=together)
    ]


def leads_the_same_way(features: AccountFeatures, quantiles: Mapping[str, float]) -> bool:
    """Whether many strangers are led the same ordered way, through most of the day, unusually for the platform."""
    floor = reference_values()["led_floor"].value
    return features.led >= floor and features.funnelled >= 2 and quantiles.get("led", 1.0) >= UNUSUAL


def _signs(features: AccountFeatures, quantiles: Mapping[str, float], *, together: bool) -> Iterator[Conduct]:
    if features.opened < 3:
        return
    if together or _rare(quantiles, "opened_per_day"):
        yield Conduct("BEH-01", "medium", _opened(features, quantiles))
    if together or (features.moved >= 3 and _rare(quantiles, "moved_per_day")):
        yield Conduct("BEH-08", "weak", _moved(features, quantiles))
    if together:
        yield Conduct("BEH-15", "medium", _led(features, quantiles))
    if features.unanswered > 0.5 and _rare(quantiles, "unanswered"):
        yield Conduct("BEH-03", "weak", _unanswered(features, quantiles))
    if features.reused > 0.3 and _rare(quantiles, "reused", UNUSUAL):
        yield Conduct("BEH-04", "weak", _reused(features, quantiles))
    if features.languages >= 3 and _rare(quantiles, "languages", UNUSUAL):
        yield Conduct("BEH-13", "weak", _languages(features, quantiles))


def _rare(quantiles: Mapping[str, float], name: str, level: float = RARE) -> bool:
    return quantiles.get(name, 0.0) > level


def _beside(quantiles: Mapping[str, float], name: str) -> str:
    """Say how unusual it is here; never more than was counted."""
    if name not in quantiles:
        return "The platform's other accounts are not known."
    share = int(quantiles[name] * 1000) / 10
    return f"More than {share:g}% of this platform's accounts do so less; no source gives a limit."


def _opened(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    return (
        f"It opened talks with {features.opened} people new to it, {features.opened_per_day:.1f} a day. "
        + _beside(quantiles, "opened_per_day")
    )  # fmt: skip


def _moved(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    within = reference_values()["move_within_messages"]
    return (
        f"In {features.moved} of them ({100 * features.moved_share:.0f}% of those answered) it gave a contact in another "
        f"app or place within the first {within.value:g} messages, half of them by message {features.move_turn:.0f} and "
        f"{features.move_hours:.0f} hours ({within.source}). " + _beside(quantiles, "moved_per_day")
    )


def _led(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    hours = reference_values()["worker_hours"]
    return (
        f"{features.funnelled} talks went the same ordered way: opened by it, an exchange, then the move to another app; "
        f"at least {100 * features.funnelled_share:.0f}% of those answered, over {features.outreach_hours:.0f} hours of the "
        f"day ({hours.value:g} or more: {hours.source}). Whoever writes such hours may be forced to. "
        + _beside(quantiles, "led")
    )


def _unanswered(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    return f"{100 * features.unanswered:.0f}% of the talks it opened were left one-sided. " + _beside(
        quantiles, "unanswered"
    )


def _reused(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    return (
        f"{100 * features.reused:.0f}% of its first messages are wording it also sent to somebody else, names and numbers "
        "aside. " + _beside(quantiles, "reused")
    )


def _languages(features: AccountFeatures, quantiles: Mapping[str, float]) -> str:
    return f"It opened talks in {features.languages} languages, two or more in each. " + _beside(quantiles, "languages")


@reads("account")
def conduct_towards_strangers(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account opens talks with many strangers and leads them the same way, or does one part of this unusually often."""
    found = account_concern(measure(thread), thread.facts.get("quantiles", {}))
    if not found:
        return
    opened = _opened_talks(thread)
    first = next((talk.opening.id for talk in opened if talk.opening), thread.records[0].id)
    for sign in found:
        if sign.indicator in ("BEH-08", "BEH-15"):
            yield _at_the_move(thread, opened, sign, otherwise=first)
        else:
            yield _signal(sign, first)


@reads("account")
def equal_in_many_languages(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account opens talks with strangers in several languages."""
    features, quantiles = measure(thread), thread.facts.get("quantiles", {})
    if features.languages < 3 or not _rare(quantiles, "languages", UNUSUAL):
        return
    # Many languages are the pride of outreach and of migrants' groups; they speak of AI use only beside its tempo.
    strength: Strength = "weak" if features.fast_long_share >= 0.5 or _rare(quantiles, "regularity") else "context"
    detail = _languages(features, quantiles) + " Translators, agencies and outreach do the same."
    first = next((talk.opening.id for talk in _opened_talks(thread) if talk.opening), thread.records[0].id)
    yield _signal(Conduct("AI-04", strength, detail), first, detector="equal_in_many_languages")


def _opened_talks(thread: Thread) -> list[Talk]:
    talks = [talk for talk in follow(thread)[0].values() if len(talk.others) == 1]
    start = min((record.time.timestamp() for record in thread.records if record.time), default=0.0)
    return new_talks(talks, start)


def _at_the_move(thread: Thread, opened: list[Talk], sign: Conduct, *, otherwise: str) -> Signal:
    record = next((talk.moved_record for talk in opened if talk.moved_record), None)
    found = CONTACT.search(record.text) if record else None
    if record is None or found is None:
        return _signal(sign, otherwise)
    return Signal(
        indicator=sign.indicator, record=record.id, quote=found[0], start=found.start(), end=found.end(),
        strength=sign.strength, detail=sign.detail, detector="conduct_towards_strangers",
    )  # fmt: skip


def _signal(sign: Conduct, record: str, *, detector: str = "conduct_towards_strangers") -> Signal:
    return Signal(
        indicator=sign.indicator, record=record, strength=sign.strength, detail=sign.detail, detector=detector
    )
