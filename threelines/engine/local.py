"""One machine: the plan over processes, with what does not fit in memory on disk.

    records ─┬─ lone ───────────────► judge
             ├─ by conversation ────► judge ─┐
             ├─ by account ◄─────────────────┤──► measure ─► judge
             └─ texts that may be copied ◄───┘──► link ────► judge

Results come in a fixed order whatever the number of processes.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import lru_cache
from itertools import islice
from math import nan
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np

from threelines.assess import judge, observe
from threelines.engine.intake import dated, encoded
from threelines.engine.plan import (
    Turn,
    account_threads,
    is_lone,
    lone_thread,
    may_be_copies,
    openings,
    turns_of,
    whole_talks,
    windows,
)
from threelines.engine.reference import UTMOST, Reference, Usual
from threelines.engine.spill import LIMIT, Spill, partitions, payloads, size
from threelines.engine.texts import Block, Lights, Texts, blocks, tied_by
from threelines.engine.workers import Workers
from threelines.link.copies import Rows, Sketches
from threelines.link.groups import linked
from threelines.link.network import Columns, networks, shown, threads_of
from threelines.link.praise import find_praise, threads_about
from threelines.link.scripts import Linked, Script, across_languages, script_thread
from threelines.link.scripts import shown as shown_of
from threelines.link.translated import Place
from threelines.records import LABELLED_KINDS, Assessment, Record, Signal, Thread, places_of
from threelines.signals import SIGNALS, Detector
from threelines.signals.account import AccountFeatures, measure
from threelines.signals.quiet import loud_records
from threelines.vocabulary.terms import Vocabulary

_In = TypeVar("_In")

BATCH = 5000
"""Records judged in one go by one process."""
BYTES = 8 << 20
"""Of records that one process is given at once; so fewer of long ones."""
CHUNK = 40
"""Scripts that one process judges in one go."""
PLACED = 2000
"""Scripts of a block that are compared across languages: some ten seconds for the encoder."""
SMALL = 4000
"""Up to this many records one process is faster than starting others."""


class Found(msgspec.Struct, frozen=True):
    """One judged thread, already in the form it is written in."""

    line: bytes
    """The assessment as one JSON line, without the line end."""
    kind: str
    concern: float
    tier: str
    support: bool
    texts: dict[str, str]
    """Text of the records that were quoted, for the report; empty unless asked for."""
    records: tuple[Record, ...] = ()
    """The thread's records, one for each id that the line names, for the console; empty unless asked for."""


class Batch(msgspec.Struct):
    """What one process found in one part of the data."""

    found: list[Found] = []
    judged: dict[str, int] = {}
    """Threads judged, by kind."""
    shadow: dict[str, int] = {}
    """Threads that an indicator on trial would have touched."""
    concerns: list[float] = []
    """Every concern above 0, raised or not, for calibration."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with every thread. Sent to each process once."""

    vocabulary: Vocabulary
    detectors: tuple[Detector, ...] = SIGNALS
    everything: bool = False
    """Return every thread, raised or not (`--all`)."""
    texts: bool = False
    """Keep the quoted records' texts for the report."""
    records: bool = False
    """Keep the records of what is raised: an id alone may be that of several."""
    labels: Callable[[Thread], dict[str, float]] | None = None
    """A platform's adapter."""
    second_look: Callable[[Thread, Assessment], Iterable[Signal]] | None = None
    """Reads raised threads only, after the rules: an optional analyst. Its signals count like any other."""
    accounts: bool = True
    """Judge accounts, too."""
    linked: bool = True
    """Link texts into scripts and accounts into networks, and judge those, too."""
    region: str = ""
    """Country (ISO 3166) in which numbers without one are read, where accounts are tied."""
    place: Place | None = None
    """Merge scripts that say the same in different languages: see `link.placing`."""


Progress = Callable[[str, int], None]
"""Called with the stage and how many units were done in it since the last call."""


def no_progress(stage: str, done: int) -> None:
    """Report nothing."""


def scan(records: Iterable[Record], vocabulary: Vocabulary, **options: Any) -> Iterator[Assessment]:
    """Judge records and yield the assessments: the short form for programs and tests.

    Options are those of `Plan`; `jobs` is the number of processes (1: none is started), `scratch` as in `run`.
    """
    jobs, scratch = options.pop("jobs", 1), options.pop("scratch", None)
    for batch in run(records, Plan(vocabulary=vocabulary, **options), jobs=jobs, scratch=scratch):
        for found in batch.found:
            yield msgspec.json.decode(found.line, type=Assessment)


