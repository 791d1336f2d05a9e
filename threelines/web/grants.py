"""Ways into an account: one-time links, new passwords, lost phones; and who must agree to them.

Nobody becomes somebody else alone: docs/design/0015-two-people-for-an-account.md says the rule and why.
"""

from __future__ import annotations

import secrets
import time
from hashlib import sha256
from typing import Any, Literal, NamedTuple, get_args

import msgspec
import sqlalchemy as sa

from threelines.records import filled
from threelines.roles import PERMISSIONS, ROLES, Role, User, scope_of
from threelines.store.database import Migration
from threelines.store.keyring import Purpose
from threelines.store.sealed import SealedColumn, declare
from threelines.web.accounts import AccountError, Accounts, Person, add_column, refuse_weak

LINK = 48 * 3600.0
"""Seconds for which a request waits, and for which a one-time link works."""
KEPT = 90 * 86400.0
"""Seconds for which what is over stays in the lists; the audit keeps it."""
TRIES = 10
"""Wrong codes after which a link is void."""
_CODE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

Kind = Literal["setup", "invite", "password", "factor", "binding"]
"""The first admin, a new account, a new password, the second factor off, an account no longer bound to a provider's person."""
Help = Literal["password", "factor", "binding"]
"""What is done about an account that is there."""
DONE = {
    "factor": "The second factor is off.",
    "binding": "Binding and password are void: the next first sign-in by the organisation binds the account.",
}
"""What is done at once when it is agreed to, without a link, and how that is said."""
State = Literal["asked", "open", "used", "refused", "withdrawn", "replaced"]
"""`asked` waits for a second person; an `open` link works; the others are over."""
PASSES = tuple(role for role in ROLES if scope_of(role, "user.approve"))
"""Roles that can be the second person."""
CONSOLE = User(id="console", role="admin")
"""Who makes the link of the first run."""

