"""Ways into an account: one-time links, new passwords, lost phones, and the second person who agrees."""

import re

import pyotp
import pytest
import sqlalchemy as sa

from tests.conftest import PASSWORD
from threelines.web.accounts import AccountError
from threelines.web.grants import TRIES, Grants
from threelines.web.security import form_token

OTHER = "nine other lamps"


def send(browser, address, **form):
    """Post a form of ours."""
    return browser.post(address, data={"token": form_token(browser.cookies["threelines"]), **form})


def secret_of(answer):
    """Return what a page shows once: a link's secret or a code."""
    return re.search(r'<p class="secret">(?:http\S+/once/)?([\w-]+)</p>', answer.text)[1]


def actions(console, record):
    """Return what the audit says was done to a record."""
    return [entry.action for entry in console.desk.audit.entries(record=record)]


@pytest.fixture
def people(console):
    """Return the browsers and persons of an admin and of two supervisors, the second with a second factor."""
    admin, first, second = console.sign_in("admin"), console.sign_in("supervisor"), console.sign_in("supervisor")
    secret = pyotp.random_base32()
    console.desk.accounts.confirm_second_factor(second[1].id, secret, pyotp.TOTP(secret).now())
    return {"admin": admin, "first": first, "second": second}


def test_an_admin_alone_becomes_nobody_else(console, people):
    """Neither a reset nor turning the second factor off does anything until a second person has agreed."""
    (admin, _), (_, target) = people["admin"], people["second"]
    send(admin, "/admin", do="factor", account=target.id)
    secret = secret_of(send(admin, "/admin", do="reset", account=target.id))
    answer = console.client().post(f"/once/{secret}", data={"password": OTHER})

    assert answer.status_code == 422 and "must agree" in answer.text
    assert console.desk.accounts.get(target.id).has_second_factor
    console.desk.accounts.check_password(target.id, PASSWORD)
    assert send(admin, "/access", do="approve", grant=console.desk.grants.standing()[0].id).status_code == 403


def test_with_a_second_person_the_owner_comes_in_by_link_and_code(console, people):
    """The admin has the link, the second person the code, and neither opens the account without the other."""
    (admin, head), (second, other), (_, target) = people["admin"], people["first"], people["second"]
    send(admin, "/admin", do="factor", account=target.id)
    link = secret_of(send(admin, "/admin", do="reset", account=target.id))
    factor, password = console.desk.grants.standing()
    send(second, "/access", do="approve", grant=factor.id)
    code = secret_of(send(second, "/access", do="approve", grant=password.id))
    owner = console.client()
    assert owner.post(f"/once/{link}", data={"password": OTHER}).status_code == 422
    assert owner.post(f"/once/{link}", data={"password": OTHER, "code": "AAAAAAAAAA"}).status_code == 422
    answer = owner.post(f"/once/{link}", data={"password": OTHER, "code": code.lower()})

    assert answer.headers["location"] == "/account"
    page = owner.get("/account").text
    assert f"asked by {head.name}" in page and f"agreed to by {other.name}" in page and "New password" in page
    done = [action for action in actions(console, target.id) if action.startswith(("factor", "password"))]
    assert done == [
        "factor.on", "factor.ask", "password.ask", "factor.approve", "factor.off", "password.approve",
        "password.wrong_code", "password.wrong_code", "password.use", "password.set",
    ]  # fmt: skip


def test_the_owner_is_told_until_they_say_that_they_have_seen_it(console, people):
    """Whoever signs in after a change by others is led to it first, and once seen it stays in the list."""
    (admin, _), (second, _), (_, target) = people["admin"], people["first"], people["second"]
    send(admin, "/admin", do="factor", account=target.id)
    send(second, "/access", do="approve", grant=console.desk.grants.standing()[0].id)
    owner, form = console.client(), {"name": target.name, "password": PASSWORD}

    assert owner.post("/login", data=form).headers["location"] == "/account"
    assert send(owner, "/account", do="read").headers["location"] == "/"
    assert console.client().post("/login", data=form).headers["location"] == "/"
    assert "Second factor off" in owner.get("/account").text


def test_nobody_agrees_for_themselves(console, people):
    """The account itself is no second person, and an invited one cannot have been asked for by who agrees."""
    (admin, _), (browser, first) = people["admin"], people["first"]
    send(admin, "/admin", do="reset", account=first.id)
    answer = send(browser, "/access", do="approve", grant=console.desk.grants.standing()[0].id)
    assert answer.status_code == 422 and "not the account itself" in answer.text

    grant = console.desk.grants
    grant.help(first.user, "password", people["second"][1].id)
    with pytest.raises(AccountError, match="not who asked"):
        grant.approve(first.user, grant.standing()[-1].id)


def test_the_owner_can_stop_what_others_asked(console, people):
    """A request for one's own account stands on the own page, and ends there; another's cannot be ended."""
    (admin, _), (browser, first), (_, target) = people["admin"], people["first"], people["second"]
    send(admin, "/admin", do="reset", account=first.id)
    send(admin, "/admin", do="reset", account=target.id)
    own, others = console.desk.grants.standing()

    assert "I did not ask" in browser.get("/account").text
    assert send(browser, "/account", do="stop", grant=others.id).status_code == 422
    assert send(browser, "/account", do="stop", grant=own.id).status_code == 200
    assert [grant.id for grant in console.desk.grants.standing()] == [others.id]