def run(
    records: Iterable[Record],
    plan: Plan,
    *,
    jobs: int = 0,
    progress: Progress = no_progress,
    scratch: Path | None = None,
) -> Iterator[Batch]:
    """Judge every thread of the records; yield batches in a fixed order. Several runs may take turns in one process.

    What does not fit in memory lies in a folder of its own in `scratch` (the system's place where none is given).
    """
    stream = iter(records)
    head = _head(stream)
    jobs = 1 if _is_small(head) else jobs or os.cpu_count() or 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threelines-", dir=scratch)))
        workers = stack.enter_context(Workers(_begin, plan, jobs))
        yield from workers.each(judge_lone, _partition(_chain(head, stream), folder, progress))
        talks = partitions(folder / "talks")
        progress("conversations", 0)
        for part, batch in zip(talks, workers.each(judge_talks, [(p, folder) for p in talks]), strict=True):
            yield batch
            progress("conversations", size(part))
        waiting = blocks(folder / "texts")
        # Linking is begun first: one process links while others measure accounts.
        linking = [(block, workers.start(link_block, block)) for block in islice(waiting, 1)]
        if plan.accounts:
            yield from _accounts(folder, workers, progress)
        for block, found in linking:
            yield from _linked(block, found, workers, progress)
        for block in waiting:
            yield from _linked(block, workers.start(link_block, block), workers, progress)


def _head(stream: Iterator[Record]) -> list[Record]:
    """Take the first `SMALL` records off a stream, or fewer where they are long."""
    head: list[Record] = []
    letters = 0
    while letters <= BYTES and len(head) < SMALL and (record := next(stream, None)):
        head.append(record)
        letters += len(record.text)
    return head


def _is_small(head: Sequence[Record]) -> bool:
    return len(head) < SMALL and sum(len(record.text) for record in head) <= BYTES


def _chain(head: list[Record], rest: Iterator[Record]) -> Iterator[Record]:
    yield from head
    yield from rest


def _partition(records: Iterator[Record], folder: Path, progress: Progress) -> Iterator[tuple[bytes, int, Path]]:
    """Send lone records on in batches, with their place; lay the others down by conversation."""
    talks = Spill(folder / "talks")
    batch: list[msgspec.Raw] = []
    read = sent = held = 0
    for given in records:
        record, _ = dated(given)  # what is wrong readers have told
        raw = encoded(record)
        read += 1
        if not is_lone(record):
            talks.add(record.conversation, raw)
        elif record.kind != "system":
            batch.append(msgspec.Raw(raw))
            held += len(raw)
            if len(batch) == BATCH or held > BYTES:
                yield _encode(batch), sent, folder
                sent += len(batch)
                batch, held = [], 0
        if read % BATCH == 0:
            progress("reading", BATCH)
    if batch:
        yield _encode(batch), sent, folder
    progress("reading", read % BATCH)
    talks.close()


def _accounts(folder: Path, workers: Workers, progress: Progress) -> Iterator[Batch]:
    """Measure every account first: what is usual here is a quantile of all of them."""
    parts = partitions(folder / "accounts")
    progress("accounts", 0)
    if not parts:
        return
    usual = folder / "usual.npy"
    measured = list(workers.each(measure_accounts, parts))
    Reference.load(*(part.reference for part in measured)).usual().save(usual)
    yield Batch(judged={"account": sum(part.silent for part in measured)})
    for part, batch in zip(parts, workers.each(judge_accounts, [(p, usual) for p in parts]), strict=True):
        yield batch
        progress("accounts", size(part))


def _linked(block: Block, begun: Callable[[], LinkedBlock], workers: Workers, progress: Progress) -> Iterator[Batch]:
    """Judge the scripts and networks of a block: what linking keeps of a text must fit in memory.

    Copies that lie in two blocks are found by neither.
    """
    progress("scripts", 0)
    found = begun()
    # All is begun before the first answer is asked for, the longest first.
    waiting = [workers.start(judge_networks, (block, found.scripts)), workers.start(judge_praise, (block, found.names))]
    waiting += [workers.start(judge_scripts, part) for part in _by(CHUNK, _with_records(block, found))]
    for judged in waiting[2:]:
        yield judged()
    progress("networks", 0)
    for judged in waiting[:2]:
        yield judged()


