"""What stays in clear in the database is said."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from threelines.people.tables import CASES, PARTS, REVISIONS
from threelines.platforms.review_tables import decisions, findings, items, outbox, seen

PAGE = (Path(__file__).parent.parent / "docs" / "protection.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table", [CASES, REVISIONS, PARTS, items, findings, decisions, seen, outbox], ids=lambda t: t.name
)
def test_every_column_in_clear_is_named(table):
    """The page on protection names each column that is not sealed, in the line of its table."""
    line = next(line for line in PAGE.splitlines() if line.startswith("|") and f"`{table.name}`" in line.split("|")[1])
    named = set(re.findall(r"`(\w+)`", line))

    assert {column.name for column in table.c if not isinstance(column.type, sa.LargeBinary)} <= named


def test_every_table_of_a_console_is_in_the_list(console):
    """A table that a later version adds has to be named there, too, or belong to the accounts of the console."""
    tables = set(sa.inspect(console.desk.store.engine).get_table_names())
    accounts = {name for name in tables if name.startswith("web_") and name not in ("web_stream", "web_answered")}

    assert {name for name in tables - accounts if f"`{name}`" not in PAGE} == set()
