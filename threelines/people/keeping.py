"""Backup, restore, key rotation, destruction after the retention time, erasure and emergency wipe."""

from __future__ import annotations

import base64
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people import approval, gone, release, steering
from threelines.people.case import Content, Row, add_months, new_consent, told_before
from threelines.people.export_id import keep_export_ids
from threelines.people.register import Register, RegisterError
from threelines.people.tables import (
    CASES,
    CONTENT,
    IDENTITY,
    MATCHES,
    MIGRATIONS,
    PARTS,
    REVISIONS,
    SEALED,
    VAULT,
)
from threelines.roles import User, require
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring, Purpose
from threelines.store.owner import claim
from threelines.store.sealed import declare, declared, refuse_leftovers, reseal

ROTATED: tuple[Purpose, ...] = ("content", "identity", "match")
"""The audit key is not rotated: the chain could then not be verified any more."""
_DUMP = "threelines-dump-1"
_OWN = ("threelines_migrations", "threelines_sealed", "threelines_owner")
_BATCH = 500


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a whole database found."""

    cases: int
    sealed_values: int
    audit_entries: int
    lists: int = 0
    """Lists of erasures and withdrawals that a restore found."""
    erased_again: int = 0
    withdrawn_again: int = 0
    """Cases erased, and consents withdrawn, because a list says that this happened after the backup."""
    altered: tuple[str, ...] = ()
    """What `altered` says."""


# ---------------------------------------------------------------------- backup and restore


def check(store: Store, keyring: Keyring) -> Counted:
    """Open every sealed value and verify the audit chain: the proof that a copy can be used."""
    from threelines.store.audit import Audit

    opened = 0
    with store.read() as connection:
        cases = connection.execute(sa.select(sa.func.count()).select_from(CASES)).scalar() or 0
        for column in declared(store):
            names: list[sa.ColumnClause[Any]] = [sa.column(name) for name in (*column.key, column.column)]
            rows = connection.execution_options(yield_per=2000).execute(
                sa.select(*names).select_from(sa.table(column.table))
            )
            for *key, sealed in rows:
                if sealed is not None:
                    column.open(keyring, bytes(sealed), *key)
                    opened += 1
    entries = Audit(store, keyring).verify()
    return Counted(cases=cases, sealed_values=opened, audit_entries=entries, altered=altered(store, keyring))


def altered(store: Store, keyring: Keyring) -> tuple[str, ...]:
    """Say of which records columns in clear do not fit what is sealed or in the audit: somebody changed them by hand."""
    register = Register(store, keyring, User(id="check", role="admin"))
    with store.read() as connection:
        said = frozenset(connection.execute(sa.select(CASES.c.id).where(CASES.c.is_held)).scalars())
        known = frozenset(connection.execute(sa.select(CASES.c.id)).scalars())
        held = steering.held(connection, register.audit) & known
    holds = [
        f"case {case}: {'held' if case in said else 'not held'} in its row, "
        f"{'held' if case in held else 'not held'} by the audit"
        for case in sorted(said ^ held)
    ]
    return (*holds, *approval.altered(register), *release.altered(register))


def backup(register: Register, target: Path) -> Counted:
    """Write a whole copy, then prove it: every value of the copy is opened and its audit verified.

    SQLite gives a database file (content stays sealed in it), PostgreSQL a sealed dump. The copy is
    useless without the key file: keep a copy of that too, in another place.
    """
    require(register.user, "store.backup")
    if target.exists():
        raise StoreError(f"{target}: exists already; a backup never replaces a file")
    with _new_file(target):
        # before anything is copied: no copy is made of which the register does not know
        register.audit.add(register.user, "store.backup", reason="backup")
        if not register.store.is_sqlite:
            return _dump(register, target)
        _copy_sqlite(register.store.path, target)
        copy = Store.open(target)
        try:
            return check(copy, register.keyring)
        finally:
            copy.close()
            _as_one_file(target)


@contextmanager
def _new_file(target: Path) -> Iterator[None]:
    """Make an empty file for the owner alone; raise StoreError where it cannot be written, and leave no half file."""
    with ExitStack() as undo:
        try:
            os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            undo.callback(_removed, target)
            yield
        except OSError as fault:
            raise StoreError(f"{target}: cannot be written ({fault.strerror or fault}); name another file") from fault
        undo.pop_all()


def dump(register: Register, target: Path) -> Counted:
    """Write every row as sealed JSON lines: from any database, into any database."""
    require(register.user, "store.backup")
    with _new_file(target):
        return _dump(register, target)


def _dump(register: Register, target: Path) -> Counted:
    counts: dict[str, int] = {}
    with target.open("wb") as out:
        out.write(msgspec.json.encode({"format": _DUMP, "organisation": register.keyring.organisation}) + b"\n")
        for number, (table, rows) in enumerate(_all_rows(register.store)):
            counts[table] = counts.get(table, 0) + len(rows)
            out.write(_line(register.keyring, number, [table, rows]))
        out.write(_line(register.keyring, -1, counts))
        out.flush()
        os.fsync(out.fileno())
    return check(register.store, register.keyring)


def restore(source: Path, address: str | Path, *, keyring: Keyring, user: User, since: Sequence[Path] = ()) -> Counted:
    """Bring a backup back into a new database and prove it; an existing register is never replaced.

    Who was erased or withdrew after the backup is erased and withdrawn again, by the lists given as
    `since` and those that lie beside the backup, the new database and the key file (`*.gone`).
    What was published or served after it is forgotten: see `repeat_gone`.
    Where it fails it leaves no new file behind, so that it can be tried again with another backup or key file.
    """
    require(user, "store.restore")
    if not source.is_file():
        raise StoreError(f"{source}: no such backup")
    with source.open("rb") as file:
        is_database = file.read(15) == b"SQLite format 3"
    near = gone.lists_near(source, keyring.path)
    named = str(address).removeprefix("sqlite:///")
    target = None if "://" in named else Path(named)
    is_new = target is not None and not target.exists()
    if is_database and not is_new:
        raise StoreError(f"{address}: give a new file; a restore never replaces a database")
    with ExitStack() as undo:  # whatever ends it before its last line, a stop by hand as well
        if target is not None and is_database:  # fails where somebody has made the file meanwhile, which then stays
            os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        if target is not None and is_new:
            undo.callback(_removed, target)
            if not gone.beside(target).exists():  # or a later `init` there would take it for its own
                undo.callback(gone.beside(target).unlink, missing_ok=True)
        if target is not None and is_database:
            _copy_sqlite(source, target)
        lists = [*since, *near, *(gone.lists_near(target) if target is not None else ())]
        found = [gone.read(path) for path in dict.fromkeys(path.absolute() for path in lists)]
        proven = _proven(source, address, keyring, user, found, is_database=is_database)
        undo.pop_all()
    return proven


def _removed(target: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)


def _proven(
    source: Path, address: str | Path, keyring: Keyring, user: User, found: Sequence[Mapping[str, str]], *,
    is_database: bool,
) -> Counted:  # fmt: skip
    store = Store.open(address)
    try:
        claim(store, keyring)
        if not is_database:
            _load(source, store, keyring)
        store.migrate("register", MIGRATIONS)
        declare(store, SEALED)
        erased, withdrawn = repeat_gone(Register(store, keyring, user), found)
        counted = check(store, keyring)
        return msgspec.structs.replace(counted, lists=len(found), erased_again=erased, withdrawn_again=withdrawn)
    finally:
        store.close()


def repeat_gone(register: Register, lists: Sequence[Mapping[str, str]]) -> tuple[int, int]:
    """Erase and withdraw again what these lists name; return (cases erased, consents withdrawn).

    A consent given after the day of its withdrawal stays. What left the register since the backup is not in the
    lists: releases are held against everybody in the backup, and `gone.RESTORED` is the day on which that began.
    """
    require(register.user, "store.restore")
    release.take_as_published(register)
    with register.store.write() as connection:
        gone.mark_restored(connection, register.keyring, register.today)
        register.audit.note(connection, register.user, "store.restore", reason="restore")
        for days in lists:
            gone.add(connection, days)
        days = gone.listed(connection)
        columns = [CASES.c[name] for name in Row.__struct_fields__]
        rows = [Row(**row) for row in connection.execute(sa.select(*columns)).mappings()]
        erased = [row for row in rows if gone.erased_tag(register.keyring, row.id) in days]
        if erased:
            _erase(connection, register, [row.id for row in erased])
        for row in erased:
            register.audit.note(connection, register.user, "case.erase", record=row.id, reason="restore")
        again = {row.id for row in erased}
        withdrawn = sum(_withdraw_again(connection, register, row, days) for row in rows if row.id not in again)
        if lists and register.store.is_sqlite:
            gone.write(gone.beside(register.store.path), gone.listed(connection))
    register.store.flush()
    return len(erased), withdrawn


def write_gone(register: Register, target: Path) -> int:
    """Write the list of erasures and withdrawals to a file, beside what it holds; return how many there are."""
    require(register.user, "store.backup")
    with register.store.read() as connection:
        days = gone.listed(connection)
    gone.write(target, days)
    return len(days)


def _withdraw_again(connection: sa.Connection, register: Register, row: Row, days: Mapping[str, str]) -> int:
    tags = {name: gone.withdrawn_tag(register.keyring, row.id, name) for name in register.form.purposes}
    if not any(tag in days for tag in tags.values()):
        return 0
    sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == row.id)).scalar_one()
    content = msgspec.msgpack.decode(CONTENT.open(register.keyring, sealed, row.id), type=Content)
    told = {
        name: {"value": "withdrawn", **told_before(consent)}
        for name, consent in content.consent.items()
        if consent.value == "yes" and consent.given <= days.get(tags.get(name, ""), "")
    }
    if told:
        consent = {**content.consent, **new_consent(register.form, told, register.today)}
        content = msgspec.structs.replace(content, consent=consent, vault={})
        register.revise(connection, row, content, "consent.withdraw", reason="restore")
    return len(told)


def _copy_sqlite(source: Path, target: Path) -> None:
    reader, writer = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        reader.backup(writer)
        state = writer.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as fault:
        raise StoreError(f"{source}: cannot be copied ({fault}); try another backup") from None
    finally:
        reader.close()
        writer.close()
    if state != "ok":
        raise StoreError(f"{source}: damaged ({state}); try another backup")


def _as_one_file(path: Path) -> None:
    """Leave no write-ahead log beside a backup: it is one file that can be carried away."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()


