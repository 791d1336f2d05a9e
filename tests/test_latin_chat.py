"""Who types Hindi, Arabic, Bengali or Vietnamese on a Latin keyboard and tells of need gets help, in words they read."""

from __future__ import annotations

import unicodedata

import pytest

from tests.test_guard_tellings import SHEET, helped
from tests.test_guard_words import GUARDS
from tests.test_holders import in_need
from threelines.ai_models.guard import Event
from threelines.ai_models.helping import help_in
from threelines.vocabulary.terms import Vocabulary

TOLD = (
    ("hi", "boss ne mera passport le liya hai aur bahar jaane nahi deta"), ("hi", "malik mujhe marta hai aur paise nahi deta"),
    ("hi", "mujhe bandh karke rakha hai, madad karo"), ("hi", "mera malik salary nahi deta"), ("hi", "mera passport chheen liya hai"),
    ("ar", "el modir akhad basbori w mesh 3ayez yeddihooli"), ("ar", "khadu basbori w ana ma7bousa fel beit"),
    ("ar", "kafil akhad jawazi w ma bya3tini ma3ash"), ("ar", "mish 3am ykhalluni etla3"), ("bn", "malik amar passport niye niyeche"),
)  # fmt: skip
EVERYDAY = (
    "mera passport ban gaya, kal milega", "mummy ne khana bana liya hai", "boss ne aaj chutti di hai yaar", "mere paas paise nahi hai bhai",
    "papa bahar jaane ko bol rahe hain", "ana fel beit habibti", "mesh 3ayez aro7 el madrasa bokra", "gaddedt basbori embare7",
    "el kalb ma7bous fel gneina", "ma3ash el shahr da wesel", "amar passport hoye geche, khub khushi", "malik onek bhalo manush",
    "toi mat ho chieu o san bay", "me khong cho toi an keo",
)  # fmt: skip


@pytest.mark.parametrize(("code", "said"), TOLD)
def test_chat_spelling_is_read_and_answered_in_english_and_in_the_language(
    vocabulary: Vocabulary, code: str, said: str
):
    """Hinglish, Arabizi and Banglish: the engine sends to help, the guard says it in both."""
    assert in_need(said, vocabulary)
    assert GUARDS[False].observe(Event(text=said, time=0.0)).message == f"{help_in('en')}\n{help_in(code)}"


def test_who_mixes_english_with_chat_spelling_is_answered_in_both():
    """The words of need are English, the rest is Hinglish."""
    said = GUARDS[False].observe(Event(text="My boss took my passport yaar, kya karu mujhe batao", time=0.0)).message

    assert said == help_in("hi-Latn")


def test_vietnamese_without_accents_is_read_as_with_them():
    """Both sides are folded: hardly one telling of the sheet is lost."""
    told = [themes["vi"] for part in ("dev", "again") for themes in SHEET[part].values()]
    plain = [unicodedata.normalize("NFD", said.replace("đ", "d").replace("Đ", "D")) for said in told]
    plain = ["".join(letter for letter in said if not unicodedata.combining(letter)) for said in plain]

    assert all(said.isascii() for said in plain)
    assert [helped(said) for said in plain] == [helped(said) for said in told]


@pytest.mark.parametrize("said", EVERYDAY)
def test_everyday_chat_asks_for_no_help(vocabulary: Vocabulary, said: str):
    """A renewed passport, a kind boss, a dog in the garden."""
    assert not in_need(said, vocabulary) and not helped(said)
