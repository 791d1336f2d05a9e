"""Open a database, run one transaction, apply each migration once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

import sqlalchemy as sa

from threelines.records import ThreelinesError

Migration = tuple[str, Callable[[sa.Connection], None]]
"""A name that never changes, and a function that only adds: new tables, new nullable columns.

The rule that keeps an upgrade free of downtime: a program one version older must go on working on
the migrated database. Removing or renaming waits until no such program runs, and is then a
migration of its own."""

_metadata = sa.MetaData()
_migrations = sa.Table(
    "threelines_migrations",
    _metadata,
    sa.Column("area", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("applied", sa.String(32), nullable=False),
)
_LOCK = 0x74687265
"""Key of PostgreSQL's advisory lock: one migration, or one audit entry, at a time."""
_WRITERS = 0x74687266
"""Key of the advisory lock that all writers share, and that `alone` has for itself."""
SETTING_TURN = 0x74687267
"""Key of the advisory lock of whoever changes a setting; it is taken before rows and before the lock of the audit."""
ALONE = "-alone"
"""Ending of the empty file beside an SQLite database by which one of those who change its keys keeps the others waiting."""
PATIENCE = 30.0
"""Seconds for which the others wait."""


class StoreError(ThreelinesError):
    """A database cannot be opened, migrated, backed up or restored."""


def is_busy(fault: sa.exc.OperationalError) -> bool:
    """Say whether a database only has no turn for us now: locked by another writer (SQLite), or not to be reached."""
    if isinstance(fault.orig, sqlite3.Error):
        return (getattr(fault.orig, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return True


class Store:
    """One database, SQLite or PostgreSQL, behind read and write transactions."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._turn = Lock()
        self._alone = 0

    @classmethod
    def open(cls, address: str | Path) -> Store:
        """Open a database by address: a path, `sqlite:///path` or `postgresql+psycopg://…`.

        SQLite runs with a write-ahead log and synchronous FULL: what was acknowledged survives a
        crash and a power cut. Deleted content is overwritten (`secure_delete`).
        """
        url = _url(address)
        if url.get_backend_name() == "sqlite":
            return cls(_sqlite(url))
        try:
            engine = sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
            engine.connect().close()
        except sa.exc.OperationalError as fault:
            where = url.render_as_string(hide_password=True)
            raise StoreError(f"{where}: cannot connect ({type(fault.orig).__name__}); is the server running?") from None
        return cls(engine)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a file on this machine."""
        return self.engine.dialect.name == "sqlite"

    @property
    def path(self) -> Path:
        """The SQLite file."""
        if not self.is_sqlite:
            raise StoreError("a PostgreSQL database has no file; use the address instead")
        return Path(str(self.engine.url.database))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a transaction that sees one state of the database and changes nothing."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that is durable when the block ends, and undone when it raises.

        Seal within it, not before: whoever changes the keys waits until it has ended (`alone`).
        """
        with self._one_writer(), self.engine.connect() as connection:
            connection = connection.execution_options(threelines_write=True)
            with connection.begin():
                if not self.is_sqlite and self._alone != get_ident():
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(_WRITERS)))
                yield connection

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until every write under way has ended, and keep all others waiting: only this thread writes meanwhile.

        On SQLite others do write, one at a time, whose rows the next one sees; it is alone among those who ask for this.
        Raises StoreError where another one is not done within half a minute.
        """
        if self.is_sqlite:
            with self._alone_by_file():
                yield
            return
        with self.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.select(sa.func.pg_advisory_lock(_WRITERS)))
            self._alone = get_ident()
            try:
                yield
            finally:
                self._alone = 0
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_WRITERS)))

    @contextmanager
    def _alone_by_file(self) -> Iterator[None]:
        """Hold the lock of an empty database beside this one: the machine takes it back from a process that dies."""
        with closing(sqlite3.connect(f"{self.path}{ALONE}", timeout=PATIENCE, isolation_level=None)) as lock:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as fault:
                raise StoreError(f"{self.path}: somebody else changes the keys ({fault}); try again later") from None
            yield

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let the threads of this process take turns: SQLite's own waiting sleeps, and may pass one over for long."""
        taken = self._turn.acquire(timeout=30) if self.is_sqlite else False
        try:
            yield
        finally:
            if taken:
                self._turn.release()

    def lock(self, connection: sa.Connection, key: int = _LOCK) -> None:
        """Wait until no other transaction holds this lock; SQLite's write lock does the same."""
        if not self.is_sqlite:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def migrate(self, area: str, migrations: Sequence[Migration]) -> tuple[str, ...]:
        """Apply what is new, each migration in its own transaction; return the names applied."""
        known = self.applied(area)
        waiting = [(name, change) for name, change in migrations if name not in known]
        if waiting:
            with self.write() as connection:
                self.lock(connection)
                _metadata.create_all(connection)
        applied = []
        for name, change in waiting:
            with self.write() as connection:
                self.lock(connection)
                if self._is_applied(connection, area, name):
                    continue
                change(connection)
                now = datetime.now(UTC).isoformat(timespec="seconds")
                connection.execute(_migrations.insert().values(area=area, name=name, applied=now))
                applied.append(name)
        return tuple(applied)

    def applied(self, area: str) -> tuple[str, ...]:
        """Return the names of the migrations of an area that this database has had."""
        with self.read() as connection:
            if not sa.inspect(connection).has_table(_migrations.name):
                return ()
            found = connection.execute(sa.select(_migrations.c.name).where(_migrations.c.area == area)).scalars()
            return tuple(sorted(found))

    def _is_applied(self, connection: sa.Connection, area: str, name: str) -> bool:
        known = sa.select(_migrations.c.name).where(_migrations.c.area == area, _migrations.c.name == name)
        return connection.execute(known).first() is not None

    def flush(self) -> None:
        """Let deleted content go: SQLite's write-ahead log moves into the file and is emptied, PostgreSQL vacuums.

        PostgreSQL then shows deleted rows to nobody and uses their room again, but neither its files nor its
        write-ahead log are overwritten: only new keys make what stayed on the disk unreadable.
        """
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                return
            quoted = connection.dialect.identifier_preparer.quote
            tables = ", ".join(quoted(name) for name in sa.inspect(connection).get_table_names())
            connection.rollback()
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(f"VACUUM {tables}")

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _url(address: str | Path) -> sa.URL:
    text = str(address)
    if "://" not in text:
        return sa.URL.create("sqlite", database=str(Path(text).absolute()))
    if text.startswith(("postgresql://", "postgres://")):
        text = "postgresql+psycopg://" + text.split("://", 1)[1]
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        raise StoreError("the database address cannot be read; give a path or postgresql+psycopg://…") from None
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{url.get_backend_name()}: not supported; use SQLite (a path) or PostgreSQL")
    if url.get_backend_name() == "sqlite" and not url.database:
        raise StoreError("sqlite:// needs a file; give a path")
    return url


def _sqlite(url: sa.URL) -> sa.Engine:
    path = Path(str(url.database))
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as fault:
        raise StoreError(f"{path}: cannot be opened ({fault.strerror}); does the folder exist?") from None
    engine = sa.create_engine(url, hide_parameters=True, connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy's events below say when a transaction starts
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON",
                           "temp_store=MEMORY", "busy_timeout=30000"):  # fmt: skip
                connection.execute("PRAGMA " + pragma)
        except sqlite3.DatabaseError:
            raise StoreError(f"{path}: not a database; give another path or restore a backup") from None

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        is_write = connection.get_execution_options().get("threelines_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")

    return engine
