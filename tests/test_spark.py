"""Apache Spark judges like one machine, to the last digit, and a killed worker loses nothing."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from threelines.assess import assess
from threelines.engine.local import Plan, judge_one
from threelines.engine.local import run as run_here
from threelines.engine.local import scan as scan_here
from threelines.engine.plan import WINDOW, lone_thread
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
    """A simulated platform as JSON lines: 150 accounts, 2 days; THREELINES_FULL=1 takes the 2,000 × 7 of the contract.

    Every conversation begins with a notice, and one is longer than a window.
    """
    from threelines.platforms.simulate import Simulation, simulate

    full = bool(os.environ.get("THREELINES_FULL"))
    out, truth = io.StringIO(), io.StringIO()
    simulation = Simulation(accounts=2000 if full else 150, days=7 if full else 2, seed=5)
    simulate(simulation, out, truth, progress=lambda _: None)
    path = tmp_path_factory.mktemp("platform") / "records.jsonl"
    records = [msgspec.json.decode(line, type=Record) for line in out.getvalue().splitlines()]
    start = min(record.time for record in records) - timedelta(days=1)
    names = sorted({record.conversation for record in records if record.conversation})
    records += [Record(id=f"notice {name}", kind="system", conversation=name, time=start) for name in names]
    long = {"conversation": "long", "text": "ok then"}
    records += [
        Record(id=f"long {n}", author=f"long {n % 2}", time=start + timedelta(seconds=n), **long)
        for n in range(WINDOW + 50)
    ]
    path.write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
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


def test_records_keep_their_order_over_files_and_blocks(spark, vocabulary, tmp_path):
    """Whatever the sizes of the files and into how many blocks Spark cuts them, a talk is read as it is written."""
    from threelines.engine.spark import Job, read, scan

    said = [Record(id=f"{n:04d}", author="ab"[n % 2], conversation="c", text=f"message {n}") for n in range(400)]
    parts = {
        "z first.jsonl": said[:20],
        "folder/1.jsonl": said[20:300],
        "folder/2.jsonl": said[300:390],
        "a.jsonl": said[390:],
    }
    (tmp_path / "folder").mkdir()
    for name, records in parts.items():
        (tmp_path / name).write_bytes(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    paths = [str(tmp_path / name) for name in ("z first.jsonl", "folder", "a.jsonl")]
    spark.conf.set("spark.sql.files.maxPartitionBytes", "3000")
    try:
        frame = read(spark, paths)
        places = [row.place for row in frame.orderBy("id").collect()]
        found = scan(frame, Job.of(vocabulary, everything=True), accounts=False).collect()
    finally:
        spark.conf.unset("spark.sql.files.maxPartitionBytes")

    assert places == sorted(places)
    assert len(set(places)) == 400
    assert sorted(row.finding for row in found) == sorted(
        msgspec.json.encode(a).decode()
        for a in scan_here(said, vocabulary, everything=True, accounts=False, linked=False)
    )


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_what_is_no_record_ends_no_job(spark, kind, tmp_path):
    """Broken lines and rows are left out and told with their places; a record without an id gets its place for one."""
    from threelines.engine.spark import SparkError, read, unread

    path = tmp_path / f"landed.{kind}"
    if kind == "jsonl":
        lines = (b'{"kind": "post", "text": "one"}', b"{", b"", b'{"kind": 3}', b'{"text": "two \xff", "id": "two"}')
        path.write_bytes(b"\n".join(lines))
        lost, repaired, first = [f"{path}:2", f"{path}:4"], f"{path}:5: bytes that are not UTF-8", f"{path}:1"
    else:
        rows = [("post", "one", None, None), ("odd", "no", "x", None), ("post", "two", "two", datetime(1960, 1, 1))]
        frame = spark.createDataFrame(rows, "kind string, text string, id string, time timestamp_ntz").coalesce(1)
        frame.write.parquet(str(path))
        (part,) = path.glob("*.parquet")
        lost, repaired, first = [f"{part}:2"], f"{part}:3: the time 1960-01-01", f"{part}:1"
    told = unread(spark, [str(path)]).collect()

    assert [row.id for row in read(spark, [str(path)]).orderBy("place").collect()] == [first, "two"]
    assert [row.skipped.partition(": no record")[0] for row in told if row.skipped] == lost
    assert [row.repaired[: len(repaired)] for row in told if row.repaired] == [repaired]
    with pytest.raises(SparkError, match="given twice"):
        read(spark, [str(path), str(path)])


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


def test_contacts_are_read_alike(spark, vocabulary, tmp_path):
    """Who reports, numbers of a region, and a contact that many give: both engines say the same."""
    from threelines.engine.spark import Job, read
    from threelines.engine.spark_scripts import scan_linked

    given = ["write t.me/solgarden_visa", "call 081 729 5630", "call +66 81 729 5630"]
    said = [given[at % 3] for at in range(9)] + ["mail boss@mail.example"] * 14
    said += ["I want to report this account: t.me/solgarden_visa", "they took my passport, it was +66 81 729 5630"]
    words = "river lamp stone bread wheel cloud table grass spoon chair".split()
    records = [
        Record(id=f"p{at}", author=f"u{at}", kind="post", text=f"{words[at % 10]} {words[at // 3]} {what}")
        for at, what in enumerate(said)
    ]
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    here = scan_here(records, vocabulary, everything=True, accounts=False, region="TH")
    told = sorted(msgspec.json.encode(one).decode() for one in here if one.thread.kind == "network")
    job = Job.of(vocabulary, everything=True, region="TH")
    found = scan_linked(read(spark, [str(path)]), job).where("kind = 'network'").collect()

    assert sorted(row.finding for row in found) == told
    assert sorted(len(json.loads(line)["facts"]["members"]) for line in told) == [3, 6, 14]
    assert sum(len(json.loads(line)["facts"].get("named_by", ())) for line in told) == 2


def test_copies_without_times_are_equal_in_any_order(spark, tmp_path):
    """Where no times are known, both engines find the scripts of shuffled near-copies, equal ones among them."""
    import random

    from threelines.engine.spark import read
    from threelines.engine.spark_scripts import script_parts
    from threelines.link.scripts import Script, find_scripts

    rng = random.Random(6)
    pool = ["".join(rng.choices("bdfgklmnprst", k=5)) for _ in range(300)]
    bases = [rng.choices(pool, k=16) for _ in range(12)]
    texts = [" ".join([*(base := rng.choice(bases))[:8], str(rng.randrange(4)), *base[8:]]) for _ in range(200)]
    records = [Record(id=f"p{at}", author=f"u{at % 50}", text=text) for at, text in enumerate(texts)]
    rng.shuffle(records)
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    parts = script_parts(read(spark, [str(path)])).where("place < 0").collect()
    found = [msgspec.msgpack.decode(bytes(row.payload), type=Script) for row in parts]

    assert sorted(script.id for script in found) == sorted(script.id for script in find_scripts(records).groups)
    assert len(found) == 12


def test_repeated_record_ids_are_equal(spark, platform, vocabulary, tmp_path):
    """Messages numbered per chat: both engines find the same, and scripts whose records bear the same ids stay apart."""
    from threelines.engine.spark import Job, read, scan
    from threelines.engine.spark_scripts import scan_linked

    ids: dict[str, int] = {}
    records = []
    for record in _records(platform):
        ids[record.conversation] = ids.get(record.conversation, 0) + 1
        records.append(msgspec.structs.replace(record, id=str(ids[record.conversation] if record.conversation else 1)))
    path = tmp_path / "repeated.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    here = sorted(
        msgspec.json.encode(a).decode() for a in scan_here(records, vocabulary, everything=True, linked=False)
    )
    threads = scan_here(records, vocabulary, everything=True, accounts=False)
    linked = [one for one in threads if one.thread.kind in ("script", "network")]
    names = [one.thread.id for one in linked if one.thread.kind == "script"]
    frame, job = read(spark, [str(path)]), Job.of(vocabulary, everything=True)

    assert sorted(row.finding for row in scan(frame, job).collect()) == here
    assert sorted(row.finding for row in scan_linked(frame, job).collect()) == sorted(
        msgspec.json.encode(one).decode() for one in linked
    )
    assert len(set(names)) == len(names) > 2


def test_planted_praise_is_equal(spark, vocabulary, tmp_path):
    """Names that lately made accounts write about together are found alike; what copies say of a name is not counted."""
    import random

    from threelines.engine.spark import Job, read
    from threelines.engine.spark_praise import find_praise
    from threelines.engine.spark_scripts import scan_linked
    from threelines.link.praise import praise_threads
    from threelines.signals.network import praise_posted_together

    rng = random.Random(4)
    pool = ["".join(rng.choices("bdfgklmnprst", k=5)) for _ in range(400)]

    def said(author, seconds, *names):
        words = rng.choices(pool, k=9)
        return Record(
            id=str(rng.randrange(40)), kind="post", author=author, text=" ".join([*words[:4], *names, *words[4:]]),
            time=datetime.fromtimestamp(1_800_000_000 + int(seconds), UTC),
        )  # fmt: skip

    records = [said(f"u{rng.randrange(300)}", rng.random() * 1_500_000) for _ in range(1500)]
    for name, count in (("Solvindel", 8), ("Kervanto", 6)):
        records += [said(f"{name}{i}", 1_500_000 + 7 * (i // 2), name) for i in range(count)]
    copied = said("", 0, "Merovill").text
    records += [
        msgspec.structs.replace(said(f"m{i}", 1_490_000 + i), text=f"{copied} {copied} no {i}") for i in range(8)
    ]
    records += [Record(id="0", kind="post", author="timeless", text="Solvindel"), said("u1", 9, "Solvindel")]
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    here = list(praise_threads(records))
    plan = Plan(vocabulary=vocabulary, everything=True, detectors=(praise_posted_together,))
    lines = sorted(judge_one(thread, plan)[0].line.decode() for thread in here)
    frame = read(spark, [str(path)])
    job = Job.of(vocabulary, everything=True, detectors=(praise_posted_together,))
    found = [row for row in scan_linked(frame, job).collect() if row.thread.startswith("praise-")]

    assert [thread.facts["about"] for thread in here] == ["Solvindel", "Kervanto"]
    assert sorted(row.finding for row in found) == lines
    few = read(spark, [str(path)]).where("author = 'u1'")
    assert find_praise(few, spark.createDataFrame([], "place long, payload binary")) == []


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


def test_no_value_ends_a_stream(spark, vocabulary, tmp_path):
    """Numbers of any size and times at the ends of the calendar are kept out of the record, and no zone means UTC."""
    from threelines.engine.spark import Job, stream

    (tmp_path / "in").mkdir()
    good = [Record(id=f"r{i}", kind="advert", text="clean kitchen wanted") for i in range(2)]
    times = ("0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2025-03-01T10:00:00")
    odd = [{"id": f"t{i}", "kind": "advert", "text": "clean kitchen", "time": time} for i, time in enumerate(times)]
    big = '{"id": "p", "kind": "advert", "text": "clean kitchen", "extra": {"n": 99999999999999999999999999}}'
    lines = [
        *(msgspec.json.encode(one).decode() for one in (good[0], *odd)),
        big,
        msgspec.json.encode(good[1]).decode(),
    ]
    (tmp_path / "in" / "a.json").write_text("\n".join(lines))
    frame = stream(spark.readStream.text(str(tmp_path / "in")), Job.of(vocabulary, everything=True))
    query = frame.writeStream.format("memory").queryName("odd").trigger(availableNow=True).start()
    query.awaitTermination(120)
    counted = query.lastProgress["observedMetrics"]["threelines"]

    assert {row.thread for row in spark.sql("select * from odd").collect()} == {"r0", "r1", "t0", "t1", "t2", "t3", "p"}
    assert (counted["messages"], counted["skipped"], counted["repaired"]) == (7, 0, 3)


DANGER = "They took my passport. Work in Myawaddy on a tourist visa, we keep your passport, no experience needed."


class Row:
    """A finding as Spark gives it."""

    def __init__(self, record, vocabulary):
        thread = lone_thread(record)
        self.finding = msgspec.json.encode(assess(thread, vocabulary)).decode()


def test_the_texts_that_may_be_copies_are_those_of_the_local_engine(spark, tmp_path):
    """Notices are no openings, and the first is the earliest, wherever it stands in the file."""
    from threelines.engine.spark import read
    from threelines.engine.spark_scripts import copies

    def said(name, hour, author="ana", kind="message"):
        at = datetime(2026, 2, 1, hour, tzinfo=UTC)
        return Record(id=name, kind=kind, conversation="c", author=author, text=f"text {name}", time=at)

    records = [
        said("joined", 8, kind="system"), said("called", 8, kind="system"), said("last", 12), said("third", 11),
        said("first", 9), said("answer", 10, author="ben"), said("second", 10),
        Record(id="alone", kind="post", text="cook wanted"), Record(id="notice", kind="system", text="x"),
    ]  # fmt: skip
    (tmp_path / "said.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, records)))
    found = copies(read(spark, [str(tmp_path / "said.jsonl")])).orderBy("place").collect()

    assert [row.id for row in found] == ["first", "answer", "second", "alone"]


def test_scripts_of_talks_are_equal(spark, vocabulary, platform):
    """Of records as they stand, both engines link each account's openings of a talk, and judge the same threads."""
    from threelines.engine.spark import Job, read
    from threelines.engine.spark_scripts import scan_linked

    here = [
        msgspec.json.encode(one).decode()
        for one in scan_here(_records(platform), vocabulary, everything=True, accounts=False)
        if one.thread.kind in ("script", "network")
    ]
    found = scan_linked(read(spark, [str(platform)]), Job.of(vocabulary, everything=True)).collect()

    assert sorted(row.finding for row in found) == sorted(here)
    assert here


