"""Records through Spark, findings back in the form that a scan writes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from threelines.engine.local import Batch, Found
from threelines.records import Assessment, Record, Signal
from threelines.vocabulary.terms import Vocabulary

HELD = 20_000
"""Findings held at once: for each so many, the records are read once more for the texts of a report."""


class _Said(msgspec.Struct):
    id: str = ""
    text: str = ""
    inside: tuple[_Said, ...] = ()


_decode_said = msgspec.json.Decoder(_Said).decode
_encode = msgspec.json.Encoder().encode


def batches(
    records: Iterable[Record], vocabulary: Vocabulary, *, everything: bool, texts: bool = False, region: str = ""
) -> Iterator[Batch]:
    """Lay the records down as JSON lines, judge them with Spark, and yield what was found.

    Every thread is counted, raised or not; with `everything` every one is also returned. With `texts` a raised one
    has the texts of the records that it quotes. `region` is that of numbers without a country.
    """
    from threelines.engine.spark import Job, read, scan, session
    from threelines.engine.spark_scripts import scan_linked

    with tempfile.TemporaryDirectory(prefix="threelines-") as name:
        said = Path(name) / "records.jsonl"
        lay_down(records, said)
        spark = session()
        try:
            job = Job.of(vocabulary, everything=True, region=region)  # what is not returned is not counted
            frame = read(spark, [str(said)])
            for found in (scan(frame, job), scan_linked(frame, job)):
                for batch in _batches(found.toLocalIterator(), everything=everything):
                    yield _with_texts(batch, said) if texts else batch
        finally:
            spark.stop()


def lay_down(records: Iterable[Record], said: Path) -> None:
    """Write all records to a file."""
    with said.open("wb") as file:
        file.writelines(_encode(record) + b"\n" for record in records)


def _batches(rows: Iterable[object], *, everything: bool) -> Iterator[Batch]:
    batch = Batch()
    for row in rows:
        line = row.finding.encode()  # type: ignore[attr-defined]
        seen = msgspec.json.decode(line, type=Assessment)
        _count(batch, seen)
        if everything or _raised(seen):
            batch.found.append(Found(line, seen.thread.kind, seen.concern, seen.tier, seen.support, {}))
        if len(batch.found) == HELD:
            yield batch
            batch = Batch()
    yield batch


def _count(batch: Batch, seen: Assessment) -> None:
    """Count as `engine.local.judge_threads` does."""
    batch.judged[seen.thread.kind] = batch.judged.get(seen.thread.kind, 0) + 1
    if seen.concern:
        batch.concerns.append(seen.concern)
    for indicator in {signal.indicator for signal in seen.signals if signal.shadow}:
        batch.shadow[indicator] = batch.shadow.get(indicator, 0) + 1


def _raised(seen: Assessment | Found) -> bool:
    return seen.tier != "none" or seen.support


def _with_texts(batch: Batch, said: Path) -> Batch:
    """Add the quoted texts to what was raised, in one pass over the records."""
    wanted: dict[str, list[tuple[Signal, dict[str, str]]]] = {}
    for found in filter(_raised, batch.found):
        for signal in _first(msgspec.json.decode(found.line, type=Assessment).signals):
            wanted.setdefault(signal.record, []).append((signal, found.texts))
    with said.open("rb") as file:
        said_in = map(_decode_said, file if wanted else ())
        for record in (part for whole in said_in for part in (whole, *whole.inside)):
            for signal, texts in wanted.get(record.id, ()):
                if record.text[signal.start : signal.end] == signal.quote:
                    texts.setdefault(record.id, record.text)  # of several records with one id, the first with its words
    return batch


def _first(signals: Sequence[Signal]) -> Iterable[Signal]:
    """Return the first signal of each record."""
    return {signal.record: signal for signal in reversed(signals)}.values()
