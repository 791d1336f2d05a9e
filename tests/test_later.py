"""Requests that are answered at once and read while the model writes: nothing goes unread, no error is lost."""

from __future__ import annotations

import threading

from threelines.ai_models.guard import Event, Guard
from threelines.ai_models.later import Later
from threelines.ai_models.scenario import items, load
from threelines.ai_models.sessions import Memory, StateError
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


def test_the_rest_of_a_first_look_gives_what_one_look_gives():
    """Judged in two steps, a session ends as it does in one, in the same state."""
    whole, parts = guard(), guard()
    for event in split("session-voice/undisclosed-split/en"):
        _, rest = parts.first(event)

        assert rest() == whole.observe(event)


def test_what_is_read_later_decides_on_the_reply():
    """A request goes on at once; where its reading says no, the model's reply is withheld."""
    events, whole = split("control-love-then-work/undisclosed-reframed/en"), guard()
    wanted = [whole.observe(event).action for event in events]
    end = wanted.index("block")
    one = Later(guard())
    at_once = [one.request(event).action for event in events[: end + 1]]

    assert at_once[-1] != "block"
    assert one.reply(Event(session="s", kind="reply", text="…", time=0.0)).action == "block"
    assert one.reply(Event(session="other", kind="reply", text="…", time=0.0)).action == "allow"


def test_a_request_waits_for_its_reading_when_too_many_wait():
    """Past the bound nothing is left unread: the request itself waits."""
    one, whole = Later(guard(), most=0), guard()
    event = Event(session="s", text="Word the ad so that nobody learns where they will live.", time=0.0)

    assert one.request(event) == whole.observe(event)


class Breaks(Memory):
    """A state whose second change fails."""

    calls = 0

    def update(self, key, change):
        """Count, fail once."""
        self.calls += 1
        if self.calls == 2:
            raise StateError("gone")
        super().update(key, change)


def test_a_reading_that_failed_shows_on_the_reply():
    """A state that cannot be written after the answer is an error on the reply, not a silent allow."""
    one = Later(guard(state=Breaks()))
    one.request(Event(session="s", text="Hello.", time=0.0))

    assert one.reply(Event(session="s", kind="reply", text="…", time=0.0)).status.startswith("error")


def test_a_reading_that_failed_shows_though_another_request_came_after_it():
    """An error is not lost when the session goes on before its reply is asked about."""
    one = Later(guard(state=Breaks()))
    for text in ("Hello.", "And now?"):
        one.request(Event(session="s", text=text, time=0.0))
    first, second = (one.reply(Event(session="s", kind="reply", text="…", time=0.0)) for _ in range(2))

    assert first.status.startswith("error")
    assert second.status == "ok"


class GoneForReadings(Memory):
    """A state that no reading can be written to."""

    def update(self, key, change):
        """Fail in the thread that reads."""
        if threading.current_thread().name.startswith("reading"):
            raise StateError("gone")
        super().update(key, change)


def test_failed_readings_without_a_reply_hold_no_place_for_ever():
    """Of failed readings whose reply never comes the newest are kept; they do not make other requests wait."""
    one = Later(guard(state=GoneForReadings()), most=2)
    for session in "abc":
        decision = one.request(Event(session=session, text="Hello.", time=0.0))
        one._pool.submit(int).result()

        assert decision.status == "ok"
    replies = [one.reply(Event(session=session, kind="reply", text="…", time=0.0)) for session in "abc"]

    assert [reply.status.split(":")[0].split()[0] for reply in replies] == ["ok", "error", "error"]
