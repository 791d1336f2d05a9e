"""Which layers of the encoder, and which reader, tell requests to deceive or control people from all others.

    python bench/readers.py [../shared/data]

On what the guard's reader is fitted on, two fifths of the groups held out: the share of telling lines found where 5%, 1%
and 0.1% of honest lines are. This is what `LAYERS` and `NETWORKS` were chosen by; no session of `bench/guard.py` is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models import train_requests as train
from threelines.ai_models.meaning import LONGEST
from threelines.text.encoder import Encoder

LAYERS = (3, 5, 6, 7, 12)
CHOICES = ((3,), (6,), (7,), (12,), (3, 6), (5, 7), (3, 5, 6), (3, 5, 7))


def linear(known: list[train.Example], vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """Fit a logistic regression with the weights that the network is fitted with."""
    from sklearn.linear_model import LogisticRegression

    asked = np.array([example.asked for example in known])
    model = LogisticRegression(C=train.SENSE_STRENGTH, max_iter=1000)
    model.fit(vectors, asked, sample_weight=train.balanced(known))
    return model.coef_[0], float(model.intercept_[0])


def tell(name: str, scores: NDArray[np.floating], asked: NDArray[np.bool_]) -> None:
    """Print the share found at each share of honest lines."""
    found = [(scores[asked] >= np.quantile(scores[~asked], 1 - share)).mean() for share in (0.05, 0.01, 0.001)]
    print(f"{name:32} {found[0]:.3f} {found[1]:.3f} {found[2]:.3f}", flush=True)


def main() -> None:
    """Encode once, then fit every choice."""
    known = list(train.examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    encoder = Encoder(layers=LAYERS, longest=LONGEST, in_bytes=True, prefix="")
    every = encoder.encode([example.text[:300] for example in known], batch=1)
    groups = sorted({example.group for example in known})
    place = {group: number for number, group in enumerate(np.random.default_rng(1).permutation(groups))}
    held = np.array([place[example.group] % 5 < 2 for example in known])
    asked = np.array([example.asked for example in known])
    seen = [example for example, out in zip(known, held, strict=True) if not out]
    print(f"{held.sum()} lines held out, {asked[held].sum()} of them telling; found at 5%, 1%, 0.1% of honest lines")
    for choice in CHOICES:
        columns = np.concatenate([np.arange(384) + 384 * LAYERS.index(layer) for layer in choice])
        vectors = every[:, columns]
        vectors = (vectors - vectors.mean(axis=0)) / (vectors.std(axis=0) + 1e-6)
        weight, constant = linear(seen, vectors[~held])
        tell(f"layers {choice}, linear", vectors[held] @ weight + constant, asked[held])
        scores, _ = train.fit_sense(seen, vectors[~held]).read(vectors[held])
        tell(f"layers {choice}, network", scores, asked[held])


if __name__ == "__main__":
    main()
