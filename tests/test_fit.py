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
from threelines.platforms.adapter import Adapter, AdapterError, Header, _digest
from threelines.platforms.decisions import Decision, DecisionsError, read_decisions
from threelines.platforms.figures import area_under_roc, average_precision, calibration_error
from threelines.platforms.fit import MEMBERS, _learn, _matrices, fit
from threelines.platforms.labelled import LabelsError, accounts_of, gather, near_copies, threads_of
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

    for name in ("macro_f1", "accuracy", "auroc", "average_precision", "ece_if_perfect"):
        value, low, high = figures[name]
        assert low <= value <= high
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


def parts(raw: bytes) -> tuple[dict, bytes]:
    """Return the header of an adapter's file, and its arrays."""
    (size,) = struct.unpack_from("<Q", raw, 8)
    return json.loads(raw[16 : 16 + size]), raw[16 + size :]


def joined(header: bytes, blob: bytes) -> bytes:
    """Return the file of a header and arrays."""
    return b"3LINEADP" + struct.pack("<Q", len(header)) + header + blob


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [("magic", "make one with"), ("cut", "copy it again"), ("flip", "copy it again"), ("header size", "copy it again"),
     ("swapped", "copy it again"), ("letters", "copy it again"), ("deep", "copy it again"), ("newer", "fit again with")],
)  # fmt: skip
def test_a_spoilt_file_is_refused(fitted, tmp_path, spoil, advice):
    """A damaged file, header or arrays, is refused with what to do; so is one of another version, whatever it holds."""
    path = tmp_path / "a"
    fitted.adapter.save(path)
    raw = path.read_bytes()
    header, blob = parts(raw)
    named = msgspec.json.encode(header)
    path.write_bytes(
        {
            "magic": b"PICKLE!!" + raw[8:],
            "cut": raw[:-100],
            "flip": raw[:-50] + bytes([raw[-50] ^ 255]) + raw[-49:],
            "header size": raw[:8] + struct.pack("<Q", 1 << 60) + raw[16:],
            "swapped": joined(msgspec.json.encode(header | {"classes": header["classes"][::-1]}), blob),
            "letters": joined(named.replace(b"fruit", b"fr\xffit"), blob),
            "deep": joined(
                named.replace(b'"figures":{', b'"figures":{"z":' + b"[" * 200_000 + b"]" * 200_000 + b","), blob
            ),
            "newer": joined(msgspec.json.encode(header | {"version": 99, "new field": 1}), blob),
        }[spoil]
    )

    with pytest.raises(AdapterError, match=f"{path}.*{advice}"):
        Adapter.load(path)


@pytest.mark.parametrize(
    "wrong",
    [{"classes": ["fruit", "fruit", "tools"]}, {"classes": ["fruit"], "bias": [0.0]}, {"views": []}, {"views": ["new"]},
     {"temperature": 0.0}, {"temperature": -1.0}, {"temperature": 1e308}, {"bias": [0.0, 1e308, 0.0]}, {"bias": [0.0]},
     {"shape": [1 << 40]}, {"shape": [1 << 62, 4]}, {"shape": [0, 1 << 62]}, {"shape": [1 << 70]}, {"shape": [-1]},
     {"offset": 1 << 70}, {"offset": -8}],
)  # fmt: skip
def test_a_header_that_no_fit_writes_is_refused(fitted, tmp_path, wrong):
    """Whatever a header says under a right checksum: it is refused with a message, before anything is computed."""
    path = tmp_path / "a"
    fitted.adapter.save(path)
    header, blob = parts(path.read_bytes())
    of = next(iter(header["arrays"].values())) if set(wrong) & {"shape", "offset"} else header
    of.update(wrong)
    try:
        digest = _digest(msgspec.convert(header, Header), blob)
    except OverflowError:
        digest = ""
    path.write_bytes(joined(json.dumps(header | {"digest": digest}).encode(), blob))

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


def test_a_column_that_holds_no_labels_is_not_printed():
    """Of hundreds of classes with a thread each (a column of accounts) none is named; the refusal asks whether it is the label."""
    wrong = [msgspec.structs.replace(record, label=f"+49 {n} 55") for n, record in enumerate(records())]

    with pytest.raises(
        LabelsError, match=r"of \d+ classes have fewer than 20 threads: is this the label column\?"
    ) as told:
        gather(wrong)
    assert "+49" not in str(told.value)


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


