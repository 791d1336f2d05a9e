"""`threelines feed`: serve what was approved as a TAXII 2.1 collection and a MISP feed."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from threelines.cli.register import database_options, opened


@click.command(short_help="Serve approved exports: TAXII 2.1 and a MISP feed, read-only.")
@database_options("supervisor")
@click.option(
    "--token",
    envvar="THREELINES_FEED_TOKEN",
    required=True,
    help="What partners send as bearer token or password; better given by the environment.",
)
@click.option("--organisation", default="Organisation not named", help="As recipients should see it.")
@click.option(
    "--tlp", type=click.Choice(["clear", "green", "amber", "amber+strict", "red"]), default="amber", show_default=True
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8610, show_default=True)
def command(token: str, organisation: str, tlp: Any, host: str, port: int, **options: Any) -> None:
    """Serve the register's approved STIX and MISP exports to partners who poll.

    Both exports must have been approved by a second person in exactly their present content
    (`threelines export stix …`, then `threelines export approve …`), under this --organisation and --tlp; anything
    else is refused.

    \b
    TAXII discovery: http://HOST:PORT/taxii2/      MISP feed: http://HOST:PORT/misp/

    \b
    Example:
      THREELINES_FEED_TOKEN=… threelines feed --db cases.db --organisation "Our hotline"
    """
    import uvicorn

    from threelines.web.feed import create_feed

    if len(token) < 16:
        raise click.UsageError("--token: at least 16 characters")
    with tempfile.TemporaryDirectory(prefix="threelines-feed-") as folder:
        written = approved_exports(Path(folder), organisation=organisation, tlp=tlp, **options)
        bundle = json.loads(written["stix"].read_text(encoding="utf-8")) if "stix" in written else None
        app = create_feed(bundle, written.get("misp"), token=token, title=organisation)
        click.echo(f"Serving {', '.join(sorted(written))} at http://{host}:{port}/", err=True)
        uvicorn.run(app, host=host, port=port, log_level="warning")


def approved_exports(folder: Path, *, organisation: str, tlp: Any, **options: Any) -> dict[str, Path]:
    """Write the exports that two people approved into a folder: format → path."""
    import importlib

    from threelines.cli.export import approval_of
    from threelines.exports.sharing import Handover
    from threelines.people.approval import Terms
    from threelines.people.register import incidents

    written: dict[str, Path] = {}
    with opened(**options) as register:
        for name, target in (("stix", folder / "bundle.json"), ("misp", folder / "misp")):
            module = importlib.import_module(f"threelines.exports.{name}")
            rows = list(incidents(register, module.PURPOSE))
            approvals = approval_of(register, name, rows, Terms(organisation=organisation, tlp=tlp))
            if len(set(approvals)) == 2:
                made = datetime.now(timezone.utc).replace(microsecond=0)
                module.write(rows, target, Handover(organisation=organisation, tlp=tlp, approvals=approvals, made=made))
                written[name] = target
    if not written:
        raise click.ClickException(
            "nothing to serve: neither the STIX nor the MISP export is approved in its present content "
            "under this --organisation and --tlp"
        )
    return written
