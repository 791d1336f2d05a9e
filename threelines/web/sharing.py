"""What leaves, and the second person who agrees to it: referrals and releases, with receipt and answer."""

from __future__ import annotations

import io
import tempfile
import zipfile
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from threelines.exports.sharing import Handover
from threelines.people import approval, release
from threelines.people.approval import Approval, ApprovalError
from threelines.people.register import Register, RegisterError
from threelines.records import Incident
from threelines.roles import allowed
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
SHOWN = 50


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
    return approval.prepare(
        register, "referral", _digest(incident, recipient), case=case, recipient=recipient, basis=basis, stamp=made
    )


def _digest(incident: Incident, recipient: str) -> str:
    return approval.digest_of(msgspec.json.encode(("referral", recipient, [incident]), order="sorted"))


@router.get("")
def releases(request: Request, person: Sharer) -> Response:
    """Show what waits for a second person, and what was approved."""
    return _page(request, person)


def _page(request: Request, person: Person, *, fault: str = "", status: int = 200) -> Response:
    register, here = _register(request, person), desk(request)
    names = {entry.id: entry.name for entry in here.accounts.all()}
    return page(
        request, "release.html", person=person, status=status, fault=fault, names=names, can_statistics=allowed(person.role, "release.prepare"),
        requests=[_shown(register, found, person) for found in approval.recent(register, limit=SHOWN)],
    )  # fmt: skip


def _shown(register: Register, found: Approval, person: Person) -> dict[str, Any]:
    return {
        "request": found,
        "may_approve": found.state == "prepared"
        and found.prepared_by != person.id
        and allowed(person.role, f"{found.kind}.approve", "own"),
        "is_mine": found.prepared_by == person.id,
        "can_send": found.state in ("approved", "sent") and allowed(person.role, f"{found.kind}.prepare", "own"),
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
    """Give the papers of a referral as JSON or PDF; without two people they say draft."""
    register = _register(request, person)
    try:
        found = approval.read(register, request_id)
        is_paper = name in ("referral.json", "referral.pdf")
        if found.kind != "referral" or not is_paper or "case" not in found.details:
            raise ApprovalError(f"{request_id}: has no such paper")
        return _paper(register, found, name, desk(request).options.organisation)
    except (ApprovalError, RegisterError) as fault:
        return _page(request, person, fault=str(fault), status=409)


def _paper(register: Register, found: Approval, name: str, organisation: str) -> Response:
    from threelines.exports import referral

    recipient = str(found.details["recipient"])
    # Whoever decides about exactly these bytes reads them by that right, without a right to the case itself.
    decides = found.prepared_by != register.user.id and allowed(register.user.role, "referral.approve", "own")
    permission = "referral.approve" if decides else "referral.prepare"
    incident = register.incident(str(found.details["case"]), "share_with_police", permission=permission)
    if _digest(incident, recipient) != found.digest:
        raise ApprovalError(f"{found.id}: the case or its consent changed since; prepare it again")
    people = (found.prepared_by, found.decided_by) if found.state in ("approved", "sent", "answered") else ()
    handover = Handover(
        organisation=organisation, recipient=recipient, legal_basis=str(found.details["basis"]), tlp="red",
        approvals=people, made=datetime.fromisoformat(str(found.details["stamp"])),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="threelines-") as folder:
        out = Path(folder) / "referral.json"
        referral.write([incident], out, handover)
        body = (out if name.endswith(".json") else out.with_suffix(".pdf")).read_bytes()
    kind = "application/json" if name.endswith(".json") else "application/pdf"
    return Response(body, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'})


def _see() -> RedirectResponse:
    return RedirectResponse("/release", status_code=303)
