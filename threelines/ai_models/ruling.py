"""The rule that decides on a request: which signs count, how many it takes, and the words in which that is said.

A sign counts once, and words count for one sign. Signs that came together (`assess.delphi`) ask for a review. To
block they stand in words a speaker has checked and are ordered, not told; and beside a strong one stands another that
says something of its own: weak ones (that an order is about work, that a session reads a little like misuse) complete
a review, never a block, unless the strong one is the likeness of the whole session. What a tale, a report or papers
kept at their owner's wish hold helps to block only where the text is delivered. So no pretext lowers a decision
further than to a review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from threelines.ai_models.event import Policy
from threelines.ai_models.intent import DELIVERY, DIMENSION, LANGUAGES, LIKENESS, ORDER, STAGED, THREAT
from threelines.ai_models.memory import RANK, Action, Earlier, Seen, SessionState, aged
from threelines.assess import RAISED, delphi
from threelines.records import Signal, Strength
from threelines.vocabulary.terms import Indicator

QUIET = frozenset({THREAT, DELIVERY, ORDER})
"""Signs that a person in need shows when passing on what was said to them."""
TELLING = frozenset({THREAT, DELIVERY, ORDER, "REQ-03", "REQ-04", "REQ-05", "REQ-11"})
"""Signs in the words of who tells what is done to them: held, threatened, deceived, in debt."""


class Ruling(NamedTuple):
    """What is done with a request, and why, in plain words."""

    action: Action
    why: str = ""


class Case(NamedTuple):
    """What a request is judged by."""

    every: dict[str, Seen]
    """Signs of its session and account, as they count at its turn."""
    now: dict[str, Seen]
    """Those in it."""
    concern: float
    """Between 0 and 1."""
    support: bool
    """Whether help is to be said."""
    refused: bool
    """Whether an earlier request of its session was not answered."""
    words_threat: bool = False
    """Whether it orders a threat and names work or a journey in other words."""


def counted(state: SessionState, earlier: Earlier) -> dict[str, Seen]:
    """Return the signs of a session and of its account's other sessions as they count at the session's last turn."""
    now = {name: known for name, one in state.seen.items() if (known := aged(one, state.turns)) is not None}
    return {**earlier.seen, **now}


def apart(signals: Iterable[Signal]) -> Iterator[Signal]:
    """Yield the signs of one request that stand in words of their own, by place: of those that share theirs the strongest.

    `ORDER` says what the same words are about, and passes; of equal ones a threat yields, which is also what is passed on.
    """
    ordered = sorted(signals, key=lambda one: (one.start, one.end, one.indicator))
    lost: set[int] = set()
    near: list[int] = []
    """Those before that reach as far as the present one."""
    for place, one in enumerate(ordered):
        if one.indicator == ORDER:
            continue
        near = [before for before in near if ordered[before].end > one.start]
        for before in near:
            if _same(one, ordered[before]):
                lost.add(min((before, place), key=lambda number: _weight(ordered[number])))
        near.append(place)
    yield from (one for place, one in enumerate(ordered) if place not in lost)


def _weight(one: Signal) -> tuple[int, bool, int]:
    return RANK[one.strength], one.indicator != THREAT, one.end - one.start


def _same(one: Signal, other: Signal) -> bool:
    """Whether two signs are mostly the same words: more than a third of the shorter one."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return other.indicator != one.indicator and 3 * shared > min(one.end - one.start, other.end - other.start)


def ruled(case: Case, policy: Policy, known: Mapping[str, Indicator]) -> Ruling:
    """Decide on a request."""
    every, now = case.every, case.now
    worded = case.words_threat and not case.support
    asked = bool(now) and (worded or bool(set(now) - QUIET or {THREAT, DELIVERY} <= set(every)))
    unchecked = policy.block_unreviewed
    may_block = list(_may_block(every, unchecked=unchecked))
    if asked and any(one.reviewed or unchecked for one in now.values()) and _enough(case, may_block, policy, known):
        return Ruling("block", _blocked(may_block, case.concern, policy.block_at))
    if asked and together([*every.values(), *now.values()], known):
        return Ruling("review", _reviewed(every, may_block))
    if LIKENESS in now and RANK[now[LIKENESS].strength] >= RANK["medium"]:
        return Ruling("review", f"{_LIKE} {_ALSO_HONEST}")
    if case.support:
        return Ruling("support", "The writer seems to tell of need or to ask for help: help comes first.")
    if case.refused:
        return Ruling("review", "An earlier request of this session was not answered, so a person should read on.")
    return Ruling("allow", _allowed(case, known))


