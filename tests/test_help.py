"""Help is said by the kind of need: control, pictures, a child or a life in danger; each with danger and who reads along."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from tests.test_guard_tellings import SHEET
from tests.test_guard_words import GUARDS
from threelines.ai_models.advice import support
from threelines.ai_models.guard import Event
from threelines.ai_models.helping import help_in, kind_of, languages

TABLE = tomllib.loads((files("threelines") / "ai_models" / "help.toml").read_text(encoding="utf-8"))
KINDS = ("control", "images", "danger")
LABOUR = {
    "en": "labour inspectorate", "es": "inspección de trabajo", "fr": "inspection du travail", "de": "Arbeitsinspektion",
    "ar": "مفتشية العمل", "vi": "thanh tra lao động", "id": "pengawas ketenagakerjaan", "hi": "श्रम निरीक्षण", "th": "พนักงานตรวจแรงงาน",
    "sw": "ukaguzi wa kazi",
}  # fmt: skip
TOLD = {
    "danger": ("I am 15 and they make me work in a bar at night", "I'm sixteen. My boss took my passport.", "He says he will kill me if I run. They locked me in.",
               "Tengo 14 años y me obligan a trabajar", "我今年16岁", "мне 15 лет, меня заставляют работать",
               "My sister is 15 years old and they make her work in a bar", "मैं 15 साल की हूँ", "Csak 15 éves vagyok", "Saya umur 15 tahun"),
    "images": ("He threatens to send my pictures to my family", "Er droht, meine Nacktbilder zu verschicken", "Amenaza con publicar mis fotos", "يهددني بنشر صوري", "He has a video and threatens to post it", "Он угрожает выложить видео"),
    "control": ("My boss took my passport and sends me photos of it", "They do not pay me", "My employer has my documents, here is a picture of me at work", "Mi jefe tiene mi pasaporte"),
}  # fmt: skip
OTHER_PICTURES = (
    "They do not pay us. I have pictures of the timesheets. What can I do?", "No nos pagan. Tengo fotos de las hojas de horas.", "Нам не платят. У меня есть фото табелей.",
    "Sie zahlen uns nicht. Ich habe Fotos der Stundenzettel.", "Hindi kami binabayaran. May picture ako ng kontrata.", "Nie płacą nam. Mam zdjęcia grafiku.", "لا يدفعون لنا. عندي صور العقد.",
    "वे पैसे नहीं देते। मेरे पास हाज़िरी रजिस्टर की फोटो है।", "他们不给工资，我拍了考勤表的照片。", "給料が払われません。タイムカードの写真があります。", "월급을 안 줘요. 출근부 사진이 있어요.",
    "আমাদের বেতন দেয় না। আমার কাছে চুক্তির ছবি আছে।", "hamein paise nahi dete, mere paas register ki photo hai", "Мои коллеги сделали фото табеля, нам не платят.", "Nie płacą, moje koleżanki mają zdjęcia grafiku.",
    "Họ không trả lương. Tôi có ảnh bảng chấm công.", "Mereka tidak membayar kami. Ada foto kontraknya.", "Hawatulipi. Nina picha ya mkataba.", "พวกเขาไม่จ่ายเงิน มีรูปใบลงเวลา",
    "On ne nous paie pas. J'ai des photos des plannings.", "Não nos pagam. Tenho fotos das folhas de ponto.", "Non ci pagano. Ho le foto dei turni.", "Bize para vermiyorlar. Mesai çizelgesinin fotoğrafı var.",
)  # fmt: skip
NO_AGE = (
    "My boss keeps my passport. I'm 16 weeks pregnant.", "My boss keeps my passport. My car is 15 years old.", "Tengo 15 años trabajando aquí y mi jefe tiene mi pasaporte.",
    "They do not pay us. I'm 12 hours a day on my feet.", "J'ai 15 ans d'expérience et on ne me paie pas.", "Ich bin 12 Stunden am Tag hier und werde nicht bezahlt.", "Ik ben 14 weken zwanger en word niet betaald.",
    "Tenho 12 anos de casa e não me pagam.", "Ho 15 anni di esperienza e non mi pagano.", "Mam 15 lat doświadczenia i mi nie płacą.", "Am 15 ani de experiență și nu mă plătesc.",
    "मैं 15 साल से यहाँ काम करता हूँ, मालिक पैसे नहीं देता।", "main 15 saal se yahan kaam karta hoon, malik paise nahi deta", "میں 15 سال سے یہاں کام کرتا ہوں", "म 12 वर्ष देखि यहाँ काम गर्छु",
    "Imam 15 godina iskustva, a ne plaćaju me.", "Az autóm 15 éves, a főnök nem fizet.", "Umur mobil 15 tahun, bos tidak membayar.", "Мне 15 минут идти до работы, а мне не платят.", "ฉันท้อง อายุ 16 สัปดาห์",
)  # fmt: skip


def test_every_language_has_every_text():
    """Each of the three, and the one about danger and who may read the chat."""
    assert len({frozenset(TABLE[name]) for name in (*KINDS, "now")}) == 1
    assert all(help_in(code, kind) for code in languages() for kind in KINDS)


@pytest.mark.parametrize("code", sorted(languages()))
@pytest.mark.parametrize("kind", KINDS)
def test_a_text_has_no_number_and_one_line_a_language(code: str, kind: str):
    """Hotlines are shown only once they are confirmed, below it."""
    text = help_in(code, kind)

    assert not any(letter.isdigit() for letter in text)
    assert len(text.splitlines()) == (2 if code.endswith("-Latn") else 1)


@pytest.mark.parametrize("kind", KINDS)
def test_help_blames_nobody_and_tells_of_danger_and_of_who_may_read(kind: str):
    """In English as it was reviewed; graded by the words of the project itself."""
    text = help_in("en", kind)

    assert "not your fault" in text
    assert "danger now" in text and "emergency number" in text
    assert "may read this chat" in text and "delete it" in text
    assert support(text).supports


def test_danger_comes_first_where_a_life_or_a_child_is():
    """Who is in danger need not read to the end."""
    assert help_in("en", "danger").startswith("If you are in danger now")
    assert not help_in("en", "control").startswith("If you are in danger")


@pytest.mark.parametrize("code", LABOUR)
def test_control_names_the_labour_inspectorate(code: str):
    """Six languages left it out."""
    assert LABOUR[code] in help_in(code, "control")


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TOLD.items() for text in texts])
def test_the_kind_is_known_by_the_words(kind: str, text: str):
    """A photo of the passport is about the passport."""
    assert kind_of(text) == kind


@pytest.mark.parametrize("text", [*OTHER_PICTURES, *NO_AGE])
def test_pictures_of_paper_and_numbers_that_are_no_age_are_answered_about_control(text: str):
    """Pictures count that show the writer or are threatened with; a number is an age beside a person, with no weeks, hours or work after it."""
    assert kind_of(text) == "control"


def test_pictures_are_told_apart_in_every_language_of_the_sheet():
    """Hardly one that tells of pictures is answered about papers, and hardly another about pictures."""
    kinds = {
        theme: [kind_of(said) for part in ("dev", "again") for said in SHEET[part][theme].values()]
        for theme in SHEET["dev"]
    }

    assert kinds["pictures"].count("images") >= len(kinds["pictures"]) - 4
    assert sum(found.count("images") for theme, found in kinds.items() if theme != "pictures") <= 4


@pytest.mark.parametrize("meaning", GUARDS)
def test_the_guard_says_it(meaning: bool):
    """What it says of pictures names no embassy and no union."""
    one = GUARDS[meaning].observe(
        Event(text="He threatens to send my naked pictures to my family. What can I do?", time=0.0)
    )

    assert (one.action, one.message) == ("support", help_in("en", "images"))
    assert "embassy" not in one.message
