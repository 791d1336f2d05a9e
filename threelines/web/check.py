"""The check page: no login, nothing stored, one small page that works on an old phone without scripts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from threelines.people.advise import Advice, weigh
from threelines.people.helplines import Shown
from threelines.people.interface import Shown as Chosen
from threelines.people.interface import choose
from threelines.web.desk import Desk, Sent, desk, now, text
from threelines.web.pages import environment
from threelines.web.security import peer

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
    if not words:
        return _page(request, chosen, fault="empty", status=422)
    return _page(request, chosen, advice=look_at(words, chosen, here))


def look_at(words: str, chosen: Chosen, desk: Desk) -> Advice:
    """Return the advice of `threelines check`, in the language of the page."""
    options = desk.options
    return weigh(
        words, desk.vocabulary, chosen.given, today=now().date(), confirmed=options.helplines, countries=options.countries
    )  # fmt: skip


def places(advice: Advice, desk: Desk) -> list[Shown]:
    """Return where to turn: the deployer's countries, or everywhere for somebody in need, who cannot name one here."""
    if desk.options.countries or advice.support:
        return list(advice.helplines)
    return [entry for entry in advice.helplines if entry.number or entry.everywhere]


def _chosen(request: Request, lang: str) -> Chosen:
    wanted = lang or request.headers.get("accept-language", "")
    return choose(desk(request).interfaces, wanted, today=now().date())


def _page(
    request: Request, chosen: Chosen, *, fault: str = "", advice: Advice | None = None, status: int = 200
) -> HTMLResponse:
    here: Desk = desk(request)
    html = environment().get_template("check.html").render(
        shown=chosen, words=chosen.given.interface, fault=fault, advice=advice, demo=here.options.demo,
        places=places(advice, here) if advice else [],
        languages=sorted(here.interfaces.values(), key=lambda entry: entry.language),
        standing={code for code, entry in here.interfaces.items() if entry.stands(now().date())},
        exit_address=here.options.exit_address,
    )  # fmt: skip
    return HTMLResponse(html, status_code=status)
