"""Whose account the organisation's sign-in opens: the name that an admin gave, and a password that is shown once."""

import re
import time

import pyotp
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.conftest import PASSWORD
from tests.test_web_oidc import come_in, provider  # noqa: F401 - a fixture
from threelines.cli.main import root
from threelines.web.accounts import AccountError, Accounts, Unproved, Vouched
from threelines.web.grants import Grants
from threelines.web.oidc import Issuer
from threelines.web.security import form_token

OTHER = "walrus teapot ninety"
DIRECTOR = {"email": "director@example.org", "email_verified": True}


@pytest.fixture
def open_console(console_with, provider):  # noqa: F811 - the fixture
    """Return a function that makes a console with the provider, and the session of its admin, whom the provider knows."""

    def make(**options):
        console = console_with(oidc=Issuer(provider.address, client="console", secret="s"), **options)
        admin = console.desk.accounts.add("boss@example.org", None, role="admin")
        browser = console.client()
        browser.cookies.set("threelines", console.desk.accounts.begin_session(admin.id, vouched=True))
        provider.who = DIRECTOR
        return console, browser

    return make


def invite(browser, **form):
    """Send the admin's form, return the secret of the link."""
    token = form_token(browser.cookies["threelines"])
    answer = browser.post("/admin", data={"token": token, "do": "invite", "role": "supervisor", **form})
    found = re.search(r'<p class="secret">http\S+/once/([\w-]+)</p>', answer.text)
    return found[1] if found else answer


def bind(browser, **form):
    """Show the password of an account once."""
    return browser.post("/oidc/bind", data=form)


def test_who_invites_names_the_account(open_console):
    """A name typed into the link counts for nothing: nobody is invited and comes in as somebody else."""
    console, admin = open_console()
    secret = invite(admin, name="Kim@example.org")
    (grant,) = console.desk.grants.standing()
    assert (grant.name, "kim@example.org" in admin.get("/admin").text) == ("kim@example.org", True)
    page = console.client().get(f"/once/{secret}").text
    assert "kim@example.org" in page and 'name="name"' not in page
    console.client().post(f"/once/{secret}", data={"name": "director@example.org", "password": PASSWORD})

    assert console.desk.accounts.by_name("director@example.org") is None
    assert console.desk.accounts.by_name("kim@example.org").role == "supervisor"


def test_an_invitation_needs_a_free_name(open_console):
    """Without one, or with one that is taken, no link is made."""
    console, admin = open_console()

    assert [invite(admin, name=name).status_code for name in ("", "boss@example.org")] == [422, 422]
    assert console.desk.grants.standing() == ()


def test_the_name_in_an_invitation_is_sealed(open_console):
    """The database has it in no clear text."""
    console, admin = open_console()
    invite(admin, name="zerbinetta@example.org")
    console.desk.store.flush()

    assert b"zerbinetta" not in console.desk.store.path.read_bytes()


def test_an_account_with_a_password_is_not_bound_by_its_name_alone(open_console, provider):  # noqa: F811
    """Whoever has the link made the account: the person of that name is asked for its password and shares nothing."""
    console, _ = open_console()
    made = console.desk.accounts.add("director@example.org", OTHER, role="supervisor")
    browser, answer = come_in(console, provider)

    assert answer.status_code == 200 and "has a password" in answer.text
    assert browser.get("/register").status_code == 303 and console.desk.accounts.bound() == {}
    assert bind(browser, password="guessed wrong today").status_code == 401
    assert [entry.action for entry in console.desk.audit.entries(record=made.id)][-1] == "session.refused"
    assert bind(browser, password=OTHER).headers["location"] == "/account"
    assert set(console.desk.accounts.bound()) == {made.id}
    assert come_in(console, provider)[1].status_code == 303, "later ones go by the provider's id"


