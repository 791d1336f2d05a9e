"""Finding a person again, in a register and between organisations, as names and numbers are typed in our languages."""

from datetime import date

import pytest

from threelines.people.matching import normal, prepared
from threelines.people.register import Register
from threelines.people.typed import name_words, numbers
from threelines.roles import User
from threelines.store.keyring import Keyring


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    user = User(id="s1", role="supervisor", team="north")
    with Register.open(tmp_path / "r.db", keyring, user, today=date(2026, 9, 15)) as opened:
        yield opened


def _finds(register, kept, sought):
    """Say whether a case of these answers is found by those."""
    case = register.add({"ai_Asked": "no", **kept})
    return register.match(sought) == [case]


@pytest.mark.parametrize(
    ("kept", "sought"),
    [
        ("فاطمة", "فاطمه"), ("علي", "على"), ("علي", "علی"), ("أحمد", "احمد"), ("مُحَمَّد", "محمد"), ("محمـد", "محمد"), ("سناء", "سنا"),
        ("کریم", "كريم"), ("N'Diaye", "N’Diaye"), ("N`Diaye", "ndiaye"), ("El-Amrani", "El Amrani"), ("El‑Amrani", "EL AMRANI"),
        ("Nguyễn", "Nguyen"),
    ],
)  # fmt: skip
def test_a_name_is_one_however_it_is_typed(register, kept, sought):
    """Keyboards, marks, apostrophes and hyphens make no other person; another birth date does."""
    born = {"prs_Birthdate": "1990-03-04"}
    assert _finds(register, {"prs_SecondName": kept, **born}, {"prs_SecondName": sought, **born})
    assert not register.match({"prs_SecondName": sought, "prs_Birthdate": "1990-03-05"})


def test_other_names_stay_apart(register):
    """What is folded are ways to write a letter, not letters."""
    born = {"prs_Birthdate": "1990-03-04"}
    assert not _finds(register, {"prs_SecondName": "علي", **born}, {"prs_SecondName": "عالي", **born})
    assert not _finds(register, {"prs_SecondName": "Diop", **born}, {"prs_SecondName": "Diot", **born})


@pytest.mark.parametrize("sought", [("María Elena", ""), ("María", ""), ("Elena Maria", ""), ("Maria", "Elena")])
def test_a_middle_name_may_stand_with_the_first(register, sought):
    """Or be left out by whoever looks."""
    kept = {
        "prs_FirstName": "Maria",
        "prs_MiddleName": "Elena",
        "prs_SecondName": "López",
        "prs_Birthdate": "1990-03-04",
    }
    first, middle = sought
    assert _finds(register, kept, {**kept, "prs_FirstName": first, "prs_MiddleName": middle, "prs_SecondName": "Lopez"})


@pytest.mark.parametrize(
    "kept",
    [
        "0033612345678", "+33 6 12 34 56 78", "٠٠٣٣٦١٢٣٤٥٦٧٨", "+33698765432 / +33612345678", "+33698765432,0033612345678",
        "0033698765432 0033612345678", "mobile: 0033612345678, home 023456789", "00 33 6-12-34-56-78",
    ],
)  # fmt: skip
def test_a_number_is_found_in_a_cell_however_it_is_typed(register, kept):
    """00 or +, digits of any script, several numbers in one cell."""
    assert _finds(register, {"prs_MobilePhone": kept}, {"prs_HomePhone": "+33612345678"})


def test_the_telephone_of_an_organisation_is_nobodys(register):
    """Everybody who was helped there would be one person."""
    assert not _finds(register, {"org_Phone": "+33612345678"}, {"prs_MobilePhone": "+33612345678"})


def test_two_organisations_write_the_same_forms():
    """What a register finds under two ways to type it, a comparison of two lists finds too."""
    assert normal("0033612345678") == normal("+33 6 12 34 56 78")
    assert normal("facebook.com/فاطمة.على") == normal("facebook.com/فاطمه.علي")
    assert normal("N’Diaye-Aïda") == normal("N'Diaye‐Aïda")
    assert prepared(["+33612345678 / 0033698765432"]) == ["phone:+33612345678", "phone:+33698765432"]


def test_a_cell_of_any_length_is_read_to_its_thousandth_character():
    """Runs of white space count as one, as they would take their square; no person's name or numbers are longer."""
    assert list(numbers("0812345678" + " \n" * 2000 + "0898765432")) == ["0812345678", "0898765432"]
    assert list(numbers("1" * 5000)) == ["1" * 1000]
    assert name_words("b" * 5000) == ["b" * 1000]
