"""Whether what somebody tells of themselves is denied: "they did not take my passport" tells of no need.

The words and the rule are the vocabulary's (`signals.negation`), here on the hits of `Phrases`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from threelines.ai_models.phrases import Hit
from threelines.signals.negation import AFTER, CLAUSE_ENDS, SLOTS, Negations, family, following, is_mark
from threelines.signals.reading import Word, variants
from threelines.vocabulary.terms import Vocabulary

_GROUP = "turn "
_HOLDER = "holder"
_HOLDERS = ("{embassy|consulate|hotel|hotel reception|hotel desk|police|bank|immigration office|airline}",)
"""Who may hold papers for a while: that they do tells of no need by itself."""
_HELD = re.compile("passport|papers|documents")
_CLAUSE_END = re.compile(f"[{CLAUSE_ENDS}]")
_HAS = re.compile(r"\s*(?:(?:has|have|had|still)\s)?")


class Denials:
    """The words of a vocabulary that deny; made once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.groups: dict[str, list[str]] = {_HOLDER: list(_HOLDERS)}
        """Phrases that are looked for beside the others."""
        self._after: dict[str, list[re.Pattern[str]]] = {}
        for code, language in vocabulary.languages.items():
            for slot in SLOTS & set(language.terms):
                words = self.groups.setdefault(f"{_GROUP}{slot} {family(code)}", [])
                words += [written for word in language.terms[slot] for written in (word, word.replace("'", ""))]
            forms = (full for form in language.terms.get(AFTER, ()) for full in variants(form))
            if pattern := following(forms, spaces=language.spaces):
                self._after.setdefault(family(code), []).append(pattern)

    def among(self, folded: str, hits: Iterable[Hit], languages: Mapping[str, str]) -> Iterator[Hit]:
        """Yield the hits that are denied, of those whose group has a language (code by group).

        That an embassy or a hotel took the passport is none either: they may.
        """
        words, told, holders = [], [], list[Hit]()
        for hit in hits:
            if hit.group == _HOLDER:
                holders.append(hit)
            elif hit.group in languages:
                told.append(hit)
            elif hit.group.startswith(_GROUP) and not is_mark(folded[hit.end : hit.end + 1] or " "):
                _, slot, name = hit.group.split()
                words.append(Word(slot, name, hit.start, hit.end))
        words.sort(key=lambda word: word.end)
        turned = Negations(folded, words) if told else None
        for hit in told:
            name = family(languages[hit.group])
            after = any(pattern.match(folded, hit.end) for pattern in self._after.get(name, ()))
            if (
                after
                or _lawful(folded, hit, holders)
                or (turned and name in turned.around(hit.start, hit.end, hit.gaps))
            ):
                yield hit


def _lawful(folded: str, hit: Hit, holders: Iterable[Hit]) -> bool:
    """Whether papers are told to be held by who may, named as the one who holds: first in its clause, right before the verb."""
    return _HELD.search(folded, hit.start, hit.end) is not None and any(
        holder.end <= hit.start
        and _HAS.fullmatch(folded, holder.end, hit.start) is not None
        and len(_CLAUSE_END.split(folded[: holder.start])[-1].split()) <= 1
        for holder in holders
    )
