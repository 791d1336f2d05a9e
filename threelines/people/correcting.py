"""Submissions that were corrected on their form server: the case that was made of the earlier version takes the correction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people.case import Content, Row, vault_changes, without_derived
from threelines.people.definition import ASKED, FormError, Problem
from threelines.people.entry import Entry
from threelines.people.register import Register, RegisterError
from threelines.people.scope import in_scope
from threelines.people.tables import CASES, CONTENT
from threelines.people.vault import beside
from threelines.roles import RoleError

UUID = "uuid:"
"""What earlier versions kept before the id of a submission, as `meta/instanceID` has it."""
_IMPORTED = "imported"
"""Of the provenance: the number of the last revision that an import made. A later one is a worker's."""
_FIELD = "deprecatedID"
"""By what a refusal is told: the column that says of a row that it is a correction."""


def find(register: Register, connection: sa.Connection, submissions: Iterable[str]) -> list[str]:
    """Return the cases of these submissions, by their ids in either spelling, without asking who may see them."""
    ids = {spelt for name in submissions if name for spelt in (name, UUID + name)}
    return register.vault.find(connection, beside(former=ids)) if ids else []


def twice(register: Register, connection: sa.Connection, cases: Collection[str]) -> Problem:
    """Say that versions of one submission stand as several cases, as imports before this version made them."""
    seen = connection.execute(in_scope(sa.select(CASES.c.id), register.user, "case.list").where(CASES.c.id.in_(cases)))
    named = ", ".join(sorted(seen.scalars())) or "not yours to see"
    return Problem(
        _FIELD, f"versions of this submission are {len(cases)} cases ({named}); erase those that do not count"
    )


def correct(register: Register, entry: Entry, targets: Collection[str]) -> tuple[str, Problem | None]:
    """Bring a case up to what the corrected submission says; return the id of the case, or why it was not done.

    `targets` are what the columns of the file mean: an answer without a column stays, an empty one goes. Whoever changed
    the case here has the last word: a correction that says otherwise is refused. The id is empty where nothing was to do.
    """
    submission = str(entry.fields["tl_SubmissionId"])
    with register.store.read() as connection:
        cases = find(register, connection, entry.former)
        if len(cases) > 1:
            return "", twice(register, connection, cases)
    if not cases:
        return "", Problem(_FIELD, "corrects a row that is not in the register; see what is told of that one")
    try:
        with register.case_transaction(cases[0], "case.update") as (connection, row):
            if find(register, connection, [submission]):  # another import of the file was first
                return "", None
            done = _correct(register, connection, row, entry, targets)
    except RoleError:
        return "", Problem(_FIELD, "corrects a case that is not yours to change; whose case it is imports it")
    except RegisterError as fault:
        return "", Problem(_FIELD, str(fault))
    except FormError as fault:
        return "", fault.problems[0]
    return (cases[0] if done else ""), None


def _correct(register: Register, connection: sa.Connection, row: Row, entry: Entry, targets: Collection[str]) -> bool:
    """Keep the correction as a revision; return False where the case says the same already."""
    sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == row.id)).scalar_one()
    old = msgspec.msgpack.decode(CONTENT.open(register.keyring, sealed, row.id), type=Content)
    identity = register.vault.read(connection, row.id)
    told = _merged({**without_derived(old.fields), **identity}, entry, targets)
    new, named = register.prepared(entry._replace(fields=told))
    consent = {name: given for name, given in old.consent.items() if f"consent.{name}" not in _asked(targets)}
    for name, given in new.consent.items():
        before = old.consent.get(name)
        # an answer that is not another one was given when it was given
        consent[name] = before if before and before.value == given.value else given
    changes = vault_changes(identity, named)
    is_same = new.fields == old.fields and consent == old.consent and set(changes) <= {"tl_SubmissionId"}
    if not is_same:
        _refuse(row, old, {name for name in changes if name in identity} - {"tl_SubmissionId"})
    former = {*entry.former, *register.vault.former(connection, row.id), str(identity.get("tl_SubmissionId", ""))}
    register.vault.replace(connection, row.id, {**named, **beside(former=former - {""})})
    if is_same:
        return False
    provenance = {**old.provenance, _IMPORTED: str(row.revision + 1)}
    content = Content(fields=new.fields, consent=consent, provenance=provenance, vault=changes)
    register.audit.note(connection, register.user, "identity.change", record=row.id, reason="import")
    register.revise(connection, row, content, "case.update", reason="import")
    return True


def _merged(known: Mapping[str, Any], entry: Entry, targets: Collection[str]) -> dict[str, Any]:
    """Return the answers of the case with those of the correction in place of what its file asks."""
    asked = _asked(targets)
    stay = {name: value for name, value in known.items() if name not in asked}
    return {**stay, **{name: value for name, value in entry.fields.items() if name in asked or name not in known}}


def _asked(targets: Collection[str]) -> set[str]:
    """Return the fields and consents that the columns of a file ask, with what follows from them."""
    asked = {target.partition("/")[0] for target in targets}
    asked |= {ASKED} if "ai_Suspected" in asked else set()
    return asked | ({"consent.services"} if "con_Consent" in asked else set())


def _refuse(row: Row, old: Content, lost: Collection[str]) -> None:
    if row.revision != int(old.provenance.get(_IMPORTED, "1")):
        raise RegisterError(
            f"corrects case {row.id}, which was changed here since and says otherwise; make the change there"
        )
    if row.is_held and lost:
        raise RegisterError(f"corrects case {row.id}, which is under legal hold; lift the hold first")
