"""Messages of a stream and words of decided findings go when their time is over; an account can be erased."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.test_web_api import WORDS, advert, program  # noqa: F401 - a fixture
from threelines.cli.main import root
from threelines.platforms import review as review_module
from threelines.platforms import review_retention
from threelines.platforms.finding import Verdict
from threelines.platforms.pseudonym import PseudonymError
from threelines.platforms.review import ReviewError
from threelines.platforms.review_tables import decisions, findings
from threelines.roles import RoleError, User
from threelines.web import retention
from threelines.web.keys import account_key
from threelines.web.security import form_token

DAY = 86_400


@pytest.fixture
def decided(console, program, monkeypatch):  # noqa: F811 - the fixture
    """Return (reviewer, finding): one decided today, with a note, and one message of a stream waits for its conversation."""
    monkeypatch.setattr(review_module, "DOUBLE_SHARE", 0)
    program.post("/v1/records", json={"records": [advert()]})
    program.post("/v1/records", json={"records": [{"id": "m", "conversation": "c", "author": "u", "text": "hello"}]})
    _, person = console.sign_in("reviewer")
    finding = console.desk.review.claim(person.user).findings[0].id
    console.desk.review.decide(person.user, finding, Verdict(decision="watch", note="a note"))
    return person.user, finding


@pytest.fixture
def register(console):
    """Return a function that runs `threelines register` on the console's database."""
    database = console.desk.store.path

    def run(*words, **environment):
        named = ["--db", str(database), "--key-file", str(database.with_name("site.key"))]
        return CliRunner().invoke(root, ["register", *words, *named], env=environment)

    return run


def count(console, table):
    """Count the rows of a table."""
    with console.desk.store.read() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def back_date(console, days):
    """Let a decision be older than it is."""
    with console.desk.store.write() as connection:
        connection.execute(decisions.update().values(time="2026-01-01T00:00:00.000000+00:00"))
        stream = sa.table("web_stream", sa.column("made"))
        connection.execute(stream.update().values(made=stream.c.made - days * DAY))


def test_the_console_destroys_what_is_due_when_it_starts(console, decided):
    """Nobody has to send anything: messages after 72 hours, words and notes of decided findings after 180 days."""
    reviewer, finding = decided
    back_date(console, 4)
    with console.client():  # the start and the stop of the server
        pass
    with console.desk.store.read() as connection:
        row = connection.execute(sa.select(findings).where(findings.c.id == finding)).one()
        notes = connection.execute(sa.select(decisions.c.note).where(decisions.c.finding == finding)).scalars().all()

    assert count(console, "web_stream") == 0
    assert (row.stage, row.decision, notes) == ("done", "watch", [None])
    assert len(row.sealed) < 100
    with pytest.raises(ReviewError, match="destroyed"):
        console.desk.review.open(reviewer, finding)
    with pytest.raises(ReviewError, match="destroyed"):
        console.desk.review.appeal(finding)
    assert WORDS not in [record.text for record in console.desk.review.labels(reviewer)]


def test_what_is_not_due_stays(console, decided):
    """A finding decided today and a message of today keep their words."""
    reviewer, finding = decided

    assert retention.forget(console.desk.register) == (0, 0)
    assert console.desk.review.open(reviewer, finding).finding.records[0].text == WORDS
    assert count(console, "web_stream") == 1


def test_a_finding_without_words_is_known_again(console, decided, program):  # noqa: F811 - the fixture
    """The same records after the retention bring no decided finding back."""
    back_date(console, 4)
    retention.forget(console.desk.register)

    assert program.post("/v1/records", json={"records": [advert()]}).json()["new"] == 0


def test_the_command_lists_and_destroys_by_the_days_that_are_set(console, decided, register):
    """`--finding-days` lists what is due by it, `--run` destroys it, and the audit says so."""
    _, finding = decided
    back_date(console, 4)
    assert finding in register("retention", "--finding-days", "30").output
    assert register("retention", "--finding-days", "30", "--run").exit_code == 2
    done = register("retention", "--run")

    assert "1 findings without their words, 1 messages deleted" in done.output
    assert retention.finding_days(console.desk.register) == 30
    assert {"finding.forget", "stream.forget"} <= {entry.action for entry in console.desk.audit.entries()}


@pytest.mark.parametrize("named", ["id", "token"])
def test_an_account_is_erased_whole(console, decided, register, named):
    """Its findings from a stream and from an upload and its messages go, by id or token; those of others stay."""
    from threelines.platforms.pseudonym import pseudonyms

    browser, _ = console.sign_in("reviewer")
    token = {"token": form_token(browser.cookies["threelines"])}
    for author in ("employer 7", "another"):
        file = f'id,kind,author,text\n{author},advert,{author},"{WORDS}"\n'.encode()
        browser.post("/review/upload", data=token, files={"export": (f"{author}.csv", file)})
    before = count(console, "review_findings")
    account = "employer 7" if named == "id" else pseudonyms(account_key(console.desk.register))("employer 7")
    done = register("erase-account", account)

    assert done.exit_code == 0, done.output
    gone = before - count(console, "review_findings")
    assert gone >= (2 if named == "id" else 1) and count(console, "review_findings") >= 1
    assert f"{gone} findings and 0 messages erased" in done.output
    assert "1 messages erased" in register("erase-account", "u").output and count(console, "web_stream") == 0
    assert "finding.erase" in {entry.action for entry in console.desk.audit.entries()}


@pytest.mark.parametrize("named", ["", "  "])
def test_nobody_is_erased_where_no_account_is_named(console, decided, register, named):
    """A blank account is refused, by the command and where it is looked for, and every finding and message stays."""
    before = count(console, "review_findings"), count(console, "web_stream")
    done = register("erase-account", named)

    assert isinstance(done.exception, PseudonymError) and "no account is named" in str(done.exception)
    officer = User(id="officer", role="data_protection_officer")
    for part in ("", "acc_", "acc_" + "a" * 15):
        with pytest.raises(PseudonymError, match="whole token"):
            review_retention.erase_account(console.desk.review, officer, {part})
        with pytest.raises(PseudonymError, match="whole token"):
            console.desk.stream.erase({part})
    assert (count(console, "review_findings"), count(console, "web_stream")) == before


def test_only_the_data_protection_officer_erases_an_account(console, decided, register):
    """Another role is told so and nothing goes."""
    done = register("erase-account", "employer 7", THREELINES_ROLE="supervisor")

    assert isinstance(done.exception, RoleError) and count(console, "review_findings") >= 1
    with pytest.raises(RoleError):
        retention.erase_account(console.desk.register, "employer 7")


def test_a_token_of_an_upload_is_not_that_of_a_stream(console, decided):
    """Who uploads a list of numbers does not learn whose token a finding of the stream shows."""
    reviewer, finding = decided
    streamed = console.desk.review.open(reviewer, finding).finding.records[0].author
    browser, person = console.sign_in("reviewer")
    file = f'id,kind,author,text\nx1,advert,employer 7,"{WORDS}"\n'.encode()
    token = {"token": form_token(browser.cookies["threelines"])}
    browser.post("/review/upload", data=token, files={"export": ("list.csv", file)})
    shown = set()
    for item in console.desk.review.queue(person.user):
        for row in item.findings:
            shown |= {record.author for record in console.desk.review.open(person.user, row.id).finding.records}

    assert streamed.startswith("acc_") and shown and streamed not in shown
