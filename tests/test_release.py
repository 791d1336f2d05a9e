"""Publishing statistics: every attack that tables invite, and the two people who stand before them."""

import json
import random
from collections import Counter
from datetime import date
from hashlib import sha256
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from threelines.cli.main import root
from threelines.people import approval, release, synthetic
from threelines.people.cohort import Cohort, next_cohort
from threelines.people.demo import fill
from threelines.people.register import Register
from threelines.people.suppress import (
    FREE,
    HIDDEN,
    K,
    bounds,
    encode,
    is_protected,
    make_grid,
    make_way,
    rounded,
    suppress,
)
from threelines.roles import User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
ANNA = User(id="anna", role="supervisor")
BEN = User(id="ben", role="data_protection_officer")


def _answers(draw, many, categories, weights, cases):
    return [
        tuple(sorted(set(draw.choices(categories, weights, k=draw.randint(1, 3) if many else 1)))) for _ in range(cases)
    ]


def _pair(seed, *, cases=300, many=(False, False)):
    draw = random.Random(seed)
    left = _answers(draw, many[0], "abcdefg", [50, 20, 10, 5, 3, 2, 1], cases)
    right = _answers(draw, many[1], "uvwxyz", [40, 30, 10, 5, 3, 1], cases)
    return make_way("left", *encode(left)), make_way("right", *encode(right))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([120, 300, 900]), st.booleans(), st.booleans())
def test_no_shown_count_is_below_k_and_no_hidden_one_can_be_narrowed(seed, cases, left_many, right_many):
    """Every shown cell and margin is at least k; every hidden case is left with at least k possible counts."""
    rows, columns = _pair(seed, cases=cases, many=(left_many, right_many))
    table = suppress(rows, columns)
    if table is None:
        return
    grid = make_grid(rows, columns)
    hidden = {cell for cell, count in table.cells.items() if count is HIDDEN}

    assert min([*rows.counts.values(), *columns.counts.values()]) >= K
    assert all(count is HIDDEN or count >= K for count in table.cells.values())
    assert all(is_protected(grid, hidden, cell) for cell in hidden if 0 < grid.counts[cell] < K)


@pytest.mark.parametrize("many", [(False, False), (True, False), (False, True), (True, True)])
def test_an_attacker_with_linear_programming_gets_no_further(many):
    """The bounds used for protection are those of an exact solver, so no cleverer subtraction exists."""
    linprog = pytest.importorskip("scipy.optimize", reason="scipy comes with the extra `semantic`").linprog
    pairs = [_pair(seed, many=many) for seed in range(6)] + [_mostly_everybody(seed, 150) for seed in range(3)]
    for rows, columns in pairs:
        table = suppress(rows, columns) if rows and columns else None
        if table is None:
            continue
        grid = make_grid(rows, columns)
        hidden = sorted(cell for cell, count in table.cells.items() if count is HIDDEN)
        for cell in hidden:
            assert bounds(grid, hidden, cell) == _solved(linprog, grid, (rows, columns), hidden, cell)


def _solved(linprog, grid, ways, hidden, target):
    unknown = [*hidden, *sorted(grid.overlap)]
    place = {cell: number for number, cell in enumerate(unknown)}
    sums, totals = [], []
    for side, way in enumerate(ways):
        for category, margin in way.counts.items():
            line = np.zeros(len(unknown))
            for cell, count in grid.counts.items():
                if cell[side] == category:
                    if cell in place:
                        line[place[cell]] = 1
                    else:
                        margin -= count
            free = (FREE, category) if side else (category, FREE)
            if free in place:
                line[place[free]] = -1
                margin -= way.counts[category] if ways[1 - side].has_unlisted else 0
            sums.append(line)
            totals.append(margin)
    aim = np.zeros(len(unknown))
    aim[place[target]] = 1
    limits = [(grid.least.get(cell, 0), grid.most[cell]) for cell in unknown]
    low, high = (linprog(sign * aim, A_eq=sums, b_eq=totals, bounds=limits).fun for sign in (1, -1))
    return round(low), round(-high)


