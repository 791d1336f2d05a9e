"""Coming in: one-time links, passwords, second factor, sessions, forms, limits, headers."""

import re
import time

import pyotp
import pytest

from threelines.web import accounts as accounts_module
from threelines.web.accounts import AccountError
from threelines.web.grants import CONSOLE
from threelines.web.security import CONTENT_SECURITY_POLICY, form_token

PASSWORD = "seven quiet lamps"


def token_in(page):
    """Return the form token of a page."""
    return re.search(r'name="token" value="([0-9a-f]{64})"', page.text)[1]


def test_the_first_run_makes_an_admin_by_a_link_that_works_once(console):
    """No account and no password exists until somebody opens the link; the second try gets nothing."""
    assert console.desk.accounts.is_empty()
    secret = console.desk.grants.set_up().secret
    browser = console.client()
    assert browser.get(f"/once/{secret}").status_code == 200
    answer = browser.post(f"/once/{secret}", data={"name": "Maria", "password": PASSWORD})

    assert answer.status_code == 303
    assert console.desk.accounts.by_name("maria").role == "admin"
    assert console.client().get(f"/once/{secret}").status_code == 404
    assert console.client().post(f"/once/{secret}", data={"name": "eve", "password": PASSWORD}).status_code == 404


def test_a_weak_password_does_not_use_the_link_up(console):
    """A refused password leaves the link for another try."""
    secret = console.desk.grants.invite(CONSOLE, "rudolf", role="reviewer").secret
    for weak in ("short", "aaaaaaaaaaaaaaa", "mypassword1234", "rudolf-rudolf-1"):
        answer = console.client().post(f"/once/{secret}", data={"password": weak})
        assert answer.status_code == 422, weak

    assert console.client().post(f"/once/{secret}", data={"password": PASSWORD}).status_code == 303


def test_wrong_name_and_wrong_password_read_the_same(console):
    """Nobody learns which names exist."""
    console.desk.accounts.add("known", PASSWORD, role="reviewer")
    pages = [
        console.client().post("/login", data={"name": name, "password": "not the password"})
        for name in ("known", "unknown")
    ]

    assert [page.status_code for page in pages] == [401, 401]
    assert pages[0].text.replace("known", "") == pages[1].text.replace("unknown", "")


def test_ten_wrong_tries_close_a_name_for_a_while(console):
    """Guessing is slow, also with the right password afterwards."""
    console.desk.accounts.add("known", PASSWORD, role="reviewer")
    browser = console.client()
    for _ in range(10):
        browser.post("/login", data={"name": "known", "password": "wrong wrong wrong"})

    assert browser.post("/login", data={"name": "known", "password": PASSWORD}).status_code == 429


def test_without_a_second_factor_only_the_own_account_opens(console_with):
    """Where one is asked for, everything else waits until it is set up."""
    console = console_with(second_factor=True)
    browser, person = console.sign_in("reviewer")
    assert browser.get("/review").headers["location"] == "/account"
    page = browser.get("/account")
    secret = re.search(r'name="secret" value="([A-Z2-7]+)"', page.text)[1]
    form = {"do": "factor", "secret": secret, "token": token_in(page)}
    assert browser.post("/account", data=form | {"code": "000000"}).status_code == 422
    assert browser.post("/account", data=form | {"code": pyotp.TOTP(secret).now()}).status_code == 200

    assert browser.get("/review").status_code == 200
    assert console.desk.accounts.get(person.id).has_second_factor


def test_a_session_that_showed_no_code_ends_when_the_second_factor_is_turned_on(console_with):
    """Whoever had only the password is out everywhere; the browser that showed the first code stays."""
    console = console_with(second_factor=True)
    browser, person = console.sign_in("reviewer")
    other = console.client()
    other.post("/login", data={"name": person.name, "password": PASSWORD})
    secret = re.search(r'name="secret" value="([A-Z2-7]+)"', browser.get("/account").text)[1]
    form = {"do": "factor", "secret": secret, "token": form_token(browser.cookies["threelines"])}
    browser.post("/account", data=form | {"code": pyotp.TOTP(secret).now()})

    assert other.get("/review").headers["location"].startswith("/login")
    assert browser.get("/review").status_code == 200


def test_no_session_begins_without_the_code_that_the_account_asks_for(console):
    """Also where the second factor was turned on between the look at the password and the session."""
    person = console.desk.accounts.add("known", PASSWORD, role="reviewer")
    secret = pyotp.random_base32()
    console.desk.accounts.confirm_second_factor(person.id, secret, pyotp.TOTP(secret).now())

    with pytest.raises(AccountError):
        console.desk.accounts.begin_session(person.id)
    assert console.desk.accounts.begin_session(person.id, vouched=True)


