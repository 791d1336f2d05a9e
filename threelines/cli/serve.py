"""`threelines serve`: the console and the check page in a browser."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import click

from threelines.cli._inputs import confirmed_option
from threelines.cli._key import RULE
from threelines.cli._listen import SHORTEST, refuse_in_clear


def _networks(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for text in given:
        try:
            ipaddress.ip_network(text)
        except ValueError:
            raise click.BadParameter(f"{text}: an address or a network is expected, such as 172.30.7.1") from None
    return given


def _address(_context: click.Context, _option: click.Parameter, given: str) -> str:
    # The pages stand at the root of an address: with a path behind it their links would lead elsewhere.
    if given and not re.fullmatch(r"https?://[^/?#@\s]+/?", given):
        raise click.BadParameter("https:// and a host are expected, and no path")
    return given


@click.command(short_help="Open the console and the check page in a browser.")
@click.option(
    "--db",
    "address",
    envvar="THREELINES_DB",
    default="threelines.db",
    show_default=True,
    help="Database: a path, or postgresql+psycopg://user@host/name.",
)
@click.option(
    "--key-file",
    "--key",
    "key_file",
    envvar="THREELINES_KEYRING",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"{RULE} Made on the first run; keep a copy apart from the backups.",
)
@click.option(
    "--passphrase",
    envvar="THREELINES_PASSPHRASE",
    default="",
    help="Opens a key file that is locked with one; better given in the environment.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on; another than this machine needs --behind-https.",
)
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 32),
    help="Processes that share the work; limits of tries and requests count in each.",
)
@click.option("--behind-https", is_flag=True, help="A proxy in front ends TLS: cookies are sent over https only.")
@click.option(
    "--trusted-proxy",
    "proxies",
    envvar="THREELINES_TRUSTED_PROXY",
    multiple=True,
    default=("127.0.0.1", "::1"),
    callback=_networks,
    help="Address or network of the proxy: only its X-Forwarded-For and -Proto are believed (default: this machine); may be repeated.",
)
@click.option(
    "--public-address",
    envvar="THREELINES_PUBLIC_ADDRESS",
    default="",
    callback=_address,
    help="Where people reach the console, such as https://console.example.org: stands in one-time links and for --oidc.",
)
@click.option("--no-second-factor", is_flag=True, help="Do not ask for an authenticator app. For demonstrations.")
@click.option(
    "--demo",
    is_flag=True,
    help="Fill in invented findings, cases and one account for each role, and print their passwords once.",
)
@click.option(
    "--vocabulary",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own indicators and phrases; may be repeated.",
)
@click.option(
    "--messages",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own reviewed translations of the check page; may be repeated.",
)
@click.option(
    "--exit-address",
    default="https://www.wikipedia.org/",
    show_default=True,
    help="Where 'leave this page' of the check page leads.",
)
@click.option(
    "--organisation",
    default="Organisation not named",
    help="Your organisation, as recipients of a referral should see it.",
)
@click.option(
    "--country",
    "countries",
    multiple=True,
    help="Two letters: the check page names organisations of this country; may be repeated.",
)
@confirmed_option
@click.option(
    "--evaluations",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of model evaluations, one NAME.json each: a summary of `inspect eval threelines/...`.",
)
@click.option("--webhook", envvar="THREELINES_WEBHOOK", default="", help="Announce decisions to this address, signed.")
@click.option(
    "--webhook-secret",
    envvar="THREELINES_WEBHOOK_SECRET",
    default="",
    help="Key of the HMAC-SHA256 signature; at least 16 characters.",
)
@click.option(
    "--oidc",
    envvar="THREELINES_OIDC",
    default="",
    help="Address of your identity provider (OpenID Connect), https beyond this machine: its people sign in with its accounts.",
)
@click.option("--oidc-client", envvar="THREELINES_OIDC_CLIENT", default="", help="Client id at the identity provider.")
@click.option(
    "--oidc-secret", envvar="THREELINES_OIDC_SECRET", default="", help="Client secret at the identity provider."
)
@click.option(
    "--oidc-name-claim",
    envvar="THREELINES_OIDC_NAME_CLAIM",
    type=click.Choice(["email", "preferred_username"]),
    default="email",
    show_default=True,
    help="Which name of theirs finds the account at the first sign-in: the verified e-mail, or the user name, "
    "only where your provider's admins alone set it.",
)
@click.option(
    "--oidc-only",
    envvar="THREELINES_OIDC_ONLY",
    is_flag=True,
    help="Turn passwords off: nobody comes in but by --oidc, and who leaves there is out here.",
)
@click.option(
    "--log/--no-log",
    default=True,
    show_default=True,
    help="Write one JSON line per request to standard error: route, status and time, never content.",
)
def command(**given: Any) -> None:
    """Serve the console: review, register, releases, dashboard, and the check page.

    Everything runs on this machine, works offline and stores in one database. On the first run a
    one-time link is printed: whoever opens it becomes the admin and chooses a password. There is no
    default password. Stop with Ctrl-C: what was confirmed is kept.

    \b
    Examples:
      threelines serve --demo
      threelines serve --db /var/lib/threelines/site.db --port 8080 --behind-https
      threelines serve --db site.db --behind-https --public-address https://console.example.org
      threelines serve --db postgresql+psycopg://threelines@db/site --oidc https://id.example.org
    """
    from threelines.cli._serve import Serving

    refuse_in_clear(given["host"], given["behind_https"])
    if given["webhook"] and len(given["webhook_secret"]) < SHORTEST:
        raise click.UsageError(f"--webhook needs --webhook-secret with at least {SHORTEST} characters")
    if given["oidc_only"] and (given["demo"] or not given["oidc"]):
        raise click.UsageError("--oidc-only needs --oidc, and is not for --demo, whose accounts have passwords")
    Serving(given).run()
