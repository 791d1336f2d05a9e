"""Publish statistics: which tables, what is hidden, and two people for it. Who is in it: cohort.py."""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from threelines import __version__
from threelines.people import approval, steering
from threelines.people.case import new_id
from threelines.people.codes import one_code
from threelines.people.cohort import Cohort, next_cohort
from threelines.people.definition import Form
from threelines.people.nested import make_ways
from threelines.people.register import Register
from threelines.people.same import first_cases
from threelines.people.suppress import HIDDEN, MERGED, NOT_RECORDED, K, Table, Way, rounded, suppress
from threelines.people.synthetic import DIMENSIONS, JOINT, Synthetic, synthetic_records
from threelines.people.tables import CASES
from threelines.records import ThreelinesError
from threelines.roles import require
from threelines.store.database import Migration
from threelines.store.keyring import keyed
from threelines.store.sealed import SealedColumn, declare

TOTALS_BELOW = 100
"""Below this many cases only totals are published (standard's R3)."""
YEAR = "year"
ONE_WAY = (
    YEAR, "tl_Channel", "ai_Asked", "ai_Suspected", "ai_Capability", "ai_EvidenceBasis", "ai_ContactLanguage",
    "ai_PlatformClass", "ai_CommunityNew", "ai_Effect", "ai_ReportAnswered", "vic_TypeOfExploitation", "prs_Gender",
    "tl_AgeBand", "tl_CountryOfRecruitment", "tl_CountryOfExploitation",
)  # fmt: skip
TWO_WAY = (
    ("ai_ContactLanguage", "ai_Suspected"),
    ("ai_PlatformClass", "ai_Suspected"),
    ("vic_TypeOfExploitation", "ai_Suspected"),
    (YEAR, "ai_Suspected"),
    ("prs_Gender", "ai_Suspected"),
    ("prs_Gender", "tl_AgeBand"),
    ("tl_CountryOfExploitation", "ai_Suspected"),
    ("tl_CountryOfRecruitment", "tl_CountryOfExploitation"),
)
"""The listed two-way tables. They form a tree: two tables share at most one dimension and no chain of
tables closes, so tables together tell no more of a hidden cell than its own table does (a joint
distribution with these tables can be glued along a tree from any of their completions). For the same
reason `ai_Capability`, which is asked only where AI is suspected, is crossed with nothing; what it
tells together with that question's totals is held by nested.py."""
BASE = 5

_metadata = sa.MetaData()
_releases = sa.Table(
    "releases",
    _metadata,
    sa.Column("id", sa.String(20), primary_key=True),
    sa.Column("published", sa.String(32), nullable=True),
    sa.Column("package", sa.LargeBinary, nullable=False),
    sa.Column("cohort", sa.LargeBinary, nullable=False),
)
MIGRATIONS: tuple[Migration, ...] = (("0001_releases", _metadata.create_all),)
_PACKAGE = SealedColumn(table="releases", column="package", key=("id",))
_COHORT = SealedColumn(table="releases", column="cohort", key=("id",))


class ReleaseError(ThreelinesError):
    """A release cannot be made or published; the text says what is missing."""


def migrate(register: Register) -> None:
    """Make the tables of this area."""
    register.store.migrate("release", MIGRATIONS)
    declare(register.store, (_PACKAGE, _COHORT))


# ---------------------------------------------------------------------- the cohort


