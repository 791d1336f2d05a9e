"""The local engine: same findings for any number of processes, memory that does not grow, the contract."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.assess import observe
from threelines.engine import local, spill
from threelines.engine.local import Plan, run, scan
from threelines.engine.plan import (
    WINDOW,
    account_threads,
    conversation_threads,
    openings,
    turns_of,
    whole_talks,
    windows,
)
from threelines.link import copies
from threelines.platforms.simulate import Simulation, simulate
from threelines.records import Assessment, Attachment, Record, Thread
from threelines.signals.account import measure
from threelines.signals.contact import invites
from threelines.signals.detector import quoted, reads
from threelines.vocabulary.terms import load

SCHEMA = json.loads((Path(__file__).parents[1] / "threelines" / "findings.schema.json").read_text(encoding="utf-8"))
START = datetime(2026, 1, 1, tzinfo=UTC)


def talk(count: int, *, talks: int = 7, authors: int = 5) -> list[Record]:
    """Return messages of several conversations by several accounts, shuffled in time."""
    return [
        Record(
            id=f"m{n}", conversation=f"c{n % talks}", author=f"a{n % authors}",
            time=START + timedelta(minutes=(n * 37) % 500), text="see you tomorrow at the station",
        )
        for n in range(count)
    ]  # fmt: skip


def lines(records: list[Record], jobs: int) -> list[bytes]:
    """Return the findings of a scan as written."""
    batches = run(records, Plan(vocabulary=load(), everything=True), jobs=jobs)
    return [found.line for batch in batches for found in batch.found]


def test_same_bytes_for_any_number_of_processes():
    """Findings do not depend on how many processes made them."""
    records = talk(5000) + [Record(id=f"x{n}", kind="advert", text="cook wanted") for n in range(3000)]

    assert lines(records, 1) == lines(records, 2)


def test_runs_of_two_plans_take_turns_in_one_process():
    """A run keeps its own plan while another is advanced between its batches, in this thread or another."""
    records = talk(60) + [Record(id=f"x{n}", kind="advert", author=f"a{n}", text="cook wanted") for n in range(3)]
    plans = [Plan(vocabulary=load(), everything=True), Plan(vocabulary=load(), accounts=False, linked=False)]

    def alone(plan: Plan) -> list[Any]:
        return [msgspec.to_builtins(batch) for batch in run(records, plan, jobs=1)]

    expected = [alone(plan) for plan in plans]
    turns: list[list[Any]] = [[], []]
    running = [run(records, plan, jobs=1) for plan in plans]
    while any(running):
        for place, one in enumerate(running):
            batch = next(one, None) if one else None
            if batch is None:
                running[place] = None
            else:
                turns[place].append(msgspec.to_builtins(batch))
    with ThreadPoolExecutor(2) as threads:
        beside = list(threads.map(alone, plans))

    assert expected[0] != expected[1]
    assert turns == expected
    assert beside == expected


def test_every_line_obeys_the_schema():
    """The form of a finding is a contract: the schema in the package accepts every line."""
    validator = jsonschema.Draft202012Validator(SCHEMA)
    records = [
        *talk(40),
        Record(id="x", kind="advert", text="Work in Myanmar on a tourist visa. We keep your passport."),
    ]

    assert [error.message for line in lines(records, 1) for error in validator.iter_errors(json.loads(line))] == []


def test_every_record_is_judged_once_in_its_conversation():
    """Each message stands in exactly one conversation thread, in time order."""
    records = talk(300)
    found = [a.thread for a in scan(records, load(), everything=True) if a.thread.kind == "conversation"]
    times = {record.id: record.time for record in records}

    assert sorted(times) == sorted(name for thread in found for name in thread.records)
    assert all([times[n] for n in thread.records] == sorted(times[n] for n in thread.records) for thread in found)


def test_long_conversations_are_read_in_windows():
    """A conversation longer than the window is judged in parts that name themselves."""
    threads = list(conversation_threads(talk(WINDOW + 1, talks=1)))

    assert [thread.id for thread in threads] == ["c0#1", "c0#2"]


def test_turns_know_what_they_follow():
    """An account's record comes with the last record of somebody else before it."""
    thread = next(conversation_threads(talk(4, talks=1, authors=2)))
    ordered = list(turns_of(thread))
    account = next(account_threads(ordered))

    assert ordered[0].after is None
    assert all(turn.after is None or turn.after.author != turn.record.author for turn in ordered)
    assert {"account"} == {account.kind}


