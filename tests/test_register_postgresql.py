"""The register on PostgreSQL: the same behaviour, and the way from and to SQLite."""

import threading
from datetime import date

import pytest
import sqlalchemy as sa

from threelines.people import approval, keeping, release
from threelines.people.demo import fill
from threelines.people.importing import import_file
from threelines.people.monitor import register_series
from threelines.people.register import Register, incidents
from threelines.roles import User
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring

pytestmark = pytest.mark.postgresql
TODAY = date(2026, 9, 15)
SUPERVISOR = User(id="s1", role="supervisor", team="north")
ADMIN = User(id="h1", role="admin")
OFFICER = User(id="d1", role="data_protection_officer")
CANARY = "CANARY-4711"


@pytest.fixture
def keyring(tmp_path):
    return Keyring.create(tmp_path / "r.key")


@pytest.fixture
def register(address, keyring):
    with Register.open(address, keyring, SUPERVISOR, today=TODAY) as opened:
        yield opened


def test_a_case_lives_the_same_life(register):
    """Add, read, change, consent, find by person, search, hold, erase; the chain and the audit hold."""
    case = register.add({"ai_Asked": "yes", "prs_FirstName": "Example", "prs_MobilePhone": "+491701234567"})
    register.update(case, {"ai_Suspected": "suspected"})
    register.consent(case, "statistics", "yes")

    assert register.identity(case)["prs_FirstName"] == "Example"
    assert register.match({"prs_MobilePhone": "+49 170 1234567"}) == [case]
    assert [row.id for row in register.search({"ai_Suspected": "suspected"})] == [case]
    assert register.verify(case) == 3
    assert len(list(incidents(register))) == 1
    keeping.erase(register.as_user(OFFICER), case)
    assert register.count() == 0
    assert register.audit.verify() > 8


def test_nothing_planted_is_readable(register):
    """No column of any table holds a planted identifier, as text or as bytes."""
    fill(register, cases=30, canary=CANARY)
    metadata = sa.MetaData()
    metadata.reflect(register.store.engine)
    with register.store.read() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                assert not any(CANARY.encode() in (bytes(v) if isinstance(v, bytes) else str(v).encode()) for v in row)


def test_writers_at_once_keep_one_chain(register):
    """Four writers add cases at the same time: every place is used once, the audit has no gap."""
    threads = [threading.Thread(target=lambda: [register.add({"ai_Asked": "no"}) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(row.place for row in register.list(limit=100)) == list(range(1, 41))
    register.audit.verify()


def test_backup_goes_back_and_over_to_sqlite(register, keyring, address, tmp_path):
    """A dump opens in an empty PostgreSQL and in an empty SQLite file, and in no filled one."""
    fill(register, cases=60, canary=CANARY)
    case = register.list(limit=1)[0].id
    dump = tmp_path / "dump"
    keeping.backup(register.as_user(OFFICER), dump)

    assert CANARY.encode() not in dump.read_bytes()
    restored = keeping.restore(dump, tmp_path / "over.db", keyring=keyring, user=ADMIN)
    assert restored.cases == 60
    with Register.open(tmp_path / "over.db", keyring, SUPERVISOR, today=TODAY) as moved:
        assert moved.get(case).fields == register.get(case).fields
    with pytest.raises(StoreError, match="already"):
        keeping.restore(dump, address, keyring=keyring, user=ADMIN)


def test_keys_rotate(register):
    """Every value is sealed again and the old keys are gone."""
    fill(register, cases=30)
    old = register.list(limit=1)[0].id
    keeping.rotate(register.as_user(OFFICER))

    assert register.get(old).id == old
    assert keeping.check(register.store, register.keyring).cases == 30


def test_release_and_monitor_read_it(register, tmp_path):
    """Statistics by two people, and the series of the monitor."""
    fill(register, cases=300)
    made = release.prepare(register)
    approval.decide(register.as_user(OFFICER), made.id, yes=True)

    assert release.publish(register, made.id, tmp_path / "out")
    assert register_series(register, period="month")


def test_wipe_leaves_no_table(register, keyring, address):
    """Emergency: the key file is gone, and so is every table."""
    fill(register, cases=10)
    keeping.wipe(register, confirm=keyring.organisation)

    assert not keyring.path.exists()
    assert sa.inspect(Store.open(address).engine).get_table_names() == []


def test_an_absent_server_is_a_plain_message():
    """No traceback and no password: what was tried, and the question to ask."""
    with pytest.raises(StoreError, match="is the server running") as fault:
        Store.open("postgresql+psycopg://u:secret@127.0.0.1:1/x?connect_timeout=2")
    assert "secret" not in str(fault.value)


def test_two_imports_of_one_file_at_once_take_it_once(address, register, keyring, tmp_path):
    """What two sessions that start together add is the file, once."""
    path, together, count = tmp_path / "k.csv", threading.Barrier(2), 120
    rows = [f"uuid-{number},no,Name{number},+373691{20000 + number}" for number in range(count)]
    path.write_text("\n".join(["_uuid,ai_Asked,prs_FirstName,prs_MobilePhone", *rows]) + "\n", encoding="utf-8")
    added = []

    def take():
        with Register.open(address, keyring, SUPERVISOR, today=TODAY) as own:
            together.wait()
            added.append(len(import_file(own, path).added))

    both = [threading.Thread(target=take) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()

    assert register.count() == count
    assert sorted(added) == [0, count]
