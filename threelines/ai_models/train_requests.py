"""Rebuild `requests.npz`, the linear reader of requests.

    python -m threelines.ai_models.train_requests ../shared/data

Fitted on `request_sheet.toml` and the English scenarios (written for this project) and on the even
rows of a public set of everyday dialogues (marked as fit for training in its own notes); the odd rows,
every other public set and the sessions of `bench/guard.py` stay unseen. Needs the extra `semantic`.
"""

from __future__ import annotations

import gzip
import json
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.likeness import BITS, features, scaled
from threelines.ai_models.scenario import items, load
from threelines.records import ThreelinesError

HERE = Path(__file__).parent
EVERYDAY = 4
"""Turns taken of each dialogue."""
STRENGTH = 6.0
"""Inverse of the penalty, by five-fold cross-validation."""
FOLDS = 5


class TrainError(ThreelinesError):
    """The reader cannot be fitted here."""


class Example(NamedTuple):
    """One request, whether it means harm, and what it must not be split from."""

    text: str
    asked: bool
    group: str


def examples(data: Path) -> Iterator[Example]:
    """Yield everything that may be learned from."""
    sheet = tomllib.loads((HERE / "request_sheet.toml").read_text(encoding="utf-8"))
    for side, stages in sheet.items():
        for stage, lines in stages.items():
            for number, line in enumerate(lines):
                yield Example(line, side == "asked", f"{stage} {number}")
    for item in items(load(), ("misuse", "contrast", "support", "session")):
        if item.request.language == "en" and item.request.frame != "split":
            for turn in item.turns:
                yield Example(turn, item.misuse, item.scenario.id)
    yield from _everyday(data / "dev" / "benign_dialogues.jsonl.gz")


def _everyday(path: Path) -> Iterator[Example]:
    if not path.is_file():
        raise TrainError(f"{path}: not here; give the folder of labelled sets")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines)):
            if number % 2 == 0:
                for turn in row["turns"][::2][:EVERYDAY]:
                    yield Example(turn if isinstance(turn, str) else str(turn.get("text", "")), False, f"dialogue {number}")


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


def fit(known: Sequence[Example]) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Return rarity, weights and constant."""
    from sklearn.linear_model import LogisticRegression

    texts = [example.text for example in known]
    rarity = rarity_of(texts)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000)
    model.fit(dense(texts, rarity), [example.asked for example in known])
    return rarity, model.coef_[0].astype(np.float32), float(model.intercept_[0])


def held_out(known: Sequence[Example]) -> NDArray[np.float64]:
    """Return the score of every example by a model that has not seen its group."""
    groups = sorted({example.group for example in known})
    fold_of = {group: number for number, group in enumerate(np.random.default_rng(1).permutation(groups))}
    scores = np.zeros(len(known))
    for fold in range(FOLDS):
        inside = [n for n, example in enumerate(known) if fold_of[example.group] % FOLDS == fold]
        rarity, weight, constant = fit([example for example in known if fold_of[example.group] % FOLDS != fold])
        scores[inside] = dense([known[n].text for n in inside], rarity) @ weight + constant
    return scores


def main() -> None:
    """Cross-validate, fit on everything, write the weights."""
    known = list(examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    scores = held_out(known)
    asked = np.array([example.asked for example in known])
    for share in (0.05, 0.01, 0.001):
        at = float(np.quantile(scores[~asked], 1 - share))
        print(f"held-out groups: {share:.1%} of {int((~asked).sum())} honest at {at:.2f}; found {float((scores[asked] >= at).mean()):.3f} of {int(asked.sum())}")
    rarity, weight, constant = fit(known)
    np.savez_compressed(
        HERE / "requests.npz", rarity=rarity.astype(np.float16), weight=weight.astype(np.float16), constant=np.float32(constant)
    )


if __name__ == "__main__":
    main()
