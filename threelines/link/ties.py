"""Which accounts are tied: what two accounts share, weighed against what they would share by chance.

Chance is a model in which every record draws its items at random: an account with `x` of all `N` records holds an item
that `d` accounts hold with probability `x d / N`. So a busy account and a popular item explain a shared item by
themselves, and a hub ties nobody. Two things make a shared item more surprising than that: that few accounts hold it,
and that the two used it shortly after one another. All pairs of accounts are counted as tested when the false
discovery rate is held (Benjamini and Hochberg 1995), although only pairs that share something are looked at.

One thing no count can weigh: a private number, address or picture *belongs* to somebody. Few accounts that give the
same one are tied by that, whatever the model says; a public one (`network.PRIVATE`) is left to the model.

Sources: the bipartite configuration model (Saracco et al. 2017, validated projections); Fisher's product of two
uniform values; Benjamini and Hochberg 1995.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text.clock import DAY, ENOUGH, EXACT, MINUTE, written_to

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FALSE_DISCOVERIES = 0.005
"""Share of the reported ties that may be chance."""
ALL_PAIRS = 32
"""An item used more often than this is compared with its neighbours in time only: never all pairs."""
REACH = 8
"""With how many later uses of a popular item a use is compared."""
REPEATS = 8
"""Uses of one item by one account that are kept: the first ones."""


class Uses(NamedTuple):
    """Who used what, when: one row for each use of an item, of one kind of tie."""

    kind: str
    item: Ints
    account: Ints
    time: Floats
    """Seconds since 1970; not a number where the export gives no time."""
    record: Ints
    """Number of the record, for the evidence."""


class Shared(NamedTuple):
    """What pairs of accounts share, of one kind: one row for each pair and item."""

    kind: str
    first: Ints
    second: Ints
    item: Ints
    chance: Floats
    """Chance of a shared item as rare and as close in time, given that one is shared."""
    records: tuple[Ints, Ints]
    """The two uses that are closest in time."""


class Ties(NamedTuple):
    """Pairs of accounts that are tied, in order of accounts."""

    first: Ints
    second: Ints
    p: Floats
    """Probability of as much by chance, over all kinds of tie."""
    tested: int
    """How many pairs could have been tied."""


class Exactness(NamedTuple):
    """To how many seconds times are written, at least `EXACT`: none that are equal lie surely closer."""

    whole: float
    """Of all times."""
    of: Floats
    """Of each account's times."""


