"""Bringing cases in: HTCDS in the spellings that exist, form submissions, CSV, reviewed findings."""

import json
import subprocess
import sys
from datetime import date

import openpyxl
import pytest

from threelines.people.definition import ASKED, FormError, load_form
from threelines.people.importing import blank_csv, import_file
from threelines.people.keeping import rotate
from threelines.people.register import Register
from threelines.people.sheet import ImportingError
from threelines.roles import User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
SUPERVISOR = User(id="s1", role="supervisor", team="north")
FORM = load_form()


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, SUPERVISOR, today=TODAY) as opened:
        yield opened


def _import(register, tmp_path, name, text, **options):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return import_file(register, path, **options)


def _only(register, done):
    (case_id,) = done.added
    return register.get(case_id)


def test_htcds_in_the_spelling_of_its_own_form(register, tmp_path):
    """XLSForm names with underscores, the trailing space of `DebtBondage `, a select-multiple of industries."""
    text = (
        "prs_First_Name,vic_Methods_of_Control,vic_ForcedLabourIndustry,prs_PrimaryLanguage,con_Consent\n"
        'Example,"DebtBondage , FalsePromises","A_AgricultureForestryAndFishing F_Construction",fre,Yes\n'
    )
    case = _only(register, _import(register, tmp_path, "h.csv", text))

    assert case.fields["vic_MethodsOfControl"] == ["DebtBondage", "FalsePromises"]
    assert case.fields["vic_ForcedLabourIndustry"] == ["A_AgricultureForestryAndFishing", "F_Construction"]
    assert case.fields["prs_PrimaryLanguage"] == "fra"
    assert register.identity(case.id)["prs_FirstName"] == "Example"
    assert case.consent["services"].value == "yes"


def test_the_flat_workbooks_typo_and_blank_header(register, tmp_path):
    """`vic_TraffickinStatus…` and the cell without a name before the outgoing date are understood."""
    text = (
        "vic_TraffickinStatusDecisionMakingOrg,cas_ReferredPrimaryCaseWorker,,cas_OutgoingReferralDate\n"
        "NGO,Somebody,Additional Services Required,2024-05-06\n"
    )
    case = _only(register, _import(register, tmp_path, "f.csv", text))

    assert case.fields["vic_TraffickingStatusDecisionMakingOrg"] == "NGO"
    assert case.fields["cas_ReasonForOutgoingReferral"] == "AdditionalServicesRequired"


def test_values_of_field_definitions_that_the_list_lacks_are_kept(register, tmp_path):
    """`RestrictsMovement` is defined by HTCDS and not in its list; forced criminality is asked for since 2023."""
    text = "vic_MethodsOfControl;vic_TypeOfExploitation\nRestrictsMovement;ForcedCriminality\n"
    case = _only(register, _import(register, tmp_path, "x.csv", text))

    assert case.fields["vic_MethodsOfControl"] == ["RestrictsMovement"]
    assert case.fields["vic_TypeOfExploitation"] == ["ForcedCriminality"]


@pytest.mark.parametrize("missing", ["NULL", "-99", "", "N/A"])
def test_missing_is_not_no(register, tmp_path, missing):
    """What a file marks as not recorded is absent, never `no` and never a value."""
    case = _only(
        register, _import(register, tmp_path, "m.csv", f"prs_Gender,vic_AgeWhenTrafficked\nFeminine,{missing}\n")
    )

    assert "vic_AgeWhenTrafficked" not in case.fields


def test_old_records_were_not_asked_about_ai(register, tmp_path):
    """A file without AI questions does not enter any denominator; one with an answer does."""
    old = _import(register, tmp_path, "o.csv", "prs_Gender\nFeminine\n")
    new = _import(
        register,
        tmp_path,
        "n.csv",
        "ai_Suspected,ai_Capability,ai_EvidenceBasis\nprobable,voice_clone,survivor_account\n",
    )

    assert _only(register, old).fields["ai_Asked"] == "no"
    assert _only(register, new).fields["ai_Asked"] == "yes"


