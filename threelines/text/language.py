"""Which language a short message is written in, or an honest `und`.

Two readers are weighed. A naive Bayes model over letter n-grams (`language_model.py`) knows the languages of the
Universal Declaration of Human Rights, and everyday words of a quarter of them; CLD2 knows about 80 languages from the
web, where the declaration's formal style misleads. Where CLD2 names another language, a logistic regression decides.
A second one says how likely the answer is right: it has seen texts of languages that a model was kept from learning
(`unlearned.py`), has other weights for a word or two (`BRIEF`), and what it trusts too little is `und`. `train_language.py` makes all of it, one command. Romanised
Hindi, Urdu, Bengali and Arabic have no declaration: they are known by their most frequent words and by letters written as
digits, weighed against the letters' judgement, and are counted apart (`romanised`).

Letters of each script, and two parts of a text that is strange to one language, are read once more, so that a text that
mixes two names both.

    >>> identify("Hakuna matata, rafiki yangu").code
    'sw'
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

import numpy as np
import pycld2
from numpy.typing import NDArray

from threelines.text import scripts
from threelines.text.grams import letters
from threelines.text.language_model import Model, Scores, model, scores
from threelines.text.romanised import romanised

UNKNOWN = "und"
EVIDENCE = (
    "how far CLD2's language lies below ours", "log of CLD2's own score", "log of the length", "log-odds that ours is right",
    "our mean log-score an n-gram", "one",
)  # fmt: skip
"""What is weighed, in this order: who is right where CLD2 names another language, and how likely the answer is."""
ROUTES = ("both name it", "CLD2 is believed", "the letters are believed")
"""How an answer came about; each is trusted in its own way, and in another where the text is brief."""
BRIEF = 15
"""Characters below which a text is brief: a word or two."""

_BATCH = 256
"""Texts at once: the scores of more leave the cache of a core, which takes twice the time."""
_LONGEST = 160
_LOOKED_AT = 4000
"""Characters of a long text in which links are looked for, before it is cut."""
_LEAST_LETTERS = 2
_LEAST_KNOWN = 0.5
_MIXED_SHARE = 0.2
_OF_MANY = tuple(scripts.CODES.index(name) for name in ("Latn", "Cyrl", "Arab", "Deva", "Ethi", "Hebr"))
"""Scripts that several languages are written in which people mix."""
_STRANGE = -7.3
"""Mean log-score an n-gram above which a text is too usual in its language to mix two."""
_HEARD = 400
"""CLD2's own score of each part, below which a part is not looked at again."""
_LIKELY = 0.5
"""Confidence that the letters of one script need, to be named where two are mixed."""
_SURE = 0.8
"""Confidence that both parts of a text need that mixes languages of one script."""
_PAUSE = re.compile(r"[.!?;…]+ ")
_GAP = re.compile(" ")
_HANI, _JPAN = scripts.CODES.index("Hani"), scripts.CODES.index("Jpan")
_ANOTHER_FORM = re.compile(
    "[\uff10-\uff19\uff20-\uff3a\uff41-\uff5a\uff66-\uffdc\ufb00-\ufb06\ufb50-\ufdfb\ufe70-\ufefc\U0001d400-\U0001d7ff]+"
)
"""Letters in a width, a typeface or a place in the word of their own; punctuation is as it was learned."""
_NOISE = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\S+@\S+|[\d_]+")
_LINK = re.compile(r"https?://\S+|www\.\S+|[@#]\w+|\S+@\S+", re.IGNORECASE)
_ADDRESSED = ("@", "#", "://", "www.")
_NUMBERS = re.compile(r"[\d_]+")
_NO_NUMBER = bytes.maketrans(b"0123456789_", b" " * 11)
"""The same numbers in ASCII text, faster."""


class Language(NamedTuple):
    """What a text is written in."""

    code: str
    """BCP 47, the short code where there is one (`sw`, `zh`); `und` where nothing can be said."""
    iso639_3: str
    """Three letters, as in the declaration (`swh`, `cmn`)."""
    script: str
    """ISO 15924 of most letters; empty without letters."""
    confidence: float
    """0 to 1: how likely the answer is right, where one text in ten is of a language that was never learned; of a
    romanised one, which no set was at hand to measure, the share of its words that tell. A word or two that many
    languages share is `und`, or named with a low one."""
    romanised: bool = False
    """A language written in Latin letters that has another script of its own."""
    mixed: tuple[str, ...] = ()
    """Codes of the languages of a text that mixes two or more, else empty. Of two scripts each is identified, the most
    used first, `und-Latn` where it cannot be. Of one script, two parts count where both are long and surely of languages
    that are not written alike, in their order; words of one language among those of another are not seen."""


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


