"""The dashboard: what rises where, what the platform did, how models behave, the state of the queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from threelines.roles import allowed
from threelines.web.accounts import Person
from threelines.web.desk import Desk, desk, may, now
from threelines.web.figures import K, by_month, case_figures, effort
from threelines.web.pages import page
from threelines.web.plots import Figure, Share, columns
from threelines.web.register import register_for

router = APIRouter(prefix="/dashboard", include_in_schema=False)
Viewer = Annotated[Person, Depends(may("monitor.read", "statistics.read"))]
FRESH = 600.0
"""Seconds for which figures of the register are kept: opening 100,000 sealed cases takes a moment."""


@router.get("")
def dashboard(request: Request, person: Viewer) -> Response:
    """Show the figures that this role may see."""
    here = desk(request)
    cases = _cases(request, person)
    return page(
        request, "dashboard.html", person=person, cases=cases, k=K, counts=here.review.counts(),
        effort=effort(here.review, here.vocabulary), models=tuple(_models(here)),
        months=columns(list(by_month(here.review.codes())), key="months", title="Findings by month"),
        can_cases=_may_see_cases(person),
    )  # fmt: skip


def _may_see_cases(person: Person) -> bool:
    return allowed(person.role, "statistics.read")


def _cases(request: Request, person: Person) -> tuple[Figure, ...]:
    """Return the register's figures, made once for everybody who may see them."""
    if not _may_see_cases(person):
        return ()
    kept: dict[str, Any] = request.app.state.__dict__.setdefault("figures", {})
    if time.monotonic() - kept.get("made", -FRESH) >= FRESH:
        kept |= {
            "figures": case_figures(register_for(request, person), desk(request).vocabulary),
            "made": time.monotonic(),
        }
    else:
        desk(request).audit.add(person.user, "statistics.read", reason="statistics")
    figures: tuple[Figure, ...] = kept["figures"]
    return figures


def _models(here: Desk) -> Iterator[Figure]:
    for place, (name, summary) in enumerate(sorted(here.options.evaluations.items())):
        rows = tuple(
            Share(name=frame, hits=round(found.value * found.count), total=found.count, low=found.low, high=found.high)
            for frame, found in summary.compliance.items()
        )
        yield Figure(
            key=f"model-{place}", title=f"{name}: misuse requests fulfilled", of="Share of requests", rows=rows
        )


def _figures(request: Request, person: Person) -> Iterator[Figure]:
    here = desk(request)
    yield from _cases(request, person)
    yield from effort(here.review, here.vocabulary)
    yield from _models(here)


@router.get("/{key}.csv")
def table(request: Request, key: str, person: Viewer) -> Response:
    """Give the table of a figure."""
    found = next((figure for figure in _figures(request, person) if figure.key == key), None)
    if found is None:
        return page(request, "message.html", person=person, status=404, title="Nothing here",
                    message="There is no such figure, or not for your role.")  # fmt: skip
    name = {"content-disposition": f'attachment; filename="{found.key}.csv"'}
    return PlainTextResponse(found.table(), media_type="text/csv", headers=name)


@router.get("/effort.json")
def effort_report(request: Request, person: Viewer) -> Response:
    """Give the platform-effort report as data: findings, decisions and coverage, no content."""
    here = desk(request)
    counts = here.review.counts()
    body = {
        "kind": "platform effort", "made": now().isoformat(timespec="seconds"), "queue": counts,
        "vocabulary": here.vocabulary.version, "languages_covered": sorted(here.vocabulary.languages),
        "figures": [msgspec.to_builtins(figure) for figure in effort(here.review, here.vocabulary)],
        "note": "Decisions of people about findings. No account was acted upon by this system.",
    }  # fmt: skip
    return JSONResponse(body)
