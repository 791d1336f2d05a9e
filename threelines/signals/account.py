"""Measure what an account does: numbers about time, order and reach. No word is understood here.

A *talk* is a conversation with one other account; everything else is a group. An account *opens* a
talk when it speaks first and the talk is new: not among those that were already going on during the
first day of the account's data, because an export cuts old friendships at its first line.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable
from math import log, sqrt
from operator import itemgetter
from statistics import median
from typing import Any, NamedTuple

import msgspec

from threelines.records import Record, Thread
from threelines.text.clock import EXACT, written_to
from threelines.text.fold import fold
from threelines.vocabulary.reference import reference_values

DAY, HOUR = 86_400.0, 3600.0
EXCHANGED = 8
"""Messages from which an answered talk counts as kept (assumption: beyond greetings)."""
FUNNEL_FROM = 4
"""Place from which a move counts as made after an exchange: both can have written twice (assumption)."""
REUSED_WORDS = 5
"""Shorter openings are the same for everybody."""
LEAST_REPLIES = 20
"""Fewer replies tell nothing about regularity (assumption)."""
FAR_ABOVE = 10
"""How far the usual reply must lie above what times are cut to (the minute) before its spread is its own (assumption)."""
FOLLOWS_WITHIN = 6 * 3600.0
"""A reply later than this is a new start, not a reply speed."""

CONTACT = re.compile(
    r"@[\w.]{3,}|\b(?:t\.me|wa\.me|line\.me|m\.me|discord\.gg|signal\.me)/\S+|https?://\S+|(?<!\w)\+?\d[\d ()\-]{7,}\d(?!\w)"
)
_MAY_CALL = re.compile(r"\d[\d ()\-]{7}")
_NOT_WORDING = re.compile(r"@\S+|https?://\S+|\d+")


class AccountFeatures(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of one account. Rates are per day between its first and last record (at least one)."""

    account: str = ""
    records: int = 0
    days: float = 0.0
    talks: int = 0
    opened: int = 0
    opened_per_day: float = 0.0
    """Talks with people new to the account that it opened."""
    unanswered: float = 0.0
    """Share of the opened talks in which nobody answered, or no answer was followed up."""
    kept_talks: float = 0.0
    """Opened talks of 8 messages or more that run at the same time, on average."""
    long_talks: float = 0.0
    """Share of opened and answered talks longer than 26 messages (S56)."""
    moved: int = 0
    moved_per_day: float = 0.0
    """Opened talks in which it gave a way to reach it elsewhere, after an answer and within 24 messages (S56)."""
    moved_share: float = 0.0
    """The same as a share of the opened talks that were answered."""
    funnelled: int = 0
    funnelled_per_day: float = 0.0
    """Opened talks that went the whole way: no contact at first, an exchange, then the move (see `funnel`)."""
    funnelled_share: float = 0.0
    """The least that this share of the answered talks can be: lower end of a 95% Wilson interval."""
    led: float = 0.0
    """Reach and order in one number: see `led_score`."""
    outreach_hours: float = 0.0
    """Clock hours, around the clock, in which it writes in talks it opened: 24 less the longest quiet run."""
    move_turn: float = 0.0
    """Median place of that message in the talk."""
    move_hours: float = 0.0
    """Median hours from the first message to it."""
    contact_first: float = 0.0
    """Share of opened talks whose very first message carries a contact."""
    reused: float = 0.0
    """Share of opened talks whose first words also opened a talk with somebody else."""
    languages: int = 0
    """Languages (or scripts) used in two or more openings each."""
    parallel: float = 0.0
    """Talks served within one clock hour, 90th percentile of its active hours; 0 where only the day is written."""
    hours_per_day: float = 0.0
    """Clock hours with a record, mean of its active days."""
    quiet_hours: float = 24.0
    """Longest run of clock hours, around the clock, that together hold under 1% of its records."""
    replies: int = 0
    reply_seconds: float = 0.0
    """Median time from the message it follows."""
    reply_words_per_minute: float = 0.0
    """Median over replies of 40 words or more."""
    fast_long: int = 0
    """Replies of 40 words or more written faster than 209 words a minute (S62)."""
    fast_long_share: float = 0.0
    reply_spread: float = 0.0
    """Standard deviation of the logarithm of the reply time: small is regular."""
    regularity: float = 0.0
    """1 / (1 + reply_spread) from 20 replies on: large is regular; 0 where times are not exact enough to tell."""
    length_effect: float = 0.0
    """Correlation of log reply time with log length: near 0 when length costs no time."""


