"""Many machines: the plan of `engine.local` on Apache Spark, with the same functions and the same results.

    records ─┬─ lone ───────────────► judge
             ├─ by conversation ────► judge ─┐
             ├─ by account ◄─────────────────┘──► measure ─► judge
             └─ sketches ► bands ► components ► scripts ► judge     (`engine.spark_scripts`)

Spark partitions and sorts; what is done with a partition is a plain function over Arrow batches. A task that is lost is
run again by Spark and gives the same rows, because nothing here depends on when or where it runs.

Needs the extra `spark` and Java. Input: JSON lines or Parquet in the form of `records.Record`, as `threelines read`
writes them.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pyarrow as pa

import threelines
from threelines.engine import local
from threelines.engine.intake import dated, encoded
from threelines.engine.plan import Turn, account_threads, lone_thread, turns_of, whole_talks, windows
from threelines.engine.reference import Reference
from threelines.engine.spill import PARTS
from threelines.records import Record, Thread, ThreelinesError
from threelines.signals import SIGNALS, Detector
from threelines.signals.account import measure
from threelines.vocabulary.terms import Vocabulary

RECORD = "place long, kind string, id string, author string, conversation string, time double, payload binary"
"""One record: where it stood in the input, its keys, and the whole of it as MessagePack."""
MESSAGE = f"{RECORD}, skipped string, repaired string"
"""A record from a stream, or why there is none."""
TURN = "author string, part int, conversation string, seq long, payload binary"
FINDING = "kind string, thread string, concern double, tier string, support boolean, finding string"
"""One judged thread; `finding` is the line that `threelines scan` writes."""

Batches = Iterator[pa.RecordBatch]


class SparkError(ThreelinesError):
    """Spark cannot run, or was given something it cannot read."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What every worker needs; small, and sent with the functions."""

    vocabulary: bytes
    """The vocabulary as MessagePack: a worker decodes it once."""
    detectors: tuple[Detector, ...] = SIGNALS
    everything: bool = False
    """Return every thread, raised or not."""
    region: str = ""
    """Country (ISO 3166) in which numbers without one are read, where accounts are tied."""

    @classmethod
    def of(cls, vocabulary: Vocabulary, **options: Any) -> Job:
        """Make a job from a vocabulary."""
        return cls(vocabulary=msgspec.msgpack.encode(vocabulary), **options)


