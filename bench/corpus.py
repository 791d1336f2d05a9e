"""Invent a platform's posts with planted campaigns: the corpus of `bench/scripts.py` and `bench/networks.py`.

Every word is invented (syllables put together), so nothing here is a usable lure. Seven posts in ten stand alone.
Three in ten belong to campaigns of 3 to 40 near-copies, posted by 2 to 11 accounts inside 45 seconds. Five ways of
changing a copy: slots filled anew; 10% of the words changed; paraphrase (35% of the words swapped for a synonym and
the clauses put in another order); letters hidden in nine ways; and Thai letters written without spaces.

The hiding picks its letters at random from Unicode's own data and shares no table with `threelines.text`.
Ordinary posts are made hard on purpose: one in ten ends with a stock sentence that hundreds use, one in fifty is a
greeting that thousands write, and popular links are posted by everybody.
"""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable
from importlib.resources import files
from typing import NamedTuple

MODES = ("slot", "word10", "paraphrase", "obfuscated", "thai")
START = 1_767_225_600.0
"""2026-01-01 00:00 UTC, in seconds."""
DAYS = 30
_ONSETS = [*"bcdfghjklmnprstvwz", "br", "cl", "dr", "fl", "gr", "kr", "pl", "pr", "sh", "sk", "st", "th", "tr"]
_VOWELS = [*"aeiou", "ai", "ea", "io", "ou"]
_CODAS = ["", "", "", "n", "r", "s", "l", "t", "m", "nd", "rt"]
_THAI_CONSONANTS = "กขคงจชซดตถทนบปผพฟมยรลวสหอ"
_THAI_VOWELS = ("า", "ิ", "ี", "ุ", "ู", "ะ", "ือ", "ำ")


class Corpus(NamedTuple):
    """Posts in order of time, with the truth beside them."""

    ids: list[str]
    texts: list[str]
    authors: list[str]
    times: list[float]
    """Seconds since 1970, UTC."""
    campaign: list[int]
    """Number of the campaign, -1 for a post that stands alone."""
    mode: list[str]
    """How copies of the campaign differ; empty for a post that stands alone."""


class _Post(NamedTuple):
    text: str
    author: str
    time: float
    campaign: int
    mode: str


def make(n: int, seed: int = 7) -> Corpus:
    """Return about `n` posts; the same `n` and `seed` give the same bytes."""
    world = _World(random.Random(f"{n}/{seed}"), n)
    posts: list[_Post] = []
    number = 0
    while len(posts) < 0.3 * n:
        posts += world.campaign(number, MODES[number % len(MODES)])
        number += 1
    posts += [world.single() for _ in range(n - len(posts))]
    posts.sort(key=lambda post: (post.time, post.author, post.text))
    columns = list(zip(*posts, strict=True))
    ids = [f"p{index}" for index in range(len(posts))]
    return Corpus(ids, *(list(column) for column in columns))  # type: ignore[arg-type]


