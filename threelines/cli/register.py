"""The command `threelines register`: the cases of one organisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from threelines.cli._access import subject_access, subject_access_account
from threelines.cli._case import COMMANDS, tell
from threelines.cli._register import database_options, keyring_of, opened, outside, user_of


@click.group()
def command() -> None:
    """Keep cases: what happened, whether AI was used, and what the person agreed to.

    Everything a person said is sealed; names are in a vault of their own. Whoever holds the key file
    can open the register: keep it apart from the database. A lost key is lost data.

    \b
    Try it with invented cases:
      threelines register demo --db demo.db --cases 200
      threelines register list --db demo.db
      threelines register show CASE --db demo.db
    \b
    Start a real one:
      threelines register init --db cases.db
      threelines register form --short > call.json      (fill it in)
      threelines register add call.json --db cases.db
    \b
    Correct and close it:
      threelines register change CASE corrected.json --db cases.db
      threelines register close CASE --db cases.db
    """


@command.command()
@database_options("admin")
def init(**options: Any) -> None:
    """Make the database and its key file, and print the organisation's id (needed for a wipe).

    \b
    Example:
      threelines register init --db cases.db
    """
    with opened(create=True, **options) as register:
        click.echo(f"organisation {register.keyring.organisation}")
        click.echo(f"key file     {register.keyring.path} (copy it to a safe place; a lost key is lost data)")


@command.command()
@click.option("--cases", default=200, show_default=True, help="How many cases to invent.")
@click.option("--canary", default="", help="Plant this text in every identifying field.")
@click.option("--seed", default=1, show_default=True)
@database_options("supervisor")
def demo(cases: int, canary: str, seed: int, **options: Any) -> None:
    """Fill a register with invented cases: no person stands behind them.

    \b
    Example:
      threelines register demo --db demo.db --cases 200
    """
    from threelines.people.demo import fill

    with opened(create=True, **options) as register:
        made = fill(register, cases=cases, canary=canary, seed=seed)
        click.echo(f"{len(made)} invented cases in {options['database']}")


@command.command()
@click.option("--short", is_flag=True, help="Only the 60-second form.")
@click.option("--csv", "as_csv", is_flag=True, help="The header of a CSV file for `import`.")
def form(short: bool, as_csv: bool) -> None:
    """Print an empty form, with every question and its allowed values.

    \b
    Example:
      threelines register form --short > call.json
    """
    from threelines.people.definition import load_form
    from threelines.people.importing import blank_csv

    if as_csv:
        click.echo(blank_csv(short=short), nl=False)
        return
    known = load_form()
    click.echo("{")
    click.echo('  "consent": {' + ", ".join(f'"{purpose}": "no"' for purpose in known.purposes) + "},")
    click.echo('  "fields": {')
    fields = known.short if short else known.full
    for place, field in enumerate(fields, start=1):
        values = " | ".join(known.choices(field))
        hint = f"{field.label} [{field.type}{': ' + values if values else ''}]"
        click.echo(f'    "{field.name}": null{"," if place < len(fields) else ""}    // {hint}')
    click.echo("  }\n}\n// Remove what follows // before you give it to `threelines register add`.", nl=True)


@command.command("list")
@click.option("--status", type=click.Choice(["active", "follow_up", "closed"]), default=None)
@click.option("--quarter", default="", help="Of registration, such as 2026-Q3.")
@click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Coded fields only; may be given more than once.")
@click.option("--limit", default=20, show_default=True)
@database_options("supervisor")
def list_cases(status: str | None, quarter: str, where: tuple[str, ...], limit: int, **options: Any) -> None:
    """List the cases you may see, newest first.

    \b
      threelines register list --db cases.db --team north --where ai_Capability=voice_clone
    """
    with opened(**options) as register:
        if where:
            rows = register.search(dict(_pair(entry) for entry in where), limit=limit)
        else:
            rows = register.list(status=status or "", quarter=quarter, limit=limit)
        for row in rows:
            held = " held" if row.is_held else ""
            click.echo(f"{row.id}  {row.quarter}  {row.status:<9}  {row.owner}  {row.team}{held}")
        click.echo(
            "; ".join([f"{len(rows)} of {register.count()} cases", *filter(None, [outside(register, "case.list")])]),
            err=True,
        )


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise click.UsageError(f"{name}: write FIELD=VALUE")
    return name, value


@command.command("import")
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--ignore", multiple=True, metavar="COLUMN", help="A column that is left out on purpose.")
@click.option("--add-anyway", "anyway", multiple=True, type=int, metavar="ROW", help="A row that is another person after all, or that was erased.")  # fmt: skip
@database_options("supervisor")
def import_cases(source: Path, ignore: tuple[str, ...], anyway: tuple[int, ...], **options: Any) -> None:
    """Import HTCDS files, form submissions (Kobo, ODK), CSV, Excel, or reviewed findings of `threelines scan`.

    Rows with a fault, and rows that are perhaps a person of the register, are reported by number and left out; the
    exit code is then 1. Mend the file and import it whole again: rows that were added are known. Where a corrected
    submission ended a consent, the case is named, with the papers whose holders are to be told.

    \b
    Example:
      threelines register import submissions.csv --db cases.db
    """
    from threelines.people.importing import import_file

    with opened(**options) as register:
        done = import_file(register, source, ignore=ignore, anyway=anyway)
    for number, problems in done.refused:
        for problem in problems:
            click.echo(f"row {number}: {problem.field}: {problem.fault}", err=True)
    for number, whose in done.alike:
        click.echo(
            f"row {number}: perhaps the same person as {whose}: not added; --add-anyway {number} adds it", err=True
        )
    if done.by_answers:
        rows = ", ".join(map(str, done.by_answers))
        click.echo(
            f"known by their answers alone, for they name nobody: rows {rows}; --add-anyway ROW adds one", err=True
        )
    for number in done.erased:
        click.echo(f"row {number}: erased before: not imported; --add-anyway {number} brings it back", err=True)
    for end in done.ended:
        click.echo(f"case {end.case}: a correction ended its consent to {', '.join(end.purposes)}")
        tell(end.papers)
    click.echo(done.summary)
    if done.refused or done.alike:
        raise click.exceptions.Exit(1)


@command.command()
@click.option(
    "--months",
    type=click.IntRange(1, 240),
    default=None,
    help="Set the retention time of this organisation, also for the cases that are closed already.",
)
@click.option(
    "--finding-days",
    type=click.IntRange(7, 3650),
    default=None,
    help="Set for how many days after its decision a finding of the console keeps its words (180, unless set).",
)
@click.option("--run", is_flag=True, help="Destroy what is due; without it only the lists are printed.")
@database_options("data_protection_officer")
def retention(months: int | None, finding_days: int | None, run: bool, **options: Any) -> None:
    """List or destroy what is over its time: identities, words of decided findings, messages of a stream.

    Identities go 24 months after closing, words of findings 180 days after the decision, unless set otherwise; messages
    of a stream after 72 hours. A running console does the last two by itself, every hour.

    \b
    Examples:
      threelines register retention --db cases.db
      threelines register retention --months 12 --db cases.db      (sets it, and lists what is due by it)
    """
    from threelines.people import keeping
    from threelines.web import retention as console

    if (months or finding_days) and run:
        raise click.UsageError(
            "first --months or --finding-days, which list what would be due by it; then --run, which destroys that"
        )
    with opened(**options) as register:
        if months:
            register.set("retention_months", str(months))
        if finding_days:
            register.set("finding_days", str(finding_days))
        if run:
            reduced, erased = keeping.apply_retention(register)
            click.echo(f"{reduced} reduced to statistics, {erased} erased whole")
            gone = console.forget(register)
            if any(gone):
                click.echo(f"{gone.findings} findings without their words, {gone.messages} messages deleted")
            return
        for row in keeping.due(register):
            click.echo(f"due        {row.id}  closed, destroy after {row.destroy_after}")
        for row in keeping.forgotten(register):
            click.echo(f"forgotten  {row.id}  open, last changed {row.changed}")
        for finding in console.due(register):
            click.echo(f"due        {finding}  finding, decided more than {console.finding_days(register)} days ago")


@command.command("erase-account")
@click.argument("account")
@database_options("data_protection_officer")
def erase_account(account: str, **options: Any) -> None:
    """Erase what the console holds of an account, on the person's request: its findings, whole, and its messages.

    ACCOUNT is its id on the platform, or the token (`acc_...`) that a finding shows. A finding goes with all its words,
    those of others too; a case that was made of it is erased by `register erase`. Since a rotation of keys, give the token.

    \b
    Example:
      threelines register erase-account user-4711 --db site.db
    """
    from threelines.web import retention as console

    with opened(**options) as register:
        gone = console.erase_account(register, account)
        click.echo(f"{gone.findings} findings and {gone.messages} messages erased")


for each in COMMANDS:
    command.add_command(each)
command.add_command(subject_access)
command.add_command(subject_access_account)


@command.command()
@click.option("--confirm", prompt="Organisation's id", help="As `init` printed it.")
@database_options("admin")
def wipe(confirm: str, **options: Any) -> None:
    """Emergency: destroy the keys, then the database. Nothing can be read after it, by anyone.

    \b
    Example:
      threelines register wipe --confirm ORGANISATION-ID --db cases.db
    """
    from threelines.people import keeping

    with opened(**options) as register:
        for gone in keeping.wipe(register, confirm=confirm):
            click.echo(f"destroyed {gone}")


@command.command()
@click.argument("target", type=click.Path(path_type=Path))
@database_options("admin")
def backup(target: Path, **options: Any) -> None:
    """Write a whole copy (still sealed) and prove it by opening every value of it.

    \b
    Example:
      threelines register backup cases-2026-11.backup --db cases.db
    """
    from threelines.people import keeping

    with opened(**options) as register:
        done = keeping.backup(register, target)
    _tell_proof(done)


def _tell_proof(done: Any) -> None:
    click.echo(f"{done.cases} cases, {done.sealed_values} sealed values, {done.audit_entries} audit entries: all open")
    for line in done.altered:
        click.echo(line, err=True)


@command.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--since",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A list of erasures and withdrawals after the backup (F.db.gone); those beside the backup, the new database and the key file are found.",
)
@database_options("admin")
def restore(source: Path, since: tuple[Path, ...], **options: Any) -> None:
    """Bring a backup back into a new database, and prove it. Give the key file it was made with.

    Who was erased or withdrew after the backup is erased and withdrawn again, by the lists that are found.

    \b
    Examples:
      threelines register restore cases-2026-11.backup --db restored.db --key-file cases.db.key
      threelines register restore cases-2026-11.backup --db restored.db --key-file k --since cases.db.gone
    """
    from threelines.cli._areas import areas
    from threelines.people import keeping

    keyring = keyring_of(options["database"], options["key_file"], options["passphrase"])
    done = keeping.restore(
        source, options["database"], keyring=keyring, user=user_of(options), since=since, areas=areas()
    )
    _tell_proof(done)
    for path in done.naming_nobody:
        click.echo(
            f"{path}: names nobody in this backup. It is of another register, or whoever it names came later. "
            "If it is of this one, give it with --since.",
            err=True,
        )
    if done.lists:
        click.echo(
            f"since the backup: {done.erased_again} cases erased again, {done.withdrawn_again} consents withdrawn"
        )
    else:
        click.echo(
            "No list of erasures and withdrawals of this register was found: whoever was erased or withdrew after this backup is back. "
            "Give the list with --since (into another new database), or go through the requests since then by hand.",
            err=True,
        )
    click.echo(_FORGOTTEN, err=True)


_FORGOTTEN = (
    "Forgotten is what was published, sent or served after this backup, and who agreed to it. Releases are rounded from now "
    "on, and held against everybody in the backup. Objects that `threelines feed` served since then cannot be revoked: "
    "tell whoever takes it which of them to delete, above all of people who were erased or withdrew."
)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--apply", "is_applied", is_flag=True, help="Erase and withdraw again what the file lists.")
@database_options("admin")
def gone(file: Path, is_applied: bool, **options: Any) -> None:
    """Write the list of erasures and withdrawals, or do again what one lists. It has hashes and days, no content.

    With SQLite it lies beside the database (F.db.gone). With PostgreSQL write it daily, and apply it after a restore.

    \b
    Examples:
      threelines register gone cases.gone --db postgresql+psycopg://… --key-file cases.key
      threelines register gone cases.gone --apply --db postgresql+psycopg://… --key-file cases.key
    """
    from threelines.people import gone, keeping

    with opened(**options) as register:
        if is_applied:
            erased, withdrawn = keeping.repeat_gone(register, [gone.read(file)])
            click.echo(f"{erased} cases erased again, {withdrawn} consents withdrawn")
            click.echo(_FORGOTTEN, err=True)
        else:
            click.echo(f"{keeping.write_gone(register, file)} hashes of erasures and withdrawals in {file}")


@command.command("rotate-key")
@database_options("admin")
def rotate_key(**options: Any) -> None:
    """Make new keys, seal everything again, destroy the old keys.

    Backups made before can then be opened only with a key file kept from before. The console may go on, and finds its
    findings and messages again. It does not find findings again whose words were destroyed when their time was over (their
    thread becomes a new one), nor answers of the last day by Idempotency-Key (the request is read again). A second rotation
    waits for the first (an SQLite file then has an empty F.db-alone beside it, which may stay).

    \b
    Example:
      threelines register rotate-key --db cases.db
    """
    from threelines.people import keeping
    from threelines.platforms import review_keys
    from threelines.web import stream

    with opened(**options) as register:
        sealed = keeping.rotate(register, remake=(review_keys.remake, stream.remake))
        click.echo(f"{sealed} values sealed with the new keys; old keys destroyed")


@command.group()
def audit() -> None:
    """Who did what to which case: reads too; no case content.

    \b
    Examples:
      threelines register audit verify --db cases.db
      threelines register audit show --db cases.db
    """


@audit.command()
@click.option("--anchor", default="", help="A head that was written down earlier.")
@database_options("data_protection_officer")
def verify(anchor: str, **options: Any) -> None:
    """Check the chain, and print its head: write that down outside this computer.

    Tells too of which cases, requests and releases a column was changed by hand; the exit code is then 1.

    \b
    Example:
      threelines register audit verify --db cases.db
    """
    from threelines.people.keeping import altered
    from threelines.roles import require

    with opened(**options) as register:
        require(register.user, "audit.verify")
        click.echo(f"{register.audit.verify(anchor=anchor)} entries, unbroken")
        click.echo(f"head {register.audit.head()}")
        found = altered(register.store, register.keyring)
    for line in found:
        click.echo(line, err=True)
    if found:
        raise click.exceptions.Exit(1)


@audit.command("show")
@click.option("--case", "case_id", default="", help="Only what was done to this case.")
@click.option("--last", default=50, show_default=True)
@database_options("data_protection_officer")
def show_audit(case_id: str, last: int, **options: Any) -> None:
    """Print the last entries.

    \b
    Example:
      threelines register audit show --db cases.db
    """
    from threelines.roles import require

    with opened(**options) as register:
        require(register.user, "audit.read")
        for entry in register.audit.entries(record=case_id, newest=last):
            click.echo(
                f"{entry.id}  {entry.time}  {entry.who}  {entry.role}  {entry.action}  {entry.record}  {entry.reason}"
            )
