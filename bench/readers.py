"""Which layers of the encoder, and which reader, tell requests to deceive or control people from all others.

    python bench/readers.py [../shared/data]

On what the guard's readers are fitted on, two fifths of the groups held out: the share of telling lines found where 5%, 1%
and 0.1% of honest lines are; once among all honest lines, and once among those alone that are near the subject. No session of
`bench/guard.py` is read. To train layers takes a quarter of an hour on two cores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models import train_meaning as train
from threelines.ai_models.meaning import LAYERS, LONGEST
from threelines.ai_models.request_examples import Example, balanced, examples
from threelines.ai_models.train_requests import KEPT_OUT, folds_of
from threelines.text.encoder import Encoder

READ = (3, 5, 6, 7, 12)
CHOICES = ((3,), (6,), (12,), (3, 6), (3, 5, 7))


class Held:
    """The lines held out, and what is printed of a reader."""

    def __init__(self, held: Sequence[Example]) -> None:
        self.asked = np.array([example.asked for example in held])
        self.near = np.array([not example.group.startswith("dialogue ") for example in held])
        print(
            f"{len(held)} lines held out, {self.asked.sum()} telling, {(~self.asked & self.near).sum()} honest and near"
        )
        print("found at 5%, 1%, 0.1% of all honest lines; of those near the subject")

    def tell(self, name: str, scores: NDArray[np.floating]) -> None:
        """Print the shares found."""
        found = [*self._found(scores, np.ones_like(self.near)), *self._found(scores, self.near)]
        print(f"{name:44}", *(f"{share:.3f}" for share in found), flush=True)

    def _found(self, scores: NDArray[np.floating], among: NDArray[np.bool_]) -> list[float]:
        honest = scores[~self.asked & among]
        return [float((scores[self.asked] >= np.quantile(honest, 1 - share)).mean()) for share in (0.05, 0.01, 0.001)]


def linear(known: list[Example], vectors: NDArray[np.float32], unseen: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what a logistic regression says, with the weights that the network is fitted with."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    model = LogisticRegression(C=train.STRENGTH, max_iter=1000)
    model.fit((vectors - centre) / spread, [example.asked for example in known], sample_weight=balanced(known))
    return np.asarray(model.decision_function((unseen - centre) / spread))


def untrained(known: list[Example], out: NDArray[np.bool_], held: Held) -> None:
    """Print what readers of the encoder's own layers find."""
    seen = [example for example, left in zip(known, out, strict=True) if not left]
    encoder = Encoder(layers=READ, longest=LONGEST, in_bytes=True, prefix="")
    every = encoder.encode([example.text[:300] for example in known], batch=1)
    for choice in CHOICES:
        vectors = every[:, np.concatenate([np.arange(384) + 384 * READ.index(layer) for layer in choice])]
        held.tell(f"layers {choice}, linear", linear(seen, vectors[~out], vectors[out]))
        held.tell(f"layers {choice}, network", train.fit_glance(seen, vectors[~out]).read(vectors[out])[0])


def trained(known: list[Example], out: NDArray[np.bool_], held: Held) -> None:
    """Print what the trained layers find, whole and small."""
    states, _ = train.encode(known)
    seen, unseen = np.flatnonzero(~out), [states[number] for number in np.flatnonzero(out)]
    tuned = train.tune([known[n] for n in seen], [states[n] for n in seen], sys.stderr.write)
    held.tell(f"layers {LAYERS}, trained above the first", tuned.scores(unseen)[:, 0])
    held.tell(f"… {train.RANK} directions of each change", train.kept_small(tuned).scores(unseen)[:, 0])


def main() -> None:
    """Fit and print every choice."""
    known = list(examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    out = folds_of(known) < KEPT_OUT
    held = Held([example for example, left in zip(known, out, strict=True) if left])
    untrained(known, out, held)
    trained(known, out, held)


if __name__ == "__main__":
    main()
