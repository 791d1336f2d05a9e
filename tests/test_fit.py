"""Adapters: a platform's own labels are learned, measured honestly, and refused where they cannot teach."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from click.testing import CliRunner

from threelines.cli.fit import command
from threelines.platforms.adapter import MAGIC, Adapter, AdapterError
from threelines.platforms.figures import area_under_roc, average_precision, calibration_error
from threelines.platforms.labelled import LabelsError, gather, near_copies
from threelines.records import Record, Thread

_GARDEN = ("tomato", "seeds", "watering", "shovel", "compost", "greenhouse", "pruning", "tulips", "hedge", "soil")
_TRAIN = ("platform", "ticket", "delayed", "carriage", "timetable", "conductor", "station", "express", "rails", "seat")
_BOTH = ("today", "please", "morning", "thanks", "again", "maybe", "about", "there", "later", "really")


def _rows(count: int = 40, *, author: str = "") -> list[dict[str, str]]:
    """Invented messages about gardens and trains, one account each."""
    draw = Random(7)
    rows = []
    for label, words in (("garden", _GARDEN), ("train", _TRAIN)):
        for number in range(count):
            text = " ".join([*draw.sample(words, 3), *draw.sample(_BOTH, 5)])
            rows.append(
                {"text": text, "label": label, "id": f"{label}{number}", "author": author or f"{label}{number}"}
            )
    return rows


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _run(*arguments: object):
    return CliRunner().invoke(command, [str(value) for value in arguments])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Return the folder of one run of `threelines fit`, and what it printed."""
    pytest.importorskip("sklearn", reason="fitting needs the extra `semantic` (scikit-learn)")
    folder = tmp_path_factory.mktemp("fit")
    source = _write(folder / "labelled.jsonl", _rows())
    ran = _run(source, "--out", folder / "ours.adapter", "--figures", folder / "figures.json", "--reveal")
    assert ran.exit_code == 0, ran.output
    return folder, ran


def _message(text: str) -> Thread:
    return Thread(kind="advert", id="x", records=(Record(id="x", kind="advert", text=text),))


def test_adapter_learns_the_classes(fitted) -> None:
    """New words of a class get that class's label; the probabilities of a thread sum to one."""
    ours = Adapter.load(fitted[0] / "ours.adapter")
    garden = ours.labels(_message("compost and tulips by the hedge"))
    train = ours.labels(_message("the conductor checks the ticket in the carriage"))

    assert set(garden) == {"garden", "train"}
    assert garden["garden"] > 0.5 > train["garden"]
    assert sum(garden.values()) == pytest.approx(1, abs=1e-3)


def test_figures_come_with_intervals(fitted) -> None:
    """Every printed figure has an interval that holds it, and the adapter carries the same figures."""
    folder, ran = fitted
    figures = json.loads((folder / "figures.json").read_text())
    value, low, high = figures["macro_f1"]

    assert low <= value <= high
    assert value > 0.9
    assert f"macro-F1 {value:.3f} ({low:.3f}-{high:.3f})" in ran.stderr
    assert Adapter.load(folder / "ours.adapter").header.figures == figures


def test_same_labels_give_the_same_bytes(fitted, tmp_path) -> None:
    """Fitting twice on the same labels writes the same file."""
    ran = _run(fitted[0] / "labelled.jsonl", "--out", tmp_path / "again.adapter", "--reveal")

    assert ran.exit_code == 0, ran.output
    assert (tmp_path / "again.adapter").read_bytes() == (fitted[0] / "ours.adapter").read_bytes()


def test_round_trip_keeps_bytes_and_probabilities(fitted, tmp_path) -> None:
    """A loaded adapter saves to the same bytes and judges one thread as it judges many."""
    ours = Adapter.load(fitted[0] / "ours.adapter")
    ours.save(tmp_path / "copy.adapter")
    threads = [_message("compost for tulips"), _message(""), _message("express ticket")]

    assert (tmp_path / "copy.adapter").read_bytes() == (fitted[0] / "ours.adapter").read_bytes()
    assert ours.label_all(threads) == [ours.labels(thread) for thread in threads]


def test_adapter_holds_no_words_and_no_accounts(fitted) -> None:
    """The file names no word and no account of the labelled messages."""
    raw = (fitted[0] / "ours.adapter").read_bytes()

    assert b"greenhouse" not in raw
    assert b"garden12" not in raw


