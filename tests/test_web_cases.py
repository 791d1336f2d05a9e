"""A case from hand to hand in the console: found again, given on, corrected, its vault emptied, its consent told."""

import re
import sqlite3
from contextlib import closing
from copy import copy
from datetime import date

import pytest
import sqlalchemy as sa

from threelines.web.security import form_token

CANARY, PHONE = "Zerbinetta Quux", "+44 7700 900123"
GUARDIAN = {"purpose": "share_with_police", "value": "yes", "giver": "guardian", "method": "written"}


def token_of(browser):
    """Return the form token of a signed-in browser, as a form's field."""
    return {"token": form_token(browser.cookies["threelines"])}


def add_case(browser, **answers):
    """Keep a case with the full form and return its address."""
    sent = token_of(browser) | {"form": "full", "ai_Asked": "yes", "ai_Suspected": "none"} | answers
    return browser.post("/register/new", data=sent).headers["location"].split("?")[0]


def change(browser, where, revision, **answers):
    """Send the form of a kept case."""
    sent = {"ai_Asked": "yes", "ai_Suspected": "none", "revision": str(revision)} | answers
    return browser.post(where + "/edit", data=token_of(browser) | sent)


def seen_by(console, person):
    """Return the register as a person sees it."""
    register = copy(console.desk.register)
    register.user = person.user
    return register


def actions(console, where):
    """Return what the audit has of a case."""
    return [entry.action for entry in console.desk.audit.entries(record=where.rsplit("/", 1)[1])]


# ---------------------------------------------------------------------- the vault


def test_an_answer_of_the_vault_is_removed_without_being_shown(console, tmp_path):
    """The form says which answers are kept, a box removes one; history and audit tell it, and no file keeps it."""
    browser, person = console.sign_in("case_worker")
    where = add_case(browser, prs_FirstName=CANARY, tl_Callback="Call Beatrix at noon")
    page = browser.get(where + "/edit").text
    assert "Beatrix" not in page and 'id="gone-tl_Callback"' in page and 'id="gone-prs_Email"' not in page
    before = seen_by(console, person).vault
    with console.desk.store.read() as connection:
        held = before.read(connection, where.rsplit("/", 1)[1])
    assert change(browser, where, 1, gone="tl_Callback").status_code == 303

    assert held["tl_Callback"] and seen_by(console, person).identity(where.rsplit("/", 1)[1]) == {
        "prs_FirstName": CANARY
    }
    assert "identity.remove" in actions(console, where)
    history = browser.get(where + "/history").text
    assert "Removed in the vault" in history and "Beatrix" not in history
    assert seen_by(console, person).verify(where.rsplit("/", 1)[1]) == 2


def test_what_the_vault_held_is_in_no_file_after_it_was_removed(console, tmp_path):
    """The sealed bytes of the answer are gone from the database and its log, not only out of reach."""
    from threelines.people.tables import VAULT

    browser, _ = console.sign_in("case_worker")
    where = add_case(browser, tl_Callback=PHONE)
    with console.desk.store.read() as connection:
        sealed = connection.execute(VAULT.select()).one().sealed
    console.desk.store.flush()
    assert any(sealed in path.read_bytes() for path in tmp_path.iterdir())
    change(browser, where, 1, gone="tl_Callback")

    assert not any(sealed in path.read_bytes() for path in tmp_path.iterdir())


def test_the_vault_is_opened_with_a_reason_and_changed_with_its_answers_in_sight(console):
    """Opened to be changed, the form shows what is kept; what is emptied goes, what is put in place stays."""
    browser, person = console.sign_in("case_worker")
    where = add_case(browser, prs_FirstName=CANARY, tl_Callback=PHONE)
    asked = token_of(browser) | {"do": "change", "reason": "data quality"}
    page = browser.post(where + "/identity", data=asked).text
    assert f'value="{CANARY}"' in page and PHONE in page and 'name="vault" value="open"' in page
    reasons = {entry.reason for entry in console.desk.audit.entries() if entry.action == "identity.read"}
    assert reasons == {"data quality"}
    assert browser.post(where + "/identity", data=asked | {"reason": "because"}).status_code == 422
    change(browser, where, 1, vault="open", prs_FirstName="Ines")

    assert seen_by(console, person).identity(where.rsplit("/", 1)[1]) == {"prs_FirstName": "Ines"}


