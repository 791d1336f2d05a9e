"""Sign in by an identity provider: a real one on this machine, in both its honest and its dishonest moods."""

import base64
import hashlib
import http.server
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from threelines.store.sealed import reseal
from threelines.web.oidc import Issuer, OidcError, Waiting
from threelines.web.security import form_token

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
STRANGE = RSAKey.generate_key(2048, {"kid": "k1"})


class IdentityServer(http.server.BaseHTTPRequestHandler):
    """An identity provider: description, keys, and a token endpoint that checks PKCE."""

    codes: dict
    mood = "honest"
    who: dict
    described: dict
    """What the description says otherwise."""
    keys: object = None
    """What stands in place of the keys."""
    asked: list
    hangs: threading.Event
    """While it is not set, the description does not come."""

    def do_GET(self):
        """Answer description and keys."""
        address = f"http://127.0.0.1:{self.server.server_port}"
        type(self).asked.append(self.path)
        type(self).hangs.wait(10)
        self._say(
            (type(self).keys or {"keys": [KEY.as_dict(private=False)], "about": "ours"}) if self.path == "/keys" else {
                "issuer": address, "authorization_endpoint": f"{address}/go", "token_endpoint": f"{address}/token",
                "jwks_uri": f"{address}/keys", **type(self).described,
            }
        )  # fmt: skip

    def do_POST(self):
        """Exchange a code for a signed statement."""
        sent = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        known = type(self).codes.pop(sent["code"][0], None)
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"][0].encode()).digest()).rstrip(b"=").decode()
        )
        if known is None or known["code_challenge"][0] != challenge:
            self._say({"error": "invalid_grant"}, 400)
            return
        mood = type(self).mood
        claims = {
            "iss": f"http://127.0.0.1:{self.server.server_port}", "aud": "console", "exp": int(time.time()) + 60,
            "nonce": known["nonce"][0], "sub": "s1", **type(self).who,
        }  # fmt: skip
        claims |= {
            "audience": {"aud": "other"},
            "late": {"exp": 1},
            "replayed": {"nonce": "old"},
            "issuer": {"iss": "x"},
        }.get(mood, {})
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, STRANGE if mood == "forged" else KEY)
        if mood == "symmetric":
            token = jwt.encode({"alg": "HS256", "kid": "k1"}, claims, OctKey.import_key("s" * 40, {"kid": "k1"}))
        given = {"access_token": "a", "token_type": "Bearer", "id_token": token}
        self._say({"text": "well", "list": [], "nothing": {}, "number": given | {"id_token": 3}}.get(mood, given))

    def _say(self, body, status=200):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Stay quiet."""


@pytest.fixture
def provider():
    """Run a provider on this machine."""
    kind = type(
        "Here",
        (IdentityServer,),
        {
            "codes": {}, "who": {"email": "ana@example.org", "email_verified": True}, "described": {}, "asked": [],
            "hangs": threading.Event(),
        },
    )  # fmt: skip
    kind.hangs.set()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    kind.address = f"http://127.0.0.1:{server.server_port}"
    yield kind
    server.shutdown()


def come_in(console, provider):
    """Go through the provider as a browser does; return the browser and the last answer."""
    browser = console.client()
    away = browser.get("/oidc")
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    provider.codes["c1"] = asked
    return browser, browser.get("/oidc/back?" + urlencode({"code": "c1", "state": asked["state"][0]}))


@pytest.fixture
def known(console_with, provider):
    """Return a console where an admin has made one account under the vouched name."""
    console = console_with(oidc=Issuer(provider.address, client="console", secret="s"), second_factor=True)
    console.desk.accounts.add("ana@example.org", None, role="reviewer")
    return console


def test_a_vouched_person_with_an_account_comes_in(known, provider):
    """The provider's verified name opens the account of that name; the provider's second factor counts."""
    browser, answer = come_in(known, provider)

    assert answer.headers["location"] == "/account", "the first time it says that the account was bound"
    assert browser.get("/review").status_code == 200


@pytest.mark.parametrize(
    "mood", ["forged", "audience", "late", "replayed", "issuer", "symmetric", "text", "list", "nothing", "number"]
)
def test_a_statement_that_is_not_right_lets_nobody_in(known, provider, mood):
    """Wrong key, audience, nonce, issuer or kind of signature, too late, or no statement at all: no session."""
    provider.mood = mood
    browser, answer = come_in(known, provider)

    assert answer.status_code == 401 and browser.get("/review").status_code == 303


@pytest.mark.parametrize(
    "who", [{"email": "ana@example.org", "email_verified": False}, {"email": "eve@example.org", "email_verified": True}]
)
def test_an_unverified_or_unknown_name_gets_no_account(known, provider, who):
    """Accounts are made by an admin, never by a provider's word; the audit keeps that somebody was refused."""
    provider.who = who
    _, answer = come_in(known, provider)

    assert answer.status_code == 403
    assert [entry.action for entry in known.desk.audit.entries(who="unknown")] == ["session.refused"]


