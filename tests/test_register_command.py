"""The command `threelines register` with what people really give it: odd files, odd dates, the wrong role."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from threelines.cli.register import command
from threelines.people.register import Register
from threelines.records import ThreelinesError
from threelines.roles import User
from threelines.store.keyring import Keyring


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the command on a fresh register: (exit code, everything that is said)."""

    def run(*words, given=None, role="case_worker"):
        options = ["--db", str(tmp_path / "c.db"), "--user", "w1", "--team", "north", "--role", role]
        result = CliRunner().invoke(command, [*words, *options], input=given)
        if isinstance(result.exception, ThreelinesError):  # main() turns it into one line and its exit code
            return result.exception.exit_code, str(result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result.exit_code, result.output.strip()

    run("init", role="admin")
    return run


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("[1]", "not a case"),
        ("7", "not a case"),
        ("{", "not JSON: line 1"),
        ("[" * 100_000, "nested"),
        ('{"fields": "zerbinetta"}', '"fields"'),
        ('{"consent": ["statistics"]}', '"consent"'),
        ('{"fields": {"ai_Asked": "no"}, "consent": {"statistics": true}}', "consent.statistics"),
        ('{"fields": {"ai_Asked": "no"}, "consent": {"statistics": {"value": "yes", "giver": 3}}}', "consent.statistics"),
        ('{"fields": {"ai_Asked": "no"}, "consent": {"statistics": {"value": ["zerbinetta"]}}}', "consent.statistics"),
        ('{"fields": {"ai_Asked": "no"}, "provenance": {"interview_language": 4}}', "provenance"),
        ('{"fields": {"ai_Asked": {"zerbinetta": 1}}}', "ai_Asked"),
    ],
)  # fmt: skip
def test_a_case_of_another_shape_is_told_and_not_kept(run, given, told):
    """Each is one message that names the place and never what stands there; no traceback, no case."""
    code, said = run("add", "-", given=given)

    assert code == 2 and told in said and "zerbinetta" not in said
    assert "0 of 0 cases" in run("list")[1]


def test_a_byte_order_mark_is_no_fault(run, tmp_path):
    """A file that a Windows editor saved is read like any other, and so is one with an empty part."""
    file = tmp_path / "call.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps({"fields": {"ai_Asked": "no"}, "consent": None}).encode())

    assert run("add", str(file))[0] == 0
    assert "1 of 1 cases" in run("list")[1]


def test_the_end_of_a_consent_is_a_day_to_come(run):
    """Another spelling of the date and a day that is over are each named; neither blames giver or method."""
    _, case = run("add", "-", given='{"fields": {"ai_Asked": "no"}}')
    told = {day: run("consent", case, "statistics", "yes", "--expires", day) for day in ("31.12.2027", "2020-01-01")}

    assert told["31.12.2027"][0] == told["2020-01-01"][0] == 2
    assert "such as 2027-12-31" in told["31.12.2027"][1] and "is over" in told["2020-01-01"][1]
    assert not any("giver" in said for _, said in told.values())
    assert run("consent", case, "statistics", "yes", "--expires", f"{date.today().year + 3}-12-31") == (0, "revision 2")
    assert run("consent", case, "statistics", "yes", "--language", "Lao")[1].count("language") == 1


@pytest.mark.parametrize(
    ("told", "calendar"),
    [
        ({"given": "2099-01-01"}, ""), ({"given": "2569-11-01"}, "Buddhist"), ({"given": "1405-09-01"}, "Persian"),
        ({"given": "1448-05-01"}, "Islamic"), ({"given": "2083-08-01"}, "Nepali"), ({"expires": "2569-12-31"}, "Buddhist"),
        ({"expires": "2084-08-01"}, "Nepali"), ({"expires": "1407-09-01"}, "Persian"), ({"expires": "2999-12-31"}, ""),
    ],
)  # fmt: skip
def test_a_consent_of_another_calendar_is_refused(run, told, calendar):
    """A day to come is none on which it was given, a far end is none that was agreed; the fault names the calendar."""
    consent = {"statistics": {"value": "yes", **told}}
    code, said = run("add", "-", given=json.dumps({"fields": {"ai_Asked": "no"}, "consent": consent}))

    assert code == 2 and f"consent.statistics: {next(iter(told))}: no day from 1900 to" in said
    assert calendar in said and ("is it" in said) == bool(calendar)
    assert "0 of 0 cases" in run("list")[1]


def test_a_far_end_never_stands_against_a_withdrawal(run):
    """Whatever end a form sends along, what the person takes back is taken back."""
    given = {"fields": {"ai_Asked": "no"}, "consent": {"statistics": {"value": "withdrawn", "expires": "2569-12-31"}}}

    assert run("add", "-", given=json.dumps(given))[0] == 0