def read_cases(register: Register) -> Cohort:
    """Read every case with standing consent for statistics; of a person's cases, as far as they are known for such
    (`first_cases`), the first.
    """
    names = [name for name in ONE_WAY if name != YEAR]
    ids: list[str] = []
    places: dict[str, dict[Any, int]] = {name: {} for name in (*names, YEAR)}
    codes: dict[str, list[int]] = {name: [] for name in places}
    columns = [(places[name], codes[name]) for name in names]
    years, year_codes = places[YEAR], codes[YEAR]
    for case_id, recorded, answers in register.columns("statistics", names):
        ids.append(case_id)
        year_codes.append(years.setdefault(recorded[:4], len(years)))
        for (known, column), answer in zip(columns, answers, strict=True):
            column.append(known.setdefault(tuple(answer) if isinstance(answer, list) else answer, len(known)))
    counted = set(ids)
    first = first_cases({case: one for case, one in register.vault.known(register.store).items() if case in counted})
    cohort = Cohort(
        ids=tuple(ids),
        kinds={name: tuple(map(_kind, given)) for name, given in places.items()},
        codes={name: np.array(column, dtype=np.int32).tobytes() for name, column in codes.items()},
    )
    return cohort.only([place for place, case in enumerate(ids) if first.get(case, case) == case])


def _kind(answer: Any) -> tuple[str, ...]:
    return answer if isinstance(answer, tuple) else (str(answer),) if answer else ()


# ---------------------------------------------------------------------- the tables


def tables(form: Form, cohort: Cohort, *, k: int = K) -> tuple[dict[str, Way], list[Table]]:
    """Return the one-way and two-way tables that this many cases allow."""
    shown = make_ways(form, cohort, ONE_WAY, k=k)
    crossed = (suppress(shown[a], shown[b], k=k) for a, b in TWO_WAY if a in shown and b in shown)
    return shown, [table for table in crossed if table is not None]


def package(
    register: Register, cohort: Cohort, *, base: int = BASE, k: int = K, epsilon: float | None = None
) -> dict[str, str]:
    """Return the files of a release by name: without `epsilon` the same cohort gives the same bytes."""
    count = len(cohort.ids)
    if count < k:
        raise ReleaseError(f"fewer than {k} people have consent for statistics: nothing can be published yet")
    ways, crossed = tables(register.form, cohort, k=k)
    files = {"totals.csv": _csv([("what", "cases"), *_totals(cohort, ways, base, k)])}
    if count >= TOTALS_BELOW:
        for way in ways.values():
            files[f"tables/{way.name}.csv"] = _csv(_one_way_rows(register, way, base, k))
        for table in crossed:
            files[f"tables/{table.rows.name}__{table.columns.name}.csv"] = _csv(_two_way_rows(table, base, k))
    made = None if epsilon is None else _synthetic(register, cohort, ways, base, k, epsilon)
    if made:
        files["synthetic.csv"] = made.csv
    dictionary = [
        *_dictionary(register, ways if count >= TOTALS_BELOW else {}),
        *_synthetic_words(register, made, ways),
    ]
    files["data_dictionary.csv"] = _csv(dictionary)
    files["LIMITS.txt"] = _limits(count, base, k) + _synthetic_limits(made, k)
    return {**files, "release.json": _manifest(files, crossed if count >= TOTALS_BELOW else [], base, k, made)}


def _synthetic(
    register: Register, cohort: Cohort, ways: Mapping[str, Way], base: int, k: int, epsilon: float
) -> Synthetic:
    published = {
        name: {value: rounded(count, base=base, k=k) for value, count in ways[name].counts.items()}
        for name in DIMENSIONS
        if name in ways
    }
    return synthetic_records(register, _answers(cohort, DIMENSIONS), published, epsilon=epsilon)


def _totals(cohort: Cohort, ways: Mapping[str, Way], base: int, k: int) -> Iterator[tuple[str, int]]:
    count = len(cohort.ids)
    yield "all cases with consent for statistics", rounded(count, base=base, k=k)
    if "ai_Asked" in ways:
        asked = ways["ai_Asked"].counts.get("yes", 0)
        if asked >= k and (count - asked >= k or count == asked):
            yield "of them asked about AI", rounded(asked, base=base, k=k)


def _one_way_rows(register: Register, way: Way, base: int, k: int) -> Iterator[tuple[Any, ...]]:
    yield way.name, "label", "cases"
    for category, count in way.counts.items():
        yield category, _label(register, way.name, category), rounded(count, base=base, k=k)


