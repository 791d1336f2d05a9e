"""Everyday sentences for the simulated platform, ready for a JSON line; or the same as noise."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from itertools import islice, product
from random import Random
from typing import NamedTuple

Draw = Callable[[], float]
"""A source of numbers in [0, 1): `random.Random(seed).random`, the same on every machine."""


def stream(*seed: object) -> Draw:
    """Return the source of numbers of this seed."""
    return Random(":".join(map(str, seed))).random


_SLOT = re.compile(r"\{(place|thing|food|day)\}")
_WORD = re.compile(r"(?:[^\W\d_]|[^\x00-\x7f])+")
_VARIANTS = 60
"""Written out per template; more teaches nothing."""
TOPICS = ("small", "offer", "travel", "move", "help", "advert")


class Sentence(NamedTuple):
    """A sentence as it stands inside a JSON string, with its length."""

    text: str
    words: float
    """Words, or letters / 4 in scripts that write no spaces."""


class Chatter:
    """Sentences by language and topic. With `noise`, letters say nothing: each word is another random word."""

    def __init__(self, *, noise: bool = False) -> None:
        path = files("threelines") / "platforms" / "simulation" / "sentences.toml"
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        self.languages = tuple(sorted(tables))
        self.noise = noise
        self._noise = stream("noise")
        self._topics = {
            (code, topic): tuple(_written_out(tables[code], topic)) for code in self.languages for topic in TOPICS
        }
        self._mean = {
            code: max(1.0, sum(s.words for s in self._topics[code, "small"]) / len(self._topics[code, "small"]))
            for code in self.languages
        }

    def say(self, language: str, words: float, draw: Draw) -> Sentence:
        """Return small talk of about `words` words."""
        pool = self._topics[language, "small"]
        size = len(pool)
        count = int(words / self._mean[language] + draw())
        if count <= 1:
            return self._heard(pool[int(draw() * size)])
        chosen = [pool[int(draw() * size)] for _ in range(min(count, 12))]
        return self._heard(Sentence(" ".join(s.text for s in chosen), sum(s.words for s in chosen)))

    def speak(self, language: str, topic: str, draw: Draw, *, contact: str = "") -> Sentence:
        """Return one sentence on a topic, with the contact filled in."""
        pool = self._topics[language, topic]
        chosen = pool[int(draw() * len(pool))]
        return self._heard(Sentence(chosen.text.replace("{contact}", contact), chosen.words))

    def _heard(self, sentence: Sentence) -> Sentence:
        """Noise draws from its own stream: the same people do the same things at the same times."""
        return Sentence(noise(sentence.text, self._noise), sentence.words) if self.noise else sentence


def noise(text: str, draw: Draw) -> str:
    """Replace every run of letters by another random run; punctuation, digits and their places stay."""
    table = _noise_words()
    return _WORD.sub(lambda _: table[int(draw() * 20_000)], text)


@cache
def _noise_words() -> tuple[str, ...]:
    draw = stream("noise")
    return tuple("".join(chr(97 + int(draw() * 26)) for _ in range(2 + int(draw() * 7))) for _ in range(20_000))


def _written_out(table: dict[str, list[str]], topic: str) -> list[Sentence]:
    """Fill the slots of each template, and measure."""
    made = []
    for template in table[topic]:
        slots = _SLOT.findall(template)
        for values in islice(product(*(table[slot] for slot in slots)), 0, None, _stride(table, slots)):
            text = template
            for slot, value in zip(slots, values, strict=True):
                text = text.replace("{" + slot + "}", value, 1)
            made.append(Sentence(json.dumps(text, ensure_ascii=False)[1:-1], word_count(text)))
    return made


def _stride(table: dict[str, list[str]], slots: list[str]) -> int:
    """Step through all fillings so that about `_VARIANTS` are written out; odd, so that slots vary together."""
    total = math.prod(len(table[slot]) for slot in slots)
    return 1 if total <= _VARIANTS else max(1, total // _VARIANTS) | 1


def word_count(text: str) -> float:
    """Return words; where a script writes none apart, letters / 4."""
    return float(max(len(text.split()), sum(1 for letter in text if letter >= "\u0e00") / 4))