def _mostly_everybody(seed, cases):
    """A question with several answers, of which one is nearly everybody's, beside one with few answers or with several."""
    draw = random.Random(seed)
    without = set(draw.sample(range(cases), draw.randint(0, 2 * K)))
    left = [
        tuple(sorted({*([] if case in without else ["a"]), *draw.sample("bcdef", draw.randint(0, 2))}))
        for case in range(cases)
    ]
    right = _answers(draw, draw.random() < 0.5, "uvwx", [40, 30, 20, draw.randint(1, 20)], cases)
    return make_way("left", *encode(left)), make_way("right", *encode(right))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([120, 150, 300]))
def test_nobody_is_counted_as_the_one_without_an_answer(seed, cases):
    """Totals minus counts, margins minus cells and what is in neither: none is 1 to 10, nor can a hidden cell make it so."""
    ways = [way for way in _mostly_everybody(seed, cases) if way]

    for way in ways:
        assert not any(0 < cases - count < K for count in way.counts.values())
    table = suppress(*ways) if len(ways) == 2 else None
    if table is None:
        return
    grid = make_grid(table.rows, table.columns)
    hidden = {cell for cell, count in table.cells.items() if count is HIDDEN}
    for (row, column), count in grid.counts.items():
        across, down = table.rows.counts[row], table.columns.counts[column]
        few = any(0 < told < K for told in (count, across - count, down - count, cases - across - down + count))
        assert not few or ((row, column) in hidden and is_protected(grid, hidden, (row, column)))


def test_an_answer_of_all_but_one_is_not_shown():
    """149 of 150 name social media: neither that nor its cross table says what the one without answered."""
    left = [("social", "dating") if case < 60 else ("social", "jobs") for case in range(149)] + [("dating",)]
    right = [("yes",) if 40 <= case < 90 or case == 149 else ("no",) for case in range(150)]
    rows, columns = make_way("left", *encode(left)), make_way("right", *encode(right))
    table = suppress(rows, columns)

    assert rows.categories == ("dating", "jobs")
    assert table is None or ("social", "yes") not in table.cells


def test_a_single_hidden_cell_never_stands_alone():
    """The textbook attack: one small cell in a row, the row's total minus the others. It fails."""
    left = [("a",)] * 60 + [("b",)] * 60
    right = [("u",)] * 57 + [("v",)] * 3 + [("u",)] * 30 + [("v",)] * 30
    table = suppress(make_way("l", *encode(left)), make_way("r", *encode(right)))

    assert table is None or sum(count is HIDDEN for count in table.cells.values()) != 1


def test_rare_categories_are_merged_and_not_named():
    """A language with two speakers is neither counted nor named; the rest it goes into is at least k."""
    way = make_way("language", *encode([("tha",)] * 50 + [("lao",)] * 9 + [("xyz",)] * 4))

    assert way.counts == {"tha": 50, "(other)": 13}


def test_a_rest_that_is_too_small_takes_another_with_it():
    """Two rare answers alone would show their sum below k: the next smallest is merged too, or nothing shown."""
    assert make_way("x", *encode([("a",)] * 50 + [("b",)] * 20 + [("c",)] * 4)).counts == {"a": 50, "(other)": 24}
    assert make_way("x", *encode([("a",)] * 50 + [("c",)] * 4)) is None


def test_listed_tables_form_a_tree():
    """No chain of two-way tables closes: together they say no more of a cell than its own table does."""
    assert nx.is_forest(nx.Graph(release.TWO_WAY))
    assert len(set(map(frozenset, release.TWO_WAY))) == len(release.TWO_WAY)
    assert not {"ai_Capability", "ai_EvidenceBasis", "ai_Effect"} & {name for pair in release.TWO_WAY for name in pair}


@given(st.integers(K, 10_000))
def test_rounding_never_shows_less_than_k(count):
    """Rounded counts are multiples of five, near the count, and never below 11."""
    shown = rounded(count, base=5)

    assert shown % 5 == 0
    assert shown >= K
    assert abs(shown - count) <= 4


