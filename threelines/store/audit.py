"""Who did what to which record, and why: append only, each entry tied to the one before."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from threelines.records import ThreelinesError
from threelines.roles import User
from threelines.store.database import Migration, Store
from threelines.store.keyring import Keyring

REASONS = (
    "", "administration", "backup", "case work", "consent", "data quality", "demonstration", "emergency",
    "erasure request", "import", "legal duty", "legal hold", "release", "referral", "restore", "retention", "review",
    "sharing", "sign in", "statistics", "subject access", "supervision",
)  # fmt: skip
"""The closed list of reasons: a free text would sooner or later hold a name."""

_START = "0" * 64
_metadata = sa.MetaData()
_audit = sa.Table(
    "audit",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time", sa.String(32), nullable=False),
    sa.Column("who", sa.String(80), nullable=False),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("record", sa.String(80), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
_BY_RECORD = sa.Index("audit_by_record", _audit.c.record)
_LAST = sa.select(_audit.c.id, _audit.c.hash).order_by(_audit.c.id.desc()).limit(1)
_ADD = _audit.insert()
MIGRATIONS: tuple[Migration, ...] = (
    ("0001_audit", _metadata.create_all),
    ("0002_record", lambda connection: _BY_RECORD.create(connection, checkfirst=True)),
)


class AuditError(ThreelinesError):
    """The chain is broken, or an entry would hold what must not be logged."""

    def __init__(self, message: str, *, entry: int = 0) -> None:
        super().__init__(message)
        self.entry = entry
        """Number of the entry at which the chain breaks; 0 where it is none, or the end was cut off."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit. `record` is a random id; no field holds case content."""

    id: int
    time: str
    who: str
    role: str
    action: str
    record: str
    reason: str
    hash: str


class Audit:
    """The chain: HMAC-SHA256 with the organisation's audit key over each entry and the one before.

    Changing, removing or inserting an entry breaks the chain. Cutting off its end cannot be seen
    from inside: write `head()` down elsewhere (print it, mail it) and give it to `verify`. Each
    process also remembers the head that it saw last, and misses it when it is gone.
    """

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring
        self._seen = f"0:{_START}"
        store.migrate("audit", MIGRATIONS)

    def add(self, user: User, action: str, *, record: str = "", reason: str = "") -> None:
        """Append one entry in a transaction of its own (for reads)."""
        with self._store.write() as connection:
            self.note(connection, user, action, record=record, reason=reason)

    def note(self, connection: sa.Connection, user: User, action: str, *, record: str = "", reason: str = "") -> None:
        """Append one entry in the caller's transaction: the change and its entry stand or fall together."""
        _refuse_content(action, record, reason)
        self._store.lock(connection)
        last = connection.execute(_LAST).first()
        number, before = (last.id + 1, last.hash) if last else (1, _START)
        entry = Entry(
            id=number, time=datetime.now(UTC).isoformat(timespec="seconds"), who=user.id, role=user.role,
            action=action, record=record, reason=reason, hash="",
        )  # fmt: skip
        entry = msgspec.structs.replace(entry, hash=self._hash(entry, before))
        connection.execute(_ADD, msgspec.structs.asdict(entry))

    def entries(self, *, record: str = "", who: str = "", before: int = 0, newest: int = 0) -> Iterator[Entry]:
        """Yield entries in order; `newest` limits them to the last so many, of those below number `before`."""
        wanted = sa.select(_audit).order_by(_audit.c.id.desc())
        if record:
            wanted = wanted.where(_audit.c.record == record)
        if who:
            wanted = wanted.where(_audit.c.who == who)
        if before:
            wanted = wanted.where(_audit.c.id < before)
        if newest:
            wanted = wanted.limit(newest)
        with self._store.read() as connection:
            rows = connection.execute(wanted).mappings().all()
        yield from (Entry(**row) for row in reversed(rows))

    def told(
        self, connection: sa.Connection, actions: Collection[str], *, record: str = ""
    ) -> Iterator[tuple[Entry, bool]]:
        """Yield the entries of these actions in order, and whether each was made with the key at its place."""
        before = _audit.alias("before")
        wanted = sa.select(_audit, before.c.hash.label("link")).where(_audit.c.action.in_(sorted(actions)))
        if record:
            wanted = wanted.where(_audit.c.record == record)
        joined = _audit.outerjoin(before, before.c.id == _audit.c.id - 1)
        for row in connection.execute(wanted.select_from(joined).order_by(_audit.c.id)).mappings().all():
            entry = Entry(**{name: row[name] for name in Entry.__struct_fields__})
            expected = self._hash(entry, str(row["link"] or _START))
            yield entry, hmac.compare_digest(str(entry.hash).encode(), expected.encode())

    def head(self) -> str:
        """Return `number:hash` of the last entry, to be written down outside the database."""
        last = next(iter(self.entries(newest=1)), None)
        return f"{last.id}:{last.hash}" if last else f"0:{_START}"

    def verify(self, *, anchor: str = "") -> int:
        """Check every link, and that the `anchor` (an earlier `head()`) is still there; return the count.

        Raises AuditError with the number of the first entry that does not fit, or for a cut end.
        """
        chain = Chain(self._keyring)
        anchors, seen = {chain.head}, self._seen
        for entry in self.entries():
            chain.follow(entry)
            anchors.add(chain.head)
        if anchor and anchor not in anchors:
            raise AuditError("audit: the end was cut off, or the anchor is another database's; compare with a backup")
        if seen not in anchors:
            lost = seen.partition(":")[0]
            raise AuditError(f"audit: the end was cut off: entry {lost}, seen earlier, is gone; compare with a backup")
        self._seen = chain.head
        return chain.count

    def _hash(self, entry: Entry, before: str) -> str:
        return _hash(self._keyring, entry, before)


