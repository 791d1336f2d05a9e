"""The register's pages: list, the two forms from the one definition, one case, identity, consent, referral."""

from __future__ import annotations

from copy import copy
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from threelines.people.definition import LISTS, Field, Form, FormError
from threelines.people.register import Register, RegisterError
from threelines.roles import allowed, scope_of
from threelines.web.accounts import Person
from threelines.web.desk import Sent, desk, may, may_change, text
from threelines.web.pages import page
from threelines.web.sharing import prepare_referral

router = APIRouter(prefix="/register", include_in_schema=False)
Lister = Annotated[Person, Depends(may("case.list"))]
Adder = Annotated[Person, Depends(may("case.add"))]
AdderForm = Annotated[Person, Depends(may_change("case.add"))]
Reader = Annotated[Person, Depends(may("case.read"))]
UpdaterForm = Annotated[Person, Depends(may_change("case.update"))]
Updater = Annotated[Person, Depends(may("case.update"))]
IdentityForm = Annotated[Person, Depends(may_change("identity.read"))]
ConsentForm = Annotated[Person, Depends(may_change("consent.record"))]
ReferralForm = Annotated[Person, Depends(may_change("referral.prepare"))]

SECTIONS = {
    "ai": "Use of AI", "ai_report": "Reported to", "case": "Case", "person": "Person", "perpetrator": "Others named",
    "organisation": "Organisation", "victim": "What happened", "referral": "Referral", "history": "History",
    "support": "Support", "consent": "Consent, as HTCDS writes it",
}  # fmt: skip
PAGE = 50
Place = Annotated[int, Query(le=2**63 - 1)]
"""A place in the list: no database counts further."""


def register_for(request: Request, person: Person) -> Register:
    """Return the register as this person sees it; tables were made when the console started."""
    mine = copy(desk(request).register)
    mine.user = person.user
    return mine


@router.get("")
def cases(request: Request, person: Lister, status: str = "", before: Place = 0) -> Response:
    """List the cases in this person's reach, newest first."""
    register = register_for(request, person)
    known = status if status in ("active", "follow_up", "closed") else ""
    rows = register.list(status=known, before=max(before, 0), limit=PAGE)
    names = {entry.id: entry.name for entry in desk(request).accounts.all()} if person.role == "supervisor" else {}
    return page(
        request, "register.html", person=person, rows=rows, state=known, count=register.count(), names=names,
        more=rows[-1].place if len(rows) == PAGE else 0, can_add=allowed(person.role, "case.add", "own"),
        can_read=scope_of(person.role, "case.read") is not None,
    )  # fmt: skip


@router.get("/new")
def new(request: Request, person: Adder, form: str = "short") -> Response:
    """Show an empty form: consent first, then the questions."""
    return _form_page(request, person, kind="full" if form == "full" else "short")


@router.post("/new")
def add(request: Request, person: AdderForm, form: Sent) -> Response:
    """Keep a new case."""
    register, kind = register_for(request, person), "full" if text(form, "form") == "full" else "short"
    answers = answers_of(form, fields_of(register.form, kind))
    try:
        case = register.add(answers, consent=consent_of(form, register.form), provenance=_provenance(form, kind))
    except FormError as fault:
        return _form_page(request, person, kind=kind, answers=answers, fault=fault, sent=form)
    return _see(f"/register/{case}?saved=yes")


def _provenance(form: FormData, kind: str) -> dict[str, str]:
    told = {name: text(form, name) for name in ("interview_language", "interpreter") if text(form, name)}
    return {"form_kind": kind, **told}


def _form_page(
    request: Request, person: Person, *, kind: str, answers: dict[str, Any] | None = None,
    fault: FormError | None = None, case: Any = None, sent: FormData | None = None,
) -> Response:  # fmt: skip
    register = register_for(request, person)
    given = {purpose: text(sent, f"consent.{purpose}") for purpose in register.form.purposes} if sent else {}
    return page(
        request, "case_form.html", person=person, status=422 if fault else 200, kind=kind, case=case, given=given,
        problems={problem.field: problem.fault for problem in fault.problems} if fault else {},
        sections=sections_of(register.form, kind), answers=answers or {}, form=register.form, lists=LISTS,
    )  # fmt: skip


def fields_of(form: Form, kind: str) -> tuple[Field, ...]:
    """Return the questions of the 60-second form or of the full one."""
    return form.short if kind == "short" else form.full


