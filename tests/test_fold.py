"""Folding: what is done to letters to slip past a filter is undone, and every fold leads back to the original."""

from __future__ import annotations

import importlib.util
import random
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from threelines.text.fold import fold, fold_back, fold_letter
from threelines.text.look import letters

BASE = "bring the blue folder to the market on friday morning"
_ANY = st.text(st.characters() | st.sampled_from("aаОо013@$ .-_*·🔥⭐\u200b\u0336Ⓐ🅰⒜ｆkкThธ"), max_size=60)


def _hiders():
    path = Path(__file__).parents[1] / "bench" / "corpus.py"
    if not path.exists():
        pytest.skip("bench/ is not part of this installation")
    spec = importlib.util.spec_from_file_location("corpus_for_fold", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.hiders()


@given(_ANY)
@example("a b  c d")
@example("x🔥y🔥z🔥w q")
def test_both_ways_of_folding_agree(text):
    """The fast fold and the fold that remembers give the same string, with one origin for each letter."""
    back = fold_back(text)

    assert back.text == fold(text)
    assert len(back.origins) == len(back.text)
    assert all(0 <= place < len(text) for place in back.origins)
    assert list(back.origins) == sorted(back.origins)


@given(_ANY, st.integers(0, 60), st.integers(0, 60))
def test_every_span_leads_back_into_the_original(text, start, size):
    """The span of any part of the folded text lies in the original and folds to at least that part's letters."""
    back = fold_back(text)
    start = min(start, len(back.text))
    first, last = back.span(start, min(start + size, len(back.text)))

    assert 0 <= first <= last <= len(text)


@given(st.characters())
def test_a_folded_letter_stays_folded(letter):
    """Folding what is folded changes no letter again, so that vocabulary and text meet."""
    once = fold_letter(letter)

    assert "".join(map(fold_letter, once)) == once


# Leet is undone inside words only (`4th`, `b2b` and prices stay); pictures only where a word is cut into small pieces.
_LEAST = {4: 0.4, 7: 0.4}


@pytest.mark.parametrize("which", range(9))
def test_hidden_letters_come_back(which):
    """Of nine ways of hiding letters, drawn at random from Unicode's data, most words come back whole."""
    hide = _hiders()[which]
    words = set(BASE.split())
    found = [len(words & set(fold(hide(BASE, random.Random(seed))).split())) / len(words) for seed in range(30)]

    assert sum(found) / len(found) >= _LEAST.get(which, 0.85)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("e a r n  m o n e y", "earn money"),
        ("e.a.r.n m.o.n.e.y", "earn money"),
        ("e🔥a🔥r🔥n🔥 m🔥o🔥n🔥e🔥y", "earn money"),
        ("ⓔⓐⓡⓝ 🅼🅾🅽🅴🆈 ⒩⒪⒲", "earn money now"),
        ("ｅａｒｎ е\u0430rn eаrn", "earn earn earn"),
        ("e\u0336a\u0336r\u0336n\u200b m0ney", "earn money"),
        ("Đi làm ở nước ngoài", "di lam o nuoc ngoai"),
    ],
)
def test_examples(written, folded):
    """What a reader sees is what the fold gives."""
    assert fold(written) == folded


@pytest.mark.parametrize(
    "text",
    ["สมัครงานline ได้เลย", "工作A级 高薪", "လုပ်ငန်းok", "kerja💰gaji tinggi", "option a, b, c or d", "10/11/12 or 24/7"],
)
def test_honest_writing_is_left_alone(text):
    """Scripts written without spaces beside Latin letters, and single signs between words, keep their words."""
    assert fold(text) == text.lower()


def test_case_never_matters():
    """Capital and small letters of any alphabet fold to the same."""
    for text in ("Работа в офисе", "ΕΡΓΑΣΙΑ στο γραφειο", "Việc Làm", "İş İlanı ve Şube"):
        assert fold(text.upper()) == fold(text.upper().lower()) or "İ" in text


def test_letters_and_fold_agree_on_plain_text():
    """On plain words the alphabet of copies keeps the same letters, up to digits and l."""
    made = "".join(map(chr, letters([BASE]).codes))

    assert made == BASE.replace(" ", "").replace("l", "i")


@pytest.mark.parametrize(
    "text", ["여권을 빼앗고", "パスポートを", "போக விடவில்லை", "දෙන්නේ නැ", "फ़ोटो ले लिया", "tiếng Việt"]
)
def test_letters_written_in_parts_fold_as_whole_ones(text: str):
    """Some keyboards and file systems write a letter in parts; spans still lead to all its parts."""
    parts = unicodedata.normalize("NFD", text)
    back = fold_back(parts)

    assert fold(parts) == fold(text) == back.text
    assert [parts[slice(*back.span(at, at + 1))] for at in range(2)] == [
        unicodedata.normalize("NFD", text[slice(*fold_back(text).span(at, at + 1))]) for at in range(2)
    ]
    assert back.span(0, len(back.text)) == (0, len(parts))


def test_a_stretched_arabic_word_folds_as_a_plain_one():
    """The stroke that stretches a word is no letter."""
    assert fold("أخـــذوا") == fold("أخذوا")
