"""Generic rows: JSON lines, JSON, CSV and Parquet, in order and in disorder."""

import gzip
import json
import tracemalloc
from datetime import UTC, date, datetime, timedelta, timezone

import msgspec
import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reading import file_of, records
from threelines.engine.local import scan
from threelines.platforms.read import ReadError, ReadReport, formats, read
from threelines.platforms.read._source import LIMIT
from threelines.platforms.read._times import time_of
from threelines.records import Attachment, Record
from threelines.vocabulary.terms import load

KEY = b"a key for the tests only"


def test_every_field_is_read_and_unknown_columns_are_kept(tmp_path):
    """All named fields land in the record, what has no name here in `extra`."""
    row = {
        "id": 7, "kind": "advert", "author": "u1", "audience": ["u2"], "conversation": "c", "time": "2024-05-01T10:00:00+07:00",
        "text": "cook wanted", "language": "en", "attachments": ["a.png"], "label": "ok", "city": "Lyon",
    }  # fmt: skip
    found, report = records(file_of(tmp_path, "a.jsonl", json.dumps(row)))

    assert found == [
        Record(
            id="7", kind="advert", author="u1", audience=("u2",), conversation="c", text="cook wanted", language="en", label="ok",
            time=datetime.fromisoformat("2024-05-01T10:00:00+07:00"), attachments=(Attachment(name="a.png"),),
            source="a.jsonl:1", extra={"city": "Lyon"},
        )
    ]  # fmt: skip
    assert (report.read, report.skipped, report.repaired) == (1, 0, 0)


def test_text_alone_is_enough(tmp_path):
    """A row needs nothing but a text; its id is then `file:line`."""
    found, _ = records(file_of(tmp_path, "a.jsonl", '{"text":"hello"}\n\n{"text":"again"}'))

    assert [(one.id, one.text, one.kind) for one in found] == [
        ("a.jsonl:1", "hello", "message"),
        ("a.jsonl:3", "again", "message"),
    ]


def test_broken_lines_are_counted_and_named(tmp_path):
    """A broken line is passed over, counted, and named by file and line; strict ends the run there."""
    path = file_of(
        tmp_path, "a.jsonl", '{"text":"one"}\n{"text":\n[1]\n{"text":{"a":1}}\n{"body":"x"}\n{"text":"two"}\n'
    )
    found, report = records(path)

    assert [one.text for one in found] == ["one", "two"]
    assert report.skipped == 4
    assert [fault.where for fault in report.examples] == ["a.jsonl:2", "a.jsonl:3", "a.jsonl:4", "a.jsonl:5"]
    with pytest.raises(ReadError, match=r"a\.jsonl:2"):
        records(path, strict=True)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"text":"a\xffb"}', "a\ufffdb"),
        (b'{"text":"\\ud83d!"}', "\ufffd!"),
        (b'{"text":"a\\u0000b"}', "a\x00b"),
        (b'{"text":"a\x00b"}', None),
        (b'{"text":"x","deep":' + b"[" * 90_000 + b"]" * 90_000 + b"}", None),
    ],
)
def test_hostile_lines_are_repaired_or_skipped_never_silent(tmp_path, line, kept):
    """Bytes that are no UTF-8, half characters, NULs and endless nesting end no run."""
    found, report = records(file_of(tmp_path, "a.jsonl", b'{"text":"first"}\n' + line + b'\n{"text":"last"}\n'))

    middle = [one.text for one in found if one.text not in ("first", "last")]
    assert middle == ([] if kept is None else [kept])
    assert len(found) - len(middle) == 2
    assert report.skipped == (kept is None)


def test_deep_columns_are_left_out_with_a_note(tmp_path):
    """A column nested deeper than anything useful is dropped, and said."""
    deep = json.loads("[" * 60 + "]" * 60)
    found, report = records(file_of(tmp_path, "a.jsonl", json.dumps({"text": "x", "deep": deep, "flat": 1})))

    assert found[0].extra == {"flat": 1}
    assert report.repaired == 1


