"""A backup as sealed lines: from any database, into any database.

One line says what the file is, each further one holds rows of one table, the last one how many rows every table has.
Every line is sealed under its number, so that none can be changed, moved or left out.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people.tables import CASES
from threelines.store.audit import Chain, Entry
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring
from threelines.store.sealed import as_columns, declare

_FORMAT = "threelines-dump-1"
_SEALED = "threelines_sealed"
_OWN = ("threelines_migrations", _SEALED, "threelines_owner")
"""Tables that a database makes for itself."""
_BATCH = 500


def write(store: Store, keyring: Keyring, target: Path) -> None:
    """Write every row of one state of the database to a file."""
    counts: dict[str, int] = {}
    with target.open("wb") as out:
        out.write(msgspec.json.encode({"format": _FORMAT, "organisation": keyring.organisation}) + b"\n")
        for number, (table, rows) in enumerate(_all_rows(store)):
            counts[table] = counts.get(table, 0) + len(rows)
            out.write(_line(keyring, number, [table, rows]))
        out.write(_line(keyring, -1, counts))
        out.flush()
        os.fsync(out.fileno())


def prove(source: Path, keyring: Keyring) -> tuple[int, int, int]:
    """Read a dump that `write` has made: open every sealed value, follow its audit.

    Returns the numbers of cases, of sealed values and of audit entries. Raises StoreError, KeyringError or AuditError
    for what is missing, does not open or does not fit.
    """
    sealed: dict[str, list[Any]] = {}
    cases = opened = 0
    chain = Chain(keyring)
    for table, rows in _read(source, keyring):
        if table == _SEALED:
            for column in as_columns(rows):
                sealed.setdefault(column.table, []).append(column)
        for row in rows:
            for column in sealed.get(table, ()):
                if row[column.column] is not None:
                    column.open(keyring, row[column.column], *(row[name] for name in column.key))
                    opened += 1
            if table == "audit":
                chain.follow(Entry(**row))
        cases += len(rows) if table == CASES.name else 0
    return cases, opened, chain.count


def load(source: Path, store: Store, keyring: Keyring) -> None:
    """Bring every row of a dump into the empty tables of a database, all or none; raise StoreError where it cannot be."""
    filled: set[str] = set()
    with store.write() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        sealed: list[Mapping[str, Any]] = []
        for name, rows in _read(source, keyring):
            sealed += rows if name == _SEALED else ()
            if name in _OWN:
                continue
            if name not in metadata.tables:
                raise StoreError(
                    f"{source}: table {name} is unknown here; it is of a later version, or of a part that is not "
                    "installed (pip install 'threelines[web]')"
                )
            if name not in filled:
                _refuse_filled(connection, metadata.tables[name])
            connection.execute(metadata.tables[name].insert(), rows)
            filled.add(name)
    declare(store, as_columns(sealed))


def _all_rows(store: Store) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with store.engine.connect() as connection:
        if not store.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            metadata = sa.MetaData()
            metadata.reflect(connection)
            # which columns are sealed comes first, so that what follows can be proven as it is read
            for table in sorted(metadata.sorted_tables, key=lambda table: table.name != _SEALED):
                wanted = sa.select(table).order_by(*table.primary_key)
                found = connection.execution_options(yield_per=_BATCH).execute(wanted).mappings()
                for part in found.partitions(_BATCH):
                    yield str(table.name), [{str(name): value for name, value in row.items()} for row in part]


def _line(keyring: Keyring, number: int, value: Any) -> bytes:
    return base64.b64encode(keyring.seal(msgspec.msgpack.encode(value), f"dump:{number}".encode())) + b"\n"


def _read(source: Path, keyring: Keyring) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (table, rows) line by line; raise StoreError for another file, and at the end for a cut one."""
    counts: dict[str, int] = {}
    with source.open("rb") as file:
        _refuse_other(source, file.readline())
        last = file.readline()
        for number, line in enumerate(file):
            name, rows = _opened(source, keyring, number, last)
            counts[name] = counts.get(name, 0) + len(rows)
            yield name, rows
            last = line
    if not last or counts != _opened(source, keyring, -1, last):
        raise StoreError(f"{source}: its end is missing; nothing was restored")


def _refuse_other(source: Path, head: bytes) -> None:
    try:
        known = msgspec.json.decode(head, type=dict[str, str]).get("format") == _FORMAT
    except msgspec.DecodeError:
        known = False
    if not known:
        raise StoreError(f"{source}: neither a SQLite backup nor a threelines dump")


def _opened(source: Path, keyring: Keyring, number: int, line: bytes) -> Any:
    try:
        blob = base64.b64decode(line.strip(), validate=True)
    except ValueError:
        raise StoreError(f"{source}: damaged; try another backup") from None
    return msgspec.msgpack.decode(keyring.open_sealed(blob, f"dump:{number}".encode()))


def _refuse_filled(connection: sa.Connection, table: sa.Table) -> None:
    if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
        raise StoreError(f"{table.name}: holds rows already; restore into an empty database")
