"""What programs and people send in: bounded, judged apart where it breaks, waiting in turn, and never in a log."""

import asyncio
import gzip
import json
import logging
import os
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import httpx
import polars
import pytest
import uvicorn
from fastapi import APIRouter

from tests.at_once import Call
from tests.test_web_api import WORDS, advert, program  # noqa: F401 - a fixture
from threelines.people.register import Register
from threelines.platforms.read import ReadError, read
from threelines.roles import User
from threelines.store.keyring import Keyring
from threelines.web import ingest
from threelines.web import stream as stream_module
from threelines.web.faults import LOG, fault_line
from threelines.web.scratch import clear_leftovers, scratch
from threelines.web.security import form_token
from threelines.web.stream import Stream
from threelines.web.turns import Occupied, Turns

CANARY = "Zerbinetta"
KEY = b"k" * 32


def message(name, **more):
    """Return one message of a conversation as a program sends it."""
    return {"id": name, "author": "boss", "conversation": "c1", "text": "We keep your passport.", **more}


@pytest.fixture
def uploader(console):
    """Return a function that uploads an export as a reviewer."""
    browser, _ = console.sign_in("reviewer")
    token = {"token": form_token(browser.cookies["threelines"])}
    return lambda name, content: browser.post("/review/upload", data=token, files={"export": (name, content)})


# ---- bounds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "parquet"])
def test_an_upload_that_unpacks_to_more_than_its_bound_is_refused(tmp_path, form):
    """A few kilobytes of gzip end at the bound, whatever the format; without a bound they are read."""
    text = "x" * 3000
    plain = {
        "jsonl": f'{{"text":"{text}"}}\n' * 1000,
        "csv": "id,text\n" + f"1,{text}\n" * 1000,
        "json": "[" + ",".join([f'{{"text":"{text}"}}'] * 1000) + "]",
        "parquet": "",
    }[form].encode()
    path = tmp_path / f"a.{form}.gz"
    if form == "parquet":
        polars.DataFrame({"text": [text] * 1000}).write_parquet(tmp_path / "a.parquet", compression="uncompressed")
        plain = (tmp_path / "a.parquet").read_bytes()
    path.write_bytes(gzip.compress(plain))

    with pytest.raises(ReadError, match="more than 1 MiB once unpacked"):
        list(read([path], key=KEY, largest=1 << 20))
    assert len(list(read([path], key=KEY))) == 1000


def test_a_parquet_file_of_one_value_repeated_is_refused_before_it_is_read(tmp_path):
    """A value that a page names once for a million rows takes the room of a million."""
    path = tmp_path / "a.parquet"
    polars.DataFrame({"text": ["x"] * 1_000_000}).write_parquet(path)
    assert path.stat().st_size < 1 << 20

    with pytest.raises(ReadError, match="more than 1 MiB once unpacked"):
        next(read([path], key=KEY, largest=1 << 20))


def test_an_upload_of_too_many_records_is_refused(uploader, monkeypatch):
    """The message tells the number and the way for larger ones; nothing of it is judged."""
    monkeypatch.setattr(ingest, "MOST_RECORDS", 3)
    answer = uploader("a.jsonl", '{"text":"a"}\n' * 4)

    assert answer.status_code == 422 and "more than 3 records" in answer.text and "threelines scan" in answer.text


def test_an_upload_that_is_too_large_is_refused_on_the_page(uploader, monkeypatch):
    """The limit stands in the message, without the name of our own copy."""
    monkeypatch.setattr(ingest, "LARGEST_EXPORT", 1 << 20)
    answer = uploader("a.jsonl.gz", gzip.compress(b'{"text":"' + b"a" * 5_000_000 + b'"}'))

    assert answer.status_code == 422 and ">more than 1 MiB once unpacked" in answer.text


# ---- turns -------------------------------------------------------------------------------------


