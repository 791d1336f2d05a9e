"""Words that are only spoken of: quoted, supposed ("if they took your passport"), or listed as signs to look for.

They are somebody else's. What is left outside is the writer's own, and stands as it is. Where that cannot be told (a
contact stands in the text, or words of a language without a list of the writer's words) nothing is only spoken of.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import accumulate

from threelines.signals.quotes import quoted
from threelines.text.entities import entities
from threelines.vocabulary.helplines import helpline_numbers

_SENTENCE = re.compile(r"[^.!?。！？\n؟۔।॥]+")
_IF = re.compile(
    r"\b(?:if|whether|when (?:someone|somebody|anyone|an?)|nobody may|no one may|nobody can|no one can)\b"
    r"(?! you (?!cannot\b|can't\b|can’t\b|are (?:not|never|forced|locked|told)\b|aren't\b|were\b|have been\b|must\b|may not\b)) ",
    re.IGNORECASE,
)
"""Not "if you want this job", which offers, nor "if you run", which threatens."""
_SOMEBODY = re.compile(
    r"\b(?:you|your|they|someone|somebody|anyone|an? (?:employer|agent|recruiter|job))\b", re.IGNORECASE
)
_WRITER = re.compile(r"\b(?:i|we|me|us|my|our|i'll|we'll|i’ll|we’ll)\b", re.IGNORECASE)
_LIST = re.compile(
    r"\b(?:(?:warning |common |typical |possible )?signs (?:of|that)|red flags|warning signs)\b[^.!?\n]{0,80}[:\n]",
    re.IGNORECASE,
)
_LIST_END = re.compile(r"\n\s*\n")
_LINE = re.compile(r"\b(?:hotline|helpline|help line)\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d(?:[\s().\-/]{0,3}\d){6,}")
_INVITES = re.compile(
    r"[@＠]|\bwww\b|://|\bdot com\b"
    r"|\b(?:telegram|whatsapp|whats app|viber|wechat|messenger|line id|zalo|skype|inbox|dm|pm)\b"
    r"|\b(?:apply|register|enrol|enroll|sign up)\b"
    r"|\b(?:contact|write|call|message|text|ring|phone|mail|email|add|reach|ask)(?: to| at| on|:)* "
    r"(?:me|him|her|them|now|today|via|here|below|this number|(?:my|our|the)(?! (?:[a-z]+ )?(?:hotline|helpline|help line|police|embassy|consulate)\b))\b"
    r"|\b(?:contact|call|phone|tel|mobile):",
    re.IGNORECASE,
)
"""A way to reach somebody who is no helpline, or a bid to use it."""
_PART = re.compile(r"[^.!?:;\n“”\"]+")
_WORD = re.compile(r"[a-z]+(?:['’][a-z]+)?", re.IGNORECASE)
_ENGLISH = frozenset(
    "the you your they their with from this that what when who cannot can't are aren't not needed if of is never without it "
    "beware warning signs rights trafficking hotline helpline passport salary experience job jobs work debt leave paid".split()
)


class Voice:
    """One text, with what in it is only spoken of and where its writer speaks of themselves; read once, asked often."""

    def __init__(self, text: str) -> None:
        self._text = text
        spans = sorted(spoken_of(text))
        self._starts = [low for low, _ in spans]
        self._ends = list(accumulate((high for _, high in spans), max))
        self._writer = list(_writer(text))

    def only_spoken_of(self, places: Iterable[tuple[int, int]]) -> bool:
        """Whether all (start, end), characters of the text, are only spoken of, and nothing else stands beside them.

        Nothing else: no I or we outside of it, no words that may not be English. Contacts: `invites`.
        """
        if not all(self._spoken(start, end) for start, end in places):
            return False
        own = any(not self._spoken(start, end) for start, end in self._writer)
        return not own and _english(self._text)

    def by_the_writer(self, start: int, end: int) -> bool:
        """Whether an I or a we stands in the words from `start` to `end` or before them in their sentence, not only spoken of."""
        if self._spoken(start, end):
            return False
        ahead = max(self._text.rfind(mark, 0, start) for mark in ".!?。！？\n؟۔।॥") + 1
        last = bisect_right(self._writer, (end, 0)) - 1
        return any(low >= ahead and high <= end for low, high in self._writer[max(0, last - 1) : last + 1])

    def _spoken(self, start: int, end: int) -> bool:
        place = bisect_right(self._starts, start) - 1
        return place >= 0 and end <= self._ends[place]


def spoken_of(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of what the text quotes, supposes, or lists as signs; characters of the text."""
    yield from quoted(text)
    for said in _SENTENCE.finditer(text):
        supposed = _IF.search(text, *said.span())
        if not supposed or not _SOMEBODY.search(text, supposed.start(), said.end()):
            continue
        if not any(_writer(text[supposed.start() : said.end()])):
            yield supposed.start(), said.end()
    head = _LIST.search(text)
    while head:
        ends = _LIST_END.search(text, head.end())
        end = ends.start() if ends else len(text)
        if not any(_writer(text[head.end() : end])):
            yield head.end(), end
        head = _LIST.search(text, end)


def _writer(said: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) where the writer speaks of themselves, but for "our hotline": an offer or a threat is no warning."""
    for word in _WRITER.finditer(said):
        if not _LINE.search(said, word.end(), word.end() + 40):
            yield word.span()


def _english(text: str) -> bool:
    """Whether each part of the text has words that English has and other languages lack; the writer's own are known in it."""
    if any(letter.isalpha() and not letter.isascii() for letter in text):
        return False
    parts = ([word.lower() for word in _WORD.findall(part)] for part in _PART.findall(text))
    return all(len(words) < 3 or not _ENGLISH.isdisjoint(words) for words in parts)


@cache
def _helplines() -> frozenset[str]:
    return frozenset(re.sub(r"\D", "", number) for number in helpline_numbers())


def invites(text: str) -> bool:
    """Whether the text holds a handle, an address, a link, a number that is no known helpline's, or a bid to write or call."""
    if _INVITES.search(text):
        return True
    if any(re.sub(r"\D", "", number[0]) not in _helplines() for number in _NUMBER.finditer(text)):
        return True
    return any(entity.value not in helpline_numbers() for entity in entities(text, money=False))
