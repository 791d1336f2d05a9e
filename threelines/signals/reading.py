"""Read a thread's texts once: one automaton over folded text finds every word of the vocabulary.

Detectors of wording, contact, offers, residue and support ask the same reading, so a text is
folded and searched once however many detectors there are. The way back to the original text is
built only where something was found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

import ahocorasick_rs

from threelines.records import Record, Signal, Strength, Thread, ThreadKind
from threelines.signals.negation import (
    AFTER,
    BEFORE,
    SENTENCE_ENDS,
    SLOTS,
    TURNS,
    Negations,
    family,
    following,
    is_mark,
)
from threelines.text.fold import Folded, fold, fold_back
from threelines.text.spaced import Spaced, spaced
from threelines.vocabulary.terms import Entry, Vocabulary

_CHOICE = re.compile(r"\{([^{}]*)\}")
_STOPS = re.compile(f"[{SENTENCE_ENDS}]")
_DENSE_STOPS = re.compile(f"[{SENTENCE_ENDS},，]")
_GAP = 40
_DENSE_GAP = 10


# Arabic, Persian, Urdu and Egyptian keyboards write one letter in several ways; as many letters stand there after as before.
_KEYBOARDS = (("\u0649", "\u064a"), ("\u06cc", "\u064a"), ("\u06a9", "\u0643"))


def one_keyboard(text: str) -> str:
    """Return the text with yeh and kaf written as on an Arabic keyboard."""
    for written, usual in _KEYBOARDS if not text.isascii() else ():
        text = text.replace(written, usual)
    return text


def variants(text: str) -> list[str]:
    """Write out the alternatives of a phrase: `{no|without} fee` → two phrases."""
    found = _CHOICE.search(text)
    if not found:
        return [" ".join(text.split())]
    head, tail = text[: found.start()], text[found.end() :]
    return [full for choice in found[1].split("|") for full in variants(head + choice + tail)]


def _spellings(text: str) -> Iterator[str]:
    """Apostrophes are written in three ways: `don't`, `don’t`, `dont`."""
    for full in variants(text):
        yield from {full, full.replace("'", "’"), full.replace("'", "")} if "'" in full else (full,)


class Word(NamedTuple):
    """A plain word of a slot, which shows nothing by itself."""

    slot: str
    value: str
    start: int
    end: int


class Found(NamedTuple):
    """A phrase of an indicator, at its place in the folded text."""

    entry: Entry
    start: int
    end: int
    gaps: tuple[tuple[int, int], ...] = ()
    """What stands between its parts."""
    denied: bool = False
    """Whether a form right after it turns it round (`negation_after` of its language)."""


class _Pattern(NamedTuple):
    entry: Entry
    before: tuple[str, ...]
    after: tuple[str, ...]
    gap: int


class _Plain(NamedTuple):
    slot: str
    value: str
    whole: bool
    """Whether it must stand alone: links need not."""
    apart: bool = False
    """Whether nothing may join it, not even what its script joins: a negation in Hangul is a word of its own."""


class Matcher:
    """All phrases and slot words of a vocabulary as one automaton over folded text.

    A phrase with gaps is anchored at its longest part, so that a frequent word such as "no" costs
    nothing; the other parts are looked for beside the anchor only. Cost grows linearly with text.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        literals: dict[str, list[_Pattern | _Plain]] = {}
        dense = {code for code, language in vocabulary.languages.items() if not language.spaces}
        for entry in (*vocabulary.entries, *vocabulary.unread):
            gap = _DENSE_GAP if entry.language in dense else _GAP
            whole = _Pattern(entry, (), (), gap)  # of most texts: there are 150,000
            for text in _spellings(entry.text):
                anchor, pattern = _anchored(entry, text, gap) if " .. " in text else (_folded(text), whole)
                literals.setdefault(anchor, []).append(pattern)
        self._after = _after(vocabulary)
        for plain, word in _plain_words(vocabulary):
            literals.setdefault(_folded(word), []).append(plain)
        literals.pop("", None)
        self._literals = sorted(literals)
        found = (literals[literal] for literal in self._literals)
        self._payload = [tuple(each if len(each) == 1 else dict.fromkeys(each)) for each in found]
        self._edges = [(_spaced(literal[0]), _spaced(literal[-1])) for literal in self._literals]
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._literals or ["\0"], implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def find(self, folded: str) -> tuple[list[Found], list[Word]]:
        """Return the phrases and the slot words of a folded text, in order of their anchors."""
        read = spaced(one_keyboard(folded))
        text = read.text
        phrases: list[Found] = []
        words: list[Word] = []
        for index, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            first, last = self._edges[index]
            alone = not (first and start and _GOES_ON[text[start - 1]]) and not (
                end < len(text) and _GOES_ON[text[end]] > (0 if last else 1)
            )
            for payload in self._payload[index]:
                if isinstance(payload, _Plain):
                    if (alone or not payload.whole) and not (payload.apart and _joined(text, start, end)):
                        words.append(Word(payload.slot, payload.value, *read.span(start, end)))
                elif alone:
                    span = _stretch(read, payload, start, end)
                    if span:
                        phrases.append(self._found(read, payload.entry, span))
        return phrases, words

    def _found(self, read: Spaced, entry: Entry, span: list[tuple[int, int]]) -> Found:
        after = self._after.get(entry.language)
        denied = after is not None and after.match(read.lines, span[-1][1]) is not None
        back = [read.span(start, end) for start, end in span]
        gaps = tuple((one[1], other[0]) for one, other in pairwise(back)) if len(back) > 1 else ()
        return Found(entry, back[0][0], back[-1][1], gaps, denied)


