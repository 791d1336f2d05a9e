"""Records through Spark, findings back in the form that a scan writes."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from threelines.engine.local import OPENINGS, Batch, Found
from threelines.records import Assessment, Record
from threelines.vocabulary.terms import Vocabulary


def batches(records: Iterable[Record], vocabulary: Vocabulary, *, everything: bool) -> Iterator[Batch]:
    """Lay the records down as JSON lines, judge them with Spark, and yield what was found."""
    from threelines.engine.spark import Job, read, scan, session
    from threelines.engine.spark_scripts import scan_linked

    with tempfile.TemporaryDirectory(prefix="threelines-") as folder:
        everything_path, copied_path = Path(folder) / "records.jsonl", Path(folder) / "texts.jsonl"
        encode = msgspec.json.Encoder().encode
        said: Counter[tuple[str, str]] = Counter()
        with everything_path.open("wb") as file, copied_path.open("wb") as texts:
            for record in records:
                line = encode(record) + b"\n"
                file.write(line)
                said[record.conversation, record.author] += bool(record.conversation)
                if said[record.conversation, record.author] <= OPENINGS:
                    texts.write(line)
        spark = session()
        try:
            job = Job.of(vocabulary, everything=everything)
            yield _batch(scan(read(spark, [str(everything_path)]), job).toLocalIterator())
            yield _batch(scan_linked(read(spark, [str(copied_path)]), job).toLocalIterator())
        finally:
            spark.stop()


def _batch(rows: Iterable[object]) -> Batch:
    result = Batch()
    for row in rows:
        line = row.finding.encode()  # type: ignore[attr-defined]
        seen = msgspec.json.decode(line, type=Assessment)
        result.judged[seen.thread.kind] = result.judged.get(seen.thread.kind, 0) + 1
        result.found.append(Found(line, seen.thread.kind, seen.concern, seen.tier, seen.support, {}))
        result.concerns += [seen.concern] if seen.concern else []
    return result
