"""Who is in a release: the rule that answers the one who subtracts one release from another.

Between a new release and every earlier one, not only the last, at least k people join, leave or
change, or nobody does: fewer newcomers wait, fewer corrections wait, and when fewer than k people
withdraw, they leave at once and others rest with them. This bounds how many people stand behind a
difference as a whole; a single count of a table can still differ by less (docs/release.md).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from heapq import nsmallest
from typing import Any

import msgspec
import numpy as np

from threelines.people.case import new_id
from threelines.people.suppress import K
from threelines.records import filled

Kinds = dict[str, tuple[tuple[str, ...], ...]]


@filled
class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """The cases of one release and their answers, by dimension."""

    ids: tuple[str, ...]
    kinds: Kinds
    codes: dict[str, bytes]
    """Per dimension, 32-bit integers into `kinds`."""

    def column(self, name: str) -> Any:
        """Return the codes of a dimension as an array."""
        return np.frombuffer(self.codes[name], dtype=np.int32).astype(np.int64)

    def take(self, places: Any) -> Cohort:
        """Return some of the cases, in the order given."""
        return Cohort(
            ids=tuple(self.ids[place] for place in places),
            kinds=self.kinds,
            codes={name: self.column(name)[places].astype(np.int32).tobytes() for name in self.kinds},
        )

    def only(self, places: Sequence[int]) -> Cohort:
        """Return some of the cases, and in `kinds` the answers that these give."""
        columns = {name: self.column(name)[np.array(places, dtype=np.int64)] for name in self.kinds}
        return Cohort(ids=tuple(self.ids[place] for place in places), **_given(self.kinds, columns))

    def without(self, cases: Collection[str]) -> Cohort:
        """Return the cohort without some cases."""
        return self.take(np.array([place for place, case in enumerate(self.ids) if case not in cases], dtype=np.int64))

    def forget(self, cases: Collection[str]) -> Cohort:
        """Return the cohort with a random id and no answer in place of each of these cases, and no answer
        in `kinds` that nobody gives any more: only how many people were in it stays.
        """
        gone = [place for place, case in enumerate(self.ids) if case in cases]
        columns = {name: self.column(name) for name in self.kinds}
        for name, column in columns.items():
            column[gone] = len(self.kinds[name])
        return Cohort(
            ids=tuple(new_id("g") if case in cases else case for case in self.ids),
            **_given({name: (*known, ()) for name, known in self.kinds.items()}, columns),
        )


def _given(kinds: Kinds, columns: dict[str, Any]) -> dict[str, Any]:
    """Return `kinds` and `codes` with the answers that somebody gives, each once."""
    kept: Kinds = {}
    codes = {}
    for name, column in columns.items():
        used = [kinds[name][code] for code in np.unique(column)]
        kept[name] = tuple(dict.fromkeys(used))
        codes[name] = _recode(column, kinds[name], kept[name])
    return {"kinds": kept, "codes": codes}


def _recode(column: Any, old: Sequence[tuple[str, ...]], new: Sequence[tuple[str, ...]]) -> bytes:
    place = {kind: number for number, kind in enumerate(new)}
    to = np.array([place.get(kind, 0) for kind in old] or [0], dtype=np.int32)
    return bytes(to[column].tobytes())


def next_cohort(earlier: Sequence[Cohort], new: Cohort, rank: Callable[[str], bytes], *, k: int = K) -> Cohort:
    """Apply the cohort rule against every earlier release, the last one last.

    `rank` is a keyed hash that decides who rests, the same way each time. What is taken out makes
    the cohort smaller only, so the rule ends.
    """
    if not earlier:
        return new
    *past, made = _same_kinds([*earlier, new])
    if any(0 < len(_changed(old, made)) < k for old in past):
        made = _as_published(past, made)
    while resting := set().union(*(_resting(old, made, rank, k) for old in past)):
        made = made.without(resting)
    return Cohort(ids=made.ids, **_given(made.kinds, {name: made.column(name) for name in made.kinds}))


def _resting(old: Cohort, made: Cohort, rank: Callable[[str], bytes], k: int) -> set[str]:
    """Return who is not in the release yet, or not this time, because of one earlier release."""
    was, now = set(old.ids), set(made.ids)
    join, left = now - was, len(was - now)
    if 0 < len(join) < k:
        return join
    if 0 < left < k:
        return set(nsmallest(k - left, was & now, key=rank))
    changed = _changed(old, made)
    return changed if 0 < len(changed) < k - left else set()


def _common(one: Cohort, other: Cohort) -> tuple[Any, Any]:
    """Return the places in either cohort of the cases that are in both."""
    known = {case: place for place, case in enumerate(other.ids)}
    pairs = [(here, known[case]) for here, case in enumerate(one.ids) if case in known]
    places = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _changed(old: Cohort, made: Cohort) -> set[str]:
    here, there = _common(made, old)
    changed = np.zeros(len(here), dtype=bool)
    for name in made.kinds:
        changed |= made.column(name)[here] != old.column(name)[there]
    return {made.ids[place] for place in here[changed]}


def _as_published(past: Sequence[Cohort], made: Cohort) -> Cohort:
    """Give everybody the answers of the last release that they were in: corrections wait."""
    columns = {name: made.column(name) for name in made.kinds}
    for old in past:
        here, there = _common(made, old)
        for name, column in columns.items():
            column[here] = old.column(name)[there]
    codes = {name: column.astype(np.int32).tobytes() for name, column in columns.items()}
    return Cohort(ids=made.ids, kinds=made.kinds, codes=codes)


def _same_kinds(cohorts: Sequence[Cohort]) -> list[Cohort]:
    """Code all cohorts with one list of answers per dimension; a dimension new to one is unrecorded there."""
    names = sorted({name for cohort in cohorts for name in cohort.kinds})
    kinds = {
        name: tuple(dict.fromkeys(kind for cohort in cohorts for kind in cohort.kinds.get(name, ((),))))
        for name in names
    }
    return [_recoded(cohort, kinds) for cohort in cohorts]


def _recoded(cohort: Cohort, kinds: Kinds) -> Cohort:
    codes = {
        name: _recode(cohort.column(name), cohort.kinds[name], known)
        if name in cohort.kinds
        else np.full(len(cohort.ids), known.index(()), dtype=np.int32).tobytes()
        for name, known in kinds.items()
    }
    return Cohort(ids=cohort.ids, kinds=kinds, codes=codes)
