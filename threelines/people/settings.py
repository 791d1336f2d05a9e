"""The organisation's settings in a register, one sealed value each."""

from __future__ import annotations

import sqlalchemy as sa

from threelines.people.tables import SETTING, SETTINGS
from threelines.store.database import SETTING_TURN, Store
from threelines.store.keyring import Keyring


def every(connection: sa.Connection, keyring: Keyring) -> dict[str, str]:
    """Return all settings by name."""
    rows = connection.execute(sa.select(SETTINGS.c.name, SETTINGS.c.sealed)).all()
    return {row.name: SETTING.open(keyring, row.sealed, row.name).decode() for row in rows}


def read(connection: sa.Connection, keyring: Keyring, name: str) -> str:
    """Return one setting; empty when it was never set."""
    sealed = connection.execute(sa.select(SETTINGS.c.sealed).where(SETTINGS.c.name == name)).scalar()
    return "" if sealed is None else SETTING.open(keyring, sealed, name).decode()


def taken(connection: sa.Connection, store: Store, keyring: Keyring, name: str) -> str:
    """Return a setting that is about to be changed: whoever else changes one waits until this transaction has ended."""
    store.lock(connection, SETTING_TURN)
    return read(connection, keyring, name)


def put(connection: sa.Connection, keyring: Keyring, name: str, value: str) -> None:
    """Put a value in place of the one before; call `taken` first."""
    connection.execute(SETTINGS.delete().where(SETTINGS.c.name == name))
    sealed = SETTING.seal(keyring, value.encode(), name)
    connection.execute(SETTINGS.insert().values(name=name, sealed=sealed))