@pytest.mark.parametrize("damage", ["magic", "array", "header", "cut"])
def test_damaged_adapters_are_refused(fitted, tmp_path, damage) -> None:
    """A file with a changed or missing byte is refused with a message that names it."""
    raw = bytearray((fitted[0] / "ours.adapter").read_bytes())
    if damage == "cut":
        raw = raw[:-100]
    else:
        place = {"magic": 0, "array": len(raw) - 50, "header": len(MAGIC) + 9}[damage]
        raw[place] ^= 0xFF
    broken = tmp_path / "broken.adapter"
    broken.write_bytes(raw)

    with pytest.raises(AdapterError, match=r"broken\.adapter"):
        Adapter.load(broken)


def test_too_few_labels_are_refused(tmp_path) -> None:
    """A class with fewer than 20 threads is refused by name."""
    ran = _run(_write(tmp_path / "few.jsonl", _rows(12)), "--out", tmp_path / "no.adapter", "--reveal")

    assert isinstance(ran.exception, LabelsError)
    assert "each class needs 20 threads" in str(ran.exception)
    assert not (tmp_path / "no.adapter").exists()


def test_one_class_is_refused(tmp_path) -> None:
    """One class alone teaches nothing."""
    rows = [row for row in _rows() if row["label"] == "train"]

    assert isinstance(
        _run(_write(tmp_path / "one.jsonl", rows), "--out", tmp_path / "no", "--reveal").exception, LabelsError
    )


def test_labels_that_leak_by_account_are_refused() -> None:
    """Where one account wrote most of a class, the class could be learned from who speaks."""
    rows = _rows()
    records = [
        Record(
            id=row["id"], kind="advert", text=row["text"], label=row["label"], author="one" if n < 30 else row["author"]
        )
        for n, row in enumerate(rows)
    ]

    with pytest.raises(LabelsError, match="account"):
        gather(records)


def test_conversations_are_one_thread(tmp_path) -> None:
    """Rows with turns are judged whole, by the one label they carry."""
    pytest.importorskip("sklearn", reason="fitting needs the extra `semantic` (scikit-learn)")
    rows = [
        {
            "id": row["id"],
            "label": row["label"],
            "turns": [{"speaker": "A", "text": row["text"]}, {"speaker": "B", "text": "ok"}],
        }
        for row in _rows(25)
    ]
    source = tmp_path / "talks.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = _run(source, "--out", tmp_path / "talks.adapter", "--reveal")

    assert ran.exit_code == 0, ran.output
    assert Adapter.load(tmp_path / "talks.adapter").header.figures["threads"] == 50


def test_suggestions_are_unsure_and_differ(fitted, tmp_path) -> None:
    """What to label next: the mixed messages first, no near-copies among them."""
    mixed = [f"{a} {b} please {number}" for number, (a, b) in enumerate(zip(_GARDEN, _TRAIN, strict=True))]
    sure = ["compost tulips hedge soil"] * 5
    rows = [{"id": f"u{n}", "text": text} for n, text in enumerate(sure + mixed)]
    ran = _run(
        _write(tmp_path / "new.jsonl", rows), "--adapter", fitted[0] / "ours.adapter", "--suggest", 4, "--reveal"
    )
    names = [json.loads(line)["thread"] for line in ran.stdout.splitlines()]

    assert ran.exit_code == 0, ran.output
    assert len(set(names)) == 4
    assert sum(int(name[1:]) < 5 for name in names) <= 1


def test_near_copies_share_a_number() -> None:
    """A text with one word changed is a copy; another text is not."""
    long = "the greenhouse needs watering every morning and the hedge wants pruning before the tulips come up again"
    first, second, other = near_copies(
        [long, long.replace("tulips", "roses"), "the express to the coast is late today"]
    )

    assert first == second != other


def test_ranking_figures_by_hand() -> None:
    """Area under ROC, average precision and calibration error equal values worked out by hand."""
    scores, positive = np.asarray([0.9, 0.8, 0.7, 0.6]), np.asarray([True, False, True, False])

    assert area_under_roc(scores, positive) == pytest.approx(0.75)
    assert average_precision(scores, positive) == pytest.approx((1 + 2 / 3) / 2)
    assert calibration_error(np.asarray([0, 0]), np.asarray([[0.9, 0.1], [0.7, 0.3]])) == pytest.approx(0.2)
