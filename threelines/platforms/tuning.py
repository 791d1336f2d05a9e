"""Tune the encoder's top layers to a platform's labels, with numpy alone (`text/layers.py`).

Costs about twenty times what a linear adapter costs: see `docs/adapters.md`. Needs the extra `semantic`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from threelines.text.layers import BATCH, Half, Noise, Part, Steps, Tuned, batches, layer_of, padded

TUNED = "tuned"
"""The reading whose weights are layers."""
LAYERS = 4
"""Of the encoder's twelve, the ones that are trained."""

_TOKENS = 158
_STEPS = 360
_PASSES = (3, 8)
_RATE = 1.5e-4
_SMOOTH = 0.1

Says = Callable[[str], None]


def passes_for(texts: int) -> int:
    """Return how often the texts are read: about 360 steps, three to eight times."""
    least, most = _PASSES
    return int(min(most, max(least, np.ceil(_STEPS * BATCH / texts))))


def train(states: Sequence[Half], target: NDArray[np.int64], *, classes: int, say: Says, seed: int = 1) -> Tuned:
    """Train the top layers and a head on labelled states; the same input gives the same result."""
    draw = np.random.default_rng(seed)
    lengths = np.asarray([len(found) for found in states])
    wanted = (np.eye(classes)[target] * (1 - _SMOOTH) + _SMOOTH / classes).astype(np.float32)
    tuned = Tuned.untrained(_upper(), classes)
    passes, each = passes_for(len(states)), -(-len(states) // BATCH)
    steps, noise, started = Steps(tuned.parts, passes * each, _RATE), Noise(draw), time.perf_counter()
    for done in range(1, passes + 1):
        for picked in batches(lengths, draw):
            scores, kept = tuned.forward(*padded([states[index] for index in picked]), noise)
            raised = np.exp(scores - scores.max(axis=1, keepdims=True))
            error = (raised / raised.sum(axis=1, keepdims=True) - wanted[picked]) / np.float32(len(picked))
            tuned.backward(error, kept, steps.slopes)
            steps.step()
        took = time.perf_counter() - started
        say(f"  pass {done} of {passes}, {took:.0f} s; {took / done * (passes - done):.0f} s to go")
    return tuned


@cache
def _upper() -> list[Part]:
    from threelines.text.encoder import packaged_weights

    weights = packaged_weights()
    return [layer_of(weights, index) for index in range(weights.shape.layers - LAYERS, weights.shape.layers)]


@cache
def _lower_encoder() -> Any:
    from threelines.text.encoder import Encoder

    return Encoder(longest=_TOKENS, layers=(12 - LAYERS,))


def lower(texts: Sequence[str]) -> list[Half]:
    """Return what leaves the untouched lower layers, one array (tokens, 384) a text."""
    found: list[Half] = _lower_encoder().states(texts)
    return found
