"""What a case holds of people: every name in it, and the copy that the person may ask for (GDPR, Article 15).

The copy takes two people: one asks for it and writes it, another agrees in between. Who they are stands in the audit
alone, whose entries cannot be made without the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from threelines.people import approval
from threelines.people.case import Content, Row
from threelines.people.definition import words_of
from threelines.people.register import Register, RegisterError
from threelines.people.tables import CASES, CONTENT, PART, PART_IDENTITY, PARTS, REVISION, REVISIONS
from threelines.store.audit import Audit

STANDS = timedelta(days=30)
"""For how long a request for a copy can be agreed to and written: a month to answer (GDPR, Article 12(3))."""
REASONS = {
    "case work": "Case work", "data quality": "A wrong answer to mend", "subject access": "The person asks for it",
    "emergency": "Somebody is in danger", "supervision": "Supervision", "legal duty": "A legal duty",
}  # fmt: skip
"""Why the vault is opened or a person looked for: the audit's word → ours."""
_REASON = "subject access"
_WORKERS = frozenset({"cas_CaseOwner", "cas_ReferringPrimaryCaseWorker", "cas_ReferredPrimaryCaseWorker"})
"""Answers of the vault that name workers."""
_ACTS = ("subject.ask", "subject.agree", "subject.write")


class Part(NamedTuple):
    """A further event, person, organisation or report of a case, by what names it."""

    id: str
    entity: str
    fields: dict[str, Any]


class Identities(NamedTuple):
    """Who a case names."""

    own: dict[str, Any]
    """Of the person whose case it is, by field name; empty when nothing is kept."""
    further: tuple[Part, ...]
    """Of the further entities, those that have such an answer."""


def identities(register: Register, case_id: str, *, reason: str = "case work") -> Identities:
    """Open every name of one case: the vault, and what names its further entities; one entry of the audit.

    Raises RoleError without `identity.read`, RegisterError where there is no such case.
    """
    with register.case_transaction(case_id, "identity.read") as (connection, _):
        register.audit.note(connection, register.user, "identity.read", record=case_id, reason=reason)
        named = PARTS.c.identity.is_not(None)
        rows = connection.execute(sa.select(PARTS).where(PARTS.c.case_id == case_id, named).order_by(PARTS.c.id)).all()
        further = tuple(
            Part(row.id, row.entity, msgspec.msgpack.decode(PART_IDENTITY.open(register.keyring, row.identity, row.id)))
            for row in rows
        )
        return Identities(register.vault.read(connection, case_id), further)


# -- the copy of a case ---------------------------------------------------------------------


def ask(register: Register, case_id: str) -> None:
    """Ask for the copy of a case, on the person's request."""
    with register.case_transaction(case_id, "subject.prepare") as (connection, _):
        note_ask(connection, register, case_id)


def agree(register: Register, case_id: str) -> None:
    """Agree, as a second person, that the copy of a case is written."""
    with register.case_transaction(case_id, "subject.approve") as (connection, _):
        note_agree(connection, register, case_id)


def copy_of(register: Register, case_id: str) -> dict[str, Any]:
    """Return what is kept of the person of a case, in the form's words; whoever asked for it gets it, once.

    Names of further persons are theirs and are left out, and so are the workers' (EU Court of Justice, C-579/21): the
    times and reasons of what was done stand in it. Raises RegisterError where no second person has agreed.
    """
    given = [_sent(request) for request in approval.about(register, case_id)]
    done = [_act(entry) for entry in register.audit.entries(record=case_id)]
    with register.case_transaction(case_id, "subject.prepare") as (connection, row):
        note_write(connection, register, case_id)
        plain = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == case_id)).scalar_one()
        content = _content(CONTENT.open(register.keyring, plain, case_id))
        return {
            "case": case_id, "day": register.today.isoformat(), "answers": _answers(register, content.fields),
            "identity": _answers(register, register.vault.read(connection, case_id)),
            "further_entities": _further(connection, register, case_id),
            "consent": _consents(register, content), "origin": content.provenance,
            "earlier_revisions": _earlier(connection, register, case_id), "prepared_or_sent_to_others": given,
            "what_was_done": done, "kept": _kept(register, row),
        }  # fmt: skip


def _content(plain: bytes) -> Content:
    return msgspec.msgpack.decode(plain, type=Content)


