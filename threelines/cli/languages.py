"""`threelines languages`: what is covered in which language, and which language a text is in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from threelines.vocabulary.terms import Vocabulary

_MEASURED: dict[str, tuple[str, ...]] = {
    "ara": ("benign_short_texts", "aitext_glimpse"), "arb": ("benign_short_texts", "aitext_glimpse"),
    "amh": ("benign_short_texts",), "bul": ("aitext_glimpse",), "fra": ("benign_dialogues",), "hau": ("benign_short_texts",),
    "eng": ("benign_short_texts", "benign_dialogues", "jobads_benign_jobstreet", "extortion_en_ransomchats", "llm_misuse_prompts"),
    "ibo": ("benign_short_texts",), "ind": ("benign_short_texts", "sms_id", "attack_idms_train"), "ita": ("benign_dialogues",),
    "jav": ("benign_short_texts",), "jpn": ("benign_dialogues",), "kin": ("benign_short_texts",),
    "kor": ("coercion_ko_dktc", "benign_dialogues"), "orm": ("benign_short_texts",), "gaz": ("benign_short_texts",),
    "por": ("benign_short_texts",), "rus": ("aitext_glimpse",), "sun": ("benign_short_texts",), "swh": ("benign_short_texts", "sms_sw"),
    "tha": ("sms_th",), "tir": ("benign_short_texts",), "twi": ("benign_short_texts",), "urd": ("threat_ur", "aitext_glimpse"),
    "yor": ("benign_short_texts",), "zho": ("jobads_zh_orfd", "phonecalls_zh_teleantifraud_llm", "benign_short_texts"),
    "cmn": ("jobads_zh_orfd", "phonecalls_zh_teleantifraud_llm", "benign_short_texts"), "ace": ("benign_short_texts",),
    "ban": ("benign_short_texts",), "bjn": ("benign_short_texts",), "bug": ("benign_short_texts",), "mad": ("benign_short_texts",),
    "min": ("benign_short_texts",), "pcm": ("benign_short_texts",), "tso": ("benign_short_texts",),
}  # fmt: skip
"""ISO 639-3 → labelled sets that hold the language; their figures are in docs/benchmark.md."""

_SAME = {
    "ara": "arb",
    "zho": "cmn",
    "zsm": "zlm",
    "msa": "zlm",
    "orm": "gaz",
    "fas": "pes",
    "swa": "swh",
    "uzb": "uzn",
    "nep": "npi",
}
"""The vocabulary's code → the declaration's, for one language under two codes."""


@click.command(short_help="What is covered in which language; which language a text is in.")
@click.argument("texts", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table of coverage to this Markdown file.",
)
def command(texts: tuple[str, ...], write: Path | None) -> None:
    """Name the language of each TEXT; without one, show what is covered in which language.

    \b
    Examples:
      threelines languages "Hakuna matata, rafiki yangu"
      threelines languages | less
      threelines languages --write docs/languages.md
    """
    if texts:
        from threelines.text.language import identify_all

        for text, found in zip(texts, identify_all(texts), strict=True):
            more = " romanised" * found.romanised + (f" mixed: {', '.join(found.mixed)}" if found.mixed else "")
            click.echo(f"{found.code}\t{found.script or '-'}\t{found.confidence:.2f}{more}\t{text}")
        return
    from threelines.vocabulary.terms import load

    page = "\n".join(_page(load())) + "\n"
    if write:
        write.write_text(page, encoding="utf-8")
    else:
        click.echo(page, nl=False)


def _page(vocabulary: Vocabulary) -> Iterator[str]:
    from threelines.text.coverage import KNOWN, coverage
    from threelines.text.language import known_languages

    known, shares = known_languages(), coverage()
    yield "# Languages\n"
    yield "Made by `threelines languages --write docs/languages.md`; do not edit.\n"
    yield (
        f"- **Named**: {len(known)} languages are told apart in short texts (`threelines/text/language.py`); "
        "romanised Hindi or Urdu, Bengali and Arabic are named apart.\n"
        f"- **Words**: {sum(bool(language.phrases) for language in vocabulary.languages.values())} languages have phrases with a "
        f"source; `threelines vocabulary gaps` lists every empty cell.\n"
        f"- **Meaning** (`--semantic`): the encoder finds at least {KNOWN:.0%} of articles in "
        f"{sum(share >= KNOWN for share in shares.values())} of {len(shares)} languages and fewer than half in "
        f"{sum(share < 0.5 for share in shares.values())}.\n"
        "- **Behaviour** (tempo, reach, scripts, networks) needs no language and covers all.\n"
        "- **AI-written text** is judged in no language: see `docs/models/ai-text.md`.\n"
        "\nNo set of labelled trafficking recruitment is public in any language. `measured on` names proxies.\n"
    )
    yield from _worded(vocabulary, shares, known)
    yield from _others(known, shares, vocabulary)


def _worded(vocabulary: Vocabulary, shares: Mapping[str, float], known: Mapping[str, str]) -> Iterator[str]:
    yield "## Languages with words in the vocabulary\n"
    yield "| language | code | named in short texts | phrases | meaning | measured on |"
    yield "|---|---|---|---|---|---|"
    seeds: dict[str, int] = {}
    for entry in vocabulary.entries:
        seeds[entry.language] = seeds.get(entry.language, 0) + 1
    for code, language in sorted(vocabulary.languages.items()):
        iso = _SAME.get(language.iso639_3, language.iso639_3)
        meaning = f"{shares[iso]:.0%}" if iso in shares else "not measured"
        measured = ", ".join(_MEASURED.get(iso, ())) or "nothing"
        named = "yes" if iso in known else "no"
        yield f"| {language.english_name} | {code} | {named} | {seeds.get(code, 0)} | {meaning} | {measured} |"


def _others(known: Mapping[str, str], shares: Mapping[str, float], vocabulary: Vocabulary) -> Iterator[str]:
    worded = {_SAME.get(language.iso639_3, language.iso639_3) for language in vocabulary.languages.values()}
    rest = sorted(set(known) - worded)
    yield "\n## Named, without words of their own\n"
    yield "Codes are ISO 639-3. What finds a sign there is behaviour, and meaning where the encoder knows the language.\n"
    for title, low, high in (("80% or more", 0.8, 2.0), ("50 to 80%", 0.5, 0.8), ("under 50%", 0.0, 0.5)):
        codes = [code for code in rest if low <= shares.get(code, -1.0) < high]
        yield f"- Meaning {title} ({len(codes)}): {' '.join(codes)}"
    unmeasured = [code for code in rest if code not in shares]
    if unmeasured:
        yield f"- Meaning not measured ({len(unmeasured)}): {' '.join(unmeasured)}"
    yield f"- With everyday texts to measure on: {' '.join(sorted(code for code in rest if code in _MEASURED))}"
