"""The queue of findings and what people decide about them.

    review = Review(store, keyring, audit)
    review.add([Finding(assessment, records, context)])      # idempotent
    item = review.claim(user, languages=("en", "vi"))        # locked for this person
    finding = review.open(user, item.findings[0])            # a read of content: audited
    review.decide(user, finding.id, Verdict(decision="watch"))

A decision is written down and announced; it never acts on a platform or a person by itself.
Findings of one account wait as one item. A referral, and a fixed share of all others, is read
blind by a second person; where the two differ, a third decides.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.platforms import review_statements as say
from threelines.platforms.finding import (
    DECISIONS,
    HARM_PER_DAY,
    NEEDS_REASON,
    REASONS,
    Decision,
    Finding,
    Item,
    Opened,
    Removed,
    Row,
    Stage,
    Verdict,
    account_of,
    digest,
    harm,
    name_of,
)
from threelines.platforms.review_tables import (
    FINDING,
    MIGRATIONS,
    NOTE,
    SEALED,
    decisions,
    findings,
    items,
    outbox,
)
from threelines.records import LABELLED_KINDS, Record, ThreelinesError
from threelines.roles import User, require
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.store.keyring import Keyring
from threelines.store.sealed import declare

LEASE = 20 * 60.0
"""Seconds for which an item stays with the person who opened it, counted from the last act."""
UNDO = 24 * 3600.0
"""Seconds within which the person who decided may take it back."""
DOUBLE_SHARE = 5
"""Of 100 findings, so many are read by a second person although nobody referred them."""


class ReviewError(ThreelinesError):
    """A finding cannot be opened or decided: its text says why and what to do."""


class Review:
    """The queue in one database."""

    def __init__(self, store: Store, keyring: Keyring, audit: Audit) -> None:
        self.store, self.keyring, self.audit = store, keyring, audit
        store.migrate("review", MIGRATIONS)
        declare(store, SEALED)

    # -- in ---------------------------------------------------------------------------------

    def add(self, found: Iterable[Finding], *, stage: Stage = "open") -> dict[str, int]:
        """Store findings once each; return how many were `new`, `updated` or `known`.

        The same thread again replaces what still waits; a decided one returns only when it shows
        other signals than those that were decided.
        """
        counts = {"new": 0, "updated": 0, "known": 0}
        with self.store.write() as connection:
            self.store.lock(connection)
            for finding in found:
                counts[self._add(connection, finding, stage)] += 1
        return counts

    def _add(self, connection: sa.Connection, finding: Finding, stage: Stage) -> str:
        name = self._tag(name_of(finding), b"review:thread")
        last = connection.execute(
            sa.select(findings).where(findings.c.thread == name).order_by(findings.c.round.desc()).limit(1)
        ).first()
        signals = self._tag(digest(finding), b"review:signals")
        if last and (last.signals == signals or last.stage == "training"):
            return "known"
        if last and last.stage in say.WAITING:
            values = self._codes(finding) | {"signals": signals, "sealed": self._seal(last.id, finding)}
            connection.execute(findings.update().where(findings.c.id == last.id).values(**values))
            self.reorder(connection, last.item)
            return "updated"
        number, key = (last.round + 1 if last else 1), secrets.token_hex(8)
        item = self._item(connection, finding)
        connection.execute(
            findings.insert().values(
                id=key, item=item, thread=name, round=number, signals=signals, stage=stage, decision="",
                created=_now(), sealed=self._seal(key, finding), **self._codes(finding),
            )
        )  # fmt: skip
        self.reorder(connection, item)
        return "new"

    def _codes(self, finding: Finding) -> dict[str, Any]:
        judged = finding.assessment
        return {
            "kind": judged.thread.kind, "tier": judged.tier, "concern": judged.concern, "ai_use": judged.ai_use,
            "support": judged.support, "child": finding.child, "language": finding.language, "harm": harm(finding),
            "capabilities": " ".join(judged.capabilities),
            "indicators": " ".join(sorted({s.indicator for s in judged.signals if not s.shadow})),
        }  # fmt: skip

    def _item(self, connection: sa.Connection, finding: Finding) -> str:
        account = self._tag(account_of(finding), b"review:account")
        known = connection.execute(
            sa.select(items.c.id).where(items.c.account == account, items.c.waiting > 0).limit(1)
        ).scalar()
        if known:
            return str(known)
        key = secrets.token_hex(8)
        connection.execute(
            items.insert().values(
                id=key, account=account, language=finding.language, created=_now(), priority=0.0, waiting=0,
                lease_by="", lease_until=0.0, opened="",
            )
        )  # fmt: skip
        return key

    def reorder(self, connection: sa.Connection, item: str) -> None:
        """Set the item's place: grave first, but waiting counts too, so nothing waits for ever."""
        number, gravest, oldest = connection.execute(say.STATE, {"item": item}).one()
        values: dict[str, Any] = {"waiting": number}
        if number:
            # Every item ages at the same rate, so the order never changes by waiting: it can be stored.
            days = datetime.fromisoformat(oldest).timestamp() / 86400
            values["priority"] = gravest + min(0.5, 0.1 * (number - 1)) - HARM_PER_DAY * days
        else:
            values |= {"lease_by": "", "lease_until": 0.0}
        connection.execute(items.update().where(items.c.id == item).values(**values))

    # -- the queue --------------------------------------------------------------------------

    def queue(self, user: User, *, languages: Sequence[str] = (), limit: int = 50) -> tuple[Item, ...]:
        """Return the items that this person may take now, in order; empty `languages` reads all."""
        require(user, "finding.list")
        with self.store.read() as connection:
            statement, values = _choose(user, languages, (say.QUEUE, say.QUEUE_IN))
            rows = connection.execute(statement.limit(limit), values).all()
            return tuple(self._with_findings(connection, user, row) for row in rows)

    def waiting_elsewhere(self, user: User, languages: Sequence[str]) -> int:
        """Return how many items this person could take in other languages than these."""
        elsewhere = say.QUEUE.where(items.c.language.not_in([*languages, ""])).order_by(None).subquery()
        with self.store.read() as connection:
            counted = sa.select(sa.func.count()).select_from(elsewhere)
            return int(connection.execute(counted, {"who": user.id, "now": time.time()}).scalar_one())

    def claim(self, user: User, *, languages: Sequence[str] = (), item: str = "") -> Item | None:
        """Lock the first item (or the one named) for this person; None when nothing waits.

        Nobody else is given it until it is decided, put back, or left alone for `LEASE` seconds.
        """
        require(user, "finding.review")
        with self.store.write() as connection:
            self.store.lock(connection)
            row = self._claim(connection, user, languages, item)
            return self._with_findings(connection, user, row) if row is not None else None

    def take(self, user: User, *, languages: Sequence[str] = (), item: str = "") -> str:
        """Lock as `claim` does, falling back from the item to the queue; return the first finding, or nothing."""
        require(user, "finding.review")
        with self.store.write() as connection:
            self.store.lock(connection)
            return self._take(connection, user, languages, item)

    def _take(self, connection: sa.Connection, user: User, languages: Sequence[str], item: str) -> str:
        row = self._claim(connection, user, languages, item) if item else None
        row = row if row is not None else self._claim(connection, user, languages, "")
        if row is None:
            return ""
        found = connection.execute(say.REST.limit(1), {"item": row.id, "who": user.id}).one()
        self._show(connection, user, row.id, found)
        return str(found.id)

    def _show(self, connection: sa.Connection, user: User, item: str, found: Any) -> tuple[int, int]:
        """Put a finding on this person's screen: hold its item, count it, and write the read down."""
        self._hold(connection, user, item, shown=found.id)
        counted = _count_seen(connection, user.id, urgent=found.tier == "urgent")
        self.audit.note(connection, user, "finding.open", record=found.id, reason="review")
        return counted

    def _claim(self, connection: sa.Connection, user: User, languages: Sequence[str], item: str) -> Any:
        statement, values = _choose(user, () if item else languages, (say.FIRST, say.FIRST_IN))
        if item:
            statement, values["item"] = say.ONE, item
        row = connection.execute(statement, values).first()
        if row is not None:
            connection.execute(say.LET_GO_OTHERS, {"holder": user.id, "held": row.id})
            self._hold(connection, user, row.id)
        return row

    def _hold(self, connection: sa.Connection, user: User, item: str, *, shown: str = "") -> None:
        connection.execute(say.HOLD, {"holder": user.id, "held": item, "until": time.time() + LEASE, "shown": shown})

    def put_back(self, user: User) -> None:
        """Give back what this person holds, so that a colleague can take it."""
        with self.store.write() as connection:
            connection.execute(items.update().where(items.c.lease_by == user.id).values(lease_by="", lease_until=0.0))

    def _with_findings(self, connection: sa.Connection, user: User, row: Any) -> Item:
        waiting = connection.execute(
            sa.select(*_ROW_COLUMNS)
            .where(findings.c.item == row.id, findings.c.stage.in_(say.WAITING), ~say.decided_by(user.id))
            .order_by(findings.c.harm.desc(), findings.c.id)
        ).all()
        return Item(
            id=row.id, language=row.language, created=row.created, lease_by=row.lease_by,
            findings=tuple(_row(entry) for entry in waiting),
        )  # fmt: skip

    def open(self, user: User, finding: str) -> Opened:
        """Open one finding for the person who holds its item, count it and write the read down."""
        require(user, "finding.review")
        with self.store.read() as connection:
            row = self._held(connection, user, finding)
            beside = connection.execute(say.REST, {"item": row.item, "who": user.id}).scalars().all()
            counted = _seen(connection, user.id)
            back = connection.execute(say.TAKEN_BACK, {"finding": finding, "who": user.id}).first()
        # What `take` gave was held, counted and written down there: one durable write a step, not two.
        if (row.opened, row.lease_by) != (finding, user.id):
            with self.store.write() as connection:
                self.store.lock(connection)  # two at once would both begin this person's day
                row = self._held(connection, user, finding)
                counted = self._show(connection, user, row.item, row)
        typed = self._verdict(back) if back is not None else None
        return Opened(row=_row(row), finding=self._open(row), beside=tuple(beside), seen=counted, typed=typed)

    def _verdict(self, row: Any) -> Verdict:
        note = NOTE.open(self.keyring, row.note, row.id).decode() if row.note else ""
        return Verdict(decision=row.decision, reason=row.reason, note=note, seconds=row.seconds)

    def _held(self, connection: sa.Connection, user: User, finding: str) -> Any:
        row = connection.execute(say.FINDING, {"finding": finding}).first()
        if row is None:
            raise ReviewError("no such finding; it may have been removed by retention")
        if row.stage != "training" and row.lease_by not in ("", user.id) and row.lease_until > time.time():
            raise ReviewError("a colleague has this open; take the next one")
        return row

    # -- decisions --------------------------------------------------------------------------

    def decide(self, user: User, finding: str, verdict: Verdict) -> Row:
        """Write one decision down; return the finding as it now stands."""
        with self._deciding(user, verdict) as connection:
            return self._decide(connection, user, finding, verdict)

    def decide_and_take(
        self, user: User, finding: str, verdict: Verdict, *, languages: Sequence[str] = ()
    ) -> tuple[Row, str]:
        """Decide, and in the same transaction take what comes next: of this account first, then of the queue."""
        with self._deciding(user, verdict) as connection:
            row = self._decide(connection, user, finding, verdict)
            return row, "" if row.stage == "training" else self._take(connection, user, languages, row.item)

    @contextmanager
    def _deciding(self, user: User, verdict: Verdict) -> Iterator[sa.Connection]:
        require(user, "finding.review")
        _refuse_incomplete(verdict)
        with self.store.write() as connection:
            self.store.lock(connection)
            yield connection

    def _decide(self, connection: sa.Connection, user: User, finding: str, verdict: Verdict) -> Row:
        row = self._held(connection, user, finding)
        if row.stage not in (*say.WAITING, "training"):
            raise ReviewError("this finding has been decided; undo that decision first")
        if connection.execute(say.OWN, {"finding": finding, "who": user.id}).first():
            raise ReviewError("you have decided this one before; a colleague must read it now")
        stage, final = self._next(connection, row, verdict)
        self._write(connection, user, row, verdict)
        connection.execute(say.DECIDED, {"finding": finding, "now": stage, "final": final})
        self.reorder(connection, row.item)
        self._let_go(connection, user, row.item)
        if stage == "done":
            self._announce(connection, "finding.decided", finding, final, verdict.reason)
        self.audit.note(connection, user, "finding.decide", record=finding, reason="review")
        return msgspec.structs.replace(_row(row), stage=stage, decision=final)

    def _let_go(self, connection: sa.Connection, user: User, item: str) -> None:
        """Free the item once nothing in it waits for this person: a second person may need it now."""
        if not connection.execute(say.REST.limit(1), {"item": item, "who": user.id}).first():
            connection.execute(say.HOLD, {"held": item, "holder": "", "until": 0.0, "shown": ""})

    def _next(self, connection: sa.Connection, row: Any, verdict: Verdict) -> tuple[str, str]:
        if row.stage == "training":
            return "training", row.decision
        if row.stage == "open" and (verdict.decision == "refer" or _read_twice(row.id)):
            return "second", ""
        if row.stage == "second" and verdict.decision not in self._standing(connection, row.id):
            return "split", ""
        return "done", verdict.decision

    def _standing(self, connection: sa.Connection, finding: str) -> set[str]:
        rows = connection.execute(
            sa.select(decisions.c.decision).where(decisions.c.finding == finding, decisions.c.undone == "")
        )
        return {row.decision for row in rows}

    def _write(self, connection: sa.Connection, user: User, row: Any, verdict: Verdict) -> None:
        key = secrets.token_hex(8)
        note = NOTE.seal(self.keyring, verdict.note.encode(), key) if verdict.note else None
        connection.execute(
            say.ADD_DECISION, {
                "id": key, "finding": row.id, "reviewer": user.id, "stage": row.stage, "decision": verdict.decision,
                "reason": verdict.reason, "note": note, "time": _now(), "undone": "", "seconds": max(0, min(verdict.seconds, 3600)),
            }
        )  # fmt: skip

    def undo(self, user: User) -> str:
        """Take back this person's last decision; return the finding, which waits again."""
        require(user, "finding.review")
        since = datetime.fromtimestamp(time.time() - UNDO, UTC).isoformat(timespec="microseconds")
        with self.store.write() as connection:
            self.store.lock(connection)
            last = connection.execute(
                sa.select(decisions)
                .where(decisions.c.reviewer == user.id, decisions.c.undone == "", decisions.c.time > since)
                .order_by(decisions.c.time.desc())
                .limit(1)
            ).first()
            if last is None:
                raise ReviewError("nothing of yours from the last 24 hours can be undone")
            self._refuse_later(connection, last)
            connection.execute(decisions.update().where(decisions.c.id == last.id).values(undone=_now()))
            row = connection.execute(sa.select(findings).where(findings.c.id == last.finding)).one()
            if row.stage == "done":
                self._announce(connection, "finding.reopened", row.id, "", last.reason)
            if row.stage != "training":
                connection.execute(
                    findings.update().where(findings.c.id == row.id).values(stage=last.stage, decision="")
                )
            self.reorder(connection, row.item)
            self._hold(connection, user, row.item)
            self.audit.note(connection, user, "finding.undo", record=row.id, reason="review")
        return str(last.finding)

    def _refuse_later(self, connection: sa.Connection, last: Any) -> None:
        later = sa.select(decisions.c.id).where(
            decisions.c.finding == last.finding, decisions.c.undone == "", decisions.c.time > last.time
        )
        if connection.execute(later).first():
            raise ReviewError("a colleague has decided on this since; ask them, or let it be appealed")

    def appeal(self, finding: str) -> None:
        """Put a decided finding back for a person who has not decided on it yet."""
        with self.store.write() as connection:
            self.store.lock(connection)
            row = connection.execute(sa.select(findings).where(findings.c.id == finding)).first()
            if row is None or row.stage == "training":
                raise ReviewError("no such finding")
            if row.stage in say.WAITING:
                return
            self._open(row)  # nobody can look again at what has no words any more
            connection.execute(findings.update().where(findings.c.id == finding).values(stage="appeal"))
            self.reorder(connection, row.item)
            self._announce(connection, "finding.appealed", finding, str(row.decision), "")

    def _announce(self, connection: sa.Connection, event: str, finding: str, decision: str, reason: str) -> None:
        """Put the event into the outbox in the same transaction: a restart loses none."""
        body = {
            "event": event, "finding": finding, "decision": decision, "reason": reason, "time": _now(),
            "note": "A person's decision, for your information: nothing was done to any account.",
        }  # fmt: skip
        connection.execute(
            outbox.insert().values(
                id=secrets.token_hex(12), made=_now(), sent="", tries=0, body=msgspec.json.encode(body).decode()
            )
        )

    # -- what decisions are used for ---------------------------------------------------------

    def decided(self, user: User, *, limit: int = 50) -> tuple[tuple[Row, str, str], ...]:
        """Return this person's last decisions: finding, decision and time."""
        require(user, "finding.review")
        chosen = (
            sa.select(*_ROW_COLUMNS, decisions.c.decision.label("mine"), decisions.c.time)
            .join(findings, findings.c.id == decisions.c.finding)
            .where(decisions.c.reviewer == user.id, decisions.c.undone == "")
            .order_by(decisions.c.time.desc())
            .limit(limit)
        )
        with self.store.read() as connection:
            return tuple((_row(row), str(row.mine), str(row.time)) for row in connection.execute(chosen))

    def referred(self, user: User, *, skip: int = 0, limit: int = 50) -> tuple[tuple[Row, str], ...]:
        """Return what was finally decided as a referral or as support, with the time, newest first: codes, no words."""
        require(user, "finding.follow")
        chosen = (
            sa.select(*_ROW_COLUMNS, say.DECIDED_AT.label("time"))
            .where(findings.c.stage == "done", findings.c.decision.in_(say.FOLLOWED))
            .order_by(say.DECIDED_AT.desc(), findings.c.id)
            .offset(skip)
            .limit(limit)
        )
        self.audit.add(user, "finding.referred", reason="case work")
        with self.store.read() as connection:
            return tuple((_row(row), str(row.time)) for row in connection.execute(chosen))

    def removed(self, user: User) -> Iterator[Removed]:
        """Yield what was finally decided to be removed, oldest finding first, for statements of reasons: codes, no words."""
        require(user, "finding.list")
        chosen = (
            sa.select(findings, decisions.c.reason, decisions.c.time)
            .join(decisions, decisions.c.finding == findings.c.id)
            .where(findings.c.stage == "done", findings.c.decision == "remove")
            .where(decisions.c.undone == "", decisions.c.time == say.DECIDED_AT.correlate(findings))
            .order_by(findings.c.created, findings.c.id)
        )
        self.audit.add(user, "finding.removed", reason="legal duty")
        with self.store.read() as connection:
            for row in connection.execute(chosen):
                yield Removed(_row(row), str(row.reason), str(row.time), tuple(str(row.indicators).split()))

    def labels(self, user: User) -> Iterator[Record]:
        """Yield the judged records of decided findings with the decision as label, for `threelines fit`.

        Only of threads that an adapter labels (the adverts of a script or account have decisions of their own), and
        of each as it was decided last.
        """
        require(user, "finding.reveal")
        self.audit.add(user, "finding.labels", reason="statistics")
        with self.store.read() as connection:
            later = findings.alias()
            again = sa.exists().where(
                later.c.thread == findings.c.thread, later.c.round > findings.c.round, later.c.stage == "done"
            )
            done = findings.c.stage == "done"
            wanted = sa.select(findings).where(done, findings.c.kind.in_(LABELLED_KINDS), ~again)
            rows = connection.execute(wanted.order_by(findings.c.id))
            for row in rows:
                # one that was emptied when its time was over teaches nothing
                kept = FINDING.open(self.keyring, row.sealed, row.id)
                for record in msgspec.json.decode(kept, type=Finding).records if kept else ():
                    yield msgspec.structs.replace(record, label=str(row.decision))

    def ratings(self) -> dict[str, dict[str, str]]:
        """Return finding → reviewer → decision, wherever two people or more have read it."""
        by_finding: dict[str, dict[str, str]] = {}
        standing = sa.select(decisions.c.finding, decisions.c.reviewer, decisions.c.decision)
        with self.store.read() as connection:
            for row in connection.execute(standing.where(decisions.c.undone == "").order_by(decisions.c.time)):
                by_finding.setdefault(row.finding, {})[row.reviewer] = row.decision
        return {finding: rated for finding, rated in by_finding.items() if len(rated) > 1}

    def counts(self) -> dict[str, int]:
        """Return the state of the queue: findings by stage, items waiting and held."""
        by_stage = sa.select(findings.c.stage, sa.func.count()).group_by(findings.c.stage)
        with self.store.read() as connection:
            found = {str(stage): int(number) for stage, number in connection.execute(by_stage)}
            waiting = connection.execute(sa.select(sa.func.count()).where(items.c.waiting > 0)).scalar_one()
            held = sa.select(sa.func.count()).where(items.c.waiting > 0, items.c.lease_until > time.time())
            return found | {"items": waiting, "held": connection.execute(held).scalar_one()}

    def seen_today(self, reviewer: str) -> tuple[int, int]:
        """Return how many findings, and how many urgent ones, this person has had on screen today (UTC)."""
        with self.store.read() as connection:
            return _seen(connection, reviewer)

    def train(self, finding: Finding, *, expected: Decision) -> None:
        """Add a golden item: every reviewer is asked once, and is told the agreed answer afterwards."""
        counts = self.add([finding], stage="training")
        if counts["new"]:
            name = self._tag(name_of(finding), b"review:thread")
            with self.store.write() as connection:
                connection.execute(findings.update().where(findings.c.thread == name).values(decision=expected))

    def training(self, user: User) -> tuple[Row, ...]:
        """Return the golden items that this person has not answered yet."""
        require(user, "finding.review")
        wanted = sa.select(*_ROW_COLUMNS).where(findings.c.stage == "training", ~say.decided_by(user.id))
        with self.store.read() as connection:
            return tuple(_row(row) for row in connection.execute(wanted.order_by(findings.c.id)))

    def answers(self, user: User) -> tuple[dict[str, Any], ...]:
        """Return this person's answers to golden items beside the agreed ones."""
        chosen = (
            sa.select(decisions.c.decision.label("mine"), findings.c.decision.label("agreed"))
            .join(findings, findings.c.id == decisions.c.finding)
            .where(decisions.c.reviewer == user.id, decisions.c.stage == "training", decisions.c.undone == "")
        )
        with self.store.read() as connection:
            rows = connection.execute(chosen.order_by(decisions.c.time)).all()
        return tuple({"mine": row.mine, "agreed": row.agreed, "same": row.mine == row.agreed} for row in rows)

    def codes(self) -> Iterator[dict[str, Any]]:
        """Yield the coded columns of every finding, without content, for statistics."""
        columns = (*_ROW_COLUMNS, findings.c.capabilities, findings.c.indicators)
        with self.store.read() as connection:
            for row in connection.execute(sa.select(*columns).where(findings.c.stage != "training")).mappings():
                yield dict(row)

    # -- sealing ----------------------------------------------------------------------------

    def _seal(self, finding: str, content: Finding) -> bytes:
        return FINDING.seal(self.keyring, msgspec.json.encode(content), finding)

    def _open(self, row: Any) -> Finding:
        plain = FINDING.open(self.keyring, row.sealed, row.id)
        if not plain:
            raise ReviewError("the words of this finding were destroyed when their time was over")
        return msgspec.json.decode(plain, type=Finding)

    def _tag(self, value: str, context: bytes) -> str:
        return self.keyring.tag(value.encode(), context).hex()[:32]


