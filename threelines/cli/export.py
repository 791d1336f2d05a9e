"""`threelines export FORMAT`: de-identified, consented cases in the form that others read."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import contextmanager, nullcontext
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

import threelines.exports
from threelines.cli._outputs import OutFile, beside, beside_all
from threelines.cli._register import database_options, opened, outside, second_person

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from threelines.exports.dsa import Removal
    from threelines.exports.sharing import Handover
    from threelines.people.approval import Terms
    from threelines.people.register import Register
    from threelines.platforms.finding import Removed
    from threelines.records import Assessment, Incident

_NOT_FORMATS = ("sharing", "codes")


class Formats(click.Group):
    """Every module of `threelines/exports/` is a format: adding one touches one place."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the formats, then what is done with a written export."""
        names = {module.name for module in pkgutil.iter_modules(threelines.exports.__path__)} - set(_NOT_FORMATS)
        return [*sorted(name for name in names if not name.startswith("_")), *sorted(self.commands)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return the command of a format."""
        if name in self.commands:
            return self.commands[name]
        return _format(name) if name in self.list_commands(context) else None


@click.command(cls=Formats, short_help="Write consented, de-identified cases in a shared format.")
def command() -> None:
    """Write what may leave the register, in the form that others read.

    Only coded fields leave, only of people who agreed to this purpose, and an export is a draft until a
    second person has approved exactly this content.

    \b
    Examples:
      threelines export stix --db cases.db --out bundle.json
      threelines export misp --db cases.db --out feed/        (a folder: a MISP feed)
      threelines export approve a_7k… --db cases.db --user second.person --team north
      threelines export check stix bundle.json
    """


_EXAMPLES = {"csv": "cases.csv", "misp": "feed/", "xlsform": "form.xlsx"}
"""What to name the output in the help, where it is no JSON file."""


def _format(name: str) -> click.Command:
    module = importlib.import_module(f"threelines.exports.{name}")

    @click.command(
        name,
        help=f"{module.__doc__}\n\n\b\nExample:\n  threelines export {name} --db cases.db --out {_EXAMPLES.get(name, name + '.json')}",
        short_help=(module.__doc__ or name).splitlines()[0],  # given, so that click cuts nothing of it
    )
    @database_options("supervisor")
    @click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write.")
    @click.option("--organisation", default="Organisation not named", help="As recipients should see it.")
    @click.option("--recipient", default="", help="Who receives it.")
    @click.option("--legal-basis", default="", help="Duty or consent that it rests on.")
    @click.option(
        "--tlp",
        type=click.Choice(["clear", "green", "amber", "amber+strict", "red"]),
        default="amber",
        show_default=True,
    )
    def write(out: Path, organisation: str, recipient: str, legal_basis: str, tlp: Any, **options: Any) -> None:
        from threelines.exports.sharing import Handover
        from threelines.people.approval import Terms
        from threelines.people.case import permission_to_leave

        out = _target(module, out)
        if not module.PURPOSE:
            _refuse_terms(name)
        terms = Terms(organisation=organisation, recipient=recipient, basis=legal_basis, tlp=tlp)
        # the place first: that cases leave is audited, and asked approval for, only where they can be written
        with _place(module, out) as part, opened(**options) as register:
            missed = outside(register, permission_to_leave(module.PURPOSE)) if module.PURPOSE else ""
            if missed and not register.count(permission_to_leave(module.PURPOSE)):
                raise click.ClickException(f"{out}: not written: {missed}")
            found = list(register.incidents_by_case(module.PURPOSE)) if module.PURPOSE else []
            rows = [incident for _, incident in found]
            approvals = approval_of(register, name, rows, terms)
            handover = Handover(
                organisation=organisation, recipient=recipient, legal_basis=legal_basis, tlp=tlp, approvals=approvals,
                made=datetime.now(timezone.utc).replace(microsecond=0), definition=_definition(),
            )  # fmt: skip
            _write(module, rows, part, out, handover)
            kept = {incident.id for incident in _kept(module, rows)}
            waiting = "" if approvals or not kept else prepare_export(
                register, name, [(case, incident) for case, incident in found if incident.id in kept], terms
            )  # fmt: skip
            second = second_person(register)
        _tell(module, rows, out, waiting, missed, second)

    return write


def _refuse_terms(name: str) -> None:
    """Refuse terms of a handover where nothing is handed over, rather than leave them out in silence."""
    context = click.get_current_context()
    given = ("organisation", "recipient", "legal_basis", "tlp")
    for option in given:
        if context.get_parameter_source(option) is not ParameterSource.DEFAULT:
            raise click.UsageError(
                f"--{option.replace('_', '-')}: {name} is an empty form, with no case in it and no place for a sender, a "
                "recipient, a legal basis or TLP; leave it out"
            )


def _target(module: Any, out: Path) -> Path:
    """Return the file to write: of a format that is several files, its main one, whichever of them was named."""
    if str(out) == "-":
        raise click.UsageError("--out -: an export is written to a file; name one")
    others: tuple[str, ...] = getattr(module, "BESIDE", ())
    if out.is_dir() and not others and not getattr(module, "MAY_BE_FOLDER", False):
        raise click.UsageError(f"--out {out}: is a folder; name a file in it")
    if not others:
        return out
    if out.exists() and not out.is_file():
        raise click.UsageError(
            f"--out {out}: several files are written, side by side; name a file, not a folder or pipe"
        )
    return out.with_suffix(module.SUFFIX) if out.suffix.lower() in ("", *others) else out


@contextmanager
def _place(module: Any, out: Path) -> Iterator[Path]:
    """Give the place to write to, moved to `out` at the end; raise OSError where nothing can be written."""
    out.parent.mkdir(parents=True, exist_ok=True)
    others: tuple[str, ...] = getattr(module, "BESIDE", ())
    folder = getattr(module, "MAY_BE_FOLDER", False) and out.suffix != module.SUFFIX  # a MISP feed
    safe = beside_all(out, others) if others else nullcontext(out) if folder else beside(out)
    if not out.exists() or out.is_file() or out.is_dir():  # no pipe
        with TemporaryFile(dir=out if out.is_dir() else out.parent):
            pass
    with safe as part:
        yield part


def _write(module: Any, rows: list[Incident], part: Path, out: Path, handover: Handover) -> None:
    module.write(rows, part, handover)
    wrong = module.check(part)
    if wrong:
        raise click.ClickException(f"{out}: not written, the format's own reader refuses it: {'; '.join(wrong[:3])}")


def _kept(module: Any, rows: list[Incident]) -> list[Incident]:
    """Return the cases that the format writes: some formats have nothing to say of a case without a certain answer."""
    from threelines.exports.sharing import holding

    return list(holding(rows, getattr(module, "NEEDS", "")))


def _tell(module: Any, rows: list[Incident], out: Path, waiting: str, missed: str, second: str) -> None:
    whose = _counted(module, rows) if module.PURPOSE else "no case data"
    names = " and ".join(str(out.with_suffix(ending)) for ending in (out.suffix, *getattr(module, "BESIDE", ())))
    click.echo(f"{names}: {whose}; accepted by the format's own reader.")
    if missed:
        click.echo(missed, err=True)
    if hasattr(module, "ELSEWHERE") and not _kept(module, rows):
        click.echo(module.ELSEWHERE, err=True)
    if waiting:
        click.echo(
            f"A draft until a second person approves it: threelines export approve {waiting} --user SECOND-PERSON {second}"
        )
    if waiting and not getattr(module, "MARKS_DRAFT", True):
        click.echo(
            "THIS FILE IS A DRAFT AND CANNOT SAY SO ITSELF: the format has no place for it. Do not send it.", err=True
        )


def _counted(module: Any, rows: list[Incident]) -> str:
    """Say how many cases were written, and how many were left out and why."""
    from threelines.exports.sharing import LEFT_OUT

    kept = len(_kept(module, rows))
    left = len(rows) - kept
    said = f"{kept} case{'' if kept == 1 else 's'} with consent for {module.PURPOSE} written"
    partly = module.without_part(rows) if hasattr(module, "without_part") else ""
    missing = f"{left} left out ({LEFT_OUT[module.NEEDS]})" if left else ""
    return ", ".join(filter(None, (said, missing, partly)))


def prepare_export(register: Register, name: str, written: Sequence[tuple[str, Incident]], terms: Terms) -> str:
    """Ask for a second person's approval of the cases that a format writes; return the request's id.

    `written` is (case id, incident).
    """
    import msgspec

    from threelines.people.approval import content_digest, prepare

    digest = content_digest(name, [incident for _, incident in written], terms)
    cases = [case for case, _ in written]
    made = datetime.now(timezone.utc).replace(microsecond=0).isoformat()
    purpose = importlib.import_module(f"threelines.exports.{name}").PURPOSE
    return prepare(
        register,
        _kind(name),
        digest,
        format=name,
        purpose=purpose,
        cases=len(cases),
        written=cases,
        stamp=made,
        **msgspec.to_builtins(terms),
    )


def approval_of(register: Register, name: str, rows: list[Incident], terms: Terms) -> tuple[str, ...]:
    """Return the two people who agreed to exactly the cases of `rows` that the format writes, on these terms, or nobody."""
    from threelines.people.approval import ApprovalError, content_digest, require_approved

    kept = _kept(importlib.import_module(f"threelines.exports.{name}"), rows)
    if not kept:
        return ()
    try:
        found = require_approved(register, _kind(name), content_digest(name, kept, terms))
    except ApprovalError:
        return ()
    return found.prepared_by, found.decided_by


def _kind(name: str) -> Any:
    return "referral" if name == "referral" else "export"


def _definition() -> dict[str, Any]:
    from threelines.people.definition import load_form

    form = load_form()
    fields = [{name: getattr(field, name) for name in field.__struct_fields__} for field in form.full]
    return {"version": form.version, "lists": form.list, "consent": form.list["consent_purpose"], "fields": fields}


@command.command()
@database_options("supervisor")
@click.option("--out", required=True, type=OutFile(), help="File to write.")
@click.option("--organisation", default="Organisation not named", help="The platform, as recipients should see it.")
def statements(out: Path, organisation: str, **options: Any) -> None:
    """Write statements of reasons (DSA, Article 17) of what reviewers decided to remove in the console's queue.

    Each says what was decided, when, for which reason, by which published signs it was raised, and that a person decided.
    The ground is said where the reason was a rule of the platform's own. What only the platform knows (whether the
    content is illegal, the clause, where and from when it is restricted, the content's kind and day) is left out and
    listed in the file, so it is a draft for the platform to complete. No words of a message are read.

    \b
    Examples:
      threelines export statements --db site.db --organisation "Our platform" --out statements.json
      threelines export check dsa statements.json
    """
    from threelines.exports import dsa
    from threelines.exports.sharing import Handover
    from threelines.platforms.review import Review

    handover = Handover(organisation=organisation, made=datetime.now(timezone.utc).replace(microsecond=0))
    with beside(out) as part, opened(**options) as register:
        decided = list(_removals(Review(register.store, register.keyring, register.audit).removed(register.user)))
        dsa.write_removals(decided, part, handover)
        if wrong := dsa.check(part):
            raise click.ClickException(f"{out}: not written: {'; '.join(wrong[:3])}")
    number = len(decided)
    click.echo(
        f"{out}: {number} statement{'' if number == 1 else 's'} of what was decided to be removed; to be completed by the platform."
    )


@command.command()
@click.argument("findings", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=OutFile(), help="File to write: .graphml, .gexf or .csv (one row a tie).")
def graph(findings: Path, out: Path) -> None:
    """Write the networks of FINDINGS, which `threelines scan --all --out` wrote, as a graph for Gephi, Cytoscape or a table.

    Nodes are accounts, called as in the findings (tokens, or names with `scan --reveal`): whoever gets the file gets
    those. Ties have kinds, probability by chance, and records. A contact that many give is a node, tied to who gives it.

    \b
    Examples:
      threelines scan posts.jsonl --all --out findings.jsonl
      threelines export graph findings.jsonl --out networks.graphml
    """
    from threelines.cli._outputs import keep_apart
    from threelines.platforms.graph import WRITERS, graph_of

    if out.suffix.lower() not in WRITERS:
        raise click.UsageError(f"--out {out}: the name ends in none of {', '.join(WRITERS)}")
    keep_apart([("--out", out)], [findings])
    networks = list(_networks(findings))
    made = graph_of(networks)
    with beside(out) as part:
        WRITERS[out.suffix.lower()](made, part)
    ties = sum(one.facts.get("ties", 0) for one in networks if isinstance(one.facts, dict))
    written = made.number_of_edges()
    click.echo(
        f"{out}: {len(networks)} networks, {len(made)} nodes, {written} edges written; the scan found {ties} ties."
    )


def _networks(findings: Path) -> Iterator[Assessment]:
    """Yield the findings of networks that have facts; raise ClickException at a line that is no finding."""
    import msgspec

    from threelines.platforms.report import decode

    with findings.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                one = decode(line) if line.strip() else None
            except (msgspec.DecodeError, UnicodeDecodeError) as fault:
                raise click.ClickException(f"{findings}:{number}: no line of a findings file ({fault})") from fault
            if one and one.thread.kind == "network" and isinstance(one.facts, dict):
                yield one


def _removals(found: Iterable[Removed]) -> Iterator[Removal]:
    from threelines.exports.dsa import Removal
    from threelines.platforms.finding import REASONS
    from threelines.records import LABELLED_KINDS
    from threelines.vocabulary.terms import load

    known = load().indicators
    for each in found:
        yield Removal(
            reference=each.row.id, day=each.time[:10], reason=REASONS.get(each.reason, "not recorded"),
            signs=tuple(known[name].name for name in each.indicators if name in known), language=each.row.language,
            is_content=each.row.kind in LABELLED_KINDS, is_house_rule=each.reason == "house_rule",
            is_suspicion=each.reason in ("signs_together", "control", "child", "coordinated", "help"),
        )  # fmt: skip


@command.command()
@click.argument("request")
@database_options("supervisor")
@click.option("--refuse", is_flag=True, help="Refuse it instead.")
@click.option("--show", is_flag=True, help="Print what would leave, and decide nothing.")
def approve(request: str, refuse: bool, show: bool, **options: Any) -> None:
    """Approve, as a second person, exactly the content that was prepared under REQUEST.

    What is approved: the format, the terms (sender, recipient, legal basis, TLP), and the facts of the cases
    written. If one of them or a consent changes, prepare it again. --show prints them; the console shows the papers.

    The second person reaches every case of it: as their own, as a supervisor of the team that has them (--team), or as
    data protection officer. Cases of workers who gave no --team belong to no team: there, it is the officer.

    \b
    Examples:
      threelines export approve a_7k… --db cases.db --user second.person --team north --show
      threelines export approve a_7k… --db cases.db --user second.person --team north
      threelines export approve a_7k… --db cases.db --user officer --role data_protection_officer
    """
    from threelines.people.approval import decide

    with opened(**options) as register:
        if show:
            _show(register, request)
            return
        found = decide(register, request, yes=not refuse)
    about, number = found.details, len(found.cases)
    click.echo(
        f"{request}: {found.state}. {about.get('format', 'referral')} for {about.get('recipient') or 'no named recipient'}, "
        f"{number} case{'' if number == 1 else 's'}, SHA-256 {found.digest[:16]}…"
    )
    if found.state == "approved":
        click.echo("Write the export again to get it without the draft mark.")


def _show(register: Register, request: str) -> None:
    import msgspec

    from threelines.people.approval import Terms, read, require_reach, written_now

    found = read(register, request)
    require_reach(register, found)
    terms = msgspec.to_builtins(msgspec.convert(found.details, Terms))
    rows = msgspec.to_builtins(written_now(register, found))
    register.audit.add(
        register.user, f"leaving.{found.details.get('purpose', 'share_with_police')}", record=request, reason="sharing"
    )
    body = {"request": request, "state": found.state, "format": found.details.get("format", "referral"), **terms}
    click.echo(msgspec.json.format(msgspec.json.encode({**body, "cases": rows}), indent=1).decode())


@command.command()
@click.argument("name", metavar="FORMAT")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
def check(name: str, path: Path) -> None:
    """Read a written export with the format's own validator, and look for what our exports are never without.

    In STIX that is: each reference leads into the bundle, what speaks of a case or organisation has a mark of TLP and
    one of recipient and legal basis, and no telephone or e-mail stands in a name. In DSA, FinCEN and HTCDS: the head has
    sender, recipient, legal basis, TLP and status. A table has exactly our columns, and its covering file beside it. In
    FinCEN, HTCDS and a table an id is one of ours; in them and at the head of DSA no further names stand.

    Nothing is signed: another TLP, recipient or status that is a valid one too cannot be told from what was written.

    \b
    Example:
      threelines export check stix bundle.json
    """
    from threelines.exports.sharing import ExportError

    if name in _NOT_FORMATS or not name.isidentifier():
        raise click.UsageError(f"no format {name!r}")
    try:
        wrong = importlib.import_module(f"threelines.exports.{name}").check(path)
    except ModuleNotFoundError as fault:
        if fault.name != f"threelines.exports.{name}":
            raise
        raise click.UsageError(f"no format {name!r}; `threelines export --help` lists them") from fault
    except ExportError as fault:
        wrong = [str(fault)]
    except (ValueError, KeyError, TypeError) as fault:  # the validators expect their own kind of file
        wrong = [f"{path}: no {name} file ({fault})"]
    for line in wrong:
        click.echo(line)
    click.echo(f"{path}: {'refused' if wrong else 'accepted'}")
    raise SystemExit(1 if wrong else 0)
