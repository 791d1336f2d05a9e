"""Feeds and their terms: partners are told the recipient and the legal basis that two people approved."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("pymisp")

from tests.test_feed_withdrawn import approve, register  # noqa: F401 - a fixture
from threelines.people.approval import Terms
from threelines.people.register import Register
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
