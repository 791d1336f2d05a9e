"""Hashed character and word n-grams of many texts at once, in numpy alone.

One array operation reads a whole batch, so that a platform's adapter and the identification of
languages keep up with a stream. An n-gram is named by a 64-bit hash that is the same on every
machine (no Python `hash`). The hash is polynomial: a window is extended by one letter with one
multiplication, and a word is the difference of two running sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_PRIME = 0x9E3779B97F4A7C15
_INVERSE = pow(_PRIME, -1, 1 << 64)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_MIX_MORE = np.uint64(0x94D049BB133111EB)
_GAP = "\x00"

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]


class Letters(NamedTuple):
    """A batch of texts as one run of code points."""

    codes: NDArray[np.uint32]
    """Code points; each text stands between spaces, a zero follows it."""
    owner: Numbers
    """Which text each code point belongs to."""
    texts: int


class Grams(NamedTuple):
    """Occurrences of n-grams: `hashes[i]` occurs in text `owner[i]`."""

    hashes: Hashes
    owner: Numbers


def letters(texts: Sequence[str]) -> Letters:
    """Lay texts side by side: ` text \\0 text \\0`."""
    clean = [text.replace(_GAP, " ") for text in texts]
    run = "".join(f" {text} {_GAP}" for text in clean)
    codes = np.frombuffer(run.encode("utf-32-le", "replace"), dtype=np.uint32)
    lengths = np.fromiter((len(text) + 3 for text in clean), dtype=np.int64, count=len(clean))
    return Letters(codes, np.repeat(np.arange(len(clean)), lengths), len(clean))


def _word_table() -> NDArray[np.bool_]:
    """Which code points are letters, marks or digits: the stuff of words."""
    import unicodedata

    return np.fromiter((unicodedata.category(chr(code))[0] in "LMN" for code in range(0x20000)), dtype=np.bool_)


_TABLES: dict[str, NDArray[np.bool_]] = {}


def in_word(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Mark the code points that words are made of (Unicode categories L, M, N; planes 0 and 1)."""
    if "word" not in _TABLES:
        _TABLES["word"] = _word_table()
    table = _TABLES["word"]
    marks: NDArray[np.bool_] = table[np.minimum(codes, len(table) - 1)]
    marks[codes >= len(table)] = True  # ideographs of the later planes
    return marks


def mixed(hashes: Hashes, salt: int) -> Hashes:
    """Spread hashes over all 64 bits, differently for each salt (splitmix64)."""
    spread = hashes + np.uint64(salt * _PRIME & 0xFFFFFFFFFFFFFFFF)
    spread ^= spread >> np.uint64(30)
    spread *= _MIX
    spread ^= spread >> np.uint64(27)
    spread *= _MIX_MORE
    spread ^= spread >> np.uint64(31)
    return spread


def character_grams(batch: Letters, orders: Sequence[int], *, across_words: bool = False, salt: int = 0) -> list[Grams]:
    """Return the character n-grams of each order, inside words padded by a space or across them."""
    codes = batch.codes.astype(np.uint64)
    barrier = np.cumsum(batch.codes == 0)
    spaces = np.cumsum(batch.codes == 32)
    running = np.zeros(len(codes), dtype=np.uint64)
    found = []
    for order in range(1, max(orders) + 1):
        count = len(codes) - order + 1
        if count <= 0:
            break
        running = running[:count] * np.uint64(_PRIME) + codes[order - 1 :] + np.uint64(1)
        if order not in orders:
            continue
        keep = barrier[order - 1 :] == barrier[:count]
        keep &= batch.codes[:count] != 0
        if not across_words and order > 2:
            keep &= spaces[order - 2 : count + order - 2] == spaces[:count]
        if order == 1:
            keep &= batch.codes != 32
        found.append(Grams(mixed(running[keep], salt * 64 + order), batch.owner[:count][keep]))
    return found


def word_grams(batch: Letters, orders: Sequence[int], *, salt: int = 0) -> list[Grams]:
    """Return word n-grams; a word is a run of letters, marks and digits."""
    names, owner = _words(batch)
    found = []
    running = np.zeros(len(names), dtype=np.uint64)
    for order in range(1, max(orders) + 1):
        count = len(names) - order + 1
        if count <= 0:
            break
        running = mixed(running[:count], 7) + names[order - 1 :]
        if order in orders:
            keep = owner[order - 1 :] == owner[:count]
            found.append(Grams(mixed(running[keep], salt * 64 + 32 + order), owner[:count][keep]))
    return found


def _words(batch: Letters) -> tuple[Hashes, Numbers]:
    inside = in_word(batch.codes)
    edges = np.flatnonzero(np.diff(inside.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    powers = np.full(len(batch.codes) + 1, _PRIME, dtype=np.uint64)
    powers[0] = 1
    np.cumprod(powers, out=powers)
    sums = np.zeros(len(batch.codes) + 1, dtype=np.uint64)
    np.cumsum((batch.codes.astype(np.uint64) + np.uint64(1)) * powers[:-1], out=sums[1:])
    back = np.full(len(batch.codes) + 1, _INVERSE, dtype=np.uint64)
    back[0] = 1
    np.cumprod(back, out=back)
    return mixed((sums[ends] - sums[starts]) * back[starts], 3), batch.owner[starts]


def counted(grams: Sequence[Grams], bits: int) -> tuple[Numbers, Numbers, Numbers]:
    """Fold hashes to `bits` bits and count: (text, column, occurrences), sorted by text and column."""
    if not grams:
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty
    keys = np.concatenate(
        [(part.owner << bits) | (part.hashes >> np.uint64(64 - bits)).astype(np.int64) for part in grams]
    )
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    occurrences = np.diff(first, append=len(keys))
    names = keys[first]
    return names >> bits, names & ((1 << bits) - 1), occurrences
