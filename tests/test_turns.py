"""Two people at one console at once, on a real PostgreSQL too: each step told by a lock or an event."""

import contextlib
from datetime import date

import pytest

from tests.at_once import Call, before, paused
from tests.test_review import finding
from threelines.people import release, synthetic
from threelines.people.register import Register
from threelines.platforms.review import Review
from threelines.roles import User
from threelines.store.audit import Audit
from threelines.store.keyring import Keyring
from threelines.web.accounts import AccountError, Accounts

WORKER = User(id="w1", role="case_worker", team="north")
SUPERVISOR = User(id="s1", role="supervisor", team="north")
ANA = User(id="ana", role="reviewer")
BOTH = pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])


@pytest.fixture
def as_user(database, tmp_path, request):
    """Return a function that opens the register as another process of a user does: own connections, own keys."""
    place = tmp_path / "r.db" if database == "sqlite" else request.getfixturevalue("address")
    Keyring.create(tmp_path / "r.key")
    with contextlib.ExitStack() as opened:

        def open_as(user):
            keyring = Keyring.open(tmp_path / "r.key")
            return opened.enter_context(Register.open(place, keyring, user, today=date(2026, 9, 15)))

        release.migrate(open_as(WORKER))
        yield open_as


def accounts_of(register):
    """Return the accounts of the database, as one process has them."""
    return Accounts(register.store, register.keyring, Audit(register.store, register.keyring))


@BOTH
def test_of_two_admins_who_close_each_other_one_stays(as_user, monkeypatch):
    """The second one is refused: there is always an admin who can come in."""
    mine, other = accounts_of(as_user(WORKER)), accounts_of(as_user(WORKER))
    ana, ben = (mine.add(name, "four words for a door", role="admin") for name in ("ana", "ben"))
    before(monkeypatch, mine.store, "write", lambda: other.set_disabled(ana.id, True, ben.user))
    with pytest.raises(AccountError, match="last admin"):
        mine.set_disabled(ben.id, True, ana.user)

    assert [person.name for person in mine.all() if not person.disabled] == ["ben"]


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"])
def test_an_admin_who_closes_another_waits_for_the_other(as_user, monkeypatch):
    """Of two closings within one moment the second waits until the first is kept, and is then refused."""
    mine, other = accounts_of(as_user(WORKER)), accounts_of(as_user(WORKER))
    ana, ben = (mine.add(name, "four words for a door", role="admin") for name in ("ana", "ben"))
    with paused(monkeypatch, mine.audit, "note", mine.set_disabled, ben.id, True, ana.user) as kept:
        late = Call(other.set_disabled, ana.id, True, ben.user)
        late.waits_or_ends(as_user(WORKER))

    assert kept.end() is None
    assert isinstance(late.end(), AccountError)


def spend(register):
    """Spend 3 of the 4 that a year has."""
    synthetic._spend(register, 3.0, 1e-6, ["year"])


@BOTH
def test_two_runs_at_once_spend_no_more_than_the_budget(as_user, monkeypatch):
    """A run that another one overtakes counts what the other has spent, and is refused."""
    pytest.importorskip("pacsynth", reason="pac-synth is the extra `synthetic`")
    mine, other = as_user(SUPERVISOR), as_user(SUPERVISOR)
    synthetic.spent(mine, 2026)
    before(monkeypatch, mine.store, "write", lambda: spend(other))
    with pytest.raises(synthetic.SyntheticError, match="3 is spent"):
        spend(mine)

    assert synthetic.spent(mine, 2026) == 3.0


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"])
def test_a_run_waits_for_what_another_one_spends(as_user, monkeypatch):
    """Of two runs within one moment the second waits until the first is written down, and is then refused."""
    pytest.importorskip("pacsynth", reason="pac-synth is the extra `synthetic`")
    mine, other = as_user(SUPERVISOR), as_user(SUPERVISOR)
    synthetic.spent(mine, 2026)
    with paused(monkeypatch, mine.audit, "note", spend, mine) as kept:
        late = Call(spend, other)
        late.waits_or_ends(as_user(WORKER))

    assert kept.end() is None
    assert isinstance(late.end(), synthetic.SyntheticError)


def review_of(register):
    """Return the queue of the database, as one process has it."""
    return Review(register.store, register.keyring, Audit(register.store, register.keyring))


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"])
def test_two_findings_opened_at_once_begin_a_day_together(as_user, monkeypatch):
    """A reviewer who opens two findings at once, the first of the day, gets both, and both are counted."""
    mine, other = review_of(as_user(WORKER)), review_of(as_user(WORKER))
    mine.add([finding("t1", author="a"), finding("t2", author="b")])
    one, two = (item.findings[0].id for item in mine.queue(ANA))
    with paused(monkeypatch, mine.audit, "note", mine.open, ANA, one) as shown:
        late = Call(other.open, ANA, two)
        late.waits_or_ends(as_user(WORKER))

    assert (shown.end().seen, late.end().seen) == ((1, 0), (2, 0))
