"""Planted praise on Spark: accounts and the words they use are counted by grouping, as `link.praise` counts them.

    records ─┬─► accounts (records, first time) ─┐
             └─► words ─► (word, account) ───────┴─► word (accounts, of them new and brief) ─► driver: which stand out
                                                                          their records ─► driver: names praised together

What comes to the driver is one row for each word that neither too few nor too many accounts use, and the records of the
few words that stand out.
"""

from __future__ import annotations

from array import array
from typing import Any

import msgspec
import numpy as np

from threelines.engine.spark import Batches, batch
from threelines.link.copies import NOTHING, sketch
from threelines.link.praise import (
    FEW,
    FOCUS,
    MIN_ACCOUNTS,
    Candidate,
    Praise,
    Used,
    lately,
    most,
    settled,
    standing_out,
)
from threelines.link.scripts import Linked
from threelines.records import Record

_WORD = "place long, author string, word long"
_SAID = "kind <> 'system' and author <> '' and time is not null"

_decode = msgspec.msgpack.Decoder(Record).decode


def find_praise(records: Any, groups: Any) -> list[Praise]:
    """Return the names that are praised together in a frame of `RECORD`.

    `groups` has (place, payload): the place of the first of its near-copies, for each record that has any.
    """
    from pyspark.sql import functions as f

    said = records.where(_SAID)
    accounts = said.groupBy("author").agg(
        f.count("*").alias("n"), f.min("time").alias("first"), f.max("time").alias("last")
    )
    accounts = accounts.persist()
    count, begin, end = accounts.agg(f.count("*"), f.min("first"), f.max("last")).collect()[0]
    if count < MIN_ACCOUNTS:
        return []
    words = said.mapInArrow(_words, _WORD).persist()
    brief = (f.col("first") > f.lit(lately(begin, end))) & (f.col("n") <= FEW)
    uses = words.groupBy("word", "author").agg(f.count("*").alias("times")).join(accounts, "author")
    uses = uses.withColumn("single", brief & (f.col("times") >= FOCUS * f.col("n")))
    held = uses.groupBy("word").agg(f.count("*").alias("held"), f.sum(f.col("single").cast("long")).alias("hits"))
    held = held.where((f.col("held") >= MIN_ACCOUNTS) & (f.col("held") <= most(count))).orderBy("word")
    counted = np.asarray([tuple(row) for row in held.collect()], dtype=np.int64).reshape(-1, 3)
    used = Used(counted[:, 0].astype(np.uint64), counted[:, 1], counted[:, 2])
    found = [(int(used.words[index]), int(used.held[index]), p) for index, p in standing_out(used, count)]
    if not found:
        return []
    chosen = uses.where("single").where(f.col("word").isin([word for word, _, _ in found])).select("word", "author")
    rows = words.join(chosen, ["word", "author"]).join(said.select("place", "id", "time"), "place")
    rows = rows.join(groups, "place", "left").orderBy("place", "word").collect()
    return settled(*_told(rows, found))


def _told(rows: list[Any], found: list[tuple[int, int, float]]) -> tuple[list[Candidate], Linked]:
    """Return the candidates, and their records as `link.praise` reads them."""
    places = sorted({row.place for row in rows})
    at = {place: index for index, place in enumerate(places)}
    first = {row.place: row for row in rows}
    names = np.asarray([_first_copy(first[place]) for place in places], dtype=np.int64)
    ids, authors = ([first[place][name] for place in places] for name in ("id", "author"))
    times = array("d", (first[place].time for place in places))
    held: dict[int, list[int]] = {}
    for row in rows:
        held.setdefault(row.word, []).append(at[row.place])
    candidates = [Candidate(word, count, p, np.asarray(held[word], dtype=np.int64)) for word, count, p in found]
    return candidates, Linked(ids, authors, times, sketch([]), names, places)


def _first_copy(row: Any) -> int:
    return row.place if row.payload is None else msgspec.msgpack.decode(bytes(row.payload), type=int)


def _words(batches: Batches) -> Batches:
    for part in batches:
        columns = (part.column(name).to_pylist() for name in ("place", "author", "payload"))
        rows = [(place, author, _decode(raw).text) for place, author, raw in zip(*columns, strict=True)]
        found = sketch([text for _, _, text in rows]).words
        yield batch(
            _WORD,
            (
                (place, author, int(word))
                for (place, author, _), row in zip(rows, found, strict=True)
                for word in row[row != NOTHING].tolist()
            ),
        )  # fmt: skip


__all__ = ["find_praise"]
