"""What a language that was never learned looks like: the letter model with whole families of languages left out.

`train_language.py` fits on it when a text is better called `und`; `bench/languages.py` measures how often one is.
Only languages that CLD2 cannot name either are left out: nobody has made it forget the others.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pycld2
from numpy.typing import NDArray

from threelines.text import language as reader
from threelines.text.language_model import ORDERS, SMOOTHING

FOLDS = 6
_KIN = 0.5
"""Cosine of what two languages know of three letters, from which on they are one family: Bantu, Quechua, Romance."""
_ORDER = 3
_ROWS = 4_000

Stored = Mapping[str, NDArray[Any]]


def without(stored: Stored, gone: Collection[str]) -> dict[str, Any]:
    """Return the arrays of a model that has not seen the languages `gone`, ISO 639-3."""
    keep = ~np.isin(stored["labels"], sorted(gone))
    lengths = stored["lengths"].astype(np.int64)
    entries = keep[stored["language"]]
    left = np.bincount(np.repeat(np.arange(len(lengths)), lengths)[entries], minlength=len(lengths))
    base, ends = stored["base"][:, keep].astype(np.float64), np.cumsum(_rows(stored))
    for order, (end, rows) in enumerate(zip(ends, _rows(stored), strict=True)):
        lost = np.count_nonzero((lengths > 0)[end - rows : end] & (left == 0)[end - rows : end])
        # `base` is the log of SMOOTHING over (all that was counted + SMOOTHING for each n-gram that anybody knows)
        base[order] = np.log(SMOOTHING / (SMOOTHING / np.exp(base[order]) - SMOOTHING * lost))
    return dict(stored) | {
        "labels": stored["labels"][keep], "codes": stored["codes"][keep], "base": base.astype(np.float32), "lengths": left,
        "language": (np.cumsum(keep) - 1)[stored["language"][entries]].astype(np.uint16), "value": stored["value"][entries],
    }  # fmt: skip


def families(stored: Stored) -> list[list[str]]:
    """Return the languages by family: all that are linked by alike n-grams of three letters; the largest first."""
    near = _nearness(stored) > _KIN
    first = np.arange(len(near))
    while True:
        linked = np.where(near, first, len(near)).min(axis=1)
        if np.array_equal(linked, first):
            break
        first = linked
    labels = list(map(str, stored["labels"]))
    groups = [[labels[index] for index in np.flatnonzero(first == name)] for name in np.unique(first)]
    return sorted(groups, key=lambda group: (-len(group), group))


def folds(stored: Stored) -> list[frozenset[str]]:
    """Part the languages that CLD2 cannot name into `FOLDS` sets of about one size; a family stays together."""
    named = heard(tuple(map(str, stored["labels"])), tuple(map(str, stored["codes"])))
    parts: list[list[str]] = [[] for _ in range(FOLDS)]
    for family in families(stored):
        min(parts, key=len).extend(label for label in family if label not in named)
    return [frozenset(part) for part in parts]


def heard(labels: Sequence[str], codes: Sequence[str]) -> frozenset[str]:
    """Return which languages, ISO 639-3, CLD2 can name."""
    names = dict(pycld2.LANGUAGES)
    asked = {names[name] for name in pycld2.DETECTED_LANGUAGES if name in names}
    places = reader.places(tuple(labels), tuple(codes))
    return frozenset(labels[place] for code, place in places.items() if code in asked)


def alike(label: str, other: str) -> bool:
    """Whether two languages are one, or are written alike (`language.ALIKE`)."""
    return label == other or any(label in group and other in group for group in reader.ALIKE)


def _rows(stored: Stored) -> list[int]:
    return [len(stored[f"letters{order}"]) for order in range(1, ORDERS + 1)]


def _nearness(stored: Stored) -> NDArray[np.float64]:
    """Return the cosine between languages of their values for n-grams of `_ORDER` letters."""
    begin = sum(_rows(stored)[: _ORDER - 1])
    end = begin + _rows(stored)[_ORDER - 1]
    lengths = stored["lengths"].astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    languages = len(stored["labels"])
    product = np.zeros((languages, languages))
    for start in range(begin, end, _ROWS):
        stop = min(end, start + _ROWS)
        values = np.zeros((stop - start, languages), dtype=np.float32)
        row = np.repeat(np.arange(stop - start), lengths[start:stop])
        span = slice(starts[start], starts[stop])
        values[row, stored["language"][span]] = stored["value"][span]
        # whole numbers below 2^24 add up exactly in 32 bits, so that every machine parts the languages alike
        product += values.T @ values
    size = np.sqrt(np.diag(product))
    nearness: NDArray[np.float64] = (product / np.outer(size, size)).round(6)
    return nearness
