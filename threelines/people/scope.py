"""Which cases a user may reach, and one case taken for a transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from threelines.people import steering
from threelines.people.case import Row
from threelines.people.tables import CASES
from threelines.roles import RoleError, User, scope_of
from threelines.store.audit import Audit

INDEX = [CASES.c[name] for name in Row.__struct_fields__]


def in_scope(wanted: sa.Select[Any], user: User, permission: str) -> sa.Select[Any]:
    """Return the query limited to the cases of this user; raise RoleError where the role has no such permission."""
    scope = scope_of(user.role, permission)
    if scope is None:
        raise RoleError(f"the role {user.role} may not {permission} here; ask a colleague whose role may")
    if scope == "own":
        return wanted.where(CASES.c.owner == user.id)
    if scope == "team":
        own, team = CASES.c.owner == user.id, CASES.c.team == user.team
        return wanted.where(sa.or_(own, team) if user.team else own)
    return wanted


def taken(connection: sa.Connection, audit: Audit, case_id: str) -> Row | None:
    """Return a case as it stands, once nobody else is changing it; until the transaction ends nobody else can.

    Take the case before the audit's lock (`Store.lock`), never after it: two transactions would wait for each other.
    """
    wanted = sa.select(*INDEX).where(CASES.c.id == case_id).with_for_update()
    found = connection.execute(wanted).mappings().first()
    if found is None:
        return None
    held = steering.held(connection, audit, case_id)
    return Row(**{**found, "is_held": found["is_held"] or case_id in held})