def _two_way_rows(table: Table, base: int, k: int) -> Iterator[tuple[Any, ...]]:
    yield table.rows.name, table.columns.name, "cases"
    for (row, column), count in table.cells.items():
        yield row, column, "not published" if count is HIDDEN else rounded(count, base=base, k=k)


def _label(register: Register, name: str, category: str) -> str:
    if category == MERGED:
        return "Other answers, put together so that no count tells of few people"
    if category == NOT_RECORDED:
        return "Not recorded, or not asked in this case"
    field = register.form.fields.get(name)
    return register.form.choices(field).get(category, category) if field else category


def _dictionary(register: Register, ways: Mapping[str, Way]) -> Iterator[tuple[str, ...]]:
    yield "field", "question", "note", "code", "meaning"
    for way in ways.values():
        field = register.form.fields.get(way.name)
        question = field.label if field else "Year of recording"
        several = "several answers are possible: counts overlap" if way.is_many else ""
        for category in way.categories:
            yield way.name, question, several, category, _label(register, way.name, category)


def _synthetic_words(register: Register, made: Synthetic | None, ways: Mapping[str, Way]) -> Iterator[tuple[str, ...]]:
    """Say what stands in the synthetic records beside what the tables' words say."""
    for place, name in enumerate(made.head if made else ()):
        where = f"in synthetic.csv; several answers are joined by {JOINT}"
        yield name, "", where, "", "Blank: left out, so that no rare combination shows; nothing is said of this answer"
        cells = {value for record in made.records for value in record[place].split(JOINT)} if made else set()
        for value in sorted(cells - {"", *ways[name].categories}):
            yield name, "", where, value, _label(register, name, value)


def _synthetic_limits(made: Synthetic | None, k: int) -> str:
    if made is None:
        return ""
    columns = "\n".join(f"  {name}: {made.error[name]:.1%}, {made.blank[name]:.1%}" for name in made.head)
    return f"""
Synthetic records (synthetic.csv). No line is a person: {len(made.records):,} records were drawn from noisy counts of
answers and pairs of answers, so that whether any one person is among the cases changes what can be seen by
little (differential privacy, epsilon {made.epsilon:g}, delta {made.delta:.2g}). Pairs of answers are near the truth, combinations
of three and more are not; a combination can stand in fewer than {k} records. For counts use the tables.
A blank is an answer left out, and no answer: it is not "{NOT_RECORDED}".
How far the counts of a column are off those of its table, all together, and the share of it that is blank:
{columns}
"""


def _limits(count: int, base: int, k: int) -> str:
    size = (
        f"Fewer than {TOTALS_BELOW} cases: only totals are published."
        if count < TOTALS_BELOW
        else "One-way tables, and the listed two-way tables."
    )
    return f"""What these figures are, and what they are not

Cases recorded by one organisation, of people who agreed to be counted. They are not a sample of
anything: they show what was noticed and recorded, not how often something happens. Cases that share a
phone, an e-mail, a document, or a name with its birth date, or are linked so by a third, are taken for one person and
counted once, unless their documents differ or a worker held them apart. Whom nothing links is counted for each case.
{size}
"Asked about AI" is the only base for a share of AI use: where nobody asked, nothing is known.
AI use is suspected or probable unless a court, a forensic examiner or the provider confirmed it.
Age, where given, is the age when it happened, in bands. Year is the year of recording.

Protection. No table shows a count below {k}. Answers rarer than that are put together as "{MERGED}"; so are "{NOT_RECORDED}" and the rarest answers to a
question that is asked only after another answer, where both would count fewer than {k} people who were asked.
Where several answers are possible, one that all but fewer than {k} people gave is left out.
Further counts are "not published" so that none of 1 to {k - 1} people can be worked out from the others; that a count
not published is 0 sometimes can.
{f"Counts are rounded to {base}: sums differ from totals." if base > 1 else "Counts are exact."}
Between this release and each earlier one at least {k} people joined, left or changed, or none did: new
cases and corrections may wait; whoever withdrew consent is no longer in this one. A single count can
differ from an earlier one by less than {k} people.
Counts protect against finding one person in a table. They do not stop guesses about a whole group:
do not use them against a community, a nationality or a language.
"""


