"""Tune the encoder's top layers to a platform's labels, with numpy alone.

The lower layers of multilingual-e5-small stay as they are and are run once a text by onnxruntime;
what leaves them is kept, and the four layers above are trained with a linear head on the mean over
tokens. The backward pass is written out (a layer is eight products and two normalisations; Vaswani
2017, Devlin 2019) so that no training framework of 400 MB is needed for one option.

Costs about twenty times what a linear adapter costs: see `docs/adapters.md`. Needs the extra
`semantic`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from threelines.text.encoder import Weights

TUNED = "tuned"
"""The reading whose weights are layers."""
LAYERS = 4
"""Of the encoder's twelve, the ones that are trained."""
WIDE, INNER, HEADS = 384, 1536, 12

_EACH = WIDE // HEADS
_EPSILON = np.float32(1e-12)
_TOKENS = 158
_BATCH = 16
_POOL = 16
"""Batches that are sorted by length together, so that little is padded."""
_STEPS = 360
_PASSES = (3, 8)
_RATE, _HEAD_RATE = 1.5e-4, 1e-3
_WARM = 0.1
_DECAY = 0.01
_MOMENTA = (0.9, 0.98)
_LONGEST_STEP = 1.0
_DROPPED = 0.1
_SMOOTH = 0.1

Floats = NDArray[np.float32]
Half = NDArray[np.float16]
Part = dict[str, Floats]
Says = Callable[[str], None]

SHAPES: dict[str, tuple[int, ...]] = {
    "three": (WIDE, 3 * WIDE), "three.b": (3 * WIDE,), "mix": (WIDE, WIDE), "mix.b": (WIDE,),
    "out": (WIDE, INNER), "out.b": (INNER,), "in": (INNER, WIDE), "in.b": (WIDE,),
    "first": (WIDE,), "first.b": (WIDE,), "second": (WIDE,), "second.b": (WIDE,),
}  # fmt: skip
"""A layer: query, key and value in one; their mixture; out to 1,536 and in again; two normalisations."""


class Kept(NamedTuple):
    """What a layer's backward pass needs of its forward pass."""

    flow: Floats
    query: Floats
    key: Floats
    value: Floats
    shares: Floats
    drops: tuple[Any, Any, Any]
    seen: Floats
    first: tuple[Floats, Floats]
    middle: Floats
    wide: Floats
    active: Floats
    second: tuple[Floats, Floats]


class _Noise:
    """Dropout: half-open masks while training, one otherwise."""

    def __init__(self, draw: np.random.Generator | None) -> None:
        self._draw = draw

    def mask(self, shape: tuple[int, ...]) -> Any:
        if self._draw is None:
            return np.float32(1)
        return (self._draw.random(shape, dtype=np.float32) >= _DROPPED) * np.float32(1 / (1 - _DROPPED))


