"""The letter model of `language.py`: naive Bayes over n-grams of one to four letters, for a whole batch at once.

A text's score in a language is the sum over its n-grams, read across words, of how often the language has them. An
n-gram that many languages know is kept as a whole row of all languages, already added to those of its tails (the
n-gram without its first letters), so that a letter of the text costs one addition of arrays; n-grams that few
languages know are scattered. Which languages know an n-gram, and how often, is `languages.npz`; `train_language.py`
makes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text.grams import Hashes, Letters, Numbers

ORDERS = 4
STEP = 0.1
"""Natural logarithm that one unit of a stored value stands for."""

SMOOTHING = 0.01
"""How often every n-gram is taken to have been seen more than it was."""

_WIDE = 16
"""Languages that know an n-gram, from which on it is kept as a whole row."""
_LETTERS_AT_ONCE = 64
"""So many rows, of four values below 128 each, fit in 16 bits."""
_SLOTS = 21
_PRIME = 0x9E3779B97F4A7C15
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_END = 0

Scores = NDArray[np.float32]


class Model(NamedTuple):
    """The arrays of `languages.npz`, with tables for look-up."""

    labels: tuple[str, ...]
    """ISO 639-3."""
    codes: tuple[str, ...]
    """BCP 47, the short code where there is one."""
    table: NDArray[np.int32]
    """Hash → row, or -1; open addressing."""
    check: NDArray[np.uint32]
    wide: NDArray[np.int16]
    """Whole rows, added to those of their tails; row 0 is empty. Shape (wide rows, languages)."""
    wide_at: NDArray[np.int32]
    """Row → whole row, or 0."""
    starts: Numbers
    """Where the entries of a row begin in `language` and `value`."""
    language: NDArray[np.uint16]
    value: NDArray[np.uint8]
    base: Scores
    """Log-probability of an n-gram the language was not seen with, shape (orders, languages)."""
    temperature: float
    referee: NDArray[np.float64]
    """Who is believed where CLD2 names another language: weights of `language.evidence`."""
    trust: NDArray[np.float64]
    """Log-odds that the answer is right: weights of `language.evidence`, shape (2, `language.ROUTES`, evidence); the
    second are of a brief text."""
    limit: float
    """Probability that the answer is right below which it is `und`."""


class Grams(NamedTuple):
    """N-grams of one order in a batch."""

    at: Numbers
    """Where each ends."""
    hashes: Hashes


class Scored(NamedTuple):
    """What the model says of a batch."""

    total: Scores
    """Log-score of each language, shape (texts, languages)."""
    judged: Numbers
    """How many n-grams of each text are known."""
    signs: Numbers
    """How many of its letters and signs, the spaces left out."""


def single(batch: Letters) -> Grams:
    """Return every letter, and the spaces before, between and after words."""
    at = np.flatnonzero(batch.codes != _END)
    return Grams(at, batch.codes[at].astype(np.uint64) + np.uint64(1))


def longer(batch: Letters, grams: Grams, order: int) -> Grams:
    """Return n-grams of `order`, each one letter longer to the left and within its text."""
    first = batch.codes[grams.at - (order - 1)]  # before the first text stands the end of the last one
    inside = np.flatnonzero(first != _END)
    more = (first[inside].astype(np.uint64) + np.uint64(1)) * _power(order - 1)
    return Grams(grams.at[inside], grams.hashes[inside] + more)


def _power(letters: int) -> np.uint64:
    """Return the multiplier of a letter that stands so many before the last."""
    return np.uint64(pow(_PRIME, letters, 1 << 64))


def scores(batch: Letters, known: Model) -> Scored:
    """Add up what each n-gram of each text says of each language."""
    whole = np.zeros(len(batch.codes), dtype=np.int32)
    narrow: list[tuple[NDArray[np.int32], Numbers]] = []
    held = np.zeros((batch.texts, ORDERS), dtype=np.float32)
    grams = single(batch)
    for order in range(1, ORDERS + 1):
        if order > 1:
            grams = longer(batch, grams, order)
        row = _rows(known.table, known.check, grams.hashes)
        # a longer n-gram is known only where its tail is
        seen = np.flatnonzero(row >= 0)
        at, row = grams.at[seen], row[seen]
        grams = Grams(at, grams.hashes[seen])
        owner = batch.owner[at]
        counted = owner if order > 1 else owner[batch.codes[at] != ord(" ")]
        held[:, order - 1] = np.bincount(counted, minlength=batch.texts)
        place = known.wide_at[row]
        whole[at] = np.maximum(whole[at], place)  # the longer an n-gram, the later its whole row
        few = np.flatnonzero(place == 0)
        narrow.append((row[few], owner[few]))
    total = _whole(batch, known, whole) + _narrow(known, narrow, batch.texts)
    total *= np.float32(STEP)
    total += held @ known.base
    return Scored(total, held.sum(axis=1).astype(np.int64), held[:, 0].astype(np.int64))


def _whole(batch: Letters, known: Model, whole: NDArray[np.int32]) -> Scores:
    """Add up the whole rows of each text, letter by letter for all texts that are long enough."""
    at = np.flatnonzero(whole)
    owner = batch.owner[at]
    count = np.bincount(owner, minlength=batch.texts)
    order = np.argsort(-count, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    nth = np.arange(len(at)) - (np.cumsum(count) - count)[owner]
    laid_out = np.zeros((int(count.max(initial=0)), batch.texts), dtype=np.int32)
    laid_out[nth, rank[owner]] = whole[at]
    reached = np.searchsorted(-count[order], -np.arange(len(laid_out)), side="left")
    total = np.zeros((batch.texts, len(known.labels)), dtype=np.float32)
    for start in range(0, len(laid_out), _LETTERS_AT_ONCE):
        part = np.zeros((int(reached[start]), len(known.labels)), dtype=np.int16)
        for rows, texts in zip(laid_out[start:], reached[start : start + _LETTERS_AT_ONCE].tolist(), strict=False):
            part[:texts] += known.wide[rows[:texts]]
        total[: len(part)] += part
    return total[rank]


def _narrow(known: Model, found: list[tuple[NDArray[np.int32], Numbers]], texts: int) -> Scores:
    """Scatter the n-grams that few languages know."""
    row = np.concatenate([part[0] for part in found])
    owner = np.concatenate([part[1] for part in found])
    start = known.starts[row]
    length = known.starts[row + 1] - start
    ends = np.cumsum(length)
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(start - (ends - length), length)
    languages = len(known.labels)
    place = np.repeat(owner * languages, length) + known.language[at]
    added = np.bincount(place, known.value[at], minlength=texts * languages)
    return added.reshape(texts, languages).astype(np.float32)


@lru_cache(maxsize=1)
def model() -> Model:
    """Read the packaged model, once."""
    return unpacked(stored_arrays())


def stored_arrays() -> dict[str, NDArray[Any]]:
    """Return the arrays of `languages.npz`, as `train_language.py` made them."""
    with np.load(str(files("threelines") / "text" / "languages.npz"), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def unpacked(stored: Mapping[str, NDArray[Any]]) -> Model:
    """Make tables of a model's arrays (`train_language.py` says how they are stored)."""
    hashes, tails = _grown(stored)
    lengths = stored["lengths"].astype(np.int64)
    # the space alone tells nothing and is the tail of much; other n-grams that no language knows are of one left out
    table, check = _placed(np.concatenate(hashes), (lengths > 0) | (np.concatenate(hashes) == ord(" ") + 1))
    labels = tuple(map(str, stored["labels"]))
    bare = Model(
        labels, tuple(map(str, stored["codes"])), table, check,
        np.zeros((1, len(labels)), dtype=np.int16), np.zeros(len(lengths), dtype=np.int32),
        np.concatenate([[0], np.cumsum(lengths)]), stored["language"], stored["value"],
        stored["base"].astype(np.float32), float(stored["temperature"]), stored["referee"], stored["trust"], float(stored["limit"]),
    )  # fmt: skip
    return _widened(bare, tails)


