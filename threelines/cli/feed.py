"""`threelines feed`: serve what was approved as a TAXII 2.1 collection and a MISP feed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from threelines.cli._listen import needs_https, refuse_in_clear, refuse_weak_token
from threelines.cli._register import database_options, opened

if TYPE_CHECKING:
    from threelines.people.approval import Terms
    from threelines.people.register import Register

_SEARCHED = 1000
"""Requests that are looked through for what was approved under other terms."""


@click.command(short_help="Serve approved exports: TAXII 2.1 and a MISP feed, read-only.")
@database_options("supervisor")
@click.option(
    "--token",
    envvar="THREELINES_FEED_TOKEN",
    default="",
    help="What partners send as bearer token or password; better given by the environment. In the log it is `token`.",
)
@click.option(
    "--token-file",
    envvar="THREELINES_FEED_TOKEN_FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A line `NAME TOKEN` for each partner: the log says by name who polled, and one can be closed alone. Read at the start.",
)
@click.option("--organisation", default="Organisation not named", help="As recipients should see it.")
@click.option("--recipient", default="", help="Who receives it, as it was approved.")
@click.option("--legal-basis", default="", help="Duty or consent that it rests on, as it was approved.")
@click.option(
    "--tlp", type=click.Choice(["clear", "green", "amber", "amber+strict", "red"]), default="amber", show_default=True
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8610, show_default=True)
@needs_https
def command(
    token: str, token_file: Path | None, organisation: str, recipient: str, legal_basis: str, tlp: Any, host: str,
    port: int, behind_https: bool, **options: Any,
) -> None:  # fmt: skip
    """Serve the register's approved STIX and MISP exports to partners who poll.

    An export is served once a second person approved it in exactly its present content (`threelines export stix …`,
    then `threelines export approve …`), under these terms (--organisation, --recipient, --legal-basis, --tlp). From
    then on each poll asks the register again: who withdraws is taken back at once (`revoked` in STIX, deleted in MISP), without a new approval, and what is
    new or changed waits for one.

    \b
    Standard error has a JSON line for each request: time, partner, route, status; no address and no token.

    \b
    TAXII discovery: http://HOST:PORT/taxii2/      MISP feed: http://HOST:PORT/misp/

    \b
    Examples:
      THREELINES_FEED_TOKEN=… threelines feed --db cases.db --organisation "Our hotline"
      threelines feed --db cases.db --organisation "Our hotline" --token-file /etc/threelines/partners
    """
    import uvicorn

    from threelines.people import gone
    from threelines.people.approval import Terms
    from threelines.web.faults import LOG
    from threelines.web.feed import create_feed
    from threelines.web.feed_source import Source

    refuse_in_clear(host, behind_https)
    tokens = _tokens(token, token_file)
    with opened(**options) as register:
        terms = Terms(organisation=organisation, recipient=recipient, basis=legal_basis, tlp=tlp)
        source = Source(register, terms)
        if restored := register.setting(gone.RESTORED):
            click.echo(
                f"This register was restored on {restored}: objects that were served between its backup and that day, and "
                "not since, are not revoked here; tell partners which of them to delete",
                err=True,
            )
        names = source.read().names
        if not names:
            raise click.ClickException(f"nothing to serve: {_why(register, terms)}")
        click.echo(f"Serving {', '.join(names)} at http://{host}:{port}/", err=True)
        app = create_feed(source.read, tokens=tokens, title=organisation, log=True)
        uvicorn.run(app, host=host, port=port, log_config=LOG, log_level="warning", access_log=False)


def _tokens(token: str, path: Path | None) -> dict[str, str]:
    """Return the tokens of all partners by name; UsageError where there is none, or one is no good."""
    given = [("--token", "token", token)] if token else []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path else []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            name, *rest = line.split(maxsplit=1)
            given.append((f"{path}, line {number}", name, "".join(rest).strip()))
    found: dict[str, str] = {}
    for where, name, secret in given:
        refuse_weak_token(secret, where)
        if name in found or secret in found.values():
            raise click.UsageError(f"{where}: this name or token was there before; each partner has one")
        found[name] = secret
    if not found:
        raise click.UsageError("give --token, THREELINES_FEED_TOKEN or --token-file")
    return found


def _why(register: Register, terms: Terms) -> str:
    """Say why nothing is served: which terms differ from what was approved, or that the content does."""
    from threelines.people.approval import is_current, listed

    given = {"--organisation": "organisation", "--recipient": "recipient", "--legal-basis": "basis", "--tlp": "tlp"}
    others = []
    for request, _ in listed(register, limit=_SEARCHED):
        about = request.details
        if (
            request.state != "approved"
            or about.get("format") not in ("stix", "misp")
            or not is_current(register, request)
        ):
            continue
        others.append([option for option, name in given.items() if about.get(name, "") != getattr(terms, name)])
    nearest = min(others, key=len, default=[])
    if nearest:
        verb = "differs" if len(nearest) == 1 else "differ"
        return f"what is approved was approved under other terms: {', '.join(nearest)} {verb}"
    return "of the cases in your reach, neither the STIX nor the MISP export is approved in its present content"
