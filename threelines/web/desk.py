"""What every route shares, and the guards: who is asking, and may they do this."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast

import msgspec
from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import FormData, UploadFile

from threelines.ai_models.summary import Summary
from threelines.people.helplines import Confirmation
from threelines.people.interface import Interface
from threelines.people.register import Register
from threelines.platforms.review import Review
from threelines.records import ThreelinesError
from threelines.roles import Role, RoleError, User, scope_of
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.store.keyring import Keyring
from threelines.vocabulary.terms import Vocabulary
from threelines.web.accounts import Accounts, Person
from threelines.web.grants import Grants
from threelines.web.security import Limit, form_token, peer, same, same_site
from threelines.web.stream import HOURS, Stream
from threelines.web.turns import Turns


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the deploying organisation chose; defaults are safe."""

    public_address: str = ""
    """Where people reach the console, such as https://console.example.org: stands in links that leave it."""
    https: bool = False
    """Whether a proxy in front ends TLS: cookies are then sent over https only."""
    second_factor: bool = True
    """Whether every account must have one before it sees anything."""
    exit_address: str = "https://www.wikipedia.org/"
    """Where "leave this page" goes."""
    demo: bool = False
    """Whether every page says that its data is invented."""
    webhook: str = ""
    """Address that decisions are announced to; empty for none."""
    webhook_secret: str = ""
    """Key of the HMAC-SHA256 under which they are signed."""
    oidc: Any = None
    """An `Issuer` of threelines.web.oidc, or None."""
    oidc_only: bool = False
    """Whether passwords are turned off: only whom `oidc` vouches for comes in."""
    helplines: dict[str, Confirmation] = {}
    """Telephone numbers that the deploying organisation has dialled."""
    countries: tuple[str, ...] = ()
    """Whose organisations the check page shows (ISO 3166, two letters); empty shows those with a confirmed number."""
    organisation: str = "Organisation not named"
    """As recipients of a referral should see it."""
    evaluations: dict[str, Summary] = {}
    """Figures of evaluated models, by name."""
    stream_hours: float = HOURS
    """How long a message sent to /v1/records may wait for the rest of its conversation."""


class Desk(msgspec.Struct, kw_only=True):
    """Everything a route needs, made once."""

    store: Store
    keyring: Keyring
    audit: Audit
    accounts: Accounts
    grants: Grants
    review: Review
    register: Register
    """As nobody sees it: `register_for` returns it as one person does."""
    stream: Stream
    scans: Turns
    """Where uploads and records of programs are judged, one after the other."""
    vocabulary: Vocabulary
    interfaces: dict[str, Interface]
    options: Options
    sign_ins: Limit
    """Tries to sign in, by account name; a success clears them."""
    places: Limit
    """Tries to sign in or to use a link, by peer."""
    public: Limit
    """Check page, by peer."""
    programs: Limit
    """API, by peer: whoever makes tokens up has no more of it."""
    refusals: Limit
    """Refusals that the audit keeps, by person; strangers share one count, so that nobody can fill the disk."""
    left_out: Limit
    """Entries that say that refusals were left out, by person."""
    started: datetime


class NotSignedIn(ThreelinesError):
    """Nobody is signed in."""


class NotFromHere(ThreelinesError):
    """A changing request that did not come from one of our own forms."""


class Busy(ThreelinesError):
    """Too many requests."""


def desk(request: Request) -> Desk:
    """Return what the routes share."""
    return cast(Desk, request.app.state.desk)


def cookie_name(options: Options) -> str:
    """Return the session cookie's name; the `__Host-` prefix binds it to this host and to https."""
    return "__Host-threelines" if options.https else "threelines"


def find_person(request: Request, *, touch: bool = True) -> Person | None:
    """Return who is signed in, or None; without `touch` the request is no sign of life."""
    here = desk(request)
    secret = request.cookies.get(cookie_name(here.options), "")
    person = here.accounts.who(secret, touch=touch and "hx-request" not in request.headers) if secret else None
    # A session that a password began ends with the passwords.
    return None if person is None or (here.options.oidc_only and not person.vouched) else person


