"""Fitting an adapter: what labels that teach little, leak, or look alike are told; what a scan leaves without a label."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from tests.test_fit import joined, parts, records
from threelines.cli.fit import _first
from threelines.cli.fit import command as fit_command
from threelines.cli.scan import command as scan_command
from threelines.platforms import fit as fitting
from threelines.platforms.adapter import MOST_CLASSES, Adapter, AdapterError, Header, _digest
from threelines.platforms.figures import calibration_error, figures_of, table
from threelines.platforms.fit import _calibrate, _short, fit
from threelines.platforms.labelled import LabelsError, gather, threads_of
from threelines.platforms.suggest import suggest
from threelines.platforms.views import VIEWS, is_cut, print_of, words_of
from threelines.records import Record

pytest.importorskip("sklearn")

from threadpoolctl import threadpool_info, threadpool_limits


@pytest.fixture(scope="module")
def fitted():
    """One fit that several tests look at."""
    return fit(gather(records()))


def by_chance(seed: int, count: int = 60) -> list[Record]:
    """Return adverts whose labels were drawn by lot."""
    draw = random.Random(seed)
    return [
        msgspec.structs.replace(record, label=draw.choice(("one", "two")))
        for record in records(count // 3, seed=seed + 50)
    ]


def replaced(adapter: Adapter, path: Path, **wrong: object) -> None:
    """Write the adapter's file with another header, under a right checksum."""
    adapter.save(path)
    header, blob = parts(path.read_bytes())
    header |= wrong
    header["digest"] = _digest(msgspec.convert(header, Header), blob)
    path.write_bytes(joined(json.dumps(header).encode(), blob))


