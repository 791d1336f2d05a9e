"""`export check`: what is no export of the format is refused in words, whatever it is."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

for needed in ("stix2validator", "pymisp", "pyxform"):
    pytest.importorskip(needed, reason="the extra `share` is not installed")

from threelines.cli.main import root
from threelines.exports import csv as csv_export
from threelines.exports import dsa, fincen, htcds, misp, stix
from threelines.exports.sharing import HEAD, Handover
from threelines.records import Incident

FORMATS = ("csv", "dsa", "fincen", "htcds", "misp", "misuse", "referral", "stix", "xlsform")
FOREIGN = (
    "[]", "5", '"x"', "null", "{}", "{", '{"objects": 5}', '{"type": "bundle", "objects": [5]}', '{"records": [5]}',
    '{"batches": [[]]}', '{"parts": [{}]}', '{"cases": [5]}', '{"status": []}', '{"Event": []}', "[" * 100_000,
    "a" * 140_000,
)  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_no_export_is_refused_in_words(name: str, tmp_path: Path):
    """No file makes the command break off, and none of these is accepted."""
    path = tmp_path / "x.json"
    for text in FOREIGN:
        path.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(root, ["export", "check", name, str(path)])
        assert isinstance(done.exception, SystemExit), (text[:40], repr(done.exception))
        assert (done.exit_code, done.output.endswith("refused\n")) == (1, True), (text[:40], done.output)


def _set(name: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda entry: entry.update({name: value})


@pytest.mark.parametrize(("kind", "change", "told"), [
    ("relationship", _set("target_ref", "attack-pattern--5a0f3c4e-7d0c-5c3e-9a0b-3f1f6f0f7a21"), "target_ref leads to no object"),
    ("incident", _set("created_by_ref", "identity--5a0f3c4e-7d0c-4c3e-9a0b-3f1f6f0f7a22"), "created_by_ref leads to no object"),
    ("incident", lambda entry: entry.pop("object_marking_refs"), "has no mark of TLP"),
    ("relationship", lambda entry: entry.pop("object_marking_refs"), "has no mark of TLP"),
    ("identity", lambda entry: entry.pop("object_marking_refs"), "has no mark of TLP"),
    ("incident", _set("name", "Call +358 40 123 4567"), "name holds a telephone or e-mail"),
    ("incident", _set("description", "write to a.b@example.org"), "description holds a telephone or e-mail"),
])  # fmt: skip
def test_a_bundle_is_whole_marked_and_without_contacts(
    kind: str, change: Callable[[dict[str, Any]], Any], told: str, tmp_path: Path
):
    """What OASIS's validator does not look at is looked at: references, marks, telephones; and none is repeated."""
    row = Incident(id="c", fields={"ai_Capability": ["website"], "ai_Suspected": "suspected"})
    path = stix.write([row], tmp_path / "b.json", Handover(organisation="Hotline 0800 123 456 78", tlp="red"))
    assert stix.check(path) == []
    body = json.loads(path.read_text(encoding="utf-8"))
    change(next(entry for entry in body["objects"] if entry["type"] == kind))
    path.write_text(json.dumps(body), encoding="utf-8")

    [wrong] = stix.check(path)
    assert told in wrong
    assert "4567" not in wrong


def test_an_event_has_a_tag_of_tlp_and_a_folder_an_event(tmp_path: Path):
    """A MISP event that does not say who may read it is refused, and so is a folder with nothing in it."""
    row = Incident(id="c", fields={"ai_Capability": ["website"]})
    path = misp.write([row], tmp_path / "m.json", Handover())
    body = json.loads(path.read_text(encoding="utf-8"))
    body["Tag"] = [tag for tag in body["Tag"] if not tag["name"].startswith("tlp:")]
    path.write_text(json.dumps(body), encoding="utf-8")
    (tmp_path / "feed").mkdir()

    assert misp.check(path) == ["m.json: no tag of TLP"]
    assert len(misp.check(tmp_path / "feed")) == 1


ROW = Incident(
    id="x0f3a", fields={"ai_Capability": ["website"], "tl_FinancialFlags": ["shared_account"], "ai_Period": "2026-Q3"}
)
CALL = "+358 40 123 4567"


def _changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    body = json.loads(path.read_text(encoding="utf-8"))
    change(body)
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


@pytest.mark.parametrize("recipient", ["", "Police\nof a country", ".org"])
@pytest.mark.parametrize("name", ["csv", "dsa", "fincen", "htcds", "stix"])
@pytest.mark.parametrize("approvals", [(), ("a", "b")])
def test_what_we_write_is_accepted(name: str, approvals: tuple[str, ...], recipient: str, tmp_path: Path):
    """Drafts and approved exports pass, with cases and without, whoever receives them."""
    module = importlib.import_module(f"threelines.exports.{name}")
    for rows in ([ROW], []):
        path = module.write(rows, tmp_path / f"e{module.SUFFIX}", Handover(approvals=approvals, recipient=recipient))
        assert module.check(path) == []


