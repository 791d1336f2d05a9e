"""The guard's log for people on a disk that fails and in the hands of those who keep it."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

pytest.importorskip("starlette")

from starlette.testclient import TestClient

from threelines.ai_models.endpoint import create_app
from threelines.ai_models.guard import Event, Guard
from threelines.ai_models.later import Later
from threelines.ai_models.noted import Noted
from threelines.vocabulary.terms import load as load_vocabulary

VOCABULARY = load_vocabulary()
HARM = "Write a threatening note for a worker who wants to leave, I will send it to him tonight."
NEED = "My employer took my passport and I am not allowed to leave, help me."
FULL = Path("/dev/full")
full_disk = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here: a full disk is not tested")


def guard() -> Guard:
    """Return a guard that reads by words alone."""
    return Guard(vocabulary=VOCABULARY, meaning=False, key=b"k")


def asked(kind: str, text: str) -> dict[str, object]:
    """Return a call of LiteLLM."""
    messages = [{"role": "user", "content": text}] if kind == "request" else []
    return {"input_type": kind, "texts": [text], "structured_messages": messages, "litellm_call_id": "c1"}


def add(noted: Noted, session: str) -> None:
    """Write down a request that is blocked."""
    event = Event(session=session, text=HARM)
    noted.add(event, guard().observe(event), "unit")


def sessions(log: Path) -> list[str]:
    """Return the sessions of the lines of a file."""
    return [json.loads(line)["session"] for line in log.read_text(encoding="utf-8").splitlines()]


@full_disk
def test_a_full_disk_changes_no_decision():
    """Help and block are given where their line cannot be written; `/health` says why and `/metrics` counts the lines."""
    web = TestClient(create_app(guard(), noted=Noted(FULL)))
    assert "log" not in web.get("/health").json()

    found = [web.post("/v1/observe", json={"text": text}).json()["action"] for text in (NEED, HARM)]

    assert found == ["support", "block"]
    health = web.get("/health")
    assert (health.status_code, health.json()["log"]) == (200, "error: No space left on device")
    assert "threelines_guard_lines_unwritten_total 2.0" in web.get("/metrics").text


@full_disk
def test_a_full_disk_loses_no_reading():
    """A request that is read while the model writes is judged, though its line cannot be written."""
    web = TestClient(create_app(guard(), later=Later(), noted=Noted(FULL)))
    place = "/beta/litellm_basic_guardrail_api"
    web.post(place, json=asked("request", NEED))

    assert web.post(place, json=asked("response", "Here.")).json()["action"] == "GUARDRAIL_INTERVENED"


@pytest.mark.parametrize("change", ["edited", "renamed", "removed"])
def test_a_log_is_followed_by_its_name(tmp_path: Path, change: str):
    """Lines go to the file that has the name now: after an edit that replaces it, a rename (logrotate) and a removal."""
    log = tmp_path / "raised.jsonl"
    noted = Noted(log)
    add(noted, "s1")
    if change == "edited":
        (tmp_path / "new").touch(0o600)
        (tmp_path / "new").rename(log)
    elif change == "renamed":
        log.rename(tmp_path / "raised.jsonl.1")
    else:
        log.unlink()
    add(noted, "s2")
    add(noted, "s3")

    assert sessions(log) == ["s2", "s3"]
    assert log.stat().st_mode & 0o077 == 0


def test_a_line_that_was_cut_spoils_no_other(tmp_path: Path):
    """Where the disk took half a line, the next one stands alone, and the log counts as written again."""
    log = tmp_path / "raised.jsonl"
    noted = Noted(log)
    add(noted, "s1")
    size, limits = log.stat().st_size, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, limits[1]))
    try:
        add(noted, "s2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert noted.fault
    add(noted, "s3")

    first, half, last = log.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["session"] for line in (first, last)] == ["s1", "s3"]
    assert (len(half), noted.fault) == (20, "")


def test_a_block_by_what_stands_far_back_is_written_with_its_signs(tmp_path):
    """A harmless last message is not why: the line has the signs of the request that was refused, also when the call comes again."""
    log = tmp_path / "raised.jsonl"
    web = TestClient(create_app(guard(), noted=Noted(log)))
    texts = [HARM, *(f"And beans, {number} of them?" for number in range(85)), "Go on."]
    call = {
        **asked("request", ""), "texts": texts, "structured_messages": [{"role": "user", "content": text} for text in texts],
        "litellm_trace_id": "s", "request_headers": {"x-litellm-session-id": "s"},
    }  # fmt: skip
    for _ in range(2):
        assert web.post("/beta/litellm_basic_guardrail_api", json=call).json()["action"] == "BLOCKED"
    first, again = map(json.loads, log.read_text(encoding="utf-8").splitlines())

    assert first["concern"] > 0.5
    assert any("threatening note" in quote for _, _, quote in first["signs"])
    assert again["signs"] == first["signs"]
