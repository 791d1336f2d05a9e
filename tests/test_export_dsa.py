"""Statements of reasons (DSA, Article 17): they say what somebody decided, and list what the platform must add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.exports import dsa
from threelines.exports.sharing import Handover
from threelines.people.register import Register
from threelines.platforms import review as review_module
from threelines.platforms.finding import Finding, Verdict
from threelines.platforms.review import Review
from threelines.records import Assessment, Elements, Incident, Record, Signal, ThreadRef
from threelines.roles import RoleError, User
from threelines.store.keyring import Keyring

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


WORDS = "Pay the fee first, says Zerbinetta."


def _finding(name: str, kind: Any = "advert") -> Finding:
    record = Record(id=f"{name}-r", author=f"author_{name}", text=WORDS, language="en")
    signal = Signal(indicator="REC-06", record=record.id, quote=WORDS[:3], start=0, end=3)
    judged = Assessment(
        thread=ThreadRef(kind=kind, id=name, records=(record.id,)), concern=0.6, tier="look", ai_use=0.0, capabilities=(),
        support=False, elements=Elements(), signals=(signal,),
    )  # fmt: skip
    return Finding(assessment=judged, records=(record,), language="en-GB")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a database whose queue holds decisions to remove for four reasons, one not to, and one taken back."""
    monkeypatch.setattr(review_module, "DOUBLE_SHARE", 0)
    path, ana = tmp_path / "site.db", User(id="ana", role="reviewer")
    with Register.open(path, Keyring.create(tmp_path / "site.db.key"), ana) as register:
        review = Review(register.store, register.keyring, register.audit)
        for name, kind, decision, reason in (
            ("t1", "advert", "remove", "control"), ("t2", "advert", "remove", "house_rule"),
            ("t3", "script", "remove", "coordinated"), ("t4", "advert", "no_concern", ""), ("t6", "advert", "remove", "quoted"), ("t5", "advert", "remove", "help"),
        ):  # fmt: skip
            review.add([_finding(name, kind)])
            review.decide(ana, review.claim(ana).findings[0].id, Verdict(decision=decision, reason=reason))
        review.undo(ana)
    return str(path)


def test_what_reviewers_decided_to_remove_becomes_statements(site: str, tmp_path: Path):
    """Decision, reason, means and day of each that stands; the ground only where it was said; the rest is listed; no words."""
    out = tmp_path / "s.json"
    told = CliRunner().invoke(root, ["export", "statements", "--db", site, "--out", str(out), "--user", "lead"])
    assert (told.exit_code, "4 statements" in told.output) == (0, True), told.output
    text = out.read_text(encoding="utf-8")
    body = json.loads(text)
    by_reason = {made["decision_facts"].rpartition("Reason: ")[2]: made for made in body["batches"][0]["statements"]}
    control, rule, script, quoted = (by_reason[f"{said}."] for said in (
        "Words of control: threat, debt, kept documents", "Against the platform's own rule", "Accounts act together",
        "Quotation, report, joke or study",
    ))  # fmt: skip

    assert {made["automated_decision"] for made in by_reason.values()} == {"AUTOMATED_DECISION_NOT_AUTOMATED"}
    assert [("decision_visibility" in made) for made in (control, rule, script)] == [True, True, False]
    assert [made.get("decision_ground") for made in (control, rule, script)] == [
        None,
        "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        None,
    ]
    assert [made.get("category") for made in (control, rule, quoted)] == ["STATEMENT_CATEGORY_VIOLENCE", None, None]
    assert control["content_language"] == "EN"
    assert {"application_date", "territorial_scope", "content_type", "category"} <= set(
        body["to_be_added_by_the_platform"]
    )
    assert body["status"].startswith("draft")
    assert not [word for word in ("Zerbinetta", "author_", "ana") if f'"{word}' in text or f" {word}" in text]
    assert CliRunner().invoke(root, ["export", "check", "dsa", str(out)]).exit_code == 0


def test_statements_are_for_those_who_see_the_queue(site: str, tmp_path: Path):
    """Whoever may not list findings gets no statement, and who may stands in the audit."""
    order = ["export", "statements", "--db", site, "--out", str(tmp_path / "s.json"), "--user", "w1", "--role"]
    refused = CliRunner().invoke(root, [*order, "case_worker"])
    assert isinstance(refused.exception, RoleError)
    assert not (tmp_path / "s.json").exists()
    assert CliRunner().invoke(root, [*order, "reviewer"]).exit_code == 0
    shown = ["register", "audit", "show", "--db", site, "--user", "officer", "--role", "data_protection_officer"]
    assert "finding.removed" in CliRunner().invoke(root, shown).output


def test_an_export_without_cases_says_where_decisions_are_written(site: str, tmp_path: Path):
    """Who looks for Article 17 in `export dsa` is led on, by its help and by its answer."""
    told = CliRunner().invoke(
        root, ["export", "dsa", "--db", site, "--out", str(tmp_path / "d.json"), "--user", "lead"]
    )
    assert "0 cases" in told.output
    assert "export statements" in told.output
    assert "export statements" in CliRunner().invoke(root, ["export", "dsa", "--help"]).output
