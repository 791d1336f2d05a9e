"""Dates that can be read in more than one order: what a file shows of it, what is told, and what stays a doubt."""

import json
from datetime import date

import pytest

from tests.reading import file_of, records
from threelines.platforms.read import ReadError, _times
from threelines.platforms.read._times import time_of


def days(found):
    """Return the days of records."""
    return [one.time and f"{one.time:%m-%d %H:%M}" for one in found]


def table(tmp_path, *times):
    """Write a table with those times."""
    return file_of(tmp_path, "t.csv", "text;time\n" + "".join(f"hi;{time}\n" for time in times))


def test_a_chat_whose_shorter_span_alone_decides_is_a_doubt(tmp_path):
    """A debt paid on the third of three months is read as three days in March no longer without a word."""
    path = file_of(tmp_path, "c.txt", "".join(f"03/{month}/2024, 09:15 - Ana: pay\n" for month in ("04", "05", "06")))
    _, report = records(path)
    told, clear = records(path, dates="dmy")

    assert report.repaired == 1
    assert "--dates" in report.examples[0].reason
    assert (days(told), clear.repaired) == (["04-03 09:15", "05-03 09:15", "06-03 09:15"], 0)


def test_one_date_of_a_column_shows_the_order_of_all(tmp_path):
    """17/04/2024 can only be the 17th of April, so 03/04/2024 before it is the third, also beside AM and PM."""
    found, report = records(table(tmp_path, "03/04/2024, 2:50 PM", "17/04/2024, 2:50 PM"))
    american, _ = records(table(tmp_path, "03/04/2024 14:50", "04/17/2024 14:50"))

    assert (days(found), report.repaired) == (["04-03 14:50", "04-17 14:50"], 0)
    assert days(american) == ["03-04 14:50", "04-17 14:50"]


def test_the_order_is_shown_by_turns_and_mapped_columns_too(tmp_path):
    """Wherever the time stands that is read, all of the file is asked."""
    turns = [{"speaker": "a", "text": "x", "time": time} for time in ("03/04/2024", "17/04/2024")]
    nested, _ = records(file_of(tmp_path, "n.jsonl", json.dumps({"id": "c", "turns": turns})))
    rows = [{"text": "x", "when": {"at": time}} for time in ("03/04/2024", "17/04/2024")]
    mapped, _ = records(file_of(tmp_path, "m.json", json.dumps(rows)), mapping={"time": "when.at"})

    assert days(nested) == days(mapped) == ["04-03 00:00", "04-17 00:00"]


def test_a_column_that_shows_no_order_leaves_the_time_out(tmp_path):
    """Without AM and PM nothing speaks for one order: a counted repair, which names the option; told, it is read."""
    path = table(tmp_path, "03/04/2024 14:50")
    found, report = records(path)
    told, clear = records(path, dates="mdy")

    assert (found[0].time, report.repaired, "--dates" in report.examples[0].reason) == (None, 1, True)
    assert (days(told), clear.repaired) == (["03-04 14:50"], 0)


def test_a_column_of_both_orders_gives_the_certain_dates(tmp_path):
    """Two exports in one table: what can be read in one way only is read, the rest is left out."""
    found, report = records(table(tmp_path, "17/04/2024", "04/18/2024", "03/04/2024, 2:50 PM"))

    assert (days(found), report.repaired) == (["04-17 00:00", "04-18 00:00", None], 1)


def test_a_date_against_the_order_that_was_told_is_left_out(tmp_path):
    """Who says day first has no month 17."""
    found, report = records(table(tmp_path, "04/17/2024"), dates="dmy")

    assert (found[0].time, report.repaired) == (None, 1)


