"""From an uploaded export, or a stream of records, to findings in the queue. The same input twice adds nothing twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import PurePosixPath
from threading import Lock
from typing import BinaryIO

import msgspec

from threelines.engine.local import Found, Plan, run
from threelines.people.register import Register
from threelines.platforms.finding import Finding, is_child
from threelines.platforms.pseudonym import conceal, pseudonyms
from threelines.platforms.read import ReadError, ReadReport, read
from threelines.records import Assessment, Record, ThreelinesError
from threelines.vocabulary.terms import Vocabulary
from threelines.web.desk import Desk
from threelines.web.faults import note_fault
from threelines.web.keys import account_key, upload_key, upload_name
from threelines.web.scratch import scratch

LARGEST_EXPORT = 100 * 1024 * 1024
"""Bytes of an uploaded export once unpacked; a larger one is scanned with `threelines scan`, which keeps none in memory."""
MOST_RECORDS = 50_000
"""Records of an uploaded export."""
_KEPT_ENDINGS = frozenset({".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".mbox", ".parquet", ".gz", ".zip"})
_BREAKS = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a record breaks a detector with that nobody thought of."""
_one_at_a_time = Lock()  # a scan takes a core and its records' memory; a second one waits


class IngestError(ThreelinesError):
    """An input cannot be taken: its text says why and what to do."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an input."""

    records: int
    raised: int
    new: int
    updated: int
    known: int
    left_out: int = 0
    """Records that could not be judged; the log says where it broke, never on what."""
    skipped: int = 0
    """Lines of an upload that gave no record."""
    repaired: int = 0
    """Lines that gave one although something in them was left out."""
    faults: tuple[str, ...] = ()
    """The first of both: where, and why."""
    notes: tuple[str, ...] = ()
    """Which columns of a table were read as text without being called so, and which were not read."""


def take_upload(desk: Desk, file: BinaryIO, *, name: str) -> Taken:
    """Read an export, judge it and queue what is raised. The file is gone before the judging begins."""
    report = ReadReport()
    with scratch() as folder:
        path = folder / _scratch_name(desk.register, name)
        with path.open("wb") as out:
            shutil.copyfileobj(file, out)
        try:
            found = read([path], key=upload_key(desk.register), report=report, largest=LARGEST_EXPORT)
            records = list(islice(found, MOST_RECORDS + 1))
        except ReadError as fault:
            raise IngestError(str(fault).removeprefix(f"{path.name}: ")) from None
    if len(records) > MOST_RECORDS:
        raise IngestError(f"more than {MOST_RECORDS:,} records; read it with `threelines scan`, or upload it in parts")
    taken = _queue(desk, _apart(records), fresh=len(records))
    faults = (f"{one.where.removeprefix(path.name).lstrip(':')}: {one.reason}" for one in report.examples)
    return msgspec.structs.replace(
        taken,
        skipped=report.skipped,
        repaired=report.repaired,
        faults=tuple(fault.lstrip(": ") for fault in faults),
        notes=tuple(note.reason for note in report.notes),
    )


def _scratch_name(register: Register, name: str) -> str:
    """Return the name under which an upload is read: the same for the same name, without a word of it.

    Ids and chats are made of it, so the same export twice must have one; its endings tell the format.
    """
    plain = PurePosixPath(name.replace("\\", "/")).name
    endings = [ending for ending in map(str.lower, PurePosixPath(plain).suffixes) if ending in _KEPT_ENDINGS]
    return upload_name(register, plain) + "".join(endings[-2:])


def take_records(desk: Desk, records: Sequence[Record]) -> Taken:
    """Judge records of a stream, each conversation together with what came before it."""
    token = pseudonyms(account_key(desk.register))
    hidden = [conceal(_named(record), token) for record in records]
    fresh, talks = desk.stream.remember([record for record in hidden if record.conversation])
    lone = [[record] for record in hidden if not record.conversation]
    return _queue(desk, lone + talks, fresh=len(lone) + fresh)


def _named(record: Record) -> Record:
    """Give a record without an id one that the same record gets again."""
    if record.id:
        return record
    return msgspec.structs.replace(record, id="r" + sha256(msgspec.json.encode(record)).hexdigest()[:20])


def _queue(desk: Desk, talks: list[list[Record]], *, fresh: int) -> Taken:
    found, left_out = _judged(talks, desk.vocabulary)
    counts = desk.review.add(found)
    return Taken(
        records=fresh, raised=len(found), left_out=left_out,
        new=counts["new"], updated=counts["updated"], known=counts["known"],
    )  # fmt: skip


def _judged(talks: list[list[Record]], vocabulary: Vocabulary) -> tuple[list[Finding], int]:
    """Judge conversations together; where that breaks, by halves, so that one of them cannot silence the others.

    Return the findings, and how many records could not be judged.
    """
    try:
        return findings_of((record for talk in talks for record in talk), vocabulary), 0
    except _BREAKS as fault:
        if len(talks) == 1:
            note_fault(fault)
            return [], len(talks[0])
    middle = len(talks) // 2
    (found, left_out), (more, also) = (_judged(part, vocabulary) for part in (talks[:middle], talks[middle:]))
    return found + more, left_out + also


def _apart(records: Iterable[Record]) -> list[list[Record]]:
    """Return each conversation, and each record that is in none."""
    talks: dict[str, list[Record]] = {}
    for place, record in enumerate(records):
        talks.setdefault(f"c{record.conversation}" if record.conversation else f"r{place}", []).append(record)
    return list(talks.values())


def findings_of(records: Iterable[Record], vocabulary: Vocabulary) -> list[Finding]:
    """Judge records and return what is worth a person's time, with the words."""
    plan = Plan(vocabulary=vocabulary, records=True)
    with _one_at_a_time, scratch() as folder:
        raised = [found for batch in run(records, plan, jobs=1, scratch=folder) for found in batch.found]
    return [_finding(found, vocabulary) for found in raised]


def _finding(found: Found, vocabulary: Vocabulary) -> Finding:
    judged = msgspec.json.decode(found.line, type=Assessment)
    stated = [record.language for record in found.records if record.language]
    return Finding(
        assessment=judged, records=found.records, language=max(sorted(set(stated)), key=stated.count, default=""),
        child=is_child(judged, vocabulary),
    )  # fmt: skip
