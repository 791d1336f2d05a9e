"""Rebuild `requests.npz` and `meaning.npz`, the readers of requests.

    python -m threelines.ai_models.train_requests ../shared/data

Fitted on what `request_examples.py` names. Needs the extra `semantic`; on two cores it takes some 40 minutes, most of
it the layers of the encoder (`train_meaning.py`), which are trained twice, side by side: on three fifths of the groups, to be
measured and to set the marks, and on everything, to be shipped. Set OMP_NUM_THREADS=1.

What a session's parts weigh, and where its sum stands among honest ones, is fitted on sessions drawn
from lines that the readers had not seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.likeness import (
    BITS,
    SHARES,
    SILENT,
    SURE,
    TASKS,
    Parts,
    Scale,
    Tally,
    evidence,
    features,
    joint,
    scaled,
)
from threelines.ai_models.request_examples import STAGES, Example, examples
from threelines.ai_models.tongues import named_languages
from threelines.ai_models.train_meaning import encode, fit_glance, kept_small, tune
from threelines.ai_models.train_meaning import save as save_meaning
from threelines.text.fold import fold
from threelines.text.layers import Half, Tuned

HERE = Path(__file__).parent
STRENGTH = 6.0
"""Inverse of the penalty, by five-fold cross-validation."""
NEAR = {"words": 0.1, "both": 0.15}
"""Share of honest sessions that are near to the subject, when marks are set. By words alone so few misuse sessions stand above
honest ones that marks set for more of them would find little."""
OVERLOOKED = 0.01
"""Share of telling requests that the glance may take for calm, held out."""
FOLDS = 5
KEPT_OUT = 2
"""Folds that the trained layers are measured on, and the marks set by: to train them takes too long to do it five times."""
SESSIONS = 6_000
"""Sessions drawn to weigh the parts and to set the marks, of each kind."""
LONGS, LENGTH = 1_500, 100
"""Long sessions of which is printed how many reach the marks, of each kind, and their requests."""
PADDED, APART = 40, 8
"""Everyday requests before, and between, those of a misuse session: the same is printed of them."""

Places = NDArray[np.int64]
FitAndRead = Callable[[Places, Places], tuple[Any, Any]]
"""Fit on some examples and return log odds, of purpose and tasks, of others."""


def dense(texts: Sequence[str], rarity: NDArray[np.float32]) -> Any:
    """Return a sparse matrix of scaled features."""
    from scipy.sparse import csr_matrix

    found = features(texts)
    values = scaled(found, rarity, len(texts))
    return csr_matrix((values, (found.row, found.column)), shape=(len(texts), 1 << BITS))


def rarity_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return smoothed inverse document frequency by column; 0 where a column was never met."""
    seen = np.bincount(features(texts).column, minlength=1 << BITS)
    return np.where(seen > 0, np.log((1 + len(texts)) / (1 + seen)) + 1.0, 0.0).astype(np.float32)


