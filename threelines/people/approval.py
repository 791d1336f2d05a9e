"""Two people for everything that leaves: one prepares, another approves exactly those bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from threelines.people import steering
from threelines.people.case import Content, leaving, new_id
from threelines.people.register import Register
from threelines.people.tables import APPROVAL, APPROVALS, CASES, CONTENT
from threelines.records import Incident, ThreelinesError, filled, is_whole
from threelines.roles import RoleError, allowed, require, scope_needed, scope_of

Kind = Literal["release", "export", "referral"]
State = Literal["prepared", "approved", "refused", "sent", "answered", "altered"]
"""`altered` is kept nowhere: the columns of a request do not fit what is sealed with them, so it counts as nothing."""
Act = Literal["prepare", "approve"]
_AGREED = ("approved", "sent", "answered")
ACTS: tuple[Act, ...] = ("prepare", "approve")
_STEERING = ("kind", "digest", "state", "prepared_by", "decided_by", "made")
"""Columns in clear that are sealed once more with the details: a lock in SQL needs them in clear."""
_COLUMNS = "columns"
_REASONS: dict[str, str] = {"release": "release", "export": "sharing", "referral": "referral"}


class ApprovalError(ThreelinesError):
    """Something would leave without two people having agreed to it."""


@filled
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
    """Recipient, legal basis, receipt, answer, and what is written (`case`, or `format`, `purpose` and `written`):
    sealed in the database."""

    @property
    def cases(self) -> tuple[str, ...]:
        """The ids of the cases that are written; empty for statistics, and for requests of early versions."""
        one = self.details.get("case")
        return (str(one),) if one else tuple(self.details.get("written", ()))


def stamp() -> str:
    """Return the present time, to the microsecond: two events of one second keep their order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def digest_of(data: bytes) -> str:
    """Return what an approval speaks of: the SHA-256 of the bytes that leave."""
    return sha256(data).hexdigest()


@filled
class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands over to whom, on which basis, and who may read it: what a second person agrees to beside the facts."""

    organisation: str = ""
    recipient: str = ""
    basis: str = ""
    tlp: str = ""

    def __post_init__(self) -> None:
        if not is_whole(self.organisation + self.recipient + self.basis):
            raise ApprovalError("sender, recipient or legal basis: half a character; write it again as UTF-8")


def content_digest(name: str, incidents: Iterable[Incident], terms: Terms) -> str:
    """Return what a request about cases speaks of: the format, its terms and the facts of the cases written."""
    return digest_of(msgspec.json.encode((name, terms, list(incidents)), order="sorted"))


def prepare(register: Register, kind: Kind, digest: str, **details: Any) -> str:
    """Ask for approval; return its id."""
    require(register.user, f"{kind}.prepare")
    fresh = Approval(
        id=new_id("a"), kind=kind, digest=digest, state="prepared", prepared_by=register.user.id, decided_by="",
        made=stamp(), details=details,
    )  # fmt: skip
    with register.store.write() as connection:
        connection.execute(
            APPROVALS.insert().values(
                id=fresh.id, sealed=_sealed(register, fresh), **{name: getattr(fresh, name) for name in _STEERING}
            )
        )
        register.audit.note(connection, register.user, f"{kind}.prepare", record=fresh.id, reason=_REASONS[kind])
    return fresh.id


def _sealed(register: Register, found: Approval) -> bytes:
    # beside the details, as a program of one version earlier reads them
    plain = {**found.details, _COLUMNS: [getattr(found, name) for name in _STEERING]}
    return APPROVAL.seal(register.keyring, msgspec.msgpack.encode(plain), found.id)


def decide(register: Register, approval_id: str, *, yes: bool) -> Approval:
    """Approve or refuse, as a second person: whoever prepared it may not approve it."""
    found = read(register, approval_id)
    _require(register, found, "approve")
    if found.prepared_by == register.user.id:
        raise ApprovalError(f"{approval_id}: you prepared it; a second person approves it")
    if found.state != "prepared":
        raise ApprovalError(f"{approval_id}: is {found.state} already")
    if yes:
        _refuse_changed(register, found)
    return _change(register, found, "approved" if yes else "refused", {}, decided_by=register.user.id)


def require_approved(register: Register, kind: Kind, digest: str) -> Approval:
    """Return the approval of exactly these bytes, or raise: call it right before anything leaves."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.kind == kind, APPROVALS.c.digest == digest).order_by(APPROVALS.c.id)
    with register.store.read() as connection:
        rows = connection.execute(wanted).mappings().all()
    for row in rows:
        found = _approval(register, row)
        if found.state in _AGREED and found.decided_by not in ("", found.prepared_by):
            return found
    raise ApprovalError(f"no second person has approved this {kind}; prepare it, then ask a colleague to approve it")


