"""Place texts by meaning, beside everyday sentences: what `link.translated` compares. Needs the extra `semantic`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from threelines.link.translated import Placed
from threelines.text.background import background
from threelines.text.encoder import Encoder
from threelines.text.language import identify_all


class Placing:
    """Encode texts and centre them on everyday sentences; each process makes its own encoder on first use."""

    def __call__(self, texts: Sequence[str]) -> Placed:
        """Return one row for each text."""
        vectors = _unit(self._encoder.encode(list(texts)) - self._centre)
        usual = np.concatenate(
            [(vectors[at : at + 500] @ self._everyday.T).max(axis=1) for at in range(0, len(vectors), 500)]
        )
        return Placed(tuple(found.iso639_3 for found in identify_all(list(texts))), vectors, usual)

    def __getstate__(self) -> dict[str, object]:
        return {}  # another process makes its own encoder: a session of onnxruntime cannot be sent

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder()

    @cached_property
    def _centre(self) -> NDArray[np.float32]:
        centre: NDArray[np.float32] = background().mean(axis=0)
        return centre

    @cached_property
    def _everyday(self) -> NDArray[np.float32]:
        return _unit(background() - self._centre)


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    made: NDArray[np.float32] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return made
