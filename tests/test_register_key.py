"""A register opens with its own key file and with no other."""

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from threelines.cli.register import command
from threelines.people import keeping
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.database import Store
from threelines.store.keyring import Keyring, KeyringError
from threelines.store.owner import claim

WORKER = User(id="w1", role="case_worker", team="north")
OFFICER = User(id="d1", role="data_protection_officer")
FIELDS = {"ai_Asked": "yes", "prs_FirstName": "Example"}


@pytest.fixture
def keys(tmp_path):
    return Keyring.create(tmp_path / "a.db.key"), Keyring.create(tmp_path / "b.db.key")


def test_another_organisations_key_file_changes_nothing(tmp_path):
    """`register add` with a wrong key file is refused; the register still verifies and backs up with its own."""
    (tmp_path / "c.json").write_text('{"fields": {"ai_Asked": "yes"}}')
    a, b = (["--db", str(tmp_path / name), "--user", "w1"] for name in ("a.db", "b.db"))
    run = CliRunner()
    for here in (a, b):
        run.invoke(command, ["init", *here], catch_exceptions=False)
    add = ["add", str(tmp_path / "c.json")]
    assert run.invoke(command, [*add, *a]).exit_code == 0
    wrong = run.invoke(command, [*add, *a, "--key-file", str(tmp_path / "b.db.key")])

    assert wrong.exit_code != 0
    assert isinstance(wrong.exception, KeyringError)
    assert "not the key file of this database" in str(wrong.exception)
    assert run.invoke(command, ["backup", str(tmp_path / "copy"), *a]).exit_code == 0
    assert run.invoke(command, ["audit", "verify", *a]).exit_code == 0


@pytest.mark.parametrize("table", [None, "audit"])
def test_a_register_from_before_is_taken_over_by_its_own_keys_only(tmp_path, keys, table):
    """Without a kept check value the first audit entry decides, and without an audit a sealed value does."""
    right, wrong = keys
    with Register.open(tmp_path / "a.db", right, WORKER) as register:
        case_id = register.add(FIELDS)
        with register.store.write() as connection:
            connection.execute(sa.text("DELETE FROM threelines_owner"))
            if table:
                connection.execute(sa.text(f"DELETE FROM {table}"))

    with pytest.raises(KeyringError, match="not the key file"):
        Register.open(tmp_path / "a.db", wrong, WORKER)
    with Register.open(tmp_path / "a.db", right, WORKER) as register:
        assert register.identity(case_id)["prs_FirstName"] == "Example"
    with pytest.raises(KeyringError, match="not the key file"):
        Register.open(tmp_path / "a.db", wrong, WORKER)


def test_a_new_database_belongs_to_the_first_keys(tmp_path, keys):
    """Also an empty one, and one that only the console has opened."""
    store = Store.open(tmp_path / "new.db")
    claim(store, keys[0])
    claim(store, keys[0])
    with pytest.raises(KeyringError, match="not the key file"):
        claim(store, keys[1])
    store.close()


def test_rotated_keys_and_an_analysts_copy_still_belong(tmp_path, keys):
    """A rotation changes what seals, not whose database it is; a copy without the vault's key opens it, too."""
    with Register.open(tmp_path / "a.db", keys[0], WORKER) as register:
        register.add(FIELDS)
        keeping.rotate(register.as_user(OFFICER))
    copy = keys[0].copy_for(tmp_path / "analyst.key", ["content", "match", "audit"])

    for keyring in (Keyring.open(keys[0].path), copy):
        with Register.open(tmp_path / "a.db", keyring, OFFICER) as register:
            assert register.count() == 1
