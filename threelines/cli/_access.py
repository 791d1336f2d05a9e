"""Commands that answer a person who asks what is kept of them; `threelines register` has them."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from threelines.cli._register import database_options, opened


def _steps(function: Any) -> Any:
    """Add the three steps of a copy, one a call."""
    for option in reversed((
        click.option("--ask", "step", flag_value="ask", help="First: ask for the copy, as who will write it."),
        click.option("--agree", "step", flag_value="agree", help="Second: agree to it, as another person."),
        click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Third: write it to this new file, as who asked."),
    )):  # fmt: skip
        function = option(function)
    return function


@click.command("subject-access")
@click.argument("case_id")
@_steps
@database_options("data_protection_officer")
def subject_access(case_id: str, step: str | None, out: Path | None, **options: Any) -> None:
    """Write what is kept of a person, who asks for it (GDPR, Article 15): the whole case in the form's words, as JSON.

    It takes two people, both in the audit. Names of further persons are left out; read the file before you hand it over:
    an answer in free text may speak of others, too.

    \b
    Examples:
      threelines register subject-access CASE --ask --user officer --db cases.db
      threelines register subject-access CASE --agree --role supervisor --team north --user lead --db cases.db
      threelines register subject-access CASE --out copy.json --user officer --db cases.db
    """
    from threelines.people import access

    _do(access, case_id, step, out, options)


@click.command("subject-access-account")
@click.argument("account")
@_steps
@database_options("data_protection_officer")
def subject_access_account(account: str, step: str | None, out: Path | None, **options: Any) -> None:
    """Write what the console holds of an account, whose person asks for it (GDPR, Article 15), as JSON.

    ACCOUNT as for `erase-account`. Its own messages, the signs in them and the decisions stand in it; messages of others
    are counted. Whether the law lets you keep something back (Article 23) is for the two people to say.

    \b
    Examples:
      threelines register subject-access-account user-4711 --ask --user officer --db site.db
      threelines register subject-access-account user-4711 --agree --role supervisor --user lead --db site.db
      threelines register subject-access-account user-4711 --out copy.json --user officer --db site.db
    """
    from threelines.web import account_copy

    _do(account_copy, account, step, out, options)


def _do(kind: Any, record: str, step: str | None, out: Path | None, options: dict[str, Any]) -> None:
    if (step is None) == (out is None):
        raise click.UsageError("give one of --ask, --agree and --out FILE")
    with opened(**options) as register:
        if out is None:
            (kind.ask if step == "ask" else kind.agree)(register, record)
            click.echo("Asked: a second person agrees with --agree." if step == "ask" else "Agreed.")
            return
        try:
            handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise click.UsageError(f"{out}: is there already; name a new file") from None
        with ExitStack() as undo, os.fdopen(handle, "w", encoding="utf-8") as file:
            undo.callback(out.unlink)
            json.dump(kind.copy_of(register, record), file, ensure_ascii=False, indent=2)
            undo.pop_all()
    click.echo(f"{out}: read it before you hand it over")
