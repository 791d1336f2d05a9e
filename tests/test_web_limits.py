"""Limits of tries and calls: whom they stop, whom they leave alone, and that nobody can flush them."""

from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from threelines.web.security import Limit, peer

PASSWORD = "seven quiet lamps"


def at(console, address: str) -> TestClient:
    """Return a browser at an address."""
    return TestClient(console.app, base_url="http://127.0.0.1", client=(address, 5000), follow_redirects=False)


def tried(browser, name: str, *, password: str = "wrong wrong wrong") -> int:
    """Try to sign in and return the status."""
    return browser.post("/login", data={"name": name, "password": password}).status_code


def test_an_address_that_is_refused_uses_up_no_name(console):
    """Whoever is over the limit of their address cannot lock others out of their accounts."""
    console.desk.accounts.add("dpo", PASSWORD, role="data_protection_officer")
    stranger = at(console, "198.51.100.9")
    while console.desk.places.allows("198.51.100.9"):
        pass

    assert {tried(stranger, "dpo") for _ in range(12)} == {429}
    assert tried(at(console, "192.0.2.7"), "dpo", password=PASSWORD) == 303


def test_a_limit_keeps_few_keys():
    """Limits are per key, a success ends one, and memory stays bounded."""
    limit = Limit(2, 10.0, keys=3)
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    limit.clear("a")
    assert limit.allows("a")
    for key in "bcdefg":
        limit.allows(key)

    assert len(limit._below) == 3


@pytest.mark.parametrize("others", [5, 500])
def test_a_key_at_its_limit_is_not_flushed(others: int):
    """However many other keys come, one that reached its limit stays there; of those below it the latest are known."""
    limit = Limit(2, 900.0, keys=10)
    assert [limit.allows("rev") for _ in range(3)] == [True, True, False]
    assert all(limit.allows(f"invented {number}") for number in range(others))

    assert not limit.allows("rev")
    limit.clear("rev")
    assert limit.allows("rev")


def test_a_key_at_its_limit_is_forgotten_when_its_time_is_over(monkeypatch):
    """Memory holds nobody longer than the limit does."""
    moments = iter((0.0, 0.0, 1.0, 11.0, 12.0))
    monkeypatch.setattr("threelines.web.security.time.monotonic", lambda: next(moments))
    limit = Limit(1, 10.0)

    assert [limit.allows("a"), limit.allows("a"), limit.allows("b"), limit.allows("c"), limit.allows("a")] == [
        True, False, True, True, True,
    ]  # fmt: skip
    limit.forgive("a")
    assert len(limit._below) + len(limit._reached) == 2


@pytest.mark.parametrize(
    ("addresses", "count"),
    [
        (["2001:db8:1:2::1", "2001:db8:1:2:ffff::9"], 1),
        (["2001:db8:1:2::1", "2001:db8:1:3::1"], 2),
        (["::ffff:192.0.2.7", "192.0.2.7"], 1),
        (["192.0.2.7", "192.0.2.8"], 2),
        (["::1", "fe80::1%eth0"], 2),
    ],
)
def test_one_caller_of_ipv6_is_one_peer(addresses: list[str], count: int):
    """A line has 2^64 addresses of IPv6: limits go by its /64."""
    assert len({peer(SimpleNamespace(client=SimpleNamespace(host=address))) for address in addresses}) == count


def test_tries_from_one_network_of_ipv6_share_the_limit(console):
    """A new address of the same /64 for each try gains nothing."""
    states = [tried(at(console, f"2001:db8:1:2::{number:x}"), f"name{number}") for number in range(1, 62)]

    assert states[:60] == [401] * 60 and states[60] == 429


def test_invented_tokens_share_the_limit_of_their_address(console):
    """A new token for each call is no way around the limit of an address."""
    console.desk.programs.many = 3
    browser = console.client()
    calls = [browser.post("/v1/records", json={}, headers={"Authorization": f"Bearer t{n}"}) for n in range(4)]

    assert [call.status_code for call in calls] == [401, 401, 401, 429]
    assert at(console, "192.0.2.99").post("/v1/records", json={}).status_code == 401
