"""Fold text for comparison, and keep the way back to the original span.

Folding undoes what people do to letters to slip past a filter, and what scripts do by
themselves: case, accents, full-width forms, other digits, look-alike letters, invisible marks,
leet and spaced letters. Text *and* vocabulary pass through the same fold, so Russian still
matches Russian although `а` and `a` become one letter.

Sources: Unicode NFKD (UAX 15), Unicode confusables (UTS 39, through `confusable-homoglyphs`), Unicode names. Letters
that stand for a Latin one in any script are undone in words that also hold Latin letters: there they are a disguise.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from string import ascii_lowercase
from typing import NamedTuple

from threelines.text._confusables import drawn, latin_skeleton, look_alikes

_STRIPPED_MARKS = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F),
    (0x0670, 0x0670), (0x06D6, 0x06ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xE0100, 0xE01EF),
)  # fmt: skip
# Marks of Indic, Thai, Khmer, Burmese are vowels, not decoration: they stay.

_LEET = str.maketrans("013457@$€", "oieastase")
_LEET_WORD = re.compile(r"(?<![a-z0-9])(?=[a-z@$€]*[0-9@$€])[a-z]+[013457@$€]+[a-z]+[a-z013457@$€]*(?![a-z0-9])")
_LEET_HINT = re.compile("[013457@$€][a-z]")
_KINDS = bytes(
    ord(
        "a"
        if chr(code) in ascii_lowercase
        else "0"
        if chr(code) in "013457@$"
        else " "
        if chr(code) in " .-_*|/~^+="
        else "#"
    )
    for code in range(256)
)
"""What a folded ASCII sign is: a letter, what passes for one, what may stand between letters, or neither."""
_PICTURES = r"\u2190-\u27bf\u2b00-\u2bff\u3030\u303d\U0001f000-\U0001f0ff\U0001f200-\U0001faff"
_SIGNS = rf"|/~^+={_PICTURES}"
_SPACED_WORD = re.compile(rf"(?<!\w)(?:[^\W_][ .\-_*·•{_SIGNS}]{{1,3}}){{3,}}[^\W_](?!\w)")
_SPACED_HINT = re.compile(rf"(?<!\w)[^\W\d_](?:[ .\-_*·•{_SIGNS}]{{1,3}}[^\W\d_]){{2}}[ .\-_*·•{_SIGNS}]")
# What is looked for first begins with one of few letters: most texts are passed over at one look at each letter.
_RARE = re.compile(rf"[ .\-_*·•{_SIGNS}][^\W\d_][ .\-_*·•{_SIGNS}]{{1,3}}[^\W\d_][ .\-_*·•{_SIGNS}]")
_RARE_ASCII = re.compile(r"[ .\-_*|/~^+=][a-z][ .\-_*|/~^+=]{1,3}[a-z][ .\-_*|/~^+=]")
_RARE_SIGN = re.compile(rf"[{_PICTURES}]")
_SIGNED_WORD = re.compile(rf"(?<!\w)[^\W_]{{1,2}}(?:[{_PICTURES}]{{1,2}}[^\W_]{{1,2}}){{2,}}(?!\w)")
_SIGNED_HINT = re.compile(rf"[^\W_][{_PICTURES}]{{1,2}}[^\W_]{{1,2}}[{_PICTURES}]")
_PARTS = 16
"""Signs that are put together to one letter at most: some texts pile up marks by the thousand."""
_GAP = re.compile(r"([\W_]+)")
_BLANK = re.compile(r"\s")
_MIXED_WORD = re.compile(r"[^\W_]*[A-Za-z][^\W_]*")
_LATIN = re.compile("[A-Za-z]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


class Folded(NamedTuple):
    """Folded text with the way back."""

    text: str
    origins: tuple[int, ...]
    """`origins[i]` is the index in the original of the character that made `text[i]`."""
    original: str

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the smallest span of the original that covers `text[start:end]`.

        Invisible characters and stripped marks that follow the last letter belong to the span.
        """
        if start >= end:
            at = self.origins[start] if start < len(self.origins) else len(self.original)
            return at, at
        first, last = self.origins[start], self.origins[end - 1]
        stop = last + 1
        while stop < len(self.original) and (not fold_letter(self.original[stop]) or self._one_letter(last, stop)):
            stop += 1
        return first, stop

    def _one_letter(self, first: int, last: int) -> bool:
        """Whether what stands from `first` to `last` is one letter, written in parts."""
        return len(unicodedata.normalize("NFC", self.original[first : last + 1])) == 1


