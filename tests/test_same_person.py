"""Finding a person again, in a register and between organisations, as names and numbers are typed in our languages."""

from datetime import date

import pytest

from threelines.people import keeping, release
from threelines.people.importing import import_file
from threelines.people.matching import normal, prepared
from threelines.people.register import Register
from threelines.people.same import first_cases
from threelines.people.tables import MATCHES
from threelines.people.typed import name_forms, numbers
from threelines.people.vault import Known
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


@pytest.mark.parametrize(
    ("first", "second"),
    [("Omar", "AlRashid"), ("Omar", "Al Rashid"), ("Al-Rashid", "Omar"), ("AlRashid", "Omar"), ("Omar Al", "Rashid"), ("", "Omar AlRashid")],
)  # fmt: skip
def test_a_name_is_one_in_one_word_or_two_and_in_either_order(register, first, second):
    """A hyphen typed, left out or as a space, and family and given name in each other's place, make no other person."""
    kept = {"prs_FirstName": "Omar", "prs_SecondName": "Al-Rashid", "prs_Birthdate": "1990-03-04"}
    assert _finds(register, kept, {**kept, "prs_FirstName": first, "prs_SecondName": second})


@pytest.mark.parametrize(
    ("kept", "sought"),
    [
        ("Müller", "Mueller"),
        ("Muller", "MUELLER"),
        ("Jørgen", "Joergen"),
        ("Åse", "Aase"),
        ("Sæther", "Saether"),
        ("Weiß", "Weiss"),
    ],
)
def test_a_letter_written_as_two_is_one(register, kept, sought):
    """Passports and keyboards without the letter write ae, oe, ue and aa; others leave the mark out."""
    born = {"prs_FirstName": "Anna", "prs_Birthdate": "1990-03-04"}
    assert _finds(register, {"prs_SecondName": kept, **born}, {"prs_SecondName": sought, **born})
    assert not register.match({"prs_SecondName": "Moller", **born})


def test_tags_kept_before_are_still_found(register):
    """An upgrade without new keys loses nobody: the words, folded and sorted, are among the tags as they were."""
    kept = {"prs_FirstName": "Manuel", "prs_SecondName": "Al-Saad", "prs_Birthdate": "1990-03-04"}
    before = register.keyring.tag(b"al manuel saad|1990-03-04", b"name_birthdate").hex()[:32]

    assert before in register.vault.tags(kept)


@pytest.mark.parametrize(
    ("kept", "sought", "other"),
    [
        ("АВ 123456", "ав№123456", "СЕ 123456"), ("กข-123456", "กข 123456", "คง-123456"), ("ب-١٢٣٤٥٦", "ب123456", "ج-123456"),
        ("၁၂/ကတန(နိုင်)၁၂၃၄၅၆", "12/ကတန(နိုင်)123456", "၁၂/မရမ(နိုင်)၁၂၃၄၅၆"), ("ＡＢ１２３４５６", "ab 123456", "AC123456"), ("É123456", "E\u0301-123456", "123456"),
    ],
)  # fmt: skip
def test_a_document_keeps_the_letters_of_its_script(register, kept, sought, other):
    """A series in Cyrillic, Thai, Arabic or Burmese is part of the number, however it is typed; another series is another document."""
    assert _finds(register, {"prs_IdentityNumber": kept}, {"prs_IdentityNumber": sought})
    assert not register.match({"prs_IdentityNumber": other})


@pytest.mark.parametrize("word", ["unknown", "немає паспорта", "ไม่มีเอกสาร", "لا يوجد جواز"])
def test_words_are_no_number_of_a_document(register, word):
    """Two people without a document are not one person."""
    assert not register.vault.tags({"prs_IdentityNumber": word})


def test_tags_of_documents_kept_before_are_made_anew_at_opening(register):
    """An upgrade loses nobody and joins nobody: what was kept under the digits alone is found by the whole number."""
    kept = {"ai_Asked": "no", "prs_IdentityNumber": "АВ 123456"}
    case, latin = register.add(kept), register.add({**kept, "prs_IdentityNumber": "AB 654321"})
    before = {
        number: register.keyring.tag(number.encode(), b"document").hex()[:32] for number in ("123456", "AB654321")
    }
    with register.store.write() as connection:
        connection.execute(MATCHES.delete().where(MATCHES.c.case_id == case))
        connection.execute(MATCHES.insert().values(case_id=case, tag=before["123456"]))
        connection.exec_driver_sql("DELETE FROM threelines_migrations WHERE area = 'vault'")
    assert before["AB654321"] in register.vault.tags({"prs_IdentityNumber": "AB 654321"})
    assert register.match(kept) == []

    with Register.open(register.store.path, register.keyring, register.user) as again:
        assert (again.match(kept), again.match({"prs_IdentityNumber": "СЕ 123456"})) == ([case], [])
        assert again.match({"prs_IdentityNumber": "ab-654321"}) == [latin]
        assert len(again.vault.known(again.store)[case].documents) == 1


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
    assert name_forms("b" * 5000) == {"b" * 1000}


