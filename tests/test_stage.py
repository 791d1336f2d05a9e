"""Stages of a talk: order, pace, memory, and that a state is small and moves one record at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.records import Record, Signal, Thread
from threelines.signals.stage import (
    StageState,
    _in_order,
    advance,
    all_stages,
    stage_list,
    staged_talk,
    staged_with_several,
    stages,
)
from threelines.signals.stage import told as as_told

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
SIGN = {"trust": "REC-23", "offer": "REC-01", "move": "REC-12", "documents_travel": "REC-16", "control": "CTL-01"}


def told(*path: str, days: float = 1.0) -> tuple[Thread, list[Signal]]:
    """Return a talk of `a` with `b` in which one record after the other shows these stages, `days` apart."""
    records, signals = [], []
    for turn, stage in enumerate(("contact", *path)):
        at = MONDAY + timedelta(days=days * turn)
        records.append(Record(id=f"r{turn}", author="a", audience=("b",), conversation="c", time=at, text="x"))
        records.append(Record(id=f"s{turn}", author="b", audience=("a",), conversation="c",
                              time=at + timedelta(minutes=1), text="y"))  # fmt: skip
        if stage in SIGN:
            signals.append(Signal(indicator=SIGN[stage], record=f"r{turn}"))
    return Thread(kind="conversation", id="c", records=tuple(records)), signals


def test_every_indicator_of_a_stage_exists(vocabulary):
    """The map from indicators to stages names only indicators that exist, each once."""
    named = [indicator for stage in stage_list().stages for indicator in stage.indicators]

    assert sorted(set(named)) == sorted(named)
    assert set(named) <= set(vocabulary.indicators)


def test_it_says_which_stage_how_fast_and_where_it_stopped():
    """Contact, offer, move over three days; then ten days of nothing new."""
    thread, signals = told("offer", "move", *["idle"] * 10)
    state = stages(thread, signals)

    assert state.sender == "a"
    assert state.recipient == "b"
    assert state.stage == "move"
    assert [entry.stage for entry in state.entered] == ["contact", "offer", "move", "trust"]
    assert state.entered[2].turn == 5
    assert state.still_days >= 8


def test_a_record_without_a_time_says_nothing_of_the_pace():
    """The pace is over the stages whose records have times; with fewer than two, nothing is said of it."""
    thread, signals = told("offer", "move", "documents_travel", days=2)
    without = [msgspec.structs.replace(record, time=None) for record in thread.records]
    one_lost = stages(msgspec.structs.replace(thread, records=(without[0], *thread.records[1:])), signals)
    all_lost = stages(msgspec.structs.replace(thread, records=tuple(without)), signals)

    assert (stages(thread, signals).days_per_step, one_lost.days_per_step) == (1.5, 1.33)
    assert "; 1.33 days from one stage to the next on average; " in as_told(one_lost)
    assert (all_lost.days_per_step, all_lost.still_days) == (None, None)
    assert "day" not in as_told(all_lost)
    assert "fresh" not in as_told(all_lost)


def test_order_counts_not_the_bag():
    """Of all orders of the same five signs the one of the stages is worth most, its reverse least."""
    path = ("offer", "move", "documents_travel", "control")
    worth = {order: stages(*told(*order)).ordered_steps for order in permutations(path)}

    assert worth[path] == 5
    assert worth[path[::-1]] == min(worth.values())
    assert [order for order, steps in worth.items() if steps == 5] == [path]


def test_pace_counts():
    """The same order over days is worth more than over years."""
    path = ("offer", "move", "documents_travel")

    assert stages(*told(*path, days=1)).progress > stages(*told(*path, days=30)).progress
    assert stages(*told(*path, days=30)).progress > stages(*told(*path, days=400)).progress


def test_memory_halves_in_the_stated_half_life():
    """What was seen one half-life ago is remembered by half."""
    state = advance(StageState(sender="a"), Record(id="1", author="a", time=MONDAY, text="x"))
    later = MONDAY + timedelta(days=stage_list().memory["half_life_days"])
    after = advance(state, Record(id="2", author="a", time=later, text="x"))

    assert state.remembered[0] == 1.0
    assert after.remembered[0] == pytest.approx(0.5)


def test_a_patient_talk_over_five_months_is_still_named(vocabulary):
    """AI has no hurry, says the brief: four stages in order, seven weeks apart each, are named."""
    thread, signals = told("offer", "move", "documents_travel", days=48)
    thread = msgspec.structs.replace(thread, facts={"signals": signals})

    assert [s.indicator for s in staged_talk(thread, vocabulary)] == ["BEH-15"]


def test_friends_who_change_the_app_are_not_named(vocabulary):
    """Contact, trust and another app are what friends do."""
    thread, _ = told(*["idle"] * 9)
    moved = msgspec.structs.replace(thread.records[-2], text="write to me: @name_1")
    thread = msgspec.structs.replace(thread, records=(*thread.records[:-2], moved, thread.records[-1]))
    state = stages(thread)

    assert [entry.stage for entry in state.entered] == ["contact", "trust", "move"]
    assert list(staged_talk(thread, vocabulary)) == []


@given(st.lists(st.sampled_from([*SIGN, "idle"]), max_size=30), st.floats(0, 90))
def test_record_by_record_is_the_same_as_at_once(path, days):
    """A stream that keeps only the state, even written out and read back, ends where a scan does."""
    thread, signals = told(*path, days=days)
    of = {signal.record: [signal] for signal in signals}
    state = StageState(sender="a", recipient="b")
    for record in thread.records:
        state = advance(state, record, of.get(record.id, ()))
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=StageState)

    assert state in all_stages(thread, signals)


def test_a_state_does_not_grow():
    """A talk of a thousand messages leaves a state of the same size as one of thirty."""
    short, long = (stages(*told("offer", "move", *["idle"] * n, days=0.1)) for n in (30, 1000))

    assert len(msgspec.json.encode(long)) < len(msgspec.json.encode(short)) + 200


def test_signs_of_the_other_side_are_not_the_senders():
    """When `b` quotes an offer, `a` has not made one."""
    thread, _ = told("idle", "idle")
    quoted = [Signal(indicator="REC-01", record="s1")]
    by_sender = {state.sender: state for state in all_stages(thread, quoted)}

    assert "offer" not in {entry.stage for entry in by_sender["a"].entered}
    assert "offer" in {entry.stage for entry in by_sender["b"].entered}


def test_a_group_costs_one_state_per_author():
    """In a group of many each author has one state, and a record moves only its author's."""
    records = tuple(
        Record(id=str(i), author=f"u{i % 40}", conversation="g", time=MONDAY + timedelta(minutes=i), text="hi")
        for i in range(400)
    )
    states = all_stages(Thread(kind="conversation", id="g", records=records))

    assert len(states) == 40
    assert max(state.sent for state in states) == 10


