"""Calls in threads of their own, each step told by a lock or an event."""

import threading
import time
from contextlib import contextmanager

import sqlalchemy as sa


class Call:
    """A call in a thread of its own; `result` is what it returned, or the error it ended with."""

    def __init__(self, function, *args, **named):
        self.result = None
        self._thread = threading.Thread(target=self._run, args=(function, args, named), daemon=True)
        self._thread.start()

    def _run(self, function, args, named):
        try:
            self.result = function(*args, **named)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the test looks at it
            self.result = fault

    def waits_or_ends(self, register):
        """Return once the call has ended, or a session of the database waits for a lock."""
        waiting = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        end = time.monotonic() + 30
        while self._thread.is_alive() and time.monotonic() < end:
            with register.store.read() as connection:
                if connection.execute(waiting).scalar():
                    return
        assert not self._thread.is_alive(), "neither waits for a lock nor ends"

    def end(self):
        """Return the result."""
        self._thread.join(30)
        assert not self._thread.is_alive(), "hangs"
        return self.result


@contextmanager
def paused(monkeypatch, owner, name, function, *args, **named):
    """Run a call up to where it calls `owner.name`, and let it go on when the block ends."""
    there, on, real = threading.Event(), threading.Event(), getattr(owner, name)

    def stop(*given, **more):
        there.set()
        assert on.wait(30)
        return real(*given, **more)

    monkeypatch.setattr(owner, name, stop)
    call = Call(function, *args, **named)
    try:
        assert there.wait(30)
        monkeypatch.setattr(owner, name, real)
        yield call
    finally:
        on.set()


def before(monkeypatch, owner, name, act):
    """Let something happen right before `owner.name` is called the next time."""
    real = getattr(owner, name)

    def late(*given, **more):
        monkeypatch.setattr(owner, name, real)
        act()
        return real(*given, **more)

    monkeypatch.setattr(owner, name, late)
