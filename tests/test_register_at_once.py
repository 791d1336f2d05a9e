"""Two people at one case, and keys changed under a writer: on a real PostgreSQL, each step told by a lock or an event."""

import threading
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

from tests.at_once import Call, before, paused
from threelines.people import keeping, release, served
from threelines.people.register import ChangedMeanwhile, Register, RegisterError
from threelines.people.tables import CASES, MATCHES, PARTS, REVISIONS, VAULT
from threelines.roles import User
from threelines.store.keyring import Keyring

TODAY = date(2026, 9, 15)
WORKER = User(id="w1", role="case_worker", team="north")
SUPERVISOR = User(id="s1", role="supervisor", team="north")
OFFICER = User(id="d1", role="data_protection_officer")
ADMIN = User(id="h1", role="admin")
NAMED = {"ai_Asked": "no", "prs_FirstName": "Example", "prs_MobilePhone": "+491701234567"}


@pytest.fixture
def keyring(tmp_path):
    return Keyring.create(tmp_path / "r.key")


@pytest.fixture
def as_user(address, keyring):
    """Return a function that opens the register in PostgreSQL as a user, with connections and keys of its own."""
    opened = []

    def open_as(user):
        opened.append(Register.open(address, Keyring.open(keyring.path), user, today=TODAY))
        return opened[-1]

    release.migrate(open_as(WORKER))
    yield open_as
    for register in opened:
        register.store.close()


def left(register, case):
    """Return how many rows a case has in each table."""
    with register.store.read() as connection:
        return {
            table.name: connection.execute(
                sa.select(sa.func.count()).where((table.c.id if table is CASES else table.c.case_id) == case)
            ).scalar()
            for table in (CASES, REVISIONS, VAULT, PARTS)
        }


NOTHING = {"cases": 0, "case_revisions": 0, "vault": 0, "case_parts": 0}


@pytest.mark.postgresql
def test_a_hold_under_way_stops_an_erasure(as_user, monkeypatch):
    """An erasure waits for a hold that is not committed yet, and is then refused."""
    worker, supervisor, officer = as_user(WORKER), as_user(SUPERVISOR), as_user(OFFICER)
    case = worker.add(NAMED)
    with paused(monkeypatch, supervisor.audit, "note", supervisor.hold, case, on=True) as hold:
        erasure = Call(keeping.erase, officer, case)
        erasure.waits_or_ends(worker)

    assert hold.end() is None
    assert isinstance(erasure.end(), RegisterError)
    assert left(worker, case)["vault"] == 1


@pytest.mark.postgresql
def test_a_hold_on_a_case_that_is_being_erased_is_refused(as_user, monkeypatch):
    """Nobody is told that a case is held which another person's erasure takes away."""
    worker, supervisor, officer = as_user(WORKER), as_user(SUPERVISOR), as_user(OFFICER)
    case = worker.add(NAMED)
    with paused(monkeypatch, keeping, "_erase", keeping.erase, officer, case) as erasure:
        hold = Call(supervisor.hold, case, on=True)
        hold.waits_or_ends(worker)

    assert erasure.end() == []
    assert isinstance(hold.end(), RegisterError)
    assert left(worker, case) == NOTHING


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "change",
    [
        lambda worker, case: worker.consent(case, "statistics", "yes"),
        lambda worker, case: worker.attach(case, "person", {"prs_FirstName": "Other"}),
        lambda worker, case: worker.update(case, {"prs_FirstName": "Other"}),
    ],
    ids=["consent", "attach", "update"],
)
def test_nothing_of_a_case_is_left_when_it_is_changed_and_erased_at_once(as_user, monkeypatch, change):
    """A change that an erasure overtakes is refused; one that overtakes the erasure goes with the case."""
    worker, officer = as_user(WORKER), as_user(OFFICER)
    first, second = worker.add(NAMED), worker.add(NAMED)
    with paused(monkeypatch, worker.audit, "note", change, worker, first) as changed:
        erasure = Call(keeping.erase, officer, first)
        erasure.waits_or_ends(officer)
    assert not isinstance(changed.end(), Exception)
    assert erasure.end() == []
    assert left(worker, first) == NOTHING

    with paused(monkeypatch, keeping, "_erase", keeping.erase, officer, second) as erasure:
        late = Call(change, worker, second)
        late.waits_or_ends(officer)
    assert erasure.end() == []
    assert isinstance(late.end(), RegisterError)
    assert left(worker, second) == NOTHING


