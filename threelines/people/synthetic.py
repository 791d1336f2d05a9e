"""Synthetic records with differential privacy, for pools of 2,000 cases and more, within a yearly budget.

The engine is pac-synth, the same as the CTDC Global Synthetic Dataset's. Every run spends privacy
that cannot be won back, so each is recorded before its result exists, and refused past the cap.
Differential privacy and k = 11 are different promises: the noisy counts are held against k here too.

The engine joins two answers in a record only where their combination has a noisy count, and blanks the rest.
Combinations of three spread a small epsilon over thousands of counts, most below the noise: much
of each column came out blank. Pairs of five questions with few answers have counts that stand above it.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people.approval import stamp
from threelines.people.register import Register
from threelines.people.suppress import MERGED, NOT_RECORDED, K
from threelines.records import ThreelinesError
from threelines.store.database import Migration

FROM = 2000
"""Fewest cases for synthetic records."""
WORTH = 6000
"""Fewest cases times epsilon: below that the noise drowns the pairs (`python bench/register.py synthetic`)."""
WORST = 0.1
"""Records are refused where the counts of a column are off by more than this share of the published ones."""
CAP = 4.0
"""Most epsilon that one organisation spends in a calendar year (standard's R15)."""
DIMENSIONS = ("year", "ai_Suspected", "vic_TypeOfExploitation", "prs_Gender", "tl_AgeBand")
LENGTH = 2
"""Combinations of up to two answers are kept."""
JOINT = "|"
"""Between several answers to one question: no code holds it (the age band 48+ ends in a plus)."""

Row = Mapping[str, Sequence[str]]

_metadata = sa.MetaData()
_budget = sa.Table(
    "release_budget",
    _metadata,
    sa.Column("made", sa.String(32), primary_key=True),
    sa.Column("epsilon", sa.Float, nullable=False),
    sa.Column("delta", sa.Float, nullable=False),
    sa.Column("fields", sa.String(400), nullable=False),
    sa.Column("engine", sa.String(40), nullable=False),
)
MIGRATIONS: tuple[Migration, ...] = (("0001_release_budget", _metadata.create_all),)


class SyntheticError(ThreelinesError):
    """Synthetic records cannot be made: too few cases, no budget left, too far off, or the engine is not installed."""


def spent(register: Register, year: int) -> float:
    """Return the epsilon spent in a calendar year."""
    register.store.migrate("release_budget", MIGRATIONS)
    with register.store.read() as connection:
        return _spent(connection, year)


def _spent(connection: sa.Connection, year: int) -> float:
    wanted = sa.select(sa.func.sum(_budget.c.epsilon)).where(_budget.c.made.startswith(f"{year}-"))
    return float(connection.execute(wanted).scalar() or 0.0)


class Synthetic(msgspec.Struct, frozen=True, kw_only=True):
    """Synthetic records, and how good they are."""

    head: tuple[str, ...]
    records: tuple[tuple[str, ...], ...]
    epsilon: float
    delta: float
    error: dict[str, float]
    """Per column, how far the counts of its answers are off, all together, as a share of the published ones."""
    blank: dict[str, float]
    """Per column, the share of records with a blank in it."""

    @property
    def csv(self) -> str:
        """The records, sorted, under their column names."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.head, *self.records])
        return out.getvalue()


def synthetic_records(
    register: Register, rows: Sequence[Row], published: Mapping[str, Mapping[str, int]], *, epsilon: float
) -> Synthetic:
    """Spend `epsilon` and return synthetic records with the columns of `published`: cases by answer, by column.

    Raises SyntheticError before anything is spent where there are too few cases for so small an epsilon, and after it
    where the records are further off the published counts than `WORST`.
    """
    if len(rows) < FROM:
        raise SyntheticError(f"synthetic records need {FROM:,} cases; below that publish the tables alone")
    if len(rows) * epsilon < WORTH:
        raise SyntheticError(f"{len(rows):,} cases need epsilon {math.ceil(100 * WORTH / len(rows)) / 100:g} or more")
    _engine()
    names = [name for name in DIMENSIONS if name in published]
    _spend(register, epsilon, _delta(len(rows)), names)
    made = generate(rows, names, published, epsilon=epsilon)
    far = [f"{name} by {error:.0%}" for name, error in made.error.items() if error > WORST]
    if far:
        raise SyntheticError(
            f"synthetic records are too far off the tables ({', '.join(far)}); they are not made, the epsilon is spent. "
            "Publish the tables alone, or try a larger epsilon"
        )
    return made


def generate(
    rows: Sequence[Row], names: Sequence[str], published: Mapping[str, Mapping[str, int]], *, epsilon: float
) -> Synthetic:
    """Return synthetic records of any quality, and spend nothing: for `synthetic_records`, and for measuring on invented cases."""
    pacsynth, delta = _engine(), _delta(len(rows))
    parameters = (
        pacsynth.DpAggregateSeededParametersBuilder()
        .reporting_length(LENGTH)
        .epsilon(epsilon)
        .delta(delta)
        .fabrication_mode(pacsynth.FabricationMode.minimize())
        .empty_value("")
        .build()
    )
    made = pacsynth.DpAggregateSeededSynthesizer(parameters)
    made.fit(pacsynth.Dataset([list(names), *(_flat(row, names) for row in rows)]))
    head, *records = made.sample(made.get_dp_number_of_records())
    kept = tuple(sorted(map(tuple, _frequent(head, records, made.get_dp_aggregates(";")))))
    columns = dict(zip(head, zip(*kept, strict=True) if kept else [()] * len(head), strict=True))
    return Synthetic(
        head=tuple(head), records=kept, epsilon=epsilon, delta=delta,
        error={name: _error(columns[name], published[name]) for name in names},
        blank={name: round(columns[name].count("") / max(1, len(kept)), 3) for name in names},
    )  # fmt: skip


def _error(column: Sequence[str], published: Mapping[str, int]) -> float:
    counts = Counter(
        value
        for cell in column
        if cell
        for value in {each if each in published else MERGED for each in cell.split(JOINT)}
    )
    off = sum(abs(counts[value] - cases) for value, cases in published.items())
    return round(off / max(1, sum(published.values())), 3)


def _delta(cases: int) -> float:
    return 1.0 / (math.log(cases) * cases)


def _engine() -> Any:
    try:
        import pacsynth
    except ModuleNotFoundError:
        raise SyntheticError(
            "pac-synth is not installed; install it with: pip install 'threelines[synthetic]'"
        ) from None
    return pacsynth


def _spend(register: Register, epsilon: float, delta: float, names: Sequence[str]) -> None:
    """Record the loss before the result exists: a run that fails has still looked at the data."""
    year = register.today.year
    register.store.migrate("release_budget", MIGRATIONS)
    with register.store.write() as connection:
        register.store.lock(connection)  # of two runs at once the second one sees what the first has spent
        already = _spent(connection, year)
        if already + epsilon > CAP:
            raise SyntheticError(f"the budget of {year} is {CAP:g}, {already:g} is spent: {epsilon:g} more is refused")
        made = f"{register.today.isoformat()}T{stamp().split('T')[1]}"
        engine = f"pac-synth {importlib.metadata.version('pac-synth')}"
        values = {"made": made, "epsilon": epsilon, "delta": delta, "fields": " ".join(names), "engine": engine}
        connection.execute(_budget.insert().values(**values))
        register.audit.note(connection, register.user, "release.spend", reason="release")


def _flat(row: Row, names: Sequence[str]) -> list[str]:
    return [JOINT.join(sorted(row[name])) or NOT_RECORDED for name in names]


def _frequent(
    head: Sequence[str], records: Sequence[Sequence[str]], noisy: Mapping[str, int]
) -> Iterator[Sequence[str]]:
    """Keep records whose every combination has a noisy count of at least k.

    The true counts are not looked at: choosing by them would break the guarantee.
    """
    enough = {frozenset(combination.split(";")) for combination, count in noisy.items() if count >= K}
    for record in records:
        pairs = [f"{name}:{value}" for name, value in zip(head, record, strict=True) if value]
        sizes = range(1, LENGTH + 1)
        if all(frozenset(some) in enough for size in sizes for some in combinations(pairs, size)):
            yield record