def _with_records(block: Block, found: LinkedBlock) -> Iterator[tuple[Script, list[bytes]]]:
    """Yield each script with the records of it that are judged, encoded, in order of id."""
    ordered = sorted(range(len(found.scripts)), key=lambda number: found.scripts[number].id)
    owner = {row: number for number in ordered for row in found.rows[number]}
    picked: dict[int, list[bytes]] = {number: [] for number in ordered}
    for row, raw in block.encoded(owner):
        picked[owner[row]].append(raw)
    return ((found.scripts[number], picked[number]) for number in ordered)


def _by(size: int, items: Iterable[_In]) -> Iterator[list[_In]]:
    stream = iter(items)
    while part := list(islice(stream, size)):
        yield part


class LinkedBlock(NamedTuple):
    """What linking found in one block."""

    scripts: tuple[Script, ...]
    rows: tuple[tuple[int, ...], ...]
    """For each script, the rows of the records that are judged."""
    names: Rows
    """For each row, the first row of its script."""


# ---- in each process -------------------------------------------------------------------------


class _Author(msgspec.Struct):
    author: str


class _Said(msgspec.Struct, array_like=True):
    record: _Author


_plan: Plan | None = None
_decode_records = msgspec.msgpack.Decoder(list[Record]).decode
_decode_record = msgspec.msgpack.Decoder(Record).decode
_decode_author = msgspec.msgpack.Decoder(_Said).decode
_decode_turn = msgspec.msgpack.Decoder(Turn).decode
_decode_features = msgspec.msgpack.Decoder(dict[str, AccountFeatures]).decode
_encode = msgspec.msgpack.Encoder().encode
_encode_line = msgspec.json.Encoder().encode


def _begin(plan: Plan) -> None:
    global _plan  # noqa: PLW0603 - that of the piece of work this process does: see `Workers`
    _plan = plan


def judge_lone(task: tuple[bytes, int, Path]) -> Batch:
    """Judge records that stand alone, and lay them down by account and for linking."""
    raw, place, folder = task
    assert _plan is not None
    records, result = _decode_records(raw), Batch()
    accounts, texts = Spill(folder / "accounts", name=f"a{os.getpid()}"), Texts(folder / "texts" / f"{place:012d}")
    for number, record in enumerate(records, start=place):
        thread = lone_thread(record)
        judge_threads([thread], into=result)
        quiet = record.id not in loud_records(thread, _plan.vocabulary)
        encoded = _encode(record)
        if record.author and _plan.accounts:
            accounts.add(record.author, _encoded_turn(encoded, number, quiet=quiet))
        if _plan.linked:
            for part in may_be_copies(record):
                items = tied_by(part, _plan.vocabulary, _plan.region, thread if part is record else None)
                texts.add(part, encoded if part is record else _encode(part), items)
    accounts.close()
    texts.close()
    return result


def _encoded_turn(record: bytes, position: int, *, quiet: bool) -> bytes:
    """Return a `Turn` that follows nothing, in msgpack, around its record that is encoded already."""
    return _encode((msgspec.Raw(record), None, position, quiet))


def judge_talks(part: tuple[list[Path], Path]) -> Batch:
    """Judge the conversations of one partition, and lay its turns down by account and for linking."""
    paths, folder = part
    # One file for each process, not for each partition: 4,096 small files took a seventh of the time.
    accounts = Spill(folder / "accounts", name=f"t{os.getpid()}")
    texts = Texts(folder / "texts" / f"t{paths[0].stem}")
    result = Batch()
    for piece in _bounded(paths, folder, key=lambda payload: _decode_record(payload).conversation):
        for talk in whole_talks(map(_decode_record, piece)):
            loud = _judge_talk(talk, result)
            _lay_down(talk, loud, accounts, texts)
    accounts.close()
    texts.close()
    return result


def _judge_talk(talk: Thread, result: Batch) -> set[str]:
    """Judge a conversation in its windows; return the ids of the records in which anything was found."""
    assert _plan is not None
    loud: set[str] = set()
    for window in windows(talk):
        judge_threads([window], into=result)
        loud |= loud_records(window, _plan.vocabulary)
    return loud


