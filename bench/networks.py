"""Networks: planted groups of accounts found again, on the posts of `bench/scripts.py`

Truth: two accounts that post the same campaign. Popular links, greetings and stock sentences that everybody uses are
in the corpus, so a method without a null model ties people who have nothing in common. A window on links is given
beside ours as the plain method (two accounts, one link, within the window). Peers measured elsewhere on a like corpus
of 100,000 posts: coordination-network-toolkit co_similar F1 .406 in 13.5 s, co_tweet .031; on 220,000 real posts its
one-hour window on links gave 12.4 million edges.

The last row is of other posts: each campaign shares one number and no text, and all copies but the first name the number
behind a phrase that adverts have and that may also warn ("do not hesitate", "beware of fake agents").
"""

from __future__ import annotations

import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import combinations, cycle
from typing import Any

import corpus
import msgspec

from threelines.engine.texts import tied_by
from threelines.link.network import find_ties
from threelines.link.scripts import find_scripts
from threelines.records import Record
from threelines.text.entities import entities
from threelines.vocabulary.terms import load

Pairs = set[tuple[str, str]]
STOCK = (
    "Write", "Do not hesitate to write", "No fee, write", "No agent fee", "Avoid delay, call", "Beware of fake agents! Call",
    "No dude en escribir al", "N'hésitez pas à écrire au", "Zögern Sie nicht:", "Não hesite em escrever", "Jangan ragu hubungi",
    "Đừng ngần ngại nhắn", "อย่ารอช้า", "Не медлите, пишите",
)  # fmt: skip
"""Ordinary words of adverts before a number."""


def records(made: corpus.Corpus) -> list[Record]:
    """Return the posts as records."""
    return [
        Record(id=name, kind="post", text=text, author=author, time=datetime.fromtimestamp(at, UTC))
        for name, text, author, at in zip(made.ids, made.texts, made.authors, made.times, strict=True)
    ]


def ours(posts: list[Record]) -> Pairs:
    """Tie accounts by every kind of item, as a scan reads them, against the null model."""
    items = partial(tied_by, vocabulary=load())
    return {(first, second) for first, second, _ in find_ties(posts, find_scripts(posts).groups, items=items)}


def beside_stock(posts: list[Record], campaign: list[int]) -> list[Record]:
    """Return the posts with the texts of campaigns replaced: own words, a phrase of adverts, the campaign's number."""
    lone = cycle([post.text for post, number in zip(posts, campaign, strict=True) if number < 0])
    phrases: dict[int, Iterator[str]] = defaultdict(lambda: cycle(STOCK))
    return [
        post if number < 0 else msgspec.structs.replace(
            post, text=f"{' '.join(next(lone).split()[::-1])}. {next(phrases[number])} +6681{number + 2_000_000:07}"
        )
        for post, number in zip(posts, campaign, strict=True)
    ]  # fmt: skip


def scripts_alone(posts: list[Record]) -> Pairs:
    """Tie all accounts that used one script, whenever they did."""
    return {pair for script in find_scripts(posts).groups for pair in combinations(script.accounts, 2)}


def window(posts: list[Record], seconds: float = 60.0) -> Pairs:
    """Tie accounts that posted one link or text within a window, as is usual."""
    uses: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for post in posts:
        at = post.time.timestamp() if post.time else 0.0
        for key in {post.text, *(entity.value for entity in entities(post.text) if entity.kind == "link")}:
            uses[key].append((at, post.author))
    pairs: Pairs = set()
    for rows in uses.values():
        rows.sort()
        for index, (at, author) in enumerate(rows):
            for later, other in rows[index + 1 :]:
                if later - at > seconds:
                    break
                if other != author:
                    pairs.add((min(author, other), max(author, other)))
    return pairs


def run(_data: object = None, *, n: int = 100_000, seed: int = 7) -> list[dict[str, Any]]:
    """Return one row for each way of tying accounts."""
    made = corpus.make(n, seed)
    posts = records(made)
    members: dict[int, set[str]] = defaultdict(set)
    for author, number in zip(made.authors, made.campaign, strict=True):
        if number >= 0:
            members[number].add(author)
    truth = {pair for accounts in members.values() for pair in combinations(sorted(accounts), 2)}
    ways = {
        "threelines": ours,
        "same script, no null model": scripts_alone,
        "same link or text within 60 s": window,
        "same link or text within 1 h": lambda posts: window(posts, 3600.0),
    }
    rows = [_row(name, way, posts, truth) for name, way in ways.items()]
    stock = beside_stock(posts, made.campaign)
    return [*rows, _row("threelines, one number beside phrases of adverts", ours, stock, truth)]


def _row(name: str, way: Any, posts: list[Record], truth: Pairs) -> dict[str, Any]:
    began = time.perf_counter()
    found = {(min(pair), max(pair)) for pair in way(posts)}
    seconds = time.perf_counter() - began
    hit = len(found & truth)
    return {
        "ties by": name, "posts": len(posts), "edges": len(found), "P": round(hit / max(len(found), 1), 4),
        "R": round(hit / len(truth), 4), "F1": round(2 * hit / (len(found) + len(truth)), 4), "s": round(seconds, 2),
        "peak MB of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


if __name__ == "__main__":
    for line in run(n=int(sys.argv[1]) if len(sys.argv) > 1 else 100_000):
        print(line)
