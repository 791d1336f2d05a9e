"""The register: adding, changing, finding, consent, holds, retention, backup, keys and stopped writers."""

import signal
import subprocess
import sys
from datetime import date

import msgspec
import pytest

from threelines.people import keeping
from threelines.people.definition import FormError
from threelines.people.entry import Entry
from threelines.people.register import Register, RegisterError, incidents
from threelines.roles import RoleError, User
from threelines.store.database import StoreError
from threelines.store.keyring import Keyring, KeyringError

TODAY = date(2026, 9, 15)
WORKER = User(id="w1", role="case_worker", team="north")
COLLEAGUE = User(id="w2", role="case_worker", team="north")
SUPERVISOR = User(id="s1", role="supervisor", team="north")
ANALYST = User(id="a1", role="analyst")
ADMIN = User(id="h1", role="admin")
OFFICER = User(id="d1", role="data_protection_officer")
FIELDS = {"ai_Asked": "yes", "ai_Suspected": "suspected", "ai_ContactLanguage": ["lao"], "prs_FirstName": "Example"}


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, WORKER, today=TODAY) as opened:
        yield opened


def test_a_case_comes_back_without_its_identity(register):
    """`get` gives coded fields; the name is in the vault only, and opening it is its own act."""
    case_id = register.add({**FIELDS, "vic_AgeWhenTrafficked": 19})

    assert "prs_FirstName" not in register.get(case_id).fields
    assert register.identity(case_id)["prs_FirstName"] == "Example"
    assert [entry.action for entry in register.audit.entries(record=case_id)] == [
        "case.add",
        "case.read",
        "identity.read",
    ]


def test_a_change_makes_a_revision_and_a_stale_one_is_refused(register):
    """The earlier answer stays readable, and two workers do not overwrite each other."""
    case_id = register.add(FIELDS)

    assert register.update(case_id, {"ai_ContactLanguage": ["khm"]}, revision=1) == 2
    with pytest.raises(RegisterError, match="meanwhile"):
        register.update(case_id, {"ai_ContactLanguage": ["tha"]}, revision=1)
    assert register.get(case_id).fields["ai_ContactLanguage"] == ["khm"]
    assert [content.fields["ai_ContactLanguage"] for _, _, content in register.revisions(case_id)] == [["lao"]]
    assert register.verify(case_id) == 2


def test_none_removes_an_answer_and_a_fault_keeps_nothing(register):
    """An answer can be taken back; a wrong one is refused whole."""
    case_id = register.add(FIELDS)
    register.update(case_id, {"prs_FirstName": None})

    assert register.identity(case_id) == {}
    with pytest.raises(FormError):
        register.add_many([Entry(FIELDS), Entry({"ai_Asked": "perhaps"})])
    assert register.count() == 1


def test_the_age_band_follows_the_age(register):
    """A corrected age corrects its band, one taken back takes it along; a band given without an age stays."""
    case_id = register.add({**FIELDS, "vic_AgeWhenTrafficked": 16})
    assert register.get(case_id).fields["tl_AgeBand"] == "9-17"
    register.update(case_id, {"vic_AgeWhenTrafficked": 30, "tl_AgeBand": "9-17"})
    assert register.get(case_id).fields["tl_AgeBand"] == "24-30"
    register.update(case_id, {"vic_AgeWhenTrafficked": 39})
    assert register.get(case_id).fields["tl_AgeBand"] == "39-47"
    register.update(case_id, {"vic_AgeWhenTrafficked": None})
    assert "tl_AgeBand" not in register.get(case_id).fields
    register.update(case_id, {"tl_AgeBand": "18-23"})
    register.update(case_id, {"ai_ContactLanguage": ["khm"]})
    assert register.get(case_id).fields["tl_AgeBand"] == "18-23"


def test_consent_that_was_not_given_is_no(register):
    """Only a standing yes lets a case leave; withdrawal and expiry end it."""
    case_id = register.add(FIELDS)
    analyst = register.as_user(ANALYST)

    assert list(incidents(analyst)) == []
    register.consent(case_id, "statistics", "yes", giver="self", method="spoken")
    [left] = incidents(analyst)
    assert case_id not in left.id
    assert "prs_FirstName" not in left.fields
    register.withdraw(case_id)
    assert list(incidents(analyst)) == []


def test_consent_expires(register):
    """A yes does not stand for ever."""
    register.add(FIELDS, consent={"statistics": {"value": "yes", "expires": "2026-10-01"}})
    later = Register(register.store, register.keyring, ANALYST, today=date(2026, 10, 1))

    assert len(list(incidents(register.as_user(ANALYST)))) == 1
    assert list(incidents(later)) == []


