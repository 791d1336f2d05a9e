"""`threelines bench`: recall and false positives on real labelled sets; speed beside the peers."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from threelines.cli._outputs import OutFile
from threelines.records import ThreelinesError


class BenchError(ThreelinesError):
    """A benchmark cannot run here."""


SPEED = ("speed", "whole", "scripts", "networks")
"""Benchmarks that `--speed` runs, some minutes together; `scale` takes twenty more and is asked for by name."""


@click.command(short_help="Measure recall, false positives and speed.")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of labelled sets (`*.jsonl.gz`, or a folder with `dev/`).",
)
@click.option("--only", default="", help="Only sets whose name contains this.")
@click.option(
    "--vocabulary",
    "folders",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own indicators.",
)
@click.option(
    "--speed",
    is_flag=True,
    help="Measure records per second, scripts and networks beside the peers that are installed (from a checkout).",
)
@click.option(
    "--run",
    "names",
    multiple=True,
    help="Run one of the checkout's benchmarks by name (bench/NAME.py); may be repeated.",
)
@click.option("--jobs", type=click.IntRange(1), default=None, help="Processes to use (default: one per core).")
@click.option("--write", type=OutFile(), help="Also write the tables to this Markdown file.")
def command(data: Path | None, only: str, folders: tuple[Path, ...], speed: bool, **options: Any) -> None:
    """Measure on real labelled sets, recall and false positives apart, per language, with Wilson intervals.

    No public set has labelled trafficking recruitment: every set is a proxy, and the table says of what.

    \b
    Examples:
      threelines bench --data ../shared/data
      threelines bench --speed
      threelines bench --run whole --run scale
    """
    names = (*options["names"], *(SPEED if speed else ()))
    if not data and not names:
        raise click.UsageError("nothing to measure: give --data DIR, --speed or --run NAME")
    parts = []
    if data:
        parts.append(_quality(data, only, folders, options["jobs"] or 0))
    for name in names:
        parts.append(_checkout(name, data))
    text = "\n\n".join(parts) + "\n"
    click.echo(text)
    if options["write"]:
        options["write"].write_text(_PREFACE + text, encoding="utf-8")


def _quality(data: Path, only: str, folders: tuple[Path, ...], jobs: int) -> str:
    from threelines.platforms.benchmark import Row, measure, table
    from threelines.vocabulary.terms import load

    vocabulary = load(*folders)
    rows: list[Row] = []
    for row in measure(data, vocabulary, jobs=jobs, only=only):
        if not rows or rows[-1].set != row.set:
            click.echo(f"… {row.set}", err=True)
        rows.append(row)
    return f"## Words: raised at one fixed threshold (vocabulary {vocabulary.version})\n\n{table(rows)}"


def _checkout(name: str, data: Path | None) -> str:
    """Run `bench/NAME.py` of the checkout: its `run` returns rows of one table or of several."""
    path = Path(__file__).parents[2] / "bench" / f"{name}.py"
    if not path.exists():
        known = (
            ", ".join(sorted(one.stem for one in path.parent.glob("[!_]*.py")))
            or "none; run it in a checkout of the repository"
        )
        raise BenchError(f"no benchmark {name!r}: give one of: {known}")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    run: Callable[..., Iterable[dict[str, Any]]] = module.run
    click.echo(f"… {name}", err=True)
    title = (module.__doc__ or name).strip().splitlines()[0]
    return f"## {title}\n\n{markdown(run(data) if data else run())}"


def markdown(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as Markdown tables: a new table wherever the columns change."""
    lines: list[str] = []
    columns: list[str] = []
    for row in rows:
        if list(row) != columns:
            columns = list(row)
            lines += ["", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines.append("| " + " | ".join(_cell(value) for value in row.values()) + " |")
    return "\n".join(lines).strip()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return (
            f"{value:,.0f}"
            if abs(value) >= 1000
            else f"{value:.3g}"
            if abs(value) < 0.001
            else f"{value:.3f}".rstrip("0").rstrip(".")
        )
    return f"{value:,}" if isinstance(value, int) else str(value)


_PREFACE = """# Benchmark

Made by `threelines bench`; do not edit. **No public set has labelled trafficking recruitment**
(Trafficking-10k, HTDN and IDTraffickers are access-controlled), so no figure here is an accuracy of
finding trafficking. Each set is a proxy: its line says how often texts of that set are raised (tier
other than `none`) at the one fixed threshold that ships. Recall and false positives come from
different sources and are reported apart. The pay factor, the joins of offer signs and several phrases were
chosen while looking at the developer halves of these sets, so expect a little less on texts nobody here has seen.

"""
