"""What people decided about threads: read from JSON lines, and matched to the threads of an export.

Ids repeat: messages are numbered from 1 in every chat of Telegram, records in every export that has no ids of its own. So
a decision about a thread is none about a record, and one that could be about several threads is about none of them.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from threelines.platforms.read._rows import label_of, word_of
from threelines.platforms.views import words_of
from threelines.records import Thread, ThreelinesError


class DecisionsError(ThreelinesError):
    """The decisions cannot be used."""


class Decision(NamedTuple):
    """One label that a person gave."""

    name: str
    """Id of a thread, or of a record in it."""
    label: str
    of_record: bool = False
    text: str = ""
    """How the words of the thread begin, where that was kept: it tells threads of one id apart."""


class Decided(NamedTuple):
    """What decisions say of some threads."""

    labels: dict[int, str]
    """By the thread's place; empty where several decisions about one thread disagree."""
    notes: tuple[str, ...]
    """What was not used, and why."""


def read_decisions(path: Path) -> tuple[Decision, ...]:
    """Read JSON lines with `thread` (or `record`, `id`) and `label` (or `decision`), as `fit --suggest` prints them.

    A line that has no label yet is a decision with an empty one: `decided` counts it and passes it over.
    """
    found = []
    for number, line in enumerate(path.read_bytes().removeprefix(BOM_UTF8).splitlines(), start=1):
        if line.strip():
            found.append(_decision(line, f"{path}:{number}"))
    return tuple(found)


def _decision(line: bytes, place: str) -> Decision:
    try:
        row = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise DecisionsError(f"{place}: not a JSON object ({fault})") from fault
    thread, record = word_of(row.get("thread")), word_of(row.get("record")) or word_of(row.get("id"))
    (label, odd), (decision, also) = label_of(row.get("label")), label_of(row.get("decision"))
    name = thread or record
    if odd or also or not name:
        raise DecisionsError(f'{place}: a decision needs "thread" (or "record") and "label", each a word or a number')
    text = row.get("text")
    return Decision(name, label or decision, not thread, text.rstrip("…") if isinstance(text, str) else "")


def decided(threads: Sequence[Thread], decisions: Sequence[Decision]) -> Decided:
    """Match decisions to threads; of two about the same name the later one counts."""
    made = [one for one in decisions if one.label]
    undecided = _undecided(len(decisions) - len(made))
    if not made:
        return Decided({}, undecided)
    last = {(one.name, one.of_record, one.text): one for one in made}
    places, said, missing, several = _places(threads), defaultdict[int, set[str]](set), 0, 0
    for one in last.values():
        found = [place for place in places.get((one.name, one.of_record), ()) if _begins(threads[place], one.text)]
        missing, several = missing + (not found), several + (len(found) > 1)
        if len(found) == 1:
            said[found[0]].add(one.label)
    if missing == len(last):
        raise DecisionsError(
            f"decisions: none of the {missing:,} names a thread or record of INPUT; give the export that they were made on as "
            "INPUT, too; were they made with another key?"
        )
    labels = {place: next(iter(given)) if len(given) == 1 else "" for place, given in said.items()}
    return Decided(labels, (*undecided, *_notes(len(made), len(last), missing, several)))


def _undecided(count: int) -> tuple[str, ...]:
    return (f"{count:,} lines of the decisions have no label: passed over",) if count else ()


def _notes(count: int, last: int, missing: int, several: int) -> Iterator[str]:
    if count > last:
        yield f"{count - last:,} decisions were made again later in the file: the last one counts"
    if missing:
        yield f"{missing:,} of {last:,} decisions name no thread or record of INPUT: not used"
    if several:
        yield (
            f"{several:,} of {last:,} decisions name several threads, as ids repeat in INPUT: not used; name the thread, "
            "and keep the `text` that --suggest printed"
        )


def _places(threads: Sequence[Thread]) -> dict[tuple[str, bool], list[int]]:
    """Return where threads of an id, and threads with a record of an id, stand."""
    found = defaultdict[tuple[str, bool], list[int]](list)
    for place, thread in enumerate(threads):
        for name in {(thread.id, False), *((record.id, True) for record in thread.records)}:
            found[name].append(place)
    return found


def _begins(thread: Thread, text: str) -> bool:
    return not text or " ".join(words_of(thread).split()).startswith(text)