def together(seen: Iterable[Seen], known: Mapping[str, Indicator]) -> bool:
    """Whether these signs together ask for a review; of one indicator the strongest counts."""
    return delphi(_strengths(seen, known))


def _strengths(seen: Iterable[Seen], known: Mapping[str, Indicator]) -> list[Strength]:
    """Return how strong each sign of a request is, at its strongest."""
    strongest: dict[str, Strength] = {}
    for one in seen:
        if known[one.indicator].dimension == DIMENSION:
            strongest[one.indicator] = max(one.strength, strongest.get(one.indicator, "context"), key=RANK.__getitem__)
    return list(strongest.values())


def _may_block(every: Mapping[str, Seen], *, unchecked: bool) -> Iterator[Seen]:
    """Yield the signs that may help to block; `unchecked`: in words that no speaker has checked as well."""
    for name, one in every.items():
        if name in (LANGUAGES, STAGED) and LIKENESS in every:
            continue  # order and many languages are part of what likeness adds up: the same thing counts once
        if (one.blocks or (unchecked and one.ordered)) and (DELIVERY in every or not one.framed):
            yield one


def _enough(case: Case, may_block: list[Seen], policy: Policy, known: Mapping[str, Indicator]) -> bool:
    """Whether the signs that may block are enough to: beside a strong one weak ones are not, but beside a strong likeness.

    That is a sum over the session which one honest session in a thousand reaches; a strong phrase stands in one place.
    """
    if policy.block_at:
        return bool(may_block) and case.concern >= policy.block_at
    found = Counter(_strengths(may_block, known))
    summed = any(one.indicator == LIKENESS and one.strength == "strong" for one in may_block)
    return delphi(found.elements()) and (found["strong"] != 1 or found["medium"] > 0 or summed)


REPLIED = "A reply is shown or held back as its request was answered."
CUT = "The text is longer than what is read whole, so a person should look at it."
SO_FAR = "What the words of the request showed at first stands."
_ALSO_HONEST = "Honest requests show such signs too: the innocent explanations stand beside each."
_LIKE = (
    "The most telling requests of the session, together, read like requests made to deceive or control people; "
    "honest sessions rarely do."
)


def _names(seen: Iterable[Seen]) -> str:
    return "; ".join(sorted({one.name for one in seen if one.strength != "context"}))


def _blocked(may_block: list[Seen], concern: float, at: float | None) -> str:
    if at:
        return f"The concern, {concern:.2f}, reached the mark that the operator set, {at:.2f}: {_names(may_block)}."
    return f"Signs came together that are enough not to answer: {_names(may_block)}. {_ALSO_HONEST}"


def _reviewed(every: Mapping[str, Seen], may_block: list[Seen]) -> str:
    """Say what came together, and why it is answered all the same."""
    held = [one for one in every.values() if one not in may_block]
    reasons = [
        said
        for said, applies in (
            ("stands in words that no speaker has checked", any(not one.reviewed for one in held)),
            ("is only told or claimed for a good end", any(not one.ordered for one in held)),
            ("stands in a tale, a report or what the owner wishes", any(one.framed for one in held)),
        )
        if applies
    ]
    weighed = f"Some of it {' or '.join(reasons)}" if reasons else "One sign of its own is not enough to turn it away"
    return f"Signs came together that ask a person to read the session: {_names(every.values())}. {weighed}, so it is answered. {_ALSO_HONEST}"


def _allowed(case: Case, known: Mapping[str, Indicator]) -> str:
    if not case.every:
        return ""
    if case.concern >= RAISED or together(case.every.values(), known):
        return f"Signs of the session came together ({_names(case.every.values())}); this request alone asks for nothing more."
    return "Single signs only: on their own they mean almost nothing."
