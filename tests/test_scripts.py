"""Near-copies: whatever is done to the letters, one script comes out as one script, and nothing else does."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.engine.local import scan
from threelines.link import copies
from threelines.link.groups import linked
from threelines.link.scripts import (
    MIN_COPIES,
    across_languages,
    find_scripts,
    script_groups,
    script_thread,
    script_threads,
)
from threelines.link.template import TOKEN, _tokens, template
from threelines.link.translated import Placed, translations
from threelines.records import Record
from threelines.signals.script import posted_as_one, reworded_for_each, same_text_by_many, same_text_in_languages
from threelines.text.look import letters, look
from threelines.vocabulary.terms import load

ROOT = Path(__file__).parents[1]
BASE = "volunteers meet at the old library every second saturday morning to repair bicycles for the whole village"
OTHER = "the choir sings in the small chapel by the river on sundays and anybody who likes music may simply walk in"
THAI = "พรุ่งนี้เราจะไปตลาดริมแม่น้ำด้วยกันแล้วกลับมาทำอาหารเย็นให้ทุกคนในหมู่บ้าน"

START = datetime(2026, 1, 1, tzinfo=UTC)


def _bench(name):
    path = ROOT / "bench" / f"{name}.py"
    if not path.exists():
        pytest.skip("bench/ is not part of this installation")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _names(texts):
    return linked(copies.sketches(texts)).tolist()


@pytest.fixture(scope="module")
def planted():
    """A platform of 6,000 invented posts with campaigns."""
    return _bench("corpus").make(6000, 11)


def test_planted_campaigns_are_found(planted):
    """Each of the five ways of changing a copy is recalled at 95% or more, at a precision of 99%."""
    sys.modules.setdefault("corpus", _bench("corpus"))
    scores = _bench("scripts").score(linked(copies.sketches(planted.texts)), planted)

    assert {mode: scores[mode] >= 0.95 for mode in _bench("corpus").MODES} == dict.fromkeys(
        _bench("corpus").MODES, True
    )
    assert scores["P"] >= 0.99
    assert scores["F1"] >= 0.98


def test_the_same_texts_give_the_same_bytes(planted):
    """Sketches and groups do not depend on the number of threads or on the run."""
    one, two = copies.sketches(planted.texts, threads=1), copies.sketches(planted.texts, threads=3)

    assert [column.tobytes() for column in one] == [column.tobytes() for column in two]
    assert linked(one).tobytes() == linked(two).tobytes()


def test_the_order_of_the_texts_does_not_matter(planted):
    """A shuffled platform has the same groups up to a handful of borderline posts."""
    order = np.random.default_rng(5).permutation(len(planted.texts))
    straight = linked(copies.sketches(planted.texts))
    shuffled = linked(copies.sketches([planted.texts[index] for index in order]))
    back = np.empty_like(shuffled)
    back[order] = order[shuffled]
    score = _bench("scripts").score(back, planted)["F1"] - _bench("scripts").score(straight, planted)["F1"]

    assert abs(score) < 0.005


HIDERS = range(9)


@pytest.mark.parametrize("which", HIDERS)
def test_no_way_of_hiding_letters_escapes(which):
    """Letters taken at random from Unicode's own data come back as the letters they pass for."""
    import random

    hide = _bench("corpus").hiders()[which]
    hidden = [hide(BASE, random.Random(seed)) for seed in range(20)]

    assert _names([BASE, *hidden, OTHER]) == [0] * 21 + [21]


@given(st.text(max_size=80))
def test_each_character_looks_like_one_letter_or_none(text):
    """The reduced alphabet is stable: reducing twice changes nothing, and the fast path agrees with the slow one."""
    slow = "".join(map(look, text))

    assert "".join(map(look, slow)) == slow
    assert "".join(map(chr, letters([text]).codes)) == slow


@given(st.lists(st.text(max_size=30), max_size=6))
def test_texts_stay_apart(texts):
    """Each text keeps exactly its own letters, and each opens a word at its first letter."""
    made = letters(texts)
    parts = ["".join(map(chr, made.codes[a:b])) for a, b in zip(made.starts[:-1], made.starts[1:], strict=True)]

    assert parts == ["".join(map(look, text)) for text in texts]
    assert all(made.opens[a] for a, b in zip(made.starts[:-1], made.starts[1:], strict=True) if b > a)


