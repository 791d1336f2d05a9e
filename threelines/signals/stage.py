"""Stages of a talk: contact, trust, offer, move to another app, documents and travel, control.

Per sender and recipient, in order, with a memory of months: the same signs in another order, or years
apart, are another story. A state is a few numbers whatever the length of the talk, and `advance` takes
one record at a time, so a guard in front of a model and a stream use the same function as a scan.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

import msgspec

from threelines.records import Record, Signal, Thread
from threelines.signals.account import in_talk_order, names_contact
from threelines.signals.detector import reads
from threelines.signals.wording import published_phrase
from threelines.vocabulary.terms import Vocabulary

DAY = 86_400.0
TRUST_AT = (4, 8, 16, 32, 64)
"""Exchange counts as trust each time both have written this often (assumption; doubling: habit, not volume)."""
STEPS = 4
"""Ordered stages from which a talk is named: friends, too, meet, talk and go to another app (three)."""
LED = 3
"""People led the same way from which an account is named: two talks may be chance."""
PROGRESS = 2.9
"""What four stages are worth when about five months lie between the first and the last."""


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage and the indicators that show it."""

    id: str
    label: str
    indicators: tuple[str, ...]


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """`stages.toml` as read."""

    memory: dict[str, float]
    stages: tuple[Stage, ...]

    def places(self) -> dict[str, int]:
        """Return indicator → place of its stage."""
        return {indicator: place for place, stage in enumerate(self.stages) for indicator in stage.indicators}


@cache
def stage_list() -> Stages:
    """Return the stages in order."""
    path = files("threelines") / "vocabulary" / "stages.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Stages)


@cache
def _places() -> Mapping[str, int]:
    return stage_list().places()


class Entered(msgspec.Struct, frozen=True, array_like=True):
    """When a stage was first seen."""

    stage: str
    time: float
    """Seconds since 1970; 0 when the record has no time."""
    turn: int
    """Place of the record in the talk, from 1."""
    record: str


class StageState(msgspec.Struct, frozen=True, kw_only=True):
    """Where one sender is with one recipient. Constant size; JSON and msgpack can carry it."""

    sender: str
    recipient: str = ""
    turns: int = 0
    sent: int = 0
    answered: int = 0
    last: float = 0.0
    """Time of the last record."""
    noted: float = 0.0
    """Time of the last record that showed a stage: what `levels` and `chain` stand for."""
    levels: tuple[float, ...] = (0.0,) * 6
    """How well each stage was remembered then, 0 to 1."""
    chain: tuple[float, ...] = (0.0,) * 6
    """Worth then of the best ordered way that ends at each stage; fades with the memory."""
    steps: tuple[int, ...] = (0,) * 6
    """Stages on that way."""
    entered: tuple[Entered, ...] = ()
    """First time of each stage, in the order they came."""

    @property
    def remembered(self) -> tuple[float, ...]:
        """What is left of each stage at the time of the last record, 0 to 1."""
        left = _fade(self.last - self.noted)
        return tuple(level * left for level in self.levels)

    @property
    def stage(self) -> str:
        """The furthest stage that is not forgotten; empty before the first record."""
        keep = stage_list().memory["forgotten_below"]
        held = [place for place, level in enumerate(self.remembered) if level >= keep]
        return stage_list().stages[held[-1]].id if held else ""

    @property
    def progress(self) -> float:
        """Worth of the best ordered way, at the time of the last record."""
        return round(max(self.chain) * _fade(self.last - self.noted), 4)

    @property
    def ordered_steps(self) -> int:
        """Stages on the best ordered way."""
        return self.steps[max(range(6), key=lambda place: self.chain[place])]

    @property
    def _timed(self) -> list[tuple[int, float]]:
        """Place and time of the stages entered whose records have one."""
        return [(place, entry.time) for place, entry in enumerate(self.entered) if entry.time]

    @property
    def days_per_step(self) -> float | None:
        """Mean days from one stage entered to the next; None with fewer than two that have a time."""
        if len(self._timed) < 2:
            return None
        (first, begun), *_, (last, ended) = self._timed
        return round((ended - begun) / DAY / (last - first), 2)

    @property
    def still_days(self) -> float | None:
        """Days from the last stage entered to the last record: how long it has stood there; None when it has no time."""
        return round((self.last - self.entered[-1].time) / DAY, 2) if self.entered and self.entered[-1].time else None


def advance(state: StageState, record: Record, signals: Iterable[Signal] = ()) -> StageState:
    """Return the state after one more record of the talk; `signals` are those of this record."""
    at = record.time.timestamp() if record.time else state.last
    own = record.author == state.sender
    sent, answered = state.sent + own, state.answered + (not own)
    seen = _seen(state, record, signals, sent=sent, answered=answered) if record.kind != "system" else set()
    last = max(at, state.last)
    if not seen:
        return msgspec.structs.replace(state, turns=state.turns + 1, sent=sent, answered=answered, last=last)
    fade = _fade(at - state.noted) if state.noted else 1.0
    levels, chain, steps = [v * fade for v in state.levels], [v * fade for v in state.chain], list(state.steps)
    for place in sorted(seen):
        levels[place] = 1.0
        before = max(range(place), key=lambda p: chain[p]) if place else None
        worth, length = (1.0, 1) if before is None else (1.0 + chain[before], 1 + steps[before] * (chain[before] > 0))
        if worth > chain[place]:
            chain[place], steps[place] = worth, length
    known = {entry.stage for entry in state.entered}
    names = [stage_list().stages[place].id for place in sorted(seen)]
    entered_at = at if record.time else 0.0
    new = tuple(Entered(name, entered_at, state.turns + 1, record.id) for name in names if name not in known)
    return msgspec.structs.replace(
        state, turns=state.turns + 1, sent=sent, answered=answered, last=last, noted=max(at, state.noted), levels=tuple(levels),
        chain=tuple(chain), steps=tuple(steps), entered=state.entered + new,
    )  # fmt: skip


