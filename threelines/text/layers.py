"""Layers of the encoder that can be trained, with numpy alone.

The lower layers of multilingual-e5-small stay as they are and are run once a text; what leaves them is kept, and the
layers above are trained with a linear head on the mean over tokens. The backward pass is written out (a layer is eight
products and two normalisations; Vaswani 2017, Devlin 2019) so that no training framework of 400 MB is needed.
Platforms train them on their own labels (`platforms/tuning.py`), the guard was fitted with them (`ai_models/train_meaning.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from threelines.text.encoder import Weights

WIDE, INNER, HEADS = 384, 1536, 12

_EACH = WIDE // HEADS
_EPSILON = np.float32(1e-12)
BATCH = 16
_POOL = 16
"""Batches that are sorted by length together, so that little is padded."""
_HEAD_RATE = 1e-3
_WARM = 0.1
_DECAY = 0.01
_MOMENTA = (0.9, 0.98)
_LONGEST_STEP = 1.0
_DROPPED = 0.1

Floats = NDArray[np.float32]
Half = NDArray[np.float16]
Part = dict[str, Floats]

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


class Noise:
    """Dropout: half-open masks while training, one otherwise."""

    def __init__(self, draw: np.random.Generator | None) -> None:
        self._draw = draw

    def mask(self, shape: tuple[int, ...]) -> Any:
        """Return what to multiply by."""
        if self._draw is None:
            return np.float32(1)
        return (self._draw.random(shape, dtype=np.float32) >= _DROPPED) * np.float32(1 / (1 - _DROPPED))


class Tuned:
    """The trained layers and their head: states of the lower layers to scores."""

    def __init__(self, layers: Sequence[Part], head: Part, *, read: Sequence[int] = ()) -> None:
        """`read`: after how many of the layers the head reads (0: what enters), the last among them; without it, the last."""
        self.layers = list(layers)
        self.head = head
        self.read = tuple(sorted(read)) or (len(self.layers),)
        if self.read[-1] != len(self.layers):
            raise ValueError(f"{len(self.layers)} layers, but the last that the head reads is {self.read[-1]}")

    @classmethod
    def untrained(cls, layers: Sequence[Part], classes: int, *, read: Sequence[int] = ()) -> Tuned:
        """Return copies of layers under a head that says nothing yet."""
        wide = WIDE * max(1, len(read))
        head = {"w": np.zeros((wide, classes), dtype=np.float32), "b": np.zeros(classes, dtype=np.float32)}
        return cls([{name: array.copy() for name, array in part.items()} for part in layers], head, read=read)

    @property
    def parts(self) -> list[Part]:
        """Everything that is trained, the head last."""
        return [*self.layers, self.head]

    def scores(self, states: Sequence[Half]) -> NDArray[np.float64]:
        """Return scores, shape (texts, classes), of what `lower` returned."""
        order = sorted(range(len(states)), key=lambda index: len(states[index]))
        found = np.zeros((len(states), self.head["b"].size))
        for start in range(0, len(order), BATCH):
            picked = order[start : start + BATCH]
            found[picked] = self.forward(*padded([states[index] for index in picked]), Noise(None))[0]
        return found

    def forward(self, flow: Floats, mask: NDArray[np.bool_], noise: Noise) -> tuple[Floats, tuple[Any, ...]]:
        """Return scores of (texts, tokens, 384) and what `backward` needs."""
        bias = np.where(mask, 0, -1e9).astype(np.float32)[:, None, None, :]
        share = (mask / mask.sum(axis=1, keepdims=True)).astype(np.float32)
        flow, kept, units = flow.reshape(-1, WIDE), list[Kept](), list[tuple[Floats, Floats]]()
        for done in range(len(self.layers) + 1):
            if done in self.read:
                units.append(_unit(np.einsum("btd,bt->bd", flow.reshape(*mask.shape, WIDE), share)))
            if done < len(self.layers):
                flow, one = _layer(self.layers[done], flow, bias, noise)
                kept.append(one)
        unit = np.hstack([one for one, _ in units])
        dropped = noise.mask(unit.shape)
        return (unit * dropped) @ self.head["w"] + self.head["b"], (kept, share, units, unit * dropped, dropped)

    def backward(self, error: Floats, kept: tuple[Any, ...], slopes: list[Part]) -> None:
        """Add the gradient of every part to `slopes`, given that of the scores."""
        layers, share, units, entered, dropped = kept
        slopes[-1]["w"] += entered.T @ error
        slopes[-1]["b"] += error.sum(axis=0)
        back = np.split((error @ self.head["w"].T) * dropped, len(units), axis=1)
        flow: Any = np.float32(0)
        for done in range(len(self.layers), -1, -1):
            if done in self.read:
                place = self.read.index(done)
                pooled = _through_unit(back[place], *units[place])
                flow = flow + (pooled[:, None, :] * share[:, :, None]).reshape(-1, WIDE)
            if done:
                flow = _layer_back(self.layers[done - 1], flow, layers[done - 1], slopes[done - 1])


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


def _layer(part: Part, flow: Floats, bias: Floats, noise: Noise) -> tuple[Floats, Kept]:
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


class Steps:
    """AdamW (Loshchilov and Hutter 2019): rises for a tenth of the steps, falls as a cosine."""

    def __init__(self, parts: list[Part], steps: int, rate: float) -> None:
        self._parts, self._steps, self._highest, self._done = parts, steps, rate, 0
        self.slopes = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]
        self._mean = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]
        self._square = [{name: np.zeros_like(array) for name, array in part.items()} for part in parts]

    def step(self) -> None:
        """Move every part against its gradient, and clear the gradients."""
        self._done += 1
        length = np.sqrt(sum(float(np.vdot(slope, slope)) for part in self.slopes for slope in part.values()))
        shrink = np.float32(min(1.0, _LONGEST_STEP / (length + 1e-6)))
        for index, part in enumerate(self._parts):
            rate = self._rate(_HEAD_RATE if index == len(self._parts) - 1 else self._highest)
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


def padded(states: Sequence[Half]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return states side by side, shape (texts, tokens, 384), and where tokens stand."""
    longest = max(map(len, states))
    flow = np.zeros((len(states), longest, WIDE), dtype=np.float32)
    mask = np.zeros((len(states), longest), dtype=np.bool_)
    for row, found in enumerate(states):
        flow[row, : len(found)] = found
        mask[row, : len(found)] = True
    return flow, mask