def session(master: str = "local[2]", **settings: str) -> Any:
    """Return a Spark session whose workers run this Python and find this package.

    On a cluster, `spark-submit` sets master and resources; see docs/scale.md.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as fault:
        raise SparkError(f"pyspark: {fault}; install threelines[spark]") from fault
    here = str(Path(threelines.__file__).parents[1])
    builder = SparkSession.builder.master(master).appName("threelines")
    defaults = {
        "spark.executorEnv.PYTHONPATH": here, "spark.executorEnv.OMP_NUM_THREADS": "1", "spark.ui.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "5000", "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8", "spark.ui.showConsoleProgress": "false",
    }  # fmt: skip
    for key, value in {**defaults, **settings}.items():
        builder = builder.config(key, value)
    made = builder.getOrCreate()
    if master.startswith("local"):
        # Workers must run the Python that holds this package. `spark.pyspark.python` is read by spark-submit only,
        # and the environment is the command line's business (STYLE.md 12), so the context is told itself.
        made.sparkContext.pythonExec = sys.executable
    return made


def read(spark: Any, paths: Sequence[str]) -> Any:
    """Return a frame of `RECORD` from JSON lines (plain or gzip) or Parquet, told apart by the name's end.

    Records stand in order of the paths, of the names in a folder, and of their places in a file. What is no record ends
    nothing: see `unread`. A record without an id gets `file:line` for one (Parquet: `file:row`; past the first block
    that Spark cuts a long file into, `file@block:line`).
    """
    return _landed(spark, paths).where("skipped is null").select(*(column.split()[0] for column in RECORD.split(", ")))


def unread(spark: Any, paths: Sequence[str]) -> Any:
    """Return a frame (skipped, repaired) of the lines and rows that are no record, or not all of one, each with its place."""
    return _landed(spark, paths).where("skipped is not null or repaired is not null").select("skipped", "repaired")


def _landed(spark: Any, paths: Sequence[str]) -> Any:
    """Return a frame of `MESSAGE`."""
    lines = [path for path in paths if not path.rstrip("/").endswith(".parquet")]
    tables = [path for path in paths if path.rstrip("/").endswith(".parquet")]
    if lines and tables:
        raise SparkError(f"{lines[0]} and {tables[0]}: give JSON lines or Parquet, not both in one run")
    numbers = _numbered(spark, paths)
    frame = spark.read.text(lines) if lines else spark.read.parquet(*tables)
    told = frame.metadataColumn("_metadata")
    file = told["file_path"].alias(_FILE)
    if lines:
        frame = frame.select(frame["value"].cast("binary").alias("value"), file, told["file_block_start"].alias(_AT))
    else:
        frame = frame.select("*", file, told["row_index"].alias(_AT))
    return frame.mapInArrow(partial(_from_lines if lines else _from_rows, numbers), MESSAGE)


def _numbered(spark: Any, paths: Sequence[str]) -> dict[str, int]:
    """Return the number of each file, in order of the paths, and of their names in a folder."""
    numbers: dict[str, int] = {}
    for path in paths:
        for file in sorted(map(_plain, spark.read.text(path).inputFiles())):  # only listed, whatever it holds
            if file in numbers:
                raise SparkError(f"{file}: given twice, the second time with {path}")
            numbers[file] = len(numbers)
    if len(numbers) > _FILES:
        raise SparkError(f"{len(numbers):,} files: at most {_FILES:,} can be told apart; join some of them")
    return numbers


def scan(records: Any, job: Job, *, accounts: bool = True) -> Any:
    """Judge a frame of `RECORD`; return a frame of `FINDING`, in no order."""
    lone, talks = lone_of(records), talks_of(records)
    found = lone.mapInArrow(partial(_judge_lone, job), FINDING).unionAll(
        talks.mapInArrow(partial(_judge_talks, job), FINDING)
    )
    if not accounts:
        return found
    turns = lone.where("author <> ''").mapInArrow(_lone_turns, TURN).unionAll(talks.mapInArrow(_talk_turns, TURN))
    order = ("author", "part", "conversation", "seq")
    turns = turns.repartition("author").sortWithinPartitions(*order).persist()
    parts = [row.payload for row in turns.mapInArrow(_measure, "payload binary").collect()]
    reference = Reference.load(*map(bytes, parts)).dump()
    return found.unionAll(turns.mapInArrow(partial(_judge_accounts, job, reference), FINDING))


def lone_of(records: Any) -> Any:
    """Return the records that are judged alone."""
    return records.where("conversation = '' and kind <> 'system'")


def talks_of(records: Any) -> Any:
    """Return the records of conversations, each of these together and in order."""
    talks = records.where("conversation <> ''")
    return talks.repartition("conversation").sortWithinPartitions("conversation", "place")


def write(findings: Any, path: str) -> None:
    """Write findings as JSON lines, or as Parquet where the name says so."""
    if path.rstrip("/").endswith(".parquet"):
        findings.write.mode("overwrite").parquet(path)
    else:
        findings.select("finding").write.mode("overwrite").text(path)


def stream(records: Any, job: Job) -> Any:
    """Judge a *streaming* frame of one JSON record a row (`value`, text or bytes), each record alone and at once.

    The thin second entry: from Kafka, `stream(spark_kafka.read_kafka(spark, servers, topic), job)`. A value that is no
    record does not end the stream: `query.lastProgress["observedMetrics"]["threelines"]` counts `messages`, `skipped`
    and `repaired`, with an example. Conversations and accounts need what came before, so they are judged by the batch
    job over what has landed.
    """
    from pyspark.sql.functions import coalesce, count, lit
    from pyspark.sql.functions import min as least

    frame = records.select([name for name in _PLACE if name in records.columns]).mapInArrow(_from_messages, MESSAGE)
    frame = frame.observe(
        "threelines",
        count(lit(1)).alias("messages"),
        count("skipped").alias("skipped"),
        count("repaired").alias("repaired"),
        coalesce(least("skipped"), least("repaired")).alias("example"),
    )
    found = frame.where("skipped is null and kind <> 'system'")
    return found.mapInArrow(partial(_judge_lone, job), FINDING)


# ---- in each worker: functions that stand in this module, so that they travel by name ---------

_PLACE = ("value", "topic", "partition", "offset")
"""Columns of a frame from Kafka."""
_FILE, _AT = "threelines file", "threelines at"
"""Columns beside those that were read: the file, and where in it a line's block begins or the number of a row."""
_FILES, _LONGEST = 1 << 20, 1 << 36
"""Files of one run, and bytes of one file, whose places can be told apart."""
PLACES = _FILES * _LONGEST
"""All places are below this, so that what belongs to a record can have its place plus a multiple of it."""
_decode_line = msgspec.json.Decoder(Record).decode
_decode = msgspec.msgpack.Decoder(Record).decode
_decode_turn = msgspec.msgpack.Decoder(Turn).decode
_encode = msgspec.msgpack.Encoder().encode