def test_a_line_without_end_is_one_skip_and_memory_stays_flat(tmp_path):
    """A line above the limit is read in pieces, thrown away, counted once."""
    path = tmp_path / "a.jsonl"
    with path.open("wb") as file:
        file.write(b'{"text":"before"}\n{"text":"')
        for _ in range(3):
            file.write(b"x" * LIMIT)
        file.write(b'"}\n{"text":"after"}\n')
    tracemalloc.start()
    found, report = records(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [one.text for one in found] == ["before", "after"]
    assert report.skipped == 1
    assert "16 MiB" in report.examples[0].reason
    assert peak < 2.6 * LIMIT


@pytest.mark.parametrize("name", ["big.jsonl", "big.csv", "big.json", "result.json", "chat.txt", "big.parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path, name):
    """Four times the records need no more memory (half a megabyte of slack)."""

    def peak(count):
        path = tmp_path / f"{count}-{name}"
        _write_many(path, name, count)
        tracemalloc.start()
        number = sum(1 for _ in read([path], key=KEY))
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert number == count
        return top

    peak(100)
    assert peak(6000) < peak(1500) + 500_000


def _write_many(path, name, count):
    texts = [f"hello number {number} " + "word " * 20 for number in range(count)]
    if name == "big.jsonl":
        path.write_text("".join(json.dumps({"text": text, "author": "u"}) + "\n" for text in texts))
    elif name == "big.csv":
        path.write_text("text,author\n" + "".join(f"{text},u\n" for text in texts))
    elif name == "big.json":
        path.write_text(json.dumps([{"text": text} for text in texts]))
    elif name == "big.parquet":
        polars.DataFrame({"text": texts}).write_parquet(path)
    elif name == "chat.txt":
        path.write_text(
            "".join(f"{1 + n % 28}/05/2024, 10:{n % 60:02} - Ana: {text}\n" for n, text in enumerate(texts))
        )
    else:
        message = [
            {"id": n, "type": "message", "date": "2024-05-01T10:00:00", "from_id": "user1", "text": text}
            for n, text in enumerate(texts)
        ]
        path.write_text(json.dumps({"name": "x", "type": "private_group", "id": 1, "messages": message}))


def test_columns_are_mapped_by_name_and_by_constant(tmp_path):
    """`text=body` renames; a value that starts with "=" is set for every row."""
    path = file_of(tmp_path, "a.csv", "body,user,kind\nhello,u1,?\n")
    found, _ = records(path, mapping={"text": "body", "author": "user", "kind": "=advert"})

    assert [(one.text, one.author, one.kind) for one in found] == [("hello", "u1", "advert")]


def test_a_file_without_text_says_what_it_has(tmp_path):
    """Columns of unknown names are an error that lists them and suggests a map of what reads as words."""
    for name, content in (
        ("a.csv", "a,wording\n1,come to us by bus\n"),
        ("a.jsonl", '{"a":1,"wording":"come to us by bus"}\n'),
        ("a.json", '[{"a":1,"wording":"come to us by bus"}]'),
    ):
        with pytest.raises(ReadError, match=r"found: a, wording.*--map text=wording"):
            records(file_of(tmp_path, name, content))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_mapped_column_that_a_table_lacks_is_an_error(tmp_path, name):
    """A typing error in the column of any field ends the run at the header, with the columns found."""
    path = file_of(tmp_path, name, "text,company\nhello,Acme\n")
    if name == "a.parquet":
        polars.DataFrame({"text": ["hello"], "company": ["Acme"]}).write_parquet(path)

    with pytest.raises(ReadError, match=r"author=compny: there is no column 'compny' \(found: text, company\)"):
        records(path, mapping={"author": "compny"})
    assert records(path, mapping={"author": "company"})[0][0].author == "Acme"


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_mapped_column_that_no_row_has_is_told_once(tmp_path, name):
    """Columns of JSON vary by row: one counted repair at the end where no row had the column, none where one had it."""
    rows = [{"text": "one", "city": "Lyon"}, {"text": "two", "company": "Acme"}]
    path = file_of(tmp_path, name, json.dumps(rows) if name == "a.json" else "\n".join(map(json.dumps, rows)))
    found, report = records(path, mapping={"author": "compny"})

    assert [one.text for one in found] == ["one", "two"]
    assert (report.skipped, report.repaired) == (0, 1)
    assert report.examples[0].where == name
    assert "--map author=compny: there is no column 'compny' (found: text, city, company)" in report.examples[0].reason
    with pytest.raises(ReadError, match="compny"):
        records(path, mapping={"author": "compny"}, strict=True)
    found, report = records(path, mapping={"author": "company"})
    assert ([one.author for one in found], report.repaired) == (["", "Acme"], 0)


def test_an_unknown_field_of_the_map_is_refused(tmp_path):
    """A typing error in --map must not pass silently."""
    with pytest.raises(ReadError, match="no field is called 'txt'"):
        records(file_of(tmp_path, "a.jsonl", '{"text":"x"}'), mapping={"txt": "body"})


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "empty"), (b" \n\n", "empty"), (bytes(range(256)) * 20, "binary"), (b"just a sentence\n", "not recognised")],
)
def test_inputs_that_are_no_export_give_a_clear_error(tmp_path, content, message):
    """An empty, binary or unknown file is named together with the remedy."""
    with pytest.raises(ReadError, match=message):
        records(file_of(tmp_path, "a.dat", content))


