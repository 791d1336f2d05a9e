"""Make tables that hide every cell below k, also from those who subtract.

Two steps. Rare categories are merged until every margin is at least k, so that every total can be
shown; of a question with several answers, one that fewer than k people did not give is left out. Then
cells below k are hidden, those that leave fewer than k people of their margins outside, and further
cells with them, until no cell that tells of 1 to k - 1 people can be narrowed down to fewer than k values
from the totals and the cells that are shown (a hidden zero or a large cell hidden beside one can be). What a reader can work out is computed exactly: the bounds of a cell in a two-way table with known margins are a
maximum flow through the hidden cells (Gusfield 1988, SIAM J. Comput. 17(3), "A graph theoretic
approach to statistical data security").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import networkx as nx
import numpy as np

K = 11
"""CTDC's threshold: a published count is at least 11."""
MERGED = "(other)"
NOT_RECORDED = "(not recorded)"
HIDDEN = None
"""What stands for a count that is not published, whatever the reason."""

Cell = tuple[str, str]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One dimension: the categories of each case, rare ones merged."""

    name: str
    kinds: tuple[tuple[str, ...], ...]
    """The distinct answers; more than one category only where a question takes several."""
    codes: Any
    """Per case, the place of its answer in `kinds` (numpy, integers)."""
    counts: dict[str, int]
    """Cases by category that is shown: every count is at least k."""
    has_unlisted: bool = False
    """Whether a category in `kinds` is not shown: a case may then have none of those in `counts`."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that are shown."""
        return tuple(self.counts)

    @property
    def is_many(self) -> bool:
        """Whether some case has several categories."""
        return any(len(kind) > 1 for kind in self.kinds)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What is published of two dimensions: counts, or HIDDEN."""

    rows: Way
    columns: Way
    cells: dict[Cell, int | None]

    @property
    def hidden(self) -> float:
        """Share of cells that are not published."""
        return sum(count is HIDDEN for count in self.cells.values()) / max(1, len(self.cells))


def encode(answers: Iterable[Sequence[str]]) -> tuple[tuple[tuple[str, ...], ...], Any]:
    """Return the distinct answers and, per case, the place of its answer among them."""
    places: dict[tuple[str, ...], int] = {}
    codes = [places.setdefault(tuple(answer), len(places)) for answer in answers]
    return tuple(places), np.array(codes, dtype=np.int64)


def make_way(
    name: str, kinds: Sequence[Sequence[str]], codes: Any, *, k: int = K, together: Collection[str] = ()
) -> Way | None:
    """Merge the rarest categories, and those of `together`, until each has at least k cases; None when fewer than two are left.

    Which categories were merged is not told: that a rare language occurs at all can point at a person.
    Where a case can have several, one that all but fewer than k cases have is not shown: the total minus
    its count would count those who do not have it. With one answer per case they are in other categories.
    """
    cases = np.bincount(codes, minlength=len(kinds))
    recorded = [tuple(sorted(set(kind))) or (NOT_RECORDED,) for kind in kinds]
    merged = set(together)
    while True:
        shown = [tuple(sorted({MERGED if value in merged else value for value in kind})) for kind in recorded]
        counts: Counter[str] = Counter()
        for kind, count in zip(shown, cases, strict=True):
            counts.update(dict.fromkeys(kind, int(count)))
        counts = +counts
        small = {value for value, count in counts.items() if count < k}
        if not small:
            break
        if small == {MERGED}:  # the merged rest alone is too small: the next smallest goes with it
            larger = sorted((count, value) for value, count in counts.items() if value != MERGED)
            if not larger:
                return None
            small = {larger[0][1]}
        merged |= small - {MERGED}
    listed = {value for value, count in counts.items() if not 0 < len(codes) - count < k}
    if len(listed) < 2:
        return None
    ranked = sorted(listed, key=lambda value: (value in (MERGED, NOT_RECORDED), value))
    return Way(
        name=name, kinds=tuple(shown), codes=codes, counts={value: counts[value] for value in ranked},
        has_unlisted=len(listed) < len(counts),
    )  # fmt: skip


def cross(rows: Way, columns: Way) -> dict[Cell, int]:
    """Count every pair of categories, zeros too."""
    pairs = np.bincount(rows.codes * len(columns.kinds) + columns.codes, minlength=len(rows.kinds) * len(columns.kinds))
    found: Counter[Cell] = Counter()
    for place in np.flatnonzero(pairs):
        left, right = rows.kinds[place // len(columns.kinds)], columns.kinds[place % len(columns.kinds)]
        for row in left:
            for column in right:
                found[row, column] += int(pairs[place])
    return {(row, column): found[row, column] for row in rows.categories for column in columns.categories}


def suppress(rows: Way, columns: Way, *, k: int = K) -> Table | None:
    """Return the two-way table with every hidden cell protected; None when nothing could be shown."""
    grid = make_grid(rows, columns)
    sensitive = sorted(
        cell for cell in grid.counts if any(0 < people < k for people in told_by(rows, columns, grid, cell))
    )
    hidden = {cell for cell, count in grid.counts.items() if count < k} | {*sensitive}
    while True:
        bare = next((cell for cell in sensitive if not is_protected(grid, hidden, cell, k=k)), None)
        if bare is None:
            break
        more = _companions(grid, hidden, bare, k)
        if not more:  # no rectangle helps: hide the whole row and column, then everything
            more = {cell for cell in grid.counts if bare[0] == cell[0] or bare[1] == cell[1]} - hidden
        if not more:
            return None
        hidden |= more
    if len(hidden) == len(grid.counts):
        return None
    cells = {cell: HIDDEN if cell in hidden else count for cell, count in grid.counts.items()}
    return Table(rows=rows, columns=columns, cells=cells)


def told_by(rows: Way, columns: Way, grid: Grid, cell: Cell) -> tuple[int, int, int, int]:
    """Return how many people a cell tells of, beside what is known: in it, in its row alone, in its column
    alone, and in neither.
    """
    count, across, down = grid.counts[cell], rows.counts[cell[0]], columns.counts[cell[1]]
    return count, across - count, down - count, len(rows.codes) - across - down + count


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A two-way table with what a reader knows of it: margins, and that overlaps exist."""

    counts: dict[Cell, int]
    most: dict[Cell, int]
    """A cell is at most the smaller of its margins."""
    least: dict[Cell, int]
    """Where two margins have more cases than there are, so many are in both."""
    overlap: dict[Cell, int]
    """(FREE, column) or (row, FREE): by how much the cells of a line exceed its margin, or the margin itself
    more than that where a category is not shown: they may then be less than it.
    """


