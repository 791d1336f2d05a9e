"""Networks: what is said of accounts that are tied to one another more than chance explains.

Being tied is not wrong: teams, families, fan clubs and campaigns are networks, too. What ties the accounts is shown,
with how likely it is by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from threelines.records import Record, Signal, Strength, Thread
from threelines.signals.detector import quoted, reads
from threelines.signals.naming import cautions
from threelines.text.entities import Entity, entities
from threelines.vocabulary.terms import Vocabulary

_SAID = {
    "handle": "handle", "phone": "phone number", "email": "e-mail address", "link": "link", "script": "text",
    "photo": "picture", "mention": "name they mention", "timing": "moment of posting",
}  # fmt: skip
_QUOTE = 240
_ALIKE = (
    "An office shares its contact, too.",
    "So many make it public, so it ties nobody by itself: a firm, a shop or a public office is given as widely.",
)
_DOUBT = "Adverts have such words, too; whoever warns with them is no part of this. Read them."


@reads("network")
def tied_accounts(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """Accounts share contacts, texts, pictures or moments more often than their activity explains."""
    edges: list[dict[str, Any]] = thread.facts.get("edges", [])
    if not edges or not thread.records or "BEH-09" not in vocabulary.indicators:
        return
    kinds = sorted({kind for edge in edges for kind in edge["kinds"]} - {"timing"})
    strength: Strength = "medium" if len(kinds) > 1 or len(thread.facts["members"]) > 3 else "weak"
    said = ", ".join(f"the same {_SAID[kind]}" for kind in kinds) or "the same moments of posting"
    detail = (
        f"{len(thread.facts['members'])} accounts are tied by {said}; for the strongest tie the probability by chance "
        f"is {edges[0]['p']:.0e}, with {thread.facts['tested']} pairs compared. Company teams and fan clubs look alike."
    )
    record, start, end = _evidence(thread, edges[0])
    yield quoted(
        record, start, end, indicator="BEH-09", strength=strength, detail=detail, detector="tied_accounts"
    )  # fmt: skip


@reads("network")
def one_contact_many_accounts(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """One handle or number is given by several accounts as their own; words beside it that may warn are shown."""
    held = [item for item in thread.facts.get("items", ()) if item[0] in ("handle", "phone", "email") and item[2] > 2]
    if not held or "BEH-14" not in vocabulary.indicators:
        return
    kind, value, accounts = held[0]
    places = [
        (record, entity)
        for record in thread.records
        for entity in entities(record.text, thread.facts.get("region"), money=False)
        if entity.kind == kind and entity.account == value
    ]
    if not places:
        return
    beside = _beside(places, vocabulary)
    record, first = places[0]
    yield quoted(
        record, first.start, first.end, indicator="BEH-14", strength="weak",
        detail=f"{accounts} accounts give the same {_SAID[kind]}. {_ALIKE[not thread.facts['ties']]}{_may_warn(beside)}{_named_by(thread)}",
        detector="one_contact_many_accounts",
    )  # fmt: skip
    for record, start, end in _each_wording(beside):
        yield quoted(
            record, start, end, indicator="BEH-14", strength="context", detail=f"Written beside the {_SAID[kind]}. {_DOUBT}",
            detector="one_contact_many_accounts",
        )  # fmt: skip


@reads("network")
def same_texts_in_network(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The tied accounts post near-copies of the same texts."""
    scripts = [item for item in thread.facts.get("items", ()) if item[0] == "script"]
    if not scripts or not thread.records or "BEH-04" not in vocabulary.indicators:
        return
    strength: Strength = "medium" if len(scripts) > 1 else "weak"
    record = thread.records[0]
    yield quoted(
        record, 0, min(len(record.text), _QUOTE), indicator="BEH-04", strength=strength,
        detail=f"The tied accounts share {len(scripts)} text{'s' if len(scripts) > 1 else ''}, the most used of them by "
        f"{scripts[0][2]} accounts. Agencies that post again do the same.", detector="same_texts_in_network",
    )  # fmt: skip


@reads("network")
def praise_posted_together(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """New accounts that say little else write about one name at the same time, each in other words."""
    facts = thread.facts
    if "about" not in facts or "AI-18" not in vocabulary.indicators:
        return
    days = max(1, round(facts["seconds"] / 86_400))
    for record in thread.records:
        start, end = facts["spans"].get(record.id, (0, 0))
        if start < end:
            yield quoted(
                record, start, end, indicator="AI-18", strength="medium",
                detail=f"{len(facts['members'])} accounts that appeared lately and post little else write about "
                f"“{facts['about']}” within {days} day{'s' if days > 1 else ''} ({facts['others']} other accounts name it). "
                "Whether it is praise was not read. Real campaigns and groups of former pupils look alike.",
                detector="praise_posted_together",
            )  # fmt: skip
            return


_Words = tuple[Record, int, int]


def _beside(places: Sequence[tuple[Record, Entity]], vocabulary: Vocabulary) -> list[_Words]:
    """Return the words that may warn beside the contact, each with its record."""
    found = [(record, cautions(record, contact, vocabulary)) for record, contact in places]
    return [(record, *span) for record, span in found if span is not None]


def _each_wording(beside: Sequence[_Words]) -> Iterable[_Words]:
    """Return the first of those that say the same: a stock phrase is shown once."""
    said: dict[str, _Words] = {}
    for record, start, end in beside:
        said.setdefault(record.text[start:end].lower(), (record, start, end))
    return said.values()


def _may_warn(beside: Sequence[_Words]) -> str:
    accounts = len({record.author for record, _, _ in beside})
    if not accounts:
        return ""
    return f" {accounts} of them write{'s' if accounts == 1 else ''} words beside it that may warn. {_DOUBT}"


def _named_by(thread: Thread) -> str:
    others = len(thread.facts.get("named_by", ()))
    if not others:
        return ""
    return f" {others} more only name{'s' if others == 1 else ''} it, to tell of harm, report or ask for help, and {'is' if others == 1 else 'are'} no part of this."


def _evidence(thread: Thread, edge: dict[str, Any]) -> tuple[Record, int, int]:
    """Find the record that shows the strongest tie, and in it the shared contact if there is one."""
    shown = {record.id: record for record in thread.records}
    record = next((shown[name] for name in edge["records"] if name in shown), thread.records[0])
    shared = {item[1] for item in thread.facts.get("items", ())}
    for entity in entities(record.text, thread.facts.get("region"), money=False):
        if entity.account in shared:
            return record, entity.start, entity.end
    return record, 0, min(len(record.text), _QUOTE)
