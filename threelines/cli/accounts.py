"""`threelines accounts`: agree to a way into an account where no second person is left."""

from __future__ import annotations

from pathlib import Path

import click

from threelines.cli._key import RULE


@click.command(short_help="Agree at the machine to a new password or account.")
@click.option(
    "--db", "database", required=True, envvar="THREELINES_DB", help="Path of a SQLite file, or postgresql+psycopg://… ."
)
@click.option(
    "--key-file", "--key", "key_file", envvar="THREELINES_KEYRING", type=click.Path(path_type=Path), help=RULE
)
@click.option(
    "--passphrase",
    envvar="THREELINES_PASSPHRASE",
    default="",
    help="Of a key file that is locked with one; better given by the environment.",
)
@click.option(
    "--agree", "key", metavar="ID", default="", help="Agree to this request, and print the code that its owner is told."
)
def command(database: str, key_file: Path | None, passphrase: str, key: str) -> None:
    """List what waits for a second person, or agree to it with the key file.

    In the console a supervisor or data protection officer agrees, under Access. This is for an
    organisation where nobody is left who could: whoever holds the key file can open everything
    anyway. The audit names who did it at the machine.

    \b
    Examples:
      threelines accounts --db site.db
      threelines accounts --db site.db --agree g3f09c2a11b04d7
    """
    from threelines.cli._key import open_keyring
    from threelines.cli._register import login
    from threelines.roles import User
    from threelines.store.audit import Audit
    from threelines.store.database import Store
    from threelines.web.accounts import Accounts
    from threelines.web.grants import DONE, Grants

    keyring = open_keyring(database, key_file, passphrase)
    store = Store.open(database)
    try:
        accounts = Accounts(store, keyring, Audit(store, keyring))
        grants = Grants(accounts)
        if key:
            kind = grants.get(key).kind
            code = grants.approve(User(id=f"machine:{login()}"[:80], role="admin"), key)
            click.echo(f"Agreed. Tell its owner this code: {code}" if code else f"Agreed. {DONE[kind]}")
            return
        names = {person.id: person.name for person in accounts.all()}
        for grant in grants.standing():
            if grant.state == "asked":
                whose = names.get(grant.account, grant.name or "new")
                click.echo(
                    f"{grant.id}  {grant.kind:<8}  {whose}  {grant.role}  asked by {names.get(grant.asked_by, '?')}"
                )
    finally:
        store.close()