class Chain:
    """The links of an audit, followed from the first entry on."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._before = _START
        self.count = 0
        """How many entries were followed."""

    @property
    def head(self) -> str:
        """`number:hash` of the last entry followed."""
        return f"{self.count}:{self._before}"

    def follow(self, entry: Entry) -> None:
        """Take the next entry; raise AuditError with its number where it does not fit to the one before."""
        self.count += 1
        expected = _hash(self._keyring, entry, self._before)
        # An altered hash can be anything: SQLite keeps bytes in a text column.
        if entry.id != self.count or not hmac.compare_digest(str(entry.hash).encode(), expected.encode()):
            fault = f"audit entry {self.count}: altered, removed or inserted; compare it with a backup"
            raise AuditError(fault, entry=self.count)
        self._before = entry.hash


def _hash(keyring: Keyring, entry: Entry, before: str) -> str:
    body = msgspec.json.encode([before, *msgspec.structs.astuple(entry)[:-1]])
    return keyring.tag(body, b"audit", purpose="audit").hex()


def is_first_entry_of(store: Store, keyring: Keyring) -> bool | None:
    """Say whether the first entry was made with these keys; None where there is none. Nothing is written."""
    with store.read() as connection:
        if not sa.inspect(connection).has_table(_audit.name):
            return None
        row = connection.execute(sa.select(_audit).where(_audit.c.id == 1)).mappings().first()
    if row is None:
        return None
    entry = Entry(**{str(name): value for name, value in row.items()})
    return hmac.compare_digest(entry.hash, _hash(keyring, entry, _START))


_ACTION = re.compile(r"[a-z][a-z_]*(\.[a-z_]+)*")
_RECORD = re.compile(r"[A-Za-z0-9:._-]{0,80}")


def _refuse_content(action: str, record: str, reason: str) -> None:
    if not _ACTION.fullmatch(action):
        raise AuditError("audit: an action is a word such as case.read")
    if not _RECORD.fullmatch(record):
        raise AuditError("audit: a record is a random id of letters and digits, never a name or a text")
    if reason not in REASONS:
        raise AuditError(f"audit: unknown reason; choose one of: {', '.join(filter(None, REASONS))}")
