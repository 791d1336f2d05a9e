"""Near-copies: planted campaigns found again, beside near-duplicate libraries on the same posts

Columns: pairs of posts of one campaign, found (recall) and rightly found (precision), recall inside each way of
changing a copy, adjusted Rand index, posts per second of wall time, and memory over what the posts themselves take.
Each row runs in a process of its own. A peer that is not installed or fails is named with the reason.

A peer gets the threshold, of those in `SWEPT`, that has the best F1 on other posts of the same kind (as many, another seed); ours are
as they are shipped, chosen on seed 7. The table is of a seed on which nothing was chosen.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import corpus
import numpy as np
from numpy.typing import NDArray

Names = NDArray[np.int64]


def ours(texts: Sequence[str]) -> Names:
    """Link with threelines."""
    from threelines.link.copies import sketches
    from threelines.link.groups import linked

    return linked(sketches(texts))


def ours_untimed(texts: Sequence[str]) -> Names:
    """Link as above, but as if no text had a time: then only what they say gives the order."""
    from threelines.link.copies import sketches
    from threelines.link.groups import linked

    return linked(sketches(texts), np.zeros(len(texts)))


def rensa(texts: Sequence[str], threshold: float = 0.3) -> Names:
    """Link by rensa: 128 hashes of letter 5-grams, 64 bands, each candidate verified by its sketch."""
    from rensa import RMinHash

    tokens = [[text[at : at + 5] for at in range(max(1, len(text) - 4))] for text in texts]
    digests = np.asarray(RMinHash.digest_matrix_from_token_sets(tokens, 128, 42).to_rows(), dtype=np.uint32)
    first, second = [], []
    for band in range(0, 128, 2):
        keys = digests[:, band].astype(np.uint64) << np.uint64(32) | digests[:, band + 1]
        order = np.argsort(keys, kind="stable")
        heads = np.flatnonzero(np.concatenate(([True], keys[order][1:] != keys[order][:-1])))
        owner = np.repeat(order[heads], np.diff(np.append(heads, len(order))))
        alike = (digests[owner] == digests[order]).mean(axis=1) >= threshold
        first.append(owner[alike])
        second.append(order[alike])
    return _joined(len(texts), np.concatenate(first), np.concatenate(second))


def rensa_folded(texts: Sequence[str], threshold: float = 0.3) -> Names:
    """Link by rensa what `threelines.text.fold` gives."""
    from threelines.text.fold import fold

    return rensa([fold(text) for text in texts], threshold)


def datasketch(texts: Sequence[str], threshold: float = 0.5) -> Names:
    """Link by datasketch's MinHashLSH: letter 5-grams, 128 hashes."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=128)
    links: list[tuple[int, int]] = []
    for row, text in enumerate(texts):
        made = MinHash(num_perm=128)
        made.update_batch([text[at : at + 5].encode() for at in range(max(1, len(text) - 4))])
        links += [(int(other), row) for other in index.query(made)]
        index.insert(str(row), made)
    pairs = np.asarray(links, dtype=np.int64).reshape(-1, 2)
    return _joined(len(texts), pairs[:, 0], pairs[:, 1])


