"""What leaves: who sees which request, and that a changed case or a withdrawn consent stops it."""

import re
import secrets
from copy import copy

import pytest
from click.testing import CliRunner

from tests.conftest import PASSWORD
from threelines.cli.export import prepare_export
from threelines.cli.main import root
from threelines.people import approval
from threelines.people.approval import Terms
from threelines.people.register import Register
from threelines.roles import RoleError, User
from threelines.store.keyring import Keyring
from threelines.web.security import form_token
from threelines.web.sharing import SHOWN, prepare_referral

ALL = {"share_with_police": "yes", "share_with_company": "yes", "research": "yes"}
SECOND = ("--user", "second", "--role", "data_protection_officer")


def token_of(browser):
    """Return the form token of a signed-in browser."""
    return form_token(browser.cookies["threelines"])


def south(console, role):
    """Sign a person of team south in."""
    name = f"south-{secrets.token_hex(3)}"
    person = console.desk.accounts.add(name, PASSWORD, role=role, team="south")
    browser = console.client()
    assert browser.post("/login", data={"name": name, "password": PASSWORD}).status_code == 303
    return browser, person


def as_person(console, person):
    """Return the register as a person sees it."""
    mine = copy(console.desk.register)
    mine.user = person.user
    return mine


@pytest.fixture
def referral(console):
    """A referral of a case of team north: (the preparer's browser, the preparer's register, case, request)."""
    browser, person = console.sign_in("supervisor")
    register = as_person(console, person)
    case = register.add({"ai_Asked": "yes", "ai_Suspected": "none"}, consent=ALL)
    return browser, register, case, prepare_referral(register, case, recipient="Harbour unit", basis="")


def test_a_request_is_seen_by_whoever_reaches_its_cases(console, referral):
    """Neither recipient nor preparer nor button for another team; the team, the officer and nobody else see the card."""
    _, register, case, _ = referral
    north = [console.sign_in(role)[0] for role in ("supervisor", "data_protection_officer")]
    far = [south(console, role)[0] for role in ("case_worker", "supervisor")]
    far += [console.sign_in(role)[0] for role in ("case_worker", "analyst")]
    name = console.desk.accounts.get(register.user.id).name

    for page in (browser.get("/release").text for browser in north):
        assert "Harbour unit" in page and name in page and case[:9] in page and "Approve</button>" in page
    for page in (browser.get("/release").text for browser in far):
        assert (
            "Harbour unit" not in page and name not in page and case[:9] not in page and "Approve</button>" not in page
        )


def test_a_withdrawn_consent_stops_the_approval(console, referral):
    """After withdrawal the card says so and has no button to approve; approving is refused, refusing is not."""
    _, register, case, request = referral
    register.withdraw(case)
    second, _ = console.sign_in("supervisor")
    page = second.get("/release").text
    sent = {"token": token_of(second)}
    refused = second.post(f"/release/{request}/decide", data=sent | {"decision": "approve"})

    assert "consent changed since" in page and "Approve</button>" not in page
    assert refused.status_code == 409 and "prepare it again" in refused.text
    assert approval.read(register, request).state == "prepared"
    assert second.post(f"/release/{request}/decide", data=sent | {"decision": "refuse"}).status_code == 303


HELD = "referral for Harbour unit, prepared on"


def test_who_holds_a_case_is_told_after_a_withdrawal(console, referral):
    """Whoever withdraws reads who is to be told, by the purpose that ended; a new consent or a mere visit tells nobody."""
    browser, _, case, request = referral
    officer, person = console.sign_in("data_protection_officer")
    approval.decide(as_person(console, person), request, yes=True)

    def answered(by, **sent):
        done = by.post(f"/register/{case}/consent", data={"token": token_of(by)} | sent)
        return by.get(done.headers["location"]).text

    assert HELD not in answered(browser, purpose="research", value="withdrawn")
    assert HELD not in answered(browser, purpose="share_with_police", value="yes")
    page = answered(browser, purpose="share_with_police", value="no")
    assert HELD in page and "approved" in page[page.index(HELD) :][:60] and "Article 19" in page
    assert HELD not in browser.get(f"/register/{case}").text
    assert HELD in answered(officer, purpose="all", value="withdrawn")


def test_who_holds_a_case_is_told_after_its_erasure(console, referral):
    """The officer reads it once the case is gone; nobody else does by the same address."""
    browser, _, case, _ = referral
    officer, _ = console.sign_in("data_protection_officer")
    said = {"token": token_of(officer), "reason": "erasure request", "typed": case}
    there = officer.post(f"/register/{case}/erase", data=said).headers["location"]

    assert HELD in officer.get(there).text and case not in officer.get(there).text
    assert HELD not in officer.get("/register").text and HELD not in browser.get(there).text


