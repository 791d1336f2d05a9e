"""Feeds and their terms: partners are told the recipient and the legal basis that two people approved."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("pymisp")

from click.testing import CliRunner

from tests.test_feed_withdrawn import FIELDS, FIRST, TERMS, TOKEN, Partner, approve, ids, register  # noqa: F401 - a fixture
from threelines.cli.main import root
from threelines.exports import misp, stix
from threelines.people import served
from threelines.people.approval import Terms
from threelines.people.register import Register
from threelines.store.keyring import Keyring
from threelines.web.feed_source import Source

NAMED = Terms(organisation="Helpline Example", recipient="Platform X", basis="Act 12, section 3", tlp="amber")


def test_partners_are_told_the_terms_that_were_approved(register: Register):  # noqa: F811
    """The statement of STIX and the attributes of MISP name the recipient and the legal basis of the approval."""
    approve(register, NAMED)
    feed = Source(register, NAMED).read()
    statements = [entry["definition"]["statement"] for entry in feed.objects or () if "definition" in entry]
    [event] = [
        json.loads(data)["Event"] for name, data in (feed.files or {}).items() if len(name) == len("0" * 36 + ".json")
    ]

    assert len(statements) == 1
    assert "Recipient: Platform X. Legal basis: Act 12, section 3." in statements[0]
    assert {"Platform X", "Act 12, section 3"} <= {entry["value"] for entry in event["Attribute"]}


def test_what_is_written_anew_by_an_update_reaches_who_polls(register: Register, monkeypatch: pytest.MonkeyPatch):  # noqa: F811
    """A new version of ours that writes the same cases in other words gives them later versions, once; ids stay."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    before, stamps = dict(partner.held), stamps_of(partner)
    monkeypatch.setitem(stix._LABELS, "translation", "Other words")
    monkeypatch.setitem(misp._RELATION, "ai_Act", "means")
    partner.web = Partner(Source(register, TERMS)).web
    assert partner.poll() == (3, 0)
    incidents = {name for name, entry in before.items() if entry["type"] == "incident"}

    assert before.keys() == partner.held.keys()
    assert all(partner.held[name]["modified"] > before[name]["modified"] for name in incidents)
    assert all(after > was for after, was in zip(stamps_of(partner), stamps, strict=True))
    assert Source(register, TERMS).read() == Source(register, TERMS).read()


def test_what_a_feed_kept_before_it_knew_how_it_wrote_is_sent_again(register: Register):  # noqa: F811
    """A feed of an older version, which kept no form, sends what stands once more; what was revoked stays as it is."""
    partner = Partner(Source(register, TERMS))
    partner.poll()
    register.withdraw(ids(register)[0])
    partner.poll()
    for name in ("stix", "misp"):
        feed = served.feed_of(name, TERMS.organisation)
        kept = served.read(register, feed)
        served.keep(register, feed, msgspec.structs.replace(kept, form=""), before=kept)
    before = dict(partner.held)
    partner.web = Partner(Source(register, TERMS)).web
    assert partner.poll() == (3, 1)
    changed = {name for name, entry in partner.held.items() if entry.get("modified") != before[name].get("modified")}

    assert {partner.held[name]["type"] for name in changed} == {"incident", "relationship", "identity"}
    assert not any(partner.held[name].get("revoked") for name in changed)


def stamps_of(partner: Partner) -> list[int]:
    """Return the times of the MISP event: in the manifest, and of each object."""
    [(name, listed)] = partner.web.get("/misp/manifest.json").json().items()
    event = partner.web.get(f"/misp/{name}.json").json()["Event"]
    return [int(listed["timestamp"]), *(int(entry["timestamp"]) for entry in event["Object"])]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ((), "other terms: --recipient, --legal-basis differ"),
        (("--recipient", "Platform X"), "other terms: --legal-basis differs"),
    ],
)
def test_the_refusal_names_the_terms_that_differ(tmp_path: Path, given: tuple[str, ...], told: str):
    """What is approved under other terms is not served, and the message says which of them, in no other words than options."""
    db = str(tmp_path / "r.db")
    keyring = Keyring.create(tmp_path / "r.db.key")
    with Register.open(tmp_path / "r.db", keyring, FIRST) as opened:
        opened.add(FIELDS, consent={stix.PURPOSE: "yes"})
        approve(opened, NAMED)
    command = ["feed", "--db", db, "--token", TOKEN, "--user", "s1", "--organisation", "Helpline Example", *given]
    answer = CliRunner().invoke(root, command)

    assert answer.exit_code == 1
    assert told in answer.output
    assert "Act 12" not in answer.output
