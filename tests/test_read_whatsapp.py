"""WhatsApp's text export: dates of every region, long messages, notices, media."""

import os
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reading import records
from threelines.platforms.read import ReadReport, read


def chat(tmp_path, *lines, **options):
    """Write a chat and read it with names kept."""
    path = tmp_path / "chat.txt"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    report = ReadReport()
    return list(read([path], format_name="whatsapp", report=report, **({"reveal": True} | options))), report


HEADS = [
    ("[12/31/23, 9:15:30\u202fPM] Ana: hi", "2023-12-31T21:15:30"),
    ("\u200e[31.12.23, 21:15:30] Ana: hi", "2023-12-31T21:15:30"),
    ("12/31/23, 9:15 PM - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/2023, 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("2023-12-31 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("2023-12-31, 9:15 a.m. - Ana: hi", "2023-12-31T09:15:00"),
    ("31/12/23 21.15 - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/2023 às 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23 9:15 p. m. - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23, 9:15 p.\u00a0m. - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23 12:05 a. m. - Ana: hi", "2023-12-31T00:05:00"),
    ("2023. 12. 31. 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("\u200f31\u200f/12\u200f/2023، 9:15 م - Ana: hi", "2023-12-31T21:15:00"),
    ("٣١/١٢/٢٠٢٣، ٩:١٥ ص - Ana: hi", "2023-12-31T09:15:00"),
    ("৩১/১২/২৩, ৯:১৫ PM - Ana: hi", "2023-12-31T21:15:00"),
    ("๓๑/๑๒/๒๕๖๖ ๒๑:๑๕ - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/2566 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/66 21:15 - Ana: hi", "2023-12-31T21:15:00"),
    ("[31/12/2566 BE 21:15:00] Ana: hi", "2023-12-31T21:15:00"),
    ("[29/2/2567 14:23:05] Ana: hi", "2024-02-29T14:23:05"),
    ("[2024/5/1 下午3:20:11] Ana: hi", "2024-05-01T15:20:11"),
    ("2024/5/1 上午12:20 - Ana: hi", "2024-05-01T00:20:00"),
    ("2024/5/1 凌晨2:20 - Ana: hi", "2024-05-01T02:20:00"),
    ("2024/5/1 中午12:20 - Ana: hi", "2024-05-01T12:20:00"),
    ("2024/5/1 晚上11:20 - Ana: hi", "2024-05-01T23:20:00"),
    ("2024年5月1日 15:20 - Ana: hi", "2024-05-01T15:20:00"),
    ("[2024/05/01 午後3:20:11] Ana: hi", "2024-05-01T15:20:11"),
    ("[2024/05/01 午前0:20:11] Ana: hi", "2024-05-01T00:20:11"),
    ("[R6/05/01 15:20:11] Ana: hi", "2024-05-01T15:20:11"),
    ("[令和6年5月1日 15:20:11] Ana: hi", "2024-05-01T15:20:11"),
    ("2024년 5월 1일 오후 3:20 - Ana: hi", "2024-05-01T15:20:00"),
    ("2024. 5. 1. 오전 3:20, Ana : hi", "2024-05-01T03:20:00"),
    ("[2024. 5. 1. 오후 3:20:11] Ana: hi", "2024-05-01T15:20:11"),
    ("31.12.23 kl. 21.15 - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23, 9:15 PTG - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23, 9:15 CH - Ana: hi", "2023-12-31T21:15:00"),
    ("31/12/23, 9:15 μ.μ. - Ana: hi", "2023-12-31T21:15:00"),
    ("[31/12/23 หลังเที่ยง 9:15:00] Ana: hi", "2023-12-31T21:15:00"),
]


@pytest.mark.parametrize(("line", "time"), HEADS)
def test_heads_of_many_regions(tmp_path, line, time):
    """Dates, clocks, digits, marks and years of many regions are understood, and the format is found."""
    found, report = chat(tmp_path, line)
    (alone,) = read([tmp_path / "chat.txt"], reveal=True)

    assert [(one.author, one.text, one.time.isoformat()) for one in found] == [("Ana", "hi", time + "+00:00")]
    assert report.skipped == 0
    assert alone == found[0]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.datetimes(datetime(2012, 1, 1), datetime(2025, 12, 1)), min_size=30, max_size=30, unique=True),
    st.sampled_from(("%d/%m/%y, %H:%M", "%m/%d/%y, %I:%M %p", "%y/%m/%d, %H:%M", "%d.%m.%Y, %H:%M", "%Y/%m/%d, %H:%M")),
)
def test_the_order_of_a_date_is_decided_from_the_whole_file(tmp_path, times, form):
    """Day first, month first or year first: a chat of many days is always read right."""
    times = sorted(time.replace(second=0, microsecond=0) for time in times)
    found, report = chat(tmp_path, *(f"{time.strftime(form)} - Ana: hi" for time in times))

    assert [one.time.replace(tzinfo=None) for one in found] == times
    assert report.repaired == 0


