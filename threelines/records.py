"""The five nouns, in the order they flow: Record, Thread, Signal, Assessment, Incident.

Every value is frozen and typed once, where data enters; nobody checks again afterwards.
The JSON form of `Assessment` is the contract of `threelines scan`
(`threelines/findings.schema.json`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar, get_args

import msgspec

Kind = Literal["message", "advert", "profile", "post", "media", "request", "reply", "system"]
"""What a record is. `system` marks joins, calls and notices: kept, never judged."""

ThreadKind = Literal["advert", "conversation", "account", "script", "network", "session"]
"""What is judged together. `session` is a conversation with an AI model."""

Strength = Literal["strong", "medium", "weak", "context"]
"""ILO/EC Delphi strength. `context` explains and never counts."""

Tier = Literal["none", "look", "priority", "urgent"]
"""How soon a person should read it. A tier is a reason to look, never a verdict."""

KINDS: tuple[str, ...] = get_args(Kind)
THREAD_KINDS: tuple[str, ...] = get_args(ThreadKind)
LABELLED_KINDS: tuple[ThreadKind, ...] = ("advert", "conversation", "session")
"""Kinds of thread that a platform's adapter labels: what one record or one talk says."""
TIERS: tuple[str, ...] = get_args(Tier)


EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)
"""A record's time lies from the first to before the second: what is outside was written by a broken clock or to break a
reader, and at the ends of the calendar a time has no form in UTC."""


class ThreelinesError(Exception):
    """The root of every error a user can cause; its text says what, where and the remedy."""

    exit_code = 2
    """What the command line returns when this error ends a run."""


_Decoded = TypeVar("_Decoded", bound=type[msgspec.Struct])


def filled(kind: _Decoded) -> _Decoded:
    """Let msgspec learn the fields of a type now, in the thread that defines it; return the type.

    For every type that requests decode: msgspec 0.22 shows what it knows of a type to other threads before it is filled,
    and two threads that decode a type for the first time end the process.
    """
    msgspec.json.Decoder(kind)
    return kind


class Attachment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that came with a record; the bytes stay where they are."""

    name: str
    """Path or address as the export gives it."""
    media_type: str = ""
    """IANA media type, or empty when the export does not say."""
    hash: str = ""
    """Perceptual or cryptographic hash, `pdq:…` or `sha256:…`, or empty."""


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that somebody said or posted."""

    id: str = ""
    """As the export gives it; readers make one (`file:line`) where it gives none."""
    kind: Kind = "message"
    author: str = ""
    """Account id: pseudonymised at reading unless `--reveal` was asked for."""
    audience: tuple[str, ...] = ()
    """Account ids it was addressed to; empty when it was public or the export does not say."""
    conversation: str = ""
    """As the export gives it; empty for adverts and posts."""
    time: datetime | None = None
    """Always with a zone, from `EARLIEST` to before `LATEST`; an export without a zone is read as UTC."""
    text: str = ""
    """Exactly as written: folding and cleaning never touch it."""
    language: str = ""
    """BCP 47 code as stated by the export; empty when it does not say."""
    attachments: tuple[Attachment, ...] = ()
    label: str = ""
    """A platform's own label, for `threelines fit`; never read by a detector."""
    source: str = ""
    """`file:line` it was read from; of what was read inside a picture, the picture's file."""
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    """Columns of the export that have no name here; kept, written back by `read`."""
    inside: tuple[Record, ...] = ()
    """What was read inside its pictures (`--media`): records of kind `media` that are judged with it, each with a text
    and an id of its own. Nobody posted them, so nothing counts them as something posted."""

    @property
    def held(self) -> tuple[Record, ...]:
        """The record, then what was read inside its pictures."""
        return (self, *self.inside)


