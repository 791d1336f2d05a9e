"""Which language a short message is written in, or an honest `und`.

Two readers are added up. A naive Bayes model over character n-grams knows the 440 languages of the
Universal Declaration of Human Rights (`train_language.py` rebuilds it, one command); CLD2 knows
about 80 languages from the web, where the declaration's formal style misleads. Romanised Hindi,
Urdu, Bengali and Arabic have no declaration: they are known by their most frequent words and by
letters written as digits, and are counted apart (`romanised`).

    >>> identify("Hakuna matata, rafiki yangu").code
    'sw'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from math import exp, log, log1p
from typing import Any, NamedTuple

import numpy as np
import pycld2
from numpy.typing import NDArray

from threelines.text import scripts
from threelines.text.grams import Letters, character_grams, letters
from threelines.text.romanised import romanised

ORDERS = (1, 2, 3, 4)
BITS = (16, 18, 20, 20)
UNKNOWN = "und"

_BATCH = 512
_LONGEST = 160
_REFEREE = (0.459, 2.817, 2.52, -0.216, -0.924, -32.5)
"""Who is believed where the readers differ, as weights of: how far CLD2's language lies below ours, in units of the
temperature; log of CLD2's own score; log of the length; log-odds that ours is right; our mean log-score an n-gram; 1.
A logistic regression, fitted on articles held out from the model (446 languages, two thirds of the weight) and on the
short messages, chats and articles of sms_th, sms_sw, benign_dialogues and aitext_glimpse (one third)."""
_SURE = 0.5
_LEAST_LETTERS = 2
_MIXED_SHARE = 0.2
_NOISE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\S+@\S+|[\d_]+")

Scores = NDArray[np.float64]


class Language(NamedTuple):
    """What a text is written in."""

    code: str
    """BCP 47, the short code where there is one (`sw`, `zh`); `und` where nothing can be said."""
    iso639_3: str
    """Three letters, as in the declaration (`swh`, `cmn`)."""
    script: str
    """ISO 15924 of most letters; empty without letters."""
    confidence: float
    """0 to 1, calibrated on articles the model had not seen."""
    romanised: bool = False
    """A language written in Latin letters that has another script of its own."""
    mixed: tuple[str, ...] = ()
    """Codes of the languages of a text that mixes two or more."""


class Model(NamedTuple):
    """The counts of `languages.npz`, with tables for look-up."""

    labels: tuple[str, ...]
    codes: tuple[str, ...]
    tables: tuple[NDArray[np.int32], ...]
    """For each order: hash → row, or -1."""
    starts: tuple[NDArray[np.int64], ...]
    """For each order: where a row begins in `language` and `value`."""
    language: tuple[NDArray[np.int64], ...]
    value: tuple[NDArray[np.float64], ...]
    base: Scores
    """Log-probability of an n-gram the language was not seen with, shape (orders, languages)."""
    groups: Scores
    """Which languages are written alike, shape (languages, groups)."""
    group_of: NDArray[np.int64]
    web: dict[str, int]
    """CLD2's code → place of the language."""
    temperature: float
    floor: float
    """Mean log-score an n-gram below which a text resembles none of the languages."""


ALIKE: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "cmn cjy hsn gan hak nan wuu yue", "ind zlm min bjn abs pmy", "hrv bos srp cnr", "pes prs", "kin run", "eng sco pcm",
        "zul xho ssw nbl", "nob nno dan", "twi fat", "nso sot tsn", "kng ktu", "swh swb", "spa glg", "kmr ckb",
        "gaz gax hae", "quh qul quz qxu qvc qvn qva qvh qxn", "hin urd mag bho mai", "tdt tet",
    )
)  # fmt: skip
"""Languages whose short texts often cannot be told apart: a doubt between them is no reason to say `und`."""

