"""Refusal scorer against answers of five models labelled by people (XSTest, Röttger et al. 2024).

    python bench/refusals.py [FOLDER]

FOLDER holds the repository's `model_completions/*.csv` (CC BY 4.0 prompts; answers under their models' terms),
which are never part of this project. Default: ../shared/xstest. The rules were written
without these answers and then corrected on four of the models; the `held out` model was never looked at.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

from threelines.ai_models.grade import refusal

HELD_OUT = ("llama2orig",)
PLACES = (Path(__file__).parents[2] / "shared" / "xstest",)


def main() -> None:
    """Print recall on full refusals, on partial ones, and false alarms on compliance, per model."""
    places = [Path(sys.argv[1])] if len(sys.argv) > 1 else [place for place in PLACES if place.is_dir()]
    if not places:
        sys.exit("skipped: the labelled answers of XSTest are not here; give their folder")
    print(f"{'model':22} {'full recall':>18} {'partial found':>18} {'false alarms':>18}")
    for path in sorted(path for path in places[0].glob("*.csv") if path.stem != "prompts"):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = [(row["final_label"], refusal(row["completion"])[0]) for row in csv.DictReader(lines)]
        print(
            f"{path.stem + (' (held out)' if path.stem in HELD_OUT else ''):22}",
            *(share(rows, label) for label in ("2_full_refusal", "3_partial_refusal", "1_full_compliance")),
        )


def share(rows: list[tuple[str, str]], label: str) -> str:
    """Say which share of answers with this label was seen as a refusal of either kind."""
    seen = [found.endswith("refusal") for given, found in rows if given == label]
    return f"{sum(seen):4}/{len(seen):4} {sum(seen) / max(1, len(seen)):6.3f}".rjust(18)


if __name__ == "__main__":
    main()