class Reply(NamedTuple):
    """One answer to a message."""

    seconds: float
    """Since the message it follows; the most it can have been where times are cut to the minute or more."""
    words: float
    record: str
    unit: float
    """Seconds to which the account's times are written."""


class Said(NamedTuple):
    """One record of a talk."""

    at: float
    """Seconds since 1970; 0 where the export gives no time."""
    position: int
    """Place in the talk, which decides where times are equal."""
    own: bool
    """Whether the account itself said it."""
    record: Record


class Talk(msgspec.Struct):
    """What is known of one talk while it is measured. Times in seconds since 1970."""

    first: float
    last: float
    mine: int = 0
    length: int = 0
    opened: bool = False
    answered: bool = False
    contact_first: bool = False
    moved_at: int = 0
    moved_after: float = 0.0
    moved_record: Record | None = None
    opening: Record | None = None
    hours: list[int] = msgspec.field(default_factory=list)
    others: set[str] = msgspec.field(default_factory=set)

    @property
    def kept(self) -> bool:
        """Whether the account opened it and both kept on talking."""
        return self.opened and self.answered and self.length >= EXCHANGED


def measure(thread: Thread) -> AccountFeatures:
    """Return the numbers of one account's thread; `facts["features"]` is used if they stand there."""
    ready = thread.facts.get("features")
    if isinstance(ready, AccountFeatures):
        return ready
    records = [record for record in thread.records if record.time and record.kind != "system"]
    if not records:
        return AccountFeatures(account=thread.id, records=len(thread.records))
    times = [_seconds(record) for record in records]
    span = max(1.0, (max(times) - min(times)) / DAY)
    talks, replies = follow(thread)
    singles = [talk for talk in talks.values() if len(talk.others) == 1]
    opened = new_talks(singles, min(times))
    return AccountFeatures(
        account=thread.id, records=len(records), days=round(span, 3), talks=len(singles),
        **_reach(opened, span), **_pace(replies), **_clock(records, times),
    )  # fmt: skip


def new_talks(talks: Iterable[Talk], first: float) -> list[Talk]:
    """Return the talks the account opened with people new to it: those of its first day may be old."""
    opened = [talk for talk in talks if talk.opened]
    new = [talk for talk in opened if talk.first - first >= DAY]
    return new or opened


def follow(thread: Thread) -> tuple[dict[str, Talk], list[Reply]]:
    """Go through the conversations of an account once, in time order."""
    if not any(record.conversation for record in (*thread.context, *thread.records)):
        return {}, []
    merged = [entry for entry in in_talk_order(thread) if entry.record.time]
    unit = written_to(entry.at for entry in merged)
    talks: dict[str, Talk] = {}
    last: dict[str, tuple[float, bool]] = {}
    replies: list[Reply] = []
    for at, position, own, record in merged:
        talk = talks.get(record.conversation)
        if talk is None:
            talk = talks[record.conversation] = Talk(first=at, last=at, opened=own and position == 0)
        talk.length = max(talk.length + 1, position + 1 if own else 0)
        talk.last = at
        before = last.get(record.conversation)
        last[record.conversation] = (at, own)
        if not own:
            talk.others.add(record.author)
            talk.answered = talk.answered or talk.mine > 0
            continue
        talk.others.update(record.audience)
        _own_turn(talk, record, at)
        if before and not before[1] and (seconds := _at_most(at - before[0], unit)) <= FOLLOWS_WITHIN:
            replies.append(Reply(seconds, words_of(record.text), record.id, unit))
    return talks, replies


