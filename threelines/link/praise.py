"""Posts about one name by accounts that say little else: the shape of planted praise, in any language.

Whether a post praises is not read here; a person reads it. What is measured: many accounts that appeared only lately,
posted little, and spent most of it on one rare name (an employer, a brand, a handle), close together in time, in texts
that are not copies of one another. How many such accounts a name has by chance is taken from all other names of the
platform, so a board on which everybody posts once shows nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from math import isnan
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.link.copies import NOTHING, Rows, Values, sketch
from threelines.link.scripts import Linked, in_order, link_texts
from threelines.link.template import TOKEN
from threelines.records import Record, Thread

MIN_ACCOUNTS = 5
"""Fewer lately made accounts than this that write about one name are a coincidence."""
FEW = 5
"""An account with more records than this has a life besides."""
FOCUS = 0.5
"""Part of an account's records that must hold the name."""
DAYS = 7
"""The posts must lie within this many days."""
POPULAR = 0.02
"""A word that more than this part of all accounts use is no name."""
FALSE_DISCOVERIES = 0.005
_LATE = 0.1  # an account counts as lately made when the first tenth of the data does not know it


class Praise(msgspec.Struct, frozen=True, kw_only=True):
    """One name, and the lately made accounts that write about it."""

    word: int
    """Hash of the name; how it is written is seen in the second pass."""
    records: tuple[str, ...]
    places: tuple[int, ...]
    """Where each of the records stands in the source: an export may give one id to several records."""
    members: tuple[str, ...]
    others: int
    """How many other accounts use the name."""
    seconds: float
    p: float


def find_praise(linked: Linked) -> list[Praise]:
    """Return names that lately made accounts write about together, least likely by chance first."""
    rows = [row for row, author in enumerate(linked.authors) if author and not isnan(linked.times[row])]
    known: dict[str, int] = {}
    account = np.asarray([known.setdefault(linked.authors[row], len(known)) for row in rows], dtype=np.int64)
    if len(known) < MIN_ACCOUNTS:
        return []
    time = np.asarray(linked.times)[rows]
    found = _names(linked.sketched.words[rows], linked.names[rows], account, time)
    names = list(known)
    return [
        Praise(
            word=word, records=tuple(linked.ids[rows[row]] for row in near), others=others, p=float(f"{p:.2e}"),
            places=tuple(linked.places[rows[row]] for row in near),
            members=tuple(sorted({names[account[row]] for row in near})),
            seconds=round(float(np.ptp(time[near])), 3),
        )
        for word, near, others, p in found
    ]  # fmt: skip


_Found = tuple[int, list[int], int, float]


