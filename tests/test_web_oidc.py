"""Sign in by an identity provider: a real one on this machine, in both its honest and its dishonest moods."""

import base64
import hashlib
import http.server
import json
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from threelines.web.oidc import Issuer, Waiting

KEY = RSAKey.generate_key(2048, {"kid": "k1"})
STRANGE = RSAKey.generate_key(2048, {"kid": "k1"})


class IdentityServer(http.server.BaseHTTPRequestHandler):
    """An identity provider: description, keys, and a token endpoint that checks PKCE."""

    codes: dict
    mood = "honest"
    who: dict

    def do_GET(self):
        """Answer description and keys."""
        address = f"http://127.0.0.1:{self.server.server_port}"
        self._say(
            {"keys": [KEY.as_dict(private=False)]} if self.path == "/keys" else {
                "issuer": address, "authorization_endpoint": f"{address}/go", "token_endpoint": f"{address}/token",
                "jwks_uri": f"{address}/keys",
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
        self._say({"access_token": "a", "token_type": "Bearer", "id_token": token})

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
        {"codes": {}, "mood": "honest", "who": {"email": "ana@example.org", "email_verified": True}},
    )
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
    console.desk.accounts.add("ana@example.org", "seven quiet lamps", role="reviewer")
    return console


def test_a_vouched_person_with_an_account_comes_in(known, provider):
    """The provider's verified name opens the account of that name; the provider's second factor counts."""
    browser, answer = come_in(known, provider)

    assert answer.headers["location"] == "/"
    assert browser.get("/review").status_code == 200


@pytest.mark.parametrize("mood", ["forged", "audience", "late", "replayed", "issuer"])
def test_a_statement_that_is_not_right_lets_nobody_in(known, provider, mood):
    """Wrong key, wrong audience, too late, another nonce, another issuer: no session."""
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
    assert browser.get(back).headers["location"] == "/"


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