@lru_cache(maxsize=16_384)
def _folded(part: str) -> str:
    """Fold one part of a phrase; many phrases share parts."""
    return spaced(one_keyboard(fold(part).strip())).text


def _anchored(entry: Entry, text: str, gap: int) -> tuple[str, _Pattern]:
    parts = [part for written in text.split(" .. ") if (part := _folded(written))]
    if not parts:
        return "", _Pattern(entry, (), (), gap)
    at = max(range(len(parts)), key=lambda i: len(parts[i]))
    return parts[at], _Pattern(entry, tuple(parts[:at]), tuple(parts[at + 1 :]), gap)


def _after(vocabulary: Vocabulary) -> dict[str, re.Pattern[str]]:
    """Return what turns a phrase round from behind, by language."""
    found: dict[str, re.Pattern[str]] = {}
    for code, language in vocabulary.languages.items():
        forms = (one_keyboard(full) for form in language.terms.get(AFTER, ()) for full in variants(form))
        if pattern := following(forms, spaces=language.spaces):
            found[code] = pattern
    return found


def _plain_words(vocabulary: Vocabulary) -> Iterator[tuple[_Plain, str]]:
    for code, language in vocabulary.languages.items():
        for slot, words in language.terms.items():
            for word in (full for text in words for full in _spellings(text)) if slot != AFTER else ():
                value = family(code) if slot in SLOTS else fold(word).strip()
                yield _Plain(slot, value, whole=True, apart=_apart(slot, fold(word).strip(), language.spaces)), word
    if vocabulary.offers is None:
        return
    for name, words in vocabulary.offers.messengers.items():
        for word in words:
            yield _Plain("messenger", name, whole=True), word
    for link in vocabulary.offers.links:
        yield _Plain("link", link, whole=False), link
    for index, place in enumerate(vocabulary.offers.places):
        for word in place.words:
            yield _Plain("place", str(index), whole=True), word


def _apart(slot: str, word: str, spaces: bool) -> bool:
    """Whether the word needs a second look at its edges: a negation of a spaced language whose script joins."""
    return slot in TURNS and spaces and not (_spaced(word[0]) and _spaced(word[-1]))


def _stretch(read: Spaced, pattern: _Pattern, start: int, end: int) -> list[tuple[int, int]] | None:
    """Find the other parts of a phrase beside its anchor, inside the sentence (inside its part where no spaces are).

    Returns the (start, end) of all parts in order, None where one is missing.
    """
    spans = [(start, end)]
    text, lines, stops = read.text, read.lines, _DENSE_STOPS if pattern.gap == _DENSE_GAP else _STOPS
    for part in pattern.after:
        window = text[end : end + pattern.gap + len(part)]
        at = _alone(window, part, last=False)
        if at < 0 or stops.search(lines, end, end + at):
            return None
        spans.append((end + at, end + at + len(part)))
        end += at + len(part)
    for part in reversed(pattern.before):
        low = max(0, start - pattern.gap - len(part))
        window = text[low:start]
        at = _alone(window, part, last=True)
        if at < 0 or stops.search(lines, low + at + len(part), start):
            return None
        start = low + at
        spans.insert(0, (start, start + len(part)))
    return spans


def _alone(window: str, part: str, *, last: bool) -> int:
    """Return where the part stands by itself in the window: the place nearest to the anchor."""
    at = window.rfind(part) if last else window.find(part)
    while at >= 0:
        stop = at + len(part)
        joined_left = at > 0 and _spaced(part[0]) and _GOES_ON[window[at - 1]]
        joined_right = stop < len(window) and _GOES_ON[window[stop]] > (0 if _spaced(part[-1]) else 1)
        if not joined_left and not joined_right:
            return at
        at = window.rfind(part, 0, at) if last else window.find(part, at + 1)
    return -1


def _spaced(letter: str) -> bool:
    """Whether the letter belongs to a script that writes words apart (Hangul joins particles)."""
    if letter < "\u0e00":
        return letter.isalnum()
    return ("\u1200" <= letter < "\u1780" or "\ua000" <= letter < "\uac00") and letter.isalnum()


