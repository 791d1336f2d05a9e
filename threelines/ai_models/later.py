"""Requests answered at once and read while the model writes: what the reading finds decides on the reply.

Phrases are looked for before the request goes on. The small readers, which take longer, read beside the model; before its
reply is shown the reading is waited for, and a reply to a request that must not be answered is withheld. Only for gateways
that ask about every reply before they show any of it; others wait for the reading (`Guard.observe`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from threelines.ai_models.guard import Decision, Event, Guard

MOST = 256
"""Readings that may wait; past them a request waits for its own: none goes unread. As many failed ones are kept for their
reply to show; past them those of the oldest session are forgotten, because its reply may never come."""
LONGEST_WAIT = 5.0
"""Seconds that a reply waits for a reading; longer is an error that shows."""


class Later:
    """A guard whose readings come after its answer; safe to share between threads."""

    def __init__(self, guard: Guard, *, most: int = MOST) -> None:
        self._guard, self._most = guard, most
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], list[Future[Decision]]] = {}

    def request(self, event: Event) -> Decision:
        """Judge a request by phrases; its reading follows."""
        decision, rest = self._guard.first(event)
        with self._lock:
            waits = sum(not one.done() for one in self._readings()) < self._most
            if waits:
                future = self._pool.submit(rest)
                self._waiting.setdefault(_unit(event), []).append(future)
        if not waits:
            return rest()
        future.add_done_callback(lambda done: self._done(event, done))
        return decision

    def _done(self, event: Event, done: Future[Decision]) -> None:
        """Forget a reading that succeeded; one that failed stays for the reply to show."""
        if not done.result().status.startswith("error"):
            self._forget(_unit(event), done)
            return
        with self._lock:
            failed = [(unit, one) for unit, readings in self._waiting.items() for one in readings if one.done()]
        for unit, one in failed[: -self._most]:
            self._forget(unit, one)

    def _readings(self) -> Iterator[Future[Decision]]:
        return (one for readings in self._waiting.values() for one in readings)

    def _forget(self, unit: tuple[str, str], reading: Future[Decision]) -> None:
        with self._lock:
            left = [one for one in self._waiting.get(unit, ()) if one is not reading]
            if left:
                self._waiting[unit] = left
            else:
                self._waiting.pop(unit, None)

    def reply(self, event: Event) -> Decision:
        """Judge a reply when every request of its session so far has been read."""
        with self._lock:
            readings = list(self._waiting.get(_unit(event), ()))
        failed = None
        for reading in readings:
            try:
                read = reading.result(LONGEST_WAIT)
            except TimeoutError:
                return self._guard.failed("the request has not been read yet")
            self._forget(_unit(event), reading)
            failed = read if read.status.startswith("error") else failed
        return failed or self._guard.observe(event)


def _unit(event: Event) -> tuple[str, str]:
    return (event.session, "" if event.session else event.account)
