"""What a second person agrees to: the facts, and who hands them to whom, on which basis, for whose eyes."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

for needed in ("stix2validator", "pymisp"):
    pytest.importorskip(needed, reason="the extra `share` is not installed")

from threelines.cli.main import root
from threelines.exports import csv as csv_export
from threelines.exports.sharing import Handover
from threelines.records import Incident

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


HEAD = {
    "organisation": "Helpline Example",
    "recipient": "Harbour unit",
    "legal_basis": "Act 12, section 3",
    "tlp": "red",
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return what stands in the files of each format of the same case, under HEAD."""
    folder, found = tmp_path_factory.mktemp("heads"), {}
    fields = {"ai_Capability": ["website"], "ai_Period": "2026-Q3", "tl_FinancialFlags": ["fin_25"]}
    for name in ("stix", "misp", "dsa", "fincen", "htcds", "csv", "misuse", "referral"):
        module = importlib.import_module(f"threelines.exports.{name}")
        (folder / name).mkdir()
        path = folder / name / f"x{module.SUFFIX}"
        module.write([Incident(id="c", fields=fields)], path, Handover(**HEAD))
        assert module.check(path) == []
        found[name] = "".join(each.read_text("utf-8") for each in path.parent.iterdir() if each.suffix != ".pdf")
    return found


@pytest.mark.parametrize("name", ["stix", "misp", "dsa", "fincen", "htcds", "csv", "misuse", "referral"])
def test_the_terms_travel_in_every_format(name: str, texts: dict[str, str]):
    """Recipient, legal basis and TLP stand in the file, or in one that is written beside it."""
    for value in ("Harbour unit", "Act 12, section 3"):
        assert value in texts[name]
    assert re.search(r'"tlp(:red|_2_0": "red|": "red)"', texts[name])


def test_what_names_the_organisation_is_marked(texts: dict[str, str]):
    """In STIX all but what is ours and the marks themselves has the TLP and the statement; the statement has the TLP."""
    objects = json.loads(texts["stix"])["objects"]
    [statement] = [entry for entry in objects if entry.get("definition_type") == "statement"]
    [level] = [entry["id"] for entry in objects if entry.get("name") == "TLP:RED"]
    marks = {entry["name"]: entry.get("object_marking_refs") for entry in objects if entry["type"] == "identity"}

    assert marks == {"Helpline Example": [level, statement["id"]], "threelines": None}
    assert statement["object_marking_refs"] == [level]


def test_a_covering_file_speaks_of_its_table_alone(tmp_path: Path):
    """A table that was changed, or lies there without its covering file, is refused."""
    out = csv_export.write([Incident(id="c", fields={"ai_Asked": "no"})], tmp_path / "c.csv", Handover(**HEAD))
    cover = json.loads((tmp_path / "c.cover.json").read_text(encoding="utf-8"))
    assert (cover["status"], cover["cases"], csv_export.check(out)) == ("draft", 1, [])
    out.write_text(out.read_text(encoding="utf-8").replace("no", "yes"), encoding="utf-8")
    assert csv_export.check(out) == ["the table is not the one that c.cover.json speaks of"]
    (tmp_path / "c.cover.json").unlink()
    assert csv_export.check(out) == ["no covering file beside it: c.cover.json"]


def test_terms_of_an_empty_form_are_refused(tmp_path: Path):
    """Nothing of a case is in it, and no place for terms: they are not left out in silence."""
    db = str(tmp_path / "d.db")
    run("register", "demo", "--db", db, "--cases", "5")
    for option in ("--recipient", "--legal-basis", "--organisation", "--tlp"):
        orders = ["export", "xlsform", "--db", db, "--out", str(tmp_path / "f.xlsx"), option, "red"]
        told = CliRunner().invoke(root, orders)
        assert (told.exit_code, f"{option}: xlsform is an empty form" in told.output) == (2, True)
    run("export", "xlsform", "--db", db, "--out", str(tmp_path / "f.xlsx"))


@pytest.mark.parametrize("name", ["before", "before.json"])
@pytest.mark.parametrize("form", ["stix", "htcds", "dsa", "misuse"])
def test_an_export_that_is_refused_leaves_what_stood_there(
    asked: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, name: str
):
    """Whatever the file is called, cases that the format's own reader refuses are not left in it."""
    out = tmp_path / name
    out.write_text("earlier", encoding="utf-8")
    monkeypatch.setattr(importlib.import_module(f"threelines.exports.{form}"), "check", lambda path: ["refused"])

    ran = CliRunner().invoke(root, ["export", form, "--db", asked[0], "--out", str(out), "--user", "first"])

    assert (ran.exit_code, out.read_text(encoding="utf-8"), [*tmp_path.iterdir()]) == (1, "earlier", [out]), ran.output
