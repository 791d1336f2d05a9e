"""Who tells of their need in ways other than papers and pay gets help; sentences of everyday life beside them do not."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.test_guard_words import GUARDS
from threelines.ai_models.event import Contact
from threelines.ai_models.guard import Event, Guard, Policy
from threelines.ai_models.helping import help_in, languages
from threelines.ai_models.intent import requests
from threelines.cli.guard import command
from threelines.people.helplines import confirm

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


def test_help_is_said_in_every_language_in_which_need_is_told():
    """A language of `voices.toml` or of the guard's own words has its help, not English."""
    made = requests()
    told = {group.split()[2] for group in made._telling if len(group.split()) > 2}

    assert told - languages() == set()


@pytest.mark.parametrize(
    ("said", "language"),
    [("De baas heeft mijn paspoort afgepakt", "nl"), ("Szef zabrał mi paszport i nie płaci mi", "pl")],
)
def test_dutch_and_polish_are_answered_in_their_own_words(said: str, language: str):
    """They were answered in English."""
    assert GUARDS[False].observe(Event(text=said, time=0.0)).message == help_in(language)


def test_confirmed_helplines_stand_below_help_in_the_language_of_who_asks():
    """Those that answer in it, all where none does, and none whose confirmation has ended."""
    now = [100.0]
    contacts = (
        Contact(text="Line A: 11", languages=("es",), until=200.0), Contact(text="Line B: 22", languages=("en", "de")),
    )  # fmt: skip
    one = Guard(meaning=False, policy=Policy(contacts=contacts), clock=lambda: now[0])

    def lines(text: str) -> list[str]:
        return one.observe(Event(text=text, time=0.0)).message.splitlines()[1:]

    assert lines("My boss took my passport and locked me in.") == ["Line B: 22"]
    assert lines("Mi jefe tiene mi pasaporte y me encierra.") == ["Line A: 11"]
    assert lines("De baas heeft mijn paspoort afgepakt") == ["Line A: 11", "Line B: 22"]
    now[0] = 200.0
    assert lines("Mi jefe tiene mi pasaporte y me encierra.") == ["Line B: 22"]
    assert lines("How long do lentils cook?") == []


def test_replay_and_serve_take_confirmed_helplines_alone(tmp_path: Path):
    """`--helpline FI-1` shows the number that was dialled; without a confirmation it is refused with the remedy."""
    kept, file = tmp_path / "helplines.json", tmp_path / "sessions.jsonl"
    file.write_text('{"text": "My boss took my passport and locked me in."}', encoding="utf-8")
    run = ["replay", "--words", "--helpline", "FI-1", "--confirmed", str(kept), str(file)]
    kept.write_text("{}", encoding="utf-8")
    refused = CliRunner().invoke(command, run)
    confirm(kept, "FI-1", "+358 800 555 0100", by="supervisor", on=datetime.now(UTC).date())
    shown = CliRunner().invoke(command, run)

    assert refused.exit_code == 2 and "helplines confirm FI-1" in refused.output
    assert "+358 800 555 0100" in shown.stdout
    assert "--helpline" in CliRunner().invoke(command, ["serve", "--help"]).output
