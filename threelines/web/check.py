"""The check page: no login, nothing stored, one small page that works on an old phone without scripts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from threelines.people.advise import LONGEST, in_need, level_of, look, signs_of
from threelines.people.helplines import Shown, shown
from threelines.people.interface import Shown as Chosen
from threelines.people.interface import choose
from threelines.web.desk import Desk, Sent, desk, now, peer, text
from threelines.web.pages import environment

router = APIRouter(include_in_schema=False)


@router.get("/check")
def ask(request: Request, lang: str = "") -> HTMLResponse:
    """Show the empty page."""
    return _page(request, _chosen(request, lang))


@router.post("/check")
def answer(request: Request, form: Sent) -> HTMLResponse:
    """Look at the words and forget them."""
    here, chosen = desk(request), _chosen(request, text(form, "lang"))
    words = text(form, "offer").strip()
    if not here.public.allows(peer(request)):
        return _page(request, chosen, fault="busy", status=429)
    if not words or len(words) > LONGEST:
        return _page(request, chosen, fault="too_long" if words else "empty", offer=words[:LONGEST], status=422)
    return _page(request, chosen, offer=words, result=look_at(words, here))


def look_at(words: str, desk: Desk) -> dict[str, Any]:
    """Judge the words by the same engine as `threelines check`; return what the page shows."""
    judged = look(words, desk.vocabulary)
    signs = signs_of(judged, desk.vocabulary)
    return {
        "judged": judged, "signs": signs, "level": level_of(judged, signs), "helplines": helplines(desk),
        "in_need": in_need(judged),
    }  # fmt: skip


def helplines(desk: Desk) -> list[Shown]:
    """Return where to turn: confirmed numbers, and the organisations of the deployer's countries."""
    options = desk.options
    found = shown(options.helplines, today=now().date(), countries=options.countries)
    return found if options.countries else [entry for entry in found if entry.number]


def _chosen(request: Request, lang: str) -> Chosen:
    wanted = lang or request.headers.get("accept-language", "")
    return choose(desk(request).interfaces, wanted, today=now().date())


def _page(
    request: Request, chosen: Chosen, *, fault: str = "", offer: str = "", result: Any = None, status: int = 200
) -> HTMLResponse:
    here: Desk = desk(request)
    html = environment().get_template("check.html").render(
        shown=chosen, words=chosen.given.interface, fault=fault, offer=offer, result=result, demo=here.options.demo,
        languages=sorted(here.interfaces.values(), key=lambda entry: entry.language),
        standing={code for code, entry in here.interfaces.items() if entry.stands(now().date())},
        exit_address=here.options.exit_address,
    )  # fmt: skip
    return HTMLResponse(html, status_code=status)
