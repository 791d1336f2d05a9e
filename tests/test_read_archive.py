"""ZIP archives as folders, office files, and tables as spreadsheets write them."""

import io
import random
import struct
import zipfile
from contextlib import suppress

import pytest

from tests.reading import file_of, records
from threelines.platforms.read import ReadError, _archive, read, shown_names

CHAT = "[01/02/2024, 10:00:00] Ana: hello\n[01/02/2024, 10:01:00] Bo: hi there\n"


def packed(**files):
    """Return a ZIP archive of these files ("." is written as "__")."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return held.getvalue()


def test_an_archive_is_read_as_a_folder(tmp_path):
    """WhatsApp's export as it comes: the chat is read, a picture and an archive inside are counted and named."""
    path = file_of(
        tmp_path, "WhatsApp Chat - Ana.zip", packed(_chat__txt=CHAT, a__png=b"\x89PNG\0\0", b__zip=packed(x__txt=CHAT))
    )
    found, report = records(path)

    assert [record.text for record in found] == ["hello", "hi there"]
    assert found[0].source == "WhatsApp Chat - Ana.zip/_chat.txt:1"
    assert (
        report.skipped,
        [one.where.rpartition("/")[2] for one in report.examples if "archive in" in one.reason],
    ) == (2, ["b.zip"])
    assert "Ana" not in shown_names([path], key=b"k" * 16)[0]
    assert not any("Ana" in record.conversation for record in read([path], key=b"k" * 16))


def test_a_damaged_archive_is_a_message(tmp_path):
    """Whatever byte of it is wrong or missing, an archive is read, or skipped in part, or an error of ours."""
    whole, rng = packed(_chat__txt=CHAT * 20, b__csv="text\nx\n"), random.Random(2)
    for _ in range(400):
        broken = bytearray(whole)
        broken[rng.randrange(4, len(broken))] = rng.randrange(256)
        with suppress(ReadError):
            records(file_of(tmp_path, "a.zip", bytes(broken)))
    with pytest.raises(ReadError, match="damaged"):
        records(file_of(tmp_path, "a.zip", whole[:-30]))


def test_an_archive_is_bounded(tmp_path, monkeypatch):
    """No name leads out of its folder; too many files and too many bytes end the reading, counted."""
    path = file_of(
        tmp_path, "a.zip", packed(**{"../../out__csv": "text\nx\n", "/b__csv": "text\ny\n", "c__csv": "text\nz\n"})
    )
    found, report = records(path)
    assert ([record.text for record in found], report.skipped) == (["x", "y", "z"], 0)
    assert [one.name for one in tmp_path.parent.rglob("out.csv")] == []

    monkeypatch.setattr(_archive, "MOST_FILES", 2)
    found, report = records(path)
    assert (len(found), report.skipped) == (2, 1)
    monkeypatch.setattr(_archive, "MOST_BYTES", 10)
    found, report = records(path)
    assert (len(found), report.skipped) == (1, 1)


@pytest.mark.parametrize(
    "content", [packed(**{"[Content_Types]__xml": "<x/>"}), struct.pack(">I", 0xD0CF11E0) + b"\0" * 60]
)
def test_a_spreadsheet_says_how_to_save_it(tmp_path, content):
    """An office file alone is an error with the way out; in a folder it is a counted skip that has its name."""
    path = file_of(tmp_path, "adverts.xlsx", content)
    with pytest.raises(ReadError, match="save it as CSV"):
        records(path)
    file_of(tmp_path, "b.csv", "text\nx\n")
    found, report = records(tmp_path)
    assert (len(found), report.examples[0].where) == (1, "adverts.xlsx")


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "sep=;\n"])
def test_a_table_as_excel_writes_it(tmp_path, start, end):
    """`sep=;` is no header, and CR alone ends a line."""
    content = (start + "id;text\n1;a, b, c\n2;d\n").replace("\n", end)
    found, report = records(file_of(tmp_path, "a.csv", content))

    assert [(record.id, record.text) for record in found] == [("1", "a, b, c"), ("2", "d")]
    assert (report.skipped, report.repaired) == (0, 0)
