"""Feeds over time: who withdraws is taken back at once, nothing comes that two people did not agree to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("stix2validator")
pytest.importorskip("pymisp")

from fastapi.testclient import TestClient

from tests.at_once import before
from threelines.cli.export import prepare_export
from threelines.exports import stix
from threelines.exports.sharing import holding
from threelines.people import served
from threelines.people.approval import Terms, decide
from threelines.people.keeping import erase, rotate
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.keyring import Keyring
from threelines.web.feed import COLLECTION, create_feed
from threelines.web.feed_source import Source

FIRST, OFFICER = User(id="s1", role="supervisor"), User(id="d1", role="data_protection_officer")
TERMS = Terms(organisation="Helpline Example", tlp="amber")
TOKEN = "a-token-for-tests-only"
FIELDS = {
    "ai_Asked": "yes", "ai_Suspected": "suspected", "ai_Capability": ["translation_text"], "ai_Act": ["recruitment"],
    "ai_Means": ["fraud_deception"], "ai_EvidenceBasis": ["message_or_file_seen"],
}  # fmt: skip


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    """A register of three cases that may be shared, approved for the feed."""
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, FIRST) as opened:
        for _ in range(3):
            opened.add(FIELDS, consent={stix.PURPOSE: "yes"})
        approve(opened)
        yield opened


def approve(register: Register, terms: Terms = TERMS) -> None:
    """Let a second person agree to what both feeds would write now, under these terms."""
    for name in ("stix", "misp"):
        found = [entry for entry in register.incidents_by_case(stix.PURPOSE) if list(holding([entry[1]], stix.NEEDS))]
        request = prepare_export(register, name, found, terms)
        decide(register.as_user(OFFICER), request, yes=True)


class Partner:
    """Who polls: asks for what was added after the last poll, and keeps it."""

    def __init__(self, source: Source) -> None:
        self.web = TestClient(
            create_feed(source.read, tokens={"partner": TOKEN}), headers={"Authorization": f"Bearer {TOKEN}"}
        )
        self.last = ""
        self.held: dict[str, dict[str, Any]] = {}

    def poll(self) -> tuple[int, int]:
        """Return how many incidents stand, and how many were revoked."""
        answer = self.web.get(f"/api/collections/{COLLECTION}/objects/", params={"added_after": self.last})
        assert answer.status_code == 200
        self.held |= {entry["id"]: entry for entry in answer.json().get("objects", [])}
        self.last = answer.headers.get("X-TAXII-Date-Added-Last", self.last)
        incidents = [entry for entry in self.held.values() if entry["type"] == "incident"]
        return len(incidents), sum(entry.get("revoked", False) for entry in incidents)

    def event(self) -> tuple[int, int, bool]:
        """Return how many objects of the MISP event stand, how many are deleted, and whether it is published."""
        [name] = self.web.get("/misp/manifest.json").json()
        found = self.web.get(f"/misp/{name}.json").json()["Event"]
        gone = sum(bool(entry.get("deleted")) for entry in found["Object"])
        return len(found["Object"]) - gone, gone, found["published"]


def ids(register: Register) -> list[str]:
    """Return the ids of the cases."""
    return [row.id for row in register.list()]


def test_who_withdraws_is_taken_back_at_the_next_poll(register: Register):
    """The others are served on without a new approval, the same running feed revokes, and a poller is told."""
    partner = Partner(Source(register, TERMS))
    assert (partner.poll(), partner.event()) == ((3, 0), (3, 0, True))
    register.withdraw(ids(register)[0])

    assert (partner.poll(), partner.event()) == ((3, 1), (2, 1, True))


def test_revoked_objects_say_nothing(register: Register, tmp_path: Path):
    """What is revoked holds no answer, and the validator accepts all that is served."""
    source = Source(register, TERMS)
    source.read()
    register.withdraw(ids(register)[0])
    objects = source.read().objects or []
    (tmp_path / "b.json").write_text(json.dumps({"type": "bundle", "id": f"bundle--{COLLECTION}", "objects": objects}))
    [revoked] = [entry for entry in objects if entry["type"] == "incident" and entry.get("revoked")]

    assert not {"extensions", "labels", "description", "confidence"} & set(revoked)
    assert stix.check(tmp_path / "b.json") == []


def test_a_feed_with_nothing_left_serves_the_revocations(register: Register):
    """When all withdrew, partners are still told, also by a feed that was started anew."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    for case in ids(register):
        register.withdraw(case)
    partner.web = Partner(Source(register, TERMS)).web

    assert (partner.poll(), partner.event()) == ((3, 3), (0, 3, False))


