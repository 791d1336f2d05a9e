"""What is read once need not be read again: silent records and accounts, texts laid down for linking."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.assess import observe
from threelines.engine.local import Plan, run
from threelines.engine.plan import account_threads, conversation_threads, lone_thread, turns_of
from threelines.engine.reference import UTMOST, Reference
from threelines.engine.texts import Texts, blocks
from threelines.link.copies import sketch
from threelines.link.network import items_of
from threelines.platforms.simulate import Simulation, simulate
from threelines.records import Record
from threelines.signals import SIGNALS
from threelines.signals.account import measure
from threelines.signals.quiet import loud_records
from threelines.signals.reading import anything_said
from threelines.text.entities import entities
from threelines.text.fold import _BROKEN, _BROKEN_ASCII
from threelines.vocabulary.terms import load

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def talks():
    """Conversations of a small simulated platform."""
    out = io.StringIO()
    simulate(Simulation(accounts=80, days=2, seed=5), out, io.StringIO(), progress=lambda _: None)
    records = [msgspec.json.decode(line, type=Record) for line in out.getvalue().splitlines()]
    return list(conversation_threads(records))


def test_detectors_of_words_keep_their_promise(talks):
    """A detector of words yields nothing from a thread that holds no word of the vocabulary."""
    vocabulary = load()
    silent = [thread for thread in talks if not anything_said(thread, vocabulary)]
    silent += [lone_thread(Record(id=str(n), text=text)) for n, text in enumerate(EVERYDAY)]
    of_words = [detector for detector in SIGNALS if detector.of_words]

    assert len(of_words) > 5
    assert len(silent) > 10
    assert not [s for t in silent for d in of_words if t.kind in d.reads for s in d(t, vocabulary)]


EVERYDAY = (
    "The bus is late again, 15 minutes at least.", "Rent 450 EUR, call 0176 5550100 after six.",
    "[Name] has a new bicycle", "我们六点在市场见", "ฉันจะไปตลาดพรุ่งนี้", "встретимся завтра в шесть", "I am 31 years old",
)  # fmt: skip


def test_quiet_records_change_no_account(talks):
    """An account shows the same whether its quiet records are read again or not."""
    vocabulary = load()
    turns = [turn for thread in talks for turn in turns_of(thread)]
    loud = {name for thread in talks for name in loud_records(thread, vocabulary)}
    marked = [msgspec.structs.replace(turn, quiet=turn.record.id not in loud) for turn in turns]
    whole = [observe(thread, vocabulary) for thread in account_threads(turns)]

    assert 0 < len(loud) < len(turns)
    assert [observe(thread, vocabulary) for thread in account_threads(marked)] == whole


def test_an_account_silent_at_the_utmost_is_silent(talks):
    """Where nothing is seen with every quantile at 1, nothing is seen with the real ones."""
    vocabulary = load()
    threads = list(account_threads(turn for thread in talks for turn in turns_of(thread)))
    reference = Reference.of(map(measure, threads))
    silent = 0
    for thread in threads:
        own = measure(thread)
        real, utmost = (
            observe(
                msgspec.structs.replace(thread, facts={**thread.facts, "features": own, "quantiles": quantiles}),
                vocabulary,
            )
            for quantiles in (reference.quantiles(own), UTMOST)
        )
        silent += not utmost
        assert utmost or not real

    assert silent


def test_a_scan_counts_silent_accounts_and_shows_them_when_asked():
    """Accounts that need no second look are judged, too: they are counted, and `everything` lists them."""
    posts = [Record(id=f"p{n}", author=f"a{n % 30}", text="see you at six", time=START) for n in range(90)]
    judged = [
        sum(batch.judged.get("account", 0) for batch in run(posts, Plan(vocabulary=load(), everything=everything)))
        for everything in (False, True)
    ]
    listed = [found for batch in run(posts, Plan(vocabulary=load(), everything=True)) for found in batch.found]

    assert judged == [30, 30]
    assert sum(found.kind == "account" for found in listed) == 30


_TEXT = st.text(alphabet="ab1 3@+.,:/()€k-_telgram\n中ก٣", max_size=60)


@given(text=_TEXT)
@settings(max_examples=400, deadline=None)
def test_without_money_the_rest_is_the_same(text):
    """Leaving out sums changes no other entity, although a sum goes before a number that overlaps it."""
    every = entities(text)

    assert entities(text, money=False) == tuple(entity for entity in every if entity.kind != "money")


@given(text=st.text(alphabet="abc1 .-_*|/~→😀•中é\n", max_size=40))
@settings(max_examples=400, deadline=None)
def test_the_first_look_hides_no_broken_word(text):
    """A text passed over at the first look holds nothing that the whole pattern would find."""
    for _, rare, hint in (*_BROKEN, *(_BROKEN_ASCII if text.isascii() else ())):
        assert rare.search(text) or not hint.search(text)


def test_texts_come_back_as_they_were_laid_down(tmp_path):
    """Records, light columns and sketches of a block stand in the same order; notices tie nobody."""
    records = [
        Record(
            id=f"r{n}", author=f"a{n}", text=f"write me on telegram @friend_{n} about the {n} blue chairs " * 3,
            kind="system" if n == 3 else "post", time=START + timedelta(minutes=n) if n % 2 else None,
        )
        for n in range(7)
    ]  # fmt: skip
    for part, name in ((records[:4], "a"), (records[4:], "b")):
        texts = Texts(tmp_path / name)
        for record in part:
            texts.add(record, msgspec.msgpack.encode(record))
        texts.close()
    Texts(tmp_path / "c").close()
    (block,) = blocks(tmp_path)
    first, second = blocks(tmp_path, limit=4)
    lights, made = block.lights(), sketch(["" if record.kind == "system" else record.text for record in records])

    assert lights.ids == [record.id for record in records]
    assert lights.authors == ["a0", "a1", "a2", "", "a4", "a5", "a6"]
    assert lights.items == {row: items_of(record) for row, record in enumerate(records) if row != 3}
    assert lights.times[1] == records[1].time.timestamp()
    assert lights.times[0] is None
    assert all((one == two).all() for one, two in zip(block.sketches(), made, strict=True))
    assert list(block.records({1, 5})) == [(1, records[1]), (5, records[5])]
    assert [len(part.lights().ids) for part in (first, second)] == [4, 3]


def test_a_long_partition_is_laid_down_in_several_files(tmp_path, monkeypatch):
    """A block never holds much more than its limit, however many texts one writer was given."""
    from threelines.engine import texts as module

    monkeypatch.setattr(module, "FILE", 3)
    records = [Record(id=f"r{n}", author=f"a{n}", text=f"the {n} blue chairs by the door") for n in range(8)]
    texts = Texts(tmp_path / "t00")
    for record in records:
        texts.add(record, msgspec.msgpack.encode(record))
    texts.close()
    parts = [part.lights().ids for part in blocks(tmp_path, limit=7)]
    (whole,) = blocks(tmp_path)

    assert parts == [["r0", "r1", "r2", "r3", "r4", "r5"], ["r6", "r7"]]
    assert list(whole.records({2, 3, 7})) == [(row, records[row]) for row in (2, 3, 7)]
