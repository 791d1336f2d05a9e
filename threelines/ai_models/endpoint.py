"""The guard behind HTTP: LiteLLM's generic guardrail, OpenAI-style moderations, and its own decision.

    POST /beta/litellm_basic_guardrail_api   action NONE | BLOCKED | GUARDRAIL_INTERVENED
    POST /v1/moderations                     results[].flagged, categories, category_scores
    POST /v1/observe                         an Event in (`opens`: a reply before any request, a greeting), a Decision out
    GET  /health, /metrics

Request and response of one call are joined by its call id; what a response needs to know of its request is remembered
where sessions are, so that any process may answer. Where the gateway gives no session of its own, the account is the unit;
where it gives neither, the history that comes with the call is.

All that a call puts before the model is judged, not its last message alone: whatever the session has not read yet, and what
was refused and stands there still.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from functools import partial, reduce
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from threelines.ai_models.guard import Decision, Event, Guard
from threelines.ai_models.later import LONGEST_WAIT, Later
from threelines.ai_models.memory import ORDER_OF_ACTIONS, Action
from threelines.ai_models.noted import Noted
from threelines.ai_models.said import ANSWERS, LONGEST, REFUSAL, REMOVED, SYSTEM, Standing, contents, standing
from threelines.ai_models.sessions import Memory, State, StateError
from threelines.records import ThreelinesError, filled

MOST_BYTES = 20_000_000
"""Largest body that is read: gateways send pictures along, which are not looked at."""
MOST_HISTORY = 100
"""Earlier requests of a call that are read one by one."""
MOST_JOINED = 400
"""Requests before these that are read as one; together fewer than a session remembers (`READ_KEPT`), so that none counts
twice. What stands before them is not read, and a person is asked to look."""
MOST_READ = 600_000
"""Characters of a call that are read, its newest request among them; the shorter requests first. Of one that holds more a person
is asked to look, and the next call reads what this one left."""
MOST_INPUTS = 500
"""Inputs of one moderation request."""
CALL_LIFETIME = 3_600.0
"""Seconds between a request and its response."""
MOST_CALLERS = 16
"""Accounts that are kept apart under one call id: clients choose ids, and may choose that of another."""

_LOG = logging.getLogger(__name__)
_CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
CATEGORY = "human-trafficking/request"
_UNKNOWN = "the request of this reply is not known"
_OPENED = "opened: no request came before this reply"
_HOLDS = ("text", "title", "context", "content")
"""Where a part or a message holds its words."""


class TooMuch(ThreelinesError):
    """A request holds more than is read at once, and asks for an answer on each part of it."""


@filled
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


@filled
class Moderation(msgspec.Struct, frozen=True, kw_only=True):
    """An OpenAI-style moderation request: a text, some texts, or one input of several parts; `user` is the account."""

    input: str | list[str | dict[str, Any]]
    user: str | int | None = None
    session: str | int | None = None


@filled
class Told(Event, frozen=True, kw_only=True):
    """An event as its caller tells of it."""

    opens: bool = False
    """Of a reply: nothing was asked before it in this session, as where an assistant greets first."""


@filled
class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a response needs to know of its request; nothing in it names anybody."""

    unit: str
    """Hash of its session or account."""
    action: Action
    message: str = ""
    """Help that belongs to the answer."""
    fault: str = ""
    """Why the request could not be judged."""
    readings: int = 0
    """How many of its readings are not done (`Later`)."""

    @property
    def pending(self) -> bool:
        """Whether it is still being read."""
        return self.readings > 0

    def stricter(self, other: Known) -> Known:
        """Return what is known of a call of which this and `other` are: never less strict than either."""
        firm = max((other, self), key=lambda one: ORDER_OF_ACTIONS.index(one.action))
        return msgspec.structs.replace(
            firm, fault=self.fault or other.fault, readings=max(0, self.readings + other.readings)
        )


