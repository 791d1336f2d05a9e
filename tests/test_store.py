"""Keys, sealing, transactions, migrations, the audit chain and the table of roles."""

import stat
import threading

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from threelines.roles import PERMISSIONS, ROLES, RoleError, User, allowed, require, scope_needed, scope_of
from threelines.store import keyring as keyring_module
from threelines.store.audit import Audit, AuditError
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring, KeyringError

WORKER = User(id="w1", role="case_worker", team="north")


@pytest.fixture
def keyring(tmp_path):
    return Keyring.create(tmp_path / "site.key")


@pytest.fixture(scope="module")
def shared_keyring(tmp_path_factory):
    return Keyring.create(tmp_path_factory.mktemp("keys") / "site.key")


@pytest.fixture
def store(tmp_path):
    opened = Store.open(tmp_path / "site.db")
    yield opened
    opened.close()


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_sealed_opens_with_the_same_context_only(shared_keyring, plaintext, context):
    """A sealed value opens to the same bytes, and not under another context."""
    sealed = shared_keyring.seal(plaintext, context)

    assert shared_keyring.open_sealed(sealed, context) == plaintext
    with pytest.raises(KeyringError, match="does not open"):
        shared_keyring.open_sealed(sealed, context + b"x")


def test_sealing_twice_gives_different_bytes(keyring):
    """The nonce is random, so equal values do not look equal."""
    assert keyring.seal(b"a", b"c") != keyring.seal(b"a", b"c")


def test_an_altered_value_is_refused(keyring):
    """One flipped bit is noticed."""
    sealed = bytearray(keyring.seal(b"case", b"c"))
    sealed[-1] ^= 1

    with pytest.raises(KeyringError, match="altered"):
        keyring.open_sealed(bytes(sealed), b"c")


def test_identity_and_content_have_their_own_keys(keyring):
    """The content key does not open what the identity key sealed."""
    sealed = keyring.seal(b"name", b"c", purpose="identity")

    with pytest.raises(KeyringError):
        keyring.open_sealed(sealed, b"c", purpose="content")


def test_key_file_is_for_its_owner_only(keyring):
    """A key file is written 0600 and refused when others may read it."""
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600
    keyring.path.chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        Keyring.open(keyring.path)


def test_passphrase_is_needed_and_checked(tmp_path):
    """A keyring locked with a passphrase opens with it, and with nothing else."""
    made = Keyring.create(tmp_path / "p.key", passphrase="four plain words here", cost=10)
    sealed = made.seal(b"x", b"c")

    assert Keyring.open(made.path, passphrase="four plain words here").open_sealed(sealed, b"c") == b"x"
    with pytest.raises(KeyringError, match="locked with a passphrase"):
        Keyring.open(made.path)
    with pytest.raises(KeyringError, match="passphrase is wrong"):
        Keyring.open(made.path, passphrase="other")


def test_rotation_keeps_old_values_readable_until_retired(keyring):
    """After rotation new values use the new key; after retiring, only they open."""
    old = keyring.seal(b"old", b"c")
    keyring.rotate("content")
    new = keyring.seal(b"new", b"c")

    assert keyring.is_old(old, "content")
    assert not keyring.is_old(new, "content")
    assert keyring.open_sealed(old, b"c") == b"old"
    assert keyring.retire("content") == 1
    assert keyring.open_sealed(new, b"c") == b"new"
    with pytest.raises(KeyringError, match="a lost key is lost data"):
        keyring.open_sealed(old, b"c")


def test_a_running_process_sees_a_rotation(keyring):
    """A second process that holds the old keys seals and opens with the new ones after a rotation."""
    other = Keyring.open(keyring.path)
    keyring.rotate("content")
    keyring.retire("content")

    assert other.open_sealed(keyring.seal(b"x", b"c"), b"c") == b"x"
    assert keyring.open_sealed(other.seal(b"y", b"c"), b"c") == b"y"


def test_a_running_process_tags_with_the_key_of_now(keyring):
    """A process that was started before the match key was changed makes the tags that are kept now."""
    other = Keyring.open(keyring.path)
    first = keyring.key("match")
    keyring.rotate("match")

    assert other.tag(b"x", b"c") == keyring.tag(b"x", b"c")
    assert other.every("match") == (first, keyring.key("match"))
    keyring.retire("match")
    assert other.every("match") == (keyring.key("match"),)
    assert (other.newest("match"), other.newest("audit")[0]) == ((2, keyring.key("match")), 1)


