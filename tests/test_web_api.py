"""The API for programs: records in, nothing twice, signed announcements out, and no request that breaks it."""

import http.server
import json
import threading
import time

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from threelines.platforms.finding import Finding, Verdict, account_of
from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
from threelines.store.database import Store
from threelines.web.webhooks import Courier, is_signed, signature

WORDS = "They make us work 17 hours a day. You are fined for being late. We keep your passport."


@pytest.fixture
def program(console):
    """Return a program with a token for records."""
    client = console.client()
    client.headers["authorization"] = f"Bearer {console.desk.accounts.make_token('ingest', label='stream')}"
    return client


def advert(name="a1", text=WORDS):
    """Return one advert as a program sends it."""
    return {"id": name, "kind": "advert", "author": "employer 7", "text": text, "language": "en"}


def test_records_become_findings_once(program):
    """The same records twice raise nothing twice."""
    first = program.post("/v1/records", json={"records": [advert()]}).json()
    again = program.post("/v1/records", json={"records": [advert()]}).json()

    assert first["raised"] >= 1 and first["new"] == first["raised"]
    assert (again["new"], again["known"]) == (0, first["raised"])


def test_a_record_without_an_id_is_taken_once(program):
    """A stream that gives no ids does not fill the queue by repeating itself."""
    for _ in range(2):
        answer = program.post("/v1/records", json={"records": [advert(name="")]}).json()

    assert answer["new"] == 0


def test_a_conversation_that_arrives_in_pieces_is_judged_whole(program, console):
    """Messages are read with what came before them in the same conversation."""
    pieces = ["They make us work 17 hours a day.", "You are fined for being late.", "We keep your passport."]
    for place, text in enumerate(pieces):
        sent = {
            "id": f"m{place}",
            "author": "boss",
            "conversation": "c1",
            "text": text,
            "time": f"2026-03-01T10:0{place}:00Z",
        }
        program.post("/v1/records", json={"records": [sent]})
    _, person = console.sign_in("reviewer")
    found = [
        row for item in console.desk.review.queue(person.user) for row in item.findings if row.kind == "conversation"
    ]
    console.desk.review.claim(person.user)

    assert len(found) == 1
    assert len(console.desk.review.open(person.user, found[0].id).finding.records) == 3


def test_an_idempotency_key_gives_the_same_answer_and_refuses_another_body(program):
    """A repeated request is answered as before; the key is not for another request."""
    key = {"idempotency-key": "k1"}
    first = program.post("/v1/records", json={"records": [advert()]}, headers=key)
    again = program.post("/v1/records", json={"records": [advert()]}, headers=key)
    other = program.post("/v1/records", json={"records": [advert("a2")]}, headers=key)

    assert first.json() == again.json()
    assert other.status_code == 409


def test_account_names_become_pseudonyms_before_anything_is_kept(program, console, tmp_path):
    """Neither the file nor the reviewer sees the platform's own account ids."""
    program.post("/v1/records", json={"records": [advert()]})
    _, person = console.sign_in("reviewer")
    opened = console.desk.review.open(person.user, console.desk.review.claim(person.user).findings[0].id)

    assert {record.author for record in opened.finding.records} != {"employer 7"}
    assert all(record.author.startswith("acc_") for record in opened.finding.records)
    assert all(b"employer 7" not in path.read_bytes() for path in tmp_path.iterdir())


@pytest.mark.parametrize("body", [
    {}, {"records": []}, {"records": [{"kind": "verdict"}]}, {"records": [{"time": "yesterday"}]},
    {"records": [{"text": "a\u0000b"}]}, {"records": [{"unknown": 1}]},
])  # fmt: skip
def test_a_body_that_does_not_fit_is_named(program, body):
    """422 with the place of the fault, never a fault of ours."""
    answer = program.post("/v1/records", json=body)

    assert answer.status_code == 422 and answer.json()["detail"][0]["loc"][0] == "body"


def test_an_upload_is_read_judged_and_queued(console):
    """A CSV export goes through the readers; the second upload adds nothing; nonsense is refused plainly."""
    from threelines.web.security import form_token

    browser, _ = console.sign_in("reviewer")
    token = {"token": form_token(browser.cookies["threelines"])}
    file = f'id,author,text\n1,shop,"{WORDS}"\n'.encode()
    first = browser.post("/review/upload", data=token, files={"export": ("adverts.csv", file)})
    again = browser.post("/review/upload", data=token, files={"export": ("../../adverts.csv", file)})
    bad = browser.post("/review/upload", data=token, files={"export": ("x.bin", b"\x00\x01\x02")})

    assert "1 records read" in first.text and first.status_code == 200
    assert "0 new" in again.text
    assert bad.status_code == 422 and 'role="alert"' in bad.text


