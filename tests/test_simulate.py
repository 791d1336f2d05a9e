"""The simulated platform: repeatable, its truth apart, memory flat, look-alikes not raised."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections import Counter

import msgspec
import pytest
from click.testing import CliRunner

from threelines.engine.local import scan
from threelines.platforms.chatter import Chatter, noise, stream
from threelines.platforms.simulate import Simulation, SimulationError, roles, simulate
from threelines.records import Record
from threelines.signals import SIGNALS


def made(**options) -> tuple[str, list[dict]]:
    """Return the records as text and the truth as objects."""
    out, truth = io.StringIO(), io.StringIO()
    options = {"accounts": 300, "days": 3, "seed": 5, **options}
    simulate(Simulation(**options), out, truth, progress=lambda _: None)
    return out.getvalue(), [json.loads(line) for line in truth.getvalue().splitlines()]


@pytest.fixture(scope="module")
def platform():
    """Return one small platform: its records and its truth."""
    text, truth = made(accounts=800, days=6)
    return [msgspec.json.decode(line, type=Record) for line in text.splitlines()], truth


def test_the_same_seed_gives_the_same_bytes():
    """Records and truth repeat by seed, and differ between seeds."""
    assert made() == made()
    assert made()[0] != made(seed=6)[0]


def test_every_line_is_a_record_with_a_zone(platform):
    """The output is the generic form that every command reads."""
    records, _ = platform

    assert len(records) > 10_000
    assert all(record.time is not None and record.time.tzinfo is not None for record in records)
    assert len({record.id for record in records}) == len(records)
    assert {record.kind for record in records} == {"message", "advert", "post"}


def test_the_truth_is_apart(platform):
    """Nothing in a record tells the role of its author: ids are scrambled, fields are those of any export."""
    records, truth = platform
    text = "\n".join(record.id + record.author + record.conversation + record.text for record in records)

    assert not any(role in text for role in roles() if role != "ordinary")
    assert {record.label for record in records} == {""}
    roles_of = {fact["account"]: fact["role"] for fact in truth if "account" in fact}
    assert {record.author for record in records} <= set(roles_of)
    assert set(roles_of.values()) == set(roles())


def test_every_parameter_has_a_source_or_is_called_an_assumption(platform):
    """The truth's first line lists every range; most are assumptions and say so."""
    header = platform[1][0]
    sources = Counter(entry["source"] for entry in header["parameters"])

    assert sources["assumption"] > 100
    assert any("S56" in source for source in sources)
    assert all(entry["source"] for entry in header["parameters"])


def test_planted_talks_are_in_the_records(platform):
    """Every planted thread of the truth is a conversation of the records, of the length it says."""
    records, truth = platform
    lengths = Counter(record.conversation for record in records if record.conversation)
    planted = [fact for fact in truth if "thread" in fact]

    assert planted
    assert all(lengths[fact["thread"]] == fact["messages"] for fact in planted)


def test_noise_changes_words_and_nothing_else():
    """With noise the same accounts write at the same times to the same people; only words and languages go."""
    plain, loud = made()[0].splitlines(), made(noise_words=True)[0].splitlines()
    pairs = [(json.loads(a), json.loads(b)) for a, b in zip(plain, loud, strict=True)]

    assert all((a["id"], a["author"], a["time"]) == (b["id"], b["author"], b["time"]) for a, b in pairs)
    assert not any("language" in b for _, b in pairs)
    assert sum(a["text"] == b["text"] for a, b in pairs) == 0


def test_noise_keeps_marks_and_digits():
    """A contact stays a contact: only runs of letters are replaced."""
    loud = noise("Escríbeme: @name_123, 24 h!", stream("x"))

    assert loud.startswith(tuple("abcdefghijklmnopqrstuvwxyz"))
    assert ": @" in loud
    assert "_123, 24 " in loud
    assert "name" not in loud


def test_texts_are_everyday_sentences(vocabulary):
    """A published phrase is never in the small talk: the simulation is about conduct, not about wording."""
    from threelines.records import Thread
    from threelines.signals.wording import published_phrase

    chatter = Chatter()
    records = tuple(
        Record(id=f"{code}{i}", text=chatter.say(code, 20, stream(code, i)).text)
        for code in chatter.languages
        for i in range(60)
    )
    found = list(published_phrase(Thread(kind="conversation", id="t", records=records), vocabulary))

    assert found == []


def test_memory_does_not_grow_with_accounts(monkeypatch):
    """Four times the accounts need the same memory: accounts are made one by one, lines are written at once."""
    monkeypatch.setattr("threelines.platforms.simulate.CACHED", 50)

    def peak(accounts: int) -> int:
        class Nowhere(io.StringIO):
            def write(self, text: str) -> int:
                return len(text)

        tracemalloc.start()
        simulate(Simulation(accounts=accounts, days=1, seed=1), Nowhere(), Nowhere(), progress=lambda _: None)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(60)
    small, large = peak(200), peak(800)

    assert large < 1.2 * small


def test_look_alikes_and_ordinary_people_are_not_raised_as_accounts(platform, vocabulary):
    """On a small platform a scan raises accounts that ought to be found, and no innocent one."""
    records, truth = platform
    standing = {fact["account"]: fact["class"] for fact in truth if "account" in fact}
    of_accounts = tuple(detector for detector in SIGNALS if "account" in detector.reads)
    raised = [
        standing[found.thread.id]
        for found in scan(records, vocabulary, jobs=1, detectors=of_accounts)
        if found.thread.kind == "account" and found.tier != "none"
    ]

    assert raised.count("concern") >= 2
    assert set(raised) == {"concern"}


def test_too_few_accounts_are_refused():
    """A platform on which not every role exists would measure nothing."""
    with pytest.raises(SimulationError, match="60 or more"):
        Simulation(accounts=10, days=1, seed=1)


def test_the_command_writes_two_files(tmp_path):
    """The command writes records and truth apart and refuses one file for both."""
    from threelines.cli.simulate import command

    out, truth = tmp_path / "p.jsonl", tmp_path / "t.jsonl"
    run = CliRunner().invoke(command, ["--accounts", "60", "--days", "1", "--out", str(out), "--truth", str(truth)])
    same = CliRunner().invoke(command, ["--out", str(out), "--truth", str(out)])

    assert run.exit_code == 0
    assert out.stat().st_size > 0
    assert json.loads(truth.read_text().splitlines()[0])["seed"] == 1
    assert same.exit_code == 2
