"""Rows and columns that do not say what a field holds: `--map`, NaN, and objects in the place of ids."""

import json

import polars
import pytest

from tests.reading import file_of, records
from threelines.platforms.read import ReadError


def test_a_mapped_field_comes_from_its_column_only(tmp_path):
    """A row without the mapped column has nothing there, whatever a column of the field's own name holds: that is `extra`."""
    rows = [{"text": "a", "final": "shop", "label": "guess"}, {"text": "b", "label": "guess", "extra": {"n": 1}}]
    path = file_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    found, report = records(path, mapping={"label": "final"})

    assert [record.label for record in found] == ["shop", ""]
    assert [record.extra for record in found] == [{"label": "guess"}, {"label": "guess", "n": 1}]
    assert report.repaired == 0
    table = file_of(tmp_path, "a.csv", "id,text,description,kind\n1,Job,Work abroad,sale\n")
    (record,), _ = records(table, mapping={"text": "description", "kind": "=advert"})
    assert (record.text, record.kind, record.extra) == ("Work abroad", "advert", {"text": "Job", "kind": "sale"})


@pytest.mark.parametrize("field", ["label", "text"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_a_column_of_text_or_label_that_no_row_has_is_an_error(tmp_path, name, field):
    """`--map label=nope` names the columns that there are; a column `label` is no stand-in for it."""
    rows = [{"text": "a", "label": "guess"}]
    content = "text,label\na,guess\n" if name == "a.csv" else json.dumps(rows if name == "a.json" else rows[0])
    with pytest.raises(ReadError, match=r"no column 'nope' \(found: text, label\)"):
        records(file_of(tmp_path, name, content), mapping={field: "nope"})


def test_nan_is_nothing(tmp_path):
    """What a table of floats writes for nothing is no account, conversation, label or time, in any column, and no column."""
    nan = float("nan")
    fields = ("author", "conversation", "label", "kind", "language", "audience", "time", "attachments", "user_id")
    polars.DataFrame({"text": ["a", "b"]} | {name: [nan, nan] for name in fields}).write_parquet(tmp_path / "a.parquet")
    line = json.dumps({"turns": [{"text": "a", "author": nan}, {"text": "b", "speaker": nan}], "conversation": nan})
    for path in (tmp_path / "a.parquet", file_of(tmp_path, "a.jsonl", line)):
        found, report = records(path)

        assert [(one.author, one.label, one.kind, one.audience, one.time) for one in found] == [
            ("", "", "message", (), None)
        ] * 2
        assert [(one.language, one.attachments, one.extra) for one in found] == [("", (), {})] * 2
        assert "nan" not in repr(found)
        assert not any("time" in one.reason for one in report.examples)


@pytest.mark.parametrize("field", ["author", "conversation", "id"])
def test_an_object_names_nobody(tmp_path, field):
    """An object in the place of an id is a counted repair that names the remedy, and `--map author=author.id` is one."""
    rows = [{"text": f"t{at}", field: {"username": "maria", "id": 5, "last_seen": at}} for at in "ab"]
    path = file_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows)))
    found, report = records(path)

    assert [getattr(record, field) for record in found] == (["a.jsonl:1", "a.jsonl:2"] if field == "id" else ["", ""])
    assert report.repaired == 2
    assert f"--map {field}={field}.id" in report.examples[0].reason
    found, report = records(path, mapping={field: f"{field}.id"})
    assert ([getattr(record, field) for record in found], report.repaired) == (["5", "5"], 0)
    assert found[0].extra == {field: rows[0][field]}


def test_objects_inside_turns_and_audiences_are_repaired(tmp_path):
    """What names nobody in a turn, or among those who read it, is counted as in a row."""
    turns = [{"text": "a", "author": {"id": 1}}, {"text": "b", "author": "x", "audience": [{"id": 1}]}]
    rows = [{"id": "c", "turns": turns}, {"conversation": {"id": 3}, "turns": [{"text": "c", "author": "y"}]}]
    found, report = records(file_of(tmp_path, "a.jsonl", "\n".join(map(json.dumps, rows))))

    assert [record.author for record in found] == ["", "x", "y"]
    assert [record.audience for record in found] == [("x",), (), ()]
    assert [record.conversation for record in found] == ["c", "c", "a.jsonl:2"]
    assert report.repaired == 3