# ---------------------------------------------------------------------- two releases


def _cohort(rows):
    kinds, codes = encode([(value,) for value in rows.values()])
    return Cohort(ids=tuple(rows), kinds={"x": kinds}, codes={"x": codes.astype(np.int32).tobytes()})


def _read(cohort):
    return {case: cohort.kinds["x"][code][0] for case, code in zip(cohort.ids, cohort.column("x"), strict=True)}


_values = st.dictionaries(st.text("abcdef", min_size=4, max_size=4), st.sampled_from("uvw"), max_size=80)


@settings(max_examples=60, deadline=None)
@given(_values, _values)
def test_two_releases_differ_by_k_or_by_none(old_rows, new_rows):
    """Joining, leaving and changing: each is nobody or at least k, and whoever withdrew is never in."""
    old, made = _cohort(old_rows), next_cohort([_cohort(old_rows)], _cohort(new_rows), str.encode)
    before, after = _read(old), _read(made)
    joined, left = after.keys() - before.keys(), before.keys() - after.keys()
    changed = {case for case in after.keys() & before.keys() if after[case] != before[case]}

    assert not after.keys() - new_rows.keys()
    assert len(joined) == 0 or len(joined) >= K
    assert len(left) == 0 or len(left) >= min(K, len(before))
    assert len(changed) == 0 or len(changed) >= K - len(left)


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, ANNA, today=TODAY) as opened:
        yield opened


def _publish(register, folder):
    made = release.prepare(register)
    approval.decide(register.as_user(BEN), made.id, yes=True)
    release.publish(register, made.id, folder)
    return made


def _counted(register):
    return len(release.last_cohort(register).ids)


def test_one_more_case_changes_nothing(register, tmp_path):
    """The differencing attack: a release, one new case, another release. The tables are the same bytes."""
    fill(register, cases=300)
    first = _publish(register, tmp_path / "one")
    register.add({"ai_Asked": "yes", "ai_Suspected": "none"}, consent={"statistics": "yes"})
    second = _publish(register, tmp_path / "two")

    assert first.files == second.files


def test_who_withdraws_leaves_the_next_release_among_others(register, tmp_path):
    """One withdrawal takes effect at once, and no difference of two releases is that one person."""
    fill(register, cases=300)
    _publish(register, tmp_path / "one")
    before = release.last_cohort(register)
    register.consent(before.ids[0], "statistics", "withdrawn")
    _publish(register, tmp_path / "two")
    after = release.last_cohort(register)

    assert before.ids[0] not in after.ids
    assert len(before.ids) - len(after.ids) == K


def test_a_correction_waits_for_others(register, tmp_path):
    """One corrected case does not move a count from one cell to another for everybody to see."""
    fill(register, cases=300)
    first = _publish(register, tmp_path / "one")
    case = release.last_cohort(register).ids[0]
    register.update(case, {"prs_Gender": "TransgenderFeminine"})

    assert _publish(register, tmp_path / "two").files == first.files


# ---------------------------------------------------------------------- size, people, words


def test_without_consent_nobody_is_counted(register):
    """Default is no: cases without consent for statistics make no release."""
    for _ in range(30):
        register.add({"ai_Asked": "yes"})
    with pytest.raises(release.ReleaseError, match="fewer than 11"):
        release.prepare(register)


def test_few_cases_give_totals_only(register):
    """Below 100 cases there is no table."""
    fill(register, cases=90)
    files = release.prepare(register).files

    assert not any(name.startswith("tables/") for name in files)
    assert {"totals.csv", "data_dictionary.csv", "LIMITS.txt", "release.json"} == set(files)


def test_one_person_is_counted_once(register, tmp_path):
    """Ten people with three cases each are ten people: too few, however their telephone is written."""
    for number in range(30):
        phone = f"{'+' if number % 2 else '00'}3361234567{number % 10}"
        register.add({"ai_Asked": "no", "prs_MobilePhone": phone}, consent={"statistics": "yes"})
    with pytest.raises(release.ReleaseError, match="fewer than 11 people"):
        release.prepare(register)

    register.add({"ai_Asked": "no"}, consent={"statistics": "yes"})
    assert len(release.read_cases(register).ids) == 11


