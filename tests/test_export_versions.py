"""Exports of the same cases again: ids and first dates stay, what is taken back is said to be."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

for needed in ("stix2validator", "pymisp"):
    pytest.importorskip(needed)

from threelines.exports import misp, stix
from threelines.exports.sharing import Handover, Version
from threelines.records import Incident

ROW = Incident(id="c1", fields={"ai_Suspected": "probable", "ai_Capability": ["translation_text"]})
EARLY, LATE = datetime(2026, 11, 24, tzinfo=UTC), datetime(2026, 12, 24, tzinfo=UTC)


def handover(made: datetime, **more: Any) -> Handover:
    """Return an approved handover."""
    return Handover(**{"organisation": "Helpline Example", "approvals": ("a", "b"), "made": made, **more})


def bundle(folder: Path, rows: list[Incident], by: Handover) -> dict[str, dict[str, Any]]:
    """Write a bundle that its validator accepts, and return the objects by id."""
    path = stix.write(rows, folder / "b.json", by)
    assert stix.check(path) == []
    return {entry["id"]: entry for entry in json.loads(path.read_text(encoding="utf-8"))["objects"]}


def event(folder: Path, rows: list[Incident], by: Handover) -> dict[str, Any]:
    """Write an event that PyMISP accepts, and return it."""
    path = misp.write(rows, folder / "m.json", by)
    assert misp.check(path) == []
    made: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return made


def test_created_is_the_same_in_every_export(tmp_path: Path):
    """STIX forbids another `created` under the same id."""
    first, again = (bundle(tmp_path, [ROW], handover(made)) for made in (EARLY, LATE))

    assert {name: entry["created"] for name, entry in first.items()} == {
        name: entry["created"] for name, entry in again.items()
    }


def test_what_is_ours_is_one_for_all_organisations(tmp_path: Path):
    """Techniques and the extension have one author, one version and no marks, whoever exports them, draft or not."""
    kinds = ("attack-pattern", "extension-definition")
    shared = [
        [entry for entry in bundle(tmp_path, [ROW], by).values() if entry["type"] in kinds]
        for by in (handover(EARLY), handover(LATE, organisation="Another", tlp="red", approvals=()))
    ]

    assert len(shared[0]) == 2
    assert shared[0] == shared[1]


def test_content_that_is_the_same_has_the_same_version(tmp_path: Path):
    """With what partners hold known, the same content is the same object to the letter, however late it is written."""
    known = {"c1": Version(changed=EARLY)}
    first, again = (bundle(tmp_path, [ROW], handover(made, versions=known)) for made in (EARLY, LATE))

    assert first == again


def test_an_event_is_one_in_every_export(tmp_path: Path):
    """MISP's event keeps its UUID, and another organisation's is another."""
    by = (handover(EARLY), handover(LATE), handover(LATE, organisation="Another"))
    first, again, other = (event(tmp_path, [ROW], each)["uuid"] for each in by)

    assert first == again != other


def test_a_withdrawn_case_is_revoked_without_content(tmp_path: Path):
    """The same ids come again as revoked, with a later version and nothing of the answers."""
    before = bundle(tmp_path, [ROW], handover(EARLY))
    gone = {"c1": Version(changed=LATE, parts=tuple(stix.parts(ROW.fields)), is_withdrawn=True)}
    after = bundle(tmp_path, [], handover(LATE, versions=gone))
    about = {name for name, entry in before.items() if entry["type"] in ("incident", "relationship")}

    assert len(about) == 2
    assert about == {name for name, entry in after.items() if entry.get("revoked")}
    assert all(after[name]["modified"] > before[name]["modified"] for name in about)
    assert not [name for name in about if {"extensions", "labels", "confidence", "description"} & set(after[name])]


def test_a_withdrawn_case_is_deleted_in_misp(tmp_path: Path):
    """Object and attributes keep their UUIDs, are deleted, hold no answer; with nothing left the event is unpublished."""
    before = event(tmp_path, [ROW], handover(EARLY))
    gone = {"c1": Version(changed=LATE, parts=tuple(misp.parts(ROW.fields)), is_withdrawn=True)}
    after = event(tmp_path, [], handover(LATE, versions=gone))
    [old], [new] = before["Object"], after["Object"]

    assert (new["uuid"], new["deleted"], after["published"]) == (old["uuid"], True, False)
    assert {entry["uuid"] for entry in new["Attribute"]} == {entry["uuid"] for entry in old["Attribute"]}
    assert all(entry["deleted"] and entry["value"] == "withdrawn" for entry in new["Attribute"])


def test_an_answer_that_is_taken_back_is_revoked_alone(tmp_path: Path):
    """A capability that a case is no longer related to is revoked, and the case stays."""
    known = {"c1": Version(changed=LATE, parts=("automation", "translation"), dropped=("automation",))}
    after = bundle(tmp_path, [ROW], handover(LATE, versions=known))
    revoked = [entry for entry in after.values() if entry.get("revoked")]

    assert [entry["type"] for entry in revoked] == ["relationship"]