def _lay_down(talk: Thread, loud: set[str], accounts: Spill, texts: Texts) -> None:
    assert _plan is not None
    turns = list(turns_of(talk))
    for turn in turns:
        quiet = turn.record.id not in loud
        accounts.add(turn.record.author, _encode(msgspec.structs.replace(turn, quiet=quiet)))
    for record in openings(turns) if _plan.linked else ():
        for part in may_be_copies(record):
            texts.add(part, _encode(part), tied_by(part, _plan.vocabulary, _plan.region))


def link_block(block: Block) -> LinkedBlock:
    """Name the scripts of one block, and what is praised in it."""
    lights, sketched = block.lights(), block.sketches()
    names = linked(sketched, np.asarray(lights.times, dtype=np.float64), texts=lights.texts)
    groups = _texts(lights, sketched, names).scripts().groups
    groups = _across_languages(groups, block)
    return LinkedBlock(groups, tuple(tuple(shown_of(script)) for script in groups), names)


def _across_languages(groups: tuple[Script, ...], block: Block) -> tuple[Script, ...]:
    """Merge translations among the scripts of the most accounts; an encoder reads one text of each."""
    assert _plan is not None
    if _plan.place is None:
        return groups
    ordered = sorted(groups, key=lambda script: (-len(script.accounts), script.id))
    read, rest = ordered[:PLACED], ordered[PLACED:]
    rows = [script.places[0] for script in read]
    texts = {row: record.text for row, record in block.records(set(rows))}
    return (*across_languages(read, [texts[row] for row in rows], _plan.place), *rest)


def _texts(lights: Lights, sketched: Sketches, names: Rows) -> Linked:
    times = array("d", (nan if time is None else time for time in lights.times))
    return Linked(lights.ids, lights.authors, times, sketched, names, range(len(lights.ids)))


def judge_scripts(parts: list[tuple[Script, list[bytes]]]) -> Batch:
    """Judge scripts whose records were picked."""
    return judge_threads(script_thread(script, [*map(_decode_record, encoded)]) for script, encoded in parts)


def judge_praise(task: tuple[Block, Rows]) -> Batch:
    """Find and judge what new accounts write together about one name."""
    block, names = task
    found = find_praise(_texts(block.lights(), block.sketches(), names))
    rows = {row for praise in found for row in praise.places}
    return judge_threads(threads_about(found, block.records(rows)))


def judge_networks(task: tuple[Block, tuple[Script, ...]]) -> Batch:
    """Tie the accounts of one block by what they share, and judge the networks."""
    block, scripts = task
    assert _plan is not None
    columns, lights = Columns(_plan.region), block.lights()
    columns.fill(lights.ids, lights.authors, lights.times, lights.items)
    columns.use_scripts(scripts)
    found = networks(columns)
    rows = {row for network in found for row in shown(network)}
    return judge_threads(threads_of(found, block.records(rows)))


class Measured(NamedTuple):
    """What the first pass over the accounts of a partition gives."""

    reference: bytes
    silent: int
    """Accounts that need no second pass: see `_silent`."""


def measure_accounts(paths: list[Path]) -> Measured:
    """Return the features of a partition's accounts as a reference, and lay them down for judging."""
    reference, features, silent = Reference(), {}, 0
    for piece in _bounded(paths, paths[0].parent, key=_account_of):
        for thread in account_threads(map(_decode_turn, piece)):
            own = measure(thread)
            reference.add(own)
            if _silent(thread, own):
                silent += 1
            else:
                features[thread.id] = own
    _beside(paths).write_bytes(_encode(features))
    return Measured(reference.dump(), silent)


def _silent(thread: Thread, features: AccountFeatures) -> bool:
    """Whether nothing can be seen of the account, were it the most unusual of the platform in every number.

    Detectors speak of quantiles only where they are high (`Detector`), so the real ones show no more.
    """
    assert _plan is not None
    if _plan.everything:
        return False
    utmost = msgspec.structs.replace(thread, facts={**thread.facts, "features": features, "quantiles": UTMOST})
    return not observe(utmost, _plan.vocabulary, _plan.detectors)


