"""Which columns are sealed, under which context: declared once, so that a rotation misses none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.records import filled
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring, Purpose

_metadata = sa.MetaData()
_declared = sa.Table(
    "threelines_sealed",
    _metadata,
    sa.Column("table", sa.String(60), primary_key=True),
    sa.Column("column", sa.String(60), primary_key=True),
    sa.Column("key", sa.String(120), nullable=False),
    sa.Column("purpose", sa.String(20), nullable=False),
)
_BATCH = 1000


@filled
class SealedColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column whose values are sealed; `key` names the primary key, bound to each value.

    NOTE = SealedColumn(table="queue", column="note", key=("id",))
    row = {"id": id, "note": NOTE.seal(keyring, text, id)}
    text = NOTE.open(keyring, row["note"], id)
    """

    table: str
    column: str
    key: tuple[str, ...]
    purpose: Purpose = "content"

    def context(self, *key: object) -> bytes:
        """Return what is bound to the value of the row with this primary key."""
        return "\x1f".join((self.table, self.column, *map(str, key))).encode()

    def seal(self, keyring: Keyring, plaintext: bytes, *key: object) -> bytes:
        """Seal a value for one row."""
        return keyring.seal(plaintext, self.context(*key), purpose=self.purpose)

    def open(self, keyring: Keyring, sealed: bytes, *key: object) -> bytes:
        """Open the value of one row."""
        return keyring.open_sealed(sealed, self.context(*key), purpose=self.purpose)

    def opener(self, keyring: Keyring) -> Callable[[bytes, str], bytes]:
        """Return `open` for many rows with a key of one part: a hundred thousand in one release."""
        head = f"{self.table}\x1f{self.column}\x1f"
        opened = keyring.opener(self.purpose)
        return lambda sealed, key: opened(sealed, (head + key).encode())


def declare(store: Store, columns: Iterable[SealedColumn]) -> None:
    """Record an area's sealed columns in the database; call it after `migrate`."""
    store.migrate("sealed", (("0001_sealed", _metadata.create_all),))
    known = {(column.table, column.column) for column in declared(store)}
    fresh = [column for column in columns if (column.table, column.column) not in known]
    if not fresh:
        return
    with store.write() as connection:
        store.lock(connection)
        for column in fresh:
            connection.execute(
                _declared.delete().where(_declared.c.table == column.table, _declared.c.column == column.column)
            )
            row = {**msgspec.structs.asdict(column), "key": ",".join(column.key)}
            connection.execute(_declared.insert().values(**row))


def declared(store: Store) -> tuple[SealedColumn, ...]:
    """Return every sealed column of the database, of all areas."""
    with store.read() as connection:
        rows = connection.execute(sa.select(_declared).order_by(_declared.c.table, _declared.c.column)).mappings().all()
    return as_columns(rows)


def as_columns(rows: Iterable[Mapping[Any, Any]]) -> tuple[SealedColumn, ...]:
    """Return the columns that rows of the table of declared columns name."""
    # SQLAlchemy names columns with a subclass of str, which msgspec refuses as a key.
    plain = ({str(name): value for name, value in row.items()} for row in rows)
    return tuple(msgspec.convert({**row, "key": tuple(row["key"].split(","))}, SealedColumn) for row in plain)


def some_sealed(store: Store) -> Iterator[tuple[SealedColumn, tuple[object, ...], bytes]]:
    """Yield (column, primary key, value) of one sealed value of each column that has any. Nothing is written."""
    with store.read() as connection:
        if not sa.inspect(connection).has_table(_declared.name):
            return
    for column in declared(store):
        table = _table(column)
        wanted = sa.select(*(table.c[name] for name in column.key), table.c[column.column])
        with store.read() as connection:
            row = connection.execute(wanted.where(table.c[column.column].is_not(None)).limit(1)).first()
        if row is not None:
            yield column, tuple(row[:-1]), bytes(row[-1])


def reseal(store: Store, keyring: Keyring, purposes: Iterable[Purpose]) -> int:
    """Seal every old value again with the newest key, in batches; return how many.

    Safe to stop and to run again: each batch is one transaction and old keys stay until `retire`.
    """
    wanted = set(purposes)
    return sum(_reseal_column(store, keyring, column) for column in declared(store) if column.purpose in wanted)


def _reseal_column(store: Store, keyring: Keyring, column: SealedColumn) -> int:
    table = _table(column)
    keys = [table.c[name] for name in column.key]
    names = [f"key_{name}" for name in column.key]
    same = sa.and_(*(known == sa.bindparam(name) for known, name in zip(keys, names, strict=True)))
    change = table.update().where(same).values({column.column: sa.bindparam("fresh")})
    done, last = 0, None
    while True:
        with store.write() as connection:
            wanted = sa.select(*keys, table.c[column.column]).order_by(*keys).limit(_BATCH)
            if last is not None:
                wanted = wanted.where(sa.tuple_(*keys) > sa.tuple_(*last))
            rows = connection.execute(wanted).all()
            fresh = [
                {
                    **dict(zip(names, key, strict=True)),
                    "fresh": column.seal(keyring, column.open(keyring, sealed, *key), *key),
                }
                for *key, sealed in rows
                if sealed is not None and keyring.is_old(sealed, column.purpose)
            ]
            if fresh:  # in one go: the register waits, and a server answers row by row
                connection.execute(change, fresh)
            done += len(fresh)
        if len(rows) < _BATCH:
            return done
        last = tuple(rows[-1][:-1])


def refuse_leftovers(store: Store, keyring: Keyring, purposes: Iterable[Purpose]) -> None:
    """Raise StoreError when a value still needs an old key, also in columns nobody declared."""
    wanted = set(purposes)
    known = {(column.table, column.column): column.purpose for column in declared(store)}
    for table, column, sealed in _binary_values(store):
        purpose = known.get((table, column))
        if purpose is None and keyring.looks_sealed(sealed):
            raise StoreError(
                f"{table}.{column}: holds sealed values and is not declared; old keys stay (store/sealed.py)"
            )
        if purpose in wanted and keyring.is_old(sealed, purpose):
            raise StoreError(f"{table}.{column}: a value still needs an old key; run the rotation again")


def _binary_values(store: Store) -> Iterator[tuple[str, str, bytes]]:
    with store.read() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for column in table.c:
                if isinstance(column.type, sa.LargeBinary):
                    for value in connection.execute(sa.select(column)).scalars():
                        if value is not None:
                            yield table.name, column.name, bytes(value)


def _table(column: SealedColumn) -> sa.TableClause:
    return sa.table(column.table, *(sa.column(name) for name in (*column.key, column.column)))