def _all_rows(store: Store) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    with store.engine.connect() as connection:
        if not store.is_sqlite:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            metadata = sa.MetaData()
            metadata.reflect(connection)
            for table in metadata.sorted_tables:
                found = connection.execution_options(yield_per=_BATCH).execute(sa.select(table)).mappings()
                for part in found.partitions(_BATCH):
                    yield str(table.name), [{str(name): value for name, value in row.items()} for row in part]


def _line(keyring: Keyring, number: int, value: Any) -> bytes:
    return base64.b64encode(keyring.seal(msgspec.msgpack.encode(value), f"dump:{number}".encode())) + b"\n"


def _load(source: Path, store: Store, keyring: Keyring) -> None:
    head, *lines = source.read_bytes().splitlines()
    try:
        known = msgspec.json.decode(head).get("format") == _DUMP
        blobs = [base64.b64decode(line, validate=True) for line in lines]
    except (msgspec.DecodeError, ValueError, AttributeError):
        known = False
    if not known:
        raise StoreError(f"{source}: neither a SQLite backup nor a threelines dump")
    with store.write() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        counts: dict[str, int] = {}
        for number, blob in enumerate(blobs[:-1]):
            name, rows = msgspec.msgpack.decode(keyring.open_sealed(blob, f"dump:{number}".encode()))
            if name in _OWN:
                counts[name] = counts.get(name, 0) + len(rows)
                continue
            if name not in metadata.tables:
                raise StoreError(f"{source}: table {name} is unknown here; open the target once with the same version")
            if name not in counts:
                _refuse_filled(connection, metadata.tables[name])
            connection.execute(metadata.tables[name].insert(), rows)
            counts[name] = counts.get(name, 0) + len(rows)
        if not blobs or counts != msgspec.msgpack.decode(keyring.open_sealed(blobs[-1], b"dump:-1")):
            raise StoreError(f"{source}: its end is missing; nothing was restored")