def batches(lengths: NDArray[np.int64], draw: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield places of texts of like length, every text once, in an order that is drawn."""
    order = draw.permutation(len(lengths))
    pools = [order[start : start + BATCH * _POOL] for start in range(0, len(order), BATCH * _POOL)]
    sorted_pools = [pool[np.argsort(lengths[pool], kind="stable")] for pool in pools]
    batches = [pool[start : start + BATCH] for pool in sorted_pools for start in range(0, len(pool), BATCH)]
    for index in draw.permutation(len(batches)):
        yield batches[index]


def constants_of(weights: Weights, index: int) -> Part:
    """Return what one of the encoder's layers (from 0) adds and scales by."""
    names = {"mix.b": "ao.b", "out.b": "fi.b", "in.b": "fo.b", "first": "aln.w", "first.b": "aln.b", "second": "oln.w"}
    names["second.b"] = "oln.b"
    found = {name: weights.floats(f"l{index}.{kept}").copy() for name, kept in names.items()}
    return {"three.b": np.concatenate([weights.floats(f"l{index}.{name}.b") for name in "qkv"]), **found}


def layer_of(weights: Weights, index: int) -> Part:
    """Return one of the encoder's layers (from 0) as floats, inputs first."""

    def matrix(name: str, entering: int, leaving: int) -> Floats:
        return weights.rows(f"l{index}.{name}.w", entering, np.arange(leaving)).T.copy()

    return {
        "three": np.concatenate([matrix(name, WIDE, WIDE) for name in "qkv"], axis=1), "mix": matrix("ao", WIDE, WIDE),
        "out": matrix("fi", WIDE, INNER), "in": matrix("fo", INNER, WIDE), **constants_of(weights, index),
    }  # fmt: skip


def change(before: Part, after: Part, rank: int) -> dict[str, NDArray[Any]]:
    """Return what training changed, small: the largest directions of each matrix, in bytes, and the rest in halves."""
    kept: dict[str, NDArray[Any]] = {}
    for name, array in after.items():
        if array.ndim == 1:
            kept[name] = array.astype(np.float16)
            continue
        left, size, right = np.linalg.svd(array - before[name], full_matrices=False)
        for end, factor in (("left", left[:, :rank] * size[:rank]), ("right", right[:rank].T)):
            scale = np.maximum(np.abs(factor).max(axis=0) / 127, 1e-12)
            kept[f"{name}.{end}"] = np.rint(factor / scale).astype(np.int8)
            kept[f"{name}.{end}.scale"] = scale.astype(np.float32)
    return kept


def changed(before: Part, kept: Mapping[str, NDArray[Any]]) -> Part:
    """Return the layer as it was trained, of what `change` kept."""

    def factor(name: str) -> Floats:
        found: Floats = kept[name] * kept[f"{name}.scale"]
        return found

    return {
        name: kept[name].astype(np.float32)
        if array.ndim == 1
        else array + factor(f"{name}.left") @ factor(f"{name}.right").T
        for name, array in before.items()
    }
