"""The check page: no login, nothing stored, one small page that works on an old phone without scripts."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from threelines.assess import assess
from threelines.people.interface import Shown, choose
from threelines.records import Assessment, Record, Thread
from threelines.vocabulary.terms import Vocabulary
from threelines.web.desk import Desk, Sent, desk, now, peer, text
from threelines.web.pages import environment

LONGEST = 10_000
"""Characters of an offer; more is refused, never cut silently."""
SIGNS = 6
"""Signs shown at most: a frightened reader gets the strongest first."""
_STRENGTH = {"strong": 0, "medium": 1, "weak": 2, "context": 3}

router = APIRouter(include_in_schema=False)


@router.get("/check")
def ask(request: Request, lang: str = "") -> HTMLResponse:
    """Show the empty page."""
    return _page(request, _shown(request, lang))


@router.post("/check")
def answer(request: Request, form: Sent) -> HTMLResponse:
    """Look at the words and forget them."""
    here, shown = desk(request), _shown(request, text(form, "lang"))
    words = text(form, "offer").strip()
    if not here.public.allows(peer(request)):
        return _page(request, shown, fault="busy", status=429)
    if not words or len(words) > LONGEST:
        return _page(request, shown, fault="too_long" if words else "empty", offer=words[:LONGEST], status=422)
    return _page(request, shown, offer=words, result=look(words, here.vocabulary))


def look(words: str, vocabulary: Vocabulary) -> dict[str, Any]:
    """Judge the words as one advert; return what the page shows, strongest sign first."""
    record = Record(id="offer", kind="advert", text=words)
    judged = assess(Thread(kind="advert", id="offer", records=(record,)), vocabulary)
    return {"judged": judged, "signs": _signs(judged, vocabulary), "level": _level(judged)}


def _level(judged: Assessment) -> str:
    if judged.tier in ("priority", "urgent"):
        return "signs_many"
    return "signs_some" if judged.signals else "signs_none"


def _signs(judged: Assessment, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    best: dict[str, Any] = {}
    for signal in sorted(judged.signals, key=lambda s: (_STRENGTH[s.strength], s.start)):
        indicator = vocabulary.indicators[signal.indicator]
        if indicator.counts and not indicator.ai_use and not signal.shadow:
            best.setdefault(signal.indicator, {"indicator": indicator, "quote": signal.quote, "detail": signal.detail})
    return list(best.values())[:SIGNS]


def _shown(request: Request, lang: str) -> Shown:
    wanted = lang or request.headers.get("accept-language", "")
    return choose(desk(request).interfaces, wanted, today=now().date())


def _page(
    request: Request, shown: Shown, *, fault: str = "", offer: str = "", result: Any = None, status: int = 200
) -> HTMLResponse:
    here: Desk = desk(request)
    html = environment().get_template("check.html").render(
        shown=shown, words=shown.given.interface, fault=fault, offer=offer, result=result, demo=here.options.demo,
        languages=sorted(here.interfaces.values(), key=lambda entry: entry.language),
        standing={code for code, entry in here.interfaces.items() if entry.stands(now().date())},
        exit_address=here.options.exit_address,
    )  # fmt: skip
    return HTMLResponse(html, status_code=status)