def test_a_bad_file_among_others_ends_no_run(tmp_path):
    """In a folder a file of no known format is a counted skip; a missing input is an error."""
    file_of(tmp_path, "a.jsonl", '{"text":"x"}\n')
    file_of(tmp_path, "b.bin", bytes(range(256)))
    report = ReadReport()
    found = list(read([tmp_path], report=report, reveal=True))

    assert [one.text for one in found] == ["x"]
    assert [fault.where for fault in report.examples] == ["b.bin"]
    with pytest.raises(ReadError, match="no such file"):
        list(read([tmp_path / "missing"], reveal=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("_chat.txt", "12/03/2024, 09:00 - Ann: hello\n"),
        ("a.csv", "text,author\nhello,u1\n"),
        ("a.jsonl", '{"text":"hello"}\n'),
    ],
)
def test_files_of_one_name_are_kept_apart(tmp_path, name, content):
    """Given one by one, folder by folder, or by their common folder, two files of one name give the same two ids."""
    folders = [tmp_path / one for one in ("x", "y")]
    for folder in folders:
        folder.mkdir()
        file_of(folder, name, content)
    together, apart, by_folder = (
        [(one.id, one.source, one.conversation) for one in read(inputs, reveal=True)]
        for inputs in ([tmp_path], [folder / name for folder in folders], folders)
    )

    assert together == apart == by_folder
    assert len(set(together)) == 2
    assert apart[0][0].startswith(f"x/{name}:")


def test_names_of_files_stay_short_where_they_differ(tmp_path):
    """Only files of one name are named from their common folder; the same file twice is no second name."""
    for folder in ("x/deep", "y"):
        (tmp_path / folder).mkdir(parents=True)
    files = [
        file_of(tmp_path, name, '{"text":"hello"}\n')
        for name in ("x/deep/a.jsonl", "y/a.jsonl", "y/b.jsonl", "c.jsonl")
    ]
    found = [one.source for one in read([*files, files[3]], reveal=True)]

    assert found == ["x/deep/a.jsonl:1", "y/a.jsonl:1", "b.jsonl:1", "c.jsonl:1", "c.jsonl:1"]


