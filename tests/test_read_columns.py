"""A text in several columns: which are read, how they are joined, and what is said of the others."""

import json

import polars
import pytest
from click.testing import CliRunner

from tests.reading import file_of, records
from threelines.cli.main import root
from threelines.platforms.read import ReadError

HEADER = ("title", "salary", "location", "requirements", "visa", "description")
ROW = ("Customer service", "$5000 a month", "Myawaddy", "No experience needed", "Travel on a tourist visa", "Join us.")


def table(tmp_path, name, header, *rows):
    """Write rows as CSV, Parquet, JSON or JSON lines, as the name says."""
    path, objects = tmp_path / name, [dict(zip(header, row, strict=True)) for row in rows]
    if name.endswith(".csv"):
        polars.DataFrame(objects).write_csv(path)
    elif name.endswith(".parquet"):
        polars.DataFrame(objects).write_parquet(path)
    else:
        path.write_text(json.dumps(objects) if name.endswith(".json") else "\n".join(map(json.dumps, objects)))
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json", "a.jsonl"])
def test_the_columns_of_an_advert_are_one_text(tmp_path, name):
    """Without a column `text` all that are called as texts are read, in the order of the file, a paragraph each, and told."""
    path = table(tmp_path, name, ("id", *HEADER, "company"), ("1", *ROW, "Acme"), ("2", "Cook", "", "", "", "", "", ""))
    found, report = records(path, strict=True)

    assert [record.text for record in found] == ["\n\n".join(ROW), "Cook"]
    assert found[0].extra == {**dict(zip(HEADER, ROW, strict=True)), "company": "Acme"}
    assert [note.reason for note in report.notes] == [f"read as text: {', '.join(HEADER)}"]
    assert (report.skipped, report.repaired, report.examples) == (0, 0, [])


@pytest.mark.parametrize(
    ("header", "read"),
    [
        (("Stellentitel", "Gehalt", "Anforderungen", "Stellenbeschreibung", "Firma", "Telefonnummer"), 4),
        (("Título", "Salario", "Requisitos", "Descripción", "Empresa", "Correo"), 4),
        (("标题", "薪资待遇", "岗位要求", "职位描述", "公司名称", "联系电话"), 4),
        (("Название", "Зарплата", "Требования", "Описание вакансии", "Компания", "Телефон"), 3),
        (("Tiêu đề", "Mức lương", "Yêu cầu", "Mô tả công việc", "Công ty", "Số điện thoại"), 4),
        (("หัวข้อ", "เงินเดือน", "คุณสมบัติ", "รายละเอียดงาน", "บริษัท", "เบอร์โทร"), 4),
        (("Judul", "Gaji", "Persyaratan", "Deskripsi", "Perusahaan", "No HP"), 4),
        (("jobTitle", "salary_range", "job requirements", "description_html", "url", "created_at"), 4),
    ],
)
def test_columns_are_known_in_the_languages_of_the_vocabulary(tmp_path, header, read):
    """The header of a board in another language, or written in one word, says as much as an English one."""
    (record,), _ = records(table(tmp_path, "a.csv", header, [f"{letter} b c" for letter in "pqrstu"]))

    assert record.text.replace(" b c", "").split() == [*"pqrstu"][6 - 2 - read : 4]


def test_a_column_of_the_fields_own_name_is_the_whole_text(tmp_path):
    """Beside `text` nothing is joined: most tables that have both made it of the others. What is not in it is told."""
    header = ("text", "title", "visa", "author", "time", "url", "phone", "city")
    row = ("Cook wanted. Call us.", "Cook wanted", "Travel on a tourist visa", "Acme Foods Ltd", "2024-05-01", "https://x.example/a b", "+34 600 111 222", "Ulm")  # fmt: skip
    (record,), report = records(table(tmp_path, "a.csv", header, row))

    assert (record.text, record.extra["title"]) == ("Cook wanted. Call us.", "Cook wanted")
    assert [(note.reason, note.remedy) for note in report.notes] == [
        ("words stand in visa, which was not read as text", "to read all: --map text=text --map text=visa")
    ]
    assert records(table(tmp_path, "b.csv", ("text", "title"), row[:2]))[1].notes == []