def test_what_is_not_raised_is_counted_too(tmp_path, vocabulary):
    """Counts are of all threads; only raised ones are returned unless all are asked for, with the texts they quote."""
    from threelines.cli._spark import _batches, _with_texts, lay_down

    texts = ("clean kitchen wanted", DANGER, "another kitchen")
    records = [Record(id=f"r{number}", kind="advert", text=text) for number, text in enumerate(texts)]
    lay_down(records, tmp_path / "records.jsonl")
    rows = [Row(record, vocabulary) for record in records]
    (raised,) = _batches(rows, everything=False)
    (every,) = _batches(rows, everything=True)
    (here,) = run_here(records, Plan(vocabulary=vocabulary, texts=True, accounts=False, linked=False), jobs=1)

    assert (raised.judged, len(raised.found), len(every.found)) == ({"advert": 3}, 1, 3)
    assert (raised.concerns, raised.shadow) == (here.concerns, here.shadow)
    assert _with_texts(raised, tmp_path / "records.jsonl").found == here.found


def test_a_scan_says_the_same_with_both_engines(tmp_path):
    """What was judged, what is worth reading and the words around a quote do not depend on the engine."""
    if _missing():
        pytest.skip(_missing())
    import subprocess
    import sys

    advert = {"kind": "advert", "text": f"Cook wanted. {DANGER}"}
    rows = [{**advert, "id": f"r{i}", "author": f"u{i}"} for i in range(4)]
    rows += [{"id": f"q{i}", "author": f"t{i}", "conversation": f"c{i}", "text": f"good day {i}"} for i in range(3)]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told, pages = [], []
    for engine in ("local", "spark"):
        arguments = ["scan", "in.jsonl", "--reveal", "--engine", engine, "--report", f"{engine}.html", "--out", engine]
        program = "from threelines.cli.main import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=600, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said = (line for line in done.stderr.splitlines() if re.match(_TOLD, line))
        told.append([line.partition("Judged: ")[2] or line for line in said])
        pages.append((tmp_path / f"{engine}.html").read_text(encoding="utf-8").count("wanted."))
        (tmp_path / engine).write_text("\n".join(sorted((tmp_path / engine).read_text().splitlines())))

    assert len(told[0]) == 3
    assert told[0] == told[1]
    assert pages[0] == pages[1] > 0
    assert (tmp_path / "local").read_text() == (tmp_path / "spark").read_text()


_TOLD = r"[\d,]+ records in|Worth reading|Texts that may need help"