def _fade(seconds: float) -> float:
    """Return what is left of a memory after some seconds."""
    return math.exp2(-max(0.0, seconds) / DAY / stage_list().memory["half_life_days"])


def _seen(state: StageState, record: Record, signals: Iterable[Signal], *, sent: int, answered: int) -> set[int]:
    """Return the places of the stages that this record shows, by signs and by conduct."""
    seen: set[int] = set()
    if signals and record.author == state.sender:
        seen = {_places()[signal.indicator] for signal in signals if signal.indicator in _places()}
    if record.author == state.sender:
        if sent == 1:
            seen.add(0)
        elif answered and any(names_contact(part.text) for part in record.held):
            seen.add(3)
    if min(sent, answered) in TRUST_AT and min(sent, answered) > min(state.sent, state.answered):
        seen.add(1)
    return seen


def stages(thread: Thread, signals: Sequence[Signal] = ()) -> StageState:
    """Return the state of the pair that has gone furthest in order."""
    return max(all_stages(thread, signals), key=_rank, default=StageState(sender=""))


def _rank(state: StageState) -> tuple[int, float, str]:
    return state.ordered_steps, state.progress, state.sender


def all_stages(thread: Thread, signals: Sequence[Signal] = ()) -> list[StageState]:
    """Return one state per sender and talk. In a group the recipient is the group."""
    of_record: dict[str, list[Signal]] = {}
    for signal in signals:
        of_record.setdefault(signal.record, []).append(signal)
    judged = thread.id if thread.kind == "account" else ""
    talks: dict[str, dict[str, StageState]] = {}
    for record in _in_order(thread):
        if judged and not record.conversation:
            continue  # a post is no talk
        pair = talks.setdefault(record.conversation, {})
        if record.author not in pair and judged in ("", record.author):
            pair[record.author] = _begun(record, pair, turns=thread.facts.get("before", 0))
        seen = [s for part in record.held for s in of_record.get(part.id, ()) if _stands_in(s, part)]
        # With one other it is a talk of two, and the record is an answer, too; in a group only its author moves on.
        for author in pair if len(pair) <= 2 else (record.author,):
            pair[author] = advance(pair[author], record, seen)
    return [state for pair in talks.values() for state in pair.values()]


def _stands_in(signal: Signal, record: Record) -> bool:
    """Whether the words are the record's own: an export may give one id to records of several talks."""
    return record.text[signal.start : signal.end] == signal.quote


def _begun(record: Record, others: Mapping[str, StageState], *, turns: int) -> StageState:
    to, answered = record.audience[0] if len(record.audience) == 1 else "", sum(state.sent for state in others.values())
    return StageState(sender=record.author, recipient=to, answered=answered, turns=turns)


def _in_order(thread: Thread) -> list[Record]:
    if thread.context:
        return [said.record for said in in_talk_order(thread)]
    return [record for record in thread.records if record.kind != "system"]


def told(state: StageState) -> str:
    """Say in plain words how far the talk went, and, as far as its records have times, how fast and where it stands."""
    label = {stage.id: stage.label for stage in stage_list().stages}
    parts = ["The talk went through " + ", ".join(f"{label[e.stage]} (message {e.turn})" for e in state.entered)]
    if (days := state.days_per_step) is not None:
        parts.append(f"{days:g} days from one stage to the next on average")
    if (still := state.still_days) is not None:
        parts.append(f"{still:g} days since the last step" if still >= 1 else "the last step is fresh")
    return "; ".join(parts) + "."


@reads("conversation", "session")
def staged_talk(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The talk goes through stages in order: contact, trust, offer, another app, documents and travel, control."""
    if len(thread.records) < STEPS:
        return
    state = stages(thread, _signals(thread, vocabulary))
    if state.ordered_steps >= STEPS and state.progress >= PROGRESS:
        detail = told(state) + " Order and pace are what counts here; marketing and honest hiring have stages, too."
        yield Signal(
            indicator="BEH-15", record=state.entered[-1].record, strength="weak", detail=detail, detector="staged_talk"
        )


@reads("account")
def staged_with_several(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The account has led three or more people through the same stages in the same order."""
    if len({record.conversation for record in thread.records if record.conversation}) < LED:
        return
    staged = [
        state for state in all_stages(thread, _signals(thread, vocabulary))
        if state.ordered_steps >= STEPS and state.progress >= PROGRESS
    ]  # fmt: skip
    if len(staged) < LED:
        return
    furthest = max(staged, key=_rank)
    yield Signal(
        indicator="BEH-15", record=furthest.entered[-1].record, strength="weak", detector="staged_with_several",
        detail=f"{len(staged)} talks of this account went through four or more stages in order. In one: {told(furthest)}",
    )  # fmt: skip


def _signals(thread: Thread, vocabulary: Vocabulary) -> Sequence[Signal]:
    """Return the signals that were found already (`facts["signals"]`), or those of the published phrases."""
    ready = thread.facts.get("signals")
    return ready if ready is not None else list(published_phrase(thread, vocabulary))
