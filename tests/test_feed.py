"""Feeds: a real TAXII client and PyMISP read what we serve; nothing unapproved is served; no token, no answer."""

from __future__ import annotations

import re
import socket
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

pytest.importorskip("taxii2client")
pytest.importorskip("pymisp")

import httpx
import uvicorn
from click.testing import CliRunner
from pymisp import MISPEvent
from starlette.testclient import TestClient
from taxii2client.common import TokenAuth
from taxii2client.v21 import Server

from threelines.cli._register import opened
from threelines.cli.main import root
from threelines.people.approval import Terms
from threelines.web.feed import COLLECTION, Feed, create_feed
from threelines.web.feed_source import Source

TOKEN = "a-token-for-tests-only"
SECOND = ("--user", "second", "--role", "data_protection_officer")


def options(db: str) -> dict[str, object]:
    """Return the options that open the register as a supervisor."""
    return {"database": db, "key_file": None, "passphrase": "", "user": "first", "role": "supervisor", "team": ""}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A demo register whose STIX and MISP exports a second person approved."""
    folder = tmp_path_factory.mktemp("feed")
    db = str(folder / "d.db")
    run = CliRunner().invoke
    assert run(root, ["register", "demo", "--db", db, "--cases", "80", "--user", "first"]).exit_code == 0
    for name, target in (("stix", "b.json"), ("misp", "m.json")):
        orders = ["export", name, "--db", db, "--out", str(folder / target), "--user", "first"]
        told = run(root, [*orders, "--organisation", "Helpline Example"]).output
        request = re.search(r"export approve (\w+)", told)
        assert request, told
        assert run(root, ["export", "approve", request[1], "--db", db, *SECOND]).exit_code == 0
    with opened(**options(db)) as register:
        yield Source(register, Terms(organisation="Helpline Example", tlp="amber"))


@pytest.fixture(scope="module")
def address(source):
    """A real server on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = create_feed(source.read, tokens={"partner": TOKEN})
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(5)


def test_a_taxii_client_reads_the_collection(address):
    """Discovery, collection, pages and manifest as the OASIS client asks for them."""
    collection = Server(f"{address}/taxii2/", auth=TokenAuth(TOKEN)).api_roots[0].collections[0]
    pages = [collection.get_objects(limit=4)]
    while pages[-1].get("more"):
        pages.append(collection.get_objects(limit=4, next=pages[-1]["next"]))
    objects = [entry for page in pages for entry in page.get("objects", [])]
    only = collection.get_objects(type="extension-definition")["objects"]

    assert collection.can_read
    assert not collection.can_write
    assert len(pages) > 1
    assert len(objects) == len({entry["id"] for entry in objects}) == len(collection.get_manifest()["objects"])
    assert ["extension-definition"] == [entry["type"] for entry in only]


def test_pymisp_reads_the_feed(address):
    """Manifest and event over HTTP, loaded by PyMISP."""
    auth = {"Authorization": f"Bearer {TOKEN}"}
    manifest = httpx.get(f"{address}/misp/manifest.json", headers=auth).json()
    event = MISPEvent()
    event.load(httpx.get(f"{address}/misp/{next(iter(manifest))}.json", headers=auth).json())

    assert event.objects


@pytest.mark.parametrize(
    "path", ["/taxii2/", "/api/collections/", "/misp/manifest.json", "/misp/..%2f..%2fetc%2fpasswd"]
)
def test_no_token_no_answer(address, path: str):
    """Every address asks for the token, also those that do not exist."""
    assert httpx.get(address + path).status_code in (401, 404)
    assert httpx.get(address + path, headers={"Authorization": "Bearer wrong"}).status_code in (401, 404)


def test_nothing_can_be_written(address):
    """Writing is refused, with the token, too."""
    answer = httpx.post(f"{address}/api/collections/x/objects/", headers={"Authorization": f"Bearer {TOKEN}"}, json={})

    assert answer.status_code in (404, 405)


def test_unapproved_content_is_not_served(tmp_path: Path):
    """Without a second person there is nothing to serve."""
    db = str(tmp_path / "d.db")
    assert CliRunner().invoke(root, ["register", "demo", "--db", db, "--cases", "30"]).exit_code == 0
    told = CliRunner().invoke(root, ["feed", "--db", db, "--token", TOKEN])

    assert told.exit_code == 1
    assert "nothing to serve" in told.output