def _manifest(files: Mapping[str, str], crossed: Sequence[Table], base: int, k: int, made: Synthetic | None) -> str:
    return json.dumps(
        {
            "format": "threelines-release-1", "made_with": f"threelines {__version__}", "k": k, "rounded_to": base,
            "not_published_share": {f"{t.rows.name}__{t.columns.name}": round(t.hidden, 3) for t in crossed},
            **({"synthetic": _quality(made)} if made else {}),
            "sha256": {name: sha256(text.encode()).hexdigest() for name, text in sorted(files.items())},
        },
        indent=1,
    ) + "\n"  # fmt: skip


def _quality(made: Synthetic) -> dict[str, Any]:
    return {
        "records": len(made.records), "epsilon": made.epsilon, "delta": made.delta,
        "error": made.error, "blank": made.blank,
    }  # fmt: skip


def _csv(rows: Iterator[tuple[Any, ...]] | Sequence[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


# ---------------------------------------------------------------------- two people


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A release that waits for, or has, a second person."""

    id: str
    state: str
    digest: str
    files: dict[str, str]


def prepare(register: Register, *, base: int = BASE, epsilon: float | None = None) -> Request:
    """Make a release and ask for a second person; nothing leaves yet.

    With `epsilon` (from 2,000 cases, and 6,000 over epsilon) synthetic records with that privacy loss go with the tables.
    """
    require(register.user, "release.prepare")
    migrate(register)
    with register.store.read() as connection:
        after = _newest(connection, register)
    earlier = published_cohorts(register)
    if earlier and base < BASE:
        raise ReleaseError(
            f"exact counts only in a first release: later ones can be subtracted; round to {BASE}. After a restore none "
            "is the first: what was published since the backup is not known"
        )
    cohort = next_cohort(earlier, read_cases(register), _rank(register))
    files = package(register, cohort, base=base, epsilon=epsilon)
    plain = msgspec.json.encode(files, order="sorted")
    digest = approval.digest_of(plain)
    request = approval.prepare(register, "release", digest, recipient="public", files=len(files), after=after)
    with register.store.write() as connection:
        _keep(connection, register, request, plain, cohort)
    return Request(id=request, state="prepared", digest=digest, files=files)


def _keep(
    connection: sa.Connection,
    register: Register,
    name: str,
    plain: bytes,
    cohort: Cohort,
    *,
    published: str | None = None,
) -> None:
    """Keep a package and who is in it: without those who were erased since they were read, as `forget` leaves it."""
    register.store.lock(connection)
    erased = set(cohort.ids).difference(connection.execute(sa.select(CASES.c.id)).scalars())
    kept = cohort.forget(erased) if erased else cohort
    connection.execute(
        _releases.insert().values(
            id=name, published=published, package=_PACKAGE.seal(register.keyring, plain, name),
            cohort=_COHORT.seal(register.keyring, msgspec.msgpack.encode(kept), name),
        )
    )  # fmt: skip


def take_as_published(register: Register) -> None:
    """Hold later releases against everybody whom one could count now, as if it was published: a restored register
    knows no release that came after its backup, and the next one would be subtracted from that.

    No exact release can be made after it. Call it before erasures are done again: who was in a release has left it.
    """
    migrate(register)
    # nothing of it is told: whoever restores may not read statistics
    reader = register.as_user(msgspec.structs.replace(register.user, role="data_protection_officer"))
    cohort, name = read_cases(reader), new_id("a")
    with register.store.write() as connection:
        _keep(connection, register, name, b"{}", cohort, published=approval.stamp())
        register.audit.note(connection, register.user, "release.restored", record=name, reason="administration")


def _answers(cohort: Cohort, names: Sequence[str]) -> list[dict[str, tuple[str, ...]]]:
    columns = {name: [cohort.kinds[name][code] for code in cohort.column(name)] for name in names}
    return [{name: columns[name][place] for name in names} for place in range(len(cohort.ids))]


def _rank(register: Register) -> Callable[[str], bytes]:
    key = register.keyring.key("match")
    return lambda case_id: keyed(key, case_id.encode(), b"release:rest")


def last_cohort(register: Register) -> Cohort | None:
    """Return the cohort of the release that was published last."""
    return next(reversed(published_cohorts(register)), None)


def published_cohorts(register: Register) -> Sequence[Cohort]:
    """Return the cohorts of all published releases, the last one last."""
    with register.store.read() as connection:
        ids = _published(connection, register)
        rows = connection.execute(sa.select(_releases.c.id, _releases.c.cohort).where(_releases.c.id.in_(ids))).all()
    if missing := set(ids) - {row.id for row in rows}:
        raise ReleaseError(f"{', '.join(sorted(missing))}: published, and gone from the database; restore a backup")
    return [_cohort(register, row) for row in sorted(rows, key=lambda row: ids.index(row.id))]


def _cohort(register: Register, row: Any) -> Cohort:
    kept = msgspec.msgpack.decode(_COHORT.open(register.keyring, row.cohort, row.id), type=Cohort)
    spoken = {name: tuple(map(one_code, kept.kinds[name])) for name in kept.kinds.keys() & register.form.languages}
    return msgspec.structs.replace(kept, kinds={**kept.kinds, **spoken})


def _published(connection: sa.Connection, register: Register) -> list[str]:
    """Return the ids of the releases that left, in order: what the column says, and all that the audit says."""
    told = steering.published(connection, register.audit)
    wanted = sa.select(_releases.c.id).where(_releases.c.published.is_not(None))
    rows = connection.execute(wanted.order_by(_releases.c.published, _releases.c.id)).scalars().all()
    return [*(each for each in rows if each not in told), *sorted(told, key=told.__getitem__)]


def _newest(connection: sa.Connection, register: Register) -> str:
    return next(reversed(_published(connection, register)), "")


def altered(register: Register) -> list[str]:
    """Say of which releases the column in clear and the audit differ on whether they left."""
    with register.store.read() as connection:
        told = set(steering.published(connection, register.audit))
        if not sa.inspect(connection).has_table(_releases.name):
            return [f"release {each}: published by the audit, and gone" for each in sorted(told)]
        rows = connection.execute(sa.select(_releases.c.id).where(_releases.c.published.is_not(None))).scalars()
        return [f"release {each}: its row and the audit differ on whether it left" for each in sorted(told ^ set(rows))]


def forget(connection: sa.Connection, register: Register, cases: Collection[str]) -> None:
    """Take erased cases out of every kept cohort, prepared or published; call `migrate` before."""
    register.store.lock(connection)  # one that is being kept meanwhile is seen here, or sees that the cases are gone
    for row in connection.execute(sa.select(_releases.c.id, _releases.c.cohort)).all():
        sealed = _COHORT.seal(register.keyring, msgspec.msgpack.encode(_cohort(register, row).forget(cases)), row.id)
        connection.execute(_releases.update().where(_releases.c.id == row.id).values(cohort=sealed))


def read(register: Register, request_id: str) -> Request:
    """Return a prepared release, for the second person to look at."""
    found = approval.read(register, request_id)
    require(register.user, "release.prepare" if found.prepared_by == register.user.id else "release.approve")
    migrate(register)
    with register.store.read() as connection:
        sealed = connection.execute(sa.select(_releases.c.package).where(_releases.c.id == request_id)).scalar()
    if sealed is None:
        raise ReleaseError(f"{request_id}: not a release")
    files = msgspec.json.decode(_PACKAGE.open(register.keyring, sealed, request_id), type=dict[str, str])
    return Request(id=request_id, state=found.state, digest=found.digest, files=files)


def ready(register: Register) -> str:
    """Return the id of an approved release that was not written yet; empty when there is none."""
    migrate(register)
    wanted = sa.select(_releases.c.id).where(_releases.c.published.is_(None)).order_by(_releases.c.id)
    with register.store.read() as connection:
        ids = list(connection.execute(wanted).scalars())
    return next((each for each in ids if approval.read(register, each).state == "approved"), "")


def publish(register: Register, request_id: str, folder: Path) -> list[Path]:
    """Write an approved release, exactly the bytes that the second person approved; return its files.

    Refused, and the request void, where somebody in it has no consent any more or another release came before it.
    It counts as published once all of it is written, beside `folder`, where it is moved then.
    """
    require(register.user, "release.prepare")
    request = read(register, request_id)
    digest = approval.digest_of(msgspec.json.encode(request.files, order="sorted"))
    approval.require_approved(register, "release", digest)
    if request.state != "approved" or request.digest != digest:
        raise ReleaseError(f"{request_id}: is {request.state}; only what a second person has just approved is written")
    _refuse_taken(folder)
    after = _void_if_outdated(register, request_id)
    with _beside(folder, request.files) as part:
        found = approval.sendable(register, request_id)
        with register.store.write() as connection:
            register.store.lock(connection)
            if _newest(connection, register) != after:
                raise ReleaseError(f"{request_id}: another release is being published; try again")
            now = approval.stamp()
            connection.execute(_releases.update().where(_releases.c.id == request_id).values(published=now))
            approval.note_sent(connection, register, found, receipt=digest)
        try:
            part.rename(folder.resolve())
        except OSError as fault:  # it counts as published now: what was written must not be lost
            kept = part.rename(part.with_name(part.name.lstrip(".")))
            raise ReleaseError(f"{folder}: {fault.strerror}; the release is published, and lies in {kept}") from fault
    return [folder / name for name in request.files]


def _refuse_taken(folder: Path) -> None:
    """Raise where a finished folder could not be moved to: over a file, a filled folder or one that is a mounted disk."""
    try:
        if folder.exists() and (not folder.is_dir() or folder.is_mount() or any(folder.iterdir())):
            raise ReleaseError(f"{folder}: is a file, a mounted disk or not empty; give a new folder")
    except OSError as fault:
        raise _unwritable(folder, fault) from fault


def _unwritable(folder: Path, fault: OSError) -> ReleaseError:
    return ReleaseError(f"{folder}: cannot be written ({fault.strerror}); nothing is published, name another folder")


@contextmanager
def _beside(folder: Path, files: Mapping[str, str]) -> Iterator[Path]:
    """Give a folder beside `folder` with these files in it; what is left of it at the end goes."""
    place = folder.resolve()
    part = place.with_name(f".{place.name}.{secrets.token_hex(8)}.part")
    try:
        try:
            for name, text in files.items():
                path = part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except OSError as fault:
            raise _unwritable(folder, fault) from fault
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _void_if_outdated(register: Register, request_id: str) -> str:
    """Return the id of the release that this one follows; void the request and raise where it cannot leave."""
    with register.store.read() as connection:
        newest = _newest(connection, register)
        row = connection.execute(sa.select(_releases).where(_releases.c.id == request_id)).one()
    standing = {case_id for case_id, _, _ in register.columns("statistics", ())}
    why = ""
    if approval.read(register, request_id).details.get("after") != newest:
        why = "another release was published since; the two could be subtracted"
    elif not standing.issuperset(_cohort(register, row).ids):
        why = "somebody in it has no consent for statistics any more"
    if why:
        approval.void(register, request_id, why=why)
        raise ReleaseError(f"{request_id}: {why}. It is void, nothing was written: prepare it again")
    return newest
