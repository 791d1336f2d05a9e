"""Rows of the labelled sets, read from `dev/*.jsonl.gz` below the data folder."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Return the rows of a set; none where the set is absent."""
    for path in (data / "dev" / f"{name}.jsonl.gz", data / f"{name}.jsonl.gz"):
        if path.is_file():
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                return [json.loads(line) for line in lines]
    return []


def words(row: dict[str, Any]) -> str:
    """Return the text of a row, turns on lines of their own."""
    return row["text"] if "text" in row else "\n".join(turn["text"] for turn in row["turns"])
