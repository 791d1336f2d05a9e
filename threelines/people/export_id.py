"""Under which id a case leaves: another one for each purpose, and the same after the keys were changed."""

from __future__ import annotations

import hmac

import sqlalchemy as sa

from threelines.people.tables import SETTING, SETTINGS
from threelines.store.keyring import Keyring

KEPT = "export_secret"
"""The setting that holds the secret from the first rotation on; until then it is made of the matching key."""


def export_id(keyring: Keyring, kept: str, case_id: str, purpose: str) -> str:
    """Return the id, 25 characters; `kept` is the setting KEPT, empty before the first rotation."""
    secret = bytes.fromhex(kept) or keyring.tag(b"", b"export")
    return "x" + hmac.digest(secret, f"{purpose}\x1f{case_id}".encode(), "sha256").hex()[:24]


def keep_export_ids(keyring: Keyring, connection: sa.Connection) -> None:
    """Write down, sealed, what ids are made of, before the matching key is rotated: recipients know cases by them."""
    if not connection.execute(sa.select(SETTINGS.c.name).where(SETTINGS.c.name == KEPT)).first():
        sealed = SETTING.seal(keyring, keyring.tag(b"", b"export").hex().encode(), KEPT)
        connection.execute(SETTINGS.insert().values(name=KEPT, sealed=sealed))