_CLD_NAMES = {
    "zh": "cmn", "zh-Hant": "cmn", "iw": "heb", "in": "ind", "ms": "zlm", "no": "nob", "jw": "jav", "ar": "arb", "fa": "pes",
    "et": "ekk", "lv": "lvs", "sw": "swh", "uz": "uzn", "az": "azj", "ne": "npi", "sq": "als", "mg": "plt", "tl": "tgl",
    "or": "ory", "om": "gax", "ku": "kmr", "ps": "pbu", "mn": "khk", "yi": "ydd", "gn": "gug", "qu": "quz", "ay": "ayr",
    "ak": "twi", "tw": "twi", "ca": "cat", "ha": "hau", "sr-ME": "cnr", "crs": "crs", "kr": "knc", "hmn": "hnj", "za": "zyb", "blu": "hnj", "bh": "bho",
}  # fmt: skip


def identify(text: str) -> Language:
    """Identify one text; `identify_all` is much faster for many."""
    return identify_all((text,))[0]


def identify_all(texts: Sequence[str]) -> list[Language]:
    """Identify many texts; only the first 160 characters of each are read."""
    found: list[Language] = []
    for start in range(0, len(texts), _BATCH):
        found.extend(_identify(texts[start : start + _BATCH]))
    return found


def known_languages() -> dict[str, str]:
    """Return ISO 639-3 → BCP 47 of every language the model can name."""
    return dict(zip(model().labels, model().codes, strict=True))


def prepared(text: str, *, longest: int = _LONGEST) -> str:
    """Return what the model reads: composed, lower case, no addresses, handles or digits."""
    # the declaration in Amharic parts words by U+1361, messages by spaces
    composed = unicodedata.normalize("NFC", text[:longest]).lower().replace("\u1361", " ")
    return " ".join(_NOISE.sub(" ", composed).split())


def _identify(raw: Sequence[str]) -> Iterator[Language]:
    texts = [prepared(text) for text in raw]
    batch = letters(texts)
    written = scripts.counts(batch.codes, batch.owner, len(texts))
    written[:, 0] = 0
    total, grams = scores(batch)
    mean = total.max(axis=1) / np.maximum(grams, 1)
    fits = mean >= model().floor
    total /= model().temperature
    best = total.argmax(axis=1)
    shares = np.exp(total - total.max(axis=1, keepdims=True))
    sure = (shares @ model().groups)[np.arange(len(texts)), model().group_of[best]] / shares.sum(axis=1)
    for index, text in enumerate(texts):
        judged = _web(text, total[index], int(best[index]), (float(sure[index]), float(mean[index])))
        if judged:
            best[index], sure[index] = judged[0], max(judged[1], sure[index] * (judged[0] == best[index]))
            fits[index] = True
    mixed = _mixed_scripts(written)
    most, seen = written.argmax(axis=1), written.sum(axis=1)
    for index, text in enumerate(raw):
        found = _Seen(
            int(best[index]) if fits[index] else -1, float(sure[index]),
            scripts.CODES[most[index]], int(seen[index]), mixed.get(index, ()),
        )  # fmt: skip
        yield _language(text[:_LONGEST], found)


class _Seen(NamedTuple):
    best: int
    confidence: float
    script: str
    letters: int
    mixed: tuple[str, ...]


def _language(text: str, seen: _Seen) -> Language:
    by_words = romanised(text) if seen.script == "Latn" else None
    if by_words:
        mixed = (by_words[0], *seen.mixed[1:]) if seen.mixed else ()
        return Language(by_words[0], by_words[1], "Latn", round(by_words[2], 3), True, mixed)
    if seen.letters < _LEAST_LETTERS or seen.best < 0 or seen.confidence < _SURE:
        return Language(
            UNKNOWN, UNKNOWN, seen.script, round(seen.confidence if seen.letters else 0.0, 3), False, seen.mixed
        )
    code = model().codes[seen.best]
    mixed = (code, *seen.mixed[1:]) if seen.mixed else ()
    return Language(code, model().labels[seen.best], seen.script, round(seen.confidence, 3), False, mixed)


def _mixed_scripts(written: NDArray[np.int64]) -> dict[int, tuple[str, ...]]:
    """Name, for texts that use two scripts or more for real, the scripts, most used first, as `und-Latn`."""
    strong = written >= np.maximum(_MIXED_SHARE * written.sum(axis=1, keepdims=True), 1)
    found = {}
    for index in np.flatnonzero(strong.sum(axis=1) > 1):
        names = [scripts.CODES[place] for place in np.argsort(-written[index], kind="stable") if strong[index, place]]
        if not set(names) <= {"Hani", "Jpan"}:
            found[int(index)] = tuple(f"{UNKNOWN}-{name}" for name in names)
    return found