def test_a_held_case_loses_nothing_of_the_vault(console):
    """Under a legal hold a removal is refused in words and the form comes back; an answer may still be added."""
    browser, person = console.sign_in("supervisor")
    where = add_case(browser, tl_Callback=PHONE)
    browser.post(where + "/hold", data=token_of(browser) | {"on": "yes"})
    refused = change(browser, where, 1, gone="tl_Callback", ai_ContactLanguage="lao")

    assert refused.status_code == 409 and "under legal hold" in refused.text and 'value="lao"' in refused.text
    assert change(browser, where, 1, prs_FirstName=CANARY).status_code == 303
    assert seen_by(console, person).identity(where.rsplit("/", 1)[1]) == {"tl_Callback": PHONE, "prs_FirstName": CANARY}
    browser.post(where + "/hold", data=token_of(browser) | {"on": "no"})
    assert change(browser, where, 2, gone="tl_Callback").status_code == 303


# ---------------------------------------------------------------------- from hand to hand


def test_a_hotlines_case_is_handed_to_a_worker_of_the_team(console):
    """The supervisor sees what has no case worker and gives it to one, who reads it then; nobody else can be chosen."""
    hotline, _ = console.sign_in("intake")
    worker, person = console.sign_in("case_worker")
    supervisor, _ = console.sign_in("supervisor")
    _, stranger = console.sign_in("analyst")
    where = add_case(hotline)
    case = where.rsplit("/", 1)[1]
    assert worker.get(where).status_code == 403
    assert case in supervisor.get("/register?whose=waiting").text and person.name in supervisor.get(where).text
    wrong = supervisor.post(where + "/assign", data=token_of(supervisor) | {"owner": stranger.id})
    assert wrong.status_code == 422
    assert worker.post(where + "/assign", data=token_of(worker) | {"owner": person.id}).status_code == 403
    given = supervisor.post(where + "/assign", data=token_of(supervisor) | {"owner": person.id})

    assert given.status_code == 303 and "case.assign" in actions(console, where)
    assert worker.get(where).status_code == 200 and case in worker.get("/register").text
    assert case not in supervisor.get("/register?whose=waiting").text
    assert case not in supervisor.get("/register?whose=mine").text and case in supervisor.get("/register").text


def test_the_cases_of_a_closed_account_wait_for_a_worker(console):
    """A case whose worker left shows up among those without one, and says so."""
    worker, person = console.sign_in("case_worker")
    where = add_case(worker)
    supervisor, _ = console.sign_in("supervisor")
    console.desk.accounts.set_disabled(person.id, True, person.user)
    page = supervisor.get("/register?whose=waiting").text

    assert where in page and f"{person.name}, closed" in page


def test_a_person_who_calls_again_is_found(console):
    """By the same telephone in another spelling, in reach only, with a reason in the audit, and nothing similar."""
    worker, _ = console.sign_in("case_worker")
    where = add_case(worker, prs_MobilePhone=PHONE, prs_FirstName=CANARY)
    supervisor, _ = console.sign_in("supervisor")
    other, _ = console.sign_in("case_worker")
    asked = {"prs_MobilePhone": "+447700900123", "reason": "emergency"}

    found = supervisor.post("/register/find", data=token_of(supervisor) | asked)
    assert f'href="{where}"' in found.text and CANARY not in found.text
    assert where not in other.post("/register/find", data=token_of(other) | asked).text
    near = asked | {"prs_MobilePhone": "+447700900124"}
    assert where not in supervisor.post("/register/find", data=token_of(supervisor) | near).text
    nothing = supervisor.post(
        "/register/find", data=token_of(supervisor) | {"prs_FirstName": CANARY, "reason": "emergency"}
    )
    assert nothing.status_code == 422
    assert [e.reason for e in console.desk.audit.entries() if e.action == "identity.match"] == ["emergency"] * 3


