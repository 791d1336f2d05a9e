"""`threelines languages`: what is covered in which language, and which language a text is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from threelines.cli._inputs import form_options
from threelines.cli._outputs import OutFile, keep_apart, visible, written

if TYPE_CHECKING:
    from threelines.vocabulary.terms import Vocabulary

_GROUPS = {
    "en": "eng", "english": "eng", "zh": "cmn", "fr": "fra", "it": "ita", "id": "ind", "indonesian": "ind", "ja": "jpn",
    "ko": "kor", "th": "tha", "sw": "swh", "swa": "swh", "ur": "urd", "por": "por", "amh": "amh", "arq": "arb", "ary": "arb",
    "hau": "hau", "ibo": "ibo", "kin": "kin", "orm": "gaz", "pcm": "pcm", "tir": "tir", "tso": "tso", "twi": "twi",
    "yor": "yor", "acehnese": "ace", "balinese": "ban", "banjarese": "bjn", "buginese": "bug", "javanese": "jav",
    "madurese": "mad", "minangkabau": "min", "sundanese": "sun",
}  # fmt: skip
"""A language as the labelled sets name it → the declaration's code. Ngaju and Toba Batak have no declaration."""
_NOT_IN_SETS = ("zh-Hant",)
"""Written languages whose code a set's name shares, and that hardly a text of the sets is written in."""
_BATCH = 1000


class Measured(NamedTuple):
    """What a benchmark says of one language."""

    sets: tuple[str, ...]
    """Labelled sets that hold it."""
    raised: int
    """Ordinary texts that were raised."""
    ordinary: int


@click.command(short_help="What is covered in which language; which language a text is in.")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--of",
    "source",
    type=click.Path(exists=True, path_type=Path, allow_dash=True),
    help="Name the language of each message of an export; - reads texts from standard input, one a line.",
)
@form_options
@click.option(
    "--benchmark",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tables of `threelines bench --write`: false positives and sets of each language are taken from there.",
)
@click.option(
    "--write",
    type=OutFile(),
    help="Write the table of coverage to this Markdown file.",
)
def command(
    texts: tuple[str, ...], source: Path | None, benchmark: Path | None, write: Path | None, **form: Any
) -> None:
    """Name the language of each TEXT; without one, show what is covered in which language.

    A line each: code, script, confidence, text (after the message's id and a tab with --of EXPORT).

    \b
    Examples:
      threelines languages "Hakuna matata, rafiki yangu"
      threelines languages --of export.jsonl
      threelines languages --of table.csv --map text=offer
      threelines languages --of - < texts.txt
      threelines languages | less
      threelines languages --benchmark docs/benchmark.md --write docs/languages.md
    """
    keep_apart([("--write", write)], [benchmark] if benchmark else [])
    if (texts or source) and (benchmark or write):
        raise click.UsageError(
            "TEXT and --of ask for languages, --benchmark and --write for the table; give one or the other"
        )
    if texts and source:
        raise click.UsageError("TEXT and --of both say what to read; give one of them")
    if any(form.values()) and (source is None or str(source) == "-"):
        raise click.UsageError("--format, --map, --encoding and --dates say how the file of --of is read; give one")
    if texts or source:
        _name(_messages(source, form) if source else [("", text) for text in texts])
        return
    from threelines.vocabulary.terms import load

    page = "\n".join(_page(load(), read_benchmark(benchmark) if benchmark else {})) + "\n"
    if write:
        with written(write) as file:
            file.write(page.encode())
    else:
        click.echo(page, nl=False)


