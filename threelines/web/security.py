"""What every answer carries and every changing request must show: headers, same-site proof, limits."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from collections import OrderedDict
from hashlib import sha256
from threading import Lock

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No inline script or style anywhere: hostile text that slips through escaping has nothing to run.
# (OWASP Cheat Sheet Series, "Content Security Policy", strict policy for server-rendered pages.)
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), interest-cohort=()",
    "x-robots-tag": "noindex, nofollow",
}
NO_STORE = "no-store"
STATIC_AGE = "public, max-age=86400"
LARGEST_BODY = 32 * 1024 * 1024
"""Bytes of one request; an export larger than this is scanned with `threelines scan`."""


class SafeHeaders:
    """Add the headers to every answer, refuse bodies that are too large, before any route runs."""

    def __init__(self, app: ASGIApp, *, https: bool = False) -> None:
        self.app = app
        self.https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers["cache-control"] = STATIC_AGE if static else NO_STORE
                if self.https:
                    headers["strict-transport-security"] = "max-age=31536000; includeSubDomains"
            await send(message)

        if "\0" in scope["path"] or b"%00" in scope["query_string"]:  # PostgreSQL keeps no text with it
            answer = PlainTextResponse("This address cannot be read.", status_code=404)
            await answer(scope, receive, with_headers)
            return
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            answer = PlainTextResponse("This is larger than 32 MB; use `threelines scan` for it.", status_code=413)
            await answer(scope, receive, with_headers)
            return
        await self.app(scope, _bounded(receive), with_headers)


def _bounded(receive: Receive) -> Receive:
    """Cut off a body that declared no length (or lied) once it passes the bound."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > LARGEST_BODY else message

    return counted


def same_site(request: Request) -> bool:
    """Say whether a browser sent this from our own pages (Fetch Metadata, else Origin).

    Every current browser sends one of the two with a POST; a client that sends neither is no
    browser and holds no cookie that a stranger's page could ride on.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or origin.split("://", 1)[-1] == request.headers.get("host", "")


def form_token(session: str) -> str:
    """Return the token that every form of this session carries; made from it, so nothing is stored."""
    return hmac.new(session.encode(), b"threelines form", sha256).hexdigest()


def same(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def peer(request: Request) -> str:
    """Return where a request comes from, for limits in memory only: an IPv4 address, or the /64 that one caller has of IPv6."""
    given = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return given
    if isinstance(address, ipaddress.IPv4Address):
        return given
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(address) >> 64 << 64)}/64"


class Limit:
    """At most `many` in `seconds` for one key; keys are hashed under a key that dies with the process.

    Of keys below their limit the latest `keys` are known. One that reached it stays until its time is over, however many
    others come; each of them cost somebody `many` requests within that time, which bounds how many there are.
    """

    def __init__(self, many: int, seconds: float, keys: int = 20_000) -> None:
        self.many, self.seconds, self.keys = many, seconds, keys
        self._salt = secrets.token_bytes(16)
        self._below: OrderedDict[bytes, list[float]] = OrderedDict()
        self._reached: OrderedDict[bytes, list[float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, key: str) -> bool:
        """Count one use of the key and say whether it is within the limit."""
        name, now = self._hashed(key), time.monotonic()
        with self._lock:
            recent = [at for at in self._taken(name) if now - at < self.seconds]
            allowed = len(recent) < self.many
            if allowed:
                recent.append(now)
            self._keep(name, recent)
            self._forget(now)
        return allowed

    def forgive(self, key: str) -> None:
        """Take back the last use of a key: it was no guess."""
        name = self._hashed(key)
        with self._lock:
            self._keep(name, self._taken(name)[:-1])

    def clear(self, key: str) -> None:
        """Forget a key: the person showed that they are who they say."""
        with self._lock:
            self._taken(self._hashed(key))

    def _hashed(self, key: str) -> bytes:
        return hmac.new(self._salt, key.encode(), sha256).digest()

    def _taken(self, name: bytes) -> list[float]:
        return self._reached.pop(name, None) or self._below.pop(name, [])

    def _keep(self, name: bytes, recent: list[float]) -> None:
        (self._reached if len(recent) >= self.many else self._below)[name] = recent

    def _forget(self, now: float) -> None:
        while len(self._below) > self.keys:
            self._below.popitem(last=False)
        while self._reached and now - next(iter(self._reached.values()))[-1] >= self.seconds:
            self._reached.popitem(last=False)