def test_the_officer_records_consent_and_holds_without_seeing_the_case(console):
    """The data protection officer finds a case, records a withdrawal and a hold, and reads no answer of it."""
    worker, _ = console.sign_in("case_worker")
    where = add_case(worker, ai_ContactLanguage="lao", prs_MobilePhone=PHONE, **{"consent.statistics": "yes"})
    officer, _ = console.sign_in("data_protection_officer")
    assert f'href="{where}/consent"' in officer.get("/register").text
    found = officer.post(
        "/register/find", data=token_of(officer) | {"prs_MobilePhone": PHONE, "reason": "subject access"}
    )
    assert f'href="{where}/consent"' in found.text
    page = officer.get(where + "/consent")
    assert page.status_code == 200 and "Lao" not in page.text and "lao" not in page.text and PHONE not in page.text
    assert officer.get(where).status_code == 403 and officer.get(where + "/history").status_code == 403
    sent = officer.post(where + "/consent", data=token_of(officer) | {"purpose": "statistics", "value": "withdrawn"})

    assert sent.headers["location"].startswith(where + "/consent")
    assert "Withdrawn" in officer.get(where + "/consent").text
    officer.post(where + "/hold", data=token_of(officer) | {"on": "yes"})
    assert "legal hold" in officer.get("/register").text
    faulty = officer.post(where + "/consent", data=token_of(officer) | {"purpose": "nothing", "value": "yes"})
    assert faulty.status_code == 422


def test_the_officer_erases_a_case(console):
    """With a reason and the whole id typed, not under a hold, in the audit; nobody else has the form or its route."""
    worker, _ = console.sign_in("case_worker")
    where = add_case(worker, ai_ContactLanguage="lao", prs_MobilePhone=PHONE)
    case, other = where.rpartition("/")[2], add_case(worker, ai_ContactLanguage="tha")
    officer, person = console.sign_in("data_protection_officer")
    said = {"reason": "erasure request", "typed": case}

    def erased(**sent):
        return officer.post(where + "/erase", data=token_of(officer) | said | sent)

    assert erased(reason="").status_code == erased(reason="because").status_code == 422
    assert erased(typed="").status_code == erased(typed=case[:9]).status_code == 422
    officer.post(where + "/hold", data=token_of(officer) | {"on": "yes"})
    assert f'action="{where}/erase"' not in officer.get(where + "/consent").text
    held = erased()
    assert held.status_code == 409 and "legal hold" in held.text
    officer.post(where + "/hold", data=token_of(officer) | {"on": "no"})
    supervisor, _ = console.sign_in("supervisor")
    assert "erase" not in supervisor.get(where + "/consent").text
    assert supervisor.post(where + "/erase", data=token_of(supervisor) | said).status_code == 403
    assert f'action="{where}/erase"' in officer.get(where + "/consent").text

    done = erased()
    assert done.headers["location"] == f"/register?erased={case}"
    assert case not in officer.get("/register").text and other.rpartition("/")[2] in officer.get("/register").text
    (entry,) = [entry for entry in console.desk.audit.entries() if entry.action == "case.erase"]
    assert (entry.record, entry.reason, entry.who) == (case, "erasure request", person.id)


def test_the_history_tells_what_each_revision_changed_and_who(console):
    """Answers before and after, consent and its giver, by the names of the workers."""
    browser, person = console.sign_in("supervisor")
    where = add_case(browser)
    change(browser, where, 1, ai_Suspected="suspected")
    browser.post(where + "/consent", data=token_of(browser) | GUARDIAN)
    page = browser.get(where + "/history").text

    assert page.index("Revision 3") < page.index("Revision 2") < page.index("Revision 1")
    assert person.name in page and "→ Suspected" in page and "Parent or guardian" in page


# ---------------------------------------------------------------------- consent


def test_every_purpose_has_its_own_words_and_shows_who_gave_it_and_how(console):
    """Two purposes concern the police and are told apart; giver, way and end stand on the page."""
    browser, _ = console.sign_in("supervisor")
    where, end = add_case(browser), f"{date.today().year + 3}-12-31"
    browser.post(where + "/consent", data=token_of(browser) | GUARDIAN | {"expires": end})
    page = browser.get(where).text
    headings = re.findall(r'<h3 id="consent-\w+">([^<]+)</h3>', page)

    assert len(set(headings)) == len(headings) == len(console.desk.register.form.purposes)
    assert "by: Parent or guardian" in page and "how: Written" in page and f"Yes, until {end}" in page
    assert "Everything</option>" not in page and "Withdraw everything" in page


