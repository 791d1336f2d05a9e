"""The vocabulary: data that holds together, says where it comes from, and is its own test."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from threelines.assess import assess
from threelines.cli.vocabulary import command
from threelines.records import Record, Thread
from threelines.signals.examples import failures, signals_of
from threelines.signals.reading import strength_of
from threelines.vocabulary.terms import UNVERIFIED, Vocabulary, VocabularyError, load

DOMAIN = Path(__file__).parents[1].parent / "shared" / "domain" / "indicators.csv"
INDICATOR = """
id = "ACME-01"
name = "Asks for a selfie"
description = "Asks for a selfie before any talk."
category = "recruitment_offer"
dimension = "deceptive_recruitment"
strength = "strong"
evidence = "read in source"
look_alikes = "Identity checks"
[[sources]]
organisation = "Acme trust and safety"
[seed]
language = "en"
phrases = ["selfie holding your papers"]
[[examples]]
text = "Send a selfie holding your papers."
shows = true
[[examples]]
text = "Nice selfie!"
shows = false
"""


def folder(tmp_path: Path, text: str = INDICATOR, name: str = "indicators/ACME-01.toml") -> Path:
    """Return a platform's own folder with one file."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_example_does_what_it_says(vocabulary: Vocabulary):
    """Examples inside the files are tests, both ways, in every language; and no loose end is left."""
    assert [] == [f"{where}: {fault}" for where, fault in failures(vocabulary)]


def test_every_indicator_of_the_domain_inventory_is_there(vocabulary: Vocabulary):
    """The 162 rows are all present with their name and evidence status (one was read since)."""
    if not DOMAIN.is_file():
        pytest.skip(f"{DOMAIN} is absent: the domain inventory lies beside the repository in this workplace only")
    with DOMAIN.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert len(rows) == 162
    for row in rows:
        indicator = vocabulary.indicators[row["id"]]
        assert indicator.name == row["name"]
        assert indicator.evidence == row["evidence_status"] or row["id"] == "AI-02"
        assert indicator.look_alikes == row["lookalikes"]


def test_it_loads_fast():
    """Reading two hundred files costs well under half a second."""
    from threelines.vocabulary import terms

    terms._packaged.cache_clear()
    start = time.perf_counter()
    load()

    assert time.perf_counter() - start < 2.0  # 0.05 s on an idle core; the machine of the tests may be busy


def test_unverified_signs_never_score(vocabulary: Vocabulary):
    """Rule 8: what no source says is shown at most, whatever its strength."""
    for indicator in vocabulary.indicators.values():
        if indicator.evidence == UNVERIFIED:
            assert not indicator.counts
    for entry in vocabulary.entries:
        if entry.evidence == UNVERIFIED and not entry.indicator.ai_use:
            assert strength_of(entry) == "context"


def test_folk_indicators_add_nothing():
    """Rule 5: SEX-10 and SEX-11 point the wrong way; employer-paid travel is good practice."""
    vocabulary = load(packs=["sexual_adverts"])

    for name in ("SEX-10", "SEX-11", "SEX-04", "SEX-12", "REC-05", "REC-31", "REC-37", "AI-27"):
        assert not vocabulary.indicators[name].counts


def test_the_sexual_advert_pack_is_off_unless_asked_for(vocabulary: Vocabulary):
    """Rule 5: no SEX indicator is in use by default."""
    assert not [indicator for indicator in vocabulary.active if indicator.id.startswith("SEX-")]
    assert [i for i in load(packs=["sexual_adverts"]).active if i.id.startswith("SEX-")]


def test_ai_indicators_never_raise_concern(vocabulary: Vocabulary):
    """Rule 4: every AI-* indicator speaks of AI use only."""
    assert all(i.ai_use for i in vocabulary.indicators.values() if i.id.startswith("AI-"))


def test_every_phrase_names_its_source(vocabulary: Vocabulary):
    """No word stands in a language file without the organisation that published it."""
    for language in vocabulary.languages.values():
        for phrase in language.phrases:
            assert language.sources[phrase.source].organisation


