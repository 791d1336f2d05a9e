"""Tables as text: dialects, cells of several lines, and quotes that open a cell by mistake."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reading import file_of, records
from threelines.platforms.read import ReadError, read
from threelines.platforms.read._source import LIMIT
from threelines.platforms.read._table import MOST_LINES

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


def cells(found):
    """Return id and text of each record."""
    return [(one.id, one.text) for one in found]


def test_csv_dialects(tmp_path):
    """Delimiter, byte order mark, UTF-16, quoted line ends and short rows are all understood or counted."""
    path = file_of(tmp_path, "a.csv", '\ufeffid;text\n1;"two\nlines; one text"\n2\n3;last\n'.encode())
    found, report = records(path)
    wide, _ = records(file_of(tmp_path, "b.tsv", "id\ttext\n1\tgrün\n".encode("utf-16")))

    assert [(one.id, one.text, one.source) for one in found] == [
        ("1", "two\nlines; one text", "a.csv:2"),
        ("3", "last", "a.csv:5"),
    ]
    assert [(fault.where, fault.reason) for fault in report.examples] == [
        ("a.csv:4", "1 columns where the header has 2")
    ]
    assert [one.text for one in wide] == ["grün"]


def test_a_quote_that_never_closes_does_not_swallow_a_file_of_many_megabytes(tmp_path):
    """A row above the limit of size is given up, and the lines behind its quote are read."""
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write('text\nfirst\n"never closed\n')
        for _ in range(LIMIT // 1_000_000 + 1):
            file.write("x" * 999_999 + "\n")
        file.write("last\n")
    found, report = records(path)

    assert [one.text for one in found[:2]] == ["first", '"never closed']
    assert found[-1].text == "last"
    assert (len(found), report.skipped, report.repaired) == (LIMIT // 1_000_000 + 4, 0, 1)


@pytest.mark.parametrize(
    "behind",
    [
        ["2,fine", "3,last"],
        ["2,fine", '3,"quoted, too"', "4,last"],
        ['2,"quoted"', "3,last"],
        ["2,fine", '3,"two\nlines"', "4,last"],
        [*(f"{number},fine" for number in range(2, 9)), '9,say "', "10,last"],
        ['2,say "hi" there', '3,""', "4,last"],
    ],
)
def test_a_quote_opened_by_mistake_costs_no_other_row(tmp_path, behind):
    """Closed by the end of the file, by another cell's quote or at another row's end: one repair, every row is read."""
    path = file_of(tmp_path, "a.csv", "\n".join(["id,text", '1,"bad', *behind, ""]))
    found, report = records(path)

    assert cells(found) == [("1", '"bad'), *(tuple(row) for row in csv.reader(io.StringIO("\n".join(behind))))]
    assert (report.skipped, report.repaired) == (0, 1)
    assert (report.examples[0].where, found[0].source, found[-1].text) == ("a.csv:2", "a.csv:2", "last")
    with pytest.raises(ReadError, match=r"a\.csv:2: a quote opens a cell here and does not close it"):
        records(path, strict=True)


def test_the_place_of_a_mistaken_quote_is_where_it_opens(tmp_path):
    """Behind a sound cell of several lines the fault names the later line; quotes and line ends around it stay."""
    content = 'id,city,text\r\n"a\r\nb",Lyon,"so ""bad\r\n2,Ulm,fine\r\n'
    found, report = records(file_of(tmp_path, "a.csv", content))

    assert [(one.id, one.extra["city"], one.text) for one in found] == [
        ("a\r\nb", "Lyon", '"so ""bad'),
        ("2", "Ulm", "fine"),
    ]
    assert [one.where for one in report.examples] == ["a.csv:3"]
    assert [one.source for one in found] == ["a.csv:2", "a.csv:4"]


def test_a_mistaken_quote_whose_line_is_no_row_is_a_skip(tmp_path):
    """Where the quote as a letter gives no row the line is lost and counted, the lines behind it are read."""
    found, report = records(file_of(tmp_path, "a.csv", 'id,text,city\n1,"bad, row\n2,bad,"row, too\n3,fine,Ulm\n'))

    assert cells(found) == [("1", '"bad'), ("3", "fine")]
    assert [(one.where, one.reason.rpartition("; ")[2]) for one in report.examples] == [
        ("a.csv:2", "it was read as a letter"),
        ("a.csv:3", "read as a letter it gives 4 columns where the header has 3"),
    ]


def test_a_file_that_ends_in_a_mistaken_quote(tmp_path):
    """The last character of a file, and a quote in the header, are no special cases."""
    found, report = records(file_of(tmp_path, "a.csv", 'id,text\n1,fine\n2,"'))

    assert cells(found) == [("1", "fine"), ("2", '"')]
    assert report.repaired == 1
    with pytest.raises(ReadError, match='found: id, "words'):
        records(file_of(tmp_path, "b.csv", 'id,"words\n1,fine\n'))


def test_words_behind_a_closing_quote_stay_in_their_cell(tmp_path):
    """A cell of several lines whose inner quotes are not doubled is one record and a repair, not the rows of its lines."""
    content = 'id,text\n1,"he said\n"yes" to me"\n2,"one" line\n3,last\n'
    found, report = records(file_of(tmp_path, "a.csv", content))

    assert cells(found) == [("1", 'he said\nyes" to me"'), ("2", "one line"), ("3", "last")]
    assert (report.skipped, report.repaired) == (0, 1)
    assert "behind the quote" in report.examples[0].reason


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"line {number}" for number in range(MOST_LINES - 1)),
        "a list:\n1,cook\n2,driver\n3,nurse\nwith a last line",
        "\n\n\n",
        'say "hi",\n"you"\n',
        '"',
    ],
)
def test_cells_of_several_lines_are_read_whole(tmp_path, text):
    """Long texts, lists with commas, blank lines and doubled quotes inside a cell are no mistake."""
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("id", "text"), ("1", text), ("2", "last")])
    found, report = records(file_of(tmp_path, "a.csv", buffer.getvalue()))

    assert cells(found) == [("1", text), ("2", "last")]
    assert (report.skipped, report.repaired) == (0, 0)


def test_a_row_of_several_lines_with_too_many_cells_is_one_skip(tmp_path):
    """As for a row of one line; the rows around it are read."""
    found, report = records(file_of(tmp_path, "a.csv", 'id,text\n1,"two\nlines",x\n2,last\n'))

    assert cells(found) == [("2", "last")]
    assert [one.reason for one in report.examples] == ["3 columns where the header has 2"]


def test_a_mistaken_quote_needs_no_memory_for_the_file(tmp_path):
    """Three times the rows behind the quote need no more memory, and all are read."""

    def peak(count):
        path = file_of(tmp_path, f"{count}.csv", 'id,text\n0,"bad\n' + "1,fine\n" * count)
        tracemalloc.start()
        number = sum(1 for _ in read([path], reveal=True))
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert number == count + 1
        return top

    peak(100)
    assert peak(3 * MOST_LINES) < peak(MOST_LINES + 1) + 500_000


@pytest.mark.parametrize("line", ['a","', 'b"c,"d', '"a"b,"c', '1,"bad', '1,""",'])
def test_no_line_is_read_over_and_over(tmp_path, line, monkeypatch):
    """Lines made so that each opens a quote and closes the one before are read a few times each, not once for all others."""
    asked = 0
    count = 4 * MOST_LINES

    def counted(one):
        nonlocal asked
        asked += 1
        return one

    def reader(lines, **options):
        return real(map(counted, lines), **options)

    real = csv.reader
    monkeypatch.setattr("threelines.platforms.read._table.csv.reader", reader)
    found, report = records(file_of(tmp_path, "a.csv", "id,text\n" + '1,"x\n' + f"{line}\n" * count + "2,last\n"))

    assert found[-1].text == "last"
    assert report.skipped + report.repaired > 0
    assert asked < 10 * count


