"""Columns in clear that decide what may happen: whoever sets one by SQL, without a key, gains nothing and is told of."""

from datetime import date

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.people import approval, keeping, release
from threelines.people.demo import fill
from threelines.people.register import Register, RegisterError
from threelines.people.tables import APPROVAL
from threelines.records import ThreelinesError
from threelines.roles import User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
FIRST = User(id="s1", role="supervisor", team="north")
SECOND = User(id="s2", role="supervisor", team="north")
OFFICER = User(id="d1", role="data_protection_officer")


@pytest.fixture
def register(tmp_path):
    keyring = Keyring.create(tmp_path / "r.db.key")
    with Register.open(tmp_path / "r.db", keyring, FIRST, today=TODAY) as opened:
        yield opened


def _sql(register, text, **values):
    with register.store.write() as connection:
        connection.execute(sa.text(text), values)


def _altered(register):
    return " ".join(keeping.altered(register.store, register.keyring))


@pytest.mark.parametrize(
    "change",
    [
        "state='approved', decided_by='s2'",
        "state='sent', decided_by='s2'",
        "prepared_by='s3'",
        "kind='export'",
    ],
)
def test_a_request_that_was_changed_by_hand_is_void(register, change):
    """Nothing leaves by it, nobody can decide it, and a check names it."""
    request = approval.prepare(register, "release", "d" * 64)
    assert _altered(register) == ""
    _sql(register, f"UPDATE approvals SET {change}")

    with pytest.raises(approval.ApprovalError):
        approval.require_approved(register, "release", "d" * 64)
    with pytest.raises(ThreelinesError):
        approval.decide(register.as_user(SECOND), request, yes=True)
    assert approval.read(register, request).state == "altered"
    assert request in _altered(register)


def test_an_approval_speaks_of_the_digest_that_was_approved(register):
    """Another digest under an approved request approves nothing."""
    approval.prepare(register, "release", "d" * 64)
    request = approval.waiting(register)[0].id
    approval.decide(register.as_user(SECOND), request, yes=True)
    assert approval.require_approved(register, "release", "d" * 64).id == request
    _sql(register, f"UPDATE approvals SET digest='{'e' * 64}'")

    with pytest.raises(approval.ApprovalError, match="no second person"):
        approval.require_approved(register, "release", "e" * 64)


def _as_before(register, request):
    """Seal the details of a request as versions did that did not seal its columns with them."""
    sealed = APPROVAL.seal(register.keyring, msgspec.msgpack.encode(approval.read(register, request).details), request)
    _sql(register, "UPDATE approvals SET sealed=:sealed WHERE id=:id", sealed=sealed, id=request)


def test_requests_of_earlier_versions_stand_by_the_audit(register):
    """One that a second person approved counts; one that SQL approved does not."""
    good, bad = (approval.prepare(register, "release", letter * 64) for letter in "de")
    approval.decide(register.as_user(SECOND), good, yes=True)
    _as_before(register, good)
    _as_before(register, bad)
    _sql(register, "UPDATE approvals SET state='approved', decided_by='s2' WHERE id=:id", id=bad)

    assert approval.require_approved(register, "release", "d" * 64).id == good
    with pytest.raises(approval.ApprovalError, match="no second person"):
        approval.require_approved(register, "release", "e" * 64)
    assert bad in _altered(register)
    assert good not in _altered(register)


def test_a_hold_stands_until_the_audit_lifts_it(register):
    """A held case is neither erased nor due when the column says otherwise; the officer lifts it as ever."""
    case = register.add({"ai_Asked": "no", "cas_Status": "Closed"})
    officer = register.as_user(OFFICER)
    officer.hold(case, on=True)
    _sql(register, "UPDATE cases SET is_held=false, destroy_after='2020-01'")

    with pytest.raises(RegisterError, match="legal hold"):
        keeping.erase(officer, case)
    assert keeping.due(officer) == []
    assert f"case {case}: not held in its row, held by the audit" in _altered(register)
    officer.hold(case, on=False)
    assert _altered(register) == ""
    assert [row.id for row in keeping.due(officer)] == [case]
    keeping.erase(officer, case)


def test_an_entry_without_the_key_lifts_no_hold(register):
    """Whoever writes an entry of the audit by SQL lifts nothing with it."""
    case = register.add({"ai_Asked": "no"})
    register.as_user(OFFICER).hold(case, on=True)
    _sql(register, "UPDATE cases SET is_held=false")
    _sql(register, "INSERT INTO audit SELECT max(id) + 1, max(time), 'd1', 'data_protection_officer', 'case.release', "
                   ":case, 'legal hold', max(hash) FROM audit", case=case)  # fmt: skip

    with pytest.raises(RegisterError, match="legal hold"):
        keeping.erase(register.as_user(OFFICER), case)


def test_a_release_that_left_is_one_whatever_the_column_says(register, tmp_path):
    """The next one keeps its distance from it: no exact counts, and the cohort is still the earlier one."""
    fill(register, cases=120)
    first = release.prepare(register)
    approval.decide(register.as_user(SECOND), first.id, yes=True)
    release.publish(register, first.id, tmp_path / "out")
    assert _altered(register) == ""
    _sql(register, "UPDATE releases SET published=NULL")

    with pytest.raises(release.ReleaseError, match="exact counts"):
        release.prepare(register, base=1)
    assert release.last_cohort(register) is not None
    assert first.id in _altered(register)
    _sql(register, "DELETE FROM releases")
    with pytest.raises(release.ReleaseError, match=first.id):
        release.prepare(register)


def test_the_commands_name_what_was_changed(register, tmp_path):
    """`audit verify` ends with 1, and a backup says it too."""
    case = register.add({"ai_Asked": "no"})
    _sql(register, "UPDATE cases SET is_held=true")
    run, db = CliRunner().invoke, str(tmp_path / "r.db")
    told = run(root, ["register", "audit", "verify", "--db", db, "--user", "d1"])

    assert told.exit_code == 1
    assert "unbroken" in told.output
    assert f"case {case}: held in its row, not held by the audit" in told.output
    copied = run(root, ["register", "backup", str(tmp_path / "copy.db"), "--db", db, "--user", "h1"])
    assert f"case {case}: held in its row" in copied.output
