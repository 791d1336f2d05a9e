"""The register's pages: list, finding a person, one case, identity, consent, history, handing over, erasure, referral."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from threelines.people import access, keeping
from threelines.people.access import REASONS
from threelines.people.definition import Form, FormError, words_of
from threelines.people.history import history
from threelines.people.recipients import recipients
from threelines.people.register import Register, RegisterError
from threelines.roles import allowed, scope_of
from threelines.web.accounts import Person
from threelines.web.case_form import edit_with_identity, register_for, router, see
from threelines.web.desk import Sent, desk, may, may_change, text
from threelines.web.pages import page
from threelines.web.sharing import prepare_referral

__all__ = ["register_for", "router"]

Lister = Annotated[Person, Depends(may("case.list"))]
Reader = Annotated[Person, Depends(may("case.read"))]
Finder = Annotated[Person, Depends(may("identity.match"))]
FinderForm = Annotated[Person, Depends(may_change("identity.match"))]
IdentityForm = Annotated[Person, Depends(may_change("identity.read"))]
Consenter = Annotated[Person, Depends(may("consent.record"))]
ConsentForm = Annotated[Person, Depends(may_change("consent.record"))]
AssignForm = Annotated[Person, Depends(may_change("case.assign"))]
EraseForm = Annotated[Person, Depends(may_change("case.erase"))]
HoldForm = Annotated[Person, Depends(may_change("case.hold"))]
ReferralForm = Annotated[Person, Depends(may_change("referral.prepare"))]
Place = Annotated[int, Query(le=2**63 - 1)]
"""A place in the list: no database counts further."""

PAGE = 50
_DRAFT_OF_NEW = re.compile(r"new-(short|full)-[0-9a-f]{32}")
_DRAFT_OF_CHANGE = re.compile(r"change-\d{1,9}", re.ASCII)
WORKERS = ("case_worker", "supervisor")
"""Roles that go on with a case; who takes calls hands it over."""
ERASED_FOR = {
    "erasure request": "The person asks for it", "data quality": "It was kept twice, or by mistake",
    "legal duty": "A legal duty",
}  # fmt: skip
"""Why a case is erased: the audit's word → ours."""
SOUGHT = (
    ("prs_MobilePhone", "Telephone, with its country code", "text"), ("prs_Email", "E-mail", "text"),
    ("prs_IdentityNumber", "Number of a document", "text"), ("prs_FirstName", "First name", "text"),
    ("prs_SecondName", "Second name", "text"), ("prs_Birthdate", "Birth date", "date"),
)  # fmt: skip
"""Field, label and input type of what a person can be found by."""


@router.get("")
def cases(
    request: Request, person: Lister, status: str = "", whose: str = "", before: Place = 0, erased: str = ""
) -> Response:
    """List the cases in this person's reach, newest first; a supervisor also the own ones, and those without a worker."""
    register = register_for(request, person)
    known = status if status in ("active", "follow_up", "closed") else ""
    people = desk(request).accounts.all() if person.role == "supervisor" else ()
    chosen = whose if people and whose in ("mine", "waiting") else ""
    workers = {entry.id for entry in people if entry.role in WORKERS and not entry.disabled}
    rows = register.list(
        status=known, owner=person.id if chosen == "mine" else "", without=workers if chosen == "waiting" else (),
        before=max(before, 0), limit=PAGE,
    )  # fmt: skip
    return page(
        request, "register.html", person=person, rows=rows, state=known, count=register.count(), whose=chosen,
        names={entry.id: entry.name + (", closed" if entry.disabled else "") for entry in people},
        more=rows[-1].place if len(rows) == PAGE else 0, can_add=allowed(person.role, "case.add", "own"),
        can_find=allowed(person.role, "identity.match", "own"), ending="" if _reads(person) else "/consent",
        erased=bool(erased),
        told=recipients(register, erased) if erased and allowed(person.role, "case.erase", "all") else [],
    )  # fmt: skip


def _reads(person: Person) -> bool:
    return scope_of(person.role, "case.read") is not None


@router.get("/find")
def find_form(request: Request, person: Finder) -> Response:
    """Ask for what a person can be found by."""
    return _find_page(request, person)