class Tuned:
    """The trained layers and their head: states of the lower layers to scores."""

    def __init__(self, layers: Sequence[Part], head: Part) -> None:
        self.layers = list(layers)
        self.head = head

    @property
    def parts(self) -> list[Part]:
        """Everything that is trained, the head last."""
        return [*self.layers, self.head]

    def scores(self, states: Sequence[Half]) -> NDArray[np.float64]:
        """Return scores, shape (texts, classes), of what `lower` returned."""
        order = sorted(range(len(states)), key=lambda index: len(states[index]))
        found = np.zeros((len(states), self.head["b"].size))
        for start in range(0, len(order), _BATCH):
            picked = order[start : start + _BATCH]
            found[picked] = self.forward(*_padded([states[index] for index in picked]), _Noise(None))[0]
        return found

    def forward(self, flow: Floats, mask: NDArray[np.bool_], noise: _Noise) -> tuple[Floats, tuple[Any, ...]]:
        """Return scores of (texts, tokens, 384) and what `backward` needs."""
        texts, tokens, _ = flow.shape
        bias = np.where(mask, 0, -1e9).astype(np.float32)[:, None, None, :]
        flow, kept = flow.reshape(texts * tokens, WIDE), []
        for part in self.layers:
            flow, one = _layer(part, flow, bias, noise)
            kept.append(one)
        share = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
        pooled = np.einsum("btd,bt->bd", flow.reshape(texts, tokens, WIDE), share)
        unit, spread = _unit(pooled)
        dropped = noise.mask(unit.shape)
        return (unit * dropped) @ self.head["w"] + self.head["b"], (kept, share, unit, spread, dropped)

    def backward(self, error: Floats, kept: tuple[Any, ...], slopes: list[Part]) -> None:
        """Add the gradient of every part to `slopes`, given that of the scores."""
        layers, share, unit, spread, dropped = kept
        slopes[-1]["w"] += (unit * dropped).T @ error
        slopes[-1]["b"] += error.sum(axis=0)
        pooled = _through_unit((error @ self.head["w"].T) * dropped, unit, spread)
        flow = (pooled[:, None, :] * share[:, :, None]).reshape(-1, WIDE)
        for part, one, slope in zip(self.layers[::-1], layers[::-1], slopes[-2::-1], strict=True):
            flow = _layer_back(part, flow, one, slope)


def _heads(flow: Floats, texts: int) -> Floats:
    return flow.reshape(texts, -1, HEADS, _EACH).transpose(0, 2, 1, 3)


def _joined(heads: Floats) -> Floats:
    return heads.transpose(0, 2, 1, 3).reshape(-1, WIDE)


def _unit(flow: Floats) -> tuple[Floats, Floats]:
    away = flow - flow.mean(axis=-1, keepdims=True)
    spread = 1 / np.sqrt((away * away).mean(axis=-1, keepdims=True) + _EPSILON)
    return away * spread, spread


def _through_unit(error: Floats, unit: Floats, spread: Floats) -> Floats:
    along = (error * unit).mean(axis=-1, keepdims=True)
    found: Floats = spread * (error - error.mean(axis=-1, keepdims=True) - unit * along)
    return found


def _normal(flow: Floats, part: Part, name: str) -> tuple[Floats, tuple[Floats, Floats]]:
    unit, spread = _unit(flow)
    return unit * part[name] + part[f"{name}.b"], (unit, spread)


def _normal_back(error: Floats, part: Part, name: str, rest: tuple[tuple[Floats, Floats], Part]) -> Floats:
    (unit, spread), slope = rest
    slope[name] += (error * unit).sum(axis=0)
    slope[f"{name}.b"] += error.sum(axis=0)
    return _through_unit(error * part[name], unit, spread)


_ROOT = np.float32(np.sqrt(2 / np.pi))
_CUBE = np.float32(0.044715)


def _bent(wide: Floats) -> Floats:
    """Return GELU (tanh form; Hendrycks and Gimpel 2016)."""
    found: Floats = np.float32(0.5) * wide * (1 + np.tanh(_ROOT * (wide + _CUBE * wide * wide * wide)))
    return found


def _bent_slope(wide: Floats) -> Floats:
    bend = np.tanh(_ROOT * (wide + _CUBE * wide * wide * wide))
    inner = _ROOT * (1 + 3 * _CUBE * wide * wide)
    slope: Floats = np.float32(0.5) * (1 + bend) + np.float32(0.5) * wide * (1 - bend * bend) * inner
    return slope


