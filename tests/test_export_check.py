"""`export check`: what is no export of the format is refused in words, whatever it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

for needed in ("stix2validator", "pymisp", "pyxform"):
    pytest.importorskip(needed, reason="the extra `share` is not installed")

from threelines.cli.main import root
from threelines.exports import misp, stix
from threelines.exports.sharing import Handover
from threelines.records import Incident

FORMATS = ("csv", "dsa", "fincen", "htcds", "misp", "misuse", "referral", "stix", "xlsform")
FOREIGN = (
    "[]", "5", '"x"', "null", "{}", "{", '{"objects": 5}', '{"type": "bundle", "objects": [5]}', '{"records": [5]}',
    '{"batches": [[]]}', '{"parts": [{}]}', '{"cases": [5]}', '{"status": []}', '{"Event": []}', "[" * 100_000,
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
