"""Days and ages that no person can have, and one code and name for each language."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from threelines.people import release
from threelines.people.codes import country_code, language_code
from threelines.people.cohort import Cohort, next_cohort
from threelines.people.definition import FormError, age_band, load_form
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.keyring import Keyring
from threelines.vocabulary.terms import load
from threelines.web.figures import language_names

FORM = load_form()


def _fault(**answers):
    return " ".join(problem.fault for problem in FORM.problems({"ai_Asked": "no", **answers}))


@pytest.mark.parametrize(
    ("born", "told"),
    [
        ("1425-05-12", ["Hijri"]), ("1376-01-01", ["Persian", "Hijri"]), ("2542-02-03", ["Buddhist"]), ("2055-02-03", ["Nepali"]),
        ("0990-02-03", []), ("1899-12-31", []), ("1900-01-01", None), ("1990-01-01", None),
    ],
)  # fmt: skip
def test_a_birth_date_of_another_calendar_is_named_and_not_converted(born, told):
    """The fault says which calendar it looks like; a year that is none of ours in any gets no guess."""
    fault = _fault(prs_Birthdate=born)

    assert bool(fault) is (told is not None)
    assert [name for name in ("Buddhist", "Persian", "Hijri", "Nepali") if name in fault] == sorted(
        told or [], key=["Buddhist", "Persian", "Hijri", "Nepali"].index
    )
    assert born not in fault


def test_nobody_is_born_tomorrow():
    """Nor does something happen then; a plan may end years from now."""
    now = datetime.now(UTC).date()
    later = (now + timedelta(days=400)).isoformat()

    assert _fault(prs_Birthdate=later)
    assert _fault(hte_Date=later)
    assert not _fault(prs_Birthdate=now.isoformat())
    assert not _fault(spl_PlannedEndDate=later)
    assert "Buddhist" in _fault(spl_PlannedEndDate="2570-01-01")


def test_an_age_ends_at_120():
    """Two hundred is a slip of the keyboard."""
    assert "120" in _fault(vic_AgeWhenTrafficked=200)
    assert not _fault(vic_AgeWhenTrafficked=120)
    assert not _fault(prs_NumberOfChildren=0)


def test_a_case_from_before_can_still_be_changed(tmp_path, monkeypatch):
    """A worker who may not open the vault cannot mend the day in it, and keeps the case all the same."""
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(
        tmp_path / "r.db", keyring, User(id="w", role="case_worker"), today=date(2026, 9, 15)
    ) as register:
        with monkeypatch.context() as patch:
            patch.setattr("threelines.people.definition._impossible", lambda field, value: "")
            case = register.add({"ai_Asked": "no", "prs_Birthdate": "1376-01-01"})
        register.update(case, {"prs_Gender": "Feminine"})
        with pytest.raises(FormError, match="prs_Birthdate"):
            register.update(case, {"prs_Birthdate": "1377-01-01"})


def test_a_language_of_two_codes_is_one_and_named():
    """Swahili is one row of a table; Chinese in two scripts is Chinese."""
    kept = FORM.clean({"ai_Asked": "yes", "ai_ContactLanguage": ["swa", "swh", "sw"]})["ai_ContactLanguage"]
    names = language_names(load())

    assert kept == ["swa"]
    assert (names["swa"], names["zho"], names["msa"]) == ("Swahili", "Chinese", "Malay")


def test_a_language_kept_under_another_code_is_read_as_one(tmp_path, monkeypatch):
    """Cases from before a code was folded are not counted, released, exported or searched as another language."""
    seen = {"ai_Asked": "yes", "ai_Suspected": "probable"}
    keyring = Keyring.create(tmp_path / "k")
    supervisor = User(id="s1", role="supervisor")
    with Register.open(tmp_path / "r.db", keyring, supervisor, today=date(2026, 9, 15)) as register:
        register.add({**seen, "ai_ContactLanguage": ["swa"]}, consent={"statistics": "yes"})
        with monkeypatch.context() as patch:
            patch.setattr("threelines.people.definition.language_code", lambda text: text)
            register.add({**seen, "ai_ContactLanguage": ["swh", "cmn"]}, consent={"statistics": "yes"})
        read = [answers[0] for _, _, answers in register.columns("statistics", ("ai_ContactLanguage",))]
        left = [incident.fields["ai_ContactLanguage"] for incident in register.incidents("statistics")]

        assert sorted(read) == sorted(left) == [["swa"], ["swa", "zho"]]
        for code in ("swa", "swh", "sw"):
            assert len(register.search({"ai_ContactLanguage": code})) == 2


def test_an_earlier_release_has_one_code_for_a_language(tmp_path):
    """Only the code differs: nobody counts as corrected, and nobody's code stays the old one."""
    keyring = Keyring.create(tmp_path / "k")
    with Register.open(tmp_path / "r.db", keyring, User(id="s1", role="supervisor")) as register:
        cohort = Cohort(
            ids=("c1", "c2"), kinds={"ai_ContactLanguage": (("swh",), ("swa",))},
            codes={"ai_ContactLanguage": np.array([0, 1], dtype=np.int32).tobytes()},
        )  # fmt: skip
        row = SimpleNamespace(id="r1", cohort=release._COHORT.seal(keyring, msgspec.msgpack.encode(cohort), "r1"))
        kept = release._cohort(register, row)

        assert kept.kinds["ai_ContactLanguage"] == (("swa",), ("swa",))
        made = next_cohort([kept], kept, str.encode)
        assert made.kinds["ai_ContactLanguage"] == (("swa",),)


@pytest.mark.parametrize(
    ("given_code", "kept"),
    [
        ("lo", "lao"), ("lao", "lao"), ("fre", "fra"), ("lo-LA", "lao"), ("l", ""), ("12", ""), ("sw", "swa"), ("swh", "swa"),
        ("swa", "swa"), ("cmn", "zho"), ("yue", "yue"), ("pes", "fas"), ("prs", "prs"), ("zsm", "msa"), ("ind", "ind"),
    ],
)  # fmt: skip
def test_language_codes(given_code, kept):
    """Two letters and bibliographic codes become ISO 639-3, and one language that has two codes there one of them."""
    assert language_code(given_code) == kept


def test_countries_and_bands():
    """ISO 3166 in capitals; CTDC's age bands."""
    assert [country_code(code) for code in ("la", "XX", "TH ")] == ["LA", "", "TH"]
    assert [age_band(age) for age in (8, 9, 17, 18, 47, 48)] == ["0-8", "9-17", "9-17", "18-23", "39-47", "48+"]
