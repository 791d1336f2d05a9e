"""What a second person agrees to: the facts, and who hands them to whom, on which basis, for whose eyes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("stix2validator", reason="the extra `share` is not installed")

from threelines.cli.main import root

TERMS = ("--organisation", "Ours", "--recipient", "Platform X", "--legal-basis", "consent", "--tlp", "red")
SECOND = ("--user", "second", "--role", "data_protection_officer")


def run(*orders: str) -> str:
    """Run a command that must succeed, and return what it prints."""
    ran = CliRunner().invoke(root, [*orders])
    assert ran.exit_code == 0, ran.output
    return ran.output


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return a register, and the request to approve its STIX export on TERMS."""
    folder = tmp_path_factory.mktemp("terms")
    db = str(folder / "d.db")
    run("register", "demo", "--db", db, "--cases", "80", "--user", "first")
    told = run("export", "stix", "--db", db, "--out", str(folder / "b.json"), "--user", "first", *TERMS)
    request = re.search(r"export approve (\w+)", told)
    assert request, told
    return db, request[1]


def test_the_second_person_can_read_what_leaves_before_deciding(asked: tuple[str, str]):
    """`--show` prints the terms and the facts, decides nothing, and stands in the audit."""
    db, request = asked
    shown = json.loads(run("export", "approve", request, "--db", db, *SECOND, "--show"))

    assert (shown["organisation"], shown["recipient"], shown["basis"], shown["tlp"]) == (
        "Ours",
        "Platform X",
        "consent",
        "red",
    )
    assert shown["state"] == "prepared"
    assert shown["cases"]
    assert "leaving." in run("register", "audit", "show", "--db", db, "--user", "second")


def test_another_term_is_another_approval(asked: tuple[str, str], tmp_path: Path):
    """What was approved for one sender, recipient, basis and TLP is a draft under any other."""
    db, request = asked
    run("export", "approve", request, "--db", db, *SECOND)
    drafts = []
    for other in (None, *range(0, len(TERMS), 2)):
        terms = [*TERMS]
        if other is not None:
            terms[other + 1] = "clear" if TERMS[other] == "--tlp" else "somebody else"
        told = run("export", "stix", "--db", db, "--out", str(tmp_path / "x.json"), "--user", "first", *terms)
        drafts.append("A draft" in told)

    assert drafts == [False, True, True, True, True]


@pytest.mark.parametrize(("second", "reaches"), [
    (("--user", "ben"), False), (("--user", "ben", "--team", "north"), False),
    (("--user", "ben", "--role", "data_protection_officer"), True), (("--user", "first"), True),
])  # fmt: skip
def test_a_request_is_reached_by_whoever_reaches_its_cases(
    second: tuple[str, ...], reaches: bool, asked: tuple[str, str]
):
    """Who sees none of the cases in the list reads none of them in a request and decides nothing, without teams, too."""
    db, request = asked
    listed = CliRunner().invoke(root, ["register", "list", "--db", db, *second])
    shown = CliRunner().invoke(root, ["export", "approve", request, "--db", db, *second, "--show"])

    assert ("0 of 0 cases" not in listed.output) == reaches
    assert (shown.exit_code == 0) == reaches
    assert ("ai_Capability" in shown.output) == reaches


def test_the_command_names_a_second_person_who_reaches_the_cases(tmp_path: Path):
    """What is printed after an export can be typed: with the team where there is one, else with a role that reaches all."""
    for team in ((), ("--team", "north")):
        db = str(tmp_path / f"{len(team)}.db")
        run("register", "demo", "--db", db, "--cases", "80", "--user", "first", *team)
        told = run("export", "stix", "--db", db, "--out", str(tmp_path / "b.json"), "--user", "first", *team)
        orders = re.search(r"threelines (export approve .+)", told)
        assert orders, told
        assert "approved" in run(*orders[1].split(), "--db", db)
