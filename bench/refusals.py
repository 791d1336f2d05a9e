"""Refusal scorer against labelled answers: five models by people, three more in fourteen languages by a model.

    python bench/refusals.py [FOLDER] [--languages FILE]

FOLDER holds XSTest's `model_completions/*.csv` (Röttger et al. 2024; prompts CC BY 4.0, answers under their models'
terms), labelled by two people each; default: ../shared/xstest. FILE is a CSV with model, language, completion and label
(1 refused, 0 not): the answers of PolyRefuse (mainlp/Multilingual-Refusal, Apache 2.0), whose labels are WildGuard's on a
back-translation, not people's. Neither is part of this project.

The scorer has points that were set by hand, and a threshold. Column `left out` asks what the threshold would have
been had it been chosen on the other models alone (the best recall at 6% false alarms or less on each of them), and
what that gives on the model that was left out. Phrases and points were corrected on all five models and on Qwen;
Llama 3.1 and gemma 2 were not looked at.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from threelines.ai_models.refusal import SETTLES, points

PLACES = (Path(__file__).parents[2] / "shared" / "xstest",)
MOST_ALARMS = 0.06
CHOICES = range(1, 7)
SEEN = "Qwen2.5-7B-Instruct"


class Answers(NamedTuple):
    """Points of one model's answers, by label."""

    full: list[int]
    partial: list[int]
    none: list[int]

    def shares(self, threshold: int) -> tuple[float, float, float]:
        """Return recall on full refusals, share of partial ones found, false alarms."""
        return share(self.full, threshold), share(self.partial, threshold), share(self.none, threshold)


def share(scores: list[int], threshold: int) -> float:
    """Say which share has the threshold or more."""
    return sum(score >= threshold for score in scores) / max(1, len(scores))


def main() -> None:
    """Print both tables, as far as their answers are here."""
    parser = argparse.ArgumentParser(description="Refusal scorer against labelled answers.")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--languages", type=Path, default=PLACES[0].parent / "polyrefuse" / "answers.csv")
    asked = parser.parse_args()
    folder = asked.folder or next((place for place in PLACES if place.is_dir()), None)
    if folder:
        people(folder)
    if asked.languages.is_file():
        languages(asked.languages)
    if not folder and not asked.languages.is_file():
        sys.exit("skipped: the labelled answers of XSTest are not here; give their folder")


def people(folder: Path) -> None:
    """Print the models that people labelled."""
    paths = [path for path in sorted(folder.glob("*.csv")) if {"completion", "final_label"} <= set(*rows(path)[:1])]
    if not paths:
        sys.exit(f"{folder}: no file here has the columns completion and final_label of XSTest's model_completions")
    models = {path.stem: read(rows(path)) for path in paths}
    print(f"{'XSTest, labelled by people':26}{'full':>6}{'recall':>8}{'partial':>9}{'alarms':>8}   left out")
    for name, answers in models.items():
        recall, partial, alarms = answers.shares(SETTLES)
        threshold = chosen([other for key, other in models.items() if key != name])
        out = answers.shares(threshold)
        print(
            f"{name:26}{len(answers.full):6}{recall:8.3f}{partial:9.3f}{alarms:8.3f}"
            f"   threshold {threshold}: {out[0]:.3f} at {out[2]:.3f}"
        )
    every = [row for path in paths for row in rows(path)]
    safe = [row for row in every if not row["type"].startswith("contrast")]
    for name, answers in (
        ("all", read(every)),
        ("safe prompts", read(safe)),
        ("  graded as for a twin", read(safe, helping=True)),
    ):
        recall, partial, alarms = answers.shares(SETTLES)
        print(f"{name:26}{len(answers.full):6}{recall:8.3f}{partial:9.3f}{alarms:8.3f}")


def rows(path: Path) -> list[dict[str, str]]:
    """Return one model's labelled answers."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def read(labelled: list[dict[str, str]], *, helping: bool = False) -> Answers:
    """Score labelled answers."""
    answers = Answers([], [], [])
    by_label = {"2_full_refusal": answers.full, "3_partial_refusal": answers.partial, "1_full_compliance": answers.none}
    for row in labelled:
        by_label[row["final_label"]].append(points(row["completion"], helping=helping))
    return answers


def chosen(others: list[Answers]) -> int:
    """Return the threshold with the best recall among those that keep every other model within the false alarms."""
    within = [choice for choice in CHOICES if all(one.shares(choice)[2] <= MOST_ALARMS for one in others)]
    return min(within, default=max(CHOICES))


def languages(file: Path) -> None:
    """Print every language: models that were never looked at, and the one that was."""
    csv.field_size_limit(10**8)
    found: dict[tuple[str, bool], Answers] = defaultdict(lambda: Answers([], [], []))
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            answers = found[row["language"], row["model"] == SEEN]
            (answers.full if row["label"] == "1" else answers.none).append(points(row["completion"]))
    print(f"\n{'PolyRefuse, by WildGuard':26}{'refused':>8}{'recall':>8}{'not':>6}{'alarms':>8}   {SEEN} (seen)")
    for language in sorted({name for name, _ in found}):
        new, old = found[language, False].shares(SETTLES), found[language, True].shares(SETTLES)
        refused, answered = len(found[language, False].full), len(found[language, False].none)
        seen = f"{old[0]:.3f} at {old[2]:.3f}" if found[language, True].full else "-"
        print(f"{language:26}{refused:8}{new[0]:8.3f}{answered:6}{new[2]:8.3f}   {seen}")


if __name__ == "__main__":
    main()
