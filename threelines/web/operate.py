"""For those who keep it running: health, metrics without personal data, logs without content."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import msgspec
import sqlalchemy as sa
from fastapi import APIRouter, Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from threelines import __version__
from threelines.web.desk import NotSignedIn, desk

router = APIRouter(include_in_schema=False)
_LOOPBACK = ("127.0.0.1", "::1")


class Gauges:
    """The figures of one application; every label is a closed set of our own words."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "threelines_requests_total", "Requests by route, method and status class.",
            ["route", "method", "status"], registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "threelines_request_seconds", "Seconds to answer, by route.", ["route"], registry=self.registry,
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 10),
        )  # fmt: skip
        self.findings = Gauge(
            "threelines_findings", "Findings by stage, and items waiting or held.", ["stage"], registry=self.registry
        )


class Watched:
    """Count each answer and write one log line without content: route pattern, never the address asked for."""

    def __init__(self, *, gauges: Gauges, log: bool) -> None:
        self.gauges, self.log = gauges, log

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and write one answer."""
        # The pattern (/review/{finding}), so that no id, search word or one-time link reaches a log.
        route = getattr(scope.get("route"), "path", "/static" if scope["path"].startswith("/static/") else "none")
        method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
        self.gauges.requests.labels(route, method, f"{status // 100}xx").inc()
        self.gauges.seconds.labels(route).observe(seconds)
        if self.log:
            line = {"route": route, "method": method, "status": status, "ms": round(seconds * 1000, 1)}
            print(msgspec.json.encode(line).decode(), file=sys.stderr, flush=True)  # noqa: T201 - the log itself


@router.get("/health")
def health(request: Request) -> Response:
    """Say whether the database answers; 503 when it does not."""
    try:
        with desk(request).store.read() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.SQLAlchemyError:
        return JSONResponse({"state": "database does not answer"}, status_code=503)
    return JSONResponse({"state": "well", "version": __version__})


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Give the figures to Prometheus: on this machine, or with a token made for it."""
    here = desk(request)
    _, _, secret = request.headers.get("authorization", "").partition(" ")
    direct = request.client and request.client.host in _LOOPBACK and "x-forwarded-for" not in request.headers
    if not direct and not (secret and here.accounts.token_allows(secret, "metrics")):
        raise NotSignedIn("metrics are for this machine, or for a token made for them")
    gauges: Gauges = request.app.state.gauges
    for stage, number in _stages(here.review.counts()):
        gauges.findings.labels(stage).set(number)
    return PlainTextResponse(generate_latest(gauges.registry), media_type="text/plain; version=0.0.4")


def _stages(counts: dict[str, int]) -> Iterator[tuple[str, int]]:
    for stage in ("open", "second", "split", "appeal", "done", "training", "items", "held"):
        yield stage, counts.get(stage, 0)
