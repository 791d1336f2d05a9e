"""Backup, restore, key rotation, destruction after the retention time, erasure and emergency wipe."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from threelines.people import approval, gone, keeping_dump, release, steering, synthetic
from threelines.people.case import Content, Row, add_months, new_consent, told_before
from threelines.people.export_id import keep_export_ids
from threelines.people.recipients import recipients
from threelines.people.register import Register, RegisterError
from threelines.people.scope import INDEX, taken
from threelines.people.tables import (
    CASES,
    CONTENT,
    MIGRATIONS,
    PARTS,
    REVISIONS,
    SEALED,
)
from threelines.roles import User, require
from threelines.store import audit
from threelines.store.database import ALONE, Migration, Store, StoreError
from threelines.store.keyring import Keyring, Purpose
from threelines.store.owner import claim
from threelines.store.sealed import declare, declared, refuse_leftovers, reseal

Remake = Callable[[sa.Connection, Keyring], None]
"""What makes the keyed names of an area anew by the newest key, while older keys still open its content."""
ROTATED: tuple[Purpose, ...] = ("content", "identity", "match")
"""The audit key is not rotated: the chain could then not be verified any more."""
AREAS: Mapping[str, Sequence[Migration]] = {
    "register": MIGRATIONS, "release": release.MIGRATIONS, "release_budget": synthetic.MIGRATIONS, "audit": audit.MIGRATIONS,
}  # fmt: skip
"""What makes the tables of a register."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of a whole database found."""

    cases: int
    sealed_values: int
    audit_entries: int
    lists: int = 0
    """Lists of erasures and withdrawals of this register that a restore found."""
    naming_nobody: tuple[str, ...] = ()
    """Files of the lists found that name nobody in the backup: another register's, or all in them came later."""
    erased_again: int = 0
    withdrawn_again: int = 0
    """Cases erased, and consents withdrawn, because a list says that this happened after the backup."""
    altered: tuple[str, ...] = ()
    """What `altered` says."""


# ---------------------------------------------------------------------- backup and restore


def check(store: Store, keyring: Keyring) -> Counted:
    """Open every sealed value and verify the audit chain: the proof that a copy can be used."""
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
    entries = audit.Audit(store, keyring).verify()
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
    """Write every row as sealed lines, from any database, into any database, and prove the file."""
    require(register.user, "store.backup")
    with _new_file(target):
        return _dump(register, target)


def _dump(register: Register, target: Path) -> Counted:
    keeping_dump.write(register.store, register.keyring, target)
    cases, sealed, entries = keeping_dump.prove(target, register.keyring)
    found = altered(register.store, register.keyring)
    return Counted(cases=cases, sealed_values=sealed, audit_entries=entries, altered=found)


