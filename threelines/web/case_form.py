"""The register's forms: a new case in 60 seconds or in full, and the change of a kept one."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import JSONResponse, RedirectResponse, Response

from threelines.people.case import Case
from threelines.people.definition import LISTS, Field, Form, FormError, words_of
from threelines.people.entry import Entry
from threelines.people.history import differences
from threelines.people.register import ChangedMeanwhile, Register, RegisterError
from threelines.people.repeated import KeptAlready, add_once, is_number, new_number
from threelines.web.accounts import Person
from threelines.web.desk import Sent, desk, may, may_change, text
from threelines.web.pages import device_tag, page
from threelines.web.security import form_token

router = APIRouter(prefix="/register", include_in_schema=False)
Adder = Annotated[Person, Depends(may("case.add"))]
AdderForm = Annotated[Person, Depends(may_change("case.add"))]
Updater = Annotated[Person, Depends(may("case.update"))]
UpdaterForm = Annotated[Person, Depends(may_change("case.update"))]
Writer = Annotated[Person, Depends(may("case.add", "case.update"))]

SECTIONS = {
    "ai": "Use of AI", "ai_report": "Reported to", "case": "Case", "person": "Person", "perpetrator": "Others named",
    "organisation": "Organisation", "victim": "What happened", "referral": "Referral", "history": "History",
    "support": "Support", "consent": "Consent, as HTCDS writes it",
}  # fmt: skip
_UNTOUCHED = "You had not changed it"
_KEPT_ALREADY = (
    "This form was kept already, and nothing is kept a second time. Keep it again only if it is about somebody else."
)
_EMPTY: dict[str, Any] = {
    "case": None, "answers": {}, "told": {}, "held": frozenset(), "gone": frozenset(), "opened": False, "beside": [],
    "vault_beside": [], "message": "", "typed": False, "problems": {}, "number": "", "kept": "",
}  # fmt: skip


def register_for(request: Request, person: Person) -> Register:
    """Return the register as this person sees it; tables were made when the console started."""
    mine = copy(desk(request).register)
    mine.user = person.user
    return mine


def see(address: str) -> RedirectResponse:
    """Go on to another page."""
    return RedirectResponse(address, status_code=303)


@router.get("/session")
def session(request: Request, person: Writer) -> Response:
    """Tell an open form whether its worker is still signed in, and give a fresh form token."""
    tag = device_tag(desk(request).keyring, person)
    return JSONResponse({"account": tag, "token": form_token(person.session)})


@router.get("/new")
def new(request: Request, person: Adder, form: str = "short") -> Response:
    """Show an empty form: consent first, then the questions."""
    return _page(request, person, kind="full" if form == "full" else "short", number=new_number())


@router.post("/new")
def add(request: Request, person: AdderForm, form: Sent) -> Response:
    """Keep a new case; a form that is sent twice is kept once."""
    register, kind = register_for(request, person), "full" if text(form, "form") == "full" else "short"
    answers, number = answers_of(form, fields_of(register.form, kind)), _number(form)
    told = {name: text(form, name) for name in form if name.startswith("consent") or name == "interpreter"}
    typed: dict[str, Any] = {"kind": kind, "answers": answers, "told": told, "typed": True}
    try:
        entry = Entry(answers, consent_of(form, register.form), _provenance(form, kind))
        case = add_once(register, entry, number)
    except FormError as fault:
        return _page(request, person, number=number, **typed, **_faults(fault))
    except KeptAlready as fault:
        kept: dict[str, Any] = {"message": _KEPT_ALREADY, "kept": fault.case_id, "number": new_number(), "status": 409}
        return _page(request, person, **typed, **kept)
    return see(f"/register/{case}?saved=new-{kind}-{number}")


def _number(form: FormData) -> str:
    """Return the number of a form, or a new one where a program sent none."""
    number = text(form, "number")
    return number if is_number(number) else new_number()


def _provenance(form: FormData, kind: str) -> dict[str, str]:
    told = {name: text(form, name) for name in ("interview_language", "interpreter") if text(form, name)}
    return {"form_kind": kind, **told}


def _faults(fault: FormError) -> dict[str, Any]:
    return {"status": 422, "problems": {problem.field: problem.fault for problem in fault.problems}}


def _page(request: Request, person: Person, *, kind: str, **shown: Any) -> Response:
    form = desk(request).register.form
    filled = {**_EMPTY, **shown}
    others = [form.fields[name] for name in filled["held"] - {field.name for field in form.full}]
    return page(
        request, "case_form.html", person=person, kind=kind, sections=sections_of(form, kind), form=form, lists=LISTS,
        others=others, asked={field.name for field in fields_of(form, kind)}, **filled,
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


# ---------------------------------------------------------------------- the change of a kept case


@router.get("/{case}/edit")
def edit(request: Request, case: str, person: Updater) -> Response:
    """Show the full form with the coded answers; of the vault only which answers it holds."""
    register = register_for(request, person)
    found = register.get(case)
    return _page(
        request, person, kind="full", answers=found.fields, case=found, held=register.identity_names(case)
    )  # fmt: skip


def edit_with_identity(request: Request, person: Person, case: str, *, reason: str) -> Response:
    """Open the vault and show its answers in the form, where they can be changed and emptied."""
    register = register_for(request, person)
    found = register.get(case)
    identity = register.identity(case, reason=reason)
    return _page(
        request, person, kind="full", answers=found.fields | identity, case=found, held=frozenset(identity), opened=True
    )  # fmt: skip


@router.post("/{case}/edit")
def change(request: Request, case: str, person: UpdaterForm, form: Sent) -> Response:
    """Keep changed answers; where somebody else changed the case meanwhile, show both and keep nothing yet."""
    register = register_for(request, person)
    found, answers = register.get(case), answers_of(form, register.form.full)
    revision = int(text(form, "revision")[:9]) if text(form, "revision").isdecimal() else found.row.revision
    gone = _gone(register.form, found, form)
    opened = text(form, "vault") == "open"
    typed = {"case": found, "answers": answers, "gone": gone, "opened": opened, "typed": True}
    try:
        register.update(case, {**dict.fromkeys(gone), **answers}, revision=revision)
    except FormError as fault:
        return _page(
            request, person, kind="full", held=register.identity_names(case), **typed, **_faults(fault)
        )  # fmt: skip
    except ChangedMeanwhile:
        beside = _beside(register, found, answers, revision, opened=opened)
        held = register.identity_names(case)
        return _page(request, person, kind="full", status=409, held=held, **{**typed, **beside})
    except RegisterError as fault:
        held = register.identity_names(case)
        return _page(request, person, kind="full", status=409, held=held, message=str(fault), **typed)
    return see(f"/register/{case}?saved=change-{revision}")


def _gone(form: Form, found: Case, sent: FormData) -> frozenset[str]:
    """Return which answers the person took away: by the box beside it, or by emptying what the page had shown."""
    shown = {field.name for field in form.full if not field.identity and field.name in found.fields}
    if text(sent, "vault") == "open":
        shown |= {field.name for field in form.full if field.identity}
    boxes = {name for name in sent.getlist("gone") if isinstance(name, str)} & form.identity
    return frozenset(boxes | {name for name in shown if not sent.get(name)})


def _beside(register: Register, found: Case, sent: Mapping[str, Any], revision: int, *, opened: bool) -> dict[str, Any]:
    """Put what this person changed over the case as it is now, with both answers where somebody else changed one.

    Where the revision that they had read is not known, everything that differs from the case is taken as theirs.
    """
    form, earlier = register.form, register.revisions(found.id)
    base = next((content.fields for number, _, content in earlier if number == revision), None)
    coded = {name: value for name, value in sent.items() if name not in form.identity}
    mine = differences(found.fields if base is None else base, _clean(form, coded))
    theirs = mine if base is None else differences(base, found.fields)
    answers = {name: value for name, value in found.fields.items() if name not in mine}
    answers |= {name: value for name, value in sent.items() if name in mine or name in form.identity}
    since = [content.vault for number, _, content in earlier if number > revision]
    vault = {name for changes in (*since, found.vault) for name in changes}
    beside = [(name, found.fields.get(name), mine[name][1] if name in mine else _UNTOUCHED) for name in theirs]
    if opened:  # this person has just read it, with a reason
        identity = register.identity(found.id)
        beside += [(name, identity.get(name), sent.get(name)) for name in sorted(vault)]
    return {
        "answers": answers,
        "beside": [
            (form.fields[name].label, words_of(form, name, now), typed if typed is _UNTOUCHED else words_of(form, name, typed))
            for name, now, typed in beside
        ],
        "vault_beside": [form.fields[name].label for name in sorted(vault) if not opened],
        "message": f"Somebody else changed this case meanwhile; it is at revision {found.row.revision} now. Nothing of "
        "yours is kept yet: your changes stand in the form below, over the case as it is now. Look, then keep it again.",
    }  # fmt: skip


def _clean(form: Form, answers: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return form.clean(answers, before=answers)
    except FormError:  # told when it is kept; until then as it was typed
        return answers
