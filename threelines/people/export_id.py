"""Under which id a case leaves: another one for each purpose, and the same after the keys were changed."""

from __future__ import annotations

import sqlalchemy as sa

from threelines.people.tables import SETTING, SETTINGS
from threelines.store.keyring import Keyring, keyed

KEPT = "export_key"
"""The setting that holds the first matching key from its rotation on; it serves for these ids alone."""


def export_id(key: bytes, kept: str, case_id: str, purpose: str) -> str:
    """Return the id, 25 characters; `kept` is the setting KEPT, empty before the first rotation of the matching `key`."""
    return "x" + keyed(bytes.fromhex(kept) or key, case_id.encode(), b"export:" + purpose.encode()).hex()[:24]


def keep_export_ids(keyring: Keyring, connection: sa.Connection) -> None:
    """Write down, sealed, the key that ids are made of, before it is rotated: recipients know cases by them."""
    if not connection.execute(sa.select(SETTINGS.c.name).where(SETTINGS.c.name == KEPT)).first():
        sealed = SETTING.seal(keyring, keyring.key("match").hex().encode(), KEPT)
        connection.execute(SETTINGS.insert().values(name=KEPT, sealed=sealed))
