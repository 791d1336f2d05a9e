"""Pages in any script: every text makes a page, what cannot be printed is said, names move nothing beside them."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

typst = pytest.importorskip("typst")
pdfium = pytest.importorskip("pypdfium2")

from threelines import pages
from threelines.pages import Block, Paper, write

SAID = "Some letters cannot be printed here (written as U+ and their number); the JSON has them."
SCRIPTS = {
    "ar": "لا تعط جواز سفرك لأحد", "fa": "گذرنامه خود را به کسی ندهید", "ur": "اپنا پاسپورٹ کسی کو نہ دیں", "he": "אל תתנו את הדרכון לאיש",
    "km": "កុំឲ្យលិខិតឆ្លងដែន", "my": "နိုင်ငံကူးလက်မှတ်ကို မပေးပါနှင့်", "ne": "राहदानी कसैलाई नदिनुहोस्", "am": "ፓስፖርትዎን ለማንም አይስጡ",
    "th": "อย่าให้หนังสือเดินทาง", "vi": "Đừng đưa hộ chiếu cho ai", "uk": "Не віддавайте паспорт",
}  # fmt: skip
HOSTILE = [
    '#import "@preview/cetz:0.3.0"', '#read("/etc/passwd")', "$ x^2 $ *a* _b_ `c` @d <e> // f /* g */", r"\u{41} \ ~ -- ... 'q'",
    "]] #panic() [[", '"), #eval("1")', "= Heading", "- item", "<script>&amp;</script>", "%PDF-1.7 endobj",
]  # fmt: skip
OUT = Path("x.pdf")


def need(family: str) -> None:
    """Skip loudly without a font, fail in CI."""
    if family not in typst.Fonts().families():
        if os.environ.get("CI"):
            pytest.fail(f"{family} is missing in CI")
        pytest.skip(f"the font {family} is not installed")


def document(folder: Path, *blocks: Block, **more):
    """Write a paper of one page and open its PDF."""
    paper = Paper([blocks], title="Title", author="Author")._replace(**more)
    write(paper, folder / OUT)
    return pdfium.PdfDocument(folder / OUT)


def texts(made) -> list[str]:
    """Return the text of each page on one line."""
    return [" ".join(page.get_textpage().get_text_range().split()) for page in made]


def left_of(made, letter: str) -> float:
    """Return how far from the left a letter stands that is on the page once."""
    on = made[0].get_textpage()
    said = on.get_text_range()
    assert said.count(letter) == 1
    return on.get_charbox(said.index(letter))[0]


def ink(made, page: int = 0) -> tuple[float, float]:
    """Return where what is printed begins and ends, as shares of the page's width."""
    columns = (made[page].render().to_numpy().min(axis=(0, 2)) < 128).nonzero()[0]
    return columns[0] / made[page].get_width(), columns[-1] / made[page].get_width()


@pytest.mark.parametrize("language", SCRIPTS)
@pytest.mark.parametrize("poster", [False, True])
def test_scripts_are_printed_with_noto(language: str, poster: bool, tmp_path: Path):
    """With the Noto fonts every letter of these languages is printed, and none is written out."""
    need("Noto Sans Khmer")
    text = SCRIPTS[language]
    [said] = texts(document(tmp_path, Block("text", (text,)), language=language, poster=poster))

    assert "U+" not in said
    assert set(text) - set(said) <= set(" \u200c")


def test_chinese_and_japanese_are_printed(tmp_path: Path):
    """Letters of East Asia stand in the machine's own font."""
    need("Droid Sans Fallback")

    assert texts(document(tmp_path, Block("text", ("北京市救助中心 ひらがな",)))) == ["北京市救助中心 ひらがな"]


def test_letters_without_a_font_are_written_out_and_the_page_says_so(tmp_path: Path):
    """The letter alone is written out with the marks on it, on the page where it stands."""
    odd = [Block("title", ("Centre \u0378\u0301 ab\x00",)), Block("text", ("A \ue000\ud800 é",))]
    write(Paper([odd, [Block("text", ("plain",))]], title="T", author="A"), tmp_path / OUT)

    assert texts(pdfium.PdfDocument(tmp_path / OUT)) == [
        f"Centre [U+0378 U+0301] ab[U+0000] A [U+E000 U+D800] é {SAID}", "plain",
    ]  # fmt: skip


