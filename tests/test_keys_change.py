"""Keys change while others work: what they seal is kept, and what they search is found."""

import contextlib

import pyotp
import pytest

from tests.at_once import Call, before, paused
from threelines.people import keeping, release
from threelines.people.register import Register
from threelines.people.vault import Vault
from threelines.roles import User
from threelines.store import database as database_module
from threelines.store.audit import Audit
from threelines.store.database import StoreError
from threelines.store.keyring import Keyring
from threelines.web.accounts import Accounts
from threelines.web.grants import Grants

WORKER = User(id="w1", role="case_worker", team="north")
ADMIN = User(id="h1", role="admin")
NAMED = {"ai_Asked": "no", "prs_FirstName": "Example", "prs_MobilePhone": "+491701234567"}
SECRET = pyotp.random_base32()
BOTH = pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])


@pytest.fixture
def place(database, tmp_path, request):
    """Return the address of an empty database of a kind."""
    return tmp_path / "r.db" if database == "sqlite" else request.getfixturevalue("address")


@pytest.fixture
def as_user(place, tmp_path):
    """Return a function that opens the register as another process of a user does: own connections, own keys."""
    Keyring.create(tmp_path / "r.key")
    with contextlib.ExitStack() as opened:

        def open_as(user):
            return opened.enter_context(Register.open(place, Keyring.open(tmp_path / "r.key"), user))

        release.migrate(open_as(WORKER))
        yield open_as


@BOTH
@pytest.mark.parametrize("what", ["account", "second factor", "invitation"])
def test_what_is_written_while_the_keys_change_opens(as_user, monkeypatch, what):
    """A value of the console that a rotation overtakes before its transaction begins is sealed with the new keys."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    accounts = Accounts(mine.store, mine.keyring, Audit(mine.store, mine.keyring))
    grants, person = Grants(accounts), accounts.add("ana", "four words for a door", role="admin")
    act = {
        "account": lambda: accounts.add("ben", "four words for a door", role="analyst"),
        "second factor": lambda: accounts.confirm_second_factor(person.id, SECRET, pyotp.TOTP(SECRET).now()),
        "invitation": lambda: grants.invite(person.user, "ben", role="analyst"),
    }[what]
    before(monkeypatch, mine.store, "write", lambda: keeping.rotate(admin))
    act()

    again = as_user(WORKER)
    assert keeping.check(again.store, again.keyring).sealed_values == 3
    assert Accounts(again.store, again.keyring, Audit(again.store, again.keyring)).get(person.id).name == "ana"


@BOTH
def test_a_person_is_found_by_a_process_that_was_started_before(as_user):
    """Another process changed the keys: the next search is by the new match key, and ids of exports stay."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    case = mine.add(NAMED)
    left = mine.export_id(case, "statistics")
    keeping.rotate(admin)

    assert mine.export_id(case, "statistics") == left
    assert mine.match({"prs_MobilePhone": "+49 170 1234567"}) == [case]


def test_a_person_is_found_where_a_rotation_was_stopped(tmp_path, monkeypatch):
    """Between the new keys and the new tags the old tags are found, those of new cases too; a second run ends it."""
    keyring = Keyring.create(tmp_path / "r.key")
    with Register.open(tmp_path / "r.db", keyring, WORKER) as register:
        first = register.add(NAMED)
        with monkeypatch.context() as patched:
            patched.setattr(Vault, "remake", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                keeping.rotate(register.as_user(ADMIN))
        second = register.add(NAMED)

        assert register.match({"prs_MobilePhone": "+491701234567"}) == sorted([first, second])
        keeping.rotate(register.as_user(ADMIN))
        assert register.match({"prs_MobilePhone": "+491701234567"}) == sorted([first, second])
        assert len(Keyring.open(keyring.path).every("match")) == 1


def open_with(register, case):
    """Return the case's person by the keys that the file holds now, with every value of the database opened."""
    with Register.open(register.store.path, Keyring.open(register.keyring.path), WORKER) as again:
        assert keeping.check(again.store, again.keyring).cases == 1
        return again.identity(case)["prs_FirstName"]


@pytest.mark.parametrize("database", ["sqlite"])
def test_of_two_rotations_of_a_file_the_second_waits_or_is_refused(as_user, monkeypatch):
    """Another process that changes the keys keeps the second one waiting, and then it does its work; nothing is lost."""
    mine, first, second = as_user(WORKER), as_user(ADMIN), as_user(ADMIN)
    case = mine.add(NAMED)
    with paused(monkeypatch, first.keyring, "retire", keeping.rotate, first) as rotation:
        with monkeypatch.context() as patched, pytest.raises(StoreError, match="somebody else changes the keys"):
            patched.setattr(database_module, "PATIENCE", 0.0, raising=False)
            keeping.rotate(second)
        other = Call(keeping.rotate, second)

    assert (isinstance(rotation.end(), int), isinstance(other.end(), int)) == (True, True)
    assert open_with(mine, case) == "Example"


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_case_that_comes_after_the_new_keys_shares_its_persons_tags(as_user, monkeypatch):
    """At every moment two cases of one person have the same tags: else a release would count the person twice."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    mine.add(NAMED)
    with paused(monkeypatch, keeping, "reseal", keeping.rotate, admin) as rotation:
        mine.add(NAMED)
        known = mine.vault.known(mine.store)

    assert isinstance(rotation.end(), int)
    assert len(known) == 2 and len({each.tags for each in known.values()}) == 1