@pytest.mark.postgresql
def test_of_two_editors_the_second_is_told(as_user, monkeypatch):
    """Two changes of one revision at once: one is kept, the other is ChangedMeanwhile."""
    first, second = as_user(WORKER), as_user(WORKER)
    case = first.add(NAMED)
    with paused(monkeypatch, first, "revise", first.update, case, {"cas_Status": "Closed"}, revision=1) as kept:
        late = Call(second.update, case, {"ai_Asked": "yes"}, revision=1)
        late.waits_or_ends(first)

    assert kept.end() == 2
    assert isinstance(late.end(), ChangedMeanwhile)
    assert first.verify(case) == 2


@pytest.mark.postgresql
def test_consents_at_once_are_all_kept(as_user):
    """Four people record consent of one case at the same moment: four revisions, none fails."""
    registers, together = [as_user(WORKER) for _ in range(4)], threading.Barrier(4)
    case = registers[0].add(NAMED)

    def record(register, value):
        together.wait(30)
        return register.consent(case, "statistics", value)

    values = ("yes", "no", "yes", "withdrawn")
    calls = [Call(record, register, value) for register, value in zip(registers, values, strict=True)]

    assert sorted(call.end() for call in calls) == [2, 3, 4, 5]
    assert registers[0].verify(case) == 5


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
@pytest.mark.parametrize("why", ["held", "opened again", "erased"])
def test_a_retention_run_looks_at_each_case_again(database, why, keyring, tmp_path, monkeypatch, request):
    """A case that is held, opened again or erased after a run has made its list is left as it is."""
    place = tmp_path / "r.db" if database == "sqlite" else request.getfixturevalue("address")
    with Register.open(place, keyring, WORKER, today=date(2020, 1, 5)) as old:
        cases = [old.add({**NAMED, "cas_Status": "Closed"}) for _ in range(3)]
    with Register.open(place, keyring, SUPERVISOR, today=TODAY) as supervisor:
        officer, last, real = supervisor.as_user(OFFICER), cases[-1], keeping.due

        def listed(register):
            rows = real(register)
            if why == "held":
                supervisor.hold(last, on=True)
            elif why == "opened again":
                supervisor.update(last, {"cas_Status": "Active"})
            else:
                keeping.erase(officer, last)
            return rows

        monkeypatch.setattr(keeping, "due", listed)
        assert keeping.apply_retention(officer) == (0, 2)
        assert left(supervisor, last)["vault"] == (0 if why == "erased" else 1)
        assert left(supervisor, cases[0]) == NOTHING


def test_a_revision_is_made_of_the_newest_one_only(keyring, tmp_path):
    """A change of an older row, or of none, is refused in its transaction."""
    with Register.open(tmp_path / "r.db", keyring, WORKER, today=TODAY) as register:
        case = register.add(NAMED)
        with register.case_transaction(case, "case.update") as (connection, row):
            content = register._content(connection, case)
        register.consent(case, "statistics", "yes")
        with pytest.raises(ChangedMeanwhile), register.store.write() as connection:
            register.revise(connection, row, content, "case.update")
        assert register.verify(case) == 2


@pytest.mark.postgresql
def test_keys_are_changed_when_no_writer_is_under_way(as_user, monkeypatch):
    """A case that is added while the keys change opens with the new keys, and its person is found."""
    worker, admin = as_user(WORKER), as_user(ADMIN)
    with paused(monkeypatch, worker.vault, "put", worker.add, NAMED) as added:
        rotation = Call(keeping.rotate, admin)
        rotation.waits_or_ends(admin)
    assert isinstance(rotation.end(), int)
    again = as_user(WORKER)

    assert again.identity(added.end())["prs_FirstName"] == "Example"
    assert again.match({"prs_MobilePhone": "+491701234567"}) == [added.end()]
    assert keeping.check(again.store, again.keyring).cases == 1


