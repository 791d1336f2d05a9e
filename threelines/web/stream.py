"""What is kept of a stream for a while: messages, sealed, until their conversation is whole; answers by idempotency key."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence

import msgspec
import sqlalchemy as sa

from threelines.platforms.pseudonym import names_one_of
from threelines.records import Record, ThreelinesError
from threelines.store.database import Migration, Store
from threelines.store.keyring import Keyring
from threelines.store.sealed import SealedColumn

HOURS = 72.0
"""Hours for which a message is kept for the rest of its conversation."""
LONGEST_TALK = 400
"""Earlier messages of one conversation that a new one is read with."""
_ANSWERED_HOURS = 24.0

_metadata = sa.MetaData()
_stream = sa.Table(
    "web_stream",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("talk", sa.String(64), nullable=False, index=True),
    sa.Column("made", sa.Float, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
_answered = sa.Table(
    "web_answered",
    _metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("body", sa.String(64), nullable=False),
    sa.Column("made", sa.Float, nullable=False, index=True),
    sa.Column("answer", sa.Text, nullable=False),
)
_SEALED = SealedColumn(table="web_stream", column="sealed", key=("id",))
SEALED = (_SEALED,)
MIGRATIONS: tuple[Migration, ...] = (("0001_stream", _metadata.create_all),)


class KeyUsed(ThreelinesError):
    """An idempotency key came with another body."""


class Stream:
    """The stream of one database."""

    def __init__(self, store: Store, keyring: Keyring, *, hours: float = HOURS) -> None:
        self.store, self.keyring, self.hours = store, keyring, hours

    def remember(self, records: Sequence[Record]) -> tuple[int, list[list[Record]]]:
        """Keep new messages; return how many were new, and each of their conversations as it now stands."""
        fresh = 0
        with self.store.write() as connection:
            self.store.lock(connection)
            names = dict.fromkeys(self._tag("talk", record.conversation) for record in records)
            self._forget(connection)
            for record in records:
                key, talk = _names(self.keyring, record)
                if connection.execute(sa.select(_stream.c.id).where(_stream.c.id == key)).first():
                    continue
                sealed = _SEALED.seal(self.keyring, msgspec.json.encode(record), key)
                connection.execute(_stream.insert().values(id=key, talk=talk, made=time.time(), sealed=sealed))
                fresh += 1
            talks = [list(self._talk(connection, name)) for name in names]
        return fresh, talks

    def _talk(self, connection: sa.Connection, name: str) -> Iterator[Record]:
        last = sa.select(_stream).where(_stream.c.talk == name).order_by(_stream.c.made.desc()).limit(LONGEST_TALK)
        for row in reversed(connection.execute(last).all()):
            plain = _SEALED.open(self.keyring, row.sealed, row.id)
            yield msgspec.json.decode(plain, type=Record)

    def forget(self) -> int:
        """Delete what has been kept for its hours; return how many messages went."""
        with self.store.write() as connection:
            self.store.lock(connection)
            return self._forget(connection)

    def _forget(self, connection: sa.Connection) -> int:
        now = time.time()
        connection.execute(_answered.delete().where(_answered.c.made < now - _ANSWERED_HOURS * 3600))
        return connection.execute(_stream.delete().where(_stream.c.made < now - self.hours * 3600)).rowcount

    def erase(self, accounts: Collection[str]) -> int:
        """Delete the messages that name one of these accounts (whole tokens, anything else is refused); return how many."""
        names_one = names_one_of(accounts)
        with self.store.write() as connection:
            self.store.lock(connection)
            gone = [
                row.id
                for row in connection.execute(sa.select(_stream.c.id, _stream.c.sealed)).all()
                if names_one(_SEALED.open(self.keyring, row.sealed, row.id))
            ]
            for key in gone:
                connection.execute(_stream.delete().where(_stream.c.id == key))
        return len(gone)

    def of(self, accounts: Collection[str]) -> list[Record]:
        """Return the messages that name one of these accounts (whole tokens), oldest first."""
        names_one = names_one_of(accounts)
        with self.store.read() as connection:
            rows = connection.execute(sa.select(_stream).order_by(_stream.c.made, _stream.c.id)).all()
        opened = (_SEALED.open(self.keyring, row.sealed, row.id) for row in rows)
        return [msgspec.json.decode(plain, type=Record) for plain in opened if names_one(plain)]

    def answered_before(self, key: str, body: bytes) -> str | None:
        """Return the answer that this idempotency key was given, None when it is new; refuse another body."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(_answered).where(_answered.c.key == self._tag("key", key))).first()
        if row is None:
            return None
        if row.body != self.keyring.tag(body, b"web:body").hex():
            raise KeyUsed("this Idempotency-Key was used with another body; use a new key for a new request")
        return str(row.answer)

    def remember_answer(self, key: str, body: bytes, answer: str) -> None:
        """Keep the answer of an idempotency key for a day."""
        values = {
            "key": self._tag("key", key), "body": self.keyring.tag(body, b"web:body").hex(), "made": time.time(),
            "answer": answer,
        }  # fmt: skip
        with self.store.write() as connection:
            self.store.lock(connection)  # the same request may be answered twice at once
            if not connection.execute(sa.select(_answered.c.key).where(_answered.c.key == values["key"])).first():
                connection.execute(_answered.insert().values(**values))

    def _tag(self, kind: str, value: str) -> str:
        return _tag(self.keyring, kind, value)


def remake(connection: sa.Connection, keyring: Keyring) -> None:
    """Keep each message under names of the newest key, while older keys still open it; of one kept twice one stays.

    Answers by idempotency key cannot be named anew: their keys are not kept.
    """
    if not sa.inspect(connection).has_table(_stream.name):
        return
    kept: set[str] = set()
    for row in connection.execute(sa.select(_stream).order_by(_stream.c.made, _stream.c.id)).all():
        plain = _SEALED.open(keyring, row.sealed, row.id)
        key, talk = _names(keyring, msgspec.json.decode(plain, type=Record))
        same = _stream.c.id == row.id
        if key in kept:
            connection.execute(_stream.delete().where(same))
            continue
        kept.add(key)
        sealed = _SEALED.seal(keyring, plain, key)
        connection.execute(_stream.update().where(same).values(id=key, talk=talk, sealed=sealed))


def _names(keyring: Keyring, record: Record) -> tuple[str, str]:
    key = _tag(keyring, "record", f"{record.conversation}\0{record.id}")
    return key, _tag(keyring, "talk", record.conversation)


def _tag(keyring: Keyring, kind: str, value: str) -> str:
    return keyring.tag(value.encode(), b"web:stream:" + kind.encode()).hex()