def _grown(stored: Mapping[str, NDArray[Any]]) -> tuple[list[Hashes], list[Hashes]]:
    """Return for each order the hash of each row and of its tail, from its parent (all but the last letter) and letter."""
    hashes: list[Hashes] = []
    tails: list[Hashes] = []
    for order in range(1, ORDERS + 1):
        last = stored[f"letters{order}"].astype(np.uint64) + np.uint64(1)
        if order == 1:
            hashes.append(last)
            tails.append(np.zeros_like(last))
            continue
        parent = np.cumsum(stored[f"parents{order}"].astype(np.int64))
        hashes.append(hashes[-1][parent] * _power(1) + last)
        tails.append(tails[-1][parent] * _power(1) + last)
    return hashes, tails


def _slots(hashes: Hashes) -> tuple[Numbers, NDArray[np.uint32]]:
    spread = hashes * _MIX
    spread ^= spread >> np.uint64(32)
    return (spread >> np.uint64(64 - _SLOTS)).astype(np.int64), spread.astype(np.uint32)


def _placed(hashes: Hashes, known: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return the look-up table of the known rows by hash, by linear probing."""
    table = np.full(1 << _SLOTS, -1, dtype=np.int32)
    slot, check = _slots(hashes)
    rows = np.flatnonzero(known).astype(np.int32)
    slot = slot[rows]
    while len(rows):
        free = table[slot] < 0
        table[slot[free]] = rows[free]
        lost = table[slot] != rows
        rows, slot = rows[lost], (slot[lost] + 1) & ((1 << _SLOTS) - 1)
    return table, check


def _rows(table: NDArray[np.int32], check: NDArray[np.uint32], hashes: Hashes) -> NDArray[np.int32]:
    """Return the row of each n-gram, or -1."""
    slot, wanted = _slots(hashes)
    found = table[slot]
    going = np.flatnonzero((found >= 0) & (check[found] != wanted))
    while len(going):
        slot[going] = (slot[going] + 1) & ((1 << _SLOTS) - 1)
        found[going] = table[slot[going]]
        row = found[going]
        going = going[(row >= 0) & (check[row] != wanted[going])]
    return found


def _widened(bare: Model, tails: list[Hashes]) -> Model:
    """Keep the n-grams that many languages know as whole rows, each added to the row of its tail."""
    wide, wide_at, first = [bare.wide], bare.wide_at.copy(), 0
    for order, tail in enumerate(tails, start=1):
        length = np.diff(bare.starts[first : first + len(tail) + 1])
        many = np.flatnonzero(length >= _WIDE)
        before = np.zeros(len(many), dtype=np.int32)
        if order > 1:
            before = wide_at[_rows(bare.table, bare.check, tail[many])]
        added = np.concatenate(wide)[before]
        spans = [np.arange(bare.starts[row], bare.starts[row + 1]) for row in (first + many).tolist()]
        at = np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)
        added[np.repeat(np.arange(len(many)), length[many]), bare.language[at]] += bare.value[at]
        wide_at[first + many] = sum(map(len, wide)) + np.arange(len(many))
        wide.append(added)
        first += len(tail)
    return bare._replace(wide=np.concatenate(wide), wide_at=wide_at)
