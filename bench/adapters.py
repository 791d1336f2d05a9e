"""Adapters: what `threelines fit` reaches on real labelled sets, cross-validated

Each set is fitted as `threelines fit SET --out A` does it: five folds, near-copies and accounts kept together, recipe and
calibration chosen without the fold they are measured on. 95% intervals over groups. `texts/s` is labelling alone, on one
core. These are developer halves; the other halves are measured by the same command.

    python bench/adapters.py [DATA] [--semantic | --tuned] [--random] [--curve | --draws N | --suggest N] [SET …]

`--random` leaves accounts and near-copies where chance puts them, as most published figures do: what that alone is worth.
`--draws N` fits N times with other folds each and prints each figure and the mean: one
draw of folds may be lucky.
`--curve` fits each half and each quarter of a set apart as well: what twice the labels would bring if the gain of the last
doubling were repeated (it usually shrinks). Beside it stands how often two near-copies bear different labels: where that is
often, no model can be right about both.
`--suggest N` labels 80 threads, then 80 more: those that `fit --suggest` names, or any, and prints the macro-F1 on a third of
the set, N times with other draws. One recipe, to be quick. Which threads to suggest was chosen on the first three sets.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from _sets import rows

SETS = {
    "coercion_ko_dktc": "character baseline .878 macro-F1", "threat_ur": "published F1 .740",
    "attack_idms_train": "published macro-F1 .799", "jobads_zh_orfd": "character baseline AUROC .723, AP .409",
    "sms_th": "character baseline .883 macro-F1", "sms_id": "character baseline .950 macro-F1: no success to quote",
    "phonecalls_zh_teleantifraud_llm": "made by a model, easy: smoke only",
}  # fmt: skip

SUGGEST_SETS = {
    "incidents_aiid_mit": "domain", "aitext_glimpse": "label", "llm_misuse_prompts": "label", "sms_th": "label",
    "threat_ur": "label",
}  # fmt: skip
"""Set → column of the labels."""

_ALIKE = 0.8
_LABELS = 80
_OFTEN = 40


def run(
    data: Path, *, semantic: bool = False, tuned: bool = False, random: bool = False, sets: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """Return one row a set."""
    from threelines.platforms.fit import fit

    found = []
    for name, labelled in _labelled(data, sets, random=random):
        started, used = time.perf_counter(), time.process_time()
        fitted = fit(labelled, semantic=semantic, tuned=tuned)
        took, used = time.perf_counter() - started, time.process_time() - used
        texts = labelled.texts[:500] if tuned else labelled.texts
        started = time.process_time()
        fitted.adapter.probabilities(texts)
        rate = len(texts) / (time.process_time() - started)
        figures = fitted.adapter.header.figures
        found.append(
            {"set": name, "threads": figures["threads"], "recipe": fitted.adapter.header.recipe}
            | {title: _shown(figures[key]) for title, key in _COLUMNS.items()}
            | {"ECE": f"{figures['ece']:.3f} (if perfect {figures['ece_if_perfect'][0]:.3f})"}
            | {"ranked class": figures["ranked_class"], "fit s": round(took, 1), "fit CPU s": round(used, 1)}
            | {"texts/s": round(rate), "known": SETS[name]}
        )
    return found


def draws(data: Path, count: int, *, random: bool = False, sets: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return for each set the macro-F1, AUROC and AP of `count` draws of folds, and their means."""
    from threelines.platforms.fit import fit

    found = []
    for name, labelled in _labelled(data, sets, random=random):
        all_figures = [fit(_shuffled(labelled, seed)).adapter.header.figures for seed in range(1, count + 1)]
        row: dict[str, Any] = {"set": name, "threads": len(labelled.texts)}
        for title, key in _COLUMNS.items():
            values = [figures[key][0] for figures in all_figures]
            row[title] = f"{np.mean(values):.4f} ({' '.join(f'{value:.3f}' for value in values)})"
        found.append(row)
    return found