@pytest.mark.parametrize("field", HEAD)
@pytest.mark.parametrize("module", [dsa, fincen, htcds])
def test_a_document_has_its_whole_head(module: Any, field: str, tmp_path: Path):
    """Without sender, time, recipient, legal basis, TLP or status, or with blanks there, it is refused."""
    for change in (lambda body: body.pop(field), _set(field, " ")):
        path = module.write([ROW], tmp_path / "e.json", Handover())
        assert f"{field} is missing" in module.check(_changed(path, change))


@pytest.mark.parametrize("module", [dsa, fincen, htcds])
@pytest.mark.parametrize(("change", "told"), [
    (_set("tlp", "purple"), "tlp is no level of TLP 2.0"), (_set("status", "sent"), "status is none of approved, draft"),
    (_set(CALL, "x"), "the document: 1 names that are none of ours"),
])  # fmt: skip
def test_a_head_says_what_ours_say(module: Any, change: Callable[[dict[str, Any]], Any], told: str, tmp_path: Path):
    """A level that TLP does not have, a status that we do not write and further names are refused; none is repeated."""
    wrong = module.check(_changed(module.write([ROW], tmp_path / "e.json", Handover()), change))
    assert [line for line in wrong if line.startswith(told)]
    assert "4567" not in str(wrong)


def test_a_draft_of_notices_is_not_made_approved_by_a_word(tmp_path: Path):
    """The notices of a DSA file say, each, whether they may be sent: the status says the same."""
    path = _changed(dsa.write([ROW], tmp_path / "d.json", Handover()), _set("status", "approved"))
    assert dsa.check(path) == ["a notice and the status of the document differ on whether it is approved"]


@pytest.mark.parametrize(("module", "change", "told"), [
    (htcds, lambda body: body["records"][0].update(prs_FirstName="A", phone=CALL), "record 1: 2 names that are none of ours"),
    (htcds, lambda body: body["records"][0]["extension"].update({CALL: 1}), "record 1, extension: 1 names that are none of ours"),
    (htcds, lambda body: body["records"][0].update(id=CALL), "record 1: its id is no id of ours"),
    (fincen, lambda body: body["parts"][0].update(phone=CALL), "part 1: 1 names that are none of ours"),
    (fincen, lambda body: body["parts"][0].update(reference="a.b@example.org"), "part 1: its id is no id of ours"),
])  # fmt: skip
def test_a_record_holds_what_is_ours_alone(
    module: Any, change: Callable[[dict[str, Any]], Any], told: str, tmp_path: Path
):
    """Names beside a record, and a telephone or e-mail in place of an id, are refused; none is repeated."""
    assert module.check(_changed(module.write([ROW], tmp_path / "e.json", Handover()), change)) == [told]


def _resealed(table: Path, text: str) -> Path:
    """Write another table, with a covering file that names it."""
    table.write_bytes(text.encode())
    _changed(table.with_suffix(".cover.json"), _set("sha256", hashlib.sha256(text.encode()).hexdigest()))
    return table


@pytest.mark.parametrize("name", [CALL, "a.b@example.org", "tel:358401234567", "0401234567", ""])
def test_an_id_of_a_table_is_no_telephone_and_no_email(name: str, tmp_path: Path):
    """The one column of free form holds ids of ours, also where the covering file names the table."""
    table = csv_export.write([ROW], tmp_path / "c.csv", Handover())
    text = table.read_bytes().decode().replace("x0f3a", name)
    assert csv_export.check(_resealed(table, text)) == ["row 2: its id is no id of ours"]


def test_an_empty_table_and_a_bare_covering_file_are_refused(tmp_path: Path):
    """A table has our header, and its covering file all that ours say; a number of cases that differs is told."""
    table = csv_export.write([ROW], tmp_path / "c.csv", Handover())
    assert csv_export.check(_changed(table.with_suffix(".cover.json"), _set("cases", 2)).with_name("c.csv")) == [
        "c.cover.json: speaks of another number of cases than the table has"
    ]
    _resealed(table, "")
    assert "the header is not ours" in csv_export.check(table)
    for field in HEAD:
        csv_export.write([ROW], table, Handover())
        _changed(table.with_suffix(".cover.json"), lambda body, field=field: body.pop(field))
        assert csv_export.check(table) == [f"c.cover.json: {field} is missing"]


def test_a_bundle_has_objects_and_its_statement(tmp_path: Path):
    """A bundle of nothing, and what speaks of a case without recipient and legal basis, are refused."""
    path = stix.write([ROW], tmp_path / "b.json", Handover())
    unmarked = stix.check(
        _changed(
            path,
            lambda body: [
                entry["object_marking_refs"].pop() for entry in body["objects"] if entry["type"] == "incident"
            ],
        )
    )
    assert [line.rpartition(": ")[2] for line in unmarked] == ["has no statement of recipient and legal basis"]
    assert stix.check(_changed(path, _set("objects", []))) == [f"{path}: a bundle of objects is expected"]
    stix.write([ROW], path, Handover())
    emptied = stix.check(
        _changed(
            path,
            lambda body: [
                entry.update(definition={"statement": "Be nice."}) for entry in body["objects"] if "definition" in entry
            ],
        )
    )
    assert {line.rpartition(": ")[2] for line in emptied} == {"has no statement of recipient and legal basis"}
