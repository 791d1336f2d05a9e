"""The reviewer's screens: the queue, one finding, decide, undo, training, labels, upload."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response, StreamingResponse

from threelines.agreement import alpha
from threelines.platforms.finding import DECISIONS, NEEDS_REASON, REASONS, Finding, Opened, Verdict
from threelines.platforms.picture import network_picture
from threelines.platforms.review import ReviewError
from threelines.records import Record, Signal, places_of
from threelines.roles import allowed
from threelines.vocabulary.terms import Vocabulary
from threelines.web.accounts import Person
from threelines.web.desk import NotSignedIn, Sent, desk, may, may_change, now, text
from threelines.web.ingest import IngestError, take_upload
from threelines.web.pages import page, pieces
from threelines.web.security import same_site
from threelines.web.windows import SHOWN, Gap, page_of, whole, windows


class BackToFinding(APIRoute):
    """A form about a finding, sent after the session ended, leads back to that finding by way of the sign-in."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's answer with this way back; another site's form and any other fault pass as they are."""
        answer = super().get_route_handler()

        async def with_way_back(request: Request) -> Response:
            try:
                return await answer(request)
            except NotSignedIn:
                finding = str(request.path_params.get("finding", ""))
                if request.method != "POST" or not finding.isalnum() or not same_site(request):
                    raise
                return _see(f"/login?next=/review/{finding}")

        return with_way_back


router = APIRouter(prefix="/review", include_in_schema=False, route_class=BackToFinding)
Lister = Annotated[Person, Depends(may("finding.list"))]
ReviewerForm = Annotated[Person, Depends(may_change("finding.review"))]
Reviewer = Annotated[Person, Depends(may("finding.review"))]
SecondReader = Annotated[Person, Depends(may("finding.second"))]
Follower = Annotated[Person, Depends(may("finding.follow"))]
Revealer = Annotated[Person, Depends(may("finding.reveal"))]

DECISION_WORDS = {
    "no_concern": "No concern",
    "watch": "Watch",
    "support": "Offer support",
    "refer": "Refer",
    "remove": "Remove",
}
READ_FIRST = 1.0
"""Seconds that a finding is on the screen before a decision counts: nobody reads faster, but double clicks do."""
_TOO_SOON = "This finding had only just come up, and nothing was decided. Look at it, then decide."
_MOMENT = re.compile(r"\d{1,11}(\.\d{1,3})?", re.ASCII)
LISTED = 50
"""Referred findings on one page."""
Part = Annotated[int, Query(ge=0, le=2**31 - 1)]
"""A page of the whole thread, from 1; 0 is the talk around the signs."""


@router.get("")
def queue(request: Request, person: Lister, everything: bool = False) -> Response:
    """Show what waits, gravest and oldest first, in the languages this person reads."""
    return _queue_page(request, person, everything=everything)


def _queue_page(
    request: Request, person: Person, *, everything: bool = False, fault: str = "", note: str = "", status: int = 200
) -> Response:
    here, languages = desk(request), () if everything else person.settings.languages
    waiting = here.review.queue(person.user, languages=languages)
    elsewhere = 0 if everything or not languages else here.review.waiting_elsewhere(person.user, languages)
    return page(
        request, "queue.html", person=person, status=status, items=waiting, counts=here.review.counts(), fault=fault,
        note=note, elsewhere=elsewhere, can_review=allowed(person.role, "finding.review"),
        can_reveal=allowed(person.role, "finding.reveal"), waiting_training=_training(request, person),
        decided=_decided(request, person), decision_words=DECISION_WORDS,
    )  # fmt: skip


def _training(request: Request, person: Person) -> int:
    return len(desk(request).review.training(person.user)) if allowed(person.role, "finding.review") else 0


def _decided(request: Request, person: Person) -> Any:
    return desk(request).review.decided(person.user, limit=10) if allowed(person.role, "finding.review") else ()


@router.get("/state")
def state(request: Request, person: Lister) -> Response:
    """Give the counts alone, for a page that stays open; asking for them is no sign of life (desk.py)."""
    return page(request, "queue_state.html", person=person, counts=desk(request).review.counts())


@router.post("/next")
def take_next(request: Request, person: ReviewerForm, form: Sent) -> Response:
    """Take the first item that waits (or the one chosen) and show its first finding."""
    taken = desk(request).review.take(person.user, languages=person.settings.languages, item=text(form, "item"))
    return _see(f"/review/{taken}" if taken else "/review")


@router.post("/back")
def put_back(request: Request, person: ReviewerForm) -> Response:
    """Give the held item back to the queue."""
    desk(request).review.put_back(person.user)
    return _see("/review")


@router.post("/undo")
def undo(request: Request, person: ReviewerForm) -> Response:
    """Take the own last decision back and show that finding again."""
    try:
        finding = desk(request).review.undo(person.user)
    except ReviewError as fault:
        return _queue_page(request, person, fault=str(fault), status=409)
    return _see(f"/review/{finding}")


