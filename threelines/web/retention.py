"""The times after which the console's content is destroyed, and the erasure of an account: one place for both.

The console does it at its start and every hour, `threelines register retention --run` when it is run.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from threelines.people.register import Register
from threelines.platforms import review_retention
from threelines.platforms.pseudonym import PseudonymError, pseudonyms
from threelines.platforms.review import Review
from threelines.roles import require
from threelines.web.keys import account_key, earlier_keys, upload_key
from threelines.web.stream import HOURS, Stream

FINDING_DAYS = 180
"""Days after its decision that a finding keeps its words, where the organisation set no other number."""
EVERY = 3600.0
"""Seconds between two times that the console does it."""


class Gone(NamedTuple):
    """How many messages of the stream were deleted, and how many findings emptied or erased."""

    messages: int = 0
    findings: int = 0


def finding_days(register: Register) -> int:
    """Return the days after its decision that a finding keeps its words."""
    register.__dict__.pop("_settings", None)  # another process may have set it
    return int(register.setting("finding_days") or FINDING_DAYS)


def due(register: Register) -> list[str]:
    """Return the ids of decided findings whose words are due to be destroyed."""
    return review_retention.due(_review(register), days=finding_days(register)) if has_console(register) else []


def forget(register: Register, *, hours: float = HOURS) -> Gone:
    """Destroy what is due, in the name of the register's user; a database without a console has nothing."""
    if not has_console(register):
        return Gone()
    messages = Stream(register.store, register.keyring, hours=hours).forget()
    emptied = review_retention.forget_words(_review(register), register.user, days=finding_days(register))
    if messages:
        register.audit.add(register.user, "stream.forget", reason="retention")
    if messages or emptied:
        register.store.flush()
    return Gone(messages, emptied)


def erase_account(register: Register, account: str) -> Gone:
    """Erase what the console holds of an account, by its id on the platform or by its token, on the person's request."""
    require(register.user, "finding.erase")
    names = names_of(register, account)
    if not has_console(register):
        return Gone()
    found = review_retention.erase_account(_review(register), register.user, names)
    messages = Stream(register.store, register.keyring).erase(names)
    register.audit.add(register.user, "stream.erase", reason="erasure request")
    register.store.flush()
    return Gone(messages, found)


def names_of(register: Register, account: str) -> set[str]:
    """Return the tokens of an account in streams and in uploads, by its id on the platform or by a token."""
    if not account.strip():
        raise PseudonymError("no account is named: give its id on the platform, or its token")
    keys = {account_key(register), upload_key(register), *earlier_keys(register)}
    return {pseudonyms(key)(account) for key in keys}


def has_console(register: Register) -> bool:
    """Say whether the database has a console's tables."""
    with register.store.read() as connection:
        return sa.inspect(connection).has_table("web_stream")


def _review(register: Register) -> Review:
    return Review(register.store, register.keyring, register.audit)
