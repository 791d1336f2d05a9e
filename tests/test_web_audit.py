"""What the audit keeps of coming in, and how its page shows a chain that somebody broke."""

import re

import pyotp
import pytest

from tests.conftest import PASSWORD, make_console
from threelines.roles import User
from threelines.web.security import Limit, form_token

OTHER = "nine other lamps"
WORKER = User(id="w1", role="supervisor")


def change(console, statement):
    """Change the database behind the console's back."""
    with console.desk.store.write() as connection:
        connection.exec_driver_sql(statement)


def kept(console, who=""):
    """Return the actions of the audit, of one person or all."""
    return [entry.action for entry in console.desk.audit.entries(who=who)]


@pytest.mark.parametrize("altered", ["action = 'case.list'", "hash = 'é'", "hash = x'00ff'", "time = 'never'"])
def test_an_altered_entry_is_said_on_the_page(console, altered):
    """The page names the entry in red and lists the entries all the same, whatever was written over it."""
    for number in range(5):
        console.desk.audit.add(WORKER, "case.read", record=f"c{number}")
    officer, _ = console.sign_in("data_protection_officer")
    change(console, f"UPDATE audit SET {altered} WHERE id = 3")
    page = officer.get("/audit")

    assert page.status_code == 200
    assert 'class="note stop" role="alert"' in page.text and "entry 3: altered" in page.text
    assert "broken here" in page.text and "c4" in page.text and "is whole" not in page.text


def test_a_removed_entry_is_said_on_the_page(console):
    """What is missing in the middle is named by its number."""
    for number in range(5):
        console.desk.audit.add(WORKER, "case.read", record=f"c{number}")
    officer, _ = console.sign_in("data_protection_officer")
    change(console, "DELETE FROM audit WHERE id = 3")

    assert "entry 3: altered, removed" in officer.get("/audit").text


def test_a_cut_end_is_noticed_by_the_head_seen_last(console):
    """A console that showed entries misses them; a head that was written down tells a new one."""
    officer, _ = console.sign_in("data_protection_officer")
    console.desk.audit.add(WORKER, "case.read", record="c1")
    head = re.search(r'secret small">([0-9a-f:]+)<', officer.get("/audit").text)[1]
    assert "holds the head" in officer.get("/audit", params={"anchor": head}).text
    change(console, "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)")
    console.desk.audit.add(WORKER, "case.list")  # the number is taken again, and the chain fits

    assert "the end was cut off" in officer.get("/audit").text
    assert "the end was cut off" in officer.get("/audit", params={"anchor": head}).text


def test_every_entry_can_be_reached(console):
    """Older entries stand on further pages, and one person's can be asked for by name or id."""
    with console.desk.store.write() as connection:
        for number in range(450):
            console.desk.audit.note(connection, WORKER, "case.read", record=f"c{number:03d}")
    officer, person = console.sign_in("data_protection_officer")
    seen, address = [], "/audit?who=w1"
    while address:
        page = officer.get(address).text
        seen += re.findall(r"<td>(c\d{3})</td>", page)
        onward = re.search(r'href="(/audit\?[^"]+)">Older', page)
        address = onward and onward[1].replace("&amp;", "&")

    assert seen == [f"c{number:03d}" for number in reversed(range(450))]
    own = officer.get("/audit", params={"who": person.name}).text
    assert "session.begin" in own and "case.read" not in own
    assert officer.get("/audit?before=99999999999999999999").status_code == 422


