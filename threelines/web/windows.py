"""Which records of a long thread are on the screen: the talk around every sign, gaps marked, the rest by pages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

AROUND = 2
"""Records before and after a sign that are shown whatever the thread's length."""
SHOWN = 60
"""Records to which the windows grow where there is room."""
LONGEST = 200
"""Records on one page at most."""


class Gap(msgspec.Struct, frozen=True):
    """Records that are not on this page."""

    first: int
    """Place of the first of them, from 0."""
    records: int
    signs: int
    """How many of them carry a sign."""

    @property
    def page(self) -> int:
        """The page of the whole thread on which the first of them stands, from 1."""
        return page_of(self.first)


def page_of(place: int) -> int:
    """Return the page of the whole thread, from 1, that holds a place."""
    return place // LONGEST + 1


def windows(count: int, signs: Sequence[int], first_of_each: Sequence[int] = ()) -> list[int | Gap]:
    """Return the places to show of `count` records in order of time, with the gaps between them.

    `signs` are the places of the records that carry one. The window of each grows alike while all fit into
    `SHOWN`; if even the smallest windows are more than `LONGEST`, those of `first_of_each` sign go first.
    """
    if count <= SHOWN:
        return list(range(count))
    kept: set[int] = set()
    for place in dict.fromkeys((*first_of_each, *sorted(signs))):
        window = _around([place], AROUND, count)
        if len(kept | window) > LONGEST:
            break
        kept |= window
    kept = kept or set(range(SHOWN))
    for reach in range(AROUND + 1, count):
        wider = _around(signs, reach, count)
        if not signs or len(wider) > SHOWN:
            break
        kept = wider
    return with_gaps(sorted(kept), count, signs)


def _around(places: Sequence[int], reach: int, count: int) -> set[int]:
    return {near for place in places for near in range(max(0, place - reach), min(count, place + reach + 1))}


def whole(count: int, signs: Sequence[int], page: int) -> list[int | Gap]:
    """Return one page of the whole thread, with the gaps before and after it; a page too far is the last one."""
    page = max(1, min(page, page_of(max(0, count - 1))))
    first = (page - 1) * LONGEST
    return with_gaps(range(first, min(first + LONGEST, count)), count, signs)


def with_gaps(kept: Sequence[int], count: int, signs: Sequence[int]) -> list[int | Gap]:
    """Return the places with a gap wherever records are left out between, before or after them."""
    told: list[int | Gap] = []
    following = 0
    for place in (*kept, count):
        if place > following:
            left = sum(following <= sign < place for sign in signs)
            told.append(Gap(following, place - following, left))
        if place < count:
            told.append(place)
        following = place + 1
    return told
