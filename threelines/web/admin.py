"""The pages on which accounts are kept: the admin's list, and the second person's."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from threelines.roles import ROLES
from threelines.web.accounts import AccountError, Person
from threelines.web.desk import Sent, desk, may, may_change, text
from threelines.web.grants import DONE, Asked, Grant
from threelines.web.pages import address_of, page
from threelines.web.webhooks import announce_again, given_up

router = APIRouter(include_in_schema=False)
Admin = Annotated[Person, Depends(may("user.manage"))]
AdminForm = Annotated[Person, Depends(may_change("user.manage"))]
Second = Annotated[Person, Depends(may("user.approve"))]
SecondForm = Annotated[Person, Depends(may_change("user.approve"))]
_WAITS = (
    "It works once a supervisor or data protection officer has agreed under Access; they give the person a code "
    "that the link asks for. Give this link to the person."
)


@router.get("/admin")
def admin(request: Request, person: Admin) -> Response:
    """List accounts, open links and tokens."""
    return _admin_page(request, person)


@router.post("/admin")
def change_accounts(request: Request, person: AdminForm, form: Sent) -> Response:
    """Invite, close, reopen or help an account; withdraw a link; make or remove a token; announce again."""
    try:
        shown = _do(request, person, form)
    except AccountError as fault:
        return _admin_page(request, person, fault=str(fault), status=422)
    return _admin_page(request, person, shown=shown)


def _do(request: Request, person: Person, form: FormData) -> dict[str, str] | None:
    here, act, key = desk(request), text(form, "do"), text(form, "account")
    if act == "invite" and text(form, "role") in ROLES:
        role = next(role for role in ROLES if role == text(form, "role"))
        name, team = text(form, "name"), text(form, "team")[:40]
        return _shown(request, here.grants.invite(person.user, name, role=role, team=team))
    if act == "reset" and here.options.oidc_only:
        raise AccountError("passwords are turned off here (--oidc-only)")
    if act == "reset":
        return _shown(request, here.grants.help(person.user, "password", key))
    if act == "factor":
        return _shown(request, here.grants.help(person.user, "factor", key), done=DONE["factor"])
    if act == "binding":
        return _shown(request, here.grants.help(person.user, "binding", key), done=DONE["binding"])
    if act == "withdraw":
        here.grants.stop(person.user, text(form, "grant"))
    elif act == "announce":
        announce_again(here.store, here.audit, person.user)
    elif act in ("disable", "enable"):
        here.accounts.set_disabled(key, act == "disable", person.user)
        if act == "disable":
            here.grants.close(person.user, key)
    else:
        return _token(request, person, form)
    return None


def _token(request: Request, person: Person, form: FormData) -> dict[str, str] | None:
    here = desk(request)
    if text(form, "do") == "drop":
        here.audit.add(person.user, "token.drop", reason="administration")
        here.accounts.drop_token(text(form, "key"))
    elif text(form, "do") == "token" and text(form, "scope") in ("ingest", "metrics"):
        here.audit.add(person.user, "token.make", reason="administration")
        scope: Any = text(form, "scope")
        secret = here.accounts.make_token(scope, label=text(form, "label")[:80])
        return {"label": "The token: it is shown this once.", "secret": secret}
    return None


def _shown(request: Request, asked: Asked, *, done: str = "") -> dict[str, str]:
    if not asked.secret:
        waits = "A supervisor or data protection officer must agree under Access; until then it stays as it is."
        return {"label": waits if asked.waits else done, "secret": ""}
    label = _WAITS if asked.waits else "Give this link to the person."
    return {"label": f"{label} It is shown this once.", "secret": f"{address_of(request)}once/{asked.secret}"}


def _admin_page(
    request: Request, person: Person, *, fault: str = "", shown: dict[str, str] | None = None, status: int = 200
) -> Response:
    here = desk(request)
    people = here.accounts.all()
    return page(
        request, "admin.html", person=person, status=status, fault=fault, shown=shown, people=people,
        names={entry.id: entry.name for entry in people}, standing=here.grants.standing(),
        given_up=given_up(here.store), tokens=here.accounts.tokens(), bound=here.accounts.bound(), oidc=here.options.oidc is not None,
        oidc_only=here.options.oidc_only, roles=[(role, role.replace("_", " ")) for role in ROLES],
    )  # fmt: skip


@router.get("/access")
def access(request: Request, person: Second) -> Response:
    """List what waits for a second person, the open links, and who came in lately."""
    return _access_page(request, person)


@router.post("/access")
def decide_access(request: Request, person: SecondForm, form: Sent) -> Response:
    """Agree to a request, refuse it, or withdraw an open link."""
    here, key, code = desk(request), text(form, "grant"), ""
    try:
        grant = here.grants.get(key)
        if text(form, "do") == "approve":
            code = here.grants.approve(person.user, key)
        elif text(form, "do") == "stop":
            here.grants.stop(person.user, key)
    except AccountError as fault:
        return _access_page(request, person, fault=str(fault), status=422)
    return _access_page(request, person, code=code, agreed=grant if code else None)


def _access_page(
    request: Request, person: Person, *, fault: str = "", code: str = "", agreed: Grant | None = None, status: int = 200
) -> Response:
    here = desk(request)
    standing = here.grants.standing()
    return page(
        request, "access.html", person=person, status=status, fault=fault, code=code, agreed=agreed,
        names={entry.id: entry.name for entry in here.accounts.all()}, over=here.grants.over(),
        waiting=[grant for grant in standing if grant.state == "asked"],
        open_links=[grant for grant in standing if grant.state == "open"],
    )  # fmt: skip
