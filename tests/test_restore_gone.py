"""A restore from an older backup keeps what people asked for since: erasure and withdrawal."""

import sqlite3
from datetime import date

import pytest
from click.testing import CliRunner

from threelines.cli.main import root
from threelines.cli.register import command
from threelines.people import approval, gone, keeping, release
from threelines.people.demo import fill
from threelines.people.register import Register, RegisterError
from threelines.roles import User
from threelines.store.audit import AuditError
from threelines.store.database import StoreError
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
WORKER = User(id="w1", role="case_worker", team="north")
OFFICER = User(id="d1", role="data_protection_officer")
ADMIN = User(id="a1", role="admin")
SUPERVISOR = User(id="s1", role="supervisor")
FIELDS = {"ai_Asked": "yes", "prs_FirstName": "Example"}
YES = {"statistics": "yes", "research": "yes"}


@pytest.fixture
def place(tmp_path):
    """A register in a folder of its own, the backups in another."""
    (tmp_path / "here").mkdir()
    (tmp_path / "safe").mkdir()
    keyring = Keyring.create(tmp_path / "here" / "r.db.key")
    Register.open(tmp_path / "here" / "r.db", keyring, WORKER, today=TODAY).store.close()
    return tmp_path


def _open(place, name="here/r.db", today=TODAY):
    keyring = Keyring.open(place / "here" / "r.db.key")
    return Register.open(place / name, keyring, OFFICER, today=today)


def _three(register):
    """Return one case to keep, one to erase and one to withdraw."""
    worker = register.as_user(WORKER)
    return [worker.add(FIELDS, consent=YES) for _ in range(3)]


def _restore(place, **options):
    keyring = Keyring.open(place / "here" / "r.db.key")
    return keeping.restore(place / "safe" / "b", place / "here" / "new.db", keyring=keyring, user=ADMIN, **options)


@pytest.mark.parametrize("copy", [keeping.backup, keeping.dump])
def test_erased_and_withdrawn_stay_so(place, copy):
    """After a backup one person withdraws, one is erased and the keys are rotated; the restored register knows both."""
    with _open(place) as register:
        kept, erased, withdrew = _three(register)
        key = (place / "here" / "r.db.key").read_bytes()
        copy(register, place / "safe" / "b")
        register.as_user(WORKER).withdraw(withdrew)
        keeping.erase(register, erased)
        keeping.rotate(register)
    (place / "here" / "r.db.key").write_bytes(key)
    if copy is keeping.dump:
        _open(place, "here/new.db").store.close()
    done = _restore(place)

    assert (done.cases, done.erased_again, done.withdrawn_again) == (2, 1, 2)
    with _open(place, "here/new.db") as again:
        assert {row.id for row in again.list()} == {kept, withdrew}
        assert [case_id for case_id, _, _ in again.columns("statistics", ())] == [kept]
        assert again.as_user(WORKER).get(withdrew).consent["research"].value == "withdrawn"
        assert again.audit.verify() > 0
        with pytest.raises(RegisterError):
            again.as_user(WORKER).identity(erased)


def test_the_list_goes_on_with_the_restored_register(place):
    """A second restore, from the same old backup, still knows what happened before the first."""
    with _open(place) as register:
        _, erased, _ = _three(register)
        keeping.backup(register, place / "safe" / "b")
        keeping.erase(register, erased)
    _restore(place)
    for file in ("r.db", "r.db.gone"):
        (place / "here" / file).unlink()
    for ending in ("", "-wal", "-shm"):
        (place / "here" / f"new.db{ending}").unlink(missing_ok=True)

    assert _restore(place).erased_again == 1


def test_a_consent_given_again_later_stands(place):
    """A backup from after the new consent brings it back; the old withdrawal does not end it."""
    with _open(place) as register:
        _, _, case_id = _three(register)
        register.consent(case_id, "statistics", "withdrawn")
    with _open(place, today=date(2026, 9, 20)) as register:
        register.consent(case_id, "statistics", "yes")
        keeping.backup(register, place / "safe" / "b")

    assert _restore(place).withdrawn_again == 0


def test_the_list_says_nothing_of_anybody(place):
    """It holds days and hashes: no case id, no purpose, no name."""
    with _open(place) as register:
        _, erased, withdrew = _three(register)
        register.withdraw(withdrew)
        keeping.erase(register, erased)
    text = gone.beside(place / "here" / "r.db").read_text()

    assert len(text.splitlines()) == 3
    assert not any(word in text for word in (erased, withdrew, "statistics", "Example", "gone"))


def test_the_command_says_what_it_did_and_when_no_list_was_found(place):
    """With the list elsewhere the restore warns; given with --since, or applied afterwards, it counts."""
    with _open(place) as register:
        _, erased, _ = _three(register)
        keeping.backup(register, place / "safe" / "b")
        keeping.erase(register, erased)
    (place / "away").mkdir()
    (place / "here" / "r.db.gone").rename(place / "away" / "list")
    key = ["--key-file", str(place / "here" / "r.db.key"), "--user", "a1"]
    run = CliRunner()

    def restore(name, *more):
        there = ["restore", str(place / "safe" / "b"), "--db", str(place / "safe" / name)]
        return run.invoke(command, [*there, *key, *more], catch_exceptions=False).output

    (place / "safe" / "other.gone").write_text(f"2026-09-15 {'ab' * 16}\n")  # another register's
    assert "No list of erasures and withdrawals of this register was found" in restore("one.db")
    assert "1 cases erased again, 0 consents" in restore("two.db", "--since", str(place / "away" / "list"))
    late = ["gone", str(place / "away" / "list"), "--apply", "--db", str(place / "safe" / "one.db"), *key]
    assert "1 cases erased again" in run.invoke(command, late, catch_exceptions=False).output
    write = ["gone", str(place / "away" / "more"), "--db", str(place / "safe" / "one.db"), *key]
    assert "1 hashes of erasures and withdrawals" in run.invoke(command, write, catch_exceptions=False).output


