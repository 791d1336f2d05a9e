"""What the guard writes down for people: a line for each request that somebody should look at, and counts.

A line names the session as the gateway named it, so that a person can find and read it there; what was asked stands
only in the words that show a sign. Counts name nobody.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry, Counter, generate_latest

from threelines.ai_models.event import Decision, Event
from threelines.records import ThreelinesError

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
    """Counts decisions, and appends those that are no plain `allow` to a file where one is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._registry = CollectorRegistry()
        self._counts = Counter(
            "threelines_guard_decisions",
            "Decisions, by action and status.",
            ("action", "status"),
            registry=self._registry,
        )
        self._file: int | None = None
        if path:
            try:
                self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            except OSError as fault:
                raise LogError(f"{path}: {fault.strerror}; give a file in a folder that can be written") from fault

    def add(self, event: Event, decision: Decision, unit: str, call: str = "") -> None:
        """Count a decision, and write it down where a person should know of it."""
        status = "error" if decision.status.startswith("error") else decision.status
        self._counts.labels(decision.action, status).inc()
        if self._file is not None and (decision.action not in _QUIET or status != "ok"):
            os.write(
                self._file, msgspec.json.encode(_line(event, decision, unit, call)) + b"\n"
            )  # one write: whole lines

    def counts(self) -> bytes:
        """Return the counts of this process since its start, in Prometheus' text format."""
        return generate_latest(self._registry)


def _line(event: Event, decision: Decision, unit: str, call: str) -> Raised:
    return Raised(
        time=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), action=decision.action,
        concern=round(decision.concern, 3), session=event.session, unit=unit, call=call,
        turn=decision.session_state.turns, policy=decision.policy_version, status=decision.status,
        signs=tuple((seen.indicator, seen.turn, seen.quote) for seen in decision.signals),
    )  # fmt: skip
