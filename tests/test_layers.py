"""Layers that can be trained: the gradients, and what is kept of a change."""

from __future__ import annotations

import numpy as np
import pytest

from threelines.text import layers
from threelines.text.layers import Noise, Part, Tuned


def random_layers(count: int, classes: int, read: tuple[int, ...] = ()) -> Tuned:
    """Return untrained layers of the right shapes."""
    draw = np.random.default_rng(0)

    def part(shapes: dict[str, tuple[int, ...]]) -> Part:
        return {name: draw.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}

    found = [part(layers.SHAPES) for _ in range(count)]
    for layer in found:
        layer["first"] += 1
        layer["second"] += 1
    return Tuned(found, part({"w": (layers.WIDE * max(1, len(read)), classes), "b": (classes,)}), read=read)


@pytest.mark.parametrize("read", [(), (0, 1, 2)])
def test_gradients_are_those_of_the_loss(read):
    """Every gradient equals what a small step in its direction does to the loss, whichever layers the head reads."""
    net, draw = random_layers(2, 3, read), np.random.default_rng(1)
    flow = draw.normal(size=(2, 5, layers.WIDE)).astype(np.float32)
    mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    wanted, quiet = np.array([[1.0, 0, 0], [0, 0, 1]]), Noise(None)

    def loss() -> float:
        scores = net.forward(flow, mask, quiet)[0].astype(float)
        return float((np.log(np.exp(scores).sum(axis=1)) - (scores * wanted).sum(axis=1)).sum())

    slopes = [{name: np.zeros_like(array) for name, array in part.items()} for part in net.parts]
    scores, kept = net.forward(flow, mask, quiet)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    net.backward((shares - wanted).astype(np.float32), kept, slopes)
    for part, slope in zip(net.parts, slopes, strict=True):
        for name, array in part.items():
            way, before = slope[name] / np.linalg.norm(slope[name]), array.copy()
            array += np.float32(0.01) * way
            up = loss()
            array[...] = before - np.float32(0.01) * way
            down = loss()
            array[...] = before
            assert (up - down) / 0.02 == pytest.approx(float(np.linalg.norm(slope[name])), rel=0.02, abs=1e-3), name


def test_a_text_scores_alone_as_in_a_batch():
    """Padding beside longer texts does not change the scores of a text."""
    net, draw = random_layers(1, 2), np.random.default_rng(2)
    states = [draw.normal(size=(tokens, layers.WIDE)).astype(np.float16) for tokens in (3, 9, 5)]

    together = net.scores(states)

    assert np.allclose(together, np.concatenate([net.scores([found]) for found in states]), atol=1e-4)


def test_a_head_that_was_not_trained_says_nothing():
    """A new head gives every class the same score, and its layers are copies."""
    net = random_layers(1, 2)
    fresh = Tuned.untrained(net.layers, 4, read=(0, 1))

    assert not fresh.scores([np.ones((3, layers.WIDE), dtype=np.float16)]).any()
    assert fresh.layers[0]["mix"] is not net.layers[0]["mix"]


def test_a_change_of_few_directions_is_kept_in_bytes():
    """What `change` keeps of a change in three directions gives the layer back to one part in a hundred."""
    draw = np.random.default_rng(3)
    before = random_layers(1, 2).layers[0]
    after = {
        name: array + 0.02 * (draw.normal(size=(len(array), 3)) @ draw.normal(size=(3, array.shape[-1])))
        if array.ndim > 1
        else array + 0.5
        for name, array in before.items()
    }

    kept = layers.change(before, after, 3)
    back = layers.changed(before, kept)

    assert {array.dtype.name for name, array in kept.items() if name.endswith(("left", "right"))} == {"int8"}
    for name, array in after.items():
        moved = np.linalg.norm(array - before[name])
        assert np.linalg.norm(back[name] - array) <= 0.02 * moved, name


def test_few_directions_are_the_largest():
    """Fewer directions than a change has keep its largest ones."""
    draw = np.random.default_rng(4)
    before = random_layers(1, 2).layers[0]
    large, small = (np.outer(draw.normal(size=layers.WIDE), draw.normal(size=layers.WIDE)) for _ in range(2))
    after = {**before, "mix": before["mix"] + (large + 0.01 * small).astype(np.float32)}

    back = layers.changed(before, layers.change(before, after, 1))

    assert np.linalg.norm(back["mix"] - after["mix"]) < 0.03 * np.linalg.norm(large)
