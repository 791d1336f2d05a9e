"""Fitting an adapter: what is refused, what the figures mean, what is stored."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from threelines.cli.fit import command
from threelines.platforms.adapter import Adapter, AdapterError
from threelines.platforms.figures import area_under_roc, average_precision, calibration_error
from threelines.platforms.fit import MEMBERS, _learn, _matrices, fit
from threelines.platforms.labelled import LabelsError, accounts_of, gather, near_copies, read_decisions, threads_of
from threelines.platforms.suggest import suggest
from threelines.platforms.views import columns
from threelines.records import Record

ComplementNB = pytest.importorskip("sklearn.naive_bayes").ComplementNB

WORDS = {
    "fruit": "apple pear plum cherry grape melon peach lemon orchard juice".split(),
    "tools": "hammer wrench chisel pliers drill lathe screw bolt workshop vice".split(),
    "birds": "heron sparrow finch robin magpie swallow wren thrush nest feather".split(),
}
FILLER = "the my a new old very near with for today some big and small of our".split()


def sentence(label: str, draw: random.Random) -> str:
    """Return twelve words of which four speak of the label."""
    words = draw.choices(WORDS[label], k=4) + draw.choices(FILLER, k=8)
    draw.shuffle(words)
    return " ".join(words)


def records(count: int = 60, labels: tuple[str, ...] = ("birds", "fruit", "tools"), seed: int = 1) -> list[Record]:
    """Return labelled adverts by many accounts."""
    draw = random.Random(seed)
    return [
        Record(id=f"{label}{n}", kind="advert", author=f"a{label}{n % 20}", text=sentence(label, draw), label=label)
        for n in range(count)
        for label in labels
    ]


@pytest.fixture(scope="module")
def fitted():
    """One fit that several tests look at."""
    return fit(gather(records()))


def test_learns_what_is_said(fitted):
    """Unseen threads of each class get the highest probability there, and probabilities sum to one."""
    unseen = threads_of(records(5, seed=9))
    found = fitted.adapter.label_all(unseen)

    assert [max(row, key=row.get) for row in found] == [thread.records[0].label for thread in unseen]
    assert all(abs(sum(row.values()) - 1) < 1e-3 for row in found)


def test_figures_come_with_intervals(fitted):
    """Every figure is a value inside its 95% interval."""
    figures = fitted.adapter.header.figures

    for name in ("macro_f1", "accuracy", "ece", "auroc", "average_precision"):
        value, low, high = figures[name]
        assert low <= high
        assert name == "ece" or low <= value <= high
    assert set(figures["per_class"]) == {"birds", "fruit", "tools"}


def test_file_gives_the_same_labels(fitted, tmp_path):
    """An adapter read from its file labels as the one that was fitted, and is written byte for byte again."""
    path, again = tmp_path / "a", tmp_path / "b"
    fitted.adapter.save(path)
    loaded = Adapter.load(path)
    loaded.save(again)
    threads = threads_of(records(3, seed=4))

    for one, other in zip(fitted.adapter.label_all(threads), loaded.label_all(threads), strict=True):
        assert one == pytest.approx(other, abs=2e-3)
    assert path.read_bytes() == again.read_bytes()


def test_one_thread_is_labelled_as_in_a_batch(fitted):
    """`labels` and `label_all` agree: the engine may call either."""
    threads = threads_of(records(2, seed=5))

    assert [fitted.adapter.labels(thread) for thread in threads] == fitted.adapter.label_all(threads)


def test_no_words_and_no_accounts_are_stored(fitted, tmp_path):
    """The file holds hashes: no word of the threads and no account can be read in it."""
    fitted.adapter.save(tmp_path / "a")
    raw = (tmp_path / "a").read_bytes()

    assert not [word for words in WORDS.values() for word in words if len(word) > 4 and word.encode() in raw]
    assert b"abirds1" not in raw


@pytest.mark.parametrize("spoil", ["magic", "cut", "flip", "header size", "version", "outside"])
def test_a_spoilt_file_is_refused(fitted, tmp_path, spoil):
    """A file that does not check out is refused with a message, whatever is wrong with it."""
    path = tmp_path / "a"
    fitted.adapter.save(path)
    raw = bytearray(path.read_bytes())
    (size,) = struct.unpack_from("<Q", raw, 8)
    header = json.loads(raw[16 : 16 + size])
    if spoil == "magic":
        raw[:8] = b"PICKLE!!"
    elif spoil == "cut":
        del raw[-100:]
    elif spoil == "flip":
        raw[-50] ^= 255
    elif spoil == "header size":
        struct.pack_into("<Q", raw, 8, 1 << 60)
    else:
        if spoil == "version":
            header["version"] = 99
        else:
            next(iter(header["arrays"].values()))["shape"] = [1 << 40]
        new = msgspec.json.encode(header)
        raw[8 : 16 + size] = struct.pack("<Q", len(new)) + new
    path.write_bytes(raw)

    with pytest.raises(AdapterError, match=str(path)):
        Adapter.load(path)


def test_too_few_labels_are_refused():
    """A class below twenty threads is named in the refusal."""
    few = [record for record in records() if record.label != "birds" or record.id in ("birds1", "birds2")]

    with pytest.raises(LabelsError, match="'birds' has 2"):
        gather(few)


def test_one_class_is_refused():
    """A fit needs something to tell apart."""
    with pytest.raises(LabelsError, match="two classes"):
        gather(records(labels=("fruit",)))


def test_a_leak_by_account_is_refused():
    """A class that one account mostly wrote is refused: the adapter would learn the account."""
    leaky = [
        msgspec.structs.replace(record, author="one") if record.label == "tools" and n >= 60 else record
        for n, record in enumerate(records())
    ]

    with pytest.raises(LabelsError, match="leak by account: 'one'"):
        gather(leaky)


def test_accounts_and_copies_share_a_group():
    """Threads of one account, and near-copies by others, are one group; the rest are their own."""
    same = "we look for a kind person who likes to paint our long wooden fence in the garden this week"
    data = records(30)
    data += [Record(id="x", kind="advert", author="q1", text=same, label="fruit")]
    data += [Record(id="y", kind="advert", author="q2", text=same + " please", label="fruit")]
    found = gather(data)
    place = {thread.id: index for index, thread in enumerate(found.threads)}

    assert found.groups[place["x"]] == found.groups[place["y"]]
    assert found.groups[place["birds0"]] == found.groups[place["birds20"]]
    assert found.groups[place["birds0"]] != found.groups[place["birds1"]]


def test_roles_are_not_accounts():
    """`A` and `B` in every conversation are roles: they do not tie all conversations together."""
    talks = [
        Record(id=f"{n}-{who}", author=who, conversation=f"c{n}", text=f"hello {n} {who}", label="fruit")
        for n in range(10)
        for who in ("A", "B", f"u{n}")
    ]

    assert accounts_of(threads_of(talks)) == [(f"u{n}",) for n in range(10)]


def test_near_copies_of_short_and_empty_texts():
    """Short texts are no copies of each other unless equal."""
    found = near_copies(["ok", "ok", "no", "", "thanks a lot"])

    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_decisions_win(tmp_path):
    """A review decision replaces the label of its thread, and gives one to a thread without."""
    decided = tmp_path / "d.jsonl"
    decided.write_text('{"thread": "birds0", "label": "tools"}\n{"record": "new", "decision": "fruit"}\n', "utf-8")
    data = gather([*records(30), Record(id="new", text="a pear")], read_decisions(decided))
    label = {thread.id: name for thread, name in zip(data.threads, data.labels, strict=True)}

    assert label["birds0"] == "tools"
    assert label["new"] == "fruit"


def test_a_broken_decision_names_its_line(tmp_path):
    """A decision without a label is refused with file and line."""
    path = tmp_path / "d.jsonl"
    path.write_text('{"thread": "a", "label": "x"}\n{"thread": "b"}\n', "utf-8")

    with pytest.raises(LabelsError, match=r"d\.jsonl:2"):
        read_decisions(path)


def test_suggestions_are_unsure_and_differ(fitted):
    """Threads between classes come first, sure ones do not, and copies are asked about once."""
    mixed = [Record(id=f"m{n}", text="the apple and the hammer near a nest of our heron") for n in range(20)]
    other = [Record(id=f"o{n}", text=f"pear drill finch number {n} of some old and big plum lathe") for n in range(5)]
    sure = records(20, seed=3)
    found = suggest(fitted.adapter, threads_of([*sure, *mixed, *other]), 4)

    assert len(found) == 4
    assert sum(line.thread.startswith("m") for line in found) == 1
    assert found[0].thread[0] in "mo"
    assert found[0].uncertainty > 0.3


def test_counts_of_a_batch_equal_counts_alone():
    """A text has the same n-grams in a batch as alone: no letter of a neighbour leaks in."""
    texts = ["Hello, you!", "", "한국어 말", "a\x00b", "Hello, you!"]
    batch = columns(texts, ("inside", "across", "words", "apart", "folded"))
    for name, found in batch.items():
        for index, text in enumerate(texts):
            (alone,) = columns([text], (name,)).values()
            mine = found.rows == index
            assert found.columns[mine].tolist() == alone.columns.tolist()
            assert found.counts[mine].tolist() == alone.counts.tolist()


@pytest.mark.parametrize("labels", [("fruit", "tools"), ("birds", "fruit", "tools")])
def test_naive_bayes_is_linear_and_centred(labels):
    """Naive Bayes as a member chooses what scikit-learn's chooses, by weights that sum to nothing over the classes."""
    read = _matrices(gather(records(labels=labels)), ("across",))
    matrix = read.matrices["across"]
    weight, bias = _learn(MEMBERS["across bayes"], matrix, read.target, len(labels))

    assert weight.shape == (matrix.shape[1], len(labels))
    assert np.abs(weight.sum(axis=1)).max() < 1e-9
    assert not bias.any()
    known = ComplementNB(alpha=1.0).fit(matrix, read.target)
    assert (matrix @ weight).argmax(axis=1).tolist() == known.predict(matrix).tolist()


