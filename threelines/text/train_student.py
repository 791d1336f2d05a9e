"""Distil the static student from the encoder and from translations that Debian ships.

    python -m threelines.text.train_student PACKAGES SETS

PACKAGES is a folder into which Debian packages were unpacked (`dpkg-deb -x PACKAGE.deb PACKAGES`): libreoffice-l10n-CODE
for CODE in am ar bg bn de es fa fr gu hi id it ja km
ko ne om pl pt-br ro ru si ta th tr uk uz vi zh-cn, and firefox-esr-l10n-en-gb, -my, -tl, -ur (Mozilla Public License 2.0). SETS is the
folder of labelled sets; only those marked for training are read. A translation is to lie where the encoder puts its
English original; everyday sentences and incident reports are to lie where the encoder puts them. Only weights are stored.

The loss is InfoNCE (van den Oord, Li and Vinyals 2018) over the other texts of a batch, and the cosine itself; Adam
(Kingma and Ba 2015), written out in numpy. One core, about six minutes beside five for the encoder.
"""

from __future__ import annotations

import gettext
import gzip
import html
import random
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.text.background import background
from threelines.text.encoder import Encoder, Tokens, Vectors

HIDDEN, SIZE, EPOCHS, BATCH = 1024, 192, 4, 1024
_SHARPNESS = 0.05
"""Temperature of the loss."""
_RATE = 2e-3
_LONGEST = 64
_UNKNOWN = 3
_MARK = re.compile(
    r"[~_](?=\w)|\$\([\w ]+\)|%[A-Z0-9_]+|%\d*\$?[sSdiu]|%[a-z]+|\{ ?\$?[^}]*\}|<[^>]*>|\$\{[^}]*\}|\$[a-z_0-9]+"
)
"""Marks of the keyboard and placeholders in a program's texts."""
_ENTRY = re.compile(r"^([\w.-]+) ?= ?(\S.*)$", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?。！？؟।။።\n|]+")
_SETS: dict[str, tuple[int, int]] = {
    "benign_dialogues": (1, 1200), "sms_th": (1, 900), "sms_sw": (1, 900), "phonecalls_zh_teleantifraud_llm": (5, 1500),
    "aitext_glimpse": (1, 800), "incidents_aiid_mit": (1, 800), "llm_misuse_prompts": (1, 800),
    "extortion_en_ransomchats": (1, 1500),
}  # fmt: skip
"""Sets marked for training: one row in how many is read, and how many sentences of each language."""
_AGAIN = 4
"""Everyday sentences are few and of the kind that is scanned: each is read four times as often as a translation."""


class Lesson(NamedTuple):
    """What the student learns: a text's tokens, and where the text belongs."""

    tokens: NDArray[np.int64]
    """Tokens of all texts, one text after the other."""
    lengths: NDArray[np.int64]
    wanted: NDArray[np.int64]
    """For each text, its row in `places`."""
    places: Vectors
    translated: int
    """So many texts are translations; the others stand for themselves."""


def translations(packages: Path) -> Iterator[tuple[str, str]]:
    """Yield (English, translation) of three to thirty English words."""
    english: dict[tuple[str, str], str] = {}
    for path in sorted(packages.rglob("*.xpi"), key=lambda path: "en-gb" not in path.name.lower()):
        own = _texts_of(path)
        english = english or own
        yield from _worth((english.get(key, ""), text) for key, text in own.items())
    for path in sorted(packages.rglob("*.mo")):
        with path.open("rb") as file:
            catalogue: dict[Any, str] = vars(gettext.GNUTranslations(file))["_catalog"]
        named = {key: text for key, text in catalogue.items() if isinstance(key, str)}
        yield from _worth((_clean(key.split("\x04")[-1]), _clean(text)) for key, text in named.items())


def _texts_of(path: Path) -> dict[tuple[str, str], str]:
    """Return the texts of a Firefox language pack by file and key."""
    found = {}
    with zipfile.ZipFile(path) as pack:
        for name in pack.namelist():
            if name.endswith((".properties", ".ftl")):
                place = "/".join(name.split("/")[-2:])
                for key, text in _ENTRY.findall(pack.read(name).decode("utf-8", "replace")):
                    found[place, key] = _clean(text)
    return found


def _clean(text: str) -> str:
    return " ".join(_MARK.sub(lambda mark: "" if mark[0] in "~_" else " ", html.unescape(text)).split())