ROWS = st.lists(st.from_regex(r"[a-c][a-c ,\n]{0,8}[a-c]", fullmatch=True), min_size=1, max_size=6)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ROWS, ROWS, st.from_regex(r"[a-c ]{0,9}", fullmatch=True))
def test_every_row_around_a_mistaken_quote_is_read(tmp_path, before, after, bad):
    """Whatever sound rows stand around it, one opening quote too many is one repair."""
    parts = []
    for texts in (before, after):
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\n").writerows(enumerate(texts))
        parts.append(buffer.getvalue())
    path = file_of(tmp_path, "a.csv", f'id,text\n{parts[0]}x,"{bad}\n{parts[1]}')
    found, report = records(path, format_name="csv")

    assert [one.text for one in found] == [*before, f'"{bad}', *after]
    assert (report.skipped, report.repaired) == (0, 1)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
def test_csv_round_trip(tmp_path, rows):
    """What the csv module writes is read back cell by cell."""
    rows = [(a.replace("\r", " ").replace("\0", ""), b.replace("\r", " ").replace("\0", "")) for a, b in rows]
    buffer = io.StringIO()
    table = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    table.writerows([("text", "city"), *rows])
    found, report = records(file_of(tmp_path, "a.csv", buffer.getvalue()), format_name="csv")

    assert [(one.text, one.extra["city"]) for one in found] == rows
    assert report.skipped == 0


