"""Tempo of accounts: what is measured, what it says, and that it never speaks of concern."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from threelines.assess import judge, observe
from threelines.engine.reference import Reference
from threelines.records import Record, Thread
from threelines.signals.account import AccountFeatures, measure, words_of
from threelines.signals.tempo import long_replies_at_once, many_talks_at_once, no_quiet_hours, regular_replies

MONDAY = datetime(2025, 3, 3, 8, tzinfo=UTC)


def answers(count: int, *, words: int, seconds: int) -> Thread:
    """Return an account that answers `count` messages, each after `seconds` with `words` words."""
    records, context = [], []
    for index in range(count):
        asked = MONDAY + timedelta(minutes=20 * index)
        context.append(
            Record(id=f"q{index}", author="b", audience=("a",), conversation="c", time=asked, text="and then?")
        )
        said = asked + timedelta(seconds=seconds)
        text = " ".join(["word"] * words)
        records.append(Record(id=f"r{index}", author="a", audience=("b",), conversation="c", time=said, text=text))
    return Thread(kind="account", id="a", records=tuple(records), context=tuple(context))


def placed(thread: Thread, **quantiles: float) -> Thread:
    """Return the thread with its shares of the platform."""
    return msgspec.structs.replace(thread, facts={**thread.facts, "quantiles": quantiles})


def test_long_replies_in_seconds_are_ai_use_with_the_source_named(vocabulary):
    """418 words in about two minutes is the one published case; the sentence names it and an innocent cause."""
    (signal,) = long_replies_at_once(answers(8, words=60, seconds=9), vocabulary)

    assert signal.indicator == "AI-08"
    assert "209 words a minute" in signal.detail
    assert "S62" in signal.detail
    assert "Pasted text" in signal.detail


@pytest.mark.parametrize(("words", "seconds"), [(60, 60), (12, 1), (60, 25)])
def test_typing_speed_and_short_answers_show_nothing(vocabulary, words, seconds):
    """Sixty words in a minute are typed, and twelve at once are a stock answer."""
    assert list(long_replies_at_once(answers(8, words=words, seconds=seconds), vocabulary)) == []


def test_ai_tempo_never_raises_concern(vocabulary):
    """AI use and concern are two outputs: an account with every sign of tempo has concern 0 (rule 4)."""
    thread = placed(answers(40, words=60, seconds=9), regularity=0.999, parallel=0.999, hours_per_day=0.999)
    assessment = judge(thread, observe(thread, vocabulary), vocabulary)

    assert assessment.tier == "none"
    assert assessment.concern == 0.0
    assert assessment.ai_use > 0


def test_regular_replies_are_held_against_the_platform_only(vocabulary):
    """No source gives a limit for regularity: without the platform's accounts nothing is said."""
    thread = answers(40, words=10, seconds=30)

    assert list(regular_replies(thread, vocabulary)) == []
    (signal,) = regular_replies(placed(thread, regularity=0.9968), vocabulary)
    assert signal.strength == "context"
    assert "more than 99.6% of this platform's accounts" in signal.detail


def test_an_account_without_rest_is_context(vocabulary):
    """Records in every hour for a week: shown beside the platform's share, never counted (AI-09 is unverified)."""
    records = tuple(
        Record(id=str(hour), author="a", kind="post", time=MONDAY + timedelta(hours=hour), text="hi")
        for hour in range(168)
    )
    thread = Thread(kind="account", id="a", records=records)
    (signal,) = no_quiet_hours(placed(thread, hours_per_day=0.995), vocabulary)

    assert measure(thread).quiet_hours == 0
    assert measure(thread).hours_per_day == pytest.approx(21, abs=1)
    assert signal.strength == "context"


def test_night_shift_has_the_same_quiet_gap_as_day():
    """The quiet gap goes around the clock: sleeping by day is sleeping."""

    def awake_from(start: int) -> float:
        records = tuple(
            Record(id=f"{day}.{hour}", author="a", kind="post",
                   time=MONDAY + timedelta(days=day, hours=start + hour), text="hi")
            for day in range(6) for hour in range(14)
        )  # fmt: skip
        return measure(Thread(kind="account", id="a", records=records)).quiet_hours

    assert awake_from(0) == awake_from(12) == 10


def test_many_talks_at_once_is_context_and_names_support_desks(vocabulary):
    """Serving many talks an hour is what support desks do."""
    records = tuple(
        Record(id=f"{hour}.{talk}", author="a", audience=(f"b{talk}",), conversation=f"c{talk}",
               time=MONDAY + timedelta(hours=hour, minutes=talk), text="hello")
        for hour in range(5) for talk in range(20)
    )  # fmt: skip
    thread = Thread(kind="account", id="a", records=records)
    (signal,) = many_talks_at_once(placed(thread, parallel=0.999), vocabulary)

    assert signal.strength == "context"
    assert "20 talks within one hour" in signal.detail
    assert "Support desks" in signal.detail


