"""Sign in with the organisation's own accounts: OpenID Connect by address, code flow with PKCE.

An admin makes the account first, under the e-mail that the identity provider has verified. The first sign-in binds the
account to the provider's own id of the person; later ones go by that id alone. An account that has a password is bound
to whoever shows that password once. Whoever has no account is not let in.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import APIRouter, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.responses import RedirectResponse, Response

from threelines.records import ThreelinesError, filled
from threelines.store.keyring import Keyring, KeyringError
from threelines.web.accounts import AccountError, Unproved, Vouched
from threelines.web.desk import Desk, Sent, desk, note_refused, text
from threelines.web.entrance import signed_in_answer
from threelines.web.pages import address_of, page
from threelines.web.security import peer, same_site

try:  # what Authlib sends with where it is installed, else httpx
    import httpx2
except ModuleNotFoundError:
    _NO_ANSWER: tuple[type[Exception], ...] = (httpx.HTTPError, httpx.InvalidURL)
else:
    _NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, httpx2.HTTPError, httpx2.InvalidURL)

router = APIRouter(include_in_schema=False)
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_WAIT = 600.0
_PATIENCE = 5.0
"""Seconds that the provider has to answer, for each of its answers."""
_AGAIN_AFTER = 10.0
"""Seconds after which a provider that failed is asked for its description again."""
_AT_ONCE = 8
"""Requests that wait for the provider at a time: of the forty or so that are answered at once."""
_COOKIE = "threelines_oidc"
_BINDING = "threelines_bind"


class OidcError(ThreelinesError):
    """The identity provider cannot be used, or vouched for nobody we know."""


class _Carried(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What the browser keeps, sealed, so that any process may go on with it."""

    begun: float
    """Unix time, seconds."""

    def seal(self, keyring: Keyring) -> str:
        """Return what the cookie holds."""
        return keyring.seal(msgspec.msgpack.encode(self), self._context()).hex()

    @classmethod
    def open(cls, keyring: Keyring, cookie: str) -> Self | None:
        """Return what a cookie holds; nothing where we did not seal it, or too long ago."""
        try:
            found = msgspec.msgpack.decode(keyring.open_sealed(bytes.fromhex(cookie), cls._context()), type=cls)
        except (KeyringError, ValueError, msgspec.DecodeError):
            return None
        return found if 0 <= time.time() - found.begun <= _WAIT else None

    @classmethod
    def _context(cls) -> bytes:
        return b"threelines_oidc:" + cls.__name__.encode()


@filled
class Waiting(_Carried, frozen=True, kw_only=True, array_like=True):
    """A sign-in that was begun."""

    state: str
    nonce: str
    verifier: str


@filled
class Unbound(_Carried, frozen=True, kw_only=True, array_like=True):
    """A person who was vouched for and has yet to show the password of the account of their name."""

    given: Vouched