def test_a_machine_without_fonts_prints_latin_and_writes_out_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Typst's own fonts have Latin, Greek and Cyrillic; nothing is a square, and the poster names its text file."""
    monkeypatch.setattr(typst, "Compiler", functools.partial(typst.Compiler, ignore_system_fonts=True))
    made = document(tmp_path, Block("text", ("Łódź Київ Ελλάδα កុំ 👨\u200d👩",)), poster=True, kept="the text file")

    assert texts(made) == [
        f"Łódź Київ Ελλάδα [U+1780 U+17BB U+17C6] [U+1F468 U+200D U+1F469] {SAID.replace('JSON', 'text file')}"
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_is_never_markup(text: str, tmp_path: Path):
    """What would be Typst code or markup stands on the page as it was written."""
    made = document(tmp_path, Block("title", (text,)), Block("text", ("by ", text)), author=text)

    assert texts(made) == [f"{text} by {text}"]
    assert made.get_metadata_value("Author") == text


ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=60, deadline=None)
@given(ANY, ANY, st.booleans())
@example("", "", True)
@example("x", "\u2067\ue000\u2069", False)
@example("😀 👨\u200d👩\u200d👧 🇫🇮 \ufeff\ufffe", "\ud83d", False)
@example("".join(map(chr, range(0x590, 0x600))), "ب" * 300, False)
def test_any_text_makes_a_page(tmp_path_factory: pytest.TempPathFactory, text: str, name: str, poster: bool):
    """No text, however odd, is a fault; what stands beside it is read as it was written."""
    kind = "heading" if poster else "title"
    blocks = (Block(kind, (text,), name), Block("text", ("Name ", name, ", end")), Block("strong", (name,)))
    [said, *_] = texts(document(tmp_path_factory.mktemp("page"), *blocks, poster=poster, author=text, language=name))

    assert "Name" in said
    assert "end" in said
    assert pages._closes(pages._written(name, frozenset()))


def test_a_panic_of_typst_is_not_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where Typst's own code panics, everything beyond ASCII is written out."""
    panic = type("PanicException", (BaseException,), {})
    compiled = pages._compiled

    def panicking(paper: Paper, without: frozenset[str], compiler) -> bytes:
        if "é" not in without:
            raise panic
        return compiled(paper, without, compiler)

    monkeypatch.setattr(pages, "_compiled", panicking)

    assert texts(document(tmp_path, Block("text", ("café",)))) == [f"caf[U+00E9] {SAID}"]


def test_other_faults_are_told(tmp_path: Path):
    """What is no matter of letters, here a paper without a title, is a fault and leaves no file."""
    with pytest.raises(typst.TypstError, match="missing document title"):
        document(tmp_path, Block("text", ("x",)), title="")
    assert list(tmp_path.iterdir()) == []


def test_a_name_cannot_turn_what_is_beside_it(tmp_path: Path):
    """Overrides are written out; a name from right to left leaves the sentence and its date in their order."""
    need("Noto Sans Khmer")
    turned = document(tmp_path, Block("text", ("From ", "a\u202eb\u2067c", " to Q, 2026-11-24.")))
    assert texts(turned) == [f"From a[U+202E]b[U+2067]c to Q, 2026-11-24. {SAID}"]

    made = document(tmp_path, Block("text", ("X ", "مركز", ", ", "خط", "; 7-8.")))
    order = [left_of(made, letter) for letter in "Xم,خ;78"]
    assert order == sorted(order)


def test_right_to_left_begins_at_the_right_and_keeps_telephone_numbers(tmp_path: Path):
    """Arabic stands at the right margin, English at the left, and the groups of a number keep their order."""
    need("Noto Sans Khmer")
    arabic = Block("strong", ("خط: +966 800 1",))
    begin, end = ink(made := document(tmp_path, arabic, language="ar", poster=True))
    assert begin > 0.5
    assert end > 0.88
    digits = [left_of(made, letter) for letter in "+981خ"]
    assert digits == sorted(digits)

    begin, end = ink(document(tmp_path, Block("small", ("Reviewed",), "en"), language="ar", poster=True))
    assert begin < 0.12
    assert end < 0.5


@pytest.mark.parametrize("poster", [False, True])
@pytest.mark.parametrize("letter", ["W", "ب", "ก", "क्ष"])
def test_a_long_word_stays_on_the_page(letter: str, poster: bool, tmp_path: Path):
    """A word that is wider than the page breaks; nothing is printed beyond the margin."""
    need("Noto Sans Khmer")
    begin, end = ink(document(tmp_path, Block("heading" if poster else "title", (letter * 150,)), poster=poster))

    assert begin > 0.09
    assert end < 0.91


@pytest.mark.parametrize(("times", "sheets"), [(1, 1), (45, 1), (400, 3)])
def test_a_poster_shrinks_to_one_sheet(times: int, sheets: int, tmp_path: Path):
    """Type shrinks until the poster fits; far too much text runs on."""
    made = document(tmp_path, Block("text", ("Ask who the employer is and where the work is. " * times,)), poster=True)

    assert len(made) == sheets


def test_a_paper_says_what_it_is_and_is_the_same_again(tmp_path: Path):
    """Title, author, language and the mark of an accessible PDF stand in the file; the same paper gives the same bytes."""
    made = document(tmp_path, Block("text", ("سلام",)), language="fa-AF", author="مركز")
    first = (tmp_path / OUT).read_bytes()
    document(tmp_path, Block("text", ("سلام",)), language="fa-AF", author="مركز")

    assert (made.get_metadata_value("Title"), made.get_metadata_value("Author")) == ("Title", "مركز")
    assert b"pdfuaid" in first
    assert b"/Lang (fa)" in first or b"<dc:language>" in first
    assert first == (tmp_path / OUT).read_bytes()
