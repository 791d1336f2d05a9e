"""Entities of a text, with spans in the original: phones, handles, links, e-mail, money.

Digits and letters are compared after folding (full width, other scripts' digits, look-alikes, invisible
marks), so a number that is broken up with zero-width spaces is found, and its span covers them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal

import msgspec

from threelines.text._contacts import Contact, Named, around, deep_links, emails, handles, links, mentions, named
from threelines.text._money import Sum, sums
from threelines.text._phones import phones
from threelines.text.fold import FOLDED, plain_form

EntityKind = Literal["phone", "handle", "messenger", "link", "email", "money"]
"""`handle` is an account or invitation on a messenger; `messenger` is its bare name."""


class Entity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something in a text that can be compared across texts: `text[start:end]` is how it was written."""

    kind: EntityKind
    value: str
    """Normalised: E.164 or digits, handle in lower case, host and path, address, `low-high CUR/period`."""
    start: int
    end: int
    app: str = ""
    """Messenger of a handle, or named beside a phone number; empty when the text does not say."""
    host: str = ""
    """Host of a link, without `www.`."""
    amount_low: float = 0.0
    amount_high: float = 0.0
    currency: str = ""
    """ISO 4217, or empty when the text does not say."""
    period: str = ""
    """hour, day, week, month, year or task; empty when the text does not say."""

    @property
    def account(self) -> str:
        """`app/value` of a handle whose messenger is known: elsewhere the same name is somebody else's. Else the value."""
        return f"{self.app}/{self.value}" if self.kind == "handle" and self.app else self.value


_DIGIT = re.compile("[0-9]")
_HINT = re.compile(r"[0-9@.\[(:](?:(?<=[0-9@])|(?<=[a-z\])][.\[(])[a-z.\[]|(?<=:)//|(?<=[\[(]) ?(?:at|dot) ?[\])])")
"""Each choice begins with one of few letters: a text without them is passed over at the speed of one look at each."""


def entities(text: str, region: str | None = None, *, money: bool = True) -> tuple[Entity, ...]:
    """Return the entities of a text in order, none overlapping another.

    `region` (ISO 3166) is the country in which numbers without a country code are read. Without `money` the sums are
    left out; the rest is the same.
    """
    plain = plain_form(text)
    messengers = named(plain)
    if not messengers and not _HINT.search(plain):
        return ()
    found = _without_overlaps(_found(plain, text, messengers, region=region, money=money))
    if not money:
        found = [entity for entity in found if entity.kind != "money"]
    if not found:
        return ()
    origins = None if text.isascii() and len(text) == len(plain) else _origins(text)
    if origins is None:
        return tuple(found)
    return tuple(_apart(_mapped(entity, origins, text) for entity in found))


def _found(plain: str, text: str, messengers: list[Named], *, region: str | None, money: bool) -> Iterator[Entity]:
    """Yield everything that was found, the surest kinds first."""
    yield from map(_contact, emails(plain))
    if "." in plain or "://" in plain or ":" in plain or "[dot]" in plain:
        yield from map(_contact, deep_links(plain))
        written = text if len(text) == len(plain) else plain
        yield from map(_contact, links(plain, written))
    yield from map(_contact, handles(plain, messengers))
    digits = _DIGIT.search(plain) is not None
    rest = list(_phones(plain, messengers, region)) if digits else []
    rest += map(_contact, mentions(plain, messengers))
    if digits and (money or any(_DIGIT.search(one.value) for one in rest)):  # a sum goes before what overlaps it
        yield from map(_sum, sums(plain))
    yield from rest


def _phones(plain: str, messengers: list[Named], region: str | None) -> Iterator[Entity]:
    for start, end, value in phones(plain, region):
        near = [name.app for name in around(messengers, start, 24) if name.end <= start <= name.end + 24]
        yield Entity(kind="phone", value=value, start=start, end=end, app=near[-1] if near else "")


def _sum(one: Sum) -> Entity:
    return Entity(
        kind="money", value=_written_sum(one.low, one.high, one.currency, one.period), start=one.start, end=one.end,
        amount_low=one.low, amount_high=one.high, currency=one.currency, period=one.period,
    )  # fmt: skip


def _contact(found: Contact) -> Entity:
    kind: EntityKind = found.kind  # type: ignore[assignment]
    return Entity(kind=kind, value=found.value, start=found.start, end=found.end, app=found.app, host=found.host)


def _written_sum(low: float, high: float, currency: str, period: str) -> str:
    amount = _number(low) if low == high else f"{_number(low)}-{_number(high)}"
    return f"{amount} {currency}".rstrip() + (f"/{period}" if period else "")


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _without_overlaps(found: Iterator[Entity]) -> list[Entity]:
    kept: list[Entity] = []
    starts: list[int] = []
    for entity in found:
        at = bisect_right(starts, entity.start)
        free = (at == 0 or kept[at - 1].end <= entity.start) and (at == len(kept) or entity.end <= starts[at])
        if free and entity.start < entity.end:
            kept.insert(at, entity)
            starts.insert(at, entity.start)
    return kept


def _origins(text: str) -> list[int] | None:
    """Return the index in the text of each letter of its plain form, None when they are the same."""
    widths = list(map(len, map(FOLDED.__getitem__, map(ord, text))))
    if set(widths) == {1}:
        return None
    return [index for index, width in enumerate(widths) for _ in range(width)]


def _apart(found: Iterator[Entity]) -> Iterator[Entity]:
    """Drop an entity that starts inside the letter on which the last one ends (`¼` is three letters folded)."""
    end = 0
    for entity in found:
        if entity.start >= end:
            end = entity.end
            yield entity


def _mapped(entity: Entity, origins: list[int], text: str) -> Entity:
    """Move a span back to the original; marks that belong to its last letter come along."""
    start, end = origins[entity.start], origins[entity.end - 1] + 1
    while end < len(text) and not FOLDED[ord(text[end])]:
        end += 1
    return msgspec.structs.replace(entity, start=start, end=end)