def test_a_list_that_names_nobody_in_the_backup_is_told_and_kept_where_it_is_surely_ours(place):
    """All that is listed came after the backup: the list beside the key file, and one that is given, stay; any other is named and left."""
    with _open(place) as register:
        keeping.backup(register, place / "safe" / "b")
        _, erased, _ = _three(register)
        keeping.erase(register, erased)
        tag = gone.erased_tag(register.keyring, erased)
    other = place / "safe" / "other.gone"
    other.write_text(f"2026-09-15 {'ab' * 16}\n")
    ours = gone.beside(place / "here" / "r.db")

    def restored(name, *more):
        there = ["restore", str(place / "safe" / "b"), "--db", str(place / "here" / name), *more]
        key = ["--key-file", str(place / "here" / "r.db.key"), "--user", "a1"]
        said = CliRunner().invoke(command, [*there, *key], catch_exceptions=False).output
        with _open(place, f"here/{name}") as register, register.store.read() as connection:
            return said, set(gone.listed(connection))

    said, days = restored("one.db")
    assert "0 cases erased again" in said and "No list of" not in said
    assert f"{other}: names nobody" in said and str(ours) in said
    assert days == {tag}, "a list of another register is not taken in, or it would count as ours the next time"

    (place / "here" / "one.db.gone").unlink()
    ours.rename(place / "safe" / "list.gone")
    said, days = restored("two.db")
    assert "No list of" in said and f"{place / 'safe' / 'list.gone'}: names nobody" in said and not days
    said, days = restored("three.db", "--since", str(place / "safe" / "list.gone"))
    assert "0 cases erased again" in said and f"{place / 'safe' / 'list.gone'}: names nobody" in said and days == {tag}


def test_a_list_that_cannot_be_read_stops_the_restore(place):
    """It is named by file and line, and no half register is left."""
    with _open(place) as register:
        keeping.backup(register, place / "safe" / "b")
    (place / "safe" / "x.gone").write_text("2026-09-15 not-a-hash\n")

    with pytest.raises(StoreError, match=r"x\.gone:1"):
        _restore(place)
    assert not (place / "here" / "new.db").exists()


def _published(register, folder, base=5):
    made = release.prepare(register, base=base)
    approval.decide(register.as_user(OFFICER), made.id, yes=True)
    release.publish(register, made.id, folder)
    return set(release.last_cohort(register).ids)


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_release_after_the_backup_is_not_subtracted_from_the_next(place, is_listed):
    """The restored register knows no release since: it makes no exact one, and one newcomer waits, as after a release."""
    with _open(place) as register:
        fill(register.as_user(SUPERVISOR), cases=150)
        keeping.backup(register, place / "safe" / "b")
        first = _published(register.as_user(SUPERVISOR), place / "one", base=1)
        if is_listed:
            keeping.erase(register, min(first))
    _restore(place)

    with _open(place, "here/new.db") as register:
        supervisor = register.as_user(SUPERVISOR)
        newcomer = supervisor.add(FIELDS, consent=YES)
        with pytest.raises(release.ReleaseError, match="restore"):
            release.prepare(supervisor, base=1)
        second = _published(supervisor, place / "two")

        assert newcomer not in second
        assert second < first if is_listed else second == first
        assert len(first - second) in (0, 11)
        assert register.audit.verify() > 0


def test_what_was_served_since_is_said_to_be_forgotten(place):
    """The restore names it, and so does the feed of a restored register, which can revoke none of it."""
    with _open(place) as register:
        keeping.backup(register, place / "safe" / "b")
    key = ["--key-file", str(place / "here" / "r.db.key")]
    restore = ["register", "restore", str(place / "safe" / "b"), "--db", str(place / "here" / "new.db"), *key]
    feed = ["feed", "--token", "of-no-use-but-long-enough-for-a-test", *key, "--db"]
    run = CliRunner()

    assert "cannot be revoked" in run.invoke(root, restore, catch_exceptions=False).output
    assert "not revoked here" in run.invoke(root, [*feed, str(place / "here" / "new.db")]).output
    assert "not revoked here" not in run.invoke(root, [*feed, str(place / "here" / "r.db")]).output


def test_a_restore_that_is_refused_leaves_no_list(place):
    """A later `init` under that name would take the list for its own; one that was there before stays."""
    with _open(place) as register:
        _, erased, _ = _three(register)
        keeping.backup(register, place / "safe" / "b")
        keeping.erase(register, erased)
    with sqlite3.connect(place / "safe" / "b") as copy:
        copy.execute("UPDATE audit SET who = 'x' WHERE id = 2")
    new = place / "here" / "new.db"

    with pytest.raises(AuditError):
        _restore(place)
    assert list(new.parent.glob("new.db*")) == []
    gone.beside(new).touch()
    with pytest.raises(AuditError):
        _restore(place)
    assert [path.name for path in new.parent.glob("new.db*")] == ["new.db.gone"]
