"""Coming in and going out: sign in, one-time links, the own account, and the admin's list of accounts."""

from __future__ import annotations

from io import BytesIO
from typing import Annotated, Any

import pyotp
import segno
from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from threelines.roles import ROLES, allowed, scope_of
from threelines.web.accounts import SESSION, AccountError, Person, Settings
from threelines.web.desk import (
    Desk,
    Sent,
    SignedForm,
    SignedIn,
    cookie_name,
    desk,
    find_person,
    lacks_factor,
    may,
    may_change,
    peer,
    text,
)
from threelines.web.pages import page
from threelines.web.security import same_site

router = APIRouter(include_in_schema=False)
Admin = Annotated[Person, Depends(may("user.manage"))]
AdminForm = Annotated[Person, Depends(may_change("user.manage"))]
Auditor = Annotated[Person, Depends(may("audit.read"))]
_STARTS = (
    ("finding.review", "/review"), ("case.add", "/register"), ("monitor.read", "/dashboard"), ("user.manage", "/admin"),
)  # fmt: skip


@router.get("/")
def start(person: SignedIn) -> Response:
    """Go where this person's work is."""
    return _see(next((address for need, address in _STARTS if scope_of(person.role, need)), "/account"))


@router.get("/login")
def login_form(request: Request, next: str = "") -> Response:  # noqa: A002 - the field's name in the address
    """Show the sign-in form."""
    if find_person(request):
        return _see("/")
    return _login_page(request, next_page=next)


@router.post("/login")
def login(request: Request, form: Sent) -> Response:
    """Sign in; at most 10 tries in 15 minutes for one name, and 60 from one place."""
    here, name = desk(request), text(form, "name").strip().lower()
    if not same_site(request):
        return _login_page(request, fault="This form came from another page. Try again here.", status=403)
    if not (here.sign_ins.allows(name) and here.places.allows(peer(request))):
        return _login_page(request, fault="Too many tries. Wait 15 minutes.", name=name, status=429)
    try:
        secret = here.accounts.sign_in(name, text(form, "password"), text(form, "code"))
    except AccountError as fault:
        return _login_page(request, fault=str(fault), name=name, next_page=text(form, "next"), status=401)
    here.sign_ins.clear(name)
    here.places.forgive(peer(request))
    return signed_in_answer(here, secret, text(form, "next"))