def identify_all(texts: Sequence[str], known: Model | None = None) -> list[Language]:
    """Identify many texts, by another model than the packaged one if given; of each 160 characters are read, links apart."""
    known = known or model()
    found: list[Language] = []
    doubts: dict[int, _Doubt] = {}
    for start in range(0, len(texts), _BATCH):
        named, doubted = _identify(texts[start : start + _BATCH], known)
        doubts |= {len(found) + at: doubt for at, doubt in doubted.items()}
        found.extend(named)
    parts = [part for doubt in doubts.values() for part in doubt.parts]
    again = chain.from_iterable(_again(parts[at : at + _BATCH], known) for at in range(0, len(parts), _BATCH))
    for at, doubt in doubts.items():
        found[at] = _settled(found[at], doubt, list(islice(again, len(doubt.parts))))
    return found


def known_languages() -> dict[str, str]:
    """Return ISO 639-3 → BCP 47 of every language the model can name."""
    return dict(zip(model().labels, model().codes, strict=True))


def prepared(text: str, *, longest: int = _LONGEST) -> str:
    """Return what the model reads: composed, lower case, no addresses, handles or digits."""
    text = _beginning(text, longest)
    if not text.isascii():
        # the declaration in Amharic parts words by U+1361, messages by spaces
        text = unicodedata.normalize("NFC", text).replace("\u1361", " ")
    lower = text.lower()
    if any(mark in lower for mark in _ADDRESSED):
        lower = _NOISE.sub(" ", lower)
    plain = lower.encode().translate(_NO_NUMBER).decode() if lower.isascii() else _NUMBERS.sub(" ", lower)
    return " ".join(plain.split())


def _beginning(text: str, longest: int = _LONGEST) -> str:
    """Return the first characters; a link among them, however long, takes none of their room."""
    if len(text) <= longest:
        return text
    start = text[:longest]
    if any(mark in start.lower() for mark in _ADDRESSED):
        return _LINK.sub(" ", text[:_LOOKED_AT])[:longest]
    return start


class Judged(NamedTuple):
    """What the letter model says of a batch, and CLD2."""

    total: Scores
    """Log-score of each language over the temperature, shape (texts, languages)."""
    best: NDArray[np.int64]
    sure: NDArray[np.float64]
    """Probability of the best language and those written alike."""
    mean: NDArray[np.float64]
    """Log-score an n-gram of the best language."""
    named: NDArray[np.int64]
    """The language that CLD2 names, or -1."""
    score: NDArray[np.float64]
    """CLD2's own score of it."""
    written: NDArray[np.int64]
    """Letters of each script, shape (texts, scripts)."""
    signs: NDArray[np.int64]
    """How many letters and signs any language is written with."""


def judge(texts: Sequence[str], known: Model) -> Judged:
    """Read prepared texts with both readers."""
    batch = letters(texts)
    written = scripts.counts(batch.codes, batch.owner, len(texts))
    written[:, 0] = 0
    total, judged, signs = scores(batch, known)
    best = total.argmax(axis=1)
    highest = total[np.arange(len(texts)), best]
    mean = highest.astype(np.float64) / np.maximum(judged, 1)
    total /= np.float32(known.temperature)
    shares = np.exp(total - total.max(axis=1, keepdims=True))
    alike = np.take_along_axis(shares, _kin(known.labels)[best], axis=1)
    alike[_kin(known.labels)[best] < 0] = 0
    sure = alike.sum(axis=1, dtype=np.float64) / shares.sum(axis=1, dtype=np.float64)
    return Judged(total, best, sure, mean, *_web(texts, places(known.labels, known.codes)), written, signs)


class Answers(NamedTuple):
    """Which language each text of a batch is given, before any doubt."""

    named: NDArray[np.int64]
    route: NDArray[np.int64]
    """How it came about, a place in `ROUTES`."""
    brief: NDArray[np.bool_]
    """Whether the text is shorter than `BRIEF`."""
    evidence: NDArray[np.float64]
    """`EVIDENCE`, shape (texts, evidence)."""


