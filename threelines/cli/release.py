"""The command `threelines release`: statistics that are safe to publish."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from threelines.cli.register import database_options, opened


@click.command(short_help="Write statistics that are safe to publish.")
@database_options("analyst")
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write.")
def command(out: Path, **options: Any) -> None:
    """Count consented cases into tables in which no cell has fewer than 11 cases, or follows from others.

    Below 100 cases only the total is written. The folder is a draft until a second person has approved
    exactly these tables; then write it again.

    \b
    Examples:
      threelines release --db cases.db --out release/
      threelines export approve a7k… --db cases.db --user second.person
      threelines release --db cases.db --out release/
    """
    import msgspec

    from threelines.people.approval import ApprovalError, digest_of, prepare, require_approved
    from threelines.people.register import incidents
    from threelines.people.release import build, files

    with opened(**options) as register:
        release = build(incidents(register, "statistics"))
        digest = digest_of(msgspec.json.encode(release, order="sorted"))
        approved_by: tuple[str, ...] = ()
        request = ""
        try:
            found = require_approved(register, "release", digest)
            approved_by = (found.prepared_by, found.decided_by)
        except ApprovalError:
            request = prepare(register, "release", digest, tables=len(release.one_way) + len(release.two_way))
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files(release, approved_by=approved_by).items():
        (out / name).write_bytes(data)
    click.echo(f"{out}: {len(release.one_way)} one-way and {len(release.two_way)} two-way tables")
    if request:
        click.echo(
            f"A draft until a second person approves it: threelines export approve {request} --user SECOND-PERSON"
        )