def test_length_costs_time_for_people_and_not_for_machines():
    """The correlation of reply time with length is near 1 when each word takes a second, and 0 when none does."""

    def effect(seconds_per_word: float) -> float:
        threads = [answers(1, words=n, seconds=int(20 + seconds_per_word * n)) for n in range(2, 42, 2)]
        records = [
            msgspec.structs.replace(r, id=f"{i}{r.id}", conversation=f"c{i}")
            for i, thread in enumerate(threads)
            for r in (*thread.context, *thread.records)
        ]
        return measure(
            Thread(
                kind="account",
                id="a",
                records=tuple(r for r in records if r.author == "a"),
                context=tuple(r for r in records if r.author == "b"),
            )
        ).length_effect

    assert effect(2.0) > 0.95
    assert abs(effect(0.0)) < 0.01


def test_words_are_counted_in_scripts_without_spaces():
    """Four letters count as a word where none are written apart."""
    assert words_of("a b c") == 3
    assert words_of("星期一图书馆很安静") == pytest.approx(9 / 4)


def test_share_of_a_small_platform_stays_below_the_level():
    """Fifty accounts cannot say `more than 99%`: conformal shares divide by n + 1."""
    features = [AccountFeatures(records=1, parallel=float(i)) for i in range(50)]

    assert Reference.of(features).quantiles(AccountFeatures(parallel=99.0))["parallel"] == pytest.approx(50 / 51)


def test_reference_is_bounded_and_the_same_in_any_partition():
    """A reference keeps a sample that depends on the accounts alone, not on order, partition or engine."""
    features = [AccountFeatures(account=f"u{i}", parallel=float(i)) for i in range(1000)]
    small = [Reference(sample=100), Reference(sample=100)]
    for one, other in zip(features, reversed(features), strict=True):
        small[0].add(one)
        small[1].add(other)
    parts = [Reference.of(features[start::4]).dump() for start in range(4)]
    asked = AccountFeatures(parallel=500.0)

    assert len(small[0]) == 100
    assert small[0].accounts == 1000
    assert small[0].quantiles(asked) == small[1].quantiles(asked)
    assert small[0].quantiles(asked)["parallel"] == pytest.approx(0.5, abs=0.15)
    assert Reference.load(*parts).quantiles(asked) == Reference.of(features).quantiles(asked)
    assert Reference.load(*parts).quantiles(asked) == Reference.load(*reversed(parts)).quantiles(asked)


def cut(thread: Thread, unit: int) -> Thread:
    """Return the thread with times as a source writes them that knows only every `unit` seconds."""
    records, context = (
        tuple(
            msgspec.structs.replace(r, time=datetime.fromtimestamp(r.time.timestamp() // unit * unit, UTC))
            for r in part
        )
        for part in (thread.records, thread.context)
    )
    return msgspec.structs.replace(thread, records=records, context=context)


def test_the_same_minute_is_not_at_once(vocabulary):
    """WhatsApp writes minutes: 42 words in the minute of the question may have taken 59 seconds, 300 were not typed."""
    typed, pasted = (cut(answers(8, words=words, seconds=40), 60) for words in (42, 300))
    (signal,) = long_replies_at_once(pasted, vocabulary)

    assert list(long_replies_at_once(typed, vocabulary)) == []
    assert measure(typed).reply_seconds == 60
    assert "one of 300 words came within 60 seconds" in signal.detail


def test_minutes_are_too_coarse_to_call_quick_replies_regular():
    """Replies that all fall into the same minute look alike because of the clock; those after half an hour show it."""
    quick, slow = (cut(answers(40, words=10, seconds=seconds), 60) for seconds in (30, 900))

    assert measure(quick).regularity == 0.0
    assert measure(slow).regularity == 1.0
    assert measure(answers(40, words=10, seconds=31)).regularity == 1.0


def test_days_tell_nothing_of_hours():
    """A table that writes only the day shows neither reply times nor how many talks are served within an hour."""
    features = measure(cut(answers(40, words=300, seconds=9), 86_400))

    assert (features.replies, features.fast_long, features.parallel) == (0, 0, 0.0)


def test_quiet_hours_hold_under_a_hundredth_together():
    """Twelve hours that each hold under 1% of the records are not quiet if they hold a tenth of them together."""

    def quiet(by_night: int) -> float:
        hours = [hour for hour in range(12) for _ in range(74)] + [h for h in range(12, 24) for _ in range(by_night)]
        records = tuple(
            Record(id=str(n), author="a", time=datetime(2026, 1, 1 + n % 28, hour, tzinfo=UTC))
            for n, hour in enumerate(hours)
        )
        return measure(Thread(kind="account", id="a", records=records)).quiet_hours

    assert quiet(0) == 12
    assert quiet(9) == 1


def test_the_middle_of_two_replies_lies_between_them():
    """The median of an even number of replies is the mean of the middle two."""
    one, other = answers(1, words=5, seconds=10), answers(1, words=5, seconds=30)
    both = [msgspec.structs.replace(r, id=f"x{r.id}", conversation="other") for r in other.records]
    asked = [msgspec.structs.replace(r, id=f"x{r.id}", conversation="other") for r in other.context]
    thread = Thread(kind="account", id="a", records=(*one.records, *both), context=(*one.context, *asked))

    assert measure(thread).reply_seconds == 20