def ascii_digits(text: str) -> str:
    """Return the text with the digits of any script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(letter)) if letter.isdecimal() else letter for letter in text)


@lru_cache(maxsize=200_000)
def fold_letter(letter: str) -> str:
    """Return what one character becomes: nothing, one character or a few."""
    if letter.isascii():
        return letter.lower() if letter >= " " or letter in "\n\t" else (" " if letter == "\r" else "")
    category = unicodedata.category(letter)
    if category in ("Cf", "Cc", "Cn", "Cs") or letter in "\u115f\u1160\u3164\uffa0\u034f\u0640":
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.digit(letter))
    parts = unicodedata.normalize("NFKD", letter.casefold())
    kept = "".join(part for part in parts if not _is_stripped_mark(part))
    composed = unicodedata.normalize("NFC", kept)
    folded = "".join(latin_skeleton(part) for part in composed).casefold()
    if len(folded) == 3 and folded[0] == "(" and folded[2] == ")":
        return folded[1]
    if len(folded) == 1 and not folded.isascii():
        return drawn(folded) or drawn(letter) or folded
    return folded


def _is_stripped_mark(letter: str) -> bool:
    code = ord(letter)
    return code >= 0x0300 and any(low <= code <= high for low, high in _STRIPPED_MARKS)


class _FoldTable(dict[int, str]):
    """Code point → folded text, filled as letters are met (str.translate calls it in C)."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = fold_letter(chr(code))
        return folded


FOLDED = _FoldTable()
"""Each letter folded by itself."""


@lru_cache(maxsize=8)
def plain_form(text: str) -> str:
    """Return the text with each letter folded by itself; the last few are remembered, for what reads the same text."""
    return text.lower() if text.isascii() and text.isprintable() else text.translate(FOLDED)


def fold(text: str) -> str:
    """Return the folded text only: the fast path. `fold_back(text).text` is the same string."""
    folded = plain_form(_unmixed(text if _is_whole(text) else _composed(text)[0]))
    if folded.isascii():
        # One look at what each sign is, instead of two regular expressions: 1 us a text less.
        kinds = folded.encode("ascii").translate(_KINDS)
        leet, broken = b"0a" in kinds, _BROKEN_ASCII if b" a " in kinds else ()
    else:
        leet, broken = _LEET_HINT.search(folded) is not None, _BROKEN
    if leet:
        folded = _LEET_WORD.sub(lambda match: match[0].translate(_LEET), folded)
    for word, rare, hint in broken:
        if rare.search(folded) and hint.search(folded):
            folded = word.sub(_whole, folded)
    return folded


def _is_whole(text: str) -> bool:
    """Whether no letter is written in parts (a Korean syllable as its letters, a Tamil vowel as its halves)."""
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def _composed(text: str) -> tuple[str, Sequence[int]]:
    """Return the text with letters written in parts made whole, and where each of its letters ends or stood."""
    pieces: list[str] = []
    places: list[int] = []
    start = 0
    while start < len(text):
        stop, whole = start + 1, unicodedata.normalize("NFC", text[start])
        while stop < min(len(text), start + _PARTS):
            longer = unicodedata.normalize("NFC", text[start : stop + 1])
            if not unicodedata.combining(text[stop]) and len(longer) > len(whole):
                break
            stop, whole = stop + 1, longer
        pieces.append(whole)
        spare = max(0, stop - start - len(whole))
        places += [start, *(min(start + spare + at, stop - 1) for at in range(1, len(whole)))]
        start = stop
    return "".join(pieces), places


_Broken = tuple[tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...]
_BROKEN_ASCII: _Broken = ((_SPACED_WORD, _RARE_ASCII, _SPACED_HINT),)
_BROKEN: _Broken = ((_SPACED_WORD, _RARE, _SPACED_HINT), (_SIGNED_WORD, _RARE_SIGN, _SIGNED_HINT))


