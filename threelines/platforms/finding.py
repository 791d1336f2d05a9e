"""What a finding, an item and a verdict are; how a finding is placed in the queue."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

import msgspec

from threelines.records import LABELLED_KINDS, Assessment, Record, filled, places_of
from threelines.vocabulary.terms import Vocabulary

Decision = Literal["no_concern", "watch", "support", "refer", "remove"]
Stage = Literal["open", "second", "split", "appeal", "done", "training"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

REASONS: dict[str, str] = {
    "signs_together": "Several published signs come together",
    "control": "Words of control: threat, debt, kept documents",
    "child": "A child seems to be concerned",
    "coordinated": "Accounts act together",
    "help": "Somebody asks for help or reports harm",
    "honest": "An honest offer or an ordinary talk",
    "quoted": "Quotation, report, joke or study",
    "too_little": "Too little to say",
    "house_rule": "Against the platform's own rule",
}
"""Why, as a code: what is counted later must not be free text."""
NEEDS_REASON: tuple[Decision, ...] = ("refer", "remove")

HARM_PER_DAY = 0.25
"""What a day of waiting adds to the order: the weakest finding passes the gravest in about two weeks."""
_TIER_HARM = {"none": 0.0, "look": 1.0, "priority": 2.0, "urgent": 3.0}


@filled
class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer needs on one screen, as it is sealed."""

    assessment: Assessment
    records: tuple[Record, ...]
    context: tuple[Record, ...] = ()
    language: str = ""
    """BCP 47, empty when unknown."""
    child: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A finding's codes: what the queue shows without opening it."""

    id: str
    item: str
    kind: str
    tier: str
    concern: float
    ai_use: float
    support: bool
    child: bool
    language: str
    stage: Stage
    decision: str
    created: str


class Removed(NamedTuple):
    """A finding that was finally decided to be removed."""

    row: Row
    reason: str
    """A code of REASONS: of the decision that stands."""
    time: str
    """When that was decided, ISO 8601 in UTC."""
    indicators: tuple[str, ...]


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """All waiting findings of one account."""

    id: str
    language: str
    created: str
    findings: tuple[Row, ...]
    lease_by: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says about a finding."""

    decision: Decision
    reason: str = ""
    note: str = ""
    seconds: int = 0
    """How long the finding was on the screen, for the wellbeing figures only."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A finding with its content, for the person who holds its item."""

    row: Row
    finding: Finding
    beside: tuple[str, ...] = ()
    """Findings of the same account that wait for this person, gravest first."""
    seen: tuple[int, int] = (0, 0)
    """How many this person had on screen today, and how many urgent ones."""
    typed: Verdict | None = None
    """What this person had said here and took back."""


def harm(finding: Finding) -> float:
    """Return the expected harm that orders the queue: tier first, then concern; children and help next.

    About 1 to 5. An ordering for people's time, not a measure of harm.
    """
    judged = finding.assessment
    extra = (1.0 if finding.child else 0.0) + (0.5 if judged.support else 0.0)
    return round(_TIER_HARM[judged.tier] + 0.5 * judged.concern + extra, 4)


def is_child(assessment: Assessment, vocabulary: Vocabulary) -> bool:
    """Say whether a signal is one of the red lines for children (rule 3)."""
    known = vocabulary.indicators
    return any(s.indicator in known and known[s.indicator].child for s in assessment.signals)


def account_of(finding: Finding) -> str:
    """Name whose conduct is judged: the account, else the author of most signals, else the thread itself."""
    thread = finding.assessment.thread
    if thread.kind in ("network", "script"):
        return f"{thread.kind}\0{thread.id}"
    if thread.kind == "account":
        return thread.id
    places = places_of(finding.assessment.signals, finding.records)
    speakers = [finding.records[place].author for place in places if place >= 0]
    named = sorted({name for name in speakers if name}, key=lambda name: (-speakers.count(name), name))
    return named[0] if named else f"{thread.kind}\0{thread.id}"


def name_of(finding: Finding) -> str:
    """Return what a finding's thread is called from one upload to the next.

    An export often numbers its rows anew each day. So the author is part of the name of a record that stands alone, and
    one that has no id of its own (its place in the file stands for it) is named by what it says.
    """
    thread = finding.assessment.thread
    alone = [record for record in finding.records if record.id == thread.id and not record.conversation]
    named = _lasting(alone[0]) if alone and thread.kind in LABELLED_KINDS else thread.id
    return f"{thread.kind}\0{named}"


def _lasting(record: Record) -> str:
    if record.id != record.source:
        return f"{record.id}\0{record.author}"
    attached = [(one.name, one.hash) for one in record.attachments]
    return msgspec.json.encode([record.author, record.time, record.text, attached]).decode()


def digest(finding: Finding) -> str:
    """Return what was seen, words included: the same signs in the same records have the same one. To be kept under a key only."""
    held = {part.id: _lasting(part) for record in (*finding.context, *finding.records) for part in record.held}
    judged = finding.assessment
    shown = sorted((s.indicator, held.get(s.record, s.record), s.start, s.end, s.quote) for s in judged.signals)
    return msgspec.json.encode([judged.tier, shown]).decode()
