"""What the audit says of columns in clear that decide what may happen to a record.

Whoever can write to the file can set them without a key; an entry of the audit cannot be made without one.
"""

from __future__ import annotations

import sqlalchemy as sa

from threelines.store.audit import Audit


def held(connection: sa.Connection, audit: Audit, case_id: str = "") -> frozenset[str]:
    """Return the cases (or this one) under a legal hold that no true entry of the audit lifts."""
    found: set[str] = set()
    for entry, is_true in audit.told(connection, ("case.hold", "case.release"), record=case_id):
        if entry.action == "case.hold":
            found.add(entry.record)
        elif is_true:
            found.discard(entry.record)
    return frozenset(found)


def published(connection: sa.Connection, audit: Audit) -> dict[str, int]:
    """Return the number of the audit entry of every release that left, or is taken to have since a restore, by its id."""
    return {entry.record: entry.id for entry, _ in audit.told(connection, ("release.sent", "release.restored"))}


def is_decided(
    connection: sa.Connection, audit: Audit, request: str, *, kind: str, state: str, people: tuple[str, str]
) -> bool:
    """Say whether true entries name these (who prepared, who decided) and this state as the last of a request."""
    acts = tuple(f"{kind}.{each}" for each in ("prepare", "approved", "refused", "sent", "answered"))
    told = [entry for entry, is_true in audit.told(connection, acts, record=request) if is_true]
    who = {entry.action: entry.who for entry in told}
    return bool(told) and told[-1].action == f"{kind}.{state}" and (who.get(acts[0]), who.get(acts[1])) == people
