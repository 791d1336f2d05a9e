"""`register backup` of a whole console on PostgreSQL, and `register restore` into an empty PostgreSQL and a new SQLite file."""

import os
from datetime import date

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.conftest import PASSWORD, make_console
from tests.postgresql_fixture import empty_database
from tests.test_review import finding
from threelines.cli._areas import areas
from threelines.cli.main import root
from threelines.people import keeping, keeping_dump, release, synthetic
from threelines.people.demo import fill
from threelines.people.register import Register
from threelines.roles import User
from threelines.store.database import Store, StoreError
from threelines.store.keyring import Keyring, KeyringError
from threelines.store.sealed import declared
from threelines.web.app import create_app

OFFICER = User(id="d1", role="data_protection_officer")
OWN = {"threelines_migrations", "threelines_owner"}
NAMED = {"ai_Asked": "yes", "prs_FirstName": "Example", "prs_MobilePhone": "+491701234567"}


def rows(store):
    """Return the rows of every table of a database, as they lie there."""
    metadata = sa.MetaData()
    metadata.reflect(store.engine)
    with store.read() as connection:
        return {
            table.name: sorted(
                msgspec.json.encode(dict(sorted(row.items()))) for row in connection.execute(sa.select(table)).mappings()
            )
            for table in metadata.sorted_tables
            if table.name not in OWN
        }  # fmt: skip


def run(*words):
    """Run the command; return what it printed."""
    done = CliRunner().invoke(root, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def invent(console):
    """Put something into every part: accounts, a queue, a stream of messages, cases, a release, a grant."""
    desk = console.desk
    desk.accounts.add("head", PASSWORD, role="admin", team="")
    desk.accounts.make_token("metrics", label="prometheus")
    desk.review.add([finding("a", author="1", tier="urgent")])
    register = desk.register.as_user(User(id="s1", role="supervisor", team="north"))
    fill(register, cases=120)
    release.prepare(register)
    synthetic.spent(register, 2026)
    return register.add(NAMED)


@pytest.mark.postgresql
@pytest.mark.parametrize("target", ["postgresql", "sqlite"])
def test_a_console_comes_back_whole(target, postgresql, address, tmp_path, vocabulary):
    """Every row of every table is there again, opens, and a console starts on it; a second restore is refused."""
    from threelines.web.desk import Options

    console = make_console(tmp_path, vocabulary, Options(second_factor=False), store=Store.open(address))
    case = invent(console)
    key, dump = tmp_path / "site.key", tmp_path / "b.dump"
    told = run("register", "backup", dump, "--db", address, "--key-file", key)
    before = rows(console.desk.store)
    place = empty_database(postgresql, "t_restored") if target == "postgresql" else str(tmp_path / "new.db")
    again = ("register", "restore", dump, "--db", place, "--key-file", key)
    run(*again)

    assert "121 cases" in told and "all open" in told
    assert isinstance(CliRunner().invoke(root, [str(word) for word in again]).exception, StoreError)
    store, keyring = Store.open(place), Keyring.open(key)
    after = rows(store)
    assert set(after) == set(before)
    for table, lines in before.items():
        assert set(lines) <= set(after[table]), table
    assert set(declared(store)) == set(declared(console.desk.store))
    register = create_app(store, keyring, vocabulary=vocabulary).state.desk.register
    supervisor = register.as_user(User(id="s1", role="supervisor", team="north"))
    assert supervisor.identity(case)["prs_FirstName"] == "Example"
    assert supervisor.match({"prs_MobilePhone": "+491701234567"}) == [case]
    assert supervisor.add(NAMED) and register.audit.verify()
    store.close()
    console.desk.store.close()


def test_the_areas_of_a_restore_make_every_table(console, tmp_path):
    """What a console and a register keep in a database is what a restore makes there before it loads."""
    console.desk.store.migrate("release_budget", synthetic.MIGRATIONS)
    fresh = Store.open(tmp_path / "fresh.db")
    for area, migrations in {**keeping.AREAS, **areas()}.items():
        fresh.migrate(area, migrations)
    there = set(sa.inspect(console.desk.store.engine).get_table_names())

    assert there - set(sa.inspect(fresh.engine).get_table_names()) == {"threelines_owner", "threelines_sealed"}
    with console.desk.store.read() as connection:
        known = connection.execute(sa.text("SELECT DISTINCT area FROM threelines_migrations")).scalars()
        tableless = {"owner", "sealed", "vault"}  # made by a claim and a declaration; tags made anew
        assert set(known) - tableless == {*keeping.AREAS, *areas()}


@pytest.mark.parametrize("fault", ["value", "row", "end"])
def test_a_dump_is_proven_by_its_file(fault, tmp_path, monkeypatch):
    """A fault that is in the file alone is found when the backup is made, and no file is left."""
    with Register.open(
        tmp_path / "r.db", Keyring.create(tmp_path / "r.key"), OFFICER, today=date(2026, 9, 15)
    ) as register:
        worker = register.as_user(User(id="w1", role="case_worker", team="north"))
        case, _ = worker.add(NAMED), worker.add(NAMED)
        real = keeping_dump._all_rows

        def altered(store):
            for table, lines in real(store):
                if fault == "value" and table == "cases":
                    lines[0]["sealed"] = lines[0]["sealed"][:-1] + b"\0"
                if fault == "row" and table == "audit":
                    lines = lines[1:]
                yield table, lines

        monkeypatch.setattr(keeping_dump, "_all_rows", altered)
        if fault == "end":
            monkeypatch.setattr(keeping_dump.os, "fsync", lambda number: os.truncate(number, 2000))
        wrong = {"value": KeyringError, "row": keeping.audit.AuditError, "end": (StoreError, KeyringError)}[fault]
        with pytest.raises(wrong):
            keeping.dump(register, tmp_path / "d")

        assert not (tmp_path / "d").exists()
        assert worker.get(case).id == case
