"""The exit code of the command itself, as a shell or a workflow sees it."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from threelines.cli.main import main
from threelines.signals import examples


def _code(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["threelines", *map(str, arguments)])
    try:
        main()
    except SystemExit as left:
        return left.code
    return 0


@pytest.fixture
def database(tmp_path, monkeypatch):
    """Make an empty register."""
    path = tmp_path / "r.db"
    assert _code(monkeypatch, "register", "init", "--db", path) == 0
    return path


def test_an_import_with_refused_rows_ends_with_1(database, tmp_path, monkeypatch, capsys):
    """As its help says; the good rows are kept all the same, and a whole import ends with 0."""
    for text, code in (("prs_Gender\nFeminine\nWRONG\n", 1), ("prs_Gender\nMasculine\n", 0)):
        (tmp_path / "c.csv").write_text(text, encoding="utf-8")
        assert _code(monkeypatch, "register", "import", tmp_path / "c.csv", "--db", database) == code
        assert "1 added" in capsys.readouterr().out


def test_the_process_ends_with_the_code(database, tmp_path):
    """What `main` leaves with reaches whoever started the process."""
    (tmp_path / "c.csv").write_text("prs_Gender,consent.statistics\nFeminine,no,yes\n", encoding="utf-8")
    command = [sys.executable, "-m", "threelines.cli.main", "register", "import", tmp_path / "c.csv", "--db", database]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (1, "0 added, 0 known already, 1 refused\n")
    assert done.stderr.startswith("row 2: row: 3 cells under 2 columns")


def test_a_vocabulary_that_fails_its_examples_ends_with_1(monkeypatch):
    """A check in a workflow must turn red."""
    for found, code in (([SimpleNamespace(where="here", fault="does not say so")], 1), ([], 0)):
        monkeypatch.setattr(examples, "failures", lambda _, found=found: found)
        assert _code(monkeypatch, "vocabulary", "check") == code


@pytest.mark.parametrize(("arguments", "code"), [(["--version"], 0), (["--help"], 0), (["nothing-such"], 2)])
def test_help_and_mistakes_keep_their_codes(monkeypatch, arguments, code):
    """Help is no fault; a command that is not there is one of the user's."""
    assert _code(monkeypatch, *arguments) == code
