"""Where the guard remembers: in memory, in SQLite, or in Redis/Valkey. Bounded and expiring.

A state is a few hundred bytes whatever the length of a session; no request is stored, only the
signs that were seen and the words that show them. Keys are keyed hashes of session and account.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from threelines.records import ThreelinesError

LIFETIME = 14 * 86_400
"""Seconds that a session or account is remembered after its last request."""
MOST = 200_000
"""States kept at most; the one that was idle longest goes first."""
_WAIT, _REST = 2.0, 1.0
"""Seconds that are waited for a file that is locked, and for which it is then not asked again."""
_SWEEP = 2_000
"""Writes between two sweeps of a database."""

Change = Callable[[bytes | None], bytes]


class StateError(ThreelinesError):
    """The place where the guard remembers cannot be used."""


class State(Protocol):
    """One method: read, change and write one key as one step."""

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key by `change(stored)`."""


class Memory:
    """Forgets when the process ends."""

    def __init__(self, *, lifetime: float = LIFETIME, most: int = MOST, clock: Callable[[], float] = time.time) -> None:
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lifetime, self._most, self._clock = lifetime, most, clock
        self._lock = threading.Lock()

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key."""
        now = self._clock()
        with self._lock:
            until, stored = self._kept.get(key, (0.0, b""))
            self._kept[key] = (now + self._lifetime, change(stored if until > now else None))
            self._kept.move_to_end(key)
            while self._kept and (len(self._kept) > self._most or next(iter(self._kept.values()))[0] <= now):
                self._kept.popitem(last=False)

    def __len__(self) -> int:
        return len(self._kept)


class Sqlite:
    """One file, several processes."""

    def __init__(
        self, path: Path, *, lifetime: float = LIFETIME, most: int = MOST, clock: Callable[[], float] = time.time
    ) -> None:
        self._lifetime, self._most, self._clock = lifetime, most, clock
        self._lock, self._writes, self._down_until = threading.Lock(), 0, 0.0
        try:
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_WAIT)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, until REAL, value BLOB) WITHOUT ROWID"
            )
            self._base.execute("CREATE INDEX IF NOT EXISTS state_until ON state (until)")
        except sqlite3.Error as fault:
            raise StateError(f"{path}: {fault}; give a file in a folder that can be written") from fault

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key."""
        # requests do not wait for the file one behind the other: what failed just now fails at once
        if time.monotonic() < self._down_until or not self._lock.acquire(timeout=_WAIT):
            raise StateError("guard state: the file does not answer; is it locked?")
        try:
            self._base.execute("BEGIN IMMEDIATE")
            with self._base:  # commits, or rolls back and raises again
                self._replace(key, change)
        except sqlite3.Error as fault:
            self._down_until = time.monotonic() + _REST
            raise StateError(f"guard state: {fault}; is the disk full or the file locked?") from fault
        finally:
            self._lock.release()

    def _replace(self, key: str, change: Change) -> None:
        now = self._clock()
        row = self._base.execute("SELECT value FROM state WHERE key = ? AND until > ?", (key, now)).fetchone()
        value = change(row[0] if row else None)
        self._base.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, now + self._lifetime, value))
        self._writes += 1
        if self._writes % _SWEEP == 1:
            self._base.execute("DELETE FROM state WHERE until <= ?", (now,))
            self._base.execute(
                "DELETE FROM state WHERE key IN (SELECT key FROM state ORDER BY until DESC LIMIT -1 OFFSET ?)",
                (self._most,),
            )

    def close(self) -> None:
        """Close the file."""
        self._base.close()


class Redis:
    """Redis or Valkey by address; expiry and bounds are the server's (`maxmemory-policy allkeys-lru`)."""

    def __init__(self, address: str, *, lifetime: float = LIFETIME) -> None:
        import redis

        self._fault: type[Exception] = redis.RedisError
        self._watch: type[Exception] = redis.WatchError
        self._lifetime = int(lifetime)
        try:
            self._server: Any = redis.Redis.from_url(address, socket_timeout=0.5, socket_connect_timeout=0.5)
            self._server.ping()
        except (redis.RedisError, ValueError) as fault:
            raise StateError(f"{address.rsplit('@')[-1]}: {fault}; give redis://HOST:PORT/0") from fault

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key; a rival write in between is seen and redone."""
        name = f"threelines:guard:{key}"
        try:
            with self._server.pipeline() as steps:
                for _ in range(5):
                    try:
                        steps.watch(name)
                        value = change(steps.get(name))
                        steps.multi()
                        steps.set(name, value, ex=self._lifetime)
                        steps.execute()
                    except self._watch:
                        continue
                    return
        except self._fault as fault:
            raise StateError(f"guard state: {fault}; is the server up?") from fault
        raise StateError("guard state: five rival writes on one session; is one session id shared by everybody?")


def open_state(address: str = "memory:", *, lifetime: float = LIFETIME) -> State:
    """Return the state behind an address: `memory:`, `sqlite:FILE`, `redis://HOST:PORT/0` or `rediss://…`."""
    if address == "memory:":
        return Memory(lifetime=lifetime)
    if address.startswith("sqlite:") and len(address) > len("sqlite:"):
        return Sqlite(Path(address.removeprefix("sqlite:").removeprefix("//")), lifetime=lifetime)
    if address.startswith(("redis://", "rediss://")):
        return Redis(address, lifetime=lifetime)
    raise StateError(f"{address!r}: no such state; give memory:, sqlite:FILE or redis://HOST:PORT/0")