@pytest.mark.parametrize("day", ["2026-99-01", "2569-09-01"])
def test_a_case_is_recorded_on_a_day_that_has_been(run, day):
    """A day of recording that no calendar of ours has is named, without a traceback; the quarter is counted by it."""
    given = {"fields": {"ai_Asked": "no"}, "provenance": {"recorded": day}}
    code, said = run("add", "-", given=json.dumps(given))

    assert code == 2 and "provenance.recorded" in said and "day" in said


def test_only_an_admin_restores(run, tmp_path):
    """The command asks for the right to restore, as every other command asks for its own."""
    run("backup", str(tmp_path / "b.db"), role="admin")
    words = ["restore", str(tmp_path / "b.db"), "--key-file", str(tmp_path / "c.db.key")]
    (tmp_path / "c.db").rename(tmp_path / "lost.db")

    code, told = run(*words, role="analyst")
    assert code == 2 and "store.restore" in told and not (tmp_path / "c.db").exists()
    assert run(*words, role="admin")[0] == 0


def test_a_shorter_retention_is_looked_at_before_it_destroys(run):
    """`--months` with `--run` is refused: nobody destroys by a new time whose list they have not seen."""
    run("add", "-", given='{"fields": {"ai_Asked": "no", "cas_Status": "Closed"}}')
    code, told = run("retention", "--months", "1", "--run", role="data_protection_officer")

    assert code == 2 and "first --months" in told
    assert run("retention", "--months", "1", role="data_protection_officer") == (0, "")
    assert run("retention", "--run", role="data_protection_officer") == (0, "0 reduced to statistics, 0 erased whole")


def test_a_withdrawal_keeps_who_agreed_and_how(run, tmp_path):
    """What was told of a consent stays with its withdrawal: it is not overwritten by defaults."""
    _, case = run("add", "-", given='{"fields": {"ai_Asked": "no"}}')
    told = ("--giver", "guardian", "--method", "written", "--language", "lao")
    assert run("consent", case, "statistics", "yes", *told) == (0, "revision 2")
    assert run("consent", case, "statistics", "withdrawn") == (0, "revision 3")

    keyring, worker = Keyring.open(tmp_path / "c.db.key"), User(id="w1", role="case_worker", team="north")
    with Register.open(tmp_path / "c.db", keyring, worker) as register:
        kept = register.get(case).consent["statistics"]
    assert (kept.value, kept.giver, kept.method, kept.language) == ("withdrawn", "guardian", "written", "lao")


def test_cases_of_another_team_are_told_and_no_empty_file_is_written(run, tmp_path):
    """Who forgot --team reads why nothing is there; a file of no cases would pass for an answer."""
    from threelines.cli.export import command as export

    for _ in range(2):
        run("add", "-", given='{"fields": {"ai_Asked": "no"}, "consent": {"share_with_company": "yes"}}')
    where = ["--db", str(tmp_path / "c.db"), "--user", "s1"]
    told = "2 cases are outside your team; give --team"

    listed = CliRunner().invoke(command, ["list", *where, "--role", "supervisor"])
    assert (listed.exit_code, listed.output.strip()) == (0, f"0 of 0 cases; {told}")
    own = CliRunner().invoke(command, ["list", *where, "--role", "case_worker"])
    assert "2 cases are not your own" in own.output
    for name in ("stix", "misp", "dsa"):
        written = CliRunner().invoke(export, [name, *where, "--out", str(tmp_path / "new" / f"{name}.json")])
        assert (written.exit_code, told in written.output) == (1, True)
    assert not [path for path in (tmp_path / "new").rglob("*") if path.is_file()]
    assert "outside" not in CliRunner().invoke(command, ["list", *where, "--team", "north"]).output


def test_cases_of_no_team_are_told_without_a_team(run, tmp_path):
    """Cases of workers who gave no team are reached by no --team: the hint says whose they are and who sees all."""
    db = ["--db", str(tmp_path / "c.db")]
    assert CliRunner().invoke(command, ["demo", *db, "--cases", "3", "--user", "w1"]).exit_code == 0
    where = [*db, "--user", "ben", "--role", "supervisor"]
    told = CliRunner().invoke(command, ["list", *where]).output

    assert "3 cases are of other workers who gave no --team" in told
    assert "give --team" not in told
    assert "--role data_protection_officer" in told
    officer = CliRunner().invoke(command, ["list", *where[:-1], "data_protection_officer"]).output
    assert "3 of 3 cases" in officer
