"""From links between near-copies to scripts: groups whose members share a core.

Single links chain: one text is like a second, that one like a third, and a hundred polite sentences of a service desk
are one group that nobody wrote as a script. So groups are made at a low resemblance first, and each must show a core:
words that many of its members have, and that make up a good part of most members. A group without a core is cut at
the next higher resemblance, and again, until what is left has one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from threelines.link.copies import (
    MIN_SHINGLES,
    NOTHING,
    Pairs,
    Rows,
    Sketches,
    Values,
    candidates,
    frequencies,
    resemblances,
)

LEVELS = (0.19, 0.24, 0.30, 0.37, 0.45, 0.55)
"""Resemblances at which groups are cut, one after the other; two paraphrases of one text reach about 0.28."""
CORE = 0.4
"""Part of a group in which a word stands to belong to its core."""
COVERED = 0.3
"""Part of a text that the core makes up in at least half of the members."""


def components(count: int, first: Rows, second: Rows) -> Rows:
    """Name each of `count` rows by the smallest row that a chain of links leads to."""
    name = np.arange(count)
    while True:
        low = np.minimum(name[first], name[second])
        before = name.copy()
        np.minimum.at(name, name[first], low)
        np.minimum.at(name, name[second], low)
        while not np.array_equal(name, name[name]):
            name = name[name]
        if np.array_equal(name, before):
            return name


def linked(sketched: Sketches, times: NDArray[np.float64] | None = None, *, texts: int | None = None) -> Rows:
    """Name each text by the first text of its script; a text that stands alone names itself.

    `times` are seconds, not a number where unknown. With them the scripts are the same in whatever order texts stand;
    without them texts are given in order of time. `texts` is how many rows have a text at all (all, if not said): a word
    is as rare as among so many.
    """
    long = (sketched.sizes >= MIN_SHINGLES)[:, None]
    sketched = Sketches(
        np.where(long, sketched.shingles, NOTHING), np.where(long, sketched.words, NOTHING), sketched.sizes
    )  # fmt: skip
    often, words = frequencies(sketched.shingles), frequencies(sketched.words)
    pairs = candidates(sketched, often, None if times is None else np.nan_to_num(times))
    return grouped(sketched, pairs, resemblances(sketched, (often, words), pairs, texts=texts))


def grouped(sketched: Sketches, pairs: Pairs, alike: NDArray[np.float64]) -> Rows:
    """Cut groups at rising resemblance until each has a core."""
    count = len(sketched.sizes)
    names = np.arange(count)
    open_rows = np.ones(count, dtype=bool)
    for level in LEVELS:
        kept = (alike >= level) & open_rows[pairs.first] & open_rows[pairs.second]
        found = components(count, pairs.first[kept], pairs.second[kept])
        loose = ~cored(sketched, found)
        names[open_rows] = found[open_rows]
        open_rows &= loose
        if not open_rows.any():
            return names
    names[open_rows] = np.flatnonzero(open_rows)
    return names


def cored(sketched: Sketches, names: Rows) -> NDArray[np.bool_]:
    """Tell of each row whether its group has a core; a row alone has none to lack."""
    sizes = np.bincount(names, minlength=len(names))
    worded = sketched.words[:, 0] != NOTHING
    part = np.where(worded, _covered(sketched.words, names, sizes), _covered(sketched.shingles, names, sizes))
    good = np.bincount(names, weights=part >= COVERED, minlength=len(names))
    fine: NDArray[np.bool_] = (good * 2 >= sizes)[names]
    return fine | (sizes[names] < 3)


def _covered(table: Values, names: Rows, sizes: Rows) -> NDArray[np.float64]:
    """Return which part of each row's values many members of its group have."""
    rows, columns = np.nonzero((table != NOTHING) & (sizes[names] > 2)[:, None])
    keyed = (names[rows].astype(np.uint64) << np.uint64(32)) | table[rows, columns]
    order = np.argsort(keyed, kind="stable")
    edges = np.flatnonzero(np.concatenate(([True], keyed[order][1:] != keyed[order][:-1], [True])))
    runs = np.diff(edges)
    often = np.empty(len(keyed), dtype=np.int64)
    often[order] = np.repeat(runs, runs)
    core = often >= np.maximum(CORE * sizes[names[rows]], 2)
    held = np.bincount(rows, minlength=len(names))
    return np.bincount(rows, weights=core, minlength=len(names)) / np.maximum(held, 1)