def judge_accounts(task: tuple[list[Path], Path]) -> Batch:
    """Judge the accounts of one partition against what is usual on this platform."""
    paths, place = task
    usual, features = _usual(place), _decode_features(_beside(paths).read_bytes())
    result = Batch()
    for piece in _bounded(paths, paths[0].parent, key=_account_of):
        turns = (_decode_turn(turn) for turn in piece if _account_of(turn) in features)
        judge_threads((_placed(thread, features, usual) for thread in account_threads(turns)), into=result)
    return result


def _placed(thread: Thread, features: dict[str, AccountFeatures], usual: Usual) -> Thread:
    """Add the account's own numbers and where they stand among the others."""
    own = features[thread.id]
    return msgspec.structs.replace(thread, facts={**thread.facts, "features": own, "quantiles": usual.quantiles(own)})


def _beside(paths: list[Path]) -> Path:
    return paths[0].with_suffix(".features")


def _account_of(turn: bytes) -> str:
    return _decode_author(turn).record.author


@lru_cache(maxsize=1)
def _usual(place: Path) -> Usual:
    return Usual.load(place)


def _bounded(paths: list[Path], folder: Path, *, key: Callable[[bytes], str], depth: int = 1) -> Iterator[list[bytes]]:
    """Yield the partition in pieces that fit in memory, never cutting a key apart."""
    if size(paths) <= LIMIT or depth > 3:
        yield list(payloads(paths))
        return
    with tempfile.TemporaryDirectory(dir=folder) as sub:
        smaller = Spill(Path(sub), salt=depth)
        for payload in payloads(paths):
            smaller.add(key(payload), payload)
        smaller.close()
        for part in partitions(Path(sub)):
            yield from _bounded(part, Path(sub), key=key, depth=depth + 1)


def judge_threads(threads: Iterable[Thread], *, into: Batch | None = None) -> Batch:
    """Judge threads with this process's plan and count what was judged."""
    result = Batch() if into is None else into
    assert _plan is not None
    for thread in threads:
        result.judged[thread.kind] = result.judged.get(thread.kind, 0) + 1
        signals = observe(thread, _plan.vocabulary, _plan.detectors)
        if not signals and not _plan.everything:
            continue
        found, assessment = _judged(thread, signals, _plan)
        if assessment.concern:
            result.concerns.append(assessment.concern)
        for indicator in sorted({s.indicator for s in assessment.signals if s.shadow}):
            result.shadow[indicator] = result.shadow.get(indicator, 0) + 1
        if found:
            result.found.append(found)
    return result


def judge_one(thread: Thread, plan: Plan) -> tuple[Found | None, Assessment]:
    """Judge one thread; the first value is None when it is neither raised nor asked for."""
    return _judged(thread, observe(thread, plan.vocabulary, plan.detectors), plan)


def _judged(thread: Thread, signals: Sequence[Signal], plan: Plan) -> tuple[Found | None, Assessment]:
    assessment = judge(thread, signals, plan.vocabulary)
    if plan.second_look and assessment.tier != "none":
        assessment = judge(thread, (*signals, *plan.second_look(thread, assessment)), plan.vocabulary)
    raised = assessment.tier != "none" or assessment.support
    if not raised and not plan.everything:
        return None, assessment
    if plan.labels and thread.kind in LABELLED_KINDS:
        assessment = msgspec.structs.replace(assessment, labels=plan.labels(thread))
    found = Found(
        line=_encode_line(assessment), kind=thread.kind, concern=assessment.concern, tier=assessment.tier,
        support=assessment.support,
        texts=_quoted(thread, assessment.signals) if plan.texts and raised else {},
        records=thread.held if plan.records and raised else (),
    )  # fmt: skip
    return found, assessment


def _quoted(thread: Thread, signals: Sequence[Signal]) -> dict[str, str]:
    """Return the texts of the records that are quoted; of several with one id, the one its first quote stands in."""
    first, held = {signal.record: signal for signal in reversed(signals)}, thread.held
    return {held[place].id: held[place].text for place in places_of(first.values(), held) if place >= 0}


def totals(batches: Sequence[Batch]) -> dict[str, int]:
    """Return the number of threads judged, by kind."""
    counts: dict[str, int] = {}
    for batch in batches:
        for kind, number in batch.judged.items():
            counts[kind] = counts.get(kind, 0) + number
    return dict(sorted(counts.items()))