def signed_in_answer(here: Desk, secret: str, next_page: str = "") -> Response:
    """Set the session cookie and go on, to a page of ours only."""
    inside = next_page.startswith("/") and not next_page.startswith(("//", "/\\"))
    answer = _see(next_page if inside else "/")
    answer.set_cookie(
        cookie_name(here.options), secret, max_age=int(SESSION), path="/", secure=here.options.https, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return answer


def _login_page(
    request: Request, *, fault: str = "", name: str = "", next_page: str = "", status: int = 200
) -> Response:
    oidc = desk(request).options.oidc is not None
    return page(request, "login.html", status=status, fault=fault, typed=name, next=next_page, oidc=oidc)


@router.post("/logout")
def logout(request: Request, person: SignedForm) -> Response:
    """Sign out here; what was held goes back to the queue."""
    here = desk(request)
    here.review.put_back(person.user)
    here.accounts.end_session(person.session)
    answer = _see("/login")
    answer.delete_cookie(cookie_name(here.options), path="/", secure=here.options.https, httponly=True)
    return answer


@router.get("/once/{secret}")
def link_form(request: Request, secret: str, fault: str = "") -> Response:
    """Show the form behind a one-time link."""
    link = desk(request).accounts.link(secret)
    if link is None:
        return page(request, "message.html", status=404, title="This link does not work",
                    message="It has been used or is too old. Ask for a new one.")  # fmt: skip
    return page(request, "link.html", reset=bool(link.account), role=link.role, fault=fault)


@router.post("/once/{secret}")
def use_link(request: Request, secret: str, form: Sent) -> Response:
    """Use a one-time link: make the account or set its password, and sign in."""
    here = desk(request)
    if not same_site(request) or not here.places.allows(peer(request)):
        return page(request, "message.html", status=429, title="Try again later", message="Too many tries from here.")
    try:
        person = here.accounts.use_link(secret, name=text(form, "name"), password=text(form, "password"))
    except AccountError as fault:
        answer = link_form(request, secret, fault=str(fault))
        answer.status_code = 422 if answer.status_code == 200 else answer.status_code
        return answer
    if person.has_second_factor:
        return _see("/login")
    return signed_in_answer(here, here.accounts.begin_session(person.id))


@router.get("/account")
def account(request: Request, person: SignedIn, fault: str = "", saved: str = "") -> Response:
    """Show the own account; the texts of `fault` and `saved` come from our own redirects only."""
    return _account_page(request, person)


def _account_page(request: Request, person: Person, *, fault: str = "", saved: str = "", status: int = 200) -> Response:
    here, secret, picture = desk(request), "", ""
    if not person.has_second_factor:
        secret = pyotp.random_base32()
        picture = _qr(pyotp.TOTP(secret).provisioning_uri(name=person.name, issuer_name="threelines"))
    return page(
        request, "account.html", person=person, status=status, fault=fault, saved=saved, secret=secret, picture=picture,
        must=lacks_factor(here.options, person), seen=here.review.seen_today(person.id),
    )  # fmt: skip


def _qr(address: str) -> str:
    """Draw a QR code as SVG without style attributes, which the content security policy forbids."""
    drawn = BytesIO()
    segno.make(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=4, dark="#000", light="#fff", title="QR code of the key"
    )
    return drawn.getvalue().decode()


@router.post("/account")
def change_account(request: Request, person: SignedForm, form: Sent) -> Response:
    """Change the own second factor, settings or password."""
    here = desk(request)
    try:
        if text(form, "do") == "factor" and not person.has_second_factor:
            here.accounts.confirm_second_factor(person.id, text(form, "secret"), text(form, "code"))
            saved = "The second factor is on."
        elif text(form, "do") == "password":
            here.accounts.check_password(person.id, text(form, "old"))
            here.accounts.set_password(person.id, text(form, "password"))
            return _see("/login")
        else:
            here.accounts.set_settings(person.id, _settings(form))
            saved = "Kept."
    except AccountError as fault:
        return _account_page(request, person, fault=str(fault), status=422)
    fresh = here.accounts.who(person.session) or person
    return _account_page(request, fresh, saved=saved)


def _settings(form: FormData) -> Settings:
    minutes = text(form, "break_after")
    codes = text(form, "languages").replace(",", " ").split()
    return Settings(
        languages=tuple(dict.fromkeys(code[:20] for code in codes))[:40],
        grey_text=text(form, "grey_text") == "yes",
        blur_media=text(form, "blur_media") == "yes",
        break_after=min(int(minutes[:9]), 480) if minutes.isascii() and minutes.isdigit() else 50,
    )


@router.get("/admin")
def admin(request: Request, person: Admin) -> Response:
    """List accounts and tokens."""
    return _admin_page(request, person)


@router.post("/admin")
def change_accounts(request: Request, person: AdminForm, form: Sent) -> Response:
    """Invite, close, reopen or help an account; make or remove a token."""
    try:
        shown = _do(request, person, form)
    except AccountError as fault:
        return _admin_page(request, person, fault=str(fault), status=422)
    return _admin_page(request, person, shown=shown)


def _do(request: Request, person: Person, form: FormData) -> dict[str, str] | None:
    here, act, key = desk(request), text(form, "do"), text(form, "account")
    here.audit.add(person.user, "account." + (act if act.isascii() and act.islower() and act.isalpha() else "change"),
                   record=here.accounts.get(key).id if key else "", reason="administration")  # fmt: skip
    if act == "invite" and text(form, "role") in ROLES:
        role = next(role for role in ROLES if role == text(form, "role"))
        return _once(
            request, here.accounts.invite(role=role, team=text(form, "team")[:40]), "Give this link to the person."
        )
    if act == "reset":
        target = here.accounts.get(key)
        secret = here.accounts.invite(role=target.role, account=key, purpose="reset")
        return _once(request, secret, "Give this link to the person.")
    if act in ("disable", "enable"):
        here.accounts.set_disabled(key, act == "disable")
    elif act == "factor":
        here.accounts.drop_second_factor(key)
    elif act == "drop":
        here.accounts.drop_token(text(form, "key"))
    elif act == "token" and text(form, "scope") in ("ingest", "metrics"):
        scope: Any = text(form, "scope")
        return {"label": "The token:", "secret": here.accounts.make_token(scope, label=text(form, "label")[:80])}
    return None


def _once(request: Request, secret: str, label: str) -> dict[str, str]:
    return {"label": label, "secret": f"{request.base_url}once/{secret}"}


def _admin_page(
    request: Request, person: Person, *, fault: str = "", shown: dict[str, str] | None = None, status: int = 200
) -> Response:
    here = desk(request)
    return page(
        request, "admin.html", person=person, status=status, fault=fault, shown=shown, people=here.accounts.all(),
        tokens=here.accounts.tokens(), roles=[(role, role.replace("_", " ")) for role in ROLES],
    )  # fmt: skip


@router.get("/audit")
def audit(request: Request, person: Auditor, record: str = "") -> Response:
    """Show who did what, newest first; the chain is checked on the way."""
    here = desk(request)
    entries = list(here.audit.entries(record=record, newest=200))[::-1]
    names = {entry.id: entry.name for entry in here.accounts.all()} if allowed(person.role, "audit.read") else {}
    count = here.audit.verify()
    return page(request, "audit.html", person=person, entries=entries, names=names, count=count,
                head=here.audit.head(), record=record)  # fmt: skip


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
