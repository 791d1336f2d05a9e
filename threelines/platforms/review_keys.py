"""Under which keyed names the review queue finds thread, signs and account of a finding again, and how they are made anew."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.platforms.finding import Finding, account_of, digest, name_of
from threelines.platforms.review_tables import FINDING, findings, items
from threelines.store.keyring import Keyring

_THREAD = findings.update().where(findings.c.id == sa.bindparam("finding"))
_ACCOUNT = items.update().where(items.c.id == sa.bindparam("item"))


def thread_of(keyring: Keyring, finding: Finding) -> str:
    """Return the name of a finding's thread, 32 hex digits."""
    return _tag(keyring, name_of(finding), b"review:thread")


def signals_of(keyring: Keyring, finding: Finding) -> str:
    """Return the name of what was seen in it, 32 hex digits."""
    return _tag(keyring, digest(finding), b"review:signals")


def holder_of(keyring: Keyring, finding: Finding) -> str:
    """Return the name of the account it is about, 32 hex digits."""
    return _tag(keyring, account_of(finding), b"review:account")


def remake(connection: sa.Connection, keyring: Keyring) -> None:
    """Name every finding anew by the newest key, while older keys still open it.

    What was emptied when its time was over keeps its old names, which nothing finds again. Rounds of a thread are counted
    anew: an earlier version let a rotation split it in two, each with a first round.
    """
    if not sa.inspect(connection).has_table(findings.name):
        return
    rounds: Counter[str] = Counter()
    fresh: list[dict[str, Any]] = []
    accounts: dict[str, str] = {}
    wanted = sa.select(findings.c.id, findings.c.item, findings.c.sealed).order_by(findings.c.created, findings.c.id)
    for row in connection.execute(wanted):
        plain = FINDING.open(keyring, row.sealed, row.id)
        if plain:
            finding = msgspec.json.decode(plain, type=Finding)
            thread = thread_of(keyring, finding)
            rounds[thread] += 1
            signals = signals_of(keyring, finding)
            fresh.append({"finding": row.id, "thread": thread, "round": rounds[thread], "signals": signals})
            accounts[row.item] = holder_of(keyring, finding)
    if fresh:
        connection.execute(_THREAD, fresh)
        connection.execute(_ACCOUNT, [{"item": item, "account": account} for item, account in accounts.items()])


def _tag(keyring: Keyring, value: str, context: bytes) -> str:
    return keyring.tag(value.encode(), context).hex()[:32]
