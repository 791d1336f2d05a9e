"""Negations: what turns a phrase round, in which language, how far, and what only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from threelines.records import Record
from threelines.signals.examples import signals_of
from threelines.signals.negation import AFTER, TURNS
from threelines.signals.reading import Matcher, Reading, variants
from threelines.text.fold import fold
from threelines.vocabulary.terms import Vocabulary, load

VOCABULARY = load()
MATCHER = Matcher(VOCABULARY)
ENDS = (".", "!", "?", ";", ",", "\n", "。", "，", "、", "।", "۔", "؟", "،")
NEGATIONS = {
    code: tuple(fold(full) for slot in TURNS for word in language.terms.get(slot, ()) for full in variants(word))
    for code, language in VOCABULARY.languages.items()
    if language.terms.get("negation")
}
PHRASES = {
    code: sorted({
        text for e in VOCABULARY.entries if e.language == code and " .. " not in e.text
        for text in variants(e.text)[:1] if not fold(text).startswith(words)
    })
    for code, words in NEGATIONS.items()
}  # fmt: skip


def turned(text: str, code: str) -> list[bool]:
    """Return for each phrase of the language in the text whether a negation turns it round."""
    reading = Reading(Record(id="r", text=text), fold(text), *MATCHER.find(fold(text)))
    return [reading.negated(found) for found in reading.phrases if found.entry.language == code]


def excepted(text: str) -> bool:
    """Whether the text holds a listed word that is no negation, or single letters that folding joins to a word."""
    return any(w.slot == "no_negation" for w in MATCHER.find(fold(text))[1]) or len(fold(text).split()) < len(
        text.split()
    )


def shown(text: str, vocabulary: Vocabulary) -> set[str]:
    """Return the ids of the indicators that the text shows."""
    return {signal.indicator for signal in signals_of(text, vocabulary)}


@st.composite
def denied(draw: st.DrawFn) -> tuple[str, str, str, bool]:
    """Draw a language, one of its phrases, one of its negations, and whether that one stands before the phrase."""
    code = draw(st.sampled_from(sorted(code for code, phrases in PHRASES.items() if phrases)))
    terms = VOCABULARY.languages[code].terms
    before = AFTER not in terms or draw(st.booleans())
    words = terms["negation"] + terms.get("without", ()) if before else terms[AFTER]
    said = draw(st.sampled_from([full for word in words for full in variants(word)])).replace(" .. ", " ")
    return code, draw(st.sampled_from(PHRASES[code])), said, before


@settings(max_examples=400, deadline=None)
@given(denied(), st.sampled_from(ENDS))
def test_a_negation_never_reaches_across_a_clause_end(said: tuple[str, str, str, bool], end: str):
    """Whatever ends the clause between a negation and a phrase, in any language, the phrase says what it says."""
    code, phrase, negation, before = said
    text = f"{negation}{end} {phrase}" if before else f"{phrase}{end} {negation}"
    found = turned(text, code)
    assume(found)

    assert not any(found)


def test_each_negation_of_a_language_turns_its_phrases_round():
    """In the same clause each listed negation works, before the phrase or, where it is listed so, after it."""
    silent = []
    for code, phrases in PHRASES.items():
        terms = VOCABULARY.languages[code].terms
        pairs = [f"{said} {phrase}" for said in NEGATIONS[code] for phrase in phrases]
        forms = [full.replace(" .. ", " ") for form in terms.get(AFTER, ()) for full in variants(form)]
        pairs += [f"{phrase} {form}" for form in forms for phrase in phrases]
        silent += [text for text in pairs if not any(turned(text, code)) and not excepted(text)]

    assert silent == []


@pytest.mark.parametrize(
    ("text", "sign", "is_shown"),
    [
        ("Walang bayad po sa trabaho namin, walang you pay placement fee", "REC-18", False),
        ("Libre po ang trabaho namin dito, you pay placement fee", "REC-18", True),
        ("We met in the house, si they took my passport and left", "CTL-07", True),
        ("We met in the house, no they took my passport and left", "CTL-07", False),
    ],
)
def test_a_negation_counts_in_its_own_language_and_in_that_of_the_text(
    vocabulary: Vocabulary, text: str, sign: str, is_shown: bool
):
    """Tagalog "walang" denies English words of a Tagalog text; Swahili "si" denies none of an English one."""
    assert (sign in shown(text, vocabulary)) is is_shown


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("Passport is kept by us", True), ("Passport is never kept by us", False),
        ("Passport, no problem, is kept by us", True), ("Passport without reason is kept by us", True),
        ("Passport without asking is kept by us", True), ("Passport not only is kept by us", True),
        ("Passport is not kept by us, it is never kept by us", False),
    ],
)  # fmt: skip
def test_a_negation_in_a_gap_counts_inside_its_clause(vocabulary: Vocabulary, text: str, is_shown: bool):
    """A gap holds the verb's "not"; "without asking" there denies the asking, and "not only" denies nothing."""
    assert ("REC-17" in shown(text, vocabulary)) is is_shown


