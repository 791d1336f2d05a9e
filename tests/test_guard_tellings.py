"""Who tells of their need in ways other than papers and pay gets help; sentences of everyday life beside them do not."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.test_guard_words import GUARDS
from threelines.ai_models.guard import Event

SHEET = tomllib.loads((Path(__file__).parents[1] / "bench" / "guard_tellings.toml").read_text(encoding="utf-8"))


def helped(text: str) -> bool:
    """Whether help is said, by words alone."""
    return bool(GUARDS[False].observe(Event(text=text, time=0.0)).message)


@pytest.mark.parametrize("theme", SHEET["dev"])
def test_need_is_seen_in_every_theme_and_language(theme: str):
    """Long days with fines, pictures, forced scams, false studies, locked houses, debt, housework: hardly one is missed."""
    told = {**{f"1 {code}": said for code, said in SHEET["dev"][theme].items()}, **SHEET["again"][theme]}

    assert [code for code, said in told.items() if not helped(said)][3:] == []


def test_everyday_sentences_beside_them_get_no_help():
    """Long days at a thesis, fines of a library, photos of a wedding: nobody asks for help against trafficking."""
    assert [said for every in SHEET["everyday"].values() for said in every if helped(said)] == []


@pytest.mark.parametrize("said", ["صاحبة العمل أخذت جواز سفري", "ربة العمل تضربني", "أخذت الكفيلة جوازي"])
def test_a_woman_who_employs_is_read_in_arabic_as_a_man_is(said: str):
    """Verbs and nouns of the feminine tell the same."""
    assert helped(said)
