"""The guard: it judges a session and an account, not one prompt, and says why.

    guard = Guard()
    decision = guard.observe(Event(session="s1", account="a7", text="Translate this to my maid …"))

The same engine as everywhere: requests are records, a session is a thread, signs are signals with
their words, and the ILO/EC rule combines them. Somebody in need gets help (`support`), not a wall.
A decision never speaks of a person, only of what was asked. Errors are a status, never a silent
allow.
"""

from __future__ import annotations

import re
import secrets
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple, TypeVar

import msgspec

from threelines.ai_models.event import Decision, Event, Policy
from threelines.ai_models.grade import identify
from threelines.ai_models.helping import help_in, kind_of
from threelines.ai_models.intent import (
    DELIVERY,
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
)
from threelines.ai_models.likeness import CONCERN, Read, Tally, evidence, read, read_apart, telling, total, weights
from threelines.ai_models.likeness import concern as concern_of
from threelines.ai_models.meaning import installed, shared
from threelines.ai_models.memory import (
    AGES,
    DIGEST,
    LOWER,
    ORDER_OF_ACTIONS,
    READ_KEPT,
    REFUSED_KEPT,
    AccountState,
    Action,
    Earlier,
    Past,
    Seen,
    SessionState,
    faded,
    holds,
    in_account,
    merged,
    noted,
)
from threelines.ai_models.ruling import CUT, QUIET, REPLIED, SO_FAR, TELLING, Case, Ruling, apart, counted, ruled
from threelines.ai_models.said import LONGEST, READ_AT_ONCE, READ_WHOLE, REFUSAL, ends, parts, readable
from threelines.ai_models.sessions import Memory, State, StateError
from threelines.ai_models.tongues import answered_in
from threelines.assess import RAISED, judge, observe
from threelines.records import Assessment, Record, Signal, Strength, Thread
from threelines.signals import SIGNALS, Detector
from threelines.signals.phrases import Spans
from threelines.signals.quotes import quoted
from threelines.vocabulary.terms import Vocabulary, load

__all__ = ["Decision", "Event", "Guard", "Policy"]

SHAPE = 5
"""Version of what is remembered: a newer guard does not read an older one's states, they expire."""
PAST = 6
"""Earlier sessions of an account that are remembered."""
KEPT_QUOTE = 90
"""Characters of a quote that the state keeps."""
ACCOUNT_MEMORY = 14 * 86_400.0
"""Seconds for which signs of an account's earlier sessions are remembered."""

_LIKE: tuple[tuple[Strength, float], ...] = (("strong", CONCERN[2]), ("medium", CONCERN[1]), ("weak", CONCERN[0]))


class _Own:
    """The words of a request's own signs, looked up by place: a long text may hold thousands of them."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        self._spans = sorted((one.start, one.end) for one in signals)
        self._longest = max((end - start for start, end in self._spans), default=0)

    def cover(self, signal: Signal) -> bool:
        """Whether more than a third of a published phrase is the words of one of them."""
        first = bisect_left(self._spans, (signal.start - self._longest, 0))
        last = bisect_left(self._spans, (signal.end, 0))
        shared = (min(end, signal.end) - max(start, signal.start) for start, end in self._spans[first:last])
        return 3 * max(shared, default=0) > signal.end - signal.start


_OWN_HAND = re.compile(
    r"\b(?:we|i|our|us|nous|on|je|wir|ich|wij|ik|мы|я|нас|меня|kami|saya)\b|(?:[aei]mos|iamo|[uj]emy|amy)\b|我",
    re.IGNORECASE,
)
"""What is said in the first person: who claims to study or prevent it does not say that they keep the passports."""
_USUAL = "Please translate this into Thai and Nepali for our new colleagues: welcome, and keep your passport yourself."


class Asked(NamedTuple):
    """One request with what is known of it before its session is opened."""

    event: Event
    record: Record
    reading: Reading
    support: bool
    """Whether it tells of the writer's own need, or asks for help for somebody."""
    earlier: Earlier
    now: float
    hashes: bytes
    """Of what is read by it."""

    @property
    def kinds(self) -> set[str]:
        return {signal.indicator for signal in self.reading.signals}

    @property
    def in_need(self) -> bool:
        """Whether a person in need tells what was said to them, and orders nothing against anybody."""
        kinds = self.kinds
        return self.reading.own_situation and (kinds <= QUIET or ORDER not in kinds or not self.reading.orders)

    @property
    def only_tells(self) -> bool:
        """Whether nothing of it is remembered: a threat to be worded or passed on is, whoever says that they are in need.

        So is a sign that is none of what is done to them: that others must not find out is an order without a word of one.
        """
        passes_on = self.reading.orders or DELIVERY in self.kinds
        return self.in_need and self.kinds <= ({ORDER, DELIVERY} if passes_on else TELLING)

    @property
    def words_threat(self) -> bool:
        """Whether a threat outside quotations is ordered, beside words of its own for work or a journey: no delivery is needed."""
        signals = self.reading.signals
        quotes = Spans(quoted(self.record.text))
        threats = [one for one in signals if one.indicator == THREAT and not quotes.hold(one.start, one.end)]
        beside = any(one.indicator == ORDER and not _Own(threats).cover(one) for one in signals)
        return bool(threats) and beside and self.reading.orders


