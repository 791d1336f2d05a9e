"""Name what to label next: threads that the adapter can read, is unsure of, and that differ from each other.

Uncertainty alone asks fifty times about one script, and first about what no label will teach: digits, another script, a letter. So
threads of which the adapter can read nothing, or too little, are left out, and the most uncertain of the others are gone through in order
of (uncertainty × distance to what was picked already and to what is labelled). It spares people copies and what cannot be
read; better figures than labelling at random it does not promise: `bench/adapters.py --suggest`, `docs/adapters.md`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.platforms.adapter import LEAST_READ, Adapter, damped
from threelines.platforms.labelled import near_copies
from threelines.platforms.views import BITS, columns, words_of
from threelines.records import Thread

_POOL = 20
"""How many times more threads are looked at than are asked for, unless most are copies."""
_ROOM = 512
_AT_ONCE = 500
_SHOWN = 160
_LEAST_WORDS = 8
"""Letters that a thread needs to be worth a label, in bytes of UTF-8: a Chinese sign, which says more than a Latin letter, has three."""


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A thread worth a label, and why."""

    thread: str
    kind: str
    uncertainty: float
    """Entropy of the class probabilities, 0 (sure) to 1 (no idea)."""
    labels: dict[str, float]
    text: str
    """The first words, so that a person can label without opening the export."""


def suggest(adapter: Adapter, threads: Sequence[Thread], count: int, labelled: Sequence[str] = ()) -> list[Suggestion]:
    """Return up to `count` threads in the order they should be labelled; `labelled` has the words of those that are.

    Fewer where fewer have words that the adapter can read, and are no near-copies of each other.
    """
    texts = [words_of(thread) for thread in threads]
    shares, read = adapter.read(texts)
    worth = _worth_a_label(texts, read)
    unsure = _entropy(shares)
    order = np.argsort(-unsure, kind="stable")
    pool = _pool(texts, order[worth[order]], count)
    if not len(pool):
        return []
    places = _places([*(texts[index] for index in pool), *labelled])
    mine, known = places[: len(pool)], places[len(pool) :]
    picked = _spread(mine, unsure[pool], _distance(mine, known), count)
    return [_suggestion(adapter, threads[index], float(unsure[index]), shares[index]) for index in pool[picked]]


def worth_a_label(adapter: Adapter, texts: Sequence[str]) -> NDArray[np.bool_]:
    """Tell of each text whether it has enough words that the adapter can read, shape (texts)."""
    return _worth_a_label(texts, adapter.read(texts)[1])


def _worth_a_label(texts: Sequence[str], read: NDArray[np.float64]) -> NDArray[np.bool_]:
    letters = ("".join(filter(str.isalpha, text)) for text in texts)
    enough = [len(word.encode("utf-8", "replace")) >= _LEAST_WORDS for word in letters]
    return np.asarray(enough, dtype=bool) & (read >= LEAST_READ)


def _pool(texts: Sequence[str], order: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return the first threads in order of which none is a copy of another: of more of them where most are copies."""
    looked_at = count * _POOL
    while True:
        pool = order[:looked_at]
        _, first = np.unique(near_copies([texts[index] for index in pool]), return_index=True)
        if len(first) >= count or looked_at >= len(order):
            return pool[np.sort(first)]
        looked_at *= 4


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.maximum(shares, 1e-12)
    entropy: NDArray[np.float64] = -(safe * np.log(safe)).sum(axis=1) / np.log(shares.shape[1])
    return entropy


def _places(texts: Sequence[str]) -> NDArray[np.float64]:
    """Give each text a unit vector, shape (texts, 512): its n-grams, the rare ones more, hashed into few dimensions."""
    found = columns(texts, ("inside",))["inside"]
    rare = np.log((1 + len(texts)) / (1 + np.bincount(found.columns, minlength=1 << BITS)))[found.columns]
    side = np.where(found.columns & 1, 1.0, -1.0)
    places = np.zeros((len(texts), _ROOM))
    np.add.at(places, (found.rows, (found.columns >> 1) % _ROOM), side * damped(found.counts) * rare)
    unit: NDArray[np.float64] = places / np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)
    return unit


def _distance(places: NDArray[np.float64], known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each place is from the nearest that is known, 0 to 1; 1 where none is."""
    far = np.ones(len(places))
    for part in _parts(known):
        far = np.minimum(far, 1 - np.clip(places @ part.T, 0, 1).max(axis=1))
    return far


def _parts(places: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    return [places[start : start + _AT_ONCE] for start in range(0, len(places), _AT_ONCE)]


def _spread(places: NDArray[np.float64], worth: NDArray[np.float64], far: NDArray[np.float64], count: int) -> list[int]:
    picked: list[int] = []
    for _ in range(min(count, len(places))):
        now = worth * far
        now[picked] = -1
        best = int(now.argmax())
        picked.append(best)
        far = np.minimum(far, 1 - np.clip(places @ places[best], 0, 1))
    return picked


def _suggestion(adapter: Adapter, thread: Thread, unsure: float, shares: NDArray[np.float64]) -> Suggestion:
    words = " ".join(words_of(thread).split())
    return Suggestion(
        thread=thread.id, kind=thread.kind, uncertainty=round(unsure, 4),
        labels=dict(zip(adapter.classes, (round(float(share), 4) for share in shares), strict=True)),
        text=words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…",
    )  # fmt: skip
