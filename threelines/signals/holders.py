"""Who may hold somebody's papers for a while: an embassy, a hotel, the police, a bank. That they do tells of no need by itself.

One rule for the engine and for the guard. When in doubt, the words count: such a holder stands first in the sentence,
right before the words that tell of papers, in a short text in which no word of doubt stands (a boss, work, pay, a debt,
a lock, a threat, anything denied). The words are `holders.toml`, which no speaker has read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from threelines.signals.negation import CLAUSE_ENDS, family
from threelines.signals.reading import Reading, one_keyboard, variants
from threelines.text.fold import fold
from threelines.vocabulary.terms import IN_NEED

_LONGEST = 160
"""Characters of a text that says so little that nothing else is told in it."""
_UNSPACED = frozenset({"th", "lo", "km", "my", "zh", "ja", "ta", "si"})
"""Languages in which a word of doubt may stand anywhere: they write no spaces, or join what denies to the verb."""
_BEFORE = re.compile(rf"(?:\A|[{CLAUSE_ENDS}])[\s\"'“”«»„]*")


class _Words(NamedTuple):
    papers: re.Pattern[str]
    holder: re.Pattern[str]
    doubt: re.Pattern[str]


def lawful(folded: str, start: int, end: int, gaps: Iterable[tuple[int, int]], language: str) -> bool:
    """Whether the phrase from `start` to `end` of a folded text tells of nothing but papers with who may hold them.

    `gaps` are (start, end) of what stands between its parts; `language` is its code.
    """
    words = _words().get(family(language))
    if words is None or len(folded) > _LONGEST:
        return False
    text = one_keyboard(folded)
    if not words.papers.search(text, start, end):
        return False
    held = any(words.holder.fullmatch(text[low:high].strip()) for low, high in gaps) or any(
        words.holder.fullmatch(text[before.end() : start].strip()) for before in _BEFORE.finditer(text, 0, start)
    )
    return held and words.doubt.search(text) is None


def lawfully_held(known: Sequence[Reading]) -> frozenset[tuple[str, int, int]]:
    """Return (record, start, end), in folded text, of phrases of a thread that tell of papers with who may hold them.

    None where any other of its phrases is a sign of control, or of somebody in need.
    """
    held = set()
    for reading in known:
        for found in reading.phrases:
            indicator = found.entry.indicator
            if indicator.category != "control" and indicator.id not in IN_NEED:
                continue
            if lawful(reading.folded, found.start, found.end, found.gaps, found.entry.language):
                held.add((reading.record.id, found.start, found.end))
            elif not reading.negated(found):
                return frozenset()
    return frozenset(held)


@lru_cache(maxsize=1)
def _words() -> dict[str, _Words]:
    """Return the words of each language; made at the first papers that are told of."""
    table = tomllib.loads((files("threelines") / "vocabulary" / "holders.toml").read_text(encoding="utf-8"))
    return {code: _compiled(code, words) for code, words in table.items()}


def _compiled(code: str, words: dict[str, list[str]]) -> _Words:
    edge = "" if code in _UNSPACED else r"(?<!\w)"
    return _Words(
        papers=re.compile("|".join(_written(words["papers"]))),
        holder=re.compile("|".join(sorted(_written(words["holder"]), key=len, reverse=True))),
        doubt=re.compile(f"{edge}(?:{'|'.join(_written(words['doubt']))})"),
    )


def _written(phrases: Iterable[str]) -> Iterator[str]:
    """Yield expressions for phrases, folded as texts are; a space at the end asks for the end of the word."""
    for phrase in phrases:
        for full in variants(phrase):
            said = re.escape(one_keyboard(fold(full)).strip()).replace("'", "['’]?")
            yield said + (rf"(?=[\s{CLAUSE_ENDS}]|\Z)" if phrase[-1] == " " else "")