_metadata = sa.MetaData()
_grants = sa.Table(
    "web_grants",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("account", sa.String(16), nullable=False, index=True),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("team", sa.String(40), nullable=False),
    sa.Column("link", sa.String(64), nullable=False, index=True),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("asked_by", sa.String(80), nullable=False),
    sa.Column("asked", sa.Float, nullable=False),
    sa.Column("approved_by", sa.String(80), nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("done", sa.Float),
    sa.Column("read", sa.Boolean, nullable=False),
    sa.Column("name", sa.LargeBinary, nullable=True),
)
_NAME = SealedColumn(table="web_grants", column="name", key=("id",))
_before = sa.table("web_once", *(sa.column(name) for name in ("id", "purpose", "account", "role", "team", "expires")))


def _create(connection: sa.Connection) -> None:
    """Make the table; take the first admin's link and invitations over, and let resets that no second person agreed to end."""
    _metadata.create_all(connection)
    for row in connection.execute(sa.select(_before).where(_before.c.account == "")).all():
        kind = "setup" if row.purpose == "setup" else "invite"
        values = _row("g" + row.id[:15], kind, role=row.role, team=row.team, by="", link=row.id)
        connection.execute(_grants.insert().values(**values | {"expires": row.expires}))
    connection.execute(_before.delete())


def _end_nameless(connection: sa.Connection) -> None:
    """Withdraw invitations of versions in which whoever held the link chose the name."""
    live = sa.and_(_grants.c.kind == "invite", _grants.c.name.is_(None), _grants.c.state.in_(("asked", "open")))
    connection.execute(_grants.update().where(live).values(state="withdrawn", done=time.time()))


MIGRATIONS: tuple[Migration, ...] = (
    ("0001_grants", _create),
    ("0002_name", lambda connection: add_column(connection, _grants.c.name)),
    ("0003_nameless", _end_nameless),
)


@filled
class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """One way into an account: asked for, agreed to, used or over. Times are seconds since 1970."""

    id: str
    kind: Kind
    state: State
    account: str
    """Whose it is; of an invitation the account that was made with it."""
    role: Role
    team: str
    has_code: bool
    """Whether the link works only with the code that the second person handed over."""
    asked_by: str
    asked: float
    approved_by: str
    expires: float
    done: float | None
    read: bool
    """Whether the owner has seen it."""
    name: str = ""
    """Under which the account is made: whoever invites says it; empty where the owner chooses (the first admin)."""

    @property
    def stands(self) -> bool:
        """Whether it waits or can be used now."""
        return self.state in ("asked", "open") and self.expires > time.time()


class Asked(NamedTuple):
    """What came of a request."""

    secret: str
    """Of the one-time link; empty where none is needed."""
    waits: bool
    """Whether a second person must agree first."""


class Grants:
    """The ways into the accounts of one database."""

    def __init__(self, accounts: Accounts) -> None:
        self.accounts, self.store, self.audit = accounts, accounts.store, accounts.audit
        self.store.migrate("grants", MIGRATIONS)
        declare(self.store, (_NAME,))

    # -- asking -----------------------------------------------------------------------------

    def invite(self, by: User, name: str, *, role: Role, team: str = "") -> Asked:
        """Make the link of a new account of this name; it waits where the role could be a second person and one exists already.

        Whoever invites names the account: the identity provider's person of that name is let in by it later. Raises
        AccountError for a name that cannot be one or is taken.
        """
        waits = role in PASSES and self._had_second()
        return self._ask(by, "invite", role=role, team=team, waits=waits, name=self.accounts.free_name(name))

    def set_up(self) -> Asked:
        """Make the link of the first run, by which its holder becomes the admin; it replaces older ones."""
        return self._ask(CONSOLE, "setup", role="admin", team="", waits=False)

    def help(self, by: User, kind: Help, account: str) -> Asked:
        """Ask for a new password, the second factor off or a binding undone; what was asked before for the same is replaced.

        It waits for a second person unless the account can do nothing that an admin may not do either.
        """
        target = self.accounts.get(account)
        if target.disabled:
            raise AccountError("this account is closed; reopen it first")
        waits = _sees_more_than_admin(target.role)
        asked = self._ask(by, kind, role=target.role, team=target.team, account=account, waits=waits)
        if not waits:
            self._do(by, kind, account)
        return asked

    def _do(self, by: User, kind: Kind, account: str) -> None:
        """Do what needs no link."""
        if kind == "factor":
            self.accounts.drop_second_factor(account, by)
        elif kind == "binding":
            self.accounts.drop_binding(account, by)

    def _had_second(self) -> bool:
        """Say whether somebody who can be the second person has an account, be it closed."""
        return any(person.role in PASSES for person in self.accounts.all())

    def _ask(
        self, by: User, kind: Kind, *, role: Role, team: str, waits: bool, account: str = "", name: str = ""
    ) -> Asked:
        secret = "" if kind in DONE else secrets.token_urlsafe(24)
        values = _row(
            "g" + secrets.token_hex(7), kind, role=role, team=team, by=by.id, link=_hashed(secret) if secret else ""
        )
        values |= {"account": account, "state": "asked" if waits else "open"}
        if kind in DONE and not waits:
            values |= {"state": "used", "done": time.time()}
        with self.store.write() as connection:
            if name:
                values["name"] = _NAME.seal(self.accounts.keyring, name.encode(), values["id"])
            connection.execute(_grants.delete().where(_grants.c.expires < time.time() - KEPT))
            if kind != "invite":
                self._end_siblings(connection, by, kind, account)
            connection.execute(_grants.insert().values(**values))
            self._note(connection, by, f"{kind}.{'ask' if waits else 'make'}", account or values["id"])
        return Asked(secret, waits)

    # -- agreeing ---------------------------------------------------------------------------

    def approve(self, by: User, key: str) -> str:
        """Agree to a request as a second person; return the code that only its owner is told, empty where there is no link.

        Raises AccountError for whoever asked, for the account itself, and for what no longer waits.
        """
        grant = self.get(key)
        if by.id in (grant.asked_by, grant.account):
            raise AccountError("a second person agrees to this: not who asked, and not the account itself")
        code = "" if grant.kind in DONE else "".join(secrets.choice(_CODE) for _ in range(10))
        with self.store.write() as connection:
            link = connection.execute(sa.select(_grants.c.link).where(_grants.c.id == key)).scalar_one()
            state: State = "open" if code else "used"
            values = {"approved_by": by.id, "code": self._tag(code, link), "expires": time.time() + LINK}
            self._move(connection, grant, "asked", state, **values)
            self._note(connection, by, f"{grant.kind}.approve", grant.account or grant.id)
        self._do(by, grant.kind, grant.account)
        return code

    def stop(self, by: User, key: str) -> None:
        """Refuse a request, or withdraw a link that nobody has used yet."""
        grant = self.get(key)
        state: State = "refused" if grant.state == "asked" else "withdrawn"
        with self.store.write() as connection:
            self._move(connection, grant, grant.state, state)
            self._note(connection, by, f"{grant.kind}.{'refuse' if state == 'refused' else 'withdraw'}",
                       grant.account or grant.id)  # fmt: skip

    def close(self, by: User, account: str) -> None:
        """Withdraw everything that could still open an account that was closed."""
        for grant in self.of(account):
            if grant.stands:
                self.stop(by, grant.id)

    # -- using ------------------------------------------------------------------------------

    def find(self, secret: str) -> Grant | None:
        """Return what a link stands for that works (or will, once a second person agrees), without using it."""
        row = self._row_of(secret)
        return None if row is None else self._grant(row)

    def use(self, secret: str, *, name: str = "", password: str | None, code: str = "") -> Person:
        """Make the account, or set the password, that the link stands for; it and its siblings are then over.

        `name` counts only for the first admin. Without a password (None) the account is made for the identity provider alone.
        """
        row = self._row_of(secret)
        if row is None:
            raise AccountError("This link has been used or is too old. Ask for a new one.")
        grant = self._grant(row)
        if grant.state == "asked":
            raise AccountError("A second person has not agreed to this link yet.")
        if row.code and not self._fits(row, code):
            self._count_try(grant, row.tries)
            raise AccountError("The code does not fit. Ask the person who agreed to this for it.")
        if grant.kind == "invite" and not (
            grant.account or grant.name
        ):  # of a version in which who got it chose the name
            raise AccountError("This invitation names nobody. Ask for a new one.")
        owner = self.accounts.get(grant.account).name if grant.account else self.accounts.free_name(grant.name or name)
        if password is not None:
            refuse_weak(password, owner)
        elif grant.account:
            raise AccountError("This link sets a password, and passwords are turned off here.")
        self._mark_used(grant)
        if grant.account and password is not None:
            self.accounts.set_password(grant.account, password)
            return self.accounts.get(grant.account)
        person = self.accounts.add(owner, password, role=grant.role, team=grant.team)
        with self.store.write() as connection:  # so that the lists say who came in by it
            connection.execute(_grants.update().where(_grants.c.id == grant.id).values(account=person.id, read=True))
        return person

    def _mark_used(self, grant: Grant) -> None:
        owner = User(id=grant.account or grant.id, role=grant.role)
        with self.store.write() as connection:
            self._move(connection, grant, "open", "used")
            if grant.kind != "invite":
                self._end_siblings(connection, owner, grant.kind, grant.account)
            self._note(connection, owner, f"{grant.kind}.use", grant.account or grant.id)

    def _count_try(self, grant: Grant, before: int) -> None:
        owner = User(id=grant.account or grant.id, role=grant.role)
        with self.store.write() as connection:
            connection.execute(_grants.update().where(_grants.c.id == grant.id).values(tries=_grants.c.tries + 1))
            self._note(connection, owner, f"{grant.kind}.wrong_code", grant.account or grant.id)
            if before + 1 >= TRIES:
                self._move(connection, grant, "open", "withdrawn")
                self._note(connection, owner, f"{grant.kind}.withdraw", grant.account or grant.id)

    # -- looking ----------------------------------------------------------------------------

    def get(self, key: str) -> Grant:
        """Return one request or link."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(_grants).where(_grants.c.id == key)).first()
        if row is None:
            raise AccountError("no such request")
        return self._grant(row)

    def standing(self) -> tuple[Grant, ...]:
        """Return what waits for a second person and what could still be used, oldest first."""
        live = sa.and_(_grants.c.state.in_(("asked", "open")), _grants.c.expires > time.time())
        return self._list(sa.select(_grants).where(live).order_by(_grants.c.asked, _grants.c.id))

    def over(self) -> tuple[Grant, ...]:
        """Return what was used, refused, withdrawn or replaced in the last 90 days, newest first."""
        return self._list(sa.select(_grants).where(_grants.c.done.is_not(None)).order_by(_grants.c.done.desc()))

    def of(self, account: str) -> tuple[Grant, ...]:
        """Return what was asked and done about the ways into one account that is there, newest first."""
        wanted = sa.and_(_grants.c.account == account, _grants.c.kind.in_(get_args(Help)))
        return self._list(sa.select(_grants).where(wanted).order_by(_grants.c.asked.desc()))

    def unread(self, account: str) -> bool:
        """Say whether something was asked or done about an account that its owner has not confirmed seeing."""
        told = (grant.read for grant in self.of(account) if grant.stands or grant.state == "used")
        return not all(told) or self.accounts.bound_unread(account)

    def mark_read(self, account: str) -> None:
        """Keep that the owner saw what was asked and done until now."""
        with self.store.write() as connection:
            done = sa.and_(_grants.c.account == account, _grants.c.done.is_not(None))
            connection.execute(_grants.update().where(done).values(read=True))
            self.accounts.mark_bound_read(connection, account)

    # -- inside -----------------------------------------------------------------------------

    def _list(self, wanted: sa.Select[Any]) -> tuple[Grant, ...]:
        with self.store.read() as connection:
            return tuple(self._grant(row) for row in connection.execute(wanted).all())

    def _grant(self, row: Any) -> Grant:
        hidden = ("link", "code", "tries", "name")
        values = {str(name): value for name, value in row._mapping.items() if name not in hidden}
        name = _NAME.open(self.accounts.keyring, row.name, row.id).decode() if row.name else ""
        return msgspec.convert({**values, "read": bool(row.read), "has_code": bool(row.code), "name": name}, Grant)

    def _row_of(self, secret: str) -> Any:
        live = sa.and_(_grants.c.state.in_(("asked", "open")), _grants.c.expires > time.time())
        with self.store.read() as connection:
            row = connection.execute(sa.select(_grants).where(_grants.c.link == _hashed(secret), live)).first()
        if row is not None and row.account and self.accounts.get(row.account).disabled:
            return None
        return row

    def _move(self, connection: sa.Connection, grant: Grant, before: State, state: State, **values: Any) -> None:
        """Change the state in the caller's transaction; of two who try at once one gets an AccountError."""
        same = sa.and_(_grants.c.id == grant.id, _grants.c.state == before, _grants.c.expires > time.time())
        if state not in ("asked", "open"):
            values["done"] = time.time()
        done = connection.execute(_grants.update().where(same).values(state=state, **values))
        if before not in ("asked", "open") or done.rowcount != 1:
            raise AccountError("This is over already: used, refused, withdrawn, replaced or too old.")

    def _end_siblings(self, connection: sa.Connection, by: User, kind: Kind, account: str) -> None:
        live = sa.and_(_grants.c.kind == kind, _grants.c.account == account, _grants.c.state.in_(("asked", "open")))
        if connection.execute(_grants.update().where(live).values(state="replaced", done=time.time())).rowcount:
            self._note(connection, by, f"{kind}.replace", account)

    def _note(self, connection: sa.Connection, by: User, action: str, record: str) -> None:
        self.audit.note(connection, by, action, record=record, reason="administration")

    def _fits(self, row: Any, code: str) -> bool:
        # A version before kept codes under the match key: its open links are over two days after this version came.
        kept = (self._tag(code, row.link), self._tag(code, row.link, purpose="match"))
        return any(secrets.compare_digest(row.code, one) for one in kept)

    def _tag(self, code: str, link: str, *, purpose: Purpose = "audit") -> str:
        """Return what is kept of a code: ten letters could be guessed from a plain hash.

        Nothing holds the code itself, so it lies under the one key that `rotate-key` leaves.
        """
        plain = code.upper().replace(" ", "").replace("-", "")
        return self.accounts.keyring.tag(plain.encode(), link.encode(), purpose=purpose).hex() if plain else ""


def _row(key: str, kind: str, *, role: str, team: str, by: str, link: str) -> dict[str, Any]:
    return {
        "id": key, "kind": kind, "state": "open", "account": "", "role": role, "team": team, "link": link, "code": "",
        "tries": 0, "asked_by": by, "asked": time.time(), "approved_by": "", "expires": time.time() + LINK,
        "done": None, "read": False,
    }  # fmt: skip


def _sees_more_than_admin(role: Role) -> bool:
    return any(scope_of(role, need) and not scope_of("admin", need) for need in PERMISSIONS)


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
