"""Requests answered at once and read while the model writes: what the reading finds decides on the reply.

Phrases are looked for before the request goes on (`Guard.first`). The small readers, which take longer, read beside the
model; before its reply is shown the reading is waited for, and a reply to a request that must not be answered is withheld.
Only for gateways that ask about every reply before they show any of it; others wait for the reading (`Guard.observe`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

MOST = 256
"""Readings that may wait; past them a request waits for its own: none goes unread."""
LONGEST_WAIT = 5.0
"""Seconds that a reply waits for a reading; longer is an error that shows."""


class Later:
    """Readings that wait, by the call they belong to; safe to share between threads."""

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[object]] = {}

    def begin(self, call: str, reading: Callable[[], object]) -> bool:
        """Begin a reading in the order of the calls; False where too many wait already, then nothing is begun."""
        with self._lock:
            if len(self._waiting) >= self._most:
                return False
            future = self._waiting[call] = self._pool.submit(reading)
        future.add_done_callback(lambda done: self._forget(call, done))
        return True

    def wait(self, call: str) -> None:
        """Wait for the call's reading, as far as it is done here; not longer than a reply may wait."""
        with self._lock:
            future = self._waiting.get(call)
        if future is not None:
            wait((future,), LONGEST_WAIT)

    def _forget(self, call: str, done: Future[object]) -> None:
        with self._lock:
            if self._waiting.get(call) is done:
                del self._waiting[call]
