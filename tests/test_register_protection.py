"""What the register must never show: planted identifiers, one-person approvals, a broken audit."""

from datetime import date
from functools import partial

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from threelines.cli.register import command
from threelines.people import approval, demo, keeping
from threelines.people.definition import FormError, load_form
from threelines.people.register import Register, RegisterError, incidents
from threelines.roles import RoleError, User
from threelines.store.audit import AuditError
from threelines.store.keyring import Keyring, KeyringError

CANARY = "Zxqvcanary77"
SUPERVISOR = User(id="s1", role="supervisor", team="north")
OFFICER = User(id="d1", role="data_protection_officer")
PURPOSES = ("services", "statistics", "research", "share_with_company", "share_with_police")


@pytest.fixture
def filled(tmp_path):
    """A register of 40 invented cases with the canary in every identifying text field."""
    keyring = Keyring.create(tmp_path / "p.key")
    with Register.open(tmp_path / "p.db", keyring, SUPERVISOR, today=date(2026, 9, 15)) as register:
        demo.fill(register, cases=40, canary=CANARY)
        yield register


def _holds_canary(data):
    return CANARY.encode().lower() in data.lower() or CANARY.encode("utf-16-le") in data


def test_the_canary_is_planted_everywhere(filled):
    """The test below would prove nothing if the vault did not hold the canary."""
    identity = filled.identity(filled.list()[0].id)
    text = {name for name, field in load_form().fields.items() if field.identity and field.type.endswith("text")}

    planted = {name for name in text if str(identity.get(name)).startswith(CANARY)}
    assert planted >= {name for name in text if not load_form().fields[name].when} - {"tl_SubmissionId"}


def test_no_planted_identifier_in_any_file(filled, tmp_path):
    """Database, write-ahead log, backup, dump: none holds the canary, before or after changes."""
    case_id = filled.list()[0].id
    filled.update(case_id, {"ai_Asked": "no", "ai_Suspected": None, "ai_Capability": None, "ai_EvidenceBasis": None,
                            "ai_Alternative": None, "prs_FirstName": CANARY + "2"})  # fmt: skip
    keeping.backup(filled.as_user(OFFICER), tmp_path / "copy.db")
    keeping.dump(filled.as_user(OFFICER), tmp_path / "copy.dump")
    files = [path for path in tmp_path.iterdir() if path.is_file()]

    assert {"p.db", "p.db-wal", "copy.db", "copy.dump"} <= {path.name for path in files}
    assert [path.name for path in files if _holds_canary(path.read_bytes())] == []


def test_no_planted_identifier_leaves(filled):
    """For no purpose does an incident hold the canary or a case id."""
    ids = {row.id for row in filled.list()}
    for purpose in PURPOSES:
        rows = list(incidents(filled, purpose))
        assert rows, purpose
        data = msgspec.json.encode(rows)
        assert not _holds_canary(data)
        assert not any(case_id.encode() in data for case_id in ids)


def test_errors_and_audit_do_not_repeat_answers(filled):
    """An exception names the field, never the answer; the audit has no content."""
    for fields in ({"ai_Asked": CANARY}, {CANARY: "x"}, {"ai_Asked": "yes", "prs_Birthdate": CANARY}):
        with pytest.raises(FormError) as fault:
            filled.add(fields)
        assert CANARY not in str(fault.value)
        assert CANARY not in repr(fault.value.problems)
    with pytest.raises(RegisterError) as missing:
        filled.get(CANARY)
    assert CANARY not in str(missing.value)
    assert not _holds_canary(msgspec.json.encode([entry.action + entry.record for entry in filled.audit.entries()]))


def test_database_errors_hide_their_parameters(filled):
    """A failing statement shows no value that was bound to it."""
    with pytest.raises(sa.exc.OperationalError) as fault, filled.store.write() as connection:
        connection.execute(sa.text("INSERT INTO nowhere VALUES (:value)"), {"value": CANARY})

    assert CANARY not in str(fault.value)


def test_whoever_prepared_may_not_approve(filled):
    """Two people: the same user is refused, a second one approves exactly these bytes."""
    digest = approval.digest_of(b"what leaves")
    request = approval.prepare(filled, "release", digest)

    with pytest.raises(approval.ApprovalError, match="second person"):
        approval.decide(filled, request, yes=True)
    with pytest.raises(approval.ApprovalError):
        approval.decide(filled.as_user(User(id="s1", role="data_protection_officer")), request, yes=True)
    with pytest.raises(approval.ApprovalError):
        approval.require_approved(filled, "release", digest)
    assert approval.decide(filled.as_user(OFFICER), request, yes=True).state == "approved"
    assert approval.require_approved(filled, "release", digest).decided_by == "d1"
    with pytest.raises(approval.ApprovalError):
        approval.require_approved(filled, "release", approval.digest_of(b"something else"))


def test_tampering_with_the_audit_is_noticed(filled):
    """The chain verifies, and not after an entry was altered."""
    assert filled.audit.verify() > 0
    with filled.store.write() as connection:
        connection.execute(sa.text("UPDATE audit SET who = 'nobody' WHERE id = 1"))

    with pytest.raises(AuditError):
        filled.audit.verify()


@pytest.mark.parametrize("role", ["analyst", "admin", "reviewer"])
def test_roles_without_cases_reach_none(filled, role):
    """Neither list nor content nor identity, and no row for each case under another name."""
    other = filled.as_user(User(id="x9", role=role))
    case_id = filled.list()[0].id
    leaving = [partial(list, incidents(other, purpose)) for purpose in ("research", "share_with_company")]
    for attempt in (other.list, lambda: other.get(case_id), lambda: other.identity(case_id), *leaving):
        with pytest.raises(RoleError):
            attempt()


def test_the_analysts_key_does_not_open_the_vault(filled, tmp_path):
    """With a key file for content only, statistics can be read and identities cannot."""
    copy = filled.keyring.copy_for(tmp_path / "analyst.key", ["content", "match", "audit"])
    limited = Register(filled.store, copy, SUPERVISOR, today=filled.today)

    assert list(incidents(limited, "statistics"))
    with pytest.raises(KeyringError):
        limited.identity(filled.list()[0].id)


def test_the_command_prints_no_planted_identifier(filled):
    """`list`, `show`, `search` and the audit print codes only."""
    database, case_id = str(filled.store.path), filled.list()[0].id
    options = ["--db", database, "--key-file", str(filled.keyring.path), "--user", "s1"]
    for arguments in (["list"], ["show", case_id], ["search", "ai_Asked=yes"], ["audit", "show"], ["show", CANARY]):
        result = CliRunner().invoke(command, [*arguments, *options])
        assert CANARY not in result.output.replace(f"register show {CANARY}", "")
        assert CANARY not in str(result.exception or "")
