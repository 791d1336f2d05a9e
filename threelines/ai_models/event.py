"""What goes into the guard and what comes out: an event, the deployer's policy, a decision."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from threelines.ai_models.memory import ORDER_OF_ACTIONS, Action, Seen, SessionState
from threelines.records import Tier, filled


@filled
class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a model, or one reply of it."""

    text: str
    session: str = ""
    """Empty where the gateway gives none: then the account is the unit, and without that the event alone."""
    account: str = ""
    kind: Literal["request", "reply"] = "request"
    time: float | None = None
    """Seconds since 1970; now where it is not given."""

    def __post_init__(self) -> None:
        if self.kind not in ("request", "reply"):
            raise ValueError(f"kind {self.kind!r}: an event is a request or a reply")
        if not (self.time is None or isinstance(self.time, int | float)):
            raise ValueError(f"time {self.time!r}: give seconds since 1970")

    @property
    def named(self) -> bool:
        """Whether it belongs to a session or an account."""
        return bool(self.session or self.account)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now, and everything it rests on."""

    action: Action
    concern: float
    tier: Tier
    signals: tuple[Seen, ...]
    explanation: str
    session_state: SessionState
    policy_id: str
    policy_version: str
    status: str = "ok"
    """`ok`, `truncated`, or `error: …` (then the action is the policy's `on_error`)."""
    message: str = ""
    """What to answer: help with `support`, a refusal with `block`."""


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A helpline whose number the deployer has dialled and confirmed, in one line."""

    text: str
    languages: tuple[str, ...] = ()
    """In which it answers; none where that is not known."""
    until: float = math.inf
    """Seconds since 1970 at which the confirmation ends: then it is not shown."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployer decides."""

    on_error: Action = "block"
    """Fail closed; `review` lets the request pass and says so."""
    block_unreviewed: bool = False
    """Let words that no speaker has checked block as well (rule 8 says: not before somebody has)."""
    block_at: float = 0.0
    """Block at this concern or above, in place of the rule, which is 0 (docs/first-line.md has what it gives). What no speaker
    has checked, and what is only told, still blocks nothing by itself."""

    contacts: tuple[Contact, ...] = ()
    """Shown below help."""

    def lines(self, language: str, now: float) -> list[str]:
        """Return the contacts that still stand: those that answer in the language, all where none does."""
        stand = [one for one in self.contacts if now < one.until]
        spoken = [one for one in stand if language.partition("-")[0] in one.languages]
        return [one.text for one in spoken or stand]

    def __post_init__(self) -> None:
        if self.on_error not in ORDER_OF_ACTIONS or not 0.0 <= self.block_at <= 1.0:
            raise ValueError(f"on_error must be one of {', '.join(ORDER_OF_ACTIONS)}, block_at between 0 and 1")
