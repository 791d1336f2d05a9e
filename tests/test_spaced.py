"""What stands between two words hides no phrase, and every quote is found again in the text as written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.assess import observe
from threelines.records import Record, Thread
from threelines.text.fold import fold
from threelines.text.spaced import spaced
from threelines.vocabulary.terms import load

VOCABULARY = load()
BETWEEN = (
    "\n", "\r\n", "  ", "\t", " \n  ", "&nbsp;", "&#160;", "<br>", "<br/>\n", "</p><p>", "-", "* *", " ✈️ ", "🙏", "_", "</b> ",
)  # fmt: skip


def quotes(text: str) -> dict[str, str]:
    """Return what each sign quotes of one post."""
    record = Record(id="r", kind="post", text=text)
    thread = Thread(kind="advert", id="r", records=(record,))
    return {signal.indicator: text[signal.start : signal.end] for signal in observe(thread, VOCABULARY)}


@pytest.mark.parametrize("between", BETWEEN)
def test_what_stands_between_two_words_hides_no_phrase(between: str):
    """A line's end, blanks, tags, references and marks are read as the space they stand for, and quoted as written."""
    text = f"You will travel on a tourist{between}visa first."

    assert f"tourist{between}visa" in quotes(text)["REC-06"]


def test_tags_and_references_inside_a_word_are_read_as_shown():
    """`tour<b>ist</b>` and `&#117;` are shown as letters by a browser, and read so."""
    assert quotes("You will travel on a tour<b>ist</b> visa.")["REC-06"] == "travel on a tour<b>ist</b> visa"
    assert "REC-06" in quotes("You will travel on a to&#117;rist v&#105;sa.")


def test_words_between_angle_brackets_are_read():
    """Only a tag of HTML is passed over: what else stands in angle brackets is words."""
    for text in (
        "<You will travel on a tourist visa first>", "‹you travel on a tourist visa>", "x<y, travel on a tourist visa, y>z",
        "<b you travel on a tourist visa>",
    ):  # fmt: skip
        assert "tourist visa" in quotes(text)["REC-06"]
    assert (
        "tour&shy;ist</span> visa"
        in quotes('You travel on a <span class="x y" id=z>tour&shy;ist</span> visa.')["REC-06"]
    )


@pytest.mark.parametrize("piece", ["<", "<a ", '<a x="', "&#", "<b a=b ", " \n", "<!--"])
def test_hostile_marks_cost_time_that_grows_with_the_text(piece: str):
    """Ten times the text is some ten times the steps: a hundred thousand such pieces end at once."""
    text = piece * 100_000

    assert len(spaced(text).text) <= len(text)


def test_an_empty_line_parts_what_is_said():
    """What stands before and after an empty line is not one phrase."""
    assert "REC-06" not in quotes("We help every tourist\n\nvisa questions are answered by travel on a\n\ntourist")


def test_a_gap_of_a_phrase_ends_with_its_line():
    """In a list each line says its own: the parts of a phrase with a gap stand in one."""
    inside, apart = "no fee and no deposit of any kind", "no fee\nof any kind"

    assert spaced(inside).lines == inside
    assert spaced(apart) == ("no fee of any kind", apart, (), (0,))


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.sampled_from([*"ab1-.,!", " ", "\n", "\t", "*", "<b>", "<br>", "&nbsp;", "&#97;", "é", "✈", "<", "&"]),
        max_size=40,
    )
)
def test_every_letter_that_is_read_is_found_again(parts: list[str]):
    """Each letter of the spaced text stands where `span` says, and spans come in order and do not overlap."""
    text = fold("".join(parts))
    read = spaced(text)
    last = 0
    for at, letter in enumerate(read.text):
        start, end = read.span(at, at + 1)

        assert len(read.lines) == len(read.text)
        assert last <= start < end <= len(text)
        assert letter in (" ", "\n") or text[start] == letter or "&#" in text
        last = end


@given(st.text(alphabet="ab \n\t-*<>&;#", max_size=60))
def test_spacing_twice_changes_nothing_more_where_no_tag_stands(text: str):
    """One blank is left between words."""
    if "<" not in text and "&" not in text:
        once = spaced(fold(text)).lines

        assert spaced(once).lines == once