def _layer(part: Part, flow: Floats, bias: Floats, noise: _Noise) -> tuple[Floats, Kept]:
    texts = len(bias)
    three = flow @ part["three"] + part["three.b"]
    query, key, value = (_heads(three[:, at : at + WIDE], texts) for at in range(0, 3 * WIDE, WIDE))
    shares = query @ key.swapaxes(2, 3) * np.float32(_EACH**-0.5) + bias
    shares = np.exp(shares - shares.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    drops = (noise.mask(shares.shape), noise.mask(flow.shape), noise.mask(flow.shape))
    seen = _joined((shares * drops[0]) @ value)
    middle, first = _normal(flow + (seen @ part["mix"] + part["mix.b"]) * drops[1], part, "first")
    wide = middle @ part["out"] + part["out.b"]
    active = _bent(wide)
    left, second = _normal(middle + (active @ part["in"] + part["in.b"]) * drops[2], part, "second")
    return left, Kept(flow, query, key, value, shares, drops, seen, first, middle, wide, active, second)


def _product_back(error: Floats, part: Part, name: str, rest: tuple[Floats, Part]) -> Floats:
    entered, slope = rest
    slope[name] += entered.T @ error
    slope[f"{name}.b"] += error.sum(axis=0)
    back: Floats = error @ part[name].T
    return back


def _layer_back(part: Part, error: Floats, kept: Kept, slope: Part) -> Floats:
    error = _normal_back(error, part, "second", (kept.second, slope))
    active = _product_back(error * kept.drops[2], part, "in", (kept.active, slope))
    wide = active * _bent_slope(kept.wide)
    error = error + _product_back(wide, part, "out", (kept.middle, slope))
    error = _normal_back(error, part, "first", (kept.first, slope))
    seen = _product_back(error * kept.drops[1], part, "mix", (kept.seen, slope))
    return error + _product_back(_attention_back(seen, kept), part, "three", (kept.flow, slope))


def _attention_back(error: Floats, kept: Kept) -> Floats:
    heads = _heads(error, len(kept.query))
    value = (kept.shares * kept.drops[0]).swapaxes(2, 3) @ heads
    shares = heads @ kept.value.swapaxes(2, 3) * kept.drops[0]
    inner = (shares * kept.shares).sum(axis=-1, keepdims=True)
    logits = kept.shares * (shares - inner) * np.float32(_EACH**-0.5)
    return np.concatenate([_joined(each) for each in (logits @ kept.key, logits.swapaxes(2, 3) @ kept.query, value)], 1)


class _Steps:
    """AdamW (Loshchilov and Hutter 2019): rises for a tenth of the steps, falls as a cosine."""

    def __init__(self, parts: list[Part], steps: int) -> None:
        self._parts, self._steps, self._done = parts, steps, 0
        self.slopes = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]
        self._mean = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]
        self._square = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]

    def step(self) -> None:
        """Move every part against its gradient, and clear the gradients."""
        self._done += 1
        length = np.sqrt(sum(float(np.vdot(slope, slope)) for part in self.slopes for slope in part.values()))
        shrink = np.float32(min(1.0, _LONGEST_STEP / (length + 1e-6)))
        for index, part in enumerate(self._parts):
            rate = self._rate(_HEAD_RATE if index == len(self._parts) - 1 else _RATE)
            for name, array in part.items():
                self._move(array, index, name, (rate, shrink))

    def _rate(self, peak: float) -> float:
        far = self._done / self._steps
        fall = 0.5 * (1 + float(np.cos(np.pi * max(0.0, far - _WARM) / (1 - _WARM)))) + 0.02
        return peak * min(1.0, far / _WARM) * fall

    def _move(self, array: Floats, index: int, name: str, how: tuple[float, np.float32]) -> None:
        rate, shrink = how
        one, two = _MOMENTA
        slope, mean, square = self.slopes[index][name], self._mean[index][name], self._square[index][name]
        slope *= shrink
        mean *= np.float32(one)
        mean += slope * np.float32(1 - one)
        np.square(slope, out=slope)
        square *= np.float32(two)
        square += slope * np.float32(1 - two)
        size = rate * np.sqrt(1 - two**self._done) / (1 - one**self._done)
        if array.ndim > 1:
            array *= np.float32(1 - rate * _DECAY)
        array -= np.float32(size) * mean / (np.sqrt(square) + np.float32(1e-8))
        slope[...] = 0