def test_linear_models_are_fitted_by_one_thread(monkeypatch):
    """Threads of linear algebra that wait for each other took twenty times a fit's own time: all models learn with one."""
    seen = set()

    def learn(*given: object) -> object:
        seen.update(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
        return learn_one(*given)

    learn_one = fitting._learn_one
    monkeypatch.setattr(fitting, "_learn_one", learn)
    with threadpool_limits(2, user_api="blas"):
        fit(gather(records()))
        after = {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    assert (seen, after) == ({1}, {2})


def test_a_calibration_of_no_slope_is_still_a_number():
    """Scores that rank against the labels have the best slope nought: what is written of it is more than nothing."""
    draw = np.random.default_rng(1)
    target = np.arange(400) % 2
    temperature, _ = _calibrate(np.stack([target, -target], axis=1) * 50.0 + draw.normal(0, 1, (400, 2)), target)

    assert 0 < _short(temperature) < 1e-3
    assert _short(1.23456789e-9) == 1.23456789e-9


@pytest.mark.parametrize("seed", range(3))
def test_labels_by_lot_are_told_and_give_a_file_that_is_read(tmp_path, seed):
    """Labels that teach nothing are named so, and the adapter that was written can be read."""
    source, out = tmp_path / "l.jsonl", tmp_path / "a"
    source.write_bytes(b"\n".join(map(msgspec.json.encode, by_chance(seed, 150))))
    run = CliRunner().invoke(fit_command, [str(source), "--reveal", "--out", str(out)])

    assert run.exit_code == 0, run.output
    assert "teach nothing that can be shown" in run.stderr
    assert Adapter.load(out).classes == ("one", "two")


def test_what_cannot_be_read_is_not_written(fitted, tmp_path):
    """`save` refuses what `load` would: nothing is left on disk, and nobody is told that it was written."""
    endless = msgspec.structs.replace(fitted.adapter.header, card={"fitted_on": ["x" * 2_000_000]})

    with pytest.raises(AdapterError, match="header"):
        Adapter(endless, fitted.adapter.weights).save(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    assert _first(tuple(map(str, range(105))))[-2:] == ["99", "and 5 more"]


def test_more_classes_than_an_adapter_holds_are_refused_before_the_fit():
    """A fit of more classes than a scan takes ends at once, not after hours of work."""
    many = [Record(id=f"{n}", author=f"{n}", text=f"text {n}", label=f"c{n % (MOST_CLASSES + 1)}") for n in range(4100)]

    with pytest.raises(LabelsError, match=f"{MOST_CLASSES + 1} classes, an adapter holds {MOST_CLASSES} at most"):
        gather(many)


@pytest.mark.parametrize("column", ["group", "pair", "account_id"])
def test_a_column_does_not_hide_an_author(column):
    """Whatever `group`, `pair` or `account_id` say beside it: one author of a whole class is a leak."""
    leaky = [
        msgspec.structs.replace(
            record, author="one" if record.label == "tools" else record.author, extra={column: f"g{n % 40}"}
        )
        for n, record in enumerate(records())
    ]

    with pytest.raises(LabelsError, match="leak by account: 'one'"):
        gather(leaky)


def test_a_chats_name_is_no_account():
    """Many authors of one `group` are many accounts; the name of their chat ties nobody together."""
    chat = [msgspec.structs.replace(record, extra={"group": "Jobs"}) for record in records(30)]

    assert len(set(gather(chat).groups.tolist())) == len(set(gather(records(30)).groups.tolist()))


def test_a_pair_stays_on_one_side_of_a_fold():
    """Threads of one `pair` have one group, and are no account's."""
    both = [msgspec.structs.replace(record, extra={"pair": f"p{n // 2}"}) for n, record in enumerate(records(30))]
    found = gather(both)

    assert found.groups[0] == found.groups[1]


@pytest.mark.parametrize("text", ["", "12345", "\U0001f600", "?!", "یہ نوکری بہت اچھی ہے، جلدی رابطہ کریں"])
def test_no_label_without_a_word_that_is_read(fitted, text):
    """No words, or those of a script that the labels never had: no class is likelier than any other, so none is named."""
    assert fitted.adapter.labels(threads_of([Record(id="a", text=text or " ")])[0]) == {}


def test_other_words_of_a_known_script_are_read(fitted):
    """Words that no label had are read by their letters: a share of the n-grams is known."""
    shares, read = fitted.adapter.read(["we offer new work in a hotel near the sea", "", "a ripe plum and a pear"])

    assert shares.shape == (3, 3)
    assert read[1] == 0 < 0.1 < read[0] < read[2] <= 1


def test_head_and_tail_of_a_long_thread_are_read():
    """Of more than 20,000 characters the first and the last 10,000 are read, and a fit counts such threads."""
    long = Record(id="a", author="z", text="start " + "x " * 30_000 + "end", label="fruit")
    (thread,) = threads_of([long])
    words = words_of(thread)

    assert len(words) == 20_000
    assert words.startswith("start ")
    assert words.endswith(" end")
    assert is_cut(thread)
    assert not is_cut(threads_of([msgspec.structs.replace(long, text="x" * 20_000)])[0])
    told = gather([*records(30), long]).notes
    assert "1 threads are longer than 20,000 characters: their first and last 10,000 are read" in told


def test_the_calibration_error_stands_beside_what_chance_gives():
    """Of a perfect calibration the error lies, most times, in the range that is printed beside it."""
    inside = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        top = draw.uniform(0.5, 1, 120)
        shares = np.stack([top, 1 - top], axis=1)
        target = (draw.random(120) > top).astype(int)
        found = figures_of(target, shares, classes=("a", "b"), groups=np.arange(120))
        _, low, high = found["ece_if_perfect"]
        assert found["ece"] == round(calibration_error(target, shares), 4)
        inside += low <= found["ece"] <= high
    assert inside >= 17
    assert "a perfect calibration would show about" in table("r", found)


def test_one_class_is_ranked_in_all_draws():
    """Of two classes of nearly one size the interval is of the class that is named, not of whichever a draw has less of."""
    target = np.array([0] * 1010 + [1] * 990)
    top = np.where(target == 1, 0.9, 0.1)
    top[:500] = 0.95  # class 1 is ranked badly, class 0 well
    found = figures_of(target, np.stack([1 - top, top], axis=1), classes=("a", "b"), groups=np.arange(2000))
    value, low, high = found["average_precision"]

    assert found["ranked_class"] == "b"
    assert low < value < high
    assert high < 0.72  # class a's is about .75


def test_classes_that_are_languages_are_told(fitted):
    """Where every text of a class is in its own language the praise is qualified; where both are mixed it is not."""
    target = np.array([0, 1] * 50)
    shares = np.eye(2)[target] * 0.98 + 0.01
    apart = figures_of(
        target, shares, classes=("ok", "scam"), groups=np.arange(100), languages=["yor" if t else "hau" for t in target]
    )
    mixed = figures_of(
        target, shares, classes=("ok", "scam"), groups=np.arange(100), languages=["yor"] * 50 + ["hau"] * 50
    )

    assert apart["by_language_alone"] == 1.0
    assert "language alone tells the class of 100%" in table("r", apart)
    assert "language alone" not in table("r", mixed)
    assert "accuracy by language (threads): hau 1.000 (50), yor 1.000 (50)" in table("r", mixed)
    assert sum(part["threads"] for part in fitted.adapter.header.figures["by_language"].values()) == 180


@pytest.mark.parametrize("names", [("Scam", "scam"), ("1", "1.0"), ("two words", "two_words"), ("١", "1")])
def test_classes_that_look_alike_are_told(names):
    """Classes that differ in capitals, or in how a number is written, are named: most often they are one."""
    of = {"fruit": names[0], "tools": names[1], "birds": "birds"}
    found = gather(msgspec.structs.replace(record, label=of[record.label]) for record in records(30))

    assert any("look alike" in note and repr(names[0]) in note for note in found.notes)
    assert not any("look alike" in note for note in gather(records(30)).notes)


def test_letters_written_in_parts_are_one_label():
    """`café` is one class, whether its last letter is written as one or as two."""
    of = {"fruit": "cafe\u0301", "tools": "caf\u00e9", "birds": "birds"}
    found = gather(msgspec.structs.replace(record, label=of[record.label]) for record in records(30))

    assert set(found.labels) == {"birds", "caf\u00e9"}


def test_an_adapter_of_another_reading_is_refused(fitted, tmp_path):
    """Where letters are read otherwise than when it was fitted, an adapter's weights are of other words: it is refused."""
    view = next(iter(fitted.adapter.weights))
    replaced(fitted.adapter, tmp_path / "a", prints={**fitted.adapter.header.prints, view: "0" * 16})

    with pytest.raises(AdapterError, match=f"read otherwise .views {view}.*fit again"):
        Adapter.load(tmp_path / "a")


def test_a_reading_is_not_changed_under_its_name():
    """Whoever changes how letters are read writes the new prints here, and knows that adapters must be fitted again."""
    assert {name: print_of(name) for name in VIEWS} == {
        "inside": "0b61b93658085b28", "across": "46507cda98d360ae", "folded": "185bc605e209a669",
        "words": "95d724278557459e", "apart": "561a6c8f75c95527",
    }  # fmt: skip


def test_an_array_of_huge_numbers_is_refused(fitted, tmp_path):
    """Numbers whose squares are none would give no probability: they are refused as the file is read."""
    view, (known, idf, weight) = next(iter(fitted.adapter.weights.items()))
    huge = {**fitted.adapter.weights, view: (known, np.full_like(idf, 3e38), weight)}

    with pytest.raises(AdapterError, match="idf is out of range"):
        Adapter(fitted.adapter.header, huge).save(tmp_path / "a")


def test_two_adapters_are_refused(fitted, tmp_path):
    """A scan uses one adapter; of two the first was left out in silence."""
    export, made = tmp_path / "e.jsonl", tmp_path / "a"
    export.write_text('{"id": "n", "text": "a ripe plum and a pear"}\n', "utf-8")
    fitted.adapter.save(made)
    two = [str(export), "--reveal", "--adapter", str(made), "--adapter", str(made)]

    assert CliRunner().invoke(scan_command, two).exit_code == 2
    assert CliRunner().invoke(fit_command, [*two, "--suggest", "1"]).exit_code == 2
    run = CliRunner().invoke(scan_command, [*two[:4], "--all"])
    assert '"labels":{"birds":' in run.stdout


def test_what_no_label_can_teach_is_not_suggested(fitted):
    """Digits, emoji, another script, a letter or a short word are as unsure as can be, and are never asked about."""
    odd = ["123 456", "\U0001f600\U0001f600", "یہ نوکری بہت اچھی ہے", "?", "a", "the", "a 12"]
    more = [Record(id=f"odd{n}", text=text) for n, text in enumerate(odd)]
    found = suggest(fitted.adapter, threads_of([*more, *records(10, seed=7)]), 40)

    assert found
    assert not [line for line in found if line.thread.startswith("odd")]


def test_what_is_like_the_labelled_comes_last(fitted):
    """Of two threads of which the adapter is unsure, the one whose near twin has a label comes second."""
    one, other = "the apple and the hammer near a nest", "some melon with my chisel and our wren"
    threads = threads_of([Record(id="one", text=one), Record(id="other", text=other)])

    assert [line.thread for line in suggest(fitted.adapter, threads, 2, [f"{one} today"])] == ["other", "one"]
    assert [line.thread for line in suggest(fitted.adapter, threads, 2, [f"{other} today"])] == ["one", "other"]
