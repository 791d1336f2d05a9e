"""What partners poll: a read-only TAXII 2.1 collection of one STIX bundle, and a MISP feed folder.

The token of a partner opens both; nothing can be written. Only what two people approved is given to this app, asked for at each request.
Paging and filters follow TAXII 2.1 sections 3 to 5 (`added_after`, `match[id]`, `match[type]`, `match[version]`,
`match[spec_version]`, `limit`, `next`). Of each object one version is served, the last.
"""

from __future__ import annotations

import base64
import json
import sys
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from threelines.web.answered import Answered
from threelines.web.security import Limit, peer, same

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"
MOST = 500
"""Objects of one page; who asks for more is given so many."""
COLLECTION = str(uuid.UUID("5b4e9a52-0e0a-4f6e-9d0e-7a3a6b1c2d3e"))


class Feed(NamedTuple):
    """What is served at one moment."""

    objects: list[dict[str, Any]] | None = None
    """Of STIX 2.1, what was revoked among them; None where STIX is not served."""
    files: Mapping[str, bytes] | None = None
    """Of a MISP feed folder, by name; None where MISP is not served."""
    changed: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    """When what is said in STIX changed last."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is served, in words."""
        return tuple(name for name, what in (("MISP", self.files), ("STIX", self.objects)) if what is not None)

    def added(self, entry: dict[str, Any]) -> str:
        """Return when an object was added. What cases refer to comes with each change, or a poller could miss it."""
        if entry["type"] in ("incident", "relationship"):
            return str(entry["modified"])
        return self.changed.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def create_feed(
    read: Callable[[], Feed], *, tokens: Mapping[str, str], title: str = "threelines", log: bool = False
) -> FastAPI:
    """Return the app; `read` is asked at each request for what may be served then.

    `tokens`: of each partner, by the name that the log says. `log`: one line for each request, on standard error.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(_guard(tokens))])
    for fault in (HTTPException, RequestValidationError):
        app.add_exception_handler(fault, _refused)
    _taxii(app, read, title)
    _misp(app, read)
    if log:
        app.add_middleware(Answered, note=_log)
    return app


def _log(scope: Scope, status: int, _seconds: float) -> None:
    """Write one line for a request: when, which partner's token, route pattern and status; never an address or a token."""
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "partner": scope.get("partner", ""),
        "route": getattr(scope.get("route"), "path", "none"), "status": status,
    }  # fmt: skip
    print(json.dumps(line), file=sys.stderr, flush=True)  # noqa: T201 - the log itself


