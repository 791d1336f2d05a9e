"""The guard behind HTTP: LiteLLM's generic guardrail, OpenAI-style moderations, and its own decision.

    POST /beta/litellm_basic_guardrail_api   action NONE | BLOCKED | GUARDRAIL_INTERVENED
    POST /v1/moderations                     results[].flagged, categories, category_scores
    POST /v1/observe                         an Event in, a Decision out
    GET  /health

Request and response of one call are joined by its call id. Where the gateway gives no session of
its own, the account is the unit; where it gives neither, the history that comes with the call is.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threelines.ai_models.guard import Decision, Event, Guard
from threelines.ai_models.later import Later
from threelines.ai_models.sessions import Memory, State, StateError

MOST_BYTES = 2_000_000
"""Largest body that is read."""
MOST_HISTORY = 40
"""Earlier requests of a call's history that are read when its session is not known yet."""
CALL_LIFETIME = 900.0
"""Seconds between a request and its response."""

_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
CATEGORY = "human-trafficking/request"


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """What LiteLLM sends: the part that is read."""

    input_type: str = "request"
    texts: list[str] | None = None
    structured_messages: list[dict[str, Any]] | None = None
    litellm_call_id: str | None = None
    litellm_trace_id: str | None = None
    request_data: dict[str, Any] | None = None
    request_headers: dict[str, Any] | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What LiteLLM expects."""

    action: str
    blocked_reason: str | None = None
    texts: list[str] | None = None


class Moderation(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAI-style moderation request; `user` is the account."""

    input: str | list[str] | list[dict[str, Any]]
    user: str = ""
    session: str = ""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a response needs to know of its request."""

    session: str
    account: str
    message: str = ""
    """Help that belongs to the answer."""


class Endpoint:
    """The routes over one guard."""

    def __init__(
        self, guard: Guard, *, calls: State | None = None, token: str = "", later: Later | None = None
    ) -> None:
        """`later`: requests that a reply will follow are read while the model writes it."""
        self._guard, self._later = guard, later
        self._calls: State = calls if calls is not None else Memory(lifetime=CALL_LIFETIME, most=50_000)
        self._token = token

    def litellm(self, body: bytes) -> Verdict:
        """Judge a request before it is sent, or a response before it is shown."""
        call = msgspec.json.decode(body, type=Call)
        return self._response(call) if call.input_type == "response" else self._request(call)

    def _request(self, call: Call) -> Verdict:
        asked = _user_texts(call) or [""]
        session, account = _unit(call)
        session = session or ("" if account else f"call {call.litellm_call_id or secrets.token_hex(8)}")
        # A session met for the first time may have begun before the guard did: its history comes with the call.
        new = asked[-MOST_HISTORY - 1 :] if session and self._first(session) else asked[-1:]
        events = [Event(session=session, account=account, text=text) for text in new]
        self._guard.replay(events[:-1])
        judge = self._later.request if self._later and call.litellm_call_id else self._guard.observe
        decision = judge(events[-1])
        if call.litellm_call_id:
            message = decision.message if decision.action == "support" else ""
            self._keep(call.litellm_call_id, Known(session=session, account=account, message=message))
        blocked = decision.action == "block"
        return Verdict(action="BLOCKED", blocked_reason=_reason(decision)) if blocked else Verdict(action="NONE")

    def _first(self, session: str) -> bool:
        known: list[bool] = []

        def look(stored: bytes | None) -> bytes:
            known.append(stored is not None)
            return b"seen"

        self._calls.update(f"session {session}", look)
        return not known[-1]

    def _keep(self, call_id: str, known: Known) -> None:
        self._calls.update(f"call {call_id}", lambda _: msgspec.msgpack.encode(known))

    def _response(self, call: Call) -> Verdict:
        found: list[Known] = []

        def look(stored: bytes | None) -> bytes:
            if stored:
                found.append(msgspec.msgpack.decode(stored, type=Known))
            return stored or msgspec.msgpack.encode(Known(session="", account=""))

        if call.litellm_call_id:
            self._calls.update(f"call {call.litellm_call_id}", look)
        known = found[0] if found else Known(session="", account="")
        texts = call.texts or [""]
        if not (known.session or known.account):
            return Verdict(action="NONE")
        reply = Event(session=known.session, account=known.account, kind="reply", text=texts[-1])
        decision = self._later.reply(reply) if self._later else self._guard.observe(reply)
        if decision.action == "block":
            return Verdict(action="BLOCKED", blocked_reason=_reason(decision))
        if known.message and known.message not in texts[-1]:
            return Verdict(action="GUARDRAIL_INTERVENED", texts=[*texts[:-1], f"{texts[-1]}\n\n{known.message}"])
        return Verdict(action="NONE")

    def moderations(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Answer in the form of OpenAI's moderation endpoint."""
        asked = msgspec.json.decode(body, type=Moderation)
        session = asked.session or headers.get("x-session-id", "")
        name = f"single {secrets.token_hex(8)}"
        decisions = [
            self._guard.observe(
                Event(session=session or ("" if asked.user else f"{name} {number}"), account=asked.user, text=text)
            )
            for number, text in enumerate(_inputs(asked.input))
        ]
        return {
            "id": f"modr-{name[7:]}",
            "model": f"threelines-guard-{self._guard.version}",
            "results": [_result(decision) for decision in decisions],
        }

    def observe(self, body: bytes) -> Decision:
        """Judge one event."""
        return self._guard.observe(msgspec.json.decode(body, type=Event))

    def allows(self, headers: dict[str, str]) -> bool:
        """Whether the caller knows the token, where one was set; LiteLLM's `api_key` comes as `x-api-key`."""
        shown = headers.get("authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")
        return not self._token or hmac.compare_digest(shown.encode(), self._token.encode())


