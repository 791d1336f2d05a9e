"""Words: found under disguise, quoted as written, silent about who people are."""

from __future__ import annotations

from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.assess import assess
from threelines.records import Assessment, Record, Thread
from threelines.signals.examples import signals_of
from threelines.signals.reading import Found, Matcher, Reading, variants
from threelines.signals.wording import published_phrase
from threelines.text.fold import fold
from threelines.vocabulary.terms import Vocabulary, load

VOCABULARY = load()
TEXTS = (
    "They took my passport and we are not allowed to leave the building.",
    "Enter on a tourist visa, the work permit comes later.",
    "招聘网络刷单员，无需任何经验，日结高薪",
    "Tuyển người làm việc nhẹ lương cao, không cần bằng cấp",
    "รับแอดมินออนไลน์ ตอบแชทลูกค้า ค่าตอบแทนสูง",
    "비자 없이 고수익 아르바이트, 경력 무관",
)


def one_phrase(text: str) -> Matcher:
    """Return what finds one phrase and nothing else."""
    entry = VOCABULARY.entries[0]._replace(language="en", text=text)
    words = Vocabulary(elements=VOCABULARY.elements, indicators={}, languages={})
    words.__dict__["entries"] = (entry,)
    return Matcher(words)


_LOOKS = {"a": "аɑａ", "e": "еｅ", "o": "оοｏ", "p": "рｐ", "i": "іｉ", "c": "сｃ"}


@st.composite
def disguised(draw: st.DrawFn) -> str:
    """Draw one of the texts with look-alike letters, invisible marks and full-width forms put in at random."""
    out = []
    for letter in draw(st.sampled_from(TEXTS)):
        change = draw(st.integers(0, 9))
        if change == 0 and letter in _LOOKS:
            out.append(draw(st.sampled_from(_LOOKS[letter])))
        elif change == 1:
            out.append(letter + draw(st.sampled_from("\u200b\u200d\u2060\ufeff")))
        elif change == 2 and "!" <= letter <= "~":
            out.append(chr(ord(letter) + 0xFEE0))
        else:
            out.append(letter)
    return "".join(out)


@settings(max_examples=120, deadline=None)
@given(disguised())
def test_every_quote_is_the_original_text_at_its_span(text: str):
    """Whatever was done to the letters, a quote is what the writer wrote, at its place."""
    found = signals_of(text, VOCABULARY)

    assert found
    for signal in found:
        assert text[signal.start : signal.end] == signal.quote
        assert signal.quote.strip()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_and_quoted_exactly(text: str):
    """No text breaks a detector, and no quote differs from the text."""
    for signal in signals_of(text, VOCABULARY):
        assert text[signal.start : signal.end] == signal.quote


def test_alternatives_are_written_out():
    """`{a|b}` and `{a|}` make every combination, with single spaces."""
    assert ["no fee", "without fee"] == variants("{no|without} fee")
    assert ["no work visa", "no visa"] == variants("no {work |}visa")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No prior experience is required", True), ("No. Experience is required", False),
        ("nope, experience is required", False), ("No relevant degree or teaching experience is needed", True),
        ("no " + "very " * 20 + "long experience required", False),
    ],
)  # fmt: skip
def test_gaps_stay_inside_the_sentence(text: str, shown: bool):
    """A gap never crosses a sentence end, a word, or forty characters."""
    phrases, _ = Matcher(VOCABULARY).find(fold(text))

    assert shown is any(found.entry.text.startswith("no ..") for found in phrases)


@pytest.mark.parametrize(
    ("one", "other"), [("मालिक को मेरा पासपोर्ट", "ले लिया"), ("میرا پاسپورٹ", "رکھ لیا"), ("ፓስፖርቴን", "ወሰዱብኝ")]
)
@pytest.mark.parametrize("end", list("।॥۔؟؛።፧។"))
def test_gaps_stay_inside_the_sentence_of_any_script(one: str, other: str, end: str):
    """A gap crosses no sentence end of Devanagari, Arabic, Ethiopic or Khmer either."""
    words = one_phrase(f"{one} .. {other}")

    assert words.find(fold(f"{one} x {other}"))[0]
    assert not words.find(fold(f"{one}{end} {other}"))[0]


def test_a_negated_phrase_says_the_opposite():
    """A fee that is never paid is no fee."""
    assert not [s for s in signals_of("You never pay a placement fee.", VOCABULARY) if s.indicator == "REC-18"]
    assert [s for s in signals_of("You pay a placement fee.", VOCABULARY) if s.indicator == "REC-18"]


