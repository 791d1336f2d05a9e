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

from threelines.platforms.review_tables import outbox
from threelines.store.database import Store

TRIES = 12
"""Deliveries that are tried before an event is left for a person (about half a day)."""
BATCH = 50


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
        self._stop = threading.Event()

    def run(self) -> None:
        """Deliver, wait, and deliver again; a fault of the network waits for its turn."""
        wait = self.every
        while not self._stop.wait(wait):
            delivered = self.deliver()
            wait = self.every if delivered else min(wait * 2, 3600.0) if self._has_failed() else self.every

    def stop(self) -> None:
        """End after the delivery that is under way."""
        self._stop.set()

    def deliver(self) -> int:
        """Send what waits, oldest first; stop at the first that is not taken. Return how many were."""
        with self.store.read() as connection:
            wanted = sa.select(outbox).where(outbox.c.sent == "", outbox.c.tries < TRIES)
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
            wanted = sa.select(outbox.c.id).where(outbox.c.sent == "", outbox.c.tries > 0)
            return connection.execute(wanted.limit(1)).first() is not None