def answers(seen: Judged, lengths: NDArray[np.int64], referee: NDArray[np.float64]) -> Answers:
    """Let the referee decide where CLD2 names another language; `lengths` in characters."""
    weighed = evidence(seen, np.arange(len(lengths)), lengths)
    believed = (seen.named >= 0) & (seen.named != seen.best) & (weighed @ referee > 0)
    route = np.where(seen.named == seen.best, 0, np.where(believed, 1, 2))
    return Answers(np.where(believed, seen.named, seen.best), route, lengths < BRIEF, weighed)


def trusted(found: Answers, trust: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how likely each answer is right, by the weights of `Model.trust`."""
    weights = trust[found.brief.astype(np.int64), found.route]
    chance: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip((found.evidence * weights).sum(axis=1), -30, 30)))
    return chance


def evidence(seen: Judged, at: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return `EVIDENCE` of the texts at `at`, shape (texts, evidence); where CLD2 names none it is as far as our best."""
    named = np.where(seen.named[at] < 0, seen.best[at], seen.named[at])
    below = seen.total[at, named] - seen.total[at, seen.best[at]]
    odds = np.log(np.maximum(seen.sure[at], 1e-4) / np.maximum(1 - seen.sure[at], 1e-4))
    return np.stack(
        [below, np.log1p(seen.score[at]), np.log1p(lengths[at]), odds, seen.mean[at], np.ones(len(at))], axis=1
    )


class _Doubt(NamedTuple):
    """Parts of a text that may each be in a language of its own."""

    parts: tuple[str, ...]
    names: tuple[str, ...] = ()
    """The script of each, where they are letters of different scripts."""


def _identify(raw: Sequence[str], known: Model) -> tuple[list[Language], dict[int, _Doubt]]:
    """Name the language of each text, and say by its place which to look at in parts."""
    starts = [_plain(_beginning(text)) for text in raw]
    texts = [prepared(text) for text in starts]
    seen = judge(texts, known)
    found = _named(starts, texts, seen, known)
    doubts = _of_scripts(texts, seen.written)
    return found, doubts | _of_halves(texts, found, seen, known, doubts)


def _plain(text: str) -> str:
    """Write letters of another width, typeface or place in the word as the letters they are."""
    if text.isascii() or not _ANOTHER_FORM.search(text):
        return text
    return _ANOTHER_FORM.sub(lambda letters_: unicodedata.normalize("NFKC", letters_[0]), text)


def _named(starts: Sequence[str], texts: Sequence[str], seen: Judged, known: Model) -> list[Language]:
    """Name one language of each text, by its prepared text."""
    answer = answers(seen, np.fromiter(map(len, texts), dtype=np.int64), known.referee)
    sure = trusted(answer, known.trust)
    total = seen.written.sum(axis=1)
    # of a script that no learned language is written in, a stray sign or two would decide
    readable = (total >= _LEAST_LETTERS) & (seen.signs >= _LEAST_KNOWN * total)
    named = np.where(readable & (sure >= known.limit), answer.named, -1).tolist()
    confidence = np.where(total > 0, sure, 0).round(3).tolist()
    most, found = seen.written.argmax(axis=1).tolist(), []
    for index, text in enumerate(starts):
        place = named[index]
        of = (known.codes[place], known.labels[place]) if place >= 0 else (UNKNOWN, UNKNOWN)
        found.append(_language(text, (*of, confidence[index]), scripts.CODES[most[index]]))
    return found


def _language(text: str, judged: tuple[str, str, float], script: str) -> Language:
    by_words = romanised(text, letters=judged[1], sure=judged[2]) if script == "Latn" else None
    code, label, confidence = by_words or judged
    return Language(code, label, script, round(confidence, 3), bool(by_words))


def _again(parts: Sequence[str], known: Model) -> list[Language]:
    """Name the languages of parts of prepared texts."""
    texts = [" ".join(part.split()) for part in parts]
    return _named(texts, texts, judge(texts, known), known) if texts else []


def _settled(whole: Language, doubt: _Doubt, parts: Sequence[Language]) -> Language:
    """Name the languages that a text mixes, after its parts were read; the text itself is in one of these.

    Of two scripts each is named, or `und-Latn`; two parts in one script are, where both are surely of a language and
    these are not written alike.
    """
    bound = _LIKELY if doubt.names else _SURE
    codes = [part.code if part.romanised or part.confidence >= bound else UNKNOWN for part in parts]
    labels = {part.iso639_3 for part in parts}
    if doubt.names:
        named = zip(codes, doubt.names, strict=True)
        codes = [f"{UNKNOWN}-{script}" if code == UNKNOWN else code for code, script in named]
    elif UNKNOWN in codes or any(labels <= group for group in ALIKE):
        return whole
    if len(set(codes)) == 1:
        return whole
    # the first run has the most letters
    named_parts = [part for part in parts if part.code != UNKNOWN]
    others = named_parts[:1] if doubt.names else [max(parts, key=lambda part: part.confidence)]
    kept = [part for part in named_parts if part.code == whole.code] and [whole]
    main = next(iter([*kept, *others]), whole)
    return main._replace(script=whole.script, mixed=tuple(dict.fromkeys(codes)))


def _of_scripts(texts: Sequence[str], written: NDArray[np.int64]) -> dict[int, _Doubt]:
    """Part texts that use two scripts or more for real, the most used first; Japanese uses two as one."""
    several = np.flatnonzero(np.count_nonzero(written, axis=1) > 1)
    together = written[several]
    japanese = together[:, _JPAN] > 0
    together[:, _JPAN] += np.where(japanese, together[:, _HANI], 0)
    together[japanese, _HANI] = 0
    strong = together >= np.maximum(_MIXED_SHARE * together.sum(axis=1, keepdims=True), 1)
    found = {}
    for index in np.flatnonzero(strong.sum(axis=1) > 1).tolist():
        most = [place for place in np.argsort(-together[index], kind="stable").tolist() if strong[index, place]]
        kept = [(_JPAN, _HANI) if place == _JPAN else (place,) for place in most]
        at = int(several[index])
        runs = tuple(scripts.only(texts[at], each) for each in kept)
        found[at] = _Doubt(runs, tuple(scripts.CODES[place] for place in most))
    return found


def _of_halves(
    texts: Sequence[str], found: Sequence[Language], seen: Judged, known: Model, parted: Collection[int]
) -> dict[int, _Doubt]:
    """Part texts in one script that may mix two languages: strange to one, and CLD2 names two, or romanised."""
    strange = (seen.mean < _STRANGE) & np.isin(seen.written.argmax(axis=1), _OF_MANY)
    cut = {at: parts for at in np.flatnonzero(strange).tolist() if at not in parted and (parts := _parts(texts[at]))}
    named, score = _web([part for parts in cut.values() for part in parts], places(known.labels, known.codes))
    alike = (_kin(known.labels)[named[::2]] == named[1::2, None]).any(axis=1)
    two = ~alike & (np.minimum(score[::2], score[1::2]) >= _HEARD)
    return {at: _Doubt(cut[at]) for at, each in zip(cut, two.tolist(), strict=True) if each or found[at].romanised}


def _parts(text: str) -> tuple[str, str] | None:
    """Part a text at the pause nearest its middle, or between words; both parts are longer than a word or two."""
    if len(text) < 2 * BRIEF:
        return None
    for between in (_PAUSE, _GAP):
        ends = [found.end() for found in between.finditer(text, BRIEF - 1, len(text) - BRIEF)]
        if ends:
            end = min(ends, key=lambda end: abs(2 * end - len(text)))
            return text[:end], text[end:]
    return None


def _web(texts: Sequence[str], places: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return (place of the language that CLD2 names or -1, its score) of each text."""
    named, score = [-1] * len(texts), [0] * len(texts)
    for index, text in enumerate(texts):
        readable = text if text.isprintable() else "".join(filter(str.isprintable, text))
        try:
            first = pycld2.detect(readable, bestEffort=True)[2][0]
        except pycld2.error:
            continue
        named[index], score[index] = places.get(first[1], -1), first[3]
    return np.asarray(named, dtype=np.int64), np.asarray(score, dtype=np.float64)


@lru_cache(maxsize=4)
def places(labels: tuple[str, ...], codes: tuple[str, ...]) -> dict[str, int]:
    """Return CLD2's code → place of the language."""
    place = {label: index for index, label in enumerate(labels)}
    short = {code: index for index, code in reversed(list(enumerate(codes)))}
    found = {name: place.get(_CLD_NAMES.get(name, ""), short.get(name)) for _, name in pycld2.LANGUAGES}
    return {name: index for name, index in found.items() if index is not None}


@lru_cache(maxsize=4)
def _kin(labels: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the languages written alike, itself first among them, filled up with -1; shape (languages, most)."""
    place = {label: index for index, label in enumerate(labels)}
    found = np.full((len(labels), max(map(len, ALIKE))), -1, dtype=np.int64)
    for label, index in place.items():
        group = next((one for one in ALIKE if label in one), frozenset())
        members = [index, *sorted(place[other] for other in group - {label} if other in place)]
        found[index, : len(members)] = members
    return found
