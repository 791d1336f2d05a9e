"""Link near-copies: one script posted again and again, whoever posts it and however its letters are hidden.

Never all pairs. Each text is reduced to what its letters look like, cut into shingles of five letters (three in
scripts with thousands of letters), and sketched by its `SKETCH` smallest shingle hashes: a bottom-k MinHash, of which
every value is one band of one row. Texts that share a value are candidates with their nearest neighbours in that
bucket only, so a stock phrase that thousands use costs a line, not a square. Candidates are then compared, with what
is rare weighing more; `groups` makes scripts of them.

Sources: Broder 1997 (resemblance, bottom-k sketches); Manku, Jain and Das Sarma 2007 (near-duplicates at scale).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.text.look import letters

SKETCH = 48
"""Shingle hashes kept for each text: 192 bytes, whatever its length."""
WORDS = 24
"""Word hashes kept for each text: 96 bytes. A short post has fewer words than that."""
KEYS = 24
"""How many of them are used to find candidates."""
NEIGHBOURS = 3
"""With how many of the next texts in a bucket, in order of time, a text is compared."""
HUB = 64
"""A shingle in more texts than this is common: it needs a second one beside it to be a band."""
MIN_BITS = 45.0
"""Surprise that shared words must hold to count: five words that one text in five hundred has."""
NOTHING = np.uint32(0xFFFF_FFFF)
"""What an empty place of a sketch holds."""
MIN_SHINGLES = 30
"""A shorter text says too little: two people write it by chance ('ok thanks', 'happy new year to you all')."""

_LONGEST_WORD = 25  # more letters than this for each word: words are not written apart, or all letters are
_PLAIN = 0.3  # plain resemblance counts only above this
_OVERLAP = 3.0  # one word makes several shingles: their surprises are not independent
_SLICE = 800_000
"""Values counted at once: what is made of so few stays small, and the next slice gets the same memory again."""
_TOP = 255  # the leading byte of `NOTHING`
_CHUNK = 2000  # worked on at once: so few stay in the processor's cache
_LETTERS = 1 << 20
"""Letters sketched at once: each takes some forty bytes meanwhile. One text is never cut."""
_BLANK = NOTHING & ~np.uint32(31)  # what an empty place is once graded
_LOW = np.uint64(0xFFFF_FFFF)
_WIDE = 0x2E80  # from here on one letter is a syllable or a word (Han, kana, Hangul)

Rows = NDArray[np.int64]
Values = NDArray[np.uint32]


class Pairs(NamedTuple):
    """Candidate pairs of rows, `first < second`."""

    first: Rows
    second: Rows


class Sketches(NamedTuple):
    """One row for each text; a row that the text does not fill ends in `0xFFFFFFFF`."""

    shingles: Values
    """(texts, SKETCH) smallest hashes of its shingles, in order."""
    words: Values
    """(texts, WORDS) smallest hashes of its words, in order; empty where words are not written apart."""
    sizes: Rows
    """How many different shingles the text has."""


def sketch(texts: Sequence[str]) -> Sketches:
    """Sketch a few thousand texts at once; long ones in parts."""
    if len(texts) > 1 and sum(map(len, texts)) > _LETTERS:
        half = len(texts) // 2
        one, two = sketch(texts[:half]), sketch(texts[half:])
        shingles, words = np.concatenate((one.shingles, two.shingles)), np.concatenate((one.words, two.words))
        return Sketches(shingles, words, np.concatenate((one.sizes, two.sizes)))
    codes, starts, opens = letters(texts)
    hashes, valid = _shingles(codes, starts)
    shingles, sizes = _smallest(hashes.take(valid), np.searchsorted(valid, starts), SKETCH)
    begins = np.flatnonzero(opens)
    words, number = _smallest(_words(codes, begins), np.searchsorted(begins, starts), WORDS)
    words[sizes > number * _LONGEST_WORD] = NOTHING
    return Sketches(shingles, words, sizes)


def _smallest(hashes: Values, starts: Rows, width: int) -> tuple[Values, Rows]:
    """Keep the smallest different hashes of each text; also count its different hashes. `hashes` is sorted in place.

    Text `i` has `hashes[starts[i]:starts[i + 1]]`. Each is sorted by itself: one sort of all, with the text's number
    before each hash, took six times as long.
    """
    edges = starts.tolist()
    for start, end in pairwise(edges):
        hashes[start:end].sort()
    new = np.ones(hashes.size, dtype=bool)
    new[1:] = hashes[1:] != hashes[:-1]
    new[starts[:-1][starts[:-1] < hashes.size]] = True
    firsts = np.flatnonzero(new)
    bounds, different = np.searchsorted(firsts, starts), hashes.take(firsts)
    counts = np.diff(bounds)
    places = np.minimum(bounds[:-1, None] + np.arange(width), max(different.size - 1, 0))
    filled = np.arange(width) < counts[:, None]
    table = np.where(filled, different[places], NOTHING) if different.size else np.full(filled.shape, NOTHING)
    return table, counts


def _words(codes: NDArray[np.uint32], begins: Rows) -> Values:
    """Hash each word, given where it begins: the sum of its letters, each spread by its place."""
    if not begins.size:
        return np.empty(0, dtype=np.uint32)
    place = np.arange(codes.size) - np.repeat(begins, np.diff(np.append(begins, codes.size)))
    spread = _mixed(codes.astype(np.uint64) | (place.astype(np.uint64) << np.uint64(32)))
    sums = np.add.reduceat(spread, begins)
    return np.asarray(np.minimum(sums >> np.uint64(32), np.uint64(NOTHING - 1)), dtype=np.uint32)


def _shingles(codes: NDArray[np.uint32], starts: Rows) -> tuple[Values, Rows]:
    """Hash the shingle that starts at each letter; the second array has the places where it ends inside its text."""
    size = codes.size
    wide = codes >= _WIDE
    some = bool(wide.any())
    ends = np.repeat(starts[1:], np.diff(starts))
    valid = np.flatnonzero(np.arange(size) + (np.where(wide, 3, 5) if some else 5) <= ends)
    padded = np.concatenate((codes, np.zeros(4, dtype=np.uint32)))
    hashed = np.full(size, 0x9E37_79B9, dtype=np.uint32)
    for step in range(5):
        part = padded[step : step + size]
        mixed = (hashed ^ part) * np.uint32(0x01000193)
        mixed ^= mixed >> np.uint32(15)
        hashed = np.where(wide, hashed, mixed) if some and step >= 3 else mixed
    hashed ^= hashed >> np.uint32(16)
    hashed *= np.uint32(0x85EB_CA6B)
    hashed ^= hashed >> np.uint32(13)
    hashed *= np.uint32(0xC2B2_AE35)
    hashed ^= hashed >> np.uint32(16)
    return np.minimum(hashed, NOTHING - np.uint32(1)), valid


def sketches(texts: Iterable[str], *, threads: int = 2) -> Sketches:
    """Sketch a stream of texts in chunks; numpy lets go of Python's lock, so threads are enough."""
    source = iter(texts)
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(sketch, iter(lambda: list(islice(source, _CHUNK)), [])))
    parts = parts or [sketch([])]
    return Sketches(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def frequencies(table: Values) -> NDArray[np.uint32]:
    """Return, for each value of each sketch, how many sketches hold it; 0 where a sketch is not full."""
    flat = table.ravel()
    often = np.zeros(flat.size, dtype=np.uint32)
    tops = (flat >> np.uint32(24)).astype(np.uint8)
    for first, last in _ranges(np.bincount(tops, minlength=256).tolist()):
        places = np.flatnonzero((tops >= first) & (tops <= last))
        if last == _TOP:
            places = places[flat[places] != NOTHING]
        often[places] = _repeats(flat[places])
    return often.reshape(table.shape)


def _ranges(counts: list[int]) -> Iterator[tuple[int, int]]:
    """Yield ranges of leading bytes that together hold about `_SLICE` values: (first, last)."""
    first = held = 0
    for last, count in enumerate(counts):
        if held and held + count > _SLICE:
            yield first, last - 1
            first, held = last, 0
        held += count
    if held:
        yield first, len(counts) - 1


def _repeats(values: Values) -> NDArray[np.int64]:
    """Return for each value how often it is there.

    Hashes with equal last bits lie in one bucket; where all in a bucket are equal, its size is the answer. The others
    are sorted: all of them in that way took three times as long.
    """
    mask = np.uint32(2 ** max(values.size, 1).bit_length() - 1)
    bucket = (values & mask).astype(np.int64)
    holder = np.zeros(int(mask) + 1, dtype=np.uint32)
    holder[bucket] = values
    mixed = np.zeros(holder.size, dtype=bool)
    mixed[bucket[holder[bucket] != values]] = True
    often: NDArray[np.int64] = np.bincount(bucket, minlength=holder.size)[bucket]
    rest = np.flatnonzero(mixed[bucket])
    keyed = np.sort((values[rest].astype(np.uint64) << np.uint64(32)) | np.arange(rest.size, dtype=np.uint64))
    ordered, places = keyed >> np.uint64(32), (keyed & _LOW).astype(np.int64)
    edges = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1], [True])))
    runs = np.diff(edges)
    often[rest[places]] = np.repeat(runs, runs)
    return often