def test_a_name_made_from_a_folder_meets_no_other_name(tmp_path):
    """Where a made name is what a file of a given folder is called, all are named from the folder of all."""
    for folder in ("x", "y", "given/x"):
        (tmp_path / folder).mkdir(parents=True)
    files = [file_of(tmp_path, f"{folder}/a.jsonl", '{"text":"hello"}\n') for folder in ("x", "y", "given/x")]
    found = [one.source for one in read([*files[:2], tmp_path / "given"], reveal=True)]

    assert found == ["x/a.jsonl:1", "y/a.jsonl:1", "given/x/a.jsonl:1"]


def test_reading_needs_a_key_or_a_deliberate_act(tmp_path):
    """Without a key and without `reveal` nothing is read."""
    with pytest.raises(ReadError, match="key"):
        read([file_of(tmp_path, "a.jsonl", '{"text":"x"}')])


def test_conversations_and_accounts_in_one_line(tmp_path):
    """`turns` are spread into one conversation, `posts` into one account."""
    lines = [
        {"id": "c1", "label": "ok", "turns": [{"speaker": "A", "text": "hi"}, {"speaker": "B", "text": "yes"}, 3]},
        {"id": "acc9", "posts": [{"time": "2024-05-01", "text": "p1"}, {"text": "p2", "lang": "en"}]},
    ]
    found, report = records(file_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, lines))))

    turns, posts = found[:2], found[2:]
    assert [(one.id, one.conversation, one.author, one.audience, one.label) for one in turns] == [
        ("c1:1", "c1", "c1/A", ("c1/B",), "ok"),
        ("c1:2", "c1", "c1/B", ("c1/A",), "ok"),
    ]
    assert [(one.id, one.kind, one.author, one.text) for one in posts] == [
        ("acc9:1", "post", "acc9", "p1"),
        ("acc9:2", "post", "acc9", "p2"),
    ]
    assert report.skipped == 1


def test_parquet_and_gzip(tmp_path):
    """Parquet keeps types; gzip is found by its content, whatever the name."""
    frame = polars.DataFrame(
        {"text": ["a", "b"], "audience": [["u1"], []], "time": [datetime(2024, 5, 1), None], "pay": [1.5, None]}
    )
    frame.write_parquet(tmp_path / "a.parquet")
    (tmp_path / "packed").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    found, _ = records(tmp_path / "a.parquet")
    packed, _ = records(tmp_path / "packed")

    assert found[0].audience == ("u1",)
    assert found[0].time == datetime(2024, 5, 1, tzinfo=UTC)
    assert found[0].extra == {"pay": 1.5}
    assert [one.text for one in packed] == ["a", "b"]


def test_a_gzip_that_breaks_off_gives_what_came_before(tmp_path):
    """A damaged archive is a counted skip."""
    lines = "".join(json.dumps({"text": f"{number} {hash(str(number))}"}) + "\n" for number in range(5000)).encode()
    found, report = records(file_of(tmp_path, "a.jsonl.gz", gzip.compress(lines)[:-3000]))

    assert 0 < len(found) < 5000
    assert "breaks off" in report.examples[-1].reason


def test_a_json_document_that_breaks_off_gives_what_came_before(tmp_path):
    """A truncated array is read as far as it goes; broken bytes in it are replaced and said."""
    found, report = records(file_of(tmp_path, "a.json", b'[{"text":"a\xff"},{"text":"b"},{"text":'))

    assert [one.text for one in found] == ["a\ufffd", "b"]
    assert (report.skipped, report.repaired) == (1, 1)


