"""Figures of a classifier from held-out probabilities, with intervals that respect groups.

Intervals are percentile bootstraps over groups (accounts, scripts): threads of one group are drawn
together, so a thousand copies of one text do not narrow them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

DRAWS = 400
_SEED = 20000101
_BINS = 10

Shares = NDArray[np.float64]
Targets = NDArray[np.int64]


def figures_of(target: Targets, shares: Shares, *, classes: tuple[str, ...], groups: Targets) -> dict[str, Any]:
    """Return every figure as [value, low, high] (95%), by name; `classes` names the columns of `shares`."""
    point = _measure(target, shares, len(classes))
    rows = [point]
    draw = np.random.default_rng(_SEED)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    for _ in range(DRAWS):
        picked = np.concatenate([members[index] for index in draw.integers(0, len(members), len(members))])
        rows.append(_measure(target[picked], shares[picked], len(classes)))
    with np.errstate(invalid="ignore"):
        low, high = np.nanpercentile(np.stack(rows[1:]), [2.5, 97.5], axis=0)
    triples = [[round(float(value), 4) for value in triple] for triple in zip(point, low, high, strict=True)]
    names = [f"{name} {part}" for name in classes for part in ("precision", "recall", "f1")]
    return {
        "threads": len(target), "groups": len(members), "folds": 5,
        **dict(zip(("macro_f1", "accuracy", "ece", "auroc", "average_precision"), triples, strict=False)),
        "per_class": _per_class(classes, dict(zip(names, triples[5:], strict=True)), target),
        "ranked_class": classes[_rarer(target, len(classes))] if len(classes) == 2 else "mean over classes",
    }  # fmt: skip


def _per_class(classes: tuple[str, ...], triples: dict[str, list[float]], target: Targets) -> dict[str, Any]:
    return {
        name: {"threads": int((target == index).sum())}
        | {part: triples[f"{name} {part}"] for part in ("precision", "recall", "f1")}
        for index, name in enumerate(classes)
    }


def _rarer(target: Targets, classes: int) -> int:
    return int(np.argmin(np.bincount(target, minlength=classes)))


def _measure(target: Targets, shares: Shares, classes: int) -> Shares:
    chosen = shares.argmax(axis=1)
    table = np.bincount(target * classes + chosen, minlength=classes * classes).reshape(classes, classes)
    right = np.diag(table)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.nan_to_num(right / table.sum(axis=0))
        recall = np.nan_to_num(right / table.sum(axis=1))
        f1 = np.nan_to_num(2 * precision * recall / (precision + recall))
    ranked = [_rarer(target, classes)] if classes == 2 else range(classes)
    order = [(area_under_roc(shares[:, k], target == k), average_precision(shares[:, k], target == k)) for k in ranked]
    area, average = np.mean(np.asarray(order), axis=0)
    parts = np.stack([precision, recall, f1], axis=1).ravel()
    return np.concatenate(
        [[f1.mean(), right.sum() / len(target), calibration_error(target, shares), area, average], parts]
    )


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
    top, right = shares.max(axis=1), shares.argmax(axis=1) == target
    order = np.argsort(top, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    return float(sum(abs(top[part].mean() - right[part].mean()) * len(part) for part in parts) / len(target))


def table(recipe: str, figures: dict[str, Any]) -> str:
    """Return the figures as a short text for a terminal."""

    def shown(name: str, triple: list[float]) -> str:
        return f"{name} {triple[0]:.3f} ({triple[1]:.3f}-{triple[2]:.3f})"

    lines = [
        f"Recipe: {recipe}. Cross-validated on {figures['threads']:,} threads in {figures['groups']:,} groups, 95% intervals:",
        "  "
        + ", ".join(shown(name, figures[key]) for name, key in (("macro-F1", "macro_f1"), ("accuracy", "accuracy"))),
        "  " + shown("calibration error (ECE)", figures["ece"]),
        f"  ranking of {figures['ranked_class']}: "
        + ", ".join(shown(name, figures[key]) for name, key in (("AUROC", "auroc"), ("AP", "average_precision"))),
    ]
    for name, parts in figures["per_class"].items():
        triples = ", ".join(shown(part, parts[part]) for part in ("precision", "recall", "f1"))
        lines.append(f"  {name} ({parts['threads']:,}): {triples}")
    return "\n".join(lines)
