"""The statements that run for every request of a reviewer, built once: building them costs more than running them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from threelines.platforms.review_tables import decisions, findings, items, seen

WAITING = ("open", "second", "split", "appeal")
"""Stages in which somebody still has to decide."""
_waits = findings.c.stage.in_(WAITING)


def decided_by(reviewer: Any) -> sa.ColumnElement[bool]:
    """Say in SQL that this person has a standing decision on the finding of the outer statement."""
    return sa.exists().where(
        decisions.c.finding == findings.c.id, decisions.c.reviewer == reviewer, decisions.c.undone == ""
    )


_who: sa.BindParameter[str] = sa.bindparam("who")

FINDING = (
    sa.select(findings, items.c.lease_by, items.c.lease_until, items.c.opened)
    .join(items, items.c.id == findings.c.item)
    .where(findings.c.id == sa.bindparam("finding"))
)
"""One finding, with who has its item."""

HOLD = (
    items.update()
    .where(items.c.id == sa.bindparam("held"))
    .values(lease_by=sa.bindparam("holder"), lease_until=sa.bindparam("until"), opened=sa.bindparam("shown"))
)
LET_GO_OTHERS = (
    items.update()
    .where(items.c.lease_by == sa.bindparam("holder"), items.c.id != sa.bindparam("held"))
    .values(lease_by="", lease_until=0.0)
)

OWN = sa.select(decisions.c.id).where(
    decisions.c.finding == sa.bindparam("finding"), decisions.c.reviewer == _who, decisions.c.undone == ""
)
"""This person's standing decision on a finding."""

TAKEN_BACK = (
    sa.select(decisions)
    .where(decisions.c.finding == sa.bindparam("finding"), decisions.c.reviewer == _who, decisions.c.undone != "")
    .order_by(decisions.c.time.desc())
    .limit(1)
)
"""What this person last took back of a finding."""

STATE = sa.select(sa.func.count(), sa.func.max(findings.c.harm), sa.func.min(findings.c.created)).where(
    findings.c.item == sa.bindparam("item"), _waits
)
"""How many findings of an item wait, the gravest and the oldest of them."""

REST = (
    sa.select(findings.c.id, findings.c.tier)
    .where(findings.c.item == sa.bindparam("item"), _waits, ~decided_by(_who))
    .order_by(findings.c.harm.desc(), findings.c.id)
)
"""Findings of an item that wait for this person, gravest first."""

FOLLOWED = ("refer", "support")
"""Final decisions after which somebody has to go on."""
DECIDED_AT = (
    sa.select(sa.func.max(decisions.c.time))
    .where(decisions.c.finding == findings.c.id, decisions.c.undone == "")
    .scalar_subquery()
)
"""When the finding of the outer statement was decided."""

DECIDED = (
    findings.update()
    .where(findings.c.id == sa.bindparam("finding"))
    .values(stage=sa.bindparam("now"), decision=sa.bindparam("final"))
)
ADD_DECISION = decisions.insert()

SEEN = sa.select(seen.c.seen, seen.c.urgent).where(
    seen.c.reviewer == sa.bindparam("who"), seen.c.day == sa.bindparam("today")
)
SEE_MORE = (
    seen.update()
    .where(seen.c.reviewer == sa.bindparam("who"), seen.c.day == sa.bindparam("today"))
    .values(seen=seen.c.seen + 1, urgent=seen.c.urgent + sa.bindparam("grave"))
)
SEE_FIRST = seen.insert()


def _queue(*, in_languages: bool) -> sa.Select[Any]:
    free = sa.or_(items.c.lease_by == _who, items.c.lease_until < sa.bindparam("now"))
    fresh = sa.exists().where(findings.c.item == items.c.id, _waits, ~decided_by(_who))
    chosen = sa.select(items).where(items.c.waiting > 0, free, fresh)
    if in_languages:
        chosen = chosen.where(items.c.language.in_(sa.bindparam("languages", expanding=True)))
    return chosen.order_by(items.c.priority.desc(), items.c.id)


QUEUE, QUEUE_IN = _queue(in_languages=False), _queue(in_languages=True)
"""Items that this person may take now, in order."""
FIRST, FIRST_IN = QUEUE.limit(1), QUEUE_IN.limit(1)
ONE = QUEUE.where(items.c.id == sa.bindparam("item")).limit(1)
