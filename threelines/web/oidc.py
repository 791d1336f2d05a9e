"""Sign in with the organisation's own accounts: OpenID Connect by address, code flow with PKCE.

An admin makes the account first, under the e-mail that the identity provider has verified. The first sign-in binds the
account to the provider's own id of the person; later ones go by that id alone. Whoever has no account is not let in.
"""

from __future__ import annotations

import secrets
import time
from typing import Any

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
from threelines.web.accounts import AccountError, Vouched
from threelines.web.desk import desk, note_refused, peer
from threelines.web.entrance import signed_in_answer
from threelines.web.pages import address_of, page

router = APIRouter(include_in_schema=False)
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_WAIT = 600.0
_COOKIE = "threelines_oidc"
_CONTEXT = b"threelines_oidc"


class OidcError(ThreelinesError):
    """The identity provider cannot be used, or vouched for nobody we know."""


@filled
class Waiting(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A sign-in that was begun; the browser keeps it, sealed, so that any process may finish it."""

    state: str
    nonce: str
    verifier: str
    begun: float
    """Unix time, seconds."""

    def seal(self, keyring: Keyring) -> str:
        """Return what the cookie holds."""
        return keyring.seal(msgspec.msgpack.encode(self), _CONTEXT).hex()

    @classmethod
    def open(cls, keyring: Keyring, cookie: str) -> Waiting | None:
        """Return what a cookie holds; nothing where we did not seal it, or too long ago."""
        try:
            found = msgspec.msgpack.decode(keyring.open_sealed(bytes.fromhex(cookie), _CONTEXT), type=cls)
        except (KeyringError, ValueError, msgspec.DecodeError):
            return None
        return found if 0 <= time.time() - found.begun <= _WAIT else None


class Issuer:
    """One identity provider, read from its own description on first use."""

    def __init__(self, address: str, *, client: str, secret: str, name_claim: str = "email") -> None:
        """`name_claim`: what finds an account the first time; another than `email` counts unverified."""
        self.address, self.client, self._secret = address.rstrip("/"), client, secret
        self._name_claim = name_claim
        self._described: dict[str, Any] = {}

    def begin(self, back: str) -> tuple[str, Waiting]:
        """Return the address to go to, and what the browser must bring back."""
        waiting = Waiting(
            state=secrets.token_urlsafe(24), nonce=secrets.token_urlsafe(24), verifier=generate_token(64),
            begun=time.time(),
        )  # fmt: skip
        with self._session(back) as session:
            address, _ = session.create_authorization_url(
                self._description()["authorization_endpoint"], state=waiting.state, nonce=waiting.nonce,
                code_verifier=waiting.verifier,
            )  # fmt: skip
        return str(address), waiting

    def finish(self, back: str, waiting: Waiting, *, address: str) -> Vouched:
        """Exchange the code and return whom the provider vouches for."""
        try:
            with self._session(back) as session:
                token = session.fetch_token(
                    self._description()["token_endpoint"],
                    authorization_response=address,
                    code_verifier=waiting.verifier,
                )
            return self._vouched(token["id_token"], waiting.nonce)
        except (httpx.HTTPError, JoseError, KeyError, ValueError, AuthlibBaseError) as fault:
            raise OidcError("the identity provider's answer cannot be used; start again") from fault

    def _vouched(self, id_token: str, nonce: str) -> Vouched:
        keys = KeySet.import_key_set(httpx.get(self._description()["jwks_uri"], timeout=10.0).raise_for_status().json())
        claims = jwt.decode(id_token, keys, algorithms=_ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=60, iss={"essential": True, "value": self._description()["issuer"]},
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
            timeout=10.0,
        )  # fmt: skip

    def _description(self) -> dict[str, Any]:
        if not self._described:
            try:
                found = httpx.get(f"{self.address}/.well-known/openid-configuration", timeout=10.0).raise_for_status()
            except httpx.HTTPError as fault:
                raise OidcError(f"{self.address}: the identity provider does not answer") from fault
            self._described = found.json()
        return self._described


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
    answer.set_cookie(
        _COOKIE,
        waiting.seal(desk(request).keyring),
        max_age=int(_WAIT),
        path="/oidc",
        httponly=True,
        samesite="lax",
        secure=desk(request).options.https,
    )
    return answer


@router.get("/oidc/back")
def back(request: Request, state: str = "", code: str = "") -> Response:
    """Take the answer of the identity provider and sign the account in that it names."""
    here, issuer = desk(request), desk(request).options.oidc
    waiting = Waiting.open(here.keyring, request.cookies.get(_COOKIE, ""))
    if issuer is None or not code or waiting is None or waiting.state != state or not here.places.allows(peer(request)):
        return _message(request, "Sign-in not finished", "Start again from the sign-in page.", 400)
    try:
        person = here.accounts.of_vouched(issuer.finish(_back(request), waiting, address=str(request.url)))
        secret = here.accounts.begin_session(person.id, vouched=True)
    except OidcError as fault:
        return _message(request, "Sign-in not finished", str(fault), 401)
    except AccountError as fault:
        note_refused(request, "session.refused", record=fault.account)
        return _message(request, "No account here", str(fault), 403)
    answer = signed_in_answer(here, secret)
    answer.delete_cookie(_COOKIE, path="/oidc")
    return answer


def _back(request: Request) -> str:
    return f"{address_of(request)}oidc/back"


def _message(request: Request, title: str, message: str, status: int) -> Response:
    return page(request, "message.html", status=status, title=title, message=message)
