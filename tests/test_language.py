"""Which language a message is in: known cases, honest doubt, batches, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.text import scripts
from threelines.text.grams import letters
from threelines.text.language import (
    BRIEF,
    answers,
    identify,
    identify_all,
    judge,
    known_languages,
    prepared,
    trusted,
)
from threelines.text.language_model import model, scores, stored_arrays, unpacked
from threelines.text.romanised import romanised
from threelines.text.train_language import Piece, count, few, same
from threelines.text.unlearned import alike, families, folds, heard, without

SHORT = {
    "en": "Could you please call me tomorrow when you have finished your work?",
    "es": "¿Puedes llamarme mañana después del trabajo?",
    "fr": "Peux-tu m'appeler demain après le travail ?",
    "ru": "Позвони мне завтра после работы, пожалуйста",
    "uk": "Зателефонуй мені завтра після роботи, будь ласка",
    "ar": "اتصل بي غدا بعد العمل من فضلك",
    "ur": "کل کام کے بعد مجھے فون کریں",
    "hi": "कल काम के बाद मुझे फोन करना",
    "bn": "কাল কাজের পরে আমাকে ফোন করো",
    "th": "พรุ่งนี้โทรหาฉันหลังเลิกงานนะ",
    "km": "សូមទូរស័ព្ទមកខ្ញុំថ្ងៃស្អែក",
    "my": "မနက်ဖြန် ကျွန်တော့်ကို ဖုန်းခေါ်ပါ",
    "vi": "Ngày mai gọi cho tôi sau giờ làm nhé",
    "id": "Tolong telepon saya besok setelah bekerja",
    "tl": "Tawagan mo ako bukas pagkatapos ng trabaho",
    "sw": "Nipigie simu kesho baada ya kazi",
    "zh": "明天下班以后给我打电话",
    "ja": "明日仕事のあとで電話してください",
    "ko": "내일 일 끝나고 전화해 주세요",
    "tr": "Yarın işten çıktıktan sonra beni arayabilir misin, konuşmamız gerekiyor",
    "am": "እባክህ ነገ ከሥራ በኋላ ደውልልኝ ስለ ጉዳዩ መነጋገር አለብን",
    "ne": "भोलि काम पछि मलाई फोन गर्नुहोस्",
    "uz": "Ertaga ishdan keyin menga qo'ng'iroq qiling",
}


@pytest.mark.parametrize("code", sorted(SHORT))
def test_short_messages(code):
    """A short everyday message is given its own language."""
    assert identify(SHORT[code]).code == code


def test_names_over_400_languages():
    """The model can name more than 400 languages, each with a BCP 47 code."""
    known = known_languages()

    assert len(known) > 400
    assert known["swh"] == "sw"
    assert known["shn"] == "shn"


@pytest.mark.parametrize("text", ["", "   ", "12345", "!!!", "😀😀", "https://example.org/x", "k"])
def test_nothing_to_say_is_und(text):
    """Without letters to judge by, the answer is `und`, with no confidence."""
    found = identify(text)

    assert found.code == "und"
    assert found.iso639_3 == "und"


def test_letters_that_are_no_language_are_und():
    """A run of random letters resembles nothing and gets no language."""
    assert identify("xqzvk wqqrx zzkjv qxwvz").code == "und"


def test_scripts():
    """The script of most letters is named in ISO 15924, for a language that is not known, too."""
    assert identify(SHORT["ru"]).script == "Cyrl"
    assert identify(SHORT["am"]).script == "Ethi"
    assert identify("").script == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("bhai tum kahan ho, kal kaam pe nahi aaya kya", "hi-Latn"),
        ("ami kal jabo na, tumi kothay acho", "bn-Latn"),
        ("ezayak ya habibi, mesh 3aref fein el beit", "ar-Latn"),
    ],
)
def test_romanised(text, code):
    """Hindi, Bengali and Arabic in Latin letters are named as such, apart from languages of that script."""
    found = identify(text)

    assert (found.code, found.romanised) == (code, True)


@pytest.mark.parametrize(
    "text",
    ["Tere! Meri on soe", "Kaisa ja Meri tulevat huomenna", "ora ana sing teka, ora sah ngenteni", "Inta aad joogto ana waan imanayaa",
     "ana da rani a Kano", "Wala akong pera, mera ka ba?", "Tha se do të vijë, thi mera", "Ana is in the inti shop",
     "Mera, tere tulemast koju", "Lena und Dena kommen morgen", "Wala man koy nakita, sab raba", "Meet at 5th street at 7pm, ana",
     "Rani ta tafi kasuwa, ana ruwa sosai", "Ana i Rani idu kupiti kruh", "Teri and Meri are twins", "Mon ami Ana habite ici, salam"],
)  # fmt: skip
def test_words_that_other_languages_share_do_not_tell_alone(text):
    """Everyday Estonian, Finnish, Javanese, Somali, Hausa, Tagalog, Albanian and names are not taken for romanised ones."""
    assert not identify(text).romanised


def test_more_is_asked_for_where_the_letters_are_sure():
    """One own word beside a shared one tells where the letters doubt; two, or one of three, where they are sure."""
    assert romanised("bokra ana hon")
    assert not romanised("bokra ana hon", letters="som", sure=0.9)
    assert romanised("bokra ana yalla hon", letters="som", sure=0.9)
    assert romanised("mera gaya jog", letters="hns", sure=0.9)
    assert not romanised("mera gaya jog", letters="ind", sure=0.1)


def test_confidence_of_a_romanised_language_is_what_is_known():
    """It is the share of the words that tell, and no chance of being right, which nobody has measured."""
    assert identify("bhai tum kahan ho, kal kaam pe nahi aaya kya").confidence == 0.6


def test_a_link_takes_no_room():
    """A long link before the words does not hide them; nor does it make a whole long text be read."""
    link = "https://example.com/" + "a" * 150
    words = "Habari yako rafiki yangu, tutaonana kesho asubuhi"

    assert identify(f"see {link} {words}").code == "sw"
    assert identify(f"see {link.upper()} {link} bhai tum kahan ho, kal kaam pe nahi aaya kya").code == "hi-Latn"
    assert len(prepared(f"see {link} {words} " * 2000)) <= 160


@pytest.mark.parametrize("code", ["en", "es", "fr", "id", "tl", "sw", "tr", "uz", "vi"])
def test_latin_languages_are_not_romanised(code):
    """A language that is at home in Latin letters is not taken for a romanised one."""
    assert not identify(SHORT[code]).romanised


def test_two_scripts_are_mixed():
    """A message in two scripts names both; one foreign word does not make it mixed."""
    both = identify("Позвони мне завтра после работы, please call me tomorrow")

    assert both.mixed == ("ru", "en")
    assert both.code in both.mixed
    assert identify("Позвони мне завтра после работы, ok?").mixed == ()
    assert identify(SHORT["ja"]).mixed == ()


def test_each_script_of_a_mixed_text_is_identified():
    """Thai among English is named Thai, Japanese with its two scripts is one language; what is no word is `und-Latn`."""
    assert "th" in identify("หางานทำที่ปอยเปต salary good contact me").mixed
    assert identify("明日仕事のあとで電話してください please call me tomorrow").mixed == ("en", "ja")
    assert identify("พรุ่งนี้โทรหาฉัน xqzvkw qqr").mixed == ("th", "und-Latn")


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Please call me tomorrow. Tolong telepon saya besok setelah bekerja.", ("en", "id")),
        ("Habari yako rafiki yangu, please call me when you can", ("sw", "en")),
        ("bhai tum kahan ho, kal kaam pe nahi aaya kya. Please call me tomorrow at the office", ("hi-Latn", "en")),
    ],
)
def test_two_languages_of_one_script_are_mixed(text, codes):
    """Two parts that are surely of two languages are both named, and the text is one of them."""
    found = identify(text)

    assert found.mixed == codes
    assert found.code in codes


@pytest.mark.parametrize("code", sorted(SHORT))
def test_a_text_in_one_language_is_not_mixed(code):
    """A message in one language, said twice with a pause between, mixes nothing."""
    assert identify(SHORT[code]).mixed == identify(f"{SHORT[code]}. {SHORT[code]}").mixed == ()


@pytest.mark.parametrize("text", ["ｐｌｅａｓｅ　ｃａｌｌ　ｍｅ　ｔｏｍｏｒｒｏｗ", "𝐩𝐥𝐞𝐚𝐬𝐞 𝐜𝐚𝐥𝐥 𝐦𝐞 𝐭𝐨𝐦𝐨𝐫𝐫𝐨𝐰"])
def test_letters_of_another_width_or_typeface_are_read(text):
    """Full-width and mathematical letters are the letters they look like, to the language and to its script."""
    assert identify(text) == identify("please call me tomorrow")


def test_only_the_letters_of_a_script_are_left():
    """Letters of others become blanks; signs without a script and the length stay."""
    assert scripts.only("ok, да! 漢", [scripts.CODES.index("Cyrl")]) == "  , да!  "


@pytest.mark.parametrize("word", ["halo", "ok", "Maria", "hello", "hai"])
def test_a_word_that_many_languages_share_is_not_trusted(word):
    """A greeting, a nod or a name alone says little of the language, and the confidence says so."""
    assert identify(word).confidence < 0.5


def test_a_word_that_only_one_language_has_is_trusted():
    """Brief texts are not doubted as such: a telling word is believed."""
    assert all(identify(word).confidence > 0.8 for word in ("gracias", "สวัสดี", "こんにちは"))


def test_brief_texts_are_trusted_by_weights_of_their_own():
    """Of the same evidence, a text of one or two words gets another confidence than a window of the same route."""
    known = model()
    texts = ["gracias", "please call me tomorrow"]
    lengths = np.asarray(list(map(len, texts)))
    found = answers(judge(texts, known), lengths, known.referee)
    long = found._replace(brief=np.zeros(2, dtype=bool))
    differ = trusted(found, known.trust) != trusted(long, known.trust)

    assert found.brief.tolist() == differ.tolist() == [True, False]


@given(st.text(max_size=90), st.sampled_from([1, 2]), st.randoms())
@settings(max_examples=40, deadline=None)
def test_cuts_that_trust_is_fitted_on_are_brief(text, many, draw):
    """However long a word, and where words are not written apart, a cut is shorter than any window."""
    assert len(few(text, many, draw)) < BRIEF


def test_confidence_grows_with_text():
    """Two words leave more doubt than a sentence."""
    assert identify("bonne").confidence <= identify(SHORT["fr"]).confidence


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=6))
def test_a_batch_says_what_each_text_says_alone(texts):
    """Whatever the text, the batch does not change its answer, and nothing breaks."""
    assert identify_all(texts) == [identify(text) for text in texts]


@given(st.text(max_size=80))
@settings(max_examples=40, deadline=None)
def test_scripts_count_every_letter_once(text):
    """The counts of all scripts add up to the characters laid out."""
    batch = letters([prepared(text)])

    assert scripts.counts(batch.codes, batch.owner, 1).sum() == len(batch.codes)


def test_the_model_is_small_and_has_no_pickle():
    """The packaged model is under 4 MB and its tables are consistent."""
    from importlib.resources import files

    assert (files("threelines") / "text" / "languages.npz").stat().st_size < 4e6
    assert model().starts[-1] == len(model().language) == len(model().value)


def test_whole_rows_say_what_scattered_ones_say():
    """A text's score is the sum of its n-grams' values, whichever way they are kept for speed."""
    known = model()
    batch = letters([prepared(text) for text in [*SHORT.values(), "so " * 60]])
    # without whole rows every n-gram is scattered
    scattered = known._replace(wide_at=np.zeros_like(known.wide_at))

    np.testing.assert_allclose(scores(batch, known).total, scores(batch, scattered).total, rtol=1e-4, atol=0.5)


def test_a_model_is_made_of_articles_and_a_referee_fitted(tmp_path):
    """Counting articles gives a model that tells their languages apart; its file is known again."""
    pieces = [
        Piece("eng", "en", 1, "all human beings are born free and equal in dignity and rights"),
        Piece("deu", "de", 1, "alle menschen sind frei und gleich an würde und rechten geboren"),
    ]
    made = count(pieces, {"deu": ["herz", "rotes herz"]})
    np.savez_compressed(tmp_path / "made.npz", **made)
    small = unpacked(made)
    total = scores(letters(["human rights", "rotes herz"]), small).total

    assert [small.labels[best] for best in total.argmax(axis=1)] == ["eng", "deu"]
    assert same(made, tmp_path / "made.npz")
    assert not same(made | {"limit": np.float64(1)}, tmp_path / "made.npz")


def test_without_a_language_the_model_is_as_if_never_shown_it():
    """Leaving a language out of the arrays gives the scores that counting without it gives; its letters are unknown."""
    pieces = [
        Piece("eng", "en", 1, "all human beings are born free and equal in dignity and rights"),
        Piece("deu", "de", 1, "alle menschen sind frei und gleich an würde und rechten geboren"),
        Piece("ell", "el", 1, "όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι"),
    ]
    left = unpacked(without(count(pieces, {}), {"ell"}))
    never = unpacked(count(pieces[:2], {}))
    batch = letters(["all menschen are free", "όλοι ίσοι"])

    assert left.labels == never.labels == ("deu", "eng")
    np.testing.assert_allclose(scores(batch, left).total, scores(batch, never).total, rtol=1e-4)
    assert scores(batch, left).judged.tolist() == scores(batch, never).judged.tolist()


def test_a_script_that_no_learned_language_is_written_in_is_und():
    """Georgian is named, and is `und` to a model that never saw its letters."""
    text = "გთხოვთ დამირეკეთ ხვალ სამუშაოს შემდეგ, ok?"
    georgian = {label for label in model().labels if label in ("kat", "xmf")}
    (found,) = identify_all([text], unpacked(without(stored_arrays(), georgian)))

    assert identify(text).code == "ka"
    assert (found.code, found.script) == ("und", "Geor")


def test_families_are_left_out_whole_and_only_of_languages_that_cld2_cannot_name():
    """No language is in two folds, the kin of one fold are not in another, and CLD2 names none of them."""
    stored = stored_arrays()
    parts = folds(stored)
    labels, codes = (tuple(map(str, stored[name])) for name in ("labels", "codes"))

    assert len(set().union(*parts)) == sum(map(len, parts)) > 250
    assert not set().union(*parts) & heard(labels, codes)
    assert all(sum(bool(part & set(family)) for part in parts) <= 1 for family in families(stored))


def test_alike_languages_are_no_reason_for_doubt():
    """Serbian and Bosnian are alike, a language is alike itself, Thai and Korean are not."""
    assert alike("srp", "bos")
    assert alike("tha", "tha")
    assert not alike("tha", "kor")


def test_below_the_limit_the_answer_is_und():
    """A message is named exactly where the answer is trusted to the limit that the model was fitted to."""
    found = identify_all(["ok ok", "mmm hmm", "la la la", *SHORT.values()])

    assert {one.code == "und" for one in found if not one.romanised} == {True, False}
    assert all((one.confidence >= round(model().limit, 3)) == (one.code != "und") for one in found if not one.romanised)


def test_keeps_up_with_a_stream():
    """At least 4,000 messages of 25 characters a second of processor time (20,000 on an idle core)."""
    texts = [text[:25] for text in SHORT.values()] * 60
    identify_all(texts[:20])
    started = time.process_time()
    identify_all(texts)

    assert len(texts) / (time.process_time() - started) > 4000