@router.get("/training")
def training(request: Request, person: Reviewer) -> Response:
    """Show the next golden item, or how the answers so far agree."""
    waiting = desk(request).review.training(person.user)
    return _see(f"/review/{waiting[0].id}") if waiting else _agreement_page(request, person)


@router.get("/agreement")
def agreement(request: Request, person: SecondReader) -> Response:
    """Show how far reviewers agree, as a figure about the task and not about a person."""
    return _agreement_page(request, person)


def _agreement_page(request: Request, person: Person) -> Response:
    here = desk(request)
    ratings = here.review.ratings()
    figure = alpha(rated.values() for rated in ratings.values())
    return page(
        request, "agreement.html", person=person, alpha=figure, twice=len(ratings),
        mine=here.review.answers(person.user), decision_words=DECISION_WORDS,
    )  # fmt: skip


@router.get("/labels.jsonl")
def labels(request: Request, person: Revealer) -> Response:
    """Give the decided records with the decision as label, for `threelines fit`."""
    records = desk(request).review.labels(person.user)
    return StreamingResponse(
        (_label_line(record) for record in records), media_type="application/jsonl",
        headers={"content-disposition": 'attachment; filename="labels.jsonl"'},
    )  # fmt: skip


def _label_line(record: Record) -> bytes:
    return msgspec.json.encode(record) + b"\n"


@router.get("/upload")
def upload_form(request: Request, person: Reviewer) -> Response:
    """Show the form for an export."""
    return page(request, "upload.html", person=person, fault="", result=None)


@router.post("/upload")
async def upload(request: Request, person: ReviewerForm, form: Sent) -> Response:
    """Read an export, judge it, and put what is raised into the queue."""
    return await desk(request).scans.take(lambda: _uploaded(request, person, form))


def _uploaded(request: Request, person: Person, form: FormData) -> Response:
    here, sent = desk(request), form.get("export")
    if not isinstance(sent, UploadFile) or not sent.filename:
        return page(request, "upload.html", person=person, fault="Choose a file first.", result=None, status=422)
    here.audit.add(person.user, "finding.upload", reason="import")
    try:
        result = take_upload(here, sent.file, name=sent.filename)
    except IngestError as fault:
        return page(request, "upload.html", person=person, fault=str(fault), result=None, status=422)
    return page(request, "upload.html", person=person, fault="", result=result)


@router.get("/referred")
def referred(request: Request, person: Follower, part: Part = 0) -> Response:
    """List what was finally referred or needs support, for the people of the register: codes only, no words."""
    here = desk(request)
    found = here.review.referred(person.user, skip=part * LISTED, limit=LISTED + 1)
    return page(
        request, "referred.html", person=person, part=part, has_more=len(found) > LISTED, decision_words=DECISION_WORDS,
        rows=[(row, time, here.register.is_imported(row.id)) for row, time in found[:LISTED]],
        can_add=allowed(person.role, "case.add", "own"), can_open=allowed(person.role, "finding.review"),
    )  # fmt: skip


@router.get("/{finding}")
def show(request: Request, finding: str, person: Reviewer, part: Part = 0) -> Response:
    """Show one finding: the words in their place, the signs, and what else they can mean."""
    return _finding_page(request, person, finding, part=part)


def _finding_page(
    request: Request, person: Person, finding: str, *, fault: str = "", typed: Verdict | None = None, part: int = 0,
    shown_at: str = "",
) -> Response:  # fmt: skip
    here = desk(request)
    try:
        opened = here.review.open(person.user, finding)
    except ReviewError as problem:
        return _queue_page(request, person, fault=str(problem), status=409)
    return page(
        request, "finding.html", person=person, status=422 if fault else 200, fault=fault, typed=typed or opened.typed,
        row=opened.row, neighbours=_neighbours(opened.beside, finding), waiting=len(opened.beside), decisions=_choices(),
        reasons=REASONS, needs_reason=NEEDS_REASON, seen=opened.seen, pause=_pause(person),
        shown_at=shown_at or f"{now().timestamp():.3f}", **_content(opened, here.vocabulary, part),
    )  # fmt: skip


def _choices() -> list[tuple[int, str, str]]:
    return [(number, decision, DECISION_WORDS[decision]) for number, decision in enumerate(DECISIONS, 1)]


def _pause(person: Person) -> int:
    """Return the minutes of work when a break is due, else 0."""
    minutes = int((now().timestamp() - person.since) / 60)
    after = person.settings.break_after
    return minutes if after and minutes >= after and minutes % after < 10 else 0


def _neighbours(keys: tuple[str, ...], finding: str) -> tuple[str, str]:
    if finding not in keys:
        return "", ""
    place = keys.index(finding)
    return (keys[place - 1] if place else ""), (keys[place + 1] if place + 1 < len(keys) else "")