def test_one_endless_item_of_a_json_array_is_refused_in_bounded_memory(tmp_path):
    """Ijson holds one item whole, so an item above the limit ends the document with a skip."""
    path = tmp_path / "a.json"
    with path.open("wb") as file:
        file.write(b'[{"text":"a"},{"text":"')
        for _ in range(40):
            file.write(b"x" * (1 << 20))
        file.write(b'"}]')
    found, report = records(path, format_name="json")

    assert [one.text for one in found] == ["a"]
    assert "longer than 16 MiB" in report.examples[0].reason


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01 10:00", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01", "2024-05-01T00:00:00+00:00"),
        ("2024/05/01 10:00:00", "2024-05-01T10:00:00+00:00"),
        ("2024-05-01 10:00:00 UTC", "2024-05-01T10:00:00+00:00"),
        (1714557600, "2024-05-01T10:00:00+00:00"),
        ("1714557600", "2024-05-01T10:00:00+00:00"),
        (1714557600000, "2024-05-01T10:00:00+00:00"),
        (1714557600.5, "2024-05-01T10:00:00.500000+00:00"),
        ("1714121300000", "2024-04-26T08:48:20+00:00"),
        (20260101, "2026-01-01T00:00:00+00:00"),
        (20260101.0, "2026-01-01T00:00:00+00:00"),
        (date(2026, 1, 2), "2026-01-02T00:00:00+00:00"),
        ("Wed, 01 May 2024 10:00:00 +0200", "2024-05-01T10:00:00+02:00"),
        ("2567-05-01T10:00:00", "2024-05-01T10:00:00+00:00"),
        ("2567-02-29 10:00", "2024-02-29T10:00:00+00:00"),
        ("令和6年5月1日 10時00分", "2024-05-01T10:00:00+00:00"),
        ("10/17/2020, 2:50:24 PM", "2020-10-17T14:50:24+00:00"),
        ("令和元年5月1日", "2019-05-01T00:00:00+00:00"),
        ("R6.5.1 10:00", "2024-05-01T10:00:00+00:00"),
        ("平成31年4月30日", "2019-04-30T00:00:00+00:00"),
        ("2024年5月1日 10:00", "2024-05-01T10:00:00+00:00"),
        ("٢٠٢٤-٠٥-٠١ ١٠:٠٠", "2024-05-01T10:00:00+00:00"),
        ("๒๕๖๗-๐๕-๐๑", "2024-05-01T00:00:00+00:00"),
    ],
)
def test_times_of_three_calendars(written, expected):
    """ISO 8601, epochs, mail dates, Buddhist and Japanese years become one kind of time, always with a zone."""
    time, _ = time_of(written)

    assert time.isoformat() == expected


@pytest.mark.parametrize(
    "written",
    ["tomorrow", "31/31/31", 1e30, float("nan"), "1403-02-12", True, [], "99999999999999999999", 0, 2026, 20261301],
)
def test_times_that_cannot_be_read_are_left_out_and_said(written):
    """An unreadable time costs the time, not the record."""
    time, fault = time_of(written)

    assert time is None
    assert "left out" in fault