def test_list_search_and_match_stay_in_scope(register):
    """A colleague sees nothing of another's case; the supervisor of the team does."""
    case_id = register.add({**FIELDS, "prs_MobilePhone": "+856 20 5550 0000"})
    colleague, supervisor = register.as_user(COLLEAGUE), register.as_user(SUPERVISOR)

    assert [row.id for row in register.list()] == [case_id]
    assert colleague.list() == []
    assert [row.id for row in supervisor.search({"ai_ContactLanguage": "lao"})] == [case_id]
    assert supervisor.search({"ai_ContactLanguage": "khm"}) == []
    assert register.match({"prs_MobilePhone": "+8562055500000"}) == [case_id]
    assert colleague.match({"prs_MobilePhone": "+8562055500000"}) == []
    with pytest.raises(FormError):
        supervisor.search({"prs_FirstName": "Example"})
    with pytest.raises(RoleError):
        colleague.get(case_id)
    assert list(register.audit.entries(record=case_id))[-1].action == "case.refused"


def test_retention_destroys_identity_and_a_hold_stops_it(register):
    """24 months after closing the names go; with consent the statistics stay; a held case stays whole."""
    closed = {**FIELDS, "cas_Status": "Closed"}
    kept = register.add(closed, consent={"statistics": {"value": "yes", "expires": "2030-01-01"}})
    gone, held = register.add(closed), register.add(closed)
    officer = Register(register.store, register.keyring, OFFICER, today=date(2028, 12, 1))
    officer.hold(held, on=True)

    assert {row.id for row in keeping.due(officer)} == {kept, gone}
    assert keeping.apply_retention(officer) == (1, 1)
    assert register.identity(held)["prs_FirstName"] == "Example"
    with register.store.read() as connection:
        assert register.vault.read(connection, kept) == {}
    assert {row.id for row in officer.list()} == {kept, held}
    with pytest.raises(RegisterError, match="legal hold"):
        keeping.erase(officer, held)
    officer.hold(held, on=False)
    keeping.erase(officer, held)
    assert {row.id for row in officer.list()} == {kept}


def test_another_retention_time_holds_for_closed_cases_too(register):
    """The time runs from the closing: shorter or longer, it moves what is closed, and no open case."""
    early = register.add({**FIELDS, "cas_Status": "Closed"})
    later = Register(register.store, register.keyring, WORKER, today=date(2027, 3, 1))
    late, still_open = later.add({**FIELDS, "cas_Status": "Closed"}), later.add(FIELDS)
    officer = Register(register.store, register.keyring, OFFICER, today=date(2027, 11, 1))

    def ends():
        return {row.id: row.destroy_after for row in officer.list()}

    assert ends() == {early: "2028-09", late: "2029-03", still_open: None}
    officer.set("retention_months", "6")
    assert ends() == {early: "2027-03", late: "2027-09", still_open: None}
    assert {row.id for row in keeping.due(officer)} == {early, late}
    officer.set("retention_months", "12")
    assert ends() == {early: "2027-09", late: "2028-03", still_open: None}
    assert {row.id for row in keeping.due(officer)} == {early}
    for wrong in ("0", "-3", "many", ""):
        with pytest.raises(RegisterError, match="months"):
            officer.set("retention_months", wrong)
    with pytest.raises(RoleError):
        register.set("retention_months", "1")


def test_a_backup_comes_back_whole_and_replaces_nothing(register, tmp_path):
    """A restored copy has the same cases, values and audit, and beside them the mark of the restore (a setting and a
    release of two values, three entries); an existing database is never overwritten.
    """
    case_id = register.add(FIELDS)
    officer = register.as_user(OFFICER)
    counted = keeping.backup(officer, tmp_path / "b.db")

    restored = keeping.restore(tmp_path / "b.db", tmp_path / "new.db", keyring=register.keyring, user=ADMIN)
    marked = {"sealed_values": counted.sealed_values + 3, "audit_entries": counted.audit_entries + 3}
    assert restored == msgspec.structs.replace(counted, **marked)
    with Register.open(tmp_path / "new.db", register.keyring, WORKER, today=TODAY) as again:
        assert again.identity(case_id)["prs_FirstName"] == "Example"
    with pytest.raises(StoreError, match="never replaces"):
        keeping.restore(tmp_path / "b.db", tmp_path / "new.db", keyring=register.keyring, user=ADMIN)


