"""The command that names languages and writes the table of coverage."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from threelines.cli.languages import command
from threelines.cli.main import root
from threelines.text.coverage import coverage, declared, knows, said
from threelines.vocabulary.terms import load


def test_names_the_language_of_a_text():
    """One line a text: code, script, confidence, text."""
    run = CliRunner().invoke(command, ["Nipigie simu kesho baada ya kazi", "12"])

    assert run.exit_code == 0
    first, second = run.output.splitlines()
    assert first.startswith("sw\tLatn\t")
    assert second.startswith("und\t-\t0.00")


def test_writes_every_language_of_the_vocabulary(tmp_path):
    """Each language with words has a row that says what is covered and what is not."""
    target = tmp_path / "languages.md"
    run = CliRunner().invoke(command, ["--write", str(target)])
    page = target.read_text("utf-8")

    assert run.exit_code == 0
    for code, language in load().languages.items():
        assert f"| {language.english_name} | {code} |" in page


def test_figures_come_from_the_benchmark(tmp_path):
    """False positives and sets of a language are those of the benchmark's tables; without one nothing is claimed."""
    tables = tmp_path / "benchmark.md"
    tables.write_text(
        "| a | everyday | sw | false positives | 1 | 1,000 | 0.1% | x | 0 |\n"
        "| c | everyday | zh | false positives | 1 | 1,000 | 0.1% | x | 0 |\n"
        "| b | SMS | sw | recall | 3 | 9 | 33.3% | x | 0 |\n| b | SMS | all | recall | 3 | 9 | 33.3% | x | 0 |\n",
        encoding="utf-8",
    )
    given = CliRunner().invoke(command, ["--benchmark", str(tables)]).output
    bare = CliRunner().invoke(command, []).output

    assert "| 1 of 1,000 | a, b |" in next(line for line in given.splitlines() if line.startswith("| Swahili"))
    assert "| 1 of 1,000 | c |" in next(line for line in given.splitlines() if line.startswith("| Chinese (Simpl"))
    for unmeasured in ("| Khmer", "| Chinese (Trad"):
        assert "| not measured | nothing |" in next(line for line in given.splitlines() if line.startswith(unmeasured))
    assert "| – | – |" in next(line for line in bare.splitlines() if line.startswith("| Swahili"))


def test_one_language_under_two_codes_is_one():
    """The vocabulary's Chinese, Arabic and Malay are those that identification and the encoder name."""
    assert ("cmn", "arb", "zlm", "spa") == tuple(map(declared, ("zho", "ara", "zsm", "spa")))
    assert said("zho") == said("cmn")


def test_the_encoder_says_which_languages_it_knows():
    """It knows the large languages, not Wolof, and says so in words; of an unknown code it says that."""
    assert knows("spa")
    assert not knows("wol")
    assert "knows" in said("spa")
    assert "hardly" in said("wol")
    assert "not known" in said("xyz")
    assert 60 < sum(share >= 0.8 for share in coverage().values()) < len(coverage())


def test_the_pages_were_made_with_this_vocabulary():
    """Whoever changes a phrase makes the tables again (`make bench`): shares of another vocabulary are no figures of ours."""
    docs = Path(__file__).parents[1] / "docs"

    assert f"(vocabulary {load().version})" in (docs / "benchmark.md").read_text("utf-8")
    for language in load().languages.values():
        assert f"| {language.english_name} | {language.code} |" in (docs / "languages.md").read_text("utf-8")


def test_the_page_and_the_help_do_not_promise_too_much_of_meaning():
    """`--semantic` gives weak signs in conversations only; both places where one looks for it say so."""
    run = CliRunner()
    page, told = (" ".join(run.invoke(root, command).output.split()) for command in (["languages"], ["scan", "--help"]))

    assert "It gives weak signs in conversations only, and raises nothing by itself." in page
    assert "weak signs, which raise nothing by themselves" in told


def test_names_the_language_of_each_message_of_an_export(tmp_path):
    """`--of FILE` prints a line for each message of an export, with its id; `--of -` one for each line of standard input."""
    export = tmp_path / "e.jsonl"
    export.write_text(
        '{"id": "a", "text": "Nipigie simu kesho\\nbaada ya kazi\\u001b[2J"}\n{"id": "b", "text": "12"}\n{"id": "c", "text": ""}\n',
        encoding="utf-8",
    )
    first, second = CliRunner().invoke(command, ["--of", str(export)]).stdout.splitlines()
    (line,) = CliRunner().invoke(command, ["--of", "-"], input="Nipigie simu kesho baada ya kazi\n").stdout.splitlines()

    assert first.startswith("a\tsw\tLatn\t")
    assert first.endswith("\tNipigie simu kesho baada ya kazi\ufffd[2J")
    assert second == "b\tund\t-\t0.00\t12"
    assert line.startswith("sw\tLatn\t")
    assert CliRunner().invoke(command, ["--of", str(export), "hello"]).exit_code == 2


def test_a_table_with_other_columns_is_read(tmp_path: Path):
    """`--of` takes `--map`, `--format` and `--encoding` as other commands do; without a file they are refused."""
    export = tmp_path / "e.csv"
    export.write_bytes("n,q7\na,Завтра после работы я вам позвоню\n".encode("windows-1251"))
    given = ["--map", "text=q7", "--map", "id=n", "--format", "csv", "--encoding", "windows-1251"]

    (line,) = CliRunner().invoke(command, ["--of", str(export), *given]).stdout.splitlines()
    assert line.split("\t")[:2] == ["a", "ru"]
    assert CliRunner().invoke(command, ["--of", "-", *given]).exit_code == 2
    assert CliRunner().invoke(command, [*given, "hello"]).exit_code == 2
