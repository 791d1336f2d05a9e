"""`threelines vocabulary`: check the words, list what is missing, show one indicator, try a change on past data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from threelines.cli._inputs import input_options, open_records

if TYPE_CHECKING:
    from threelines.records import Assessment
    from threelines.vocabulary.terms import Indicator, Vocabulary

_FOLDERS = click.option(
    "--vocabulary", "folders", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of your own indicators/*.toml and languages/*.toml; may be repeated.",
)  # fmt: skip
_PACKS = click.option("--pack", "packs", multiple=True, help="A pack that is off by default, such as sexual_adverts.")


@click.group(short_help="Check, show and try the words and signs.")
def command() -> None:
    """Work with the vocabulary: indicators, languages, sources. All of it is data in TOML files.

    \b
    Examples:
      threelines vocabulary show REC-06
      threelines vocabulary gaps --language km
      threelines vocabulary check --vocabulary our-words/
      threelines vocabulary backtest our-words/ last-month.jsonl
    """


@command.command("check")
@_FOLDERS
@_PACKS
def check(folders: tuple[Path, ...], packs: tuple[str, ...]) -> None:
    """Run every example both ways and look for loose ends. Exit status 1 when something fails.

    \b
    Example:
      threelines vocabulary check --vocabulary our-words/
    """
    from threelines.signals.examples import failures
    from threelines.vocabulary.terms import load

    vocabulary = load(*folders, packs=packs)
    found = list(failures(vocabulary))
    for failure in found:
        click.echo(f"{failure.where}: {failure.fault}", err=True)
    examples = sum(len(i.examples) for i in vocabulary.active) + sum(
        len(language.examples) for language in vocabulary.languages.values()
    )
    click.echo(
        f"{len(vocabulary.active)} indicators, {len(vocabulary.languages)} languages, {len(vocabulary.entries)} phrases, "
        f"{examples} examples: {f'{len(found)} failures' if found else 'all as they say'}. Version {vocabulary.version}."
    )
    if found:
        raise click.exceptions.Exit(1)


@command.command("gaps")
@_FOLDERS
@click.option("--language", "codes", multiple=True, help="Only these languages (BCP 47, as the files are named).")
@click.option("--csv", "as_csv", is_flag=True, help="Write indicator,language lines instead of a table.")
def gaps(folders: tuple[Path, ...], codes: tuple[str, ...], as_csv: bool) -> None:
    """Print which indicators have no sourced words in which languages.

    Missing words are a visible list. They are filled from sources, never by machine translation.

    \b
    Example:
      threelines vocabulary gaps --language km
    """
    from threelines.vocabulary.terms import load

    vocabulary = load(*folders)
    wanted = codes or tuple(sorted(vocabulary.languages))
    for code in wanted:
        if code not in vocabulary.languages:
            raise click.BadParameter(f"{code!r} is no language file; known: {', '.join(sorted(vocabulary.languages))}")
    empty = [(indicator, code) for indicator, code in vocabulary.gaps() if code in wanted]
    if as_csv:
        click.echo("indicator,language")
        for indicator, code in empty:
            click.echo(f"{indicator},{code}")
        return
    _table(vocabulary, wanted, set(empty))


def _table(vocabulary: Vocabulary, wanted: tuple[str, ...], empty: set[tuple[str, str]]) -> None:
    written = sorted({entry.indicator.id for entry in vocabulary.entries})
    click.echo("Words by indicator and language (x: sourced words, .: none found in a source):\n")
    click.echo(f"{'':<8} " + " ".join(f"{code:<7}" for code in wanted))
    for indicator in written:
        cells = " ".join(f"{'.' if (indicator, code) in empty else 'x':<7}" for code in wanted)
        click.echo(f"{indicator:<8} {cells}")
    click.echo(f"\n{len(vocabulary.active) - len(written)} further indicators have no words in any language.")
    click.echo(f"\n{'language':<26} {'indicators with words':>22} {'phrases':>8} {'empty cells':>12}")
    for code in wanted:
        filled = len(vocabulary.active) - sum(1 for _, language in empty if language == code)
        phrases = sum(1 for entry in vocabulary.entries if entry.language == code)
        name = f"{code} {vocabulary.languages[code].english_name}"
        click.echo(f"{name:<26} {filled:>22} {phrases:>8} {len(vocabulary.active) - filled:>12}")


@command.command("show")
@click.argument("indicator_id", metavar="ID")
@_FOLDERS
def show(indicator_id: str, folders: tuple[Path, ...]) -> None:
    """Print everything that is known about one indicator: sources, look-alikes, words per language.

    \b
    Example:
      threelines vocabulary show REC-06
    """
    from threelines.vocabulary.terms import load

    vocabulary = load(*folders)
    indicator = vocabulary.indicators.get(indicator_id.upper()) or vocabulary.indicators.get(indicator_id)
    if indicator is None:
        head = indicator_id.upper().split("-")[0]
        near = ", ".join(sorted(name for name in vocabulary.indicators if name.startswith(head))) or "see gaps --csv"
        raise click.BadParameter(f"no indicator {indicator_id!r}; near it: {near}", param_hint="ID")
    for label, value in _facts(indicator):
        if value:
            click.echo(f"{label + ':':<17} {value}")
    for source in indicator.sources:
        click.echo(
            f"{'source:':<17} {source.organisation}. {source.title} ({source.year or 'undated'}). {source.address}"
        )
    _words(indicator, vocabulary)


def _facts(indicator: Indicator) -> tuple[tuple[str, str], ...]:
    joins = "; ".join(
        f"{join.strength} with {', '.join(join.together_with)} ({join.basis})" for join in indicator.joins
    )
    return (
        ("id", indicator.id), ("name", indicator.name), ("description", indicator.description),
        ("category", indicator.category), ("elements", ", ".join(indicator.elements)),
        ("dimension", indicator.dimension), ("strength", f"{indicator.strength} [{indicator.strength_basis}]"),
        ("weighs more", joins), ("counts", "yes" if indicator.counts else "no: shown, never counted"),
        ("evidence", indicator.evidence), ("innocent", indicator.look_alikes), ("next step", indicator.next_step),
        ("capability", indicator.capability), ("speaks of", "AI use only" if indicator.ai_use else ""),
        ("pack", indicator.pack), ("on trial", "shadow: counted, never raised" if indicator.shadow else ""),
        ("survivor review", indicator.survivor_review),
    )  # fmt: skip


def _words(indicator: Indicator, vocabulary: Vocabulary) -> None:
    if indicator.seed:
        for text in indicator.seed.phrases:
            click.echo(f"{'words ' + indicator.seed.language + ':':<17} {text}")
    for code in sorted(vocabulary.languages):
        language = vocabulary.languages[code]
        for phrase in language.phrases:
            if phrase.indicator == indicator.id:
                source = language.sources[phrase.source]
                click.echo(f"{'words ' + code + ':':<17} {phrase.text}  [{source.organisation}, {source.year}]")
    for example in indicator.examples:
        click.echo(f"{'shows:' if example.shows else 'does not show:':<17} {example.text}")


@command.command("backtest")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@input_options
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many threads to list by name."
)
def backtest(folder: Path, limit: int, **options: Any) -> None:
    """Say what the words in DIR would have changed on past data: INPUT is judged without and with them.

    Nothing is raised and nothing is written: try new indicators here first, then with
    `shadow = true` on live data, then for real.

    \b
    Example:
      threelines vocabulary backtest our-words/ last-month.jsonl
    """
    from threelines.vocabulary.terms import load

    before, after = _judged(load(), options), _judged(load(folder), options)
    raised = [key for key in after if after[key].tier != "none" and before[key].tier == "none"]
    dropped = [key for key in after if after[key].tier == "none" and before[key].tier != "none"]
    moved = [k for k in after if after[k].tier != before[k].tier and k not in raised and k not in dropped]
    shadow = [key for key in after if any(signal.shadow for signal in after[key].signals)]
    click.echo(f"{len(after)} threads; raised {_count(before)} before, {_count(after)} with {folder}.")
    for label, keys in (
        ("newly raised", raised), ("no longer raised", dropped), ("other tier", moved), ("counted in shadow", shadow),
    ):  # fmt: skip
        click.echo(f"{label}: {len(keys)}")
        for key in keys[:limit]:
            why = ", ".join(sorted({signal.indicator for signal in after[key].signals}))
            click.echo(f"  {key[0]} {key[1]}: {before[key].tier} -> {after[key].tier} ({why or 'no sign'})")


def _count(judged: Mapping[tuple[str, str], Assessment]) -> int:
    return sum(1 for assessment in judged.values() if assessment.tier != "none")


def _judged(vocabulary: Vocabulary, options: dict[str, Any]) -> dict[tuple[str, str], Assessment]:
    from threelines.engine.local import scan

    found = scan(open_records(options), vocabulary, everything=True)
    return {(assessment.thread.kind, assessment.thread.id): assessment for assessment in found}
