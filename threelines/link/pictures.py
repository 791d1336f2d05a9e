"""The same picture under several hashes: recompressed, brightened or made smaller, a copy has a PDQ hash of its own.

Hashes are compared by words: 256 bits are sixteen words of 16 bits, and of two hashes that differ in at most 31 bits
at least one word differs in at most one bit (Norouzi et al. 2012, multi-index hashing). So each hash is compared only
with those that share one of its words up to a bit: a few in a thousand, and none that is alike is missed.

A word that many hashes share, by chance or because somebody wants the scan to be slow, finds too many of them. The same
holds of *any* eleven words up to two bits, and of any eight up to three, for 31 bits are too few for more in each. So up to
five such words are left out with nothing missed, and up to eight on 20,000 pictures. Where more are shared than that, or a
picture is one of thousands that are nearly alike, a hash is compared with a bounded number of others only
(`_Near.beside`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from threelines.link.ties import Ints

PDQ_DISTANCE = 31
"""Bits (of 256) up to which two hashes are called the same picture (PDQ's own recommendation). The words below are
sound up to it and no further."""
_PREFIX = "pdq:"
_WORDS, _SIZE = 16, 1 << 16
_COMPARED = 2048
"""Hashes with which one is compared at least, if need be; where there are many, a 32nd of all."""
_WAYS = ((1, 16), (2, 11), (3, 8))
"""(bits, words): of any so many words, one differs in at most so many bits, for bits = 31 // words."""


def _changes(bits: int) -> Ints:
    """Return what makes, added without carry (xor), the words that differ from one in at most so many bits."""
    return np.flatnonzero(np.bitwise_count(np.arange(_SIZE, dtype=np.uint16)) <= bits)


_CHANGES = {bits: _changes(bits) for bits, _ in _WAYS}


def same_pictures(values: Sequence[str], uses: Ints) -> Ints:
    """Return for each hash the number of the hash that stands for its picture: the one used most.

    `values` are those of `Attachment.hash`, each once; `uses` counts the uses of each. PDQ hashes within
    `PDQ_DISTANCE` are one picture, and so are those that a chain of such hashes joins. Any other hash stands for
    itself. Usually about 0.1 ms for each picture of 100,000.
    """
    stands = np.arange(len(values), dtype=np.int64)
    rows = sorted((row for row, value in enumerate(values) if _bits(value)), key=values.__getitem__)
    if len(rows) < 2:
        return stands
    near = _Near(b"".join(_bits(values[row]) for row in rows))
    place = np.asarray(rows, dtype=np.int64)
    for first in sorted(range(len(rows)), key=lambda at: (-uses[rows[at]], values[rows[at]])):
        waiting = [first] if near.left[first] else []
        while waiting:
            found = near.take(waiting.pop())
            stands[place[found]] = rows[first]
            waiting += found.tolist()  # itself too: what was left unread beside it is read the next time
    return stands


class Shown:
    """The pictures that came so far, by their PDQ hashes: up to `limit`, then the oldest is forgotten (32 bytes each)."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit, self._count = limit, 0
        self._table = np.empty((1024, 4), dtype=np.uint64)

    def before(self, value: str) -> bool:
        """Whether a picture within `PDQ_DISTANCE` came before; one that did not is taken in. `value` is `pdq:…`."""
        bits = np.frombuffer(_bits(value), dtype=np.uint64)
        if not bits.size:
            return False
        held = self._table[: min(self._count, self._limit)]
        if (np.bitwise_count(held ^ bits).sum(axis=1, dtype=np.int64) <= PDQ_DISTANCE).any():
            return True
        if len(held) == len(self._table) < self._limit:
            self._table = np.resize(self._table, (min(2 * len(self._table), self._limit), 4))
        self._table[self._count % self._limit] = bits
        self._count += 1
        return False


def _bits(value: str) -> bytes:
    """Return the 32 bytes of a PDQ hash; none of any other, or of one that is written wrongly."""
    try:
        made = bytes.fromhex(value.removeprefix(_PREFIX)) if value.startswith(_PREFIX) else b""
    except ValueError:
        return b""
    return made if len(made) == 2 * _WORDS else b""


class _Near:
    """Finds hashes near one, each once: what was taken is not found again."""

    def __init__(self, bits: bytes) -> None:
        self._whole = np.frombuffer(bits, dtype=np.uint64).reshape(-1, 4)
        words = np.frombuffer(bits, dtype=np.uint16).reshape(-1, _WORDS).astype(np.int64)
        self._keys = words + np.arange(_WORDS) * _SIZE
        by_word = self._keys.ravel().argsort(kind="stable")
        self._rows = by_word // _WORDS
        self._held = np.bincount(self._keys.ravel(), minlength=_WORDS * _SIZE)
        self._ends = self._held.cumsum()
        self._starts = self._ends - self._held
        self._most = max(_COMPARED, len(words) // 32)
        self.left: NDArray[np.bool_] = np.ones(len(words), dtype=bool)

    def take(self, row: int) -> Ints:
        """Return what is left of the hashes near this one, itself included, and take them away."""
        rows = self.beside(row)
        rows = rows[self.left[rows]]
        apart = np.bitwise_count(self._whole[rows] ^ self._whole[row]).sum(axis=1, dtype=np.int64)
        found = np.unique(rows[apart <= PDQ_DISTANCE])
        self._drop(found)
        return found

    def beside(self, row: int) -> Ints:
        """Return the hashes with which this one is compared: all that can be near, or as many as are compared at most.

        Of the ways to find all the first is taken that compares few enough, by the words that fewest others have. If
        there is none, those are read that have one of its words up to a bit, from the word that fewest of them have.
        """
        for bits, words in _WAYS:
            wanted = self._keys[row][:, None] ^ _CHANGES[bits]
            held = self._held[wanted].sum(axis=1)
            rarest = held.argsort(kind="stable")[:words]
            if held[rarest].sum() <= self._most:
                return self._read(wanted[rarest].ravel())
        wanted = (self._keys[row][:, None] ^ _CHANGES[1]).ravel()
        return self._read(wanted[self._held[wanted].argsort(kind="stable")], self._most)

    def _read(self, wanted: Ints, most: int | None = None) -> Ints:
        """Return the rows that have the wanted words, in their order; a row that has several of them comes as often."""
        wanted = wanted[self._held[wanted] > 0]
        first = self._starts[wanted]
        sizes = self._ends[wanted] - first
        ends = sizes.cumsum()
        if most is not None:
            sizes = np.clip(sizes, 0, np.maximum(most - (ends - sizes), 0))
            ends = sizes.cumsum()
        places = np.repeat(first - ends + sizes, sizes) + np.arange(ends[-1] if ends.size else 0)
        return self._rows.take(places)

    def _drop(self, rows: Ints) -> None:
        """Take rows away; the list of a word is cut when much of it was taken, so that it is not read for nothing."""
        self.left[rows] = False
        keys, gone = np.unique(self._keys[rows], return_counts=True)
        self._held[keys] -= gone
        stored = self._ends[keys] - self._starts[keys]
        for key in keys[stored - self._held[keys] >= np.clip(stored // 2, 64, self._most // 2)].tolist():
            listed = self._rows[self._starts[key] : self._ends[key]]
            kept = listed[self.left[listed]]
            listed[: kept.size] = kept
            self._ends[key] = self._starts[key] + kept.size
