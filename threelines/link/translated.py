"""Scripts that say the same in different languages, by a multilingual encoder.

A fixed closeness does not do: such encoders put translations into some languages further apart than unlike texts in
others. So two scripts are one if each is the other's nearest in its language, and clearly nearer than the next script
and than everyday sentences are. (Margins between nearest neighbours: Artetxe and Schwenk 2019, mining of translations.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.link.copies import Rows
from threelines.link.groups import components

NEAR = 0.5
"""Cosine of centred vectors from which two scripts may say the same."""
AHEAD = 0.1
"""How much nearer than the next script, and than any everyday sentence. Both set on articles of the declaration of human
rights and on requests in eleven languages, together 34 languages (`bench/translated.py`): no wrong pair there."""


class Placed(NamedTuple):
    """Texts placed by meaning: one row for each."""

    languages: tuple[str, ...]
    """ISO 639-3, `und` where it is not known: such a text is compared with none."""
    vectors: NDArray[np.float32]
    """Centred unit vectors."""
    usual: NDArray[np.float32]
    """Closeness to the closest everyday sentence, in whatever language."""


Place = Callable[[Sequence[str]], Placed]


def translations(placed: Placed) -> Rows:
    """Name each text by the first of those that say the same in another language."""
    rows: dict[str, list[int]] = {}
    for row, language in enumerate(placed.languages):
        if language != "und":
            rows.setdefault(language, []).append(row)
    found = [_pairs(placed, np.asarray(rows[one]), np.asarray(rows[two])) for one, two in combinations(sorted(rows), 2)]
    first, second = (
        np.concatenate([np.empty(0, np.int64), *column]) for column in ([p[0] for p in found], [p[1] for p in found])
    )
    return components(len(placed.languages), first, second)


def _pairs(placed: Placed, first: Rows, second: Rows) -> tuple[Rows, Rows]:
    """Return the rows of two languages that are each other's nearest by the margin."""
    close = placed.vectors[first] @ placed.vectors[second].T
    there, back = close.argmax(axis=1), close.argmax(axis=0)
    own = np.arange(len(first))
    best = close[own, there]
    next_best = np.maximum(_second(close)[own], _second(close.T)[there])
    rival = np.maximum(next_best, np.maximum(placed.usual[first], placed.usual[second[there]]))
    kept = (back[there] == own) & (best >= NEAR) & (best - rival >= AHEAD)
    return first[kept], second[there[kept]]


def _second(close: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the second highest of each row; -1 where there is one only."""
    if close.shape[1] < 2:
        return np.full(len(close), -1.0, dtype=np.float32)
    found: NDArray[np.float32] = np.partition(close, -2, axis=1)[:, -2]
    return found
