"""The dashboard: what rises where, what the platform did, how models behave, the state of the queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

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
from threelines.web.rises import Rise, rises
from threelines.web.rises import table as rises_table

router = APIRouter(prefix="/dashboard", include_in_schema=False)
Viewer = Annotated[Person, Depends(may("monitor.read", "statistics.read"))]
FRESH = 600.0
"""Seconds for which figures of the register are kept: opening 100,000 sealed cases takes a moment."""


@router.get("")
def dashboard(request: Request, person: Viewer) -> Response:
    """Show the figures that this role may see."""
    here = desk(request)
    cases, rising = _cases(request, person)
    return page(
        request, "dashboard.html", person=person, cases=cases, k=K, rises=[r for r in rising if r.hits is not None],
        under_review=sum(r.hits is None for r in rising), counts=here.review.counts(),
        effort=effort(here.review, here.vocabulary), models=tuple(_models(here)),
        months=columns(list(by_month(here.review.codes())), key="months", title="Findings by month"),
        can_cases=_may_see_cases(person),
    )  # fmt: skip


def _may_see_cases(person: Person) -> bool:
    return allowed(person.role, "statistics.read")


def _cases(request: Request, person: Person) -> tuple[tuple[Figure, ...], tuple[Rise, ...]]:
    """Return the register's figures, made once for everybody who may see them."""
    if not _may_see_cases(person):
        return (), ()
    here, kept = desk(request), request.app.state.__dict__.setdefault("figures", {})
    if time.monotonic() - kept.get("made", -FRESH) >= FRESH:
        register = register_for(request, person)
        made = case_figures(register, here.vocabulary), rises(register, here.vocabulary)
        kept |= {"figures": made, "made": time.monotonic()}
    else:
        here.audit.add(person.user, "statistics.read", reason="statistics")
    figures: tuple[tuple[Figure, ...], tuple[Rise, ...]] = kept["figures"]
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
    yield from _cases(request, person)[0]
    yield from effort(here.review, here.vocabulary)
    yield from _models(here)


@router.get("/{key}.csv")
def table(request: Request, key: str, person: Viewer) -> Response:
    """Give the table of a figure."""
    if key == "rises" and _may_see_cases(person):
        return _csv("rises", rises_table(_cases(request, person)[1]))
    found = next((figure for figure in _figures(request, person) if figure.key == key), None)
    if found is None:
        return page(request, "message.html", person=person, status=404, title="Nothing here",
                    message="There is no such figure, or not for your role.")  # fmt: skip
    return _csv(found.key, found.table())


def _csv(name: str, text: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return PlainTextResponse(text, media_type="text/csv", headers=headers)


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
