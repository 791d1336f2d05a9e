"""What every answer carries and every changing request must show: headers, same-site proof, limits."""

from __future__ import annotations

import hmac
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


class Limit:
    """At most `many` in `seconds` for one key; keys are hashed under a key that dies with the process."""

    def __init__(self, many: int, seconds: float, keys: int = 20_000) -> None:
        self.many, self.seconds, self.keys = many, seconds, keys
        self._salt = secrets.token_bytes(16)
        self._seen: OrderedDict[bytes, list[float]] = OrderedDict()
        self._lock = Lock()

    def allows(self, key: str) -> bool:
        """Count one use of the key and say whether it is within the limit."""
        name = hmac.new(self._salt, key.encode(), sha256).digest()
        now = time.monotonic()
        with self._lock:
            recent = [at for at in self._seen.pop(name, []) if now - at < self.seconds]
            allowed = len(recent) < self.many
            if allowed:
                recent.append(now)
            self._seen[name] = recent
            while len(self._seen) > self.keys:
                self._seen.popitem(last=False)
        return allowed

    def forgive(self, key: str) -> None:
        """Take back the last use of a key: it was no guess."""
        name = hmac.new(self._salt, key.encode(), sha256).digest()
        with self._lock:
            if self._seen.get(name):
                self._seen[name].pop()

    def clear(self, key: str) -> None:
        """Forget a key: the person showed that they are who they say."""
        with self._lock:
            self._seen.pop(hmac.new(self._salt, key.encode(), sha256).digest(), None)
