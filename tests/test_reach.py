"""Reach: the ordered way counts, each behaviour alone does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.assess import judge, observe
from threelines.engine.plan import account_threads, conversation_threads, turns_of
from threelines.records import Record, Thread
from threelines.signals.account import AccountFeatures, led_score, measure, wording_print
from threelines.signals.reach import account_concern, conduct_towards_strangers, equal_in_many_languages

MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
COUNTED = ("weak", "medium", "strong")


def talk(
    number: int, *, hour: float = -1, move_at: int = 0, contact_first: bool = False, answered: bool = True
) -> list[Record]:
    """Return one talk opened by account `a`; `move_at` is the message (an odd one) that names another app."""
    start = MONDAY + timedelta(hours=1.1 * number if hour < 0 else hour)
    made = []
    for turn in range(1, 11 if answered else 2):
        mine = turn % 2 == 1
        text = "look here: @name_1" if (turn == move_at or (turn == 1 and contact_first)) else f"xq {number} {turn}"
        made.append(Record(
            id=f"{number}.{turn}", author="a" if mine else f"b{number}", audience=(f"b{number}" if mine else "a",),
            conversation=f"c{number}", time=start + timedelta(minutes=5 * turn), text=text,
        ))  # fmt: skip
    return made


def account(talks: list[list[Record]]) -> Thread:
    """Return the thread of account `a`."""
    records = [record for each in talks for record in each]
    return Thread(
        kind="account", id="a", records=tuple(r for r in records if r.author == "a"),
        context=tuple(r for r in records if r.author != "a"),
    )  # fmt: skip


def test_the_whole_ordered_way_counts(vocabulary):
    """Many strangers, through the day, an exchange, then another app: the signs count, and each sentence has numbers."""
    thread = account([talk(n, move_at=7) for n in range(80)])
    signals = list(conduct_towards_strangers(thread, vocabulary))
    assessment = judge(thread, observe(thread, vocabulary), vocabulary)

    assert {s.indicator for s in signals if s.strength in COUNTED} == {"BEH-01", "BEH-08", "BEH-15"}
    assert all(any(letter.isdigit() for letter in signal.detail) for signal in signals)
    assert assessment.tier == "look"
    assert assessment.ai_use == 0.0


def test_the_move_is_quoted_as_written(vocabulary):
    """The sign of the move quotes the contact at its span."""
    thread = account([talk(n, move_at=7) for n in range(80)])
    text = {record.id: record.text for record in thread.records}
    moves = [s for s in conduct_towards_strangers(thread, vocabulary) if s.indicator == "BEH-08"]

    assert [(s.quote, text[s.record][s.start : s.end]) for s in moves] == [("@name_1", "@name_1")]


@pytest.mark.parametrize(
    "talks",
    [
        [talk(n) for n in range(80)],
        [talk(n, move_at=7, contact_first=True) for n in range(80)],
        [talk(n, answered=False, contact_first=True) for n in range(80)],
        [talk(n, hour=n % 8 + 24 * (n // 8), move_at=7) for n in range(64)],
        [talk(n, move_at=7 if n == 3 else 0) for n in range(80)],
    ],
    ids=["never moves", "contact at once", "mass sender", "office hours", "moves once"],
)
def test_one_part_missing_and_nothing_counts(vocabulary, talks):
    """Each look-alike lacks a part of the way: its signs are context at most, even where they are rare here."""
    thread = account(talks)
    rare = dict.fromkeys(AccountFeatures.__struct_fields__, 0.9999)
    thread = msgspec.structs.replace(thread, facts={"quantiles": rare})
    signals = list(conduct_towards_strangers(thread, vocabulary))

    assert [s for s in signals if s.strength in COUNTED] == []
    assert judge(thread, tuple(signals), vocabulary).tier == "none"


def test_what_is_usual_on_a_platform_does_not_count():
    """Where a tenth of the accounts lead people the same way, the way is not what sets one apart."""
    features = measure(account([talk(n, move_at=7) for n in range(80)]))

    assert any(sign.strength != "context" for sign in account_concern(features, {"led": 0.98}))
    assert all(sign.strength == "context" for sign in account_concern(features, {"led": 0.90}))


def test_the_sentence_says_that_the_platform_decides():
    """Where no source gives a limit, the sentence says so and never claims more than was counted."""
    features = measure(account([talk(n, move_at=7) for n in range(80)]))
    (sign,) = [
        s for s in account_concern(features, {"led": 0.99, "opened_per_day": 0.99969}) if s.indicator == "BEH-01"
    ]

    assert "More than 99.9% of this platform's accounts" in sign.detail
    assert "no source gives a limit" in sign.detail


@given(st.text(alphabet="abcdefgh ", min_size=1, max_size=30))
def test_no_word_is_understood(words):
    """Any words in place of the others give the same numbers of reach."""
    talks = [talk(n, move_at=7) for n in range(30)]
    noise = [
        [msgspec.structs.replace(r, text=r.text if "@" in r.text else f"{words} {r.id}") for r in each]
        for each in talks
    ]
    before, after = measure(account(talks)), measure(account(noise))

    assert (before.opened, before.funnelled, before.led) == (after.opened, after.funnelled, after.led)


def test_old_friends_are_not_strangers():
    """Talks that were going on in the first day of the data are not counted as opened once newer ones exist."""
    friends = [
        [msgspec.structs.replace(r, id=f"f{r.id}", conversation=f"f{n}", audience=("a",)) for r in talk(n)]
        for n in range(10)
    ]
    features = measure(account([*friends, *(talk(n, move_at=7) for n in range(30, 40))]))

    assert features.opened == 10


def test_wording_is_the_same_whatever_the_name_and_number():
    """Names after @ and digits are not wording; other words are."""
    same = {wording_print(f"good morning from the office, room {n}, write to @desk_{n}") for n in range(5)}

    assert len(same) == 1
    assert wording_print("good morning from the garden, room 1, write to @desk_1") not in same
    assert wording_print("hi") == 0


@given(st.floats(0, 500), st.floats(0, 1), st.floats(0, 1))
def test_led_score_is_zero_in_office_hours(opened, share, open_contact):
    """Below the 12 hours a day of published reports nothing is led, however many are reached."""
    assert led_score(opened, share, hours=11.0, open_contact=open_contact) == 0.0
    assert 0.0 <= led_score(opened, share, hours=12.0, open_contact=open_contact) <= opened + 1e-4


def test_many_languages_are_context_without_machine_tempo(vocabulary):
    """Polyglot outreach is not AI use; beside replies nobody can type it is a weak sign of it."""
    rare = {"languages": 0.995}
    plain = Thread(kind="account", id="a", records=account([talk(1)]).records,
                   facts={"features": AccountFeatures(opened=20, languages=6), "quantiles": rare})  # fmt: skip
    fast = msgspec.structs.replace(
        plain, facts={"features": AccountFeatures(opened=20, languages=6, fast_long_share=0.9), "quantiles": rare}
    )

    assert [s.strength for s in equal_in_many_languages(plain, vocabulary)] == ["context"]
    assert [s.strength for s in equal_in_many_languages(fast, vocabulary)] == ["weak"]


def test_who_opens_a_talk_is_read_from_its_order_where_times_are_equal():
    """Forty talks answered within two minutes are opened by the account, whether seconds are written or not."""

    def opened(unit: int) -> int:
        records = [
            msgspec.structs.replace(record, time=MONDAY + timedelta(hours=5 * n, seconds=20 * turn // unit * unit))
            for n in range(40)
            for turn, record in enumerate(talk(n)[:6])
        ]
        turns = (turn for thread in conversation_threads(records) for turn in turns_of(thread))
        return next(measure(thread).opened for thread in account_threads(turns) if thread.id == "a")

    assert opened(1) == opened(60) == opened(3600) > 30


def test_records_with_one_id_in_many_talks_are_followed_each_in_its_own(vocabulary):
    """Messages numbered per chat: the ordered way is seen as with ids of their own, and the move is quoted as written."""
    talks = [talk(n, move_at=7 if n else 0) for n in range(80)]
    repeated = [msgspec.structs.replace(r, id=r.id.partition(".")[2]) for each in talks for r in each]
    turns = (turn for thread in conversation_threads(repeated) for turn in turns_of(thread))
    plain, thread = account(talks), next(account_threads(turns))
    moves = [s for s in conduct_towards_strangers(thread, vocabulary) if s.indicator == "BEH-08"]

    assert measure(thread) == measure(plain)
    assert [(s.record, s.quote, s.strength) for s in moves] == [("7", "@name_1", "weak")]
