"""Hashes of pictures that were made to be slow: words that many share cost no square, and nothing near is missed."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from threelines.link.groups import components
from threelines.link.pictures import _COMPARED, PDQ_DISTANCE, _Near, same_pictures

COUNT = 2 * _COMPARED + 400
"""More hashes than one is compared with."""


def _hashes(shared, draw):
    """Random hashes whose first `shared` words are equal, the last 60 of them near others: at 28 to 33 bits."""
    free = 256 - 16 * shared
    made = [draw.getrandbits(free) for _ in range(COUNT - 60)]
    for _ in range(60):
        made.append(made[draw.randrange(500)] ^ sum(1 << bit for bit in draw.sample(range(free), draw.randint(28, 33))))
    return [one.to_bytes(32, "big") for one in made]


@pytest.mark.parametrize("shared", [0, 1, 3, 5, 8])
def test_words_that_all_share_cost_little_and_hide_nothing(shared):
    """Up to eight of sixteen words may be equal everywhere: few are compared, and all pairs within the distance are found."""
    hashes = _hashes(shared, Random(shared))
    near = _Near(b"".join(hashes))
    compared = [len(near.beside(row)) for row in range(COUNT)]
    whole = np.frombuffer(b"".join(hashes), dtype=np.uint64).reshape(-1, 4)
    apart = np.stack([np.bitwise_count(whole ^ one).sum(axis=1) for one in whole])
    first, second = np.nonzero(np.triu(apart <= PDQ_DISTANCE, 1))
    found = same_pictures([f"pdq:{one.hex()}" for one in hashes], np.ones(COUNT, dtype=np.int64))
    groups = [
        {frozenset(np.flatnonzero(names == name)) for name in names}
        for names in (found, components(COUNT, first, second))
    ]

    assert sum(compared) < COUNT * COUNT / 10
    assert first.size > 20
    assert groups[0] == groups[1]


def test_no_hash_is_compared_with_all():
    """Where twelve words are shared nobody is compared with more than the most, whatever the order the hashes came in."""
    hashes = _hashes(12, Random(12))
    near = _Near(b"".join(hashes))

    assert max(len(near.beside(row)) for row in range(0, COUNT, 9)) <= _COMPARED


def test_thousands_of_nearly_equal_pictures_are_one():
    """Black pictures differ in a few bits and share nearly all words: they are one picture, in whatever order."""
    draw = Random(4)
    values = sorted({f"pdq:{sum(1 << bit for bit in draw.sample(range(256), 7)):064x}" for _ in range(COUNT)})
    draw.shuffle(values)

    assert len(set(same_pictures(values, np.ones(len(values), dtype=np.int64)).tolist())) == 1


def test_what_was_taken_is_not_read_again():
    """Once a large group is taken, hashes with its words are compared with what is left, not with all of it again."""
    hashes = [bytes(30) + row.to_bytes(2, "big") for row in range(COUNT)]
    near = _Near(b"".join(hashes))
    waiting, seen = [0], 0
    while waiting:
        waiting += near.take(waiting.pop()).tolist()
        seen += len(near.beside(COUNT - 1))

    assert not near.left.any()
    assert len(near.beside(COUNT - 1)) == 0
    assert seen < COUNT * _COMPARED / 10