def contents(sketched: Sketches) -> Rows:
    """Return a number for each text, made from its sketch: equal for texts with one sketch, else as if drawn.

    It orders texts whose times are equal, and stays the same where records are read in another order.
    """
    factors = _mixed(np.arange(1, SKETCH + WORDS + 1, dtype=np.uint64)) | np.uint64(1)
    made = np.empty(len(sketched.sizes), dtype=np.uint64)
    for at in range(0, made.size, _CHUNK):
        part = slice(at, at + _CHUNK)
        made[part] = _mixed(sketched.shingles[part] @ factors[:SKETCH] + sketched.words[part] @ factors[SKETCH:])
    return made.view(np.int64)


def candidates(sketched: Sketches, often: NDArray[np.uint32], times: NDArray[np.float64] | None = None) -> Pairs:
    """Return the pairs that share at least two bands, never more than `KEYS * NEIGHBOURS` for each different sketch.

    A value that few texts have is a band by itself. A common one is a band only together with the next value of the
    same sketch, so a greeting links nothing while a script that thousands copy still links. Texts with one sketch are
    each paired with the first of them, which stands for all in the bands. `often` counts shingles: `frequencies`.
    In a band texts stand in order of `times` (seconds; 0 where unknown) and content, for copies are posted close
    together, and never as they were read; without `times` they are given in order of time.
    """
    filled = np.flatnonzero(sketched.shingles[:, 0] != NOTHING)
    times = np.arange(len(sketched.sizes), dtype=np.float64) if times is None else times
    content, times = contents(sketched)[filled], times[filled]
    order = np.lexsort((filled, times, content))
    rows, content = filled[order], content[order]
    new = np.ones(rows.size, dtype=bool)
    new[1:] = content[1:] != content[:-1]
    firsts = np.flatnonzero(new)
    same = Pairs(rows[firsts[np.cumsum(new) - 1]][~new], rows[~new])
    standing = rows[firsts[np.lexsort((content[firsts], times[order][firsts]))]]
    rare, common = bands(sketched.shingles[standing], often[standing])
    near = _seen_twice([*_neighbours(*rare, NEIGHBOURS), *_neighbours(*common, 1)])
    one, two = standing[near.first], standing[near.second]
    first, second = np.concatenate((same.first, one)), np.concatenate((same.second, two))
    return Pairs(np.minimum(first, second), np.maximum(first, second))