FREE = "\x00"
"""A line without a sum to keep."""


def make_grid(rows: Way, columns: Way) -> Grid:
    """Count a table. With several answers to a question, sums over its categories exceed the margins
    of the other question by an overlap that nobody publishes.
    """
    counts = cross(rows, columns)
    down, across = rows.counts, columns.counts
    overlap: dict[Cell, int] = {}
    most = {(row, column): min(down[row], across[column]) for row, column in counts}
    least = {(row, column): max(0, down[row] + across[column] - len(rows.codes)) for row, column in counts}
    if rows.is_many:
        for column, margin in across.items():
            unlisted = margin if rows.has_unlisted else 0
            overlap[FREE, column] = sum(counts[row, column] for row in down) - margin + unlisted
            most[FREE, column] = margin * (len(down) - 1) + unlisted
    if columns.is_many:
        for row, margin in down.items():
            unlisted = margin if columns.has_unlisted else 0
            overlap[row, FREE] = sum(counts[row, column] for column in across) - margin + unlisted
            most[row, FREE] = margin * (len(across) - 1) + unlisted
    return Grid(counts=counts, most=most, least=least, overlap=overlap)


def bounds(grid: Grid, hidden: Iterable[Cell], cell: Cell) -> tuple[int, int]:
    """Return the least and greatest count a hidden cell can have, given all margins and shown cells."""
    others = {other: grid.counts[other] for other in hidden if other != cell} | grid.overlap
    count, room = grid.counts[cell], grid.most[cell] - grid.counts[cell]
    up = min(room, _flow(grid, others, cell, raising=True))
    down = min(count - grid.least[cell], _flow(grid, others, cell, raising=False))
    return count - down, count + up


def is_protected(grid: Grid, hidden: Iterable[Cell], cell: Cell, *, k: int = K) -> bool:
    """Say whether a reader is left with at least k possible counts for a hidden cell."""
    low, high = bounds(grid, hidden, cell)
    return high - low >= k - 1


def _flow(grid: Grid, others: dict[Cell, int], target: Cell, *, raising: bool) -> int:
    """Return how far the target can be raised (or lowered) by shifting counts among the other cells.

    Raising it leaves a surplus in its row and in its column. An edge row → column lowers a cell, an
    edge column → row raises one; each path from the target's row to its column settles one unit.
    Lowering turns this round, and so does an overlap, which is taken away from its line's sum.
    """
    graph = nx.DiGraph()
    graph.add_nodes_from((("row", target[0]), ("column", target[1])))
    for (row, column), count in others.items():
        room = grid.most[row, column] - count
        is_overlap = FREE in (row, column)
        fall = count - grid.least.get((row, column), 0)
        there, back = (fall, room) if raising != is_overlap else (room, fall)
        graph.add_edge(("row", row), ("column", column), capacity=there)
        graph.add_edge(("column", column), ("row", row), capacity=back)
    if ("row", FREE) in graph and ("column", FREE) in graph:
        graph.add_edge(("row", FREE), ("column", FREE))
        graph.add_edge(("column", FREE), ("row", FREE))
    return int(nx.maximum_flow_value(graph, ("row", target[0]), ("column", target[1])))


def _companions(grid: Grid, hidden: set[Cell], cell: Cell, k: int) -> set[Cell]:
    """Return the cheapest cells that make a protecting rectangle with a cell; empty when none does."""
    row, column = cell
    counts = grid.counts
    best: tuple[int, list[Cell]] | None = None
    for corner in counts:
        if corner[0] == row or corner[1] == column:
            continue
        beside, below = (row, corner[1]), (corner[0], column)
        fresh = sorted({beside, below, corner} - hidden)
        range_left = min(counts[beside], counts[below]) + min(counts[cell], counts[corner])
        if fresh and range_left >= k - 1:
            cost = sum(counts[each] for each in fresh)
            if best is None or (cost, fresh) < best:
                best = (cost, fresh)
    return set(best[1]) if best else set()


def rounded(count: int, *, base: int, k: int = K) -> int:
    """Round to the nearest multiple of `base`, and never to below k."""
    least = -(-k // base) * base
    return max(least, (count + base // 2) // base * base) if base > 1 else count
