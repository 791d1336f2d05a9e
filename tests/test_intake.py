"""What comes in: a record that a reader did not make ends no run, and means the same on every machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest

from threelines.engine.intake import dated, encoded
from threelines.engine.local import scan
from threelines.records import Record
from threelines.vocabulary.terms import load

EAST, WEST = timezone(timedelta(hours=14)), timezone(-timedelta(hours=14))


@pytest.fixture
def elsewhere(monkeypatch):
    """A machine whose clock is not set to UTC."""
    monkeypatch.setenv("TZ", "Asia/Bangkok")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (datetime(2025, 3, 1, 12), datetime(2025, 3, 1, 12, tzinfo=UTC)),
        (datetime(2025, 3, 1, 12, tzinfo=EAST), datetime(2025, 3, 1, 12, tzinfo=EAST)),
        (datetime(1, 1, 1), None),
        (datetime(1, 1, 1, tzinfo=EAST), None),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=WEST), None),
        (datetime(2101, 1, 1), None),
    ],
)
def test_a_time_without_zone_is_utc_and_none_is_at_the_ends_of_the_calendar(elsewhere, given, kept):
    """Wherever it runs, a time without a zone is read as UTC; one before 1970 or after 2100 is left out and told."""
    record = Record(id="r", time=given, inside=(Record(id="p", kind="media", time=given),))
    made, wrong = dated(record)

    assert (made.time, made.inside[0].time, bool(wrong)) == (kept, kept, kept is None)


def test_a_talk_may_mix_times_with_and_without_zone(elsewhere):
    """Records that no reader made are put in order of time, as if each had said UTC."""
    texts = ("they took my passport", "we keep your passport until the debt is paid")
    naive = [
        Record(
            id=str(hour), author="ab"[hour % 2], conversation="c", text=texts[hour % 2], time=datetime(2025, 3, 1, hour)
        )
        for hour in range(6)
    ]
    aware = [msgspec.structs.replace(record, time=record.time.replace(tzinfo=UTC)) for record in naive]
    mixed = [*naive[::2], *aware[1::2]]

    assert [*scan(mixed, load(), everything=True)] == [*scan([*aware[::2], *aware[1::2]], load(), everything=True)]


@pytest.mark.parametrize("conversation", ["", "c"])
def test_a_number_of_any_size_beside_a_text_ends_nothing(conversation):
    """A column that holds a whole number of more than 64 bits is kept as its digits; the record is judged."""
    number = 99_999_999_999_999_999_999_999_999
    extra = {"n": number, "deep": [{"n": -number, "small": 7}]}
    record = Record(id="r", kind="advert", text="we keep your passport", conversation=conversation, extra=extra)
    record = msgspec.structs.replace(record, inside=(Record(id="p", kind="media", text="x", extra=extra),))
    kept = msgspec.msgpack.decode(encoded(record), type=Record)

    assert kept.extra == {"n": str(number), "deep": [{"n": str(-number), "small": 7}]} == kept.inside[0].extra
    assert len([*scan([record], load(), everything=True, accounts=False, linked=False)]) == 1
