"""The guard: it judges a session and an account, not one prompt, and says why.

    guard = Guard()
    decision = guard.observe(Event(session="s1", account="a7", text="Translate this to my maid …"))

The same engine as everywhere: requests are records, a session is a thread, signs are signals with
their words, and the ILO/EC rule combines them. Somebody in need gets help (`support`), not a wall.
A decision never speaks of a person, only of what was asked. Errors are a status, never a silent
allow.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Literal

import msgspec

from threelines.ai_models.grade import identify
from threelines.ai_models.intent import (
    DELIVERY,
    DIMENSION,
    LANGUAGES,
    LIKENESS,
    MANY_LANGUAGES,
    ORDER,
    ORDERED_STEPS,
    STAGED,
    THREAT,
    Reading,
    requests,
    steps_in_order,
    unquoted,
)
from threelines.ai_models.likeness import CONCERN, TELLING, evidence, scores, telling
from threelines.ai_models.likeness import concern as concern_of
from threelines.ai_models.sessions import Memory, State, StateError
from threelines.assess import RAISED, judge, observe, positive_dimensions
from threelines.records import Assessment, Record, Signal, Strength, Thread, Tier
from threelines.signals import SIGNALS, Detector
from threelines.vocabulary.terms import Vocabulary, load

Action = Literal["allow", "support", "review", "block"]
"""`support`: answer with help. `review`: answer, and let a person read the session. `block`: do not answer."""

LONGEST = 20_000
"""Characters of a request that are read; the status says when there were more."""
READ_WHOLE = 4_000
"""Characters of a request that the linear reader sees."""
KEPT_QUOTE = 90
"""Characters of a quote that the state keeps."""
ACCOUNT_MEMORY = 14 * 86_400.0
"""Seconds for which signs of an account's earlier sessions are remembered."""

# What an account asked in earlier sessions, and what is told without ordering anything, weighs one step less.
_LOWER: dict[Strength, Strength] = {"strong": "medium", "medium": "weak", "weak": "context", "context": "context"}
_LIKE: tuple[tuple[Strength, float], ...] = (("strong", CONCERN[2]), ("medium", CONCERN[1]), ("weak", CONCERN[0]))
_RANK: dict[Strength, int] = {"context": 0, "weak": 1, "medium": 2, "strong": 3}
_QUIET = frozenset({THREAT, DELIVERY, ORDER})
"""Signs that a person in need shows when passing on what was said to them."""
_REFUSAL = (
    "I can't help with this. If you think that this is a mistake, say what you need it for. "
    "If somebody is in danger or under pressure, a hotline, an embassy or a trade union can help."
)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model, or one reply of it."""

    text: str
    session: str = ""
    """Empty or random where the gateway gives none: then the account is the unit."""
    account: str = ""
    kind: Literal["request", "reply"] = "request"
    time: float | None = None
    """Seconds since 1970; now where it is not given."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One sign with its turn. `reviewed` is false for words that no speaker has checked yet."""

    turn: int
    """From 1; 0 for an earlier session of the account."""
    indicator: str
    name: str
    quote: str
    start: int
    end: int
    strength: Strength
    detail: str
    look_alikes: str
    reviewed: bool = True


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a session, without its texts."""

    turns: int = 0
    replies: int = 0
    steps: tuple[str, ...] = ()
    """Persona, offer, translation, move: in the order they were asked for."""
    languages: tuple[str, ...] = ()
    """Languages that translations were asked into."""
    support: bool = False
    action: Action = "allow"
    """Of the last request."""
    blocked: int = 0
    seen: dict[str, Seen] = {}
    """The first of each sign, by indicator."""
    like: tuple[float, ...] = ()
    """Scores of the most telling requests, highest first."""
    last: float = 0.0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now, and everything it rests on."""

    action: Action
    concern: float
    tier: Tier
    signals: tuple[Seen, ...]
    explanation: str
    session_state: SessionState
    policy_id: str
    policy_version: str
    status: str = "ok"
    """`ok`, `truncated`, or `error: …` (then the action is the policy's `on_error`)."""
    message: str = ""
    """What to answer: help with `support`, a refusal with `block`."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployer decides."""

    on_error: Action = "block"
    """Fail closed; `review` lets the request pass and says so."""
    block_unreviewed: bool = False
    """Let words that no speaker has checked block as well (rule 8 says: not before somebody has)."""
    block_at: float = 0.0
    """Block at this concern or above; 0 is the rule itself (see docs/guard.md for calibrated values)."""


