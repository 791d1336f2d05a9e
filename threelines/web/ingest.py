"""From an uploaded export, or a stream of records, to findings in the queue. The same input twice adds nothing twice."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import BinaryIO

import msgspec
import sqlalchemy as sa

from threelines.engine.local import Found, Plan, run
from threelines.platforms.finding import Finding, is_child
from threelines.platforms.pseudonym import conceal, pseudonyms
from threelines.platforms.read import ReadError, ReadReport, read
from threelines.records import Assessment, Record, ThreelinesError
from threelines.store.database import Migration
from threelines.store.keyring import Keyring
from threelines.store.sealed import SealedColumn
from threelines.vocabulary.terms import Vocabulary
from threelines.web.desk import Desk

LONGEST_TALK = 400
"""Earlier messages of one conversation that a new one is read with."""
_one_at_a_time = Lock()  # the engine keeps its plan per process; a second scan waits

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


class IngestError(ThreelinesError):
    """An input cannot be taken: its text says why and what to do."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an input."""

    records: int
    raised: int
    new: int
    updated: int
    known: int


def account_key(keyring: Keyring) -> bytes:
    """Return the organisation's key under which account ids become tokens."""
    return keyring.tag(b"accounts", b"pseudonym")


def take_upload(desk: Desk, file: BinaryIO, *, name: str) -> Taken:
    """Read an export, judge it and queue what is raised. The file is gone when this returns."""
    with tempfile.TemporaryDirectory(prefix="threelines-") as folder:
        path = Path(folder) / _file_name(name)
        with path.open("wb") as out:
            shutil.copyfileobj(file, out)
        report = ReadReport()
        try:
            records = list(read([path], key=account_key(desk.keyring), report=report))
        except ReadError as fault:
            raise IngestError(str(fault)) from fault
        return _queue(desk, records, fresh=len(records))


def _file_name(sent: str) -> str:
    """Return the name that a browser sent, as one that a file can have: it tells the format, and whose chat it is."""
    last = PurePosixPath(sent.replace("\\", "/")).name
    kept = "".join(sign for sign in last if sign.isprintable())[-60:]
    return kept if kept.strip(".") else "export"


def take_records(desk: Desk, records: Sequence[Record]) -> Taken:
    """Judge records of a stream, each conversation together with what came before it."""
    token = pseudonyms(account_key(desk.keyring))
    hidden = [conceal(_named(record), token) for record in records]
    fresh, talks = _remember(desk, [record for record in hidden if record.conversation])
    lone = [record for record in hidden if not record.conversation]
    return _queue(desk, [*lone, *talks], fresh=len(lone) + fresh)


def _named(record: Record) -> Record:
    """Give a record without an id one that the same record gets again."""
    if record.id:
        return record
    return msgspec.structs.replace(record, id="r" + sha256(msgspec.json.encode(record)).hexdigest()[:20])


def _remember(desk: Desk, records: Sequence[Record]) -> tuple[int, list[Record]]:
    """Keep new messages sealed for a while; return how many were new, and their whole conversations."""
    fresh, names = 0, dict.fromkeys(_tag(desk.keyring, "talk", record.conversation) for record in records)
    oldest = time.time() - desk.options.stream_hours * 3600
    with desk.store.write() as connection:
        desk.store.lock(connection)
        connection.execute(_stream.delete().where(_stream.c.made < oldest))
        for record in records:
            key = _tag(desk.keyring, "record", f"{record.conversation}\0{record.id}")
            if connection.execute(sa.select(_stream.c.id).where(_stream.c.id == key)).first():
                continue
            sealed = _SEALED.seal(desk.keyring, msgspec.json.encode(record), key)
            talk = _tag(desk.keyring, "talk", record.conversation)
            connection.execute(_stream.insert().values(id=key, talk=talk, made=time.time(), sealed=sealed))
            fresh += 1
        talks = [record for name in names for record in _talk(desk, connection, name)]
    return fresh, talks


def _talk(desk: Desk, connection: sa.Connection, name: str) -> Iterator[Record]:
    last = sa.select(_stream).where(_stream.c.talk == name).order_by(_stream.c.made.desc()).limit(LONGEST_TALK)
    for row in reversed(connection.execute(last).all()):
        plain = _SEALED.open(desk.keyring, row.sealed, row.id)
        yield msgspec.json.decode(plain, type=Record)


def _tag(keyring: Keyring, kind: str, value: str) -> str:
    return keyring.tag(value.encode(), b"web:stream:" + kind.encode()).hex()


def _queue(desk: Desk, records: list[Record], *, fresh: int) -> Taken:
    found = findings_of(records, desk.vocabulary)
    counts = desk.review.add(found)
    return Taken(records=fresh, raised=len(found), **counts)


def findings_of(records: Iterable[Record], vocabulary: Vocabulary) -> list[Finding]:
    """Judge records and return what is worth a person's time, with the words."""
    with _one_at_a_time:
        raised = [
            found for batch in run(records, Plan(vocabulary=vocabulary, records=True), jobs=1) for found in batch.found
        ]
    return [_finding(found, vocabulary) for found in raised]


def _finding(found: Found, vocabulary: Vocabulary) -> Finding:
    judged = msgspec.json.decode(found.line, type=Assessment)
    stated = [record.language for record in found.records if record.language]
    return Finding(
        assessment=judged, records=found.records, language=max(sorted(set(stated)), key=stated.count, default=""),
        child=is_child(judged, vocabulary),
    )  # fmt: skip


def answered_before(desk: Desk, key: str, body: bytes) -> str | None:
    """Return the answer that this idempotency key was given, None when it is new; refuse another body."""
    with desk.store.read() as connection:
        wanted = sa.select(_answered).where(_answered.c.key == _tag(desk.keyring, "key", key))
        row = connection.execute(wanted).first()
    if row is None:
        return None
    if row.body != desk.keyring.tag(body, b"web:body").hex():
        raise IngestError("this Idempotency-Key was used with another body; use a new key for a new request")
    return str(row.answer)


def remember_answer(desk: Desk, key: str, body: bytes, answer: str) -> None:
    """Keep the answer of an idempotency key for a day."""
    values = {
        "key": _tag(desk.keyring, "key", key), "body": desk.keyring.tag(body, b"web:body").hex(),
        "made": time.time(), "answer": answer,
    }  # fmt: skip
    with desk.store.write() as connection:
        connection.execute(_answered.delete().where(_answered.c.made < time.time() - 86400))
        if not connection.execute(sa.select(_answered.c.key).where(_answered.c.key == values["key"])).first():
            connection.execute(_answered.insert().values(**values))
