"""Residue: what a text generator left behind speaks of AI use only."""

from __future__ import annotations

import pytest

from threelines.assess import assess
from threelines.records import Record, Thread
from threelines.signals.residue import untouched_placeholder
from threelines.vocabulary.terms import Vocabulary


def advert(text: str) -> Thread:
    """Return a thread of one advert."""
    return Thread(kind="advert", id="t", records=(Record(id="r", kind="advert", text=text),))


@pytest.mark.parametrize(
    "text",
    [
        "As an AI language model, I cannot meet you.",
        "Dear [Name], welcome.",
        "Sure! Here is the message:",
        "【公司名称】诚聘",
    ],
)
def test_ai_use_is_seen_and_concern_is_not(vocabulary: Vocabulary, text: str):
    """Rule 4: residue raises AI use, never concern."""
    found = assess(advert(text), vocabulary)

    assert found.ai_use > 0
    assert found.tier == "none"
    assert found.concern == 0


@pytest.mark.parametrize("text", ["See [1] and [2].", "<b>bold</b>", "[edited]", "My assistant will call you."])
def test_ordinary_brackets_are_no_blanks(vocabulary: Vocabulary, text: str):
    """References, markup and editors' marks are not placeholders."""
    assert not list(untouched_placeholder(advert(text), vocabulary))


def test_a_blank_is_quoted_as_written(vocabulary: Vocabulary):
    """The quote is the blank itself."""
    assert ["[Your Name]"] == [s.quote for s in untouched_placeholder(advert("Best, [Your Name]"), vocabulary)]
