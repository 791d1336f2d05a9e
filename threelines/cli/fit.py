"""`threelines fit`: from a platform's own labels to an adapter for `threelines scan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from threelines.cli._inputs import input_options, only_one, open_records, shown_names
from threelines.cli._outputs import OutFile, beside, keep_apart, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from threelines.platforms.adapter import Adapter
    from threelines.platforms.fit import Fitted
    from threelines.platforms.labelled import Labelled

_MOST_INPUTS = 100
"""Names of inputs that an adapter keeps."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Learn your own labels: makes an adapter for scan.")
@input_options
@click.option("--out", type=OutFile(), help="Write the adapter here.")
@click.option(
    "--adapter",
    "made",
    multiple=True,
    callback=only_one,
    type=_FILE,
    help="Use this adapter instead of fitting one (with --suggest: INPUT is unlabelled).",
)
@click.option(
    "--decisions",
    type=_FILE,
    help='Labels decided in review, JSONL: {"thread": ID, "label": CLASS}, as --suggest prints them. They win. The export that '
    "they were made on must be among INPUT.",
)
@click.option(
    "--suggest", type=click.IntRange(1), metavar="N",
    help="Print the N threads to label next, as JSONL: of the last INPUT, which needs no labels.",
)  # fmt: skip
@click.option("--figures", type=OutFile(), help="Also write the figures here, as JSON.")
@click.option(
    "--encoder",
    type=click.Choice(["none", "frozen", "tuned"]),
    default="none",
    show_default=True,
    help="Also learn from meaning (extra `semantic`). frozen: the encoder's vector, a minute more. tuned: also train its top "
    "layers, minutes for a thousand threads; best on short texts, slow to scan.",
)
@click.option("--semantic", "encoder", flag_value="frozen", help="The same as --encoder frozen.")
def command(out: Path | None, made: Path | None, **options: Any) -> None:
    """Learn the labels of INPUT and write an adapter: a file that adds your classes to every thread of a scan.

    INPUT holds records with a column `label` (any classes, two or more, 20 threads each at least).
    Records that share a `conversation` are one thread with one label. The figures printed come from
    threads the models did not see, with threads of one account and near-copies kept together.

    \b
    Examples:
      threelines fit labelled.jsonl --out ours.adapter
      threelines scan export.json --adapter ours.adapter --all
      threelines fit labelled.jsonl export.jsonl --out ours.adapter --suggest 50 > label-next.jsonl
      threelines fit labelled.jsonl export.jsonl --decisions decided.jsonl --out ours.adapter
      threelines fit labelled.jsonl --encoder tuned --out ours.adapter
      threelines fit export.jsonl --adapter ours.adapter --suggest 50

    An adapter holds hashes and weights, no words and no accounts. It knows your platform, not the
    world: fit again when the platform changes.
    """
    inputs: tuple[Path, ...] = options["inputs"]
    read = [path for path in (*inputs, options["decisions"], made) if path]
    keep_apart([("--out", out), ("--figures", options["figures"])], read)
    if made:
        _refuse_mixture({**options, "out": out})
        _suggest(_loaded(made), options, inputs)
        return
    # decisions may be about threads of the last INPUT, which is without labels otherwise
    apart = options["suggest"] and len(inputs) > 1 and not options["decisions"]
    labelled = inputs[:-1] if apart else inputs
    if not out and not options["suggest"]:
        raise click.UsageError("nothing to do: give --out ADAPTER, or --suggest N")
    data = _gathered(options, labelled)
    fitted = _fitted(data, options, labelled)
    _show(fitted.adapter)
    if options["figures"]:
        _write_figures(fitted, options["figures"])
    if out:
        with beside(out) as part:
            fitted.adapter.save(part)
        click.echo(
            f"Written: {out} ({out.stat().st_size / 1e6:.1f} MB). Use: threelines scan … --adapter {out}", err=True
        )
    if options["suggest"]:
        _suggest(fitted.adapter, options, inputs[-1:], skip=data)