def test_a_form_servers_submission(register, tmp_path):
    """Groups, system columns and an instance id; importing it twice keeps one case."""
    row = {
        "_id": 7, "_uuid": "u-1", "formhub/uuid": "f", "__version__": "v", "_submission_time": "2026-09-01T00:00:00",
        "ai": {"ai_Asked": "yes", "ai_Suspected": "suspected", "ai_Capability": "voice_clone translation_text"},
        "consent/consent_statistics": "yes",
    }  # fmt: skip
    text = json.dumps({"count": 1, "results": [row]})
    case = _only(register, _import(register, tmp_path, "k.json", text))
    again = _import(register, tmp_path, "k2.json", text)

    assert case.fields["ai_Capability"] == ["translation_text", "voice_clone"]
    assert case.consent["statistics"].value == "yes"
    assert (again.added, again.known) == ((), 1)


@pytest.mark.parametrize("column", ["_submission_time", "SubmissionDate"])
def test_a_submission_counts_from_its_day(register, tmp_path, column):
    """Consent was given, and the case recorded, when the form was sent: a consent of 2023 is over by 2026."""
    head = f"prs_Gender,{column},consent.statistics\n"
    rows = "Feminine,2023-02-03T10:11:12,yes\nFeminine,2026-02-03 10:11:12.345+07:00,yes\nFeminine,2026-09-16,yes\n"
    old, new, ahead = map(register.get, _import(register, tmp_path, "d.csv", head + rows).added)

    assert (old.consent["statistics"].given, old.consent["statistics"].expires) == ("2023-02-03", "2025-02-01")
    assert [case.consent["statistics"].stands(TODAY) for case in (old, new, ahead)] == [False, True, True]
    assert [case.provenance["recorded"] for case in (old, new, ahead)] == ["2023-02-03", "2026-02-03", "2026-09-15"]
    assert [case.row.quarter for case in (old, new)] == ["2023-Q1", "2026-Q1"]
    assert len(list(register.incidents("statistics"))) == 2


def test_a_submission_day_that_cannot_be_read_is_refused(register, tmp_path):
    """Today would make an old consent fresh; who means today leaves the column out on purpose."""
    text = "prs_Gender,_submission_time,consent.statistics\n" + "".join(
        f"Feminine,{day},yes\n" for day in ("03/02/2023", "2023-02-30", "2023-02-031", "2031-01-01", "", "2026-09-01")
    )
    done = _import(register, tmp_path, "d.csv", text)

    assert [(row, problems[0].field) for row, problems in done.refused] == [
        (n, "_submission_time") for n in range(2, 7)
    ]
    assert _only(register, done).consent["statistics"].given == "2026-09-01"
    assert len(_import(register, tmp_path, "d2.csv", text, ignore=["_submission_time"]).added) == 6


def test_a_submission_that_stands_twice_in_a_file_is_kept_once(register, tmp_path):
    """The same id, in either spelling, is one submission; a row with a fault does not stand for a good one behind it."""
    text = "_uuid,prs_Gender\nu-1,Feminine\nu-1,Feminine\nuuid:u-1,Feminine\nu-2,WRONG\nu-2,Feminine\n,Feminine\n,Feminine\n"
    done = _import(register, tmp_path, "t.csv", text)

    assert (len(done.added), done.known, [row for row, _ in done.refused]) == (4, 2, [5])


def test_a_submission_kept_under_its_prefixed_id_is_known(register, tmp_path):
    """Cases that an earlier version imported from `meta/instanceID` are found again."""
    register.add({"ai_Asked": "no", "tl_SubmissionId": "uuid:u-1"})
    row = {"_uuid": "u-1", "meta": {"instanceID": "uuid:u-1"}, "prs_Gender": "Feminine"}

    assert _import(register, tmp_path, "p.json", json.dumps([row])).known == 1


def test_the_id_of_the_form_is_no_id_of_a_submission(register, tmp_path):
    """Every submission of a form has the same `formhub/uuid`; the second one is not taken for the first."""
    rows = [{"_uuid": f"u-{number}", "formhub/uuid": "f", "prs_Gender": "Feminine"} for number in range(2)]

    assert len(_import(register, tmp_path, "f.json", json.dumps(rows)).added) == 2
    assert len(_import(register, tmp_path, "g.json", json.dumps([{**rows[0], "_uuid": "u-3"}])).added) == 1


