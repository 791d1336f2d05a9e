"""How much a request reads like requests made to deceive or control people, and which task it asks for: small readers.

Phrases find the words they know; a person who asks in other words is found by this. Two logistic
regressions on hashed words, word pairs and letter groups of the folded text, fitted by
`train_requests.py` on requests written for this project in 28 languages, on everyday lines in 78 and on public texts: one
says how far the request tells a harmful purpose, one which task is asked for (persona, offer,
translation, move, control). A session adds up its most telling requests, and the order of its tasks.
In a language that they have not learned they stay near their constants and say nothing: there `meaning.py`, where
its extra is installed, reads as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.grade import identify
from threelines.ai_models.intent import steps_in_order
from threelines.text.fold import fold
from threelines.text.grams import character_grams, counted, letters, word_grams

if TYPE_CHECKING:
    from threelines.ai_models.meaning import Meaning

BITS = 16
"""Columns: 65,536 hashed features."""
TASKS = ("persona", "offer", "translation", "move", "control", "none")
"""What a request can ask for; the first four are the steps of a recruitment."""
SURE = 0.5
"""Probability from which a task is named."""

TELLING = 3
"""Requests of a session that are added up: the most telling ones."""
SILENT = -1.5
"""Log odds at and below which a request adds nothing."""
CALM = -3.5
"""Log odds by words at and below which an English request is not read by meaning: six of ten everyday ones, and none
of the packaged misuse scenarios."""
MOST = 5.0
"""One request never counts as more than these log odds (chosen by what `train_requests.py` prints of held-out sessions)."""
AROUND = 250
"""Characters up to which a text is read by meaning as a whole only."""
APART = 1.0
"""What a sentence taken out of its text counts less, in log odds: what would explain it may stand beside it."""
FADES = 0.985
"""What a telling request still counts after each further turn: half after 46 turns."""
TOLD = 1.5
"""Evidence from which a request counts as telling in its task."""
LAST_TASKS = 24
"""Tasks of a session that are remembered."""
CONCERN = (0.25, 0.5, 0.75)
"""Concern at the sums that 3%, 1% and 0.1% of honest sessions reach."""
SHARES = (0.03, 0.01, 0.001)
USUAL, RISE = 3.0, 1.5
"""Requests near the subject of a usual session, and by how much marks rise with the logarithm of how often more they are: who
works near it all day meets the usual marks sooner or later (`train_requests.py` prints how many such sessions reach them)."""

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_SHORTEST = 12
"""Characters of the shortest sentence that is quoted by itself."""


class Scale(NamedTuple):
    """What a session's parts weigh, and where its sum stands; fitted for each way of reading."""

    mix: tuple[float, ...]
    """Weights of `Parts`."""
    marks: tuple[float, float, float]
    """Sums that 3%, 1% and 0.1% of honest sessions of usual length reach, on groups that were held out."""

    def marks_at(self, near: float) -> tuple[float, float, float]:
        """Return the marks of a session with so many requests near the subject, as `Tally` counts them."""
        low, middle, high = self.marks
        more = RISE * math.log(max(near, USUAL) / USUAL)
        return low + more, middle + more, high + more


class Weights(NamedTuple):
    """What `train_requests.py` fitted."""

    rarity: NDArray[np.float32]
    """Inverse document frequency by column."""
    weight: NDArray[np.float32]
    constant: float
    tasks: NDArray[np.float32]
    """Weights of the tasks, shape (columns, tasks)."""
    task_constants: NDArray[np.float32]
    words: Scale
    """Where words are read alone."""
    both: Scale
    """Where meaning is read as well."""


class Read(NamedTuple):
    """One request, read."""

    score: float
    """Log odds, positive where it reads like a request to deceive or control people."""
    task: str
    """The task asked for, or "none"."""


class Parts(NamedTuple):
    """What of a session is added up; each part weighs by `Weights.mix`."""

    first: float = 0.0
    second: float = 0.0
    third: float = 0.0
    """The most telling requests (`evidence`)."""
    ordered: float = 0.0
    """Steps of a recruitment beyond the first that came in their order."""
    fan: float = 0.0
    """1 where a text goes into three languages or more."""
    tasks: float = 0.0
    """Tasks beyond the first in which a telling request stands."""


class Tally(NamedTuple):
    """What the small readers found in a session so far; it fades from turn to turn."""

    like: tuple[float, ...] = ()
    """Evidence of the most telling requests, highest first."""
    near: float = 0.0
    """Requests near the subject: a telling one counts one, one that tells less its share of that; faded as they are."""
    tasks: tuple[str, ...] = ()
    """Steps asked for, in order."""
    told: tuple[str, ...] = ()
    """Tasks in which a telling request stood."""

    def after(self, added: float, task: str) -> Tally:
        """Return the tally after a request of this evidence and task."""
        like = tuple(round(one * FADES, 4) for one in self.like)
        near = round(self.near * FADES, 4)
        if added > 0:
            like, near = tuple(sorted((*like, added), reverse=True)[:TELLING]), round(near + min(1.0, added / TOLD), 4)
        step = task in TASKS[:4] and task not in self.tasks[-1:]
        return Tally(
            like, near, (*self.tasks, task)[-LAST_TASKS:] if step else self.tasks,
            tuple(sorted({*self.told, task})) if added >= TOLD and task != "none" else self.told,
        )  # fmt: skip

    def parts(self, *, fan: bool) -> Parts:
        """Return what is added up; `fan`: whether a text goes into three languages or more."""
        top = [*sorted(self.like, reverse=True)[:TELLING], 0.0, 0.0, 0.0]
        return Parts(
            top[0], top[1], top[2], max(0.0, steps_in_order(self.tasks) - 1.0), float(fan), max(0.0, len(self.told) - 1.0)
        )  # fmt: skip