def test_an_erased_case_is_revoked(register: Register):
    """Who is erased is taken back like who withdraws."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    erase(register.as_user(OFFICER), ids(register)[0])

    assert partner.poll() == (3, 1)


def test_nothing_comes_that_nobody_approved(register: Register):
    """A new case waits, a changed one is neither served in its new form nor revoked; approved, both are there."""
    source = Source(register, TERMS)
    assert Partner(source).poll() == (3, 0)
    register.add(FIELDS, consent={stix.PURPOSE: "yes"})
    register.update(ids(register)[1], {"ai_Capability": ["website"]})
    assert Partner(source).poll() == (2, 0)
    approve(register)

    assert Partner(source).poll() == (4, 0)
    assert [entry["type"] for entry in source.read().objects or () if entry.get("revoked")] == ["relationship"]


def test_a_colleague_who_reaches_no_case_revokes_none(register: Register):
    """A feed started by somebody of another team serves nothing, and takes nothing back from partners for good."""
    Source(register, TERMS).read()
    other = Source(register.as_user(User(id="s3", role="supervisor", team="south")), TERMS).read()

    assert other.names == ()
    assert Partner(Source(register, TERMS)).poll() == (3, 0)


def test_a_case_with_nothing_to_say_any_more_is_revoked(register: Register):
    """Once two people agreed to what is there without it, a case in which no use of AI is left is taken back."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    register.update(ids(register)[0], {"ai_Capability": ["unknown"]})
    assert partner.poll() == (3, 0)
    approve(register)

    assert partner.poll() == (3, 1)


def test_consent_given_again_is_another_object(register: Register):
    """What was revoked does not come again under its id, which STIX forbids."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    case = ids(register)[0]
    register.withdraw(case)
    partner.poll()
    register.consent(case, stix.PURPOSE, "yes")
    assert partner.poll() == (3, 1)
    approve(register)

    assert partner.poll() == (4, 1)


def test_unchanged_content_is_the_same_to_the_letter(register: Register):
    """A feed started anew, and one whose register changed elsewhere, serve the same objects in the same versions."""
    first = Source(register, TERMS).read()
    register.consent(ids(register)[0], "statistics", "yes")

    assert Source(register, TERMS).read() == first


def test_new_keys_change_no_id(register: Register):
    """After a change of the register's keys partners hold the same objects, and none is revoked."""
    source = Source(register, TERMS)
    first = source.read()
    rotate(register.as_user(OFFICER))
    register.withdraw(ids(register)[0])
    after = source.read()

    assert {entry["id"] for entry in first.objects or ()} == {entry["id"] for entry in after.objects or ()}
    assert sum(entry["type"] == "incident" and entry.get("revoked", False) for entry in after.objects or ()) == 1


def test_two_processes_that_serve_one_feed_forget_nothing(register: Register, monkeypatch: pytest.MonkeyPatch):
    """What one of them began to serve while the other judged stays known to both, so that it can be taken back."""
    one, partner = Source(register, TERMS), Partner(Source(register, TERMS))
    one.read()
    register.withdraw(ids(register)[0])

    def come() -> None:
        register.add(FIELDS, consent={stix.PURPOSE: "yes"})
        approve(register)
        assert partner.poll() == (4, 1)

    before(monkeypatch, served, "keep", come)
    one.read()
    erase(register.as_user(OFFICER), ids(register)[0])

    assert partner.poll() == (4, 2)
