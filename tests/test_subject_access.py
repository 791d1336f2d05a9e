"""What a person is told of what is kept: the copy of a case and of an account, by two people; names of further persons."""

import json

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.test_register import COLLEAGUE, FIELDS, OFFICER, SUPERVISOR, WORKER, register  # noqa: F401 - a fixture
from tests.test_web_api import advert, program  # noqa: F401 - a fixture
from tests.test_web_register import add_case
from threelines.cli.main import root
from threelines.people import access, approval
from threelines.people.register import RegisterError
from threelines.roles import RoleError, User

LEAD = User(id="s2", role="supervisor", team="north")


@pytest.fixture
def case(register):  # noqa: F811 - the fixture
    """Return a case with names, a consent, a change, a further person, and a prepared referral."""
    fields = {**FIELDS, "cas_CaseOwner": "Zerbinetta Worker"}
    case_id = register.add(fields, consent={"share_with_police": {"value": "yes", "giver": "self"}})
    register.update(case_id, {"ai_ContactLanguage": ["khm"]})
    register.attach(case_id, "person", {"prs_FirstName": "Further", "prs_Gender": "Feminine"})
    register.attach(case_id, "person", {"prs_Gender": "Masculine"})
    approval.prepare(register.as_user(SUPERVISOR), "referral", "d", case=case_id, recipient="Police of the North")
    return case_id


def agreed(register, case_id):  # noqa: F811 - the fixture
    """Let the officer ask for the copy, and a supervisor agree."""
    access.ask(register.as_user(OFFICER), case_id)
    access.agree(register.as_user(SUPERVISOR), case_id)


def test_names_of_further_persons_are_read_with_the_others(register, case):  # noqa: F811
    """One act, one entry of the audit with its reason; whoever may not read the vault may not read them either."""
    found = access.identities(register, case, reason="subject access")

    assert found.own["prs_FirstName"] == "Example"
    assert [(part.entity, part.fields) for part in found.further] == [("person", {"prs_FirstName": "Further"})]
    last = list(register.audit.entries(record=case))[-1]
    assert (last.who, last.action, last.reason) == (WORKER.id, "identity.read", "subject access")
    for other in (COLLEAGUE, OFFICER):
        with pytest.raises(RoleError):
            access.identities(register.as_user(other), case)


def test_a_person_gets_a_copy_of_the_case(register, case):  # noqa: F811
    """Every answer in words, earlier ones, consent, to whom it went, what was done and how long it is kept."""
    agreed(register, case)
    copy = access.copy_of(register.as_user(OFFICER), case)

    assert {"question": "First Name", "answer": "Example"} in copy["identity"]
    asked = "In which languages was the person contacted?"
    (earlier,) = copy["earlier_revisions"]
    assert [{one["question"]: one["answer"] for one in each["answers"]}[asked] for each in (earlier, copy)] == [
        "lao",
        "khm",
    ]
    assert copy["prepared_or_sent_to_others"][0]["recipient"] == "Police of the North"
    assert copy["consent"][0]["giver"] == "self" and "24 months" in copy["kept"]
    assert {"case.add", "case.update", "subject.agree"} <= {entry["did"] for entry in copy["what_was_done"]}


def test_a_copy_names_nobody_else(register, case):  # noqa: F811
    """Neither further persons nor workers: that there are such names is said."""
    agreed(register, case)
    copy = access.copy_of(register.as_user(OFFICER), case)
    text = json.dumps(copy)

    assert sorted(entry["names_left_out"] for entry in copy["further_entities"]) == [False, True]
    assert "Further" not in text and "Zerbinetta" not in text
    assert not any(f'"{user.id}"' in text for user in (WORKER, SUPERVISOR, OFFICER))


