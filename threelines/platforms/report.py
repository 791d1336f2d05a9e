"""The report for a person: one self-contained page, readable offline, printable, by keyboard.

For each thread: what was seen (the words), which indicator and source, what innocent explanation
there is, what to do next, what must not be done.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from itertools import count
from typing import Any

import jinja2
import msgspec

from threelines.assess import SUPPORT
from threelines.platforms.picture import network_picture
from threelines.records import TIERS, Assessment, Signal
from threelines.vocabulary.terms import INFORMS, Indicator, Vocabulary

SHOWN = 200
"""Findings written out in full; the rest is counted, and stands in the findings file."""
_AROUND = 160
"""Characters of context on either side of a quote."""
_TITLES = {
    "urgent": "Urgent: read today",
    "priority": "Priority: read this week",
    "look": "Look: read when you can",
    "none": "No concern raised",
}
_KINDS = {
    "advert": "Advert", "conversation": "Conversation", "account": "Account", "script": "Text used by several accounts",
    "network": "Accounts tied together", "session": "Session with an AI model",
}  # fmt: skip
_STEPS = {
    "urgent": "Have two people read the whole thread today. If somebody may be in danger, follow your duty to notify.",
    "priority": "Read the whole thread, not only the quotes. Ask a colleague for a second look before you decide.",
    "look": "Read the whole thread. Most threads at this level turn out to be ordinary.",
    "none": "Nothing is asked of you.",
}
_SUPPORT_STEP = (
    "Offer help first: point to a confirmed helpline, ask nothing that is not needed, and do not act on the account."
)


class Report:
    """Collects findings while a scan runs; memory holds at most `SHOWN` of them."""

    def __init__(self, vocabulary: Vocabulary, *, inputs: tuple[str, ...]) -> None:
        self._vocabulary, self._inputs = vocabulary, inputs
        self._kept: list[tuple[tuple[int, bool, float], int, Assessment, dict[str, str]]] = []
        self._order = count()
        self.tiers: dict[str, int] = dict.fromkeys(reversed(TIERS), 0)
        self._helped: dict[str, bool] = {}
        """Text with a word of support → whether it may need help; a text is in several threads, and counts once."""

    def add(self, assessment: Assessment, texts: dict[str, str]) -> None:
        """Keep the finding if it is among the most concerning so far."""
        self.tiers[assessment.tier] += 1
        for signal in assessment.signals:
            sign = self._vocabulary.indicators[signal.indicator]
            if sign.category == SUPPORT and not signal.shadow:
                self._helped[signal.record] = self._helped.get(signal.record, False) or sign.id not in INFORMS
        rank = (TIERS.index(assessment.tier), assessment.support, assessment.concern)
        entry = (rank, -next(self._order), assessment, texts)
        if len(self._kept) < SHOWN:
            heapq.heappush(self._kept, entry)
        else:
            heapq.heappushpop(self._kept, entry)

    @property
    def support(self) -> int:
        """How many texts ask, plead or tell."""
        return sum(self._helped.values())

    @property
    def informs(self) -> int:
        """How many texts only warn, report or write to help."""
        return len(self._helped) - self.support

    def top(self) -> list[Assessment]:
        """Return the kept findings, the most concerning first."""
        return [assessment for _, _, assessment, _ in sorted(self._kept, key=lambda entry: entry[:2], reverse=True)]

    def page(self, *, judged: dict[str, int], notes: tuple[str, ...] = (), unread: tuple[str, ...] = ()) -> str:
        """Return the whole page as HTML; `unread` says what was not read, so that silence is not taken for all clear."""
        ordered = sorted(self._kept, key=lambda entry: entry[:2], reverse=True)
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        source = (files("threelines") / "platforms" / "report.html").read_text(encoding="utf-8")
        return environment.from_string(source).render(
            inputs=self._inputs, judged=judged, tiers=self.tiers, support=self.support, informs=self.informs, notes=notes, unread=unread,
            titles=_TITLES, kinds=_KINDS, raised=sum(self.tiers[tier] for tier in TIERS[1:]),
            findings=[self._finding(number, assessment, texts) for number, (_, _, assessment, texts) in enumerate(ordered, 1)],
            left_out=sum(self.tiers.values()) - len(ordered), version=self._vocabulary.version,
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )  # fmt: skip

    def _finding(self, number: int, assessment: Assessment, texts: dict[str, str]) -> dict[str, Any]:
        facts = assessment.facts if isinstance(assessment.facts, dict) else {}
        elements = self._vocabulary.elements
        return {
            "assessment": assessment,
            "signs": list(self._signs(assessment.signals, texts)),
            "elements": [
                (kind, [elements[kind][value] for value in getattr(assessment.elements, kind)])
                for kind in ("act", "means", "purpose")
            ],
            "capabilities": [elements["capability"][name]["label"] for name in assessment.capabilities],
            "step": _SUPPORT_STEP if assessment.support else _STEPS[assessment.tier],
            "picture": network_picture(facts, name=f"network-{number}") if assessment.thread.kind == "network" else "",
            "template": facts.get("template", ""),
        }

    def _signs(self, signals: tuple[Signal, ...], texts: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Group the signals by indicator: one explanation, all the places."""
        by_indicator: dict[str, list[Signal]] = {}
        for signal in signals:
            by_indicator.setdefault(signal.indicator, []).append(signal)
        for name, found in by_indicator.items():
            indicator: Indicator = self._vocabulary.indicators[name]
            yield {
                "indicator": indicator,
                "strength": found[0].strength,
                "details": list(
                    dict.fromkeys(s.detail for s in found if s.detail.rstrip(".") not in ("", indicator.name))
                )[:3],
                "places": [_in_context(signal, texts.get(signal.record, "")) for signal in found[:3] if signal.quote],
                "more": max(0, len(found) - 3),
            }


def _in_context(signal: Signal, text: str) -> dict[str, str]:
    """Return the quote with the words around it; the quote alone where the text was not kept."""
    if text[signal.start : signal.end] != signal.quote:
        return {"before": "", "quote": signal.quote, "after": "", "record": signal.record}
    first = max(0, signal.start - _AROUND)
    return {
        "before": ("…" if first else "") + text[first : signal.start],
        "quote": signal.quote,
        "after": text[signal.end : signal.end + _AROUND] + ("…" if signal.end + _AROUND < len(text) else ""),
        "record": signal.record,
    }


def decode(line: bytes) -> Assessment:
    """Read one line of a findings file."""
    return msgspec.json.decode(line, type=Assessment)