def _read_twice(finding: str) -> bool:
    return int(finding, 16) % 100 < DOUBLE_SHARE


def _refuse_incomplete(verdict: Verdict) -> None:
    if verdict.decision not in DECISIONS:
        raise ReviewError(f"no such decision; choose one of {', '.join(DECISIONS)}")
    if verdict.reason and verdict.reason not in REASONS:
        raise ReviewError(f"no such reason; choose one of {', '.join(REASONS)}")
    if verdict.decision in NEEDS_REASON and not verdict.reason:
        raise ReviewError("give a reason for this decision")


def _choose(user: User, languages: Sequence[str], both: tuple[Any, Any]) -> tuple[Any, dict[str, Any]]:
    values: dict[str, Any] = {"who": user.id, "now": time.time()}
    return (both[1], values | {"languages": [*languages, ""]}) if languages else (both[0], values)


def _count_seen(connection: sa.Connection, reviewer: str, *, urgent: bool) -> tuple[int, int]:
    here = {"who": reviewer, "today": _now()[:10]}
    if connection.execute(say.SEE_MORE, here | {"grave": int(urgent)}).rowcount == 0:
        first = {"reviewer": reviewer, "day": here["today"], "seen": 1, "urgent": int(urgent)}
        connection.execute(say.SEE_FIRST, first)
    return _seen(connection, reviewer)


def _seen(connection: sa.Connection, reviewer: str) -> tuple[int, int]:
    row = connection.execute(say.SEEN, {"who": reviewer, "today": _now()[:10]}).first()
    return (row.seen, row.urgent) if row else (0, 0)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


_ROW_COLUMNS = tuple(findings.c[name] for name in Row.__struct_fields__)


def _row(row: Any) -> Row:
    return Row(**{name: getattr(row, name) for name in Row.__struct_fields__})
