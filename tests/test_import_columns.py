"""What the columns of a file of cases mean, and that no answer gives way to another in silence."""

import json
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