def test_columns_that_only_read_as_words_are_told(tmp_path):
    """An unknown name with sentences behind it may be a moderator's own: it is said, not read. Ids and times are not."""
    rows = [
        ("Cook wanted", "we pay your flight and keep it from your wages", f"a{n}", "2024-05-01 10:00") for n in range(3)
    ]
    found, report = records(table(tmp_path, "a.csv", ("description", "q7", "ref", "seen"), *rows))

    assert [record.text for record in found] == ["Cook wanted"] * 3
    assert [note.reason for note in report.notes] == [
        "read as text: description", "words stand in q7, which was not read as text",
        "no column is read as the time; it may stand in seen",
    ]  # fmt: skip


def test_words_that_begin_late_in_a_file_are_told(tmp_path):
    """A column may be empty for thousands of rows: rows to the last are looked at, and those whose text is missing, too."""
    rows = [("Cook wanted", "" if n < 300 else "we keep it from your wages") for n in range(700)]
    _, report = records(table(tmp_path, "a.csv", ("text", "notes_of_offer"), *rows))
    nulls = tmp_path / "n.jsonl"
    nulls.write_text('{"id": "1", "text": null, "title": "Cook wanted now", "kind": "advert"}\n' * 3, encoding="utf-8")

    assert [note.reason for note in report.notes] == ["words stand in notes_of_offer, which was not read as text"]
    assert [note.reason for note in records(nulls)[1].notes] == ["words stand in title, which was not read as text"]


def test_a_message_with_a_place_is_no_advert(tmp_path):
    """One part alone is no part of a text: the `location` of a tweet is its account's."""
    (record,), _ = records(table(tmp_path, "a.csv", ("tweet", "location"), ("good morning", "New York")))

    assert record.text == "good morning"


def test_a_row_without_text_among_others_stays_a_skip(tmp_path):
    """Where the rows before have a `text`, one without it is broken and no row of another form."""
    found, report = records(file_of(tmp_path, "a.jsonl", '{"text":"one"}\n{"body":"x y"}\n'))

    assert ([record.text for record in found], report.skipped) == (["one"], 1)


def test_lists_are_lines_and_objects_are_left_in_extra(tmp_path):
    """JSON of a board: a list of requirements is read line by line; an object is no text."""
    row = {
        "title": "Cook",
        "requirements": ["own knives", "no papers needed"],
        "benefits": {"a": "b"},
        "description": "Join us.",
    }
    (record,), _ = records(file_of(tmp_path, "a.jsonl", json.dumps(row)))

    assert record.text == "Cook\n\nown knives\nno papers needed\n\nJoin us."
    assert record.extra["benefits"] == {"a": "b"}
    with pytest.raises(ReadError, match="no column 'text'"):
        records(file_of(tmp_path, "b.jsonl", '{"message": {"a": 1}}\n'))


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.json", "a.jsonl"])
def test_several_columns_are_named_one_by_one(tmp_path, name):
    """`text` may come from several columns, joined in the order named; the rest is told, a column that is not there an error."""
    path = table(tmp_path, name, HEADER, ROW)
    (record,), report = records(path, mapping={"text": ["description", "title"]})

    assert record.text == "Join us.\n\nCustomer service"
    assert record.extra == dict(zip(HEADER, ROW, strict=True))
    assert "salary, requirements, visa, which were not read" in report.notes[0].reason
    with pytest.raises(ReadError, match="no column 'nope'"):
        records(path, mapping={"text": ["description", "nope"]})
    with pytest.raises(ReadError, match="'author' is given twice"):
        records(path, mapping={"author": ["title", "visa"]})
    with pytest.raises(ReadError, match="several columns each with its own --map"):
        records(path, mapping={"text": "title,salary"})