class _World:
    def __init__(self, rng: random.Random, n: int) -> None:
        self.rng = rng
        self.words = self._invent(6000)
        self.weights = [1 / (rank + 20) for rank in range(len(self.words))]
        self.synonyms = {word: rng.sample(self.words, 3) for word in self.words}
        self.thai = [self._thai_word() for _ in range(2000)]
        self.people = [f"a{index}" for index in range(max(40, n // 4))]
        self.stock = [" ".join(self._pick(6)) for _ in range(20)]
        self.greetings = [" ".join(self._pick(3)) for _ in range(12)]
        self.links = [f"https://{word}.example/{index}" for index, word in enumerate(self._pick(150))]
        self.hide = hiders()

    def _invent(self, count: int) -> list[str]:
        rng, words = self.rng, {}
        while len(words) < count:
            syllables = rng.choice((1, 1, 2, 2, 2, 3))
            word = "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))
            words[word] = None
        return list(words)

    def _thai_word(self) -> str:
        rng = self.rng
        return "".join(rng.choice(_THAI_CONSONANTS) + rng.choice(_THAI_VOWELS) for _ in range(rng.choice((1, 2, 3))))

    def _pick(self, count: int) -> list[str]:
        return self.rng.choices(self.words, self.weights, k=count)

    def single(self) -> _Post:
        rng = self.rng
        author = self.people[int(len(self.people) * rng.random() ** 1.6)]
        time = START + rng.random() * DAYS * 86_400
        if rng.random() < 0.02:
            return _Post(rng.choice(self.greetings), author, time, -1, "")
        if rng.random() < 0.12:
            text = "".join(rng.choices(self.thai, k=rng.randint(18, 30)))
        else:
            text = self._sentences(rng.randint(11, 19))
            if rng.random() < 0.10:
                text += " " + rng.choice(self.stock) + "."
            if rng.random() < 0.08:
                text += " " + self.links[int(len(self.links) * rng.random() ** 3)]
        return _Post(text, author, time, -1, "")

    def _sentences(self, count: int) -> str:
        words, at, parts = self._pick(count), 0, []
        while at < count:
            step = self.rng.randint(4, 7)
            parts.append(" ".join(words[at : at + step]))
            at += step
        return ", ".join(parts).capitalize() + "."

    def campaign(self, number: int, mode: str) -> list[_Post]:
        rng = self.rng
        size = min(rng.randint(3, 40), rng.randint(3, 40))
        accounts = rng.sample(self.people, min(size, rng.randint(2, 11)))
        start = START + rng.random() * DAYS * 86_400
        copy: Callable[[], str] = getattr(self, f"_{mode}")(self._pick(rng.randint(14, 20)))
        authors = accounts + [rng.choice(accounts) for _ in range(size - len(accounts))]
        return [_Post(copy(), author, start + rng.random() * 45, number, mode) for author in authors]

    def _slots(self) -> tuple[str, str, str]:
        rng = self.rng
        return rng.choice(self.words).capitalize(), str(rng.randint(8, 60) * 100), f"+66{rng.randint(10**8, 10**9 - 1)}"

    def _slot(self, words: list[str]) -> Callable[[], str]:
        def copy() -> str:
            name, pay, phone = self._slots()
            return f"{name} {' '.join(words[:7])} {pay} {' '.join(words[7:])} {phone}"

        return copy

    def _changed(self, words: list[str], share: float, swap: Callable[[str], str]) -> list[str]:
        changed = list(words)
        for index in self.rng.sample(range(len(words)), max(1, round(share * len(words)))):
            changed[index] = swap(words[index])
        return changed

    def _word10(self, words: list[str]) -> Callable[[], str]:
        return lambda: " ".join(self._changed(words, 0.10, lambda _: self.rng.choice(self.words)))

    def _paraphrase(self, words: list[str]) -> Callable[[], str]:
        def copy() -> str:
            changed = self._changed(words, 0.35, lambda word: self.rng.choice(self.synonyms[word]))
            third = len(words) // 3
            clauses = [changed[:third], changed[third : 2 * third], changed[2 * third :]]
            self.rng.shuffle(clauses)
            return ", ".join(" ".join(clause) for clause in clauses)

        return copy

    def _obfuscated(self, words: list[str]) -> Callable[[], str]:
        return lambda: self.rng.choice(self.hide)(" ".join(words), self.rng)

    def _thai(self, words: list[str]) -> Callable[[], str]:
        rng = self.rng
        base = rng.choices(self.thai, k=len(words) + 8)

        def copy() -> str:
            changed = self._changed(base, 0.10, lambda _: rng.choice(self.thai))
            return "".join(changed) + str(rng.randint(8, 60) * 100)

        return copy


Hider = Callable[[str, random.Random], str]


def hiders() -> list[Hider]:
    """Return the nine ways of hiding letters, none of which looks at how `threelines` folds."""
    leet = {"a": ["4", "@"], "e": ["3"], "i": ["1", "!"], "o": ["0"], "s": ["5", "$"], "t": ["7"]}
    enclosed = ("CIRCLED LATIN", "PARENTHESIZED LATIN", "SQUARED LATIN", "NEGATIVE CIRCLED", "NEGATIVE SQUARED")
    return [
        _each(_confusables(), 0.4),
        _each(_named("MATHEMATICAL "), 1.0),
        _each(_named(*enclosed), 0.6),
        _each(_named("FULLWIDTH LATIN"), 1.0),
        _each(leet, 0.6),
        _after("\u0336\u0335\u0338\u0332\u0301\u0323", 0.7),
        _after("\u200b\u200c\u200d\u2060\u00ad\ufe0f", 0.5),
        _after("🔥⭐💰😀✨", 0.8),
        _spaced,
    ]


def _each(table: dict[str, list[str]], share: float) -> Hider:
    def hide(text: str, rng: random.Random) -> str:
        return "".join(rng.choice(table[x]) if x in table and rng.random() < share else x for x in text)

    return hide


def _after(marks: str, share: float) -> Hider:
    def hide(text: str, rng: random.Random) -> str:
        return "".join(x + (rng.choice(marks) if x.isalpha() and rng.random() < share else "") for x in text)

    return hide


def _spaced(text: str, rng: random.Random) -> str:
    gap = rng.choice((" ", ".", "-", "_", "·", "*"))
    return "   ".join(gap.join(word) for word in text.split())


def _confusables() -> dict[str, list[str]]:
    raw = json.loads((files("confusable_homoglyphs") / "confusables.json").read_text(encoding="utf-8"))
    alike = {x: [entry["c"] for entry in raw.get(x, [])] for x in "abcdefghijklmnopqrstuvwxyz"}
    kept = {x: sorted(c for c in alike[x] if len(c) == 1 and not c.isascii()) for x in alike}
    return {x: kept[x] for x in kept if kept[x]}


def _named(*starts: str) -> dict[str, list[str]]:
    """Collect the single letters whose Unicode name starts so, in every style and case that Unicode has."""
    table: dict[str, list[str]] = {}
    for code in (*range(0x2000, 0x3000), *range(0xFF00, 0x10000), *range(0x1D000, 0x1F200)):
        name = unicodedata.name(chr(code), "")
        if name.startswith(starts) and name[-2:-1] == " " and "A" <= name[-1] <= "Z":
            table.setdefault(name[-1].lower(), []).append(chr(code))
    return table