def talks(label: str, authors: tuple[str, ...], count: int = 20, **extra: str) -> list[Record]:
    """Return conversations of one class; `{n}` in an author is the number of the conversation."""
    draw = random.Random(f"{label} {authors}")
    return [
        Record(
            id=f"{label}{n}-{place}", author=who.format(n=f"{label}{n}"), conversation=f"{label}{n}",
            text=sentence(label, draw), label=label, extra=extra,
        )
        for n in range(count)
        for place, who in enumerate(authors)
    ]  # fmt: skip


def accounts(records: list[Record]) -> list[tuple[str, ...]]:
    """Return the accounts behind the threads of records."""
    threads = threads_of(records)
    return accounts_of(threads, [thread.records[0].label for thread in threads])


def test_roles_are_not_accounts():
    """`A` and `B` in the conversations of every class are roles: they do not tie all conversations together."""
    both = talks("fruit", ("A", "B", "u{n}")) + talks("tools", ("A", "B", "u{n}"))

    assert set(accounts(both)) == {(f"u{label}{n}",) for n in range(20) for label in ("fruit", "tools")}


def test_an_account_in_all_conversations_of_one_class_is_a_leak():
    """The worse the leak the surer the refusal: an author of all of a class's conversations is no role."""
    all_of_one = talks("fruit", ("boss", "u{n}")) + talks("tools", ("x{n}", "u{n}"))
    more_of_one = talks("fruit", ("boss", "u{n}"))
    for n, record in enumerate(talks("tools", ("boss", "u{n}"))):
        more_of_one.append(record if n < 14 else msgspec.structs.replace(record, author=f"y{n}"))

    for leaky in (all_of_one, more_of_one):
        with pytest.raises(LabelsError, match="leak by account: 'boss' has 20 of the 20 threads of 'fruit'"):
            gather(leaky)


def test_roles_stand_in_conversations_only_and_in_enough_of_them():
    """Three conversations make nobody a role, a role's own lone threads stay its own, and a stated group is none."""
    lone = [Record(id=f"l{n}", kind="advert", author="boss", text=f"advert {n}", label="fruit") for n in range(5)]
    few = [*lone, *talks("fruit", ("boss", "u{n}"), 3)]
    many = [*lone, *talks("fruit", ("boss", "u{n}")), *talks("tools", ("boss", "u{n}"))]
    stated = talks("fruit", ("A", "B"), account_id="7") + talks("tools", ("A", "B"), account_id="7")

    assert all("boss" in names for names in accounts(few))
    assert accounts(many)[:5] == [("boss",)] * 5
    assert not any("boss" in names for names in accounts(many)[5:])
    assert set(accounts(stated)) == {("account_id:7",)}


def test_a_shared_greeting_ties_no_accounts():
    """Of a greeting by many accounts one a label is kept and the rest are counted; nobody is tied to anybody by it."""
    greetings = [
        Record(id=f"g{label}{n}", author=f"a{label}{n}", text="Good morning!", label=label)
        for n in range(20)
        for label in ("birds", "fruit", "tools")
    ]
    found = gather(records(20) + greetings)

    assert len(found.threads) == 63
    assert "57 threads repeat a short text of other accounts: one a label is kept" in found.notes
    assert len(set(found.groups.tolist())) == 60
    assert len(found.known) == 120


def test_one_accounts_short_repeats_stay():
    """What one account says often is its own, and is kept: it cannot cross a fold."""
    mine = [Record(id=f"g{n}", author="afruit1", text="ok then", label="fruit") for n in range(5)]

    assert len(gather(records(20) + mine).threads) == 65


def test_a_script_is_named_as_what_ties_accounts_together():
    """Where near-copies tie a class's accounts together, the refusal says so and how many accounts they are."""
    script = "we look for a kind person who likes to paint our long wooden fence in the garden this week"
    copied = [Record(id=f"s{n}", author=f"s{n}", text=f"{script} {n}", label="tools") for n in range(30)]
    others = [record for record in records(30) if record.label != "tools"]

    with pytest.raises(LabelsError, match=r"30 accounts, tied together by near-copies of one text: .* has 30"):
        gather(others + copied)