def _asked(address: str, **asked: str) -> httpx.Response:
    found = httpx.get(f"{address}/api/collections/", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    name = found["collections"][0]["id"]
    return httpx.get(
        f"{address}/api/collections/{name}/objects/", params=asked, headers={"Authorization": f"Bearer {TOKEN}"}
    )


def test_added_after_is_a_moment_not_a_text(address):
    """The second in which something was added comes before it, in every zone; the moment itself does not."""
    everything = _asked(address)
    count, last = len(everything.json()["objects"]), everything.headers["X-TAXII-Date-Added-Last"]
    first = datetime.fromisoformat(everything.headers["X-TAXII-Date-Added-First"])
    second = (first - timedelta(milliseconds=1)).replace(microsecond=0)
    away = second.astimezone(timezone(timedelta(hours=9)))

    assert len(_asked(address, added_after=second.isoformat().replace("+00:00", "Z")).json()["objects"]) == count
    assert len(_asked(address, added_after=away.isoformat()).json()["objects"]) == count
    assert _asked(address, added_after=last).json() == {}


@pytest.mark.parametrize(
    "asked", [{"added_after": "yesterday"}, {"added_after": "2026-12-01"}, {"limit": "x"}, {"next": "4"}]
)
def test_what_cannot_be_read_is_an_error_of_taxii(address, asked: dict[str, str]):
    """A filter that is not understood is refused, or a poller would take an empty answer for nothing new."""
    answer = _asked(address, **asked)

    assert answer.status_code == 400
    assert answer.json()["http_status"] == "400"
    assert next(iter(asked)) in answer.json()["title"]
    assert answer.headers["content-type"].startswith("application/taxii+json")


def _objects(changed: dict[int, str]) -> list[dict[str, str]]:
    """Return six objects of as many days, some of which changed since."""
    days = {number: changed.get(number, f"2026-01-0{number}T00:00:00.000Z") for number in range(1, 7)}
    return [{"type": "incident", "id": f"incident--{number}", "modified": day} for number, day in days.items()]


@pytest.mark.parametrize("moved", [(1,), (1, 2), (2, 3), (1, 4, 6)])
def test_what_changes_between_two_pages_hides_nothing(moved: tuple[int, ...]):
    """Objects that move to the end while somebody pages push no other past the next page, and come again themselves."""
    changed: dict[int, str] = {}
    client = TestClient(create_feed(lambda: Feed(_objects(changed)), tokens={"partner": TOKEN}))
    auth, seen, asked = {"Authorization": f"Bearer {TOKEN}"}, [], {"limit": "2"}
    while asked:
        page = client.get(f"/api/collections/{COLLECTION}/objects/", params=asked, headers=auth).json()
        seen += [(each["id"], each["modified"]) for each in page.get("objects", ())]
        asked = {"limit": "2", "next": page["next"]} if page.get("more") else {}
        changed |= {number: f"2026-02-0{number}T00:00:00.000Z" for number in moved}

    assert {(each["id"], each["modified"]) for each in _objects(changed)} <= set(seen)
    assert len(seen) == len(set(seen))


def _at(address: str, path: str, **asked: str) -> httpx.Response:
    """Ask for what stands below the collection's objects."""
    return httpx.get(
        f"{address}/api/collections/{COLLECTION}/{path}", params=asked, headers={"Authorization": f"Bearer {TOKEN}"}
    )


def test_a_client_that_asks_for_more_is_given_a_page(address):
    """A limit above ours is no fault: the server gives fewer, as TAXII has it; none and fewer than one stay faults."""
    whole = _asked(address).json()["objects"]

    assert _asked(address, limit="100000").json()["objects"] == whole
    assert _asked(address, limit="0").status_code == 400


def test_versions_are_filtered(address):
    """Who asks for another version of STIX, or for another version of an object, is not given ours."""
    whole = _asked(address).json()["objects"]
    version = whole[-1]["modified"]

    assert _asked(address, **{"match[spec_version]": "2.0"}).json() == {}
    assert _asked(address, **{"match[spec_version]": "2.0,2.1"}).json()["objects"] == whole
    assert _asked(address, **{"match[version]": "all"}).json()["objects"] == whole
    assert version in {each["modified"] for each in _asked(address, **{"match[version]": version}).json()["objects"]}
    assert _asked(address, **{"match[version]": "2001-01-01T00:00:00Z"}).json() == {}
    assert _asked(address, **{"match[version]": "newest"}).status_code == 400


def test_an_object_has_its_versions(address):
    """Each object is asked for by its id, with its versions and the filters, also by OASIS's client."""
    collection = Server(f"{address}/taxii2/", auth=TokenAuth(TOKEN)).api_roots[0].collections[0]
    entry = collection.get_objects(type="incident")["objects"][0]
    versions = _at(address, f"objects/{entry['id']}/versions/")

    assert collection.get_object(entry["id"])["objects"] == [entry]
    assert versions.json() == {"versions": [entry["modified"]]}
    assert versions.headers["X-TAXII-Date-Added-First"] == entry["modified"]
    assert _at(address, f"objects/{entry['id']}/", **{"match[spec_version]": "2.0"}).json() == {}


@pytest.mark.parametrize("path", ["objects/incident--0/", "objects/incident--0/versions/", "nothing/"])
def test_what_is_not_there_is_an_error_of_taxii(address, path: str):
    """An object that nobody serves, and an address that TAXII has not, are a 404 in TAXII's own form."""
    answer = _at(address, path)

    assert (answer.status_code, answer.json()["http_status"]) == (404, "404")
    assert answer.headers["content-type"].startswith("application/taxii+json")