def test_a_new_link_replaces_the_older_ones(console):
    """Only the newest reset of an account can be used, and using it ends what else was open."""
    admin, head = console.sign_in("admin")
    other, _ = console.sign_in("admin")
    old = secret_of(send(admin, "/admin", do="reset", account=head.id))
    new = secret_of(send(other, "/admin", do="reset", account=head.id))

    assert console.client().get(f"/once/{old}").status_code == 404
    assert console.client().post(f"/once/{new}", data={"password": OTHER}).status_code == 303
    assert console.desk.grants.standing() == ()
    assert "password.replace" in actions(console, head.id)


def test_a_second_link_of_the_first_run_replaces_the_first(console):
    """Each start without an account prints a new link; the one before is void."""
    old, new = (console.desk.grants.set_up().secret for _ in range(2))

    assert console.client().get(f"/once/{old}").status_code == 404
    assert console.client().get(f"/once/{new}").status_code == 200


def test_open_links_are_listed_and_can_be_withdrawn(console):
    """An invitation that went to the wrong person is made useless, and the audit says by whom."""
    admin, head = console.sign_in("admin")
    secret = secret_of(send(admin, "/admin", do="invite", name="kim", role="reviewer"))
    (grant,) = console.desk.grants.standing()
    assert "new account" in admin.get("/admin").text
    send(admin, "/admin", do="withdraw", grant=grant.id)

    assert console.client().get(f"/once/{secret}").status_code == 404
    assert "Open links" not in admin.get("/admin").text
    entries = list(console.desk.audit.entries(record=grant.id))
    assert [(entry.who, entry.action) for entry in entries] == [
        (head.id, "invite.make"), (head.id, "invite.withdraw"),
    ]  # fmt: skip
    assert send(admin, "/admin", do="withdraw", grant=grant.id).status_code == 422


def test_an_invitation_is_simple_until_it_would_make_a_second_person(console):
    """The first supervisor and every other role come in by the link alone; a further supervisor needs an agreement."""
    admin, head = console.sign_in("admin")
    grants = console.desk.grants
    assert not grants.invite(head.user, "a.b", role="supervisor").waits
    _, first = console.sign_in("supervisor")
    assert not grants.invite(head.user, "a.b", role="case_worker").waits
    for role in ("supervisor", "data_protection_officer"):
        assert grants.invite(head.user, "a.b", role=role).waits, role
    console.desk.accounts.set_disabled(first.id, True, head.user)
    assert grants.invite(head.user, "a.b", role="supervisor").waits, "closing all of them does not open the way"

    console.desk.accounts.set_disabled(first.id, False, head.user)
    secret = secret_of(send(admin, "/admin", do="invite", name="Newcomer", role="supervisor"))
    form = {"name": "another", "password": PASSWORD}
    assert console.client().post(f"/once/{secret}", data=form).status_code == 422
    form["code"] = grants.approve(first.user, grants.standing()[-1].id)
    assert console.client().post(f"/once/{secret}", data=form).status_code == 303
    assert console.desk.accounts.by_name("newcomer").role == "supervisor"


def test_codes_cannot_be_guessed(console, people):
    """After ten wrong codes the link is void, also for the right one."""
    (_, head), (_, first), (_, target) = people["admin"], people["first"], people["second"]
    grants = console.desk.grants
    secret = grants.help(head.user, "password", target.id).secret
    code = grants.approve(first.user, grants.standing()[0].id)
    for _ in range(TRIES):
        with pytest.raises(AccountError, match="code"):
            grants.use(secret, password=OTHER, code="WRONG")

    with pytest.raises(AccountError, match="used or is too old"):
        grants.use(secret, password=OTHER, code=code)


def test_a_link_of_a_closed_account_is_void(console):
    """It answers like any used link, and closing an account withdraws it for good."""
    admin, _ = console.sign_in("admin")
    _, other = console.sign_in("admin")
    secret = secret_of(send(admin, "/admin", do="reset", account=other.id))
    send(admin, "/admin", do="disable", account=other.id)
    assert console.client().get(f"/once/{secret}").status_code == 404
    assert console.client().post(f"/once/{secret}", data={"password": OTHER}).status_code == 404
    send(admin, "/admin", do="enable", account=other.id)

    assert console.client().post(f"/once/{secret}", data={"password": OTHER}).status_code == 404


def test_a_taken_name_does_not_use_an_invitation_up(console):
    """Also the name of a closed account is refused before the link is gone, here that of the first run."""
    _, head = console.sign_in("admin")
    _, gone = console.sign_in("reviewer")
    console.desk.accounts.set_disabled(gone.id, True, head.user)
    secret = console.desk.grants.set_up().secret
    for name, expected in ((gone.name, 422), ("fresh", 303)):
        answer = console.client().post(f"/once/{secret}", data={"name": name, "password": PASSWORD})
        assert answer.status_code == expected, name


def test_links_of_the_version_before(console):
    """Its open invitations, which name nobody, and its resets, which nobody else agreed to, are void; the first admin's link works."""
    from hashlib import sha256

    store = console.desk.store
    with store.write() as connection:
        for secret, account, purpose in (("a", "", "invite"), ("b", "w1", "reset"), ("c", "", "setup")):
            connection.execute(
                sa.text("INSERT INTO web_once VALUES (:id, :purpose, :account, 'reviewer', 'north', 9999999999)"),
                {"id": sha256(secret.encode()).hexdigest(), "purpose": purpose, "account": account},
            )
        connection.execute(sa.text("DROP TABLE web_grants"))
        connection.execute(sa.text("DELETE FROM threelines_migrations WHERE area = 'grants'"))
    grants = Grants(console.desk.accounts)

    assert grants.find("b") is None
    assert grants.find("a") is None
    assert grants.find("c").team == "north"
    assert [(grant.kind, grant.state) for grant in grants.over()] == [("invite", "withdrawn")], "an admin sees why"