def test_an_account_is_named_when_three_are_led_the_same_way(vocabulary):
    """Two staged talks say nothing about an account; three do."""

    def account(people: int) -> Thread:
        records, signals = [], []
        for person in range(people):
            thread, found = told("offer", "move", "documents_travel")
            records += [
                msgspec.structs.replace(r, id=f"{person}{r.id}", conversation=f"c{person}") for r in thread.records
            ]
            signals += [msgspec.structs.replace(s, record=f"{person}{s.record}") for s in found]
        return Thread(
            kind="account", id="a", records=tuple(r for r in records if r.author == "a"),
            context=tuple(r for r in records if r.author == "b"), facts={"signals": signals},
        )  # fmt: skip

    assert list(staged_with_several(account(2), vocabulary)) == []
    assert [s.indicator for s in staged_with_several(account(3), vocabulary)] == ["BEH-15"]


def test_signs_of_a_record_are_not_those_of_another_with_its_id(vocabulary):
    """Messages numbered per chat: what was said to one person was not said to the others."""
    records, signals = [], []
    for person in range(3):
        thread, found = told("offer", "move", "documents_travel")
        if not person:
            signals = [msgspec.structs.replace(s, quote="0", start=0, end=1) for s in found]
        records += [msgspec.structs.replace(r, conversation=f"c{person}", text=str(person)) for r in thread.records]
    thread = Thread(
        kind="account", id="a", records=tuple(r for r in records if r.author == "a"),
        context=tuple(r for r in records if r.author == "b"), facts={"signals": signals},
    )  # fmt: skip

    assert sorted(len(state.entered) for state in all_stages(thread, signals))[-1] >= 4
    assert list(staged_with_several(thread, vocabulary)) == []


def test_equal_times_keep_the_order_of_the_talk():
    """With times to the minute, the one who asks and the one who answers are told apart by their places."""
    said = [Record(id=f"{n}", author="ab"[n % 2], conversation="c", time=MONDAY, text="x") for n in range(4)]
    thread = Thread(
        kind="account", id="a", records=(said[0], said[2]), context=(said[1], said[3]),
        facts={"positions": (0, 2), "context_positions": (1, 3)},
    )  # fmt: skip

    assert [record.id for record in _in_order(thread)] == ["0", "1", "2", "3"]