def curve(data: Path, *, sets: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return for each set the macro-F1 of its quarters, its halves and the whole, and what twice the labels might bring."""
    from threelines.platforms.fit import fit

    found = []
    for name, labelled in _labelled(data, sets):
        means = {}
        for parts in (4, 2, 1):
            fits = [fit(part).adapter.header.figures["macro_f1"][0] for part in _parts(labelled, parts)]
            means[f"macro-F1 of 1/{parts}"] = round(float(np.mean(fits)), 3)
        whole, half = means["macro-F1 of 1/1"], means["macro-F1 of 1/2"]
        found.append(
            {"set": name, "threads": len(labelled.texts)} | means
            | {"of twice, at most": round(whole + (whole - half), 3), "near-copies that disagree": _disagreeing(labelled)}
        )  # fmt: skip
    return found


def suggestions(data: Path, count: int, *, sets: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return for each set the macro-F1 of 80 labels, of 80 more as suggested and of 80 more by chance, over `count` draws."""
    found = []
    for name, column in SUGGEST_SETS.items():
        if not rows(data, name) or (sets and name not in sets):
            continue
        labelled = _gathered(data, name, {"label": column})
        gained = np.asarray([_suggested(labelled, seed) for seed in range(count)])
        row: dict[str, Any] = {"set": name, "threads": len(labelled.texts)}
        row |= dict(zip(("80 labels", "suggested", "by chance"), gained.mean(axis=0).round(3).tolist(), strict=True))
        apart = gained[:, 1] - gained[:, 2]
        row["suggested over chance"] = f"{apart.mean():+.3f} ({' '.join(f'{value:+.3f}' for value in apart)})"
        found.append(row)
    return found


def _suggested(labelled: Any, seed: int) -> list[float]:
    """Return the macro-F1 of 80 labels, of 160 of which 80 were suggested, and of 160 by chance."""
    from threelines.platforms.suggest import suggest

    draw = np.random.default_rng(seed)
    side = draw.permutation(int(labelled.groups.max()) + 1)[labelled.groups] % 3
    test, rest = np.flatnonzero(side == 0), draw.permutation(np.flatnonzero(side))[:1500]
    of = np.asarray(labelled.labels)[rest]
    first = np.concatenate([rest[of == name][:6] for name in sorted(set(labelled.labels))])
    first = np.concatenate([first, np.setdiff1d(rest, first, assume_unique=True)[: max(0, _LABELS - len(first))]])
    pool = draw.permutation(np.setdiff1d(rest, first))
    place = {labelled.threads[index].id: index for index in pool}
    adapter = _quick(_taken(labelled, first))
    texts = [labelled.texts[index] for index in first]
    asked = suggest(adapter, [labelled.threads[index] for index in pool], _LABELS, texts)
    more = np.asarray([place[line.thread] for line in asked])
    return [
        _score(labelled, kept, test)
        for kept in (first, np.concatenate([first, more]), np.concatenate([first, pool[: len(more)]]))
    ]


def _quick(labelled: Any) -> Any:
    from threelines.platforms import fit

    with mock.patch.object(fit, "RECIPES", {"letters": fit.RECIPES["letters across words"]}):
        return fit.fit(labelled).adapter


def _score(labelled: Any, kept: Any, test: Any) -> float:
    from sklearn.metrics import f1_score

    adapter = _quick(_taken(labelled, kept))
    chosen = adapter.probabilities([labelled.texts[index] for index in test]).argmax(axis=1)
    said = [adapter.classes[index] for index in chosen]
    return float(f1_score([labelled.labels[index] for index in test], said, average="macro"))


def _shuffled(labelled: Any, seed: int) -> Any:
    """Draw the numbers of the groups anew: folds go by them."""
    new = np.random.default_rng(seed).permutation(int(labelled.groups.max()) + 1)
    return labelled._replace(groups=new[labelled.groups])


def _taken(labelled: Any, kept: Any) -> Any:
    taken = {name: tuple(getattr(labelled, name)[index] for index in kept) for name in ("threads", "texts", "labels")}
    return labelled._replace(groups=np.unique(labelled.groups[kept], return_inverse=True)[1], **taken)


def _labelled(data: Path, sets: tuple[str, ...], *, random: bool = False) -> Any:
    for name in SETS:
        if rows(data, name) and (name in sets or not sets):
            found = _gathered(data, name)
            yield name, found._replace(groups=np.arange(len(found.texts))) if random else found


def _gathered(data: Path, name: str, mapping: dict[str, str] | None = None) -> Any:
    """Return the labelled threads of a set; of a mapped one without the classes that have few."""
    from threelines.platforms.labelled import gather
    from threelines.platforms.read import ReadReport, read

    path = next(path for path in (data / "dev" / f"{name}.jsonl.gz", data / f"{name}.jsonl.gz") if path.is_file())
    records = list(read([path], reveal=True, key=None, report=ReadReport(), mapping=mapping or {}))
    often = Counter(record.label for record in records if record.label)
    return gather(record for record in records if not mapping or often[record.label] >= _OFTEN)


def _parts(labelled: Any, parts: int) -> list[Any]:
    """Cut a set by groups into parts of about equal size; one part is the set."""
    groups, place = np.unique(labelled.groups, return_inverse=True)
    where = (np.random.default_rng(7).permutation(len(groups)) % parts)[place]
    return [_taken(labelled, np.flatnonzero(where == part)) for part in range(parts)]


def _disagreeing(labelled: Any) -> str:
    """Count the pairs of near-copies, four fifths of their letters alike in order, that bear different labels."""
    pairs = [
        labelled.labels[one] == labelled.labels[other]
        for group in np.flatnonzero(np.bincount(labelled.groups) > 1)
        for one, other in itertools.combinations(np.flatnonzero(labelled.groups == group)[:20], 2)
        if difflib.SequenceMatcher(None, labelled.texts[one], labelled.texts[other]).ratio() >= _ALIKE
    ]
    return f"{pairs.count(False)} of {len(pairs)} pairs"


_COLUMNS = {"macro-F1": "macro_f1", "AUROC": "auroc", "AP": "average_precision"}


def _shown(triple: list[float]) -> str:
    return f"{triple[0]:.3f} ({triple[1]:.3f}-{triple[2]:.3f})"


def _main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("data", nargs="?", default="../shared/data", type=Path)
    asked.add_argument("sets", nargs="*")
    for name in ("semantic", "tuned", "curve", "random"):
        asked.add_argument(f"--{name}", action="store_true")
    for name in ("draws", "suggest"):
        asked.add_argument(f"--{name}", type=int, default=0)
    given = asked.parse_intermixed_args()
    sets = tuple(given.sets)
    if given.curve:
        lines = curve(given.data, sets=sets)
    elif given.suggest:
        lines = suggestions(given.data, given.suggest, sets=sets)
    elif given.draws:
        lines = draws(given.data, given.draws, random=given.random, sets=sets)
    else:
        lines = run(given.data, semantic=given.semantic, tuned=given.tuned, random=given.random, sets=sets)
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    _main()
