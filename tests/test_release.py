"""Releases: nothing is written before a second person agreed; no published cell is small."""

from __future__ import annotations

import csv
from pathlib import Path

from click.testing import CliRunner, Result

from threelines.cli.main import root

K = 11


def run(*words: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(root, list(words))


def test_two_people_and_no_small_cell(tmp_path: Path):
    """One person prepares, may not approve, a second one agrees; then files appear, with no count from 1 to 10."""
    db, out = str(tmp_path / "d.db"), tmp_path / "out"
    assert run("register", "demo", "--db", db, "--cases", "400").exit_code == 0
    prepared = run("release", "--db", db, "--out", str(out), "--base", "1", "--user", "first").output
    request = prepared.split()[1]
    assert not out.exists()

    assert run("release", "--db", db, "--approve", request, "--user", "first").exit_code != 0
    assert run("release", "--db", db, "--approve", request, "--user", "second").exit_code == 0
    assert run("release", "--db", db, "--out", str(out), "--base", "1", "--user", "first").exit_code == 0
    counts = [
        int(cell)
        for path in sorted(out.rglob("*.csv"))
        for row in csv.reader(path.open(encoding="utf-8"))
        for cell in row[-1:]
        if cell.isdigit()
    ]

    assert counts
    assert not [count for count in counts if 0 < count < K]