def test_one_mapped_column_is_read_as_before(tmp_path):
    """A column named alone is the text and leaves `extra`; nothing is joined to it."""
    (record,), _ = records(table(tmp_path, "a.csv", HEADER, ROW), mapping={"text": "description"})

    assert record.text == "Join us."
    assert "description" not in record.extra


def test_the_command_joins_and_tells(tmp_path):
    """`--map text=` may be repeated, as pairs or as a list in a file; any other field twice is refused; the report says what was left."""
    path, key = table(tmp_path, "a.csv", HEADER, ROW), ["--key-file", str(tmp_path / "key")]
    mapped = file_of(tmp_path, "map.toml", 'text = ["title", "visa"]\nkind = "=advert"\n')
    page = tmp_path / "report.html"
    for asked in (["--map", "text=title", "--map", "text=visa", "--map", "kind:=advert"], ["--map", str(mapped)]):
        run = CliRunner().invoke(root, ["read", str(path), *asked, *key])

        assert json.loads(run.stdout.splitlines()[0])["text"] == "Customer service\n\nTravel on a tourist visa"
        assert "words stand in salary, requirements" in run.stderr
    run = CliRunner().invoke(
        root, ["scan", str(path), *asked, *key, "--report", str(page), "--out", str(tmp_path / "out")]
    )
    assert (run.exit_code, "words stand in salary" in page.read_text()) == (0, True)
    run = CliRunner().invoke(root, ["read", str(path), "--map", "author=title", "--map", "author=visa", *key])
    assert run.exit_code != 0


def test_the_same_words_in_columns_are_found_as_in_one(tmp_path):
    """A board's table with a column for each part raises what the same words in one cell raise."""
    one = table(tmp_path, "one.csv", ("text",), (" ".join(f"{part}." for part in ROW),))
    tiers = []
    for path in (table(tmp_path, "a.csv", HEADER, ROW), one):
        asked = [str(path), "--map", "kind:=advert", "--all", "--key-file", str(tmp_path / "key")]
        tiers.append(json.loads(CliRunner().invoke(root, ["scan", *asked]).stdout.splitlines()[0])["tier"])

    assert tiers == ["look", "look"]


def test_of_a_job_as_search_engines_are_told_of_it_the_note_names_what_is_read(tmp_path):
    """It said that objects were read, and they are not; HTML stood in the text as its tags. A part of an object can be named."""
    job = {
        "title": "Cook",
        "description": "<p>We pay your flight</p><ul><li>no <b>experience</b></li></ul>",
        "jobLocation": [{"@type": "Place", "address": {"@type": "PostalAddress", "addressLocality": "Mae Sot", "addressCountry": "TH"}}],
        "baseSalary": {"@type": "MonetaryAmount", "currency": "USD", "value": {"@type": "QuantitativeValue", "value": 900, "unitText": "MONTH"}},
    }  # fmt: skip
    path = tmp_path / "j.json"
    path.write_text(json.dumps([job]))
    found, report = records(path)

    assert found[0].text == "Cook\n\nWe pay your flight\n\nno experience"
    assert found[0].extra["description"] == job["description"]
    assert [note.reason for note in report.notes] == [
        "read as text: title, description",
        "objects stand in jobLocation, baseSalary, which are not read as text",
    ]
    (named,), _ = records(path, mapping={"text": ["title", "baseSalary.currency"]})
    assert named.text == "Cook\n\nUSD"


def test_html_alone_is_read_as_its_words_and_stays_beside_them(tmp_path):
    """What only looks like a tag is a word, and a column `text` stands as it is."""
    rows = [{"description": "<p>We look for<br>a cook</p>"}, {"description": "a < b <hello>"}]
    path = tmp_path / "h.json"
    path.write_text(json.dumps(rows))
    found, _ = records(path)
    given, _ = records(table(tmp_path, "g.jsonl", ("text",), ("<p>hi</p>",)))

    assert [one.text for one in found] == ["We look for\na cook", "a < b <hello>"]
    assert [one.extra for one in found] == [rows[0], {}]
    assert given[0].text == "<p>hi</p>"
