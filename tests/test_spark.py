"""Apache Spark judges like one machine, to the last digit, and a killed worker loses nothing."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from threelines.engine.local import scan as scan_here
from threelines.records import Record
from threelines.vocabulary.terms import load

pytestmark = pytest.mark.spark


def _missing():
    if not shutil.which("java"):
        return "no Java: apt install default-jre-headless"
    try:
        import pyspark  # noqa: F401
    except ImportError:
        return "no pyspark: install threelines[spark]"
    return ""


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    """One session for all tests; in CI a missing Java is a failure."""
    reason = _missing()
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    from threelines.engine.spark import session

    place = tmp_path_factory.mktemp("spark")
    made = session(
        "local[2]", **{"spark.sql.warehouse.dir": str(place), "spark.local.dir": str(place), "spark.sql.shuffle.partitions": "2"}
    )  # fmt: skip
    yield made
    made.stop()


@pytest.fixture(scope="module")
def vocabulary():
    """The packaged vocabulary."""
    return load()


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A simulated platform as JSON lines: 150 accounts, 2 days; THREELINES_FULL=1 takes the 2,000 × 7 of the contract."""
    from threelines.platforms.simulate import Simulation, simulate

    full = bool(os.environ.get("THREELINES_FULL"))
    out, truth = io.StringIO(), io.StringIO()
    simulation = Simulation(accounts=2000 if full else 150, days=7 if full else 2, seed=5)
    simulate(simulation, out, truth, progress=lambda _: None)
    path = tmp_path_factory.mktemp("platform") / "records.jsonl"
    path.write_text(out.getvalue(), encoding="utf-8")
    return path


def _records(path):
    return [msgspec.json.decode(line, type=Record) for line in Path(path).read_bytes().splitlines() if line]


def _here(path, vocabulary):
    return sorted(
        msgspec.json.encode(a).decode() for a in scan_here(_records(path), vocabulary, everything=True, linked=False)
    )


def test_spark_and_local_findings_are_equal(spark, platform, vocabulary):
    """Every thread of every kind has the same assessment, byte for byte."""
    from threelines.engine.spark import Job, read, scan

    found = scan(read(spark, [str(platform)]), Job.of(vocabulary, everything=True)).collect()

    assert sorted(row.finding for row in found) == _here(platform, vocabulary)
    assert {row.kind for row in found} >= {"conversation", "account"}


def test_parquet_in_and_out(spark, platform, vocabulary, tmp_path):
    """Records as Parquet give the same findings, and findings can be written as Parquet or JSON lines."""
    from threelines.engine.spark import Job, read, scan, write

    small = tmp_path / "small.jsonl"
    small.write_text("\n".join(platform.read_text(encoding="utf-8").splitlines()[:400]), encoding="utf-8")
    spark.read.json(str(small)).write.parquet(str(tmp_path / "records.parquet"))
    job = Job.of(vocabulary, everything=True)
    write(scan(read(spark, [str(tmp_path / "records.parquet")]), job), str(tmp_path / "found.parquet"))
    write(scan(read(spark, [str(small)]), job), str(tmp_path / "found"))
    rows = sorted(row.finding for row in spark.read.parquet(str(tmp_path / "found.parquet")).collect())
    lines = sorted(line for file in (tmp_path / "found").glob("part-*") for line in file.read_text().splitlines())

    assert rows == lines == _here(small, vocabulary)


def test_a_killed_worker_loses_nothing(tmp_path, platform, vocabulary):
    """A Python worker that dies in the middle of its partition is replaced, and the result is whole."""
    if _missing():
        pytest.skip(_missing())
    import subprocess
    import sys

    script = tmp_path / "killed.py"
    script.write_text(_KILLED, encoding="utf-8")
    arguments = [sys.executable, str(script), str(tmp_path / "once"), str(platform), str(tmp_path / "found.txt")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[1])

    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "once").exists()
    assert sorted((tmp_path / "found.txt").read_text().splitlines()) == _here(platform, vocabulary)