def mark_sent(register: Register, approval_id: str, *, receipt: str = "") -> Approval:
    """Record that it left, with the recipient's receipt."""
    found = sendable(register, approval_id)
    with register.store.write() as connection:
        return note_sent(connection, register, found, receipt=receipt)


def sendable(register: Register, approval_id: str) -> Approval:
    """Return an approved request that may leave as it stands, or raise."""
    found = read(register, approval_id)
    _require(register, found, "prepare")
    if found.state != "approved":
        raise ApprovalError(f"{approval_id}: is {found.state}; only what was approved leaves")
    _refuse_changed(register, found)
    return found


def note_sent(connection: sa.Connection, register: Register, found: Approval, *, receipt: str) -> Approval:
    """Record in the caller's transaction that a `sendable` request left."""
    return _note(connection, register, found, "sent", {"receipt": receipt})


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


def written_now(register: Register, found: Approval) -> list[Incident]:
    """Return the facts that a request about cases speaks of; raise when a case or its consent changed since.

    The caller has asked who may read them (`require_reach`).
    """
    if not found.cases:
        raise ApprovalError(f"{found.id}: does not say which cases it speaks of; prepare it again")
    about = found.details
    rows = list(_incidents_now(register, found.cases, str(about.get("purpose", "share_with_police"))))
    terms = msgspec.convert(about, Terms)  # what else the request holds is passed over
    if content_digest(str(about.get("format", "referral")), rows, terms) != found.digest:
        raise ApprovalError(f"{found.id}: a case or its consent changed since; nothing may leave, prepare it again")
    return rows


def _incidents_now(register: Register, cases: Iterable[str], purpose: str) -> Iterator[Incident]:
    with register.store.read() as connection:
        for case_id in cases:
            row = connection.execute(sa.select(CASES.c.revision, CASES.c.sealed).where(CASES.c.id == case_id)).first()
            if row is None:  # erased
                continue
            content = msgspec.msgpack.decode(CONTENT.open(register.keyring, row.sealed, case_id), type=Content)
            fields = leaving(register.form, content, purpose, register.today)
            if fields is not None:
                yield register.as_incident(case_id, purpose, row.revision, content, fields)


def is_current(register: Register, found: Approval) -> bool:
    """Say whether what a request speaks of still stands and may leave."""
    try:
        _refuse_changed(register, found)
    except ApprovalError:
        return False
    return True


def _refuse_changed(register: Register, found: Approval) -> None:
    if found.kind != "release":  # the bytes of a release are kept with it
        written_now(register, found)


def _require(register: Register, found: Approval, act: Act) -> None:
    """Raise RoleError unless the user may do this to the request and reaches every case that it speaks of."""
    require(register.user, f"{found.kind}.{act}")
    require_reach(register, found, act)


def require_reach(register: Register, found: Approval, *acts: Act) -> None:
    """Raise RoleError, and write that down, unless the user may do one of these to every case of the request."""
    if not set(acts or ACTS) & _acts(register, found, _index(register, [found])):
        register.audit.add(register.user, "case.refused", record=found.id)
        raise RoleError(f"the role {register.user.role} may not {found.kind}.{acts[0] if acts else 'read'} here; "
                        "ask a colleague whose role may")  # fmt: skip


_Index = Mapping[str, tuple[str, str]]
"""Owner and team by case id."""


def _index(register: Register, requests: Iterable[Approval]) -> _Index:
    ids = sorted({case for found in requests for case in found.cases})
    known: dict[str, tuple[str, str]] = {}
    with register.store.read() as connection:
        for start in range(0, len(ids), 500):
            some = CASES.c.id.in_(ids[start : start + 500])
            rows = connection.execute(sa.select(CASES.c.id, CASES.c.owner, CASES.c.team).where(some))
            known |= {row.id: (row.owner, row.team) for row in rows}
    return known


def _acts(register: Register, found: Approval, index: _Index) -> frozenset[Act]:
    return frozenset(act for act in ACTS if _reaches(register, found, act, index))


def _reaches(register: Register, found: Approval, act: Act, index: _Index) -> bool:
    user, widest = register.user, scope_of(register.user.role, f"{found.kind}.{act}")
    if widest is None or widest == "all":
        return widest == "all"
    if not found.cases or any(case not in index for case in found.cases):
        # What names no case, or an erased one, is left to whoever made it and to those who reach everything.
        return found.prepared_by == user.id
    needed = (scope_needed(user, owner=owner, team=team) for owner, team in (index[case] for case in found.cases))
    return all(allowed(user.role, f"{found.kind}.{act}", scope) for scope in needed)


