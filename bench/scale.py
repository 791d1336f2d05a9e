"""Growth: time and peak memory of a whole scan over one, two, four and eight million simulated messages

    python bench/scale.py [ACCOUNTS ...]        default: 8500 17000 34000 68000 (the last takes about 15 minutes)

Simulates a platform, scans it with every thread kind on, and asks the operating system for the peak memory of the
largest process.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ACCOUNTS = (8_500, 17_000, 34_000, 68_000)


def run(data: Path | None = None, accounts: tuple[int, ...] = ACCOUNTS) -> Iterator[dict[str, Any]]:
    """Yield one row for each size."""
    with tempfile.TemporaryDirectory() as folder:
        for count in accounts:
            yield _row(count, Path(folder))


def _row(count: int, folder: Path) -> dict[str, Any]:
    source = folder / "platform.jsonl"
    _threelines("simulate", "--accounts", count, "--days", 7, "--seed", 3, "--out", source, "--truth", folder / "truth")
    with source.open("rb") as file:
        messages = sum(1 for _ in file)
    began = time.perf_counter()
    peak = _threelines("scan", source, "--key-file", folder / "key", "--out", folder / "found.jsonl", "--top", 0)
    seconds = time.perf_counter() - began
    return {
        "messages": messages,
        "accounts": count,
        "seconds": round(seconds, 1),
        "messages/s": messages / seconds,
        "peak MB": peak,
    }


def _threelines(*words: object) -> int:
    """Run the command and return the peak memory of its largest process, in MB."""
    command = [sys.executable, "-m", "threelines.cli.main", *map(str, words)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    assert isinstance(usage, resource.struct_rusage)
    return usage.ru_maxrss // 1024


if __name__ == "__main__":
    for row in run(accounts=tuple(map(int, sys.argv[1:])) or ACCOUNTS):
        print(row, flush=True)
