"""Tempo: reply speed against length, its regularity, hours of the day. Speaks of AI use only, never of concern.

Only AI-08 has a published number, and that one is an anecdote; AI-09 and AI-10 are unverified and are
shown as context. What is unusual on a platform is said against its own accounts (`facts["quantiles"]`).
"""

from __future__ import annotations

from collections.abc import Iterator

from threelines.records import Record, Signal, Thread
from threelines.signals.account import Reply, follow, measure
from threelines.signals.detector import reads
from threelines.text.clock import EXACT
from threelines.vocabulary.reference import reference_values
from threelines.vocabulary.terms import Vocabulary

LEAST_FAST = 5
"""Fast long replies asked for before one is called a habit (assumption: one can be pasted)."""
RARE = 0.99
"""A behaviour is named unusual when more than this share of the platform's accounts does it less."""
QUIET_DAYS = 5.0
"""Days of data asked for before the hours of an account are judged (assumption)."""


@reads("account")
def long_replies_at_once(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """Long replies come sooner than anybody can type them."""
    features = measure(thread)
    if features.fast_long < LEAST_FAST or features.fast_long_share < 0.5:
        return
    limit, least = reference_values()["words_per_minute"], reference_values()["long_reply_words"].value
    longest = _most_striking(follow(thread)[1], limit.value, least)
    share, within = round(100 * features.fast_long_share), "after" if longest.unit <= EXACT else "within"
    yield Signal(
        indicator="AI-08", record=longest.record, strength="medium", detector="long_replies_at_once",
        detail=f"{features.fast_long} replies of {least:g} words or more ({share}% of them) came faster than "
        f"{limit.value:g} words a minute; one of {longest.words:.0f} words came {within} {longest.seconds:.0f} seconds. "
        f"The limit is one reported case ({limit.source}). Pasted text and stock answers do the same.",
    )  # fmt: skip


def _most_striking(replies: list[Reply], limit: float, least: float) -> Reply:
    """Return the longest of the replies that came too fast."""
    fast = (reply for reply in replies if reply.words >= least and reply.words * 60 > limit * max(reply.seconds, 1.0))
    return max(fast, key=lambda reply: (reply.words, -reply.seconds, reply.record))


@reads("account")
def regular_replies(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """Replies come after nearly the same time, whatever their length."""
    features, quantiles = measure(thread), thread.facts.get("quantiles", {})
    if features.regularity and quantiles.get("regularity", 0.0) > RARE:
        yield _context(
            thread, "AI-10", "regular_replies",
            f"{features.replies} replies come about {features.reply_seconds:.0f} seconds after the message they follow "
            f"(spread {features.reply_spread:.2f} on the log scale, correlation with length "
            f"{features.length_effect:.2f}); {_share(quantiles['regularity'])} of this platform's accounts are less regular. "
            "No source gives a limit. Automatic answers and office hours look the same.",
        )  # fmt: skip


@reads("account")
def no_quiet_hours(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account is active around the clock: no hours of rest are seen."""
    features, quantiles = measure(thread), thread.facts.get("quantiles", {})
    if features.days < QUIET_DAYS or "hours_per_day" not in quantiles or features.quiet_hours > 3:
        return
    if quantiles["hours_per_day"] > RARE:
        yield _context(
            thread, "AI-09", "no_quiet_hours",
            f"Records in {features.hours_per_day:g} different hours on an average day, longest quiet run "
            f"{features.quiet_hours:g} hours; {_share(quantiles['hours_per_day'])} of this platform's accounts are "
            "active in fewer hours. No source gives a limit. Shift teams, shared desks and automatic "
            "answers look the same.",
        )  # fmt: skip


@reads("account")
def many_talks_at_once(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account serves more talks in one hour than nearly everybody on the platform."""
    features, quantiles = measure(thread), thread.facts.get("quantiles", {})
    if features.parallel < 3 or quantiles.get("parallel", 0.0) <= RARE:
        return
    yield _context(
        thread, "BEH-02", "many_talks_at_once",
        f"In its busy hours it writes in {features.parallel:g} talks within one hour; "
        f"{_share(quantiles['parallel'])} of this platform's accounts serve fewer. No source gives a limit. "
        "Support desks and recruiters look the same.",
    )  # fmt: skip


def _context(thread: Thread, indicator: str, detector: str, detail: str) -> Signal:
    first: Record = thread.records[0]
    return Signal(indicator=indicator, record=first.id, strength="context", detail=detail, detector=detector)


def _share(part: float) -> str:
    """Say a share so that it never claims more than was counted: 99.96% is `more than 99.9%`."""
    return f"more than {int(part * 1000) / 10:g}%"