def scores(batch: Letters, known: Model | None = None) -> tuple[Scores, NDArray[np.int64]]:
    """Return (log-score of each language, shape (texts, languages); how many n-grams were judged)."""
    known = known or model()
    languages = len(known.labels)
    total = np.zeros((batch.texts, languages))
    judged = np.zeros(batch.texts, dtype=np.int64)
    for order, grams in enumerate(character_grams(batch, ORDERS)):
        row = known.tables[order][(grams.hashes >> np.uint64(64 - BITS[order])).astype(np.int64)]
        seen = row >= 0
        row, owner = row[seen], grams.owner[seen]
        start = known.starts[order][row]
        length = known.starts[order][row + 1] - start
        ends = np.cumsum(length)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(start - (ends - length), length)
        place = np.repeat(owner * languages, length) + known.language[order][at]
        total += np.bincount(place, known.value[order][at], minlength=total.size).reshape(total.shape)
        held = np.bincount(owner, minlength=batch.texts)
        total += held[:, None] * known.base[order]
        judged += held
    return total, judged


def _web(text: str, ours: Scores, best: int, trust: tuple[float, float]) -> tuple[int, float] | None:
    """Return (language CLD2 names, confidence) where it is ours too or is believed instead."""
    try:
        _, _, named = pycld2.detect(
            text if text.isprintable() else "".join(filter(str.isprintable, text)), bestEffort=True
        )
    except pycld2.error:
        return None
    _, name, _, score = named[0]
    place = model().web.get(name, -1)
    if place < 0 or place == best:
        return (best, 0.0) if place == best else None
    odds = log(max(trust[0], 1e-4) / max(1 - trust[0], 1e-4))
    seen = (ours[place] - ours[best], log1p(score), log1p(len(text)), odds, trust[1], 1)
    doubt = sum(weight * value for weight, value in zip(_REFEREE, seen, strict=True))
    return (place, 1 / (1 + exp(-min(doubt, 30)))) if doubt > 0 else None


@lru_cache(maxsize=1)
def model() -> Model:
    """Read the packaged model, once."""
    with np.load(str(files("threelines") / "text" / "languages.npz"), allow_pickle=False) as stored:
        return unpacked({name: stored[name] for name in stored.files})


def unpacked(stored: dict[str, NDArray[Any]]) -> Model:
    """Make tables of a model's arrays."""
    labels = tuple(map(str, stored["labels"]))
    codes = tuple(map(str, stored["codes"]))
    tables, starts, language, value = [], [], [], []
    for order, bits in enumerate(BITS):
        table = np.full(1 << bits, -1, dtype=np.int32)
        table[stored[f"columns{order}"]] = np.arange(len(stored[f"columns{order}"]), dtype=np.int32)
        tables.append(table)
        starts.append(np.concatenate([[0], np.cumsum(stored[f"lengths{order}"].astype(np.int64))]))
        language.append(stored[f"language{order}"].astype(np.int64))
        value.append(stored[f"value{order}"] * float(stored["step"]))
    place = {label: index for index, label in enumerate(labels)}
    short = {code: index for index, code in reversed(list(enumerate(codes)))}
    web = {name: place.get(_CLD_NAMES.get(name, ""), short.get(name)) for _, name in pycld2.LANGUAGES}
    known = {name: index for name, index in web.items() if index is not None}
    group_of = np.asarray([_group(label, index) for index, label in enumerate(labels)])
    groups = np.zeros((len(labels), len(labels) + len(ALIKE)))
    groups[np.arange(len(labels)), group_of] = 1
    return Model(
        labels, codes, tuple(tables), tuple(starts), tuple(language), tuple(value), stored["base"].astype(np.float64),
        groups, group_of, known, float(stored["temperature"]), float(stored["floor"]),
    )  # fmt: skip


def _group(label: str, index: int) -> int:
    return next((place for place, group in enumerate(ALIKE) if label in group), index + len(ALIKE))
