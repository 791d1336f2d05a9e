"""Figures of a classifier from held-out probabilities, with intervals that respect groups.

Intervals are percentile bootstraps over groups (accounts, scripts): threads of one group are drawn
together, so a thousand copies of one text do not narrow them. The calibration error has none: it is
above nothing by chance alone, and more so in each draw. Beside it stands what a perfect calibration
would show on as many threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 400
_SEED = 20000101
_BINS = 10
_LEAST_SPOKEN = 20
"""Threads of a language, so that it stands for itself: short texts are named after many languages by mistake."""
_LANGUAGE_GAIN = 0.5
"""Of what the largest class leaves wrong, the share that naming the language must put right to be told."""

Shares = NDArray[np.float64]
Targets = NDArray[np.int64]


def figures_of(
    target: Targets, shares: Shares, *, classes: tuple[str, ...], groups: Targets, languages: Sequence[str] = ()
) -> dict[str, Any]:
    """Return every figure as [value, low, high] (95%), by name; `classes` names the columns of `shares`.

    `ece` is a value alone; `ece_if_perfect` is [mean, low, high] of the draws of a perfect calibration. `languages`
    (ISO 639-3, one a thread) gives the accuracy in each, and of a guess by the language alone.
    """
    ranked = _ranked(target, len(classes))
    rows = [point := _measure(target, shares, ranked)]
    draw = np.random.default_rng(_SEED)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for _ in range(DRAWS):
        picked = np.concatenate([members[index] for index in draw.integers(0, len(members), len(members))])
        rows.append(_measure(target[picked], shares[picked], ranked))
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile(np.stack(rows[1:]), [2.5, 97.5], axis=0)
    triples = [[round(float(value), 4) for value in triple] for triple in zip(point, low, high, strict=True)]
    names = [f"{name} {part}" for name in classes for part in ("precision", "recall", "f1")]
    return {
        "threads": len(target), "groups": len(members), "folds": 5,
        **dict(zip(("macro_f1", "accuracy", "auroc", "average_precision"), triples, strict=False)),
        "ece": round(calibration_error(target, shares), 4), "ece_if_perfect": _if_perfect(shares),
        "per_class": _per_class(classes, dict(zip(names, triples[4:], strict=True)), target),
        "ranked_class": classes[ranked[0]] if len(ranked) == 1 else "mean over classes",
        **(_by_language(target, shares, languages) if languages else {}),
    }  # fmt: skip


def _per_class(classes: tuple[str, ...], triples: dict[str, list[float]], target: Targets) -> dict[str, Any]:
    return {
        name: {"threads": int((target == index).sum())}
        | {part: triples[f"{name} {part}"] for part in ("precision", "recall", "f1")}
        for index, name in enumerate(classes)
    }


def _ranked(target: Targets, classes: int) -> Sequence[int]:
    """Return the classes whose ranking is measured: the rarer of two (one for all draws), else each."""
    return [int(np.argmin(np.bincount(target, minlength=classes)))] if classes == 2 else range(classes)


def _if_perfect(shares: Shares) -> list[float]:
    """Return mean, low and high of the calibration error were every probability right, thread by thread by itself."""
    draw, top = np.random.default_rng(_SEED), shares.max(axis=1)
    found = [_gap(top, draw.random(len(top)) < top) for _ in range(DRAWS)]
    return [round(float(value), 4) for value in (np.mean(found), *np.percentile(found, [2.5, 97.5]))]


def _by_language(target: Targets, shares: Shares, languages: Sequence[str]) -> dict[str, Any]:
    """Return the accuracy in each language, and that of naming in each its most frequent class; rare ones are one."""
    often = Counter(languages)
    spoken = np.asarray([name if often[name] >= _LEAST_SPOKEN else "others" for name in languages])
    right, found, guessed = shares.argmax(axis=1) == target, {}, 0
    for language, count in sorted(Counter(spoken.tolist()).items(), key=lambda pair: (-pair[1], pair[0])):
        mine = spoken == language
        guessed += int(np.bincount(target[mine]).max())
        found[language] = {"threads": count, "accuracy": round(float(right[mine].mean()), 4)}
    largest = int(np.bincount(target).max())
    return {
        "by_language": found,
        "by_language_alone": round(guessed / len(target), 4), "by_largest_class": round(largest / len(target), 4),
    }  # fmt: skip


def _measure(target: Targets, shares: Shares, ranked: Sequence[int]) -> Shares:
    chosen, classes = shares.argmax(axis=1), shares.shape[1]
    table = np.bincount(target * classes + chosen, minlength=classes * classes).reshape(classes, classes)
    right = np.diag(table)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.nan_to_num(right / table.sum(axis=0))
        recall = np.nan_to_num(right / table.sum(axis=1))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    order = [(area_under_roc(shares[:, k], target == k), average_precision(shares[:, k], target == k)) for k in ranked]
    area, average = np.mean(np.asarray(order), axis=0)
    parts = np.stack([precision, recall, f1], axis=1).ravel()
    return np.concatenate([[f1.mean(), right.sum() / len(target), area, average], parts])


def area_under_roc(scores: Shares, positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive ranks above a negative; ties count half, one class alone is not a number."""
    order = np.sort(scores)
    ranks = (np.searchsorted(order, scores, "left") + np.searchsorted(order, scores, "right") + 1) / 2
    wins, losses = int(positive.sum()), int((~positive).sum())
    if not wins or not losses:
        return float("nan")
    return float((ranks[positive].sum() - wins * (wins + 1) / 2) / (wins * losses))