def test_a_release_explains_itself(register):
    """Dictionary and limits come with every release, and each shown column is in the dictionary."""
    fill(register, cases=300)
    files = release.prepare(register).files
    fields = {line.split(",")[0] for line in files["data_dictionary.csv"].splitlines()[1:]}
    shown = {name[7:-4] for name in files if name.startswith("tables/") and "__" not in name}

    assert shown == fields
    assert "not a sample" in files["LIMITS.txt"]
    assert '"k": 11' in files["release.json"]


def test_the_same_cases_give_the_same_bytes(register):
    """A release is deterministic, so that an approval can speak of its bytes."""
    fill(register, cases=200)

    assert release.prepare(register).digest == release.prepare(register).digest


def test_nobody_publishes_alone(register, tmp_path):
    """Unapproved, or approved by the one who prepared it: nothing is written."""
    fill(register, cases=150)
    made = release.prepare(register)
    with pytest.raises(approval.ApprovalError):
        release.publish(register, made.id, tmp_path / "out")
    with pytest.raises(approval.ApprovalError, match="you prepared it"):
        approval.decide(register, made.id, yes=True)

    assert not (tmp_path / "out").exists()


def test_what_could_not_be_written_is_not_published(register, tmp_path, monkeypatch):
    """A path that cannot be written, a file, or a fault in the middle: nothing counts as sent, and it can be tried again."""
    fill(register, cases=150)
    made = release.prepare(register)
    approval.decide(register.as_user(BEN), made.id, yes=True)
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "sub", tmp_path / "file"):
        with pytest.raises(release.ReleaseError, match=str(out)):
            release.publish(register, made.id, out)
    with monkeypatch.context() as broken:
        broken.setattr(
            approval, "note_sent", lambda *_, **__: (_ for _ in ()).throw(approval.ApprovalError("meanwhile"))
        )
        with pytest.raises(approval.ApprovalError, match="meanwhile"):
            release.publish(register, made.id, tmp_path / "out")

    assert approval.read(register, made.id).state == "approved"
    assert not release.published_cohorts(register)
    assert not [*tmp_path.glob("out"), *tmp_path.glob(".*")]
    assert all(path.is_file() for path in release.publish(register, made.id, tmp_path / "out"))
    assert len(release.published_cohorts(register)) == 1


def test_a_release_that_cannot_be_moved_into_place_is_kept(register, tmp_path, monkeypatch):
    """It counts as published by then: the message says where its files lie."""
    fill(register, cases=150)
    made = release.prepare(register)
    approval.decide(register.as_user(BEN), made.id, yes=True)
    move = Path.rename

    def taken(self: Path, target: Path) -> Path:
        if target == tmp_path / "out":
            raise OSError(39, "Directory not empty")
        return move(self, target)

    monkeypatch.setattr(Path, "rename", taken)
    with pytest.raises(release.ReleaseError, match="is published, and lies in") as told:
        release.publish(register, made.id, tmp_path / "out")
    assert (Path(str(told.value).rsplit(" in ")[-1]) / "LIMITS.txt").is_file()


