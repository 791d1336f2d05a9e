"""Contacts that a text names and does not give: its writer tells of harm, asks for help against it, or reports."""

from __future__ import annotations

import re

from threelines.records import Record, Signal, Thread
from threelines.signals.negation import CLAUSE_ENDS
from threelines.signals.reading import Reading, readings
from threelines.signals.support import asks_or_reports
from threelines.text.entities import Entity
from threelines.vocabulary.terms import IN_NEED, Vocabulary

_HELPS = "SUP-05"
_REPORTS = re.compile(r"\b(?:report|survivor|victim)", re.IGNORECASE)
"""Of the words of those who help, the ones that no advert has: "my client is hiring" and "I am a lawyer" are in adverts."""
_NEAR = 25
"""Characters between a negation and the contact behind it: "do not ever write to t.me/…"."""
_CLAUSE_END = re.compile(f"[{CLAUSE_ENDS}]")
_SENTENCE_END = re.compile(r"[.!?؟۔।॥](?=\s)|[。！？]|\n")
_ACCUSES = re.compile(
    r"(?<!\bno )(?<!\bnot )(?<!\bnot a )(?<!\bnever )\b(?:scam(?:s|med|mers?)?|fraud(?:s|sters?)?|fakes?|cheat(?:s|ed|ers?)?|liars?|thie(?:f|ves)"
    r"|traffick(?:ers?|ing)|criminals?|stole|robbed|deceived|beware|warn(?:s|ed|ing)?|careful|avoid|report(?:s|ed|ing)?|police)\b",
    re.IGNORECASE,
)


def only_names(record: Record, vocabulary: Vocabulary, thread: Thread | None = None) -> bool:
    """Whether the writer only names the contacts in a record: tells of harm, asks to get out, or reports.

    Words that warn do not say so: adverts have them in every language ("do not hesitate to write", "no fee", "beware of
    fake agents"); see `cautions`. `thread` is that of the record alone, where it was read already.
    """
    alone = thread or _alone(record)
    known = next(iter(readings(alone, vocabulary)), None)
    return bool(known and known.phrases) and any(map(_of_need, asks_or_reports(alone, vocabulary)))


def cautions(record: Record, contact: Entity, vocabulary: Vocabulary) -> tuple[int, int] | None:
    """Return the span of words that may warn of a contact of the record, for a person to read; None without any.

    They are a sign of support, English words that accuse in its sentence, or a negation of any language ahead of it in
    its clause. Whether they warn of it is not known.
    """
    alone, text = _alone(record), record.text
    sign = next((sign for sign in asks_or_reports(alone, vocabulary) if sign.record == record.id), None)
    if sign is not None:
        return sign.start, sign.end
    begin = max((stop.end() for stop in _SENTENCE_END.finditer(text, 0, contact.start)), default=0)
    stop = _SENTENCE_END.search(text, contact.end)
    accused = _ACCUSES.search(text, begin, stop.start() if stop else len(text))
    if accused is not None:
        return accused.span()
    known = next(iter(readings(alone, vocabulary)), None)
    return _denied(known, text, contact) if known else None


def _alone(record: Record) -> Thread:
    return Thread(kind="advert", id=record.id, records=(record,))


def _of_need(sign: Signal) -> bool:
    """Whether a sign of support says that its writer is in need, or reports."""
    return sign.indicator in IN_NEED or (sign.indicator == _HELPS and _REPORTS.search(sign.quote) is not None)


def _denied(reading: Reading, text: str, contact: Entity) -> tuple[int, int] | None:
    """Return the span from the first negation near the contact up to it, in one clause."""
    for word in reading.slot("negation"):
        start, end = reading.back.span(word.start, word.end)
        between = text[end : contact.start]
        if 0 <= contact.start - end <= _NEAR and not _CLAUSE_END.search(between):
            return start, end + len(between.rstrip())
    return None
