"""Pleas in words of everyday life: they tell of need only beside what they are about (papers, pay, a debt, a threat, being kept).

"What can I do?" is asked every day, and so are passports spoken of. Where both stand together, help is offered.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files

from threelines.signals.negation import SENTENCE_ENDS
from threelines.signals.phrases import Hit, Phrases
from threelines.text.fold import fold

_ENDS = re.compile(rf"[{SENTENCE_ENDS}][{SENTENCE_ENDS}\s]*")


def pleas() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the phrases of `pleas.toml`: "plea" and "matter" → language → phrases."""
    return tomllib.loads((files("threelines") / "vocabulary" / "pleas.toml").read_text(encoding="utf-8"))


def pleads(text: str) -> bool:
    """Whether a text asks for help beside what its plea is about."""
    folded = fold(text.replace("’", "'"))
    told = ((*hit.group.partition(" ")[::2], hit) for hit in _phrases().find(folded))
    return beside(folded, told)


def beside(folded: str, told: Iterable[tuple[str, str, Hit]]) -> bool:
    """Whether a plea stands beside what it is about: in one language, with at most one sentence between, in other words.

    `told` are ("plea" or "matter", language, hit) in the folded text; others are passed over.
    """
    ends = [match.end() for match in _ENDS.finditer(folded)]
    placed: dict[str, dict[tuple[str, int], list[Hit]]] = {"plea": {}, "matter": {}}
    for kind, language, hit in told:
        if kind in placed:
            placed[kind].setdefault((language, bisect_right(ends, hit.start)), []).append(hit)
    return any(
        one.end <= other.start or other.end <= one.start
        for (language, at), asked in placed["plea"].items()
        for by in range(-2, 3)
        for one in asked
        for other in placed["matter"].get((language, at + by), ())
    )


@lru_cache(maxsize=1)
def _phrases() -> Phrases:
    return Phrases({f"{kind} {language}": said for kind, words in pleas().items() for language, said in words.items()})