def _refuse_filled(connection: sa.Connection, table: sa.Table) -> None:
    if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
        raise StoreError(f"{table.name}: holds rows already; restore into an empty database")


# ---------------------------------------------------------------------- keys


def rotate(register: Register) -> int:
    """Make new keys, seal everything again, then destroy the old keys; return how many values.

    Backups made before open only with a key file kept from before. Safe to run again after a stop.
    """
    require(register.user, "store.rotate")
    keyring, store = register.keyring, register.store
    with store.write() as connection:
        keep_export_ids(keyring, connection)
    keyring.rotate(*ROTATED)
    done = reseal(store, keyring, ROTATED)
    _retag(register)
    refuse_leftovers(store, keyring, ROTATED)
    keyring.retire(*ROTATED)
    register.audit.add(register.user, "store.rotate", reason="administration")
    store.flush()
    return done


def _retag(register: Register) -> None:
    with register.store.write() as connection:
        connection.execute(MATCHES.delete())
        rows = connection.execute(sa.select(VAULT.c.case_id, VAULT.c.sealed)).all()
        tags = [
            tag
            for case_id, sealed in rows
            for tag in register.vault.rows(
                case_id, msgspec.msgpack.decode(IDENTITY.open(register.keyring, sealed, case_id))
            )
        ]
        if tags:
            connection.execute(MATCHES.insert(), tags)


# ---------------------------------------------------------------------- retention and erasure


def due(register: Register) -> list[Row]:
    """Return the closed cases whose retention time is over and that are not held."""
    require(register.user, "retention.run")
    month = register.today.isoformat()[:7]
    columns = [CASES.c[name] for name in Row.__struct_fields__]
    wanted = (
        sa.select(*columns).where(CASES.c.destroy_after < month, CASES.c.is_held.is_(False)).order_by(CASES.c.place)
    )
    with register.store.read() as connection:
        held = steering.held(connection, register.audit)
        return [Row(**row) for row in connection.execute(wanted).mappings() if row["id"] not in held]


