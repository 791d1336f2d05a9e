"""Where the guard remembers: in memory, in SQLite, or in Redis/Valkey. Bounded and expiring.

A state is a few hundred bytes whatever the length of a session; no request is stored, only the
signs that were seen and the words that show them. Keys are keyed hashes of session and account.
"""

from __future__ import annotations

import math
import sqlite3
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
"""Writes between two sweeps of a database for its bound."""
SWEEP_EVERY = 3_600.0
"""Seconds between two sweeps for what has expired, idle or not."""
_QUEUE, _TRIES = 10.0, 50
"""Seconds that a request waits for those before it which write the same session or account, and its tries then."""
_STRIPES = 64
"""Locks over which the keys of Redis are spread in one process."""
_FAULTS = (
    ("TimeoutError", "the server does not answer in time"),
    ("OutOfMemoryError", "the server's memory is full; give it more, or the policy allkeys-lru"),
    ("ReadOnlyError", "the server takes no writes; is it a replica?"),
    ("AuthenticationError", "the server does not take the password"),
    ("NoPermissionError", "the server does not let this user read and write"),
    ("BusyLoadingError", "the server is still reading its file"),
    ("LockError", "one session or account had too many requests waiting"),
    ("ConnectionError", "no connection; is the server up?"),
)
"""What is said of the faults of Redis, by the name of their kind; the narrower one first."""

Change = Callable[[bytes | None], bytes]


class StateError(ThreelinesError):
    """The place where the guard remembers cannot be used."""