@lru_cache(maxsize=2)
def _vocabulary(raw: bytes) -> Vocabulary:
    return msgspec.msgpack.decode(raw, type=Vocabulary)


def plan_of(job: Job) -> local.Plan:
    """Return the plan of a job, with the vocabulary decoded once in each worker."""
    return local.Plan(vocabulary=_vocabulary(job.vocabulary), detectors=job.detectors, everything=job.everything)


def batch(schema: str, rows: Iterable[tuple[Any, ...]]) -> pa.RecordBatch:
    """Make one Arrow batch of rows in the columns of a schema."""
    types = {"long": pa.int64(), "int": pa.int32(), "double": pa.float64(), "string": pa.string()}
    types |= {"binary": pa.binary(), "boolean": pa.bool_()}
    fields = [(part.split()[0], types[part.split()[1]]) for part in schema.split(", ")]
    columns = list(zip(*rows, strict=True)) or [()] * len(fields)
    arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, names=[name for name, _ in fields])


def row_of(place: int, record: Record) -> tuple[Any, ...]:
    """Return a row of `RECORD`."""
    time = record.time.timestamp() if record.time else None
    return (place, record.kind, record.id, record.author, record.conversation, time, encoded(record))


def _taken(place: int, where: str, read: Callable[[], Record], repaired: str = "") -> tuple[Any, ...]:
    """Return a row of `MESSAGE`: the record that is read, or why there is none."""
    try:
        record, wrong = dated(read())
        made = msgspec.structs.replace(record, id=record.id or where, source=record.source or where)
        row = row_of(place, made)
    except (ValueError, OverflowError, RecursionError) as fault:  # a DecodeError is a ValueError
        return (place, *[None] * (len(RECORD.split(", ")) - 1), f"{where}: no record ({fault})", None)
    told = "; ".join(filter(None, (repaired, wrong)))
    return (*row, None, f"{where}: {told}" if told else None)


def _plain(file: str) -> str:
    """Return a file's address as it is shown; Spark writes `file:///a%20b` here and `file:/a%20b` there."""
    return re.sub(r"^(\w+):/+", r"\1:/", unquote(file)).removeprefix("file:")


def _place(numbers: Mapping[str, int], file: str, at: int) -> int:
    if file not in numbers:
        raise SparkError(f"{file}: appeared while the others were read; run again")
    if at >= _LONGEST:
        raise SparkError(f"{file}: longer than {_LONGEST >> 30} GB; cut it into several")
    return numbers[file] * _LONGEST + at


def _from_lines(numbers: Mapping[str, int], batches: Batches) -> Batches:
    """Read the lines of files; Spark gives those of one block of a file together and in order."""
    block, number = ("", 0), 0
    for part in batches:
        rows = []
        for value, name, start in zip(*(part.column(key).to_pylist() for key in ("value", _FILE, _AT)), strict=True):
            if block != (name, start):
                block, number, file = (name, start), 0, _plain(name)
            number += 1
            if value.strip():  # a line takes a byte at least, so the places of the next block are larger
                where = f"{file}@{start}:{number}" if start else f"{file}:{number}"
                rows.append(_message(value, where, _place(numbers, file, start + number)))
        yield batch(MESSAGE, rows)


def _from_messages(batches: Batches) -> Batches:
    """Read the values of a stream; a record without an id gets its place (`topic/partition:offset`) for one."""
    for part in batches:
        values = part.column("value").to_pylist()
        known = all(name in part.schema.names for name in _PLACE)
        places = [part.column(name).to_pylist() for name in _PLACE[1:]] if known else []
        wheres = [f"{topic}/{number}:{offset}" for topic, number, offset in zip(*places, strict=True)] or [""] * len(
            values
        )
        yield batch(MESSAGE, map(_message, values, wheres))


def _message(value: str | bytes | None, where: str, place: int = 0) -> tuple[Any, ...]:
    text, repaired = value if isinstance(value, str) else "", ""
    if isinstance(value, bytes):
        text = value.decode(errors="replace")
        repaired = "" if text.encode() == value else "bytes that are not UTF-8 were replaced by U+FFFD"
    return _taken(place, where, partial(_line, text), repaired)


