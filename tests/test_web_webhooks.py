"""The courier of announcements: it outlives faults, waits as long as documented, and tells what it gave up."""

import http.server
import json
import threading

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from tests.test_web_api import Receiver
from threelines.platforms.review_tables import outbox
from threelines.web.security import form_token
from threelines.web.webhooks import SLOWEST, TRIES, Courier, given_up

HOUR = 3600.0


class Waits:
    """Stands for the courier's end: notes each wait, and ends it where `over` says so."""

    def __init__(self, over):
        self.waits, self.over = [], over

    def wait(self, seconds):
        """Pass the time at once."""
        self.waits.append(seconds)
        return self.over(self.waits)


@pytest.fixture
def receiver():
    """Return a platform that takes announcements: its class, and the address."""
    here = type("Here", (Receiver,), {"got": [], "refuse": 0, "came": threading.Event()})
    taken = here.do_POST

    def post(self):
        taken(self)
        here.came.set()

    here.do_POST = post
    server = http.server.HTTPServer(("127.0.0.1", 0), here)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield here, f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


def put(store, name, tries=0):
    """Put an event into the outbox."""
    with store.write() as connection:
        made = f"2026-01-01T00:00:00.{name}"
        connection.execute(outbox.insert().values(id=name, made=made, sent="", tries=tries, body="{}"))


def tries(store, name):
    """Return how often an event was tried in vain."""
    with store.read() as connection:
        return connection.execute(sa.select(outbox.c.tries).where(outbox.c.id == name)).scalar_one()


def test_a_fault_of_the_database_is_logged_and_the_next_delivery_comes(console, receiver, monkeypatch, capfd):
    """The thread goes on after the database or the disk failed, can be asked whether it lives, and ends when told to."""
    here, address = receiver
    store = console.desk.store
    put(store, "1")
    courier = Courier(store, address=address, secret="s" * 20, every=0.001)
    faults = [OperationalError("select", {}, Exception("secret words")), OSError("disk full"), ValueError("proxy")]
    deliver = courier.deliver

    def fails_first():
        if faults:
            raise faults.pop()
        return deliver()

    monkeypatch.setattr(courier, "deliver", fails_first)
    courier.start()
    assert here.came.wait(30) and courier.is_alive()
    courier.stop()
    courier.join(30)

    assert not courier.is_alive() and [event for event, _, _ in here.got] == ["1"]
    logged = capfd.readouterr().err
    assert [json.loads(line)["fault"][0] for line in logged.splitlines()] == [
        "ValueError",
        "OSError",
        "OperationalError",
    ]
    assert "secret words" not in logged


def test_an_event_is_tried_for_half_a_day_and_slows_nothing_after_that(console, receiver):
    """A receiver that refuses for half a day loses the event to the admin; once it is well, idle waits are short again."""
    here, address = receiver
    store = console.desk.store
    put(store, "1")
    here.refuse = TRIES
    courier = Courier(store, address=address, secret="s" * 20)
    waits = Waits(lambda waits: tries(store, "1") >= TRIES)
    courier.ended = waits
    courier.run()

    assert 11 * HOUR < sum(waits.waits[:-1]) < 13 * HOUR and max(waits.waits) == SLOWEST
    assert given_up(store) == 1 and not here.got
    put(store, "2")
    courier.ended = Waits(lambda waits: len(waits) == 20)
    courier.run()
    assert [event for event, _, _ in here.got] == ["2"] and set(courier.ended.waits) == {courier.every}


def test_the_admin_is_told_what_was_given_up_and_has_it_sent_again(console, receiver):
    """Accounts shows how many announcements were not taken, and *Try again* lets the courier deliver them."""
    here, address = receiver
    store = console.desk.store
    browser, _ = console.sign_in("admin")
    assert "not delivered" not in browser.get("/admin").text
    put(store, "1", TRIES)
    courier = Courier(store, address=address, secret="s" * 20)
    assert courier.deliver() == 0 and "1 announcement of decisions not delivered" in browser.get("/admin").text
    token = form_token(browser.cookies["threelines"])
    page = browser.post("/admin", data={"token": token, "do": "announce"}).text

    assert "not delivered" not in page and courier.deliver() == 1 and [event for event, _, _ in here.got] == ["1"]
    assert "announcement.again" in {entry.action for entry in console.desk.audit.entries()}
