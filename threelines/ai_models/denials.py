"""Whether what somebody tells of themselves is denied: "they did not take my passport" tells of no need.

The words and the rule are the vocabulary's (`signals.negation`), here on the hits of `Phrases`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from threelines.signals.holders import lawful
from threelines.signals.negation import AFTER, SLOTS, Negations, family, following, is_mark
from threelines.signals.phrases import Hit
from threelines.signals.reading import Word, variants
from threelines.vocabulary.terms import Vocabulary

_GROUP = "turn "


class Denials:
    """The words of a vocabulary that deny; made once."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.groups: dict[str, list[str]] = {}
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

        That an embassy or a hotel took the passport is none either: they may (`signals.holders`).
        """
        words, told = [], []
        for hit in hits:
            if hit.group in languages:
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
                or lawful(folded, hit.start, hit.end, hit.gaps, name)
                or (turned and name in turned.around(hit.start, hit.end, hit.gaps))
            ):
                yield hit