@pytest.mark.parametrize(
    "who",
    [
        {"sub": "s2", "preferred_username": "ana@example.org"},
        {"sub": "ana@example.org"},
        {"sub": "s2", "preferred_username": "ana@example.org", "email": "eve@example.org", "email_verified": True},
        {"sub": "s2", "email": ["ana@example.org"], "email_verified": True},
        {"sub": "s2", "email": "an\u212a@example.org", "email_verified": True},
    ],
)
def test_only_a_verified_address_finds_an_account(known, provider, who):
    """A user name that people choose themselves, an id, or letters that only look the same make nobody somebody else."""
    known.desk.accounts.add("ank@example.org", "seven quiet lamps", role="supervisor")
    provider.who = who
    browser, answer = come_in(known, provider)

    assert answer.status_code == 403 and browser.get("/review").status_code == 303


def test_a_user_name_finds_an_account_where_the_organisation_says_so(console_with, provider):
    """With the option, the user name alone finds the account the first time, and the address does not."""
    console = console_with(oidc=Issuer(provider.address, client="console", secret="s", name_claim="preferred_username"))
    console.desk.accounts.add("ana", None, role="reviewer")
    provider.who = {"email": "ana", "email_verified": True}
    refused = come_in(console, provider)[1].status_code
    provider.who = {"preferred_username": "ana"}

    assert (refused, come_in(console, provider)[1].status_code) == (403, 303)


def test_the_first_sign_in_binds_the_account_to_one_person(known, provider):
    """Later ones go by the provider's id alone: a new address opens the same account, the old one opens none to another."""
    come_in(known, provider)
    ana = known.desk.accounts.by_name("ana@example.org")
    provider.who = {"sub": "s2", "email": "ana@example.org", "email_verified": True}
    other = come_in(known, provider)[1]
    provider.who = {"sub": "s1", "email": "ana.new@example.org", "email_verified": True}
    same = come_in(known, provider)[1]

    assert (other.status_code, same.status_code) == (403, 303)
    done = [(entry.who, entry.action) for entry in known.desk.audit.entries(record=ana.id)]
    assert (ana.id, "binding.on") in done and ("unknown", "session.refused") in done


def test_a_bound_account_that_is_closed_stays_closed(known, provider):
    """The provider's word opens no account that an admin closed."""
    come_in(known, provider)
    ana = known.desk.accounts.by_name("ana@example.org")
    known.desk.accounts.add("boss", "seven quiet lamps", role="admin")
    known.desk.accounts.set_disabled(ana.id, True, ana.user)

    assert come_in(known, provider)[1].status_code == 403


@pytest.mark.parametrize("rotated", [False, True])
def test_whom_an_account_is_bound_to_is_sealed(known, provider, rotated):
    """The provider's id stands nowhere in clear, and keys that were rotated still find the account."""
    provider.who = {"sub": "subject-4711", "email": "ana@example.org", "email_verified": True}
    come_in(known, provider)
    if rotated:
        known.desk.keyring.rotate("content", "match")
        reseal(known.desk.store, known.desk.keyring, ["content"])
    known.desk.store.flush()

    assert b"subject-4711" not in known.desk.store.path.read_bytes()
    provider.who = {"sub": "subject-4711"}
    assert come_in(known, provider)[1].status_code == 303


