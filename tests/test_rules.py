"""The eight rules of judgement (shared design), written before the code that obeys them."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.assess import delphi, judge, observe
from threelines.records import Record, Signal, Thread
from threelines.vocabulary.terms import Indicator, Vocabulary, load

WORDS = Record(id="r1", author="a", text="twelve words of an ordinary text that nobody needs to read twice")


def indicator(name: str, **fields: object) -> Indicator:
    """Return an indicator with just what a rule looks at."""
    base: dict[str, object] = {
        "id": name, "name": name, "description": "d", "category": "test", "evidence": "read in source",
        "look_alikes": "many", "dimension": "deceptive_recruitment", "elements": ("act:recruitment", "means:deception"),
    }  # fmt: skip
    return Indicator(**{**base, **fields})  # type: ignore[arg-type]


def vocabulary(*indicators: Indicator) -> Vocabulary:
    """Return a vocabulary of just these."""
    return Vocabulary(elements=load().elements, indicators={i.id: i for i in indicators}, languages={})


def sign(name: str, strength: str = "weak", record: str = "r1", quote: str = "twelve words") -> Signal:
    """Return a signal that quotes the record."""
    at = WORDS.text.index(quote)
    return Signal(indicator=name, record=record, quote=quote, start=at, end=at + len(quote), strength=strength)  # type: ignore[arg-type]


def judged(*indicators: Indicator, signals: list[Signal], records: tuple[Record, ...] = (WORDS,)):
    """Judge a conversation that showed these signals."""
    return judge(Thread(kind="conversation", id="t", records=records), signals, vocabulary(*indicators))


@pytest.mark.parametrize(
    ("strengths", "expected"),
    [
        (["strong"], False), (["medium", "medium"], False), (["weak"] * 9, False), (["medium", "weak", "weak"], False),
        (["strong", "strong"], True), (["strong", "weak"], True), (["strong", "medium"], True),
        (["medium"] * 3, True), (["medium", "medium", "weak"], True), (["context"] * 5 + ["strong"], False),
    ],
)  # fmt: skip
def test_combination_is_the_delphi_rule(strengths: list[str], expected: bool):
    """A dimension is positive at 2S, 1S + M or W, 3M, 2M + 1W, and at nothing less."""
    assert expected == delphi(strengths)


@pytest.mark.parametrize("strength", ["strong", "medium", "weak"])
def test_one_indicator_raises_nothing(strength: str):
    """Rule 2: one indicator, however strong and however often, is no reason to look."""
    found = judged(indicator("A"), signals=[sign("A", strength), sign("A", strength, quote="ordinary text")])

    assert found.tier == "none"
    assert found.concern < 0.5


def test_every_score_opens_into_signals():
    """Rule 1: no concern without the words that made it, in a text that never gives a verdict."""
    found = judged(
        indicator("A"), indicator("B"), signals=[sign("A", "strong"), sign("B", "weak", quote="ordinary text")]
    )

    assert found.tier == "look"
    assert {"A", "B"} == {signal.indicator for signal in found.signals}
    assert not {"trafficker", "victim detected", "guilty", "criminal"} & set(found.explanation.lower().split())
    assert "innocent explanations" in found.explanation


def test_child_rule_needs_no_means():
    """Rule 3: under 18, an act and a purpose are enough; a red line is routed at once without a means."""
    red = indicator("CHD", child=True, strength="strong", elements=("act:recruitment", "purpose:sexual_exploitation"))
    found = judged(red, signals=[sign("CHD", "strong")])

    assert found.tier == "priority"
    assert found.elements.means == ()


def test_ai_use_never_raises_concern():
    """Rule 4: any number of strong traces of AI use leaves concern at zero, and the other way round."""
    traces = [indicator(f"AI-{n}", ai_use=True, dimension="ai_use", capability="automation") for n in range(4)]
    found = judged(*traces, signals=[sign(trace.id, "strong") for trace in traces])

    assert (found.tier, found.concern) == ("none", 0.0)
    assert found.ai_use > 0.9
    assert found.capabilities == ("automation",)


def test_concern_does_not_make_ai_use():
    """Rule 4, the other way: concern alone says nothing about AI."""
    found = judged(
        indicator("A"), indicator("B"), signals=[sign("A", "strong"), sign("B", "strong", quote="ordinary text")]
    )

    assert found.ai_use == 0.0
    assert found.tier == "look"


def test_good_practice_and_folk_indicators_add_nothing():
    """Rule 5: an indicator marked `scores = false` is shown and never counted."""
    found = judged(
        indicator("REC-05x", scores=False), indicator("A"),
        signals=[sign("REC-05x", "strong"), sign("A", "strong", quote="ordinary text")],
    )  # fmt: skip

    assert found.tier == "none"
    assert len(found.signals) == 2


def test_unverified_never_scores():
    """Rule 8: what nobody has read in a source never scores, neither for concern nor for AI use."""
    unread = "from general knowledge, unverified"
    found = judged(
        indicator("U", evidence=unread), indicator("V", evidence=unread, ai_use=True, capability="automation"), indicator("A"),
        signals=[sign("U", "strong"), sign("V", "strong"), sign("A", "strong", quote="ordinary text")],
    )  # fmt: skip

    assert (found.tier, found.ai_use, found.capabilities) == ("none", 0.0, ())


def test_shadow_is_counted_never_raised():
    """An indicator on trial changes no tier."""
    quiet = msgspec.structs.replace(sign("S", "strong"), shadow=True)
    found = judged(
        indicator("S", shadow=True), indicator("A"), signals=[quiet, sign("A", "strong", quote="ordinary text")]
    )

    assert found.tier == "none"


def test_who_asks_for_help_is_not_suspected():
    """Rule 7: a person who reports what was done to them is routed to help, at most as `look`."""
    help_ = indicator("SUP", category="support", dimension="context")
    control = [indicator(f"C{n}", dimension="coercion_destination") for n in range(2)]
    found = judged(
        help_, *control, signals=[sign("SUP"), sign("C0", "strong"), sign("C1", "strong", quote="ordinary text")]
    )

    assert found.support
    assert found.tier == "look"


def test_conduct_of_another_voice_stands():
    """Rule 7: where one account asks for help and another one threatens, both are said."""
    threat = Record(id="r2", author="b", text=WORDS.text)
    help_ = indicator("SUP", category="support", dimension="context")
    control = [indicator(f"C{n}", dimension="coercion_destination") for n in range(2)]
    signals = [sign("SUP"), sign("C0", "strong", "r2"), sign("C1", "strong", "r2", "ordinary text")]
    found = judged(help_, *control, signals=signals, records=(WORDS, threat))

    assert found.support
    assert found.tier == "priority"


def test_who_wrote_without_a_name_is_no_voice_of_its_own():
    """Rule 7: where the export names nobody, a plea and a threat in two records are not taken as one person's report."""
    plea, threat = (Record(id=name, text=WORDS.text) for name in ("r1", "r2"))
    help_ = indicator("SUP", category="support", dimension="context")
    control = [indicator(f"C{n}", dimension="coercion_destination") for n in range(2)]

    def tier(record: str) -> str:
        signals = [sign("SUP"), sign("C0", "strong", record), sign("C1", "strong", record, "ordinary text")]
        return judged(help_, *control, signals=signals, records=(plea, threat)).tier

    assert (tier("r1"), tier("r2")) == ("look", "priority")