def test_short_common_texts_are_no_script():
    """A thousand people who write 'ok thanks' have no script in common."""
    texts = ["ok thanks", "happy new year to you all", "ขอบคุณมากครับ", "谢谢大家"] * 250

    assert _names(texts) == list(range(1000))


def test_a_stock_sentence_links_nothing():
    """Different posts that end with the same polite sentence stay apart."""
    rng = np.random.default_rng(3)
    words = [
        "".join(rng.choice(list("bdfgklmnprst")) + rng.choice(list("aeiou")) for _ in range(3)) for _ in range(900)
    ]
    closing = "please call us if you would like to know more"
    texts = [" ".join([*rng.choice(words, 14), closing]) for _ in range(300)]

    assert len(set(_names(texts))) >= 295


def test_scripts_without_spaces_are_linked():
    """Thai and Chinese copies with a changed part are copies."""
    chinese = "明天上午十点我们在图书馆门口集合一起去修理自行车请大家带上工具和午饭"
    texts = [THAI, THAI.replace("ตลาด", "โรงเรียน") + "๒", chinese, chinese.replace("图书馆", "博物馆"), OTHER]

    assert _names(texts) == [0, 0, 2, 2, 4]


def test_a_script_that_thousands_copy_is_still_one():
    """A script so common that all its shingles are common is found by pairs of them."""
    copied = [f"name{index} {BASE} {index * 7919 % 10007}" for index in range(3000)]
    alone = [f"{index} {OTHER[index % 50 :]} {index}" for index in range(2)]

    assert len(set(_names(copied + alone)[:3000])) == 1


def test_nothing_at_all():
    """No text, empty texts and texts of signs only are fine."""
    assert _names([]) == []
    assert _names(["", "🔥🔥🔥", "   "]) == [0, 1, 2]


def _record(index, text, author="a", **more):
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=index)
    return Record(id=f"r{index}", kind="post", text=text, author=author, time=at, **more)


def test_two_accounts_or_three_copies_make_a_script():
    """One account that says something twice has no script; two accounts have."""
    assert MIN_COPIES == 3
    assert script_groups(["1", "2"], [BASE, BASE], ["a", "a"], [0, 1]) == []
    assert [s.accounts for s in script_groups(["1", "2"], [BASE, BASE], ["b", "a"], [0, 1])] == [("a", "b")]


def test_a_thread_of_a_script_shows_its_template():
    """The thread holds the records in time order, and its facts name accounts, copies and slots."""
    texts = [f"Dear {name}, {BASE}, seat {seat}" for name, seat in (("Ann", 4), ("Bo", 7), ("Cy", 9))]
    records = [_record(index, text, author=f"a{index}") for index, text in enumerate(texts)]
    records += [_record(9, OTHER), Record(id="s", kind="system", text=texts[0])]
    (thread,) = script_threads(records)

    assert thread.kind == "script"
    assert [record.id for record in thread.records] == ["r0", "r1", "r2"]
    assert thread.facts["copies"] == 3
    assert thread.facts["accounts"] == ["a0", "a1", "a2"]
    assert thread.facts["seconds"] == 2.0
    assert thread.facts["template"] == f"Dear ‹Ann, | Bo, | Cy,› {BASE}, seat ‹4 | 7 | 9›"
    assert thread.facts["slots"] == [["Ann,", "Bo,", "Cy,"], ["4", "7", "9"]]


def test_records_are_read_again_not_kept():
    """Between the two passes only ids, accounts, times and sketches are held."""
    records = [_record(index, BASE, author=f"a{index}") for index in range(3)]
    found = find_scripts(iter(records))

    assert [script.records for script in found.groups] == [("r0", "r1", "r2")]
    assert [len(thread.records) for thread in found.threads(iter(records))] == [3]


