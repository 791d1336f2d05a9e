"""The same records in another order: the same scripts, accounts and networks, with the same ids and the same records."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from threelines.engine.local import scan
from threelines.engine.plan import Turn, account_threads
from threelines.link import copies
from threelines.link.groups import linked
from threelines.records import Attachment, Record
from threelines.vocabulary.terms import load

SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
WEEK = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def vocabulary():
    """The packaged vocabulary."""
    return load()


def _adverts(unit):
    """An agency that posts one advert for many places, and shops with stock sentences; times every `unit` seconds."""
    rng = random.Random(5)
    words = ["".join(rng.choices(SYLLABLES, k=rng.randint(2, 3))) for _ in range(600)]

    def said(count):
        return [rng.choice(words) for _ in range(count)]

    base, stock, places = said(14), [said(8) for _ in range(6)], [said(3) for _ in range(60)]
    made = [("agency", [*base[:7], *rng.choice(places), *base[7:], "agency@example.org"]) for _ in range(120)]
    for shop in range(50):
        own, contact = said(6), [f"mail{shop // 4}@example.org", "https://news.example/story"]
        made += [(f"shop{shop}", [*own, *said(4), *rng.choice(stock), *rng.choice(stock), *contact]) for _ in range(3)]
    made += [(f"new{number}", [*said(6), "Solvindel", *said(5)]) for number in range(8)]
    return [
        Record(
            id=f"p{number}",
            kind="advert",
            author=author,
            text=" ".join(text),
            attachments=(Attachment(name="a.jpg", hash=f"x{rng.randrange(30)}"),),
            time=WEEK + timedelta(seconds=rng.random() * 6e5 // unit * unit) if unit else None,
        )
        for number, (author, text) in enumerate(made)
    ]


@pytest.mark.parametrize("unit", [86_400, 1, 0])
def test_a_scan_of_shuffled_records_says_the_same(vocabulary, unit):
    """Every finding is the same byte for byte, where times are written by the day, by the second, or not at all."""
    records = _adverts(unit)
    mixed = random.Random(1).sample(records, len(records))
    straight, shuffled = ([*scan(given, vocabulary, everything=True)] for given in (records, mixed))

    assert {one.thread.kind for one in straight} == {"advert", "account", "script", "network"}
    assert sorted(map(msgspec.json.encode, straight)) == sorted(map(msgspec.json.encode, shuffled))


def test_copies_are_compared_in_order_of_time_however_they_stand():
    """Given with their times, shuffled texts have the groups they have in order of time, row by row."""
    records = _adverts(1)
    times = np.asarray([record.time.timestamp() for record in records])
    ordered = np.lexsort((copies.contents(copies.sketches([record.text for record in records])), times))
    mixed = np.random.default_rng(3).permutation(len(records))
    names = linked(copies.sketches([records[row].text for row in ordered]))
    shuffled = linked(copies.sketches([records[row].text for row in mixed]), times[mixed])
    groups = [
        {frozenset(order[found == name].tolist()) for name in found}
        for order, found in ((ordered, names), (mixed, shuffled))
    ]

    assert groups[0] == groups[1]


def test_texts_with_one_sketch_are_paired_once_each():
    """A thousand equal texts cost a pair each, not a pair in each band; empty and short texts are paired with none."""
    texts = [f"the choir sings in the small chapel by the river on {'sundays' * 3} and anybody may walk in"] * 1000
    made = copies.sketches([*texts, "", ""])
    pairs = copies.candidates(made, copies.frequencies(made.shingles))

    assert pairs.first.tolist() == [0] * 999
    assert pairs.second.tolist() == list(range(1, 1000))


def test_lone_records_of_one_moment_stand_in_order_of_id():
    """An account's records with equal times, or none, stand by id; those of a talk keep the order of the talk."""
    lone = [Turn(record=Record(id=name, author="a", text="x"), position=at) for at, name in enumerate("cab")]
    talk = [
        Turn(record=Record(id=name, author="a", text="x", conversation="t"), position=at)
        for at, name in enumerate("zyx")
    ]
    (thread,) = account_threads([*lone, *talk])

    assert [record.id for record in thread.records] == [*"abc", *"zyx"]
