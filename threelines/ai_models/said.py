"""What stands before a model in a conversation: which messages are judged, and what is read of a long one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

REFUSAL = (
    "I can't help with this. If you think that this is a mistake, say what you need it for. "
    "If somebody is in danger or under pressure, a hotline, an embassy or a trade union can help."
)
"""What is answered in place of the model."""
_KNOWN_BY = REFUSAL[:23]
REQUESTER = frozenset({"user"})
"""Roles of those who ask. What the system, tools and the model say is the operator's."""
CALLER = REQUESTER | {"system", "developer"}
"""The same where callers write the instructions of the system, too."""

LONGEST = 200_000
"""Characters of a request that are read; of a longer one both ends, and it asks for a review."""
READ_AT_ONCE, READ_PARTS = 2_000, 6
"""Characters that the small readers see at once, and how often: of a longer request parts spread over all of it."""
READ_WHOLE = READ_AT_ONCE * READ_PARTS


def standing(messages: Iterable[tuple[str, str]], roles: frozenset[str] = REQUESTER) -> list[str]:
    """Return what was asked, oldest first, of (role, text): without what the guard refused in the very next message."""
    found: list[str] = []
    fresh = False
    for role, text in messages:
        if role in roles:
            fresh = bool(text)
            found += [text] if text else []
        elif role == "assistant":
            if fresh and text.startswith(_KNOWN_BY):
                found.pop()
            fresh = False
    return found


def contents(messages: Sequence[dict[str, object]]) -> list[tuple[str, str]]:
    """Return (role, text) of messages in OpenAI's form."""
    return [(str(message.get("role") or ""), content(message.get("content"))) for message in messages]


def content(given: object) -> str:
    """Return the text of a message's content: a text, or parts of which some hold one."""
    if isinstance(given, str):
        return given
    parts = given if isinstance(given, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


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