def read(register: Register, approval_id: str) -> Approval:
    """Return one approval."""
    with register.store.read() as connection:
        row = connection.execute(sa.select(APPROVALS).where(APPROVALS.c.id == approval_id)).mappings().first()
    if row is None:
        raise ApprovalError(f"{approval_id}: no such approval")
    return _approval(register, row)


def about(register: Register, case_id: str) -> list[Approval]:
    """Return the requests in which a case is written, oldest first: to whom it went, or was to go."""
    with register.store.read() as connection:
        rows = connection.execute(sa.select(APPROVALS).order_by(APPROVALS.c.made, APPROVALS.c.id)).mappings().all()
    return [found for row in rows if case_id in (found := _approval(register, row)).cases]


def waiting(register: Register, kind: Kind | None = None) -> Sequence[Approval]:
    """Return what waits for a second person."""
    wanted = sa.select(APPROVALS).where(APPROVALS.c.state == "prepared").order_by(APPROVALS.c.made, APPROVALS.c.id)
    with register.store.read() as connection:
        rows = connection.execute(wanted.where(APPROVALS.c.kind == kind) if kind else wanted).mappings().all()
    return [_approval(register, row) for row in rows]


class Listed(NamedTuple):
    """A request, and what this user may do with its kind and cases."""

    request: Approval
    acts: frozenset[Act]


def listed(register: Register, *, skip: int = 0, limit: int) -> Sequence[Listed]:
    """Return requests in the user's reach: those that wait first, oldest first; then the others, newest first."""
    return list(islice(_in_reach(register), skip, skip + limit))


def _in_reach(register: Register) -> Iterator[Listed]:
    waits = APPROVALS.c.state == "prepared"
    order = (sa.case((waits, 0), else_=1), sa.case((waits, APPROVALS.c.made), else_=""), APPROVALS.c.made.desc())
    with register.store.read() as connection:
        ids = connection.execute(sa.select(APPROVALS.c.id).order_by(*order, APPROVALS.c.id)).scalars().all()
    for start in range(0, len(ids), 100):
        some = ids[start : start + 100]
        with register.store.read() as connection:
            rows = connection.execute(sa.select(APPROVALS).where(APPROVALS.c.id.in_(some))).mappings().all()
        found = sorted((_approval(register, row) for row in rows), key=lambda each: some.index(each.id))
        index = _index(register, found)
        yield from (entry for each in found if (entry := Listed(each, _acts(register, each, index))).acts)


def _approval(register: Register, row: Any) -> Approval:
    details = msgspec.msgpack.decode(APPROVAL.open(register.keyring, row["sealed"], row["id"]))
    columns = {str(key): row[key] for key in row if key != "sealed"}
    said = details.pop(_COLUMNS, None)
    if said is not None:
        stands = said == [columns[name] for name in _STEERING]
    else:  # from before the columns were sealed too
        stands = columns["state"] not in _AGREED or _is_decided(register, columns)
    return msgspec.convert({**columns, "details": details, **({} if stands else {"state": "altered"})}, Approval)


def _is_decided(register: Register, columns: Mapping[str, str]) -> bool:
    people = columns["prepared_by"], columns["decided_by"]
    with register.store.read() as connection:
        return people[0] != people[1] and steering.is_decided(
            connection, register.audit, columns["id"], kind=columns["kind"], state=columns["state"], people=people
        )


def altered(register: Register) -> list[str]:
    """Say of which requests the columns in clear do not fit what is sealed, or for old ones the audit."""
    with register.store.read() as connection:
        rows = connection.execute(sa.select(APPROVALS).order_by(APPROVALS.c.id)).mappings().all()
    found = [each for each in (_approval(register, row) for row in rows) if each.state == "altered"]
    return [f"request {each.id}: its state, people, kind or digest were changed by hand; it is void" for each in found]


def _change(
    register: Register, found: Approval, state: State, details: dict[str, Any], *, decided_by: str = ""
) -> Approval:
    with register.store.write() as connection:
        return _note(connection, register, found, state, details, decided_by=decided_by)


def _note(
    connection: sa.Connection, register: Register, found: Approval, state: State, details: dict[str, Any], *,
    decided_by: str = "",
) -> Approval:  # fmt: skip
    full = {**found.details, **details}
    fresh = msgspec.structs.replace(found, state=state, decided_by=decided_by or found.decided_by, details=full)
    same = sa.and_(APPROVALS.c.id == found.id, APPROVALS.c.state == found.state)
    done = connection.execute(
        APPROVALS.update().where(same).values(state=state, decided_by=fresh.decided_by, sealed=_sealed(register, fresh))
    )
    if done.rowcount != 1:
        raise ApprovalError(f"{found.id}: somebody decided it meanwhile")
    register.audit.note(
        connection, register.user, f"{found.kind}.{state}", record=found.id, reason=_REASONS[found.kind]
    )
    return fresh