def test_a_choice_per_column(register, tmp_path):
    """Exports that split a select-multiple into columns of 0 and 1 are put together again."""
    text = "ai_Asked,ai_PlatformClass/dating,ai_PlatformClass/messaging,ai_PlatformClass/gaming\nyes,1,True,0\n"
    case = _only(register, _import(register, tmp_path, "s.csv", text))

    assert case.fields["ai_PlatformClass"] == ["dating", "messaging"]


def test_a_choice_that_cannot_be_read_is_refused(register, tmp_path):
    """It is not left out as if it had not been chosen; the choice's own code counts as chosen."""
    text = "ai_Asked,ai_PlatformClass/dating\nyes,maybe\nyes,dating\n"
    done = _import(register, tmp_path, "s.csv", text)

    assert _only(register, done).fields["ai_PlatformClass"] == ["dating"]
    assert [(row, problems[0].field) for row, problems in done.refused] == [(2, "ai_PlatformClass/dating")]


def test_an_unknown_column_stops_the_import(register, tmp_path):
    """Nothing is dropped silently: the column is named, and may be left out on purpose."""
    text = "prs_Gender,shoe_size\nFeminine,38\n"
    with pytest.raises(ImportingError, match="shoe_size"):
        _import(register, tmp_path, "u.csv", text)

    assert register.count() == 0
    assert len(_import(register, tmp_path, "u2.csv", text, ignore=["shoe_size"]).added) == 1


@pytest.mark.parametrize(
    "column", ["id", "ID", "status", "Notes", "tags", "index", "version", "case/status", "ai_other_note"]
)
def test_a_column_of_the_team_is_no_system_column(register, tmp_path, column):
    """`status` may say that the case is closed: a name without the server's underscore stops the import."""
    with pytest.raises(ImportingError, match=column):
        _import(register, tmp_path, "u.csv", f"prs_Gender,{column}\nFeminine,Closed\n")

    assert register.count() == 0


def test_system_columns_are_passed_over(register, tmp_path):
    """What Kobo and ODK add in their exports and answers holds nothing of the case."""
    kobo = "_id _uuid _submission_time _validation_status _notes _status _submitted_by __version__ _version_ _tags _index".split()
    more = "start end today deviceid _version__001 meta/rootUuid _attachments _geolocation _xform_id_string formhub/uuid".split()
    central = "SubmissionDate meta-instanceID KEY SubmitterID SubmitterName AttachmentsPresent ReviewState DeviceID Edits".split()
    for number, names in enumerate((kobo + more, central, ["group/ai_other_note"])):
        filled = [f"2026-09-0{number + 1}" if "ubmission" in name else f"{number}" for name in names]
        cells = "" if "ai_other_note" in names[0] else ",".join(filled)
        done = _import(register, tmp_path, f"s{number}.csv", f"prs_Gender,{','.join(names)}\nFeminine,{cells}\n")
        assert _only(register, done).fields["prs_Gender"] == "Feminine"


def test_the_validation_of_a_form_server_is_passed_over(register, tmp_path):
    """Kobo's JSON holds it as an object."""
    row = {
        "prs_Gender": "Feminine",
        "_validation_status": {"uid": "approved", "by_whom": "w"},
        "_supplementalDetails": {},
    }

    assert len(_import(register, tmp_path, "v.json", json.dumps([row])).added) == 1


def test_a_bad_row_is_reported_and_the_others_kept(register, tmp_path):
    """Row number and field are told, the answer never."""
    done = _import(register, tmp_path, "b.csv", "prs_Gender,prs_FirstName\nFeminine,A\nSECRET-NAME,B\n")

    assert len(done.added) == 1
    assert [(row, problem.field) for row, problems in done.refused for problem in problems] == [(3, "prs_Gender")]
    assert "SECRET" not in repr(done)