@pytest.mark.parametrize(
    ("text", "is_shown"),
    [
        ("I was not paid and they took my passport", True), ("We never slept but he took my passport", True),
        ("I don't sleep, so they took my passport", True), ("No pay and they took my passport", True),
        ("They did not take my passport and phone", False), ("They never took my passport and phone", False),
        ("They never took my passport and they paid me", False), ("I was paid and they never took my passport", False),
        ("no pagan y me quitaron el pasaporte", True), ("no pagan y ellos quitaron el pasaporte", True),
        ("no me quitaron el pasaporte y el teléfono", False), ("no me pagan ni me quitaron el pasaporte", False),
    ],
)  # fmt: skip
def test_a_subject_of_its_own_begins_a_new_clause(vocabulary: Vocabulary, text: str, is_shown: bool):
    """What is denied in "not paid and they took" is the pay alone; in "not my passport and phone" it is both."""
    assert ("CTL-07" in shown(text, vocabulary)) is is_shown


def test_a_phrase_that_holds_a_negation_is_not_turned_round_in_its_gap(vocabulary: Vocabulary):
    """An offer that asks for no degree and no experience asks for nothing, twice."""
    assert "REC-02" in shown("No degree and no experience is required", vocabulary)


def test_two_negations_count_as_one_unless_the_pair_is_listed(vocabulary: Vocabulary):
    """The pair "not without" says yes and is listed; "never do not" is read as one negation."""
    assert "REC-18" in shown("You start not without you pay a placement fee", vocabulary)
    assert "REC-18" not in shown("You start without you pay a placement fee", vocabulary)
    assert "REC-18" not in shown("You never do not pay a placement fee", vocabulary)


@pytest.mark.parametrize(
    ("text", "sign", "is_shown"),
    [
        ("भारी वेतन मिलेगा", "REC-01", True), ("न भारी वेतन", "REC-01", False), ("ने भारी वेतन", "REC-01", True),
        ("छोरा बन्धक", "CTL-09", True), ("बन्धकी ऋण", "CTL-09", False),
        ("안 감금", "CTL-09", False), ("집 안 감금", "CTL-09", True), ("안에 감금", "CTL-09", True),
        ("পাসপোর্ট কেড়ে নেওয়া নাগরিক", "CTL-07", True), ("পাসপোর্ট কেড়ে নেওয়া না", "CTL-07", False),
    ],
)  # fmt: skip
def test_vowel_signs_and_joined_syllables_are_part_of_the_word(
    vocabulary: Vocabulary, text: str, sign: str, is_shown: bool
):
    """Hindi "ने" holds no "न", Nepali "बन्धकी" (mortgage) no "बन्धक", Korean "안에" no "안", Bengali "নাগরিক" no "না"."""
    assert (sign in shown(text, vocabulary)) is is_shown
