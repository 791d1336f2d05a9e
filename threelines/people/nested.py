"""Questions that are asked only after another answer, held against that other question.

The form is public: whoever was not asked about AI has no answer on whether it is suspected. So the
"(not recorded)" of the one minus the "no" of the other counts those who were asked and said nothing.
No table crosses the two; a reader makes it from both totals and the cells that cannot be. What that
tells is computed as for a table of which every other cell is hidden (suppress.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from threelines.people.cohort import Cohort
from threelines.people.definition import Form
from threelines.people.suppress import MERGED, NOT_RECORDED, K, Way, is_protected, make_grid, make_way, told_by

Routing = dict[str, frozenset[str]]
"""By question, the answers of which one was given by whoever was asked."""


def make_ways(form: Form, cohort: Cohort, names: Sequence[str], *, k: int = K) -> dict[str, Way]:
    """Return each dimension that can be shown; `names` has a question before those that follow from it.

    Where it and an earlier one tell of fewer than k people, its "(not recorded)" is put together with its rarest answer,
    then with the next, until they do not; with fewer than two categories left it is not shown.
    """
    ways: dict[str, Way] = {}
    for name in names:
        before = [(ways[other], asked) for other, asked in _routing(form, name).items() if other in ways]
        together: set[str] = set()
        while way := make_way(name, cohort.kinds[name], cohort.column(name), k=k, together=together):
            if not any(_tells(cohort, earlier, asked, way, k) for earlier, asked in before):
                ways[name] = way
                break
            together |= {NOT_RECORDED, _rarest(way)}
    return ways


def _rarest(way: Way) -> str:
    counts = {value: count for value, count in way.counts.items() if value not in (MERGED, NOT_RECORDED)}
    return min(counts, key=lambda value: (counts[value], value), default=MERGED)


def _routing(form: Form, name: str) -> Routing:
    """Return what decides whether a question is asked, at every remove."""
    field = form.fields.get(name)
    found: Routing = {other: frozenset(values) for other, values in field.when.items()} if field else {}
    for other in list(found):
        found = {**_routing(form, other), **found}
    return found


def _tells(cohort: Cohort, earlier: Way, asked: Collection[str], way: Way, k: int) -> bool:
    """Say whether both totals tell of fewer than k people that have an answer of each, or of one and not the other."""
    grid = make_grid(earlier, way)
    open_ = {value for value, given in _members(cohort, earlier).items() if not given.isdisjoint(asked)}
    silent = {value for value, given in _members(cohort, way).items() if NOT_RECORDED in given}
    hidden = {cell for cell, count in grid.counts.items() if count or cell[0] in open_ or cell[1] in silent}
    few = [cell for cell in grid.counts if any(0 < people < k for people in told_by(earlier, way, grid, cell))]
    return any(cell not in hidden or not is_protected(grid, hidden, cell, k=k) for cell in few)


def _members(cohort: Cohort, way: Way) -> Mapping[str, set[str]]:
    """Return the answers that each category that is shown stands for."""
    found: dict[str, set[str]] = defaultdict(set)
    for given, shown in zip(cohort.kinds[way.name], way.kinds, strict=True):
        for value in given or (NOT_RECORDED,):
            found[value if value in shown else MERGED].add(value)
    return found