@pytest.mark.parametrize("role", ["admin", "supervisor"])
def test_undoing_a_binding_takes_two_people_where_a_lost_phone_does(known, provider, role):
    """An admin alone undoes it for another admin; for a supervisor, who sees more, a second person agrees."""
    accounts, grants = known.desk.accounts, known.desk.grants
    person = accounts.add("kim@example.org", None, role=role)
    admin = accounts.add("boss", "seven quiet lamps", role="admin")
    second = accounts.add("dana", "seven quiet lamps", role="supervisor")
    provider.who = {"email": "kim@example.org", "email_verified": True}
    browser, _ = come_in(known, provider)
    asked = grants.help(admin.user, "binding", person.id)
    before = accounts.bound()
    if asked.waits:
        grants.approve(second.user, grants.standing()[0].id)
    provider.who = {"sub": "s2", "email": "kim@example.org", "email_verified": True}

    assert (asked.waits, set(before)) == ((True, {person.id}) if role == "supervisor" else (False, set()))
    assert browser.get("/account").status_code == 303 and grants.unread(person.id)
    assert come_in(known, provider)[1].headers["location"] == "/account"


def test_the_admins_list_offers_to_undo_a_binding(known, provider):
    """Only for accounts that are bound."""
    known.desk.accounts.add("boss", "seven quiet lamps", role="admin")
    person = known.desk.accounts.by_name("boss")
    browser = known.client()
    browser.cookies.set("threelines", known.desk.accounts.begin_session(person.id, vouched=True))
    before = browser.get("/admin").text
    come_in(known, provider)
    form = {"do": "binding", "account": known.desk.accounts.by_name("ana@example.org").id}
    listed = browser.get("/admin").text
    done = browser.post("/admin", data=form | {"token": form_token(browser.cookies["threelines"])})

    assert ("Undo the binding" in before, "Undo the binding" in listed) == (False, True)
    assert "must agree under Access" in done.text and [one.kind for one in known.desk.grants.standing()] == ["binding"]


def test_the_provider_leads_back_to_the_public_address(console_with, provider):
    """Whatever host a request claims, the way back is the address that the organisation named."""
    issuer = Issuer(provider.address, client="console", secret="s")
    browser = console_with(oidc=issuer, public_address="https://console.example.org").client()
    asked = parse_qs(urlsplit(browser.get("/oidc", headers={"host": "evil.example"}).headers["location"]).query)

    assert asked["redirect_uri"] == ["https://console.example.org/oidc/back"]


def test_another_browsers_answer_is_refused(known, provider):
    """The state belongs to the browser that began: nobody is signed in as somebody else."""
    browser = known.client()
    asked = parse_qs(urlsplit(browser.get("/oidc").headers["location"]).query)
    provider.codes["c1"] = asked
    stranger = known.client()

    assert stranger.get("/oidc/back?" + urlencode({"code": "c1", "state": asked["state"][0]})).status_code == 400


def test_any_process_finishes_what_another_began(known, provider):
    """The sign-in travels with the browser, sealed: it may come back to another process, but not with another cookie."""
    browser = known.client()
    asked = parse_qs(urlsplit(browser.get("/oidc").headers["location"]).query)
    provider.codes["c1"] = asked
    known.desk.options.oidc.__init__(provider.address, client="console", secret="s")  # as in a fresh process
    back = "/oidc/back?" + urlencode({"code": "c1", "state": asked["state"][0]})
    stranger = known.client()
    stranger.cookies.set("threelines_oidc", asked["state"][0], path="/oidc")

    assert stranger.get(back).status_code == 400
    assert browser.get(back).status_code == 303


@pytest.mark.parametrize("cookie", ["", "00", "zz", "01" * 40])
def test_a_cookie_that_we_did_not_seal_is_none(known, cookie):
    """Made-up cookies open nothing and break nothing."""
    assert Waiting.open(known.desk.keyring, cookie) is None