class Guard:
    """Observes events one by one; safe to share between threads."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        state: State | None = None,
        vocabulary: Vocabulary | None = None,
        detectors: Sequence[Detector] = SIGNALS,
        key: bytes = b"",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy or Policy()
        self._requests = requests()
        self._vocabulary = self._requests.join(vocabulary or load())
        self._state: State = state if state is not None else Memory(clock=clock)
        self._detectors = tuple(detector for detector in detectors if "session" in detector.reads)
        self._key = key or secrets.token_bytes(32)
        self._clock = clock

    @cached_property
    def version(self) -> str:
        """Version of the policy's words and of the vocabulary behind them."""
        return f"{self._requests.version}+{self._vocabulary.version}"

    def observe(self, event: Event) -> Decision:
        """Judge one event in the light of its session and account."""
        now = self._clock() if event.time is None else event.time
        try:
            return self._observe(event, now)
        except StateError as fault:
            return self._failed(str(fault))

    def replay(self, events: Sequence[Event]) -> list[Decision]:
        """Judge events that were recorded, in their order."""
        return [self.observe(event) for event in events]

    def _failed(self, fault: str) -> Decision:
        action = self.policy.on_error
        return Decision(
            action=action, concern=0.0, tier="none", signals=(), explanation="The session could not be judged.",
            session_state=SessionState(), policy_id=self._requests.policy, policy_version=self.version,
            status=f"error: {fault}", message=_REFUSAL if action == "block" else "",
        )  # fmt: skip

    def _observe(self, event: Event, now: float) -> Decision:
        made: list[Decision] = []
        earlier = self._earlier(event, now) if event.kind == "request" else {}

        def change(stored: bytes | None) -> bytes:
            state = msgspec.msgpack.decode(stored, type=SessionState) if stored else SessionState()
            decision = (
                self._judge_reply(state, now) if event.kind == "reply" else self._judge(event, state, earlier, now)
            )
            made[:] = [decision]
            return msgspec.msgpack.encode(decision.session_state)

        self._state.update(self._name("session", event.session or f"account {event.account}"), change)
        if event.kind == "request" and event.account and event.session:
            self._remember(event, made[0], now)
        return made[0]

    def _name(self, kind: str, value: str) -> str:
        return blake2b(f"{kind}\0{value}".encode(), key=self._key[:64], digest_size=16).hexdigest()

    def _earlier(self, event: Event, now: float) -> dict[str, Seen]:
        """Return signs of the account's other sessions, one step weaker."""
        if not (event.account and event.session):
            return {}
        found: dict[str, Seen] = {}
        mine = self._name("session", event.session)

        def look(stored: bytes | None) -> bytes:
            if not stored:
                return msgspec.msgpack.encode({})
            account = msgspec.msgpack.decode(stored, type=dict[str, tuple[float, str, Seen]])
            for indicator, (when, session, seen) in account.items():
                if session != mine and now - when <= ACCOUNT_MEMORY:
                    found[indicator] = msgspec.structs.replace(seen, turn=0, strength=_LOWER[seen.strength])
            return stored

        self._state.update(self._name("account", event.account), look)
        return found

    def _remember(self, event: Event, decision: Decision, now: float) -> None:
        mine = self._name("session", event.session)
        new = {seen.indicator: (now, mine, seen) for seen in decision.session_state.seen.values()}

        def change(stored: bytes | None) -> bytes:
            known = msgspec.msgpack.decode(stored, type=dict[str, tuple[float, str, Seen]]) if stored else {}
            fresh = {name: entry for name, entry in known.items() if now - entry[0] <= ACCOUNT_MEMORY}
            return msgspec.msgpack.encode({**fresh, **{name: fresh.get(name, entry) for name, entry in new.items()}})

        if new:
            self._state.update(self._name("account", event.account), change)

    def _judge_reply(self, state: SessionState, now: float) -> Decision:
        """A reply is let through as its request was: what was asked decides, not how it was worded."""
        action: Action = "block" if state.action == "block" else "allow"
        after = msgspec.structs.replace(state, replies=state.replies + 1, last=now)
        return self._decide(
            after, action, self._assess(after, {}), status="ok", message=_REFUSAL if action == "block" else ""
        )

    def _judge(self, event: Event, state: SessionState, earlier: dict[str, Seen], now: float) -> Decision:
        text = event.text[:LONGEST]
        turn = state.turns + 1
        record = Record(id=f"turn {turn}", kind="request", author=event.account or "requester", text=text)
        reading = self._requests.read(record)
        in_need = reading.own_situation and self._only_passes_on(reading)
        seen = {} if in_need else self._seen(record, reading, turn)
        like = () if in_need else self._like(state, reading, text)
        if like and like != state.like:
            seen |= self._likeness(record, like, turn)
        after = msgspec.structs.replace(self._advance(state, reading, seen, now), like=like or state.like)
        assessment = self._assess(after, earlier)
        support = reading.own_situation or any(
            self._vocabulary.indicators[signal.indicator].category == "support" for signal in self._engine(record)
        )
        action = self._action(after, seen, earlier, assessment, support=support)
        after = msgspec.structs.replace(
            after, action=action, support=state.support or support, blocked=state.blocked + (action == "block")
        )
        message = self._message(action, text)
        return self._decide(
            after,
            action,
            assessment,
            status="truncated" if len(event.text) > LONGEST else "ok",
            message=message,
            earlier=earlier,
        )

    def _only_passes_on(self, reading: Reading) -> bool:
        """Whether a person in need tells what was said to them, and orders nothing against anybody."""
        kinds = {signal.indicator for signal in reading.signals}
        return kinds <= _QUIET or ORDER not in kinds or not reading.orders

    def _like(self, state: SessionState, reading: Reading, text: str) -> tuple[float, ...]:
        """Return the session's most telling scores after this request."""
        added = evidence(float(scores([unquoted(text[:READ_WHOLE])])[0]) - (1.0 if reading.about else 0.0))
        return tuple(sorted((*state.like, added), reverse=True)[:TELLING]) if added > 0 else state.like

    def _likeness(self, record: Record, like: tuple[float, ...], turn: int) -> dict[str, Seen]:
        placed = concern_of(sum(like))
        strength: Strength | None = next((name for name, least in _LIKE if placed >= least), None)
        if strength is None:
            return {}
        start, end = telling(record.text[:READ_WHOLE])
        known = self._vocabulary.indicators[LIKENESS]
        return {
            LIKENESS: Seen(
                turn=turn, indicator=LIKENESS, name=known.name, quote=record.text[start:end][:KEPT_QUOTE], start=start,
                end=min(end, start + KEPT_QUOTE), strength=strength, look_alikes=known.look_alikes,
                detail="The most telling requests of the session, together, are rarely matched by honest sessions.",
            )
        }  # fmt: skip

    def _engine(self, record: Record) -> tuple[Signal, ...]:
        return observe(Thread(kind="session", id="session", records=(record,)), self._vocabulary, self._detectors)

    def _seen(self, record: Record, reading: Reading, turn: int) -> dict[str, Seen]:
        """Return the first of each sign in this request; published phrases count beside a request's own sign."""
        asked = {signal.indicator for signal in reading.signals}
        content = self._engine(record) if asked - {ORDER, DELIVERY} else ()
        kept: dict[str, Seen] = {}
        for signal in (*reading.signals, *content):
            indicator = self._vocabulary.indicators[signal.indicator]
            if indicator.category == "support" or signal.shadow or not indicator.counts:
                continue
            lower = reading.about and signal.indicator not in (DELIVERY, ORDER, THREAT)
            reviewed = (signal.indicator, signal.start) not in reading.unreviewed
            rival = kept.get(signal.indicator)
            if rival is None or (reviewed and not rival.reviewed):
                kept[signal.indicator] = Seen(
                    turn=turn, indicator=signal.indicator, name=indicator.name, quote=signal.quote[:KEPT_QUOTE],
                    start=signal.start, end=signal.start + len(signal.quote[:KEPT_QUOTE]),
                    strength=signal.strength if reading.orders and not lower else _LOWER[signal.strength],
                    detail=signal.detail, look_alikes=indicator.look_alikes, reviewed=reviewed,
                )  # fmt: skip
        return kept

    def _advance(self, state: SessionState, reading: Reading, seen: dict[str, Seen], now: float) -> SessionState:
        """Return the session after this request: constant size whatever its length."""
        turn = state.turns + 1
        steps = (*state.steps, *(step for step in reading.steps if step not in state.steps[-1:]))[-24:]
        languages = tuple(sorted({*state.languages, *reading.languages}))[:24]
        kept = dict(seen)
        if steps_in_order(steps) >= ORDERED_STEPS:
            kept[STAGED] = self._conduct(STAGED, turn, f"{' → '.join(steps[-6:])}.")
        if len(languages) >= MANY_LANGUAGES:
            kept[LANGUAGES] = self._conduct(LANGUAGES, turn, f"{len(languages)} languages: {', '.join(languages[:8])}.")
        merged = {name: _clearer(state.seen.get(name), one) for name, one in kept.items()}
        return msgspec.structs.replace(
            state, turns=turn, steps=steps, languages=languages, seen={**state.seen, **merged}, last=now
        )

    def _conduct(self, indicator: str, turn: int, detail: str) -> Seen:
        known = self._vocabulary.indicators[indicator]
        return Seen(
            turn=turn, indicator=indicator, name=known.name, quote="", start=0, end=0, strength=known.strength,
            detail=detail, look_alikes=known.look_alikes,
        )  # fmt: skip

    def _assess(self, state: SessionState, earlier: dict[str, Seen]) -> Assessment:
        """Fold the session's signs by the engine's own rule."""
        every = {**earlier, **state.seen}
        turns = tuple(
            Record(id=f"turn {number}", kind="request") for number in sorted({one.turn for one in every.values()})
        )
        signals = [
            Signal(
                indicator=one.indicator, record=f"turn {one.turn}", quote=one.quote, start=one.start, end=one.end,
                strength=one.strength, detail=one.detail, detector="asks_of_model",
            )
            for one in sorted(every.values(), key=lambda one: (one.turn, one.start, one.indicator))
        ]  # fmt: skip
        return judge(Thread(kind="session", id="session", records=turns), signals, self._vocabulary)

    def _action(
        self,
        state: SessionState,
        now: dict[str, Seen],
        earlier: dict[str, Seen],
        assessment: Assessment,
        *,
        support: bool,
    ) -> Action:
        every = {**earlier, **state.seen}
        asked_now = set(now) - _QUIET
        if self._positive(every, reviewed=True) and (asked_now or ({THREAT, DELIVERY} <= set(every) and now)):
            reviewed_now = any(one.reviewed for one in now.values())
            if reviewed_now and assessment.concern >= self.policy.block_at:
                return "block"
        if self._positive(every, reviewed=False) and now and (asked_now or {THREAT, DELIVERY} <= set(every)):
            return "block" if self.policy.block_unreviewed else "review"
        if support:
            return "support"
        return (
            "review"
            if state.blocked or _RANK[every[LIKENESS].strength if LIKENESS in now else "context"] >= 2
            else "allow"
        )

    def _positive(self, every: dict[str, Seen], *, reviewed: bool) -> bool:
        signals = [
            Signal(indicator=one.indicator, record="", strength=one.strength)
            for one in every.values()
            if one.reviewed or not reviewed
        ]
        return DIMENSION in positive_dimensions(signals, self._vocabulary.indicators)

    def _message(self, action: Action, text: str) -> str:
        if action == "support":
            return self._requests.help.get(identify(text), self._requests.help["en"])
        return _REFUSAL if action == "block" else ""

    def _decide(
        self,
        state: SessionState,
        action: Action,
        assessment: Assessment,
        *,
        status: str,
        message: str,
        earlier: dict[str, Seen] | None = None,
    ) -> Decision:
        every = {**(earlier or {}), **state.seen}
        concern = max(assessment.concern, concern_of(sum(state.like)))
        return Decision(
            action=action, concern=concern, tier=assessment.tier if concern < RAISED or assessment.tier != "none" else "look",
            signals=tuple(sorted(every.values(), key=lambda one: (one.turn, one.start, one.indicator))),
            explanation=assessment.explanation, session_state=state, policy_id=self._requests.policy,
            policy_version=self.version, status=status, message=message,
        )  # fmt: skip


def _clearer(known: Seen | None, new: Seen) -> Seen:
    """Keep the first of a sign, unless the new one is stronger or rests on reviewed words alone."""
    if known is None or (new.reviewed and not known.reviewed):
        return new
    return new if _RANK[new.strength] > _RANK[known.strength] and new.reviewed >= known.reviewed else known
