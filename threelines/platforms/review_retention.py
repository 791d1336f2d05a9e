"""What becomes of findings when their time is over, or when an account asks to be erased."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.platforms import review_statements as say
from threelines.platforms.finding import Finding
from threelines.platforms.pseudonym import names_one_of
from threelines.platforms.review import Review
from threelines.platforms.review_tables import FINDING, decisions, findings, items
from threelines.roles import User, require

_BATCH = 500
_EMPTY = 100  # bytes: an emptied finding is sealed in fewer, one with words in more


def due(review: Review, *, days: int) -> list[str]:
    """Return the ids of findings that were decided more than so many days ago and still hold their words."""
    before = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
    wanted = sa.select(findings.c.id).where(
        findings.c.stage == "done", sa.func.length(findings.c.sealed) > _EMPTY, say.DECIDED_AT < before
    )
    with review.store.read() as connection:
        return list(connection.execute(wanted.order_by(findings.c.id)).scalars())


def forget_words(review: Review, user: User, *, days: int) -> int:
    """Destroy words and notes of what was decided so many days ago; return how many findings that were.

    Codes and decisions stay, for figures and so that the same export does not bring the finding back. `user` stands in
    the audit: for a person the caller asks for `retention.run`, the console does it by itself.
    """
    gone = due(review, days=days)
    for at in range(0, len(gone), _BATCH):
        with review.store.write() as connection:
            review.store.lock(connection)
            for finding in gone[at : at + _BATCH]:
                # it may have been appealed meanwhile
                wanted = findings.update().where(findings.c.id == finding, findings.c.stage == "done")
                if connection.execute(wanted.values(sealed=FINDING.seal(review.keyring, b"", finding))).rowcount:
                    connection.execute(decisions.update().where(decisions.c.finding == finding).values(note=None))
                    review.audit.note(connection, user, "finding.forget", record=finding, reason="retention")
    return len(gone)


def of_account(review: Review, accounts: Collection[str]) -> list[tuple[sa.Row[Any], Finding]]:
    """Return (row, content) of every finding whose words or facts name one of these accounts (whole tokens), oldest first.

    What was emptied names nobody. The caller has asked who may read them.
    """
    names_one = names_one_of(accounts)
    with review.store.read() as connection:
        rows = connection.execute(sa.select(findings).order_by(findings.c.created, findings.c.id)).all()
    opened = ((row, FINDING.open(review.keyring, row.sealed, row.id)) for row in rows)
    return [(row, msgspec.json.decode(plain, type=Finding)) for row, plain in opened if names_one(plain)]


def erase_account(review: Review, user: User, accounts: Collection[str]) -> int:
    """Delete every finding whose words or facts name one of these accounts, whole; return how many.

    Accounts are whole tokens, anything else is refused. A finding that was emptied before names nobody.
    """
    require(user, "finding.erase")
    names_one = names_one_of(accounts)
    wanted = sa.select(findings.c.id, findings.c.item, findings.c.sealed)
    with review.store.write() as connection:
        review.store.lock(connection)
        gone = [
            (row.id, row.item)
            for row in connection.execute(wanted).all()
            if names_one(FINDING.open(review.keyring, row.sealed, row.id))
        ]
        for finding, _ in gone:
            connection.execute(decisions.delete().where(decisions.c.finding == finding))
            connection.execute(findings.delete().where(findings.c.id == finding))
            review.audit.note(connection, user, "finding.erase", record=finding, reason="erasure request")
        for item in {item for _, item in gone}:
            if connection.execute(sa.select(findings.c.id).where(findings.c.item == item).limit(1)).first():
                review.reorder(connection, item)
            else:
                connection.execute(items.delete().where(items.c.id == item))
    return len(gone)