def gaoya(texts: Sequence[str], threshold: float = 0.3) -> Names:
    """Link by gaoya: letter 5-grams, 42 bands of 3."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        hash_size=32, jaccard_threshold=threshold, num_bands=42, band_size=3, analyzer="char", ngram_range=(5, 5),
        id_container="vec",
    )  # fmt: skip
    index.par_bulk_insert_docs(list(range(len(texts))), list(texts))
    links = [(row, other) for row, found in enumerate(index.par_bulk_query(list(texts))) for other in found]
    pairs = np.asarray(links, dtype=np.int64).reshape(-1, 2)
    return _joined(len(texts), pairs[:, 0], pairs[:, 1])


def _joined(count: int, first: Names, second: Names) -> Names:
    from threelines.link.groups import components

    return components(count, first, second)


LINKERS: dict[str, Callable[..., Names]] = {
    "threelines": ours,
    "threelines, no times known": ours_untimed,
    "rensa, 64 bands": rensa,
    "rensa, on our folded text": rensa_folded,
    "datasketch": datasketch,
    "gaoya": gaoya,
}
SWEPT = (0.2, 0.25, 0.3, 0.4, 0.5)
"""Thresholds that each peer is tried at."""
TRIED_SEED = 8


def run(_data: object = None, *, n: int = 100_000, seed: int = 11) -> list[dict[str, Any]]:
    """Return one row for each linker, ours first; `times` says how much slower than ours a peer is."""
    made, tried = corpus.make(n, seed), corpus.make(n, TRIED_SEED)
    rows = [_row(name, made, _best(name, tried)) for name in LINKERS]
    fastest = rows[0]["posts/s"]
    for row in rows:
        speed = row["posts/s"]
        row["times"] = round(fastest / speed, 1) if isinstance(speed, int) and speed else ""
    return rows


def _best(name: str, tried: corpus.Corpus) -> tuple[float, ...]:
    """Return the threshold of a peer that has the best F1; nothing for ours, which has none."""
    if LINKERS[name] in (ours, ours_untimed):
        return ()
    rows = {threshold: _row(name, tried, (threshold,))["F1"] for threshold in SWEPT}
    found = {threshold: figure for threshold, figure in rows.items() if figure != ""}
    return (max(found, key=lambda threshold: found[threshold]),) if found else ()


def _row(name: str, made: corpus.Corpus, settings: tuple[float, ...] = ()) -> dict[str, Any]:
    context = multiprocessing.get_context("spawn")  # fork: the child waits for ever for threads the parent had begun
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_timed, args=(name, made.texts, settings, there))
    child.start()
    there.close()
    try:
        names, seconds, memory = here.recv()
    except EOFError:
        names, seconds, memory = f"stopped with exit code {child.exitcode}", 0.0, 0
    child.join()
    row: dict[str, Any] = {"linker": ", ".join((name, *map(str, settings))), "posts": len(made.texts)}
    if isinstance(names, str):
        return row | dict.fromkeys(("P", "R", "F1", *corpus.MODES, "ARI", "s"), "") | {"posts/s": names, "MB": ""}
    return row | score(names, made) | {"s": round(seconds, 2), "posts/s": int(len(names) / seconds), "MB": memory}


def _timed(name: str, texts: Sequence[str], settings: tuple[float, ...], there: Any) -> None:
    before = _peak()
    try:
        LINKERS[name](texts[:200], *settings)
        began = time.perf_counter()
        names = LINKERS[name](texts, *settings)
        seconds = time.perf_counter() - began
    except (ImportError, TypeError, ValueError, AttributeError) as fault:
        there.send((f"{type(fault).__name__}: {fault}"[:80], 0.0, 0))
        return
    memory = (_peak() - before) // 1024
    there.send((names, seconds, memory))


def _peak() -> int:
    """Return the most memory this process had, in KB; a child inherits the figure of `getrusage` on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def score(names: Names, made: corpus.Corpus) -> dict[str, Any]:
    """Compare groups with the planted campaigns, pair by pair."""
    truth, mode = np.asarray(made.campaign), np.asarray(made.mode)
    planted = truth >= 0
    hit, said, real = _pairs(names[planted], truth[planted]), _pairs(names), _pairs(truth[planted])
    scores = {"P": hit / max(said, 1), "R": hit / real, "F1": 2 * hit / (said + real)}
    for each in corpus.MODES:
        inside = mode == each
        scores[each] = _pairs(names[inside], truth[inside]) / _pairs(truth[inside])
    expected = said * real / (len(names) * (len(names) - 1) / 2)
    scores["ARI"] = (hit - expected) / ((said + real) / 2 - expected)
    return {key: round(float(value), 4) for key, value in scores.items()}


def _pairs(*columns: NDArray[Any]) -> int:
    """Count pairs of rows that are equal in every column."""
    _, counts = np.unique(np.stack(columns), axis=1, return_counts=True)
    return int((counts * (counts - 1) // 2).sum())


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:3]]  # posts, seed
    for line in run(**dict(zip(("n", "seed"), numbers, strict=False))):
        print(line)