def test_an_appeal_needs_a_known_finding(program):
    """A wrong id is 404; the id's shape is checked first."""
    assert program.post("/v1/appeals", json={"finding": "0" * 16}).status_code == 404
    assert program.post("/v1/appeals", json={"finding": "../../x"}).status_code == 422


def test_no_request_that_fits_the_description_breaks_it(console):
    """Schemathesis: what the OpenAPI document allows, and what it does not, never gives a 5xx."""
    token = console.desk.accounts.make_token("ingest", label="fuzz")
    console.desk.programs.many = 10**9
    browser, _ = console.sign_in("reviewer")
    cookie = {"cookie": f"threelines={browser.cookies['threelines']}"}
    schema = schemathesis.openapi.from_asgi("/openapi.json", console.app, headers=cookie)
    program = {"authorization": f"Bearer {token}"}
    seen = set()

    for operation in (found.ok() for found in schema.get_all_operations()):

        @settings(
            max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
        )
        @schemathesis_cases(operation)
        def send(case):
            answer = case.call(headers=program)
            assert answer.status_code < 500, case.as_curl_command()
            seen.add((case.operation.label, answer.status_code))

        send()

    assert ("POST /v1/records", 200) in seen and ("POST /v1/records", 422) in seen
    assert {label for label, _ in seen} == {"POST /v1/records", "POST /v1/appeals", "GET /v1/queue"}


def schemathesis_cases(operation):
    """Return a decorator that feeds a test with cases, those that fit and those that do not."""
    from hypothesis import given
    from hypothesis import strategies as st
    from schemathesis.generation import GenerationMode

    modes = [operation.as_strategy(generation_mode=mode) for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)]
    return given(case=st.one_of(*modes))


class Receiver(http.server.BaseHTTPRequestHandler):
    """A platform that takes announcements, and refuses the first one."""

    got: list
    refuse = 1

    def do_POST(self):
        """Keep what came."""
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        kind = type(self)
        if kind.refuse:
            kind.refuse -= 1
            self.send_response(503)
        else:
            kind.got.append((self.headers["threelines-event"], self.headers["threelines-signature"], body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Stay quiet."""


def decided(review, user):
    """Put one decision into the outbox."""
    record = Record(id="r", author="a", text="words")
    judged = Assessment(
        thread=ThreadRef(kind="advert", id=f"t{time.time()}", records=("r",)), concern=0.6, tier="look", ai_use=0.0,
        capabilities=(), support=False, elements=Elements(), signals=(Signal(indicator="REC-06", record="r"),),
    )  # fmt: skip
    review.add([Finding(assessment=judged, records=(record,))])
    review.decide(user, review.claim(user).findings[0].id, Verdict(decision="no_concern"))


def test_decisions_are_announced_signed_and_again_until_taken(console, tmp_path, monkeypatch):
    """A platform that was away gets the event later, once, and can prove who sent it; no content is in it."""
    monkeypatch.setattr("threelines.platforms.review.DOUBLE_SHARE", 0)
    receiver = type("Here", (Receiver,), {"got": [], "refuse": 1})
    server = http.server.HTTPServer(("127.0.0.1", 0), receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    _, person = console.sign_in("reviewer")
    decided(console.desk.review, person.user)
    address = f"http://127.0.0.1:{server.server_port}/hook"
    courier = Courier(Store.open(tmp_path / "site.db"), address=address, secret="s" * 20)
    assert [courier.deliver(), courier.deliver(), courier.deliver()] == [0, 1, 0]
    server.shutdown()
    _, signed, body = receiver.got[0]

    assert is_signed("s" * 20, body, signed)
    assert not is_signed("t" * 20, body, signed) and not is_signed("s" * 20, body + " ", signed)
    assert set(json.loads(body)) == {"event", "finding", "decision", "reason", "time", "note"}


def test_an_old_signature_proves_nothing():
    """A recorded announcement cannot be played back later."""
    assert not is_signed("s" * 20, "{}", signature("s" * 20, "{}", int(time.time()) - 1000))
    assert not is_signed("s" * 20, "{}", "nonsense")


def test_messages_with_one_id_in_two_conversations_stay_apart(program, console):
    """Chats that each number their messages from 1: the finding shows the words that were judged, under their author."""
    said = [
        {"id": "1", "author": author, "conversation": talk, "text": text, "time": "2026-03-01T10:00:00Z"}
        for talk, author, text in (("c1", "boss", WORDS), ("c2", "daughter", "Mum, can you buy milk?"))
    ]
    program.post("/v1/records", json={"records": said})
    _, person = console.sign_in("reviewer")
    (item,) = console.desk.review.queue(person.user)
    console.desk.review.claim(person.user)
    findings = [console.desk.review.open(person.user, row.id).finding for row in item.findings]

    assert {record.text for finding in findings for record in finding.records} == {WORDS}
    assert len({account_of(finding) for finding in findings}) == 1
    assert {account_of(finding) for finding in findings} == {findings[0].records[0].author}
