"""Synthetic records with differential privacy, for pools of 2,000 cases and more, within a yearly budget.

The engine is pac-synth, the same as the CTDC Global Synthetic Dataset's. Every run spends privacy
that cannot be won back, so each is recorded before its result exists, and refused past the cap.
Differential privacy and k = 11 are different promises: the noisy counts are held against k here too.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import sqlalchemy as sa

from threelines.people.approval import stamp
from threelines.people.register import Register
from threelines.people.suppress import NOT_RECORDED, K
from threelines.records import ThreelinesError
from threelines.store.database import Migration

FROM = 2000
"""Below this many cases the noise drowns the data (measured: 24% mean error at epsilon 1)."""
CAP = 4.0
"""Most epsilon that one organisation spends in a calendar year (standard's R15)."""
DIMENSIONS = ("year", "ai_Suspected", "ai_ContactLanguage", "vic_TypeOfExploitation", "prs_Gender", "tl_AgeBand")
LENGTH = 3
"""Combinations of up to three answers are kept."""

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
    """Synthetic records cannot be made: too few cases, no budget left, or the engine is not installed."""


def spent(register: Register, year: int) -> float:
    """Return the epsilon spent in a calendar year."""
    register.store.migrate("release_budget", MIGRATIONS)
    wanted = sa.select(sa.func.sum(_budget.c.epsilon)).where(_budget.c.made.startswith(f"{year}-"))
    with register.store.read() as connection:
        return float(connection.execute(wanted).scalar() or 0.0)


def synthetic_csv(register: Register, rows: Sequence[Mapping[str, Sequence[str]]], *, epsilon: float) -> str:
    """Spend `epsilon` and return synthetic records as CSV."""
    if len(rows) < FROM:
        raise SyntheticError(f"synthetic records need {FROM:,} cases; below that publish the tables alone")
    try:
        import pacsynth
    except ModuleNotFoundError:
        raise SyntheticError(
            "pac-synth is not installed; install it with: pip install 'threelines[synthetic]'"
        ) from None
    delta = 1.0 / (math.log(len(rows)) * len(rows))
    _spend(register, epsilon, delta)
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
    made.fit(pacsynth.Dataset([list(DIMENSIONS), *map(_flat, rows)]))
    head, *records = made.sample(made.get_dp_number_of_records())
    return _csv(head, _frequent(head, records, made.get_dp_aggregates(";")))


def _spend(register: Register, epsilon: float, delta: float) -> None:
    """Record the loss before the result exists: a run that fails has still looked at the data."""
    already = spent(register, register.today.year)
    if already + epsilon > CAP:
        raise SyntheticError(
            f"the budget of {register.today.year} is {CAP:g}, {already:g} is spent: {epsilon:g} more is refused"
        )
    with register.store.write() as connection:
        made = f"{register.today.isoformat()}T{stamp().split('T')[1]}"
        engine = f"pac-synth {importlib.metadata.version('pac-synth')}"
        values = {"made": made, "epsilon": epsilon, "delta": delta, "fields": " ".join(DIMENSIONS), "engine": engine}
        connection.execute(_budget.insert().values(**values))
        register.audit.note(connection, register.user, "release.spend", reason="release")


def _flat(row: Mapping[str, Sequence[str]]) -> list[str]:
    return ["+".join(sorted(row[name])) or NOT_RECORDED for name in DIMENSIONS]


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


def _csv(head: Sequence[str], records: Iterator[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(sorted(map(tuple, records)))
    return out.getvalue()