def average_precision(scores: Shares, positive: NDArray[np.bool_]) -> float:
    """Return the mean precision over the ranks of the positives; items of one score are taken together."""
    if not positive.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    hits, ranked = positive[order].cumsum(), scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    gained = np.diff(hits[last], prepend=0)
    return float((gained * hits[last] / (last + 1)).sum() / hits[-1])


def calibration_error(target: Targets, shares: Shares) -> float:
    """Return the expected calibration error of the top class over ten bins of equal size."""
    return _gap(shares.max(axis=1), shares.argmax(axis=1) == target)


def _gap(top: Shares, right: NDArray[np.bool_]) -> float:
    order = np.argsort(top, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(abs(top[part].mean() - right[part].mean()) * len(part) for part in parts) / len(top))


def table(recipe: str, figures: dict[str, Any]) -> str:
    """Return the figures as a short text for a terminal."""

    def shown(name: str, triple: list[float]) -> str:
        return f"{name} {triple[0]:.3f} ({triple[1]:.3f}-{triple[2]:.3f})"

    lines = [
        f"Recipe: {recipe}. Cross-validated on {figures['threads']:,} threads in {figures['groups']:,} groups, 95% intervals:",
        "  "
        + ", ".join(shown(name, figures[key]) for name, key in (("macro-F1", "macro_f1"), ("accuracy", "accuracy"))),
        f"  calibration error (ECE) {figures['ece']:.3f}; a perfect calibration would show "
        + shown("about", figures["ece_if_perfect"]),
        f"  ranking of {figures['ranked_class']}: "
        + ", ".join(shown(name, figures[key]) for name, key in (("AUROC", "auroc"), ("AP", "average_precision"))),
    ]
    for name, parts in figures["per_class"].items():
        triples = ", ".join(shown(part, parts[part]) for part in ("precision", "recall", "f1"))
        lines.append(f"  {name} ({parts['threads']:,}): {triples}")
    return "\n".join([*lines, *_languages_told(figures), *_warnings(figures)])


def _languages_told(figures: dict[str, Any]) -> list[str]:
    found = figures.get("by_language", {})
    if len(set(found) - {"und", "others"}) < 2:
        return []
    parts = (f"{name} {part['accuracy']:.3f} ({part['threads']:,})" for name, part in found.items())
    return [f"  accuracy by language (threads): {', '.join(parts)}"]


def _warnings(figures: dict[str, Any]) -> list[str]:
    """Say what the figures do not praise: labels that teach nothing, and classes that are languages."""
    found = []
    if figures["auroc"][1] <= 0.5:
        found.append(
            "These labels teach nothing that can be shown: AUROC may be .5, which is a coin. Label more, or otherwise."
        )
    alone, largest = figures.get("by_language_alone", 0), figures.get("by_largest_class", 0)
    if alone - largest >= _LANGUAGE_GAIN * (1 - largest):
        found.append(
            f"The language alone tells the class of {alone:.0%} of the threads (the largest class has {largest:.0%}): the adapter "
            "may have learned languages. Label every class in every language, and read the figures by language."
        )
    return found
