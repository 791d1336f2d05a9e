"""One case from the command line: found, shown, corrected, closed; and who is told when it must not be held any more."""

import json
from datetime import date

import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.people.case import Consent
from threelines.records import ThreelinesError

CALL = {"fields": {"ai_Asked": "no", "prs_FirstName": "Example", "prs_Email": "a@example.org"}}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command on a fresh register: (exit code, everything that is said)."""

    def run(*words, given=None, role="supervisor", user="w1", of="register"):
        options = ["--db", str(tmp_path / "c.db"), "--user", user, "--team", "north", "--role", role]
        sent = json.dumps(given) if given is not None else None
        result = CliRunner().invoke(root, [of, *words, *options], input=sent)
        if isinstance(result.exception, ThreelinesError):  # main() turns it into one line and its exit code
            return result.exception.exit_code, str(result.exception)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        return result.exit_code, result.output.strip()

    run("init", role="admin")
    return run


def shown(run, case, *more):
    """Return what `show` prints of a case."""
    return json.loads(run("show", case, *more)[1])


# ---------------------------------------------------------------------- who is told


@pytest.fixture
def shared(run, tmp_path):
    """A case in an approved table for one recipient and a table for another that is a draft: its id."""
    _, case = run("add", "-", given={"fields": {"ai_Asked": "no"}, "consent": {"research": "yes", "statistics": "yes"}})
    for recipient in ("Univ X", "Univ Y"):
        _, said = run("csv", "--out", str(tmp_path / f"{recipient}.csv"), "--recipient", recipient, of="export")
        request = said.partition("export approve ")[2].split()[0]
        if recipient == "Univ X":
            assert run("approve", request, user="second", of="export")[0] == 0
    return case


def test_a_withdrawal_says_who_holds_the_data(run, shared):
    """Format, recipient, day and whether it was approved, of the purpose that ended and of no other."""
    assert run("consent", shared, "statistics", "withdrawn") == (0, "revision 2")
    code, said = run("consent", shared, "research", "withdrawn")

    assert code == 0 and "revision 3" in said and "Article 19" in said
    assert said.count("csv for Univ X, prepared on 20") == said.count("csv for Univ Y, prepared on 20") == 1
    assert "approved" in said.splitlines()[-2] and "not approved" in said.splitlines()[-1]
    assert run("consent", shared, "research", "yes") == (0, "revision 4")


def test_a_correction_that_ends_a_consent_says_who_holds_the_data(run, tmp_path):
    """The submission was corrected to no: the import names the case, the purpose and the papers of it."""
    sheet, head = tmp_path / "k.csv", "_uuid,meta/rootUuid,consent_research,consent_statistics\n"
    sheet.write_text(f"{head}aaa1,,yes,yes\n", encoding="utf-8")
    run("import", str(sheet))
    case = run("list")[1].split()[0]
    run("csv", "--out", str(tmp_path / "x.csv"), "--recipient", "Univ X", of="export")
    sheet.write_text(f"{head}bbb2,aaa1,no,yes\n", encoding="utf-8")
    code, said = run("import", str(sheet))

    assert code == 0 and f"case {case}: a correction ended its consent to research\n" in said
    assert "Article 19" in said and "csv for Univ X" in said
    sheet.write_text(f"{head}ccc3,aaa1,no,no\n", encoding="utf-8")
    said = run("import", str(sheet))[1]
    assert "ended its consent to statistics" in said and "Univ X" not in said


def test_an_erasure_says_who_holds_the_data(run, shared):
    """Afterwards no copy can be asked for: what must be told is printed as it is erased."""
    _, other = run("add", "-", given={"fields": {"ai_Asked": "no"}})
    code, said = run("erase", shared, role="data_protection_officer")

    assert code == 0 and said.startswith("erased") and "csv for Univ X" in said and "csv for Univ Y" in said
    assert run("erase", other, role="data_protection_officer") == (
        0, "erased; no export and no referral with it was prepared",
    )  # fmt: skip


# ---------------------------------------------------------------------- found, shown


def test_a_consent_is_shown_as_it_counts_today(run):
    """One that is over is not shown as a yes, and one that stands has its end."""
    past = {"value": "yes", "given": "2023-01-05"}
    given = {"fields": {"ai_Asked": "no"}, "consent": {"research": past, "statistics": "yes", "services": "no"}}
    consent = shown(run, run("add", "-", given=given)[1])["consent"]

    assert consent["research"] == "expired on 2025-01-01" and consent["services"] == "no"
    assert consent["statistics"].startswith(f"yes, until {date.today().year + 2}-")


@pytest.mark.parametrize(
    ("consent", "words"),
    [
        (Consent(value="yes", expires="2027-01-01"), "yes, until 2027-01-01"),
        (Consent(value="yes", expires="2026-12-01"), "expired on 2026-12-01"),
        (Consent(value="yes"), "yes"), (Consent(value="withdrawn", expires="2027-01-01"), "withdrawn"), (Consent(), "no"),
    ],
)  # fmt: skip
def test_words_of_a_consent(consent, words):
    """They say the same as `stands`, on the last day too."""
    assert consent.words(date(2026, 12, 1)) == words
    assert words.startswith("yes") == consent.stands(date(2026, 12, 1))


def test_a_person_is_found(run):
    """By the file that `add` reads, within the reach of who asks, with the reason in the audit; no name is printed."""
    _, case = run("add", "-", given=CALL)
    assert run("find", "-", "--reason", "subject access", given=CALL) == (0, f"{case}\n1 found")
    entries = run("audit", "show", role="data_protection_officer")[1].splitlines()
    assert any("identity.match" in line and "subject access" in line for line in entries)

    code, said = run("find", "-", given=CALL, role="case_worker", user="w2")
    assert code == 0 and said.startswith("0 found; 1 case is not your own")
    assert run("find", "-", given={"fields": {"prs_Email": "b@example.org"}}) == (0, "0 found")
    assert "e-mail" in run("find", "-", given={"fields": {"prs_FirstName": "Zerbinetta"}})[1]
    assert "subject access" in run("find", "-", "--reason", "because", given=CALL)[1]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"prs_FirstName": "Example", "prs_Birthdate": "02.01.1999"}, "prs_Birthdate: a date such as"),
        ({"prs_MobilePhone": "07700 900123"}, "country code"), ({"prs_MobilePhone": 447700900123}, "country code"),
        ({"prs_FirstName": None, "prs_SecondName": None, "prs_Birthdate": "1999-01-02"}, "a name with the birth date"),
        ({"prs_Phone": "+44 7700 900123"}, "does not have"),
    ],
)  # fmt: skip
def test_what_cannot_be_looked_for_is_not_answered_by_none_found(run, fields, told):
    """A date that `add` refuses, a telephone without its country code, names left empty: refused, and why."""
    kept = {"prs_MobilePhone": "+44 7700 900123", "prs_FirstName": "Example", "prs_Birthdate": "1999-01-02"}
    run("add", "-", given={"fields": {"ai_Asked": "no", **kept}})
    code, said = run("find", "-", given={"fields": fields})

    assert code == 2 and told in said and "0 found" not in said


def test_a_person_is_found_by_a_whole_file_and_by_a_telephone_as_it_was_kept(run):
    """Answers that are not about the person do no harm; a number kept without its country code is found without it."""
    phone = {"prs_MobilePhone": "07700 900123"}
    _, case = run("add", "-", given={"fields": {"ai_Asked": "no", **phone}})
    _, other = run("add", "-", given={"fields": {"ai_Asked": "no", "prs_MobilePhone": "+44 7700 900123"}})

    assert run("find", "-", given={"fields": phone}) == (0, f"{case}\n1 found")
    whole = {"ai_Asked": "yes", "ai_Suspected": "unknown", "prs_FirstName": None, "prs_MobilePhone": "00447700900123"}
    assert run("find", "-", given={"fields": whole}) == (0, f"{other}\n1 found")
    assert run("find", "-", given={"fields": {**phone, "prs_MailingCountry": "GB"}}) == (0, f"{other}\n1 found")


# ---------------------------------------------------------------------- corrected, closed


def test_a_case_is_corrected(run):
    """What is given takes the place of what was there; what is empty stays, and only what is named is taken away."""
    _, case = run("add", "-", given=CALL)
    correction = {"prs_FirstName": "Other", "prs_Email": None, "ai_ContactLanguage": "lao", "ai_Notes": ""}
    assert run("change", case, "-", given={"fields": correction}) == (0, "revision 2")
    kept = shown(run, case, "--identity")
    assert kept["fields"]["ai_ContactLanguage"] == ["lao"]
    assert kept["identity"] == {"prs_FirstName": "Other", "prs_Email": "a@example.org"}

    assert "meanwhile" in run("change", case, "--remove", "prs_Email", "--revision", "1")[1]
    assert run("change", case, "--revision", "2", "--remove", "prs_Email", "--remove", "ai_ContactLanguage") == (
        0,
        "revision 3",
    )
    kept = shown(run, case, "--identity")
    assert "ai_ContactLanguage" not in kept["fields"] and kept["identity"] == {"prs_FirstName": "Other"}


@pytest.mark.parametrize(
    ("given", "words", "told"),
    [
        (None, (), "nothing to change"),
        ({"fields": {"prs_FirstName": None}}, (), "nothing to change"),
        ({"fields": {"ai_ContactLanguage": "lao"}, "consent": {"research": "yes"}}, (), "register consent"),
        ({"identity": {"prs_FirstName": "zerbinetta"}}, (), "among the fields"),
        ({"fields": ["zerbinetta"]}, (), "only answers"),
        ({"fields": {"ai_ContactLanguage": "lao"}}, ("--remove", "ai_ContactLanguage"), "--remove"),
        (None, ("--remove", "prs_Firstname"), "--remove"),
        ({"fields": {"zerbinetta": "x"}}, (), "does not have"),
        (None, ("--remove", "ai_Asked"), "an answer is needed"),
    ],
)  # fmt: skip
def test_a_correction_drops_nothing_in_silence(run, given, words, told):
    """What would not be kept is refused in words that repeat nothing of it, and the case stays as it was."""
    _, case = run("add", "-", given=CALL)
    code, said = run("change", case, *(["-"] if given else []), *words, given=given)

    assert code == 2 and told in said and "zerbinetta" not in said
    assert shown(run, case)["revision"] == 1


def test_a_closed_case_has_an_end(run):
    """From closing on the retention time runs, as is said; a case that is open again has none."""
    _, case = run("add", "-", given=CALL)
    code, said = run("close", case)
    assert (
        code == 0 and f"revision 2; identity and earlier revisions are destroyed after {date.today().year + 2}-" in said
    )
    assert shown(run, case)["status"] == "closed"

    assert run("change", case, "-", given={"fields": {"cas_Status": "Active"}}) == (0, "revision 3")
    assert shown(run, case)["status"] == "active"
    run("hold", case, role="data_protection_officer")
    assert "once the hold is lifted" in run("close", case, "--referred")[1]
    assert shown(run, case)["fields"]["cas_Status"] == "ClosedReferred"
    assert run("close", case, role="case_worker", user="w2")[0] != 0