def test_template_marks_what_changes_without_spaces():
    """In Thai the slot is marked by letters, with vowel signs kept on their letter."""
    made = template(["ราคา100บาท" + THAI, "ราคา250บาท" + THAI])

    assert made.slots == (("100", "250"),)
    assert str(made).startswith("ราคา")


def test_template_of_one_text_is_the_text():
    """A single copy has no slot; nothing has no part."""
    assert template([BASE]).parts == (BASE,)
    assert template([]).parts == ()


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=5))
@settings(max_examples=60)
def test_template_never_fails(texts):
    """Any texts have a template, and every slot says what was seen in it."""
    made = template(texts)

    assert all(part if isinstance(part, str) else any(part.values) for part in made.parts if part != "")


def _placed(languages, vectors, usual=None):
    rows = np.asarray(vectors, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return Placed(tuple(languages), rows, np.zeros(len(rows), np.float32) if usual is None else np.float32(usual))


def test_one_script_in_two_languages_is_merged():
    """Scripts that are each other's nearest in their language become one, which says its languages; others stay."""
    texts = [BASE, BASE, THAI, THAI, OTHER, OTHER]
    scripts = script_groups([f"{n}" for n in range(6)], texts, ["a", "b", "c", "d", "e", "f"], list(range(6)))
    placed = _placed(["eng", "tha", "eng"], [[1.0, 0.0, 0.1], [0.99, 0.05, 0.0], [0.0, 1.0, 0.0]])
    merged = across_languages(scripts, [BASE, THAI, OTHER], lambda found: placed)
    one = next(script for script in merged if script.languages)
    records = [Record(id=f"{n}", text=texts[n], author="abcdef"[n]) for n in range(4)]
    thread = script_thread(one, records)

    assert sorted(len(script.records) for script in merged) == [2, 4]
    assert one.languages == ("eng", "tha")
    assert thread.facts["languages"] == ["eng", "tha"]
    assert [s.strength for s in same_text_in_languages(thread, load())] == ["context"]
    assert not list(reworded_for_each(thread, load()))


def test_a_scan_merges_a_script_across_languages():
    """With an encoder, the scan shows one script for the copies in both languages, with every account."""

    def place(texts):
        return _placed(
            ["tha" if text == THAI else "eng" for text in texts], [[1.0, 0.1 * (text == THAI)] for text in texts]
        )

    posts = [
        Record(id=f"p{n}", text=(BASE, THAI)[n % 2], author=f"a{n}", kind="post", time=START + timedelta(seconds=n))
        for n in range(8)
    ]
    found = [one for one in scan(posts, load(), everything=True, place=place) if one.thread.kind == "script"]

    assert [len(one.facts["accounts"]) for one in found] == [8]
    assert "same_text_in_languages" in {signal.detector for signal in found[0].signals}


def test_near_is_not_enough_for_a_translation():
    """No merge in one language, without a clear lead over the next script or everyday sentences, or in no known language."""
    near = [[1.0, 0.0], [0.98, 0.05]]

    assert len(set(translations(_placed(["eng", "eng"], near)))) == 2
    assert len(set(translations(_placed(["und", "tha"], near)))) == 2
    assert len(set(translations(_placed(["eng", "tha"], near, [0.95, 0.0])))) == 2
    assert len(set(translations(_placed(["eng", "tha", "tha"], [*near, [0.97, 0.08]])))) == 3
    assert len(set(translations(_placed(["eng", "tha"], near)))) == 1


def test_a_chain_of_likenesses_is_no_script():
    """Texts of which each shares a part only with the next have no core, so they do not become one group."""
    rng = np.random.default_rng(8)
    words = ["".join(rng.choice(list("bdfgklmnprstaeiou"), 7)) for _ in range(900)]
    chain = [" ".join(words[at * 6 : at * 6 + 17]) for at in range(120)]
    _, sizes = np.unique(linked(copies.sketches(chain)), return_counts=True)

    assert sizes.max() <= 4


@given(st.text(st.sampled_from("ab 9.é\u00a0\u2028\x1c\nไม่好や"), max_size=40) | st.text(max_size=60))
def test_words_are_cut_alike_with_and_without_spaces(text):
    """Whether a text is split at spaces or searched, its words are those of `TOKEN`, at their places, each with a shape."""
    found = _tokens(text)
    plain = ["".join(map(look, word)) or word for word in TOKEN.findall(text)]

    assert ([match.span() for match in TOKEN.finditer(text)], plain) == (found.spans, found.shapes)


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3), max_size=30))
def test_frequencies_count_every_value_but_the_empty_place(rows):
    """A value is counted over the whole table, also beside empty places and where hashes share their last bits."""
    table = np.asarray([[row[0], row[1] & 0xFF00_000F, row[2] | 0xFFFF_FFFC] for row in rows], dtype=np.uint32).reshape(
        -1, 3
    )
    count = Counter(table.ravel().tolist())
    count[int(copies.NOTHING)] = 0

    assert [[count[value] for value in row] for row in table.tolist()] == copies.frequencies(table).tolist()