def test_what_was_left_out_stands_in_the_refusal():
    """A refusal says what was left out: labels that disagree may be why a class is missing."""
    split = talks("fruit", ("a{n}", "b{n}"), 30)
    split = [msgspec.structs.replace(record, label="tools") if record.id.endswith("-1") else record for record in split]
    fine = talks("birds", ("c{n}", "d{n}"), 30)

    with pytest.raises(LabelsError, match=r"only 'birds' found.*; 30 threads have labels that disagree"):
        gather(split + fine)


def test_equal_words_under_different_labels_are_counted():
    """Threads of the same words with different labels are noted: nobody can learn to tell them apart."""
    twice = [
        Record(
            id=f"t{label}", author=f"t{label}", text="an old hammer and a very ripe melon near our nest", label=label
        )
        for label in ("fruit", "tools")
    ]

    assert any(note.startswith("2 threads have the very words of another") for note in gather(records() + twice).notes)


def test_labels_that_nothing_tells_apart_give_a_coin(tmp_path):
    """Every text under both labels: the adapter says one half, in numbers that can be written and read."""
    twice = [msgspec.structs.replace(record, label=label) for record in records(20) for label in ("one", "two")]
    fitted = fit(gather(twice))
    fitted.adapter.save(tmp_path / "a")

    assert np.allclose(fitted.probabilities, 0.5, atol=0.05)
    assert np.allclose(Adapter.load(tmp_path / "a").probabilities(["a pear", "a drill"]), 0.5, atol=0.05)


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


def test_decisions_about_other_threads_are_told():
    """Decisions that name no thread of the input are counted; where none does, the fit is refused."""
    some = gather(records(30), [Decision("birds0", "tools"), Decision("elsewhere", "fruit")])

    assert "1 of 2 decisions name no thread or record of INPUT: not used" in some.notes
    with pytest.raises(DecisionsError, match="none of the 2 names a thread"):
        gather(records(30), [Decision("x", "tools"), Decision("y", "fruit")])


def test_a_decision_about_a_thread_is_none_about_records_of_that_number():
    """Messages are numbered anew in every chat: thread "3" is one thread, not each chat with a third message."""
    chats = [
        Record(id=str(n), kind="message", conversation=f"{chat}", text=f"chat {chat} says {n}", author=f"a{chat}")
        for chat in range(40, 80) for n in range(6)
    ]  # fmt: skip
    found = gather([*records(30), *chats, Record(id="3", text="a plum")], [Decision("3", "fruit")])

    assert len(found.threads) == len(gather(records(30)).threads) + 1
    assert any(note.startswith("40 threads have no label") for note in found.notes)


def test_a_decision_that_could_be_about_several_threads_is_about_none():
    """Two exports that number from 0 share ids: such decisions are counted and left, unless their words tell which is meant."""
    twice = [Record(id="0", text="a ripe plum"), Record(id="0", text="a blunt saw")]
    left = gather([*records(30), *twice], [Decision("0", "tools"), Decision("birds0", "birds")])
    told = gather([*records(30), *twice], [Decision("0", "tools", text="a blunt")])

    assert any("1 of 2 decisions name several threads" in note for note in left.notes)
    assert len(told.threads) == len(left.threads) + 1
    assert dict(zip(told.texts, told.labels, strict=True))["a blunt saw"] == "tools"


def test_decisions_that_disagree_inside_a_thread_are_told():
    """A conversation of which one record was decided so and another otherwise has no label; a decision made again counts once."""
    talk = [Record(id=f"t{n}", kind="message", conversation="t", text=f"word {n}", author="a") for n in range(2)]
    apart = [Decision("t0", "fruit", of_record=True), Decision("t1", "tools", of_record=True)]
    again = [Decision("t", "fruit"), Decision("t", "tools")]

    assert any("1 threads have labels that disagree" in note for note in gather([*records(30), *talk], apart).notes)
    notes = gather([*records(30), *talk], again).notes
    assert "1 decisions were made again later in the file: the last one counts" in notes


def test_where_no_account_is_known_a_leak_cannot_be_seen_and_that_is_told():
    """Without authors the check that labels do not leak by account is off, and the fit says so."""
    nameless = [msgspec.structs.replace(record, author="") for record in records(30)]

    assert any(note.startswith("no thread names an account") for note in gather(nameless).notes)
    assert not any(note.startswith("no thread names an account") for note in gather(records(30)).notes)