class Endpoint:
    """The routes over one guard."""

    def __init__(
        self,
        guard: Guard,
        *,
        calls: State | None = None,
        token: str = "",
        later: Later | None = None,
        operator: frozenset[str] = SYSTEM,
        noted: Noted | None = None,
    ) -> None:
        """`calls`: where calls are remembered. `later`: requests that a reply follows are read while the model writes it.

        `noted`: where decisions are counted and written down.
        """
        self.noted = noted or Noted()
        self._guard, self._later, self._operator = guard, later, operator
        self._calls: State = calls if calls is not None else Memory(lifetime=CALL_LIFETIME, most=50_000)
        self._token = token

    def litellm(self, body: bytes) -> Verdict:
        """Judge a request before it is sent, or a response before it is shown."""
        call = msgspec.json.decode(body, type=Call)
        try:
            return self._response(call) if call.input_type == "response" else self._request(call)
        except StateError as fault:
            return _verdict(self._failed(call, self._guard.failed(str(fault))))

    def _request(self, call: Call) -> Verdict:
        stands = self._standing(call)
        *before, last = stands.asked or [""]
        session, account = _unit(call)
        session = session or ("" if account else f"call {call.litellm_call_id or secrets.token_hex(8)}")
        event = Event(session=session, account=account, text=last)
        earlier, refused, cut = self._earlier(event, before)
        total = partial(_strongest, earlier, refused, cut)
        fault = next((decision for decision in earlier if decision.status.startswith("error")), None)
        if fault:
            self._note(event, fault, call)
            if call.litellm_call_id:
                self._keep(call.litellm_call_id, event, fault)
        return _hiding(stands.refused, call.texts or [], _verdict(fault or self._last(call, event, total)))

    def _earlier(self, event: Event, before: list[str]) -> tuple[list[Decision], bool, bool]:
        """Judge what stands before the newest request and was not read yet.

        Return also whether something there was refused, and whether something there is left unread.
        """
        if not before:
            return [], False, False
        known = before[-MOST_HISTORY - MOST_JOINED :]
        unread, refused = self._guard.unread(event, known)
        new = _fitting(unread, MOST_READ - _cost(event.text))
        recent = set(known[-MOST_HISTORY:])
        joined = [text for text in new if text not in recent]
        found = (
            [self._guard.observe(msgspec.structs.replace(event, text="\n".join(joined)), stands_for=joined)]
            if joined
            else []
        )
        found += [self._guard.observe(msgspec.structs.replace(event, text=text)) for text in new if text in recent]
        return found, refused, len(known) < len(before) or len(new) < len(unread)

    def _standing(self, call: Call) -> Standing:
        """Return what stands before the model of those who ask; what was refused counts so where it can be taken out."""
        messages, texts = contents(list(map(_flat, call.structured_messages or []))), set(call.texts or [])
        found = standing(messages, self._operator)
        if any(part not in texts for parts in found.refused for part in parts if part):
            found = Standing(
                ["\n".join(parts) for role, parts in messages if role.lower() not in self._operator and any(parts)], []
            )
        if found.asked or call.structured_messages:
            return found
        return Standing([text for text in call.texts or [] if text], [])

    def _last(self, call: Call, event: Event, total: Callable[[Decision], Decision]) -> Decision:
        """Judge the newest message; with `Later` by phrases now, and by its reading before its reply is shown.

        `total` adds what else the call holds: what is kept for the reply has it too, and waits for the reading.
        """
        name = call.litellm_call_id

        def whole(made: Decision, readings: int = 0) -> Decision:
            decision = total(made)
            self._note(event, decision, call)
            if name:
                self._keep(name, event, decision, readings)
            return decision

        if not (self._later and name):
            return whole(self._guard.observe(event))
        first, rest = self._guard.first(event)
        decision = total(first)
        self._keep(name, event, decision, readings=1)
        if self._later.begin(name, lambda: whole(rest(), -1)):
            return decision
        return whole(rest(), -1)

    def _note(self, event: Event, decision: Decision, call: Call | None = None) -> None:
        """Write down what a person should look at, under the names by which the gateway knows it."""
        unit = self._guard.unit(event) if event.named else ""
        self.noted.add(event, decision, unit, (call and call.litellm_call_id) or "")

    def _failed(self, call: Call, fault: Decision) -> Decision:
        """Write down that a call, or its reply, could not be judged."""
        session, account = _unit(call)
        self._note(Event(session=session, account=account, text=""), fault, call)
        return fault

    def _keep(self, name: str, event: Event, decision: Decision, readings: int = 0) -> None:
        """Add a decision to what is known of a call id; `readings` is how many more of its readings are waited for."""
        new = Known(
            unit=self._guard.unit(event), action=decision.action, readings=readings,
            message=decision.message if decision.action != "block" else "",
            fault=decision.status if decision.status.startswith("error") else "",
        )  # fmt: skip
        caller = self._caller(event.account)

        def added(stored: bytes | None) -> bytes:
            known = msgspec.msgpack.decode(stored, type=dict[str, Known]) if stored else {}
            place = caller if caller in known or len(known) < MOST_CALLERS else ""
            known[place] = known[place].stricter(new) if place in known else new
            return msgspec.msgpack.encode(known)

        self._calls.update(self._guard.hashed("call", name), added)

    def _kept(self, name: str, account: str = "") -> Known | None:
        """Return what is known of a call of this account; where it is not named or not kept apart, the strictest of all."""
        stored = self._calls.get(self._guard.hashed("call", name))
        known = msgspec.msgpack.decode(stored, type=dict[str, Known]) if stored else {}
        own = known.get(self._caller(account)) if account else None
        return own or (reduce(Known.stricter, known.values()) if known else None)

    def _caller(self, account: str) -> str:
        return self._guard.hashed("account", account) if account else ""

    def _response(self, call: Call) -> Verdict:
        texts, known = call.texts or [], self._known(call.litellm_call_id or "", _unit(call)[1])
        decision = self._of_reply(call, known)
        if decision.status.startswith("error"):
            self._failed(call, decision)
        if decision.action == "block":
            return _verdict(decision)
        told = known.message if known else ""
        if told and any(told not in text for text in texts):  # several: who asked may be shown any one of them
            below = [text if told in text else f"{text}\n\n{told}" for text in texts]
            return Verdict(action="GUARDRAIL_INTERVENED", texts=below)
        return _verdict(decision)

    def _of_reply(self, call: Call, known: Known | None) -> Decision:
        """Judge a reply by its own request; where the gateway names no call, by the last one of its session or account."""
        if known is None:
            session, account = _unit(call)
            if call.litellm_call_id or not (session or account):
                return self._guard.failed(_UNKNOWN)
            return self._observed(Event(session=session, account=account, kind="reply", text=""))
        if known.pending or known.fault:
            return self._guard.failed(known.fault.removeprefix("error: ") or "the request has not been read yet")
        return self._guard.reply(known.unit, known.action)

    def _known(self, name: str, account: str) -> Known | None:
        """Return what is known of a call, when its reading is done, here or in another process, or has taken too long."""
        if not name:
            return None
        ends, known = time.monotonic() + LONGEST_WAIT, self._kept(name, account)
        if known and known.pending and self._later:
            self._later.wait(name)
            known = self._kept(name, account)
        while known and known.pending and time.monotonic() < ends:
            time.sleep(0.05)
            known = self._kept(name, account)
        return known

    def moderations(self, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        """Answer in the form of OpenAI's moderation endpoint. Raise TooMuch for more inputs than are read at once."""
        asked = msgspec.json.decode(body, type=Moderation)
        session, account = str(asked.session or headers.get("x-session-id", "")), str(asked.user or "")
        inputs = _inputs(asked.input, self._operator)
        if len(inputs) > 1 and (len(inputs) > MOST_INPUTS or sum(_cost(one.text) for one in inputs) > MOST_READ):
            raise TooMuch(f"more than {MOST_INPUTS} inputs or {MOST_READ:,} characters; send fewer at once")
        decisions = [self._judged(Event(session=session, account=account, text=one.text)) for one in inputs]
        return {
            "id": f"modr-{secrets.token_hex(8)}",
            "model": f"threelines-guard-{self._guard.version}",
            "results": [_result(decision, one) for decision, one in zip(decisions, inputs, strict=True)],
        }

    def observe(self, body: bytes) -> Decision:
        """Judge one event."""
        told = msgspec.json.decode(body, type=Told)
        return self._judged(told, opens=told.opens)

    def _judged(self, event: Event, *, opens: bool = False) -> Decision:
        decision = self._observed(event, opens=opens)
        self._note(event, decision)
        return decision

    def _observed(self, event: Event, *, opens: bool = False) -> Decision:
        """Judge an event; a reply of which no request is remembered, in its session or its account, is none that was let through.

        One that `opens` a session is: once, with no other reply before it.
        """
        decision = self._guard.observe(event)
        state = decision.session_state
        if event.kind != "reply" or decision.status != "ok" or state.turns:
            return decision
        if opens and state.replies == 1:
            return msgspec.structs.replace(decision, status=_OPENED)
        if event.session and event.account:  # its request may have named the account alone
            return self._observed(msgspec.structs.replace(event, session=""))
        return self._guard.failed(_UNKNOWN)

    def allows(self, headers: dict[str, str]) -> bool:
        """Whether the caller knows the token, where one was set; LiteLLM's `api_key` comes as `x-api-key`."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        shown = (bearer.strip() if scheme.lower() == "bearer" else "", headers.get("x-api-key", ""))
        return not self._token or any(hmac.compare_digest(one.encode(), self._token.encode()) for one in shown)


def _unit(call: Call) -> tuple[str, str]:
    """Return (session, account). The trace id is a session only where a header of the client named one: else it is random."""
    data, headers = call.request_data or {}, call.request_headers or {}
    named = {str(name).lower() for name in headers}
    stated = "x-litellm-session-id" in named or "x-litellm-trace-id" in named
    session = call.litellm_trace_id or "" if stated else ""
    account = data.get("user_api_key_end_user_id") or data.get("user_api_key_user_id") or data.get("user_api_key_hash")
    return session, str(account or "")


def _hiding(refused: list[tuple[str, ...]], texts: list[str], verdict: Verdict) -> Verdict:
    """Keep requests that were refused, and stand there still, from the model."""
    if verdict.action != "NONE" or not refused:
        return verdict
    out = {part for parts in refused for part in parts if part}
    return Verdict(action="GUARDRAIL_INTERVENED", texts=[REMOVED if text in out else text for text in texts])


def _cost(text: str) -> int:
    """Return how many characters of a text are read."""
    return min(len(text), LONGEST)


def _fitting(texts: list[str], most: int) -> list[str]:
    """Return those texts that fit together, in their order; the shorter first, so that a few long ones hide no other."""
    if sum(map(_cost, texts)) <= most:
        return texts
    places = sorted(range(len(texts)), key=lambda place: (_cost(texts[place]), -place))
    read = accumulate(_cost(texts[place]) for place in places)
    return [texts[place] for place in sorted(place for place, sum_ in zip(places, read, strict=True) if sum_ <= most)]


def _strongest(earlier: list[Decision], refused: bool, cut: bool, last: Decision) -> Decision:
    """Return the decision on a whole call; an error stays one, and of one that is too long a person sees what is read."""
    if last.status.startswith("error"):
        return last
    if cut:
        action = max(last.action, "review", key=ORDER_OF_ACTIONS.index)
        last = msgspec.structs.replace(last, action=action, status="truncated")
    if last.action == "block":
        return last
    blocking = max((one for one in earlier if one.action == "block"), key=lambda one: one.concern, default=None)
    if blocking:
        status = blocking.status if last.status == "ok" else last.status
        return msgspec.structs.replace(blocking, session_state=last.session_state, status=status)
    if refused:  # before this call: of that the session remembers the signs
        seen = tuple(last.session_state.seen.values())
        return msgspec.structs.replace(last, action="block", message=REFUSAL, signals=seen or last.signals)
    return max((last, *earlier), key=lambda one: ORDER_OF_ACTIONS.index(one.action))


def _verdict(decision: Decision) -> Verdict:
    """Say it in LiteLLM's words; what could not be judged in full is written to the log too, whatever the policy lets pass."""
    if decision.status != "ok":
        _LOG.warning("%s: %s", decision.action, decision.status)
    if decision.action != "block":
        return Verdict(action="NONE")
    told = decision.message if decision.status in ("ok", "truncated") else f"{decision.message} ({decision.status})"
    return Verdict(action="BLOCKED", blocked_reason=told)


class Input(NamedTuple):
    """What one result speaks of."""

    text: str
    unread: tuple[str, ...] = ()
    """Kinds of its parts that nothing here reads: pictures, files."""


def _inputs(given: str | list[str | dict[str, Any]], operator: frozenset[str]) -> list[Input]:
    """Return what is to be judged: a list of parts is one input, a list of texts is several (OpenAI's rule).

    Of chat messages those are left out that are the operator's; what was refused and stands there still is not: nothing here
    takes it out of what the model reads.
    """
    if isinstance(given, str):
        return [Input(given)]
    if not any(isinstance(part, dict) for part in given):
        return [Input(str(text)) for text in given]
    texts, unread = _told([_asked(part, operator) for part in given])
    return [Input("\n".join(texts), tuple(sorted(unread - {"text"})))]


def _told(given: object) -> tuple[list[str], set[str]]:
    """Return the texts of a content, of chat messages and of what stands inside its parts, and the kinds of which nothing is read."""
    if isinstance(given, str):
        return [given], set()
    if isinstance(given, list):
        found = [_told(part) for part in given]
        return [text for texts, _ in found for text in texts], {kind for _, kinds in found for kind in kinds}
    if not isinstance(given, dict):
        return [], set()
    texts, unread = _told([given[name] for name in _HOLDS if isinstance(given.get(name), str | list)])
    source = given.get("source")
    if isinstance(source, dict):
        more, kinds = _told(source.get("data" if source.get("type") == "text" else "content"))
        texts, unread = texts + more, unread | kinds
    return texts, unread if texts or unread else {str(given.get("type") or "part")}


def _asked(part: str | dict[str, Any], operator: frozenset[str]) -> object:
    """Return what those who ask say in a part or a chat message: nothing of a message of the operator's."""
    if not isinstance(part, dict) or "role" not in part:
        return part
    return None if str(part["role"]).lower() in operator else [_own(part.get(name)) for name in _HOLDS]


def _own(content: object) -> object:
    """Return a message's content without what a tool gave."""
    if not isinstance(content, list):
        return content
    return [part for part in content if not (isinstance(part, dict) and part.get("type") == "tool_result")]


def _flat(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of which what stands inside a part (a document) is a part; what a tool gave stays the operator's."""
    if not isinstance(message.get("content"), list):
        return message
    texts, unread = _told(_own(message["content"]))
    if unread - {"text"}:
        _LOG.info("not read of a message: %s", ", ".join(sorted(unread - {"text"})))
    return {**message, "content": [{"type": "text", "text": text} for text in texts]}


def _result(decision: Decision, judged: Input) -> dict[str, Any]:
    raised, kinds = decision.action in ("block", "review"), ["text"] if judged.text else []
    return {
        "flagged": raised,
        "categories": {**dict.fromkeys(_CATEGORIES, False), "illicit": raised, CATEGORY: raised},
        "category_scores": {**dict.fromkeys(_CATEGORIES, 0.0), "illicit": decision.concern, CATEGORY: decision.concern},
        "category_applied_input_types": dict.fromkeys((*_CATEGORIES, CATEGORY), kinds),
        "threelines": {**msgspec.to_builtins(decision), "unread": list(judged.unread)},
    }


def create_app(
    guard: Guard,
    *,
    calls: State | None = None,
    token: str = "",
    later: Later | None = None,
    read_system: bool = False,
    noted: Noted | None = None,
) -> Starlette:
    """Put the routes over a guard; a token, where given, must come as `Authorization: Bearer …` or `x-api-key`.

    `calls` are remembered where other processes find them, if they share the sessions. `read_system`: callers write the
    instructions of the system, too, so these are judged. `noted`: where decisions are counted and written down.
    """
    operator = ANSWERS if read_system else SYSTEM
    endpoint = Endpoint(guard, calls=calls, token=token, later=later, operator=operator, noted=noted)

    def route(path: str, answer: Callable[[bytes, dict[str, str]], object]) -> Route:
        return Route(path, _answering(endpoint, answer), methods=["POST"])

    async def health(request: Request) -> Response:
        try:
            await run_in_threadpool(guard.reach)
        except StateError as fault:
            return _json({"status": f"error: {fault}", "policy_version": guard.version}, status=503)
        log = {"log": f"error: {endpoint.noted.fault}"} if endpoint.noted.fault else {}
        return _json({"status": "ok", "policy_version": guard.version, **log})

    async def metrics(request: Request) -> Response:
        if not endpoint.allows(dict(request.headers)):
            return _unknown_caller()
        return Response(endpoint.noted.counts(), media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            route("/beta/litellm_basic_guardrail_api", lambda body, headers: endpoint.litellm(body)),
            route("/v1/moderations", endpoint.moderations),
            route("/v1/observe", lambda body, headers: endpoint.observe(body)),
            Route("/health", health),
            Route("/metrics", metrics),
        ]
    )


def _answering(
    endpoint: Endpoint, answer: Callable[[bytes, dict[str, str]], object]
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        headers = dict(request.headers)
        if not endpoint.allows(headers):
            return _unknown_caller()
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return _json({"error": f"more than {MOST_BYTES} bytes"}, status=413)
        try:
            return _json(await run_in_threadpool(answer, bytes(body), headers))
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as fault:
            return _json({"error": f"not the expected JSON: {fault}"}, status=422)
        except TooMuch as fault:
            return _json({"error": str(fault)}, status=413)
        except StateError as fault:
            return _json({"error": str(fault)}, status=503)

    return handle


def _unknown_caller() -> Response:
    return _json({"error": "no or wrong token; send Authorization: Bearer …"}, status=401)


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")
