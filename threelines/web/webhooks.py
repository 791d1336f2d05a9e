"""Announce decisions to the platform: signed, in order, at least once, never with content.

A receiver checks `Threelines-Signature: t=…,v1=…` (HMAC-SHA256 over `t.body`) and drops ids it has
seen: `Threelines-Event` names the event, so that a repeated delivery changes nothing.
"""

from __future__ import annotations

import hmac
import threading
import time
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from threelines.platforms.review_tables import outbox
from threelines.records import ThreelinesError
from threelines.roles import User
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.web.faults import note_fault

SLOWEST = 3600.0
"""Seconds after which what was not taken is tried again at the latest."""
TRIES = 22
"""Deliveries that are tried before an event is left for a person: about half a day, of waits that double up to `SLOWEST`."""
BATCH = 50
_FAULTS = (SQLAlchemyError, ThreelinesError, OSError, httpx.InvalidURL, ValueError)
"""What a delivery may raise: the database, a full disk or certificates that cannot be read, a wrong address or proxy."""
_WAITS = (outbox.c.sent == "", outbox.c.tries < TRIES)
_GIVEN_UP = (outbox.c.sent == "", outbox.c.tries >= TRIES)


def signature(secret: str, body: str, at: int) -> str:
    """Return the header that proves who sent a body, and when."""
    made = hmac.new(secret.encode(), f"{at}.{body}".encode(), sha256).hexdigest()
    return f"t={at},v1={made}"


def is_signed(secret: str, body: str, header: str, *, within: int = 300) -> bool:
    """Check a signature as a receiver does: right key, right body, not older than `within` seconds."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    at = parts.get("t", "")
    if not at.isdecimal() or abs(time.time() - int(at)) > within:
        return False
    return hmac.compare_digest(signature(secret, body, int(at)), header)


class Courier(threading.Thread):
    """Sends what the outbox holds, in a thread of its own, until it is told to stop."""

    def __init__(self, store: Store, *, address: str, secret: str, every: float = 2.0) -> None:
        super().__init__(name="threelines-courier", daemon=True)
        self.store, self.address, self.secret, self.every = store, address, secret, every
        self.ended = threading.Event()  # `_stop` is a method of Thread

    def run(self) -> None:
        """Deliver, wait, and deliver again; what was not taken, and a fault, wait twice as long each time."""
        wait = self.every
        while not self.ended.wait(wait):
            wait = self.every if self._goes_well() else min(wait * 2, SLOWEST)

    def stop(self) -> None:
        """End after the delivery that is under way."""
        self.ended.set()

    def _goes_well(self) -> bool:
        """Deliver once; a fault goes into the log, and the next delivery comes all the same."""
        try:
            return self.deliver() > 0 or not self._has_failed()
        except _FAULTS as fault:
            note_fault(fault)
            return False

    def deliver(self) -> int:
        """Send what waits, oldest first; stop at the first that is not taken. Return how many were."""
        with self.store.read() as connection:
            wanted = sa.select(outbox).where(*_WAITS)
            rows = connection.execute(wanted.order_by(outbox.c.made, outbox.c.id).limit(BATCH)).all()
        done = 0
        for row in rows:
            taken = self._send(row.id, row.body)
            self._note(row.id, taken)
            if not taken:
                break
            done += 1
        return done

    def _send(self, event: str, body: str) -> bool:
        headers = {
            "content-type": "application/json", "threelines-event": event,
            "threelines-signature": signature(self.secret, body, int(time.time())),
        }  # fmt: skip
        try:
            return httpx.post(self.address, content=body, headers=headers, timeout=10.0).is_success
        except httpx.HTTPError:
            return False

    def _note(self, event: str, taken: bool) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        values = {"sent": now} if taken else {"tries": outbox.c.tries + 1}
        with self.store.write() as connection:
            connection.execute(outbox.update().where(outbox.c.id == event).values(**values))

    def _has_failed(self) -> bool:
        with self.store.read() as connection:
            wanted = sa.select(outbox.c.id).where(*_WAITS, outbox.c.tries > 0)
            return connection.execute(wanted.limit(1)).first() is not None


def given_up(store: Store) -> int:
    """Return how many announcements were tried `TRIES` times and wait for a person."""
    with store.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).where(*_GIVEN_UP)).scalar_one())


def announce_again(store: Store, audit: Audit, user: User) -> None:
    """Let the courier try what was given up, oldest first; the audit says who asked."""
    with store.write() as connection:
        audit.note(connection, user, "announcement.again", reason="administration")
        connection.execute(outbox.update().where(*_GIVEN_UP).values(tries=0))