def test_no_copy_without_a_second_person(register, case):  # noqa: F811
    """Nobody agrees to their own request, nor before one; what was written once is asked for anew."""
    officer, lead = register.as_user(OFFICER), register.as_user(SUPERVISOR)
    for step in (access.copy_of, access.agree):
        with pytest.raises(RegisterError):
            step(officer, case)
    access.ask(officer, case)
    with pytest.raises(RegisterError, match="second person"):
        access.agree(officer, case)
    with pytest.raises(RegisterError):
        access.copy_of(officer, case)
    access.agree(lead, case)
    with pytest.raises(RegisterError):
        access.copy_of(lead, case)
    access.copy_of(officer, case)
    with pytest.raises(RegisterError):
        access.copy_of(officer, case)
    done = [(entry.who, entry.action, entry.reason) for entry in register.audit.entries(record=case)][-4:]
    assert [(who, action) for who, action, _ in done if action.startswith("subject")] == [
        ("d1", "subject.ask"), ("s1", "subject.agree"), ("d1", "subject.write"),
    ]  # fmt: skip
    assert {reason for _, action, reason in done if action.startswith("subject")} == {"subject access"}


def test_an_agreement_is_to_one_request(register, case):  # noqa: F811
    """A request that is made again, by whomever, needs its own."""
    agreed(register, case)
    access.ask(register.as_user(LEAD), case)

    for user in (OFFICER, LEAD):
        with pytest.raises(RegisterError):
            access.copy_of(register.as_user(user), case)


def test_an_agreement_set_by_hand_is_none(register, case):  # noqa: F811
    """Whoever can write to the database, without the key, makes no second person."""
    access.ask(register.as_user(OFFICER), case)
    with register.store.write() as connection:
        last = connection.execute(sa.text("SELECT * FROM audit ORDER BY id DESC LIMIT 1")).mappings().one()
        entry = {**last, "id": last["id"] + 1, "who": "s1", "role": "supervisor", "action": "subject.agree"}
        connection.execute(
            sa.text("INSERT INTO audit VALUES (:id, :time, :who, :role, :action, :record, :reason, :hash)"), entry
        )

    with pytest.raises(RegisterError):
        access.copy_of(register.as_user(OFFICER), case)


def test_a_copy_is_for_those_who_reach_the_case(register, case):  # noqa: F811
    """Another team, a colleague, an analyst and an admin neither ask nor agree."""
    for user in (
        COLLEAGUE, User(id="s9", role="supervisor", team="south"), User(id="a1", role="analyst"),
        User(id="h1", role="admin"),
    ):  # fmt: skip
        for step in (access.ask, access.agree):
            with pytest.raises(RoleError):
                step(register.as_user(user), case)


def run(folder, *words):
    """Run a command of the register on a database."""
    return CliRunner().invoke(root, ["register", *words, "--db", str(folder)])


def test_the_command_writes_the_copy_into_a_new_closed_file(register, case, tmp_path):  # noqa: F811
    """A refused one leaves no file, and none is written over."""
    path, out = register.store.path, tmp_path / "copy.json"
    register.store.close()
    copy = ["subject-access", case, "--user", "d1", "--key-file", str(tmp_path / "r.key")]
    assert run(path, *copy).exit_code == 2, "one of the three steps"
    assert run(path, *copy, "--out", str(out)).exit_code and not out.exists()
    assert run(path, *copy, "--ask").exit_code == 0
    second = [*copy[:3], "lead", *copy[4:], "--agree", "--role", "supervisor", "--team", "north"]
    assert run(path, *second).exit_code == 0
    out.write_text("mine", encoding="utf-8")
    assert run(path, *copy, "--out", str(out)).exit_code == 2 and out.read_text(encoding="utf-8") == "mine"
    out.unlink()
    done = run(path, *copy, "--out", str(out))

    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text(encoding="utf-8"))["case"] == case and out.stat().st_mode & 0o777 == 0o600


