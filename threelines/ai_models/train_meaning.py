"""Fit what the guard reads meaning by (`meaning.npz`): a glance at the untouched layers, and the layers above them, trained.

Called by `train_requests.py`; needs the extra `semantic`. The layers are trained with their head by `text/layers.py`: on the
purpose of a request, which is what is asked of them, and on its task. Of the change only the largest parts are kept.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.likeness import TASKS
from threelines.ai_models.meaning import LAYERS, LONGEST, Glance, Whole
from threelines.ai_models.request_examples import Example, balanced
from threelines.text.encoder import Encoder, packaged_weights
from threelines.text.layers import (
    BATCH,
    Floats,
    Half,
    Noise,
    Part,
    Steps,
    Tuned,
    batches,
    change,
    changed,
    layer_of,
    padded,
)

STRENGTH = 0.03
"""Inverse of the penalty of the glance's reader of tasks."""
NETWORKS, UNITS, NET_PENALTY, ROUNDS = 3, 64, 3.0, 8
"""The glance's reader of purpose: a small network, which finds more of held-out lines than a linear one (`bench/readers.py`)."""
PASSES, RATE = 2, 2e-4
"""Three passes over fewer everyday lines, which counted less, found no more of what was held out and misjudged more real texts."""
DAYS = 2
"""Of everyday lines each pass reads every other one, and counts it twice: they are many, and easy."""
TASK = 0.3
"""What a wrong task costs beside a wrong purpose."""
SMOOTH = 0.05
"""Labels are taken for right in all but this share."""
RANK = 64
"""Directions of each matrix's change that are kept; `bench/readers.py` prints what is found with these and with all."""

Says = Callable[[str], object]


def encode(known: Sequence[Example]) -> tuple[list[Half], Floats]:
    """Return what leaves the untouched layers: every token of each example, and their mean at unit length."""
    encoder = Encoder(layers=LAYERS[:1], longest=LONGEST, in_bytes=True, prefix="")
    states = encoder.states([example.text[:300] for example in known], batch=1)
    means = np.array([found.mean(axis=0, dtype=np.float32) for found in states])
    return states, means / np.linalg.norm(means, axis=1, keepdims=True)


def fit_glance(known: Sequence[Example], vectors: Floats) -> Glance:
    """Fit both readers on vectors: some networks, whose log odds are averaged, and a linear reader of tasks."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    table = (vectors - centre) / spread
    asked = np.array([example.asked for example in known])
    nets = [_network(table, asked, balanced(known), seed) for seed in range(NETWORKS)]
    inside = [number for number, example in enumerate(known) if example.task]
    tasks = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000)
    tasks.fit(table[inside], [TASKS.index(known[number].task) for number in inside])
    made = {
        "centre": centre, "spread": spread, "hidden": np.hstack([net.coefs_[0] for net in nets]),
        "hidden_constants": np.concatenate([net.intercepts_[0] for net in nets]),
        "weight": np.concatenate([net.coefs_[1][:, 0] for net in nets]) / NETWORKS,
        "tasks": tasks.coef_.T, "task_constants": tasks.intercept_,
    }  # fmt: skip
    constant = float(np.mean([net.intercepts_[1][0] for net in nets]))
    return Glance(**{name: np.asarray(part, dtype=np.float32) for name, part in made.items()}, constant=constant)


def _network(table: Floats, asked: NDArray[np.bool_], weight: NDArray[np.float64], seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((UNITS,), alpha=NET_PENALTY, max_iter=ROUNDS, batch_size=256, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        return net.fit(table, asked, sample_weight=weight)


def tune(known: Sequence[Example], states: Sequence[Half], say: Says) -> Tuned:
    """Train the layers above the untouched ones, and a head; its first class is the purpose, the others are tasks."""
    draw = np.random.default_rng(1)
    tuned = Tuned.untrained(_own_layers(), 1 + len(TASKS), read=[layer - LAYERS[0] for layer in LAYERS])
    everyday = np.array([example.group.startswith("dialogue ") for example in known])
    near, days = np.flatnonzero(~everyday), np.flatnonzero(everyday)
    share, days = len(days) // DAYS, draw.permutation(days)
    goal = _Goal(known, np.where(everyday, float(DAYS), 1.0))
    lengths, noise = np.array([len(found) for found in states]), Noise(draw)
    each = -(-(len(near) + share) // BATCH)
    steps, started = Steps(tuned.parts, PASSES * each, RATE), time.perf_counter()
    for done in range(1, PASSES + 1):
        picked = np.concatenate([near, days[(done - 1) * share : done * share]])
        for batch in batches(lengths[picked], draw):
            scores, kept = tuned.forward(*padded([states[index] for index in picked[batch]]), noise)
            tuned.backward(goal.error(scores, picked[batch]), kept, steps.slopes)
            steps.step()
        took = time.perf_counter() - started
        say(f"  pass {done} of {PASSES}, {took:.0f} s; {took / done * (PASSES - done):.0f} s to go\n")
    return tuned


class _Goal:
    """What the head should say of each example, and what it costs to be wrong."""

    def __init__(self, known: Sequence[Example], times: NDArray[np.float64]) -> None:
        self._asked = np.array([example.asked for example in known]) * (1 - SMOOTH) + SMOOTH / 2
        self._weight = balanced(known) * times
        self._task = np.array([TASKS.index(example.task) if example.task else -1 for example in known])

    def error(self, scores: Floats, picked: NDArray[np.int64]) -> Floats:
        """Return the slope of the cost by each score."""
        purpose = (1 / (1 + np.exp(-scores[:, 0])) - self._asked[picked]) * self._weight[picked]
        raised = np.exp(scores[:, 1:] - scores[:, 1:].max(axis=1, keepdims=True))
        tasks = raised / raised.sum(axis=1, keepdims=True)
        known = np.flatnonzero(self._task[picked] >= 0)
        tasks[known, self._task[picked][known]] -= 1
        tasks *= TASK * (self._task[picked] >= 0)[:, None]
        found: Floats = (np.column_stack([purpose, tasks]) / len(picked)).astype(np.float32)
        return found


def kept_small(tuned: Tuned) -> Tuned:
    """Return what runs: the layers with the largest directions of their change alone."""
    layers = [changed(own, change(own, part, RANK)) for own, part in zip(_own_layers(), tuned.layers, strict=True)]
    return Tuned(layers, tuned.head, read=tuned.read)


def _own_layers() -> list[Part]:
    weights = packaged_weights()
    return [layer_of(weights, index) for index in range(LAYERS[0], LAYERS[-1])]


def save(path: Path, glance: Glance, calm: float, tuned: Tuned) -> None:
    """Write the reader of the glance, the head, and what training changed in the layers."""
    head = Whole.of(tuned.head)
    kept: dict[str, Any] = {
        f"{which}_{name}": np.asarray(value, dtype=np.float16)
        for which, reader in (("glance", glance), ("whole", head))
        for name, value in reader._asdict().items()
    }
    for index, (own, part) in enumerate(zip(_own_layers(), tuned.layers, strict=True), start=LAYERS[0]):
        for name, array in change(own, part, RANK).items():
            kept[f"layer_{index}_{name}"] = array
    np.savez_compressed(path, calm=np.float32(calm), **kept)
