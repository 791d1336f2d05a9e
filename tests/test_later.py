"""Requests that are answered at once and read while the model writes: nothing goes unread, no error is lost."""

from __future__ import annotations

import threading

import msgspec
import pytest
from click.testing import CliRunner

from threelines.ai_models.endpoint import MOST_CALLERS, Endpoint
from threelines.ai_models.guard import Event, Guard
from threelines.ai_models.later import Later
from threelines.ai_models.scenario import items, load
from threelines.ai_models.sessions import Memory, StateError
from threelines.cli.guard import command
from threelines.vocabulary.terms import load as load_vocabulary

VOCABULARY = load_vocabulary()
SCENARIOS = load()


def guard(**options) -> Guard:
    """Return a guard with the shared vocabulary."""
    return Guard(vocabulary=VOCABULARY, **options)


def split(key: str) -> list[Event]:
    """Return a packaged session as events."""
    turns = next(item.turns for item in items(SCENARIOS, ("misuse", "session")) if item.id == key)
    return [Event(session="s", account="a", text=turn, time=0.0) for turn in turns]


class Calls:
    """A gateway's calls to one or more endpoints."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints = endpoints

    def ask(self, call: str, text: str, *, session: str = "s", at: int = 0, account: str = "") -> str:
        """Return the action on a request."""
        body = {
            "texts": [text], "structured_messages": [{"role": "user", "content": text}], "litellm_call_id": call,
            "litellm_trace_id": session, "request_headers": {"x-litellm-session-id": "[present]"}, "request_data": {"user_api_key_hash": account},
        }  # fmt: skip
        return self.endpoints[at].litellm(msgspec.json.encode(body)).action

    def reply(self, call: str, *, at: int = 0, account: str = ""):
        """Return the verdict on the reply to a call."""
        body = {
            "input_type": "response", "texts": ["Here."], "litellm_call_id": call,
            "request_data": {"user_api_key_hash": account},
        }  # fmt: skip
        return self.endpoints[at].litellm(msgspec.json.encode(body))


def test_the_rest_of_a_first_look_gives_what_one_look_gives():
    """Judged in two steps, a session ends as it does in one, in the same state."""
    whole, parts = guard(key=b"k"), guard(key=b"k")
    for event in split("session-voice/undisclosed-split/en"):
        _, rest = parts.first(event)

        assert rest() == whole.observe(event)


def test_what_is_read_later_decides_on_the_reply_of_its_own_request():
    """A request goes on at once; where its reading says no, its reply is withheld, whatever was asked since."""
    events, whole = split("persona-same-village/undisclosed-reframed/en"), guard()
    wanted = [whole.observe(event).action for event in events]
    end = wanted.index("block")
    calls = Calls(Endpoint(guard(), later=Later()))
    at_once = [calls.ask(f"c{number}", event.text) for number, event in enumerate(events[: end + 1])]
    calls.ask("after", "What is 2+2?")

    assert at_once[-1] == "NONE"
    assert calls.reply("after").action == "NONE"
    assert calls.reply(f"c{end}").action == "BLOCKED"


@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("account", ["", "other key"])
def test_a_call_id_that_is_used_again_undoes_no_block(later, account):
    """Clients choose call ids: a harmless request under the id of a refused one, from whatever key, frees no reply."""
    texts = [event.text for event in split("persona-same-village/undisclosed-reframed/en")]
    calls = Calls(Endpoint(guard(), later=Later() if later else None))
    for text in texts:
        calls.ask("x", text, account="key")
    calls.ask("x", "What is 2+2?", session="another", account=account)

    assert calls.reply("x", account="key").action == calls.reply("x").action == "BLOCKED"


def test_keys_that_use_one_call_id_keep_their_own_replies():
    """Where the gateway names the key of a reply, what another key asked under the same id does not withhold it."""
    calls = Calls(Endpoint(guard()))
    for event in split("persona-same-village/undisclosed-reframed/en"):
        calls.ask("x", event.text, account="key")
    calls.ask("x", "What is 2+2?", session="another", account="other key")

    assert calls.reply("x", account="other key").action == "NONE"
    assert calls.reply("x", account="a key nobody asked with").action == "BLOCKED"


def test_one_call_id_keeps_few_accounts_apart():
    """Past the bound accounts share one entry, the strictest: no client makes an entry grow, or frees a reply by it."""
    one = Endpoint(guard())
    calls = Calls(one)
    for number in range(MOST_CALLERS + 5):
        calls.ask("x", "What is 2+2?", session=f"s{number}", account=f"k{number}")
    for event in split("persona-same-village/undisclosed-reframed/en"):
        calls.ask("x", event.text, account="late key")

    (stored,) = (value for _, value in one._calls._kept.values())
    assert len(msgspec.msgpack.decode(stored)) <= MOST_CALLERS + 1
    assert (calls.reply("x", account="k0").action, calls.reply("x", account="late key").action) == ("NONE", "BLOCKED")


def test_a_reply_waits_until_every_reading_of_its_call_id_is_done():
    """Two requests under one id: while the second is read, the first's being done opens nothing; both hold a place."""
    later, go_on = Later(most=2), threading.Event()
    one = Endpoint(guard(), later=later)
    Calls(one).ask("x", "What is 2+2?")
    later._pool.submit(int).result()
    later._pool.submit(go_on.wait)
    Calls(one).ask("x", "What is 2+3?")
    Calls(one).ask("x", "What is 2+4?")
    waiting, pending = len(later._waiting), one._kept("x").pending
    go_on.set()
    later.wait("x")

    assert (waiting, pending, one._kept("x").pending) == (2, True, False)