class Features(NamedTuple):
    """Rows of unit length, sparse: text, column, value."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    damped: NDArray[np.float32]


def features(texts: Sequence[str]) -> Features:
    """Return damped counts of hashed words, word pairs and letter groups."""
    batch = letters([fold(text) for text in texts])
    grams = [*word_grams(batch, (1, 2), salt=1), *character_grams(batch, (3, 4, 5), salt=2)]
    row, column, count = counted(grams, BITS)
    return Features(row, column, (1.0 + np.log(count)).astype(np.float32))


def scaled(found: Features, rarity: NDArray[np.float32], texts: int) -> NDArray[np.float32]:
    """Return values weighted by rarity, each text at unit length."""
    values = found.damped * rarity[found.column]
    length = np.sqrt(np.bincount(found.row, values**2, minlength=texts))
    return np.asarray(values / np.maximum(length, 1e-9)[found.row], dtype=np.float32)


def read(text: str, meaning: Meaning | None = None) -> Read:
    """Read one request, by its words and, where there is a reader of it, by its meaning.

    By meaning the most telling sentence of a longer text is read by itself as well: what stands around it hides it.
    """
    whole = _read(text, meaning)
    if meaning is None or len(text) <= AROUND:
        return whole
    start, end = telling(text)
    return whole if end - start > len(text) // 2 else max(whole, read_apart(text[start:end], meaning), key=_score)


def read_apart(sentence: str, meaning: Meaning | None) -> Read:
    """Read a sentence that was taken out of its text."""
    found = _read(sentence, meaning)
    return found._replace(score=round(found.score - APART, 4))


def _score(found: Read) -> float:
    return found.score


def _read(text: str, meaning: Meaning | None) -> Read:
    made = weights()
    found = features([text])
    values = scaled(found, made.rarity, 1)
    score = float(values @ made.weight[found.column]) + made.constant
    odds = values @ made.tasks[found.column] + made.task_constants
    if meaning is not None and not (score <= CALM and identify(text) == "en"):
        sense, odds = meaning.read(text)
        score = float(joint(score, sense))
    place = int(np.argmax(odds))
    share = 1.0 / float(np.exp(odds - odds[place]).sum())
    return Read(round(score, 4), TASKS[place] if share >= SURE else "none")


def joint(words: Any, sense: Any) -> Any:
    """Add to what is read by meaning half of what words say for it: in languages they do not know they say nothing."""
    return sense + 0.5 * np.maximum(words, 0.0)


def scores(texts: Sequence[str]) -> NDArray[np.float64]:
    """Return log odds, positive where a text reads like a request to deceive or control people."""
    if not texts:
        return np.zeros(0)
    made = weights()
    found = features(texts)
    values = scaled(found, made.rarity, len(texts))
    sums = np.bincount(found.row, values * made.weight[found.column], minlength=len(texts))
    return np.round(sums + made.constant, 4)


def evidence(score: float) -> float:
    """Return what one request adds to its session: 0 and up."""
    return round(max(0.0, min(score, MOST) - SILENT), 4)


def total(parts: Parts, scale: Scale) -> float:
    """Return a session's sum."""
    return round(float(np.dot(scale.mix, parts)), 4)


def concern(found: float, near: float, scale: Scale) -> float:
    """Place a session's sum between 0 and 1 by the share of honest sessions that reach it, of as many requests `near` the subject."""
    marks = scale.marks_at(near)
    return round(float(np.interp(found, (0.0, *marks, 2.0 * marks[-1]), (0.0, *CONCERN, 0.95))), 4)


def telling(text: str) -> tuple[int, int]:
    """Return the span of the sentence that speaks most for the score: what is quoted."""
    spans = [match.span() for match in _SENTENCE.finditer(text) if len(match[0].strip()) >= _SHORTEST]
    if len(spans) < 2:
        return 0, len(text)
    best = int(np.argmax(scores([text[start:end] for start, end in spans])))
    start, end = spans[best]
    return start + len(text[start:end]) - len(text[start:end].lstrip()), end


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Return the packaged weights."""
    with (files("threelines") / "ai_models" / "requests.npz").open("rb") as stream:
        kept = np.load(stream)
        return Weights(
            rarity=kept["rarity"].astype(np.float32),
            weight=kept["weight"].astype(np.float32),
            constant=float(kept["constant"]),
            tasks=np.ascontiguousarray(kept["tasks"].astype(np.float32) * kept["task_scale"]),
            task_constants=kept["task_constants"].astype(np.float32),
            words=_scale(kept["words_mix"], kept["words_marks"]),
            both=_scale(kept["both_mix"], kept["both_marks"]),
        )


def _scale(mix: NDArray[np.float32], marks: NDArray[np.float32]) -> Scale:
    low, middle, high = map(float, marks)
    return Scale(tuple(map(float, mix)), (low, middle, high))