def _padded(states: Sequence[Half]) -> tuple[Floats, NDArray[np.bool_]]:
    longest = max(map(len, states))
    flow = np.zeros((len(states), longest, WIDE), dtype=np.float32)
    mask = np.zeros((len(states), longest), dtype=np.bool_)
    for row, found in enumerate(states):
        flow[row, : len(found)] = found
        mask[row, : len(found)] = True
    return flow, mask


def _batches(lengths: NDArray[np.int64], draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    order = draw.permutation(len(lengths))
    pools = [order[start : start + _BATCH * _POOL] for start in range(0, len(order), _BATCH * _POOL)]
    sorted_pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    batches = [pool[start : start + _BATCH] for pool in sorted_pools for start in range(0, len(pool), _BATCH)]
    for index in draw.permutation(len(batches)):
        yield batches[index]


def passes_for(texts: int) -> int:
    """Return how often the texts are read: about 360 steps, three to eight times."""
    least, most = _PASSES
    return int(min(most, max(least, np.ceil(_STEPS * _BATCH / texts))))


def train(states: Sequence[Half], target: NDArray[np.int64], *, classes: int, say: Says, seed: int = 1) -> Tuned:
    """Train the top layers and a head on labelled states; the same input gives the same result."""
    draw = np.random.default_rng(seed)
    lengths = np.asarray([len(found) for found in states])
    wanted = (np.eye(classes)[target] * (1 - _SMOOTH) + _SMOOTH / classes).astype(np.float32)
    head = {"w": np.zeros((WIDE, classes), dtype=np.float32), "b": np.zeros(classes, dtype=np.float32)}
    tuned = Tuned([{name: array.copy() for name, array in part.items()} for part in _upper()], head)
    passes, each = passes_for(len(states)), -(-len(states) // _BATCH)
    steps, noise, started = _Steps(tuned.parts, passes * each), _Noise(draw), time.perf_counter()
    for done in range(1, passes + 1):
        for picked in _batches(lengths, draw):
            scores, kept = tuned.forward(*_padded([states[index] for index in picked]), noise)
            raised = np.exp(scores - scores.max(axis=1, keepdims=True))
            error = (raised / raised.sum(axis=1, keepdims=True) - wanted[picked]) / np.float32(len(picked))
            tuned.backward(error, kept, steps.slopes)
            steps.step()
        took = time.perf_counter() - started
        say(f"  pass {done} of {passes}, {took:.0f} s; {took / done * (passes - done):.0f} s to go")
    return tuned


def upper_layer(weights: Weights, index: int) -> Part:
    """Return one layer as floats, inputs first."""

    def product(name: str, entering: int, leaving: int) -> Floats:
        return weights.rows(f"l{index}.{name}.w", entering, np.arange(leaving)).T.copy()

    def bias(name: str) -> Floats:
        return weights.floats(f"l{index}.{name}").copy()

    return {
        "three": np.concatenate([product(name, WIDE, WIDE) for name in "qkv"], axis=1),
        "three.b": np.concatenate([bias(f"{name}.b") for name in "qkv"]),
        "mix": product("ao", WIDE, WIDE), "mix.b": bias("ao.b"),
        "out": product("fi", WIDE, INNER), "out.b": bias("fi.b"), "in": product("fo", INNER, WIDE), "in.b": bias("fo.b"),
        "first": bias("aln.w"), "first.b": bias("aln.b"), "second": bias("oln.w"), "second.b": bias("oln.b"),
    }  # fmt: skip


@cache
def _upper() -> list[Part]:
    from threelines.text.encoder import Weights, weights_path

    weights = Weights(weights_path())
    return [upper_layer(weights, index) for index in range(weights.shape.layers - LAYERS, weights.shape.layers)]


@cache
def _lower_encoder() -> Any:
    from threelines.text.encoder import Encoder

    return Encoder(longest=_TOKENS, layers=(12 - LAYERS,))


def lower(texts: Sequence[str]) -> list[Half]:
    """Return what leaves the untouched lower layers, one array (tokens, 384) a text."""
    found: list[Half] = _lower_encoder().states(texts)
    return found
