"""Whose database this is: one key file belongs to it, and another one is refused before it writes a line."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

import sqlalchemy as sa

from threelines.store.audit import is_first_entry_of
from threelines.store.database import Migration, Store
from threelines.store.keyring import Keyring, KeyringError
from threelines.store.sealed import some_sealed

_metadata = sa.MetaData()
_owner = sa.Table(
    "threelines_owner",
    _metadata,
    sa.Column("organisation", sa.String(40), primary_key=True),
    sa.Column("proof", sa.String(64), nullable=False),
)
_MIGRATIONS: tuple[Migration, ...] = (("0001_owner", _metadata.create_all),)


def claim(store: Store, keyring: Keyring) -> None:
    """Raise KeyringError unless the database belongs to these keys; call it before anything is written.

    A new database belongs to the keys that open it first. One from before this was kept is taken over by
    the keys that its first audit entry was made with, or else by those that open one of its sealed values.
    """
    known = _known(store)
    if not known:
        if not all(_fits(store, keyring)):
            raise _refusal(keyring)
        store.migrate("owner", _MIGRATIONS)
        with store.write() as connection:
            store.lock(connection)
            known = {row.organisation: row.proof for row in connection.execute(sa.select(_owner))}
            if not known:
                known = {keyring.organisation: _proof(keyring)}
                connection.execute(_owner.insert().values(organisation=keyring.organisation, proof=_proof(keyring)))
    if not hmac.compare_digest(known.get(keyring.organisation, ""), _proof(keyring)):
        raise _refusal(keyring)


def _known(store: Store) -> dict[str, str]:
    with store.read() as connection:
        if not sa.inspect(connection).has_table(_owner.name):
            return {}
        return {row.organisation: row.proof for row in connection.execute(sa.select(_owner))}


def _proof(keyring: Keyring) -> str:
    """Return the check value: by the audit key, which no rotation changes."""
    return keyring.tag(keyring.organisation.encode(), b"owner", purpose="audit").hex()


def _fits(store: Store, keyring: Keyring) -> Iterator[bool]:
    first = is_first_entry_of(store, keyring)
    if first is not None:
        yield first
        return
    for column, key, sealed in some_sealed(store):
        if keyring.has(column.purpose):
            try:
                column.open(keyring, sealed, *key)
            except KeyringError:
                yield False
            return


def _refusal(keyring: Keyring) -> KeyringError:
    return KeyringError(
        f"{keyring.path}: is not the key file of this database (it is organisation {keyring.organisation}'s); "
        "nothing was read or written. Give the key file that was made with the database"
    )