def test_a_recipe_of_naive_bayes_alone_is_written_and_read(monkeypatch, tmp_path):
    """An adapter of naive Bayes alone labels the same after it was written and read."""
    monkeypatch.setattr("threelines.platforms.fit.RECIPES", {"Bayes": ("across bayes",)})
    adapter = fit(gather(records())).adapter
    adapter.save(tmp_path / "a")
    unseen = threads_of(records(5, seed=9))
    found = Adapter.load(tmp_path / "a").label_all(unseen)

    assert [max(row, key=row.get) for row in found] == [thread.records[0].label for thread in unseen]
    for one, other in zip(found, adapter.label_all(unseen), strict=True):
        assert one == pytest.approx(other, abs=5e-3)


def test_areas_by_hand():
    """AUROC and AP of a ranking that can be counted on fingers; ties count half."""
    positive = np.array([True, False, True, False])

    assert area_under_roc(np.array([4.0, 3.0, 2.0, 1.0]), positive) == 0.75
    assert area_under_roc(np.ones(4), positive) == 0.5
    assert average_precision(np.array([4.0, 3.0, 2.0, 1.0]), positive) == pytest.approx((1 + 2 / 3) / 2)


def test_calibration_error_of_an_honest_coin():
    """Saying 50% and being right half the time is no error; saying 100% is one of a half."""
    target = np.array([0, 1] * 50)

    assert calibration_error(target, np.full((100, 2), 0.5)) == pytest.approx(0, abs=1e-9)
    assert calibration_error(target, np.tile([1.0, 0.0], (100, 1))) == pytest.approx(0.5)


def test_command_line_writes_an_adapter_and_suggests(tmp_path: Path):
    """`fit LABELLED MORE --out A --suggest 3` writes the file and prints three threads of MORE."""
    labelled, more, out = tmp_path / "l.jsonl", tmp_path / "m.jsonl", tmp_path / "a"
    labelled.write_bytes(b"\n".join(msgspec.json.encode(record) for record in records(40)))
    rows = [{"id": f"n{n}", "text": sentence("fruit", random.Random(n))} for n in range(9)]
    more.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run = CliRunner().invoke(command, [str(labelled), str(more), "--reveal", "--out", str(out), "--suggest", "3"])

    assert run.exit_code == 0, run.output
    assert [json.loads(line)["thread"][0] for line in run.stdout.splitlines()] == ["n"] * 3
    assert "macro-F1" in run.stderr
    assert Adapter.load(out).classes == ("birds", "fruit", "tools")
