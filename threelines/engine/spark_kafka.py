"""A Kafka topic as a stream of Spark, without a package for Java: `engine.spark.stream` judges what comes.

    broker ──► offsets (driver) ──► ranges (topic, partition, start, end) ──► messages (workers)

Spark's own Kafka source comes by Maven only. This one is a Python data source over `confluent-kafka`; names of options,
offsets and columns are those of Spark's own, so that a job moves from one to the other by one word. A range always gives
the same messages, which is all that Spark's checkpoint needs to judge each of them once after a restart.

Needs the extra `kafka`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from threelines.engine.spark import SparkError

try:
    from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
    from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
    from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadLimit, ReadMaxRows, SupportsTriggerAvailableNow
except ImportError as fault:
    raise SparkError(f"a stream from Kafka: {fault}; install threelines[kafka] (Spark 4.2 or later)") from fault

FORMAT = "threelines_kafka"
ROW = "key binary, value binary, topic string, partition int, offset long, timestamp timestamp, timestampType int"
"""The columns of Spark's own source; `timestamp` is when the message was made or stored, as the topic is set."""

_ARROW = pa.schema(
    [
        ("key", pa.binary()), ("value", pa.binary()), ("topic", pa.string()), ("partition", pa.int32()),
        ("offset", pa.int64()), ("timestamp", pa.timestamp("us", tz="UTC")), ("timestampType", pa.int32()),
    ]
)  # fmt: skip
_KNOWN = {
    "subscribe", "startingoffsets", "maxoffsetspertrigger", "minpartitions", "failondataloss", "kafkaconsumer.polltimeoutms"
}  # fmt: skip
_OURS = ("enable.auto.commit", "enable.auto.offset.store", "auto.offset.reset", "enable.partition.eof")
_BATCH = 1000  # messages handed on at once
_WAIT = 0.2  # seconds; `consume` waits this long for a batch that gaps (compaction, transactions) leave short

Offsets = dict[str, dict[str, int]]
"""Topic → partition → next offset to read, sorted: Spark compares their JSON text."""


def read_kafka(spark: Any, servers: str, topic: str, options: Mapping[str, str] | None = None) -> Any:
    """Return a streaming frame of the messages of a topic (several: with commas), from the earliest that is kept.

    `options` as for Spark's own source: `startingOffsets`, `maxOffsetsPerTrigger` (10,000 messages), `failOnDataLoss`
    (true), `minPartitions`, `kafkaConsumer.pollTimeoutMs` (60,000), and `kafka.…` for any property of librdkafka.
    """
    given = {"startingOffsets": "earliest", "maxOffsetsPerTrigger": "10000", **(options or {})}
    given |= {"kafka.bootstrap.servers": servers, "subscribe": topic}
    Topics.of(given)
    spark.dataSource.register(KafkaSource)
    return spark.readStream.format(FORMAT).options(**given).load()


