"""The tables of the review queue: codes in the open, every word sealed."""

from __future__ import annotations

import sqlalchemy as sa

from threelines.store.database import Migration
from threelines.store.sealed import SealedColumn

_metadata = sa.MetaData()

items = sa.Table(
    "review_items",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("account", sa.String(32), nullable=False, index=True),
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("lease_by", sa.String(80), nullable=False, index=True),
    sa.Column("lease_until", sa.Float, nullable=False),
    sa.Column("opened", sa.String(16), nullable=False),  # the finding that its holder has on screen
)
sa.Index(
    "review_items_waiting",
    items.c.priority.desc(),
    items.c.id,
    sqlite_where=items.c.waiting > 0,
    postgresql_where=items.c.waiting > 0,
)

findings = sa.Table(
    "review_findings",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("item", sa.String(16), nullable=False, index=True),
    sa.Column("thread", sa.String(32), nullable=False),
    sa.Column("round", sa.Integer, nullable=False),
    sa.Column("signals", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("tier", sa.String(16), nullable=False),
    sa.Column("concern", sa.Float, nullable=False),
    sa.Column("ai_use", sa.Float, nullable=False),
    sa.Column("support", sa.Boolean, nullable=False),
    sa.Column("child", sa.Boolean, nullable=False),
    sa.Column("harm", sa.Float, nullable=False),
    sa.Column("language", sa.String(20), nullable=False),
    sa.Column("capabilities", sa.String(400), nullable=False),
    sa.Column("indicators", sa.Text, nullable=False),
    sa.Column("stage", sa.String(16), nullable=False, index=True),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("created", sa.String(32), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.UniqueConstraint("thread", "round"),
)

decisions = sa.Table(
    "review_decisions",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("finding", sa.String(16), nullable=False, index=True),
    sa.Column("reviewer", sa.String(80), nullable=False),
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("note", sa.LargeBinary),
    sa.Column("time", sa.String(32), nullable=False),
    sa.Column("undone", sa.String(32), nullable=False),
    sa.Column("seconds", sa.Integer, nullable=False),
    sa.Index("review_decisions_reviewer", "reviewer", "time"),
)

seen = sa.Table(
    "review_seen",
    _metadata,
    sa.Column("reviewer", sa.String(80), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("seen", sa.Integer, nullable=False),
    sa.Column("urgent", sa.Integer, nullable=False),
)

outbox = sa.Table(
    "review_outbox",
    _metadata,
    sa.Column("id", sa.String(24), primary_key=True),
    sa.Column("made", sa.String(32), nullable=False),
    sa.Column("sent", sa.String(32), nullable=False, index=True),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

FINDING = SealedColumn(table="review_findings", column="sealed", key=("id",))
NOTE = SealedColumn(table="review_decisions", column="note", key=("id",))
SEALED = (FINDING, NOTE)

MIGRATIONS: tuple[Migration, ...] = (("0001_review", _metadata.create_all),)
