"""How commands open a register: where it is, whose it is, and who asks."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from threelines.cli._key import RULE
from threelines.roles import ROLES, User, scope_of

if TYPE_CHECKING:
    from threelines.people.register import Register
    from threelines.store.keyring import Keyring

_Function = TypeVar("_Function", bound=Callable[..., Any])


def database_options(role: str, *, required: bool = True) -> Callable[[_Function], _Function]:
    """Add the options that open a register, with the role that this command usually needs."""

    def add(function: _Function) -> _Function:
        for option in reversed((
            click.option("--db", "database", required=required, envvar="THREELINES_DB", help="Path of a SQLite file, or postgresql+psycopg://… ."),
            click.option("--key-file", "--key", envvar="THREELINES_KEYRING", type=click.Path(path_type=Path), help=RULE),
            click.option("--passphrase", envvar="THREELINES_PASSPHRASE", default="", help="Of a key file that is locked with one; better given by the environment."),
            click.option("--user", envvar="THREELINES_USER", default="", help="Your worker id, for the audit; your login name otherwise."),
            click.option("--role", envvar="THREELINES_ROLE", type=click.Choice(ROLES), default=role, show_default=True),
            click.option("--team", envvar="THREELINES_TEAM", default="", help="Your team: a supervisor sees the cases of it."),
        )):  # fmt: skip
            function = option(function)
        return function

    return add


@contextmanager
def opened(*, create: bool = False, today: date | None = None, **options: Any) -> Iterator[Register]:
    """Open the register that the options of `database_options` name."""
    from threelines.people.register import Register

    keyring = keyring_of(options["database"], options["key_file"], options["passphrase"], create=create)
    with Register.open(options["database"], keyring, user_of(options), today=today) as register:
        yield register


def keyring_of(database: str, key_file: Path | None, passphrase: str, *, create: bool = False) -> Keyring:
    """Open the key file of a database; make it when `create` says so."""
    from threelines.cli._key import open_keyring

    return open_keyring(database, key_file, passphrase, create=create)


def user_of(options: Mapping[str, Any]) -> User:
    """Return who the options say is asking."""
    return User(id=options["user"] or login(), role=options["role"], team=options["team"])


def login() -> str:
    """Return the login name of this machine, as a worker id."""
    return re.sub(r"[^A-Za-z0-9._-]", "", getpass.getuser()) or "local"


def outside(register: Register, permission: str) -> str:
    """Say how many cases this user does not reach, and who does; empty when there are none."""
    import sqlalchemy as sa

    from threelines.people.tables import CASES

    wanted = sa.select(sa.func.count()).select_from(CASES)
    teamless = wanted.where(CASES.c.team == "", CASES.c.owner != register.user.id)
    with register.store.read() as connection:
        there, alone = (int(connection.execute(each).scalar_one()) for each in (wanted, teamless))
    missed = there - register.count(permission)
    if not missed:
        return ""
    if scope_of(register.user.role, permission) == "own":
        return f"{_cases(missed)} not your own; give --user, or the --role of who sees them"
    teams = missed - alone
    told = [f"{_cases(teams)} outside your team; give --team"] if teams else []
    if alone:
        told.append(f"{_cases(alone)} of other workers who gave no --team: {_who_reaches(permission)}")
    return "; ".join(told)


def _cases(number: int) -> str:
    return f"{number} case{' is' if number == 1 else 's are'}"


def _who_reaches(permission: str) -> str:
    everywhere = [role for role in ROLES if scope_of(role, permission) == "all"]
    others = f", or the --role {' or '.join(everywhere)}" if everywhere else ""
    return f"no team reaches them, only the --user whose they are{others}"


def second_person(register: Register) -> str:
    """Return the options under which a second person reaches what this user prepared, after their own --user."""
    return f"--team {register.user.team}" if register.user.team else "--role data_protection_officer"