class Topics(msgspec.Struct, frozen=True, kw_only=True):
    """The options of a stream, read once."""

    names: tuple[str, ...]
    client: dict[str, str]
    """Properties of librdkafka: the options `kafka.…` without that word."""
    starting: str = "latest"
    most: int = 0
    """Messages a batch; 0 is no limit."""
    pieces: int = 0
    """Tasks to make of a batch at least."""
    strict: bool = True
    """Messages that are gone before they were read are an error."""
    timeout: float = 60.0
    """Seconds without any answer of the broker until that is an error."""

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Topics:
        """Read options; one that is not known is an error, not left out."""
        given = {name.lower(): str(value) for name, value in options.items()}
        client = {name[6:]: value for name, value in given.items() if name.startswith("kafka.")}
        unknown = sorted(name for name in given if not name.startswith("kafka.") and name not in _KNOWN)
        unknown += [f"kafka.{name}" for name in _OURS if name in client]
        names = tuple(sorted({name.strip() for name in given.get("subscribe", "").split(",")} - {""}))
        if unknown:
            raise SparkError(f"{FORMAT}: option {unknown[0]} cannot be set here; known: {', '.join(sorted(_KNOWN))}")
        if not names or not client.get("bootstrap.servers"):
            raise SparkError(f"{FORMAT}: options kafka.bootstrap.servers and subscribe (topics) are both needed")
        return cls(
            names=names,
            client=client,
            starting=_starting(given.get("startingoffsets", "latest")),
            most=_count(given, "maxoffsetspertrigger", 0),
            pieces=_count(given, "minpartitions", 0),
            strict=_truth(given, "failondataloss"),
            timeout=_count(given, "kafkaconsumer.polltimeoutms", 60_000) / 1000,
        )

    def consumer(self, said: list[str]) -> Consumer:
        """Return a client that belongs to no group, commits nothing and says what is wrong in `said`."""
        settings: dict[str, Any] = {"group.id": "threelines", "log_level": 2, **self.client}
        settings |= {
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error" if self.strict else "earliest",
            "error_cb": lambda fault: said.append(fault.str()),
        }
        try:
            return Consumer(settings)
        except (KafkaException, ValueError, TypeError) as fault:
            raise SparkError(f"{FORMAT}: {_text(fault)}; options kafka.… are properties of librdkafka") from fault


class KafkaSource(DataSource):
    """The format `threelines_kafka`."""

    @classmethod
    def name(cls) -> str:
        """Return the word for `format`."""
        return FORMAT

    def schema(self) -> str:
        """Return the columns."""
        return ROW

    def streamReader(self, schema: Any) -> KafkaReader:  # noqa: N802 (Spark's name)
        """Return the reader that Spark asks for offsets and messages."""
        return KafkaReader(Topics.of(self.options))


class KafkaReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Offsets on the driver, messages on the workers."""

    def __init__(self, topics: Topics) -> None:
        self.topics = topics
        self._client: Consumer | None = None  # the driver's; a worker opens one for each range
        self._said: list[str] = []
        self._goal: Offsets | None = None

    def initialOffset(self) -> Offsets:  # noqa: N802
        """Return where a query without checkpoint begins."""
        bounds = self._bounds()
        given = {"earliest": 0, "latest": 1}.get(self.topics.starting)
        if given is not None:
            return {topic: {number: kept[given] for number, kept in parts.items()} for topic, parts in bounds.items()}
        wanted = msgspec.json.decode(self.topics.starting, type=Offsets)
        for topic, number in ((topic, number) for topic, parts in wanted.items() for number in parts):
            if number not in bounds.get(topic, {}):
                raise SparkError(f"startingOffsets: {topic}/{number} is not read here; there are {_known(bounds)}")
        return {
            topic: {number: _begin(wanted.get(topic, {}).get(number, -2), kept) for number, kept in parts.items()}
            for topic, parts in bounds.items()
        }

    def getDefaultReadLimit(self) -> ReadLimit:  # noqa: N802
        """Return the most messages of one batch."""
        return ReadMaxRows(self.topics.most) if self.topics.most else ReadAllAvailable()

    def prepareForTriggerAvailableNow(self) -> None:  # noqa: N802
        """Keep what is there now as the end of this query."""
        self._goal = _upper(self._bounds())

    def latestOffset(self, start: Offsets, limit: ReadLimit) -> Offsets:  # noqa: N802
        """Return where the next batch ends: at the newest message, or after as many as the limit allows."""
        bounds = self._bounds()
        end = self._goal or _upper(bounds)
        # A partition that is new is read from its start; one that is gone shows in `partitions`.
        end = _sorted({topic: {**start.get(topic, {}), **parts} for topic, parts in end.items()})
        begin = {
            topic: {n: start.get(topic, {}).get(n, bounds[topic][n][0] if n in bounds[topic] else 0) for n in parts}
            for topic, parts in end.items()
        }
        return limited(begin, end, limit.max_rows) if isinstance(limit, ReadMaxRows) else end

    def partitions(self, start: Offsets, end: Offsets) -> Sequence[InputPartition]:
        """Return the ranges of a batch; messages that are gone are an error unless `failOnDataLoss` is false."""
        bounds, ranges = self._bounds(), []
        for topic, parts in end.items():
            for number, until in parts.items():
                low, high = bounds.get(topic, {}).get(number, (0, 0))
                begin = start.get(topic, {}).get(number, low)
                if self.topics.strict and ((begin < low and begin < until) or not begin <= until <= high):
                    raise SparkError(
                        f"{topic}/{number}: offsets {begin} to {until} were to be read, the broker has {low} to "
                        f"{high}: messages were deleted before they were judged. Set failOnDataLoss to false to go on "
                        "with what is left, and keep messages for longer (retention.ms)"
                    )
                ranges.append((topic, int(number), max(begin, low), min(until, high)))
        return [InputPartition(piece) for piece in _pieces(ranges, self.topics.pieces)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Yield the messages of one range, on a worker."""
        topic, number, start, _ = partition.value
        said: list[str] = []
        consumer = self.topics.consumer(said)
        try:
            consumer.assign([TopicPartition(topic, number, start)])
            yield from _messages(consumer, partition.value, self.topics, said)
        finally:
            consumer.close()

    def stop(self) -> None:
        """Close the driver's client."""
        if self._client:
            self._client.close()

    def _bounds(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Return for each topic and partition the first offset that is kept, and the one after the last."""
        self._client = self._client or self.topics.consumer(self._said)
        try:
            return {name: self._topic(self._client, name) for name in self.topics.names}
        except KafkaException as fault:
            self._client.poll(0)  # lets the client say what went wrong before
            raise _no_answer(self.topics, self._said or [_text(fault)]) from fault

    def _topic(self, client: Consumer, name: str) -> dict[str, tuple[int, int]]:
        found = client.list_topics(name, timeout=self.topics.timeout).topics[name]
        if found.error is not None or not found.partitions:
            why = found.error.str() if found.error else "it has no partitions"
            raise SparkError(f"{name}: the broker does not give this topic ({why}); make it, or mend `subscribe`")
        return {
            str(number): client.get_watermark_offsets(TopicPartition(name, number), timeout=self.topics.timeout, cached=False)
            for number in sorted(found.partitions)
        }  # fmt: skip


def limited(start: Offsets, end: Offsets, most: int) -> Offsets:
    """Return the offsets after `most` messages, shared out by how many wait in each partition.

    >>> limited({"a": {"0": 0, "1": 5}}, {"a": {"0": 30, "1": 15}}, 10)
    {'a': {'0': 7, '1': 8}}
    """
    sizes = {(topic, n): until - start[topic][n] for topic, parts in end.items() for n, until in parts.items()}
    total = sum(sizes.values())
    if total <= most or min(sizes.values()) < 0:
        return end
    cut: Offsets = {topic: {} for topic in end}
    waiting = 0
    for (topic, number), size in sizes.items():
        share = (waiting + size) * most // total - waiting * most // total
        cut[topic][number] = start[topic][number] + share
        waiting += size
    return cut


def _messages(
    consumer: Consumer, wanted: tuple[str, int, int, int], topics: Topics, said: list[str]
) -> Iterator[pa.RecordBatch]:
    topic, number, at, end = wanted
    heard = time.monotonic()
    while at < end:
        came = consumer.consume(min(_BATCH, end - at), timeout=_WAIT)
        before, rows = at, []
        for message in came:
            after = _next(message)
            at = max(at, after)
            if not message.error() and after <= end:
                rows.append(message)
        if rows:
            yield _batch(rows)
        if at > before:
            heard = time.monotonic()  # after `yield`: the time that judging takes is not the broker's
        elif time.monotonic() - heard > topics.timeout:
            raise _no_answer(topics, said or [f"{topic}/{number}: nothing came after offset {at}, up to {end - 1}"])


def _next(message: Message) -> int:
    """Return the offset after a message; the end of a partition counts, so that a gap before it is no wait."""
    fault = message.error()
    if fault is None:
        return int(message.offset() or 0) + 1
    if fault.code() == KafkaError._PARTITION_EOF:
        return int(message.offset() or 0)
    where = f"{message.topic()}/{message.partition()}"
    if fault.code() == KafkaError._AUTO_OFFSET_RESET:
        raise SparkError(
            f"{where}: messages were deleted before they were judged ({fault.str()}); set failOnDataLoss to false to go on "
            "with what is left, and keep messages for longer (retention.ms)"
        )
    raise SparkError(f"{where}: {fault.str()}")


def _batch(messages: Sequence[Message]) -> pa.RecordBatch:
    times = [message.timestamp() for message in messages]
    columns = (
        [message.key() for message in messages],
        [message.value() for message in messages],
        [message.topic() for message in messages],
        [message.partition() for message in messages],
        [message.offset() for message in messages],
        [at * 1000 if kind and abs(at) < 2**53 else None for kind, at in times],  # a producer may set anything
        [kind - 1 for kind, _ in times],  # librdkafka counts from 0 = unknown, Spark from 0 = made
    )
    return pa.RecordBatch.from_arrays(
        [pa.array(column, field.type) for column, field in zip(columns, _ARROW, strict=True)], schema=_ARROW
    )


def _pieces(ranges: Sequence[tuple[str, int, int, int]], least: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield the ranges that hold something, cut so that there are at least `least` of about one size."""
    total = sum(max(0, end - start) for *_, start, end in ranges)
    for topic, number, start, end in ranges:
        size = end - start
        if size <= 0:
            continue
        parts = min(size, max(1, -(-least * size // total)))
        for part in range(parts):
            yield topic, number, start + size * part // parts, start + size * (part + 1) // parts


def _sorted(offsets: Offsets) -> Offsets:
    return {topic: dict(sorted(offsets[topic].items(), key=lambda part: int(part[0]))) for topic in sorted(offsets)}


def _upper(bounds: Mapping[str, Mapping[str, tuple[int, int]]]) -> Offsets:
    return {topic: {number: high for number, (_, high) in parts.items()} for topic, parts in bounds.items()}


def _begin(wanted: int, kept: tuple[int, int]) -> int:
    """Read one offset of `startingOffsets`: -2 is the earliest, -1 the latest."""
    return {-2: kept[0], -1: kept[1]}.get(wanted, wanted)


def _starting(text: str) -> str:
    if text.lower() in ("earliest", "latest"):
        return text.lower()
    try:
        msgspec.json.decode(text, type=Offsets)
    except msgspec.DecodeError as fault:
        raise SparkError(f'startingOffsets: {fault}; give earliest, latest or {{"topic": {{"0": 17}}}}') from fault
    return text


def _known(bounds: Mapping[str, Mapping[str, object]]) -> str:
    return ", ".join(f"{topic}/{number}" for topic, parts in bounds.items() for number in parts)


def _count(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not text.isdecimal() or (name in given and not int(text)):
        raise SparkError(f"{FORMAT}: option {name} is {text!r}; give a whole number from 1")
    return int(text)


def _truth(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "true").lower()
    if text not in ("true", "false"):
        raise SparkError(f"{FORMAT}: option {name} is {text!r}; give true or false")
    return text == "true"


def _text(fault: Exception) -> str:
    first = fault.args[0] if fault.args else fault
    return str(first.str()) if isinstance(first, KafkaError) else str(first)


def _no_answer(topics: Topics, said: Sequence[str]) -> SparkError:
    return SparkError(
        f"{topics.client['bootstrap.servers']}: no answer of the broker in {topics.timeout:g} s ({said[-1]}); check the address, "
        "the network and the options kafka.security.protocol, kafka.sasl.… and kafka.ssl.…"
    )


__all__ = ["FORMAT", "KafkaReader", "KafkaSource", "Topics", "limited", "read_kafka"]
