"""A platform's own labels as one file: class probabilities for a thread, with numpy alone.

An adapter is linear: each view (`views.py`) weighs the n-grams it has seen, the sums are turned
into probabilities by a calibration that was fitted on held-out folds. It holds hashes and weights,
no words, no account, no pickle; a file that does not check out is refused before it is used.

An adapter fitted with `--encoder frozen` also weighs the encoder's vector (view `meaning`), one with
`--encoder tuned` also holds the encoder's top layers as that platform trained them (`tuning.py`,
14 MB); both need the extra `semantic`. The layers are trained on people's words as any model is:
what a model can give back of its training, these might. Keep such a file as you keep the labels.

The file: 8 bytes of magic, the length of the header (u64, little-endian), the header (JSON), then
the arrays at the offsets the header names. The header carries the SHA-256 of itself (with no digest
in it) and the arrays: it catches damage, not a forger, who can make a checksum too.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.platforms.tuning import LAYERS, TUNED, lower
from threelines.platforms.views import BITS, MEANING, MEANING_SIZE, VIEWS, Columns, columns, meaning, print_of, words_of
from threelines.records import Thread, ThreelinesError, filled
from threelines.text.layers import SHAPES, WIDE, Part, Tuned

MAGIC = b"3LINEADP"
VERSION = 3
MOST_CLASSES = 200
_LONGEST_HEADER = 1 << 20
_LARGEST_FILE = 1 << 29
_LARGEST_NUMBER = 1e12
"""Of a calibration: scores times this are still numbers."""
_LARGEST_IDF = 1e6
"""Squares of it, times counts, are still numbers."""
_BATCH = 512
LEAST_READ = 0.1
"""Of a text's n-grams, the share that an adapter must know to say anything of it."""

Floats = NDArray[np.float32]


class AdapterError(ThreelinesError):
    """A file is not an adapter this version can use."""


class ArrayPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an array lies after the header."""

    dtype: Literal["<f2", "<f4", "<u4"]
    shape: tuple[int, ...]
    offset: int


@filled
class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything about an adapter but its arrays."""

    version: int
    made_by: str
    """`threelines 0.1.0`."""
    classes: tuple[str, ...]
    views: tuple[str, ...]
    temperature: float
    """Calibration: probabilities are softmax(temperature · score + bias)."""
    bias: tuple[float, ...]
    recipe: str
    figures: dict[str, Any] = {}
    """Cross-validated, see `threelines fit`."""
    card: dict[str, Any] = {}
    """What it was fitted on, and what it must not be used for."""
    prints: dict[str, str] = {}
    """View → what `views.print_of` said of it when this was fitted."""
    arrays: dict[str, ArrayPlace] = {}
    digest: str = ""


@filled
class _Version(msgspec.Struct, frozen=True):
    version: int