def forgotten(register: Register) -> list[Row]:
    """Return open cases that nobody changed for the retention time: a person decides about them."""
    require(register.user, "retention.run")
    month = add_months(register.today.isoformat()[:7], -register.retention_months)
    columns = [CASES.c[name] for name in Row.__struct_fields__]
    wanted = sa.select(*columns).where(
        CASES.c.destroy_after.is_(None), CASES.c.changed < month, CASES.c.status != "closed"
    )
    with register.store.read() as connection:
        return [Row(**row) for row in connection.execute(wanted.order_by(CASES.c.place)).mappings()]


def apply_retention(register: Register) -> tuple[int, int]:
    """Destroy what is due; return (cases reduced to statistics, cases erased whole).

    The identity, the earlier revisions and every field that statistics do not need go. A case
    without standing consent for statistics goes whole.
    """
    release.migrate(register)
    reduced = erased = 0
    for row in due(register):
        with register.store.write() as connection:
            sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == row.id)).scalar_one()
            content = msgspec.msgpack.decode(CONTENT.open(register.keyring, sealed, row.id), type=Content)
            consent = content.consent.get("statistics")
            if consent is not None and consent.stands(register.today):
                _destroy(connection, register, row.id)
                _reduce(connection, register, row.id, content)
                reduced += 1
            else:
                _erase(connection, register, [row.id])
                erased += 1
            register.audit.note(connection, register.user, "retention.destroy", record=row.id, reason="retention")
    register.store.flush()
    return reduced, erased


def _reduce(connection: sa.Connection, register: Register, case_id: str, content: Content) -> None:
    names = register.form.shared("statistics")
    kept = Content(
        fields={name: value for name, value in content.fields.items() if name in names},
        consent={"statistics": content.consent["statistics"]},
        provenance={key: value for key, value in content.provenance.items() if key != "second_reviewer"},
    )
    fresh = register.sealed_content(case_id, kept, "")
    changed = {**fresh, "revision": 1, "destroy_after": None, "owner": "", "team": ""}
    connection.execute(CASES.update().where(CASES.c.id == case_id).values(**changed))


def _destroy(connection: sa.Connection, register: Register, case_id: str) -> None:
    register.vault.destroy(connection, [case_id])
    connection.execute(REVISIONS.delete().where(REVISIONS.c.case_id == case_id))
    connection.execute(PARTS.delete().where(PARTS.c.case_id == case_id))


def _erase(connection: sa.Connection, register: Register, case_ids: Sequence[str]) -> None:
    for case_id in case_ids:
        _destroy(connection, register, case_id)
        connection.execute(CASES.delete().where(CASES.c.id == case_id))
    release.forget(connection, register, case_ids)
    tags = [gone.erased_tag(register.keyring, case_id) for case_id in case_ids]
    gone.note(connection, register.store, tags, register.today)


def erase(register: Register, case_id: str, *, reason: str = "erasure request") -> None:
    """Erase one case whole, mostly on the person's request; refused while a legal hold stands."""
    release.migrate(register)
    with register.case_transaction(case_id, "case.erase") as (connection, row):
        if row.is_held:
            raise RegisterError(f"{case_id}: under legal hold; lift the hold first")
        _erase(connection, register, [case_id])
        register.audit.note(connection, register.user, "case.erase", record=case_id, reason=reason)
    register.store.flush()


# ---------------------------------------------------------------------- emergency


def wipe(register: Register, *, confirm: str) -> list[str]:
    """Destroy the keys, then the data; return what was destroyed. `confirm` is the organisation's id.

    The keys go first: in a second nothing can be read any more, also on disks that keep old
    blocks. Other copies of the key file (an analyst's, a safe's) must be destroyed by hand.
    """
    require(register.user, "store.wipe")
    if confirm != register.keyring.organisation:
        raise RegisterError("to wipe, confirm with the organisation's id that `threelines register init` printed")
    register.keyring.destroy()
    destroyed = [str(register.keyring.path)]
    if register.store.is_sqlite:
        path = register.store.path
        register.store.close()
        for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", gone.ENDING))):
            if file.exists():
                _overwrite(file)
                destroyed.append(str(file))
        return destroyed
    with register.store.write() as connection:
        metadata = sa.MetaData()
        metadata.reflect(connection)
        metadata.drop_all(connection)
        destroyed += sorted(metadata.tables)
    return destroyed


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        left = path.stat().st_size
        while left > 0:
            file.write(os.urandom(min(left, 1 << 20)))
            left -= 1 << 20
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
