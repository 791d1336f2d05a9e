"""Fold text for comparison, and keep the way back to the original span.

Folding undoes what people do to letters to slip past a filter, and what scripts do by
themselves: case, accents, full-width forms, other digits, look-alike letters, invisible marks,
leet and spaced letters. Text *and* vocabulary pass through the same fold, so Russian still
matches Russian although `а` and `a` become one letter.

Sources: Unicode NFKD (UAX 15), Unicode confusables (UTS 39, through `confusable-homoglyphs`).
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import NamedTuple

from threelines.text._confusables import latin_skeleton

_STRIPPED_MARKS = (
    (0x0300, 0x036F), (0x0483, 0x0489), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F),
    (0x0670, 0x0670), (0x06D6, 0x06ED), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F), (0xFE20, 0xFE2F), (0xE0100, 0xE01EF),
)  # fmt: skip
# Marks of Indic, Thai, Khmer, Burmese are vowels, not decoration: they stay.

_LEET = str.maketrans("013457@$€", "oieastase")
_LEET_WORD = re.compile(r"(?<![a-z0-9])(?=[a-z@$€]*[0-9@$€])[a-z]+[013457@$€]+[a-z]+[a-z013457@$€]*(?![a-z0-9])")
_SPACED_WORD = re.compile(r"(?<!\w)(?:\w[ .\-_*·•]{1,2}){3,}\w(?!\w)")
_SPACED_HINT = re.compile(r"(?<!\w)[^\W\d_][ .\-_*·•]{1,2}[^\W\d_][ .\-_*·•]{1,2}[^\W\d_][ .\-_*·•]")


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
        while stop < len(self.original) and not fold_letter(self.original[stop]):
            stop += 1
        return first, stop


@lru_cache(maxsize=200_000)
def fold_letter(letter: str) -> str:
    """Return what one character becomes: nothing, one character or a few."""
    if letter.isascii():
        return letter.lower() if letter >= " " or letter in "\n\t" else (" " if letter == "\r" else "")
    category = unicodedata.category(letter)
    if category in ("Cf", "Cc", "Cn", "Cs") or letter in "\u115f\u1160\u3164\uffa0\u034f":
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.digit(letter))
    parts = unicodedata.normalize("NFKD", letter.casefold())
    kept = "".join(part for part in parts if not _is_stripped_mark(part))
    composed = unicodedata.normalize("NFC", kept)
    return "".join(latin_skeleton(part) for part in composed).casefold()


def _is_stripped_mark(letter: str) -> bool:
    code = ord(letter)
    return code >= 0x0300 and any(low <= code <= high for low, high in _STRIPPED_MARKS)


class _FoldTable(dict[int, str]):
    """Code point → folded text, filled as letters are met (str.translate calls it in C)."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = fold_letter(chr(code))
        return folded


_TABLE = _FoldTable()


def fold(text: str) -> str:
    """Return the folded text only: the fast path. `fold_back(text).text` is the same string."""
    folded = text.lower() if text.isascii() and text.isprintable() else text.translate(_TABLE)
    if _LEET_WORD.search(folded):
        folded = _LEET_WORD.sub(lambda match: match[0].translate(_LEET), folded)
    if _SPACED_HINT.search(folded):
        folded = _SPACED_WORD.sub(lambda match: _joined(match[0]), folded)
    return folded


def _joined(spaced: str) -> str:
    return "".join(letter for letter in spaced if letter.isalnum())


def fold_back(text: str) -> Folded:
    """Fold and remember, for each folded character, where it came from."""
    letters: list[str] = []
    origins: list[int] = []
    for index, letter in enumerate(text):
        for part in fold_letter(letter):
            letters.append(part)
            origins.append(index)
    folded = "".join(letters)
    folded = _LEET_WORD.sub(lambda match: match[0].translate(_LEET), folded)
    if _SPACED_HINT.search(folded):
        folded, origins = _join_spaced(folded, origins)
    return Folded(folded, tuple(origins), text)


def _join_spaced(folded: str, origins: list[int]) -> tuple[str, list[int]]:
    pieces: list[str] = []
    kept: list[int] = []
    at = 0
    for match in _SPACED_WORD.finditer(folded):
        pieces.append(folded[at : match.start()])
        kept.extend(origins[at : match.start()])
        for offset, letter in enumerate(match[0], start=match.start()):
            if letter.isalnum():
                pieces.append(letter)
                kept.append(origins[offset])
        at = match.end()
    pieces.append(folded[at:])
    kept.extend(origins[at:])
    return "".join(pieces), kept


def line_of(starts: list[int], offset: int) -> int:
    """Return which of the sorted `starts` the offset lies in."""
    return bisect_right(starts, offset) - 1