def test_keys_that_came_meanwhile_are_not_retired(keyring):
    """Whoever destroys old keys knows up to which: a newer one of another process stays."""
    other = Keyring.open(keyring.path)
    other.rotate("content")
    keyring.rotate("content")
    fresh = keyring.seal(b"x", b"c")
    other.retire("content")

    assert Keyring.open(keyring.path).open_sealed(fresh, b"c") == b"x"


def test_threads_share_a_keyring_while_it_is_read_again(keyring, monkeypatch):
    """Until all keys of a changed file are opened, the keys before serve: a thread never finds none."""
    other, real, found = Keyring.open(keyring.path), keyring_module._unlock, []
    keyring.rotate("content")

    def unlock(*given):
        found.append(other.has("content"))
        return real(*given)

    monkeypatch.setattr(keyring_module, "_unlock", unlock)
    other.reload()
    assert found == [True] * 5


def test_analysts_copy_has_no_identity_key(keyring, tmp_path):
    """A copy for some purposes opens those and refuses the rest."""
    copy = keyring.copy_for(tmp_path / "analyst.key", ["content", "audit"])

    assert copy.open_sealed(keyring.seal(b"x", b"c"), b"c") == b"x"
    assert not copy.has("identity")
    with pytest.raises(KeyringError, match="no identity key"):
        copy.seal(b"x", b"c", purpose="identity")


def test_destroying_the_keys_destroys_the_data(keyring):
    """After `destroy` the file is gone and nothing opens."""
    sealed = keyring.seal(b"x", b"c")
    keyring.destroy()

    assert not keyring.path.exists()
    with pytest.raises(KeyringError):
        keyring.open_sealed(sealed, b"c")


def test_key_files_are_never_replaced(keyring):
    """Creating over an existing key file is refused: it would lose all data."""
    with pytest.raises(KeyringError, match="exists already"):
        Keyring.create(keyring.path)


def _make(connection):
    connection.exec_driver_sql("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT)")


def _add(connection):
    connection.exec_driver_sql("ALTER TABLE things ADD COLUMN more TEXT")


def test_migrations_run_once_and_in_order(store):
    """Each migration is applied once and recorded by area."""
    assert store.migrate("area", (("0001", _make),)) == ("0001",)
    assert store.migrate("area", (("0001", _make), ("0002", _add))) == ("0002",)
    assert store.migrate("area", (("0001", _make), ("0002", _add))) == ()
    assert store.applied("area") == ("0001", "0002")


def test_a_failed_migration_leaves_nothing(store):
    """A migration that raises is undone whole and not recorded."""

    def half(connection):
        _make(connection)
        connection.exec_driver_sql("NONSENSE")

    with pytest.raises(sa.exc.OperationalError):
        store.migrate("area", (("0001", half),))

    assert store.applied("area") == ()
    assert store.migrate("area", (("0001", _make),)) == ("0001",)


def test_two_threads_migrate_without_harm(tmp_path):
    """Two processes that start at once apply each migration once."""
    stores = [Store.open(tmp_path / "two.db") for _ in range(2)]
    threads = [threading.Thread(target=each.migrate, args=("area", (("0001", _make),))) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert stores[0].applied("area") == ("0001",)


def test_a_raising_block_is_undone(store):
    """What a write block did before it raised is not kept."""
    store.migrate("area", (("0001", _make),))
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        connection.exec_driver_sql("INSERT INTO things (name) VALUES ('x')")
        raise ZeroDivisionError

    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM things").scalar() == 0


def test_sqlite_is_durable_and_private(store):
    """Write-ahead log, synchronous FULL, secure deletion, mode 0600."""
    with store.read() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        ]

    assert pragmas == ["wal", 2, 1]
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("address", ["mysql://x/y", "sqlite://", "nonsense://:::"])
def test_addresses_that_cannot_work_are_refused(address):
    """The message says what is possible."""
    with pytest.raises(StoreError):
        Store.open(address)


def test_a_file_that_is_no_database_is_refused(tmp_path):
    """The message names the file and the remedy."""
    (tmp_path / "x.db").write_text("not a database, but long enough to have a header of its own" * 20)
    with pytest.raises(StoreError, match="not a database"), Store.open(tmp_path / "x.db").read():
        pass