def _content(opened: Opened, vocabulary: Vocabulary, part: int) -> dict[str, Any]:
    finding, judged = opened.finding, opened.finding.assessment
    numbers: dict[str, int] = {}
    for signal in judged.signals:
        numbers.setdefault(signal.indicator, len(numbers) + 1)
    records, shown = _in_order(finding)
    return {
        "judged": judged,
        "signs": [_sign(vocabulary, judged.signals, name, number) for name, number in numbers.items()],
        "records": [
            {"gap": where}
            if isinstance(where, Gap)
            else {
                "gap": None, "place": where, "record": records[where], "shows": bool(shown[where]),
                "pieces": pieces(records[where], shown[where], numbers),
                "context": any(beside is records[where] for beside in finding.context),
            }
            for where in _places(shown, part)
        ],
        "part": part,
        "parts": page_of(max(0, len(records) - 1)),
        "is_long": len(records) > SHOWN,
        "elements": _elements(judged.elements, vocabulary),
        "capabilities": [vocabulary.elements["capability"][name]["label"] for name in judged.capabilities],
        "timeline": [
            (record.time, number)
            for record, signals in zip(records, shown, strict=True)
            for number in sorted({numbers[signal.indicator] for signal in signals})
            if record.time
        ],
        "picture": _picture(finding),
    }  # fmt: skip


def _in_order(finding: Finding) -> tuple[list[Record], list[list[Signal]]]:
    """Return the records in order of time, and the signals that each of them shows."""
    held, signals = (*finding.records, *finding.context), finding.assessment.signals
    shown: list[list[Signal]] = [[] for _ in held]
    for signal, place in zip(signals, places_of(signals, held), strict=True):
        if place >= 0:
            shown[place].append(signal)
    order = sorted(range(len(held)), key=lambda n: (held[n].time is not None, held[n].time or now()))
    return [held[n] for n in order], [shown[n] for n in order]


def _places(shown: Sequence[Sequence[Signal]], part: int) -> list[int | Gap]:
    signs = [place for place, signals in enumerate(shown) if signals]
    if part:
        return whole(len(shown), signs, part)
    first: dict[str, int] = {}
    for place in signs:
        for signal in shown[place]:
            first.setdefault(signal.indicator, place)
    return windows(len(shown), signs, sorted(first.values()))


def _sign(vocabulary: Vocabulary, signals: Any, name: str, number: int) -> dict[str, Any]:
    mine = [signal for signal in signals if signal.indicator == name]
    heading = vocabulary.indicators[name].name if name in vocabulary.indicators else ""
    return {
        "number": number,
        "indicator": vocabulary.indicators.get(name),
        "id": name,
        "strength": mine[0].strength,
        "details": [d for d in dict.fromkeys(s.detail for s in mine) if d and d.rstrip(".") != heading][:4],
        "shadow": mine[0].shadow,
    }


def _elements(elements: Any, vocabulary: Vocabulary) -> list[tuple[str, list[str]]]:
    found = [
        (kind.capitalize(), [vocabulary.elements[kind][value] for value in getattr(elements, kind)])
        for kind in ("act", "means", "purpose")
    ]
    return [(kind, values) for kind, values in found if values]


def _picture(finding: Finding) -> str:
    facts = finding.assessment.facts
    return network_picture(facts) if finding.assessment.thread.kind == "network" and isinstance(facts, dict) else ""


@router.post("/{finding}/decide")
def decide(
    request: Request,
    finding: str,
    person: ReviewerForm,
    form: Sent,
) -> Response:
    """Write the decision down and go on to the next finding."""
    here, decision, shown_at = desk(request), text(form, "decision"), text(form, "shown_at")
    spent = now().timestamp() - float(shown_at) if _MOMENT.fullmatch(shown_at) else READ_FIRST
    said: Any = {"decision": decision, "reason": text(form, "reason"), "note": text(form, "note")[:2000]}
    verdict = Verdict(**said, seconds=int(spent))
    again: Any = {"typed": verdict, "shown_at": shown_at}
    if 0 <= spent < READ_FIRST:
        return _finding_page(request, person, finding, fault=_TOO_SOON, **again)
    try:
        row, following = here.review.decide_and_take(person.user, finding, verdict, languages=person.settings.languages)
    except ReviewError as fault:
        return _finding_page(request, person, finding, fault=str(fault), **again)
    if row.stage == "training":
        return page(
            request, "answer.html", person=person, row=row, mine=decision, decision_words=DECISION_WORDS,
            again=len(here.review.training(person.user)),
        )  # fmt: skip
    return _see(f"/review/{following}" if following else "/review")


@router.post("/{finding}/appeal")
def appeal(request: Request, finding: str, person: ReviewerForm) -> Response:
    """Let a colleague read a decided finding again."""
    here = desk(request)
    try:
        here.review.appeal(finding)
    except ReviewError as fault:
        return _queue_page(request, person, fault=str(fault), status=404)
    here.audit.add(person.user, "finding.appeal", record=finding, reason="review")
    return _queue_page(request, person, note="A colleague will read it again.")


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