filled(Record)  # not as a decorator: it holds records


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged together, in time order."""

    kind: ThreadKind
    id: str
    records: tuple[Record, ...]
    """The records judged."""
    context: tuple[Record, ...] = ()
    """Records by others that are needed to read these (what an account replied to), never judged."""
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    """What was measured before and a detector needs: edges of a network, slots of a script, messages before a window."""

    @property
    def held(self) -> tuple[Record, ...]:
        """All that can be quoted: each record, then what was read inside its pictures, one picture's words once."""
        if not any(record.inside for record in self.records):
            return self.records
        held: list[Record] = []
        pictures: set[str] = set()
        for record in self.records:
            held.append(record)
            held += [part for part in record.inside if part.source not in pictures]
            pictures.update(part.source for part in record.inside)
        return tuple(held)


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """One observation by one detector: `records[record].text[start:end] == quote`, always."""

    indicator: str
    """Id in the vocabulary."""
    record: str
    """Id of the record that shows it."""
    quote: str = ""
    """The words themselves; empty for behaviour that no single text shows."""
    start: int = 0
    end: int = 0
    """Offsets of the quote in the record's text, in characters."""
    strength: Strength = "weak"
    detail: str = ""
    """One sentence in plain words, for the person who decides."""
    detector: str = ""
    """Name of the detector, whose docstring explains it."""
    shadow: bool = False
    """Counted, never raised: an indicator on trial."""


def places_of(signals: Iterable[Signal], records: Sequence[Record]) -> list[int]:
    """Return for each signal the place of the record that shows it: the first of its id with its words; -1 for none.

    An export that numbers messages per chat gives one id to many records, so an id alone does not tell which.
    """
    bearers: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        bearers.setdefault(record.id, []).append(place)
    return [
        next((at for at in bearers.get(s.record, ()) if records[at].text[s.start : s.end] == s.quote), -1)
        for s in signals
    ]


class ThreadRef(msgspec.Struct, frozen=True, kw_only=True):
    """Which thread an assessment speaks of."""

    kind: ThreadKind
    id: str
    records: tuple[str, ...]


class Elements(msgspec.Struct, frozen=True, kw_only=True):
    """Palermo elements for which there is at least one signal, by id in `elements.toml`."""

    act: tuple[str, ...] = ()
    means: tuple[str, ...] = ()
    purpose: tuple[str, ...] = ()


@filled
class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """Signals folded by the rules of judgement: a reason to look, with its reasons."""

    thread: ThreadRef
    concern: float
    """0 to 1. The share of comparable threads that are less concerning, once calibrated."""
    tier: Tier
    ai_use: float
    """0 to 1, apart from concern: AI use alone never raises it (rule 4)."""
    capabilities: tuple[str, ...]
    """The brief's capabilities whose traces were seen, by id in `elements.toml`."""
    support: bool
    """The writer seems to ask for help or to report harm: route to help, not to enforcement."""
    elements: Elements
    signals: tuple[Signal, ...]
    explanation: str = ""
    """Why, in two or three sentences of plain words."""
    labels: dict[str, float] | msgspec.UnsetType = msgspec.UNSET
    """Class probabilities of a platform's adapter (`--adapter`), where one was given; none where it can read no word."""
    facts: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    """Thread facts a reader needs: members and edges of a network, template and slots of a script."""


NO_ANSWER = frozenset({"not_asked", "prefer_not_to_say", "unknown"})
"""Codes of an incident's fields that say that nothing is known: "not asked" is no use of AI."""


def is_whole(text: str) -> bool:
    r"""Whether a text can be written as UTF-8: half a character (`\ud83d` alone, as a cut emoji leaves) cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided and documented. Coded fields only: words stay in the register."""

    id: str
    """Random; never derived from a name, a phone or a record id."""
    fields: dict[str, Any]
    """HTCDS 2.0 and `ai_` fields by name, values from the closed lists."""
    consent: dict[str, str] = msgspec.field(default_factory=dict)
    """Purpose → yes | no | withdrawn. What is not here is no."""
    provenance: dict[str, str] = msgspec.field(default_factory=dict)
    """Form version, role of the worker, interview language, revision."""
