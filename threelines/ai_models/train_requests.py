"""Rebuild `requests.npz`, the linear reader of requests.

    python -m threelines.ai_models.train_requests ../shared/data

Fitted on `request_sheet.toml` and the English scenarios (written for this project) and on public
sets whose notes allow it: the even rows of everyday dialogues, and prose that asks for nothing. The odd rows,
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

from threelines.ai_models.intent import unquoted
from threelines.ai_models.likeness import BITS, TELLING, evidence, features, scaled
from threelines.ai_models.scenario import items, load
from threelines.records import ThreelinesError

HERE = Path(__file__).parent
EVERYDAY = 8
"""Turns taken of each dialogue."""
PROSE = {"aitext_glimpse": 900, "incidents_aiid_mit": 300}
"""Texts that ask for nothing, taken of each public set."""
STRENGTH = 6.0
"""Inverse of the penalty, by five-fold cross-validation."""
FOLDS = 5
SESSIONS = 5_000
"""Sessions drawn to set the marks, of each kind."""


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
                yield Example(unquoted(turn), item.misuse, item.scenario.id)
    for number, row in enumerate(rows(data, "benign_dialogues")):
        if number % 2 == 0:
            for turn in row["turns"][::2][:EVERYDAY]:
                yield Example(turn if isinstance(turn, str) else str(turn.get("text", "")), False, f"dialogue {number}")
    for name, most in PROSE.items():
        for number, row in enumerate(rows(data, name)[:most]):
            for part in row["text"][:600].split(". ")[:4]:
                yield Example(part, False, f"dialogue {name} {number}")


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Read the half of a public set that is at hand."""
    path = data / "dev" / f"{name}.jsonl.gz"
    if not path.is_file():
        raise TrainError(f"{path}: not here; give the folder of labelled sets")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


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


def marks(known: Sequence[Example], scores: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the sums that 5%, 2% and 0.2% of honest sessions reach, half near the subject, half everyday.

    Sessions near the subject are drawn from honest lines of the sheet and from twins, in any order.
    """
    dialogues: dict[str, list[float]] = {}
    near: list[float] = []
    for example, score in zip(known, scores, strict=True):
        if not example.asked:
            if example.group.startswith("dialogue "):
                dialogues.setdefault(example.group, []).append(evidence(float(score)))
            else:
                near.append(evidence(float(score)))
    random = np.random.default_rng(2)
    drawn: list[list[float]] = [
        list(random.choice(near, size=int(random.integers(2, 7)), replace=False)) for _ in range(SESSIONS)
    ]
    everyday = [list(dialogues.values())[int(n)] for n in random.integers(0, len(dialogues), SESSIONS)]
    sums = [sum(sorted(session, reverse=True)[:TELLING]) for session in (*drawn, *everyday)]
    return tuple(round(float(np.quantile(sums, 1 - share)), 3) for share in (0.05, 0.02, 0.002))


def main() -> None:
    """Cross-validate, fit on everything, write the weights."""
    known = list(examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    scores = held_out(known)
    asked = np.array([example.asked for example in known])
    for share in (0.05, 0.01, 0.001):
        at = float(np.quantile(scores[~asked], 1 - share))
        sys.stdout.write(
            f"held-out groups: {share:.1%} of {int((~asked).sum())} honest at {at:.2f}; found {float((scores[asked] >= at).mean()):.3f} of {int(asked.sum())}\n"
        )
    found = marks(known, scores)
    sys.stdout.write(f"sessions: 5%, 2% and 0.2% of honest ones reach {found}\n")
    rarity, weight, constant = fit(known)
    np.savez_compressed(
        HERE / "requests.npz",
        rarity=rarity.astype(np.float16),
        weight=weight.astype(np.float16),
        constant=np.float32(constant),
        marks=np.array(found, dtype=np.float32),
    )


if __name__ == "__main__":
    main()