@pytest.mark.parametrize(
    "written",
    [
        "9999-12-31T23:59:59-05:00",
        " 9999-12-31T23:59:59-05:00",
        "0001-01-01T00:00:00+05:00",
        " 0001-01-01T00:00:00+05:00",
        "Fri, 31 Dec 9999 23:59:59 -0500",
        datetime(9999, 12, 31, 23, tzinfo=timezone(-timedelta(hours=5))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
        "1970-01-01T00:00:00+05:00",
        "2100-12-31T23:59:59-05:00",
        "2357-01-01",
        -2_000_000_000,
    ],
)
def test_a_time_outside_1970_to_2100_is_left_out(written):
    """Every time that is read can be turned into UTC and counted with, whatever form it came in."""
    time, fault = time_of(written)

    assert time is None
    assert "left out" in fault


def test_the_last_evening_of_the_calendar_does_not_end_a_scan(tmp_path):
    """A sentinel date with a western zone is one counted repair, and the record is judged."""
    line = '{"text":"We look for a cook","kind":"advert","author":"a","time":"9999-12-31T23:59:59-05:00"}'
    found, report = records(file_of(tmp_path, "a.jsonl", line))
    judged = list(scan(found, load(), everything=True))

    assert (found[0].time, report.repaired) == (None, 1)
    assert judged


def test_a_record_survives_an_unreadable_time(tmp_path):
    """The record is kept without its time, as one counted repair."""
    found, report = records(file_of(tmp_path, "a.jsonl", '{"text":"x","time":"soon"}'))

    assert found[0].time is None
    assert report.repaired == 1


def test_each_format_has_the_same_face():
    """Every format module has NAME, sniff and read, and names are unique."""
    for name, module in formats().items():
        assert module.NAME == name
        assert callable(module.sniff)
        assert callable(module.read)


@pytest.mark.parametrize(
    ("written", "label"),
    [(" fraud ", "fraud"), ("fraud\u3000\n", "fraud"), ("  ", ""), ("", ""), (None, ""), (3, "3"), (1.0, "1"), (True, "True")],
)  # fmt: skip
def test_labels_are_bare_words(tmp_path, written, label):
    """White space around a label makes no other label of it, and a blank one is none."""
    found, report = records(file_of(tmp_path, "a.jsonl", json.dumps({"text": "x", "label": written})))

    assert (found[0].label, report.repaired) == (label, 0)


@pytest.mark.parametrize("written", [["fraud"], {"name": "fraud"}, []])
def test_a_label_that_is_no_word_is_left_out_and_counted(tmp_path, written):
    """A list or object is no label: the record is kept without one, as a counted repair that strict ends at."""
    path = file_of(tmp_path, "a.jsonl", json.dumps({"text": "x", "label": written}))
    found, report = records(path)

    assert [(one.text, one.label, one.extra) for one in found] == [("x", "", {})]
    assert report.repaired == 1
    assert "the label is" in report.examples[0].reason
    with pytest.raises(ReadError, match=r"a\.jsonl:1: the label is"):
        records(path, strict=True)


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
RECORDS = st.builds(
    Record,
    id=WORDS.filter(bool), kind=st.sampled_from(("message", "advert", "post", "system", "request")), author=WORDS,
    audience=st.lists(WORDS.filter(bool), max_size=3).map(tuple), conversation=WORDS,
    time=st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    text=WORDS, language=st.sampled_from(("", "en", "zh")), label=WORDS.map(str.strip), source=WORDS.filter(bool),
    attachments=st.lists(st.builds(Attachment, name=WORDS, hash=WORDS), max_size=2).map(tuple),
    extra=st.dictionaries(
        st.sampled_from(("city", "pay", "tags")), st.none() | st.booleans() | st.integers(-5, 2**53) | WORDS | st.lists(WORDS, max_size=2)
    ),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(RECORDS, min_size=1, max_size=5))
def test_generic_form_read_again_is_the_same(tmp_path, given_records):
    """What `read` writes, `read` reads: the same records to the last column."""
    written = b"".join(msgspec.json.encode(one) + b"\n" for one in given_records)
    # omit_defaults leaves an empty text out; the written form of such a record still reads as one
    wanted = [one for one in given_records if one.text or one.attachments or one.kind == "system"]
    found, _ = records(file_of(tmp_path, "a.jsonl", written), format_name="jsonl") if wanted else ([], None)

    assert found == wanted


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=400), st.sampled_from(sorted(formats())))
def test_no_bytes_crash_a_reader(tmp_path, data, name):
    """Any bytes under any format give records, counted skips, or a ReadError."""
    path = file_of(tmp_path, "any", data)
    for format_name in (name, None):
        try:
            for one in read([path], key=KEY, format_name=format_name):
                msgspec.json.encode(one)
        except ReadError as fault:
            assert str(fault)