def exactness(account: Ints, time: Floats, count: int) -> Exactness:
    """Measure it for `count` accounts; one with few times may have round ones by chance and goes by all times."""
    known = np.flatnonzero(~np.isnan(time))
    account, time = account[known], time[known]
    to_second = np.bincount(account, weights=time % MINUTE != 0, minlength=count) > 0
    whole = EXACT if to_second.any() or known.size < ENOUGH else written_to(np.unique(time % DAY).tolist())
    of = np.where(to_second, EXACT, whole)
    many = ~to_second & (np.bincount(account, minlength=count) >= ENOUGH)
    times = np.unique((account * DAY + time % DAY)[many[account]])  # of each account, the times of the day
    for own in np.split(times, np.flatnonzero(np.diff(times // DAY)) + 1) if times.size else ():
        of[int(own[0] // DAY)] = written_to(own.tolist())
    return Exactness(whole, of)


def span(times: Floats, written_to: float = EXACT) -> float:
    """Return over how many seconds the platform's activity is spread: busy hours shorten it (days, if no more is known)."""
    known = times[~np.isnan(times)]
    if known.size < 2:
        return 1.0
    width = max(3600.0, written_to)
    hours = np.unique((known // width).astype(np.int64), return_counts=True)[1] / known.size
    return float(max(width / np.square(hours).sum(), 1.0))


def shared(uses: Uses, seconds: float, exact: Floats | None = None) -> Shared:
    """Find pairs of accounts that used the same item, and how close in time: no closer than their times are written.

    `exact` says to how many seconds those of each account are (`Exactness.of`); `EXACT` where it is left out.
    """
    rows = _kept(uses)
    item, account, time = uses.item[rows], uses.account[rows], uses.time[rows]
    starts = np.flatnonzero(np.diff(item, prepend=-1))
    sizes = np.diff(np.append(starts, len(item)))
    popular = np.repeat(sizes > ALL_PAIRS, sizes)
    lows, highs = [], []
    for step in range(1, ALL_PAIRS):
        same = (item[step:] == item[:-step]) & (account[step:] != account[:-step])
        if step > REACH:
            same &= ~popular[:-step]
        found = np.flatnonzero(same)
        if not found.size and step > sizes.max(initial=0):
            break
        lows.append(found)
        highs.append(found + step)
    low, high = np.concatenate([np.empty(0, np.int64), *lows]), np.concatenate([np.empty(0, np.int64), *highs])
    swap = account[low] > account[high]
    low, high = np.where(swap, high, low), np.where(swap, low, high)
    least = EXACT if exact is None else np.maximum(exact[account[low]], exact[account[high]])
    gap = np.nan_to_num(np.maximum(np.abs(time[low] - time[high]), least), nan=seconds)
    shares = _joined(_joined(account[low], account[high]), item[low])
    order = np.lexsort((gap, shares))
    low, high, gap = low[order], high[order], gap[order]
    new = _changes(shares[order])
    tries = np.diff(np.append(np.flatnonzero(new), len(low)))
    low, high, gap = low[new], high[new], gap[new]
    chance = _share_of(uses)[uses.item[rows][low]] * np.minimum(1.0, 2 * gap * tries / seconds)
    chance = np.clip(chance, 1e-15, 1.0)
    surprise = chance * (1 - np.log(chance))
    return Shared(
        uses.kind, account[low], account[high], item[low], surprise, (uses.record[rows][low], uses.record[rows][high])
    )


def _kept(uses: Uses) -> Ints:
    """Return rows in order of item and time, at most `REPEATS` for each item and account."""
    held = _joined(uses.item, uses.account)
    order = np.lexsort((uses.record, np.nan_to_num(uses.time), held))
    begins = np.flatnonzero(_changes(held[order]))
    rank = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    kept = order[rank < REPEATS]
    return kept[np.lexsort((uses.record[kept], np.nan_to_num(uses.time[kept]), uses.item[kept]))]


def _joined(first: Ints, second: Ints) -> Ints:
    """Join two columns of numbers from 0 into one that sorts the same: one sort less for each column joined.

    Three columns of a block (`engine.texts.BLOCK`) stay far below 2^63.
    """
    return first * (int(second.max(initial=0)) + 1) + second


def _changes(ordered: Ints) -> NDArray[np.bool_]:
    """Tell where a sorted column begins a new value."""
    new = np.ones(len(ordered), dtype=bool)
    new[1:] = ordered[1:] != ordered[:-1]
    return new


def holders(uses: Uses) -> Ints:
    """Count the accounts that hold each item."""
    size = int(uses.item.max(initial=-1)) + 1
    width = int(uses.account.max(initial=0)) + 1
    pairs = np.sort(_joined(uses.item, uses.account))
    counts = np.bincount(pairs[_changes(pairs)] // width, minlength=size)
    return counts.astype(np.int64, copy=False)


def _share_of(uses: Uses) -> Floats:
    """Return, for each item, which part of all chance sharing falls on items held by no more accounts than it."""
    held = holders(uses)
    counts = np.bincount(held)
    weight = np.cumsum(counts * np.square(np.arange(len(counts), dtype=np.float64)))
    part: Floats = weight[held] / max(float(weight[-1]) if len(weight) else 1.0, 1.0)
    return part


def expected(uses: Uses, activity: Ints) -> Floats:
    """Return for each account the factor whose product, for two accounts, is how many items they share by chance."""
    held = holders(uses).astype(np.float64)
    total = float(np.square(held).sum())
    usual = float((held**3).sum()) / max(total, 1.0)
    return activity.astype(np.float64) * float(np.sqrt(total) / max(_bounded_sum(activity, usual), 1.0))


def _bounded_sum(activity: Ints, holding: float) -> float:
    """Return all activity, where none counts for more than makes its account sure to hold an item that `holding` hold.

    More than sure it cannot be: an account that wrote most of a platform's records holds an item once, and leaves the
    other holders to the others. Without the bound it took all chance upon itself, and the others looked tied.
    """
    down = np.sort(activity)[::-1].astype(np.float64)
    bounded = np.arange(min(len(down), int(np.ceil(holding))))  # so many accounts may be bounded
    rest = down.sum() - np.concatenate(([0.0], np.cumsum(down)))[bounded]
    level = rest / np.maximum(holding - bounded, 1e-9)  # the bound, if the first so many are at it
    fits = np.flatnonzero(level >= down[bounded])
    return float(rest[fits[0]] + bounded[fits[0]] * level[fits[0]]) if fits.size else float(down.sum())


def chance(found: Shared, factor: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the pairs that share something, and the probability of as much by chance.

    For the r most surprising items of a pair the bound is the Poisson tail, at most `rate^r / r!`; the best r is
    taken and paid for.
    """
    pairs = _joined(found.first, found.second)
    order = np.lexsort((found.chance, pairs))
    first, second, surprise = found.first[order], found.second[order], found.chance[order]
    begins = np.flatnonzero(_changes(pairs[order]))
    sizes = np.diff(np.append(begins, len(order)))
    rank = np.arange(1, len(order) + 1) - np.repeat(begins, sizes)
    rate = np.log(np.maximum(factor[first] * factor[second] * surprise, 1e-300))
    steps = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, int(sizes.max(initial=0)) + 1)))))
    bound = np.minimum(rank * rate - steps[rank], 0.0)
    best = np.minimum.reduceat(bound, begins) if begins.size else bound
    return first[begins], second[begins], np.exp(np.minimum(best + np.log(np.maximum(sizes, 1)), 0.0))


def ties(
    kinds: Sequence[tuple[Ints, Ints, Floats]], accounts: int, *, sure: Ints | None = None, width: int = 0
) -> Ties:
    """Take each pair's most surprising kind and hold the false discovery rate over all pairs of `accounts`.

    The probabilities are multiplied already by what looking at several kinds costs.
    `sure` names pairs (`first * width + second`) that are tied by what they share, whatever the probability.
    """
    first, second, p = (np.concatenate(column) for column in zip(*kinds, strict=True))
    pairs = _joined(first, second)
    order = np.lexsort((p, pairs))
    first, second, p = first[order], second[order], np.minimum(p[order], 1.0)
    new = _changes(pairs[order])
    first, second, p = first[new], second[new], p[new]
    tested = accounts * (accounts - 1) // 2
    ranked = np.sort(p)
    passed = np.flatnonzero(ranked <= FALSE_DISCOVERIES * np.arange(1, len(p) + 1) / max(tested, 1))
    limit = ranked[passed[-1]] if passed.size else -1.0
    kept = p <= limit
    if sure is not None and sure.size:
        kept |= np.isin(first * width + second, sure)
    return Ties(first[kept], second[kept], p[kept], tested)
