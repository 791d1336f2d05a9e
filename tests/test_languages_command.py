"""The command that names languages and writes the table of coverage."""

from __future__ import annotations

from click.testing import CliRunner

from threelines.cli.languages import command
from threelines.text.coverage import coverage, knows, said
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


def test_the_encoder_says_which_languages_it_knows():
    """It knows the large languages, not Wolof, and says so in words; of an unknown code it says that."""
    assert knows("spa")
    assert not knows("wol")
    assert "knows" in said("spa")
    assert "hardly" in said("wol")
    assert "not known" in said("xyz")
    assert 60 < sum(share >= 0.8 for share in coverage().values()) < len(coverage())
