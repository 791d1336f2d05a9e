"""Place texts by meaning, beside everyday sentences: what `link.translated` compares. Needs the extra `semantic`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from threelines.link.translated import Placed
from threelines.text.background import centred, everyday
from threelines.text.encoder import Encoder
from threelines.text.language import identify_all

_CHUNK = 500


class Placing:
    """Encode texts and centre them on everyday sentences; each process makes its own encoder on first use."""

    def __call__(self, texts: Sequence[str]) -> Placed:
        """Return one row for each text."""
        vectors = centred(self._encoder.encode(list(texts)))
        chunks = (vectors[at : at + _CHUNK] for at in range(0, len(vectors), _CHUNK))
        usual = np.concatenate([(chunk @ everyday().T).max(axis=1) for chunk in chunks])
        return Placed(tuple(found.iso639_3 for found in identify_all(list(texts))), vectors, usual)

    def __getstate__(self) -> dict[str, object]:
        return {}  # another process makes its own encoder: a session of onnxruntime cannot be sent

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder()