def test_a_backup_that_was_not_made_leaves_no_entry_and_no_file(register, tmp_path, monkeypatch):
    """An unwritable place is one message, before the audit says that a copy left; a copy that breaks off is removed."""
    officer, entries = register.as_user(OFFICER), register.audit.verify()
    (tmp_path / "file").write_text("x")
    for make in (keeping.backup, keeping.dump):
        with pytest.raises(StoreError, match="cannot be written"):
            make(officer, tmp_path / "file" / "b.db")
    assert register.audit.verify() == entries

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping, "_copy_sqlite", full)
    with pytest.raises(StoreError, match="No space left"):
        keeping.backup(officer, tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()


def test_a_restore_asks_for_its_right_and_a_failed_one_leaves_nothing(register, tmp_path):
    """Another role restores nothing; after a damaged backup or another key the same command works with the right one."""
    register.add(FIELDS)
    keeping.backup(register.as_user(OFFICER), tmp_path / "b.db")
    keeping.dump(register.as_user(OFFICER), tmp_path / "d")
    whole, new = (tmp_path / "b.db").read_bytes(), tmp_path / "new.db"
    (tmp_path / "half.db").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.db").write_bytes(whole[:100] + b"x" * 5000)
    other = Keyring.create(tmp_path / "other.key")

    for user in (WORKER, SUPERVISOR, ANALYST, OFFICER):
        with pytest.raises(RoleError, match=r"store\.restore"):
            keeping.restore(tmp_path / "b.db", new, keyring=register.keyring, user=user)
    tries = [
        ("half.db", register.keyring),
        ("no.db", register.keyring),
        ("b.db", other),
        ("d", other),
    ]
    for name, keyring in tries:
        with pytest.raises((StoreError, KeyringError)):
            keeping.restore(tmp_path / name, new, keyring=keyring, user=ADMIN)
        assert list(tmp_path.glob("new.db*")) == [], name
    with pytest.raises(StoreError, match="new file"):
        keeping.restore(tmp_path / "b.db", "postgresql+psycopg://x/y", keyring=register.keyring, user=ADMIN)
    assert keeping.restore(tmp_path / "b.db", new, keyring=register.keyring, user=ADMIN).cases == 1


def test_a_dump_comes_back_and_a_cut_one_is_refused(register, tmp_path):
    """The sealed dump restores into any database; without its end nothing is restored."""
    case_id = register.add(FIELDS)
    keeping.dump(register.as_user(OFFICER), tmp_path / "d")
    keeping.restore(tmp_path / "d", tmp_path / "whole.db", keyring=register.keyring, user=ADMIN)
    (tmp_path / "c").write_bytes(b"\n".join((tmp_path / "d").read_bytes().splitlines()[:-1]) + b"\n")

    with Register.open(tmp_path / "whole.db", register.keyring, WORKER, today=TODAY) as again:
        assert again.get(case_id).fields["ai_ContactLanguage"] == ["lao"]
    with pytest.raises((StoreError, KeyringError)):
        keeping.restore(tmp_path / "c", tmp_path / "cut.db", keyring=register.keyring, user=ADMIN)


def test_rotation_seals_everything_anew(register):
    """After a rotation every case opens, a person is still found, and the audit still verifies."""
    case_id = register.add({**FIELDS, "prs_MobilePhone": "+856 20 5550 0000"})
    register.update(case_id, {"ai_ContactLanguage": ["khm"]})

    assert keeping.rotate(register.as_user(OFFICER)) >= 3
    assert register.get(case_id).fields["ai_ContactLanguage"] == ["khm"]
    assert register.match({"prs_MobilePhone": "+8562055500000"}) == [case_id]
    assert register.verify(case_id) == 2
    assert register.audit.verify() > 0


def test_rotation_changes_no_id_that_recipients_hold(register):
    """Twice new keys: the case leaves under the id it had, for each purpose another one, for no other case."""
    first, second = register.add(FIELDS), register.add(FIELDS)
    before = [register.export_id(first, purpose) for purpose in ("statistics", "research")]
    for _ in range(2):
        keeping.rotate(register.as_user(OFFICER))

    assert [register.export_id(first, purpose) for purpose in ("statistics", "research")] == before
    assert len({*before, register.export_id(second, "statistics")}) == 3


def test_exported_ids_are_those_of_earlier_versions(register):
    """Whoever upgrades changes no id that recipients hold: it is the keyed tag of the case under its purpose."""
    case_id = register.add(FIELDS)
    tag = register.keyring.tag(case_id.encode(), b"export:statistics").hex()

    assert register.export_id(case_id, "statistics") == "x" + tag[:24]


def test_wipe_destroys_keys_and_file(register):
    """One confirmed command leaves neither key nor database."""
    register.add(FIELDS)
    officer = register.as_user(OFFICER)
    with pytest.raises(RegisterError, match="confirm"):
        keeping.wipe(officer, confirm="yes")
    path = register.store.path
    keeping.wipe(officer, confirm=register.keyring.organisation)

    assert not path.exists()
    assert not register.keyring.path.exists()


WRITER = """
from pathlib import Path
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.keyring import Keyring
keyring = Keyring.open(Path({key!r}))
with Register.open({db!r}, keyring, User(id="w1", role="case_worker")) as register:
    for _ in range(1000):
        print(register.add({{"ai_Asked": "yes", "prs_FirstName": "Example"}}), flush=True)
"""


def test_kill_9_in_the_middle_of_writes_loses_no_acknowledged_one(tmp_path):
    """A process killed while it writes 1,000 cases leaves every case that it had printed, and a whole audit."""
    keyring = Keyring.create(tmp_path / "k.key")
    code = WRITER.format(key=str(keyring.path), db=str(tmp_path / "k.db"))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as writer:
        acknowledged = [writer.stdout.readline().strip() for _ in range(150)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line.strip() for line in writer.stdout if line.endswith("\n")]
        assert writer.stderr.read() == ""
    assert writer.returncode == -signal.SIGKILL

    with Register.open(tmp_path / "k.db", keyring, WORKER) as register:
        for case_id in acknowledged:
            assert register.identity(case_id) == {"prs_FirstName": "Example"}
        assert keeping.check(register.store, keyring).cases >= len(acknowledged) >= 150
        assert len(acknowledged) < 1000