def _messages(source: Path, form: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the id, followed by a tab, and the text of each message; lines of standard input have none."""
    if str(source) == "-":
        for line in click.open_file("-", encoding="utf-8", errors="replace"):
            yield "", line.rstrip("\r\n")
        return
    from threelines.cli._inputs import said_at_end
    from threelines.platforms.read import ReadReport, read

    report = ReadReport()  # ids of accounts are not printed, so no key is needed
    asked = {**form, "encoding": form["encoding"] or ""}
    for record in said_at_end(read([source], reveal=True, key=None, report=report, **asked), report):
        if record.text and record.kind != "system":
            yield f"{visible(record.id)}\t", record.text


def _name(messages: Iterable[tuple[str, str]]) -> None:
    """Print a line for each text, in which white space of any kind is a blank."""
    from threelines.text.language import identify_all

    waiting = iter(messages)
    while batch := list(islice(waiting, _BATCH)):
        for (name, text), found in zip(batch, identify_all([text for _, text in batch]), strict=True):
            more = " romanised" * found.romanised + (f" mixed: {', '.join(found.mixed)}" if found.mixed else "")
            shown = f"{found.code}\t{found.script or '-'}\t{found.confidence:.2f}{more}\t"
            click.echo(f"{name}{shown}{visible(' '.join(text.split()))}")


def read_benchmark(path: Path) -> dict[str, Measured]:
    """Return, for each language (ISO 639-3), what the tables of `threelines bench` say."""
    found: dict[str, Measured] = {}
    try:
        page = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise click.UsageError(f"{path}: not a text file; give what `threelines bench --write` wrote") from fault
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) < 6 or cells[3] not in ("recall", "false positives"):
            continue
        iso = _GROUPS.get(cells[2].split(" ")[0])
        if iso:
            before = found.get(iso, Measured((), 0, 0))
            harmless = cells[3] == "false positives"
            found[iso] = Measured(
                tuple(dict.fromkeys((*before.sets, cells[0]))),
                before.raised + harmless * int(cells[4].replace(",", "")),
                before.ordinary + harmless * int(cells[5].replace(",", "")),
            )
    if not found:
        raise click.UsageError(
            f"{path}: no table of recall and false positives in it; give what `threelines bench --write` wrote"
        )
    return found


def _page(vocabulary: Vocabulary, measured: Mapping[str, Measured]) -> Iterator[str]:
    from threelines.text.coverage import KNOWN, coverage
    from threelines.text.language import known_languages

    known, shares = known_languages(), coverage()
    yield "# Languages\n"
    yield "Made by `threelines languages --benchmark docs/benchmark.md --write docs/languages.md`; do not edit.\n"
    yield (
        f"- **Named**: {len(known)} languages are told apart in short texts (`threelines/text/language.py`); "
        "romanised Hindi or Urdu, Bengali and Arabic are named apart. A word or two is often `und`; of a text in two scripts "
        "both languages are named, of one script only where two longer parts follow each other.\n"
        f"- **Words**: {len({entry.language for entry in vocabulary.entries})} languages have phrases with a source; "
        "`threelines vocabulary gaps` lists every empty cell.\n"
        f"- **Meaning** (`--semantic`): the encoder finds at least {KNOWN:.0%} of articles in "
        f"{sum(share >= KNOWN for share in shares.values())} of {len(shares)} languages and fewer than half in "
        f"{sum(share < 0.5 for share in shares.values())}. It gives weak signs in conversations only, and raises nothing by itself.\n"
        "- **Behaviour** (tempo, reach, scripts, networks) needs no language and covers all.\n"
        "- **AI-written text** is judged in no language: see `docs/models/ai-text.md`.\n"
        "\nNo set of labelled trafficking recruitment is public in any language. `measured on` names proxies, whose recall "
        "stands in `docs/benchmark.md`; `ordinary texts raised` counts false positives of the words on them. What is lost "
        "across languages is measured by `bench/crosslingual.py`.\n"
    )
    yield from _worded(vocabulary, shares, known, measured)
    yield from _others(known, shares, vocabulary)
    yield from _without_words(measured, vocabulary)


def _worded(
    vocabulary: Vocabulary, shares: Mapping[str, float], known: Mapping[str, str], measured: Mapping[str, Measured]
) -> Iterator[str]:
    from threelines.text.coverage import declared

    yield "## Languages with words in the vocabulary\n"
    yield "| language | code | named in short texts | phrases | meaning | ordinary texts raised | measured on |"
    yield "|---|---|---|--:|--:|--:|---|"
    seeds: dict[str, int] = {}
    for entry in vocabulary.entries:
        seeds[entry.language] = seeds.get(entry.language, 0) + 1
    for code, language in sorted(vocabulary.languages.items()):
        iso = declared(language.iso639_3)
        meaning = f"{shares[iso]:.0%}" if iso in shares else "not measured"
        named = "yes" if iso in known else "no"
        row = f"| {language.english_name} | {code} | {named} | {seeds.get(code, 0)} | {meaning}"
        if measured:
            found = None if code in _NOT_IN_SETS else measured.get(iso)
            yield f"{row} | {_raised(found)} | {', '.join(found.sets) if found else 'nothing'} |"
        else:
            yield f"{row} | – | – |"


def _raised(found: Measured | None) -> str:
    return f"{found.raised} of {found.ordinary:,}" if found and found.ordinary else "not measured"


def _others(known: Mapping[str, str], shares: Mapping[str, float], vocabulary: Vocabulary) -> Iterator[str]:
    from threelines.text.coverage import declared

    worded = {declared(language.iso639_3) for language in vocabulary.languages.values()}
    rest = sorted(set(known) - worded)
    yield "\n## Named, without words of their own\n"
    yield (
        "Codes are ISO 639-3. What finds a sign there is behaviour. Where the encoder knows the language, "
        "`--semantic` adds weak signs in conversations, which raise nothing by themselves; of an advert nothing is read by meaning.\n"
    )
    for title, low, high in (("80% or more", 0.8, 2.0), ("50 to 80%", 0.5, 0.8), ("under 50%", 0.0, 0.5)):
        codes = [code for code in rest if low <= shares.get(code, -1.0) < high]
        yield f"- Meaning {title} ({len(codes)}): {' '.join(codes)}"
    unmeasured = [code for code in rest if code not in shares]
    if unmeasured:
        yield f"- Meaning not measured ({len(unmeasured)}): {' '.join(unmeasured)}"


def _without_words(measured: Mapping[str, Measured], vocabulary: Vocabulary) -> Iterator[str]:
    from threelines.text.coverage import declared

    worded = {declared(language.iso639_3) for language in vocabulary.languages.values()}
    rest = [f"{code} {_raised(found)}" for code, found in sorted(measured.items()) if code not in worded]
    if rest:
        yield f"- Ordinary texts raised by the words of other languages: {', '.join(rest)}"