@pytest.fixture
def audit(store, keyring):
    return Audit(store, keyring)


def test_audit_chain_holds(audit):
    """Entries come back in order and the chain verifies."""
    for number in range(5):
        audit.add(WORKER, "case.read", record=f"c{number}", reason="case work")

    assert audit.verify() == 5
    assert [entry.record for entry in audit.entries()] == ["c0", "c1", "c2", "c3", "c4"]
    assert [entry.record for entry in audit.entries(newest=2)] == ["c3", "c4"]
    assert audit.verify(anchor=audit.head()) == 5


@pytest.mark.parametrize(
    "change",
    ["UPDATE audit SET who='x' WHERE id=2", "DELETE FROM audit WHERE id=2", "UPDATE audit SET id=9 WHERE id=3"],
)
def test_tampering_is_noticed(audit, store, change):
    """Altering, removing or moving one entry breaks the chain."""
    for number in range(3):
        audit.add(WORKER, "case.read", record=f"c{number}")
    with store.write() as connection:
        connection.exec_driver_sql(change)

    with pytest.raises(AuditError):
        audit.verify()


def test_a_cut_end_is_noticed_with_an_anchor(audit, store):
    """Removing the newest entries shows against a head that was written down."""
    audit.add(WORKER, "case.read", record="c1")
    audit.add(WORKER, "case.read", record="c2")
    anchor = audit.head()
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM audit WHERE id=2")

    assert audit.verify() == 1
    with pytest.raises(AuditError, match="cut off"):
        audit.verify(anchor=anchor)


def test_an_entry_undone_with_its_change(audit, store):
    """The entry of a change that failed is not kept: both are one transaction."""
    with pytest.raises(ZeroDivisionError), store.write() as connection:
        audit.note(connection, WORKER, "case.update", record="c1")
        raise ZeroDivisionError

    assert audit.verify() == 0


def test_audit_refuses_text(audit):
    """Free text in an entry is refused: it could hold case content."""
    for entry in ({"record": "Maria Lopez"}, {"reason": "she called"}):
        with pytest.raises(AuditError):
            audit.add(WORKER, "case.read", **entry)
    with pytest.raises(AuditError):
        audit.add(WORKER, "Read the case")


def test_threads_append_without_gaps(audit):
    """Parallel writers keep one chain."""
    threads = [
        threading.Thread(target=lambda: [audit.add(WORKER, "case.read", record="c") for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert audit.verify() == 40


def test_admin_and_reviewer_see_no_case_content():
    """Neither the one who keeps the system nor a platform's moderator reads cases or identities."""
    for role in ("admin", "reviewer", "analyst"):
        assert not any(allowed(role, permission, "own") for permission in ("case.read", "identity.read", "case.list"))


def test_every_role_column_is_known():
    """The table speaks only of roles that exist."""
    assert {role for scopes in PERMISSIONS.values() for role in scopes} <= set(ROLES)


@given(st.sampled_from(ROLES), st.sampled_from(sorted(PERMISSIONS)))
def test_a_wider_scope_includes_the_narrower(role, permission):
    """Who may for all may for the team, and who may for the team may for their own."""
    assert allowed(role, permission, "own") >= allowed(role, permission, "team") >= allowed(role, permission, "all")


def test_case_worker_reads_own_cases_only():
    """Own: yes; a colleague's of the same team: no; a supervisor of that team: yes, of another: no."""
    require(WORKER, "case.read", owner="w1", team="north")
    with pytest.raises(RoleError, match="may not"):
        require(WORKER, "case.read", owner="w2", team="north")
    supervisor = User(id="s1", role="supervisor", team="north")
    require(supervisor, "case.read", owner="w2", team="north")
    with pytest.raises(RoleError):
        require(supervisor, "case.read", owner="w2", team="south")


def test_no_team_is_not_a_team():
    """Two users without a team are not colleagues."""
    nobody = User(id="s1", role="supervisor")
    assert scope_needed(nobody, owner="w2", team="") == "all"


def test_unknown_permission_is_refused():
    """A misspelt permission is an error, never a yes."""
    with pytest.raises(RoleError, match="no such permission"):
        scope_of("admin", "case.raed")