Bands = tuple[NDArray[np.uint64], Rows]


def bands(table: Values, often: NDArray[np.uint32]) -> tuple[Bands, Bands]:
    """Return (band, row) of the values that are bands by themselves, and of those that need their neighbour."""
    keys, following, often = table[:, :KEYS], table[:, 1 : KEYS + 1].astype(np.uint64), often[:, :KEYS]
    rows = np.broadcast_to(np.arange(len(table))[:, None], keys.shape)
    rare = (often > 1) & (often <= HUB)
    common = (often > HUB) & (following != NOTHING)
    joined = _mixed((keys[common].astype(np.uint64) << np.uint64(32)) | following[common]) >> np.uint64(32)
    return (keys[rare].astype(np.uint64), rows[rare]), (joined, rows[common])


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mixed = (values ^ (values >> np.uint64(31))) * np.uint64(0x7FB5_D329_728E_A185)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x81DA_DEF4_BC2D_D44D)
    return mixed.astype(np.uint64, copy=False)


def _neighbours(keys: NDArray[np.uint64], rows: Rows, reach: int) -> list[NDArray[np.uint64]]:
    """Pair each row with the next rows of the same band; rows are numbered by time and content: see `candidates`."""
    keyed = np.sort((keys << np.uint64(32)) | rows.astype(np.uint64))
    values, members = keyed >> np.uint64(32), keyed & _LOW
    found = []
    for step in range(1, reach + 1):
        same = values[step:] == values[:-step]
        found.append((members[:-step][same] << np.uint64(32)) | members[step:][same])
    return found


