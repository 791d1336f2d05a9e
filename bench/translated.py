"""One script in several languages: articles and requests in 34 languages merged again, by the encoder

Each article of the declaration of human rights, in the languages of the brief's regions, and each request that the scenarios
have in eleven languages stands for a script; 200 incidents in English stand between them. Columns: pairs of scripts in two
languages, rightly merged (P) and found (R), over all, and R by language for those of which the encoder finds fewer.
The two limits of `link.translated` were set while looking at this table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _sets import rows
from crosslingual import RETRIEVED

from threelines.ai_models.scenario import items, load
from threelines.link.placing import Placing
from threelines.link.translated import translations

_ISO = {"en": "eng", "es": "spa", "fr": "fra"}


def texts(data: Path) -> dict[tuple[str, str], str]:
    """Return texts by (what is said, language)."""
    found: dict[tuple[str, str], str] = {}
    for row in sorted(rows(data, "langid_udhr"), key=lambda row: not row["code"].startswith(row["label"])):
        if row["label"] in ("eng", *RETRIEVED):
            found.setdefault((f"article {row['article']}", row["label"]), row["text"][:400])
    for item in items(load(), ("misuse", "support", "contrast")):
        said = "\n".join(item.request.turns or (item.request.text,)).replace("{payload}", "…")
        language = item.request.language
        found.setdefault((item.id.rsplit("/", 1)[0], _ISO.get(language, language)), said[:400])
    for number, row in enumerate(rows(data, "incidents_aiid_mit")[:200]):
        found[f"incident {number}", "eng"] = row["text"][:300]
    return found


def run(data: Path = Path("../shared/data")) -> list[dict[str, Any]]:
    """Return the whole, then the languages of which less than half is found; no row without the extra or the data."""
    held = texts(data)
    said, known = (np.asarray(column) for column in zip(*held, strict=True))
    placed = Placing()(list(held.values()))
    names = translations(placed._replace(languages=tuple(known.tolist())))
    abroad = known[:, None] != known[None]
    wanted, merged = (said[:, None] == said[None]) & abroad, (names[:, None] == names[None]) & abroad
    table = [_row("all", wanted, merged, languages=len(set(known.tolist())), scripts=len(known))]
    for language in sorted(set(known.tolist())):
        here = known == language
        row = _row(language, wanted[here], merged[here], languages="", scripts=int(here.sum()))
        if wanted[here].any() and row["R"] < 0.5:
            table.append(row)
    return table


def _row(language: str, wanted: Any, merged: Any, **more: Any) -> dict[str, Any]:
    right = int((wanted & merged).sum())
    precision, recall = right / max(int(merged.sum()), 1), right / max(int(wanted.sum()), 1)
    return {
        "language": language,
        **more,
        "pairs": int(wanted.sum()) // 2,
        "P": round(precision, 3),
        "R": round(recall, 3),
    }


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
