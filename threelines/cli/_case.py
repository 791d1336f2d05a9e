"""Commands on one case: keep, find, show, change and close it, its consent, a hold, its erasure; `threelines register` has them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click

from threelines.cli._register import database_options, opened, outside

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.command()
@click.argument("source", type=click.File("r", encoding="utf-8-sig"))  # editors put a byte order mark first
@database_options("case_worker")
def add(source: Any, **options: Any) -> None:
    """Keep one case from a JSON file, or from standard input with `-`.

    Names never go into a command line: it stays in the shell's history.

    \b
      {"fields": {"ai_Asked": "yes", "ai_Suspected": "suspected"},
       "consent": {"statistics": "yes"}, "provenance": {"interview_language": "lao"}}

    \b
    Example:
      threelines register add call.json --db cases.db
    """
    given = _parts_of(source)
    with opened(**options) as register:
        click.echo(register.add(given["fields"], consent=given["consent"], provenance=given["provenance"]))


def _parts_of(source: Any) -> dict[str, dict[str, Any]]:
    """Read the three parts of a case that is to be added; a message never repeats what stands in them."""
    given = _json_of(source)
    parts = {name: given.get(name) for name in ("fields", "consent", "provenance")}
    for name, part in parts.items():
        if part is not None and not isinstance(part, dict):
            raise click.UsageError(f'"{name}": {{"name": value, …}} is expected')
    return {name: part or {} for name, part in parts.items()}


def _json_of(source: Any) -> dict[str, Any]:
    """Read a case's JSON, with the remarks that `form` writes behind `//`."""
    text = re.sub(r"^([^\"\n]*(?:\"[^\"\n]*\"[^\"\n]*)*?)\s*//.*$", r"\1", source.read(), flags=re.MULTILINE)
    try:
        given = json.loads(text)
    except json.JSONDecodeError as fault:
        raise click.UsageError(f"not JSON: line {fault.lineno}") from None
    except (RecursionError, ValueError):
        raise click.UsageError("not a case: nested too deep, or a number of thousands of digits") from None
    if not isinstance(given, dict):
        raise click.UsageError('not a case: {"fields": {…}, "consent": {…}, "provenance": {…}} is expected')
    return given


def _fields_of(source: Any) -> dict[str, Any]:
    """Read answers and nothing else: what would be passed over is refused."""
    given = _json_of(source)
    if not set(given) <= {"fields"} or not isinstance(given.get("fields", {}), dict):
        raise click.UsageError(
            'only answers are read here: {"fields": {"name": value, …}} is expected; take the other parts out. '
            "Consent is recorded by `threelines register consent`, an identity stands among the fields"
        )
    return {name: answer for name, answer in given.get("fields", {}).items() if answer not in (None, "", [])}


@click.command()
@click.argument("source", type=click.File("r", encoding="utf-8-sig"))
@click.option("--reason", default="case work", show_default=True, help="Why: the audit keeps it.")
@database_options("supervisor")
def find(source: Any, reason: str, **options: Any) -> None:
    """Find the cases of a person, by a JSON file of the fields that `add` reads, or from standard input with `-`.

    By telephone with its country code, e-mail, number of a document, or name with birth date; exact, and in the audit.

    \b
      {"fields": {"prs_MobilePhone": "+44 7700 900123"}}

    \b
    Example:
      threelines register find person.json --reason "subject access" --db cases.db
    """
    from threelines.people.access import REASONS
    from threelines.people.sought import NO_CODE, sought, was_sought

    given = _parts_of(source)["fields"]
    if reason not in REASONS:
        raise click.UsageError(f"--reason: choose one of {', '.join(REASONS)}")
    with opened(**options) as register:
        fields = sought(register.form, given)
        if not register.vault.tags(fields):
            raise click.UsageError(
                "give a telephone with its country code, an e-mail, a document's number, or a name with the birth date"
            )
        found = register.match(fields, reason=reason)
        if not was_sought(fields, found):
            raise click.UsageError(NO_CODE)
        for case_id in found:
            click.echo(case_id)
        missed = outside(register, "identity.match")
    click.echo("; ".join([f"{len(found)} found", *filter(None, [missed])]), err=True)


@click.command()
@click.argument("case_id")
@click.argument("source", type=click.File("r", encoding="utf-8-sig"), required=False)
@click.option("--remove", multiple=True, metavar="FIELD", help="Take this answer away; may be given more than once.")
@click.option("--revision", type=int, help="The one that you read: refused where somebody changed the case since.")
@database_options("case_worker")
def change(case_id: str, source: Any, remove: tuple[str, ...], revision: int | None, **options: Any) -> None:
    """Correct a kept case by a JSON file of the fields that `add` reads, or from standard input with `-`.

    Answers in the file take the place of those before; what is null, empty or not there stays. The earlier revision is
    kept, but for names and the like, of which the vault keeps no history. Reopen a closed case with cas_Status "Active".

    \b
      {"fields": {"ai_Suspected": "probable", "ai_EvidenceBasis": ["message_or_file_seen"]}}

    \b
    Examples:
      threelines register change CASE corrected.json --db cases.db
      threelines register change CASE --remove prs_MobilePhone --db cases.db
    """
    given = _fields_of(source) if source else {}
    if not given and not remove:
        raise click.UsageError("nothing to change: give a file with answers, or --remove FIELD")
    with opened(**options) as register:
        unknown = [name for name in remove if name not in register.form.fields or name in given]
        if unknown:
            raise click.UsageError(
                f"--remove: {len(unknown)} of these fields stand in the file too, or the form does not have them"
            )
        changed = {**given, **dict.fromkeys(remove)}
        click.echo(f"revision {register.update(case_id, changed, revision=revision)}")


