"""Options that every command with inputs has, and the way from them to records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from threelines.platforms.read import ReadReport
    from threelines.records import Record

DEFAULT_KEY_FILE = "~/.config/threelines/key"

_F = TypeVar("_F", bound=Callable[..., Any])


def input_options(command: _F) -> _F:
    """Add INPUT… --format --map --strict --reveal --key-file to a command (keyword arguments of its function)."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def form_options(command: _F) -> _F:
    """Add --format --map --encoding --dates, those of the options that say in which form an input is."""
    for option in reversed(_FORM):
        command = option(command)
    return command


def _mapping(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, list[str]]:
    """`--map text=body --map kind:=advert`, or a JSON or TOML file with the same pairs; `text` may have several columns."""
    mapping: dict[str, list[str]] = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if equals:
            constant = field.endswith(":")
            given = {field.rstrip(":").strip(): [f"={column}" if constant else column]}
        elif Path(pair).is_file():
            given = _mapping_file(Path(pair))
        else:
            raise click.BadParameter(f"{pair!r} is neither FIELD=COLUMN, FIELD:=VALUE nor a JSON or TOML file")
        for name, columns in given.items():
            mapping.setdefault(name, []).extend(columns)
    return mapping


def _mapping_file(path: Path) -> dict[str, list[str]]:
    import msgspec

    decode = msgspec.toml.decode if path.suffix == ".toml" else msgspec.json.decode
    try:
        found = decode(path.read_bytes(), type=dict[str, str | list[str]])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise click.BadParameter(f"{path}: not a flat table of FIELD = COLUMN ({fault})") from fault
    return {field: [columns] if isinstance(columns, str) else columns for field, columns in found.items()}


_FORM: tuple[Callable[[Any], Any], ...] = (
    click.option("--format", "format_name", metavar="NAME", help="Format of all inputs; found by itself when left out."),
    click.option(
        "--map", "mapping", multiple=True, callback=_mapping, metavar="FIELD=COLUMN",
        help="Where a field is under another name: --map text=body --map author=user. A text in several columns: --map text=title "
        "--map text=description; they are joined in this order. FIELD:=VALUE sets it for all rows: --map kind:=advert. A JSON or TOML "
        "file with such pairs will do too.",
    ),
    click.option(
        "--encoding", metavar="NAME",
        help="Encoding of older exports, such as windows-1252 (a CSV of Excel in western languages), windows-1251, windows-1256, "
        "gb18030, big5, shift_jis or tis-620; left out: UTF-8, or UTF-16 by its mark.",
    ),
    click.option(
        "--dates", type=click.Choice(["dmy", "mdy", "ymd"]),
        help="What stands first in dates such as 03/04/2024: day, month or year; left out: what all dates of the file show.",
    ),
)  # fmt: skip
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.argument("inputs", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="INPUT..."),
    *_FORM,
    click.option("--strict", is_flag=True, help="End at the first broken line instead of counting it."),
    click.option(
        "--reveal", is_flag=True,
        help="Keep account ids and names as they are. Without it they become tokens under your key.",
    ),
    click.option(
        "--key-file", type=click.Path(dir_okay=False, path_type=Path), default=DEFAULT_KEY_FILE, show_default=True,
        help="Key of the tokens, made on first use. Keep it: only with it do two runs give one account one token.",
    ),
    click.option("--key", envvar="THREELINES_KEY", hidden=True, help="The key itself; set THREELINES_KEY instead."),
)  # fmt: skip


def named(context: click.Context, option: click.Parameter, path: Path) -> Path:
    """Return the path; a file that is not there is let be by default, and a fault of who named it."""
    given = context.get_parameter_source(option.name or "")
    if given not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP) and not path.is_file():
        raise click.BadParameter(f"{path}: there is no such file", context, option)
    return path


def only_one(_context: click.Context, option: click.Parameter, given: tuple[Path, ...]) -> Path | None:
    """Return what an option with `multiple` was given; of two the last would win in silence, so two are refused."""
    if len(given) > 1:
        raise click.BadParameter(f"{len(given)} were given, and only one can be used", _context, option)
    return given[0] if given else None


