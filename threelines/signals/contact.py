"""Contact: handles, links and invitations to another messenger, and how early they come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from threelines.records import Record, Signal, Thread
from threelines.signals.detector import quoted, reads
from threelines.signals.reading import Reading, Word, readings
from threelines.vocabulary.terms import Vocabulary

EARLY = 24
"""Messages: in CHATTERBOX most asked for another app within about the first 24 (domain inventory, S56)."""
_NEAR = 40
"""Characters between the name of a messenger and the handle or number that belongs to it."""
_HANDLE = re.compile(
    r"(?<![\w@.])@[A-Za-z][\w.]{3,31}|\+?\d[\d \-()]{6,18}\d|[A-Za-z][\w.\-]{4,31}(?<=[\d_])[\w.\-]*", re.ASCII
)
_LINK_END = re.compile(r"[^\s<>\"'，。；、)）]*")


class Invite(NamedTuple):
    """An invitation to go on elsewhere, at its place in the record's text."""

    record: Record
    start: int
    end: int
    app: str


@reads("advert", "conversation", "session", of_words=True)
def messenger_invite(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The writer leaves a handle, number or link for another messenger instead of answering here."""
    for _, invite in invites(thread, vocabulary):
        yield quoted(
            invite.record, invite.start, invite.end, indicator="REC-12", strength="weak",
            detail=f"Contact is moved to {invite.app}.", detector="messenger_invite",
        )  # fmt: skip


@reads("conversation", of_words=True)
def early_move(thread: Thread, vocabulary: Vocabulary) -> Iterator[Signal]:
    """The talk is moved to another messenger within its first messages."""
    indicator = vocabulary.indicators.get("BEH-08")
    if indicator is None:
        return
    for turn, invite in invites(thread, vocabulary):
        if turn <= EARLY:
            yield quoted(
                invite.record, invite.start, invite.end, indicator="BEH-08", strength=indicator.strength,
                detail=f"Asked to move to {invite.app} in message {turn} of the talk.", detector="early_move",
                shadow=indicator.shadow,
            )  # fmt: skip
        return


def invites(thread: Thread, vocabulary: Vocabulary) -> Iterator[tuple[int, Invite]]:
    """Yield (turn counted from 1, invitation): a link, or a messenger's name beside a handle or number."""
    first = thread.facts.get("before", 0) + 1
    spoken = (record for record in thread.records if record.kind != "system")
    turns = {id(part): turn for turn, record in enumerate(spoken, start=first) for part in record.held}
    for reading in readings(thread, vocabulary):
        if not reading.words:
            continue
        turn = turns[id(reading.record)]
        for word in reading.words:
            invite = _invite(reading, word)
            if invite:
                yield turn, invite


def _invite(reading: Reading, word: Word) -> Invite | None:
    if word.slot == "link":
        start, end = reading.back.span(word.start, word.end)
        tail = _LINK_END.match(reading.record.text, end)
        return Invite(
            reading.record, start, _end(reading.record.text, tail.end() if tail else end), word.value.rstrip("/")
        )
    if word.slot == "messenger":
        start, end = reading.back.span(word.start, word.end)
        handle = _HANDLE.search(reading.record.text, end, end + _NEAR)
        if handle and "\n\n" not in reading.record.text[end : handle.start()]:
            return Invite(reading.record, start, _end(reading.record.text, handle.end()), word.value)
    return None


def _end(text: str, end: int) -> int:
    """Leave the punctuation of the sentence out of a link or handle."""
    while text[end - 1] in ".,;:!?":
        end -= 1
    return end
