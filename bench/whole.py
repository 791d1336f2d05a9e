"""Whole scan: every post read, judged, linked into scripts and networks, accounts measured, beside linking alone

The posts are of the kind of `bench/scripts.py`. `threelines scan` is the command a person types, from its start to its end,
file in and file out; the engine rows leave out start, parsing and writing. The peer, rensa, links near-copies only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import corpus
import msgspec
import networks

import scripts
from threelines.engine.local import Plan
from threelines.engine.local import run as scan
from threelines.records import Record
from threelines.vocabulary.terms import load

packaged = cache(load)


def engine(posts: list[Record], jobs: int) -> None:
    """Run the whole plan in memory."""
    for _ in scan(posts, Plan(vocabulary=packaged()), jobs=jobs):
        pass


def command(path: Path) -> None:
    """Run the command on a file."""
    words = ["scan", str(path), "--out", str(path.with_suffix(".findings.jsonl"))]
    subprocess.run([sys.executable, "-m", "threelines.cli.main", *words], check=True, capture_output=True)


def run(_data: object = None, *, n: int = 100_000, seed: int = 7) -> list[dict[str, Any]]:
    """Return one row for each way; `times` says how much faster than the peer's linking alone the way is."""
    made = corpus.make(n, seed)
    posts = networks.records(made)
    engine(posts[:5000], 1)  # warm: vocabulary, automaton, letters
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.jsonl"
        path.write_bytes(b"".join(msgspec.json.encode(post) + b"\n" for post in posts))
        ways: dict[str, Callable[[], object]] = {
            "threelines, engine, 1 process": lambda: engine(posts, 1),
            f"threelines, engine, 2 processes ({os.cpu_count()} cores)": lambda: engine(posts, 2),
            "threelines scan FILE --out FILE": lambda: command(path),
            "rensa, linking alone": lambda: scripts.rensa(made.texts),
        }
        rows = [_row(name, way, len(posts)) for name, way in ways.items()]
    for row in rows:
        row["times"] = round(row["posts/s"] / max(rows[-1]["posts/s"], 1), 2)
    return rows


def _row(name: str, way: Callable[[], object], count: int) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        way()
    except ImportError as fault:
        return {"way": f"{name}: {fault}", "posts": count, "s": "", "posts/s": 0}
    seconds = time.perf_counter() - began
    return {"way": name, "posts": count, "s": round(seconds, 2), "posts/s": int(count / seconds)}


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]  # posts, seed
    for line in run(**dict(zip(("n", "seed"), numbers, strict=False))):
        print(line)