@pytest.mark.parametrize("line", ['{"thread": "b", "label": ["x"]}', '{"label": "x"}', "[1]"])
def test_a_broken_decision_names_its_line(tmp_path, line):
    """A decision without a name, or with a list for a label, is refused with file and line; a byte order mark is none."""
    path = tmp_path / "d.jsonl"
    path.write_text('{"thread": "a", "label": " x "}\n' + line + "\n", "utf-8-sig")

    with pytest.raises(DecisionsError, match=r"d\.jsonl:2"):
        read_decisions(path)
    path.write_text('{"thread": "a", "label": " x "}\n', "utf-8-sig")
    assert read_decisions(path) == (Decision("a", "x"),)


def test_decisions_take_what_an_input_takes(tmp_path):
    """A number is a label and an id as in INPUT; a line that nobody has decided yet is counted and passed over."""
    path = tmp_path / "d.jsonl"
    lines = ['{"thread": 7, "label": 0}', '{"thread": "birds0", "label": null}', '{"thread": "birds1", "label": " "}']
    path.write_text("\n".join([*lines, '{"thread": "birds1"}']), "utf-8")
    data = gather([*records(30), Record(id="7", text="a pear", label="fruit")], read_decisions(path)[1:])
    label = {thread.id: name for thread, name in zip(data.threads, data.labels, strict=True)}

    assert read_decisions(path)[0] == Decision("7", "0")
    assert (label["birds0"], label["birds1"]) == ("birds", "birds")
    assert "3 lines of the decisions have no label: passed over" in data.notes


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


def test_copies_do_not_use_up_the_suggestions(fitted):
    """Where the most unsure threads are hundreds of copies, those behind them are suggested too."""
    copies = [Record(id=f"m{n}", text="the apple and the hammer near a nest of our heron") for n in range(200)]
    found = suggest(fitted.adapter, threads_of([*copies, *records(20, seed=3)]), 4)

    assert 4 == len(found)
    assert 1 == sum(line.thread.startswith("m") for line in found)


def test_fewer_suggestions_have_a_reason(fitted, tmp_path):
    """Who asks for more threads than there are to label is told how many were left out, and why."""
    rows = [("a", "a drill, a pear and a wren"), ("b", "a drill, a pear and a wren"), ("c", "  ")]
    more, made = tmp_path / "m.jsonl", tmp_path / "a"
    more.write_text("\n".join(json.dumps({"id": name, "text": text}) for name, text in rows), "utf-8")
    fitted.adapter.save(made)
    run = CliRunner().invoke(command, [str(more), "--reveal", "--adapter", str(made), "--suggest", "5"])

    assert 1 == len(run.stdout.splitlines())
    assert (
        "1 suggested of 3 threads: 1 without enough words that the adapter can read, 1 near-copies of one that is suggested."
        in run.stderr
    )


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


@pytest.mark.parametrize("idle", ["--out", "--figures", "--decisions", "--semantic"])
def test_options_without_effect_are_refused(fitted, tmp_path, idle):
    """With --adapter nothing is fitted: options that only matter to a fit are refused, not ignored."""
    more, made = tmp_path / "m.jsonl", tmp_path / "a"
    more.write_text('{"id": "n", "text": "a pear"}\n', "utf-8")
    fitted.adapter.save(made)
    value = [] if idle == "--semantic" else [str(more) if idle == "--decisions" else str(tmp_path / "new")]
    run = CliRunner().invoke(command, [str(more), "--reveal", "--adapter", str(made), "--suggest", "1", idle, *value])

    assert run.exit_code == 2
    assert "no effect" in run.stderr
    assert not (tmp_path / "new").exists()


def test_a_thread_of_another_file_is_suggested_whatever_its_id(tmp_path: Path):
    """Ids repeat from file to file: only a thread of the same id and words is labelled already."""
    labelled, more = tmp_path / "l.jsonl", tmp_path / "m.jsonl"
    known = records(40)
    labelled.write_bytes(b"\n".join(msgspec.json.encode(record) for record in known))
    rows = [{"id": known[0].id, "text": known[0].text}, {"id": known[1].id, "text": "a drill, a pear and a wren"}]
    more.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    run = CliRunner().invoke(command, [str(labelled), str(more), "--reveal", "--suggest", "3"])

    assert run.exit_code == 0, run.output
    assert [json.loads(line)["text"] for line in run.stdout.splitlines()] == ["a drill, a pear and a wren"]
