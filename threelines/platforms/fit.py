"""Fit an adapter to a platform's own labels, and say honestly how well it does.

Several small linear members read the same threads under different views. Their scores on held-out
folds choose the ensemble (a recipe), the calibration and the figures. Choice and calibration of a
fold never see that fold's labels, so the figures are what a new month of the same platform would
give, apart from what changes on the platform.

Members: a linear SVM, and a logistic regression on log-count ratios (NB-SVM, Wang and Manning
2012), a class-balanced logistic regression, and complement naive Bayes (Rennie et al. 2003); one
view or two each. Their mean is linear again, so an adapter stays one table a view (`adapter.py`),
whatever the recipe.

With a tuned encoder one more member is not linear: the encoder's top layers, trained on the same
folds (`tuning.py`); it makes up a third or a half of the sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines import __version__
from threelines.platforms.adapter import VERSION, Adapter, Header, damped, known_columns, softmax
from threelines.platforms.figures import figures_of
from threelines.platforms.labelled import Labelled
from threelines.platforms.tuning import TUNED, lower, train
from threelines.platforms.views import BITS, MEANING, MEANING_SIZE, VIEWS, Columns, columns, meaning, print_of
from threelines.text.language import identify_all
from threelines.text.layers import Half, Tuned

FOLDS = 5
_MOST_COLUMNS = 400_000
_SEED = 20120711
_STEEPEST = 20.0
"""Logarithm of the largest temperature, and of one over the smallest."""

Scores = NDArray[np.float64]
Says = Callable[[str], None]


class Member(NamedTuple):
    """One linear model: what it reads and how it learns."""

    views: tuple[str, ...]
    learner: Literal["svm", "ratio", "balanced", "plain", "bayes"]
    strength: float
    """Inverse regularisation, scikit-learn's C; for `bayes` the count added to every n-gram."""


MEMBERS: dict[str, Member] = {
    "inside svm": Member(("inside", "words"), "svm", 0.3),
    "inside ratio": Member(("inside",), "ratio", 2.0),
    "across svm": Member(("across",), "svm", 0.3),
    "across ratio": Member(("across",), "ratio", 2.0),
    "folded balanced": Member(("folded", "words"), "balanced", 5.0),
    "across loose": Member(("across",), "svm", 1.0),
    "across bayes": Member(("across",), "bayes", 1.0),
    "across balanced": Member(("across",), "balanced", 1.0),
    "apart ratio": Member(("apart",), "ratio", 2.0),
    "meaning plain": Member((MEANING,), "plain", 10.0),
}
RECIPES: dict[str, tuple[str, ...]] = {
    "letters inside words": ("inside svm", "inside ratio"),
    "letters across words": ("across svm", "across ratio"),
    "letters across words, balanced": ("across svm", "across balanced"),
    "letters across words, loose": ("across loose",),
    "letters across words, Bayes": ("across bayes",),
    "letters, folded": ("inside svm", "across svm", "folded balanced"),
    "all letters": ("inside svm", "inside ratio", "across svm", "across ratio", "folded balanced"),
}
"""Ensembles to choose from; where much is Hangul, each is also tried with its letters taken apart, and with
an encoder each is also tried with its vector, and with its tuned layers as a third or half of the sum."""


class Fitted(NamedTuple):
    """An adapter with what the folds said of each thread."""

    adapter: Adapter
    probabilities: Scores
    """Of each labelled thread by models that did not see it, shape (threads, classes)."""


class _Data(NamedTuple):
    matrices: dict[str, Any]
    """View → sparse matrix (threads, columns kept), rows of unit length."""
    known: dict[str, NDArray[np.uint32]]
    idf: dict[str, NDArray[np.float32]]
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    centre: Scores
    """Of the scaled vectors of view `meaning`; empty without it."""