SHAPES = {
    "telegram": b'{"name":"n","type":"t","id":1,"messages":[{"id":1,"type":"message","date":"2024-05-01T10:00:00","from":"a","from_id":"user1","text":["x",{"type":"link","text":"y"}]}]}',
    "discord": b'{"guild":{"id":"1"},"channel":{"id":"2"},"messages":[{"id":"3","type":"Default","timestamp":"2024-05-01T10:00:00Z","content":"x","author":{"id":"4"},"mentions":[]}]}',
    "mastodon": b'{"orderedItems":[{"id":"1","type":"Create","actor":"a","published":"2024-05-01T10:00:00Z","object":{"id":"n","content":"<p>x</p>","tag":[]}}]}',
    "reddit": b'{"kind":"Listing","data":{"children":[{"kind":"t3","data":{"name":"t3_1","title":"a","selftext":"b","created_utc":1}}]}}',
    "mbox": b"From a\nFrom: a@b.org\nTo: c@d.org\nSubject: =?utf-8?q?x?=\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\nPHA+eDwvcD4=\n",
    "whatsapp": b"01/05/2024, 10:00 - Ana: hello\nmore\n02/05/2024, 10:00 - <Media omitted>\n",
    "csv": b'id,text,time\n1,"x",2024-05-01\n2,y,z\n',
    "jsonl": b'{"id":"c","turns":[{"speaker":"A","text":"x","time":5}]}\n{"text":"y","audience":"a;b","attachments":[{"name":"z"}]}\n',
    "json": b'[{"text":"x","kind":"advert","extra":{"a":[1]}}]',
}


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(sorted(SHAPES)),
    st.lists(st.tuples(st.integers(0, 600), st.sampled_from((b"", b"{", b"]", b'"', b"null", b"-1", b"\xff", b"\0", b"\n", b"[[", b":{}")), st.integers(0, 9)), max_size=4),
)  # fmt: skip
def test_no_damage_to_an_export_crashes_its_reader(tmp_path, name, cuts):
    """A real shape with bytes cut out and others put in ends in records, skips, or a ReadError."""
    data = SHAPES[name]
    for at, put, cut in cuts:
        at %= len(data)
        data = data[:at] + put + data[at + cut :] or b"x"
    try:
        for one in read([file_of(tmp_path, "any", data)], key=KEY, format_name=name):
            msgspec.json.encode(one)
    except ReadError as fault:
        assert str(fault)


def test_every_shape_reads_when_whole(tmp_path):
    """The shapes that the damage test starts from are sound: found by themselves, no skip."""
    for name, data in SHAPES.items():
        found, report = records(file_of(tmp_path, "whole", data))
        assert (report.formats["whole"], report.skipped) == (name, 0)
        assert found[0].text


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "招聘,护照由公司保管"), ("big5", "招聘護照"), ("shift_jis", "求人、寮あり"), ("windows-1251", "Работа за границей"),
        ("windows-1256", "عمل في الخارج"), ("tis-620", "รับสมัครงาน"), ("euc-kr", "해외 취업"), ("utf-16", "Work abroad ✈"),
    ],
)  # fmt: skip
def test_an_older_encoding_is_read_when_it_is_named(tmp_path, encoding, text):
    """`encoding` gives the same records as the file in UTF-8, packed or not; without it bytes are replaced and counted."""
    table = f'id,text\n1,"{text}"\n' + "".join(f"{n},{text[:3]} {n}\n" for n in range(2, 400))
    (tmp_path / "old.csv").write_bytes(table.encode(encoding))
    (tmp_path / "packed.csv").write_bytes(gzip.compress(table.encode(encoding)))
    (tmp_path / "new.csv").write_text(table, "utf-8")

    def texts(name, encoding=""):
        return [record.text for record in read([tmp_path / name], reveal=True, encoding=encoding)]

    assert texts("old.csv", encoding) == texts("packed.csv", encoding) == texts("new.csv", encoding="utf-8")
    if encoding != "utf-16":  # its mark tells it anyway
        report = ReadReport()
        list(read([tmp_path / "old.csv"], reveal=True, report=report))
        assert report.repaired > 0
        assert "--encoding" in report.examples[0].reason


@pytest.mark.parametrize("name", ["klingon", "zip", "base64", "rot13", "\0"])
def test_an_unknown_encoding_is_refused(tmp_path, name):
    """What is no encoding of texts is named in the error, before anything is read."""
    (tmp_path / "a.csv").write_text("id,text\n1,a\n", "utf-8")

    with pytest.raises(ReadError, match="no encoding of texts"):
        read([tmp_path / "a.csv"], reveal=True, encoding=name)
