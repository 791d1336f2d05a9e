"""What the guard remembers of a session and of an account: signs and sums, never texts; and how it fades."""

from __future__ import annotations

from typing import Literal

import msgspec

from threelines.records import Strength, filled

Action = Literal["allow", "support", "review", "block"]
"""`support`: answer with help. `review`: answer, and let a person read the session. `block`: do not answer."""

AGES = 40
"""Turns after which a sign counts one step less; after twice as many it is forgotten."""
HALF_LIFE = 3 * 86_400.0
"""Seconds after which what an account asked in earlier sessions counts half."""
CARRIED = 0.6
"""What an account's earlier sessions count beside the session itself."""

DIGEST = 6
"""Bytes of a request's hash."""
READ_KEPT, REFUSED_KEPT = 512, 16
"""Requests of which a hash is remembered."""

# What an account asked in earlier sessions, and what is told without ordering anything, weighs one step less.
LOWER: dict[Strength, Strength] = {"strong": "medium", "medium": "weak", "weak": "context", "context": "context"}
ORDER_OF_ACTIONS: tuple[Action, ...] = ("allow", "support", "review", "block")
RANK: dict[Strength, int] = {"context": 0, "weak": 1, "medium": 2, "strong": 3}


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One sign with its turn. `reviewed` is false for words that no speaker has checked yet."""

    turn: int
    """From 1; 0 for an earlier session of the account."""
    indicator: str
    name: str
    quote: str
    start: int
    end: int
    strength: Strength
    detail: str
    look_alikes: str
    reviewed: bool = True
    ordered: bool = True
    """Whether it stood in a request that orders something: what is only told never helps to block."""
    framed: bool = False
    """Whether it stood in a tale, a report or in what is kept as its owner wishes: helps to block only where that is delivered."""

    @property
    def blocks(self) -> bool:
        """Whether it may help to block."""
        return self.reviewed and self.ordered


@filled
class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of a session, without its texts."""

    turns: int = 0
    replies: int = 0
    steps: tuple[str, ...] = ()
    """Persona, offer, translation, move: in the order they were asked for."""
    languages: tuple[str, ...] = ()
    """Languages that translations were asked into."""
    support: bool = False
    action: Action = "allow"
    """Of the last request."""
    blocked: int = 0
    seen: dict[str, Seen] = {}
    """The first of each sign, by indicator."""
    like: tuple[float, ...] = ()
    """Evidence of the most telling requests, highest first; it fades from turn to turn."""
    near: float = 0.0
    """Requests near the subject, as `likeness.Tally` counts them."""
    tasks: tuple[str, ...] = ()
    """Steps as the small readers name them, in order: they know more wordings than the phrases, and never block."""
    told: tuple[str, ...] = ()
    """Tasks in which a telling request stood."""
    last: float = 0.0
    read: bytes = b""
    """Keyed hashes of the last requests that were read, `DIGEST` bytes each: a history that comes again is not read again."""
    refused: bytes = b""
    """The same of those that were not to be answered."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What an account's other session adds to the present one."""

    session: str
    when: float
    like: tuple[float, ...] = ()
    near: float = 0.0
    tasks: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


@filled
class AccountState(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of an account, without its texts."""

    seen: dict[str, tuple[float, str, Seen]] = {}
    """Each sign at its clearest: when a session last held it, and the session in which it was that clear."""
    past: tuple[Past, ...] = ()


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """An account's other sessions, as they count now."""

    seen: dict[str, Seen] = {}
    """Signs, one step weaker."""
    past: tuple[Past, ...] = ()
    """Oldest first, with faded evidence."""


def aged(seen: Seen | None, turn: int) -> Seen | None:
    """Return a sign one step weaker when it is old, and not at all when it is very old."""
    if seen is None or turn - seen.turn <= AGES:
        return seen
    if turn - seen.turn > 2 * AGES:
        return None
    return msgspec.structs.replace(seen, strength=LOWER[seen.strength])


def clearer(known: Seen | None, new: Seen) -> Seen:
    """Keep the first of a sign, unless the new one is stronger, or may help to block where the first may not or was framed."""
    if known is None or _helps(new) > _helps(known):
        return new
    return new if RANK[new.strength] > RANK[known.strength] and _helps(new) >= _helps(known) else known


def _helps(seen: Seen) -> tuple[bool, bool]:
    """Return whether a sign may help to block, and whether it does so without a delivery as well."""
    return seen.blocks, not seen.framed


def merged(seen: dict[str, Seen], new: dict[str, Seen], turn: int) -> dict[str, Seen]:
    """Return the signs of a session with those of its newest turn."""
    return {**seen, **{name: clearer(aged(seen.get(name), turn), one) for name, one in new.items()}}


def faded(past: Past, now: float) -> Past:
    """Return what another session of the account counts now."""
    share = CARRIED * 0.5 ** (max(0.0, now - past.when) / HALF_LIFE)
    return msgspec.structs.replace(past, like=tuple(round(one * share, 4) for one in past.like), near=past.near * share)


def in_account(
    known: dict[str, tuple[float, str, Seen]], state: SessionState, *, session: str, now: float
) -> dict[str, tuple[float, str, Seen]]:
    """Return the signs of an account with those that its session holds now, each at its clearest."""
    seen = dict(known)
    for name, one in state.seen.items():
        if counts := aged(one, state.turns):
            _, where, before = known.get(name, (now, session, counts))
            best = clearer(before, counts)
            seen[name] = (now, where if best is before else session, best)
    return seen


def noted(hashes: bytes, digest: bytes, most: int) -> bytes:
    """Return the hashes with one more, the last `most` of them."""
    return (hashes + digest)[-most * DIGEST :]


def holds(hashes: bytes, digest: bytes) -> bool:
    """Whether a hash is among those remembered."""
    return any(hashes[at : at + DIGEST] == digest for at in range(0, len(hashes), DIGEST))
