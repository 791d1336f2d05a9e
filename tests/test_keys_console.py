"""What the console holds is found again after the keys were changed: findings, messages, links."""

import contextlib

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from tests.test_keys_change import ADMIN, BOTH, WORKER, as_user, place  # noqa: F401 - fixtures
from tests.test_review import finding
from threelines.cli.main import root
from threelines.people import keeping
from threelines.platforms import review_keys
from threelines.platforms.review import Review
from threelines.platforms.review_tables import findings, items
from threelines.records import Record
from threelines.store.audit import Audit
from threelines.store.keyring import Keyring
from threelines.store.sealed import declare
from threelines.web import stream as stream_module
from threelines.web.accounts import Accounts
from threelines.web.grants import Grants
from threelines.web.keys import account_key, upload_key, upload_name
from threelines.web.stream import Stream

REMAKE = (review_keys.remake, stream_module.remake)
HELLO, AGAIN = (Record(id=name, conversation="c", author="u", text=name) for name in ("hello", "again"))


def review_of(register):
    """Return the queue of a process that was started before."""
    return Review(register.store, register.keyring, Audit(register.store, register.keyring))


@BOTH
def test_a_finding_and_its_account_are_found_after_a_rotation(as_user):  # noqa: F811 - the fixture
    """The same finding is known, and another one of its account waits in the same item."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    review = review_of(mine)
    review.add([finding("t1")])
    keeping.rotate(admin, remake=REMAKE)

    assert review.add([finding("t1")]) == {"new": 0, "updated": 0, "known": 1}
    assert review.add([finding("t2")])["new"] == 1
    with mine.store.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(items)).scalar() == 1
    assert keeping.check(mine.store, Keyring.open(mine.keyring.path)).sealed_values == 3


@BOTH
def test_a_thread_that_an_earlier_rotation_split_is_one_again(as_user):  # noqa: F811 - the fixture
    """Two first rounds of one thread become a first and a second one."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    review = review_of(mine)
    review.add([finding("t1")])
    keeping.rotate(admin)
    review.add([finding("t1")])
    keeping.rotate(admin, remake=REMAKE)

    with mine.store.read() as connection:
        rows = connection.execute(sa.select(findings.c.thread, findings.c.round).order_by(findings.c.round)).all()
    assert [row.round for row in rows] == [1, 2] and rows[0].thread == rows[1].thread


@BOTH
def test_a_conversation_goes_on_after_a_rotation(as_user):  # noqa: F811 - the fixture
    """A message that comes again is not kept twice, and a new one is read with those before."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    mine.store.migrate("stream", stream_module.MIGRATIONS)
    declare(mine.store, stream_module.SEALED)
    stream = Stream(mine.store, mine.keyring)
    stream.remember([HELLO])
    keeping.rotate(admin, remake=REMAKE)

    assert stream.remember([HELLO, AGAIN]) == (1, [[HELLO, AGAIN]])
    keeping.rotate(admin)  # an earlier version: the next message would be kept a second time
    assert stream.remember([HELLO])[0] == 1
    keeping.rotate(admin, remake=REMAKE)
    assert stream.remember([HELLO]) == (0, [[HELLO, AGAIN]])


@BOTH
def test_the_code_of_an_open_link_fits_after_a_rotation(as_user):  # noqa: F811 - the fixture
    """Who was told a code before the keys were changed comes in by it."""
    mine, admin = as_user(WORKER), as_user(ADMIN)
    accounts = Accounts(mine.store, mine.keyring, Audit(mine.store, mine.keyring))
    grants = Grants(accounts)
    head = accounts.add("ana", "four words for a door", role="supervisor", team="north")
    asked = grants.invite(ADMIN, "ben", role="supervisor", team="north")
    code = grants.approve(head.user, grants.find(asked.secret).id)
    keeping.rotate(admin, remake=REMAKE)

    assert grants.use(asked.secret, password="other words for a door", code=code.lower()).name == "ben"


@BOTH
def test_tokens_of_accounts_and_uploads_stay(as_user):  # noqa: F811 - the fixture
    """An account has the same token after a rotation, in a process that was started before as well."""
    mine, admin = as_user(WORKER), as_user(ADMIN)

    def names():
        return account_key(mine), upload_key(mine), upload_name(mine, "a.csv")

    before = names()
    assert before[:2] == (mine.keyring.tag(b"accounts", b"pseudonym"), mine.keyring.tag(b"uploads", b"pseudonym"))
    keeping.rotate(admin)
    keeping.rotate(admin)

    assert names() == before


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_command_makes_them_anew(as_user, place):  # noqa: F811 - the fixtures
    """`register rotate-key` does so for the queue of a console that runs beside it."""
    mine = as_user(WORKER)
    review = review_of(mine)
    review.add([finding("t1")])
    asked = ["register", "rotate-key", "--db", str(place), "--key-file", str(mine.keyring.path), "--user", "ana"]
    with contextlib.closing(mine.store):
        ran = CliRunner().invoke(root, asked, catch_exceptions=False)
        assert (ran.exit_code, review.add([finding("t1")])["known"]) == (0, 1), ran.output
