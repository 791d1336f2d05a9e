"""Posts about one name by accounts that say little else: the shape of planted praise, in any language.

Whether a post praises is not read here; a person reads it. What is measured: many accounts that appeared only lately,
posted little, and spent most of it on one rare name (an employer, a brand, a handle), close together in time, in texts
that are not copies of one another. How many such accounts a name has by chance is taken from all other names of the
platform, so a board on which everybody posts once shows nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from math import isnan
from typing import Any, NamedTuple

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


class Used(NamedTuple):
    """How many accounts use each word: one row for each word, in order of its hash."""

    words: NDArray[np.uint64]
    held: NDArray[np.int64]
    """Accounts that use it."""
    hits: NDArray[np.int64]
    """Those of them that appeared lately, posted little, and spent most of it on the word."""


class Candidate(NamedTuple):
    """A word that stands out."""

    word: int
    held: int
    p: float
    rows: Rows
    """Rows of the texts in which its `hits` use it, in order."""


def find_praise(linked: Linked) -> list[Praise]:
    """Return names that lately made accounts write about together, least likely by chance first."""
    said = [row for row, author in enumerate(linked.authors) if author and not isnan(linked.times[row])]
    known: dict[str, int] = {}
    account = np.asarray([known.setdefault(linked.authors[row], len(known)) for row in said], dtype=np.int64)
    if len(known) < MIN_ACCOUNTS:
        return []
    rows = np.asarray(said, dtype=np.int64)
    return settled(_candidates(linked.sketched.words[rows], rows, account, np.asarray(linked.times)[rows]), linked)


def _candidates(
    sketched: Values, place: Rows, account: NDArray[np.int64], time: NDArray[np.float64]
) -> list[Candidate]:
    """Find the names among sketched words: one row a record, as for its `place` in the block, `account` and `time`."""
    rows, columns = np.nonzero(sketched != NOTHING)
    word = sketched[rows, columns].astype(np.uint64)
    pairs, times_used = np.unique((word << np.uint64(32)) | account[rows].astype(np.uint64), return_counts=True)
    words, who = pairs >> np.uint64(32), (pairs & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    begins = np.flatnonzero(np.diff(words, prepend=np.uint64(2**40)) != 0)
    held = np.diff(np.append(begins, len(words)))
    brief = _brief(account, time)
    single = brief[who] & (times_used >= FOCUS * np.bincount(account)[who])
    hits = np.add.reduceat(single.astype(np.int64), begins) if begins.size else held
    found = []
    order = np.argsort(word, kind="stable")
    uses = np.append(np.searchsorted(word[order], words[begins]), len(word))  # where those of each word begin
    for index, p in standing_out(Used(words[begins], held, hits), len(brief)):
        part = slice(begins[index], begins[index] + held[index])
        members = who[part][single[part]]
        using = rows[order[uses[index] : uses[index + 1]]]
        near = np.unique(using[np.isin(account[using], members)])
        found.append(Candidate(int(words[begins[index]]), int(held[index]), p, place[near]))
    return found


def most(accounts: int) -> float:
    """Return how many of so many accounts may use a name."""
    return max(POPULAR * accounts, 50)


def standing_out(used: Used, accounts: int) -> list[tuple[int, float]]:
    """Return (index, probability by chance) of the words that too many such accounts use, the least likely first."""
    held, hits = used.held, used.hits
    fit = (held >= MIN_ACCOUNTS) & (held <= most(accounts))
    if not fit.any():
        return []
    base = max(float(hits[fit].sum()) / float(held[fit].sum()), 1e-4)
    p = _tail(hits[fit], held[fit], base)
    ranked = np.sort(p)
    passed = np.flatnonzero(ranked <= FALSE_DISCOVERIES * np.arange(1, len(p) + 1) / len(p))
    limit = ranked[passed[-1]] if passed.size else -1.0
    chosen = np.flatnonzero(fit)[(p <= limit) & (hits[fit] >= MIN_ACCOUNTS)]
    order = np.lexsort((used.words[chosen], _tail(hits[chosen], held[chosen], base)))
    return [(index, float(_tail(hits[[index]], held[[index]], base)[0])) for index in chosen[order].tolist()]


def settled(candidates: Iterable[Candidate], linked: Linked) -> list[Praise]:
    """Keep what lies close together in time, is no copies, and is not the same accounts once more."""
    times = np.asarray(linked.times, dtype=np.float64)
    praising: dict[str, list[int]] = {}
    made: list[Praise] = []
    for word, held, p, rows in candidates:
        found = _close(rows, times).tolist()
        near = np.asarray(sorted(found, key=lambda row: (times[row], linked.ids[row], linked.authors[row])))
        members = {linked.authors[row] for row in near.tolist()}
        if len(members) < MIN_ACCOUNTS or len(np.unique(linked.names[near])) < max(3, len(near) / 2):
            continue
        again = Counter(number for member in members for number in praising.get(member, ()))
        if max(again.values(), default=0) > 0.5 * len(members):
            continue
        for member in members:
            praising.setdefault(member, []).append(len(made))
        made.append(Praise(
            word=word, records=tuple(linked.ids[row] for row in near), others=held - len(members), p=float(f"{p:.2e}"),
            places=tuple(linked.places[row] for row in near), members=tuple(sorted(members)),
            seconds=round(float(np.ptp(times[near])), 3),
        ))  # fmt: skip
    return made


def lately(begin: float, end: float) -> float:
    """Return the time after which an account appeared lately, where the data lie between two times."""
    return begin + _LATE * (end - begin)


def _brief(account: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which accounts appeared lately and posted little."""
    count = int(account.max()) + 1
    first = np.full(count, np.inf)
    np.minimum.at(first, account, time)
    late = first > lately(float(time.min()), float(time.max()))
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
        yield praise_thread(praise, picked[praise.word])


def name_of(praise: Praise) -> str:
    """Return the id of the thread of a name."""
    return "praise-" + blake2b("\0".join(praise.records).encode(), digest_size=8).hexdigest()


def praise_thread(praise: Praise, records: Sequence[Record]) -> Thread:
    """Make the thread of a name from the records that hold it."""
    ordered = sorted(records, key=in_order)
    spans = {record.id: _span(record.text, praise.word) for record in reversed(ordered)}  # of one id, the first counts
    first = ordered[0]
    start, end = spans[first.id]
    facts: dict[str, Any] = {
        "about": first.text[start:end], "members": list(praise.members), "others": praise.others,
        "seconds": praise.seconds, "p": praise.p, "spans": {key: list(span) for key, span in spans.items()},
    }  # fmt: skip
    return Thread(kind="network", id=name_of(praise), records=tuple(ordered), facts=facts)


def _span(text: str, word: int) -> tuple[int, int]:
    """Find where the name stands in the text, as it is written there."""
    found = list(TOKEN.finditer(text))
    hashed = sketch([match[0] for match in found]).words[:, 0].tolist() if found else []
    return next((match.span() for match, value in zip(found, hashed, strict=True) if value == word), (0, 0))
