"""Reduce text to what its letters look like, for comparing copies: far coarser than `fold`, and fast.

Two copies of one script must come out alike whatever was done to their letters: look-alikes from any script, leet,
full-width, enclosed and mathematical letters, strike-through and accents, invisible marks, spaces, dots or emoji
between letters. So one alphabet is enough: only letters stay, each as the plain letter it is drawn like, digits as the
letters they pass for. Different words may become the same; that costs little when whole texts are compared, and no one
reads the result. Phrases are searched in `fold`'s text, not in this.

Sources: Unicode's confusables (UTS 39) and character names; the digits are those of leet spelling.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text._confusables import drawn, look_alikes
from threelines.text.fold import fold_letter

_PASSES_FOR = {**dict(zip("0123456789", "oizeasbtbg", strict=True)), "l": "i", "@": "a", "$": "s", "|": "i"}
# 1, l, i and | are one shape in Unicode's own table; 8 passes for b, 6 too, 9 for g, 2 for z.
_FLAG = re.compile("REGIONAL INDICATOR SYMBOL LETTER ([A-Z])")
_UNSEEN = np.uint32(0xFFFF_FFFF)


class Letters(NamedTuple):
    """Many texts as one row of letters."""

    codes: NDArray[np.uint32]
    """Code points of the letters that stay, text after text."""
    starts: NDArray[np.int64]
    """`codes[starts[i]:starts[i + 1]]` is text i; one longer than the number of texts."""
    opens: NDArray[np.bool_]
    """Which letters open a word: the first of a text, and each that follows white space."""


@lru_cache(maxsize=200_000)
def look(letter: str) -> str:
    """Return the one letter that this character is drawn like, or nothing if it is no letter."""
    if letter.isascii():
        return _PASSES_FOR.get(letter.lower(), letter.lower() if letter.isalpha() else "")
    own = _latin(letter)
    if own:
        return _PASSES_FOR.get(own, own)
    for part in fold_letter(letter):
        if part.isalnum() or unicodedata.category(part) in ("Mc", "Mn"):
            shape = _latin(part) or part
            return _PASSES_FOR.get(shape, shape)
    return ""


def _latin(letter: str) -> str:
    """Return the Latin letter or digit it resembles by Unicode's table, or else by its Unicode name."""
    if letter.isascii():
        return letter.lower() if letter.isalnum() else ""
    alike = look_alikes().get(letter, "")
    if alike:
        return alike
    flag = _FLAG.match(unicodedata.name(letter, ""))
    return flag[1].lower() if flag else drawn(letter)


_TABLE = np.full(0x11_0000, _UNSEEN, dtype=np.uint32)
_DROPPED, _SPACE = 0, 1


def _code(letter: str) -> int:
    shape = look(letter)
    if shape:
        return ord(shape)
    return _SPACE if letter.isspace() else _DROPPED


def letters(texts: Sequence[str]) -> Letters:
    """Reduce many texts at once; about 40 million characters a second on one core."""
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    raw = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = _TABLE.take(raw)
    if (unseen := codes == _UNSEEN).any():
        for code in np.unique(raw[unseen]).tolist():
            _TABLE[code] = _code(chr(code))
        codes = _TABLE.take(raw)
    stays = np.flatnonzero(codes > _SPACE)
    starts = np.searchsorted(stays, np.concatenate(([0], np.cumsum(lengths))))
    spaces = np.cumsum(codes == _SPACE, dtype=np.int32).take(stays)
    opens = np.ones(spaces.size, dtype=bool)
    opens[1:] = spaces[1:] != spaces[:-1]
    opens[starts[:-1][starts[:-1] < spaces.size]] = True
    return Letters(codes.take(stays), starts, opens)