def signed_in(request: Request) -> Person:
    """Return who is signed in and has a second factor where one is asked for."""
    person = find_person(request)
    if person is None:
        raise NotSignedIn("sign in first")
    _refuse_one_factor(request, person)
    return person


class SecondFactorMissing(ThreelinesError):
    """The account must set up its second factor before anything else."""


def lacks_factor(options: Options, person: Person) -> bool:
    """Say whether this person must set up a second factor before anything else."""
    return options.second_factor and not person.has_second_factor and not person.vouched


def _refuse_one_factor(request: Request, person: Person) -> None:
    if lacks_factor(desk(request).options, person) and request.url.path not in ("/account", "/logout"):
        raise SecondFactorMissing("set up the second factor first")


async def sent_form(request: Request) -> FormData:
    """Return the form of a request (FastAPI gives the same one to whoever asks again).

    Raises RequestValidationError for a NUL character in it: PostgreSQL keeps no text with one.
    """
    form = await request.form()
    for name, value in form.multi_items():
        if "\0" in name or "\0" in (value.filename or "" if isinstance(value, UploadFile) else value):
            raise RequestValidationError([{"type": "value_error", "loc": ("body",), "msg": "a NUL character"}])
    return form


Sent = Annotated[FormData, Depends(sent_form)]
"""The form of this request."""


def signed_form(request: Request, form: Sent) -> Person:
    """Return who sent one of our own forms; refuse what another site's page sent."""
    person = find_person(request)
    if person is None:
        raise NotSignedIn("sign in first")
    if not same_site(request) or not same(text(form, "token"), form_token(person.session)):
        raise NotFromHere("this form is too old or came from another page; go back, reload and try again")
    _refuse_one_factor(request, person)
    return person


SignedIn = Annotated[Person, Depends(signed_in)]
"""Who is signed in."""
SignedForm = Annotated[Person, Depends(signed_form)]
"""Who sent this form of ours."""


def may(*permissions: str) -> Callable[..., Person]:
    """Guard a page: signed in, with at least one of the permissions in any scope."""

    def guard(request: Request) -> Person:
        return _with_permission(signed_in(request), permissions)

    guard.permissions = permissions  # type: ignore[attr-defined]
    return guard


def may_change(*permissions: str) -> Callable[..., Person]:
    """Guard a form: our own page, signed in, with at least one of the permissions in any scope."""

    def guard(request: Request, form: Sent) -> Person:
        return _with_permission(signed_form(request, form), permissions)

    guard.permissions = permissions  # type: ignore[attr-defined]
    return guard


def _with_permission(person: Person, permissions: tuple[str, ...]) -> Person:
    if not any(scope_of(person.role, permission) for permission in permissions):
        raise RoleError(f"the role {person.role.replace('_', ' ')} may not do this; ask a colleague whose role may")
    return person


def token_for(scope: Literal["ingest", "metrics"]) -> Callable[..., None]:
    """Guard a program's route: `Authorization: Bearer …` with a token made for this."""

    def guard(request: Request) -> None:
        here = desk(request)
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if not here.programs.allows(peer(request)):
            raise Busy("too many requests; wait a minute")
        if kind.lower() != "bearer" or not here.accounts.token_allows(secret, scope):
            raise NotSignedIn("send Authorization: Bearer with a token made for this")

    guard.token_scope = scope  # type: ignore[attr-defined]
    return guard


STRANGER = User(id="unknown", role=cast(Role, "none"))
"""Who is refused before we know who it is: stands in the audit, holds no role."""


def note_refused(request: Request, action: str, *, person: Person | None = None, record: str = "") -> None:
    """Write a refusal into the audit, within a bound; past it one entry an hour says that some were left out."""
    here, key = desk(request), person.id if person else ""
    user = person.user if person else STRANGER
    if here.refusals.allows(key):
        here.audit.add(user, action, record=record)
    elif here.left_out.allows(key):
        here.audit.add(user, "refusals.left_out")


def text(form: FormData, name: str) -> str:
    """Return a text field of a form, empty when it is missing or a file."""
    value = form.get(name, "")
    return "" if isinstance(value, UploadFile) else value


def now() -> datetime:
    """Return the time with its zone."""
    return datetime.now(UTC)
