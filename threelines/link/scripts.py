"""Scripts: groups of near-copies, as threads to judge.

Nothing but a sketch, an account and a time is kept of each text: about 0.4 KB a record, 400 MB a million. The records
of the scripts that were found are picked in a second pass over the same source.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from math import isnan, nan
from typing import NamedTuple

import msgspec
import numpy as np

from threelines.link.copies import Rows, Sketches, sketches
from threelines.link.groups import linked
from threelines.link.template import template
from threelines.link.translated import Place, translations
from threelines.records import Record, Thread
from threelines.text.clock import EXACT, written_to

MIN_COPIES = 3
"""Fewer copies than this by one account are no script; two accounts with one text are."""
SHOWN = 500
"""Records of one script that are judged; a longer one is judged by its first records of each account."""


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """One group of near-copies, in order of time."""

    id: str
    """Made from the ids of its records, so the same data give the same name."""
    records: tuple[str, ...]
    authors: tuple[str, ...]
    """Who wrote each of the records."""
    times: tuple[float, ...]
    """Seconds since 1970; 0 where the export gives no time."""
    places: tuple[int, ...]
    """Where each of the records stands in the source: an export may give one id to several records."""
    languages: tuple[str, ...] = ()
    """ISO 639-3, where it was found in several: see `across_languages`."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The different accounts, sorted; records without an author count for none."""
        return tuple(sorted({author for author in self.authors if author}))


def script_groups(
    ids: Sequence[str], texts: Iterable[str], authors: Sequence[str], times: Sequence[float], *, threads: int = 2
) -> list[Script]:
    """Group near-copies; each script has at least two accounts or `MIN_COPIES` copies.

    `texts` may be a stream: only sketches of it are kept.
    """
    names = linked(sketches(texts, threads=threads), np.asarray(times, dtype=np.float64))
    return scripts_of(names, ids, authors, times, range(len(ids)))


def scripts_of(
    names: Rows, ids: Sequence[str], authors: Sequence[str], times: Sequence[float], places: Sequence[int]
) -> list[Script]:
    """Make scripts of rows that bear one name, where two accounts or `MIN_COPIES` copies do."""
    return [
        _script([(times[row], ids[row], authors[row], places[row]) for row in rows.tolist()])
        for rows in _groups(names)
        if len(rows) >= MIN_COPIES or len({authors[row] for row in rows.tolist()} - {""}) > 1
    ]


def _groups(names: Rows) -> Iterator[Rows]:
    """Yield the rows of every name that two or more rows have, in order of their first row."""
    order = np.argsort(names, kind="stable")
    edges = np.flatnonzero(np.diff(names[order], prepend=-1, append=-1))
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if end - start > 1:
            yield order[start:end]


def _script(members: list[tuple[float, str, str, int]]) -> Script:
    times, ids, authors, places = zip(*sorted(members), strict=True)
    return Script(id=_named(sorted(ids)), records=ids, authors=authors, times=times, places=places)


def _named(parts: Iterable[str]) -> str:
    return f"script-{blake2b(chr(0).join(parts).encode(), digest_size=8).hexdigest()}"


def told_apart(scripts: Sequence[Script]) -> list[Script]:
    """Name scripts by accounts and times, too, where an export that repeats record ids gives several the same name."""
    often = Counter(script.id for script in scripts)
    return [script if often[script.id] == 1 else _renamed(script) for script in scripts]


def _renamed(script: Script) -> Script:
    rows = zip(script.times, script.records, script.authors, strict=True)
    return msgspec.structs.replace(script, id=_named(f"{time} {record} {author}" for time, record, author in rows))


def across_languages(scripts: Sequence[Script], texts: Sequence[str], place: Place) -> list[Script]:
    """Merge scripts that say the same in different languages; `texts` holds one text of each script."""
    if len(scripts) < 2:
        return list(scripts)
    placed = place(texts)
    merged: dict[int, list[int]] = {}
    for row, name in enumerate(translations(placed).tolist()):
        merged.setdefault(name, []).append(row)
    return told_apart([
        scripts[rows[0]] if len(rows) == 1 else _merged([scripts[row] for row in rows], {placed.languages[row] for row in rows})
        for rows in merged.values()
    ])  # fmt: skip


def _merged(group: list[Script], languages: set[str]) -> Script:
    made = _script([row for s in group for row in zip(s.times, s.records, s.authors, s.places, strict=True)])
    return msgspec.structs.replace(made, languages=tuple(sorted(languages)))