def _seen_twice(found: list[NDArray[np.uint64]]) -> Pairs:
    pairs = np.sort(np.concatenate(found))
    repeats = pairs[1:] == pairs[:-1]
    first_repeat = repeats & ~np.concatenate(([False], repeats[:-1]))
    twice = pairs[1:][first_repeat]
    return Pairs((twice >> np.uint64(32)).astype(np.int64), (twice & _LOW).astype(np.int64))


class Graded(NamedTuple):
    """Sketches whose hashes carry their frequency: see `graded`."""

    shingles: Values
    words: Values


def resemblances(
    sketched: Sketches,
    often: tuple[NDArray[np.uint32], NDArray[np.uint32]],
    pairs: Pairs,
    *,
    texts: int | None = None,
    threads: int = 2,
) -> NDArray[np.float64]:
    """Say how alike each candidate pair is, 0 to 1: see `alike`. `often` counts shingles and words: `frequencies`.

    `texts` is how many rows have a text at all, where some have none.
    """
    count = len(sketched.sizes) if texts is None else texts
    made = Graded(graded(sketched.shingles, often[0]), graded(sketched.words, often[1]))
    found = np.empty(len(pairs.first), dtype=np.float64)

    def compare(at: int) -> None:
        one, two = pairs.first[at : at + _CHUNK], pairs.second[at : at + _CHUNK]
        found[at : at + _CHUNK] = alike(
            Graded(made.shingles[one], made.words[one]),
            Graded(made.shingles[two], made.words[two]),
            count,
        )

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(compare, range(0, found.size, _CHUNK)))
    return found


def alike(first: Graded, second: Graded, count: int) -> NDArray[np.float64]:
    """Compare rows of two tables, of `count` texts in all, by what is rare; letter for letter reaches 0.7 at least.

    What is rare is measured on whole words, which survive new synonyms and another order of clauses better than
    shingles do; on shingles where words are not written apart. Few shared words are no evidence: see `MIN_BITS`.
    """
    weights, bits = _rarity(count)
    plain, letters_rare, letter_bits = _resemblance(first.shingles, second.shingles, weights, bits)
    _, words_rare, word_bits = _resemblance(first.words, second.words, weights, bits)
    worded = (first.words[:, 0] != _BLANK) & (second.words[:, 0] != _BLANK)
    rare = np.where(worded, words_rare, letters_rare)
    known = np.where(worded, word_bits, letter_bits / _OVERLAP)
    found: NDArray[np.float64] = np.maximum(rare * (known >= MIN_BITS), plain - _PLAIN)
    return found


def _rarity(count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weigh what 2^grade of `count` texts have, from 1 down, and give its surprise in bits.

    The cube makes a stock phrase weigh next to nothing.
    """
    bits = np.maximum(np.log2(max(count, 2)) - np.arange(32), 0).astype(np.float32)
    return np.maximum(bits / bits[0], np.float32(0.05)) ** 3, bits


def graded(table: Values, often: NDArray[np.uint32]) -> Values:
    """Put the frequency, as a power of two, in the five lowest bits of each hash: equal hashes stay equal."""
    return (table & ~np.uint32(31)) | np.log2(np.maximum(often, 1)).astype(np.uint32)


class _Alike(NamedTuple):
    plain: NDArray[np.float64]
    rare: NDArray[np.float32]
    bits: NDArray[np.float32]


def _resemblance(first: Values, second: Values, weights: NDArray[np.float32], bits: NDArray[np.float32]) -> _Alike:
    """Compare graded sketches row by row, up to the largest value that both know of."""
    limit = np.minimum(np.minimum(first[:, -1], second[:, -1]), _BLANK - np.uint32(1))
    both = np.sort(np.concatenate((first, second), axis=1), axis=1)
    known = both <= limit[:, None]
    shared = known[:, 1:] & (both[:, 1:] == both[:, :-1])
    grade = both & np.uint32(31)
    weight = weights[grade] * known
    common = (weight[:, 1:] * shared).sum(axis=1)
    number = shared.sum(axis=1)
    plain = number / np.maximum(known.sum(axis=1) - number, 1)
    rare = common / np.maximum(weight.sum(axis=1) - common, 1e-6)
    return _Alike(plain, rare, (bits[grade[:, 1:]] * shared).sum(axis=1))