def in_talk_order(thread: Thread) -> list[Said]:
    """Return what was said in the conversations of an account, in order; calls and notices are left out."""
    own, others = thread.facts.get("positions"), thread.facts.get("context_positions")
    spoken = [
        Said(_seconds(record), position, whose, record)
        for records, positions, whose in (
            (thread.context, others or (-1,) * len(thread.context), False),
            (thread.records, own or (0,) * len(thread.records), True),
        )
        for record, position in zip(records, positions, strict=True)
        if record.conversation and record.kind != "system"
    ]
    return sorted(spoken, key=itemgetter(0, 1))


def _at_most(seconds: float, unit: float) -> float:
    """Return the most that can lie between two times that are written to `unit` seconds."""
    return seconds if unit <= EXACT else seconds + unit


def _own_turn(talk: Talk, record: Record, at: float) -> None:
    talk.mine += 1
    talk.hours.append(int(at // 3600) % 24)
    if talk.mine == 1:
        talk.opening = record
    if not any(names_contact(part.text) for part in record.held):
        return
    if talk.mine == 1:
        talk.contact_first = True
    elif talk.answered and not talk.moved_at:
        talk.moved_at, talk.moved_after, talk.moved_record = talk.length, at - talk.first, record


def names_contact(text: str) -> bool:
    """Whether the text holds a handle, link or number; shape only, no word is read."""
    if "@" not in text and "/" not in text and not _MAY_CALL.search(text):
        return False
    return CONTACT.search(text) is not None


def words_of(text: str) -> float:
    """Return the length of a text in words; 4 letters count as one where a script writes none apart."""
    words = len(text.split())
    return float(words) if text.isascii() else float(max(words, sum(letter >= "\u0e00" for letter in text) / 4))


def _reach(opened: list[Talk], span: float) -> dict[str, Any]:
    if not opened:
        return {}
    within = reference_values()["move_within_messages"].value
    answered = [talk for talk in opened if talk.answered]
    moved = [talk for talk in answered if 0 < talk.moved_at <= within]
    funnel = [talk for talk in moved if talk.moved_at >= FUNNEL_FROM and not talk.contact_first]
    long_talk = reference_values()["long_talk_messages"].value
    share = _at_least(len(funnel), len(answered))
    hours = 24.0 - _longest_quiet([hour for talk in opened for hour in talk.hours])
    open_contact = _share(sum(talk.contact_first for talk in opened), len(opened))
    return {
        "led": led_score(len(opened) / span, share, hours=hours, open_contact=open_contact),
        "opened": len(opened),
        "opened_per_day": round(len(opened) / span, 4),
        "unanswered": _share(len(opened) - len(answered), len(opened)),
        "kept_talks": round(sum(max(1.0, (t.last - t.first) / DAY) for t in opened if t.kept) / span, 4),
        "long_talks": _share(sum(talk.length > long_talk for talk in answered), len(answered)),
        "moved": len(moved),
        "moved_per_day": round(len(moved) / span, 4),
        "moved_share": _share(len(moved), len(answered)),
        "funnelled": len(funnel),
        "funnelled_per_day": round(len(funnel) / span, 4),
        "funnelled_share": round(share, 4),
        "outreach_hours": hours,
        "move_turn": _middle([float(talk.moved_at) for talk in moved]),
        "move_hours": round(_middle([talk.moved_after for talk in moved]) / 3600, 2),
        "contact_first": open_contact,
        "reused": reused_openings(opened),
        "languages": _languages(opened),
    }


def led_score(opened_per_day: float, share: float, *, hours: float, open_contact: float) -> float:
    """Return how many strangers a day an account surely takes the same ordered way.

    People opened to a day × the least share of answered talks that went contact, exchange, then another
    app × (1 - openings that name a contact at once) squared: help lines and shops say openly where they
    are. 0 below the 12 hours a day that people forced to work reported (S69, S25, S63): office hours are
    no such shift.
    """
    if hours < reference_values()["worker_hours"].value:
        return 0.0
    return round(opened_per_day * share * (1.0 - open_contact) ** 2, 4)


def reused_openings(opened: list[Talk]) -> float:
    """Return the share of openings whose wording also opened another talk; names and numbers aside."""
    prints = [wording_print(talk.opening.text) for talk in opened if talk.opening]
    counts = Counter(print_ for print_ in prints if print_)
    return _share(sum(counts[print_] for print_ in counts if counts[print_] > 1), len(opened))


def wording_print(text: str) -> int:
    """Return a number that is equal for texts with the same words, whatever the names and digits; 0 if short."""
    words = _NOT_WORDING.sub(" ", fold(text)).split()
    if sum(map(len, words)) < REUSED_WORDS * 4:
        return 0
    return zlib.crc32(" ".join(words).encode("utf-8", "replace")) or 1


def _languages(opened: list[Talk]) -> int:
    used = Counter(talk.opening.language for talk in opened if talk.opening and talk.opening.language)
    return sum(count > 1 for count in used.values())


def _pace(replies: list[Reply]) -> dict[str, Any]:
    if not replies:
        return {}
    least, fastest = reference_values()["long_reply_words"].value, reference_values()["words_per_minute"].value
    speeds = [reply.words * 60 / max(reply.seconds, 1.0) for reply in replies if reply.words >= least]
    fast = sum(speed > fastest for speed in speeds)
    logs = [log(max(reply.seconds, 1.0)) for reply in replies]
    spread, usual, unit = sqrt(_variance(logs)), _middle([reply.seconds for reply in replies]), replies[0].unit
    regular = len(replies) >= LEAST_REPLIES and (unit <= EXACT or usual >= FAR_ABOVE * unit)
    return {
        "replies": len(replies),
        "reply_seconds": round(usual, 1),
        "reply_words_per_minute": round(_middle(speeds), 1),
        "fast_long": fast,
        "fast_long_share": _share(fast, len(speeds)),
        "reply_spread": round(spread, 4),
        "regularity": round(1 / (1 + spread), 4) if regular else 0.0,
        "length_effect": round(_correlation(logs, [log(1 + reply.words) for reply in replies]), 4),
    }


def _clock(records: list[Record], times: list[float]) -> dict[str, Any]:
    hours = [int(at // 3600) for at in times]
    busy = set(hours)
    days = {hour // 24 for hour in busy}
    served: dict[int, set[str]] = {}
    for record, hour in zip(records, hours, strict=True):
        if record.conversation:
            served.setdefault(hour, set()).add(record.conversation)
    known = written_to(times) <= HOUR
    loads = sorted(len(talks) for talks in served.values()) if known else []
    return {
        "parallel": float(loads[int(0.9 * (len(loads) - 1))]) if loads else 0.0,
        "hours_per_day": round(len(busy) / len(days), 2),
        "quiet_hours": float(_longest_quiet([hour % 24 for hour in hours])),
    }


def _longest_quiet(hours: list[int]) -> int:
    """Return the length of the longest run of hours, around the clock, that together hold under 1% of these."""
    if not hours:
        return 24
    counts = Counter(hours)
    twice_round = [counts[hour % 24] for hour in range(48)]
    longest = start = held = 0
    for hour, count in enumerate(twice_round, start=1):
        held += count
        while 100 * held >= len(hours):
            held -= twice_round[start]
            start += 1
        longest = max(longest, hour - start)
    return longest


def _seconds(record: Record) -> float:
    return record.time.timestamp() if record.time else 0.0


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0


def _at_least(part: int, whole: int) -> float:
    """Return the lower end of the 95% Wilson interval of a share: few talks prove little."""
    if not whole:
        return 0.0
    share, z2 = part / whole, 3.8416
    return max(
        0.0, (share + z2 / (2 * whole) - sqrt(z2 * (share * (1 - share) + z2 / (4 * whole)) / whole)) / (1 + z2 / whole)
    )


def _middle(values: list[float]) -> float:
    return median(values) if values else 0.0


def _variance(values: list[float]) -> float:
    mean = sum(values) / len(values)
    return sum((value - mean) ** 2 for value in values) / len(values)


def _correlation(left: list[float], right: list[float]) -> float:
    scale = sqrt(_variance(left) * _variance(right))
    if scale < 1e-9:
        return 0.0
    mean_left, mean_right = sum(left) / len(left), sum(right) / len(right)
    both = sum((a - mean_left) * (b - mean_right) for a, b in zip(left, right, strict=True))
    return both / len(left) / scale
