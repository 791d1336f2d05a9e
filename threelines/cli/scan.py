"""`threelines scan`: from a raw export to explained findings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from threelines.cli._inputs import input_options, only_one, open_records
from threelines.cli._outputs import OutFile, keep_apart, written
from threelines.cli._progress import Stages


def _country(_context: click.Context, _option: click.Parameter, region: str) -> str:
    import phonenumbers

    if region and region.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise click.BadParameter(f"{region!r} is no country; give two letters, such as TH")
    return region.upper()


@click.command(short_help="Scan exports and explain what is worth reading.")
@input_options
@click.option(
    "--out",
    type=OutFile(),
    help="Write findings here, one JSON line per thread (default: standard output).",
)
@click.option("--report", type=OutFile(), help="Write a self-contained HTML report here.")
@click.option("--all", "everything", is_flag=True, help="Write every thread, raised or not.")
@click.option(
    "--engine",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="Where the plan runs; spark needs the extra `spark` and Java.",
)
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes to use (default: one per core).")
@click.option(
    "--vocabulary",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own indicators and phrases; may be repeated.",
)
@click.option(
    "--region", metavar="CC", default="", callback=_country,
    help="Country of numbers without a country code, two letters: so that 081… and +66 81… tie accounts as one number.",
)  # fmt: skip
@click.option("--pack", "packs", multiple=True, help="Turn on a named pack of indicators, such as sexual_adverts.")
@click.option(
    "--adapter",
    multiple=True,
    callback=only_one,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An adapter made by `threelines fit`: adds your own labels to each thread; none ({}) where it can read no word.",
)
@click.option(
    "--budget",
    metavar="N/day",
    help="Raise at most this many threads a day, those of most concern; never what is below the usual level.",
)
@click.option("--rate", metavar="P%", help="Raise at most this share of threads; never what is below the usual level.")
@click.option(
    "--media",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with the export's images: perceptual hash, Content Credentials, words inside (extra `media`).",
)
@click.option(
    "--ocr-languages",
    metavar="CODES",
    default="",
    help="Languages of the words inside pictures, as Tesseract calls them: eng+rus+chi_sim (default: every pack that is installed).",
)
@click.option(
    "--semantic",
    is_flag=True,
    help="Also look in conversations for sentences close in meaning to a published sign, in any language: weak signs, which raise "
    "nothing by themselves; and for one script posted in several languages (extra `semantic`; slower).",
)
@click.option(
    "--analyst",
    metavar="ADDRESS",
    help="Let a language model behind an OpenAI-compatible address (…/v1) read raised threads; a claim counts only if its quote stands in the text.",
)
@click.option("--analyst-model", default="default", show_default=True, help="Name of the model there.")
@click.option(
    "--analyst-key", envvar="THREELINES_ANALYST_KEY", default="", help="Key; better given by the environment."
)
@click.option(
    "--analyst-log",
    type=OutFile(),
    default="analyst.jsonl",
    show_default=True,
    help="Everything that was sent and answered.",
)
@click.option(
    "--analyst-tokens",
    type=click.IntRange(1),
    default=200_000,
    show_default=True,
    help="Stop asking when about so many are spent; the instructions are counted with each thread.",
)
@click.option(
    "--analyst-seconds", type=click.FloatRange(0, min_open=True), default=600.0, show_default=True,
    help="Stop asking when its answers took so long together.",
)  # fmt: skip
@click.option(
    "--top", type=click.IntRange(0), default=5, show_default=True, help="How many findings to print at the end."
)
def command(out: Path | None, report: Path | None, engine: str, **options: Any) -> None:
    """Scan INPUT and explain what is worth a person's time.

    INPUT is a file or folder: JSONL, CSV or Parquet with a text in one or several columns, or an export of Telegram,
    WhatsApp, Facebook, Instagram, Discord, Reddit, Mastodon, a mailbox or a phone's text messages. The format is found by itself.

    Findings are reasons to look, each with the words that were seen, the published sign and its
    source, and an innocent explanation. Nothing here acts on anybody.

    \b
    Examples:
      threelines scan result.json --report report.html
      threelines scan adverts.csv --map text=description --map author=company --out findings.jsonl
      threelines scan stream.jsonl --budget 50/day --all | jq .tier
    """
    from threelines.cli._scan import Run

    log = options["analyst_log"] if options["analyst"] else None
    keep_apart([("--out", out), ("--report", report), ("--analyst-log", log)], _read_from(options))
    _refuse_mixture(engine, options)
    run = Run(options, report=report, engine=engine)
    with written(out) if out else nullcontext(sys.stdout.buffer) as sink, Stages() as stages:
        run.write(open_records(options, run.reading), sink, stages)
    run.finish(options["top"], sys.stderr)


def _read_from(options: Mapping[str, Any]) -> list[Path]:
    """Return every file and folder that the scan reads."""
    given = (options["adapter"], options["media"], options["key_file"].expanduser())
    return [*options["inputs"], *options["folders"], *(path for path in given if path)]


def _refuse_mixture(engine: str, options: Mapping[str, Any]) -> None:
    """Refuse what would be left out in silence, before anything is read."""
    if options["ocr_languages"] and not options["media"]:
        raise click.UsageError("--ocr-languages is for pictures; give their folder with --media")
    if options["rate"] and options["budget"]:
        raise click.UsageError("--rate and --budget both set the level; give one of them")
    ignored = [name for name in ("adapter", "semantic", "analyst", "jobs") if options[name]]
    if engine == "spark" and ignored:
        named = ", ".join(f"--{name}" for name in ignored)
        raise click.UsageError(f"--engine spark does not do {named}; leave it out, or use --engine local")
