"""Residue: what a text generator left behind in a message. It speaks of AI use only, never of harm (rule 4)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from threelines.records import Record, Signal, Thread
from threelines.signals.detector import quoted, reads
from threelines.signals.reading import readings
from threelines.vocabulary.terms import Indicator, Vocabulary

_PLACEHOLDER = re.compile(
    r"[\[{<【「]{1,2}\s?(?:(?:insert|your|the|recipient'?s?|target'?s?|client'?s?|candidate'?s?|company|full|first|last|user)[ _])?"
    r"(?:name|first name|last name|company|company name|employer|city|country|location|date|job title|position|salary|amount|"
    r"phone|phone number|contact|link|age|姓名|名字|公司|公司名称|城市|日期|职位|金额|联系方式|이름|회사|名前|会社名|nombre|empresa|nom|имя|компания)"
    r"(?: here)?\s?[\]}>】」]{1,2}",
    re.IGNORECASE,
)
_LEFT_OVER = ("[", "{", "<", "【", "「", "|>", "ssistant", "rompt")
_ROLE_TAG = re.compile(
    r"(?:^|\n)\s*(?:<\|(?:im_start|im_end|assistant|user|system|endoftext)\|>|(?:###\s*)?(?:Assistant|System prompt|User prompt)\s*:)",
    re.IGNORECASE,
)


def may_be_left_over(text: str) -> bool:
    """Whether the text holds a sign with which blanks and role marks begin; most texts hold none."""
    # Eight searches in C take 0.3 us a text; `any` over them twice as much, one regular expression 1.7 us.
    for sign in _LEFT_OVER:  # noqa: SIM110
        if sign in text:
            return True
    return False


@reads("advert", "conversation", "account", of_words=True)
def assistant_phrase(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The message still holds words with which an AI assistant speaks of itself or hands over a draft."""
    for reading in readings(thread, vocabulary):
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.ai_use:
                yield reading.signal(
                    found, indicator=indicator.id, strength=indicator.strength, detail=indicator.name + ".",
                    detector="assistant_phrase", shadow=indicator.shadow,
                )  # fmt: skip


@reads("advert", "conversation", "account")
def untouched_placeholder(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """A blank such as [Name] was never filled in, or a model's role mark was left in the text."""
    indicator = vocabulary.indicators.get("AI-02")
    if indicator is None:
        return
    for reading in readings(thread, vocabulary):
        if may_be_left_over(reading.record.text):
            yield from _quotes(_ROLE_TAG, reading.record, indicator, "A model's role mark was left in.")
            yield from _quotes(_PLACEHOLDER, reading.record, indicator, "A blank of a template was left unfilled.")


def _quotes(pattern: re.Pattern[str], record: Record, indicator: Indicator, detail: str) -> Iterator[Signal]:
    for match in pattern.finditer(record.text):
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        yield quoted(
            record, start, match.end(), indicator=indicator.id, strength=indicator.strength, detail=detail,
            detector="untouched_placeholder", shadow=indicator.shadow,
        )  # fmt: skip