def _worth(pairs: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for english, text in dict.fromkeys(pairs):
        if 3 <= len(english.split()) <= 30 and len(text) > 5 and english != text:
            yield english, text


def sentences(sets: Path) -> list[str]:
    """Return sentences of the sets, a fixed sample of each language."""
    rng, taken = random.Random(1), []
    for name, (step, most) in _SETS.items():
        by_language: dict[str, set[str]] = {}
        with gzip.open(sets / f"{name}.jsonl.gz", "rb") as lines:
            for row in map(msgspec.json.decode, islice(lines, 0, None, step)):
                said = [turn["text"] for turn in row["turns"]] if "turns" in row else [row["text"]]
                cut = (match[0].strip() for text in said for match in _SENTENCE.finditer(text))
                by_language.setdefault(row["lang"], set()).update(one for one in cut if 12 <= len(one) <= 200)
        for language in sorted(by_language):
            found = sorted(by_language[language])
            rng.shuffle(found)
            taken += found[:most]
    return taken


def lesson(packages: Path, sets: Path) -> tuple[Lesson, Vectors]:
    """Read, encode and cut into tokens; also return the directions kept, shape (384, SIZE)."""
    pairs = list(translations(packages))
    english = sorted({original for original, _ in pairs})
    own = [*english, *sentences(sets)]
    centred = Encoder(longest=40).encode(own) - background().mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    _, directions = np.linalg.eigh(centred.T @ centred)
    kept: Vectors = directions[:, ::-1][:, :SIZE].astype(np.float32)
    places = centred @ kept
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    row = {text: number for number, text in enumerate(english)}
    wanted = [row[original] for original, _ in pairs] + list(range(len(own)))
    reader = Tokens()
    ready = [reader.prepared(text[:400]) for text in (*(text for _, text in pairs), *own)]
    cut = [np.asarray(found[:_LONGEST] or [_UNKNOWN]) for found in reader.ids(ready)]
    return Lesson(
        np.concatenate(cut), np.asarray([len(found) for found in cut]), np.asarray(wanted), places, len(pairs)
    ), kept  # fmt: skip


class Adam:
    """Adam with a rate that falls to nothing."""

    def __init__(self, arrays: dict[str, Vectors], steps: int) -> None:
        self.arrays, self.steps, self.step = arrays, steps, 0
        self._mean = {name: np.zeros_like(array) for name, array in arrays.items()}
        self._square = {name: np.zeros_like(array) for name, array in arrays.items()}

    def move(self, slopes: dict[str, Vectors]) -> None:
        """Take one step."""
        self.step += 1
        rate = _RATE * min(1.0, self.step / 50) * (1 - 0.95 * self.step / self.steps)
        for name, slope in slopes.items():
            self._mean[name] += 0.1 * (slope - self._mean[name])
            self._square[name] += 0.01 * (slope * slope - self._square[name])
            size = np.sqrt(self._square[name] / (1 - 0.99**self.step)) + 1e-8
            self.arrays[name] -= rate * self._mean[name] / (1 - 0.9**self.step) / size


def train(what: Lesson, rows: Vectors, used: NDArray[np.int64]) -> dict[str, Vectors]:
    """Fit the network; `rows` are the word table's rows of the tokens `used`, already scaled."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    arrays = _start(rng, rows.shape[1])
    place = np.searchsorted(used, what.tokens)
    ends = np.cumsum(what.lengths)
    count = len(_order(rng, what)) // BATCH
    adam = Adam(arrays, EPOCHS * count)
    for _ in range(EPOCHS):
        order = _order(rng, what)
        for batch in range(count):
            picked = order[batch * BATCH : (batch + 1) * BATCH]
            picked = picked[np.unique(what.wanted[picked], return_index=True)[1]]  # one text of each meaning
            flat = np.concatenate([place[ends[one] - what.lengths[one] : ends[one]] for one in picked])
            distinct, column = np.unique(flat, return_inverse=True)
            row = np.repeat(np.arange(len(picked)), what.lengths[picked])
            holds = csr_matrix((np.ones(len(flat), np.float32), (row, column)), shape=(len(picked), len(distinct)))
            adam.move(slopes(arrays, holds, rows[distinct], what.places[what.wanted[picked]]))
    return arrays


def _order(rng: np.random.Generator, what: Lesson) -> NDArray[np.int64]:
    """Return the texts of one round: half of the translations, and the others again and again."""
    own = np.arange(what.translated, len(what.lengths))
    half = rng.permutation(what.translated)[: what.translated // 2]
    return rng.permutation(np.concatenate([half, *[own] * _AGAIN]))


def _start(rng: np.random.Generator, wide: int) -> dict[str, Vectors]:
    def scattered(first: int, second: int) -> Vectors:
        drawn: Vectors = (rng.standard_normal((first, second)) / np.sqrt(first)).astype(np.float32)
        return drawn

    return {
        "in": scattered(wide, HIDDEN), "in_bias": np.zeros(HIDDEN, np.float32), "out": scattered(HIDDEN, SIZE),
        "past": scattered(wide, SIZE), "out_bias": np.zeros(SIZE, np.float32),
    }  # fmt: skip


def slopes(arrays: dict[str, Vectors], holds: Any, rows: Vectors, wanted: Vectors) -> dict[str, Vectors]:
    """Return the loss's slope for each array: `holds` (texts, tokens) says which tokens a text holds."""
    before = rows @ arrays["in"] + arrays["in_bias"]
    hidden = np.maximum(before, 0)
    summed = holds @ (hidden @ arrays["out"] + rows @ arrays["past"] + arrays["out_bias"])
    length = np.linalg.norm(summed, axis=1, keepdims=True) + 1e-6
    unit = summed / length
    scores = unit @ wanted.T / _SHARPNESS
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    share /= share.sum(axis=1, keepdims=True)
    share[np.arange(len(share)), np.arange(len(share))] -= 1
    pull = share @ wanted / (_SHARPNESS * len(share)) - wanted * (2.0 / len(share))
    token = holds.T @ ((pull - (pull * unit).sum(axis=1, keepdims=True) * unit) / length)
    inner = (token @ arrays["out"].T) * (before > 0)
    return {
        "in": rows.T @ inner, "in_bias": inner.sum(axis=0), "out": hidden.T @ token, "past": rows.T @ token,
        "out_bias": token.sum(axis=0),
    }  # fmt: skip


def main(packages: str, sets: str) -> None:
    """Write `student.npz` beside this module."""
    what, directions = lesson(Path(packages), Path(sets))
    used = np.unique(what.tokens)
    rows = Tokens().rows(used)
    scale = {"mean": rows.mean(axis=0), "deviation": np.float32(rows.std())}
    arrays = train(what, (rows - scale["mean"]) / scale["deviation"], used)
    stored = {**arrays, **scale, "directions": directions}
    np.savez_compressed(
        Path(__file__).with_name("student.npz"), allow_pickle=False,
        **{name: np.asarray(array, dtype=np.float16) for name, array in stored.items()},
    )  # fmt: skip


if __name__ == "__main__":
    import sys

    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