def test_large_partitions_are_split_and_nothing_is_lost(monkeypatch):
    """A partition over the limit is read in pieces: one still over it holds one key; findings stay the same set."""
    records = [msgspec.structs.replace(r, author=f"acc_{n % 1500:016x}") for n, r in enumerate(talk(3000, talks=600))]
    whole, split, pieces = sorted(lines(records, 1)), local._bounded, []

    def watched(paths, folder, *, key, depth=1):
        for piece in split(paths, folder, key=key, depth=depth):
            pieces.append((sum(map(len, piece)), len(set(map(key, piece)))))
            yield piece

    monkeypatch.setattr(local, "_bounded", watched)
    monkeypatch.setattr(local, "LIMIT", 2000)

    assert whole == sorted(lines(records, 1))
    assert [keys for size, keys in pieces if size > local.LIMIT and keys > 1] == []


def test_ids_of_one_length_do_not_stay_together(tmp_path):
    """The pseudonyms of accounts are all of one length; those of one partition are spread when it is split again."""
    names = [f"acc_{n:016x}" for n in range(20_000)]
    first, second = spill.Spill(tmp_path / "first"), spill.Spill(tmp_path / "second", salt=1)
    for name in names:
        first.add(name, name.encode())
    first.close()
    together = list(spill.payloads(spill.partitions(tmp_path / "first")[0]))
    for name in together:
        second.add(name.decode(), name)
    second.close()
    largest = max(len(list(spill.payloads(part))) for part in spill.partitions(tmp_path / "second"))

    assert len(together) > 200
    assert largest < len(together) / 10


def test_a_notice_is_nobodys_turn():
    """WhatsApp opens every chat with a notice: who opened the talk, and every place in it, stay as without it."""
    said = [
        Record(id=f"m{n}", conversation="c", author="ab"[n % 2], time=START + timedelta(minutes=n)) for n in range(6)
    ]
    notice = Record(id="n", kind="system", conversation="c", time=START - timedelta(minutes=1))
    call = Record(id="k", kind="system", conversation="c", time=START + timedelta(seconds=150))
    plain, noted = (
        next(account_threads(turn for whole in whole_talks(records) for turn in turns_of(whole)))
        for records in (said, [notice, *said, call])
    )

    assert plain == noted
    assert measure(noted).opened == measure(plain).opened == 1


def test_the_windows_of_a_long_talk_are_one_talk():
    """Message 2,003 is not called the third, opens nothing anew, and each account has its openings once."""
    last = "write me on telegram @anna_work99"
    records = [
        Record(id=f"m{n}", conversation="c", author="ab"[n % 2], time=START + timedelta(hours=n), text="ok then")
        for n in range(WINDOW + 2)
    ]
    records.append(Record(id="x", conversation="c", author="a", time=START + timedelta(hours=WINDOW + 2), text=last))
    notice = Record(id="n", kind="system", conversation="c", time=START - timedelta(minutes=1))
    (whole,) = whole_talks([notice, *records])
    turns = list(turns_of(whole))
    signs = {s.indicator for a in scan(records, load(), everything=True, linked=False) for s in a.signals}

    assert [turn.position for turn in turns] == list(range(WINDOW + 3))
    assert turns[WINDOW].after == turns[WINDOW - 1].record
    assert [record.id for record in openings(turns)] == ["m0", "m1", "m2", "m3"]
    assert [turn for window in windows(whole) for turn, _ in invites(window, load())] == [WINDOW + 3]
    assert "REC-12" in signs and "BEH-08" not in signs


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=50)), max_size=60))
def test_spill_returns_what_was_laid_down(tmp_path_factory, pairs):
    """Every payload comes back, in order within its partition."""
    folder = tmp_path_factory.mktemp("spill")
    laid = spill.Spill(folder)
    for key, payload in pairs:
        laid.add(key, payload)
    laid.close()
    back = [payload for part in spill.partitions(folder) for payload in spill.payloads(part)]

    assert sorted(payload for _, payload in pairs) == sorted(back)


def test_label_is_never_read(monkeypatch):
    """A platform's own label changes nothing in a finding."""
    records = talk(50)
    labelled = [msgspec.structs.replace(record, label="scam") for record in records]

    assert lines(records, 1) == lines(labelled, 1)


def numbered_per_talk(records: list[Record]) -> list[Record]:
    """Return the records with ids as Telegram gives them: 1, 2, 3 in each conversation, and 1 for each post."""
    known: Counter[str] = Counter()
    made = []
    for record in records:
        known[record.conversation] += bool(record.conversation)
        made.append(msgspec.structs.replace(record, id=str(known[record.conversation] or 1)))
    return made


def told(found: Assessment) -> tuple[object, ...]:
    """Return what a finding says, but for the ids of records."""
    facts = found.facts if isinstance(found.facts, dict) else {}
    return (
        found.thread.kind, len(found.thread.records), found.concern, found.tier, found.ai_use, found.support,
        sorted((s.indicator, s.quote, s.start, s.detail) for s in found.signals),
        {name: fact for name, fact in facts.items() if name in ("accounts", "copies", "template", "members", "ties")},
    )  # fmt: skip


