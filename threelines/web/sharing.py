"""What leaves, and the second person who agrees to it: referrals and releases, with receipt and answer."""

from __future__ import annotations

import importlib
import io
import tempfile
import zipfile
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from threelines.exports.sharing import Handover
from threelines.people import approval, release
from threelines.people.approval import Approval, ApprovalError, Listed
from threelines.people.register import Register, RegisterError
from threelines.roles import allowed, scope_of
from threelines.web.accounts import Person
from threelines.web.desk import Sent, desk, may, may_change, text
from threelines.web.pages import page

router = APIRouter(prefix="/release", include_in_schema=False)
_PREPARE = ("release.prepare", "referral.prepare", "export.prepare")
_APPROVE = ("release.approve", "referral.approve", "export.approve")
Sharer = Annotated[Person, Depends(may(*_PREPARE, *_APPROVE))]
ApproverForm = Annotated[Person, Depends(may_change(*_APPROVE))]
StatisticsForm = Annotated[Person, Depends(may_change("release.prepare"))]
PreparerForm = Annotated[Person, Depends(may_change(*_PREPARE))]
Part = Annotated[int, Query(ge=1, le=10**6)]
SHOWN = 50
"""Requests on one page."""
COMPARED = 100
"""A request of more cases is compared with them when somebody decides, not whenever the page is shown."""
_MEDIA = {".json": "application/json", ".pdf": "application/pdf", ".csv": "text/csv; charset=utf-8"}


def _register(request: Request, person: Person) -> Register:
    mine = copy(desk(request).register)
    mine.user = person.user
    return mine


def prepare_referral(register: Register, case: str, *, recipient: str, basis: str) -> str:
    """Ask for a second person's approval of one case's referral, exactly as it stands; return the request's id."""
    if not recipient.strip():
        raise RegisterError(f"{case}: name the authority that receives it")
    incident = register.incident(case, "share_with_police")
    made = datetime.now(UTC).replace(microsecond=0).isoformat()
    digest = approval.content_digest("referral", [incident], approval.Terms(recipient=recipient, basis=basis))
    return approval.prepare(register, "referral", digest, case=case, recipient=recipient, basis=basis, stamp=made)


@router.get("")
def releases(request: Request, person: Sharer, part: Part = 1) -> Response:
    """Show what waits for a second person, then what was decided, as far as this person reaches."""
    return _page(request, person, part=part)


def _page(request: Request, person: Person, *, fault: str = "", status: int = 200, part: int = 1) -> Response:
    register, here = _register(request, person), desk(request)
    names = {entry.id: entry.name for entry in here.accounts.all()}
    found = approval.listed(register, skip=(part - 1) * SHOWN, limit=SHOWN + 1)
    return page(
        request, "release.html", person=person, status=status, fault=fault, names=names, part=part,
        has_more=len(found) > SHOWN, can_statistics=allowed(person.role, "release.prepare"),
        can_name=scope_of(person.role, "case.list") is not None, can_read=scope_of(person.role, "case.read") is not None,
        requests=[_shown(register, entry) for entry in found[:SHOWN]],
    )  # fmt: skip


def _shown(register: Register, entry: Listed) -> dict[str, Any]:
    found = entry.request
    is_open = found.state in ("prepared", "approved") and len(found.cases) <= COMPARED
    changed = is_open and not approval.is_current(register, found)
    is_mine = found.prepared_by == register.user.id
    return {
        "request": found,
        "changed": changed,
        "papers": _papers(found),
        "may_decide": found.state == "prepared" and not is_mine and "approve" in entry.acts,
        "is_mine": is_mine,
        "can_send": ((found.state == "approved" and not changed) or found.state == "sent") and "prepare" in entry.acts,
    }


@router.post("/statistics")
def prepare_statistics(request: Request, person: StatisticsForm) -> Response:
    """Make a statistical release and ask for a second person; nothing leaves yet."""
    try:
        release.prepare(_register(request, person))
    except release.ReleaseError as fault:
        return _page(request, person, fault=str(fault), status=422)
    return _see()


@router.get("/{request_id}")
def read_release(request: Request, request_id: str, person: Sharer) -> Response:
    """Show every file of a statistical release, for the person who decides about it."""
    try:
        found = release.read(_register(request, person), request_id)
    except (release.ReleaseError, ApprovalError) as fault:
        return _page(request, person, fault=str(fault), status=409)
    return page(request, "release_files.html", person=person, found=found)