def test_a_session_that_was_left_open_is_no_place_to_guess_the_password(console):
    """The password asked again on the own account has the limit of the sign-in, shares it, and is audited."""
    browser, person = console.sign_in("reviewer")
    form = {"do": "password", "password": "nine loud candles", "token": form_token(browser.cookies["threelines"])}
    for _ in range(10):
        assert browser.post("/account", data=form | {"old": "wrong"}).status_code == 422
    answer = browser.post("/account", data=form | {"old": PASSWORD})

    assert answer.status_code == 422 and "Too many tries" in answer.text
    assert console.client().post("/login", data={"name": person.name, "password": PASSWORD}).status_code == 429
    assert [one.action for one in console.desk.audit.entries(who=person.id)].count("password.refused") == 10


def test_a_code_works_once(console):
    """A code that was seen over a shoulder is worth nothing, nor is the one that turned the second factor on."""
    person = console.desk.accounts.add("known", PASSWORD, role="reviewer")
    secret = pyotp.random_base32()
    first, code = pyotp.TOTP(secret).now(), pyotp.TOTP(secret).at(time.time() + 30)
    console.desk.accounts.confirm_second_factor(person.id, secret, first)
    with pytest.raises(AccountError):
        console.desk.accounts.sign_in("known", PASSWORD, first)

    assert console.desk.accounts.sign_in("known", PASSWORD, code)
    for again in (code, first, "", "123456"):
        with pytest.raises(AccountError):
            console.desk.accounts.sign_in("known", PASSWORD, again)


@pytest.mark.parametrize("secret", ["!!!", "", "A", "geheimnis", "\u0661" * 32, "A" * 24])
def test_a_secret_that_is_none_of_ours_turns_nothing_on(console, secret):
    """What no page of ours sent is refused as a code that does not fit, with the code that fits it, too."""
    browser, person = console.sign_in("reviewer")
    form = {"do": "factor", "secret": secret, "token": form_token(browser.cookies["threelines"])}
    codes = ["000000", pyotp.TOTP(secret).now()] if secret == "A" * 24 else ["000000", ""]

    assert [browser.post("/account", data=form | {"code": code}).status_code for code in codes] == [422, 422]
    assert not console.desk.accounts.get(person.id).has_second_factor


def test_sessions_end_when_idle_and_in_any_case(console, monkeypatch):
    """Half an hour without a request, or twelve hours at all, and the session is over."""
    person = console.desk.accounts.add("known", PASSWORD, role="reviewer")
    secret = console.desk.accounts.begin_session(person.id)
    real = time.time
    monkeypatch.setattr(accounts_module.time, "time", lambda: real() + accounts_module.IDLE - 10)
    assert console.desk.accounts.who(secret) is not None  # and it counts as seen now
    monkeypatch.setattr(accounts_module.time, "time", lambda: real() + 2 * accounts_module.IDLE - 20)
    assert console.desk.accounts.who(secret) is not None
    monkeypatch.setattr(accounts_module.time, "time", lambda: real() + 3 * accounts_module.IDLE)
    assert console.desk.accounts.who(secret) is None


def test_a_page_that_refreshes_itself_does_not_keep_a_session_alive(console, monkeypatch):
    """The counts of the queue are asked for every minute; that is no sign of life, and ends in the sign-in."""
    browser, _ = console.sign_in("reviewer")
    real = time.time
    monkeypatch.setattr(accounts_module.time, "time", lambda: real() + accounts_module.IDLE - 10)
    assert browser.get("/review/state", headers={"hx-request": "true"}).status_code == 200
    monkeypatch.setattr(accounts_module.time, "time", lambda: real() + accounts_module.IDLE + 10)
    answer = browser.get("/review/state", headers={"hx-request": "true"})

    assert answer.status_code == 401 and answer.headers["hx-redirect"] == "/login"


def test_signing_out_ends_the_session_on_the_server(console):
    """A copied cookie opens nothing after signing out."""
    browser, _ = console.sign_in("reviewer")
    copied = dict(browser.cookies)
    browser.post("/logout", data={"token": token_in(browser.get("/review"))})
    thief = console.client()
    thief.cookies.update(copied)

    assert thief.get("/review").status_code == 303


def test_closing_an_account_ends_its_sessions_and_the_last_admin_stays(console):
    """A closed account is out at once; the last admin cannot be closed."""
    browser, person = console.sign_in("reviewer")
    admin, head = console.sign_in("admin")
    page = admin.get("/admin")
    admin.post("/admin", data={"do": "disable", "account": person.id, "token": token_in(page)})
    assert browser.get("/review").headers["location"].startswith("/login")

    answer = admin.post("/admin", data={"do": "disable", "account": head.id, "token": token_in(page)})
    assert answer.status_code == 422 and "last admin" in answer.text