def _names(sketched: Values, copies: Rows, account: NDArray[np.int64], time: NDArray[np.float64]) -> list[_Found]:
    """Find the names among sketched words: one row a record, as for `copies`, `account` and `time`."""
    rows, columns = np.nonzero(sketched != NOTHING)
    word = sketched[rows, columns].astype(np.uint64)
    pairs, times_used = np.unique((word << np.uint64(32)) | account[rows].astype(np.uint64), return_counts=True)
    words, who = pairs >> np.uint64(32), (pairs & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    begins = np.flatnonzero(np.diff(words, prepend=np.uint64(2**40)) != 0)
    held = np.diff(np.append(begins, len(words)))
    brief = _brief(account, time)
    single = brief[who] & (times_used >= FOCUS * np.bincount(account)[who])
    hits = np.add.reduceat(single.astype(np.int64), begins) if begins.size else held
    fit = (held >= MIN_ACCOUNTS) & (held <= max(POPULAR * len(brief), 50))
    if not fit.any():
        return []
    base = max(float(hits[fit].sum()) / float(held[fit].sum()), 1e-4)
    p = _tail(hits[fit], held[fit], base)
    ranked = np.sort(p)
    passed = np.flatnonzero(ranked <= FALSE_DISCOVERIES * np.arange(1, len(p) + 1) / len(p))
    limit = ranked[passed[-1]] if passed.size else -1.0
    chosen = np.flatnonzero(fit)[(p <= limit) & (hits[fit] >= MIN_ACCOUNTS)]
    order = np.lexsort((words[begins[chosen]], _tail(hits[chosen], held[chosen], base)))
    seen: list[set[int]] = []
    made: list[_Found] = []
    for index in chosen[order].tolist():
        part = slice(begins[index], begins[index] + held[index])
        members = set(who[part][single[part]].tolist())
        near = _close(np.unique(rows[(word == words[begins[index]]) & np.isin(account[rows], list(members))]), time)
        members = set(account[near].tolist())
        if len(members) < MIN_ACCOUNTS or len(np.unique(copies[near])) < max(3, len(near) / 2):
            continue
        if any(len(members & other) > 0.5 * len(members) for other in seen):
            continue
        seen.append(members)
        chance = float(_tail(hits[[index]], held[[index]], base)[0])
        made.append((int(words[begins[index]]), near.tolist(), int(held[index]) - len(members), chance))
    return made


def _brief(account: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which accounts appeared lately and posted little."""
    count = int(account.max()) + 1
    first = np.full(count, np.inf)
    np.minimum.at(first, account, time)
    late = first > time.min() + _LATE * np.ptp(time)
    brief: NDArray[np.bool_] = late & (np.bincount(account, minlength=count) <= FEW)
    return brief


def _tail(hits: NDArray[np.int64], of: NDArray[np.int64], base: float) -> NDArray[np.float64]:
    """Bound the binomial tail (Chernoff): probability of `hits` or more out of `of`."""
    share = np.clip(hits / np.maximum(of, 1), 1e-9, 1 - 1e-9)
    base = min(base, 1 - 1e-9)
    far = of * (share * np.log(share / base) + (1 - share) * np.log((1 - share) / (1 - base)))
    return np.where(share > base, np.exp(-far), 1.0)


def _close(rows: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rows in the window of `DAYS` days that holds most of them."""
    ordered = rows[np.argsort(time[rows], kind="stable")]
    ends = np.searchsorted(time[ordered], time[ordered] + DAYS * 86_400.0, side="right")
    begin = int(np.argmax(ends - np.arange(len(ordered))))
    return ordered[begin : int(ends[begin])]


def praise_threads(records: Iterable[Record], linked: Linked | None = None, *, threads: int = 2) -> Iterator[Thread]:
    """Yield a thread of kind network for each name. `records` is read once more, or twice when nothing links them yet."""
    yield from threads_about(find_praise(linked or link_texts(records, threads=threads)), enumerate(records))


def threads_about(found: Sequence[Praise], records: Iterable[tuple[int, Record]]) -> Iterator[Thread]:
    """Pick the records that hold the names, each given with its place, and yield one thread for each name."""
    owner: dict[int, list[Praise]] = {}
    for praise in found:
        for place in praise.places:
            owner.setdefault(place, []).append(praise)
    picked: dict[int, list[Record]] = {praise.word: [] for praise in found}
    for place, record in records:
        for praise in owner.get(place, ()):
            picked[praise.word].append(record)
    for praise in found:
        yield _thread(praise, picked[praise.word])


def _thread(praise: Praise, records: list[Record]) -> Thread:
    ordered = sorted(records, key=in_order)
    spans = {record.id: _span(record.text, praise.word) for record in reversed(ordered)}  # of one id, the first counts
    first = ordered[0]
    start, end = spans[first.id]
    name = blake2b("\0".join(praise.records).encode(), digest_size=8).hexdigest()
    facts: dict[str, Any] = {
        "about": first.text[start:end], "members": list(praise.members), "others": praise.others,
        "seconds": praise.seconds, "p": praise.p, "spans": {key: list(span) for key, span in spans.items()},
    }  # fmt: skip
    return Thread(kind="network", id=f"praise-{name}", records=tuple(ordered), facts=facts)


def _span(text: str, word: int) -> tuple[int, int]:
    """Find where the name stands in the text, as it is written there."""
    found = list(TOKEN.finditer(text))
    hashed = sketch([match[0] for match in found]).words[:, 0].tolist() if found else []
    return next((match.span() for match, value in zip(found, hashed, strict=True) if value == word), (0, 0))