def confirmed_option(function: _F) -> _F:
    """Add `--confirmed`: the telephone numbers that may be shown."""
    return click.option(
        "--confirmed", type=click.Path(dir_okay=False, path_type=Path), default="helplines.json", show_default=True,
        callback=named, help="Numbers that your organisation has dialled (`threelines helplines confirm`).",
    )(function)  # fmt: skip


def open_records(options: Mapping[str, Any], report: ReadReport | None = None) -> Iterator[Record]:
    """Return the records of the inputs, as the options of `input_options` say (further options are let be).

    Without a `report` of the caller's own, what was skipped is said on stderr once everything is read.
    """
    from threelines.platforms.read import ReadReport, read

    own = ReadReport() if report is None else report
    secret = None if options["reveal"] else _key(options["key"], options["key_file"])
    records = read(
        options["inputs"],
        format_name=options["format_name"],
        mapping=options["mapping"],
        strict=options["strict"],
        key=secret,
        reveal=options["reveal"],
        report=own,
        encoding=options.get("encoding") or "",
        dates=options.get("dates"),
    )
    return records if report is not None else said_at_end(records, own)


def shown_names(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how a report may call the inputs; a file that is named for a person has its token, unless revealed."""
    from threelines.platforms.read import shown_names as names_of

    secret = None if options["reveal"] else _key(options["key"], options["key_file"])
    return names_of(options["inputs"], key=secret, format_name=options["format_name"])


def said_at_end(records: Iterable[Record], report: ReadReport) -> Iterator[Record]:
    """Pass records on; once all are read, say what was wrong with them, and end with an error where none could be."""
    yield from records
    if report.examples or report.notes:
        show_report(report)
    refuse_nothing(report)


def refuse_nothing(report: ReadReport) -> None:
    """End with an error where every line was broken: "0 found" would be taken for "nothing there"."""
    from threelines.platforms.read import ReadError

    if report.skipped and not report.read:
        raise ReadError(
            f"nothing could be read: {report.skipped:,} lines, all broken (above); mend them, or name the --format"
        )


def _key(key: str | None, path: Path) -> bytes:
    from threelines.platforms.pseudonym import load_key

    if key:
        return key.encode()
    secret, made = load_key(path.expanduser())
    if made:
        click.echo(f"A key for account tokens was made: {path} (keep it safe, do not share it).", err=True)
    return secret


def show_report(report: ReadReport) -> None:
    """Print what was read and the first faults, on stderr."""
    first, *faults = reading_told(report)
    click.echo(first, err=True)
    for fault in faults:
        click.echo(f"  {fault}", err=True)


def reading_told(report: ReadReport, place: Callable[[str], str] = str) -> tuple[str, ...]:
    """Return what was read in one line, then the first faults and what was decided; `place` says how the place of a fault may be called."""
    names = ", ".join(sorted(set(report.formats.values()))) or "no format"
    more = report.skipped + report.repaired - len(report.examples)
    return (
        f"read {report.read:,} records ({names}), skipped {report.skipped:,}, repaired {report.repaired:,}",
        *(f"{place(fault.where)}: {fault.reason}" for fault in report.examples),
        *((f"… and {more:,} more",) if more > 0 else ()),
        *(f"{place(note.where)}: {'; '.join(filter(None, (note.reason, note.remedy)))}" for note in report.notes),
    )


def unread_told(options: Mapping[str, Any], report: ReadReport) -> tuple[str, ...]:
    """Return for a page what was skipped, repaired or left unread, in the words of the terminal; nothing where nothing was."""
    from threelines.platforms.read import shown_place

    if not report.examples and not any(note.remedy for note in report.notes):
        return ()
    secret = None if options["reveal"] else _key(options["key"], options["key_file"])
    return reading_told(report, lambda where: shown_place(where, report, key=secret))


def counted(records: Iterator[Record], doing: str) -> Iterator[Record]:
    """Pass records on with a counter on stderr, shown on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield from records
        return
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f} records"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(doing, total=None)
        for number, record in enumerate(records, start=1):
            if number % 1000 == 0:
                progress.update(task, completed=number)
            yield record