def test_the_owner_is_told_that_the_account_was_bound(open_console, provider):  # noqa: F811
    """Whoever signs in next is led to it, and it stays in the list after it was seen."""
    console, _ = open_console(second_factor=False)
    made = console.desk.accounts.add("director@example.org", OTHER, role="supervisor")
    browser, _ = come_in(console, provider)
    bind(browser, password=OTHER)
    owner = console.client()
    answer = owner.post("/login", data={"name": made.name, "password": OTHER})

    assert answer.headers["location"] == "/account" and console.desk.grants.unread(made.id)
    assert "Bound to a person" in owner.get("/account").text
    owner.post("/account", data={"token": form_token(owner.cookies["threelines"]), "do": "read"})
    assert not console.desk.grants.unread(made.id) and "Bound to a person" in owner.get("/account").text


def test_a_password_is_not_guessed_at_the_binding(open_console, provider):  # noqa: F811
    """Tries count with those of the sign-in, and the second factor of the account is asked for as there."""
    console, _ = open_console()
    console.desk.accounts.add("director@example.org", OTHER, role="supervisor")
    browser, _ = come_in(console, provider)
    answers = [bind(browser, password="guessed wrong today").status_code for _ in range(11)]

    assert answers == [401] * 10 + [429]
    assert bind(browser, password=OTHER).status_code == 429


def test_the_second_factor_counts_at_the_binding(open_console):
    """A password alone does not bind an account that asks for a code."""
    console, _ = open_console()
    accounts, given = console.desk.accounts, Vouched(issuer="i", subject="s", name="director@example.org")
    made = accounts.add("director@example.org", OTHER, role="supervisor")
    key = pyotp.random_base32()
    accounts.confirm_second_factor(made.id, key, pyotp.TOTP(key).now())
    with pytest.raises(Unproved):
        accounts.of_vouched(given)
    with pytest.raises(AccountError):
        accounts.of_vouched(given, password=OTHER)

    assert accounts.of_vouched(given, password=OTHER, code=pyotp.TOTP(key).at(time.time() + 30)).id == made.id


@pytest.mark.parametrize("cookie", ["", "00", "01" * 40])
def test_nobody_binds_without_having_been_vouched_for(open_console, cookie):
    """The page answers only to what the sign-in sealed in this browser."""
    console, _ = open_console()
    console.desk.accounts.add("director@example.org", OTHER, role="supervisor")
    browser = console.client()
    browser.cookies.set("threelines_bind", cookie, path="/oidc")

    assert bind(browser, password=OTHER).status_code == 400


def test_an_admin_and_a_second_person_confirm_where_the_password_is_not_known(open_console, provider):  # noqa: F811
    """The password is void from then on: who made the account under another's name is out, and the owner is told."""
    console, admin = open_console(second_factor=False)
    made = console.desk.accounts.add("director@example.org", OTHER, role="supervisor")
    second = console.desk.accounts.add("dana", PASSWORD, role="supervisor")
    assert "bind it without its password" in admin.get("/admin").text
    token = form_token(admin.cookies["threelines"])
    admin.post("/admin", data={"token": token, "do": "binding", "account": made.id})
    assert come_in(console, provider)[1].status_code == 200, "it waits for the second person"
    console.desk.grants.approve(second.user, console.desk.grants.standing()[0].id)

    assert come_in(console, provider)[1].headers["location"] == "/account"
    assert console.client().post("/login", data={"name": made.name, "password": OTHER}).status_code == 401


def test_an_account_without_a_password(open_console, provider):  # noqa: F811
    """An invited person may choose none: the link leads to the organisation's sign-in, and no password opens it, an empty one neither."""
    console, admin = open_console()
    secret = invite(admin, name="director@example.org")
    browser = console.client()

    assert browser.post(f"/once/{secret}", data={"do": "vouched"}).headers["location"] == "/oidc"
    browser, answer = come_in(console, provider)
    assert answer.status_code == 303
    page = browser.get("/account").text
    assert "No password opens this one" in page and "New password" not in page
    for password in ("", PASSWORD):
        form = {"name": "director@example.org", "password": password}
        assert console.client().post("/login", data=form).status_code == 401


