"""What partners poll: a read-only TAXII 2.1 collection of one STIX bundle, and a MISP feed folder.

One token opens both; nothing can be written. Only what two people approved is given to this app.
Paging and filters follow TAXII 2.1 sections 3 to 5 (`added_after`, `match[id]`, `match[type]`, `limit`, `next`).
"""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import HTTPException
from starlette.responses import FileResponse, Response

TAXII = "application/taxii+json;version=2.1"
STIX = "application/stix+json;version=2.1"
MOST = 500
"""Objects of one page."""
COLLECTION = str(uuid.UUID("5b4e9a52-0e0a-4f6e-9d0e-7a3a6b1c2d3e"))


def create_feed(bundle: dict[str, Any] | None, misp: Path | None, *, token: str, title: str = "threelines") -> FastAPI:
    """Return the app; `bundle` is a STIX 2.1 bundle, `misp` a feed folder, either may be missing."""
    objects = sorted((bundle or {}).get("objects", []), key=lambda entry: (added(entry), entry["id"]))
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(_guard(token))])
    if bundle is not None:
        _taxii(app, objects, title)
    if misp is not None:
        _misp(app, misp)
    return app


def _guard(token: str) -> Any:
    """Ask for the token, as bearer or as the password of any user: TAXII clients send Basic."""

    def check(request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode("utf-8").partition(":")[2]
            except (ValueError, UnicodeDecodeError):
                given = ""
        if scheme.lower() not in ("basic", "bearer", "token") or not hmac.compare_digest(
            given.encode(), token.encode()
        ):
            raise HTTPException(401, "a token is needed", headers={"WWW-Authenticate": 'Basic realm="feed"'})

    return check


def added(entry: dict[str, Any]) -> str:
    """Return when an object was added, as its version time."""
    return str(entry.get("modified") or entry.get("created") or "1970-01-01T00:00:00.000Z")


def _answer(body: dict[str, Any], *, headers: dict[str, str] | None = None) -> Response:
    return Response(json.dumps(body), media_type=TAXII, headers=headers)


def _taxii(app: FastAPI, objects: list[dict[str, Any]], title: str) -> None:
    collection = {
        "id": COLLECTION, "title": "AI use in trafficking cases", "can_read": True, "can_write": False,
        "description": "De-identified, coded, with consent, approved by two people.", "media_types": [STIX],
    }  # fmt: skip

    @app.get("/taxii2/")
    def discovery(request: Request) -> Response:
        root = str(request.url_for("root"))
        return _answer({"title": title, "default": root, "api_roots": [root]})

    @app.get("/api/", name="root")
    def root() -> Response:
        return _answer({"title": title, "versions": [TAXII], "max_content_length": 0})

    @app.get("/api/collections/")
    def collections() -> Response:
        return _answer({"collections": [collection]})

    @app.get("/api/collections/{name}/")
    def one(name: str) -> Response:
        _known(name)
        return _answer(collection)

    @app.get("/api/collections/{name}/objects/")
    def all_objects(name: str, page: Annotated[Page, Depends()]) -> Response:
        _known(name)
        return page.answer(objects, "objects", lambda entry: entry)

    @app.get("/api/collections/{name}/manifest/")
    def manifest(name: str, page: Annotated[Page, Depends()]) -> Response:
        _known(name)
        return page.answer(objects, "objects", _manifest)

    @app.get("/api/collections/{name}/objects/{identifier}/")
    def one_object(name: str, identifier: str) -> Response:
        _known(name)
        return _answer({"objects": [entry for entry in objects if entry["id"] == identifier]})


def _known(name: str) -> None:
    if name != COLLECTION:
        raise HTTPException(404, "no such collection")


def _manifest(entry: dict[str, Any]) -> dict[str, str]:
    return {"id": entry["id"], "date_added": added(entry), "version": added(entry), "media_type": STIX}


class Page:
    """Filters and paging of one request."""

    def __init__(
        self,
        added_after: str = "",
        limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
        next: Annotated[str, Query(pattern=r"^\d{0,9}$")] = "",  # noqa: A002 - TAXII's own name
        ids: Annotated[str, Query(alias="match[id]")] = "",
        types: Annotated[str, Query(alias="match[type]")] = "",
    ) -> None:
        self.added_after, self.limit, self.start = added_after, limit, int(next or 0)
        self.ids, self.types = set(filter(None, ids.split(","))), set(filter(None, types.split(",")))

    def answer(self, objects: list[dict[str, Any]], key: str, form: Any) -> Response:
        """Return one page of the objects that pass the filters."""
        kept = [entry for entry in objects if self._passes(entry)]
        shown = kept[self.start : self.start + self.limit]
        body: dict[str, Any] = {key: [form(entry) for entry in shown]} if shown else {}
        if self.start + self.limit < len(kept):
            body |= {"more": True, "next": str(self.start + self.limit)}
        dates = [added(entry) for entry in shown]
        headers = {"X-TAXII-Date-Added-First": dates[0], "X-TAXII-Date-Added-Last": dates[-1]} if dates else {}
        return _answer(body, headers=headers)

    def _passes(self, entry: dict[str, Any]) -> bool:
        return (
            (not self.added_after or added(entry) > self.added_after)
            and (not self.ids or entry["id"] in self.ids)
            and (not self.types or entry["type"] in self.types)
        )


def _misp(app: FastAPI, folder: Path) -> None:
    names = {path.name for path in folder.iterdir() if path.suffix in (".json", ".csv")}

    @app.get("/misp/{name}")
    def file(name: str) -> Response:
        if name not in names:
            raise HTTPException(404, "no such file")
        return FileResponse(folder / name)
