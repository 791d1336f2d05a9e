"""Scripts and networks on Spark: candidate pairs by MinHash bands, components by large-star and small-star.

The steps of `link.copies` and `link.groups` as frame operations, with the same numbers: frequencies are one grouping,
texts with one sketch another, neighbours in a band one window, the comparison of two sketches the same numpy function on
Arrow batches. Components are found by Kiveris et al. 2014 ("Connected Components in MapReduce and Beyond"); each is then small enough for one worker,
which cuts it into scripts. Networks need what every account used: that is a light table, weighed on the driver.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, islice
from typing import Any

import msgspec
import numpy as np

from threelines.engine.local import BATCH
from threelines.engine.plan import may_be_copies, openings, turns_of, whole_talks
from threelines.engine.spark import (
    FINDING,
    PLACES,
    RECORD,
    Batches,
    Job,
    batch,
    judged,
    lone_of,
    plan_of,
    row_of,
    talks_of,
)
from threelines.engine.spark_praise import find_praise
from threelines.engine.spill import PARTS
from threelines.engine.texts import tied_by
from threelines.link.copies import (
    MIN_SHINGLES,
    NEIGHBOURS,
    NOTHING,
    SKETCH,
    WORDS,
    Graded,
    Pairs,
    Sketches,
    bands,
    contents,
    graded,
    sketch,
)
from threelines.link.copies import alike as resemblance
from threelines.link.groups import LEVELS, grouped
from threelines.link.network import Columns, Network, network_thread, networks
from threelines.link.network import shown as network_records
from threelines.link.praise import Praise, name_of, praise_thread
from threelines.link.scripts import Script, script_thread, scripts_of, told_apart
from threelines.link.scripts import shown as script_records
from threelines.records import Record, Thread

_SKETCH = "place long, id string, author string, time double, content long, shingles binary, words binary"
"""`content` is that of `link.copies.contents`; none where the text is too short to be a copy."""
_VALUE = "place long, word boolean, slot int, value long"
_GRADED = "place long, shingles binary, words binary"
_BAND = "reach int, band long, place long"
_LINK = "first long, second long, alike double"
_PART = "script string, place long, payload binary"
_ITEMS = "place long, id string, author string, time double, items binary"

_MOST = 2**63 // PLACES
"""Parts of one record that are compared: itself and the words of 126 pictures."""

_decode = msgspec.msgpack.Decoder(Record).decode
_encode = msgspec.msgpack.Encoder().encode


def scan_linked(records: Any, job: Job) -> Any:
    """Judge the scripts and networks of a frame of `RECORD`; return a frame of `FINDING`."""
    records = copies(records).persist()
    parts = script_parts(records).persist()
    whole = parts.where("place < 0").collect()
    made = [msgspec.msgpack.decode(bytes(row.payload), type=Script) for row in whole]
    scripts = told_apart(made)
    renamed = {row.script: now.id for row, was, now in zip(whole, made, scripts, strict=True) if now.id != was.id}
    found = _judge_scripts(records, parts, renamed, job).unionAll(_judge_networks(records, scripts, job))
    return found.unionAll(_judge_praise(records, parts, job))


def copies(records: Any) -> Any:
    """Return what linking compares of a frame of `RECORD`, as one: that of `engine.local`.

    That is: what stands alone, of a conversation each account's first records, and apart from each the words of its
    pictures.
    """
    return (
        lone_of(records).mapInArrow(_lone_copies, RECORD).unionAll(talks_of(records).mapInArrow(_talk_copies, RECORD))
    )


def _in_order() -> list[Any]:
    """Return what puts copies in the order in which `engine.local` lays them down: it settles what nothing else does."""
    from pyspark.sql import functions as f

    part = f.crc32(f.col("conversation").cast("binary")) % PARTS
    return [f.col("conversation") != "", f.when(f.col("conversation") != "", part), "conversation", "time", "place"]


def script_parts(records: Any) -> Any:
    """Return a frame of `_PART`: for each script itself (place -1), and for each record of it that is judged.

    Rows without a script name the group of a record, whether or not the group makes a script.
    `script` is the place of its first record: record ids may repeat, and with them names of scripts.
    """
    texts = records.where("kind <> 'system'")
    sketched = texts.mapInArrow(_sketched, _SKETCH).persist()
    count = sketched.count()
    links = _links(sketched, count).persist()
    named = components(links.select("first", "second"))
    return _cut(sketched, links, named)


def _links(sketched: Any, count: int) -> Any:
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    values = sketched.mapInArrow(_values, _VALUE)
    often = values.groupBy("word", "value").agg(f.count("*").alias("often"))
    rows = values.join(often, ["word", "value"]).repartition("place").sortWithinPartitions("place", "word", "slot")
    rows = rows.select("place", "word", "slot", "value", "often").persist()
    made = rows.mapInArrow(_graded, _GRADED).persist()
    same = sketched.where("content is not null").select("place", "content", "time")
    firsts = same.groupBy("content").agg(f.min("place").alias("first"), f.min("time").alias("time"))
    pairs = (
        same.drop("time").join(firsts, "content").where("place > first").select("first", f.col("place").alias("second"))
    )
    banded = rows.mapInArrow(_banded, _BAND).join(firsts.withColumnRenamed("first", "place"), "place")
    order = Window.partitionBy("reach", "band").orderBy("time", "content")
    twice = None
    for step in range(1, NEIGHBOURS + 1):
        near = banded.where(f.col("reach") >= step).withColumn("second", f.lead("place", step).over(order))
        near = near.where("second is not null").select(f.col("place").alias("first"), "second")
        twice = near if twice is None else twice.unionAll(near)
    shared = twice.groupBy("first", "second").agg(f.count("*").alias("shared")).where("shared > 1")  # type: ignore[union-attr]
    pairs = pairs.unionAll(shared.select("first", "second"))
    for side in ("first", "second"):
        columns = [f.col("place").alias(side), f.col("shingles").alias(f"s_{side}"), f.col("words").alias(f"w_{side}")]
        pairs = pairs.join(made.select(*columns), side)
    return pairs.mapInArrow(partial(_alike, count), _LINK)


def components(edges: Any) -> Any:
    """Return (node, name) for a frame of edges (first, second): the smallest node that a chain of edges leads to.

    Large-star and small-star in turn until no edge changes.
    """
    from pyspark.sql import functions as f

    edges = edges.select(f.greatest("first", "second").alias("u"), f.least("first", "second").alias("v")).distinct()
    before = None
    while True:
        edges = _small_star(_large_star(edges)).localCheckpoint()
        now = edges.agg(f.count("*"), f.sum("u"), f.sum("v"), f.sum(f.hash("u", "v"))).collect()[0]
        if now == before:
            break
        before = now
    tops = edges.select(f.col("v").alias("node"), f.col("v").alias("name")).distinct()
    return edges.select(f.col("u").alias("node"), f.col("v").alias("name")).unionAll(tops)


def _large_star(edges: Any) -> Any:
    """Hang every larger neighbour of a node on the smallest of its neighbourhood."""
    from pyspark.sql import functions as f

    both = edges.unionAll(edges.select(f.col("v").alias("u"), f.col("u").alias("v")))
    least = both.groupBy("u").agg(f.min("v").alias("m")).select("u", f.least("u", "m").alias("m"))
    return both.join(least, "u").where("v > u").select(f.col("v").alias("u"), f.col("m").alias("v")).distinct()


def _small_star(edges: Any) -> Any:
    """Hang a node and its smaller neighbours on the smallest of them."""
    from pyspark.sql import functions as f

    down = edges.select(f.greatest("u", "v").alias("u"), f.least("u", "v").alias("v")).where("u > v")
    least = down.groupBy("u").agg(f.min("v").alias("m"))
    hung = down.join(least, "u").where("v <> m").select(f.col("v").alias("u"), f.col("m").alias("v"))
    return hung.unionAll(least.select("u", f.col("m").alias("v"))).distinct()


def _cut(sketched: Any, links: Any, named: Any) -> Any:
    """Bring each component to one worker, members first, then links, and cut it into scripts."""
    from pyspark.sql import functions as f

    nothing = f.lit(None)
    members = named.join(sketched, named.node == sketched.place).select(
        "name", f.lit(0).alias("what"), "place", nothing.cast("long").alias("second"), nothing.cast("double").alias("alike"),
        "id", "author", "time", "shingles", "words",
    )  # fmt: skip
    empty = [
        nothing.cast(kind).alias(name) for name, kind in (("id", "string"), ("author", "string"), ("time", "double"))
    ]
    empty += [nothing.cast("binary").alias(name) for name in ("shingles", "words")]
    edges = links.join(named, f.col("first") == named.node)
    edges = edges.select("name", f.lit(1).alias("what"), f.col("first").alias("place"), "second", "alike", *empty)
    order = ("name", "what", "place", "second")
    together = members.unionAll(edges).repartition("name").sortWithinPartitions(*order)
    return together.mapInArrow(_scripts, _PART)


def _judge_scripts(records: Any, parts: Any, renamed: Mapping[str, str], job: Job) -> Any:
    whole = parts.where("place < 0")
    shown = (
        parts.where("place >= 0 and script <> ''")
        .select("script", "place")
        .join(records.select("place", "payload"), "place")
    )
    rows = whole.unionAll(shown.select("script", "place", "payload"))
    rows = rows.repartition("script").sortWithinPartitions("script", "place")
    return rows.mapInArrow(partial(_judge_gathered, job, Script, renamed), FINDING)


def _judge_networks(records: Any, scripts: Sequence[Script], job: Job) -> Any:
    columns = Columns(job.region)
    light = (
        records.where("author <> '' and kind <> 'system'")
        .orderBy(*_in_order())
        .mapInArrow(partial(_items, job), _ITEMS)
    )
    for row in light.toLocalIterator(prefetchPartitions=True):
        items = msgspec.msgpack.decode(bytes(row["items"]), type=list[tuple[str, str]])
        columns.add(row.place, row.id, row.author, row.time, items)
    columns.use_scripts(scripts)
    found = networks(columns)
    rows = _gather(records, [(network.id, _encode(network), network_records(network)) for network in found])
    return rows.mapInArrow(partial(_judge_gathered, job, Network, {}), FINDING)


def _judge_praise(records: Any, parts: Any, job: Job) -> Any:
    groups = parts.where("place >= 0 and script = ''").select("place", "payload")
    found = find_praise(records, groups)
    rows = _gather(records, [(name_of(praise), _encode(praise), praise.places) for praise in found])
    return rows.mapInArrow(partial(_judge_gathered, job, Praise, {}), FINDING)


def _gather(records: Any, found: Sequence[tuple[str, bytes, Sequence[int]]]) -> Any:
    """Bring what was found on the driver together with the records that show it: (name, itself, places) each."""
    spark = records.sparkSession
    whole = spark.createDataFrame([(name, -1, bytearray(payload)) for name, payload, _ in found], _PART)
    wanted = [(name, place) for name, _, places in found for place in places]
    shown = spark.createDataFrame(wanted, "script string, place long").join(records.select("place", "payload"), "place")
    rows = whole.unionAll(shown.select("script", "place", "payload"))
    return rows.repartition("script").sortWithinPartitions("script", "place")


# ---- in each worker --------------------------------------------------------------------------


def _lone_copies(batches: Batches) -> Batches:
    for part in batches:
        places, payloads = (part.column(name).to_pylist() for name in ("place", "payload"))
        found = (_copies(place, _decode(raw)) for place, raw in zip(places, payloads, strict=True))
        yield batch(RECORD, (row for rows in found for row in rows))


def _talk_copies(batches: Batches) -> Batches:
    names = ("conversation", "place", "payload")
    rows = (row for part in batches for row in zip(*(part.column(name).to_pylist() for name in names), strict=True))
    found = (row for _, talk in groupby(rows, key=lambda row: row[0]) for row in _opening(talk))
    while held := list(islice(found, BATCH)):
        yield batch(RECORD, held)


def _opening(rows: Iterable[tuple[str, int, bytes]]) -> Iterator[tuple[Any, ...]]:
    """Yield the copies of one conversation, whose rows are (conversation, place, payload)."""
    held = [(place, _decode(raw)) for _, place, raw in rows]
    place_of = {id(record): place for place, record in held}  # the object: an id may be that of several records
    for talk in whole_talks(record for _, record in held):
        for record in openings(turns_of(talk)):
            yield from _copies(place_of[id(record)], record)


def _copies(place: int, record: Record) -> Iterator[tuple[Any, ...]]:
    """Yield a row of `RECORD` for each part of a record that may be a copy; places stay apart (`spark.PLACES`)."""
    for number, part in enumerate(islice(may_be_copies(record), _MOST)):
        yield row_of(place + number * PLACES, part)


def _sketched(batches: Batches) -> Batches:
    for part in batches:
        places = part.column("place").to_pylist()
        found = [(p, _decode(raw)) for p, raw in zip(places, part.column("payload").to_pylist(), strict=True)]
        found = [(place, record) for place, record in found if record.text]
        made = sketch([record.text for _, record in found])
        long, content = made.sizes >= MIN_SHINGLES, contents(made).tolist()
        yield batch(
            _SKETCH,
            (
                (
                    place, record.id, record.author, record.time.timestamp() if record.time else 0.0,
                    content[row] if long[row] else None,
                    _bytes(made.shingles[row]) if long[row] else b"", _bytes(made.words[row]) if long[row] else b"",
                )
                for row, (place, record) in enumerate(found)
            ),
        )  # fmt: skip


def _bytes(row: Any) -> bytes:
    return bytes(row[row != NOTHING].astype("<u4").tobytes())


def _numbers(raw: bytes | None) -> list[int]:
    return [int(value) for value in np.frombuffer(raw or b"", dtype="<u4")]


def _values(batches: Batches) -> Batches:
    for part in batches:
        columns = (part.column(name).to_pylist() for name in ("place", "shingles", "words"))
        yield batch(_VALUE, (row for place, *kinds in zip(*columns, strict=True) for row in _row_values(place, kinds)))


def _row_values(place: int, kinds: list[bytes]) -> Iterator[tuple[int, bool, int, int]]:
    for word, raw in zip((False, True), kinds, strict=True):
        for slot, value in enumerate(_numbers(raw)):
            yield place, word, slot, value


def _tables(batches: Batches) -> Iterator[tuple[list[int], list[Any]]]:
    """Put the values of each batch of texts back into tables: places, then [values, frequencies] by kind."""
    rows = (row for part in batches for row in zip(*(column.to_pylist() for column in part.columns), strict=True))
    places: list[int] = []
    held: list[list[tuple[bool, int, int, int]]] = []
    for place, group in groupby(rows, key=lambda row: row[0]):
        places.append(place)
        held.append([row[1:] for row in group])
        if len(places) == 2000:
            yield places, _filled(held)
            places, held = [], []
    if places:
        yield places, _filled(held)


def _filled(held: list[list[tuple[bool, int, int, int]]]) -> list[Any]:
    values = [np.full((len(held), size), NOTHING, dtype=np.uint32) for size in (SKETCH, WORDS)]
    often = [np.zeros((len(held), size), dtype=np.uint32) for size in (SKETCH, WORDS)]
    for row, cells in enumerate(held):
        for word, slot, value, count in cells:
            values[word][row, slot] = value
            often[word][row, slot] = count
    return [(values[0], often[0]), (values[1], often[1])]


def _graded(batches: Batches) -> Batches:
    for places, kinds in _tables(batches):
        shingles, words = (graded(values, often) for values, often in kinds)
        yield batch(_GRADED, ((p, shingles[row].tobytes(), words[row].tobytes()) for row, p in enumerate(places)))


def _banded(batches: Batches) -> Batches:
    for places, kinds in _tables(batches):
        rare, common = bands(*kinds[0])
        rows = []
        for reach, (keys, owners) in ((NEIGHBOURS, rare), (1, common)):
            rows += [(reach, key, places[owner]) for key, owner in zip(keys.tolist(), owners.tolist(), strict=True)]
        yield batch(_BAND, rows)


def _alike(count: int, batches: Batches) -> Batches:
    for part in batches:
        sides = []
        for side in ("first", "second"):
            tables = [
                np.frombuffer(b"".join(part.column(f"{kind}_{side}").to_pylist()), dtype=np.uint32).reshape(-1, size)
                for kind, size in (("s", SKETCH), ("w", WORDS))
            ]
            sides.append(Graded(*tables))
        scores = resemblance(sides[0], sides[1], count).tolist() if part.num_rows else []
        first, second = part.column("first").to_pylist(), part.column("second").to_pylist()
        rows = zip(first, second, scores, strict=True)
        yield batch(_LINK, (row for row in rows if row[2] >= LEVELS[0]))


def _scripts(batches: Batches) -> Batches:
    rows = (row for part in batches for row in part.to_pylist())
    for _, group in groupby(rows, key=lambda row: row["name"]):
        held = list(group)
        members = [row for row in held if not row["what"]]
        edges = [row for row in held if row["what"]]
        yield batch(_PART, _script_rows(members, edges))


def _script_rows(members: list[dict[str, Any]], edges: list[dict[str, Any]]) -> Iterator[tuple[str, int, bytes]]:
    row_of = {member["place"]: row for row, member in enumerate(members)}
    tables = [
        _table([member[name] for member in members], size) for name, size in (("shingles", SKETCH), ("words", WORDS))
    ]
    pairs = Pairs(*(np.asarray([row_of[edge[side]] for edge in edges], dtype=np.int64) for side in ("place", "second")))
    sketched = Sketches(tables[0], tables[1], np.full(len(members), MIN_SHINGLES))
    names = grouped(sketched, pairs, np.asarray([edge["alike"] for edge in edges]))
    for row, name in enumerate(names.tolist()):
        yield "", members[row]["place"], _encode(members[name]["place"])
    columns = ([member[name] for member in members] for name in ("id", "author", "time", "place"))
    for script in scripts_of(names, *columns):
        key = str(script.places[0])
        yield key, -1, _encode(script)
        for place in script_records(script):
            yield key, place, b""


def _table(rows: list[bytes], size: int) -> Any:
    table = np.full((len(rows), size), NOTHING, dtype=np.uint32)
    for row, raw in enumerate(rows):
        values = np.frombuffer(raw or b"", dtype="<u4")
        table[row, : len(values)] = values
    return table


_Kind = type[Script] | type[Network] | type[Praise]


def _judge_gathered(job: Job, kind: _Kind, renamed: Mapping[str, str], batches: Batches) -> Batches:
    return judged(_gathered(kind, renamed, batches), job)


def _gathered(kind: _Kind, renamed: Mapping[str, str], batches: Batches) -> Iterator[Thread]:
    rows = (row for part in batches for row in part.to_pylist())
    for key, group in groupby(rows, key=lambda row: row["script"]):
        first, *held = group
        whole = msgspec.msgpack.decode(first["payload"], type=kind)
        found = [_decode(row["payload"]) for row in held]
        if isinstance(whole, Praise):
            yield praise_thread(whole, found)
        elif isinstance(whole, Network):
            yield network_thread(whole, found)
        else:
            yield script_thread(msgspec.structs.replace(whole, id=renamed.get(key, whole.id)), found)


def _items(job: Job, batches: Batches) -> Batches:
    vocabulary = plan_of(job).vocabulary
    for part in batches:
        *columns, payloads = (part.column(name).to_pylist() for name in ("place", "id", "author", "time", "payload"))
        items = (_encode(tied_by(_decode(payload), vocabulary, job.region)) for payload in payloads)
        yield batch(_ITEMS, zip(*columns, items, strict=True))


__all__ = ["components", "copies", "scan_linked", "script_parts"]
