"""The register's tables. What a person said is sealed; index columns hold codes and worker ids only."""

from __future__ import annotations

import sqlalchemy as sa

from threelines.people.case import add_months
from threelines.store.database import Migration
from threelines.store.sealed import SealedColumn

METADATA = sa.MetaData()

CASES = sa.Table(
    "cases",
    METADATA,
    # Order of arrival. It is the primary key so that SQLite keeps the rows in it: passes over all cases read the file
    # from front to back.
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String(20), nullable=False, unique=True),
    sa.Column("quarter", sa.String(7), nullable=False),  # of registration
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("owner", sa.String(80), nullable=False),
    sa.Column("team", sa.String(40), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("is_held", sa.Boolean, nullable=False),
    sa.Column("changed", sa.String(7), nullable=False),  # month of the last change
    sa.Column("destroy_after", sa.String(7), nullable=True),  # month; set when the case is closed
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("chain", sa.String(64), nullable=False),
    sa.Index("cases_by_owner", "owner", "place"),
    sa.Index("cases_by_team", "team", "place"),
)
REVISIONS = sa.Table(
    "case_revisions",
    METADATA,
    sa.Column("case_id", sa.String(20), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("who", sa.String(80), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("chain", sa.String(64), nullable=False),
)
PARTS = sa.Table(
    "case_parts",
    METADATA,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("case_id", sa.String(20), nullable=False, index=True),
    sa.Column("entity", sa.String(12), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("identity", sa.LargeBinary, nullable=True),
)
VAULT = sa.Table(
    "vault",
    METADATA,
    sa.Column("case_id", sa.String(20), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
MATCHES = sa.Table(
    "vault_matches",
    METADATA,
    sa.Column("tag", sa.String(32), primary_key=True),
    sa.Column("case_id", sa.String(20), primary_key=True),
    sa.Index("matches_by_case", "case_id"),
)
APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("prepared_by", sa.String(80), nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("made", sa.String(32), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
SETTINGS = sa.Table(
    "register_settings",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)

GONE = sa.Table(
    "people_gone",
    METADATA,
    sa.Column("tag", sa.String(32), primary_key=True),  # keyed hash of a case id, or of a case id and a purpose
    sa.Column("day", sa.String(10), nullable=False),
)

CONTENT = SealedColumn(table="cases", column="sealed", key=("id",))
REVISION = SealedColumn(table="case_revisions", column="sealed", key=("case_id", "number"))
PART = SealedColumn(table="case_parts", column="sealed", key=("id",))
PART_IDENTITY = SealedColumn(table="case_parts", column="identity", key=("id",), purpose="identity")
IDENTITY = SealedColumn(table="vault", column="sealed", key=("case_id",), purpose="identity")
APPROVAL = SealedColumn(table="approvals", column="sealed", key=("id",))
SETTING = SealedColumn(table="register_settings", column="sealed", key=("name",))
SEALED = (CONTENT, REVISION, PART, PART_IDENTITY, IDENTITY, APPROVAL, SETTING)

MIGRATIONS: tuple[Migration, ...] = (
    ("0001_register", METADATA.create_all),
    ("0002_gone", lambda connection: GONE.create(connection, checkfirst=True)),
)


def move_destruction(connection: sa.Connection, months: int) -> None:
    """Let every closed case be destroyed so many months later (or earlier), in one statement."""
    after = CASES.c.destroy_after
    known = connection.execute(sa.select(after).where(after.is_not(None)).distinct()).scalars().all()
    if known and months:
        moved = sa.case({month: add_months(month, months) for month in known}, value=after)
        connection.execute(CASES.update().where(after.is_not(None)).values(destroy_after=moved))