def test_a_sign_in_waits_ten_minutes(known):
    """An older one, and one from the future, has to start again."""
    for begun, stands in ((time.time() - 590, True), (time.time() - 610, False), (time.time() + 60, False)):
        sealed = Waiting(state="s", nonce="n", verifier="v", begun=begun).seal(known.desk.keyring)
        assert (Waiting.open(known.desk.keyring, sealed) is not None) is stands


def test_without_a_provider_there_is_no_way_through(console):
    """Where none is set up, the address leads nowhere."""
    assert console.client().get("/oidc").status_code == 404
    assert console.client().get("/oidc/back?code=a&state=b").status_code == 400


@pytest.mark.parametrize("keys", [["x"], "x", {"a": 1}, {"keys": None}, {"keys": [{}]}])
def test_keys_that_cannot_be_read_let_nobody_in(known, provider, keys):
    """It is the provider's fault, and reads like one."""
    provider.keys = keys
    answer = come_in(known, provider)[1]

    assert answer.status_code == 401 and "start again" in answer.text


def test_a_provider_that_is_gone_at_the_exchange_is_told(known, provider):
    """The person starts again; it is no fault of ours."""
    browser = known.client()
    asked = parse_qs(urlsplit(browser.get("/oidc").headers["location"]).query)
    issuer = known.desk.options.oidc
    issuer._described = msgspec.structs.replace(issuer._described, token_endpoint="http://127.0.0.1:9/token")
    answer = browser.get("/oidc/back?" + urlencode({"code": "c1", "state": asked["state"][0]}))

    assert answer.status_code == 401 and "start again" in answer.text


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": None}, {"issuer": "https://other.example.org"}, {"token_endpoint": 3},
        {"token_endpoint": "http://id.example.invalid/token"}, {"jwks_uri": "http://[broken"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)  # fmt: skip
def test_a_description_that_is_not_right_is_not_kept(known, provider, described):
    """A sick provider is told as one, and is asked again later: nobody has to start the console anew."""
    provider.described = described
    sick = known.client().get("/oidc")
    provider.described = {}
    soon = known.client().get("/oidc")
    known.desk.options.oidc._failed = -1000.0

    assert (sick.status_code, soon.status_code) == (503, 503), "a failure is remembered for some seconds"
    assert come_in(known, provider)[1].status_code == 303


def test_who_begins_while_the_provider_hangs_waits_for_one_answer(known, provider, monkeypatch):
    """The provider is asked once, a few wait for it, and the others are told at once: pages stay free for everybody else."""
    monkeypatch.setattr("threelines.web.oidc._PATIENCE", 1.0)
    provider.hangs.clear()
    with ThreadPoolExecutor(30) as many:
        answers = list(many.map(lambda _: known.client().get("/oidc").status_code, range(30)))
    provider.hangs.set()

    assert set(answers) == {503} and len(provider.asked) == 1


def test_sign_ins_that_succeed_use_up_no_limit(known, provider):
    """A whole office comes in from one address; tries that fail are counted, and told as too many."""
    known.desk.places.many = 3
    good = [come_in(known, provider)[1].status_code for _ in range(5)]
    provider.mood = "forged"
    bad = [come_in(known, provider)[1] for _ in range(4)]

    assert good == [303] * 5 and [answer.status_code for answer in bad] == [401, 401, 401, 429]
    assert "15 minutes" in bad[-1].text


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("https://id.example.org/realms/a", True), ("http://127.0.0.1:8080", True), ("http://[::1]:8080", True),
        ("http://localhost", True), ("http://id.example.org", False), ("id.example.org", False), ("http://[a", False),
    ],
)  # fmt: skip
def test_a_provider_in_clear_is_refused(address, taken):
    """The client's secret and the codes go to https only, or to this machine."""
    try:
        Issuer(address, client="console", secret="s")
    except OidcError:
        assert not taken
    else:
        assert taken
