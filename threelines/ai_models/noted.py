"""What the guard writes down for people: a line for each request that somebody should look at, and counts.

A line names the session as the gateway named it, so that a person can find and read it there; what was asked stands
only in the words that show a sign. Counts name nobody.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Counter, generate_latest

from threelines.ai_models.event import Decision, Event
from threelines.records import ThreelinesError

_LOG = logging.getLogger(__name__)
_QUIET = frozenset({"allow"})


class LogError(ThreelinesError):
    """The file of raised requests cannot be written."""


class Raised(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line: what was decided on which session, and by which signs."""

    time: str
    """UTC, ISO 8601."""
    action: str
    concern: float
    session: str = ""
    unit: str = ""
    """Hash under which the session or account is remembered."""
    call: str = ""
    """The gateway's own name of the call."""
    turn: int = 0
    signs: tuple[tuple[str, int, str], ...] = ()
    """Indicator, turn and the words that show it."""
    policy: str = ""
    status: str = ""


class Noted:
    """Counts decisions, and appends those that are no plain `allow` to a file where one is given.

    A line that cannot be written changes no decision: it is counted, and `fault` says why until one is written again.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Raise LogError for a file that cannot be opened."""
        self._registry = CollectorRegistry()
        self._counts = Counter(
            "threelines_guard_decisions",
            "Decisions, by action and status.",
            ("action", "status"),
            registry=self._registry,
        )
        self._unwritten = Counter(
            "threelines_guard_lines_unwritten",
            "Lines for people that could not be written to the log.",
            registry=self._registry,
        )
        self.fault = ""
        """Why the last line could not be written; empty where it was."""
        self._file: _Lines | None = None
        if path:
            try:
                self._file = _Lines(path)
            except OSError as fault:
                raise LogError(f"{path}: {fault.strerror}; give a file in a folder that can be written") from fault

    def add(self, event: Event, decision: Decision, unit: str, call: str = "") -> None:
        """Count a decision, and write it down where a person should know of it."""
        status = "error" if decision.status.startswith("error") else decision.status
        self._counts.labels(decision.action, status).inc()
        if self._file is None or (decision.action in _QUIET and status == "ok"):
            return
        try:
            self._file.append(msgspec.json.encode(_line(event, decision, unit, call)) + b"\n")
            self.fault = ""
        except OSError as fault:
            self.fault = fault.strerror or str(fault)
            self._unwritten.inc()
            _LOG.error("a line was not written to the log of raised requests: %s", self.fault)

    def counts(self) -> bytes:
        """Return the counts of this process since its start, in Prometheus' text format."""
        return generate_latest(self._registry)


class _Lines:
    """A file of lines at a path, whoever moves or replaces what lies there; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock, self._cut = path, threading.Lock(), False
        self._file = self._opened()

    def append(self, line: bytes) -> None:
        """Write a whole line to the file that has the name now. Raise OSError where it could not be written whole."""
        with self._lock:
            if not self._in_place():
                opened = self._opened()
                os.close(self._file)
                self._file, self._cut = opened, False
            line = b"\n" * self._cut + line  # what an earlier write left of its line stands alone
            written = os.write(self._file, line)  # one write: whole lines
            self._cut = written < len(line)
            if self._cut:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def _in_place(self) -> bool:
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._file))
        except FileNotFoundError:
            return False


def _line(event: Event, decision: Decision, unit: str, call: str) -> Raised:
    return Raised(
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), action=decision.action,
        concern=round(decision.concern, 3), session=event.session, unit=unit, call=call,
        turn=decision.session_state.turns, policy=decision.policy_version, status=decision.status,
        signs=tuple((seen.indicator, seen.turn, seen.quote) for seen in decision.signals),
    )  # fmt: skip
