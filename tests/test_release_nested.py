"""Questions that follow from another answer: what both totals tell together of who was asked and said nothing."""

from datetime import date

import pytest

from threelines.people import release
from threelines.people.definition import load_form
from threelines.people.demo import fill
from threelines.people.entry import Entry
from threelines.people.nested import make_ways
from threelines.people.register import Register
from threelines.people.suppress import MERGED, NOT_RECORDED, K
from threelines.roles import User
from threelines.store.keyring import Keyring

STATISTICS = {"statistics": "yes"}


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(
        tmp_path / "r.db", keyring, User(id="anna", role="supervisor"), today=date(2026, 9, 15)
    ) as opened:
        yield opened


def _add(register, count, **fields):
    register.add_many([Entry(fields, STATISTICS, {"recorded": "2026-03-02"})] * count)


def _tables(register):
    """Return {field: {category: cases}} of an exact first release."""
    files = release.prepare(register, base=1).files
    return {
        name[7:-4]: {line.split(",")[0]: int(line.rsplit(",", 1)[1]) for line in text.splitlines()[1:]}
        for name, text in files.items()
        if name.startswith("tables/") and "__" not in name
    }


def _asked(register, *, silent, unclear=0):
    _add(register, 100, ai_Asked="no")
    _add(register, 200, ai_Asked="yes", ai_Suspected="none")
    _add(register, 60, ai_Asked="yes", ai_Suspected="probable", ai_Capability=["voice_clone"])
    _add(register, 40, ai_Asked="yes", ai_Suspected="suspected", ai_Capability=["translation_text"])
    _add(register, silent, ai_Asked="yes")
    _add(register, unclear, ai_Asked="yes", ai_Suspected="suspected")


@pytest.mark.parametrize("silent", range(1, 15))
def test_who_was_asked_and_said_nothing_is_not_counted_below_k(register, silent):
    """The "(not recorded)" of the second question minus "no" of the first: nobody, at least eleven, or not told."""
    _asked(register, silent=silent)
    shown = _tables(register)
    told = shown["ai_Suspected"].get(NOT_RECORDED)

    assert (told is None) == (silent < K)
    assert told in (None, 100 + silent)
    assert shown["ai_Suspected"]["none"] == 200
    assert silent >= K or shown["ai_Suspected"] == {"none": 200, "probable": 60, MERGED: 140 + silent}


def test_two_steps_down_it_is_not_counted_either(register):
    """A capability is asked only where AI is suspected: its silence minus what is "none" or silent before tells three people."""
    _asked(register, silent=0, unclear=3)
    shown = _tables(register)

    assert shown["ai_Suspected"] == {"none": 200, "probable": 60, "suspected": 43, NOT_RECORDED: 100}
    assert NOT_RECORDED not in shown.get("ai_Capability", {})


def test_an_answer_of_nearly_all_who_were_asked_is_not_shown(register):
    """250 of the 254 with a suspicion name a voice clone: the four without it are not told by subtracting."""
    both = ["translation_text", "voice_clone"]
    _add(register, 100, ai_Asked="no")
    _add(register, 200, ai_Asked="yes", ai_Suspected="none")
    for count, capabilities in ((150, both), (100, both[1:]), (4, both[:1])):
        _add(register, count, ai_Asked="yes", ai_Suspected="probable", ai_Capability=capabilities)
    shown = _tables(register)

    assert shown["ai_Suspected"]["probable"] == 254
    assert "voice_clone" not in shown.get("ai_Capability", {})


def test_nobody_silent_is_told_in_full(register):
    """Where everybody who was asked answered there is nothing to hide, in the demonstration too."""
    _asked(register, silent=0)
    assert _tables(register)["ai_Suspected"][NOT_RECORDED] == 100
    assert _tables(register)["ai_Capability"] == {"translation_text": 40, "voice_clone": 60, NOT_RECORDED: 300}
    fill(register, cases=1000)
    assert NOT_RECORDED in _tables(register)["ai_Suspected"]


def test_the_listed_order_has_questions_before_those_that_follow():
    """Each is held against those before it, at every remove."""
    form, place = load_form(), {name: number for number, name in enumerate(release.ONE_WAY)}
    for name in release.ONE_WAY:
        for other in form.fields[name].when if name in form.fields else ():
            assert other not in place or place[other] < place[name]
    assert make_ways(form, release.Cohort(ids=(), kinds={}, codes={}), ()) == {}
