"""Where the key file of a database lies: one rule for every command that opens one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from threelines.store.keyring import Keyring

RULE = "Key file of the organisation (default: beside a file F.db as F.db.key; F.key is read too)."


def key_file_of(database: str, named: Path | None) -> Path:
    """Return the key file: the one named, else THREELINES_KEY where it names one, else the one beside the database.

    The console used to read THREELINES_KEY and F.key, the register F.db.key: all are still read. Raises UsageError
    where both files lie side by side, since somebody must say which belongs to the database.
    """
    if named is not None:
        return named
    # `threelines scan` keeps a secret, not a path, in the same variable. (Path.is_file raises for a long one.)
    old = os.environ.get("THREELINES_KEY", "")
    if old.endswith(".key") or os.path.isfile(old):  # noqa: PTH113
        return Path(old)
    if "://" in database and not database.startswith("sqlite:///"):
        raise click.UsageError("name the key file with --key-file or THREELINES_KEYRING: a server holds no key")
    path = Path(database.removeprefix("sqlite:///"))
    beside, before = path.with_name(path.name + ".key"), path.with_suffix(".key")
    if beside.exists() and before.exists():
        raise click.UsageError(f"{beside} and {before} both exist; name the right one with --key-file")
    return before if before.exists() else beside


def open_keyring(database: str, named: Path | None, passphrase: str, *, create: bool = False) -> Keyring:
    """Open the key file of a database; make it when it is missing and `create` says so."""
    from threelines.store.keyring import Keyring

    path = key_file_of(database, named)
    if create and not path.exists():
        return Keyring.create(path, passphrase=passphrase)
    return Keyring.open(path, passphrase=passphrase)