class Step(NamedTuple):
    """A session after a request, before it is decided on."""

    state: SessionState
    seen: dict[str, Seen]
    """Signs in this request."""
    news: bool
    """Whether it names languages that the session had not met."""
    needed: bool
    """Whether somebody's need was told of before it."""


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
        meaning: bool | None = None,
    ) -> None:
        """`meaning`: read by meaning as well (extra `semantic`); where it is not said, if the extra is installed."""
        self._meaning = shared() if (installed() if meaning is None else meaning) else None
        self._scale = weights().both if self._meaning else weights().words
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
        return f"{self._requests.version}+{self._vocabulary.version}{'+meaning' if self._meaning else ''}"

    def warm(self) -> Guard:
        """Load every table now, so that no request waits for it; nothing is remembered. Return the guard."""
        asked = self._ask(Event(text=_USUAL), 0.0)
        self._decide_on(asked, self._add(asked, self._open(asked, SessionState()), self._read(asked)))
        return self

    def observe(self, event: Event, stands_for: Sequence[str] = ()) -> Decision:
        """Judge one event in the light of its session and account; a reply as the last request was, see `reply`.

        `stands_for`: requests that the event's text joins.
        """
        if not event.named:
            if event.kind == "reply":
                return self.failed("a reply that names no session and no account: its request is not known")
            event = msgspec.structs.replace(event, session=f"alone {secrets.token_hex(8)}")
        now = self._clock() if event.time is None else event.time
        try:
            if event.kind == "request":
                return self._observe_request(event, now, stands_for)
            return self._observe_reply(event, now)
        except StateError as fault:
            return self.failed(str(fault))

    def reach(self) -> None:
        """Raise StateError where sessions cannot be remembered now."""
        self._state.update(self.hashed("health", ""), lambda stored: b"1")

    def reply(self, unit: str, action: Action) -> Decision:
        """Judge the reply to a request of which the action is known, in the unit that `unit` named."""
        now = self._clock()
        try:
            return self._changed(unit, lambda state: self._judge_reply(state, action, now))
        except StateError as fault:
            return self.failed(str(fault))

    def unread(self, event: Event, texts: Sequence[str]) -> tuple[list[str], bool]:
        """Return which texts the event's session or account has not read yet, and whether one of the others was refused."""
        known = _decoded(self._state.get(self.unit(event)), SessionState)
        hashes = {text: self._digest(text) for text in texts}
        new = [text for text in texts if not holds(known.read, hashes[text])]
        return new, any(holds(known.refused, one) for one in hashes.values())

    def forget(self, *, session: str = "", account: str = "") -> int:
        """Erase a session, or an account with its latest sessions in which something was seen; return how many states there were.

        A session of an account is found by both. An account does not know its older sessions, nor those in which
        nothing was seen (and of which no words are kept): they expire (`sessions.LIFETIME`).
        """
        if session:
            return int(self._state.forget(self.unit(Event(session=session, account=account, text=""))))
        whole = self.hashed("account", account)
        latest = {one.session for one in _decoded(self._state.get(whole), AccountState).past}
        return sum(self._state.forget(key) for key in (*sorted(latest), self.hashed("alone", account), whole))

    def unit(self, event: Event) -> str:
        """Return the hash under which a session of an account is remembered; the account alone where there is none."""
        if event.session:
            return self.hashed("session", f"{event.account}\0{event.session}")
        return self.hashed("alone", event.account)

    def first(self, event: Event) -> tuple[Decision, Callable[[], Decision]]:
        """Judge a request by phrases at once; return that, and the rest: its reading, which is to be called.

        What the rest finds stands in the session and decides on the reply: `block` where it says so.
        """
        now = self._clock() if event.time is None else event.time
        session = event.session if event.named else f"alone {secrets.token_hex(8)}"
        event, steps = msgspec.structs.replace(event, text=readable(event.text), session=session), list[Step]()

        def open_(state: SessionState) -> Decision:
            steps[:] = [self._open(asked, state)]
            return self._decide_on(asked, steps[0])

        def rest() -> Decision:
            try:
                found = self._read(asked)
                decision = self._change(
                    event,
                    lambda state: self._decide_on(
                        asked, self._add(asked, steps[0]._replace(state=state), found), so_far=first.action
                    ),
                )
                return self._remembered(event, decision, now)
            except StateError as fault:
                return self.failed(str(fault))

        try:
            asked = self._ask(event, now)
            first = self._change(event, open_)
            return first, rest
        except StateError as fault:
            failed = self.failed(str(fault))
            return failed, lambda: failed

    def failed(self, fault: str) -> Decision:
        """Return the decision on what could not be judged: the policy's, with the fault in its status."""
        action = self.policy.on_error
        return Decision(
            action=action, concern=0.0, tier="none", signals=(), explanation="The session could not be judged.",
            session_state=SessionState(), policy_id=self._requests.policy, policy_version=self.version,
            status=f"error: {fault}", message=REFUSAL if action == "block" else "",
        )  # fmt: skip

    def _observe_request(self, event: Event, now: float, stands_for: Sequence[str]) -> Decision:
        event = msgspec.structs.replace(event, text=readable(event.text))
        # read before the state is held: other requests need not wait for it
        asked = self._ask(event, now, stands_for)
        found = self._read(asked)
        decision = self._change(
            event, lambda state: self._decide_on(asked, self._add(asked, self._open(asked, state), found))
        )
        return self._remembered(event, decision, now)

    def _observe_reply(self, event: Event, now: float) -> Decision:
        return self._change(event, lambda state: self._judge_reply(state, state.action, now))

    def _read(self, asked: Asked) -> Read:
        """Read what is asked; of a longer text parts spread over it, and of all of it the most telling sentence."""
        text = asked.reading.asked
        found = [read(part, self._meaning) for part in parts(text)]
        if len(text) > READ_WHOLE:
            found.append(read_apart(text[slice(*telling(text))][:READ_AT_ONCE], self._meaning))
        return max(found, key=lambda one: one.score)

    def _change(self, event: Event, judge_: Callable[[SessionState], Decision]) -> Decision:
        return self._changed(self.unit(event), judge_)

    def _changed(self, unit: str, judge_: Callable[[SessionState], Decision]) -> Decision:
        """Judge in the light of the session, and remember the session as it is then."""
        made: list[Decision] = []

        def change(stored: bytes | None) -> bytes:
            made[:] = [judge_(_decoded(stored, SessionState))]
            return msgspec.msgpack.encode(made[0].session_state)

        self._state.update(unit, change)
        return made[0]

    def _ask(self, event: Event, now: float, stands_for: Sequence[str] = ()) -> Asked:
        record = Record(id="request", kind="request", author=event.account or "requester", text=ends(event.text))
        reading = self._requests.read(record)
        support = reading.own_situation or any(
            self._vocabulary.indicators[signal.indicator].category == "support" for signal in self._engine(record)
        )
        hashes = b"".join(map(self._digest, stands_for or (event.text,)))
        return Asked(event, record, reading, support, self._earlier(event, now), now, hashes)

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode(errors="replace"), key=self._key[:64], digest_size=DIGEST).digest()

    def hashed(self, kind: str, value: str) -> str:
        """Return a keyed hash: what is remembered names nobody."""
        name = f"{SHAPE} {kind}\0{value}".encode(errors="surrogatepass")
        return blake2b(name, key=self._key[:64], digest_size=16).hexdigest()

    def _earlier(self, event: Event, now: float) -> Earlier:
        """Return the account's other sessions: signs one step weaker, evidence faded."""
        if not event.account:
            return Earlier()
        mine = self.unit(event)
        known = _decoded(self._state.get(self.hashed("account", event.account)), AccountState)
        seen = {
            indicator: msgspec.structs.replace(one, turn=0, strength=LOWER[one.strength])
            for indicator, (when, session, one) in known.seen.items()
            if session != mine and now - when <= ACCOUNT_MEMORY
        }
        past = (one for one in known.past if one.session != mine and now - one.when <= ACCOUNT_MEMORY)
        return Earlier(seen=seen, past=tuple(faded(one, now) for one in past))

    def _remembered(self, event: Event, decision: Decision, now: float) -> Decision:
        """Write into the account what its session tells; return the decision."""
        if not event.account:
            return decision
        mine, state = self.unit(event), decision.session_state
        this = Past(
            session=mine, when=now, like=state.like, near=state.near, tasks=state.tasks, told=state.told,
            languages=state.languages,
        )  # fmt: skip

        def change(stored: bytes | None) -> bytes:
            known = _decoded(stored, AccountState)
            fresh = {name: entry for name, entry in known.seen.items() if now - entry[0] <= ACCOUNT_MEMORY}
            seen = in_account(fresh, state, session=mine, now=now)
            others = [one for one in known.past if one.session != mine and now - one.when <= ACCOUNT_MEMORY]
            return msgspec.msgpack.encode(AccountState(seen=seen, past=(*others, this)[-PAST - 1 :]))

        if state.seen or state.like or state.tasks:
            self._state.update(self.hashed("account", event.account), change)
        return decision

    def _judge_reply(self, state: SessionState, asked: Action, now: float) -> Decision:
        """A reply is let through as its request was: what was asked decides, not how it was worded."""
        action: Action = "block" if asked == "block" else "allow"
        after = msgspec.structs.replace(state, replies=state.replies + 1, last=now)
        message = REFUSAL if action == "block" else ""
        every = counted(after, Earlier())
        assessment = self._assess(every)
        concern = max(assessment.concern, self._concern(after, Earlier()))
        return self._decide(after, Ruling(action, REPLIED), every, assessment, concern, status="ok", message=message)

    def _open(self, asked: Asked, state: SessionState) -> Step:
        """Return the session after what the request says by phrases: constant size whatever its length."""
        turn, reading = state.turns + 1, asked.reading
        seen = {} if asked.only_tells else self._seen(asked, turn)
        steps = (*state.steps, *(step for step in reading.steps if step not in state.steps[-1:]))[-24:]
        named = () if asked.in_need else reading.languages
        languages = tuple(sorted({*state.languages, *named}))[:24]
        kept = dict(seen)
        if steps_in_order(steps) >= ORDERED_STEPS:
            kept[STAGED] = self._conduct(STAGED, turn, f"{' → '.join(steps[-6:])}.")
        if len(languages) >= MANY_LANGUAGES:
            kept[LANGUAGES] = self._conduct(LANGUAGES, turn, f"{len(languages)} languages: {', '.join(languages[:8])}.")
        after = msgspec.structs.replace(
            state, turns=turn, steps=steps, languages=languages, seen=merged(state.seen, kept, turn),
            support=state.support or asked.support, last=asked.now,
            read=noted(state.read, asked.hashes, READ_KEPT),
        )  # fmt: skip
        return Step(after, seen, languages != state.languages, state.support)

    def _add(self, asked: Asked, step: Step, found: Read) -> Step:
        """Return the session with what the small readers tell of the request."""
        if asked.in_need and not _ordered(asked.reading, found):
            return step
        state, told, most = self._like(step, asked.reading, found)
        if not (told or step.news):
            return step._replace(state=state)
        like = self._likeness(asked, self._concern(state, asked.earlier), state, most=most)
        state = msgspec.structs.replace(state, seen=merged(state.seen, like, state.turns))
        return step._replace(state=state, seen=step.seen | like)

    def _decide_on(self, asked: Asked, step: Step, so_far: Action = "allow") -> Decision:
        """Decide on a request; never less than was said of it so far."""
        state, earlier = step.state, asked.earlier
        every = counted(state, earlier)
        assessment = self._assess(every)
        concern = max(assessment.concern, self._concern(state, earlier))
        support = asked.support or (asked.reading.pleads and step.needed)
        case = Case(
            every, step.seen, concern, support=support, refused=state.blocked > 0, words_threat=asked.words_threat
        )
        ruling = ruled(case, self.policy, self._vocabulary.indicators)
        cut = len(asked.event.text) > LONGEST
        at_least: Action = max(so_far, "review" if cut else "allow", key=ORDER_OF_ACTIONS.index)
        if ORDER_OF_ACTIONS.index(at_least) > ORDER_OF_ACTIONS.index(ruling.action):
            ruling = Ruling(at_least, CUT if cut and at_least == "review" else SO_FAR)
        action = ruling.action
        after = msgspec.structs.replace(state, action=action)
        if action == "block" and so_far != "block":
            refused = noted(state.refused, asked.hashes, REFUSED_KEPT)
            after = msgspec.structs.replace(after, blocked=state.blocked + 1, refused=refused)
        status = "truncated" if cut else "ok"
        message = self._message(action, asked, support=support)
        return self._decide(after, ruling, every, assessment, concern, status=status, message=message)

    def _like(self, step: Step, reading: Reading, found: Read) -> tuple[SessionState, bool, bool]:
        """Return the session with what this request tells and asks for, whether that adds to it, and whether nothing tells more."""
        state = step.state
        needed = (reading.own_situation or step.needed) and not _ordered(reading, found)
        added = evidence(found.score - float(reading.claims) - float(needed))
        task = next(iter(reading.steps), "none") if found.task == "none" else found.task
        tally = Tally(state.like, state.near, state.tasks, state.told).after(added, task)
        after = msgspec.structs.replace(state, **tally._asdict())
        return after, added > 0 or tally.tasks != state.tasks, 0 < added >= max(tally.like)

    def _concern(self, state: SessionState, earlier: Earlier) -> float:
        """Place what the session tells, with what the account's other sessions told, among honest sessions."""
        past = earlier.past
        every: tuple[Past | SessionState, ...] = (*past, state)
        together = Tally(
            tuple(one for session in every for one in session.like), sum(session.near for session in every),
            tuple(task for session in every for task in session.tasks),
            tuple({task for session in every for task in session.told}),
        )  # fmt: skip
        if max(together.like, default=0.0) <= 0:
            return 0.0
        languages = max(len(one) for one in (state.languages, *(one.languages for one in past)))
        parts = together.parts(fan=languages >= MANY_LANGUAGES)
        return concern_of(total(parts, self._scale), together.near, self._scale)

    def _likeness(self, asked: Asked, placed: float, state: SessionState, *, most: bool) -> dict[str, Seen]:
        """Return what the session's requests tell together, with the words of the one that tells most."""
        strength: Strength | None = next((name for name, least in _LIKE if placed >= least), None)
        if strength is None:
            return {}
        reading, before = asked.reading, state.seen.get(LIKENESS)
        known = self._vocabulary.indicators[LIKENESS]
        seen = Seen(
            turn=state.turns, indicator=LIKENESS, name=known.name, quote="", start=0, end=0,
            strength=LOWER[strength] if reading.about else strength,
            detail="The most telling requests of the session, together, are rarely matched by honest sessions.",
            look_alikes=known.look_alikes, reviewed=identify(reading.asked) == "en",
            ordered=reading.orders and not (reading.own_situation or reading.quoted or reading.claims),
            framed=reading.framed,
        )  # fmt: skip
        if most:
            start, end = self._quote(asked)
            quote = asked.record.text[start:end][:KEPT_QUOTE]
            seen = msgspec.structs.replace(seen, quote=quote, start=start, end=start + len(quote))
        elif before is not None and state.turns - before.turn <= AGES:
            seen = msgspec.structs.replace(
                seen, turn=before.turn, quote=before.quote, start=before.start, end=before.end
            )
        return {LIKENESS: seen}

    def _quote(self, asked: Asked) -> tuple[int, int]:
        """Return where the sentence stands that tells most of what was asked."""
        text, said = asked.record.text, asked.reading.asked
        sentence = said[slice(*telling(said))].strip()
        at = text.find(sentence)
        return (at, at + len(sentence)) if at >= 0 else telling(text)

    def _engine(self, record: Record) -> tuple[Signal, ...]:
        return observe(Thread(kind="session", id="session", records=(record,)), self._vocabulary, self._detectors)

    def _seen(self, asked: Asked, turn: int) -> dict[str, Seen]:
        """Return the first of each sign in this request; published phrases count beside a request's own sign."""
        reading = asked.reading
        content = self._engine(asked.record) if asked.kinds - {ORDER, DELIVERY} and not asked.in_need else ()
        kept: dict[str, Seen] = {}
        own = _Own(reading.signals)
        for signal in (*apart(reading.signals), *content):
            indicator = self._vocabulary.indicators[signal.indicator]
            if indicator.category == "support" or signal.shadow or not indicator.counts:
                continue
            claimed = reading.claims and signal.indicator not in (DELIVERY, ORDER, THREAT)
            own_hand = claimed and _OWN_HAND.search(signal.quote) is not None
            if indicator.category == "control" and (reading.about > own_hand or own.cover(signal)):
                continue  # words that are reported, moderated or studied; or those of the request's own sign, counted there
            reviewed = (signal.indicator, signal.start) not in reading.unreviewed
            rival = kept.get(signal.indicator)
            if rival is None or (reviewed and not rival.reviewed):
                kept[signal.indicator] = Seen(
                    turn=turn, indicator=signal.indicator, name=indicator.name, quote=signal.quote[:KEPT_QUOTE],
                    start=signal.start, end=signal.start + len(signal.quote[:KEPT_QUOTE]),
                    strength=signal.strength if reading.orders and claimed == own_hand else LOWER[signal.strength],
                    detail=signal.detail, look_alikes=indicator.look_alikes, reviewed=reviewed,
                    ordered=reading.orders and not (reading.own_situation or own_hand or reading.quoted),
                    framed=reading.framed,
                )  # fmt: skip
        return kept

    def _conduct(self, indicator: str, turn: int, detail: str) -> Seen:
        known = self._vocabulary.indicators[indicator]
        return Seen(
            turn=turn, indicator=indicator, name=known.name, quote="", start=0, end=0, strength=known.strength,
            detail=detail, look_alikes=known.look_alikes,
        )  # fmt: skip

    def _assess(self, every: dict[str, Seen]) -> Assessment:
        """Fold the signs by the engine's own rule."""
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

    def _message(self, action: Action, asked: Asked, *, support: bool) -> str:
        if support and action != "block":
            language = answered_in(asked.record.text, asked.reading.own_in)
            helped = help_in(language, kind_of(asked.record.text))
            return "\n".join((helped, *self.policy.lines(language, self._clock())))
        return REFUSAL if action == "block" else ""

    def _decide(
        self,
        state: SessionState,
        ruling: Ruling,
        every: dict[str, Seen],
        assessment: Assessment,
        concern: float,
        *,
        status: str,
        message: str,
    ) -> Decision:
        return Decision(
            action=ruling.action, concern=concern, tier=assessment.tier if concern < RAISED or assessment.tier != "none" else "look",
            signals=tuple(sorted(every.values(), key=lambda one: (one.turn, one.start, one.indicator))),
            explanation=ruling.why, session_state=state, policy_id=self._requests.policy,
            policy_version=self.version, status=status, message=message,
        )  # fmt: skip


def _ordered(reading: Reading, found: Read) -> bool:
    """Whether something is ordered beside what tells of need, in a word of order or as the small readers name the task."""
    return reading.asks or found.task != "none"


_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def _decoded(stored: bytes | None, shape: type[_Shape]) -> _Shape:
    """Read a state; one that cannot be read is an error that shows, never a fresh start."""
    if not stored:
        return shape()
    try:
        return msgspec.msgpack.decode(stored, type=shape)
    except (msgspec.DecodeError, msgspec.ValidationError) as fault:
        raise StateError(f"guard state: not readable ({fault}); was it written by something else?") from fault
