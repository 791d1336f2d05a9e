"""Which thread a record belongs to, and the threads of one partition: the same for every engine.

A detector names the kind of thread it reads; that is all a cluster has to know.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from threelines.records import Record, Thread, ThreadKind

WINDOW = 2000
"""Messages of one conversation judged together; a longer one is read in windows of this many."""
OPENINGS = 2
"""First records of an account in a conversation that may be copies of a script."""

_LONE: dict[str, ThreadKind] = {
    "advert": "advert", "post": "advert", "profile": "advert", "media": "advert",
    "message": "conversation", "system": "conversation", "request": "session", "reply": "session",
}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Turn(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A record by an account, with the record by somebody else that it follows in its conversation."""

    record: Record
    after: Record | None = None
    """The last record by another account before it; None when the account spoke first."""
    position: int = 0
    """Place among what was said in the conversation, from 0, notices aside; for a lone record, among those."""
    quiet: bool = False
    """Nothing was found in it (`signals.quiet`): the account's detectors need not read it again."""
    after_position: int = -1
    """Place of `after` in the conversation; -1 where there is none or it is not known."""


def is_lone(record: Record) -> bool:
    """Whether the record is judged alone: it belongs to no conversation."""
    return not record.conversation


def lone_thread(record: Record) -> Thread:
    """Return the thread of a record that stands alone: an advert, or a conversation of one."""
    return Thread(kind=_LONE[record.kind], id=record.id, records=(record,))


def may_be_copies(record: Record) -> Iterator[Record]:
    """Yield what linking compares of a record: itself, and the words of its pictures.

    Those of a picture that came before are left out: that it is the same picture, its hash says.
    """
    if not record.inside:
        yield record
        return
    yield msgspec.structs.replace(record, inside=())
    yield from (part for part in record.inside if part.text and not part.extra.get("again"))


def in_time_order(records: Iterable[Record]) -> list[Record]:
    """Sort by time; records without one keep their place at the start."""
    return sorted(records, key=_time)


def _when(turn: Turn) -> tuple[datetime, str, int, str, int]:
    """Order of an account's turns: by time, and the same on every machine where times are equal or missing.

    A talk has an order of its own. Lone records have none but that of their ids, in whatever order they are read.
    """
    record, position = turn.record, turn.position
    return record.time or _EPOCH, record.conversation, position if record.conversation else 0, record.id, position


def _time(record: Record) -> datetime:
    return record.time or _EPOCH


def conversation_threads(records: Iterable[Record]) -> Iterator[Thread]:
    """Group the records of a partition by conversation, in time order, in windows: what is judged."""
    return (window for talk in whole_talks(records) for window in windows(talk))


def whole_talks(records: Iterable[Record]) -> Iterator[Thread]:
    """Group the records of a partition by conversation, in time order."""
    talks: dict[str, list[Record]] = {}
    for record in records:
        talks.setdefault(record.conversation, []).append(record)
    for name in sorted(talks):
        ordered = tuple(in_time_order(talks[name]))
        session = any(record.kind in ("request", "reply") for record in ordered)
        yield Thread(kind="session" if session else "conversation", id=name, records=ordered)


def windows(talk: Thread) -> Iterator[Thread]:
    """Cut a conversation into parts of `WINDOW` records; `facts["before"]` tells how many messages came before a part."""
    if len(talk.records) <= WINDOW:
        yield talk
        return
    before = 0
    for start in range(0, len(talk.records), WINDOW):
        part = talk.records[start : start + WINDOW]
        yield Thread(kind=talk.kind, id=f"{talk.id}#{start // WINDOW + 1}", records=part, facts={"before": before})
        before += len(spoken(part))


def spoken(records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the records without calls and notices, which are nobody's turn."""
    return tuple(record for record in records if record.kind != "system")


def turns_of(talk: Thread) -> Iterator[Turn]:
    """Yield what each account said in a whole conversation, with what it follows."""
    last: Record | None = None
    before: Record | None = None
    at = since = -1
    for position, record in enumerate(spoken(talk.records)):
        if last is not None and last.author != record.author:
            before, since = last, at
        if record.author:
            follows = before is not None and before.author != record.author
            yield Turn(
                record=record, position=position, after=before if follows else None,
                after_position=since if follows else -1,
            )  # fmt: skip
        last, at = record, position


def openings(turns: Iterable[Turn]) -> Iterator[Record]:
    """Yield each account's first records in a conversation: those of which linking compares what `may_be_copies` says."""
    said: Counter[str] = Counter()
    for turn in turns:
        said[turn.record.author] += 1
        if said[turn.record.author] <= OPENINGS:
            yield turn.record


def account_threads(turns: Iterable[Turn]) -> Iterator[Thread]:
    """Group turns by account, in time order; `context` holds what the account's records follow.

    An export may give one id to several records, so a record is known by its place: `facts["positions"]` and
    `facts["context_positions"]` stand beside the records and the context, and an id is in `facts["quiet"]` only if
    nothing was found in any record that bears it.
    """
    accounts: dict[str, list[Turn]] = {}
    for turn in turns:
        accounts.setdefault(turn.record.author, []).append(turn)
    for name in sorted(accounts):
        ordered = sorted(accounts[name], key=_when)
        context = {
            (turn.after.conversation, turn.after_position, turn.after.id): turn.after for turn in ordered if turn.after
        }
        loud = {turn.record.id for turn in ordered if not turn.quiet}
        facts = {
            "positions": tuple(turn.position for turn in ordered),
            "context_positions": tuple(position for _, position, _ in context),
            "quiet": frozenset(turn.record.id for turn in ordered if turn.quiet).difference(loud),
        }
        yield Thread(
            kind="account", id=name, records=tuple(turn.record for turn in ordered),
            context=tuple(context.values()), facts=facts,
        )  # fmt: skip
