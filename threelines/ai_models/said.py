"""What stands before a model in a conversation: which messages are judged, and what is read of a long one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

REFUSAL = (
    "I can't help with this. If you think that this is a mistake, say what you need it for. "
    "If somebody is in danger or under pressure, a hotline, an embassy or a trade union can help."
)
"""What is answered in place of the model."""
_KNOWN_BY = REFUSAL[:23]
REMOVED = "(A request that was refused stood here.)"
"""What the model is shown in place of a request that was refused: who forges the refusal gains nothing."""
SYSTEM = frozenset({"assistant", "tool", "function", "system", "developer"})
"""Roles that are the operator's; all others are of those who ask, however they are spelt."""
ANSWERS = SYSTEM - {"system", "developer"}
"""The same where callers write the instructions of the system, too."""

LONGEST = 200_000
"""Characters of a request that are read; of a longer one both ends, and it asks for a review."""
READ_AT_ONCE, READ_PARTS = 2_000, 6
"""Characters that the small readers see at once, and how often: of a longer request parts spread over all of it."""
READ_WHOLE = READ_AT_ONCE * READ_PARTS


class Standing(NamedTuple):
    """What a call puts before a model."""

    asked: list[str]
    """What is judged, oldest first."""
    refused: list[tuple[str, ...]]
    """Requests, by their parts, of which the very next message is the guard's refusal: they are not to reach the model."""


def standing(messages: Iterable[tuple[str, tuple[str, ...]]], operator: frozenset[str] = SYSTEM) -> Standing:
    """Split what was asked, of (role, parts of its text): judged is all but what was refused in the very next message."""
    found: list[tuple[str, ...]] = []
    refused: list[tuple[str, ...]] = []
    fresh = False
    for role, parts_ in messages:
        if role.lower() not in operator:
            fresh = any(parts_)
            found += [parts_] if fresh else []
        elif role == "assistant":
            if fresh and "\n".join(parts_).startswith(_KNOWN_BY):
                refused.append(found.pop())
            fresh = False
    return Standing(["\n".join(one) for one in found], refused)


def contents(messages: Sequence[dict[str, object]]) -> list[tuple[str, tuple[str, ...]]]:
    """Return (role, parts of its text) of messages in OpenAI's form."""
    return [(str(message.get("role") or ""), pieces(message.get("content"))) for message in messages]


def pieces(given: object) -> tuple[str, ...]:
    """Return the parts of a message's content that are text; pictures and files are not read."""
    if isinstance(given, str):
        return (given,)
    listed = given if isinstance(given, list) else []
    return tuple(part["text"] for part in listed if isinstance(part, dict) and isinstance(part.get("text"), str))


def content(given: object) -> str:
    """Return the text of a message's content: a text, or parts of which some hold one."""
    return "\n".join(pieces(given))


def readable(text: str) -> str:
    """Return the text with a mark for each half of a letter, which nothing can read."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def ends(text: str) -> str:
    """Return what is read of a text: of one that is too long, half of it from each end."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2 - 1]}\n{text[-LONGEST // 2 :]}"


def parts(text: str) -> list[str]:
    """Return what the small readers see: the whole, or parts from the beginning to the end."""
    count = min(READ_PARTS, -(-len(text) // READ_AT_ONCE))
    if count < 2:
        return [text]
    step = (len(text) - READ_AT_ONCE) / (count - 1)
    return [text[round(number * step) :][:READ_AT_ONCE] for number in range(count)]
