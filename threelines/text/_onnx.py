"""Write the encoder's graph in the ONNX file format, without the `onnx` package.

ONNX is a protobuf message; the few fields needed here are written by hand (numbers from
`onnx/onnx.proto`, version 1). The matrices stay in their four-bit blocks: onnxruntime's
`MatMulNBits` reads them as they are, with a zero point of 8. Where an answer waits for the encoder they
are turned into bytes instead (`DynamicQuantizeMatMul`), which takes less time (`bench/encoder_bytes.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from threelines.text.encoder import Weights

_FLOAT, _UINT8, _INT8, _INT32 = 1, 2, 3, 6
_KINDS = {"float32": _FLOAT, "uint8": _UINT8, "int8": _INT8, "int32": _INT32}
_CONTRIBUTED = "com.microsoft"
_CONTRIBUTED_KINDS = frozenset(
    ("MatMulNBits", "DynamicQuantizeMatMul", "MultiHeadAttention", "SkipLayerNormalization", "BiasGelu")
)


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

    def __init__(self, *, in_bytes: bool) -> None:
        self.in_bytes = in_bytes
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, array: np.ndarray[Any, Any]) -> str:
        self._constants.append(_tensor(name, np.ascontiguousarray(array)))
        return name

    def node(self, kind: str, inputs: tuple[str, ...], output: str, **attributes: int | float) -> str:
        body = b"".join(_field(1, name) for name in inputs) + _field(2, output) + _field(4, kind)
        body += b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
        if kind in _CONTRIBUTED_KINDS:
            body += _field(7, _CONTRIBUTED)
        self._nodes.append(body)
        return output

    def file(self, inputs: list[bytes], outputs: list[bytes]) -> bytes:
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "encoder")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, value) for value in inputs) + b"".join(_field(12, value) for value in outputs)
        sets = _field(8, _field(1, "") + _field(2, 17)) + _field(8, _field(1, _CONTRIBUTED) + _field(2, 1))
        return _field(1, 8) + _field(2, "threelines") + _field(7, graph) + sets


def encoder_graph(weights: Weights, read: Sequence[int], *, in_bytes: bool = False) -> bytes:
    """Return the model file: (`entered` floats (texts, tokens, 384), `mask` (texts, tokens)) → what leaves layers `read`.

    Layers count from 1, in rising order; those after the last one read are left out.
    """
    shape, graph = weights.shape, _Graph(in_bytes=in_bytes)
    flow = graph.node("LayerNormalization", ("entered", *_scale(graph, weights, "emb.ln")), "x0", epsilon=shape.epsilon)
    left = []
    for layer in range(read[-1]):
        flow = _layer(graph, weights, layer, flow)
        left += [flow] * (layer + 1 in read)
    dims = ("texts", "tokens", shape.hidden)
    return graph.file(
        [_value("entered", _FLOAT, dims), _value("mask", _INT32, ("texts", "tokens"))], [_value(flow, _FLOAT, dims) for flow in left]
    )


def _scale(graph: _Graph, weights: Weights, name: str) -> tuple[str, str]:
    return graph.constant(f"{name}.w", weights.floats(f"{name}.w")), graph.constant(
        f"{name}.b", weights.floats(f"{name}.b")
    )


def _layer(graph: _Graph, weights: Weights, layer: int, flow: str) -> str:
    shape, name = weights.shape, f"l{layer}"
    wide, inner = shape.hidden, shape.inner
    three = tuple(_product(graph, weights, f"{name}.{part}.w", flow, (wide, wide)) for part in "qkv")
    bias = graph.constant(f"{name}.qkv.b", np.concatenate([weights.floats(f"{name}.{part}.b") for part in "qkv"]))
    seen = graph.node("MultiHeadAttention", (*three, bias, "mask"), f"{name}.seen", num_heads=shape.heads)
    mixed = _product(graph, weights, f"{name}.ao.w", seen, (wide, wide))
    bias = graph.constant(f"{name}.ao.b", weights.floats(f"{name}.ao.b"))
    flow = graph.node(
        "SkipLayerNormalization", (flow, mixed, *_scale(graph, weights, f"{name}.aln"), bias), f"{name}.mid",
        epsilon=shape.epsilon,
    )  # fmt: skip
    wider = _product(graph, weights, f"{name}.fi.w", flow, (wide, inner))
    active = graph.node(
        "BiasGelu", (wider, graph.constant(f"{name}.fi.b", weights.floats(f"{name}.fi.b"))), f"{name}.act"
    )
    back = _product(graph, weights, f"{name}.fo.w", active, (inner, wide))
    bias = graph.constant(f"{name}.fo.b", weights.floats(f"{name}.fo.b"))
    return graph.node(
        "SkipLayerNormalization", (flow, back, *_scale(graph, weights, f"{name}.oln"), bias), f"{name}.out",
        epsilon=shape.epsilon,
    )  # fmt: skip


def _product(graph: _Graph, weights: Weights, name: str, flow: str, sizes: tuple[int, int]) -> str:
    scales, halves = weights.blocks(name, sizes[0])
    levels = np.concatenate([halves & 15, halves >> 4], axis=2)
    if graph.in_bytes:
        return _product_of_bytes(graph, name, flow, (levels - 8.0) * scales[:, :, None])
    # the file packs weights j and j+16 in one byte, MatMulNBits weights 2j and 2j+1
    packed = (levels[:, :, 0::2] | levels[:, :, 1::2] << 4).astype(np.uint8)
    inputs = (flow, graph.constant(name, packed), graph.constant(f"{name}.d", scales.astype(np.float32).reshape(-1)))
    return graph.node(
        "MatMulNBits", inputs, f"{name}.y", K=sizes[0], N=sizes[1], bits=4, block_size=32, accuracy_level=4
    )


def _product_of_bytes(graph: _Graph, name: str, flow: str, blocks: np.ndarray[Any, Any]) -> str:
    """Multiply by bytes, each column of the matrix with a scale of its own; `blocks` are (columns, blocks, 32)."""
    matrix = blocks.reshape(len(blocks), -1).T
    scale = np.abs(matrix).max(axis=0) / 127.0
    levels = np.rint(matrix / scale).astype(np.int8)
    inputs = (flow, graph.constant(name, levels), graph.constant(f"{name}.s", scale.astype(np.float32)))
    return graph.node("DynamicQuantizeMatMul", inputs, f"{name}.y")
