"""Name what to label next: threads the adapter is unsure of, and that differ from each other.

Uncertainty alone asks fifty times about one script. So the most uncertain threads are gone through
in order of (uncertainty × distance to what was picked already and to what is labelled).
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.platforms.adapter import Adapter, damped
from threelines.platforms.labelled import near_copies
from threelines.platforms.views import columns, words_of
from threelines.records import Thread

_POOL = 20
"""How many times more threads are looked at than are asked for, unless most are copies."""
_ROOM = 512
_SHOWN = 160


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A thread worth a label, and why."""

    thread: str
    kind: str
    uncertainty: float
    """Entropy of the class probabilities, 0 (sure) to 1 (no idea)."""
    labels: dict[str, float]
    text: str
    """The first words, so that a person can label without opening the export."""


def suggest(adapter: Adapter, threads: Sequence[Thread], count: int) -> list[Suggestion]:
    """Return up to `count` threads in the order they should be labelled.

    Fewer where fewer have words and are no near-copies of each other.
    """
    spoken = [thread for thread in threads if words_of(thread).strip()]
    if not spoken:
        return []
    texts = [words_of(thread) for thread in spoken]
    shares = adapter.probabilities(texts)
    unsure = _entropy(shares)
    pool = _pool(texts, np.argsort(-unsure, kind="stable"), count)
    picked = _spread(_places([texts[index] for index in pool]), unsure[pool], count)
    return [_suggestion(adapter, spoken[index], float(unsure[index]), shares[index]) for index in pool[picked]]


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
    """Give each text a unit vector by hashing its n-grams into few dimensions."""
    found = columns(texts, ("inside",))["inside"]
    side = np.where(found.columns & 1, 1.0, -1.0)
    places = np.zeros((len(texts), _ROOM))
    np.add.at(places, (found.rows, (found.columns >> 1) % _ROOM), side * damped(found.counts))
    unit: NDArray[np.float64] = places / np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)
    return unit


def _spread(places: NDArray[np.float64], unsure: NDArray[np.float64], count: int) -> list[int]:
    far = np.ones(len(places))
    picked: list[int] = []
    for _ in range(min(count, len(places))):
        worth = unsure * far
        worth[picked] = -1
        best = int(worth.argmax())
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