# ---------------------------------------------------------------------- each person once


def _persons(*cases):
    """Return the first case of each case's person; cases are (tags, documents, apart)."""
    known = {
        f"c{number}": Known(tags=frozenset(tags.split()), documents=frozenset(papers.split()), is_apart=apart)
        for number, (tags, papers, apart) in enumerate(cases)
    }
    return [int(first[1:]) for first in first_cases(known).values()]


def test_cases_are_of_one_person_by_way_of_a_third():
    """A telephone joins the first two, an e-mail the last two: one person, in whichever order they arrive."""
    assert _persons(("p", "", False), ("p e", "", False), ("e", "", False)) == [0, 0, 0]
    assert _persons(("p", "", False), ("e", "", False), ("p e", "", False)) == [0, 0, 0]
    assert _persons(("p", "", False), ("q", "", False)) == [0, 1]


def test_two_documents_are_two_people():
    """Also where a third case without a document shares a telephone with both: it is of the first."""
    assert _persons(("n d1", "d1", False), ("n d2", "d2", False)) == [0, 1]
    assert _persons(("p d1", "d1", False), ("p", "", False), ("p d2", "d2", False)) == [0, 0, 2]
    assert _persons(("p", "", False), ("p d1", "d1", False), ("p d2", "d2", False)) == [0, 0, 2]
    assert _persons(("n d1", "d1", False), ("n d1 d2", "d1 d2", False), ("n d2", "d2", False)) == [0, 0, 0]


def test_who_was_held_apart_is_joined_by_no_later_case():
    """A worker said that the second is another person; a third, known as both, is of the first."""
    assert _persons(("n", "", False), ("n", "", True)) == [0, 1]
    assert _persons(("n", "", False), ("n e", "", True), ("n e", "", False)) == [0, 1, 0]
    assert _persons(("n", "", False), ("n", "", True), ("n", "", True)) == [0, 1, 2]


def _two_women(folder):
    file = folder / "two.csv"
    head = "ai_Asked,prs_FirstName,prs_SecondName,prs_Birthdate,prs_MobilePhone,consent.statistics\n"
    file.write_text(f"{head}no,Anna,Diop,1990-01-01,+33612345678,yes\nno,Anna,Diop,1990-01-01,+33698765432,yes\n")
    return file


def test_a_release_keeps_the_word_of_the_worker(register, tmp_path):
    """Of two rows with one name and birth date the second is added as another person: two are counted, after new keys too."""
    done = import_file(register, _two_women(tmp_path), anyway=[3])
    assert len(release.read_cases(register).ids) == len(done.added) == 2

    register.update(done.added[1], {"prs_MobilePhone": "+33611111111"})
    assert len(release.read_cases(register).ids) == 2
    keeping.rotate(register.as_user(User(id="a1", role="admin")))
    assert len(release.read_cases(register).ids) == 2
    assert set(register.identity(done.added[1])) <= set(register.form.fields)


def test_a_release_counts_documents_and_chains(register):
    """One name and birth date with two documents are two people; telephone, then e-mail, make three cases one person."""
    born = {"ai_Asked": "no", "prs_FirstName": "Anna", "prs_SecondName": "Diop", "prs_Birthdate": "1990-01-01"}
    chain = [{"prs_MobilePhone": "+33612345678"}, {"prs_MobilePhone": "+33612345678", "prs_Email": "a@example.org"}]
    for fields in (
        {**born, "prs_IdentityNumber": "AB 12345"}, {**born, "prs_IdentityNumber": "CD 67890"}, *chain, chain[1] | {"prs_MobilePhone": ""},
    ):  # fmt: skip
        register.add({"ai_Asked": "no", **fields}, consent={"statistics": "yes"})

    assert len(release.read_cases(register).ids) == 3
