"""Who may come in: accounts, passwords (Argon2id), second factor (TOTP), sessions, tokens.

Nobody is ever given a password: an account starts with a one-time link (`grants.py`), and its owner chooses.
What is stored opens nothing: names are sealed, secrets are kept as hashes.
"""

from __future__ import annotations

import re
import secrets
import time
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Any, Literal

import msgspec
import pyotp
import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from threelines.records import ThreelinesError, filled
from threelines.roles import ROLES, Role, User
from threelines.store.audit import Audit
from threelines.store.database import Migration, Store, is_busy
from threelines.store.keyring import Keyring
from threelines.store.sealed import SealedColumn, declare

IDLE = 30 * 60.0
"""Seconds without a request after which a session ends (OWASP ASVS 4.0.3, V3.3: 30 minutes)."""
SESSION = 12 * 3600.0
"""Seconds after which a session ends in any case."""
SHORTEST = 12
"""Characters of a password (NIST SP 800-63B: length, not composition)."""
_TOUCH = 60.0

Scope = Literal["ingest", "metrics"]
"""What an API token may do; it is no person and opens no page."""

_metadata = sa.MetaData()
_accounts = sa.Table(
    "web_accounts",
    _metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("login", sa.String(64), nullable=False, unique=True),
    sa.Column("name", sa.LargeBinary, nullable=False),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("team", sa.String(40), nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("totp", sa.LargeBinary),
    sa.Column("totp_step", sa.Integer, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
)
_sessions = sa.Table(
    "web_sessions",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("account", sa.String(16), nullable=False, index=True),
    sa.Column("made", sa.Float, nullable=False),
    sa.Column("seen", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
    sa.Column("vouched", sa.Boolean, nullable=False),
)
# Links lie in web_grants since; a version before looks here.
sa.Table(
    "web_once",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("purpose", sa.String(16), nullable=False),
    sa.Column("account", sa.String(16), nullable=False),
    sa.Column("role", sa.String(40), nullable=False),
    sa.Column("team", sa.String(40), nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)
_tokens = sa.Table(
    "web_tokens",
    _metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("scope", sa.String(16), nullable=False),
    sa.Column("label", sa.LargeBinary, nullable=False),
    sa.Column("made", sa.Float, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)
_bindings = sa.Table(
    "web_bindings",
    _metadata,
    sa.Column("account", sa.String(16), primary_key=True),
    sa.Column("subject", sa.LargeBinary, nullable=False),
    sa.Column("made", sa.Float, nullable=False),
    sa.Column("read", sa.Boolean, nullable=True),  # whether the owner said so; none for bindings of a version before
)
_NAME = SealedColumn(table="web_accounts", column="name", key=("id",))
_TOTP = SealedColumn(table="web_accounts", column="totp", key=("id",))
_LABEL = SealedColumn(table="web_tokens", column="label", key=("id",))
_SUBJECT = SealedColumn(table="web_bindings", column="subject", key=("account",))
_LIVE = (
    sa.select(_accounts, _sessions.c.made, _sessions.c.seen, _sessions.c.vouched)
    .join(_sessions, _sessions.c.account == _accounts.c.id)
    .where(
        _sessions.c.id == sa.bindparam("session"), _sessions.c.expires > sa.bindparam("now"),
        _sessions.c.seen > sa.bindparam("idle"), sa.not_(_accounts.c.disabled),
    )
)  # fmt: skip
"""A session that stands, with its account: asked for by every request, so built once."""


def add_column(connection: sa.Connection, column: sa.Column[Any]) -> None:
    """Add a column that may be empty to its table, where the table was made without it."""
    table = column.table.name
    if column.name not in {known["name"] for known in sa.inspect(connection).get_columns(table)}:
        kind = column.type.compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}")


MIGRATIONS: tuple[Migration, ...] = (
    ("0001_accounts", _metadata.create_all),
    ("0002_bindings", lambda connection: _bindings.create(connection, checkfirst=True)),
    ("0003_bindings_read", lambda connection: add_column(connection, _bindings.c.read)),
)
_SECRET = re.compile("[A-Z2-7]{32}")
_NO_MATCH = "That did not match. Check the name, the password and the code."


class AccountError(ThreelinesError):
    """Somebody cannot come in or change an account; the text never says which part was wrong."""

    def __init__(self, message: str, *, account: str = "") -> None:
        super().__init__(message)
        self.account = account
        """Id of the account that was asked for, where there is one: for the audit, never shown."""


class Unproved(AccountError):
    """A provider vouches for the name of an account that has a password, and nobody has shown that password yet."""


@filled
class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a person set for themselves."""

    languages: tuple[str, ...] = ()
    """BCP 47 codes that this person reads; empty takes findings in all."""
    grey_text: bool = True
    blur_media: bool = True
    break_after: int = 50
    """Minutes of work after which a break is offered; 0 never."""


class Vouched(msgspec.Struct, frozen=True, kw_only=True):
    """Whom an identity provider vouches for."""

    issuer: str
    subject: str
    """The provider's own id of the person, which nobody changes and no other is given."""
    name: str
    """By which their account is found the first time; empty where it vouches for none."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is signed in, or is being managed."""

    id: str
    name: str
    role: Role
    team: str = ""
    settings: Settings = Settings()
    has_password: bool = True
    """Whether a password opens it; without one only the organisation's identity provider does."""
    has_second_factor: bool = False
    vouched: bool = False
    """Signed in by the organisation's identity provider, which asks for its own second factor."""
    disabled: bool = False
    session: str = ""
    since: float = 0.0
    """When the session began, seconds since 1970."""

    @property
    def user(self) -> User:
        """The pseudonymous worker that the register and the audit know."""
        return User(id=self.id, role=self.role, team=self.team)


class Accounts:
    """Accounts in one database."""

    def __init__(self, store: Store, keyring: Keyring, audit: Audit) -> None:
        self.store, self.keyring, self.audit = store, keyring, audit
        # 19 MiB, 2 passes, 1 lane: the first of OWASP's Argon2id settings, kind to a small machine.
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._hashing = BoundedSemaphore(4)
        self._nobody = self._hasher.hash(secrets.token_hex(16))
        store.migrate("accounts", MIGRATIONS)
        declare(store, (_NAME, _TOTP, _LABEL, _SUBJECT))

    # -- accounts ---------------------------------------------------------------------------

    def is_empty(self) -> bool:
        """Say whether there is no account yet: the first run."""
        with self.store.read() as connection:
            return connection.execute(sa.select(_accounts.c.id).limit(1)).first() is None

    def add(
        self, name: str, password: str | None, *, role: Role, team: str = "", settings: Settings | None = None
    ) -> Person:
        """Make an account with a password that its owner chose; with None only the identity provider opens it."""
        login = _clean_name(name)
        if password is not None:
            refuse_weak(password, login)
        if role not in ROLES:
            raise AccountError(f"no such role; choose one of {', '.join(ROLES)}")
        key = "w" + secrets.token_hex(5)
        hashed = "" if password is None else self._hash(password)
        values: dict[str, Any] = {
            "id": key, "password": hashed, "role": role, "team": team, "totp": None, "totp_step": 0, "disabled": False,
            "settings": msgspec.json.encode(settings or Settings()).decode(),
        }  # fmt: skip
        try:
            with self.store.write() as connection:
                values |= {"login": self._login(login), "name": _NAME.seal(self.keyring, login.encode(), key)}
                connection.execute(_accounts.insert().values(**values))
                self.audit.note(connection, User(id=key, role=role), "account.add", record=key, reason="administration")
        except sa.exc.IntegrityError:
            raise AccountError("this name is taken; choose another") from None
        return self.get(key)

    def get(self, key: str) -> Person:
        """Return one account."""
        with self.store.read() as connection:
            row = connection.execute(sa.select(_accounts).where(_accounts.c.id == key)).first()
        if row is None:
            raise AccountError("no such account")
        return self._person(row)

    def all(self) -> tuple[Person, ...]:
        """Return every account, by name."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(_accounts)).all()
        return tuple(sorted((self._person(row) for row in rows), key=lambda person: person.name))

    def free_name(self, name: str) -> str:
        """Return a name as it is kept, or raise when it cannot be one or belongs to somebody, closed or not."""
        cleaned = _clean_name(name)
        if self._row_by_name(cleaned) is not None:
            raise AccountError("this name is taken; choose another")
        return cleaned

    def set_settings(self, key: str, settings: Settings) -> None:
        """Keep what a person set for themselves."""
        kept = msgspec.json.encode(settings).decode()
        with self.store.write() as connection:
            connection.execute(_accounts.update().where(_accounts.c.id == key).values(settings=kept))

    def set_password(self, key: str, password: str) -> None:
        """Set a new password and end every session of the account."""
        owner = self.get(key)
        refuse_weak(password, owner.name)
        self._change(key, owner.user, "password.set", password=self._hash(password))

    def set_disabled(self, key: str, disabled: bool, by: User) -> None:
        """Close or reopen an account; closing ends its sessions. The last open admin stays."""
        action = "account.disable" if disabled else "account.enable"
        with self.store.write() as connection:
            self.store.lock(connection)  # of two admins who close each other the second one sees what the first did
            if disabled:
                self._refuse_last_admin(connection, key)
            self._change_in(connection, key, by, action, disabled=disabled)

    def _refuse_last_admin(self, connection: sa.Connection, key: str) -> None:
        is_open = sa.and_(_accounts.c.role == "admin", sa.not_(_accounts.c.disabled))
        admins = connection.execute(sa.select(_accounts.c.id).where(is_open)).scalars().all()
        if list(admins) == [key]:
            raise AccountError("this is the last admin; make another one first")

    def _change(self, key: str, by: User, action: str, *, but: str = "", **values: Any) -> None:
        with self.store.write() as connection:
            self._change_in(connection, key, by, action, but=but, **values)

    def _change_in(
        self, connection: sa.Connection, key: str, by: User, action: str, *, but: str = "", **values: Any
    ) -> None:
        """Change an account, say in the audit who did, and end its sessions, all but the one of this secret."""
        connection.execute(_accounts.update().where(_accounts.c.id == key).values(**values))
        self.audit.note(connection, by, action, record=key, reason="administration")
        _end_sessions(connection, key, but=but)

    def _person(self, row: Any, session: str = "", since: float = 0.0) -> Person:
        return Person(
            id=row.id, name=_NAME.open(self.keyring, row.name, row.id).decode(), role=row.role,
            team=row.team, settings=msgspec.json.decode(row.settings, type=Settings), has_password=bool(row.password),
            has_second_factor=row.totp is not None, disabled=bool(row.disabled), session=session, since=since,
        )  # fmt: skip

    # -- signing in -------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, code: str = "") -> str:
        """Check everything that was given and return a new session's secret, or raise one same error."""
        row = self._row_by_name(name)
        if not self._proves(row, password, code) or row.disabled:
            asked = "" if row is None else str(row.id)
            raise AccountError(_NO_MATCH, account=asked)
        return self.begin_session(row.id, code=row.totp is not None)

    def _proves(self, row: Any, password: str, code: str) -> bool:
        """Say whether password and code are those of an account; it takes as long where there is no account or password."""
        right = self._matches(row.password if row is not None and row.password else self._nobody, password)
        return right and bool(row.password) and (row.totp is None or self._code_fits(row, code))

    def check_password(self, key: str, password: str) -> None:
        """Raise unless this is the password of the account: asked again before it is changed."""
        with self.store.read() as connection:
            wanted = sa.select(_accounts.c.password).where(_accounts.c.id == key)
            hashed = connection.execute(wanted).scalar_one()
        if not self._matches(hashed, password):
            raise AccountError("The password until now did not match.")

    def begin_session(self, key: str, *, vouched: bool = False, code: bool = False) -> str:
        """Start a session for an account that has proved itself; return the secret for its cookie.

        Raises AccountError for a closed account, and for one with a second factor where no `code` was shown.
        """
        secret, now = secrets.token_urlsafe(32), time.time()
        with self.store.write() as connection:
            # Whoever turns the second factor on in this moment waits for the lock, and then ends this session.
            self.store.lock(connection)
            person = self._person(connection.execute(sa.select(_accounts).where(_accounts.c.id == key)).one())
            if person.disabled:
                raise AccountError("this account is closed", account=key)
            if person.has_second_factor and not (vouched or code):
                raise AccountError(_NO_MATCH, account=key)
            connection.execute(_sessions.delete().where(_sessions.c.expires < now))
            connection.execute(
                _sessions.insert().values(
                    id=_hashed(secret), account=key, made=now, seen=now, expires=now + SESSION, vouched=vouched
                )
            )
            self.audit.note(connection, person.user, "session.begin", reason="sign in")
        return secret

    def who(self, secret: str, *, touch: bool = True) -> Person | None:
        """Return who holds this session; None when it is unknown, idle too long or over.

        Without `touch` the request is no sign of life: a page that refreshes itself ends like any other.
        """
        now = time.time()
        with self.store.read() as connection:
            row = connection.execute(_LIVE, {"session": _hashed(secret), "now": now, "idle": now - IDLE}).first()
        if row is None:
            return None
        if touch and now - row.seen > _TOUCH:
            self._touch(secret, now)
        return msgspec.structs.replace(self._person(row, session=secret, since=row.made), vouched=bool(row.vouched))

    def _touch(self, secret: str, now: float) -> None:
        """Write a sign of life down; where the database has no turn for it, the next request is one, too."""
        try:
            with self.store.write() as connection:
                connection.execute(_sessions.update().where(_sessions.c.id == _hashed(secret)).values(seen=now))
        except sa.exc.OperationalError as fault:
            if not is_busy(fault):
                raise

    def end_session(self, person: Person) -> None:
        """Sign out."""
        with self.store.write() as connection:
            connection.execute(_sessions.delete().where(_sessions.c.id == _hashed(person.session)))
            self.audit.note(connection, person.user, "session.end", reason="sign in")

    def end_sessions(self, key: str) -> None:
        """Sign an account out everywhere."""
        with self.store.write() as connection:
            _end_sessions(connection, key)

    def by_name(self, name: str) -> Person | None:
        """Return the open account of a name."""
        row = self._row_by_name(name)
        return None if row is None or row.disabled else self._person(row)

    def _row_by_name(self, name: str) -> Any:
        login = name.strip().lower()
        with self.store.read() as connection:
            row = connection.execute(sa.select(_accounts).where(_accounts.c.login == self._login(login))).first()
            if row is not None:
                return row
            # After a rotation of the match key the stored tags are old; the sealed names still tell.
            rows = connection.execute(sa.select(_accounts)).all()
        return next((row for row in rows if _NAME.open(self.keyring, row.name, row.id).decode() == login), None)

    def _matches(self, hashed: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(hashed, password)
            except (VerificationError, InvalidHashError):
                return False

    def _hash(self, password: str) -> str:
        with self._hashing:
            return self._hasher.hash(password)

    def _login(self, name: str) -> str:
        return self.keyring.tag(name.encode(), b"web:login").hex()

    # -- the organisation's own accounts ----------------------------------------------------

    def of_vouched(self, given: Vouched, *, password: str = "", code: str = "") -> Person:
        """Return the account that is bound to whom a provider vouches for; the first time, bind that of the name.

        An account with a password is bound to whoever shows the password too (and the code, where it has a second
        factor): else somebody who made it under another's name would share it with that person from then on. Raises
        Unproved where none was given, AccountError where it is wrong, where there is no account, or where it is bound
        to somebody else.
        """
        subject = msgspec.json.encode((given.issuer, given.subject))
        row = self._row_by_name(given.name) if given.name else None
        shown = row.password if row is not None and password and self._proves(row, password, code) else ""
        with self.store.write() as connection:
            self.store.lock(connection)
            stored = connection.execute(sa.select(_bindings)).all()
            bound = {one.account: _SUBJECT.open(self.keyring, one.subject, one.account) for one in stored}
            key = next((account for account, whose in bound.items() if whose == subject), None)
            if key is None:
                if row is None or row.disabled:
                    raise AccountError("Ask an admin to make an account under your name first.")
                if row.id in bound:
                    raise AccountError(
                        "The account of your name is bound to another person; ask an admin.", account=row.id
                    )
                key = str(row.id)
                self._refuse_unproved(connection, key, shown, tried=bool(password))
                sealed = _SUBJECT.seal(self.keyring, subject, key)
                connection.execute(_bindings.insert().values(account=key, subject=sealed, made=time.time(), read=False))
                self.audit.note(connection, self._person(row).user, "binding.on", record=key, reason="sign in")
        return self.get(key)

    def _refuse_unproved(self, connection: sa.Connection, key: str, shown: str, *, tried: bool) -> None:
        kept = connection.execute(sa.select(_accounts.c.password).where(_accounts.c.id == key)).scalar_one()
        if kept and not tried:
            raise Unproved("Show the password of this account once.", account=key)
        if kept != shown:
            raise AccountError(_NO_MATCH, account=key)

    def bound(self) -> dict[str, float]:
        """Return when each account was bound to somebody of the organisation's provider, seconds since 1970, by id."""
        with self.store.read() as connection:
            return {row.account: row.made for row in connection.execute(sa.select(_bindings))}

    def bound_unread(self, key: str) -> bool:
        """Say whether an account was bound and its owner has not confirmed seeing that."""
        wanted = sa.select(_bindings.c.account).where(_bindings.c.account == key, sa.not_(_bindings.c.read))
        with self.store.read() as connection:
            return connection.execute(wanted).first() is not None

    def mark_bound_read(self, connection: sa.Connection, key: str) -> None:
        """Keep in the caller's transaction that the owner saw that the account was bound."""
        connection.execute(_bindings.update().where(_bindings.c.account == key).values(read=True))

    def drop_binding(self, key: str, by: User) -> None:
        """Let the next first sign-in bind the account, and no password open it (`Grants.help` asks whom it must).

        Ends every session.
        """
        with self.store.write() as connection:
            connection.execute(_bindings.delete().where(_bindings.c.account == key))
            connection.execute(_accounts.update().where(_accounts.c.id == key).values(password=""))
            self.audit.note(connection, by, "binding.off", record=key, reason="administration")
            _end_sessions(connection, key)

    # -- second factor ----------------------------------------------------------------------

    def confirm_second_factor(self, key: str, secret: str, code: str, *, session: str = "") -> None:
        """Turn the second factor on once its owner has shown a code from it; every other session ends: it showed none.

        That code is used up. Raises AccountError for one that does not fit, and for a secret that is none of ours.
        """
        step = _step_of(secret, code) if _SECRET.fullmatch(secret) else 0
        if not step:
            raise AccountError("That code does not fit. Is the clock of your phone right?")
        owner = self.get(key).user
        with self.store.write() as connection:
            sealed = _TOTP.seal(self.keyring, secret.encode(), key)
            self._change_in(connection, key, owner, "factor.on", but=session, totp=sealed, totp_step=step)

    def drop_second_factor(self, key: str, by: User) -> None:
        """Turn the second factor off, for a lost phone (`Grants.help` asks whom it must). Ends every session."""
        self._change(key, by, "factor.off", totp=None, totp_step=0)

    def _code_fits(self, row: Any, code: str) -> bool:
        """Check a code of this, the last or the next 30 seconds; each works once (RFC 6238, 5.2)."""
        step = _step_of(_TOTP.open(self.keyring, row.totp, row.id).decode(), code, after=row.totp_step)
        if not step:
            return False
        with self.store.write() as connection:
            fresh = sa.and_(_accounts.c.id == row.id, _accounts.c.totp_step < step)
            return connection.execute(_accounts.update().where(fresh).values(totp_step=step)).rowcount == 1

    # -- tokens of programs -----------------------------------------------------------------

    def make_token(self, scope: Scope, *, label: str, days: int = 365) -> str:
        """Return a new API token; only its hash is kept."""
        secret = "tl_" + secrets.token_urlsafe(32)
        key = _hashed(secret)
        values = {"id": key, "scope": scope, "made": time.time(), "expires": time.time() + days * 86400.0}
        with self.store.write() as connection:
            label_sealed = _LABEL.seal(self.keyring, label.encode(), key)
            connection.execute(_tokens.insert().values(**values, label=label_sealed))
        return secret

    def token_allows(self, secret: str, scope: Scope) -> bool:
        """Say whether a token is known, not too old, and made for this."""
        with self.store.read() as connection:
            wanted = sa.select(_tokens.c.scope).where(_tokens.c.id == _hashed(secret), _tokens.c.expires > time.time())
            return connection.execute(wanted).scalar() == scope

    def tokens(self) -> tuple[dict[str, Any], ...]:
        """Return the tokens that exist: key, scope, label, expiry; never the secret."""
        with self.store.read() as connection:
            rows = connection.execute(sa.select(_tokens).order_by(_tokens.c.made)).all()
        return tuple(
            {
                "id": row.id, "scope": row.scope, "expires": row.expires,
                "label": _LABEL.open(self.keyring, row.label, row.id).decode(),
            }
            for row in rows
        )  # fmt: skip

    def drop_token(self, key: str) -> None:
        """Make a token useless at once."""
        with self.store.write() as connection:
            connection.execute(_tokens.delete().where(_tokens.c.id == key))


def _end_sessions(connection: sa.Connection, key: str, *, but: str = "") -> None:
    connection.execute(_sessions.delete().where(_sessions.c.account == key, _sessions.c.id != _hashed(but)))


def _step_of(secret: str, code: str, *, after: int = 0) -> int:
    """Return the step of 30 seconds that a code is of: this, the last or the next, later than `after`; 0 for none."""
    totp, given, now = pyotp.TOTP(secret), code.replace(" ", ""), int(time.time()) // 30
    steps = (step for step in (now - 1, now, now + 1) if step > after)
    return next((step for step in steps if pyotp.utils.strings_equal(totp.at(step * 30), given)), 0)


def _hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _clean_name(name: str) -> str:
    cleaned = name.strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9._@+-]{1,79}", cleaned):
        raise AccountError("a name has 2 to 80 letters, digits or . _ @ + -")
    return cleaned


def refuse_weak(password: str, name: str) -> None:
    """Raise AccountError for a password that is short or easy to guess for the account of this name."""
    if not SHORTEST <= len(password) <= 1000:
        raise AccountError(f"a password has at least {SHORTEST} characters; a few words in a row are good")
    if len(set(password)) < 5 or (name and name in password.lower()) or "password" in password.lower():
        raise AccountError("this password is easy to guess; a few words that do not belong together are good")
