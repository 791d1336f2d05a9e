"""How much a request reads like requests made to deceive or control people: a small linear reader.

Phrases find the words they know; a person who asks in other words is found by this. It is a
logistic regression on hashed words, word pairs and letter groups of the folded text, fitted by
`train_requests.py` on requests written for this project and on public everyday dialogues. It reads
English; in another language it stays near its constant and says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text.fold import fold
from threelines.text.grams import character_grams, counted, letters, word_grams

BITS = 15
"""Columns: 32,768 hashed features."""

TELLING = 3
"""Requests of a session that are added up: the most telling ones."""
SILENT = -1.5
"""Log odds at and below which a request adds nothing."""
MOST = 5.0
"""One request never counts as more than these log odds."""
CONCERN = (0.25, 0.5, 0.75)
"""Concern at the sums that 5%, 2% and 0.2% of honest sessions reach."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_SHORTEST = 12
"""Characters of the shortest sentence that is quoted by itself."""


class Weights(NamedTuple):
    """What `train_requests.py` fitted."""

    rarity: NDArray[np.float32]
    """Inverse document frequency by column."""
    weight: NDArray[np.float32]
    constant: float
    marks: tuple[float, float, float]
    """Sums that 5%, 2% and 0.2% of honest sessions reach, on groups that were held out."""


class Features(NamedTuple):
    """Rows of unit length, sparse: text, column, value."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    damped: NDArray[np.float32]


def features(texts: Sequence[str]) -> Features:
    """Return damped counts of hashed words, word pairs and letter groups."""
    batch = letters([fold(text) for text in texts])
    grams = [*word_grams(batch, (1, 2), salt=1), *character_grams(batch, (3, 4, 5), salt=2)]
    row, column, count = counted(grams, BITS)
    return Features(row, column, (1.0 + np.log(count)).astype(np.float32))


def scaled(found: Features, rarity: NDArray[np.float32], texts: int) -> NDArray[np.float32]:
    """Return values weighted by rarity, each text at unit length."""
    values = found.damped * rarity[found.column]
    length = np.sqrt(np.bincount(found.row, values**2, minlength=texts))
    return np.asarray(values / np.maximum(length, 1e-9)[found.row], dtype=np.float32)


def scores(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return log odds, positive where a text reads like a request to deceive or control people."""
    if not texts:
        return np.zeros(0)
    made = weights()
    found = features(texts)
    values = scaled(found, made.rarity, len(texts))
    sums = np.bincount(found.row, values * made.weight[found.column], minlength=len(texts))
    return np.round(sums + made.constant, 4)


def evidence(score: float) -> float:
    """Return what one request adds to its session: 0 and up."""
    return round(max(0.0, min(score, MOST) - SILENT), 4)


def concern(total: float) -> float:
    """Place a session's sum between 0 and 1 by the share of honest sessions that reach it."""
    marks = weights().marks
    return round(float(np.interp(total, (0.0, *marks, TELLING * (MOST - SILENT)), (0.0, *CONCERN, 0.95))), 4)


def telling(text: str) -> tuple[int, int]:
    """Return the span of the sentence that speaks most for the score: what is quoted."""
    spans = [match.span() for match in _SENTENCE.finditer(text) if len(match[0].strip()) >= _SHORTEST]
    if len(spans) < 2:
        return 0, len(text)
    best = int(np.argmax(scores([text[start:end] for start, end in spans])))
    start, end = spans[best]
    return start + len(text[start:end]) - len(text[start:end].lstrip()), end


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the packaged weights."""
    with (files("threelines") / "ai_models" / "requests.npz").open("rb") as stream:
        kept = np.load(stream)
        low, middle, high = map(float, kept["marks"])
        return Weights(
            kept["rarity"].astype(np.float32),
            kept["weight"].astype(np.float32),
            float(kept["constant"]),
            (low, middle, high),
        )
