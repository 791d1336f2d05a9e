"""What the console holds of an account of a platform, for the person behind it who asks (GDPR, Article 15)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from threelines.people import access
from threelines.people.register import Register
from threelines.platforms import review_retention
from threelines.platforms.finding import Finding
from threelines.platforms.review import Review
from threelines.records import Record, places_of
from threelines.roles import require
from threelines.web.retention import has_console, names_of
from threelines.web.stream import Stream


def ask(register: Register, account: str) -> None:
    """Ask for the copy of an account, by its id on the platform or by its token."""
    require(register.user, "finding.erase")
    names = names_of(register, account)
    with register.store.write() as connection:
        access.note_ask(connection, register, _record(register, names))


def agree(register: Register, account: str) -> None:
    """Agree, as a second person, that the copy of an account is written."""
    require(register.user, "subject.approve")
    names = names_of(register, account)
    with register.store.write() as connection:
        access.note_agree(connection, register, _record(register, names))


def copy_of(register: Register, account: str) -> dict[str, Any]:
    """Return the account's own messages, and what was found in them and decided; words of others are counted.

    Raises RegisterError where no second person has agreed.
    """
    require(register.user, "finding.erase")
    names = names_of(register, account)
    with register.store.write() as connection:
        access.note_write(connection, register, _record(register, names))
    if not has_console(register):
        return {"findings": [], "messages": []}
    review = Review(register.store, register.keyring, register.audit)
    return {
        "findings": [_found(row, finding, names) for row, finding in review_retention.of_account(review, names)],
        "messages": [_said(one) for one in Stream(register.store, register.keyring).of(names) if one.author in names],
    }


def _found(row: sa.Row[Any], finding: Finding, names: Collection[str]) -> dict[str, Any]:
    held = (*finding.records, *finding.context)  # a sign is shown by a record that was judged, where ids repeat
    signs = finding.assessment.signals
    own = [record for record in (*finding.context, *finding.records) if record.author in names]
    return {
        "reference": row.id, "kind": row.kind, "found": row.created[:10], "level": row.tier, "decision": row.decision,
        "signs": [
            {"indicator": sign.indicator, "quote": sign.quote}
            for sign, place in zip(signs, places_of(signs, held), strict=True)
            if place >= 0 and held[place].author in names
        ],
        "messages": [_said(record) for record in own],
        "messages_of_others_left_out": len(held) - len(own),
    }  # fmt: skip


def _said(record: Record) -> dict[str, str]:
    return {"time": str(record.time or ""), "text": record.text}


def _record(register: Register, names: Collection[str]) -> str:
    """Return what stands for the account in the audit, which keeps no token."""
    return "s" + register.keyring.tag(" ".join(sorted(names)).encode(), b"subject", purpose="audit").hex()[:18]
