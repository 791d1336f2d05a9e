"""What the columns of a file of cases mean, and that no answer gives way to another in silence."""

from datetime import date

import pytest

from threelines.people.importing import import_file
from threelines.people.register import Register
from threelines.people.sheet import ImportingError
from threelines.roles import User
from threelines.store.keyring import Keyring

SUPERVISOR = User(id="s1", role="supervisor", team="north")


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, SUPERVISOR, today=date(2026, 9, 15)) as opened:
        yield opened


def _import(register, tmp_path, name, text, **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return import_file(register, path, **options)


@pytest.mark.parametrize("column", ["Organisation", "organisation", "intake/Organisation", "person/_organisation"])
def test_a_column_of_an_organisation_is_not_the_perpetrators(register, tmp_path, column):
    """It may be the reporting organisation's own name: the column is unknown, and the import stops."""
    with pytest.raises(ImportingError, match=f"unknown columns: {column}"):
        _import(register, tmp_path, "o.csv", f"prs_Gender,{column}\nFeminine,Our own NGO\n")


@pytest.mark.parametrize("column", ["per_Organisation", "perpetrator/Organisation", "Person_Perpetrator_Context/organisation", "per/organisation"])  # fmt: skip
def test_the_perpetrators_organisation_is_read_in_its_own_group(register, tmp_path, column):
    """HTCDS has it without a name of its own, among the perpetrator's: its prefix or its group says whose it is."""
    (case,) = _import(register, tmp_path, "o.csv", f"prs_Gender,{column}\nFeminine,Example Agency\n").added

    assert register.identity(case)["tl_PerpetratorOrganisation"] == "Example Agency"


@pytest.mark.parametrize(
    ("head", "same", "other"),
    [
        ("intake/prs_FirstName,followup/prs_FirstName", "Ana,Ana", "Ana,SECRET"),
        ("intake/vic_AgeWhenTrafficked,followup/vic_AgeWhenTrafficked", "15,15", "15,32"),
        ("a/vic_MethodsOfControl,b/vic_MethodsOfControl", '"DebtBondage,FalsePromises",FalsePromises DebtBondage', "DebtBondage,FalsePromises"),
        ("ai_Asked,ai_PlatformClass,ai_PlatformClass/dating,ai_PlatformClass/gaming", "yes,dating,1,0", "yes,dating,1,1"),
        ("ai_Asked,z/ai_PlatformClass,b/ai_PlatformClass/dating", "yes,dating,1", "yes,dating gaming,0"),
        ("ai_Asked,b/ai_PlatformClass/dating,c/ai_PlatformClass/dating", "yes,1,1", "yes,1,0"),
        ("_uuid,meta/instanceID", "u-1,uuid:u-1", "u-2,uuid:u-3"),
        ("_submission_time,SubmissionDate", "2026-09-01,2026-09-01T08:00:00", "2026-09-01,2026-08-01"),
    ],
)  # fmt: skip
def test_two_columns_of_one_field_with_two_answers_are_refused(register, tmp_path, head, same, other):
    """Neither is kept in the other's place; the same answer twice is one."""
    done = _import(register, tmp_path, "t.csv", f"prs_Gender,{head}\nFeminine,{same}\nFeminine,{other}\n")

    assert (len(done.added), [row for row, _ in done.refused]) == (1, [3])
    assert "two" in done.refused[0][1][0].fault
    assert "SECRET" not in repr(done)


def test_a_column_that_is_ignored_gives_no_answer(register, tmp_path):
    """Also one that is known: of two columns of one field, it says which one counts."""
    text = "intake/prs_FirstName,followup/prs_FirstName\nAna,Beatriz\n"
    (case,) = _import(register, tmp_path, "i.csv", text, ignore=["intake/prs_FirstName"]).added

    assert register.identity(case)["prs_FirstName"] == "Beatriz"