class Scripts(msgspec.Struct, frozen=True):
    """What a first pass over the records found."""

    groups: tuple[Script, ...]

    def threads(self, records: Iterable[Record]) -> Iterator[Thread]:
        """Pick the records in a second pass and yield one thread for each script, in order of id."""
        for script, picked in self.picked(records):
            yield script_thread(script, picked)

    def picked(self, records: Iterable[Record]) -> Iterator[tuple[Script, list[Record]]]:
        """Pick the records in a second pass and yield each script with those that are judged, in order of id."""
        ordered = sorted(self.groups, key=lambda script: script.id)
        owner = {place: number for number, script in enumerate(ordered) for place in shown(script)}
        picked: list[list[Record]] = [[] for _ in ordered]
        for place, record in enumerate(records):
            number = owner.get(place)
            if number is not None:
                picked[number].append(record)
        yield from ((script, found) for script, found in zip(ordered, picked, strict=True) if found)


def shown(script: Script) -> list[int]:
    """Return the places of the records that are judged: first of each account, then the rest in order of time."""
    if len(script.places) <= SHOWN:
        return list(script.places)
    firsts = dict(zip(reversed(script.authors), reversed(script.places), strict=True))
    chosen = set(firsts.values())
    return [*firsts.values(), *(place for place in script.places if place not in chosen)][:SHOWN]


class Linked(NamedTuple):
    """What linking keeps of a block of records: one row a text, in the order they were read."""

    ids: list[str]
    authors: list[str]
    times: array[float]
    """Seconds since 1970; NaN where the export gives no time."""
    sketched: Sketches
    names: Rows
    """For each row, the first row of its script."""
    places: Sequence[int]
    """For each row, where its record stands in the source."""

    def scripts(self) -> Scripts:
        """Return the scripts among them."""
        times = [0.0 if isnan(time) else time for time in self.times]
        return Scripts(tuple(told_apart(scripts_of(self.names, self.ids, self.authors, times, self.places))))


def link_texts(records: Iterable[Record], *, threads: int = 2) -> Linked:
    """Read the records once and name their near-copies; calls and notices are left out."""
    ids: list[str] = []
    authors: list[str] = []
    times, places = array("d"), array("q")

    def texts() -> Iterator[str]:
        for place, record in enumerate(records):
            if record.text and record.kind != "system":
                places.append(place)
                ids.append(record.id)
                authors.append(record.author)
                times.append(record.time.timestamp() if record.time else nan)
                yield record.text

    sketched = sketches(texts(), threads=threads)
    return Linked(ids, authors, times, sketched, linked(sketched, np.asarray(times)), places)


def find_scripts(records: Iterable[Record], *, threads: int = 2) -> Scripts:
    """Read the records once and group the near-copies among them."""
    return link_texts(records, threads=threads).scripts()


def script_threads(records: Iterable[Record], *, threads: int = 2) -> Iterator[Thread]:
    """Yield a thread for each script. `records` is read twice: give a list, or a source that can start again."""
    yield from find_scripts(records, threads=threads).threads(records)


def in_order(record: Record) -> tuple[float, str, str, str]:
    """Order of the records that are shown: by time and id, and the same on every machine where both are repeated."""
    return record.time.timestamp() if record.time else 0.0, record.id, record.author, record.text


def script_thread(script: Script, records: Sequence[Record]) -> Thread:
    """Make the thread of a script from the records that were picked."""
    ordered = sorted(records, key=in_order)
    firsts = {record.author: record for record in reversed(ordered)}
    texts = [firsts[author].text for author in sorted(firsts)] + [record.text for record in ordered]
    made = template(texts)
    facts = {
        "copies": len(script.records),
        "accounts": list(script.accounts),
        "talks": len({record.conversation for record in ordered if record.conversation}),
        "seconds": _spread(script),
        "template": str(made),
        "kept": round(made.kept, 2),
        "slots": [list(values) for values in made.slots],
    }
    if script.languages:
        facts["languages"] = list(script.languages)
    return Thread(kind="script", id=script.id, records=tuple(ordered), facts=facts)


def _spread(script: Script) -> float | None:
    """Return the seconds from first to last copy, at least those to which times are written; None where unknown.

    Known is it only if every account has a time: else nobody can say that they acted within some time.
    """
    known = [time for time in script.times if time]
    timed = {author for author, time in zip(script.authors, script.times, strict=True) if time}
    if len(known) < 2 or not timed.issuperset(script.authors):
        return None
    between = max(known) - min(known)
    return round(between, 3) or _least(known[0])


def _least(time: float) -> float:
    """Return what lies between equal times at most: one written to the minute stands for any second of it."""
    unit = written_to((time,))
    return 0.0 if unit == EXACT else unit