def test_findings_that_make_no_case_are_counted(register, tmp_path):
    """What nobody decided and what was decided otherwise are told apart, and neither is skipped in silence."""
    rows = [_finding("refer"), _finding("dismiss"), _finding(None), {**_finding(""), "review": {"decision": ""}}]
    done = _import(register, tmp_path, "f.json", json.dumps(rows))

    assert (len(done.added), done.undecided, done.others) == (1, 2, 1)
    assert done.summary.startswith("1 added, 0 known already, 0 refused, 1 decided otherwise")
    assert "2 have no decision refer or support; decide them in the console" in done.summary


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_row_that_does_not_fit_its_header_is_refused(register, tmp_path, mark):
    """A delimiter without quotes moves every answer behind it: the row is told and left out, whatever marks the cells."""
    rows = [
        ["prs_FirstName", "consent_statistics", "consent_share_with_police"],
        ["A", "yes", "no"],
        ["SECRET", "B", "yes", "no"],
        ["SECRET", "yes"],
        ["C", "yes", "no"],
    ]
    done = _import(register, tmp_path, "c.csv", "\n".join(mark.join(row) for row in rows) + "\n")

    assert len(done.added) == 2
    assert [(row, problem.field) for row, problems in done.refused for problem in problems] == [(3, "row"), (4, "row")]
    assert {register.get(case_id).consent["share_with_police"].value for case_id in done.added} == {"no"}
    assert "SECRET" not in repr(done)


def test_a_quote_that_is_not_closed_stops_the_import(register, tmp_path):
    """It would take the rows behind it into one cell, without a word."""
    text = 'prs_Gender,prs_FirstName\nFeminine,"A\nFeminine,B\n'
    with pytest.raises(ImportingError, match="quote"):
        _import(register, tmp_path, "q.csv", text)

    assert register.count() == 0


def test_a_column_that_stands_twice_with_two_answers_is_refused(register, tmp_path):
    """Neither answer wins by its place, in two columns of one name or in two names of one purpose."""
    same = "prs_Gender,consent_statistics,consent_statistics\nFeminine,no,yes\nFeminine,yes,yes\n"
    names = "prs_Gender,con_ConsentReporting,consent.statistics\nFeminine,no,yes\nFeminine,no,no\n"

    for name, text in (("same.csv", same), ("names.csv", names)):
        done = _import(register, tmp_path, name, text)
        assert ([row for row, _ in done.refused], len(done.added)) == ([2], 1)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Yes ", "yes"), ("TRUE", "yes"), (1, "yes"), (True, "yes"), ("granted", "yes"), ("Oui", "yes"), ("SI\u0301", "yes"), ("да", "yes"),
        ("No", "no"), ("false", "no"), (0, "no"), (False, "no"), ("Non", "no"), ("không", "no"), ("不同意", "no"), (" WITHDRAWN", "withdrawn"),
    ],
)  # fmt: skip
def test_consent_is_read_as_people_write_it(register, tmp_path, written, read):
    """Any case and spacing, numbers, and the languages of the project: `Oui` is no refusal."""
    row = json.dumps([{"ai_Asked": "no", "consent": {"consent_statistics": written}}])

    assert _only(register, _import(register, tmp_path, "c.json", row)).consent["statistics"].value == read


@pytest.mark.parametrize("column", ["consent.statistics", "con_Consent"])
def test_consent_that_cannot_be_read_is_no_refusal(register, tmp_path, column):
    """Neither a yes nor a no is made of it: the row is refused by number and field."""
    done = _import(register, tmp_path, "c.csv", f"prs_Gender,{column}\nFeminine,yes\nFeminine,MAYBE\n")

    assert len(done.added) == 1
    assert [(row, problem.field) for row, problems in done.refused for problem in problems] == [(3, column)]
    assert "MAYBE" not in repr(done)


@pytest.mark.parametrize(
    ("name", "text"), [("x.json", "{"), ("x.txt", "a"), ("x.jsonl", "{\n"), ("x.json", "[" * 100_000)]
)
def test_unreadable_files_are_refused(register, tmp_path, name, text):
    """The message names the file."""
    with pytest.raises(ImportingError, match="x"):
        _import(register, tmp_path, name, text)


_PEOPLE = "prs_FirstName,prs_SecondName,prs_Birthdate,prs_MobilePhone,ai_Asked,consent.statistics\n" + "".join(
    f"Asha,Example{letter},199{number}-03-0{number + 1},+2547001234{number}0,no,yes\n"
    for number, letter in enumerate("ABCDEF")
)


