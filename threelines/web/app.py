"""Put the application together; refuse to start with a route that nobody guards."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from threelines import __version__
from threelines.people import release
from threelines.people.approval import ApprovalError
from threelines.people.interface import load_interfaces
from threelines.people.register import Register, RegisterError
from threelines.people.tables import MIGRATIONS as REGISTER
from threelines.people.tables import SEALED as SEALED_CASES
from threelines.platforms.read._source import without_surrogates
from threelines.platforms.review import Review, ReviewError
from threelines.records import ThreelinesError
from threelines.roles import RoleError, User
from threelines.store.audit import Audit, AuditError
from threelines.store.database import Store, is_busy
from threelines.store.keyring import Keyring
from threelines.store.owner import claim
from threelines.store.sealed import declare
from threelines.vocabulary.terms import Vocabulary, load
from threelines.web import (
    admin,
    api,
    audit,
    check,
    dashboard,
    entrance,
    oidc,
    operate,
    register,
    retention,
    review,
    sharing,
    stream,
)
from threelines.web.accounts import Accounts, Person
from threelines.web.answered import Answered
from threelines.web.desk import (
    Busy,
    Desk,
    NotFromHere,
    NotSignedIn,
    Options,
    SecondFactorMissing,
    find_person,
    note_refused,
    now,
)
from threelines.web.faults import note_fault
from threelines.web.grants import Grants
from threelines.web.pages import FOLDER, page
from threelines.web.scratch import clear_leftovers
from threelines.web.security import Limit, SafeHeaders, same_site
from threelines.web.turns import AGAIN_AFTER, Occupied, Turns
from threelines.web.webhooks import Courier

OPEN = ("/check", "/login", "/health", "/once/{secret}", "/metrics", "/oidc", "/oidc/back", "/oidc/bind")
"""Routes that answer without an account. `/once` answers to the secret in its address, `/metrics` to this
machine or a token, `/oidc` leads to the organisation's own sign-in, `/oidc/bind` answers to what that sealed."""


_LONGEST_QUERY = 200
"""Characters of a query that a sign-in leads back to."""
_SENT_AGAIN = ("/register/", "/review/", "/release/")


class OpenRoute(ThreelinesError):
    """A route has no guard: a mistake of ours, found before it is served."""


def create_app(
    store: Store, keyring: Keyring, *, options: Options | None = None, vocabulary: Vocabulary | None = None,
    messages: Sequence[Path] = (), log: bool = False,
) -> FastAPI:  # fmt: skip
    """Return the console for one database; everything it needs is made here, once."""
    chosen = options or Options()
    app = FastAPI(
        title="threelines", version=__version__, docs_url=None, redoc_url=None, openapi_url=None, lifespan=_lifespan,
        summary="Findings for people to decide on. Evidence, never verdicts.",
    )  # fmt: skip
    app.state.desk = _desk(store, keyring, chosen, vocabulary or load(), messages)
    app.state.gauges = operate.Gauges()
    for router in _routers():
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    _answer_faults(app)
    refuse_open_routes(app)
    app.add_middleware(SafeHeaders, https=chosen.https)
    app.add_middleware(Answered, note=operate.Watched(gauges=app.state.gauges, log=log).note)
    return app


def _routers() -> tuple[Any, ...]:
    return (
        operate.router, check.router, entrance.router, admin.router, audit.router, oidc.router, review.router, register.router, sharing.router, dashboard.router, api.router, api.description,
    )  # fmt: skip


def _desk(store: Store, keyring: Keyring, options: Options, vocabulary: Vocabulary, messages: Sequence[Path]) -> Desk:
    claim(store, keyring)
    store.migrate("web", stream.MIGRATIONS)
    declare(store, stream.SEALED)
    clear_leftovers()
    chain = Audit(store, keyring)
    accounts = Accounts(store, keyring, chain)
    return Desk(
        store=store, keyring=keyring, audit=chain, options=options, vocabulary=vocabulary, started=now(),
        stream=stream.Stream(store, keyring, hours=options.stream_hours), scans=Turns(), accounts=accounts, grants=Grants(accounts), review=Review(store, keyring, chain), register=_register(store, keyring),
        interfaces=load_interfaces(*messages), sign_ins=Limit(10, 900.0), places=Limit(60, 900.0),
        public=Limit(30, 60.0), programs=Limit(1200, 60.0), refusals=Limit(200, 3600.0), left_out=Limit(1, 3600.0),
    )  # fmt: skip