def sections_of(form: Form, kind: str) -> list[tuple[str, list[Field]]]:
    """Return the questions in their sections, in the definition's order."""
    found: dict[str, list[Field]] = {}
    for field in fields_of(form, kind):
        found.setdefault(SECTIONS.get(field.section, field.section), []).append(field)
    return list(found.items())


def answers_of(form: FormData, fields: tuple[Field, ...]) -> dict[str, Any]:
    """Read the answers of a form; what was left empty is not there."""
    answers: dict[str, Any] = {}
    for field in fields:
        if field.type in LISTS and field.values:
            value: Any = [part for part in form.getlist(field.name) if isinstance(part, str) and part]
        else:
            value = text(form, field.name).strip()
        if value:
            answers[field.name] = value
    return answers


def consent_of(form: FormData, definition: Form) -> dict[str, dict[str, str]]:
    """Read consent by purpose; what was not answered is not there, which means no."""
    details = {name: text(form, f"consent_{name}") for name in ("giver", "method", "language")}
    return {
        purpose: {"value": text(form, f"consent.{purpose}"), **{key: value for key, value in details.items() if value}}
        for purpose in definition.purposes
        if text(form, f"consent.{purpose}")
    }


@router.get("/{case}")
def show(request: Request, case: str, person: Reader, saved: str = "") -> Response:
    """Show one case: coded fields, consent, provenance; the identity stays in the vault."""
    return _case_page(request, person, case, saved=bool(saved))


def _case_page(
    request: Request, person: Person, case: str, *, identity: dict[str, Any] | None = None, fault: str = "",
    saved: bool = False, status: int = 200,
) -> Response:  # fmt: skip
    register = register_for(request, person)
    found = register.get(case)
    return page(
        request, "case.html", person=person, status=status, case=found, form=register.form, fault=fault, saved=saved,
        shown=_shown(register.form, found.fields), identity=_shown(register.form, identity) if identity else None,
        opened=identity is not None, can_identity=allowed(person.role, "identity.read", "own"),
        can_refer=allowed(person.role, "referral.prepare", "own"), today=register.today,
    )  # fmt: skip


def _shown(form: Form, fields: dict[str, Any]) -> list[tuple[str, str]]:
    known = [field for field in form.field if field.name in fields]
    return [(field.label, _words(form, field, fields[field.name])) for field in known]


def _words(form: Form, field: Field, value: Any) -> str:
    choices = form.choices(field)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    parts = value if isinstance(value, list) else [value]
    return "; ".join(choices.get(str(part), str(part)) for part in parts)


@router.post("/{case}/identity")
def identity(request: Request, case: str, person: IdentityForm) -> Response:
    """Open the vault for one case; the audit keeps who did."""
    return _case_page(request, person, case, identity=register_for(request, person).identity(case))


@router.get("/{case}/edit")
def edit(request: Request, case: str, person: Updater) -> Response:
    """Show the full form with the coded answers; identity fields stay empty unless they are changed."""
    found = register_for(request, person).get(case)
    return _form_page(request, person, kind="full", answers=found.fields, case=found)


@router.post("/{case}/edit")
def change(request: Request, case: str, person: UpdaterForm, form: Sent) -> Response:
    """Keep changed answers; refused when somebody else changed the case meanwhile."""
    register = register_for(request, person)
    found = register.get(case)
    answers, revision = answers_of(form, register.form.full), text(form, "revision")
    coded = {field.name for field in register.form.full if not field.identity}
    gone: dict[str, Any] = {name: None for name in found.fields if name in coded and name not in answers}
    try:
        register.update(
            case, gone | answers, revision=int(revision[:9]) if revision.isdecimal() else found.row.revision
        )
    except FormError as fault:
        return _form_page(request, person, kind="full", answers=answers, case=found, fault=fault)
    except RegisterError as fault:
        return _case_page(request, person, case, fault=str(fault), status=409)
    return _see(f"/register/{case}?saved=yes")


@router.post("/{case}/consent")
def consent(request: Request, case: str, person: ConsentForm, form: Sent) -> Response:
    """Record consent for one purpose, or withdraw all."""
    register, purpose = register_for(request, person), text(form, "purpose")
    try:
        if purpose == "all" and text(form, "value") == "withdrawn":
            register.withdraw(case)
        else:
            details = {name: text(form, name) for name in ("giver", "method", "language") if text(form, name)}
            register.consent(case, purpose, text(form, "value"), **details)
    except FormError as fault:
        return _case_page(request, person, case, fault=str(fault), status=422)
    if scope_of(person.role, "case.read") is None:
        return _see("/register")
    return _see(f"/register/{case}?saved=yes")


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
    return _see("/release")


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