def _line(text: str) -> Record:
    if not text.strip():
        raise ValueError("no value")
    return _decode_line(text)


def _from_rows(numbers: Mapping[str, int], batches: Batches) -> Batches:
    for part in batches:
        rows = []
        for row in part.to_pylist():
            file, number = _plain(row.pop(_FILE)), row.pop(_AT)
            rows.append(_taken(_place(numbers, file, number), f"{file}:{number + 1}", partial(_record, row)))
        yield batch(MESSAGE, rows)


def _record(row: dict[str, Any]) -> Record:
    """Read a row of a Parquet file: columns that are empty keep their default, `extra` may be JSON."""
    known = {name: value for name, value in row.items() if value is not None and name in Record.__struct_fields__}
    if isinstance(known.get("extra"), str):
        known["extra"] = msgspec.json.decode(known["extra"] or "{}")
    if isinstance(known.get("extra"), list) and all(isinstance(part, tuple) for part in known["extra"]):
        known["extra"] = dict(known["extra"])
    return msgspec.convert(known, Record, strict=False)


def judged(threads: Iterable[Thread], job: Job) -> Batches:
    """Judge threads and yield batches of `FINDING`."""
    plan = plan_of(job)
    rows: list[tuple[Any, ...]] = []
    for thread in threads:
        found, _ = local.judge_one(thread, plan)
        if found:
            rows.append((found.kind, thread.id, found.concern, found.tier, found.support, found.line.decode()))
        if len(rows) == local.BATCH:
            yield batch(FINDING, rows)
            rows = []
    yield batch(FINDING, rows)


def payloads(batches: Batches, key: str = "") -> Iterator[tuple[Any, bytes]]:
    """Yield (key, payload) row by row; the rows of one key stand together."""
    for part in batches:
        keys = part.column(key).to_pylist() if key else [""] * part.num_rows
        yield from zip(keys, part.column("payload").to_pylist(), strict=True)


def _judge_lone(job: Job, batches: Batches) -> Batches:
    return judged((lone_thread(_decode(payload)) for _, payload in payloads(batches)), job)


def _talks(batches: Batches) -> Iterator[Thread]:
    for _, rows in groupby(payloads(batches, "conversation"), key=lambda row: row[0]):
        yield from whole_talks(_decode(payload) for _, payload in rows)


def _judge_talks(job: Job, batches: Batches) -> Batches:
    return judged((window for talk in _talks(batches) for window in windows(talk)), job)


def _lone_turns(batches: Batches) -> Batches:
    for part in batches:
        columns = (part.column(name).to_pylist() for name in ("author", "place", "payload"))
        yield batch(
            TURN, ((author, -1, "", place, _encode(Turn(record=_decode(raw)))) for author, place, raw in zip(*columns, strict=True))
        )  # fmt: skip


def _talk_turns(batches: Batches) -> Batches:
    """Yield the turns of each conversation; `part` and `conversation` keep the order of the local engine."""
    rows: list[tuple[Any, ...]] = []
    for talk in _talks(batches):
        part = zlib.crc32(talk.id.encode("utf-8", "surrogatepass")) % PARTS
        for turn in turns_of(talk):
            rows.append((turn.record.author, part, talk.id, len(rows), _encode(turn)))
        if len(rows) > local.BATCH:
            yield batch(TURN, rows)
            rows = []
    yield batch(TURN, rows)


def _accounts(batches: Batches) -> Iterator[Thread]:
    for _, rows in groupby(payloads(batches, "author"), key=lambda row: row[0]):
        yield from account_threads(_decode_turn(payload) for _, payload in rows)


def _measure(batches: Batches) -> Batches:
    reference = Reference.of(measure(thread) for thread in _accounts(batches))
    yield batch("payload binary", [(reference.dump(),)])


def _judge_accounts(job: Job, reference: bytes, batches: Batches) -> Batches:
    usual = Reference.load(reference)
    return judged((_placed(thread, usual) for thread in _accounts(batches)), job)


def _placed(thread: Thread, usual: Reference) -> Thread:
    own = measure(thread)
    facts = {**thread.facts, "features": own, "quantiles": usual.quantiles(own)}
    return msgspec.structs.replace(thread, facts=facts)


__all__ = ["FINDING", "RECORD", "Job", "SparkError", "read", "scan", "session", "stream", "unread", "write"]
