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
        self._waiting: dict[Future[object], str] = {}

    def begin(self, call: str, reading: Callable[[], object]) -> bool:
        """Begin a reading in the order of the calls; False where too many wait already, then nothing is begun."""
        with self._lock:
            if len(self._waiting) >= self._most:
                return False
            future = self._pool.submit(reading)
            self._waiting[future] = call
        future.add_done_callback(self._forget)
        return True

    def wait(self, call: str) -> None:
        """Wait for the call's readings, as far as they are done here; not longer than a reply may wait."""
        with self._lock:
            futures = [future for future, name in self._waiting.items() if name == call]
        wait(futures, LONGEST_WAIT)

    def _forget(self, done: Future[object]) -> None:
        with self._lock:
            del self._waiting[done]
