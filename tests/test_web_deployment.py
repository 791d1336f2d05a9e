"""The console as docs/operation.md and deploy/ say it is run: key files, a proxy in front, public links."""

import http.client
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
import yaml
from click.testing import CliRunner

from threelines.cli._key import key_file_of
from threelines.cli.main import root
from threelines.store.keyring import Keyring
from threelines.web.security import form_token

ROOT = Path(__file__).parents[1]
PUBLIC = "https://console.example.org"
HOP = "127.0.0.2"
"""Where the proxy of these tests comes from: this machine, but no address that is trusted unasked."""


class Hop(BaseHTTPRequestHandler):
    """A proxy as docs/operation.md asks for: it says who came, and that they came by https."""

    port = 0

    def do_GET(self):
        """Pass on, from an address of its own; the visitor's is what the test says in X-Visitor."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        ahead = http.client.HTTPConnection("127.0.0.1", self.port, source_address=(HOP, 0), timeout=30)
        passed = {name: value for name, value in self.headers.items() if name.lower() in ("cookie", "content-type")}
        passed |= {"Host": "console.example.org", "X-Forwarded-Proto": "https"}
        ahead.request(self.command, self.path, body, passed | {"X-Forwarded-For": self.headers["X-Visitor"]})
        answer = ahead.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name in ("location", "set-cookie", "content-type"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815 - the name that http.server asks for

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def served(tmp_path):
    """Return a function that starts `threelines serve` behind a proxy: (first lines, the proxy's address)."""
    ends = []

    def start(*arguments):
        command = [sys.executable, "-m", "threelines.cli.main", "serve", "--db", "site.db", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--behind-https", "--no-second-factor", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path,
        )  # fmt: skip
        ends.append(lambda: (process.terminate(), process.wait(15)))
        lines = []
        while not lines or "Stop with" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], "the server ended"
        port = next(int(line.split()[-1]) for line in lines if line.startswith("Listens on"))
        proxy = ThreadingHTTPServer(("127.0.0.1", 0), type("Ahead", (Hop,), {"port": port}))
        Thread(target=proxy.serve_forever, daemon=True).start()
        ends.append(lambda: (proxy.shutdown(), proxy.server_close()))
        return lines, f"http://127.0.0.1:{proxy.server_address[1]}"

    yield start
    for end in reversed(ends):
        end()


@contextmanager
def visitor(address, place):
    """Yield a browser that stands somewhere else than the proxy."""
    with httpx.Client(base_url=address, headers={"X-Visitor": place}, timeout=30) as browser:
        yield browser


def tries(address, place):
    """Return how the public page answers 31 offers from one place."""
    with visitor(address, place) as browser:
        return [browser.post("/check", data={"offer": "hello"}).status_code for _ in range(31)]


def test_behind_a_named_proxy_each_visitor_has_a_limit_of_their_own(served):
    """Who sends too much is stopped, and nobody else is; what the visitor says about itself does not count."""
    _, address = served("--trusted-proxy", HOP)

    assert tries(address, "192.0.2.1")[-1] == 429
    assert tries(address, "192.0.2.2")[0] == 200
    assert tries(address, "198.51.100.9, 192.0.2.1")[0] == 429, "the last hop that is not ours counts"


def test_a_stranger_is_no_proxy(served):
    """X-Forwarded-For from an address that was not named changes nothing: all of it is one place."""
    _, address = served()

    assert tries(address, "192.0.2.1")[-1] == 429
    assert tries(address, "192.0.2.2")[0] == 429


def test_links_lead_to_the_public_address(served, tmp_path):
    """The first link and an invitation name the address that people reach, whatever host a request claims."""
    lines, address = served("--trusted-proxy", "127.0.0.0/8", "--public-address", PUBLIC + "/")
    first = next(line.strip() for line in lines if "/once/" in line)
    assert first.startswith(PUBLIC + "/once/")
    with visitor(address, "192.0.2.1") as browser:
        form = {"name": "head", "password": "seven quiet lamps"}
        made = browser.post(first.removeprefix(PUBLIC), data=form)
        cookie = re.match(r"__Host-threelines=([^;]+)", made.headers["set-cookie"])[1]
        answer = browser.post(
            "/admin", data={"token": form_token(cookie), "do": "invite", "name": "kim", "role": "reviewer"},
            headers={"Cookie": f"__Host-threelines={cookie}"},
        )  # fmt: skip

    assert re.search(rf'<p class="secret">{PUBLIC}/once/[\w-]+</p>', answer.text)
    assert (tmp_path / "site.db.key").exists()


def test_without_a_public_address_no_link_names_all_addresses(served):
    """`0.0.0.0` leads nowhere: the first link then says what to put there."""
    lines, _ = served("--host", "0.0.0.0", "--trusted-proxy", HOP)

    assert "https://YOUR-ADDRESS/once/" in "".join(lines)


@pytest.mark.parametrize("wrong", [["--trusted-proxy", "proxy"], ["--public-address", "console.example.org"],
                                   ["--public-address", "https://example.org/console"]])  # fmt: skip
def test_what_cannot_be_an_address_is_refused(wrong, tmp_path):
    """A proxy that is no address or network, and a public address that is none or has a path, stop the start."""
    done = CliRunner().invoke(root, ["serve", "--db", str(tmp_path / "s.db"), *wrong])

    assert done.exit_code == 2 and "expected" in done.output