def fit(
    data: Labelled,
    *,
    card: Mapping[str, Any] | None = None,
    semantic: bool = False,
    tuned: bool = False,
    say: Says = lambda line: None,
) -> Fitted:
    """Fit an adapter; `say` is told what is being done.

    `semantic` also reads the encoder's vectors; `tuned` does, and trains the encoder's top layers as well.
    """
    recipes = _recipes(data.texts, semantic=semantic or tuned, tuned=tuned)
    names = sorted({name for members in recipes.values() for name in members} - {TUNED}, key=list(MEMBERS).index)
    views = tuple(sorted({view for name in names for view in MEMBERS[name].views}, key=[*VIEWS, MEANING].index))
    say(f"reading {len(data.texts):,} threads under {len(views)} views")
    read = _matrices(data, views)
    folds = _folds(read.target, data.groups)
    held_out = {}
    with _one_thread():
        for name in names:
            say(f"cross-validating {name}")
            held_out[name] = _held_out(MEMBERS[name], read, folds)
    states = _states(data.texts, say) if tuned else []
    if states:
        held_out[TUNED] = _tuned_held_out(states, read, folds, say)
    say("choosing the recipe, calibrating, measuring")
    with _one_thread():
        probabilities = _nested(recipes, held_out, read.target, folds)
        recipe = _best(recipes, held_out, read.target)
        members = recipes[recipe]
        scale = {name: _spread(held_out[name]) * len(members) for name in members}
        temperature, bias = _calibrate(_mixture(members, held_out, scale), read.target)
        say(f"fitting {recipe!r} on everything")
        weights, shift = _weights(members, read, scale)
    bias = bias + temperature * shift
    layers = _tuned(states, read, members.count(TUNED) / scale[TUNED], say) if TUNED in members else None
    header = Header(
        version=VERSION, made_by=f"threelines {__version__}", classes=read.classes,
        views=(*weights, TUNED) if layers else tuple(weights),
        temperature=_short(temperature), bias=tuple(map(_short, bias)), recipe=recipe,
        prints={view: print_of(view) for view in weights if view in VIEWS},
        card=dict(card or {}),
        figures=figures_of(
            read.target, probabilities, classes=read.classes, groups=data.groups,
            languages=[found.iso639_3 or "und" for found in identify_all(data.texts)],
        ),
    )  # fmt: skip
    return Fitted(Adapter(header, weights, layers), probabilities)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let linear algebra use one thread: what linear models ask of it is so little that others mostly wait, at full load.

    The encoder's layers, whose matrices are large, are trained outside of this.
    """
    import scipy.optimize  # noqa: F401 - what is loaded later would not be held to it
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def _recipes(texts: Sequence[str], *, semantic: bool, tuned: bool = False) -> dict[str, tuple[str, ...]]:
    recipes = dict(RECIPES)
    if _mostly_hangul(texts):
        recipes |= {f"{name}, Hangul apart": (*members, "apart ratio") for name, members in RECIPES.items()}
    if semantic:
        meant = {f"{name}, and meaning": (*members, "meaning plain") for name, members in recipes.items()}
        recipes |= meant
    if tuned:
        for share, among in (("a third", 2), ("half", 1)):
            for name, members in meant.items():
                recipes[f"{name}, {share} of it tuned"] = (*members, *[TUNED] * round(len(members) / among))
    return recipes


def _states(texts: Sequence[str], say: Says) -> list[Half]:
    say("running the encoder's lower layers")
    return lower(texts)


def _tuned_held_out(states: list[Half], read: _Data, folds: list[NDArray[np.int64]], say: Says) -> Scores:
    scores = np.zeros((len(read.target), len(read.classes)))
    for number, test in enumerate(folds, start=1):
        say(f"tuning the encoder, fold {number} of {len(folds)}; then once more on everything")
        rest = np.setdiff1d(np.arange(len(read.target)), test)
        found = train([states[index] for index in rest], read.target[rest], classes=len(read.classes), say=say)
        scores[test] = found.scores([states[index] for index in test])
    return scores


def _tuned(states: list[Half], read: _Data, times: float, say: Says) -> Tuned:
    """Train on everything; `times` is the factor by which its scores enter the sum."""
    found = train(states, read.target, classes=len(read.classes), say=say)
    return Tuned(found.layers, {name: array * np.float32(times) for name, array in found.head.items()})


def _mostly_hangul(texts: Sequence[str]) -> bool:
    run = "".join(texts[:2000])
    hangul = sum("\uac00" <= letter <= "\ud7a3" for letter in run)
    return hangul >= 0.1 * len(run)


def _matrices(data: Labelled, views: tuple[str, ...]) -> _Data:
    classes = tuple(sorted(set(data.labels)))
    target = np.asarray([classes.index(label) for label in data.labels])
    matrices, known, idf = {}, {}, {}
    for name, found in columns(data.texts, [view for view in views if view != MEANING]).items():
        matrices[name], known[name], idf[name] = _matrix(found, len(data.texts))
    centre = np.zeros(0)
    if MEANING in views:
        matrices[MEANING], known[MEANING], idf[MEANING], centre = _meaning_matrix(data.texts)
    return _Data(matrices, known, idf, target, classes, centre)


def _meaning_matrix(texts: Sequence[str]) -> tuple[Any, NDArray[np.uint32], NDArray[np.float32], Scores]:
    """Return vectors scaled to unit variance a column, about unit length a row, and their centre on that scale."""
    from scipy.sparse import csr_matrix

    vectors = meaning(texts)
    scale = (1 / (np.maximum(vectors.std(axis=0), 1e-6) * np.sqrt(MEANING_SIZE))).astype(np.float32)
    centre = (vectors * scale).mean(axis=0)
    known = np.arange(MEANING_SIZE, dtype=np.uint32)
    return csr_matrix(vectors * scale - centre), known, scale, centre.astype(np.float64)


def _matrix(found: Columns, texts: int) -> tuple[Any, NDArray[np.uint32], NDArray[np.float32]]:
    from scipy.sparse import csr_matrix

    known = known_columns(found, at_least=2, at_most=_MOST_COLUMNS)
    place = np.full(1 << BITS, -1, dtype=np.int64)
    place[known] = np.arange(len(known))
    at = place[found.columns]
    kept = at >= 0
    rows, at = found.rows[kept], at[kept]
    held = np.bincount(at, minlength=len(known))
    idf = (np.log((1 + texts) / (1 + held)) + 1).astype(np.float32)
    value = damped(found.counts[kept]) * idf[at]
    value /= np.sqrt(np.bincount(rows, value * value, minlength=texts))[rows].astype(np.float32)
    return csr_matrix((value, (rows, at)), shape=(texts, len(known))), known, idf


def _folds(target: NDArray[np.int64], groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    from sklearn.model_selection import StratifiedGroupKFold

    splits = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=_SEED).split(target, target, groups)
    return [test for _, test in splits]


def _held_out(member: Member, read: _Data, folds: list[NDArray[np.int64]]) -> Scores:
    from scipy.sparse import hstack

    matrix = hstack([read.matrices[view] for view in member.views]).tocsr()
    scores = np.zeros((len(read.target), len(read.classes)))
    for test in folds:
        train = np.setdiff1d(np.arange(len(read.target)), test)
        weight, bias = _learn(member, matrix[train], read.target[train], len(read.classes))
        scores[test] = matrix[test] @ weight + bias
    return scores


def _learn(member: Member, matrix: Any, target: NDArray[np.int64], classes: int) -> tuple[Scores, Scores]:
    """Return (weights (columns, classes), bias (classes)); two classes are given mirrored scores."""
    if member.learner == "bayes":
        return _bayes(member, matrix, target), np.zeros(classes)
    pairs = [_learn_one(member, matrix, target == index) for index in ([1] if classes == 2 else range(classes))]
    weight = np.stack([weight for weight, _ in pairs], axis=1)
    bias = np.asarray([bias for _, bias in pairs])
    return (np.hstack([-weight, weight]), np.concatenate([-bias, bias])) if classes == 2 else (weight, bias)


def _learn_one(member: Member, matrix: Any, positive: NDArray[np.bool_]) -> tuple[Scores, float]:
    from scipy.sparse import diags
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    if member.learner == "svm":
        model = LinearSVC(C=member.strength, random_state=_SEED).fit(matrix, positive)
        return model.coef_[0], float(model.intercept_[0])
    if member.learner in ("balanced", "plain"):
        weight = "balanced" if member.learner == "balanced" else None
        model = LogisticRegression(C=member.strength, class_weight=weight, max_iter=300).fit(matrix, positive)
        return model.coef_[0], float(model.intercept_[0])
    ratio = _log_count_ratio(matrix, positive)
    model = LogisticRegression(C=member.strength, max_iter=300).fit(matrix @ diags(ratio), positive)
    return model.coef_[0] * ratio, float(model.intercept_[0])


def _bayes(member: Member, matrix: Any, target: NDArray[np.int64]) -> Scores:
    from sklearn.naive_bayes import ComplementNB

    weight = ComplementNB(alpha=member.strength).fit(matrix, target).feature_log_prob_.T
    # What all classes share decides nothing, but would drown the others in a sum of members of equal spread.
    centred: Scores = weight - weight.mean(axis=1, keepdims=True)
    return centred


def _log_count_ratio(matrix: Any, positive: NDArray[np.bool_]) -> Scores:
    present = matrix.astype(bool).astype(np.float32)
    with_it = 1 + np.asarray(present[positive].sum(axis=0)).ravel()
    without = 1 + np.asarray(present[~positive].sum(axis=0)).ravel()
    ratio: Scores = np.log((with_it / with_it.sum()) / (without / without.sum())).astype(np.float64)
    return ratio


def _mixture(members: tuple[str, ...], scores: dict[str, Scores], scale: dict[str, float]) -> Scores:
    mixed: Scores = np.sum([scores[name] / scale[name] for name in members], axis=0)
    return mixed


def _spread(scores: Scores) -> float:
    """Return the standard deviation; never nothing, where labels say nothing and all scores are equal."""
    return max(float(scores.std()), 1e-6)


def _scaled(members: tuple[str, ...], scores: dict[str, Scores]) -> Scores:
    return _mixture(members, scores, {name: _spread(scores[name]) * len(members) for name in members})


def _short(value: float) -> float:
    """Return a number of a calibration to nine digits that count: a small temperature is not nothing."""
    return float(f"{value:.9g}")


def _calibrate(scores: Scores, target: NDArray[np.int64]) -> tuple[float, Scores]:
    """Fit one temperature and a bias for each class by likelihood (vector scaling with one slope)."""
    from scipy.optimize import minimize

    def loss(values: Scores) -> float:
        shares = softmax(scores * np.exp(values[0]) + values[1:])
        return float(
            -np.log(np.maximum(shares[np.arange(len(target)), target], 1e-12)).mean() + 1e-3 * values[1:] @ values[1:]
        )

    found = minimize(loss, np.zeros(scores.shape[1] + 1), method="L-BFGS-B").x
    # Where labels teach nothing the best slope is none at all: it stays a number that can be written.
    return float(np.exp(np.clip(found[0], -_STEEPEST, _STEEPEST))), found[1:]


def _loss_of(members: tuple[str, ...], scores: dict[str, Scores], target: NDArray[np.int64]) -> float:
    mixed = _scaled(members, scores)
    temperature, bias = _calibrate(mixed, target)
    shares = softmax(mixed * temperature + bias)[np.arange(len(target)), target]
    return float(-np.log(np.maximum(shares, 1e-12)).mean())


def _best(recipes: dict[str, tuple[str, ...]], scores: dict[str, Scores], target: NDArray[np.int64]) -> str:
    """Return the recipe with the least loss; among equals the one with fewer members."""
    losses = {name: _loss_of(members, scores, target) for name, members in recipes.items()}
    return min(recipes, key=lambda name: (round(losses[name], 4), len(recipes[name]), name))


def _nested(
    recipes: dict[str, tuple[str, ...]],
    held_out: dict[str, Scores],
    target: NDArray[np.int64],
    folds: list[NDArray[np.int64]],
) -> Scores:
    """Give each fold probabilities whose recipe and calibration came from the other folds."""
    shares = np.zeros(next(iter(held_out.values())).shape)
    for test in folds:
        rest = np.setdiff1d(np.arange(len(target)), test)
        others = {name: scores[rest] for name, scores in held_out.items()}
        members = recipes[_best(recipes, others, target[rest])]
        scale = {name: _spread(others[name]) * len(members) for name in members}
        temperature, bias = _calibrate(_mixture(members, others, scale), target[rest])
        own = {name: scores[test] for name, scores in held_out.items()}
        shares[test] = softmax(_mixture(members, own, scale) * temperature + bias)
    return shares


def _weights(
    members: tuple[str, ...], read: _Data, scale: dict[str, float]
) -> tuple[dict[str, tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float32]]], Scores]:
    """Fit the members on everything and add them up; also return the sum of their constants."""
    from scipy.sparse import hstack

    total: dict[str, Scores] = {}
    shift = np.zeros(len(read.classes))
    for name in [name for name in members if name != TUNED]:
        member = MEMBERS[name]
        matrix = hstack([read.matrices[view] for view in member.views]).tocsr()
        weight, bias = _learn(member, matrix, read.target, len(read.classes))
        shift += bias / scale[name]
        for view, part in _split(member.views, read, weight / scale[name]):
            total[view] = total[view] + part if view in total else part
            if view == MEANING:
                shift -= read.centre @ part
    ordered = sorted(total, key=[*VIEWS, MEANING].index)
    return {view: (read.known[view], read.idf[view], total[view].astype(np.float32)) for view in ordered}, shift


def _split(views: tuple[str, ...], read: _Data, weight: Scores) -> Iterator[tuple[str, Scores]]:
    start = 0
    for view in views:
        end = start + len(read.known[view])
        yield view, weight[start:end]
        start = end