def _user_texts(call: Call) -> list[str]:
    """Return what the requester wrote, oldest first."""
    messages = call.structured_messages or []
    texts = [_content(message.get("content")) for message in messages if message.get("role") == "user"]
    return [text for text in texts if text] or [text for text in call.texts or [] if text]


def _content(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def _unit(call: Call) -> tuple[str, str]:
    """Return (session, account). The trace id is a session only where the client named one: else it is random."""
    data, headers = call.request_data or {}, call.request_headers or {}
    named = {str(name).lower() for name in headers}
    metadata = data.get("metadata") if isinstance(data.get("metadata"), dict) else {}
    stated = "x-litellm-session-id" in named or "x-litellm-trace-id" in named or "session_id" in (metadata or {})
    session = str((metadata or {}).get("session_id") or call.litellm_trace_id or "") if stated else ""
    account = data.get("user_api_key_end_user_id") or data.get("user_api_key_user_id") or data.get("user_api_key_hash")
    return session, str(account or "")


def _reason(decision: Decision) -> str:
    return decision.message if decision.status in ("ok", "truncated") else f"{decision.message} ({decision.status})"


def _inputs(given: str | list[str] | list[dict[str, Any]]) -> list[str]:
    if isinstance(given, str):
        return [given]
    return [one if isinstance(one, str) else _content([one]) for one in given]


def _result(decision: Decision) -> dict[str, Any]:
    raised = decision.action in ("block", "review")
    return {
        "flagged": raised,
        "categories": {**dict.fromkeys(_CATEGORIES, False), "illicit": raised, CATEGORY: raised},
        "category_scores": {**dict.fromkeys(_CATEGORIES, 0.0), "illicit": decision.concern, CATEGORY: decision.concern},
        "category_applied_input_types": {name: ["text"] for name in (*_CATEGORIES, CATEGORY)},
        "threelines": msgspec.to_builtins(decision),
    }


def create_app(guard: Guard, *, calls: State | None = None, token: str = "", later: Later | None = None) -> Starlette:
    """Put the routes over a guard; a token, where given, must come as `Authorization: Bearer …` or `x-api-key`."""
    endpoint = Endpoint(guard, calls=calls, token=token, later=later)

    def route(path: str, answer: Callable[[bytes, dict[str, str]], object]) -> Route:
        return Route(path, _answering(endpoint, answer), methods=["POST"])

    async def health(request: Request) -> Response:
        return _json({"status": "ok", "policy_version": guard.version})

    return Starlette(
        routes=[
            route("/beta/litellm_basic_guardrail_api", lambda body, headers: endpoint.litellm(body)),
            route("/v1/moderations", endpoint.moderations),
            route("/v1/observe", lambda body, headers: endpoint.observe(body)),
            Route("/health", health),
        ]
    )


def _answering(
    endpoint: Endpoint, answer: Callable[[bytes, dict[str, str]], object]
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        headers = dict(request.headers)
        if not endpoint.allows(headers):
            return _json({"error": "no or wrong token; send Authorization: Bearer …"}, status=401)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return _json({"error": f"more than {MOST_BYTES} bytes"}, status=413)
        try:
            return _json(await run_in_threadpool(answer, bytes(body), headers))
        except (msgspec.DecodeError, msgspec.ValidationError) as fault:
            return _json({"error": f"not the expected JSON: {fault}"}, status=422)
        except StateError as fault:
            return _json({"error": str(fault)}, status=503)

    return handle


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
