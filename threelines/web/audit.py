"""The page of the audit: who did what, and whether the chain is whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from threelines.people.keeping import altered
from threelines.store.audit import AuditError, Entry
from threelines.web.accounts import Person
from threelines.web.desk import desk, may
from threelines.web.pages import page, when

router = APIRouter(include_in_schema=False)
Auditor = Annotated[Person, Depends(may("audit.read"))]
Place = Annotated[int, Query(ge=0, le=2**31 - 1)]
_SHOWN = 200
"""Entries on one page."""


@router.get("/audit")
def audit(
    request: Request, person: Auditor, record: str = "", who: str = "", before: Place = 0, anchor: str = ""
) -> Response:
    """Show who did what, newest first; the chain is checked on the way, and a broken one is shown all the same."""
    here = desk(request)
    names = {entry.id: entry.name for entry in here.accounts.all()}
    wanted = next((key for key, name in names.items() if name == who.strip().lower()), who.strip())
    rows = list(here.audit.entries(record=record.strip(), who=wanted, before=before, newest=_SHOWN + 1))[::-1]
    count, fault, broken = 0, "", 0
    try:
        count = here.audit.verify(anchor=anchor.strip())
    except AuditError as found:
        fault, broken = str(found), found.entry
    return page(
        request, "audit.html", person=person, entries=[(_time(entry), entry) for entry in rows[:_SHOWN]], names=names,
        altered=altered(here.register.store, here.register.keyring), count=count, fault=fault, broken=broken, head=here.audit.head(), record=record, who=who, anchor=anchor,
        older=rows[_SHOWN - 1].id if len(rows) > _SHOWN else 0, before=before,
    )  # fmt: skip


def _time(entry: Entry) -> str:
    """Show a time, also one that somebody altered into something else."""
    try:
        datetime.fromisoformat(entry.time)
    except (TypeError, ValueError):
        return str(entry.time)
    return when(entry.time)