class Adapter:
    """Class probabilities of threads.

    `weights[view]` is (columns, inverse document frequency, weight of each column for each class);
    `tuned` are the encoder's top layers, where the view `tuned` is among the header's.
    """

    def __init__(
        self, header: Header, weights: dict[str, tuple[NDArray[np.uint32], Floats, Floats]], tuned: Tuned | None = None
    ) -> None:
        self.header = header
        self.weights = weights
        self.tuned = tuned
        self._tables = {name: _table(known) for name, (known, _, _) in weights.items() if name != MEANING}

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in the order of the probabilities."""
        return self.header.classes

    def labels(self, thread: Thread) -> dict[str, float]:
        """Return the probability of each class, rounded to four places; `label_all` is faster for many.

        Nothing for a thread without words, or in words of which the adapter knows hardly any part (another script).
        """
        return self.label_all((thread,))[0]

    def label_all(self, threads: Sequence[Thread]) -> list[dict[str, float]]:
        """Return the probabilities of many threads, empty for those of which nothing was read."""
        shares, read = self.read([words_of(thread) for thread in threads])
        rows = shares.astype(float).round(4).tolist()
        return [
            dict(zip(self.classes, row, strict=True)) if part >= LEAST_READ else {}
            for row, part in zip(rows, read, strict=True)
        ]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return probabilities, shape (texts, classes)."""
        return self.read(texts)[0]

    def read(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return probabilities, shape (texts, classes), and the share of each text that was read, 0 to 1, shape (texts).

        The share is that of the text's n-grams which the adapter knows, beyond what chance would find among hashes.
        """
        if not texts:
            return np.zeros((0, len(self.classes))), np.zeros(0)
        parts = [self._read(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        scores, read = (np.concatenate(part) for part in zip(*parts, strict=True))
        return softmax(scores * self.header.temperature + np.asarray(self.header.bias)), read

    def _read(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return scores before calibration, shape (texts, classes), and the share of each text that was read."""
        total = np.zeros((len(texts), len(self.classes)))
        met, all_met = np.zeros(len(texts)), np.zeros(len(texts))
        if MEANING in self.weights:
            _, scale, weight = self.weights[MEANING]
            total += (meaning(texts) * scale) @ weight
        if self.tuned:
            total += self.tuned.scores(lower(texts))
        for name, found in columns(texts, [name for name in self.header.views if name in VIEWS]).items():
            _, idf, weight = self.weights[name]
            place = self._tables[name][found.columns]
            kept = place >= 0
            chance = len(idf) / (1 << BITS)
            held = np.bincount(found.rows, minlength=len(texts))
            rows, place = found.rows[kept], place[kept]
            met += np.bincount(rows, minlength=len(texts)) - chance * held
            all_met += (1 - chance) * held
            value = damped(found.counts[kept]) * idf[place]
            norm = np.sqrt(np.bincount(rows, value * value, minlength=len(texts)))
            value /= np.maximum(norm, 1e-9)[rows]
            for index in range(len(self.classes)):
                total[:, index] += np.bincount(rows, value * weight[place, index], minlength=len(texts))
        # The encoder reads every script.
        share = np.ones(len(texts)) if self.tuned or MEANING in self.weights else met / np.maximum(all_met, 1e-9)
        return total, np.clip(share, 0, 1) * [_has_words(text) for text in texts]

    def save(self, path: Path) -> None:
        """Write the file; the same adapter gives the same bytes. Raise AdapterError for one that `load` would refuse."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, (known, idf, weight) in sorted(self.weights.items()):
            arrays |= {f"{name}.columns": known.astype("<u4"), f"{name}.idf": idf.astype("<f4")}
            arrays[f"{name}.weight"] = weight.astype("<f2")
        for index, part in enumerate(self.tuned.parts if self.tuned else ()):
            arrays |= {f"{TUNED}.{index}.{name}": array.astype("<f2") for name, array in sorted(part.items())}
        places, blob = {}, bytearray()
        for name, array in arrays.items():
            places[name] = ArrayPlace(array.dtype.str, array.shape, len(blob))  # type: ignore[arg-type]
            blob += array.tobytes()
            blob += bytes(-len(blob) % 8)
        header = msgspec.structs.replace(self.header, arrays=places)
        raw = _encoded(msgspec.structs.replace(header, digest=_digest(header, bytes(blob))))
        whole = MAGIC + struct.pack("<Q", len(raw)) + raw + blob
        type(self)._decoded(path, whole)
        path.write_bytes(whole)

    @classmethod
    def load(cls, path: Path) -> Adapter:
        """Read and check a file."""
        if path.stat().st_size > _LARGEST_FILE:
            raise AdapterError(f"{path}: larger than any adapter ({_LARGEST_FILE >> 20} MB); is it another file?")
        return cls._decoded(path, path.read_bytes())

    @classmethod
    def _decoded(cls, path: Path, raw: bytes) -> Adapter:
        header, blob = _header(path, raw)
        if _digest(header, blob) != header.digest:
            raise AdapterError(f"{path}: damaged (it does not match its checksum); copy it again or fit again")
        _check(path, header)
        read = {name: _array(path, name, place, blob) for name, place in header.arrays.items()}
        weights = {name: _view_weights(path, name, header, read) for name in header.views if name != TUNED}
        return cls(header, weights, _tuned_layers(path, header, read) if TUNED in header.views else None)


def _has_words(text: str) -> bool:
    return any(map(str.isalpha, text))


def softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn each row into probabilities."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return shares


def damped(counts: NDArray[np.int64]) -> Floats:
    """Return 1 + log(count): the tenth repetition says little."""
    return (1 + np.log(counts)).astype(np.float32)


def _table(known: NDArray[np.uint32]) -> NDArray[np.int32]:
    table = np.full(1 << BITS, -1, dtype=np.int32)
    table[known] = np.arange(len(known), dtype=np.int32)
    return table


def _header(path: Path, raw: bytes) -> tuple[Header, bytes]:
    if raw[:8] != MAGIC or len(raw) < 16:
        raise AdapterError(f"{path}: not an adapter; make one with `threelines fit LABELLED --out {path.name}`")
    (size,) = struct.unpack_from("<Q", raw, 8)
    if size > _LONGEST_HEADER or 16 + size > len(raw):
        raise AdapterError(f"{path}: damaged header; copy it again or fit again")
    try:
        version = msgspec.json.decode(raw[16 : 16 + size], type=_Version).version
        if version != VERSION:
            raise AdapterError(f"{path}: version {version}, this is version {VERSION}; fit again with this version")
        return msgspec.json.decode(raw[16 : 16 + size], type=Header), raw[16 + size :]
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as fault:
        raise AdapterError(f"{path}: damaged header ({fault}); copy it again or fit again") from fault


def _encoded(header: Header) -> bytes:
    return msgspec.json.encode(header, order="deterministic")


def _digest(header: Header, blob: bytes) -> str:
    found = sha256(_encoded(msgspec.structs.replace(header, digest="")))
    found.update(blob)
    return found.hexdigest()


def _check(path: Path, header: Header) -> None:
    """Refuse what an adapter of this version never says."""
    unknown = sorted(set(header.views) - {*VIEWS, MEANING, TUNED})
    classes, views = len(set(header.classes)), len(set(header.views))
    if unknown or not views or views != len(header.views):
        raise AdapterError(f"{path}: views cannot be used ({', '.join(unknown) or 'none, or one twice'}); fit again")
    changed = sorted(name for name in header.views if name in VIEWS and header.prints.get(name) != print_of(name))
    if changed:
        raise AdapterError(
            f"{path}: fitted where letters were read otherwise (views {', '.join(changed)}), so its weights are no longer those "
            "of the same words; fit again"
        )
    if classes != len(header.classes) or not 2 <= classes <= MOST_CLASSES or len(header.bias) != classes:
        raise AdapterError(
            f"{path}: classes cannot be used (two of one name, too few or too many, or not one bias each); fit again"
        )
    finite = all(abs(value) < _LARGEST_NUMBER for value in header.bias)
    if not finite or not 0 < header.temperature < _LARGEST_NUMBER:
        raise AdapterError(f"{path}: its calibration is out of range, so no probability can be given; fit again")


def _array(path: Path, name: str, place: ArrayPlace, blob: bytes) -> NDArray[Any]:
    # Python's whole numbers: a product of hostile sides does not wrap to a small one.
    count = math.prod(place.shape)
    end = place.offset + count * np.dtype(place.dtype).itemsize
    if len(place.shape) > 2 or min((0, *place.shape, place.offset)) < 0 or max((end, *place.shape)) > len(blob):
        raise AdapterError(f"{path}: array {name} lies outside the file; copy it again or fit again")
    array = np.frombuffer(blob, dtype=place.dtype, count=count, offset=place.offset).reshape(place.shape)
    if not np.isfinite(array).all():
        raise AdapterError(f"{path}: array {name} holds what is no number; fit again")
    return array


def _view_weights(
    path: Path, name: str, header: Header, read: dict[str, NDArray[Any]]
) -> tuple[NDArray[np.uint32], Floats, Floats]:
    try:
        known, idf, weight = (read[f"{name}.{part}"] for part in ("columns", "idf", "weight"))
    except KeyError as missing:
        raise AdapterError(f"{path}: array {missing} is missing; fit again") from missing
    fits = known.ndim == 1 and idf.shape == known.shape and weight.shape == (len(known), len(header.classes))
    if not fits or known.dtype != np.uint32 or (len(known) and int(known.max()) >= 1 << BITS):
        raise AdapterError(f"{path}: arrays of view {name} do not fit each other; fit again")
    if name == MEANING and len(known) != MEANING_SIZE:
        raise AdapterError(f"{path}: view {name} has {len(known)} numbers, not {MEANING_SIZE}; fit again")
    if len(idf) and not 0 <= float(idf.min()) <= float(idf.max()) <= _LARGEST_IDF:
        raise AdapterError(f"{path}: array {name}.idf is out of range, so no probability can be given; fit again")
    return known, idf.astype(np.float32), weight.astype(np.float32)


def _tuned_layers(path: Path, header: Header, read: dict[str, NDArray[Any]]) -> Tuned:
    head = {"w": (WIDE, len(header.classes)), "b": (len(header.classes),)}
    parts: list[Part] = []
    for index, shapes in enumerate([SHAPES] * LAYERS + [head]):
        part = {name: read.get(f"{TUNED}.{index}.{name}") for name in shapes}
        for name, array in part.items():
            if array is None or array.shape != shapes[name] or array.dtype != np.float16:
                raise AdapterError(f"{path}: array {TUNED}.{index}.{name} is missing or does not fit; fit again")
        parts.append({name: array.astype(np.float32) for name, array in part.items() if array is not None})
    return Tuned(parts[:-1], parts[-1])


def known_columns(found: Columns, *, at_least: int, at_most: int) -> NDArray[np.uint32]:
    """Return the columns that enough texts hold, the most frequent ones where there are too many."""
    held = np.bincount(found.columns, minlength=1 << BITS)
    kept = np.flatnonzero(held >= at_least)
    if len(kept) > at_most:
        kept = np.sort(kept[np.argsort(-held[kept], kind="stable")[:at_most]])
    return kept.astype(np.uint32)