def test_coming_in_and_going_out_is_kept(console):
    """Second factor on, a password changed, signing out, a page refused: each has its entry, by the one who did."""
    browser, person = console.sign_in("reviewer")
    form = {"token": form_token(browser.cookies["threelines"])}
    secret = pyotp.random_base32()
    browser.post("/account", data=form | {"do": "factor", "secret": secret, "code": pyotp.TOTP(secret).now()})
    assert browser.get("/audit").status_code == 403
    browser.post("/review/next", data={"token": ""})
    browser.post("/logout", data=form)
    assert kept(console, person.id)[1:] == [
        "session.begin", "factor.on", "page.refused", "page.refused", "session.end",
    ]  # fmt: skip
    refused = [entry.record for entry in console.desk.audit.entries(who=person.id) if entry.action == "page.refused"]
    assert refused == ["audit", "review.next"]

    browser, person = console.sign_in("reviewer")
    form["token"] = form_token(browser.cookies["threelines"])
    browser.post("/account", data=form | {"do": "password", "old": PASSWORD, "password": OTHER})
    assert kept(console, person.id)[-1] == "password.set"


def test_a_refused_sign_in_is_kept_with_the_account_it_was_for(console):
    """Known names by their id, unknown ones without a word of what was typed."""
    _, person = console.sign_in("reviewer")
    for name in (person.name, "zerbinetta"):
        console.client().post("/login", data={"name": name, "password": "wrong wrong wrong"})

    refused = [entry for entry in console.desk.audit.entries(who="unknown") if entry.action == "session.refused"]
    assert [entry.record for entry in refused] == [person.id, ""]


def test_refusals_do_not_fill_the_disk(console):
    """Past the bound one entry says that some were left out; a signed-in person has a count of their own."""
    console.desk.refusals = Limit(3, 3600.0)
    browser, person = console.sign_in("reviewer")
    for number in range(8):
        console.client().post("/login", data={"name": f"nobody{number}", "password": "wrong wrong wrong"})
    browser.get("/audit")

    assert kept(console, "unknown") == ["session.refused"] * 3 + ["refusals.left_out"]
    assert kept(console, person.id)[-1] == "page.refused"


def test_a_wrong_code_keeps_the_secret_that_was_scanned(console_with):
    """The authenticator app goes on fitting: the page shows the same key and picture after a wrong code."""
    console = console_with(second_factor=True)
    browser, _ = console.sign_in("reviewer")
    first = browser.get("/account").text
    secret = re.search(r'name="secret" value="([A-Z2-7]+)"', first)[1]
    form = {"do": "factor", "secret": secret, "token": form_token(browser.cookies["threelines"])}
    again = browser.post("/account", data=form | {"code": "000000"}).text

    assert f'name="secret" value="{secret}"' in again
    assert re.search(r"<svg.*</svg>", again, re.DOTALL)[0] == re.search(r"<svg.*</svg>", first, re.DOTALL)[0]
    assert browser.post("/account", data=form | {"code": pyotp.TOTP(secret).now()}).status_code == 200
    assert "<script>" not in browser.post("/account", data=form | {"secret": "<script>", "code": "1"}).text


def refuse_nul(console):
    """Ask with a NUL character in a path, an address and a form, signed in and not."""
    browser, _ = console.sign_in("supervisor")
    officer, _ = console.sign_in("data_protection_officer")
    token = form_token(browser.cookies["threelines"])

    for client in (browser, console.client()):
        assert client.get("/register/%00").status_code == 404
    assert officer.get("/audit?record=a%00b").status_code == 404
    for address in ("/register/search", "/access", "/account", "/login"):
        answer = browser.post(address, data={"token": token, "do": "stop", "grant": "a\0", "name": "b\0"})
        assert answer.status_code in (404, 405, 422), address
    answer = browser.post("/access", data={"token": token}, files={"file": ("a\0", b"x")})
    assert answer.status_code in (200, 422)


def test_no_nul_reaches_the_database(console):
    """A path, an address or a form with a NUL character is refused before any query."""
    refuse_nul(console)


@pytest.mark.postgresql
def test_no_nul_reaches_postgresql(address, tmp_path, vocabulary):
    """PostgreSQL, which keeps no text with a NUL, gives the same answers."""
    from threelines.store.database import Store
    from threelines.web.desk import Options

    store = Store.open(address)
    refuse_nul(make_console(tmp_path, vocabulary, Options(second_factor=False), store=store))
    store.close()
