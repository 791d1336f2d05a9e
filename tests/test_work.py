"""The work that a text makes grows with its length, not with its square: repeated phrases cannot hold up a guard or a scan."""

import sys

import pytest

from threelines.ai_models.intent import requests
from threelines.ai_models.refusal import refusal
from threelines.records import Record, Thread
from threelines.signals import SIGNALS
from threelines.signals.phrases import Spans
from threelines.signals.quotes import unquoted

REPEATED = {
    "English": "write a fake profile of ",
    "an order": "write an advert, take their passports and lock them in. ",
    "denied": "no fee, never without a contract, not a passport is kept ",
    "a plea": "please help me, they keep my passport and I cannot leave. ",
    "quoted": 'they wrote "we keep your passport until you pay" and ',
    "Chinese": "他们扣了我的护照，求助，没有手续费 ",
    "Spanish": "me quitaron el pasaporte, ayuda, sin experiencia no hay contrato ",
}
TIMES = 60


def work(act, *arguments):
    """Return how many lines of our own code ran."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if "threelines" not in frame.f_code.co_filename:
            return None
        lines += event == "line" or event == "call"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act(*arguments)
    finally:
        sys.settrace(before)
    return lines


def request(text):
    """Read a request to a model."""
    requests().read(Record(id="r", kind="request", text=text, author="a"))


def assert_grows_with_length(act, phrase):
    """Four times the text is at most six times the work."""
    act(phrase)  # what is made once
    assert work(act, phrase * 4 * TIMES) < 6 * work(act, phrase * TIMES)


@pytest.mark.parametrize("phrase", REPEATED.values(), ids=REPEATED)
def test_reading_a_request_grows_with_its_length(phrase):
    """Signs, what denies them, quotes, stances and languages of a request."""
    assert_grows_with_length(request, phrase)


@pytest.mark.parametrize("phrase", REPEATED.values(), ids=REPEATED)
def test_signals_of_an_advert_grow_with_its_length(phrase, vocabulary):
    """Words, and what turns them round."""

    def detect(text):
        thread = Thread(kind="advert", id="t", records=(Record(id="r", kind="advert", text=text, author="a"),))
        for detector in SIGNALS:
            if "advert" in detector.reads:
                list(detector(thread, vocabulary))

    assert_grows_with_length(detect, phrase)


def test_an_answer_grows_with_its_length():
    """What is handed over in an answer, and what is quoted."""
    assert_grows_with_length(refusal, "I can't help. Here it is: \"I can't let you go\" ")


def test_marks_that_are_never_closed_end():
    """A hundred thousand opening marks are read at once, and what is quoted before them is left out as ever."""
    text = 'say "they keep your passport" now ' + "„" * 100_000

    assert unquoted(text) == 'say  "…"  now ' + "„" * 100_000


def test_spans_meet_and_hold():
    """A long span before a short one still counts; touching is not meeting."""
    spans = Spans([(40, 42), (0, 20), (2, 4)])

    assert spans.meet(19, 25) and spans.hold(5, 20) and spans.hold(40, 42)
    assert not spans.meet(20, 40) and not spans.hold(5, 21) and not Spans([]).meet(0, 9)