@router.post("/{request_id}/publish")
def publish(request: Request, request_id: str, person: StatisticsForm) -> Response:
    """Give exactly the bytes that the second person approved, as one ZIP file."""
    with tempfile.TemporaryDirectory(prefix="threelines-") as folder:
        try:
            paths = release.publish(_register(request, person), request_id, Path(folder) / "release")
        except (release.ReleaseError, ApprovalError) as fault:
            return _page(request, person, fault=str(fault), status=409)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in paths:
                archive.write(path, path.relative_to(folder).as_posix())
    headers = {"content-disposition": 'attachment; filename="release.zip"'}
    return Response(packed.getvalue(), media_type="application/zip", headers=headers)


@router.post("/{request_id}/decide")
def decide(request: Request, request_id: str, person: ApproverForm, form: Sent) -> Response:
    """Approve or refuse, as a second person."""
    try:
        approval.decide(_register(request, person), request_id, yes=text(form, "decision") == "approve")
    except ApprovalError as fault:
        return _page(request, person, fault=str(fault), status=409)
    return _see()


@router.post("/{request_id}/answer")
def answer(request: Request, request_id: str, person: PreparerForm, form: Sent) -> Response:
    """Record that it was sent, with the receipt, or what the recipient answered."""
    register = _register(request, person)
    try:
        if approval.read(register, request_id).state == "approved":
            approval.mark_sent(register, request_id, receipt=text(form, "words")[:400])
        else:
            approval.record_answer(register, request_id, answer=text(form, "words")[:2000])
    except ApprovalError as fault:
        return _page(request, person, fault=str(fault), status=409)
    return _see()


@router.get("/{request_id}/{name}")
def paper(request: Request, request_id: str, name: str, person: Sharer) -> Response:
    """Give the papers of a request about cases, for whoever decides about it; without two people they say draft."""
    register = _register(request, person)
    try:
        found = approval.read(register, request_id)
        approval.require_reach(register, found)
        if name not in _papers(found):
            raise ApprovalError(f"{request_id}: has no such paper")
        return _paper(register, found, name, desk(request).options.organisation)
    except (ApprovalError, RegisterError) as fault:
        return _page(request, person, fault=str(fault), status=409)


def _papers(found: Approval) -> tuple[str, ...]:
    """Return the names of a request's papers; none for statistics, and where it does not say which cases it is of."""
    if found.kind == "release" or not found.cases:
        return ()
    name = str(found.details.get("format", "referral"))
    module = _format(name)
    return tuple(f"{name}{ending}" for ending in (module.SUFFIX, *getattr(module, "BESIDE", ())))


def _format(name: str) -> Any:
    return importlib.import_module(f"threelines.exports.{name}")


def _paper(register: Register, found: Approval, name: str, organisation: str) -> Response:
    rows = approval.written_now(register, found)
    about, module = found.details, _format(name.partition(".")[0])
    # Whoever decides about exactly these facts reads them by that right, without a right to the cases themselves.
    record = found.cases[0] if len(found.cases) == 1 else found.id
    register.audit.add(register.user, f"leaving.{module.PURPOSE}", record=record, reason="referral")
    people = (found.prepared_by, found.decided_by) if found.state in ("approved", "sent", "answered") else ()
    handover = Handover(
        organisation=str(about.get("organisation", organisation)), recipient=str(about["recipient"]),
        legal_basis=str(about["basis"]), tlp=about.get("tlp", "red"), approvals=people,
        made=datetime.fromisoformat(str(about["stamp"])),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="threelines-") as folder:
        out = Path(folder) / f"paper{module.SUFFIX}"
        module.write(rows, out, handover)
        body = out.with_suffix(name[name.index(".") :]).read_bytes()
    # A table has no place to say that it is a draft: its name does.
    told = name if people or getattr(module, "MARKS_DRAFT", True) else f"DRAFT-{name}"
    headers = {"content-disposition": f'attachment; filename="{told}"'}
    return Response(body, media_type=_MEDIA[Path(name).suffix], headers=headers)


def _see() -> RedirectResponse:
    return RedirectResponse("/release", status_code=303)