def test_changing_the_password_signs_out_everywhere(console):
    """The old password must be known, and no session outlives the change."""
    browser, person = console.sign_in("reviewer")
    form = {"do": "password", "password": "nine other lamps", "token": token_in(browser.get("/account"))}
    assert browser.post("/account", data=form | {"old": "wrong wrong wrong"}).status_code == 422
    assert browser.post("/account", data=form | {"old": PASSWORD}).status_code == 303
    assert browser.get("/review").status_code == 303
    assert console.desk.accounts.sign_in(person.name, "nine other lamps")


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_its_token_is_refused(console, token):
    """A stranger's page cannot post for somebody who is signed in."""
    browser, _ = console.sign_in("reviewer")

    assert browser.post("/review/next", data={"token": token}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"}]
)
def test_a_form_from_another_site_is_refused_even_with_the_token(console, headers):
    """The browser's own word on where a form came from counts as well."""
    browser, _ = console.sign_in("reviewer")
    token = token_in(browser.get("/review"))

    assert browser.post("/review/next", data={"token": token}, headers=headers).status_code == 403
    assert console.client().post("/login", data={"name": "a", "password": "b"}, headers=headers).status_code == 403


def test_the_token_belongs_to_one_session():
    """Two sessions have two tokens, and the token does not tell the session."""
    assert form_token("a") != form_token("b")
    assert "a" * 8 not in form_token("a" * 8)


def test_every_answer_carries_the_headers(console):
    """Pages, faults, redirects, files and answers of the API: no inline script, no frame, no cache."""
    browser = console.client()
    for path in ("/check", "/login", "/health", "/review", "/nothing", "/v1/queue", "/static/threelines.css"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers
        if not path.startswith("/static"):
            assert headers["cache-control"] == "no-store"


def test_cookies_are_closed_to_scripts_and_bound_to_https(console_with):
    """Behind https the cookie is bound to this host, and HSTS is sent."""
    console = console_with(second_factor=False, https=True)
    console.desk.accounts.add("known", PASSWORD, role="reviewer")
    answer = console.client().post("/login", data={"name": "known", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-threelines=")
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert "max-age=31536000" in answer.headers["strict-transport-security"]


def test_no_name_password_or_secret_lies_in_the_file(console, tmp_path):
    """Names are sealed; passwords, sessions, links and tokens are kept as hashes."""
    person = console.desk.accounts.add("zerbinetta", PASSWORD, role="reviewer")
    secrets = [
        console.desk.accounts.begin_session(person.id), console.desk.grants.invite(CONSOLE, "newcomer", role="intake").secret,
        console.desk.accounts.make_token("ingest", label="zerbinetta's stream"),
    ]  # fmt: skip
    raw = b"".join(path.read_bytes() for path in sorted(tmp_path.glob("site.db*")))

    for secret in ("zerbinetta", PASSWORD, *secrets):
        assert secret.encode() not in raw
    assert b"$argon2id$" in raw


def test_signing_in_works_after_the_match_key_was_rotated(console):
    """Names are found by a keyed tag; after a rotation the sealed names still tell."""
    console.desk.accounts.add("known", PASSWORD, role="reviewer")
    console.desk.keyring.rotate("match")

    assert console.desk.accounts.sign_in("known", PASSWORD)


def test_the_way_on_after_signing_in_stays_inside(console):
    """A link to the sign-in cannot lead to somebody else's page."""
    console.desk.accounts.add("known", PASSWORD, role="reviewer")
    for onward, expected in (
        ("/review/upload", "/review/upload"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
    ):
        answer = console.client().post("/login", data={"name": "known", "password": PASSWORD, "next": onward})
        assert answer.headers["location"] == expected


def test_signing_in_leads_back_to_the_whole_address(console):
    """What stood behind the question mark is there again, an ampersand in it too; an endless one is not."""
    console.desk.accounts.add("known", PASSWORD, role="supervisor")
    wanted = "/register/new?form=full&reference=0123456789abcdef"
    browser = console.client()
    way = browser.get(wanted).headers["location"]
    onward = re.search(r'name="next" value="([^"]*)"', browser.get(way).text)[1].replace("&amp;", "&")
    answer = browser.post("/login", data={"name": "known", "password": PASSWORD, "next": onward})

    assert way.startswith("/login?next=/register/new") and answer.headers["location"] == wanted
    assert console.client().get("/register?status=" + "x" * 900).headers["location"] == "/login?next=/register"


def test_a_large_body_is_refused_before_it_is_read(console):
    """32 MB is the end; a body that lies about its length is cut off."""
    browser = console.client()

    assert browser.post("/check", headers={"content-length": "999999999"}, content=b"x").status_code == 413
