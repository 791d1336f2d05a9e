"""Make tables that hide every cell below k, also from those who subtract.

Two steps. Rare categories are merged until every margin is at least k, so that every total can be
shown. Then cells below k are hidden, and further cells with them, until no hidden cell can be
narrowed down to fewer than k values from the totals and the cells that are shown. What a reader can
work out is computed exactly: the bounds of a cell in a two-way table with known margins are a
maximum flow through the hidden cells (Gusfield 1988, SIAM J. Comput. 17(3), "A graph theoretic
approach to statistical data security").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
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
    """Cases by category: every count is at least k."""

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


def make_way(name: str, kinds: Sequence[Sequence[str]], codes: Any, *, k: int = K) -> Way | None:
    """Merge the rarest categories until each has at least k cases; None when fewer than two are left.

    Which categories were merged is not told: that a rare language occurs at all can point at a person.
    """
    cases = np.bincount(codes, minlength=len(kinds))
    recorded = [tuple(sorted(set(kind))) or (NOT_RECORDED,) for kind in kinds]
    merged: set[str] = set()
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
    if len(counts) < 2:
        return None
    ranked = sorted(counts, key=lambda value: (value in (MERGED, NOT_RECORDED), value))
    return Way(name=name, kinds=tuple(shown), codes=codes, counts={value: counts[value] for value in ranked})


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
    hidden = {cell for cell, count in grid.counts.items() if count < k}
    sensitive = sorted(cell for cell in hidden if grid.counts[cell] > 0)
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


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """A two-way table with what a reader knows of it: margins, and that overlaps exist."""

    counts: dict[Cell, int]
    most: dict[Cell, int]
    """A cell is at most the smaller of its margins."""
    overlap: dict[Cell, int]
    """(FREE, column) or (row, FREE): by how much the cells of a line exceed its margin."""


FREE = "\x00"
"""A line without a sum to keep."""


def make_grid(rows: Way, columns: Way) -> Grid:
    """Count a table. With several answers to a question, sums over its categories exceed the margins
    of the other question by an overlap that nobody publishes.
    """
    counts = cross(rows, columns)
    down, across = rows.counts, columns.counts
    overlap: dict[Cell, int] = {}
    if rows.is_many:
        for column in columns.categories:
            overlap[FREE, column] = sum(counts[row, column] for row in rows.categories) - across[column]
    if columns.is_many:
        for row in rows.categories:
            overlap[row, FREE] = sum(counts[row, column] for column in columns.categories) - down[row]
    most = {(row, column): min(down[row], across[column]) for row, column in counts}
    for row, column in overlap:
        most[row, column] = (
            across[column] * (len(rows.categories) - 1) if row == FREE else down[row] * (len(columns.categories) - 1)
        )
    return Grid(counts=counts, most=most, overlap=overlap)


def bounds(grid: Grid, hidden: Iterable[Cell], cell: Cell) -> tuple[int, int]:
    """Return the least and greatest count a hidden cell can have, given all margins and shown cells."""
    others = {other: grid.counts[other] for other in hidden if other != cell} | grid.overlap
    count, room = grid.counts[cell], grid.most[cell] - grid.counts[cell]
    up = min(room, _flow(grid, others, cell, raising=True))
    down = min(count, _flow(grid, others, cell, raising=False))
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
        there, back = (count, room) if raising != is_overlap else (room, count)
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
