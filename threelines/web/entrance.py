"""Coming in and going out: sign in, one-time links, and the own account."""

from __future__ import annotations

import re
from io import BytesIO

import pyotp
import segno
from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from threelines.roles import scope_of
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
    note_refused,
    text,
)
from threelines.web.pages import page
from threelines.web.security import peer, same_site

router = APIRouter(include_in_schema=False)
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
    if here.options.oidc_only:
        return _login_page(request, fault="Passwords are turned off here.", status=403)
    if not same_site(request):
        return _login_page(request, fault="This form came from another page. Try again here.", status=403)
    if not (here.places.allows(peer(request)) and here.sign_ins.allows(name)):
        return _login_page(request, fault="Too many tries. Wait 15 minutes.", name=name, status=429)
    try:
        secret = here.accounts.sign_in(name, text(form, "password"), text(form, "code"))
    except AccountError as fault:
        note_refused(request, "session.refused", record=fault.account)
        return _login_page(request, fault=str(fault), name=name, next_page=text(form, "next"), status=401)
    here.sign_ins.clear(name)
    here.places.forgive(peer(request))
    return signed_in_answer(here, secret, text(form, "next"))


def signed_in_answer(here: Desk, secret: str, next_page: str = "") -> Response:
    """Set the session cookie and go on, to a page of ours only; first to what others did about this account."""
    inside = next_page.startswith("/") and not next_page.startswith(("//", "/\\"))
    person = here.accounts.who(secret, touch=False)
    changed = person is not None and here.grants.unread(person.id)
    answer = _see("/account" if changed else next_page if inside else "/")
    answer.set_cookie(
        cookie_name(here.options), secret, max_age=int(SESSION), path="/", secure=here.options.https, httponly=True,
        samesite="lax",
    )  # fmt: skip
    return answer


def _login_page(
    request: Request, *, fault: str = "", name: str = "", next_page: str = "", status: int = 200
) -> Response:
    options = desk(request).options
    return page(
        request, "login.html", status=status, fault=fault, typed=name, next=next_page, oidc=options.oidc is not None,
        oidc_only=options.oidc_only,
    )  # fmt: skip


@router.post("/logout")
def logout(request: Request, person: SignedForm) -> Response:
    """Sign out here; what was held goes back to the queue."""
    here = desk(request)
    here.review.put_back(person.user)
    here.accounts.end_session(person)
    answer = _see("/login")
    answer.delete_cookie(cookie_name(here.options), path="/", secure=here.options.https, httponly=True)
    return answer


@router.get("/once/{secret}")
def link_form(request: Request, secret: str, fault: str = "") -> Response:
    """Show the form behind a one-time link."""
    link = desk(request).grants.find(secret)
    if link is None:
        return page(request, "message.html", status=404, title="This link does not work",
                    message="It has been used or is too old. Ask for a new one.")  # fmt: skip
    options = desk(request).options
    return page(
        request, "link.html", link=link, fault=fault, oidc=options.oidc is not None, oidc_only=options.oidc_only
    )


@router.post("/once/{secret}")
def use_link(request: Request, secret: str, form: Sent) -> Response:
    """Use a one-time link: make the account or set its password, and sign in.

    An account that is made without a password is opened by the organisation's own sign-in, which comes next.
    """
    here = desk(request)
    options = here.options
    is_vouched = options.oidc_only or (options.oidc is not None and text(form, "do") == "vouched")
    if not same_site(request) or not here.places.allows(peer(request)):
        return page(request, "message.html", status=429, title="Try again later", message="Too many tries from here.")
    try:
        person = here.grants.use(
            secret, name=text(form, "name"), password=None if is_vouched else text(form, "password"),
            code=text(form, "code"),
        )  # fmt: skip
        if is_vouched:
            return _see("/oidc")
        if person.has_second_factor:
            return _see("/login")
        return signed_in_answer(here, here.accounts.begin_session(person.id))
    except AccountError as fault:
        answer = link_form(request, secret, fault=str(fault))
        answer.status_code = 422 if answer.status_code == 200 else answer.status_code
        return answer


@router.get("/account")
def account(request: Request, person: SignedIn, fault: str = "", saved: str = "") -> Response:
    """Show the own account; the texts of `fault` and `saved` come from our own redirects only."""
    return _account_page(request, person)


def _account_page(
    request: Request, person: Person, *, fault: str = "", saved: str = "", secret: str = "", status: int = 200
) -> Response:
    """Show the own account; a secret that was scanned already is shown again, so that its next code fits."""
    here, picture = desk(request), ""
    if person.has_password and not person.has_second_factor:
        secret = secret or pyotp.random_base32()
        picture = _qr(pyotp.TOTP(secret).provisioning_uri(name=person.name, issuer_name="threelines"))
    return page(
        request, "account.html", person=person, status=status, fault=fault, saved=saved, secret=secret, picture=picture,
        must=lacks_factor(here.options, person), seen=here.review.seen_today(person.id),
        bound=here.accounts.bound().get(person.id, 0.0), has_password=person.has_password and not here.options.oidc_only,
        changes=here.grants.of(person.id)[:20], unread=here.grants.unread(person.id),
        names={entry.id: entry.name for entry in here.accounts.all()},
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
            here.accounts.confirm_second_factor(
                person.id, text(form, "secret"), text(form, "code"), session=person.session
            )
            saved = "The second factor is on."
        elif text(form, "do") == "password" and here.options.oidc_only:
            raise AccountError("Passwords are turned off here.")
        elif text(form, "do") == "password":
            _check_old(request, person, text(form, "old"))
            here.accounts.set_password(person.id, text(form, "password"))
            return _see("/login")
        elif text(form, "do") == "read":
            here.grants.mark_read(person.id)
            return _see("/")
        elif text(form, "do") == "stop":
            saved = _refuse_own(here, person, text(form, "grant"))
        else:
            here.accounts.set_settings(person.id, _settings(form))
            saved = "Kept."
    except AccountError as fault:
        return _account_page(request, person, fault=str(fault), secret=_scanned(form), status=422)
    fresh = here.accounts.who(person.session) or person
    return _account_page(request, fresh, saved=saved)


def _check_old(request: Request, person: Person, old: str) -> None:
    """Ask for the password again, within the limit of tries to sign in: a session that was left open is no place to guess."""
    here = desk(request)
    if not here.sign_ins.allows(person.name):
        raise AccountError("Too many tries. Wait 15 minutes.")
    try:
        here.accounts.check_password(person.id, old)
    except AccountError:
        note_refused(request, "password.refused", person=person, record=person.id)
        raise
    here.sign_ins.clear(person.name)


def _scanned(form: FormData) -> str:
    """Return the secret of a form when it is one that we could have made."""
    sent = text(form, "secret")
    return sent if re.fullmatch(r"[A-Z2-7]{32}", sent) else ""


def _refuse_own(here: Desk, person: Person, key: str) -> str:
    """Stop what others asked about one's own account."""
    if here.grants.get(key).account != person.id:
        raise AccountError("no such request")
    here.grants.stop(person.user, key)
    return "It is refused: nobody can use it."


def _settings(form: FormData) -> Settings:
    minutes = text(form, "break_after")
    codes = text(form, "languages").replace(",", " ").split()
    return Settings(
        languages=tuple(dict.fromkeys(code[:20] for code in codes))[:40],
        grey_text=text(form, "grey_text") == "yes",
        blur_media=text(form, "blur_media") == "yes",
        break_after=min(int(minutes[:9]), 480) if minutes.isascii() and minutes.isdigit() else 50,
    )


def _see(address: str) -> RedirectResponse:
    return RedirectResponse(address, status_code=303)