def test_repeated_record_ids_change_no_finding():
    """Telegram numbers messages per chat: the same platform with such ids gives the same findings."""
    out = io.StringIO()
    simulate(Simulation(accounts=120, days=3, seed=5), out, io.StringIO(), progress=lambda _: None)
    records = [msgspec.json.decode(line, type=Record) for line in out.getvalue().splitlines()]
    plain, repeated = (list(scan(given, load(), everything=True)) for given in (records, numbered_per_talk(records)))

    assert {found.thread.kind for found in plain} >= {"account", "conversation", "script"}
    assert any(found.tier != "none" for found in plain)
    assert sorted(map(repr, map(told, plain))) == sorted(map(repr, map(told, repeated)))


def test_scripts_whose_records_bear_the_same_ids_are_told_apart():
    """Two texts, each sent in three chats as message 1, are two scripts with their own records and names."""
    texts = (
        "The choir meets every second Tuesday in the school hall and singers of every age are warmly welcome to join us",
        "Our library opens its new reading room on Saturday with music, cake and a book for every child who comes along",
    )
    records = [
        Record(id="1", conversation=f"c{n}", author=f"a{n}", time=START + timedelta(hours=n), text=texts[n // 3])
        for n in range(6)
    ]
    found = [one for one in scan(records, load(), everything=True) if one.thread.kind == "script"]

    assert sorted((one.facts["accounts"], one.facts["template"]) for one in found) == [
        (["a0", "a1", "a2"], texts[0]), (["a3", "a4", "a5"], texts[1])
    ]  # fmt: skip
    assert [one.thread.records for one in found] == [("1", "1", "1")] * 2
    assert len({one.thread.id for one in found}) == 2


@reads("conversation")
def _flowers(thread, vocabulary):
    """Quotes every rose and every red rose: stands for a detector of words."""
    for record in thread.records:
        for words in ("rose", "red rose"):
            if words in record.text:
                start = record.text.index(words)
                yield quoted(
                    record, start, start + len(words), indicator="REC-18", strength="weak", detail="", detector="x"
                )


def test_signals_of_records_with_one_id_stand_for_themselves():
    """A quote of one record does not hide one of another with its id; inside a record the widest quote stays."""
    texts = ("a red rose for you", "no flower", "my rose")
    thread = Thread(kind="conversation", id="c", records=tuple(Record(id="7", text=text) for text in texts))

    assert [(s.start, s.quote) for s in observe(thread, load(), (_flowers,))] == [(2, "red rose"), (3, "rose")]


def test_the_report_shows_the_text_that_is_quoted():
    """Of several records with one id, the report holds the one in which the quote stands."""
    offer = "Work in Myawaddy on a tourist visa, no experience needed, 5,000 USD a month. We keep your passport."
    records = [Record(id="7", author="a", conversation="c", text=text) for text in ("hello", offer, "see you")]
    found = [found for batch in run(records, Plan(vocabulary=load(), texts=True)) for found in batch.found]

    assert found
    assert {found.texts["7"] for found in found} == {offer}


def test_posts_without_text_make_no_word_rarer():
    """Thousands of pictures without words between the texts change no script: they are not among what words are counted in."""
    rng = random.Random(2)

    def word():
        return "".join(rng.choice("bdfgklmnprst") + rng.choice("aeiou") for _ in range(3))

    shared = ["lantern", "orchard", "violet", "kettle", "saddle"]
    said = [shared + [word() for _ in range(5)] for _ in range(2)] + [[word() for _ in range(10)] for _ in range(300)]
    posts = [
        Record(id=f"p{i}", kind="post", author=f"u{i}", text=" ".join(rng.sample(words, 10)))
        for i, words in enumerate(said)
    ]
    pictures = [
        Record(id=f"e{i}", kind="post", author=f"v{i % 90}", attachments=(Attachment(name=f"{i}.jpg"),))
        for i in range(4000)
    ]

    def scripts(records):
        return [one for one in scan(records, load(), everything=True, accounts=False) if one.thread.kind == "script"]

    assert scripts(posts + pictures) == scripts(posts) == []


def test_long_records_are_sent_in_smaller_batches(monkeypatch):
    """A batch ends at so many records or bytes, and texts are sketched in parts; what is found does not change."""
    records = [
        Record(id=f"p{i}", kind="post", author=f"a{i % 7}", text=f"we keep your passport {i % 9} " * 40)
        for i in range(60)
    ]

    def found():
        return [*scan(records, load(), everything=True)]

    whole, sizes, judged = found(), [], local.judge_lone

    def noted(task):
        sizes.append(len(task[0]))
        return judged(task)

    monkeypatch.setattr(local, "judge_lone", noted)
    monkeypatch.setattr(local, "BYTES", 5000)
    monkeypatch.setattr(local, "SMALL", 10)
    monkeypatch.setattr(copies, "_LETTERS", 3000)

    assert [*scan(records, load(), everything=True)] == whole
    assert len(sizes) > 8
    assert max(sizes) < 7000