def test_a_row_is_known_again_when_the_file_was_mended(register, tmp_path):
    """Rows without an id are known by all that they say, also under other columns and after the keys were rotated."""
    assert len(_import(register, tmp_path, "p.csv", _PEOPLE.replace("1994-03-05", "soon")).added) == 5
    again = _import(register, tmp_path, "p2.csv", _PEOPLE.replace("ai_Asked", "ai_asked"))
    assert (len(again.added), again.known, again.refused, again.by_answers) == (1, 5, (), ())

    rotate(register.as_user(User(id="o", role="data_protection_officer")))
    assert _import(register, tmp_path, "p3.csv", _PEOPLE).known == 6
    assert register.count() == 6


def test_a_row_of_a_known_person_is_asked_about(register, tmp_path):
    """Somebody of the register, or of a row before, is added a second time only by the number of the row."""
    (first, *_) = _import(register, tmp_path, "p.csv", _PEOPLE).added
    head, row, *_ = _PEOPLE.splitlines()
    text = f"{head}\n{row.replace('Asha', 'Aisha')}\n\n{row.replace('2547', '2557')},\n".replace(",\n", "\n")
    text += "Bea,New,1980-01-01,+255700999001,no,yes\nBea,New,1980-01-01,,yes,yes\n"

    done = _import(register, tmp_path, "q.csv", text)
    assert (len(done.added), done.alike) == (1, ((2, f"case {first}"), (4, f"case {first}"), (6, "row 5")))
    done = _import(register, tmp_path, "q.csv", text, anyway=[2])
    assert (len(done.added), done.known, [number for number, _ in done.alike]) == (1, 1, [4, 6])
    assert _import(register, tmp_path, "q.csv", text, anyway=[2]).known == 2


def test_a_colleague_of_another_team_is_told_nothing_of_a_person(register, tmp_path):
    """Who is asked about is somebody that this user may find."""
    _import(register, tmp_path, "p.csv", _PEOPLE)
    south = register.as_user(User(id="s2", role="supervisor", team="south"))
    text = _PEOPLE.replace("Asha", "Aisha")

    assert _import(south, tmp_path, "q.csv", text).alike == ()


def test_equal_rows_that_name_nobody_are_each_somebody(register, tmp_path):
    """Two callers can answer alike: the file's rows are both kept, and known again; one more is added by its number."""
    text = "ai_Asked,prs_Gender\nno,Feminine\nno,Feminine\n"
    assert len(_import(register, tmp_path, "a.csv", text).added) == 2
    again = _import(register, tmp_path, "b.csv", text)
    assert (again.added, again.known, again.by_answers) == ((), 2, (2, 3))
    assert len(_import(register, tmp_path, "b.csv", text, anyway=[3]).added) == 1


def test_the_questions_of_our_form_are_column_names(register, tmp_path):
    """Kobo can write a question's text for its name, also with a choice behind it; what several ask is asked back."""
    platforms, statistics = FORM.fields["ai_PlatformClass"], FORM.list["consent_purpose"]["statistics"]
    code, label = next(iter(FORM.choices(platforms).items()))
    head = f'"{FORM.fields[ASKED].label}","{platforms.label}/{label}","{statistics}",Gender,Type'
    case = _only(register, _import(register, tmp_path, "k.csv", f"{head}\nyes,1,yes,Feminine,\n"))

    assert case.fields["ai_PlatformClass"] == [code]
    assert (case.fields["prs_Gender"], case.consent["statistics"].value) == ("Feminine", "yes")
    with pytest.raises(ImportingError, match=r"Type .a question of .*hte_Type"):
        _import(register, tmp_path, "k.csv", f"{head}\nyes,1,yes,Feminine,Other\n")
    with pytest.raises(ImportingError, match="unknown columns: Gender of the child, Type"):
        _import(register, tmp_path, "t.csv", "prs_Gender,Type,Gender of the child\nFeminine,a,b\n")