@pytest.mark.parametrize(
    ("times", "read"),
    [
        (["24/04/05", "24/04/06", "24/12/31"], ["2024-04-05", "2024-04-06", "2024-12-31"]),  # 2031 is to come
        (["24.04.05 21:15", "24.04.06 21:15"], ["2024-04-05", "2024-04-06"]),  # a day changes sooner than a year
        (["23-12-30", "24-01-02"], ["2023-12-30", "2024-01-02"]),  # 2030 is to come
        (["13/02/24", "14/02/24"], ["2024-02-13", "2024-02-14"]),
        (["03/02/24", "31/12/23"], ["2024-02-03", "2023-12-31"]),
        (["13/02/24", "05/04/2024"], ["2024-02-13", "2024-04-05"]),
        (["24/04/24", "24/04/24"], ["2024-04-24", "2024-04-24"]),  # both readings are one
    ],
)
def test_a_column_of_short_years_shows_whether_they_stand_first(tmp_path, monkeypatch, times, read):
    """24/04/05 is the 5th of April 2024 in a table whose days would else be to come, or change once a year."""
    monkeypatch.setattr(_times, "_tomorrow", lambda: date(2026, 6, 1))
    found, report = records(table(tmp_path, *times))

    assert [f"{one.time:%Y-%m-%d}" for one in found] == read
    assert report.repaired == sum(len(time.split()[0]) == 8 for time in times)


def test_short_years_of_which_two_things_speak_against_each_other_are_left_out(tmp_path, monkeypatch):
    """A plan for next year among days of this one is no proof that the years stand first."""
    monkeypatch.setattr(_times, "_tomorrow", lambda: date(2026, 6, 1))
    found, report = records(table(tmp_path, "14/02/26", "16/02/26", "17/02/26", "15/12/26"))

    assert ([one.time for one in found], report.repaired) == ([None] * 4, 4)


def test_short_years_that_may_stand_first_or_last_are_left_out(tmp_path):
    """One date tells nothing: it is left out, each with the option; told, it is read."""
    path = table(tmp_path, "24/04/05 09:15", "24/04/05 10:15")
    found, report = records(path)
    told, clear = records(path, dates="ymd")

    assert ([one.time for one in found], report.repaired) == ([None, None], 2)
    assert "--dates dmy or --dates ymd" in report.examples[0].reason
    assert (days(told), clear.repaired) == (["04-05 09:15", "04-05 10:15"], 0)


def test_an_order_that_is_none_is_refused(tmp_path):
    """From Python any word may be given."""
    with pytest.raises(ReadError, match="dmy"):
        records(table(tmp_path, "04/17/2024"), dates="DMY")


@pytest.mark.parametrize(
    ("written", "time"),
    [
        ("Feb 13, 2024 9:15 PM", "2024-02-13T21:15:00+00:00"),
        ("13 Feb 2024 9:15 p.m.", "2024-02-13T21:15:00+00:00"),
        ("February 13, 2024 at 12:05 AM", "2024-02-13T00:05:00+00:00"),
        ("13-Feb-24 09:15:00 PM", "2024-02-13T21:15:00+00:00"),
        ("2024-02-13 9:15 PM", "2024-02-13T21:15:00+00:00"),
        ("2024-02-13 21.15", "2024-02-13T21:15:00+00:00"),
        ("13.02.2024 09:15", "2024-02-13T09:15:00+00:00"),
        ("03.04.2024 09.15", "2024-04-03T09:15:00+00:00"),
        ("13.02.2024 09:15:00 UTC+03:00", "2024-02-13T09:15:00+03:00"),
        ("Wed Feb 13 2024 09:15:00 GMT+0700 (Indochina Time)", "2024-02-13T09:15:00+07:00"),
        ("Tue, 13 Feb 2024 09:15:00 +0530 (IST)", "2024-02-13T09:15:00+05:30"),
        ("Tue, 13 Feb 2024 09:15:00 EST", "2024-02-13T09:15:00-05:00"),
        ("2024-02-13T091500.5", "2024-02-13T09:15:00.500000+00:00"),
    ],
)
def test_times_that_say_what_they_are(written, time):
    """A half of the day, a zone and a clock with points are read, not passed over; nothing has to be repaired."""
    moment, fault = time_of(written)

    assert (moment.isoformat(), fault) == (time, "")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("Tue, 13 Feb 2024 09:15:00 IST", "'IST' is not known"),
        ("Tue Feb 13 09:15:00 MSK 2024", "'MSK' is not known"),
        ("13/02/24 09:15", "the year 24 was read as 2024"),
        ("29/2/2567 09:15", "the year 2567 was read as 2024"),
    ],
)
def test_what_is_guessed_of_a_time_is_said(written, fault):
    """A zone that nobody knows is read as UTC, a short year as one of this century: repairs."""
    moment, said = time_of(written)

    assert f"{moment:%H:%M}" == "09:15"
    assert fault in said