def _refuse_mixture(options: Mapping[str, Any]) -> None:
    if not options["suggest"]:
        raise click.UsageError("--adapter goes with --suggest N; to use an adapter, run threelines scan --adapter")
    idle = [f"--{name}" for name in ("out", "figures", "decisions") if options[name]]
    idle += ["--encoder"] if options["encoder"] != "none" else []
    if idle:
        raise click.UsageError(f"--adapter fits nothing, so {', '.join(idle)} would have no effect: leave one out")


def _loaded(path: Path) -> Adapter:
    from threelines.platforms.adapter import Adapter

    return Adapter.load(path)


def _gathered(options: Mapping[str, Any], inputs: tuple[Path, ...]) -> Labelled:
    from threelines.platforms.decisions import read_decisions
    from threelines.platforms.labelled import gather

    decisions = read_decisions(options["decisions"]) if options["decisions"] else ()
    data = gather(open_records({**options, "inputs": inputs}), decisions)
    for note in data.notes:
        click.echo(note, err=True)
    return data


def _fitted(data: Labelled, options: Mapping[str, Any], inputs: tuple[Path, ...]) -> Fitted:
    from threelines.platforms.fit import fit

    card = {
        "fitted_on": _first(shown_names({**options, "inputs": inputs})),
        "use": "sort what a person reads next; never act on a person by it",
        "limits": "knows the platform, the languages and the time it was fitted on",
    }
    return fit(
        data,
        card=card,
        semantic=options["encoder"] == "frozen",
        tuned=options["encoder"] == "tuned",
        say=lambda line: click.echo(f"… {line}", err=True),
    )


def _first(names: tuple[str, ...]) -> list[str]:
    """Return the names an adapter's header has room for."""
    more = len(names) - _MOST_INPUTS
    return [*names[:_MOST_INPUTS], *([f"and {more:,} more"] if more > 0 else [])]


def _show(adapter: Adapter) -> None:
    from threelines.platforms.figures import table

    click.echo(table(adapter.header.recipe, adapter.header.figures), err=True)


def _write_figures(fitted: Fitted, path: Path) -> None:
    import msgspec

    raw = msgspec.json.format(msgspec.json.encode(fitted.adapter.header.figures), indent=2)
    with written(path) as file:
        file.write(raw + b"\n")


def _suggest(
    adapter: Adapter, options: Mapping[str, Any], inputs: tuple[Path, ...], skip: Labelled | None = None
) -> None:
    import msgspec

    from threelines.platforms.labelled import threads_of
    from threelines.platforms.suggest import suggest
    from threelines.platforms.views import words_of

    known = skip.known if skip else frozenset()
    threads = threads_of(open_records({**options, "inputs": inputs}))
    fresh = [thread for thread in threads if (thread.id, words_of(thread)) not in known]
    found = suggest(adapter, fresh, options["suggest"], skip.texts if skip else ())
    for line in found:
        click.echo(msgspec.json.encode(line))
    if len(found) < options["suggest"]:
        _tell_fewer(adapter, len(threads), [words_of(thread) for thread in fresh], len(found))


def _tell_fewer(adapter: Adapter, threads: int, fresh: list[str], found: int) -> None:
    """Say why fewer threads than asked for were suggested; `fresh` has the words of those without a label."""
    from threelines.platforms.suggest import worth_a_label

    read = int(worth_a_label(adapter, fresh).sum())
    told = (
        (threads - len(fresh), "labelled already"), (len(fresh) - read, "without enough words that the adapter can read"),
        (read - found, "near-copies of one that is suggested"),
    )  # fmt: skip
    left_out = ", ".join(f"{number:,} {why}" for number, why in told if number)
    click.echo(
        f"{found} suggested of {threads:,} threads" + (f": {left_out}." if left_out else ", all there are."), err=True
    )
