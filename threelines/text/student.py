"""Meaning word by word: a static student of the encoder, for the first look at everything.

A text is the sum of its tokens' vectors, whatever their order. A token's vector is made from its row in the encoder's
own word table by a small network with one hidden layer (`student.npz`, made by `train_student.py`), so nothing of the
size of a vocabulary is stored, and tokens that no training text held have a vector, too. Tens of thousands of short texts
a second; it knows less than the encoder, which looks again at what the student lets through (`signals/semantic.py`).

Vectors of words are kept while they recur; words of scripts without spaces are whole sentences and are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from threelines.text.encoder import Tokens, Vectors

_FILE = "student.npz"
_MOST_WORDS = 60_000
_LONGEST_WORD = 24
_LONGEST_TEXT = 600


class Network:
    """From a row of the encoder's word table to a token's vector."""

    def __init__(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        self.arrays = arrays

    @classmethod
    def load(cls) -> Network:
        """Read the packaged weights."""
        with np.load(str(files("threelines") / "text" / _FILE), allow_pickle=False) as stored:
            return cls({name: stored[name].astype(np.float32) for name in stored.files})

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return int(self.arrays["out"].shape[1])

    def vectors(self, rows: Vectors) -> Vectors:
        """Return tokens' vectors, shape (tokens, size); how long one is says how much the token matters."""
        a = self.arrays
        entered = (rows - a["mean"]) / a["deviation"]
        hidden = (entered @ a["in"] + a["in_bias"]).clip(min=0)
        return (hidden @ a["out"] + entered @ a["past"] + a["out_bias"]).astype(np.float32)

    def place(self, centred: Vectors) -> Vectors:
        """Return where the encoder's centred vectors lie for the student: unit vectors, shape (texts, size)."""
        placed: Vectors = centred @ self.arrays["directions"]
        placed /= np.maximum(np.linalg.norm(placed, axis=1, keepdims=True), 1e-9)
        return placed


class Student:
    """Texts to unit vectors, without context."""

    def __init__(self, tokens: Tokens | None = None, network: Network | None = None) -> None:
        self._tokens = tokens or Tokens()
        self.network = network or Network.load()
        self._token_row = np.full(self._tokens.weights.shape.words, -1, dtype=np.int32)
        self._token_table = np.zeros((0, self.network.size), dtype=np.float32)
        self._forget()

    def _forget(self) -> None:
        self._known: dict[str, int] = {}
        self._table = np.zeros((1, self.network.size), dtype=np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (texts, size); texts are cut at 600 characters."""
        split = [self._tokens.prepared(text[:_LONGEST_TEXT]).split(" ") for text in texts]
        rows = self._rows(split)
        lengths = np.fromiter(map(len, split), dtype=np.int64, count=len(split))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(split) else np.zeros(0, dtype=np.int64)
        summed: Vectors = np.add.reduceat(self._table[rows], starts, axis=0) if len(split) else self._table[:0]
        summed /= np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-9)
        self._table = self._table[: len(self._known) + 1]
        return summed

    def _rows(self, split: list[list[str]]) -> NDArray[np.int64]:
        """Return each word's row in the table; new words are added, long ones behind it and for this call only."""
        if len(self._known) > _MOST_WORDS:
            self._forget()
        known = self._known
        new = dict.fromkeys(word for words in split for word in words if word not in known)
        kept = [word for word in new if len(word) <= _LONGEST_WORD]
        passing = [word for word in new if len(word) > _LONGEST_WORD]
        first = len(self._table)
        known.update(zip(kept, range(first, first + len(kept)), strict=True))
        once = dict(zip(passing, range(first + len(kept), first + len(new)), strict=True))
        if new:
            self._table = np.concatenate([self._table, self._word_vectors([*kept, *passing])])
        place = known | once if once else known
        return np.fromiter((place[word] for words in split for word in words), dtype=np.int64)

    def _word_vectors(self, words: list[str]) -> Vectors:
        tokens = [found or [3] for found in self._tokens.ids(words)]
        flat = np.fromiter((token for found in tokens for token in found), dtype=np.int64)
        self._learn(np.unique(flat))
        lengths = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        found: Vectors = np.add.reduceat(self._token_table[self._token_row[flat]], starts, axis=0)
        return found

    def _learn(self, distinct: NDArray[np.int64]) -> None:
        new = distinct[self._token_row[distinct] < 0]
        if len(new):
            self._token_row[new] = np.arange(len(self._token_table), len(self._token_table) + len(new))
            made = self.network.vectors(self._tokens.rows(new))
            self._token_table = np.concatenate([self._token_table, made])
