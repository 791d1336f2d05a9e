"""Scripts: what is said of a text that comes again and again, whoever posts it.

Copies alone are ordinary: agencies post an offer again, franchises and charities share a text, friends forward one.
What is less ordinary is that many accounts post it within minutes while only the name or the contact changes.
"""

from __future__ import annotations

from collections.abc import Iterator

from threelines.records import Record, Signal, Thread
from threelines.signals.detector import quoted, reads
from threelines.text.entities import entities
from threelines.vocabulary.terms import Vocabulary

SEVERAL = 3
"""Accounts from which a script is more than a person with two accounts, or a friend who forwards."""
SOON = 3600.0
"""Seconds within which a script by several accounts is one action."""
REWORDED = 0.65
"""Part of the letters in common below which copies are reworded, not filled in."""
_QUOTE = 240


@reads("script")
def same_text_by_many(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """Several accounts post what is the same text, apart from a few places that change."""
    accounts = len(thread.facts.get("accounts", ()))
    if accounts < SEVERAL or "BEH-04" not in vocabulary.indicators:
        return
    yield _whole(
        thread.records[0], "BEH-04", "medium" if _soon(thread) or _contacts(thread) > 1 else "weak",
        f"{thread.facts['copies']} near-copies by {accounts} accounts{_within(thread)}: {_short(thread)} "
        "Agencies that post again and charities do the same.", "same_text_by_many",
    )  # fmt: skip


@reads("script")
def same_text_other_contact(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The same text names another contact or person in each copy, as if one writer had many names."""
    accounts, contacts = len(thread.facts.get("accounts", ())), _contacts(thread)
    if accounts < SEVERAL or contacts < SEVERAL or "BEH-14" not in vocabulary.indicators:
        return
    yield _whole(
        thread.records[0], "BEH-14", "weak",
        f"{accounts} accounts use one text with {contacts} different handles, numbers or links in it. "
        "Branches of one company have different contacts, too.", "same_text_other_contact",
    )  # fmt: skip


@reads("script")
def posted_as_one(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """Several accounts post one text within the hour, as one hand would."""
    accounts = len(thread.facts.get("accounts", ()))
    if accounts < SEVERAL or not _soon(thread) or "BEH-09" not in vocabulary.indicators:
        return
    yield _whole(
        thread.records[-1], "BEH-09", "medium" if accounts > SEVERAL else "weak",
        f"{accounts} accounts posted it{_within(thread)}. Company teams and fan clubs act together, too.",
        "posted_as_one",
    )  # fmt: skip


@reads("script")
def reworded_for_each(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The same message is put in other words from copy to copy, which a machine does without effort."""
    facts = thread.facts
    if facts.get("copies", 0) < 5 or facts.get("kept", 1.0) > REWORDED or "AI-11" not in vocabulary.indicators:
        return
    if "languages" in facts:  # of course its letters differ
        return
    if len(facts["accounts"]) < 2 and facts["talks"] < SEVERAL:
        return
    yield _whole(
        thread.records[0], "AI-11", "weak",
        f"{facts['copies']} copies keep {facts['kept']:.0%} of their letters in common: {_short(thread)} "
        "People who write the same thing often reword it, too.", "reworded_for_each",
    )  # fmt: skip


@reads("script")
def same_text_in_languages(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The same text is posted in several languages: translated, not only copied."""
    languages = thread.facts.get("languages", ())
    if len(languages) < 2 or "AI-04" not in vocabulary.indicators:
        return
    yield _whole(
        thread.records[0], "AI-04", "context",
        f"Scripts in {len(languages)} languages ({', '.join(languages)}) say the same, by {len(thread.facts['accounts'])} "
        "accounts. An encoder found it; a person who reads the languages should. Agencies and charities translate, too.",
        "same_text_in_languages",
    )  # fmt: skip


def _whole(record: Record, indicator: str, strength: str, detail: str, detector: str) -> Signal:
    """Quote the start of a record."""
    end = min(len(record.text), _QUOTE)
    return quoted(record, 0, end, indicator=indicator, strength=strength, detail=detail, detector=detector)  # type: ignore[arg-type]


def _contacts(thread: Thread) -> int:
    """Count the different contacts in the places that change."""
    values = {value for slot in thread.facts.get("slots", ()) for value in slot}
    kinds = ("handle", "phone", "link", "email")
    return len({entity.value for value in values for entity in entities(value, money=False) if entity.kind in kinds})


def _soon(thread: Thread) -> bool:
    """Whether all was posted within the hour; not so where times are not known."""
    seconds = thread.facts["seconds"]
    return seconds is not None and seconds <= SOON


def _within(thread: Thread) -> str:
    seconds = thread.facts["seconds"]
    if seconds is None:
        return ""
    if seconds < 1:
        return " within a second"
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= 2 * size or size == 1:
            return f" within {round(seconds / size)} {unit}s"
    return ""


def _short(thread: Thread) -> str:
    text = str(thread.facts.get("template", ""))
    return f"“{text[:200]}…”." if len(text) > 200 else f"“{text}”."