class Fitted(NamedTuple):
    """Both readers."""

    rarity: NDArray[np.float32]
    weight: NDArray[np.float32]
    constant: float
    tasks: NDArray[np.float32]
    task_constants: NDArray[np.float32]

    def odds(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return log odds of a harmful purpose, shape (texts,), and of the tasks, shape (texts, tasks)."""
        table = dense(texts, self.rarity)
        return table @ self.weight + self.constant, table @ self.tasks + self.task_constants


def fit(known: Sequence[Example]) -> Fitted:
    """Fit both readers."""
    from sklearn.linear_model import LogisticRegression

    texts = [example.text for example in known]
    rarity = rarity_of(texts)
    table = dense(texts, rarity)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000)
    model.fit(table, [example.asked for example in known])
    inside = [number for number, example in enumerate(known) if example.task]
    tasks = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000)
    tasks.fit(table[inside], [TASKS.index(known[number].task) for number in inside])
    return Fitted(
        rarity, model.coef_[0].astype(np.float32), float(model.intercept_[0]),
        tasks.coef_.T.astype(np.float32), tasks.intercept_.astype(np.float32),
    )  # fmt: skip


class Line(NamedTuple):
    """What one line adds to a session."""

    evidence: float
    task: str
    fan: bool


class Found(NamedTuple):
    """Scores and tasks of every example by readers that have not seen its group."""

    scores: NDArray[np.float64]
    tasks: list[str]

    def only(self, places: Sequence[int]) -> Found:
        """Return what was found of some examples."""
        return Found(self.scores[list(places)], [self.tasks[place] for place in places])

    def put(self, places: Sequence[int], scores: NDArray[Any], tasks: Sequence[str]) -> None:
        """Write what was read of some examples."""
        self.scores[places] = scores
        for place, task in zip(places, tasks, strict=True):
            self.tasks[place] = task


def folds_of(known: Sequence[Example]) -> NDArray[np.int64]:
    """Return each example's fold; one group lies in one fold."""
    groups = sorted({example.group for example in known})
    place = {group: number for number, group in enumerate(np.random.default_rng(1).permutation(groups))}
    return np.array([place[example.group] % FOLDS for example in known])


def across(known: Sequence[Example], folds: NDArray[np.int64], fit_and_read: FitAndRead) -> Found:
    """Read every example by readers that have not seen its group."""
    found = Found(np.zeros(len(known)), [""] * len(known))
    for part in range(FOLDS):
        inside, outside = np.flatnonzero(folds == part), np.flatnonzero(folds != part)
        scores, odds = fit_and_read(outside, inside)
        found.put(list(map(int, inside)), scores, _named(odds))
    return found


def spared(known: Sequence[Example], glance: Found, whole: Found) -> float:
    """Let the glance decide where it reads calm, and return what that is."""
    asked = np.array([example.asked for example in known])
    calm = float(np.quantile(glance.scores[asked & (whole.scores > SILENT)], OVERLOOKED))
    below = glance.scores < calm
    sys.stdout.write(f"calm at a glance: below {calm:.2f}; so are {below[~asked].mean():.3f} of honest lines\n")
    for number in map(int, np.flatnonzero(below)):
        whole.put([number], glance.scores[[number]], [glance.tasks[number]])
    return calm


def _named(odds: NDArray[Any]) -> list[str]:
    share = np.exp(odds - odds.max(axis=1, keepdims=True))
    sure = 1.0 / share.sum(axis=1) >= SURE
    return [TASKS[place] if known else "none" for place, known in zip(odds.argmax(axis=1), sure, strict=True)]


class Pools:
    """Lines by language, task and side, from which sessions are drawn."""

    def __init__(self, known: Sequence[Example], found: Found) -> None:
        self.lines: dict[tuple[str, str, str], list[Line]] = {}
        self.dialogues: dict[str, list[Line]] = {}
        for example, score, task in zip(known, found.scores, found.tasks, strict=True):
            line = Line(evidence(float(score)), task, len(named_languages(fold(example.text))) > 2)
            if example.group.startswith("dialogue "):
                self.dialogues.setdefault(example.group, []).append(line)
                continue
            side = "asked" if example.asked else "neutral" if example.neutral else "honest"
            self.lines.setdefault((example.language, example.task or "none", side), []).append(line)
        self.random = np.random.default_rng(2)

    @cached_property
    def languages(self) -> list[str]:
        """English half of the time, the others alike."""
        others = sorted({language for language, _, _ in self.lines if language != "en"})
        return ["en"] * len(others) + others

    def one(self, language: str, task: str, side: str) -> list[Line]:
        """Draw a line, or none where there is none."""
        found = self.lines.get((language, task, side), [])
        return [found[int(self.random.integers(len(found)))]] if found else []

    def misuse(self) -> list[Line]:
        """Steps in order, a quarter of them without a word of purpose, harmless turns between; cut before the move."""
        language, session = str(self.random.choice(self.languages)), list[Line]()
        for step in ("persona", "offer", "translation", "move", "control"):
            if self.random.random() < (0.75 if step != "control" else 0.25) and not (
                step == "move" and self.random.random() < 0.7
            ):
                side = "neutral" if step in STAGES.values() and self.random.random() < 0.25 else "asked"
                session += self.one(language, step, side)
            if self.random.random() < 0.4:
                session += self.one(language, "none", "honest")
        return session or self.one(language, "offer", "asked")

    def near(self) -> list[Line]:
        """Honest people near to the subject: recruiters with the same order of tasks, and everybody else."""
        language, session = str(self.random.choice(self.languages)), list[Line]()
        if self.random.random() < 0.4:
            for step in ("persona", "offer", "translation", "move"):
                if self.random.random() < 0.7:
                    side = "neutral" if self.random.random() < 0.4 else "honest"
                    session += self.one(language, step, side)
                if self.random.random() < 0.4:
                    session += self.one(language, "none", "honest")
            return session or self.one(language, "none", "honest")
        return [line for _ in range(int(self.random.integers(2, 8))) for line in self.one(language, "none", "honest")]

    def long(self, draw: Callable[[], list[Line]]) -> list[Line]:
        """A session of many requests, of one kind."""
        session = list[Line]()
        while len(session) < LENGTH:
            session += draw()
        return session[:LENGTH]

    def spread(self, session: Sequence[Line]) -> list[Line]:
        """The same session with everyday requests between."""
        return [one for line in session for one in (line, *self.long(self.everyday)[:APART])]

    def everyday(self) -> list[Line]:
        """One public dialogue, or what one person posted."""
        keys = list(self.dialogues)
        return self.dialogues[keys[int(self.random.integers(len(keys)))]]


class Way(NamedTuple):
    """One session, request by request."""

    parts: NDArray[np.float64]
    """What is added up after each, shape (requests, parts)."""
    near: NDArray[np.float64]
    """How many were near the subject so far."""

    def sums(self, mix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the session's sum after each request."""
        found: NDArray[np.float64] = self.parts @ mix * (self.parts[:, 0] > 0)
        return found


def way(session: Sequence[Line]) -> Way:
    """Go through a session as the guard does."""
    tally, fan, rows, near = Tally(), False, [], []
    for line in session:
        tally, fan = tally.after(line.evidence, line.task), fan or line.fan
        rows.append(tally.parts(fan=fan))
        near.append(tally.near)
    return Way(np.array(rows), np.array(near))


def weigh(bad: NDArray[np.float64], good: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit what the parts weigh: a logistic regression whose weights are never negative."""
    from scipy.optimize import minimize

    table = np.vstack([bad, good])
    sign = np.r_[np.ones(len(bad)), -np.ones(len(good))]
    share = np.r_[np.full(len(bad), 1 / len(bad)), np.full(len(good), 1 / len(good))]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (table @ weights[:-1] + weights[-1])
        slope = -sign * share / (1.0 + np.exp(margin))
        gradient = np.r_[table.T @ slope + 0.001 * weights[:-1], slope.sum()]
        return float(share @ np.logaddexp(0.0, -margin) + 0.0005 * (weights[:-1] ** 2).sum()), gradient

    width = table.shape[1]
    found = minimize(
        loss, np.zeros(width + 1), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * width + [(None, None)]
    )
    return np.asarray(found.x[:-1])


def sessions(known: Sequence[Example], found: Found, share_near: float) -> tuple[Any, Any]:
    """Return what the parts weigh, and the sums that 3%, 1% and 0.1% of honest sessions reach."""
    pools = Pools(known, found)
    bad, near, calm = ([draw() for _ in range(SESSIONS)] for draw in (pools.misuse, pools.near, pools.everyday))
    ends = [np.array([way(one).parts[-1] for one in drawn]) for drawn in (bad, near, calm)]
    mix = weigh(ends[0], np.vstack(ends[1:]))
    sums = np.concatenate([part @ mix for part in ends[1:]])
    share_of = np.r_[np.full(len(near), share_near), np.full(len(calm), 1.0 - share_near)]
    order = np.argsort(-sums)
    reached = np.cumsum(share_of[order]) / share_of.sum()
    low, middle, high = (round(float(sums[order][np.searchsorted(reached, share)]), 3) for share in SHARES)
    scale = Scale(tuple(map(float, mix)), (low, middle, high))
    long, some = f"of {LENGTH} requests", bad[:LONGS]
    for name, drawn in {
        "honest ones near the subject": near,
        "everyday ones": calm,
        "misuse ones": bad,
        f"honest ones near the subject {long}": [pools.long(pools.near) for _ in some],
        f"everyday ones {long}": [pools.long(pools.everyday) for _ in some],
        f"misuse ones after {PADDED} everyday requests": [pools.long(pools.everyday)[:PADDED] + one for one in some],
        f"misuse ones with {APART} everyday requests between": [pools.spread(one) for one in some],
    }.items():
        shares = np.mean([_reaches(way(one), scale) for one in drawn], axis=0)
        told = ", ".join(f"{share:.3f} the mark of {least:.1%}" for share, least in zip(shares, SHARES, strict=True))
        sys.stdout.write(f"sessions, lines not seen: {name} reach, {told}\n")
    sys.stdout.write(
        f"marks {scale.marks}, parts weigh {dict(zip(Parts._fields, np.round(mix, 3).tolist(), strict=True))}\n"
    )
    return mix, scale.marks


def _reaches(one: Way, scale: Scale) -> list[bool]:
    sums, marks = one.sums(np.array(scale.mix)), np.array([scale.marks_at(near) for near in one.near])
    return [bool((sums >= column).any()) for column in marks.T]


def report(name: str, known: Sequence[Example], found: Found) -> None:
    """Print what readers find in groups that they had not seen."""
    asked = np.array([example.asked for example in known])
    sys.stdout.write(f"{name}, held-out groups\n")
    for share in (0.05, 0.01, 0.001):
        at = float(np.quantile(found.scores[~asked], 1 - share))
        sys.stdout.write(
            f"  {share:.1%} of {int((~asked).sum())} honest at {at:.2f}; "
            f"found {float((found.scores[asked] >= at).mean()):.3f} of {int(asked.sum())}\n"
        )
    labelled = [(example.task, task) for example, task in zip(known, found.tasks, strict=True) if example.task]
    for name in TASKS:
        right = [named == name for task, named in labelled if task == name]
        wrong = [named == name for task, named in labelled if task != name]
        sys.stdout.write(f"  task {name}: found {np.mean(right):.3f}, named wrongly {np.mean(wrong):.3f}\n")


def main() -> None:
    """Fit on some groups and measure on the others, fit on everything, write the weights."""
    known = list(examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    folds, texts = folds_of(known), [example.text for example in known]
    states, vectors = encode(known)

    def words_of(seen: Places, unseen: Places) -> tuple[Any, Any]:
        return fit([known[n] for n in seen]).odds([texts[n] for n in unseen])

    def glance_of(seen: Places, unseen: Places) -> tuple[Any, Any]:
        return fit_glance([known[n] for n in seen], vectors[seen]).read(vectors[unseen])

    with ThreadPoolExecutor(1) as beside:
        shipped = beside.submit(tuned_on, known, states, np.arange(len(known)))
        out = list(map(int, np.flatnonzero(folds < KEPT_OUT)))
        measured = kept_small(tuned_on(known, states, np.flatnonzero(folds >= KEPT_OUT)))
        odds = measured.scores([states[n] for n in out])
        whole = Found(odds[:, 0], _named(odds[:, 1:]))
        words, glance = across(known, folds, words_of), across(known, folds, glance_of)
        calm = spared([known[n] for n in out], glance.only(out), whole)
        both = Found(joint(words.scores[out], whole.scores), whole.tasks)
        report("words", known, words)
        for name, found in (("meaning", whole), ("both", both)):
            report(name, [known[n] for n in out], found)
        by_words = sessions(known, words, NEAR["words"])
        save(fit(known), by_words, sessions([known[n] for n in out], both, NEAR["both"]))
        save_meaning(HERE / "meaning.npz", fit_glance(known, vectors), calm, shipped.result())


def tuned_on(known: Sequence[Example], states: Sequence[Half], seen: Places) -> Tuned:
    """Train the layers on some examples."""
    sys.stdout.write(f"the layers, trained on {len(seen)} lines\n")
    return tune([known[n] for n in seen], [states[n] for n in seen], sys.stdout.write)


def save(made: Fitted, words: tuple[Any, Any], both: tuple[Any, Any]) -> None:
    """Write the weights: halves for the reader of purpose, bytes for the reader of tasks."""
    scale = np.abs(made.tasks).max(axis=0) / 127.0
    np.savez_compressed(
        HERE / "requests.npz",
        rarity=made.rarity.astype(np.float16),
        weight=made.weight.astype(np.float16),
        constant=np.float32(made.constant),
        tasks=np.round(made.tasks / scale).astype(np.int8),
        task_scale=scale.astype(np.float32),
        task_constants=made.task_constants,
        words_mix=np.array(words[0], dtype=np.float32),
        words_marks=np.array(words[1], dtype=np.float32),
        both_mix=np.array(both[0], dtype=np.float32),
        both_marks=np.array(both[1], dtype=np.float32),
    )


if __name__ == "__main__":
    main()
