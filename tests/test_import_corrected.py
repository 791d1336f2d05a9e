"""A submission that was corrected on Kobo or ODK Central is the same case: it takes the correction, or says why not."""

import json
from datetime import date

import pytest

from threelines.people.importing import import_file
from threelines.people.keeping import erase, rotate
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.keyring import Keyring

SUPERVISOR = User(id="s1", role="supervisor", team="north")
OFFICER = User(id="o", role="data_protection_officer")
HEAD = "_uuid,meta/deprecatedID,meta/rootUuid,consent_statistics,vic_AgeWhenTrafficked,prs_FirstName\n"
FIRST = f"{HEAD}aaa1,,uuid:aaa1,yes,17,Example\n"
SECOND = f"{HEAD}bbb2,uuid:aaa1,uuid:aaa1,no,27,\n"
THIRD = f"{HEAD}ccc3,uuid:bbb2,uuid:aaa1,no,28,\n"


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, SUPERVISOR, today=date(2026, 9, 15)) as opened:
        yield opened


@pytest.fixture
def take(register, tmp_path):
    """Return a function that imports a table, by its text, as a user."""

    def take(text, user=SUPERVISOR, name="k.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return import_file(register.as_user(user), tmp_path / name)

    return take


def _told(done):
    return len(done.added), len(done.corrected), done.known, [number for number, _ in done.refused]


def test_a_corrected_submission_changes_its_case(register, take):
    """Answers, an answer taken back, consent: as a revision of the one case, with the consent's end on the list."""
    (case,) = take(FIRST).added
    done = take(SECOND)

    assert (_told(done), done.corrected) == ((0, 1, 0, []), (case,))
    assert done.summary == "0 added, 0 known already, 0 refused, 1 corrected"
    kept = register.get(case)
    assert (kept.fields["vic_AgeWhenTrafficked"], kept.fields["tl_AgeBand"]) == (27, "24-30")
    assert (kept.consent["statistics"].value, list(register.incidents("statistics"))) == ("no", [])
    assert (kept.row.revision, register.verify(case)) == (2, 2)
    assert register.identity(case) == {"tl_SubmissionId": "bbb2"}


def test_every_version_of_a_submission_is_known_afterwards(register, take):
    """The first file, the second, each again, a third version, also once the keys were rotated: one case throughout."""
    take(FIRST)
    assert [_told(take(text)) for text in (SECOND, SECOND, FIRST)] == [(0, 1, 0, []), (0, 0, 1, []), (0, 0, 1, [])]
    rotate(register.as_user(OFFICER))
    assert [_told(take(text)) for text in (THIRD, FIRST, SECOND)] == [(0, 1, 0, []), (0, 0, 1, []), (0, 0, 1, [])]
    assert register.count() == 1


def test_a_version_that_comes_corrected_is_known_by_its_former_ids(register, take):
    """Whoever imports the second version first does not add the person again by the file of the first."""
    assert _told(take(SECOND)) == (1, 0, 0, [])
    assert _told(take(FIRST)) == (0, 0, 1, [])


@pytest.mark.parametrize(("order", "told"), [((0, 1, 2), (1, 2, 0, [])), ((2, 1, 0), (1, 0, 2, []))])
def test_versions_in_one_file_are_one_case(register, take, order, told):
    """In any order, and the last version counts."""
    rows = [text.splitlines()[1] for text in (FIRST, SECOND, THIRD)]
    done = take(HEAD + "".join(f"{rows[place]}\n" for place in order))

    assert _told(done) == told
    assert register.get(done.added[0]).fields["vic_AgeWhenTrafficked"] == 28


@pytest.mark.parametrize(
    "row",
    [
        {"_uuid": "bbb2", "meta": {"instanceID": "uuid:bbb2", "deprecatedID": "uuid:aaa1"}},
        {"_uuid": "bbb2", "meta/rootUuid": "aaa1"}, {"_uuid": "bbb2", "rootUuid": "aaa1"},
        {"__id": "uuid:aaa1", "meta": {"instanceID": "uuid:bbb2"}}, {"KEY": "uuid:aaa1", "meta-instanceID": "uuid:bbb2", "Edits": 1},
    ],
)  # fmt: skip
def test_corrections_are_known_as_servers_write_them(register, take, row):
    """Kobo by the id before or the first one, with and without prefix; ODK Central by the first one."""
    (case,) = take(FIRST).added
    done = take(json.dumps([{**row, "prs_Gender": "Feminine"}]), name="k.json")

    assert done.corrected == (case,)
    assert register.get(case).fields["prs_Gender"] == "Feminine"


def test_what_the_file_does_not_ask_stays(register, take):
    """A correction in a file with fewer columns takes no answer and no consent away, and makes no consent younger."""
    (case,) = take(FIRST).added
    before = register.get(case)
    take("_uuid,rootUuid,prs_Gender\nbbb2,aaa1,Feminine\n")
    kept = register.get(case)

    assert kept.fields == {**before.fields, "prs_Gender": "Feminine"}
    assert kept.consent == before.consent
    assert register.identity(case)["prs_FirstName"] == "Example"


def test_a_worker_has_the_last_word(register, take):
    """A case that was changed here since is not written over: the row is told, until both say the same."""
    (case,) = take(FIRST).added
    register.update(case, {"vic_AgeWhenTrafficked": 26})
    done = take(SECOND)
    ((row, (problem,)),) = done.refused

    assert (row, problem.field, case in problem.fault) == (2, "deprecatedID", True)
    assert (register.get(case).fields["vic_AgeWhenTrafficked"], register.count()) == (26, 1)
    register.update(case, {"vic_AgeWhenTrafficked": 27, "prs_FirstName": None})
    register.consent(case, "statistics", "no")
    assert [_told(take(text)) for text in (SECOND, SECOND, FIRST)] == [(0, 0, 1, [])] * 3


def test_a_held_case_loses_nothing_by_a_correction(register, take):
    """The vault keeps no history: an answer that the correction takes out of it stays under a hold."""
    (case,) = take(FIRST).added
    register.hold(case, on=True)

    assert _told(take(SECOND)) == (0, 0, 0, [2])
    assert register.identity(case)["prs_FirstName"] == "Example"


def test_a_case_of_others_is_not_corrected(register, take):
    """Who may not change it is told nothing of it, and adds no second case."""
    (case,) = take(FIRST).added
    done = take(SECOND, User(id="s2", role="supervisor", team="south"))

    assert (_told(done), case in repr(done)) == ((0, 0, 0, [2]), False)
    assert (register.get(case).row.revision, register.count()) == (1, 1)


def test_versions_that_an_earlier_import_made_two_cases_are_told(register, take):
    """The old consent stands in one of them: both are named to whoever may see them, until one is erased."""
    cases = [register.add({"ai_Asked": "no", "tl_SubmissionId": name}) for name in ("aaa1", "bbb2")]
    for text in (SECOND, THIRD):
        done = take(text)
        assert (_told(done), all(case in repr(done.refused) for case in cases)) == ((0, 0, 0, [2]), True)
    hidden = take(SECOND, User(id="s2", role="supervisor", team="south"))
    assert not any(case in repr(hidden) for case in cases)

    erase(register.as_user(OFFICER), cases[0])
    assert _told(take(SECOND)) == (0, 0, 1, [])


def test_a_correction_that_cannot_be_kept_is_refused(register, take):
    """By its field, and the case stays as it was."""
    (case,) = take(FIRST).added
    done = take(SECOND.replace(",27,", ",SECRET,"))

    assert [problem.field for _, problems in done.refused for problem in problems] == ["vic_AgeWhenTrafficked"]
    assert (register.get(case).row.revision, "SECRET" in repr(done)) == (1, False)
