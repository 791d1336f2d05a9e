"""The form of a case: what is clean stays, faults repeat no answer, identity is never shared."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from threelines.people.definition import FormError, load_form

FORM = load_form()
TODAY = date(2026, 9, 15)


def _answer(field):
    choices = sorted(FORM.choices(field))
    simple = {
        "text": st.text(max_size=30), "long_text": st.text(max_size=60), "number": st.integers(0, 120), "yes_no": st.booleans(),
        "date": st.dates(date(1950, 1, 1), TODAY).map(str), "decimal": st.integers(-90, 90).map(float),
        "quarter": st.sampled_from(["2026-Q1", "2025-Q4"]), "language": st.sampled_from(["lao", "tha"]),
        "country": st.sampled_from(["LA", "TH"]), "code": st.sampled_from(["north", "river"]),
        "languages": st.lists(st.sampled_from(["lao", "tha"]), max_size=2), "countries": st.lists(st.sampled_from(["LA"]), max_size=1),
    }  # fmt: skip
    if field.type == "one":
        return st.sampled_from(choices)
    return st.lists(st.sampled_from(choices), max_size=3) if field.type == "many" else simple[field.type]


_answers = st.fixed_dictionaries({}, optional={name: _answer(field) for name, field in FORM.fields.items()})


@given(_answers)
def test_clean_answers_stay_as_they_are(answers):
    """What was accepted once is accepted again, unchanged: a case can always be opened and saved."""
    try:
        kept = FORM.clean(answers)
    except FormError:
        return
    assert FORM.clean(kept) == kept


@given(st.dictionaries(st.sampled_from(sorted(FORM.fields)), st.text("SECRET", min_size=4, max_size=9), min_size=1))
def test_faults_never_repeat_an_answer(answers):
    """Messages go to screens and logs: field and fault, no answer."""
    try:
        FORM.clean(answers)
    except FormError as fault:
        assert not any(answer in str(fault) for answer in answers.values())


def test_every_ai_question_may_be_left_unanswered():
    """Services never depend on an answer about AI."""
    closed = [
        field for field in FORM.field if field.name.startswith("ai_") and field.values and field.name != "ai_Asked"
    ]

    assert all({"not_asked", "prefer_not_to_say"} <= set(FORM.choices(field)) for field in closed)
    assert [field.name for field in FORM.field if field.required] == ["ai_Asked"]


def test_identity_is_never_shared():
    """Text, dates, places and numbers of documents are in no allow-list; 51 of HTCDS's fields are denied."""
    for purpose in FORM.purposes:
        assert not FORM.shared(purpose) & FORM.identity
    assert {
        field.name for field in FORM.field if field.type in ("text", "long_text", "date", "decimal")
    } <= FORM.identity
    assert sum(field.is_htcds and field.identity for field in FORM.field) == 51


def test_confirmed_needs_proof():
    """A worker's observation makes it probable; confirmed needs court, forensics or the company."""
    answers = {"ai_Asked": "yes", "ai_Suspected": "confirmed", "ai_EvidenceBasis": ["worker_observation"]}

    assert [problem.field for problem in FORM.problems(answers)] == ["ai_EvidenceBasis"]
    assert FORM.problems({**answers, "ai_EvidenceBasis": ["court_finding"]}) == ()