def test_time_runs_forward_even_where_every_date_is_possible(tmp_path):
    """No day is above 12, yet only one order lets the chat run forward day by day."""
    days = [datetime(2024, 3, 1) + timedelta(days=number) for number in range(12)]
    found, doubt = chat(tmp_path, *(f"{day.strftime('%m/%d/%y')}, 10:00 - Ana: hi" for day in days))

    assert [one.time.day for one in found] == list(range(1, 13))
    assert doubt.repaired == 1  # one message a month is possible, too


def test_a_date_that_could_be_two_is_said(tmp_path):
    """One date such as 01/02/24 is read day first, or month first beside "PM", and the doubt is reported."""
    european, doubt = chat(tmp_path, "01/02/24, 21:15 - Ana: hi")
    american, _ = chat(tmp_path, "1/2/24, 9:15 PM - Ana: hi")

    assert (european[0].time.month, american[0].time.month) == (2, 1)
    assert doubt.repaired == 1
    assert "more than one order" in doubt.examples[0].reason


def test_a_file_that_lost_its_date_is_read_like_any_other(tmp_path):
    """An archive without dates gives 1980, before every message; then the file's date says nothing of their order."""
    days = ("11/28/23", "11/29/23", "12/30/23", "12/31/23", "12/02/23")
    path = tmp_path / "chat.txt"
    path.write_text("".join(f"[{day}, 21:15:00] Ana: hi\n" for day in days))
    os.utime(path, (315532800, 315532800))
    found, report = records(path)

    assert [f"{one.time:%m/%d/%y}" for one in found] == list(days)
    assert report.repaired == 0


def test_the_date_of_a_file_tells_the_order_of_its_dates(tmp_path):
    """Where one order has messages after the file was written and another has none, the other is right."""
    path = tmp_path / "chat.txt"
    path.write_text("02/01/24, 21:15 - Ana: hi\n02/03/24, 21:15 - Ana: ho\n")
    os.utime(path, (datetime(2024, 2, 4).timestamp(),) * 2)
    found, report = records(path)

    assert [one.time.day for one in found] == [1, 3]
    assert report.repaired == 0


def test_impossible_dates_cost_the_time_only(tmp_path):
    """A date that exists in no order leaves the message without a time, as a counted repair."""
    found, report = chat(tmp_path, "20/12/23, 21:15 - Ana: a", "39/39/23, 21:15 - Ana: b")

    assert [(one.text, one.time is None) for one in found] == [("a", False), ("b", True)]
    assert report.repaired == 1


def test_messages_of_many_lines(tmp_path):
    """Lines without a head belong to the message before; a line before the first message is a skip."""
    found, report = chat(tmp_path, "stray", "20/12/23, 21:15 - Ana: one", "", "three", "20/12/23, 21:16 - Bob: two")

    assert [one.text for one in found] == ["one\n\nthree", "two"]
    assert [one.audience for one in found] == [("Bob",), ("Ana",)]
    assert report.skipped == 1


@pytest.mark.parametrize(
    "line",
    [
        "20/12/23, 21:15 - Messages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        "[20/12/23, 21:15:00] Group: \u200eMessages and calls are end-to-end encrypted. No one outside of this chat can read them.",
        "20/12/23, 21:15 - Ana added Bob",
        "20/12/23, 21:15 - Ana changed the subject from “Jobs: a” to “Jobs: b”",
        "20/12/23, 21:15 - Ana left",
        "20/12/23, 21:15 - Ana: Missed voice call",
        "[20/12/23, 21:15:00] Ana: \u200eMissed voice call. \u200eTap to call back",
        "20/12/23, 21:15 - Ana: This message was deleted",
        "20/12/23, 21:15 - Ana: Pesan ini telah dihapus",
        "[20/12/23, 21:15:00] Ana: \u200eAna added Bob",
    ],
)
def test_notices_are_system(tmp_path, line):
    """WhatsApp's own words are kept as `system`, and say nothing without `reveal`."""
    kept, _ = chat(tmp_path, line)
    hidden, _ = chat(tmp_path, line, reveal=False, key=b"a key for the tests only")

    assert (kept[0].kind, hidden[0].kind) == ("system", "system")
    assert hidden[0].text == ""