def _workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"s{number}")
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_as_its_table(register, tmp_path):
    """Days, numbers and empty rows as Excel keeps them; the number of a faulty row is the one that Excel shows."""
    rows = [
        ["prs_Gender", "prs_Birthdate", "vic_AgeWhenTrafficked"],
        ["Feminine", date(1990, 5, 6), 17.0],
        [],
        ["no", None, 1],
    ]
    done = import_file(register, _workbook(tmp_path / "w.XLSX", rows, []))

    (case,) = done.added
    assert register.identity(case)["prs_Birthdate"] == "1990-05-06"
    assert register.get(case).fields["vic_AgeWhenTrafficked"] == 17
    assert [(row, problems[0].field) for row, problems in done.refused] == [(4, "prs_Gender")]


def test_files_of_excel_are_refused_with_the_way_out(register, tmp_path):
    """Several sheets, a torn workbook, and a table in the code page of a country: each says how to save it."""
    with pytest.raises(ImportingError, match="s0, s1; save that of the cases"):
        import_file(register, _workbook(tmp_path / "w.xlsx", [["prs_Gender"]], [["x"]]))
    (tmp_path / "torn.xlsx").write_bytes(b"PK\x03\x04 torn")
    (tmp_path / "old.csv").write_bytes("prs_FirstName\nN\xe9a\n".encode("cp1252"))
    for name in ("torn.xlsx", "old.csv"):
        with pytest.raises(ImportingError, match="CSV UTF-8"):
            import_file(register, tmp_path / name)


def _exported(register, tmp_path):
    """Return an HTCDS export of one invented case of the register."""
    htcds = pytest.importorskip("threelines.exports.htcds")
    from threelines.exports.sharing import Handover

    fields = {
        "ai_Asked": "yes",
        "ai_Suspected": "none",
        "prs_Gender": "Feminine",
        "vic_TypeOfExploitation": ["ForcedLabour"],
    }
    register.add(fields, consent={htcds.PURPOSE: "yes"})
    return htcds.write(register.incidents(htcds.PURPOSE), tmp_path / "h.json", Handover(organisation="Example"))


def test_our_own_htcds_export_comes_back(register, tmp_path):
    """Another organisation that uses threelines can read what this one exported, and takes it once."""
    path = _exported(register, tmp_path)
    with Register.open(tmp_path / "o.db", Keyring.create(tmp_path / "o.key"), SUPERVISOR, today=TODAY) as other:
        case = _only(other, import_file(other, path))
        again = import_file(other, path)

    assert case.fields["vic_TypeOfExploitation"] == ["ForcedLabour"]
    assert case.fields["ai_Asked"] == "yes"
    assert (again.added, again.known) == ((), 1)


def test_a_register_knows_its_own_export(register, tmp_path):
    """An export brought into the register that it came from adds nothing."""
    done = import_file(register, _exported(register, tmp_path))

    assert (done.added, done.known) == ((), 1)