def _unmixed(text: str) -> str:
    """Put Latin letters for their look-alikes in words that hold both and nothing else; the length stays."""
    if text.isascii() or not _LATIN.search(text) or _disguises().isdisjoint(text):
        return text
    return _MIXED_WORD.sub(lambda match: _plain_word(match[0]), text)


@lru_cache(maxsize=1)
def _disguises() -> frozenset[str]:
    """Return the letters that pass for a Latin one and that folding alone leaves foreign."""
    return frozenset(letter for letter in look_alikes() if not fold_letter(letter).isascii())


def _plain_word(word: str) -> str:
    """Return the word in Latin letters if each of its letters is one or passes for one, else the word itself."""
    if word.isascii():
        return word
    foreign = [letter for letter in _NOT_ASCII.findall(word) if not fold_letter(letter).isascii()]
    alike = look_alikes()
    if not all(letter in alike for letter in foreign):
        return word
    return "".join(alike.get(letter, letter) if not letter.isascii() else letter for letter in word)


def _cut(broken: str) -> tuple[list[str], list[str], list[bool]]:
    """Return the letters of a broken word, what stands between them, and which of that lies between two words.

    Where most gaps hold no space, a gap with one lies between two words; where most are one space, a longer one does.
    """
    first, *rest = _GAP.split(broken)
    gaps, runs = rest[::2], [first, *rest[1::2]]
    if not _BLANK.search(broken):
        return runs, gaps, [False] * len(gaps)
    blank = [_BLANK.search(gap) is not None for gap in gaps]
    spaced = 2 * sum(blank) > sum(map(len, runs)) - 1
    usual = min(map(len, gaps), default=0)
    return runs, gaps, [space and (not spaced or len(gap) > usual) for gap, space in zip(gaps, blank, strict=True)]


def _whole(match: re.Match[str]) -> str:
    """Return a broken word without what stands between its letters."""
    runs, _, between = _cut(match[0])
    return "".join([run + " " if parts else run for run, parts in zip(runs, [*between, False], strict=True)])


def _joined(broken: str) -> tuple[str, list[int]]:
    """Return the same with where each letter stood."""
    runs, gaps, between = _cut(broken)
    pieces, kept, at = [runs[0]], list(range(len(runs[0]))), len(runs[0])
    for gap, parts, run in zip(gaps, between, runs[1:], strict=True):
        if parts and (found := _BLANK.search(gap)):
            pieces.append(" ")
            kept.append(at + found.start())
        at += len(gap)
        pieces.append(run)
        kept += range(at, at + len(run))
        at += len(run)
    return "".join(pieces), kept


def fold_back(text: str) -> Folded:
    """Fold and remember, for each folded character, where it came from."""
    letters: list[str] = []
    origins: list[int] = []
    whole, places = (text, range(len(text))) if _is_whole(text) else _composed(text)
    for index, letter in zip(places, _unmixed(whole), strict=True):
        for part in fold_letter(letter):
            letters.append(part)
            origins.append(index)
    folded = "".join(letters)
    folded = _LEET_WORD.sub(lambda match: match[0].translate(_LEET), folded)
    for word, rare, hint in _BROKEN_ASCII if folded.isascii() else _BROKEN:
        if rare.search(folded) and hint.search(folded):
            folded, origins = _rejoined(word, folded, origins)
    return Folded(folded, tuple(origins), text)


def _rejoined(word: re.Pattern[str], folded: str, origins: list[int]) -> tuple[str, list[int]]:
    pieces: list[str] = []
    kept: list[int] = []
    at = 0
    for match in word.finditer(folded):
        pieces.append(folded[at : match.start()])
        kept.extend(origins[at : match.start()])
        joined, places = _joined(match[0])
        pieces.append(joined)
        kept.extend(origins[match.start() + place] for place in places)
        at = match.end()
    pieces.append(folded[at:])
    kept.extend(origins[at:])
    return "".join(pieces), kept


def line_of(starts: list[int], offset: int) -> int:
    """Return which of the sorted `starts` the offset lies in."""
    return bisect_right(starts, offset) - 1