@pytest.mark.postgresql
def test_a_writer_waits_while_the_keys_change(as_user, monkeypatch):
    """A case added between the new keys and the end of the old ones is kept under the new ones."""
    worker, admin = as_user(WORKER), as_user(ADMIN)
    worker.add(NAMED)
    with paused(monkeypatch, admin.keyring, "retire", keeping.rotate, admin) as rotation:
        added = Call(worker.add, NAMED)
        added.waits_or_ends(admin)
    assert isinstance(rotation.end(), int)

    assert as_user(WORKER).identity(added.end())["prs_FirstName"] == "Example"
    assert keeping.check(worker.store, Keyring.open(admin.keyring.path)).cases == 2


@pytest.mark.postgresql
def test_two_rotations_at_once_take_turns(as_user, monkeypatch):
    """The second one begins with the keys that the first one made; nothing is lost."""
    worker, first, second = as_user(WORKER), as_user(ADMIN), as_user(ADMIN)
    case = worker.add(NAMED)
    with paused(monkeypatch, first.keyring, "retire", keeping.rotate, first) as rotation:
        other = Call(keeping.rotate, second)
        other.waits_or_ends(worker)

    assert (isinstance(rotation.end(), int), isinstance(other.end(), int)) == (True, True)
    assert as_user(WORKER).identity(case)["prs_FirstName"] == "Example"
    assert keeping.check(worker.store, Keyring.open(first.keyring.path)).cases == 1


@pytest.mark.postgresql
def test_an_erasure_leaves_no_dead_row(as_user):
    """After an erasure PostgreSQL has given the rows up: the tables of the only case are empty files."""
    worker, officer = as_user(WORKER), as_user(OFFICER)
    case = worker.add(NAMED)
    keeping.erase(officer, case)

    with worker.store.read() as connection:
        for table in (CASES, VAULT, MATCHES):
            assert connection.execute(sa.select(sa.func.pg_relation_size(table.name))).scalar() == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("known", [False, True], ids=["never set", "set before"])
def test_settings_at_once_take_turns(as_user, monkeypatch, known):
    """Of two who set the same thing the later one has the last word, and neither is told of a fault of ours."""
    first, second = as_user(SUPERVISOR), as_user(SUPERVISOR)
    if known:
        first.set("communities", "a")
    with paused(monkeypatch, first.audit, "note", first.set, "communities", "a b") as kept:
        late = Call(second.set, "communities", "c")
        late.waits_or_ends(as_user(WORKER))

    assert (kept.end(), late.end()) == (None, None)
    assert as_user(WORKER).communities == {"c"}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_the_time_of_destruction_follows_the_last_word(database, keyring, tmp_path, monkeypatch, request):
    """Two people change the retention time at once: closed cases go by the time that is kept."""
    place = tmp_path / "r.db" if database == "sqlite" else request.getfixturevalue("address")
    with Register.open(place, keyring, WORKER, today=date(2026, 1, 5)) as register:
        case, officer = register.add({**NAMED, "cas_Status": "Closed"}), register.as_user(OFFICER)
        other = register.as_user(OFFICER)
        before(monkeypatch, register.store, "write", lambda: other.set("retention_months", "36"))
        officer.set("retention_months", "12")

        assert register.get(case).row.destroy_after == "2027-01"


@pytest.mark.postgresql
def test_what_a_feed_serves_at_once_is_refused_to_one(as_user, monkeypatch):
    """Of two processes that keep what a feed serves, made of the same state, the second reads it again."""
    first, second = as_user(SUPERVISOR), as_user(SUPERVISOR)
    none, some = served.Served(), served.Served(gone={"x1": served.Gone(changed=datetime(2026, 9, 1, tzinfo=UTC))})
    with paused(monkeypatch, first.audit, "note", served.keep, first, "stix.a", some, before=none) as kept:
        late = Call(served.keep, second, "stix.a", some, before=none)
        late.waits_or_ends(as_user(WORKER))

    assert kept.end() is None
    assert isinstance(late.end(), served.ServedMeanwhile)
    assert served.read(second, "stix.a") == some
