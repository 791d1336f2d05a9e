"""What feeds have served: which cases in which version, so that what may no longer be said is taken back.

Sealed in the register's settings. A case is kept by its id, without answers; of one that was taken back only the id
under which it left remains, which partners hold as well.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from threelines.people import settings
from threelines.people.case import Content, leaving
from threelines.people.register import Register, RegisterError
from threelines.people.tables import APPROVALS, CASES, CONTENT
from threelines.records import filled


class ServedMeanwhile(RegisterError):
    """Another process that serves the same feed changed what it served since it was read."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A case as partners hold it."""

    name: str
    """The id under which it left: it stays when the register's keys change."""
    facts: str
    """SHA-256 of what the format writes of it, and of the terms."""
    approved: str
    """Digest of the request that two people agreed to."""
    changed: datetime
    parts: tuple[str, ...] = ()
    """What ever left beside it, as the format names it."""
    dropped: tuple[str, ...] = ()
    """Parts that were taken back at some time."""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A case that was taken back."""

    changed: datetime
    parts: tuple[str, ...] = ()


@filled
class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What one feed served: cases by their id, and what was taken back by the id under which it left."""

    live: dict[str, Case] = {}
    gone: dict[str, Gone] = {}
    form: str = ""
    """How its format wrote, as a digest; empty where an older version served."""

    @property
    def changed(self) -> datetime:
        """When anything in it changed last."""
        every: list[Case | Gone] = [*self.live.values(), *self.gone.values()]
        return max((entry.changed for entry in every), default=datetime(2000, 1, 1, tzinfo=UTC))


class Offer(NamedTuple):
    """What the format would write of one case today."""

    name: str
    facts: str
    parts: tuple[str, ...]


def read(register: Register, feed: str) -> Served:
    """Return what a feed served; nothing where it never ran."""
    with register.store.read() as connection:
        return _served(settings.read(connection, register.keyring, _name(feed)))


def _served(kept: str) -> Served:
    return msgspec.json.decode(kept, type=Served) if kept else Served()


def keep(register: Register, feed: str, served: Served, *, before: Served) -> None:
    """Keep what a feed is about to serve: before it leaves, or it could not be taken back.

    Raises ServedMeanwhile where the feed is not what it was `before` any more.
    """
    name = _name(feed)
    with register.store.write() as connection:
        if _served(settings.taken(connection, register.store, register.keyring, name)) != before:
            raise ServedMeanwhile(f"{name}: another process changed what is served; read it again")
        settings.put(connection, register.keyring, name, msgspec.json.encode(served).decode())
        register.audit.note(connection, register.user, "feed.change", record=name, reason="sharing")


def feed_of(name: str, organisation: str) -> str:
    """Return which feed it is: a format's, by one author; only the author may revoke (STIX 2.1, 3.6)."""
    return f"{name}.{sha256(organisation.encode()).hexdigest()[:16]}"


def _name(feed: str) -> str:
    return f"feed.{feed}"


def consented(register: Register, served: Served, purpose: str) -> frozenset[str]:
    """Return which of the cases served have consent today, whoever asks.

    A case that this user does not reach was not withdrawn: it waits, and is not revoked for good.
    """
    found = set()
    with register.store.read() as connection:
        for case in served.live:
            sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == case)).scalar()
            if sealed is not None:
                content = msgspec.msgpack.decode(CONTENT.open(register.keyring, sealed, case), type=Content)
                if leaving(register.form, content, purpose, register.today) is not None:
                    found.add(case)
    return frozenset(found)


def approved(before: Served, offers: dict[str, Offer], digest: str) -> Served:
    """Return what is served when two people agreed to exactly these offers, by case id: they come, or change."""
    now = _later(before)
    live = {case: _case(before.live.get(case), offer, before, now) for case, offer in offers.items()}
    fresh = {case: msgspec.structs.replace(entry, approved=digest) for case, entry in live.items()}
    return msgspec.structs.replace(before, live={**before.live, **fresh})


def without(before: Served, cases: Collection[str]) -> Served:
    """Return what is served when these cases are taken back: that needs nobody's approval."""
    now = _later(before)
    taken = {case: before.live[case] for case in before.live if case in cases}
    gone = {entry.name: Gone(changed=now, parts=entry.parts) for entry in taken.values()}
    live = {case: entry for case, entry in before.live.items() if case not in taken}
    return msgspec.structs.replace(before, live=live, gone={**before.gone, **gone})


def written_as(now: Served, before: Served, form: str) -> Served:
    """Return what is served when the format writes in this form: under another one, what partners hold is a new version.

    The facts are what two people agreed to, and stay. What was revoked has no later version (STIX 2.1, 3.6).
    """
    if form == before.form or not (now.live or now.gone):
        return now
    later = _later(before)
    held = {case: msgspec.structs.replace(now.live[case], changed=later) for case in now.live if case in before.live}
    return msgspec.structs.replace(now, live={**now.live, **held}, form=form)


def _case(old: Case | None, offer: Offer, served: Served, now: datetime) -> Case:
    if old is None:
        name = _fresh(offer.name, served)
        return Case(name=name, facts=offer.facts, approved="", changed=now, parts=offer.parts)
    if old.facts == offer.facts:
        return old
    parts = tuple(sorted({*old.parts, *offer.parts}))
    dropped = tuple(sorted({*old.dropped, *({*old.parts} - {*offer.parts})}))
    return msgspec.structs.replace(old, facts=offer.facts, changed=now, parts=parts, dropped=dropped)


def _fresh(name: str, served: Served) -> str:
    """Return an id that was never taken back: what was revoked may not come again under its id (STIX 2.1, 3.6)."""
    taken = {*served.gone, *(entry.name for entry in served.live.values())}
    names = (name, *(f"{name}.{number}" for number in range(2, len(taken) + 3)))
    return next(entry for entry in names if entry not in taken)


def _later(before: Served) -> datetime:
    """Return the time, in milliseconds as STIX has it; a second after every version before, as MISP counts seconds."""
    now = datetime.now(UTC)
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return max(now, before.changed + timedelta(seconds=1))


def mark(register: Register) -> tuple[date, str]:
    """Return what changes with every case, consent, approval and day: what was judged under another one is judged again."""
    cases = sa.select(CASES.c.id, CASES.c.revision, CASES.c.owner, CASES.c.team).order_by(CASES.c.id)
    requests = sa.select(APPROVALS.c.id, APPROVALS.c.state).order_by(APPROVALS.c.id)
    found = sha256()
    with register.store.read() as connection:
        for wanted in (cases, requests):
            for row in connection.execute(wanted):
                found.update(msgspec.json.encode(list(row)))
    return register.today, found.hexdigest()
