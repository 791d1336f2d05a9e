"""Words that turn a phrase round ("no", "never" and the like): before it, in its gaps, or after it.

A negation counts for phrases of its own language, and for all phrases of a text in that language ("walang placement
fee"). Two negations count as one; a double one that is none ("not without") stands in the language's `no_negation`.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from threelines.text.fold import fold

if TYPE_CHECKING:
    from threelines.signals.reading import Word

SENTENCE_ENDS = r".!?;|。！？；\n؛؟۔।॥።፤፧။។៕"
"""What ends a sentence in any script, as it stands in a class of a regular expression: no gap of a phrase holds it."""
CLAUSE_ENDS = SENTENCE_ENDS + ",，、،፣၊"
TURNS = frozenset({"negation", "without"})
"""Slots whose words turn a phrase round: `without` only what stands after it, `negation` also from a gap."""
CLAUSE = "new_clause"
"""The slot of a joining word with the subject after it ("and they"): what was denied before ends there."""
SLOTS = TURNS | {"no_negation", CLAUSE}
"""Slots of a language file that are looked for as words; their value is the language's family."""
AFTER = "negation_after"
"""The slot of the forms that turn round what stands right before them."""
_CLAUSE_END = re.compile(f"[{CLAUSE_ENDS}]")
BEFORE = 14
"""Characters that may stand between a negation and the phrase after it."""
_BETWEEN = 12
"""Characters of a gap in a following form."""


def family(code: str) -> str:
    """Return what languages share whose negations are one: `zh` of `zh-Hans`."""
    return code.partition("-")[0]


def is_mark(letter: str) -> bool:
    """Whether it is a vowel sign or another mark of a script that folding leaves: part of the word it stands in."""
    return letter >= "\u0700" and unicodedata.category(letter)[0] == "M"


def following(forms: Iterable[str], *, spaces: bool) -> re.Pattern[str] | None:
    """Return what matches one of the forms right after a phrase, inside the clause; None without forms.

    Forms are written out already (no `{a|b}`); ` .. ` is a gap of a dozen characters. A form ends where its word
    ends, but for scripts that join endings (Hangul) or write no spaces.
    """
    gap = f"[^{CLAUSE_ENDS}]{{0,{_BETWEEN}}}?"
    written = {gap.join(re.escape(fold(part).strip()) for part in form.split(" .. ")) for form in forms}
    if not written:
        return None
    marks = "".join(letter for letter in map(chr, range(0x700, 0x1A00)) if is_mark(letter))
    edge = rf"(?!(?![\uac00-\ud7af])\w|[{marks}])" if spaces else ""
    return re.compile(rf"[ ]?(?:{'|'.join(sorted(written, key=len, reverse=True))}){edge}")


class _Turn(NamedTuple):
    end: int
    start: int
    inside: bool
    """Whether it also counts in a gap: "took without asking my passport" says that it was taken."""


_END = attrgetter("end")


class Negations:
    """The negations of one folded text, by family of languages."""

    def __init__(self, folded: str, words: Sequence[Word]) -> None:
        self._folded = folded
        none = {(w.value, at) for w in words if w.slot == "no_negation" for at in range(w.start, w.end)}
        self._turns: dict[str, list[_Turn]] = {}
        """In order of their ends: the automaton gives words by their end."""
        self._clauses: dict[str, list[int]] = {}
        """Where clauses begin, in order."""
        for word in sorted((w for w in words if w.slot == CLAUSE), key=attrgetter("start")):
            self._clauses.setdefault(word.value, []).append(word.start)
        for word in words:
            if word.slot not in TURNS:
                continue
            if not none or (word.value, word.start) not in none or (word.value, word.end - 1) not in none:
                turn = _Turn(word.end, word.start, word.slot == "negation")
                self._turns.setdefault(word.value, []).append(turn)

    def around(self, start: int, end: int, gaps: Sequence[tuple[int, int]], reach: int = BEFORE) -> Iterator[str]:
        """Yield the families one of whose negations, at most `reach` characters ahead, turns round a phrase.

        A phrase that begins with a negation is turned round by none of its family: "no degree and no experience needed".
        """
        for name, turns in self._turns.items():
            at = bisect_right(turns, start, key=_END)
            if at < len(turns) and turns[at].start == start and turns[at].end <= end:
                continue
            before = at > 0 and start - turns[at - 1].end <= reach and self._reaches(name, turns[at - 1].end, start)
            if before or (gaps and self._within(turns[at : bisect_right(turns, end, key=_END)], gaps)):
                yield name

    def _reaches(self, name: str, end: int, start: int) -> bool:
        """Whether the negation that ends last before the phrase stands in the same clause."""
        if _CLAUSE_END.search(self._folded, end, start):
            return False
        # a phrase may begin with the subject of its clause: "they took"
        begins = self._clauses.get(name, [])
        at = bisect_left(begins, end)
        return at == len(begins) or begins[at] >= start

    def _within(self, turns: Iterable[_Turn], gaps: Sequence[tuple[int, int]]) -> bool:
        """Whether a negation stands in a gap; a phrase whose own words hold one is not turned round by another."""
        found = False
        for turn in turns:
            gap = next((high for low, high in gaps if low <= turn.start and turn.end <= high), -1)
            if gap < 0:
                return False
            found = found or (turn.inside and not _CLAUSE_END.search(self._folded, turn.end, gap))
        return found