def test_a_reply_waits_for_its_reading_though_its_call_brought_a_history():
    """What else a call holds is judged at once; the reply still waits for the reading of the newest message."""
    later, go_on = Later(), threading.Event()
    one = Endpoint(guard(), later=later)
    (event,) = split("persona-same-village/undisclosed-reframed/en")
    messages = [{"role": "user", "content": text} for text in ("Hello.", event.text)]
    later._pool.submit(go_on.wait)
    asked = one.litellm(msgspec.json.encode({"structured_messages": messages, "litellm_call_id": "c"}))
    known = one._kept("c")
    go_on.set()

    assert (asked.action, known.pending) == ("NONE", True)
    assert Calls(one).reply("c").action == "BLOCKED"


def test_another_process_waits_for_the_reading_too():
    """Two processes on one state: the reply is withheld by the one that did not take the request."""
    state, texts = Memory(), [event.text for event in split("persona-same-village/undisclosed-reframed/en")]
    calls = Calls(*(Endpoint(guard(state=state, key=b"k"), calls=state, later=Later()) for _ in range(2)))
    whole = guard()
    wanted = [whole.observe(Event(session="s", text=text, time=0.0)).action for text in texts]
    for number, text in enumerate(texts):
        calls.ask(f"c{number}", text)

    assert calls.reply(f"c{wanted.index('block')}", at=1).action == "BLOCKED"


def test_a_request_waits_for_its_reading_when_too_many_wait():
    """Past the bound nothing is left unread: the request itself waits."""
    events = split("persona-same-village/undisclosed-reframed/en")
    whole, calls = guard(), Calls(Endpoint(guard(), later=Later(most=0)))
    wanted = ["BLOCKED" if whole.observe(event).action == "block" else "NONE" for event in events]

    assert [calls.ask(f"c{number}", event.text) for number, event in enumerate(events)] == wanted


class GoneForReadings(Memory):
    """A state that no reading can be written to."""

    def update(self, key, change):
        """Fail in the thread that reads."""
        if threading.current_thread().name.startswith("reading"):
            raise StateError("gone")
        super().update(key, change)


def test_a_reading_that_failed_shows_on_its_reply_and_on_no_other():
    """A state that cannot be written after the answer is an error on the reply, not a silent allow."""
    calls = Calls(Endpoint(guard(state=GoneForReadings()), later=Later()))
    calls.ask("c", "Hello.")
    calls.endpoints[0]._later = None
    calls.ask("d", "And now?")
    failed = calls.reply("c")

    assert (failed.action, calls.reply("d").action) == ("BLOCKED", "NONE")
    assert "error: gone" in failed.blocked_reason


@pytest.mark.parametrize("most", [1, 256])
def test_readings_without_a_reply_hold_no_place_for_ever(most):
    """Whether a reading succeeds or fails, its place is free when it is done."""
    later = Later(most=most)
    one = Endpoint(guard(state=GoneForReadings()), later=later)
    for number in range(3):
        Calls(one).ask(f"c{number}", "Hello.")
        later._pool.submit(int).result()

        assert not later._waiting


@pytest.mark.parametrize(("state", "warned"), [("memory:", True), ("sqlite:{}/guard.db", False)])
def test_who_reads_later_is_told_what_ends_with_the_process(monkeypatch, tmp_path, state, warned):
    """Readings that wait are lost with the process where nothing else remembers the call."""
    monkeypatch.setattr("uvicorn.run", lambda *_, **__: None)
    monkeypatch.setattr("gc.freeze", lambda: None)
    ran = CliRunner().invoke(
        command, ["serve", "--later", "--words", "--state", state.format(tmp_path), "--key", "a long secret"]
    )

    assert (ran.exit_code, "ends with this process" in ran.output) == (0, warned), ran.output
