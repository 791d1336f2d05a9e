"""Whose tables a database may hold beside the register's: a restore makes them before it fills them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threelines.store.database import Migration


def areas() -> dict[str, Sequence[Migration]]:
    """Return the migrations of the queue and, where it is installed, of the console, by area."""
    from threelines.platforms.review_tables import MIGRATIONS as REVIEW

    found: dict[str, Sequence[Migration]] = {"review": REVIEW}
    try:
        from threelines.web import accounts, grants, stream
    except ModuleNotFoundError:  # a restore that needs them names what to install
        return found
    return {**found, "web": stream.MIGRATIONS, "accounts": accounts.MIGRATIONS, "grants": grants.MIGRATIONS}