@pytest.mark.parametrize(
    "number",
    ["A1234567", "A\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "a \u0967\u0968\u0969\u096a\u096b\u096c\u096d"],
)
def test_a_document_is_one_in_the_digits_of_any_script(register, number):
    """The number of a document finds its person in Arabic, Hindi or European digits."""
    case = register.add({"ai_Asked": "no", "prs_IdentityNumber": number})

    assert list(register.match({"prs_IdentityNumber": "A1234567"})) == [case]


def _finding(decision):
    return {
        "thread": {"kind": "advert", "id": "adv-1", "records": ["r1"]}, "concern": 0.8, "tier": "priority", "ai_use": 0.9,
        "capabilities": ["translation"], "support": False, "explanation": "Words of a real advert",
        "elements": {"act": ["recruitment"], "means": ["deception"], "purpose": ["forced_labour"]}, "signals": [],
        "decision": decision,
    }  # fmt: skip


@pytest.mark.parametrize("thread", [5, None, {"kind": "advert"}, {"kind": ["advert"], "id": "adv-1"}])
def test_a_broken_finding_is_reported_and_the_others_kept(register, tmp_path, thread):
    """One line that is no finding of a scan stops nothing: its number in the file is told, its content never."""
    broken = [{**_finding("refer"), "thread": thread}, {**_finding("refer"), "capabilities": [["SECRET"]]}]
    done = _import(register, tmp_path, "f.json", json.dumps([_finding("dismiss"), *broken, _finding("refer"), 7]))

    assert len(done.added) == 1
    assert [number for number, _ in done.refused] == [2, 3, 5]
    assert "SECRET" not in repr(done)


def test_a_row_that_is_nested_too_deep_is_reported_and_the_others_kept(register, tmp_path):
    """A line made to break the reader is one fault of many lines."""
    deep = '{"a":' * 50_000 + "1" + "}" * 50_000
    done = _import(register, tmp_path, "d.jsonl", f'{deep}\n7\n{{"prs_FirstName": "A"}}\n')

    assert len(done.added) == 1
    assert [number for number, _ in done.refused] == [1, 2]


def test_only_findings_that_a_person_took_become_cases(register, tmp_path):
    """A finding is suspected at most, was not an interview, and its words stay in the vault."""
    rows = [_finding("refer"), _finding("dismiss"), {**_finding("refer"), "decision": None}]
    case = _only(register, _import(register, tmp_path, "f.jsonl", "\n".join(map(json.dumps, rows))))

    assert (case.fields["ai_Asked"], case.fields["ai_Suspected"]) == ("not_possible", "suspected")
    assert case.fields["vic_TypeOfExploitation"] == ["ForcedLabour"]
    assert case.consent == {}
    assert "Words of a real advert" not in json.dumps(case.fields)
    assert register.identity(case.id)["ai_Notes"] == "Words of a real advert"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_a_quote_with_a_line_separator_is_in_one_line(register, tmp_path, mark):
    """JSON writes U+2028 and its like as they are: a line of JSON lines ends at a line feed alone."""
    row = {**_finding("refer"), "explanation": f"pay the fee{mark}now"}
    done = _import(register, tmp_path, "f.jsonl", json.dumps(row, ensure_ascii=False) + "\n")
    (case_id,) = done.added
    assert mark in register.identity(case_id)["ai_Notes"]


def test_half_a_character_is_refused_by_its_field(register, tmp_path):
    """A lone surrogate cannot be written as UTF-8: its row is told with the field, and the others are kept."""
    rows = [{"ai_Asked": "no", "ai_Notes": "a cut emoji \ud83d"}, {"ai_Asked": "no", "ai_Notes": "whole"}]
    done = _import(register, tmp_path, "f.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    ((number, problems),) = done.refused
    assert (number, len(done.added)) == (1, 1)
    assert (problems[0].field, "half of one" in problems[0].fault) == ("ai_Notes", True)
    for name in ("ai_Notes", "prs_IdentityNumber"):
        with pytest.raises(FormError, match=name):
            register.add({"ai_Asked": "no", name: "\udfff"})


def test_the_empty_table_is_understood(register, tmp_path):
    """The header that `register form --csv` prints has no column that the import does not know."""
    for short in (True, False):
        header = blank_csv(short=short)
        assert _import(register, tmp_path, f"e{short}.csv", header).added == ()


# ---------------------------------------------------------------------- the form


def test_two_imports_of_one_file_at_once_take_it_once(register, tmp_path):
    """What two processes that start together add is the file, once; a row is known to the one that comes second."""
    path, count = tmp_path / "k.csv", 120
    rows = [f"uuid-{number},no,Name{number},+373691{20000 + number}" for number in range(count)]
    path.write_text("\n".join(["_uuid,ai_Asked,prs_FirstName,prs_MobilePhone", *rows]) + "\n", encoding="utf-8")
    program = """
import sys
from pathlib import Path
from threelines.people.importing import import_file
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.keyring import Keyring

database, key, source = map(Path, sys.argv[1:])
with Register.open(database, Keyring.open(key), User(id="s1", role="supervisor")) as register:
    print("ready", flush=True)
    sys.stdin.readline()
    done = import_file(register, source)
print(len(done.added), done.known, len(done.alike), len(done.refused))
"""
    command = [sys.executable, "-c", program, *map(str, (tmp_path / "r.db", tmp_path / "r.key", path))]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for each in both:
        assert each.stdout.readline() == "ready\n"
    for each in both:
        each.stdin.write("go\n")
        each.stdin.flush()
    told = [tuple(map(int, each.communicate(timeout=60)[0].split())) for each in both]

    assert register.count() == count
    assert sorted(told) == [(0, count, 0, 0), (count, 0, 0, 0)]