def _answers(register: Register, fields: Mapping[str, Any]) -> list[dict[str, str]]:
    known = [field for field in register.form.field if field.name in fields and field.name not in _WORKERS]
    return [
        {"question": field.label, "answer": words_of(register.form, field.name, fields[field.name])} for field in known
    ]


def _further(connection: sa.Connection, register: Register, case_id: str) -> list[dict[str, Any]]:
    rows = connection.execute(sa.select(PARTS).where(PARTS.c.case_id == case_id).order_by(PARTS.c.id)).all()
    return [
        {
            "entity": row.entity, "names_left_out": row.identity is not None,
            "answers": _answers(register, msgspec.msgpack.decode(PART.open(register.keyring, row.sealed, row.id))),
        }
        for row in rows
    ]  # fmt: skip


def _consents(register: Register, content: Content) -> list[dict[str, str]]:
    words = register.form.list["consent_purpose"]
    return [
        {"purpose": words.get(purpose, purpose), **{name: told for name, told in _by_name(given).items() if told}}
        for purpose, given in content.consent.items()
    ]


def _by_name(given: Any) -> dict[str, str]:
    return {name: getattr(given, name) for name in given.__struct_fields__}


def _earlier(connection: sa.Connection, register: Register, case_id: str) -> list[dict[str, Any]]:
    wanted = sa.select(REVISIONS).where(REVISIONS.c.case_id == case_id).order_by(REVISIONS.c.number)
    found = []
    for row in connection.execute(wanted).all():
        content = _content(REVISION.open(register.keyring, row.sealed, case_id, row.number))
        found.append({"revision": row.number, "answers": _answers(register, content.fields)})
    return found


def _sent(request: approval.Approval) -> dict[str, str]:
    told = {name: str(request.details.get(name, "")) for name in ("recipient", "basis", "format", "purpose")}
    return {
        "kind": request.kind,
        "state": request.state,
        "day": request.made[:10],
        **{k: v for k, v in told.items() if v},
    }


def _act(entry: Any) -> dict[str, str]:
    return {"time": entry.time, "did": entry.action, "why": entry.reason}


def _kept(register: Register, row: Row) -> str:
    if row.is_held:
        return "until a legal hold is lifted"
    if row.destroy_after:
        return f"identity and earlier revisions until the end of {row.destroy_after}"
    return f"identity and earlier revisions until {register.retention_months} months after the case is closed"


# -- two people -----------------------------------------------------------------------------


def note_ask(connection: sa.Connection, register: Register, record: str) -> None:
    """Note in the caller's transaction that this user asks for the copy of a record."""
    register.audit.note(connection, register.user, "subject.ask", record=record, reason=_REASON)


def note_agree(connection: sa.Connection, register: Register, record: str) -> None:
    """Note in the caller's transaction that this user agrees to the open request; refused to whoever asked."""
    register.store.lock(connection)
    asked, _ = _standing(connection, register.audit, record)
    if not asked:
        raise RegisterError("nobody has asked for this copy in the last 30 days; --ask comes first")
    if asked == register.user.id:
        raise RegisterError("you asked for this copy; a second person agrees to it")
    register.audit.note(connection, register.user, "subject.agree", record=record, reason=_REASON)


def note_write(connection: sa.Connection, register: Register, record: str) -> None:
    """Note in the caller's transaction that this user has the copy now, which ends the request."""
    register.store.lock(connection)
    asked, agreed = _standing(connection, register.audit, record)
    if asked != register.user.id or not agreed:
        raise RegisterError("no copy is written before one person has asked for it and a second one has agreed")
    register.audit.note(connection, register.user, "subject.write", record=record, reason=_REASON)


def _standing(connection: sa.Connection, audit: Audit, record: str) -> tuple[str, str]:
    """Return who asked and who agreed to the request that stands; empty where nobody did."""
    asked = agreed = ""
    since = datetime.now(UTC) - STANDS
    for entry, is_true in audit.told(connection, _ACTS, record=record):
        if not is_true or datetime.fromisoformat(entry.time) < since:
            continue
        if entry.action == "subject.agree" and entry.who != asked:
            agreed = entry.who
        elif entry.action != "subject.agree":
            asked, agreed = (entry.who if entry.action == "subject.ask" else ""), ""
    return asked, agreed