def test_canary_is_in_no_release(register, tmp_path):
    """Planted identifiers reach neither the tables nor the sealed package's file."""
    fill(register, cases=300, canary="CANARY-4711")
    _publish(register, tmp_path / "out")

    assert not any("CANARY" in path.read_text() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert b"CANARY" not in register.store.path.read_bytes()


def test_command_needs_two_people(tmp_path):
    """The command prepares, a second person approves, the first publishes."""
    run = CliRunner()
    here = ["--db", str(tmp_path / "c.db")]
    run.invoke(root, ["register", "demo", "--cases", "150", *here], catch_exceptions=False)
    out = tmp_path / "out"
    first = run.invoke(root, ["release", *here, "--out", str(out), "--user", "anna"], catch_exceptions=False)
    request = first.output.split()[1]
    assert not out.exists()
    run.invoke(root, ["release", *here, "--approve", request, "--user", "ben"], catch_exceptions=False)
    run.invoke(root, ["release", *here, "--out", str(out), "--user", "anna"], catch_exceptions=False)

    assert (out / "LIMITS.txt").exists()


# ---------------------------------------------------------------------- synthetic records


SHOWN = {name: {"a": 1000, "b": 1000, "c": 1000} for name in synthetic.DIMENSIONS}


def _even(cases):
    draw = random.Random(1)
    return [{name: (draw.choice("abc"),) for name in synthetic.DIMENSIONS} for _ in range(cases)]


def test_synthetic_records_need_two_thousand_cases(register):
    """Below that, or with an epsilon too small for so few, the noise drowns the data, and no budget is spent."""
    with pytest.raises(synthetic.SyntheticError, match="2,000"):
        synthetic.synthetic_records(register, [{}] * 1999, SHOWN, epsilon=4.0)
    with pytest.raises(synthetic.SyntheticError, match=r"epsilon 1\.94 or more"):
        synthetic.synthetic_records(register, [{}] * 3100, SHOWN, epsilon=1.9)
    assert synthetic.spent(register, 2026) == 0.0


def test_the_yearly_budget_is_kept(register):
    """Every run is recorded before its result exists; past epsilon 4 in a year it is refused."""
    pytest.importorskip("pacsynth", reason="pac-synth is the extra `synthetic`")
    made = synthetic.synthetic_records(register, _even(3000), SHOWN, epsilon=3.0)

    assert made.csv.splitlines()[0] == ",".join(synthetic.DIMENSIONS)
    assert synthetic.spent(register, 2026) == 3.0
    with pytest.raises(synthetic.SyntheticError, match="3 is spent"):
        synthetic.synthetic_records(register, _even(3000), SHOWN, epsilon=2.0)


def test_synthetic_records_far_off_the_tables_are_refused(register):
    """What would mislead is not made; the message names the column, and that the budget is spent."""
    pytest.importorskip("pacsynth", reason="pac-synth is the extra `synthetic`")
    shown = {**SHOWN, "prs_Gender": {"a": 1800, "b": 600, "c": 600}}
    with pytest.raises(synthetic.SyntheticError, match=r"prs_Gender by \d+%.*is spent"):
        synthetic.synthetic_records(register, _even(3000), shown, epsilon=2.0)
    assert synthetic.spent(register, 2026) == 2.0


def test_synthetic_records_go_into_the_release_with_what_they_are(register):
    """Near the tables, few blanks, in the manifest, and explained: epsilon, delta, blanks and error, in limits and dictionary."""
    pytest.importorskip("pacsynth", reason="pac-synth is the extra `synthetic`")
    fill(register, cases=2600)
    files = release.prepare(register, epsilon=4.0).files
    told = json.loads(files["release.json"])
    head, *records = [line.split(",") for line in files["synthetic.csv"].splitlines()]
    seen = Counter(record[head.index("ai_Suspected")] for record in records)
    table = {row.split(",")[0]: int(row.rsplit(",", 1)[1]) for row in files["tables/ai_Suspected.csv"].splitlines()[1:]}

    assert told["sha256"]["synthetic.csv"] == sha256(files["synthetic.csv"].encode()).hexdigest()
    assert told["synthetic"]["epsilon"] == 4.0
    assert told["synthetic"]["records"] == len(records)
    assert max(told["synthetic"]["error"].values()) <= synthetic.WORST
    for answer in ("suspected", "probable"):
        assert seen[answer] / len(records) == pytest.approx(table[answer] / sum(table.values()), rel=0.5)
    for word in (
        "synthetic.csv",
        "epsilon 4",
        "delta",
        "blank",
        "No line is a person",
        "No table shows a count below 11",
    ):
        assert word in files["LIMITS.txt"]
    assert "Blank: left out" in files["data_dictionary.csv"]
