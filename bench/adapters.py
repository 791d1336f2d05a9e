"""Adapters: what `threelines fit` reaches on real labelled sets, cross-validated

Each set is fitted as `threelines fit SET --out A` does it: five folds, near-copies and accounts kept together, recipe and
calibration chosen without the fold they are measured on. 95% intervals over groups. `texts/s` is labelling alone, on one
core. These are developer halves; the other halves are measured by the same command.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from _sets import rows

SETS = {
    "coercion_ko_dktc": "character baseline .878 macro-F1", "threat_ur": "published F1 .740",
    "attack_idms_train": "published macro-F1 .799", "jobads_zh_orfd": "character baseline AUROC .723, AP .409",
    "sms_th": "character baseline .883 macro-F1", "sms_id": "character baseline .950 macro-F1: no success to quote",
    "phonecalls_zh_teleantifraud_llm": "made by a model, easy: smoke only",
}  # fmt: skip


def run(data: Path, *, semantic: bool = False) -> list[dict[str, Any]]:
    """Return one row a set."""
    from threelines.platforms.fit import fit
    from threelines.platforms.labelled import gather
    from threelines.platforms.read import ReadReport, read

    found = []
    for name, known in SETS.items():
        if not rows(data, name):
            continue
        path = next(path for path in (data / "dev" / f"{name}.jsonl.gz", data / f"{name}.jsonl.gz") if path.is_file())
        labelled = gather(read([path], reveal=True, key=None, report=ReadReport()))
        started = time.perf_counter()
        fitted = fit(labelled, semantic=semantic)
        took = time.perf_counter() - started
        started = time.process_time()
        fitted.adapter.probabilities(labelled.texts)
        rate = len(labelled.texts) / (time.process_time() - started)
        figures = fitted.adapter.header.figures
        found.append(
            {"set": name, "threads": figures["threads"], "recipe": fitted.adapter.header.recipe}
            | {title: _shown(figures[key]) for title, key in _COLUMNS.items()}
            | {"ranked class": figures["ranked_class"], "fit s": round(took, 1), "texts/s": round(rate), "known": known}
        )
    return found


_COLUMNS = {"macro-F1": "macro_f1", "AUROC": "auroc", "AP": "average_precision", "ECE": "ece"}


def _shown(triple: list[float]) -> str:
    return f"{triple[0]:.3f} ({triple[1]:.3f}-{triple[2]:.3f})"


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data"), semantic="--semantic" in sys.argv):
        print(line)