def test_no_answer_is_recorded_that_nobody_chose(console):
    """What the person says has no answer chosen beforehand, asked before or not, and none is refused in words."""
    browser, person = console.sign_in("supervisor")
    where = add_case(browser)

    def chosen():
        page = browser.get(where).text
        found = {
            name: re.search(rf'<select id="{name}-share_with_police".*?</select>', page)[0]
            for name in ("value", "giver", "method")
        }
        assert " required>" in found["value"]
        return {name: "".join(re.findall(r'value="(\w*)" selected', select)) for name, select in found.items()}

    assert chosen() == {"value": "", "giver": "", "method": ""}
    empty = browser.post(where + "/consent", data=token_of(browser) | {"purpose": "share_with_police", "value": ""})
    assert empty.status_code == 422
    browser.post(where + "/consent", data=token_of(browser) | GUARDIAN)
    assert chosen() == {"value": "", "giver": "guardian", "method": "written"}
    assert seen_by(console, person).get(where.rsplit("/", 1)[1]).consent["share_with_police"].giver == "guardian"


@pytest.mark.parametrize("value", ["yes", "no", "withdrawn"])
def test_who_gave_a_consent_stays_until_it_is_told_otherwise(console, value):
    """A new answer without giver and way keeps those told before; withdrawing all keeps them, too."""
    browser, person = console.sign_in("supervisor")
    where = add_case(browser)
    browser.post(where + "/consent", data=token_of(browser) | GUARDIAN)
    browser.post(where + "/consent", data=token_of(browser) | {"purpose": "share_with_police", "value": value})
    told = seen_by(console, person).get(where.rsplit("/", 1)[1]).consent["share_with_police"]
    browser.post(where + "/consent", data=token_of(browser) | {"purpose": "all", "value": "withdrawn"})
    gone = seen_by(console, person).get(where.rsplit("/", 1)[1]).consent["share_with_police"]

    assert (told.value, told.giver, told.method) == (value, "guardian", "written")
    assert (gone.value, gone.giver, gone.method) == ("withdrawn", "guardian", "written")


# ---------------------------------------------------------------------- two at one case


def test_after_a_conflict_what_was_sent_stands_over_the_case_as_it_is_now(console):
    """The own changes come back, the other's are not undone, both answers are shown, and it can be kept again."""
    browser, person = console.sign_in("supervisor")
    where = add_case(browser, ai_ContactLanguage="lao")
    change(browser, where, 1, ai_ContactLanguage="khm", ai_Suspected="suspected")
    answer = change(browser, where, 1, ai_ContactLanguage="lao tha", prs_FirstName=CANARY)

    assert answer.status_code == 409 and 'role="alert"' in answer.text
    assert 'value="lao tha"' in answer.text and f'value="{CANARY}"' in answer.text
    assert re.search(r'value="suspected" checked', answer.text)
    row = re.search(r"<tr><td>[^<]*languages[^<]*</td><td>([^<]*)</td><td>([^<]*)</td>", answer.text)
    assert row.groups() == ("khm", "lao; tha")
    assert "You had not changed it" in answer.text and 'name="revision" value="2"' in answer.text
    again = change(browser, where, 2, ai_ContactLanguage="lao tha", ai_Suspected="suspected", prs_FirstName=CANARY)
    assert again.status_code == 303
    assert seen_by(console, person).get(where.rsplit("/", 1)[1]).fields["ai_ContactLanguage"] == ["lao", "tha"]


def test_a_conflict_about_an_open_vault_shows_both_answers(console):
    """Who had opened the vault sees what another one put there meanwhile beside the own answer, before keeping it."""
    browser, _ = console.sign_in("supervisor")
    where = add_case(browser, tl_Callback=PHONE)
    change(browser, where, 1, tl_Callback="Not before noon")
    hidden = change(browser, where, 1, tl_Callback="Evenings")
    shown = change(browser, where, 1, tl_Callback="Evenings", vault="open")

    assert hidden.status_code == shown.status_code == 409
    assert "Not before noon" not in hidden.text and "Changed in the vault meanwhile: A safe way" in hidden.text
    assert "<td>Not before noon</td><td>Evenings</td>" in shown.text


def test_a_faulty_form_keeps_who_gave_consent(console):
    """Giver and way come back as they were chosen, not as the form begins."""
    browser, _ = console.sign_in("intake")
    sent = {"form": "short", "ai_Asked": "yes", "ai_ContactLanguage": "no code", "consent_giver": "guardian"}
    answer = browser.post("/register/new", data=token_of(browser) | sent | {"consent_method": "written"})

    assert answer.status_code == 422
    assert 'value="guardian" selected' in answer.text and 'value="written" selected' in answer.text


# ---------------------------------------------------------------------- a form that is sent twice


def number_of(browser):
    """Return the number of a new form."""
    return re.search(r'name="number" value="(\w{32})"', browser.get("/register/new?form=full").text)[1]


