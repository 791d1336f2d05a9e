"""Releases: no small cell, and none that an attacker can compute from what was published."""

import itertools
from datetime import date

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from threelines.cli.export import approve
from threelines.cli.release import command
from threelines.people import demo
from threelines.people.register import Register
from threelines.people.release import K, build, files, hide_rows, join_small
from threelines.records import Incident
from threelines.roles import User
from threelines.store.keyring import Keyring

COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 60), min_size=1)
BLOCKS = st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=1, max_size=6)


def _incidents(number, **fields):
    return [Incident(id=f"x{place}", fields={"ai_Asked": "yes", **fields}) for place in range(number)]


@given(COUNTS)
def test_joined_values_are_never_few(counts):
    """Each published value has k or more; the joined cell has k or more, or it is everything."""
    small = join_small(counts)

    assert all(count >= K for value, count in counts.items() if value not in small)
    assert not small or sum(counts[value] for value in small) >= K or small == set(counts)
    assert not small or len(small) > 1 or small == set(counts)


@given(BLOCKS)
def test_a_hidden_cell_cannot_be_subtracted(numbers):
    """The attacker knows all row and column sums and all visible cells, and still not one hidden cell within 10."""
    block = {f"r{place}": dict(zip("xyz", row, strict=True)) for place, row in enumerate(numbers)}
    visible, hidden = hide_rows(block)

    assert all(count >= K for cells in visible.values() for count in cells.values())
    assert visible.keys() | hidden.keys() == block.keys()
    for row, column in itertools.product(hidden, "xyz") if visible else ():
        left = sum(cells[column] for cells in block.values()) - sum(cells[column] for cells in visible.values())
        total = sum(sum(cells.values()) for cells in hidden.values())
        own = sum(block[row].values())
        assert min(own, left) - max(0, own + left - total) >= K


def test_one_hidden_row_takes_another_with_it():
    """A single small cell would follow from the column sums: a second row is hidden too."""
    block = {"a": {"x": 30, "y": 3}, "b": {"x": 40, "y": 40}, "c": {"x": 90, "y": 90}, "d": {"x": 99, "y": 99}}
    visible, hidden = hide_rows(block)

    assert "a" in hidden
    assert len(hidden) >= 2
    assert visible


@pytest.mark.parametrize(("number", "total"), [(0, None), (10, None), (11, 11), (99, 100)])
def test_few_cases_give_the_total_only(number, total):
    """Below 100 there is one number at most."""
    release = build(_incidents(number))

    assert (release.total, release.one_way, release.two_way) == (total, {}, {})


def test_a_rare_language_is_not_named():
    """Ten cases of one language in a thousand: neither its count nor its code is in any file."""
    rows = _incidents(990, ai_ContactLanguage=["eng"]) + _incidents(10, ai_ContactLanguage=["lao"])
    data = b"".join(files(build(rows)).values())

    assert b"eng" in data
    assert b"lao" not in data


def test_every_published_count_is_k_or_more(tmp_path):
    """A release of an invented register, drafted, refused to its author, approved by a second person."""
    keyring = Keyring.create(tmp_path / "r.db.key")
    with Register.open(
        tmp_path / "r.db", keyring, User(id="s1", role="supervisor"), today=date(2026, 9, 1)
    ) as register:
        demo.fill(register, cases=600, canary="Zxqvcanary77")
    options = ["--db", str(tmp_path / "r.db")]
    first = CliRunner().invoke(command, [*options, "--out", str(tmp_path / "out"), "--user", "ann"])
    assert first.exit_code == 0, first.output
    request = first.output.split("approve ")[1].split()[0]
    assert CliRunner().invoke(approve, [request, *options, "--user", "ann"]).exit_code != 0
    assert "DRAFT" in (tmp_path / "out" / "README.md").read_text()
    assert CliRunner().invoke(approve, [request, *options, "--user", "bob"]).exit_code == 0
    CliRunner().invoke(command, [*options, "--out", str(tmp_path / "out"), "--user", "ann"])

    assert "Approved by two people" in (tmp_path / "out" / "README.md").read_text()
    for path in (tmp_path / "out").glob("*.csv"):
        assert "Zxqvcanary77" not in path.read_text()
        if path.name != "dictionary.csv":
            assert all(int(line.rsplit(",", 1)[1]) >= K for line in path.read_text().splitlines()[1:])