@pytest.mark.parametrize("key", ["site.db.key", "site.key", "elsewhere/safe.key"])
def test_every_command_finds_the_key_of_the_console(key, tmp_path, vocabulary):
    """Backup and retention of docs/operation.md work on the console's database, with either name of the key file."""
    from threelines.store.database import Store
    from threelines.web.app import create_app

    (tmp_path / "elsewhere").mkdir()
    store = Store.open(tmp_path / "site.db")
    create_app(store, Keyring.create(tmp_path / key), vocabulary=vocabulary)
    store.close()
    named = {"THREELINES_KEYRING": str(tmp_path / key)} if "/" in key else {}
    for words in (["backup", str(tmp_path / "copy.db")], ["retention", "--run"], ["audit", "verify"]):
        done = CliRunner().invoke(root, ["register", *words, "--db", str(tmp_path / "site.db")], env=named)
        assert done.exit_code == 0, (words, done.output, done.exception)
    if named:  # the name that the console read before
        old = {"THREELINES_KEY": named["THREELINES_KEYRING"]}
        done = CliRunner().invoke(root, ["register", "audit", "verify", "--db", str(tmp_path / "site.db")], env=old)
        assert done.exit_code == 0, done.output


def test_two_key_files_side_by_side_are_a_question(tmp_path):
    """Nobody guesses which of two keys belongs to a database."""
    for name in ("site.key", "site.db.key"):
        Keyring.create(tmp_path / name)
    done = CliRunner().invoke(root, ["register", "list", "--db", str(tmp_path / "site.db")])

    assert done.exit_code == 2 and "--key-file" in done.output


def test_a_secret_of_scan_is_no_key_file(tmp_path, monkeypatch):
    """THREELINES_KEY may hold the secret of `threelines scan`: it is then passed over, however long it is."""
    monkeypatch.setenv("THREELINES_KEY", "s" * 5000)

    assert key_file_of(str(tmp_path / "site.db"), None) == tmp_path / "site.db.key"


def test_the_deployment_files_name_options_that_exist():
    """What compose.yaml and the service file start is a command line that is understood."""
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
    console = compose["services"]["console"]
    unit = (ROOT / "deploy/threelines.service").read_text(encoding="utf-8")
    lines = [console["command"], shlex.split(re.search(r"^ExecStart=\S*/(threelines .*)$", unit, re.M)[1])]
    serve = root.get_command(None, "serve")
    known = {name for option in serve.params for name in (*option.opts, *option.secondary_opts)}
    variables = {option.envvar for option in serve.params if option.envvar}

    for line in lines:
        assert line[:2] == ["threelines", "serve"]
        assert {word for word in line if word.startswith("--")} <= known
    named = set(console["environment"]) | set(re.findall(r"^Environment=(\w+)=", unit, re.M))
    assert {name for name in named if name.startswith("THREELINES_")} <= variables
    gateway = compose["networks"]["default"]["ipam"]["config"][0]["gateway"]
    assert console["environment"]["THREELINES_TRUSTED_PROXY"] == gateway, "the proxy reaches the port by the gateway"


def test_the_key_file_is_the_second_person_where_none_is_left(console, tmp_path):
    """At the machine a waiting reset is listed and agreed to; the audit names who did."""
    _, head = console.sign_in("admin")
    _, only = console.sign_in("supervisor")
    secret = console.desk.grants.help(head.user, "password", only.id).secret
    options = ["accounts", "--db", str(tmp_path / "site.db")]
    key = CliRunner().invoke(root, options).output.split()[0]
    code = CliRunner().invoke(root, [*options, "--agree", key]).output.split()[-1]
    console.desk.grants.use(secret, password="nine other lamps", code=code)

    who = [entry.who for entry in console.desk.audit.entries(record=only.id) if entry.action == "password.approve"]
    assert who[0].startswith("machine:")
    assert console.desk.accounts.sign_in(only.name, "nine other lamps")


def test_the_documented_proxy_lets_through_what_the_console_takes():
    """Nginx stops bodies above 1 MB by itself: the documented lines name the console's own limit."""
    from threelines.web.security import LARGEST_BODY

    text = (ROOT / "docs/operation.md").read_text(encoding="utf-8")

    assert int(re.search(r"client_max_body_size (\d+)m;", text)[1]) * 1024 * 1024 == LARGEST_BODY


def test_both_deployments_give_the_console_more_handles():
    """As docs/operation.md asks for against slow callers."""
    unit = (ROOT / "deploy/threelines.service").read_text(encoding="utf-8")
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))

    assert re.search(r"^LimitNOFILE=4096$", unit, re.M)
    assert compose["services"]["console"]["ulimits"] == {"nofile": 4096}


def test_the_documented_commands_make_the_secrets_that_compose_reads(tmp_path):
    """Both files, closed to others (libpq passes over a password file that is not), the line of the right user and database."""
    text = (ROOT / "docs/operation.md").read_text(encoding="utf-8")
    lines = re.search(r"^    mkdir.*?\n\n", text, re.M | re.S)[0].splitlines()
    made = [line for line in lines if "chown" not in line]
    (tmp_path / "deploy").mkdir()
    subprocess.run(["sh", "-ec", "\n".join(made)], cwd=tmp_path, check=True)
    compose = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
    files = {name: tmp_path / "deploy" / given["file"] for name, given in compose["secrets"].items()}

    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}
    password = files["postgres"].read_text(encoding="ascii")
    assert re.fullmatch(r"\w{48}", password)
    assert files["pgpass"].read_text(encoding="ascii") == f"database:5432:threelines:threelines:{password}\n"
    assert len(made) < len(lines), "the console's user must own it"


def test_a_provider_in_clear_is_no_start(tmp_path):
    """The client's secret would go over the network as it is; nothing is made before that is said."""
    orders = ["serve", "--db", str(tmp_path / "site.db"), "--oidc", "http://id.example.invalid"]
    told = subprocess.run([sys.executable, "-m", "threelines", *orders], capture_output=True, text=True, timeout=60)

    assert told.returncode != 0 and "https://" in told.stderr and "Traceback" not in told.stderr
    assert not list(tmp_path.iterdir())
