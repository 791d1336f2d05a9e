"""The register in the console: forms from one definition, consent, vault, two people, figures without small cells."""

import json
import re
import subprocess
import sys
import time
import zipfile
from copy import copy
from importlib.resources import files
from io import BytesIO

import httpx
import jsonschema
import pytest

from threelines.people import approval
from threelines.people import demo as invented
from threelines.roles import RoleError, User
from threelines.web import demo
from threelines.web.figures import MOST, K, _figure, share, withhold
from threelines.web.plots import Figure, plain
from threelines.web.security import form_token

CANARY = "Zerbinetta Quux"


def token_of(browser):
    """Return the form token of a signed-in browser."""
    return form_token(browser.cookies["threelines"])


def add_case(browser, **answers):
    """Send the 60-second form and return the address of the case."""
    sent = {"token": token_of(browser), "form": "short", "ai_Asked": "yes", "ai_Suspected": "none"} | answers
    return browser.post("/register/new", data=sent)


def test_the_forms_ask_what_the_definition_asks(console):
    """Every question of the definition is on its form; consent stands before the first question."""
    browser, _ = console.sign_in("intake")
    form = console.desk.register.form
    for kind, fields in (("short", form.short), ("full", form.full)):
        page = browser.get(f"/register/new?form={kind}").text
        for field in fields:
            assert f'name="{field.name}"' in page, field.name
        assert page.index("Consent first") < page.index(f'name="{fields[0].name}"')


def test_a_case_is_kept_with_consent_and_provenance(console):
    """What was not asked is no; the form, the role and the day are written down by themselves."""
    browser, person = console.sign_in("intake")
    where = add_case(browser, **{"consent.statistics": "yes", "consent_giver": "self", "consent_method": "spoken"})
    register = copy(console.desk.register)
    register.user = person.user
    case = register.get(where.headers["location"].split("/")[2].split("?")[0])

    assert case.consent["statistics"].value == "yes" and "share_with_police" not in case.consent
    assert case.provenance["form_kind"] == "short" and case.provenance["worker_role"] == "intake"


def test_a_faulty_form_comes_back_whole_and_names_the_fault(console):
    """Nothing typed is lost, and the fault stands beside its question."""
    browser, _ = console.sign_in("intake")
    answer = add_case(browser, ai_ContactLanguage="not a code", ai_PlatformClass="messaging")

    assert answer.status_code == 422 and 'role="alert"' in answer.text
    assert 'value="not a code"' in answer.text
    assert re.search(r'value="messaging" checked', answer.text)