def _register(store: Store, keyring: Keyring) -> Register:
    store.migrate("register", REGISTER)
    declare(store, SEALED_CASES)
    register = Register(store, keyring, User(id="console", role="admin"))
    release.migrate(register)
    return register


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    here: Desk = app.state.desk
    courier = None
    if here.options.webhook:
        courier = Courier(here.store, address=here.options.webhook, secret=here.options.webhook_secret)
        courier.start()
    await _destroy_due(here)
    keeping = asyncio.create_task(_keep_times(here))
    yield
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    if courier is not None:
        courier.stop()
    here.scans.close()
    here.store.close()


async def _keep_times(here: Desk) -> None:
    while True:
        await asyncio.sleep(retention.EVERY)
        await _destroy_due(here)


async def _destroy_due(here: Desk) -> None:
    """Destroy what is due; a database that does not answer is asked again the next time."""
    try:
        await run_in_threadpool(retention.forget, here.register, hours=here.options.stream_hours)
    except (SQLAlchemyError, ThreelinesError) as fault:
        note_fault(fault)


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    """Yield every route of ours, also those inside included routers."""
    yield from _flat(app.routes)


def _flat(routes: Sequence[Any]) -> Iterator[APIRoute]:
    for route in routes:
        # FastAPI includes routers by reference since 0.16x and copied their routes before.
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _flat(inner.routes)
        elif isinstance(route, APIRoute):
            yield route


def refuse_open_routes(app: FastAPI) -> None:
    """Raise when a route has neither a guard nor a place in the list of open ones."""
    known = list(routes_of(app))
    if not {"/check", "/login", "/review"} <= {route.path for route in known}:
        raise OpenRoute("the routes cannot be listed with this version of FastAPI, so no guard can be checked")
    for route in known:
        if route.path not in OPEN and not guards_of(route):
            raise OpenRoute(f"{route.path}: no guard; add may(...), may_change(...) or token_for(...)")


def guards_of(route: APIRoute) -> tuple[Any, ...]:
    """Return the guards among a route's dependencies."""
    found: list[Any] = []

    def walk(dependant: Any) -> None:
        for inner in dependant.dependencies:
            call = inner.call
            if getattr(call, "__module__", "") == "threelines.web.desk" and call.__name__ in (
                "guard",
                "signed_in",
                "signed_form",
            ):
                found.append(call)
            walk(inner)

    walk(route.dependant)
    return tuple(found)


def _answer_faults(app: FastAPI) -> None:
    app.add_exception_handler(NotSignedIn, _not_signed_in)
    app.add_exception_handler(SecondFactorMissing, lambda request, fault: RedirectResponse("/account", 303))
    app.add_exception_handler(NotFromHere, _refused("This form could not be taken"))
    app.add_exception_handler(RoleError, _refused("Not with your role"))
    app.add_exception_handler(AuditError, _fault(500, "The audit could not be read or written"))
    app.add_exception_handler(Busy, _fault(429, "Too many requests"))
    app.add_exception_handler(Occupied, _occupied)
    app.add_exception_handler(OperationalError, _busy_database)
    app.add_exception_handler(stream.KeyUsed, _fault(409, "Key used before"))
    for kind in (ReviewError, RegisterError, ApprovalError):
        app.add_exception_handler(kind, _fault(404, "Not possible"))
    app.add_exception_handler(HTTPException, _not_found)
    app.add_exception_handler(RequestValidationError, _not_readable)
    app.add_exception_handler(Exception, _broken)


def _wants_json(request: Request) -> bool:
    return request.url.path.startswith(("/v1/", "/metrics", "/openapi.json"))


def _not_signed_in(request: Request, fault: Exception) -> Response:
    if _wants_json(request):
        return JSONResponse({"fault": str(fault)}, 401, headers={"www-authenticate": "Bearer"})
    if "hx-request" in request.headers:  # a part of a page: htmx then loads the sign-in as a whole
        return Response(status_code=401, headers={"hx-redirect": "/login"})
    onward = _whole_address(request) if request.method == "GET" and same_site(request) else ""
    return RedirectResponse(f"/login?next={onward}" if onward not in ("", "/") else "/login", status_code=303)