@pytest.mark.parametrize("change", ["consent", "case"])
def test_what_changed_after_the_approval_is_not_marked_as_sent(console, referral, change):
    """Neither a case without consent nor one with other facts is what was approved."""
    browser, register, case, request = referral
    officer = register.as_user(User(id="dpo", role="data_protection_officer"))
    approval.decide(officer, request, yes=True)
    if change == "consent":
        register.withdraw(case)
    else:
        register.update(case, {"ai_Suspected": "suspected"})
    answer = browser.post(f"/release/{request}/answer", data={"token": token_of(browser), "words": "R-1"})

    assert answer.status_code == 409 and "consent changed since" in answer.text and "It was sent" not in answer.text
    assert approval.read(register, request).state == "approved"


def test_the_oldest_that_waits_stands_first_and_the_rest_is_paged(console, referral):
    """With more requests than a page holds the oldest waiting one is on top, and every one is on some page."""
    browser, register, case, request = referral
    made = [prepare_referral(register, case, recipient=f"Unit {number}", basis="") for number in range(SHOWN + 1)]
    officer = register.as_user(User(id="dpo", role="data_protection_officer"))
    approval.decide(officer, made[0], yes=False)
    pages = [browser.get(f"/release?part={part}").text for part in (1, 2)]
    told = [re.findall(r'href="/release/(\w+)/referral.json"', page) for page in pages]

    assert told[0][0] == request and len(told[0]) == SHOWN
    assert told[0] + told[1] == [request, *made[1:], made[0]]
    assert "?part=2" in pages[0] and browser.get("/release?part=3").status_code == 200


def exported(register, name, cases):
    """Ask for the approval of an export as the command line does."""
    purpose = "share_with_police" if name == "referral" else "research" if name == "csv" else "share_with_company"
    written = [(case, incident) for case, incident in register.incidents_by_case(purpose) if case in cases]
    return prepare_export(register, name, written, Terms(organisation="Ours", recipient="Platform X", tlp="green"))


@pytest.mark.parametrize(
    ("name", "kept"),
    [("stix", "stix.json"), ("referral", "referral.pdf"), ("csv", "DRAFT-csv.csv"), ("csv", "DRAFT-csv.cover.json")],
)
def test_what_the_command_line_prepared_is_read_before_it_is_approved(console, name, kept):
    """The console gives its papers as drafts and names its cases; without a way to them nobody decides about it."""
    _, person = console.sign_in("supervisor")
    register = as_person(console, person)
    case = register.add({"ai_Asked": "yes", "ai_Suspected": "suspected", "ai_Capability": ["voice_clone"]}, consent=ALL)
    request = exported(register, name, {case})
    second, _ = console.sign_in("supervisor")
    other, stranger = south(console, "supervisor")
    page = second.get("/release").text
    paper = second.get(f"/release/{request}/{kept.removeprefix('DRAFT-')}")

    assert case[:9] in page and f"Format {name}" in page
    assert paper.status_code == 200 and kept in paper.headers["content-disposition"]
    assert other.get(f"/release/{request}/{kept.removeprefix('DRAFT-')}").status_code == 403
    with pytest.raises(RoleError):
        approval.decide(as_person(console, stranger), request, yes=True)
    assert (
        second.post(f"/release/{request}/decide", data={"token": token_of(second), "decision": "approve"}).status_code
        == 303
    )
    register.withdraw(case)
    assert second.get(f"/release/{request}/{kept.removeprefix('DRAFT-')}").status_code == 409


def test_a_request_that_names_no_case_is_not_approved(console):
    """A request of an early version cannot be compared with anything: it is refused, and can be closed."""
    _, person = console.sign_in("supervisor")
    register = as_person(console, person)
    request = approval.prepare(register, "export", "0" * 64, format="stix", recipient="", cases=2)
    officer = register.as_user(User(id="dpo", role="data_protection_officer"))

    with pytest.raises(approval.ApprovalError, match="which cases"):
        approval.decide(officer, request, yes=True)
    assert approval.decide(officer, request, yes=False).state == "refused"


def test_an_approval_speaks_of_the_cases_written_alone(tmp_path):
    """A change in a case that the format leaves out voids nothing; one in a case that is written does."""
    db, user = str(tmp_path / "d.db"), User(id="first", role="supervisor")
    with Register.open(db, Keyring.create(tmp_path / "d.db.key"), user) as register:
        fields = {"ai_Asked": "yes", "ai_Suspected": "suspected", "ai_Capability": ["voice_clone"]}
        inside = register.add(fields, consent=ALL)
        outside = register.add({"ai_Asked": "yes", "ai_Suspected": "none"}, consent=ALL)
        told = [_export(db, tmp_path)]
        request = re.search(r"export approve (\w+)", told[0])[1]
        said = CliRunner().invoke(root, ["export", "approve", request, "--db", db, *SECOND])
        assert "approved" in said.output and "1 case," in said.output
        for case in (outside, inside):
            register.update(case, {"ai_Notes": "Seen again."})
            told.append(_export(db, tmp_path))

    assert ["draft" in each for each in told] == [True, False, True]


def _export(db, folder):
    """Write the STIX export and return what the command says, in small letters."""
    done = CliRunner().invoke(root, ["export", "stix", "--db", db, "--out", str(folder / "b.json"), "--user", "first"])
    assert done.exit_code == 0, done.output
    return done.output.lower()
