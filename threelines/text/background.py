"""Everyday sentences as the encoder sees them: what "unusually close" is measured against.

    python -m threelines.text.background FOLDER     # labelled sets marked T in their README

Only vectors are stored (one byte a number), no words: turns of benign_dialogues and harmless
messages of sms_th and sms_sw, in ten languages.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

_EACH = 200
_SETS = {"benign_dialogues": (), "sms_th": ("ok", "otp"), "sms_sw": ("trust",)}
_FILE = "encoder_background.npz"


@lru_cache(maxsize=1)
def background() -> NDArray[np.float32]:
    """Return unit vectors of everyday sentences, shape (sentences, 384)."""
    with np.load(str(files("threelines") / "text" / _FILE), allow_pickle=False) as stored:
        vectors: NDArray[np.float32] = stored["vectors"].astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def centred(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return unit vectors as seen from the middle of everyday sentences: the encoder puts all texts close together."""
    moved = vectors - background().mean(axis=0)
    made: NDArray[np.float32] = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return made


@lru_cache(maxsize=1)
def everyday() -> NDArray[np.float32]:
    """Return the everyday sentences themselves, centred."""
    return centred(background())


def sentences(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (language, everyday sentence) of the sets."""
    for name, labels in _SETS.items():
        with gzip.open(folder / f"{name}.jsonl.gz", "rb") as lines:
            for row in map(msgspec.json.decode, lines):
                if not labels or row.get("label") in labels:
                    yield from ((row["lang"], text) for text in _texts(row) if 12 <= len(text) <= 200)


def _texts(row: dict[str, Any]) -> list[str]:
    return [turn["text"] for turn in row["turns"][1:4]] if "turns" in row else [row["text"]]


def main(folder: str) -> None:
    """Write the vectors beside this module."""
    from threelines.text.encoder import Encoder

    held: dict[str, list[str]] = {}
    for language, text in sentences(Path(folder)):
        held.setdefault(language, []).append(text)
    texts = [
        text for language in sorted(held) for text in held[language][:: max(1, len(held[language]) // _EACH)][:_EACH]
    ]
    vectors = Encoder().encode(texts)
    np.savez_compressed(
        Path(__file__).with_name(_FILE), vectors=np.round(vectors / np.abs(vectors).max() * 127).astype(np.int8)
    )


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