def test_pages_answer_while_a_scan_runs_and_many_wait(console, program, monkeypatch):  # noqa: F811 - the fixture
    """However many calls wait for a scan, none of them holds a thread that a page needs; they get 503 and when to come."""
    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(ingest, "findings_of", lambda *_: (begun.set(), go_on.wait(30), [])[2])
    console.desk.scans.seconds = 0.5

    async def everybody():
        transport = httpx.ASGITransport(app=console.app, client=("192.0.2.7", 5000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", timeout=30) as client:
            sent = {"json": {"records": [advert()]}, "headers": dict(program.headers)}
            first = asyncio.create_task(client.post("/v1/records", **sent))
            await asyncio.to_thread(begun.wait, 30)
            waiting = [asyncio.create_task(client.post("/v1/records", **sent)) for _ in range(60)]
            pages = [(await client.get(path)).status_code for path in ("/health", "/login", "/check")]
            late = await asyncio.gather(*waiting)
            go_on.set()
            return pages, late, await first

    pages, late, first = asyncio.run(everybody())

    assert pages == [200, 200, 200] and first.status_code == 200
    assert {answer.status_code for answer in late} == {503}
    assert {answer.headers["retry-after"] for answer in late} == {"60"} and "try again" in late[0].json()["fault"]


def test_more_than_may_wait_are_sent_away_at_once():
    """The bodies of those who wait are in memory: their number is bounded."""

    async def too_many():
        with pytest.raises(Occupied):
            await Turns(most=0).take(lambda: 1)

    asyncio.run(too_many())


def test_what_a_killed_console_left_is_deleted_at_the_next_start(tmp_path, monkeypatch):
    """Its folder goes; that of a console which runs, and what is not ours, stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in (
        "threelines-console-4194399-abc",
        f"threelines-console-{os.getppid()}-abc",
        "threelines-console-x",
        "b",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "export.csv").write_text(CANARY)
    with scratch() as mine:
        assert clear_leftovers() == 1
        assert mine.is_dir()

    assert not (tmp_path / "threelines-console-4194399-abc").exists()
    assert len(list(tmp_path.iterdir())) == 3


def test_nothing_of_an_upload_lies_outside_its_scratch_folder(uploader, tmp_path, monkeypatch):
    """The copy is gone when the scan begins, and what the scan lays down is where a later start would find it."""
    places = []

    def judged(records, plan, *, jobs, scratch):
        places.append(([path.name for path in scratch.iterdir()], scratch.name.startswith("threelines-console-")))
        return iter(())

    monkeypatch.setattr(ingest, "run", judged)
    uploader(f"{CANARY}.jsonl", '{"text":"a"}\n')

    assert places == [([], True)]


def test_lines_that_gave_no_record_are_told_with_their_place(uploader):
    """Nothing of an upload is dropped in silence: how many lines, which, and why; what was left out of others too."""
    page = uploader("a.jsonl", b'{"text":"a"}\n{"text":\n7\n{"text":"b","time":"1950-01-01T00:00:00Z"}\n').text

    assert "2 records read" in page and "2 lines gave no record, in 1 something was left out" in page
    assert "<li>2: " in page and "<li>3: " in page and "<li>4: " in page


def test_the_columns_of_a_table_that_were_read_are_told(uploader):
    """A board's table is read whole, and the page says of which columns the text was made and where other words stand."""
    page = uploader("a.csv", b"title,description,q7\nCook,Join us,we keep your wages until then\n").text

    assert "In this table: read as text: title, description." in page
    assert "words stand in q7, which was not read as text." in page and "--map" not in page


@pytest.mark.parametrize("bound", [0, 10_000])
def test_what_a_bounded_file_needs_unpacked_lies_beside_it(tmp_path, bound):
    """A chat in an archive, uploaded, is unpacked where a later start would find what a kill left."""
    path = tmp_path / "chat.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("chat.jsonl", '{"text":"a"}\n{"text":"b"}\n')
    records = read([path], key=None, reveal=True, largest=bound)
    next(records)

    assert len(list(tmp_path.iterdir())) == (2 if bound else 1)
    assert len(list(records)) == 1 and list(tmp_path.iterdir()) == [path]


# ---- one cannot silence others -----------------------------------------------------------------


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1969-12-31T23:00:00Z"])
def test_a_time_that_no_clock_shows_is_refused_and_silences_nobody(program, time):  # noqa: F811 - the fixture
    """It is named and not kept, so the conversation is judged on."""
    refused = program.post("/v1/records", json={"records": [message("m1", time=time)]})
    later = program.post("/v1/records", json={"records": [message("m2", time="2026-11-01T10:00:00Z")]})

    assert refused.status_code == 422 and refused.json()["detail"][0]["loc"] == ["body", "records", 0, "time"]
    assert (later.status_code, later.json()["records"]) == (200, 1)


def test_a_conversation_that_breaks_the_scan_is_judged_apart(program, monkeypatch, capsys):  # noqa: F811 - the fixture
    """Adverts and conversations beside it are raised as ever; it is counted, and the log has no word of it."""
    run = ingest.run

    def breaks(records, plan, **options):
        known = list(records)
        if any(CANARY in record.text for record in known):
            raise OverflowError(CANARY)
        return run(known, plan, **options)

    monkeypatch.setattr(ingest, "run", breaks)
    sent = [advert("a1"), message("m1", text=CANARY), message("m2", conversation="c2", text=WORDS), advert("a2")]
    answer = program.post("/v1/records", json={"records": sent})
    told = capsys.readouterr().err

    assert answer.status_code == 200 and answer.json()["left_out"] == 1
    assert answer.json()["raised"] >= 2
    assert "OverflowError" in told and CANARY not in told


# ---- the log -----------------------------------------------------------------------------------


@pytest.fixture
def served(console):
    """Return where the console is, served as `threelines serve` does, with a route that breaks; and how to stop it."""
    breaking = APIRouter()

    @breaking.get("/v1/breaks")
    def breaks():
        raise ValueError(f"{CANARY} came here") from KeyError(CANARY)

    console.app.include_router(breaking)
    root = logging.getLogger()
    before = root.handlers[:], root.level
    server = uvicorn.Server(uvicorn.Config(console.app, port=0, log_config=LOG, log_level="warning", access_log=False))
    ready, startup = threading.Event(), server.startup

    async def started(sockets=None):
        await startup(sockets)
        ready.set()

    server.startup = started
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert ready.wait(30)

    def stop():
        server.should_exit = True
        thread.join(30)

    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", stop
    stop()
    root.handlers[:], root.level = before


def test_no_word_of_anybody_reaches_the_log(console, capfd, served):
    """Texts, ids and file names that break something are in no line on standard error, nor sent back."""
    address, stop = served
    token = console.desk.accounts.make_token("ingest", label="stream")
    browser, _ = console.sign_in("reviewer")
    form = {"token": form_token(browser.cookies["threelines"])}
    bodies = [
        f'{{"records":[{{"text":"{CANARY} \\ud800"}}]}}',
        f'{{"records":[{{"text":"{CANARY}","time":1e400}}]}}',
        f'{{"records":[{{"text":"a","{CANARY}\\ud800":1}}]}}',
        f'{{"records":[{{"id":"{CANARY}","time":"{CANARY}"}}]}}',
        f'{{"records":[{{"text":"{CANARY}',
        f'{{"finding":"{CANARY}\\ud800"}}',
    ]
    names = [f"Chat with {CANARY} {'a' * 250}.txt", "..", f"{CANARY}\ud83d.csv".encode("utf-8", "replace").decode()]
    with httpx.Client(base_url=address, headers={"authorization": f"Bearer {token}"}) as client:
        sent = [
            client.post(path, content=body.encode(), headers={"content-type": "application/json"})
            for body in bodies
            for path in ("/v1/records", "/v1/appeals")
        ]
        client.headers["cookie"] = f"threelines={browser.cookies['threelines']}"
        uploads = [client.post("/review/upload", data=form, files={"export": (name, b"hi")}) for name in names]
        broken = client.get("/v1/breaks")
    stop()
    told = capfd.readouterr().err

    assert {answer.status_code for answer in sent} == {422}
    assert all("input" not in fault for answer in sent for fault in answer.json()["detail"])
    assert {answer.status_code for answer in uploads} == {422}
    assert broken.status_code == 500 and CANARY not in broken.text
    assert '"ValueError"' in told and "test_web_intake.py" in told
    assert CANARY not in told and "\\ud800" not in told


def test_a_fault_is_told_by_kind_and_place():
    """What led to it is named too, none of their texts."""
    try:
        try:
            int(CANARY)
        except ValueError as fault:
            raise KeyError(CANARY) from fault
    except KeyError as fault:
        line = json.loads(fault_line(fault))

    assert line["fault"] == ["KeyError", "ValueError"]
    assert Path(__file__).name in line["at"][-1] and CANARY not in json.dumps(line)


@pytest.mark.postgresql
def test_an_answer_is_kept_once_where_one_request_is_answered_twice_at_once(address, tmp_path):
    """The client that sent it again meanwhile gets the answer too, not a fault of ours."""
    keyring = Keyring.create(tmp_path / "s.key")
    with Register.open(address, keyring, User(id="check", role="admin")) as register:
        store = register.store
        stream = Stream(store, keyring)
        store.migrate("stream", stream_module.MIGRATIONS)
        with store.write() as connection:
            store.lock(connection)
            kept = {"key": stream._tag("key", "k"), "body": keyring.tag(b"{}", b"web:body").hex(), "made": time.time()}
            connection.execute(stream_module._answered.insert().values(**kept, answer="first"))
            late = Call(stream.remember_answer, "k", b"{}", "second")
            late.waits_or_ends(register)

        assert late.end() is None
        assert stream.answered_before("k", b"{}") == "first"