def _whole_address(request: Request) -> str:
    """Return a path with its query, as a value of another query; the path alone where the query is longer than any of ours."""
    query = request.url.query
    return quote(request.url.path + (f"?{query}" if query and len(query) <= _LONGEST_QUERY else ""), safe="/")


def _fault(status: int, title: str) -> Any:
    def answer(request: Request, fault: Exception) -> Response:
        if _wants_json(request):
            return JSONResponse({"fault": str(fault)}, status)
        return page(
            request, "message.html", person=find_person(request), status=status, title=title, message=str(fault)
        )

    return answer


def _occupied(request: Request, fault: Exception) -> Response:
    answer = cast(Response, _fault(503, "Not now")(request, fault))
    answer.headers["retry-after"] = str(AGAIN_AFTER)
    return answer


async def _busy_database(request: Request, fault: Exception) -> Response:
    """Say that the database has no turn for this now; a form goes back with what was sent, to be sent again."""
    assert isinstance(fault, OperationalError)
    if not is_busy(fault):
        raise fault
    note_fault(fault)
    headers = {"retry-after": str(AGAIN_AFTER)}
    if _wants_json(request):
        return JSONResponse({"fault": "the database is busy; try again later"}, 503, headers=headers)
    person = await run_in_threadpool(_known, request)
    sent = await _sent_again(request) if person else []
    answer = page(request, "busy.html", person=person, status=503, action=request.url.path, sent=sent)
    answer.headers.update(headers)
    return answer


def _known(request: Request) -> Person | None:
    """Return who is signed in, or None where the database does not even say that."""
    try:
        return find_person(request, touch=False)
    except OperationalError:
        return None


async def _sent_again(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form about a case, a finding or a release; never those of one with a password."""
    if request.method != "POST" or not same_site(request) or not request.url.path.startswith(_SENT_AGAIN):
        return []
    fields = (await request.form()).multi_items()
    texts = [(name, value) for name, value in fields if isinstance(value, str)]
    return texts if len(texts) == len(fields) else []  # a file cannot be put into a page


def _refused(title: str) -> Any:
    """Answer 403, and write into the audit who was refused where: the route's pattern, never what was asked for."""
    answer = _fault(403, title)

    def noted(request: Request, fault: Exception) -> Response:
        person, pattern = find_person(request), getattr(request.scope.get("route"), "path", "")
        if person is not None:
            note_refused(request, "page.refused", person=person, record=re.sub(r"[^a-z0-9_]+", ".", pattern).strip("."))
        return cast(Response, answer(request, fault))

    return noted


def _not_found(request: Request, fault: Exception) -> Response:
    """Answer a stranger's wrong address like any other: with the sign-in."""
    assert isinstance(fault, HTTPException)
    if _wants_json(request):
        return JSONResponse({"fault": str(fault.detail)}, fault.status_code, headers=fault.headers)
    person = find_person(request)
    if person is None:
        return RedirectResponse("/login", status_code=303)
    return page(request, "message.html", person=person, status=fault.status_code, title="Nothing here",
                message="This address leads nowhere. The menu above does.")  # fmt: skip


def _not_readable(request: Request, fault: Exception) -> Response:
    """Programs are told which value and what is wrong with it; nobody is sent the value back, which may not be writable."""
    assert isinstance(fault, RequestValidationError)
    if _wants_json(request):
        return JSONResponse({"detail": [_place(error) for error in fault.errors()]}, 422)
    return page(request, "message.html", person=find_person(request), status=422, title="This address cannot be read",
                message="A value in it is missing, or is no number that can be. Start again from the menu above.")  # fmt: skip


def _place(error: Any) -> dict[str, Any]:
    places = [without_surrogates(place) if isinstance(place, str) else place for place in error["loc"]]
    return {"type": error["type"], "loc": places, "msg": error["msg"]}


def _broken(request: Request, _fault: Exception) -> Response:
    """Say that it was us; the content of the fault stays in the log of the process."""
    if _wants_json(request):
        return JSONResponse({"fault": "something went wrong here"}, 500)
    return page(request, "message.html", status=500, title="Something went wrong here",
                message="It was not you. Nothing that was confirmed is lost. Go back and try again.")  # fmt: skip