@click.command()
@click.argument("case_id")
@click.option("--referred", is_flag=True, help="Closed because another organisation goes on with it.")
@database_options("case_worker")
def close(case_id: str, referred: bool, **options: Any) -> None:
    """Close a case: from then on the retention time of its identity runs.

    \b
    Example:
      threelines register close CASE --db cases.db
    """
    with opened(**options) as register:
        number = register.update(case_id, {"cas_Status": "ClosedReferred" if referred else "Closed"})
        row = register.get(case_id).row
        until = "once the hold is lifted and " if row.is_held else ""
        click.echo(f"revision {number}; identity and earlier revisions are destroyed {until}after {row.destroy_after}")


@click.command()
@click.argument("case_id")
@click.option("--identity", is_flag=True, help="Also open the vault: its own permission, its own audit entry.")
@database_options("supervisor")
def show(case_id: str, identity: bool, **options: Any) -> None:
    """Show one case, each consent as it counts today; the reading is noted in the audit.

    \b
    Example:
      threelines register show CASE --db cases.db
    """
    from threelines.people import access

    with opened(**options) as register:
        case = register.get(case_id)
        shown: dict[str, Any] = {
            "id": case.id, "quarter": case.row.quarter, "status": case.row.status, "revision": case.row.revision,
            "fields": case.fields, "consent": {name: consent.words(register.today) for name, consent in case.consent.items()},
            "provenance": case.provenance,
        }  # fmt: skip
        if identity:
            named = access.identities(register, case_id)
            shown["identity"] = named.own
            shown["further"] = [{"entity": part.entity, "identity": part.fields} for part in named.further]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=2))


@click.command()
@click.argument("case_id")
@click.argument("purpose")
@click.argument("value", type=click.Choice(["yes", "no", "withdrawn"]))
@click.option("--giver", type=click.Choice(["self", "guardian", "best_interest"]), help="As told before otherwise.")
@click.option("--method", type=click.Choice(["spoken", "written", "recorded"]), help="As told before otherwise.")
@click.option("--language", help="ISO 639-3, in which it was asked; as told before otherwise.")
@click.option("--expires", help="Day after today such as 2027-12-31; 24 months from now otherwise.")
@database_options("supervisor")
def consent(case_id: str, purpose: str, value: str, **options: Any) -> None:
    """Record what the person agreed to, one purpose at a time.

    Purposes: services, statistics, research, share_with_company, share_with_police,
    own_acts_to_police. What was not asked is no. A withdrawal leaves the next release; it prints what was prepared for
    others or sent before, as they are to be told.

    \b
    Example:
      threelines register consent CASE statistics yes --giver self --method spoken --db cases.db
    """
    from threelines.people.recipients import recipients

    given = {name: options.pop(name) for name in ("giver", "method", "language", "expires")}
    details = {name: detail for name, detail in given.items() if detail is not None}
    with opened(**options) as register:
        click.echo(f"revision {register.consent(case_id, purpose, value, **details)}")
        if value != "yes":
            tell(recipients(register, case_id, {purpose}))


def tell(papers: Sequence[str]) -> None:
    """Say who must be told that a consent ended or a case is erased."""
    if papers:
        click.echo("tell whoever has it (GDPR, Article 19):")
    for words in papers:
        click.echo(f"  {words}")


@click.command()
@click.argument("case_id")
@click.option("--off", is_flag=True, help="Lift the hold.")
@database_options("data_protection_officer")
def hold(case_id: str, off: bool, **options: Any) -> None:
    """Set or lift a legal hold: nothing of a held case is destroyed.

    \b
    Example:
      threelines register hold CASE --db cases.db
    """
    with opened(**options) as register:
        register.hold(case_id, on=not off)


@click.command()
@click.argument("case_id")
@database_options("data_protection_officer")
def erase(case_id: str, **options: Any) -> None:
    """Erase one case whole, on the person's request, and print who has papers with it: they are to be told.

    \b
    Example:
      threelines register erase CASE --db cases.db
    """
    from threelines.people import keeping

    with opened(**options) as register:
        papers = keeping.erase(register, case_id)
    click.echo("erased" if papers else "erased; no export and no referral with it was prepared")
    tell(papers)


COMMANDS = (add, find, show, change, close, consent, hold, erase)
"""In the order in which a case meets them."""