def test_languages_without_sources_are_visible_gaps(vocabulary: Vocabulary):
    """A language with no sourced phrase has a file with none: a gap that is printed, not a silence."""
    empty = {code for code, language in vocabulary.languages.items() if not language.phrases} - {"en"}

    assert {"om", "ti"} <= empty
    assert {("REC-06", code) for code in empty} <= set(vocabulary.gaps())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("id =", "ide ="), "unknown field"), (('strength = "strong"', 'strength = "huge"'), "huge"),
        (('dimension = "deceptive_recruitment"', 'dimension = "moon"'), "moon"),
        (('language = "en"', 'language = "xx"'), "xx"), (('look_alikes = "Identity checks"', ""), "look_alikes"),
        (('language = "en"\nphrases', 'language = "en"\nbare = ["(selfie"]\nphrases'), "regular expression"),
        (("[seed]", "[seed"), "TOML"), (('id = "ACME-01"', 'id = "REC-01"'), "exists already"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_its_name_and_fault(tmp_path: Path, change: tuple[str, str], fault: str):
    """An error says which file, what is wrong and what to do."""
    own = folder(tmp_path, INDICATOR.replace(*change))

    with pytest.raises(VocabularyError, match=fault) as caught:
        load(own)
    assert "ACME-01" in str(caught.value) or "REC-01" in str(caught.value)


def test_a_platform_adds_words_to_a_packaged_language(tmp_path: Path):
    """A language file of a platform names its code, its sources and its phrases, nothing else."""
    own = folder(
        tmp_path,
        'code = "vi"\n[sources.acme]\norganisation = "Acme"\n[[phrases]]\nindicator = "REC-35"\ntext = "lương khủng việc nhàn"\n'
        'source = "acme"\n',
        "languages/vi.toml",
    )
    vocabulary = load(own)

    assert vocabulary.languages["vi"].name == "Tiếng Việt"
    assert "REC-35" in {signal.indicator for signal in signals_of("Lương khủng việc nhàn!", vocabulary)}


def test_shadow_counts_and_never_raises(tmp_path: Path):
    """An indicator on trial makes signals that no concern rests on."""
    text = INDICATOR.replace('strength = "strong"', 'strength = "strong"\nshadow = true')
    vocabulary = load(folder(tmp_path, text))
    record = Record(id="r", kind="advert", text="Send a selfie holding your papers. No interview required.")
    found = assess(Thread(kind="advert", id="t", records=(record,)), vocabulary)

    assert found.tier == "none"
    assert [s.shadow for s in found.signals if s.indicator == "ACME-01"] == [True]


def test_check_and_show_and_gaps(tmp_path: Path):
    """The commands pass on the packaged words, fail on a wrong example, and print what they promise."""
    run = CliRunner().invoke
    broken = folder(tmp_path, INDICATOR.replace("Nice selfie!", "A selfie holding your papers, nice!"))

    assert run(command, ["check"]).exit_code == 0
    failed = run(command, ["check", "--vocabulary", str(broken)])
    assert failed.exit_code == 1
    assert "must not show ACME-01" in failed.output
    shown = run(command, ["show", "rec-06"])
    assert "Working-holiday schemes" in shown.output
    assert "Kemnaker" in shown.output
    assert run(command, ["show", "NOPE"]).exit_code == 2
    assert "REC-06,km" in run(command, ["gaps", "--csv", "--language", "km"]).output


def test_backtest_says_what_would_change(tmp_path: Path):
    """`backtest` names the threads that the new words would raise, and raises nothing itself."""
    own = folder(tmp_path / "words")
    lines = tmp_path / "old.jsonl"
    lines.write_text(
        '{"id": "a", "kind": "advert", "text": "A selfie holding your papers. No interview required."}\n'
        '{"id": "b", "kind": "advert", "text": "Baker wanted, three years of experience."}\n',
        encoding="utf-8",
    )
    done = CliRunner().invoke(command, ["backtest", str(own), str(lines), "--key-file", str(tmp_path / "key")])

    assert done.exit_code == 0, done.output
    assert "newly raised: 1" in done.output
    assert "no longer raised: 0" in done.output