@filled
class _Description(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider says of itself, as far as we go by it (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@filled
class _Keys(msgspec.Struct, frozen=True, kw_only=True):
    keys: list[dict[str, Any]]


class Issuer:
    """One identity provider, read from its own description on first use.

    At most `_AT_ONCE` requests wait for it, so that a provider that hangs holds up nobody else.
    """

    def __init__(self, address: str, *, client: str, secret: str, name_claim: str = "email") -> None:
        """`name_claim`: what finds an account the first time; another than `email` counts unverified.

        Raises OidcError for an address in clear beyond this machine: the client's secret would go there.
        """
        if not _is_safe(address):
            raise OidcError(f"{address}: an identity provider beyond this machine is asked by https:// only")
        self.address, self.client, self._secret = address.rstrip("/"), client, secret
        self._name_claim = name_claim
        self._described: _Description | None = None
        self._failed = float("-inf")
        self._places, self._turn = BoundedSemaphore(_AT_ONCE), Lock()

    def begin(self, back: str) -> tuple[str, Waiting]:
        """Return the address to go to, and what the browser must bring back; OidcError where the provider is not to be used."""
        waiting = Waiting(
            state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=generate_token(64),
            begun=time.time(),
        )  # fmt: skip
        with self._session(back) as session:
            address, _ = session.create_authorization_url(
                self._description().authorization_endpoint, state=waiting.state, nonce=waiting.nonce,
                code_verifier=waiting.verifier,
            )  # fmt: skip
        return str(address), waiting

    def finish(self, back: str, waiting: Waiting, *, address: str) -> Vouched:
        """Exchange the code and return whom the provider vouches for; OidcError where it vouches for nobody."""
        described = self._description()
        try:
            with self._waiting(), self._session(back) as session:
                token = session.fetch_token(
                    described.token_endpoint, authorization_response=address, code_verifier=waiting.verifier
                )
                return self._vouched(described, token["id_token"], waiting.nonce)
        except (*_NO_ANSWER, JoseError, KeyError, ValueError, AuthlibBaseError) as fault:
            raise OidcError("the identity provider's answer cannot be used; start again") from fault

    def _vouched(self, described: _Description, id_token: str, nonce: str) -> Vouched:
        found = httpx.get(described.jwks_uri, timeout=_PATIENCE).raise_for_status().content
        keys = KeySet.import_key_set({"keys": msgspec.json.decode(found, type=_Keys).keys})
        claims = jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=60, iss={"essential": True, "value": described.issuer},
            aud={"essential": True, "value": self.client}, exp={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(claims)  # fmt: skip
        name = claims.get(self._name_claim)
        if self._name_claim == "email" and claims.get("email_verified") is not True:
            name = None
        # Names here are ASCII; others could become one when they are written small.
        plain = name if isinstance(name, str) and name.isascii() else ""
        return Vouched(issuer=claims["iss"], subject=_subject(claims["sub"]), name=plain)

    def _session(self, back: str) -> OAuth2Client:
        return OAuth2Client(
            self.client, self._secret, scope="openid email profile", redirect_uri=back, code_challenge_method="S256",
            timeout=_PATIENCE,
        )  # fmt: skip

    def _description(self) -> _Description:
        """Return what the provider says of itself, asked for once; a failure is remembered for some seconds."""
        if self._described is None:
            with self._waiting(), self._turn:
                if time.monotonic() - self._failed < _AGAIN_AFTER:
                    raise OidcError(
                        f"{self.address}: the identity provider did not answer as it should; try again soon"
                    )
                if self._described is None:
                    self._described = self._asked()
        return self._described

    def _asked(self) -> _Description:
        try:
            return self._checked()
        except OidcError:
            self._failed = time.monotonic()
            raise

    def _checked(self) -> _Description:
        try:
            found = httpx.get(f"{self.address}/.well-known/openid-configuration", timeout=_PATIENCE).raise_for_status()
            described = msgspec.json.decode(found.content, type=_Description)
        except _NO_ANSWER as fault:
            raise OidcError(f"{self.address}: the identity provider does not answer") from fault
        except msgspec.DecodeError as fault:
            raise OidcError(f"{self.address}: the identity provider does not describe itself") from fault
        if described.issuer.rstrip("/") != self.address:
            raise OidcError(f"{self.address}: the identity provider describes itself as another")
        if not all(map(_is_safe, (described.authorization_endpoint, described.token_endpoint, described.jwks_uri))):
            raise OidcError(f"{self.address}: the identity provider names addresses that are not https")
        return described

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """Take one of the few places of those who wait for the provider, or raise OidcError."""
        if not self._places.acquire(blocking=False):
            raise OidcError("too many wait for the identity provider; start again in a few seconds")
        try:
            yield
        finally:
            self._places.release()


def _is_safe(address: str) -> bool:
    """Say whether what goes to an address can be read by nobody on the way: https, or this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))
    )


def _subject(claim: object) -> str:
    if not (isinstance(claim, str) and claim):
        raise ValueError("no subject")
    return claim


@router.get("/oidc")
def begin(request: Request) -> Response:
    """Send the browser to the identity provider."""
    issuer: Issuer | None = desk(request).options.oidc
    if issuer is None:
        return _message(request, "Not set up", "This console has no identity provider.", 404)
    try:
        address, waiting = issuer.begin(_back(request))
    except OidcError as fault:
        return _message(request, "Not now", str(fault), 503)
    answer = RedirectResponse(address, status_code=303)
    _give(request, answer, _COOKIE, waiting)
    return answer


def _give(request: Request, answer: Response, name: str, carried: _Carried) -> None:
    answer.set_cookie(
        name, carried.seal(desk(request).keyring), max_age=int(_WAIT), path="/oidc", httponly=True, samesite="lax",
        secure=desk(request).options.https,
    )  # fmt: skip


@router.get("/oidc/back")
def back(request: Request, state: str = "", code: str = "") -> Response:
    """Take the answer of the identity provider and sign the account in that it names."""
    here, issuer = desk(request), desk(request).options.oidc
    waiting = Waiting.open(here.keyring, request.cookies.get(_COOKIE, ""))
    if issuer is None or not code or waiting is None or waiting.state != state:
        return _message(request, "Sign-in not finished", "Start again from the sign-in page.", 400)
    if not here.places.allows(peer(request)):
        return _message(request, "Try again later", "Too many tries from here. Wait 15 minutes.", 429)
    try:
        given = issuer.finish(_back(request), waiting, address=str(request.url))
        answer = _come_in(here, given)
    except OidcError as fault:
        return _message(request, "Sign-in not finished", str(fault), 401)
    except Unproved:
        answer = page(request, "bind.html", vouched=given.name, fault="")
        _give(request, answer, _BINDING, Unbound(given=given, begun=time.time()))
    except AccountError as fault:
        note_refused(request, "session.refused", record=fault.account)
        return _message(request, "No account here", str(fault), 403)
    here.places.forgive(peer(request))
    answer.delete_cookie(_COOKIE, path="/oidc")
    return answer


@router.post("/oidc/bind")
def bind(request: Request, form: Sent) -> Response:
    """Take the password of an account once, from whom the provider vouched for under its name; within the limits of signing in."""
    here = desk(request)
    waiting = Unbound.open(here.keyring, request.cookies.get(_BINDING, ""))
    if here.options.oidc is None or waiting is None or not same_site(request):
        return _message(request, "Sign-in not finished", "Start again from the sign-in page.", 400)
    given = waiting.given
    name = given.name.strip().lower()
    if not (here.places.allows(peer(request)) and here.sign_ins.allows(name)):
        return page(request, "bind.html", status=429, vouched=given.name, fault="Too many tries. Wait 15 minutes.")
    try:
        answer = _come_in(here, given, password=text(form, "password"), code=text(form, "code"))
    except AccountError as fault:
        note_refused(request, "session.refused", record=fault.account)
        return page(request, "bind.html", status=401, vouched=given.name, fault=str(fault))
    here.sign_ins.clear(name)
    here.places.forgive(peer(request))
    answer.delete_cookie(_BINDING, path="/oidc")
    return answer


def _come_in(here: Desk, given: Vouched, *, password: str = "", code: str = "") -> Response:
    person = here.accounts.of_vouched(given, password=password, code=code)
    return signed_in_answer(here, here.accounts.begin_session(person.id, vouched=True))


def _back(request: Request) -> str:
    return f"{address_of(request)}oidc/back"


def _message(request: Request, title: str, message: str, status: int) -> Response:
    return page(request, "message.html", status=status, title=title, message=message)
