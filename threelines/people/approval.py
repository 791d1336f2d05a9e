"""Two people for everything that leaves: one prepares, another approves exactly those bytes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from threelines.people.case import new_id
from threelines.people.register import Register, RegisterError
from threelines.people.tables import APPROVAL, APPROVALS
from threelines.records import ThreelinesError
from threelines.roles import require

Kind = Literal["release", "export", "referral"]
State = Literal["prepared", "approved", "refused", "sent", "answered"]
_REASONS: dict[str, str] = {"release": "release", "export": "sharing", "referral": "referral"}


class ApprovalError(ThreelinesError):
    """Something would leave without two people having agreed to it."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One request to let something leave. `digest` is the SHA-256 of what leaves."""

    id: str
    kind: Kind
    digest: str
    state: State
    prepared_by: str
    decided_by: str
    made: str
    details: dict[str, Any] = {}
    """Recipient, legal basis, receipt, answer: sealed in the database."""


def stamp() -> str:
    """Return the present time, to the microsecond: two events of one second keep their order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def digest_of(data: bytes) -> str:
    """Return what an approval speaks of: the SHA-256 of the bytes that leave."""
    return sha256(data).hexdigest()


def prepare(register: Register, kind: Kind, digest: str, **details: Any) -> str:
    """Ask for approval; return its id."""
    require(register.user, f"{kind}.prepare")
    approval = new_id("a")
    with register.store.write() as connection:
        connection.execute(
            APPROVALS.insert().values(
                id=approval, kind=kind, digest=digest, state="prepared", prepared_by=register.user.id, decided_by="",
                made=stamp(),
                sealed=APPROVAL.seal(register.keyring, msgspec.msgpack.encode(details), approval),
            )
        )  # fmt: skip
        register.audit.note(connection, register.user, f"{kind}.prepare", record=approval, reason=_REASONS[kind])
    return approval


def decide(register: Register, approval_id: str, *, yes: bool) -> Approval:
    """Approve or refuse, as a second person: whoever prepared it may not approve it."""
    found = read(register, approval_id)
    _require(register, found, "approve")
    if found.prepared_by == register.user.id:
        raise ApprovalError(f"{approval_id}: you prepared it; a second person approves it")
    if found.state != "prepared":
        raise ApprovalError(f"{approval_id}: is {found.state} already")
    return _change(register, found, "approved" if yes else "refused", {}, decided_by=register.user.id)


def require_approved(register: Register, kind: Kind, digest: str) -> Approval:
    """Return the approval of exactly these bytes, or raise: call it right before anything leaves."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.kind == kind, APPROVALS.c.digest == digest).order_by(APPROVALS.c.id)
    with register.store.read() as connection:
        rows = connection.execute(wanted).mappings().all()
    for row in rows:
        if row["state"] in ("approved", "sent", "answered") and row["decided_by"] not in ("", row["prepared_by"]):
            return _approval(register, row)
    raise ApprovalError(f"no second person has approved this {kind}; prepare it, then ask a colleague to approve it")


def mark_sent(register: Register, approval_id: str, *, receipt: str = "") -> Approval:
    """Record that it left, with the recipient's receipt."""
    found = read(register, approval_id)
    _require(register, found, "prepare")
    if found.state != "approved":
        raise ApprovalError(f"{approval_id}: is {found.state}; only what was approved leaves")
    return _change(register, found, "sent", {"receipt": receipt})


def void(register: Register, approval_id: str, *, why: str) -> Approval:
    """Refuse an approved request because what it speaks of may not leave any more; `why` is never content."""
    found = read(register, approval_id)
    _require(register, found, "prepare")
    if found.state != "approved":
        raise ApprovalError(f"{approval_id}: is {found.state} already")
    return _change(register, found, "refused", {"void": why})


def record_answer(register: Register, approval_id: str, *, answer: str) -> Approval:
    """Record what the recipient answered: nobody else measures it."""
    found = read(register, approval_id)
    _require(register, found, "prepare")
    if found.state not in ("sent", "answered"):
        raise ApprovalError(f"{approval_id}: is {found.state}; an answer comes after sending")
    return _change(register, found, "answered", {"answer": answer})


def _require(register: Register, found: Approval, act: Literal["prepare", "approve"]) -> None:
    """Raise RoleError unless the user may do this to the request and reaches the case that it speaks of."""
    permission, case = f"{found.kind}.{act}", str(found.details.get("case", ""))
    require(register.user, permission)
    if case:
        # A case that was erased meanwhile is out of everybody's reach; its request can still be closed.
        with suppress(RegisterError), register.case_transaction(case, permission):
            pass


def read(register: Register, approval_id: str) -> Approval:
    """Return one approval."""
    with register.store.read() as connection:
        row = connection.execute(sa.select(APPROVALS).where(APPROVALS.c.id == approval_id)).mappings().first()
    if row is None:
        raise ApprovalError(f"{approval_id}: no such approval")
    return _approval(register, row)


def waiting(register: Register, kind: Kind | None = None) -> Sequence[Approval]:
    """Return what waits for a second person."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.state == "prepared").order_by(APPROVALS.c.made, APPROVALS.c.id)
    with register.store.read() as connection:
        rows = connection.execute(wanted.where(APPROVALS.c.kind == kind) if kind else wanted).mappings().all()
    return [_approval(register, row) for row in rows]


def recent(register: Register, *, limit: int) -> Sequence[Approval]:
    """Return the newest requests of any state, for the page on which two people meet."""
    wanted = sa.select(APPROVALS).order_by(APPROVALS.c.made.desc(), APPROVALS.c.id).limit(limit)
    with register.store.read() as connection:
        rows = connection.execute(wanted).mappings().all()
    return [_approval(register, row) for row in rows]


def _approval(register: Register, row: Any) -> Approval:
    details = msgspec.msgpack.decode(APPROVAL.open(register.keyring, row["sealed"], row["id"]))
    return msgspec.convert({**{str(key): row[key] for key in row if key != "sealed"}, "details": details}, Approval)


def _change(
    register: Register, found: Approval, state: State, details: dict[str, Any], *, decided_by: str = ""
) -> Approval:
    full = {**found.details, **details}
    fresh = msgspec.structs.replace(found, state=state, decided_by=decided_by or found.decided_by, details=full)
    with register.store.write() as connection:
        sealed = APPROVAL.seal(register.keyring, msgspec.msgpack.encode(full), found.id)
        same = sa.and_(APPROVALS.c.id == found.id, APPROVALS.c.state == found.state)
        done = connection.execute(
            APPROVALS.update().where(same).values(state=state, decided_by=fresh.decided_by, sealed=sealed)
        )
        if done.rowcount != 1:
            raise ApprovalError(f"{found.id}: somebody decided it meanwhile")
        register.audit.note(
            connection, register.user, f"{found.kind}.{state}", record=found.id, reason=_REASONS[found.kind]
        )
    return fresh
