"""Statements of reasons (DSA, Article 17): they say what somebody decided, and list what the platform must add."""

from __future__ import annotations

import json
from pathlib import Path

from threelines.exports import dsa
from threelines.exports.sharing import Handover
from threelines.records import Incident

CASE = Incident(id="c", fields={"ai_Capability": ["voice_clone"], "ai_Period": "2026-Q3"})
DECIDED = {
    "decision_visibility", "decision_ground", "illegal_content_legal_ground", "territorial_scope", "application_date",
    "automated_decision",
}  # fmt: skip


def test_a_case_asserts_no_decision_of_a_platform(tmp_path: Path):
    """A case holds facts, no decision about content: nothing of one is filled in, and the file lists what is missing."""
    path = dsa.write([CASE], tmp_path / "d.json", Handover())
    body = json.loads(path.read_text(encoding="utf-8"))
    [made] = body["batches"][0]["statements"]
    listed = body["to_be_added_by_the_platform"]

    assert not DECIDED & set(made)
    assert DECIDED - {"illegal_content_legal_ground"} <= set(listed)
    assert not set(listed) & set(made)
    assert dsa.check(path) == []


def test_what_is_missing_and_not_listed_is_refused(tmp_path: Path):
    """A statement passes without a field only where the file says that the platform adds it."""
    path = dsa.write([CASE], tmp_path / "d.json", Handover())
    body = json.loads(path.read_text(encoding="utf-8"))
    del body["to_be_added_by_the_platform"]["application_date"]
    path.write_text(json.dumps(body), encoding="utf-8")

    assert ["application_date" in wrong for wrong in dsa.check(path)] == [True]