def test_many_negations_in_one_text_take_time_in_proportion():
    """20,000 phrases beside as many negations: each looks at its own neighbours, and the right ones are turned round."""
    text = "we do not keep your passport, but they took my passport. " * 20_000
    reading = Reading(Record(id="r", text=text), fold(text), *Matcher(VOCABULARY).find(fold(text)))
    begun = perf_counter()
    entry = next(entry for entry in VOCABULARY.entries if entry.language == "en")
    starts = [(text.index("keep", at), text.index("they", at)) for at in range(0, len(text), 57)]
    turned = [reading.negated(Found(entry, keep, keep + 4)) for keep, _ in starts]
    plain = [reading.negated(Found(entry, they, they + 4)) for _, they in starts]

    assert perf_counter() - begun < 5
    assert (all(turned), any(plain)) == (True, False)


def test_words_inside_words_do_not_count():
    """A phrase of a script with spaces stands alone: `refinement` holds no `fine`."""
    assert not signals_of("The trafficlight and the visagist.", VOCABULARY)


def test_system_lines_are_never_judged():
    """Joins, calls and notices are kept by reading and skipped by detectors."""
    record = Record(id="s", kind="system", text=TEXTS[0])

    assert not list(published_phrase(Thread(kind="conversation", id="c", records=(record,)), VOCABULARY))


ORIGINS = ("Kenyan", "Chinese", "Filipino", "Ethiopian", "German", "Rohingya", "Uyghur")
BELIEFS = ("Muslim", "Christian", "Buddhist", "Hindu")
NAMES = ("Maria", "Nguyen Van Nam", "Abebe", "Siti", "John", "李伟")
TEMPLATES = (
    "{name} is a {origin} {belief} who looks for work as a cook.",
    "Job for {origin} people: no experience required, start immediately, contact {name} on Telegram @desk_77.",
    "They took my passport, said {name}, a {belief} from the {origin} community.",
)


@pytest.mark.parametrize("template", TEMPLATES)
def test_origin_belief_and_name_move_nothing(vocabulary: Vocabulary, template: str):
    """Rule 6: other nationality, ethnicity, religion or name, same signals."""
    seen = {
        tuple(sorted((s.indicator, s.strength) for s in signals_of(template.format(name=n, origin=o, belief=b), vocabulary)))
        for n in NAMES for o in ORIGINS for b in BELIEFS
    }  # fmt: skip

    assert len(seen) == 1


def test_no_phrase_names_a_people_or_a_belief(vocabulary: Vocabulary):
    """Rule 6: nationality, ethnicity and religion words are no part of any phrase."""
    words = {word.lower() for word in (*ORIGINS, *BELIEFS, "muslims", "christians", "jews", "africans", "asians")}
    for entry in vocabulary.entries:
        for text in variants(entry.text):
            assert not words & set(text.lower().split())


def offered(text: str, vocabulary: Vocabulary) -> Assessment:
    """Judge one advert."""
    return assess(Thread(kind="advert", id="a", records=(Record(id="a", kind="advert", text=text),)), vocabulary)


@pytest.mark.parametrize(
    "text",
    [
        "Remote developer. No visa needed, work from home.",
        "EU citizens: no visa needed to work, flexible hours, no experience required.",
        "Fully remote engineer, you can work without a visa, flexible hours.",
    ],
)
def test_no_visa_says_little_beside_remote_work_or_free_movement(vocabulary: Vocabulary, text: str):
    """Where nobody crosses a border, or may freely, "no visa needed" is ordinary: a weak sign, and the offer is not raised."""
    found = offered(text, vocabulary)

    assert {s.strength for s in found.signals if s.indicator == "REC-06"} == {"weak"}
    assert found.tier == "none"


@pytest.mark.parametrize(
    "text",
    [
        "No visa needed for this job at our resort. No experience needed.",
        "Apply remotely. You enter on a tourist visa, the permit comes later. No experience needed.",
    ],
)
def test_no_word_of_remote_work_excuses_a_tourist_visa(vocabulary: Vocabulary, text: str):
    """Without such words, and for work on a tourist visa with them, the sign stays strong and the offer is raised."""
    found = offered(text, vocabulary)

    assert "strong" in {s.strength for s in found.signals if s.indicator == "REC-06"}
    assert found.tier == "look"