@given(st.lists(st.integers(0, 1_000_000), min_size=256, max_size=256))
@settings(max_examples=30)
def test_slices_hold_every_value_once(counts):
    """Slices follow one another, leave out no byte that occurs, and are larger than their limit only for one byte."""
    ranges = list(copies._ranges(counts))
    bytes_ = [byte for first, last in ranges for byte in range(first, last + 1)]

    assert bytes_ == sorted(set(bytes_))
    assert {byte for byte, count in enumerate(counts) if count} <= set(bytes_)
    assert all(
        sum(counts[a : b + 1]) <= copies._SLICE or sum(1 for c in counts[a : b + 1] if c) == 1 for a, b in ranges
    )


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([30.5, 30.5, 30.5], 0.0), ([3.0, 12.0, 7.0], 9.0), ([None, None, None], None), ([3.0, None, 3.0], None),
        ([120.0, 120.0, 120.0], 60.0), ([86_400.0] * 3, 86_400.0), ([0.0, 60.0, 0.0], 60.0),
    ],
    ids=["one moment", "nine seconds", "unknown", "one unknown", "one minute", "one day", "next minute"],
)  # fmt: skip
def test_equal_times_are_known_and_missing_ones_are_not(times, seconds):
    """What lies between copies is 0 only if every account's time is known, and to the second; else it is more, or None."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    records = [
        Record(
            id=f"r{n}",
            kind="post",
            text=BASE,
            author=f"a{n}",
            time=None if at is None else start + timedelta(seconds=at),
        )
        for n, at in enumerate(times)
    ]
    (thread,) = script_threads(records)

    assert thread.facts["seconds"] == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0, ["medium", "medium"]), (9.0, ["medium", "medium"]), (None, ["weak"]), (86_400.0, ["weak"])],
)
def test_the_same_second_is_the_strongest_case(seconds, said):
    """Four accounts that post one text in one second act together as surely as nine seconds apart; unknown says nothing."""
    records = [_record(1, BASE, author=f"a{n}") for n in range(4)]
    (thread,) = script_threads(records)
    thread = msgspec.structs.replace(thread, facts={**thread.facts, "seconds": seconds})
    signals = [s for d in (same_text_by_many, posted_as_one) for s in d(thread, load())]

    assert [s.strength for s in signals] == said
    assert all(("within a second" in s.detail) == (seconds == 0.0) for s in signals)


def test_records_with_one_id_are_picked_by_their_place():
    """A second pass gives each script its own records, also where an export repeats ids."""
    records = [
        msgspec.structs.replace(_record(n, (BASE, OTHER)[n % 2], author=f"a{n}"), id=str(n // 2)) for n in range(6)
    ]
    found = {thread.records[0].text: [r.author for r in thread.records] for thread in script_threads(records)}

    assert found == {BASE: ["a0", "a2", "a4"], OTHER: ["a1", "a3", "a5"]}


def test_speed_names_benchmarks_of_the_checkout():
    """What `threelines bench --speed` runs is there and returns rows."""
    from threelines.cli.bench import SPEED

    if not (ROOT / "bench").exists():
        pytest.skip("bench/ is not part of this installation")
    assert "whole" in SPEED
    assert all("\ndef run(" in (ROOT / "bench" / f"{name}.py").read_text(encoding="utf-8") for name in SPEED)