def test_asking_for_help_alone_raises_no_concern():
    """Rule 7: help-seeking is a route, not a suspicion."""
    found = judged(
        indicator("SUP", category="support", dimension="context", strength="strong"), signals=[sign("SUP", "strong")]
    )

    assert (found.support, found.tier, found.concern) == (True, "none", 0.0)


@dataclass
class Quoting:
    """A detector that says what it was told to."""

    spans: list[tuple[int, int]]
    reads = ("conversation",)
    of_words = False

    def __call__(self, thread: Thread, vocabulary: Vocabulary):
        """Yield a signal for each span."""
        return (Signal(indicator="A", record="r1", start=start, end=end) for start, end in self.spans)


def quoted(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the quotes that are left of these."""
    thread = Thread(kind="conversation", id="t", records=(WORDS,))
    return [(s.start, s.end) for s in observe(thread, vocabulary(indicator("A")), (Quoting(spans),))]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 6)), max_size=12))
def test_a_quote_inside_another_one_is_dropped(places: list[tuple[int, int]]):
    """Of the quotes of one indicator those are left that lie in no longer one, in the order of the text."""
    spans = [(start, start + length) for start, length in places]
    left = {
        (start, end)
        for start, end in spans
        if not any(a <= start and end <= b and b - a > end - start for a, b in spans)
    }

    assert sorted(left) == quoted(spans)


def test_many_quotes_in_one_text_take_time_in_proportion():
    """30,000 quotes of one indicator in one record are compared in one pass: pair by pair it took minutes."""
    spans = [(10 * number, 10 * number + 9) for number in range(30_000)]
    begun = perf_counter()

    assert spans == quoted(spans)
    assert perf_counter() - begun < 10