def _guard(tokens: Mapping[str, str]) -> Any:
    """Ask for a token, as bearer or as the password of any user: TAXII clients send Basic.

    Wrong ones have a limit for each address; a right one is taken from there all the same.
    """
    refusals = Limit(60, 900.0)

    def check(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
            except (ValueError, UnicodeDecodeError):
                given = ""
        known = scheme.lower() in ("basic", "bearer", "token")
        partners = [name for name, token in tokens.items() if same(given, token)]
        if known and partners:
            request.scope["partner"] = partners[0]
        elif not refusals.allows(peer(request)):
            raise HTTPException(429, "too many wrong tokens from here; wait 15 minutes")
        else:
            raise HTTPException(401, "a token is needed", headers={"WWW-Authenticate": 'Basic realm="feed"'})

    return check


def _answer(body: dict[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, media_type=TAXII, headers=headers)


def _refused(_: Request, fault: Exception) -> Response:
    """Say what is wrong as TAXII writes errors; of a parameter its name, never what was given."""
    if isinstance(fault, RequestValidationError):
        names = ", ".join(sorted({str(each["loc"][-1]) for each in fault.errors()}))
        return _answer({"title": f"{names}: cannot be read", "http_status": "400"}, status=400)
    assert isinstance(fault, HTTPException)
    body = {"title": str(fault.detail), "http_status": str(fault.status_code)}
    return _answer(body, status=fault.status_code, headers=fault.headers)


def _taxii(app: FastAPI, read: Callable[[], Feed], title: str) -> None:
    collection = {
        "id": COLLECTION, "title": "AI use in trafficking cases", "can_read": True, "can_write": False,
        "description": "De-identified, coded, with consent, approved by two people.", "media_types": [STIX],
    }  # fmt: skip

    def served(name: str = COLLECTION) -> Feed:
        feed = read()
        if name != COLLECTION or feed.objects is None:
            raise HTTPException(404, "no such collection")
        return feed

    @app.get("/taxii2/")
    def discovery(request: Request) -> Response:
        root = str(request.url_for("root"))
        return _answer({"title": title, "default": root, "api_roots": [root]})

    @app.get("/api/", name="root")
    def root() -> Response:
        return _answer({"title": title, "versions": [TAXII], "max_content_length": 0})

    @app.get("/api/collections/")
    def collections() -> Response:
        served()
        return _answer({"collections": [collection]})

    @app.get("/api/collections/{name}/")
    def one(name: str) -> Response:
        served(name)
        return _answer(collection)

    @app.get("/api/collections/{name}/objects/")
    def all_objects(name: str, page: Annotated[Page, Depends()]) -> Response:
        return page.answer(served(name), lambda entry: entry)

    @app.get("/api/collections/{name}/manifest/")
    def manifest(name: str, page: Annotated[Page, Depends()]) -> Response:
        feed = served(name)
        return page.answer(feed, lambda entry: _manifest(feed, entry))

    def versions_of(name: str, identifier: str) -> Feed:
        feed = served(name)
        found = [entry for entry in feed.objects or () if entry["id"] == identifier]
        if not found:
            raise HTTPException(404, "no such object")
        return feed._replace(objects=found)

    @app.get("/api/collections/{name}/objects/{identifier}/")
    def one_object(name: str, identifier: str, page: Annotated[Page, Depends()]) -> Response:
        return page.answer(versions_of(name, identifier), lambda entry: entry)

    @app.get("/api/collections/{name}/objects/{identifier}/versions/")
    def versions(name: str, identifier: str, page: Annotated[Page, Depends()]) -> Response:
        return page.answer(versions_of(name, identifier), _version, key="versions")


def _version(entry: dict[str, Any]) -> str:
    return str(entry.get("modified", entry["created"]))


def _manifest(feed: Feed, entry: dict[str, Any]) -> dict[str, str]:
    added = feed.added(entry)
    return {
        "id": entry["id"], "date_added": added, "version": _version(entry), "media_type": STIX,
    }  # fmt: skip


class Page:
    """Filters and paging of one request."""

    def __init__(
        self,
        added_after: str = "",
        limit: Annotated[int, Query(ge=1)] = MOST,
        next: str = "",  # noqa: A002 - TAXII's own name
        ids: Annotated[str, Query(alias="match[id]")] = "",
        types: Annotated[str, Query(alias="match[type]")] = "",
        versions: Annotated[str, Query(alias="match[version]")] = "",
        spec_versions: Annotated[str, Query(alias="match[spec_version]")] = "",
    ) -> None:
        self.added_after = _asked_moment(added_after, "added_after") if added_after else None
        self.limit, self.after = min(limit, MOST), _asked_place(next) if next else None
        self.ids, self.types, self.spec_versions = _parts(ids), _parts(types), _parts(spec_versions)
        asked = _parts(versions)
        self.versions = {_asked_moment(each, "match[version]") for each in asked - _ONLY_VERSION}
        self.any_version = not asked or bool(asked & _ONLY_VERSION)

    def answer(self, feed: Feed, form: Callable[[dict[str, Any]], Any], *, key: str = "objects") -> Response:
        """Return one page of the objects that pass the filters, oldest first, each in this form, under `key`.

        The next one begins behind the last object of this one, so that what changes in between pushes nothing past it.
        """
        dated = [(feed.added(entry), entry) for entry in feed.objects or ()]
        kept = sorted((each for each in dated if self._passes(*each)), key=_place)
        rest = [each for each in kept if self.after is None or _place(each) > self.after]
        shown = rest[: self.limit]
        body: dict[str, Any] = {key: [form(entry) for _, entry in shown]} if shown else {}
        if len(rest) > len(shown):
            body |= {"more": True, "next": f"{shown[-1][0]}_{shown[-1][1]['id']}"}
        headers = {"X-TAXII-Date-Added-First": shown[0][0], "X-TAXII-Date-Added-Last": shown[-1][0]} if shown else {}
        return _answer(body, headers=headers)

    def _passes(self, when: str, entry: dict[str, Any]) -> bool:
        return (
            (self.added_after is None or datetime.fromisoformat(when) > self.added_after)
            and (not self.ids or entry["id"] in self.ids)
            and (not self.types or entry["type"] in self.types)
            and (not self.spec_versions or entry.get("spec_version") in self.spec_versions)
            and (self.any_version or datetime.fromisoformat(_version(entry)) in self.versions)
        )


_ONLY_VERSION = frozenset({"first", "last", "all"})
"""Words for versions that all mean the one that is served."""


def _place(dated: tuple[str, dict[str, Any]]) -> tuple[datetime, str]:
    """Return where an object stands: by when it was added, then by id."""
    return datetime.fromisoformat(dated[0]), dated[1]["id"]


def _asked_place(text: str) -> tuple[datetime, str]:
    moment, _, identifier = text.partition("_")
    return _asked_moment(moment, "next"), identifier


def _parts(text: str) -> set[str]:
    return set(filter(None, text.split(",")))


def _asked_moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise HTTPException(400, f"{name}: a time with its zone is expected, such as 2026-12-01T06:05:37.856Z")
    return moment


def _misp(app: FastAPI, read: Callable[[], Feed]) -> None:
    @app.get("/misp/{name}")
    def file(name: str) -> Response:
        found = (read().files or {}).get(name)
        if found is None:
            raise HTTPException(404, "no such file")
        return Response(found, media_type="text/csv" if name.endswith(".csv") else "application/json")
