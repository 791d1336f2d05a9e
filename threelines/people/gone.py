"""Who was erased and who withdrew, as keyed hashes and days: an older backup must not undo it.

The list is in the database and, with SQLite, beside it in `F.db.gone`, for when the database itself is
lost. A hash is of a random case id, or of the id of an erased case's submission, so that an import of its file does
not bring it back. It is made by the audit key, which no rotation changes: without the key file the list says how many
there were on which day, and nothing else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from pathlib import Path

import sqlalchemy as sa

from threelines.people import settings
from threelines.people.case import Consent, Content
from threelines.people.tables import GONE
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring

UUID = "uuid:"
"""What earlier versions kept before the id of a submission, as `meta/instanceID` has it."""
ENDING = ".gone"
RESTORED = "restored"
"""The setting with the day on which a register was restored."""
_LINE = re.compile(r"(\d{4}-\d\d-\d\d) ([0-9a-f]{32})")


def erased_tag(keyring: Keyring, case_id: str) -> str:
    """Return what stands for an erased case."""
    return keyring.tag(case_id.encode(), b"gone", purpose="audit").hex()[:32]


def submission_tags(keyring: Keyring, submissions: Iterable[str]) -> list[str]:
    """Return what stands for the submissions of an erased case, by their ids in either spelling."""
    ids = dict.fromkeys(name.removeprefix(UUID).strip() for name in submissions)
    return [keyring.tag(name.encode(), b"gone:submission", purpose="audit").hex()[:32] for name in ids if name]


def is_listed(connection: sa.Connection, tags: Collection[str]) -> bool:
    """Say whether the list in the database has one of these hashes."""
    return bool(tags) and connection.execute(sa.select(GONE.c.tag).where(GONE.c.tag.in_(tags))).first() is not None


def withdrawn_tag(keyring: Keyring, case_id: str, purpose: str) -> str:
    """Return what stands for a consent that ended."""
    return keyring.tag(case_id.encode(), b"gone:" + purpose.encode(), purpose="audit").hex()[:32]


def ended(keyring: Keyring, case_id: str, old: Content, new: Content) -> list[str]:
    """Return the hashes of the consents that were yes and are not any more."""
    return [withdrawn_tag(keyring, case_id, purpose) for purpose in ended_purposes(old.consent, new.consent)]


def ended_purposes(old: Mapping[str, Consent], new: Mapping[str, Consent]) -> list[str]:
    """Return the purposes whose consent was yes and is not any more."""
    given = [purpose for purpose, consent in old.items() if consent.value == "yes"]
    return [purpose for purpose in given if purpose not in new or new[purpose].value != "yes"]


def note(connection: sa.Connection, store: Store, tags: Iterable[str], day: date) -> None:
    """Add to the list, in the caller's transaction; the file first, so that no commit is missing from it."""
    fresh = dict.fromkeys(tags, day.isoformat())
    if not fresh:
        return
    _keep(connection, fresh)
    if store.is_sqlite:
        path = beside(store.path)
        _append(path, fresh if path.exists() else listed(connection))


def beside(path: Path) -> Path:
    """Return where the list of a SQLite database lies."""
    return path.with_name(path.name + ENDING)


def listed(connection: sa.Connection) -> dict[str, str]:
    """Return the list in the database: the last day by hash."""
    return {row.tag: row.day for row in connection.execute(sa.select(GONE).order_by(GONE.c.day, GONE.c.tag))}


def add(connection: sa.Connection, found: Mapping[str, str]) -> None:
    """Take another list into the database's; of two days the later one stays."""
    known = listed(connection)
    _keep(connection, {tag: max(day, known.get(tag, "")) for tag, day in found.items()})


def _keep(connection: sa.Connection, days: Mapping[str, str]) -> None:
    rows = [{"old": tag, "day": day} for tag, day in days.items()]
    if rows:
        connection.execute(
            GONE.delete().where(GONE.c.tag == sa.bindparam("old")), [{"old": row["old"]} for row in rows]
        )
        connection.execute(GONE.insert(), [{"tag": row["old"], "day": row["day"]} for row in rows])


def read(path: Path) -> dict[str, str]:
    """Read a list from a file; raise StoreError with the line that cannot be read."""
    found: dict[str, str] = {}
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        raise StoreError(f"{path}: cannot be read as a list of erasures and withdrawals") from None
    for number, line in enumerate(lines, start=1):
        parts = _LINE.fullmatch(line)
        if not parts:
            raise StoreError(f"{path}:{number}: not a line of a list of erasures and withdrawals; take the line out")
        found[parts[2]] = max(parts[1], found.get(parts[2], ""))
    return found


def write(path: Path, days: Mapping[str, str]) -> None:
    """Write a list to a file, with what the file holds already."""
    known = read(path) if path.exists() else {}
    _append(path, {tag: day for tag, day in days.items() if known.get(tag, "") < day})


def _append(path: Path, days: Mapping[str, str]) -> None:
    text = "".join(f"{day} {tag}\n" for tag, day in days.items()).encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def mark_restored(connection: sa.Connection, keyring: Keyring, day: date) -> None:
    """Keep as a setting that the register came back from a backup: what left since then is not known in it."""
    settings.put(connection, keyring, RESTORED, day.isoformat())


def lists_near(*paths: Path) -> list[Path]:
    """Return the lists in the folders of these files; one of another register matches no case."""
    return sorted({found for path in paths for found in path.absolute().parent.glob(f"*{ENDING}") if found.is_file()})