@router.post("/find")
def find(request: Request, person: FinderForm, form: Sent) -> Response:
    """Find the cases of one person by telephone, e-mail, document, or name with birth date; exact, and in the audit."""
    sought = {name: text(form, name).strip()[:200] for name, _, _ in SOUGHT if text(form, name).strip()}
    reason, register = text(form, "reason"), register_for(request, person)
    if reason not in REASONS:
        return _find_page(request, person, sought=sought, fault="Say why: choose a reason.", status=422)
    if not register.vault.tags(sought):
        fault = "Give a telephone, an e-mail, a document number, or a name with the birth date."
        return _find_page(request, person, sought=sought, fault=fault, status=422)
    found = register.match(sought, reason=reason)
    return _find_page(request, person, sought=sought, found=found)


def _find_page(
    request: Request, person: Person, *, sought: dict[str, str] | None = None, found: Any = None, fault: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    return page(
        request, "find.html", person=person, status=status, fault=fault, fields=SOUGHT, sought=sought or {}, found=found,
        reasons=REASONS, ending="" if _reads(person) else "/consent", is_own=scope_of(person.role, "identity.match") == "own",
    )  # fmt: skip


# ---------------------------------------------------------------------- one case


@router.get("/{case}")
def show(request: Request, case: str, person: Reader, saved: str = "", ended: str = "") -> Response:
    """Show one case: coded fields, consent, provenance; the identity stays in the vault."""
    return _case_page(request, person, case, saved=saved, ended=ended)


def _case_page(
    request: Request, person: Person, case: str, *, identity: access.Identities | None = None, fault: str = "",
    saved: str = "", ended: str = "", status: int = 200,
) -> Response:  # fmt: skip
    register = register_for(request, person)
    found = register.get(case)
    return page(
        request, "case.html", person=person, status=status, case=found, form=register.form, fault=fault,
        saved=_saved(saved, case), told=_told(register, case, ended), shown=_shown(register.form, found.fields),
        today=register.today, reasons=REASONS,
        identity=_shown(register.form, identity.own) if identity else None, opened=identity is not None,
        further=[(part.entity, _shown(register.form, part.fields)) for part in identity.further] if identity else [],
        can_identity=allowed(person.role, "identity.read", "own"), can_hold=allowed(person.role, "case.hold", "own"),
        can_refer=allowed(person.role, "referral.prepare", "own"), worker=_name(request, found.row.owner),
        team=[entry for entry in _team(request, person) if entry.id != found.row.owner],
    )  # fmt: skip


def _told(register: Register, case: str, ended: str) -> list[str]:
    """Return who must be told after a withdrawal of one purpose, or of all."""
    return recipients(register, case, None if ended == "all" else {ended}) if ended else []


def _saved(saved: str, case: str) -> str:
    """Return whose draft on the device is kept now: that of a new form, or of a change of this case and up to which revision."""
    if _DRAFT_OF_CHANGE.fullmatch(saved):
        return saved.replace("change-", f"change-{case} ")
    return saved if not saved or _DRAFT_OF_NEW.fullmatch(saved) else "other"


def _name(request: Request, key: str) -> str:
    return next((entry.name for entry in desk(request).accounts.all() if entry.id == key), "")


def _team(request: Request, person: Person) -> list[Person]:
    """Return the open accounts to which this person may give a case: the own team's, by name."""
    if not allowed(person.role, "case.assign", "own"):
        return []
    reached = [entry for entry in desk(request).accounts.all() if entry.role in (*WORKERS, "intake")]
    return [
        entry
        for entry in reached
        if not entry.disabled and (entry.id == person.id or (person.team and entry.team == person.team))
    ]


def _shown(form: Form, fields: dict[str, Any]) -> list[tuple[str, str]]:
    known = [field for field in form.field if field.name in fields]
    return [(field.label, words_of(form, field.name, fields[field.name])) for field in known]


@router.post("/{case}/identity")
def identity(request: Request, case: str, person: IdentityForm, form: Sent) -> Response:
    """Open the vault for one case, to read it or to change it; the audit keeps who did and why."""
    reason = text(form, "reason") or "case work"
    if reason not in REASONS:
        return _case_page(request, person, case, fault="Say why: choose a reason.", status=422)
    if text(form, "do") == "change":
        return edit_with_identity(request, person, case, reason=reason)
    opened = access.identities(register_for(request, person), case, reason=reason)
    return _case_page(request, person, case, identity=opened)


@router.get("/{case}/history")
def show_history(request: Request, case: str, person: Reader) -> Response:
    """Show what each revision changed and who changed it; of the vault only which answers, never what they were."""
    register = register_for(request, person)
    found = register.get(case)
    names = {entry.id: entry.name for entry in desk(request).accounts.all()}
    return page(
        request, "history.html", person=person, case=found, form=register.form, names=names, words_of=words_of,
        changes=history(register.revisions(case), found),
    )  # fmt: skip


@router.post("/{case}/assign")
def assign(request: Request, case: str, person: AssignForm, form: Sent) -> Response:
    """Give a case to another worker of the team."""
    given = next((entry for entry in _team(request, person) if entry.id == text(form, "owner")), None)
    register = register_for(request, person)
    if given is None:
        fault = "Nobody of your team has this account; choose one of the list."
        return _case_page(request, person, case, fault=fault, status=422)
    register.assign(case, owner=given.id, team=given.team)
    return see(f"/register/{case}?saved=yes")


@router.post("/{case}/hold")
def hold(request: Request, case: str, person: HoldForm, form: Sent) -> Response:
    """Set or lift a legal hold."""
    register_for(request, person).hold(case, on=text(form, "on") == "yes")
    return see(f"/register/{case}{'' if _reads(person) else '/consent'}?saved=yes")


@router.post("/{case}/erase")
def erase(request: Request, case: str, person: EraseForm, form: Sent) -> Response:
    """Erase a case whole: with a reason, the id of the case typed, and no legal hold on it."""
    reason = text(form, "reason")
    if reason not in ERASED_FOR:
        return _consent_page(request, person, case, fault="Say why: choose a reason.", status=422)
    if text(form, "typed").strip() != case:
        fault = "Nothing was erased: type the whole id of this case, as it stands above."
        return _consent_page(request, person, case, fault=fault, status=422)
    try:
        keeping.erase(register_for(request, person), case, reason=reason)
    except RegisterError as fault:
        return _consent_page(request, person, case, fault=f"Nothing was erased. {fault}", status=409)
    return see(f"/register?erased={case}")


# ---------------------------------------------------------------------- consent and referral


@router.get("/{case}/consent")
def show_consent(request: Request, case: str, person: Consenter, saved: str = "", ended: str = "") -> Response:
    """Show the consent of a case and nothing else of it, to whoever records consent."""
    return _consent_page(request, person, case, saved=bool(saved), ended=ended)


def _consent_page(
    request: Request,
    person: Person,
    case: str,
    *,
    fault: str = "",
    saved: bool = False,
    ended: str = "",
    status: int = 200,
) -> Response:
    register = register_for(request, person)
    return page(
        request, "consent.html", person=person, status=status, case=register.consents(case), form=register.form,
        fault=fault, saved=saved, told=_told(register, case, ended), today=register.today, can_read=_reads(person),
        can_hold=allowed(person.role, "case.hold", "own"), erased_for=ERASED_FOR,
        can_erase=allowed(person.role, "case.erase", "own"),
    )  # fmt: skip


@router.post("/{case}/consent")
def consent(request: Request, case: str, person: ConsentForm, form: Sent) -> Response:
    """Record consent for one purpose, or withdraw all."""
    register, purpose, value = register_for(request, person), text(form, "purpose"), text(form, "value")
    try:
        if purpose == "all" and value == "withdrawn":
            register.withdraw(case)
        else:
            register.consent(case, purpose, value, **_details(form))
    except FormError as fault:
        words = "; ".join(problem.fault for problem in fault.problems)
        if _reads(person):
            return _case_page(request, person, case, fault=words, status=422)
        return _consent_page(request, person, case, fault=words, status=422)
    ended = "" if value == "yes" else f"&ended={purpose}"  # one of the form's, or all
    return see(f"/register/{case}{'' if _reads(person) else '/consent'}?saved=yes{ended}")


def _details(form: FormData) -> dict[str, str]:
    """Read how consent was given; what the form did not ask stays as it was."""
    return {name: text(form, name) for name in ("giver", "method", "language", "expires") if name in form}


@router.post("/{case}/refer")
def refer(request: Request, case: str, person: ReferralForm, form: Sent) -> Response:
    """Prepare a referral to an authority; a second person approves it on the releases page."""
    try:
        prepare_referral(
            register_for(request, person),
            case,
            recipient=text(form, "recipient")[:200],
            basis=text(form, "basis")[:400],
        )
    except RegisterError as fault:
        return _case_page(request, person, case, fault=str(fault), status=422)
    return see("/release")
