"""The monitor speaks on a register, and names no small group."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from threelines.cli.main import root


def test_monitor_reads_a_register(tmp_path: Path):
    """A register of invented cases can be watched from the command line."""
    db = str(tmp_path / "d.db")
    assert CliRunner().invoke(root, ["register", "demo", "--db", db, "--cases", "300"]).exit_code == 0
    told = CliRunner().invoke(root, ["monitor", "--db", db])

    assert told.exit_code == 0, told.output
    assert told.output.strip()