def test_the_names_of_further_persons_stand_on_the_page_and_in_the_command(console):
    """Where the vault of a case is opened, for whoever may, they are shown with the rest."""
    browser, person = console.sign_in("case_worker")
    where = add_case(browser).headers["location"]
    key = where.rpartition("/")[2].partition("?")[0]
    console.desk.register.as_user(person.user).attach(key, "person", {"prs_FirstName": "Further"})
    before = browser.get(f"/register/{key}").text
    from threelines.web.security import form_token

    form = {"token": form_token(browser.cookies["threelines"]), "reason": "case work", "do": "show"}
    opened = browser.post(f"/register/{key}/identity", data=form).text
    words = ["show", key, "--identity", "--user", person.id, "--role", person.role]
    shown = json.loads(run(console.desk.store.path, *words, "--key-file", str(console.desk.keyring.path)).output)

    assert "Further" not in before and "<dd>Further</dd>" in opened
    assert shown["further"] == [{"entity": "person", "identity": {"prs_FirstName": "Further"}}]


def test_messages_of_one_id_are_all_in_the_copy(console):
    """Exports number each chat from 1: a message is known by its place, and a sign belongs to the one that holds its words."""
    from threelines.platforms.finding import Finding
    from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
    from threelines.web import account_copy

    mine, others = "acc_" + "a" * 16, "acc_" + "b" * 16
    said = [(mine, "hello there"), (mine, "pay the fee"), (others, "give me your passport")]
    held = tuple(Record(id="1", author=who, text=text, conversation="c") for who, text in said)
    signs = tuple(Signal(indicator="REC-06", record="1", quote=one.text[:4], start=0, end=4) for one in held[1:])
    judged = Assessment(
        thread=ThreadRef(kind="account", id=mine, records=("1",) * 3), concern=0.6, tier="look", ai_use=0.0,
        capabilities=(), support=False, elements=Elements(), signals=signs,
    )  # fmt: skip
    console.desk.review.add([Finding(assessment=judged, records=held)])
    officer = console.desk.register.as_user(OFFICER)
    account_copy.ask(officer, mine)
    account_copy.agree(console.desk.register.as_user(LEAD), mine)
    [found] = account_copy.copy_of(officer, mine)["findings"]

    assert [one["text"] for one in found["messages"]] == ["hello there", "pay the fee"]
    assert [one["quote"] for one in found["signs"]] == ["pay "]
    assert found["messages_of_others_left_out"] == 1


def test_an_account_gets_a_copy_of_its_own_words(console, program, tmp_path):  # noqa: F811
    """Findings and messages, without what others said; the same two people, and the audit keeps no token."""
    said = [
        {"id": f"m{who}", "conversation": "c", "author": who, "text": f"hello from {who}"}
        for who in ("employer 7", "zoe")
    ]
    sent = [advert(), *said]
    assert program.post("/v1/records", json={"records": sent}).status_code == 200
    out = tmp_path / "copy.json"
    copy = ["subject-access-account", "employer 7", "--user", "d1", "--key-file", str(console.desk.keyring.path)]
    path = console.desk.store.path
    assert run(path, *copy, "--ask").exit_code == 0
    assert run(path, *copy, "--agree").exit_code
    assert run(path, *copy, "--out", str(out)).exit_code and not out.exists()
    second = [*copy[:3], "lead", *copy[4:], "--agree", "--role", "supervisor"]
    assert run(path, *second).exit_code == 0
    done = run(path, *copy, "--out", str(out))
    found = json.loads(out.read_text(encoding="utf-8"))

    assert done.exit_code == 0, done.output
    assert [one["text"] for one in found["messages"]] == ["hello from employer 7"]
    assert found["findings"][0]["signs"] and found["findings"][0]["messages"][0]["text"] == advert()["text"]
    assert "zoe" not in out.read_text(encoding="utf-8") and "acc_" not in out.read_text(encoding="utf-8")
    assert not [entry for entry in console.desk.audit.entries() if "acc_" in entry.record]
