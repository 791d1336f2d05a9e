"""Growth: time and peak memory of a whole scan over one, two, four and eight million simulated messages

    python bench/scale.py [ACCOUNTS ...] [--plot FILE.svg]      default: 8500 17000 34000 68000 (twenty minutes in all)

Simulates a platform, scans it with every thread kind on, and asks the operating system for the peak memory of the
largest process.
"""

from __future__ import annotations

import argparse
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


def plot(rows: list[dict[str, Any]]) -> str:
    """Draw seconds and peak memory over messages, as SVG with the numbers in words."""
    top = {"seconds": max(row["seconds"] for row in rows) * 1.1, "peak MB": max(row["peak MB"] for row in rows) * 1.5}
    across = [60 + 425 * row["messages"] / max(one["messages"] for one in rows) for row in rows]
    told = "; ".join(f"{row['messages']:,} messages: {row['seconds']} seconds, {row['peak MB']:,} MB" for row in rows)
    drawn = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 260" role="img" aria-labelledby="t d" '
        'font-family="sans-serif" font-size="12"><title id="t">Time and memory of a scan by number of messages</title>'
        f'<desc id="d">{told}</desc><rect width="100%" height="100%" fill="white"/>'
        '<path d="M60 20V220H500" fill="none" stroke="#333"/>'
    ]
    for name, colour, dash in (("seconds", "#1d4f8c", "none"), ("peak MB", "#9a5b00", "7 4")):
        down = [220 - 200 * row[name] / top[name] for row in rows]
        points = " ".join(f"{x:.0f},{y:.0f}" for x, y in zip(across, down, strict=True))
        drawn.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" points="{points}"/>'
        )
        drawn += [
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4" fill="{colour}"/>'
            if name == "seconds"
            else f'<rect x="{x - 4:.0f}" y="{y - 4:.0f}" width="8" height="8" fill="{colour}"/>'
            for x, y in zip(across, down, strict=True)
        ]
    for x, row in zip(across, rows, strict=True):
        drawn.append(f'<text x="{x:.0f}" y="238" text-anchor="middle">{row["messages"] / 1e6:.0f} M</text>')
    legend = f"round, solid: seconds (top {top['seconds']:,.0f}); square, dashed: peak MB (top {top['peak MB']:,.0f})"
    return "\n".join([*drawn, f'<text x="66" y="16">{legend}</text></svg>']) + "\n"


def main() -> None:
    """Print one row for each size, and draw them where asked."""
    parser = argparse.ArgumentParser(description="Growth of a whole scan.")
    parser.add_argument("accounts", nargs="*", type=int)
    parser.add_argument("--plot", type=Path, help="Draw the rows into this SVG.")
    asked = parser.parse_args()
    rows = []
    for row in run(accounts=tuple(asked.accounts) or ACCOUNTS):
        print(row, flush=True)
        rows.append(row)
    if asked.plot:
        asked.plot.write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
