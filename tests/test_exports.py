"""Exports: each passes its readers' validators, none lets an identity out, all are deterministic."""

from __future__ import annotations

import importlib
import json
import pkgutil
import random
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

for needed in ("stix2validator", "pymisp", "pyxform", "typst", "pypdfium2"):
    pytest.importorskip(needed)

import pypdfium2

import threelines.exports
from threelines.cli import export as export_command
from threelines.cli.main import root
from threelines.exports import csv as csv_export
from threelines.exports import dsa, fincen, htcds, misp, misuse, referral, stix, xlsform
from threelines.exports.sharing import DENIED, ExportError, Handover, coded
from threelines.people.definition import load_form
from threelines.records import Incident

CANARY = "Planted-Name-7731"
FORMATS = [
    module.name
    for module in pkgutil.iter_modules(threelines.exports.__path__)
    if hasattr(importlib.import_module(f"threelines.exports.{module.name}"), "PURPOSE")
]
MADE = datetime(2026, 11, 24, tzinfo=UTC)


def handover(**more: Any) -> Handover:
    """Return a handover by an invented organisation."""
    form = load_form()
    definition = {
        "version": form.version, "lists": form.list, "consent": form.list["consent_purpose"],
        "fields": [{name: getattr(field, name) for name in field.__struct_fields__} for field in form.full],
    }  # fmt: skip
    return Handover(**{"organisation": "Helpline Example", "made": MADE, "definition": definition, **more})


def incidents(count: int = 60, seed: int = 1) -> list[Incident]:
    """Return invented incidents with a canary in every field that identifies, as if all else had failed."""
    form, draw = load_form(), random.Random(seed)
    made = []
    for number in range(count):
        fields: dict[str, Any] = {}
        for field in form.full:
            if field.identity:
                fields[field.name] = CANARY
            elif field.type in ("one", "many"):
                chosen = draw.choice(sorted(form.choices(field)))
                fields[field.name] = [chosen] if field.type == "many" else chosen
            elif field.type == "quarter":
                fields[field.name] = "2026-Q2"
            elif field.type in ("language", "languages"):
                fields[field.name] = ["lao", "swh"] if field.type == "languages" else "lao"
        made.append(Incident(id=f"case{number:04d}", fields=fields))
    return made


def written(name: str, folder: Path, rows: list[Incident], **more: Any) -> Path:
    """Write one export and return its path."""
    module = importlib.import_module(f"threelines.exports.{name}")
    path: Path = module.write(rows, folder / f"out{module.SUFFIX}", handover(**more))
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_passes_its_validator(name: str, tmp_path: Path):
    """What we write is accepted by the format's own validator."""
    module = importlib.import_module(f"threelines.exports.{name}")

    assert [] == module.check(written(name, tmp_path, incidents()))


