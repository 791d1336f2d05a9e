"""Put the console of `threelines serve` together and run it."""

from __future__ import annotations

import socket
from typing import Any

import click
import msgspec
import uvicorn
from fastapi import FastAPI

from threelines.ai_models.summary import Summary
from threelines.cli._key import key_file_of, open_keyring
from threelines.cli._workers import Workers
from threelines.people.helplines import confirmations
from threelines.store.database import Store
from threelines.store.keyring import Keyring
from threelines.vocabulary.terms import load
from threelines.web import demo
from threelines.web.app import create_app
from threelines.web.desk import Desk, Options
from threelines.web.faults import LOG


class Serving:
    """One run of the server."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def run(self) -> None:
        """Open the database, print what must be said once, and serve until stopped."""
        app = self._app()
        listening = socket.socket(socket.AF_INET6 if ":" in self.given["host"] else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self.given["host"], self.given["port"]))
        except OSError as fault:
            raise click.UsageError(
                f"port {self.given['port']}: {fault.strerror}; choose another with --port"
            ) from fault
        listening.listen(512)
        self._say(app.state.desk, listening.getsockname()[1])
        if self.given["workers"] == 1:
            self._serve(app, listening)
        else:
            app.state.desk.store.close()
            self._share(listening)

    def _serve(self, app: FastAPI, listening: socket.socket) -> None:
        # X-Forwarded-* counts only from the proxies named: anybody else could claim any address and evade the limits.
        settings = uvicorn.Config(
            app, log_config=LOG, log_level="warning", access_log=False, server_header=False, proxy_headers=self.given["behind_https"],
            forwarded_allow_ips=list(self.given["proxies"]),
            timeout_graceful_shutdown=10, timeout_keep_alive=20,
        )  # fmt: skip
        uvicorn.Server(settings).run(sockets=[listening])

    def _share(self, listening: socket.socket) -> None:
        """Serve one socket from several processes; each opens the database for itself."""
        Workers(lambda number: self._work(listening, number), count=self.given["workers"]).run()

    def _work(self, listening: socket.socket, number: int) -> None:
        if number:  # one process announces decisions; the others leave the outbox alone
            self.given["webhook"] = ""
        self._serve(self._app(), listening)

    def _app(self) -> FastAPI:
        given = self.given
        issuer, keyring = self._issuer(), self._keyring()
        options = Options(
            https=given["behind_https"], public_address=given["public_address"], second_factor=not (given["no_second_factor"] or given["demo"]),
            exit_address=given["exit_address"], demo=given["demo"], webhook=given["webhook"],
            webhook_secret=given["webhook_secret"], oidc=issuer, oidc_only=given["oidc_only"],
            organisation=given["organisation"], countries=given["countries"],
            helplines=confirmations(given["confirmed"]), evaluations=self._evaluations(),
        )  # fmt: skip
        return create_app(
            Store.open(given["address"]), keyring, options=options, vocabulary=load(*given["folders"]),
            messages=given["messages"], log=given["log"],
        )  # fmt: skip

    def _keyring(self) -> Keyring:
        database, named = self.given["address"], self.given["key_file"]
        path = key_file_of(database, named)
        if not path.exists():
            click.echo(f"New key file: {path}. Keep a copy of it apart from the backups: without it the data is lost.")
        return open_keyring(database, named, self.given["passphrase"], create=True)

    def _evaluations(self) -> dict[str, Summary]:
        folder = self.given["evaluations"]
        found = sorted(folder.glob("*.json")) if folder else []
        try:
            return {path.stem: msgspec.json.decode(path.read_bytes(), type=Summary) for path in found}
        except msgspec.DecodeError as fault:
            raise click.UsageError(f"--evaluations: a file is no summary of an evaluation ({fault})") from fault

    def _issuer(self) -> Any:
        if not self.given["oidc"]:
            return None
        from threelines.web.oidc import Issuer

        return Issuer(
            self.given["oidc"], client=self.given["oidc_client"], secret=self.given["oidc_secret"],
            name_claim=self.given["oidc_name_claim"],
        )  # fmt: skip

    def _address(self, port: int) -> str:
        """Return where people reach the console, as far as we can know it."""
        if self.given["public_address"]:
            return str(self.given["public_address"]).rstrip("/")
        host = self.given["host"]
        if host in ("0.0.0.0", "::"):  # noqa: S104 - asked for, not bound to
            return "https://YOUR-ADDRESS"  # --public-address says which
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def _say(self, desk: Desk, port: int) -> None:
        address = self._address(port)
        if self.given["demo"]:
            self._fill(desk)
        elif desk.accounts.is_empty():
            secret = desk.grants.set_up().secret
            click.echo(
                f"First run. Open this link once, within 48 hours, to become the admin:\n  {address}/once/{secret}"
            )
        click.echo(f"Console:    {address}/\nCheck page: {address}/check\nListens on: port {port}\nStop with Ctrl-C.")

    def _fill(self, desk: Desk) -> None:
        made = demo.make_accounts(desk)
        if made:
            click.echo(
                f"Demonstration: {demo.fill(desk)} invented findings wait, {demo.fill_cases(desk)} invented cases."
            )
            click.echo("Passwords, shown this once:")
        for entry in made:
            click.echo(f"  {entry.name:<34} {entry.password:<18} {entry.role.replace('_', ' ')}")