def restore(
    source: Path, address: str | Path, *, keyring: Keyring, user: User, since: Sequence[Path] = (),
    areas: Mapping[str, Sequence[Migration]] = AREAS,
) -> Counted:  # fmt: skip
    """Bring a backup back into a new database and prove it; an existing register is never replaced.

    Who was erased or withdrew after the backup is erased and withdrawn again, by the lists given as
    `since` and those that lie beside the backup, the new database and the key file (`*.gone`). Of the latter
    a list that names nobody in the backup is left out, unless it is named for the backup or the key file.
    What was published or served after it is forgotten: see `repeat_gone`.
    `areas` are the migrations of other parts whose tables the backup may hold, beside the register's: a dump
    finds them made. Where it fails it leaves no new file behind, so that it can be tried again with another backup or key file.
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
        found = {path: gone.read(path) for path in dict.fromkeys(path.absolute() for path in lists)}
        ours = {path.absolute() for path in (*since, gone.beside(source), gone.beside(keyring.path.with_suffix("")))}
        proven = _proven(source, address, keyring, user, found, ours, {} if is_database else {**AREAS, **areas})
        undo.pop_all()
    return proven


def _removed(target: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        target.with_name(target.name + ending).unlink(missing_ok=True)


def _proven(
    source: Path, address: str | Path, keyring: Keyring, user: User, found: Mapping[Path, Mapping[str, str]],
    ours: Collection[Path], areas: Mapping[str, Sequence[Migration]],
) -> Counted:  # fmt: skip
    store = Store.open(address)
    try:
        claim(store, keyring)
        for area, migrations in areas.items():
            store.migrate(area, migrations)
        if areas:
            keeping_dump.load(source, store, keyring)
        store.migrate("register", MIGRATIONS)
        declare(store, SEALED)
        register = Register(store, keyring, user)
        naming_nobody = [path for path, days in found.items() if not _names_somebody(register, days)]
        own = [days for path, days in found.items() if path in ours or path not in naming_nobody]
        erased, withdrawn = repeat_gone(register, own)
        return msgspec.structs.replace(
            check(store, keyring), lists=len(own), naming_nobody=tuple(map(str, naming_nobody)),
            erased_again=erased, withdrawn_again=withdrawn,
        )  # fmt: skip
    finally:
        store.close()


def _names_somebody(register: Register, days: Mapping[str, str]) -> bool:
    """Whether a list is surely of this register: it names one of its cases, or what its own list names."""
    with register.store.read() as connection:
        if not days.keys().isdisjoint(gone.listed(connection)):
            return True
        cases = connection.execute(sa.select(CASES.c.id)).scalars().all()
    keyring, purposes = register.keyring, register.form.purposes
    return any(
        gone.erased_tag(keyring, case) in days
        or any(gone.withdrawn_tag(keyring, case, one) in days for one in purposes)
        for case in cases
    )


def repeat_gone(register: Register, lists: Sequence[Mapping[str, str]]) -> tuple[int, int]:
    """Erase and withdraw again what these lists name; return (cases erased, consents withdrawn).

    A consent given after the day of its withdrawal stays. What left the register since the backup is not in the
    lists: releases are held against everybody in the backup, and `gone.RESTORED` is the day on which that began.
    """
    require(register.user, "store.restore")
    release.take_as_published(register)
    with register.store.write() as connection:
        every = sa.select(*INDEX).order_by(CASES.c.place).with_for_update()
        rows = [Row(**row) for row in connection.execute(every).mappings()]
        gone.mark_restored(connection, register.keyring, register.today)
        register.audit.note(connection, register.user, "store.restore", reason="restore")
        for days in lists:
            gone.add(connection, days)
        days = gone.listed(connection)
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


# ---------------------------------------------------------------------- keys


def rotate(register: Register, *, remake: Sequence[Remake] = ()) -> int:
    """Make new keys, seal everything again, then destroy the old keys; return how many values.

    Backups made before open only with a key file kept from before. Safe to run again after a stop. Raises StoreError
    where somebody else changes the keys and is not done soon. `remake` makes keyed names of other areas anew.
    """
    require(register.user, "store.rotate")
    keyring, store = register.keyring, register.store
    with store.alone():  # what is written with the old keys is there to be sealed again, or has not begun
        keyring.reload()  # of two who rotate, the second one adds to the keys of the first
        with store.write() as connection:
            keep_export_ids(keyring, connection)
        with store.write() as connection:  # or a case could come between, the only one whose tags are of the new key
            keyring.rotate(*ROTATED)
            register.vault.remake(connection)
            for names in remake:
                names(connection, keyring)
        done = reseal(store, keyring, ROTATED)
        refuse_leftovers(store, keyring, ROTATED)
        keyring.retire(*ROTATED)
        register.audit.add(register.user, "store.rotate", reason="administration")
    store.flush()
    return done


# ---------------------------------------------------------------------- retention and erasure


def due(register: Register) -> list[Row]:
    """Return the closed cases whose retention time is over and that are not held."""
    require(register.user, "retention.run")
    month = register.today.isoformat()[:7]
    wanted = sa.select(*INDEX).where(CASES.c.destroy_after < month, CASES.c.is_held.is_(False)).order_by(CASES.c.place)
    with register.store.read() as connection:
        held = steering.held(connection, register.audit)
        return [Row(**row) for row in connection.execute(wanted).mappings() if row["id"] not in held]


def forgotten(register: Register) -> list[Row]:
    """Return open cases that nobody changed for the retention time: a person decides about them."""
    require(register.user, "retention.run")
    month = add_months(register.today.isoformat()[:7], -register.retention_months)
    wanted = sa.select(*INDEX).where(
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
    done = [_end_one(register, row.id) for row in due(register)]
    register.store.flush()
    return done.count("reduced"), done.count("erased")


def _end_one(register: Register, case_id: str) -> Literal["reduced", "erased", "kept"]:
    """Destroy one case that is due, unless somebody held, reopened or erased it since it was listed."""
    month = register.today.isoformat()[:7]
    with register.store.write() as connection:
        row = taken(connection, register.audit, case_id)
        if row is None or row.is_held or not row.destroy_after or row.destroy_after >= month:
            return "kept"
        sealed = connection.execute(sa.select(CASES.c.sealed).where(CASES.c.id == case_id)).scalar_one()
        content = msgspec.msgpack.decode(CONTENT.open(register.keyring, sealed, case_id), type=Content)
        consent = content.consent.get("statistics")
        stays = consent is not None and consent.stands(register.today)
        if stays:
            _destroy(connection, register, case_id)
            _reduce(connection, register, case_id, content)
        else:
            _erase(connection, register, [case_id])
        register.audit.note(connection, register.user, "retention.destroy", record=case_id, reason="retention")
    return "reduced" if stays else "erased"


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
    register.store.lock(connection)  # as those do who publish: they too take it before a release
    for case_id in case_ids:
        _destroy(connection, register, case_id)
        connection.execute(CASES.delete().where(CASES.c.id == case_id))
    release.forget(connection, register, case_ids)
    tags = [gone.erased_tag(register.keyring, case_id) for case_id in case_ids]
    gone.note(connection, register.store, tags, register.today)


def erase(register: Register, case_id: str, *, reason: str = "erasure request") -> list[str]:
    """Erase one case whole, mostly on the person's request, and return who must be told (`recipients`).

    Raises RegisterError while a legal hold stands, RoleError without `case.erase`.
    """
    release.migrate(register)
    with register.case_transaction(case_id, "case.erase") as (connection, row):
        if row.is_held:
            raise RegisterError(f"{case_id}: under legal hold; lift the hold first")
        _erase(connection, register, [case_id])
        register.audit.note(connection, register.user, "case.erase", record=case_id, reason=reason)
    register.store.flush()
    return recipients(register, case_id)


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
        for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", ALONE, gone.ENDING))):
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
