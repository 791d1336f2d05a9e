"""Languages: identification of everyday texts that are no declaration of human rights, and the speed

What is lost when only English was labelled, and retrieval across languages: `bench/crosslingual.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _sets import rows, words

_NAMES = {
    "en": "eng", "english": "eng", "zh": "cmn", "por": "por", "swa": "swh", "hau": "hau", "amh": "amh", "kin": "kin",
    "ibo": "ibo", "tir": "tir", "orm": "gaz", "tso": "tso", "yor": "yor", "twi": "twi", "pcm": "pcm", "arq": "arb",
    "ary": "arb", "javanese": "jav", "indonesian": "ind", "sundanese": "sun", "minangkabau": "min", "banjarese": "bjn",
    "balinese": "ban", "acehnese": "ace", "madurese": "mad", "buginese": "bug", "ko": "kor", "ja": "jpn", "fr": "fra",
    "it": "ita", "id": "ind", "th": "tha", "ur": "urd", "sw": "swh",
}  # fmt: skip


def run(data: Path) -> list[dict[str, Any]]:
    """Return the rows of the table."""
    return list(identification(data))


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


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