@pytest.mark.parametrize("name", FORMATS)
def test_no_identity_leaves(name: str, tmp_path: Path):
    """A name planted in every identifying field is in no file of any export."""
    written(name, tmp_path, incidents())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]

    assert files
    assert not [path.name for path in files if CANARY.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", FORMATS)
def test_no_worker_is_named(name: str, tmp_path: Path):
    """Who approved it is in no file of any export: on the command line that is a login name."""
    written(name, tmp_path, incidents(), approvals=("login-of-one", "login-of-two"))

    assert not [path.name for path in tmp_path.rglob("*") if path.is_file() and b"login-of-" in path.read_bytes()]


@pytest.mark.parametrize("name", FORMATS)
def test_same_bytes_every_time(name: str, tmp_path: Path):
    """The same incidents give the same file (workbooks and PDF apart, whose containers hold a clock)."""
    if name == "xlsform":
        pytest.skip("an xlsx container holds the time it was zipped")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = written(name, tmp_path / "a", incidents()), written(name, tmp_path / "b", incidents())

    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
def test_empty_register_is_no_error(name: str, tmp_path: Path):
    """An export of nothing is a valid file that says nothing."""
    module = importlib.import_module(f"threelines.exports.{name}")

    assert [] == module.check(written(name, tmp_path, []))


def test_identity_is_refused_in_code():
    """Asking for an identity field is an error whatever the allow-list says; every one of the form is denied."""
    form = load_form()
    with pytest.raises(ExportError):
        list(coded(incidents(1), ["ai_Asked", "prs_FirstName"]))
    allowed = {
        name for module in (csv_export, htcds, stix, misp, misuse, dsa, referral, fincen) for name in module.FIELDS
    }

    assert not allowed & form.identity
    assert not allowed & DENIED
    assert allowed <= set(form.fields)


@given(st.sampled_from("=+-@\t\r"), st.text(max_size=20))
def test_no_cell_is_a_formula(head: str, tail: str):
    """No value can make a spreadsheet run anything."""
    assert not csv_export.harmless(head + tail).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_htcds_maps_down_what_it_has_no_word_for(tmp_path: Path):
    """`ForcedCriminality` becomes `Other` in the strict record."""
    path = htcds.write(
        [Incident(id="c", fields={"vic_TypeOfExploitation": ["ForcedCriminality"]})], tmp_path / "h.json", handover()
    )

    assert json.loads(path.read_text())["records"][0]["htcds"] == {"vic_TypeOfExploitation": ["Other"]}


def test_stix_extension_is_really_checked(tmp_path: Path):
    """A value that our extension does not know is refused offline."""
    path = written("stix", tmp_path, incidents())
    path.write_text(
        path.read_text(encoding="utf-8").replace('"suspected": "', '"suspected": "surely-'), encoding="utf-8"
    )

    assert stix.check(path)


def test_misp_feed_is_a_folder_with_manifest(tmp_path: Path):
    """Without `.json` the target becomes a feed: manifest, hashes and the event."""
    folder = misp.write(incidents(), tmp_path / "feed", handover())
    manifest = json.loads((folder / "manifest.json").read_text())

    assert [f"{name}.json" for name in manifest] == sorted(p.name for p in folder.glob("*-*.json"))
    assert [] == misp.check(folder)


def test_referral_without_two_people_is_a_draft(tmp_path: Path):
    """One approval, or the same person twice, leaves a draft; two people make it approved."""
    states = [
        json.loads(written("referral", tmp_path, incidents(2), approvals=who).read_text())["status"]
        for who in ((), ("u1",), ("u1", "u1"), ("u1", "u2"))
    ]

    assert ["draft", "draft", "draft", "approved"] == states


def test_referral_records_receipt_and_answer(tmp_path: Path):
    """A receipt and an answer are added without touching what was sent; a changed content is noticed."""
    path = written("referral", tmp_path, incidents(2), approvals=("u1", "u2"))
    body = referral.answered(path, receipt="R-77", answer="Taken up", action="investigation")

    assert ("R-77", "investigation") == (body["receipt"], body["answer"]["action"])
    assert [] == referral.check(path)
    path.write_text(path.read_text().replace("Helpline Example", "Somebody Else"))

    assert referral.check(path) == ["the content was changed after it was written"]


def test_referral_says_what_is_missing(tmp_path: Path):
    """A referral that an authority could not act on names what is missing."""
    made = json.loads(
        referral.write(
            [Incident(id="c", fields={"ai_Act": ["recruitment"]})], tmp_path / "r.json", handover()
        ).read_text()
    )

    assert "ai_EvidenceBasis" in made["referrals"][0]["missing"]
    assert not made["referrals"][0]["complete"]


def test_statement_of_reasons_holds_no_small_language_code():
    """The DSA database knows ISO 639-1 only: a language it cannot name is said in words, not invented."""
    made = dsa.statement(
        "c", {"ai_Capability": ["translation_text"], "ai_ContactLanguage": ["sme"], "ai_Period": "2026-Q2"}
    )

    assert "content_language" not in made
    assert "sme" in made["decision_facts"]
    assert made["content_date"] == "2026-04-01"


@pytest.mark.skipif(shutil.which("java") is None, reason="ODK Validate needs Java")
def test_field_form_passes_odk_validate(tmp_path: Path):
    """Pyxform converts the form and ODK Validate accepts it; consent is asked before anything else."""
    path = written("xlsform", tmp_path, [])
    names = [row[1] for row in xlsform._survey(handover().definition)]

    assert [] == xlsform.check(path)
    assert names[1].startswith("consent_")


def test_key_terms_stand_word_for_word(tmp_path: Path):
    """A bank's report needs the exact strings: trafficking always, deepfake where synthetic media were used."""
    fields = {"tl_FinancialFlags": ["fin_25"], "ai_Capability": ["voice_clone"]}
    path = fincen.write([Incident(id="c", fields=fields)], tmp_path / "f.json", handover())
    part = json.loads(path.read_text())["parts"][0]

    assert part["key_terms"] == ["HUMAN TRAFFICKING FIN-2020-A008", "FIN-2024-DEEPFAKEFRAUD"]
    assert "Funnel account" in part["narrative"]
    assert part["flags"] == ["FIN-25"]


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a register of invented cases; nobody approves anything in it."""
    db = str(tmp_path_factory.mktemp("register") / "d.db")
    assert (
        CliRunner().invoke(root, ["register", "demo", "--db", db, "--cases", "150", "--user", "first"]).exit_code == 0
    )
    return db


def exported(name: str, db: str, out: Path) -> str:
    """Write an export by the command and return what it says."""
    done = CliRunner().invoke(root, ["export", name, "--db", db, "--out", str(out), "--user", "first"])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("ending", ["", ".json", ".pdf", ".PDF"])
def test_referral_is_two_files_side_by_side(ending: str, register: str, tmp_path: Path):
    """Whichever ending is named, the JSON and the PDF stand there, nothing else does, and `check` accepts them."""
    told = exported("referral", register, tmp_path / f"r{ending}")

    assert ["r.json", "r.pdf"] == sorted(path.name for path in tmp_path.iterdir())
    assert "r.json and " in told
    assert CliRunner().invoke(root, ["export", "check", "referral", str(tmp_path / "r.json")]).exit_code == 0


def test_failed_referral_leaves_nothing(register: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What the format's own reader refuses leaves no file, and both files from before as they were."""
    (tmp_path / "r.pdf").write_text("old")
    monkeypatch.setattr(referral, "check", lambda _path: ["refused"])
    done = CliRunner().invoke(root, ["export", "referral", "--db", register, "--out", str(tmp_path / "r.json")])

    assert done.exit_code == 1
    assert ["r.pdf"] == [path.name for path in tmp_path.iterdir()]
    assert (tmp_path / "r.pdf").read_text() == "old"


def test_referral_into_a_folder_is_refused(register: str, tmp_path: Path):
    """A folder is no name for two files."""
    done = CliRunner().invoke(root, ["export", "referral", "--db", register, "--out", str(tmp_path)])

    assert done.exit_code == 2
    assert "name a file" in done.output


def pages_of(path: Path) -> list[str]:
    """Return the text of each page of the PDF beside a referral."""
    made = pypdfium2.PdfDocument(path.with_suffix(".pdf"))
    return [" ".join(page.get_textpage().get_text_range().split()) for page in made]


@pytest.mark.parametrize(("approvals", "drafts"), [((), 2), (("a", "b"), 0)])
def test_each_referral_has_a_page_that_says_draft(approvals: tuple[str, ...], drafts: int, tmp_path: Path):
    """Every case has a page of its own; until two people approved, it says so at the top and at the foot."""
    path = written("referral", tmp_path, incidents(3), approvals=approvals)
    references = [entry["reference"] for entry in json.loads(path.read_text(encoding="utf-8"))["referrals"]]
    pages = pages_of(path)

    assert len(references) == len(pages)
    for reference, page in zip(references, pages, strict=True):
        assert f"Reference {reference}. From Helpline Example to " in page
        assert drafts == page.count("DRAFT: not approved by two people. Do not send.")


def test_a_referral_names_any_recipient(tmp_path: Path):
    """What cannot be printed is written out and the page says so; the JSON has it, and the same case gives the same PDF."""
    path = written("referral", tmp_path, incidents(1), recipient="Police \ue000", organisation='#read("/etc/passwd")')
    first = path.with_suffix(".pdf").read_bytes()
    [page] = pages_of(path)

    assert 'From #read("/etc/passwd") to Police [U+E000], ' in page
    assert page.count("Some letters cannot be printed here") == 1
    assert "Police \ue000" in path.read_text(encoding="utf-8")
    assert referral.check(path) == []
    written("referral", tmp_path, incidents(1), recipient="Police \ue000", organisation='#read("/etc/passwd")')
    assert first == path.with_suffix(".pdf").read_bytes()


@pytest.mark.parametrize(("name", "key"), [
    ("stix", "objects"), ("misp", "Object"), ("misuse", "cases"), ("dsa", "notices_article_18"), ("fincen", "parts"),
    ("htcds", "records"), ("referral", "referrals"),
])  # fmt: skip
def test_the_number_told_is_the_number_written(name: str, key: str, register: str, tmp_path: Path):
    """The command counts what stands in the file and says how many were left out; the request has the same number."""
    told = exported(name, register, tmp_path / "out.json")
    body = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    found = body.get("Event", body).get(key, [])
    number = len([entry for entry in found if name != "stix" or entry["type"] == "incident"])
    expected = (
        r": (\d+) cases? with consent for \w+ written(?:, (\d+) left out \(no .+? in them\))?(?:, \d+ of them .+)?;"
    )
    counts = re.search(expected, told)

    assert counts, told
    assert int(counts[1]) == number
    assert (counts[2] is None) == (name in ("htcds", "referral"))
    assert requested(register, told) == (number or None)


def requested(db: str, told: str) -> int | None:
    """Return how many cases the request speaks of that the command made, if it made one."""
    from threelines.cli._register import opened
    from threelines.people.approval import read

    request = re.search(r"export approve (\w+)", told)
    options = {"database": db, "key_file": None, "passphrase": "", "user": "first", "role": "supervisor", "team": ""}
    with opened(**options) as found:
        return int(read(found, request[1]).details["cases"]) if request else None


def test_cases_without_what_a_format_needs_are_left_out():
    """What a format has nothing to say of is left out, and counted as left out; a format that needs nothing keeps all."""
    rows = [Incident(id="c", fields={"ai_Act": ["recruitment"]})]

    assert export_command._counted(fincen, rows).startswith(
        "0 cases with consent for share_with_police written, 1 left out"
    )
    assert export_command._kept(stix, rows) == []
    assert export_command._kept(csv_export, rows) == rows


def test_statements_that_cannot_be_dated_are_told():
    """The command does not say that a case is written whose statement of reasons is missing."""
    known = {"ai_Capability": ["translation_text"], "ai_Suspected": "suspected"}
    rows = [Incident(id="c", fields=known), Incident(id="d", fields={**known, "ai_Period": "2026-Q3"})]

    assert "1 of them without a statement of reasons" in export_command._counted(dsa, rows)
    assert "no quarter" in export_command._counted(dsa, rows)
    assert "statement" not in export_command._counted(dsa, rows[1:])


def test_an_export_is_not_written_to_a_file_called_dash(register: str, tmp_path: Path, monkeypatch):
    """`--out -` is refused: no format is printed, and a file of that name helps nobody."""
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(root, ["export", "stix", "--db", register, "--out", "-", "--user", "first"])

    assert told.exit_code == 2
    assert "name one" in told.output
    assert list(tmp_path.iterdir()) == []


TWO = ("u1", "u2")


def test_stix_says_that_it_is_a_draft(tmp_path: Path):
    """Every object about a case is labelled a draft until two people approved; both pass the validator."""
    draft = written("stix", tmp_path, incidents(5))
    objects = json.loads(draft.read_text())["objects"]
    labelled = [entry.get("labels", []) for entry in objects if entry["type"] in ("incident", "relationship")]
    approved = written("stix", tmp_path, incidents(5), approvals=TWO)

    assert labelled
    assert all("draft" in labels for labels in labelled)
    assert "draft" not in approved.read_text(encoding="utf-8")
    assert [] == stix.check(approved)


@pytest.mark.parametrize("name", FORMATS)
def test_half_a_character_is_refused_with_its_field(name: str, tmp_path: Path):
    """A lone surrogate cannot be written as UTF-8: every format says so in the same words, and none breaks off at it."""
    module = importlib.import_module(f"threelines.exports.{name}")
    (row,) = incidents(1)
    half = chr(0xD800)
    every = dict.fromkeys(getattr(module, "FIELDS", ()), half) | {getattr(module, "NEEDS", ""): [half]}
    if hasattr(module, "FIELDS"):
        with pytest.raises(ExportError, match="half a character"):
            written(name, tmp_path, [Incident(id=row.id, fields=every)])
    for term in ("organisation", "recipient", "legal_basis"):
        with pytest.raises(ExportError, match="half a character"):
            handover(**{term: "\udcff"})


def test_cases_that_were_not_written_are_not_said_to_have_left(tmp_path: Path):
    """A place that cannot be written, or a term in another encoding: no entry in the audit, and no request for approval."""
    db, ran = ["--db", str(tmp_path / "d.db")], CliRunner()
    assert ran.invoke(root, ["register", "demo", *db, "--cases", "40"]).exit_code == 0
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name in ("csv", "misp", "referral"):
        for out in ("file/sub/out", "file/out.json", "folder" if name != "misp" else "file/feed"):
            assert ran.invoke(root, ["export", name, *db, "--out", str(tmp_path / out)]).exit_code != 0
        told = ran.invoke(root, ["export", name, *db, "--out", str(tmp_path / "x.json"), "--recipient", "\udcff"])
        assert "half a character" in str(told.exception)
    said = ran.invoke(root, ["register", "audit", "show", *db, "--user", "second"]).stdout
    assert "leaving." not in said
    assert ".prepare" not in said
    assert ran.invoke(root, ["export", "csv", *db, "--out", str(tmp_path / "out.csv")]).exit_code == 0
    assert "leaving." in ran.invoke(root, ["register", "audit", "show", *db, "--user", "second"]).stdout


@pytest.mark.parametrize("target", ["m.json", "feed"])
def test_misp_publishes_only_what_was_approved(target: str, tmp_path: Path):
    """A draft is an unpublished event with MISP's own tag for drafts and a title that says it."""
    said = []
    for number, who in enumerate(((), TWO)):
        (tmp_path / str(number)).mkdir()
        path = misp.write(incidents(5), tmp_path / str(number) / target, handover(approvals=who))
        assert [] == misp.check(path)
        file = path if path.is_file() else next(path.glob("*-*.json"))
        event = json.loads(file.read_text())
        event = event.get("Event", event)
        tags = {tag["name"] for tag in event["Tag"]}
        said.append((event.get("published"), event["info"].startswith("DRAFT"), 'workflow:state="draft"' in tags))

    assert [(False, True, True), (True, False, False)] == said


@pytest.mark.parametrize("name", ["htcds", "misuse", "fincen", "dsa", "referral"])
def test_status_follows_approval(name: str, tmp_path: Path):
    """A document with a place for it is a draft until two people approved."""
    states = [
        json.loads(written(name, tmp_path, incidents(5), approvals=who).read_text(encoding="utf-8"))["status"]
        for who in ((), TWO)
    ]

    assert [True, False] == [state.startswith("draft") for state in states]
    assert states[1] == "approved"


def test_csv_draft_is_told_by_the_command(register: str, tmp_path: Path):
    """A table has no place for a mark: whoever writes it is told plainly."""
    assert "IS A DRAFT" in exported("csv", register, tmp_path / "c.csv")
    assert "IS A DRAFT" not in exported("stix", register, tmp_path / "s.json")


@pytest.mark.parametrize("code", ["not_asked", "prefer_not_to_say", "unknown"])
def test_no_answer_is_no_use_of_ai(code: str):
    """A case in which nobody was asked, or nobody knew, is left out of what speaks of AI use."""
    assert export_command._kept(stix, [Incident(id="c", fields={"ai_Capability": [code]})]) == []


def test_a_statement_has_no_date_that_nobody_recorded(tmp_path: Path):
    """Without a quarter there is no statement of reasons, and the file says how many were left out; the notice stands."""
    rows = [Incident(id="c", fields={"ai_Capability": ["website"]}), *incidents(1)]
    made = json.loads(dsa.write(rows, tmp_path / "d.json", Handover()).read_text(encoding="utf-8"))

    assert [len(made["notices_article_18"]), list(made["without_statement"].values())] == [2, [1]]
    assert sum(len(batch["statements"]) for batch in made["batches"]) == 1