def test_without_a_provider_an_account_needs_a_password(console):
    """What a form says about the organisation's sign-in counts only where there is one."""
    secret = console.desk.grants.set_up().secret

    assert console.client().post(f"/once/{secret}", data={"name": "head", "do": "vouched"}).status_code == 422


def test_passwords_turned_off(open_console, provider):  # noqa: F811
    """With --oidc-only a right password, a session it began and a link that sets one open nothing; the provider does."""
    console, admin = open_console(oidc_only=True)
    accounts, grants = console.desk.accounts, console.desk.grants
    made = accounts.add("director@example.org", OTHER, role="reviewer")
    browser = console.client()
    assert 'name="password"' not in browser.get("/login").text
    assert browser.post("/login", data={"name": made.name, "password": OTHER}).status_code == 403
    browser.cookies.set("threelines", accounts.begin_session(made.id))
    assert browser.get("/review").status_code == 303

    link = grants.help(made.user, "password", made.id).secret
    assert browser.post(f"/once/{link}", data={"password": PASSWORD}).status_code == 422
    token = form_token(admin.cookies["threelines"])
    assert admin.post("/admin", data={"token": token, "do": "reset", "account": made.id}).status_code == 422
    browser, _ = come_in(console, provider)
    bind(browser, password=OTHER)
    assert browser.get("/review").status_code == 200
    form = {"token": form_token(browser.cookies["threelines"]), "do": "password", "old": OTHER, "password": PASSWORD}
    assert browser.post("/account", data=form).status_code == 422


def test_the_first_admin_where_passwords_are_turned_off(console_with, provider):  # noqa: F811
    """The link of the first run takes a name; the provider's person of that name is the admin."""
    console = console_with(oidc=Issuer(provider.address, client="console", secret="s"), oidc_only=True)
    secret = console.desk.grants.set_up().secret
    page = console.client().get(f"/once/{secret}").text
    answer = console.client().post(f"/once/{secret}", data={"name": "ana@example.org"})

    assert 'name="name"' in page and 'name="password"' not in page
    assert answer.headers["location"] == "/oidc"
    browser, _ = come_in(console, provider)
    assert browser.get("/admin").status_code == 200


@pytest.mark.parametrize("wrong", [["--oidc-only"], ["--oidc-only", "--oidc", "https://id.example.org", "--demo"]])
def test_passwords_are_turned_off_only_where_there_is_another_way(wrong, tmp_path):
    """The option alone would lock everybody out, and a demonstration has passwords only: the start is refused."""
    done = CliRunner().invoke(root, ["serve", "--db", str(tmp_path / "s.db"), *wrong])

    assert done.exit_code == 2 and "--oidc" in done.output


def test_a_database_of_the_version_before_gets_the_new_columns(console):
    """Bindings from before are not told as new, and an open invitation, or one that waits, is over: it names nobody."""
    desk = console.desk
    with desk.store.write() as connection:
        connection.execute(sa.text("ALTER TABLE web_grants DROP COLUMN name"))
        connection.execute(sa.text("ALTER TABLE web_bindings DROP COLUMN read"))
        connection.execute(
            sa.text(
                "DELETE FROM threelines_migrations WHERE name IN ('0002_name', '0003_bindings_read', '0003_nameless')"
            )
        )
        connection.execute(sa.text("INSERT INTO web_bindings VALUES ('w1', x'00', 1.0)"))
        connection.execute(
            sa.text(
                "INSERT INTO web_grants VALUES (:id, 'invite', :state, '', 'reviewer', '', :link, '', 0, 'w0', 1, '', "
                "9999999999, NULL, false)"
            ),
            [{"id": "g1", "state": "open", "link": "4" * 64}, {"id": "g2", "state": "asked", "link": "5" * 64}],
        )
    accounts = Accounts(desk.store, desk.keyring, desk.audit)
    grants = Grants(accounts)

    assert not grants.standing() and {grant.state for grant in grants.over()} == {"withdrawn"}
    assert not accounts.bound_unread("w1")