def test_the_identity_is_shown_only_when_the_vault_is_opened(console, tmp_path):
    """The case page holds no name; opening the vault is a step of its own, in the audit; the file holds none."""
    browser, _ = console.sign_in("case_worker")
    sent = {"token": token_of(browser), "form": "full", "ai_Asked": "no", "prs_FirstName": CANARY}
    where = browser.post("/register/new", data=sent).headers["location"].split("?")[0]
    assert CANARY not in browser.get(where).text
    opened = browser.post(where + "/identity", data={"token": token_of(browser)})

    assert CANARY in opened.text
    assert "identity.read" in [e.action for e in console.desk.audit.entries(record=where.rsplit("/", 1)[1])]
    assert all(CANARY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_colleague_of_another_reach_gets_nothing(console):
    """A case worker does not see another one's case; the page says no more than that."""
    mine, _ = console.sign_in("case_worker")
    other, _ = console.sign_in("case_worker")
    where = add_case(mine).headers["location"].split("?")[0]

    assert mine.get(where).status_code == 200
    assert other.get(where).status_code == 403
    assert where.rsplit("/", 1)[1] not in other.get("/register").text


@pytest.mark.parametrize("before", ["99999999999999999999999", "9" * 5000, "zerbinetta", "9223372036854775808"])
def test_a_place_that_no_list_has_is_a_page_with_a_word(console, before):
    """Neither a fault of ours nor raw JSON, and what was sent is not repeated; a stranger is asked to sign in."""
    browser, _ = console.sign_in("supervisor")
    answer = browser.get(f"/register?before={before}")

    assert answer.status_code == 422 and "This address cannot be read" in answer.text and before not in answer.text
    assert console.client().get(f"/register?before={before}").status_code == 303
    assert {browser.get(f"/register?before={place}").status_code for place in ("-5", "0", "7", str(2**63 - 1))} == {200}


def test_two_people_who_change_a_case_do_not_overwrite_each_other(console):
    """The second change is refused and the reader is told to read again."""
    browser, _ = console.sign_in("supervisor")
    where = add_case(browser).headers["location"].split("?")[0]
    change = {"token": token_of(browser), "ai_Asked": "yes", "ai_Suspected": "suspected", "revision": "1"}

    assert browser.post(where + "/edit", data=change).status_code == 303
    assert browser.post(where + "/edit", data=change | {"ai_Suspected": "none"}).status_code == 409
    assert browser.post(where + "/edit", data=change | {"revision": "9" * 5000}).status_code == 409


def test_changing_a_case_leaves_the_vault_alone(console):
    """Empty identity fields of the form do not delete names."""
    browser, _ = console.sign_in("case_worker")
    sent = {"token": token_of(browser), "form": "full", "ai_Asked": "no", "prs_FirstName": CANARY}
    where = browser.post("/register/new", data=sent).headers["location"].split("?")[0]
    browser.post(
        where + "/edit", data={"token": token_of(browser), "ai_Asked": "yes", "ai_Suspected": "none", "revision": "1"}
    )

    assert CANARY in browser.post(where + "/identity", data={"token": token_of(browser)}).text


def test_consent_can_be_withdrawn_and_stops_a_referral(console):
    """Without consent for police nothing can be prepared; after withdrawal it cannot be read any more."""
    browser, _ = console.sign_in("supervisor")
    token = {"token": token_of(browser)}
    where = add_case(browser).headers["location"].split("?")[0]
    refused = browser.post(where + "/refer", data=token | {"recipient": "Unit"})
    assert refused.status_code == 422 and "no consent" in refused.text
    browser.post(where + "/consent", data=token | {"purpose": "share_with_police", "value": "yes"})
    assert browser.post(where + "/refer", data=token | {"recipient": "Unit"}).status_code == 303
    request = re.search(r'href="(/release/\w+/referral.json)"', browser.get("/release").text)[1]
    assert browser.get(request).json()["status"] == "draft"
    browser.post(where + "/consent", data=token | {"purpose": "all", "value": "withdrawn"})

    assert browser.get(request).status_code == 409


def referral_of(console, browser):
    """Prepare a referral of a new case and return (address of the case, address of the request)."""
    token = {"token": token_of(browser)}
    where = add_case(browser).headers["location"].split("?")[0]
    browser.post(where + "/consent", data=token | {"purpose": "share_with_police", "value": "yes"})
    assert browser.post(where + "/refer", data=token | {"recipient": "Unit"}).status_code == 303
    return where, re.search(r'href="(/release/\w+)/referral.json"', browser.get("/release").text)[1]


def test_a_platforms_reviewer_reaches_no_case_and_no_referral(console):
    """Neither the case, nor its papers, nor the approval, nor a referral of its own: 403 each, and nothing changes."""
    where, request = referral_of(console, console.sign_in("supervisor")[0])
    browser, _ = console.sign_in("reviewer")
    token = {"token": token_of(browser)}
    tried = [
        browser.get(where), browser.get("/release"), browser.get(request + "/referral.json"),
        browser.get(request + "/referral.pdf"), browser.post(request + "/decide", data=token | {"decision": "approve"}),
        browser.post(request + "/answer", data=token | {"words": "R-1"}),
        browser.post(where + "/refer", data=token | {"recipient": "Unit"}),
    ]  # fmt: skip

    assert {answer.status_code for answer in tried} == {403}
    assert 'href="/release"' not in browser.get("/account").text
    assert [found.state for found in approval.waiting(console.desk.register)] == ["prepared"]


def test_whoever_may_approve_a_referral_reads_its_papers(console):
    """The data protection officer opens no case, but reads exactly what it approves, and the audit says so."""
    where, request = referral_of(console, console.sign_in("supervisor")[0])
    officer, person = console.sign_in("data_protection_officer")
    paper = officer.get(request + "/referral.json")

    assert officer.get(where).status_code == 403
    assert paper.status_code == 200 and paper.json()["status"] == "draft"
    assert officer.get(request + "/referral.pdf").content.startswith(b"%PDF")
    assert "leaving.share_with_police" in [e.action for e in console.desk.audit.entries() if e.who == person.id]
    sent = {"token": token_of(officer), "decision": "approve"}
    assert officer.post(request + "/decide", data=sent).status_code == 303
    assert officer.get(request + "/referral.json").json()["status"] != "draft"


def test_nobody_decides_about_a_referral_that_they_cannot_read(console):
    """A supervisor of another team gets neither papers nor decision; a worker writes no answer to another's case."""
    one, _ = console.sign_in("supervisor")
    _, request = referral_of(console, one)
    other, person = console.sign_in("supervisor")
    south = copy(console.desk.register)
    south.user = User(id=person.id, role="supervisor", team="south")
    worker, _ = console.sign_in("case_worker")

    with pytest.raises(RoleError):
        approval.decide(south, request.rsplit("/", 1)[1], yes=True)
    assert other.post(request + "/decide", data={"token": token_of(other), "decision": "approve"}).status_code == 303
    assert worker.get(request + "/referral.json").status_code == 403
    assert worker.post(request + "/answer", data={"token": token_of(worker), "words": "R-1"}).status_code == 403
    assert one.post(request + "/answer", data={"token": token_of(one), "words": "R-1"}).status_code == 303


def test_a_referral_of_the_command_line_has_no_paper_here(console):
    """It speaks of several cases and was written as a file: the console says so and does not break."""
    browser, person = console.sign_in("supervisor")
    register = copy(console.desk.register)
    register.user = person.user
    request = approval.prepare(register, "referral", "0" * 64, format="referral", recipient="Unit", cases=2)

    assert browser.get(f"/release/{request}/referral.json").status_code == 409


def test_a_statistical_release_needs_two_people_and_gives_the_approved_bytes(console):
    """The first prepares and cannot approve; the second reads and approves; then the files come, once."""
    one, person = console.sign_in("supervisor")
    two, _ = console.sign_in("supervisor")
    register = copy(console.desk.register)
    register.user = person.user
    register.set("communities", " ".join(invented.COMMUNITIES))
    register.add_many(invented.entries(cases=300, canary=CANARY, seed=3, today=register.today))
    one.post("/release/statistics", data={"token": token_of(one)})
    where = re.search(r'href="(/release/a\w+)"', one.get("/release").text)[1]
    assert one.post(where + "/decide", data={"token": token_of(one), "decision": "approve"}).status_code == 409
    assert one.post(where + "/publish", data={"token": token_of(one)}).status_code == 409
    read = two.get(where)
    assert read.status_code == 200 and CANARY not in read.text
    two.post(where + "/decide", data={"token": token_of(two), "decision": "approve"})
    files = one.post(where + "/publish", data={"token": token_of(one)})

    assert len(zipfile.ZipFile(BytesIO(files.content)).namelist()) > 1
    assert one.post(where + "/publish", data={"token": token_of(one)}).status_code == 409


def test_figures_withhold_whoever_could_be_counted_out():
    """A row with fewer than k yes or no is left out; a single such row takes the next smallest with it."""
    rows = [share("big", 60, 200), share("few yes", 3, 90), share("also big", 30, 100)]
    shown = withhold(rows)

    assert [row.name for row in shown] == ["big"]
    assert all(K <= row.hits <= row.total - K for row in shown)
    assert withhold([share("none", 0, 50)])[0].hits == 0


def test_a_figure_of_cases_does_not_name_what_is_withheld():
    """Picture, description and CSV hold no withheld row, whose place would tell its share; the note counts them."""
    groups = {
        "Large one": [True] * 40 + [False] * 15, "Rare one": [True] * 7 + [False], "Rare two": [True] * 3 + [False] * 2,
        "Large two": [True] * 20 + [False] * 40, **{f"Rare {n}": [True] for n in range(MOST)},
    }  # fmt: skip
    figure = _figure("k", "t", groups)

    assert [row.name for row in figure.rows] == ["Large one", "Large two"]
    assert "Rare" not in figure.svg() + figure.table() and "withheld" not in figure.svg()
    assert figure.note.startswith(f"{MOST + 2} rows withheld")


def test_a_figure_reads_without_colour_and_its_table_is_plain():
    """Title, description and numbers say everything; a name cannot become a spreadsheet's formula."""
    figure = Figure(key="x", title="A <title>", of="Share", rows=(share("=1+1", 12, 48), share("b", 0, 50)))
    drawn = figure.svg()

    assert "25% (12 of 48)" in drawn and "A &lt;title&gt;" in drawn and "style=" not in drawn
    assert figure.table().splitlines()[1].startswith("'=1+1,12,48,0.2500")
    assert plain("@x") == "'@x"


def test_the_dashboard_shows_the_seeded_rise_and_names_no_small_series(console):
    """What the invented cases were made to show is found; everything below k is only counted."""
    demo.make_accounts(console.desk)
    demo.fill_cases(console.desk, cases=2400)
    browser, _ = console.sign_in("analyst")
    page = browser.get("/dashboard").text
    table = browser.get("/dashboard/rises.csv").text
    rows = [line.split(",") for line in table.splitlines()[1:]]

    assert "Lao" in page and "under review" in page
    assert rows and all(int(row[-5]) >= K for row in rows)
    assert browser.get("/dashboard/language.csv").text.startswith("name,hits,of")
    reviewer, _ = console.sign_in("reviewer")
    assert reviewer.get("/dashboard/rises.csv").status_code == 404


def test_the_effort_report_holds_counts_only(console):
    """The platform-effort report says what was done with findings, and that no account was acted upon."""
    browser, _ = console.sign_in("reviewer")
    body = browser.get("/dashboard/effort.json").json()

    schema = files("threelines") / "exports" / "schemas" / "platform-effort.schema.json"
    jsonschema.validate(body, json.loads(schema.read_text(encoding="utf-8")))

    assert body["kind"] == "platform effort" and "No account was acted upon" in body["note"]


@pytest.fixture
def served(tmp_path):
    """Return a function that starts `threelines serve` and gives its first lines and address."""
    running = []

    def start(*arguments):
        command = [
            sys.executable,
            "-m",
            "threelines.cli.main",
            "serve",
            "--db",
            str(tmp_path / "s.db"),
            "--port",
            "0",
            *arguments,
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path)
        running.append(process)
        lines = []
        while not lines or "Stop with" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "the server ended"
        address = next(line.split()[1].rstrip("/") for line in lines if line.startswith("Console:"))
        return process, lines, address

    yield start
    for process in running:
        process.terminate()
        process.wait(15)


def test_serve_prints_a_one_time_link_and_no_password_exists(served):
    """First run: a link on the console of the one who started it; opened once, it makes the admin."""
    _, lines, address = served()
    link = next(line.strip() for line in lines if "/once/" in line)
    with httpx.Client(base_url=address) as browser:
        made = browser.post(link, data={"name": "head", "password": "seven quiet lamps"})
        assert made.headers["location"] == "/"
        assert browser.get("/").headers["location"] == "/account"  # the second factor comes first
        assert browser.get("/health").json()["state"] == "well"
        assert browser.get("/metrics").status_code == 200  # this machine
        assert browser.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"}).status_code == 401


def test_a_decision_that_was_acknowledged_survives_a_kill(served, tmp_path):
    """SIGKILL right after the answer: the decision is there at the next start."""
    process, lines, address = served("--demo")
    name, password = next(line.split()[:2] for line in lines if "demo-reviewer" in line)
    with httpx.Client(base_url=address) as browser:
        browser.post("/login", data={"name": name, "password": password})
        token = {"token": form_token(browser.cookies["threelines"])}
        where = browser.post("/review/next", data=token).headers["location"]
        decided = browser.post(where + "/decide", data=token | {"decision": "watch"})
        process.kill()
        process.wait(15)
    assert decided.status_code == 303
    began = time.monotonic()
    _, _, address = served("--demo")
    with httpx.Client(base_url=address) as browser:
        browser.post("/login", data={"name": name, "password": password})
        assert "My last decisions" in browser.get("/review").text
    assert time.monotonic() - began < 30


def test_serve_refuses_the_world_without_https(tmp_path):
    """Listening beyond this machine needs a proxy that ends TLS; a webhook needs a real key."""
    for arguments in (["--host", "0.0.0.0"], ["--webhook", "http://127.0.0.1/x", "--webhook-secret", "short"]):
        done = subprocess.run(
            [sys.executable, "-m", "threelines.cli.main", "serve", "--db", str(tmp_path / "s.db"), *arguments],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 2 and "needs" in done.stderr


def test_a_backup_of_the_whole_console_is_proven_and_restored(console, tmp_path):
    """Queue, accounts and stream are in the backup of the register's own command, sealed, and open after it."""
    from threelines.people import keeping
    from threelines.store.database import Store
    from threelines.store.keyring import Keyring
    from threelines.web.accounts import Accounts

    demo.make_accounts(console.desk)
    demo.fill_cases(console.desk, cases=20)
    _, head = console.sign_in("admin")
    register = copy(console.desk.register)
    register.user = head.user
    keeping.backup(register, tmp_path / "copy.db")
    keyring = Keyring.open(tmp_path / "site.key")
    keeping.restore(tmp_path / "copy.db", tmp_path / "new.db", keyring=keyring, user=head.user)
    store = Store.open(tmp_path / "new.db")

    assert Accounts(store, keyring, console.desk.audit).by_name(head.name).id == head.id


def test_a_rotation_of_all_keys_leaves_everything_open(console):
    """After new keys and the old ones destroyed, findings, accounts and cases still open."""
    from threelines.people import keeping
    from threelines.platforms.finding import Verdict

    demo.make_accounts(console.desk)
    demo.fill_cases(console.desk, cases=5)
    demo.fill(console.desk)
    _, head = console.sign_in("admin")
    browser, reviewer = console.sign_in("reviewer")
    register = copy(console.desk.register)
    register.user = head.user
    keeping.rotate(register)

    taken = console.desk.review.take(reviewer.user)
    assert console.desk.review.open(reviewer.user, taken).finding.records
    console.desk.review.decide(reviewer.user, taken, Verdict(decision="watch", note="still sealed"))
    assert browser.get("/review").status_code == 200
    assert console.desk.accounts.sign_in(head.name, "seven quiet lamps")
