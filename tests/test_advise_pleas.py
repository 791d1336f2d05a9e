"""`check` shows help beside a plea in words of everyday life, as the guard of the first line does."""

from __future__ import annotations

from datetime import date

import pytest

from tests.near_pleas import NEAR_PLEAS
from tests.test_guard_tellings import SHEET
from threelines.ai_models.helping import languages
from threelines.people.advise import Advice, as_text, weigh
from threelines.people.interface import SOURCE, load_interfaces
from threelines.signals.pleas import pleads, pleas
from threelines.vocabulary.terms import load

ENGLISH = load_interfaces()[SOURCE]


def checked(text: str) -> Advice:
    """Return what `check` says of it."""
    return weigh(text, load(), ENGLISH, today=date(2026, 12, 1))


@pytest.mark.parametrize("theme", SHEET["dev"])
def test_who_tells_of_need_is_shown_help_in_every_language(theme: str):
    """Long days with fines, pictures, forced scams, false studies, locked houses, debt, housework: hardly one is missed."""
    told = {**{f"1 {code}": said for code, said in SHEET["dev"][theme].items()}, **SHEET["again"][theme]}

    assert [code for code, said in told.items() if not checked(said).support][3:] == []


def test_everyday_sentences_are_shown_none():
    """A thesis, fines of a library, photos of a wedding, and all that stands near to pleas."""
    every = [said for texts in SHEET["everyday"].values() for said in texts]

    assert [said for said in every if checked(said).support] == []
    assert [said for said in NEAR_PLEAS if pleads(said)] == []


def test_a_plea_is_not_told_that_no_sign_was_found():
    """Help stands first; "none of the known signs" would be read as: nothing is wrong."""
    shown = checked("My boss won't let me phone my mother and I don't know what can I do, I sleep in the kitchen.")

    assert shown.support and shown.headline == ""
    assert as_text(shown).startswith(ENGLISH.interface["support"])


def test_who_weighs_an_offer_keeps_the_steps_beside_help():
    """A doubt about an offer may be a plea; what to find out about the offer stays."""
    shown = checked("I've been offered a job abroad as a cleaner. Visa is paid. Should I go?")

    assert shown.support and len(shown.steps) == 3


def test_pleas_and_their_matter_come_in_the_same_languages():
    """One without the other would never be found."""
    assert set(pleas()["plea"]) == set(pleas()["matter"])
    assert set(pleas()["plea"]) <= languages()
