"""Contacts that a text names and does not give: its writer warns of them, reports them, or asks for help against them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from threelines.records import Record, Thread
from threelines.signals.negation import CLAUSE_ENDS
from threelines.signals.reading import Reading, readings
from threelines.signals.support import asks_or_reports
from threelines.text.entities import Entity
from threelines.vocabulary.terms import IN_NEED, Vocabulary

_STEMS = "scam fraud fake cheat liar thief thieve traffick criminal stole robbed deceived beware warning careful avoid report".split()
"""One of them stands in all that accuses: looked for first, at a tenth of the cost."""
NAMED = "named"
"""The writer tells what was done to somebody, or asks to get out."""
WARNED = "warned of"
"""Words of a warning stand beside it. Adverts have them, too ("beware of fakes, write to us", "no fee, write"), so where
nobody gives the contact in other words it is taken as given."""
_NEAR = 25
"""Characters between a negation and the contact behind it: "do not ever write to t.me/…"."""
_CLAUSE_END = re.compile(f"[{CLAUSE_ENDS}]")
_SENTENCE_END = re.compile(r"[.!?؟۔।॥](?=\s)|[。！？]|\n")
_ACCUSES = re.compile(
    r"(?<!\bno )(?<!\bnot )(?<!\bnot a )(?<!\bnever )\b(?:scam(?:s|med|mers?)?|fraud(?:s|sters?)?|fakes?|cheat(?:s|ed|ers?)?|liars?|thie(?:f|ves)"
    r"|traffickers?|criminals?|stole|robbed|deceived|beware|warning|careful|avoid|report(?:ed)? (?:to|this|them|him|her|it))\b",
    re.IGNORECASE,
)


def voices(
    record: Record, contacts: Sequence[Entity], vocabulary: Vocabulary, thread: Thread | None = None
) -> list[str]:
    """Tell for each contact of a record how it is named: `NAMED`, `WARNED`, or empty where the text gives it.

    `thread` is that of the record alone, where it was read already.
    """
    alone = thread or Thread(kind="advert", id=record.id, records=(record,))
    known = next(iter(readings(alone, vocabulary)), None)
    signs = {signal.indicator for signal in asks_or_reports(alone, vocabulary)} if known and known.phrases else set()
    if not signs.isdisjoint(IN_NEED):
        return [NAMED] * len(contacts)
    if signs:
        return [WARNED] * len(contacts)
    denied = _negations(known) if known else ()
    plain = record.text.lower()
    if not denied and not any(stem in plain for stem in _STEMS):
        return [""] * len(contacts)
    return [WARNED if _warned_of(record.text, contact, denied) else "" for contact in contacts]


def _negations(reading: Reading) -> list[int]:
    """Return where negations of any language end in the text."""
    return [reading.back.span(word.start, word.end)[1] for word in reading.words if word.slot == "negation"]


def _warned_of(text: str, contact: Entity, denied: Sequence[int]) -> bool:
    """Whether a negation stands before the contact in its clause, or words that accuse in its sentence."""
    if any(0 <= contact.start - end <= _NEAR and not _CLAUSE_END.search(text, end, contact.start) for end in denied):
        return True
    begin = max((stop.end() for stop in _SENTENCE_END.finditer(text, 0, contact.start)), default=0)
    stop = _SENTENCE_END.search(text, contact.end)
    return _ACCUSES.search(text, begin, stop.start() if stop else len(text)) is not None