def test_a_table_of_excel_is_told_its_encoding(tmp_path):
    """Where bytes were replaced, and where an encoding has no such name, the usual one of Excel is named; with it all is read."""
    path = file_of(tmp_path, "a.csv", "text\nMädchen für alles – sofort\n".encode("cp1252"))
    found, report = records(path)

    assert ("\ufffd" in found[0].text, report.repaired) == (True, 1)
    assert "--encoding windows-1252" in report.examples[0].reason
    with pytest.raises(ReadError, match="windows-1252"):
        records(path, encoding="ansi")
    assert records(path, encoding="windows-1252")[0][0].text == "Mädchen für alles – sofort"


def test_a_sender_and_a_time_that_are_not_read_are_told(tmp_path):
    """DiscordChatExporter's table has names of its own: nobody learnt that all its rows are without author and time."""
    rows = "".join(f'"{one}","ana{one}","2024-02-13T09:15:0{one}.0000000+00:00","hi there"\n' for one in range(3))
    path = file_of(tmp_path, "d.csv", f"AuthorID,Author,Date,Content\n{rows}")
    _, report = records(path, strict=True)
    told, after = records(path, mapping={"author": "AuthorID", "time": "Date"})

    assert [(note.reason, note.remedy) for note in report.notes if "no column" in note.reason] == [
        ("no column is read as the sender; it may stand in AuthorID or Author", "to read it: --map author=COLUMN"),
        ("no column is read as the time; it may stand in Date", "to read it: --map time=COLUMN"),
    ]
    assert (told[1].author, told[1].time.second) == ("1", 1)
    assert not [note for note in after.notes if "no column" in note.reason]


def test_columns_without_a_name_are_no_hindrance(tmp_path):
    """Excel writes empty columns behind the last; what stands in one is kept under its place."""
    found, report = records(file_of(tmp_path, "e.csv", "author,text,,\na,hi,,\nb,ho,,late\n"))

    assert [(one.text, one.extra) for one in found] == [("hi", {}), ("ho", {"column 4": "late"})]
    assert (report.skipped, report.repaired) == (0, 0)


def test_a_column_that_is_called_by_the_place_of_one_without_a_name_is_another(tmp_path):
    """Our own table, read and written again, may hold a "column 4" before an empty fourth column."""
    found, report = records(file_of(tmp_path, "e.csv", "text,author,column 4,\nhi,a,late,\nho,b,,later\n"))

    assert [one.extra for one in found] == [{"column 4": "late"}, {"column 4": "", "unnamed column 4": "later"}]
    assert (report.skipped, report.repaired) == (0, 0)


def test_two_columns_of_one_name_are_refused(tmp_path):
    """Which of them was meant nobody knows; so it is of names that look like our own."""
    with pytest.raises(ReadError, match="two columns are called 'column 2'"):
        records(file_of(tmp_path, "d.csv", "text,column 2,column 2,\nhi,a,b,\n"))


def test_a_header_in_another_encoding_is_told_as_such(tmp_path):
    """Where the names of the columns cannot be read, the way out is the encoding, not another name."""
    path = file_of(tmp_path, "r.csv", "дата;автор\n1;а\n".encode("windows-1251"))
    with pytest.raises(ReadError, match="--encoding"):
        records(path)