_KILLED = """
import os, sys
from pathlib import Path
import threelines.engine.spark as engine
from threelines.vocabulary.terms import load

mark, platform, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
spark = engine.session("local-cluster[2,1,1024]", **{"spark.sql.shuffle.partitions": "2"})

def die_once(batches):
    for part in batches:
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), 9)
        yield part

records = engine.read(spark, [platform]).mapInArrow(die_once, engine.RECORD)
found = engine.scan(records, engine.Job.of(load(), everything=True)).collect()
out.write_text("\\n".join(row.finding for row in found))
spark.stop()
"""


def test_scripts_and_networks_are_equal(spark, vocabulary, tmp_path):
    """Near-copies by MinHash bands and components as frame operations give the threads of the local engine."""
    from datetime import UTC, datetime
    from importlib.util import module_from_spec, spec_from_file_location

    from threelines.engine.local import Plan, judge_one
    from threelines.engine.spark import Job, read
    from threelines.engine.spark_scripts import scan_linked
    from threelines.link.network import network_threads
    from threelines.link.scripts import find_scripts
    from threelines.signals.network import same_texts_in_network, tied_accounts
    from threelines.signals.script import posted_as_one, same_text_by_many

    place = Path(__file__).parents[1] / "bench" / "corpus.py"
    if not place.exists():
        pytest.skip("bench/ is not part of this installation")
    spec = spec_from_file_location("corpus", place)
    corpus = module_from_spec(spec)
    spec.loader.exec_module(corpus)
    made = corpus.make(1000, 3)
    records = [
        Record(id=name, kind="post", text=text, author=author, time=datetime.fromtimestamp(at, UTC))
        for name, text, author, at in zip(made.ids, made.texts, made.authors, made.times, strict=True)
    ]
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    scripts = find_scripts(records)
    detectors = (same_text_by_many, posted_as_one, tied_accounts, same_texts_in_network)
    plan = Plan(vocabulary=vocabulary, everything=True, detectors=detectors)
    threads = [*scripts.threads(records), *network_threads(records, scripts.groups)]
    here = sorted(judge_one(thread, plan)[0].line.decode() for thread in threads)
    found = scan_linked(read(spark, [str(path)]), Job.of(vocabulary, everything=True, detectors=detectors)).collect()

    assert sorted(row.finding for row in found) == here
    assert {row.kind for row in found} == {"script", "network"}


def test_components_of_a_long_chain(spark):
    """Large-star and small-star name every node by the smallest it is connected to, chains and stars alike."""
    from threelines.engine.spark_scripts import components

    edges = [(i, i + 1) for i in range(40)] + [(100, x) for x in (103, 102, 101)] + [(7, 20), (103, 102)]
    named = components(spark.createDataFrame(edges, "first long, second long")).collect()

    assert {row.node: row.name for row in named} == {
        **dict.fromkeys(range(41), 0),
        **dict.fromkeys(range(100, 104), 100),
    }


def test_a_stream_judges_each_record_alone(spark, vocabulary, tmp_path):
    """The streaming entry gives, for records without a conversation, what the batch gives."""
    from threelines.engine.spark import Job, stream

    (tmp_path / "in").mkdir()
    records = [Record(id=f"r{i}", kind="advert", text=f"clean kitchen wanted, day {i}") for i in range(5)]
    (tmp_path / "in" / "a.json").write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    frame = stream(spark.readStream.text(str(tmp_path / "in")), Job.of(vocabulary, everything=True))
    query = frame.writeStream.format("memory").queryName("judged").trigger(availableNow=True).start()
    query.awaitTermination(120)
    here = sorted(
        msgspec.json.encode(a).decode()
        for a in scan_here(records, vocabulary, everything=True, accounts=False, linked=False)
    )

    assert sorted(row.finding for row in spark.sql("select * from judged").collect()) == here