@pytest.mark.parametrize(
    "text",
    [
        "I got a missed voice call from him, what now?",
        "all is end-to-end encrypted, write to @sample or 0812345678",
        "ok added you to the list",
        "\u200ewe left the house, job without experience",
        "This message was deleted, but here it is again: call 0812345678",
    ],
)
def test_nobody_leaves_judgement_by_quoting_a_notice(tmp_path, text):
    """A message that only contains the words of a notice stays a message."""
    found, _ = chat(tmp_path, f"20/12/23, 21:15 - Ana: {text}")

    assert found[0].kind == "message"
    assert found[0].text == text.lstrip("\u200e")


def test_an_author_named_like_a_notice_stays_an_author(tmp_path):
    """Who writes more than once under such a name is an author."""
    found, _ = chat(tmp_path, '20/12/23, 21:15 - created "HR": a', '20/12/23, 21:16 - created "HR": b')

    assert [(one.kind, one.text) for one in found] == [("message", "a"), ("message", "b")]


@pytest.mark.parametrize(
    ("body", "name", "text"),
    [
        ("<Media omitted>", "omitted", ""),
        ("<Media tidak disertakan>", "omitted", ""),
        ("<Médias omis>", "omitted", ""),
        ("<省略多媒體檔案>", "omitted", ""),
        ("<ไม่รวมสื่อ>", "omitted", ""),
        ("\u200eimage omitted", "omitted", ""),
        ("\u200e<attached: 00000012-PHOTO-2024.jpg>", "00000012-PHOTO-2024.jpg", ""),
        ("IMG-20231220-WA0001.jpg (file attached)", "IMG-20231220-WA0001.jpg", ""),
        ("IMG-1.jpg (archivo adjunto)\nmira", "IMG-1.jpg", "mira"),
        ("look here \u200e<attached: 00000013-PHOTO-2024.jpg>", "00000013-PHOTO-2024.jpg", "look here"),
        ("look\nhere \u200e<adjunto: 00000013-PHOTO-2024.jpg>", "00000013-PHOTO-2024.jpg", "look\nhere"),
        ("\u200ex.pdf • \u200e2 pages \u200e<attached: 00000014-x.pdf>", "00000014-x.pdf", "x.pdf • \u200e2 pages"),
    ],
)
def test_media_become_attachments(tmp_path, body, name, text):
    """What stood for a picture is an attachment; a caption stays the text."""
    found, _ = chat(tmp_path, f"20/12/23, 21:15 - Ana: {body}")

    assert [one.name for one in found[0].attachments] == [name]
    assert found[0].text == text


def test_angle_brackets_of_an_author_stay(tmp_path):
    """Only known placeholders are taken for media."""
    found, _ = chat(tmp_path, "20/12/23, 21:15 - Ana: <hello>")

    assert found[0].text == "<hello>"


@pytest.mark.parametrize("mark", ["", "\u200e"])
def test_that_a_message_was_edited_is_no_word_of_its_author(tmp_path, mark):
    """WhatsApp puts it behind the words; what an author writes in such brackets elsewhere stays."""
    found, _ = chat(
        tmp_path,
        f"20/12/23, 21:15 - Ana: come at nine {mark}<This message was edited>",
        f"20/12/23, 21:16 - Ana: {mark}<This message was edited> is what I saw",
    )

    assert found[0].text == "come at nine"
    assert found[1].text == "<This message was edited> is what I saw"


def test_a_changed_security_code_is_nobody(tmp_path):
    """The name of the contact in it may hold a colon; it was an author, and the two of the chat had no audience any more."""
    notice = "20/12/23, 21:14 - Your security code with Bo: Work changed. Tap to learn more."
    found, _ = chat(
        tmp_path, notice, "20/12/23, 21:15 - Ana: hi", notice, "20/12/23, 21:16 - Bo: Work: hello",
    )  # fmt: skip

    assert [(one.kind, one.author) for one in found[::2]] == [("system", "")] * 2
    assert [one.audience for one in found[1::2]] == [("Bo",), ("Ana",)]


def test_nobody_leaves_judgement_under_the_name_of_a_notice(tmp_path):
    """A line that only begins like one, or that names a way to reach somebody, is a message."""
    found, _ = chat(
        tmp_path,
        "20/12/23, 21:15 - Your security code with Bo: the work is in the city and the house is paid",
        "20/12/23, 21:15 - Your security code with Bo: call 0812345678, my number has changed",
    )

    assert [one.kind for one in found] == ["message", "message"]
