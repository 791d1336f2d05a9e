"""Under which id a case leaves: another one for each purpose, and the same after the keys were changed."""

from __future__ import annotations

import sqlalchemy as sa

from threelines.people import settings
from threelines.store.keyring import Keyring, keyed

KEPT = "export_key"
"""The setting that holds the first matching key from its rotation on: for these ids, and the console's tokens of accounts."""


def export_id(key: bytes, case_id: str, purpose: str) -> str:
    """Return the id, 25 characters; `key` is the first matching key, 32 bytes."""
    return "x" + keyed(key, case_id.encode(), b"export:" + purpose.encode()).hex()[:24]


def keep_export_ids(keyring: Keyring, connection: sa.Connection) -> None:
    """Write down, sealed, the key that ids are made of, before it is rotated: recipients know cases by them."""
    if not settings.read(connection, keyring, KEPT):
        settings.put(connection, keyring, KEPT, keyring.key("match").hex())
