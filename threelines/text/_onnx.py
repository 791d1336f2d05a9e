"""Write the encoder's graph in the ONNX file format, without the `onnx` package.

ONNX is a protobuf message; the few fields needed here are written by hand (numbers from
`onnx/onnx.proto`, version 1). The matrices stay in their four-bit blocks: onnxruntime's
`MatMulNBits` reads them as they are, with a zero point of 8. Where an answer waits for the encoder they
are turned into bytes instead (`DynamicQuantizeMatMul`), which takes less time (`bench/encoder_bytes.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

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

    def __init__(self, *, in_bytes: bool) -> None:
        self.in_bytes = in_bytes
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

    def file(self, inputs: list[bytes], outputs: list[bytes]) -> bytes:
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "encoder")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, value) for value in inputs) + b"".join(_field(12, value) for value in outputs)
        sets = _field(8, _field(1, "") + _field(2, 18)) + _field(8, _field(1, _CONTRIBUTED) + _field(2, 1))
        return _field(1, 8) + _field(2, "threelines") + _field(7, graph) + sets


def encoder_graph(weights: Weights, first: int, last: int, *, in_bytes: bool = False) -> bytes:
    """Return the model file of layers `first` (from 0) up to `last`: (`entered`, `mask`) → what leaves the last of them.

    `entered` are floats (texts, tokens, 384): what leaves the layer before, or the rows of the word table.
    """
    shape, graph, flow = weights.shape, _Graph(in_bytes=in_bytes), "entered"
    if first == 0:
        flow = graph.node("LayerNormalization", (flow, *_scale(graph, weights, "emb.ln")), "x0", epsilon=shape.epsilon)
    for layer in range(first, last):
        flow = _layer(graph, weights, layer, flow)
    dims = ("texts", "tokens", shape.hidden)
    return graph.file(
        [_value("entered", _FLOAT, dims), _value("mask", _INT32, ("texts", "tokens"))], [_value(flow, _FLOAT, dims)]
    )


def _scale(graph: _Graph, weights: Weights, name: str) -> tuple[str, str]:
    return graph.constant(f"{name}.w", weights.floats(f"{name}.w")), graph.constant(
        f"{name}.b", weights.floats(f"{name}.b")
    )


def _layer(graph: _Graph, weights: Weights, layer: int, flow: str) -> str:
    shape, name = weights.shape, f"l{layer}"
    three = _three(graph, weights, name, flow)
    bias = graph.constant(f"{name}.qkv.b", np.concatenate([weights.floats(f"{name}.{part}.b") for part in "qkv"]))
    seen = graph.node("MultiHeadAttention", (*three, bias, "mask"), f"{name}.seen", num_heads=shape.heads)
    mixed = _product(graph, weights, f"{name}.ao", seen, shape.hidden, biased=True)
    flow = _added(graph, weights, f"{name}.aln", flow, mixed)
    wider = _product(graph, weights, f"{name}.fi", flow, shape.hidden)
    active = graph.node(
        "BiasGelu", (wider, graph.constant(f"{name}.fi.b", weights.floats(f"{name}.fi.b"))), f"{name}.act"
    )
    back = _product(graph, weights, f"{name}.fo", active, shape.inner, biased=True)
    return _added(graph, weights, f"{name}.oln", flow, back)


def _added(graph: _Graph, weights: Weights, name: str, flow: str, more: str) -> str:
    """Add and scale; as two nodes, which take less time than one `SkipLayerNormalization`."""
    both = graph.node("Add", (flow, more), f"{name}.sum")
    return graph.node(
        "LayerNormalization", (both, *_scale(graph, weights, name)), f"{name}.out", epsilon=weights.shape.epsilon
    )


def _three(graph: _Graph, weights: Weights, name: str, flow: str) -> tuple[str, ...]:
    """Return queries, keys and values; of bytes in one product, whose input is then turned into bytes once."""
    wide = weights.shape.hidden
    if not graph.in_bytes:
        return tuple(_product(graph, weights, f"{name}.{part}", flow, wide) for part in "qkv")
    blocks = np.concatenate([_blocks(weights, f"{name}.{part}.w", wide) for part in "qkv"])
    joined = _product_of_bytes(graph, f"{name}.qkv.w", flow, blocks)
    return graph.nodes("Split", (joined,), tuple(f"{name}.{part}" for part in "qkv"), axis=-1, num_outputs=3)


def _product(graph: _Graph, weights: Weights, name: str, flow: str, inputs: int, *, biased: bool = False) -> str:
    bias = (graph.constant(f"{name}.b", weights.floats(f"{name}.b")),) if biased else ()
    name = f"{name}.w"
    if graph.in_bytes:
        return _product_of_bytes(graph, name, flow, _blocks(weights, name, inputs), bias)
    scales, halves = weights.blocks(name, inputs)
    levels = np.concatenate([halves & 15, halves >> 4], axis=2)
    # the file packs weights j and j+16 in one byte, MatMulNBits weights 2j and 2j+1
    packed = (levels[:, :, 0::2] | levels[:, :, 1::2] << 4).astype(np.uint8)
    given = (flow, graph.constant(name, packed), graph.constant(f"{name}.d", scales.astype(np.float32).reshape(-1)))
    rest = ("", "", *bias) if bias else ()
    return graph.node(
        "MatMulNBits", (*given, *rest), f"{name}.y", K=inputs, N=len(scales), bits=4, block_size=32, accuracy_level=4
    )


def _blocks(weights: Weights, name: str, inputs: int) -> np.ndarray[Any, Any]:
    """Return a matrix of four-bit blocks as numbers, shape (columns, blocks, 32)."""
    scales, halves = weights.blocks(name, inputs)
    return (np.concatenate([halves & 15, halves >> 4], axis=2) - 8.0) * scales[:, :, None]


def _product_of_bytes(
    graph: _Graph, name: str, flow: str, blocks: np.ndarray[Any, Any], bias: tuple[str, ...] = ()
) -> str:
    """Multiply by bytes, each column of the matrix with a scale of its own; `blocks` are (columns, blocks, 32)."""
    matrix = blocks.reshape(len(blocks), -1).T
    scale = np.abs(matrix).max(axis=0) / 127.0
    levels = np.rint(matrix / scale).astype(np.int8)
    given = (flow, graph.constant(name, levels), graph.constant(f"{name}.s", scale.astype(np.float32)))
    return graph.node("DynamicQuantizeMatMul", (*given, *(("", *bias) if bias else ())), f"{name}.y")
