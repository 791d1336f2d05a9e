"""Feeds and who polls them: each partner has a token, the log says whose was used, and guessing ends."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner
from starlette.testclient import TestClient

pytest.importorskip("pymisp")

from tests.test_feed_withdrawn import FIELDS, FIRST, TERMS, approve
from threelines.cli.main import root
from threelines.exports import stix
from threelines.people.register import Register
from threelines.store.keyring import Keyring
from threelines.web.faults import LOG
from threelines.web.feed import COLLECTION, Feed, create_feed

TOKENS = {"hotline": "first-token-of-tests", "platform": "second-token-of-tests"}
OBJECTS = f"/api/collections/{COLLECTION}/objects/"


def client() -> TestClient:
    """Return a caller of a feed with nothing in it."""
    return TestClient(create_feed(lambda: Feed([]), tokens=TOKENS, log=True))


def bearer(token: str) -> dict[str, str]:
    """Return the header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def test_the_log_says_whose_token_polled_and_what_was_refused(capsys: pytest.CaptureFixture[str]):
    """One line for each request: time, partner, route, status; no address, no token, nothing that was asked for."""
    basic = {"Authorization": "Basic " + b64encode(f"any:{TOKENS['platform']}".encode()).decode()}
    asker = client()
    asker.get(OBJECTS, headers=bearer(TOKENS["hotline"]))
    asker.get(OBJECTS, headers=basic)
    asker.get("/misp/secret.json", headers=bearer("a-token-that-is-wrong"))
    asker.get("/nothing/secret", headers=bearer(TOKENS["hotline"]))
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    objects = "/api/collections/{name}/objects/"

    assert all(line.keys() == {"at", "partner", "route", "status"} for line in lines)
    assert [(line["partner"], line["route"], line["status"]) for line in lines] == [
        ("hotline", objects, 200), ("platform", objects, 200), ("", "/misp/{name}", 401), ("", "none", 404),
    ]  # fmt: skip


def test_a_fault_is_a_line_of_the_log_too(capsys: pytest.CaptureFixture[str]):
    """What breaks was polled all the same."""

    def broken() -> Feed:
        raise OSError

    asker = TestClient(create_feed(broken, tokens=TOKENS, log=True), raise_server_exceptions=False)

    assert asker.get(OBJECTS, headers=bearer(TOKENS["hotline"])).status_code == 500
    assert '"partner": "hotline"' in capsys.readouterr().err


def test_wrong_tokens_have_a_limit_and_right_ones_none():
    """After 60 wrong tokens from an address it is told to wait; a partner behind the same address goes on."""
    asker = client()
    states = [asker.get(OBJECTS, headers=bearer(f"wrong {number}")).status_code for number in range(62)]

    assert states == [401] * 60 + [429] * 2
    assert {asker.get(OBJECTS, headers=bearer(TOKENS["hotline"])).status_code for _ in range(70)} == {200}


def started(monkeypatch: pytest.MonkeyPatch, orders: list[str]) -> tuple[Any, dict[str, Any]]:
    """Return the app that a command would serve, and how."""
    seen: list[tuple[Any, dict[str, Any]]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: seen.append((app, how)))
    answer = CliRunner().invoke(root, orders)
    assert answer.exit_code == 0, answer.output
    return seen[0]


@pytest.fixture
def db(tmp_path: Path) -> str:
    """Return a register with an approved case."""
    with Register.open(tmp_path / "r.db", Keyring.create(tmp_path / "r.db.key"), FIRST) as opened:
        opened.add(FIELDS, consent={stix.PURPOSE: "yes"})
        approve(opened)
    return str(tmp_path / "r.db")


def test_each_partner_of_the_file_has_a_token(db: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Lines of name and token, remarks and empty ones left out; `--token` is taken beside them."""
    file = tmp_path / "partners"
    file.write_text(f"# since June\n\nhotline {TOKENS['hotline']}\nplatform\t{TOKENS['platform']} \n")
    orders = ["feed", "--db", db, "--user", "s1", "--organisation", TERMS.organisation, "--token-file", str(file)]
    app, _ = started(monkeypatch, [*orders, "--token", "third-token-of-tests"])
    asker = TestClient(app)

    assert [
        asker.get("/taxii2/", headers=bearer(token)).status_code for token in (*TOKENS.values(), "third-token-of-tests")
    ] == [200] * 3
    assert asker.get("/taxii2/", headers=bearer("fourth-token-of-tests")).status_code == 401


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("", "give --token"),
        ("hotline", "line 1: at least 16 characters"),
        ("hotline short", "line 1: at least 16 characters"),
        ("# a\nhotline two words-of-a-token", "line 2: letters, digits"),
        ("a first-token-of-tests\nb first-token-of-tests", "line 2: this name or token"),
        ("a first-token-of-tests\na second-token-of-tests", "line 2: this name or token"),
    ],
)
def test_a_file_of_tokens_that_is_no_good_is_refused(tmp_path: Path, lines: str, told: str):
    """The message names the line, never the token."""
    file = tmp_path / "partners"
    file.write_text(lines)
    answer = CliRunner().invoke(root, ["feed", "--db", str(tmp_path / "no.db"), "--token-file", str(file)])

    assert answer.exit_code == 2 and told in answer.output
    assert "-token-of" not in answer.output


def test_a_fault_of_the_feed_is_logged_without_its_text(db: str, monkeypatch: pytest.MonkeyPatch):
    """As for the console: uvicorn by itself writes the text of a fault, with what the database was asked."""
    orders = ["feed", "--db", db, "--user", "s1", "--organisation", TERMS.organisation, "--token", TOKENS["hotline"]]

    assert started(monkeypatch, orders)[1]["log_config"] is LOG


def test_a_fault_of_the_guard_is_logged_without_its_text(monkeypatch: pytest.MonkeyPatch):
    """The text of a fault may hold a prompt."""
    assert started(monkeypatch, ["guard", "serve", "--words"])[1]["log_config"] is LOG