def test_a_form_that_is_sent_twice_is_one_case(console):
    """The second time nothing is kept: the form comes back as it was typed, with the case that it led to and a number of its own."""
    browser, person = console.sign_in("case_worker")
    other, _ = console.sign_in("case_worker")
    number = number_of(browser)
    where = add_case(browser, number=number, tl_Callback=PHONE)
    sent = {"form": "full", "ai_Asked": "yes", "ai_Suspected": "none", "number": number, "prs_FirstName": CANARY}
    again = browser.post("/register/new", data=token_of(browser) | sent | {"consent.services": "yes"})

    assert again.status_code == 409 and "kept already" in again.text and f'href="{where}"' in again.text
    assert f'value="{CANARY}"' in again.text and number not in again.text
    assert re.search(r'name="consent.services" value="yes" checked', again.text)
    assert seen_by(console, person).count() == 1
    assert add_case(other, number=number) != where
    fresh = re.search(r'name="number" value="(\w{32})"', again.text)[1]
    assert add_case(browser, number=fresh, prs_FirstName=CANARY) != where and seen_by(console, person).count() == 2


def test_a_faulty_form_is_kept_once_when_it_is_mended(console):
    """A form that was not kept for a fault keeps its number and is kept afterwards."""
    browser, person = console.sign_in("case_worker")
    sent = {"form": "full", "ai_Asked": "yes", "ai_ContactLanguage": "no code", "number": number_of(browser)}
    answer = browser.post("/register/new", data=token_of(browser) | sent)
    mended = token_of(browser) | sent | {"ai_ContactLanguage": "lao", "ai_Suspected": "none"}

    assert answer.status_code == 422 and sent["number"] in answer.text
    assert [browser.post("/register/new", data=mended).status_code for _ in range(2)] == [303, 409]
    assert seen_by(console, person).count() == 1


def test_a_form_of_an_erased_case_does_not_bring_it_back(console):
    """The number of an erased case makes no case again: a list of erasures would take it away at the next restore."""
    browser, person = console.sign_in("supervisor")
    number = number_of(browser)
    where = add_case(browser, number=number)
    officer, _ = console.sign_in("data_protection_officer")
    said = {"reason": "erasure request", "typed": where.rsplit("/", 1)[1]}
    officer.post(where + "/erase", data=token_of(officer) | said)
    sent = {"form": "full", "ai_Asked": "yes", "ai_Suspected": "none", "number": number}
    again = browser.post("/register/new", data=token_of(browser) | sent)

    assert again.status_code == 409 and "The case that was made of it" not in again.text
    assert seen_by(console, person).count() == 0


@pytest.fixture
def impatient(console):
    """Let the console wait a moment only for a database that somebody else holds; return its path."""
    engine = console.desk.store.engine
    sa.event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA busy_timeout=50"))
    engine.dispose()
    return console.desk.store.path


def sent_again(page):
    """Return what a page holds to be sent again."""
    return dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', page.partition("<main")[2]))


def test_a_busy_database_loses_no_form(console, impatient):
    """A form sent while another program writes comes back with 503 and all of it, and is kept once when sent again."""
    browser, person = console.sign_in("supervisor")
    where, number = add_case(browser), number_of(browser)
    new = token_of(browser) | {"form": "full", "ai_Asked": "yes", "ai_Suspected": "none", "number": number}
    new |= {"prs_FirstName": CANARY, "consent.services": "yes"}
    changed = token_of(browser) | {"ai_Asked": "yes", "ai_Suspected": "none", "revision": "1", "tl_Callback": PHONE}
    with closing(sqlite3.connect(impatient, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answers = [browser.post("/register/new", data=new), browser.post(where + "/edit", data=changed)]
        login = browser.post("/login", data={"name": person.name, "password": CANARY})
    kept = [sent_again(answer.text) for answer in answers]

    assert [answer.status_code for answer in answers] == [503, 503] and "retry-after" in answers[0].headers
    assert kept == [new, changed]
    assert login.status_code in (401, 503) and CANARY not in login.text
    assert [browser.post("/register/new", data=kept[0]).status_code for _ in range(2)] == [303, 409]
    assert browser.post(where + "/edit", data=kept[1]).status_code == 303
    assert seen_by(console, person).identity(where.rsplit("/", 1)[1]) == {"tl_Callback": PHONE}
    assert seen_by(console, person).count() == 2