class _GoesOn(dict[str, int]):
    """Letter → how surely a word goes on with it: 2 a mark, 1 a letter of a spaced script, 0 any other.

    A mark always belongs to what stands before it. A letter after a word that ends in a vowel sign may be its case
    ending (Tamil, Bengali), so only a mark cuts such a word in two.
    """

    def __missing__(self, letter: str) -> int:
        known = self[letter] = 2 if is_mark(letter) else int(_spaced(letter))
        return known


_GOES_ON = _GoesOn()


def _joined(folded: str, start: int, end: int) -> bool:
    """Whether any letter or mark stands beside the word, whatever its script joins."""
    beside = folded[start - 1 : start] + folded[end : end + 1]
    return any(letter.isalnum() or is_mark(letter) for letter in beside)


class Reading:
    """One record with what was found in it."""

    def __init__(self, record: Record, folded: str, phrases: list[Found], words: list[Word]) -> None:
        self.record = record
        self.folded = folded
        self.phrases = phrases
        self.words = words

    @cached_property
    def back(self) -> Folded:
        """The way back to the original text; built when a quote is needed."""
        return fold_back(self.record.text)

    def slot(self, name: str) -> list[Word]:
        """Return the words of one slot, by place."""
        return self._slots.get(name, [])

    @cached_property
    def _slots(self) -> dict[str, list[Word]]:
        """Words by slot: asked for each phrase, and a text may hold as many phrases as words."""
        slots: dict[str, list[Word]] = {}
        for word in sorted(self.words, key=lambda word: word.start):
            slots.setdefault(word.slot, []).append(word)
        return slots

    def negated(self, found: Found, reach: int = BEFORE) -> bool:
        """Whether a negation of the phrase's language, or of the text's, says the opposite of the phrase.

        `reach` is how many characters may stand between a negation and the phrase after it.
        """
        if found.denied:
            return True
        turned = set(self._negations.around(found.start, found.end, found.gaps, reach))
        return bool(turned) and (family(found.entry.language) in turned or self._spoken in turned)

    @cached_property
    def _negations(self) -> Negations:
        return Negations(self.folded, self.words)

    @cached_property
    def _spoken(self) -> str:
        """Family of the language the text is in; asked only where a negation of another language stands."""
        from threelines.text.language import identify  # loads numpy and the models of languages

        return family(identify(self.record.text).code)

    def signal(
        self,
        found: Found | Word,
        *,
        indicator: str,
        strength: Strength,
        detail: str,
        detector: str,
        shadow: bool = False,
    ) -> Signal:
        """Make a signal that quotes the original words at the found place."""
        first, last = self.back.span(found.start, found.end)
        return Signal(
            indicator=indicator, record=self.record.id, quote=self.record.text[first:last], start=first, end=last,
            strength=strength, detail=detail, detector=detector, shadow=shadow,
        )  # fmt: skip


def strength_of(entry: Entry) -> Strength:
    """Return the strength a phrase may have: unverified words explain and never count (rule 8)."""
    return entry.indicator.strength if entry.counts or entry.indicator.ai_use or entry.indicator.shadow else "context"


_MADE: list[tuple[Vocabulary, Matcher]] = []
_READ: list[tuple[Thread | None, Vocabulary | None, tuple[Reading, ...]]] = [(None, None, ())]
# Replaced as a whole: detectors run one after another over the same thread, and few vocabularies are in use.
_KEPT = 4


def matcher(vocabulary: Vocabulary) -> Matcher:
    """Return the vocabulary's automaton, built once for all that say the same: it takes a second."""
    for known, made in _MADE:
        if known is vocabulary:
            return made
    same = (made for known, made in _MADE if known.version == vocabulary.version)
    found = next(same, None) or Matcher(vocabulary)
    _MADE[:] = [(vocabulary, found), *_MADE][:_KEPT]
    return found


def readings(thread: Thread, vocabulary: Vocabulary) -> tuple[Reading, ...]:
    """Return the readings of the thread's records; the last thread is remembered for the next detector."""
    last, known, found = _READ[0]
    if last is thread and known is vocabulary:
        return found
    found = tuple(_readings(thread, matcher(vocabulary), thread.facts.get("quiet", frozenset())))
    _READ[0] = (thread, vocabulary, found)
    return found


_SPOKEN: tuple[ThreadKind, ...] = ("advert", "conversation", "session", "account")
"""Kinds of thread that are read for words; scripts and networks are judged by what ties their records."""


def anything_said(thread: Thread, vocabulary: Vocabulary) -> bool:
    """Whether a word of the vocabulary stands in the thread."""
    if thread.kind not in _SPOKEN:
        return True
    return any(reading.phrases or reading.words for reading in readings(thread, vocabulary))


def _readings(thread: Thread, words: Matcher, quiet: frozenset[str]) -> Iterator[Reading]:
    """Read each record, but for those in `quiet`: they were read before, and nothing was found (`signals.quiet`)."""
    for record in thread.held:
        if record.kind != "system" and record.text and record.id not in quiet:
            folded = fold(record.text)
            yield Reading(record, folded, *words.find(folded))