class State(Protocol):
    """Look at a key, forget it, or read, change and write it as one step."""

    def get(self, key: str) -> bytes | None:
        """Return what is stored under the key; nothing is written."""

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key by `change(stored)`."""

    def forget(self, key: str) -> bool:
        """Erase what is stored under the key; return whether there was something."""


class Memory:
    """Forgets when the process ends."""

    def __init__(self, *, lifetime: float = LIFETIME, most: int = MOST, clock: Callable[[], float] = time.time) -> None:
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._lifetime, self._most, self._clock = lifetime, most, clock
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what is stored under the key."""
        until, stored = self._kept.get(key, (0.0, b""))
        return stored if until > self._clock() else None

    def forget(self, key: str) -> bool:
        """Erase what is stored under the key."""
        with self._lock:
            return self._kept.pop(key, None) is not None

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
        self._closed, self._swept = threading.Event(), -math.inf
        try:
            path.touch(mode=0o600)  # the words that show a sign stand in it: for the owner's eyes
            self._base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_WAIT)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.execute("PRAGMA secure_delete=ON")  # what expired or was forgotten leaves no bytes behind
            self._base.execute(
                "CREATE TABLE IF NOT EXISTS state (key TEXT PRIMARY KEY, until REAL, value BLOB) WITHOUT ROWID"
            )
            self._base.execute("CREATE INDEX IF NOT EXISTS state_until ON state (until)")
        except (sqlite3.Error, OSError) as fault:
            raise StateError(f"{path}: {fault}; give a file in a folder that can be written") from fault

        threading.Thread(target=_swept_when_idle, args=(weakref.ref(self), self._closed), daemon=True).start()

    def get(self, key: str) -> bytes | None:
        """Return what is stored under the key."""
        with self._file():
            return self._stored(key)

    def sweep(self) -> int:
        """Erase what has expired, from the file and from its log; return how many states there were."""
        with self._file():
            return self._expire()

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key."""
        with self._file():
            self._base.execute("BEGIN IMMEDIATE")
            with self._base:  # commits, or rolls back and raises again
                self._replace(key, change)
            if self._clock() - self._swept >= SWEEP_EVERY:
                self._expire()

    def forget(self, key: str) -> bool:
        """Erase what is stored under the key, from the file and from its log."""
        with self._file():
            found = self._base.execute("DELETE FROM state WHERE key = ?", (key,)).rowcount > 0
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return found

    @contextmanager
    def _file(self) -> Iterator[None]:
        # requests do not wait for the file one behind the other: what failed just now fails at once
        if time.monotonic() < self._down_until or not self._lock.acquire(timeout=_WAIT):
            raise StateError("guard state: the file does not answer; is it locked?")
        try:
            yield
        except sqlite3.Error as fault:
            self._down_until = time.monotonic() + _REST
            raise StateError(f"guard state: {fault}; is the disk full or the file locked?") from fault
        finally:
            self._lock.release()

    def _stored(self, key: str) -> bytes | None:
        found = self._base.execute("SELECT value FROM state WHERE key = ? AND until > ?", (key, self._clock()))
        row: tuple[bytes] | None = found.fetchone()
        return row[0] if row else None

    def _replace(self, key: str, change: Change) -> None:
        now = self._clock()
        value = change(self._stored(key))
        self._base.execute("INSERT OR REPLACE INTO state VALUES (?, ?, ?)", (key, now + self._lifetime, value))
        self._writes += 1
        if self._writes % _SWEEP == 1:
            self._base.execute(
                "DELETE FROM state WHERE key IN (SELECT key FROM state ORDER BY until DESC LIMIT -1 OFFSET ?)",
                (self._most,),
            )

    def _expire(self) -> int:
        self._swept = self._clock()
        found = self._base.execute("DELETE FROM state WHERE until <= ?", (self._swept,)).rowcount
        if found:
            self._base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return found

    def close(self) -> None:
        """Close the file."""
        self._closed.set()
        with self._lock:
            self._base.close()


def _swept_when_idle(state: weakref.ref[Sqlite], closed: threading.Event) -> None:
    """Sweep by time where nobody asks, until the file is closed or let go; one that is locked is swept an hour later."""
    while not closed.wait(SWEEP_EVERY):
        one = state()
        if one is None:
            return
        with suppress(StateError):
            one.sweep()
        del one


class Redis:
    """Redis or Valkey by address; expiry and bounds are the server's (`maxmemory-policy allkeys-lru`)."""

    def __init__(self, address: str, *, lifetime: float = LIFETIME) -> None:
        import redis

        self._fault: type[Exception] = redis.RedisError
        self._watch: type[Exception] = redis.WatchError
        self._lifetime = int(lifetime)
        self._locks = tuple(threading.Lock() for _ in range(_STRIPES))
        try:
            self._server: Any = redis.Redis.from_url(address, socket_timeout=0.5, socket_connect_timeout=0.5)
            self._server.ping()
        except (redis.RedisError, ValueError) as fault:
            raise StateError(f"{address.rsplit('@')[-1]}: {fault}; give redis://HOST:PORT/0") from fault

    def get(self, key: str) -> bytes | None:
        """Return what is stored under the key."""
        try:
            stored: bytes | None = self._server.get(_name(key))
        except self._fault as fault:
            raise StateError(f"guard state: {_told(fault)}") from fault
        return stored

    def update(self, key: str, change: Change) -> None:
        """Replace what is stored under the key; a rival's write in between is seen, and the change made again.

        An account is one key for all who use it. Threads of this process wait for each other; who loses to another process
        takes the server's lock for the next tries, so that the losers do not keep each other from it.
        """
        lock = self._locks[hash(key) % _STRIPES]
        if not lock.acquire(timeout=_QUEUE):
            raise StateError(f"guard state: one session or account had requests waiting for {_QUEUE:g} s")
        try:
            if not self._replaced(_name(key), change):
                self._insist(_name(key), change)
        except self._fault as fault:
            raise StateError(f"guard state: {_told(fault)}") from fault
        finally:
            lock.release()

    def _insist(self, name: str, change: Change) -> None:
        # the lock ends by itself should its holder die
        with self._server.lock(f"{name}:lock", timeout=_WAIT, blocking_timeout=_QUEUE, sleep=0.003):
            for _ in range(_TRIES):
                if self._replaced(name, change):
                    return
        raise StateError(f"guard state: {_TRIES} rival writes on one session or account")

    def forget(self, key: str) -> bool:
        """Erase what is stored under the key."""
        try:
            return bool(self._server.delete(_name(key)))
        except self._fault as fault:
            raise StateError(f"guard state: {_told(fault)}") from fault

    def _replaced(self, name: str, change: Change) -> bool:
        """Try once; say whether no rival wrote in between."""
        try:
            with self._server.pipeline() as steps:
                steps.watch(name)
                value = change(steps.get(name))
                steps.multi()
                steps.set(name, value, ex=self._lifetime)
                steps.execute()
        except self._watch:
            return False
        return True


def _told(fault: Exception) -> str:
    """Return a fixed text for the server's fault: its own repeats the command, in which a person's words may stand."""
    kinds = {kind.__name__ for kind in type(fault).__mro__}
    return next((text for kind, text in _FAULTS if kind in kinds), f"the server refused ({type(fault).__name__})")


def _name(key: str) -> str:
    return f"threelines:guard:{key}"


def open_state(address: str = "memory:", *, lifetime: float = LIFETIME, new: bool = True) -> State:
    """Return the state behind an address: `memory:`, `sqlite:FILE`, `redis://HOST:PORT/0` or `rediss://…`.

    `new`: whether a file that is not there is made.
    """
    if address == "memory:":
        return Memory(lifetime=lifetime)
    if address.startswith("sqlite:") and len(address) > len("sqlite:"):
        path = Path(address.removeprefix("sqlite:").removeprefix("//"))
        if not (new or path.is_file()):
            raise StateError(f"{path}: no such file; give the state that the guard remembers in")
        return Sqlite(path, lifetime=lifetime)
    if address.startswith(("redis://", "rediss://")):
        return Redis(address, lifetime=lifetime)
    raise StateError(f"{address!r}: no such state; give memory:, sqlite:FILE or redis://HOST:PORT/0")
