"""Labelled threads for `threelines fit`: gathered from records, grouped, refused where they cannot teach.

A class is learned from what people say, so it must not be learnable from who they are. Threads of
one account, and near-copies of one text, stay on one side of every split; a class that one account
mostly fills is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from unicodedata import east_asian_width, normalize

import numpy as np
from numpy.typing import NDArray

from threelines.engine.plan import conversation_threads, is_lone, lone_thread
from threelines.link.groups import components
from threelines.platforms.adapter import MOST_CLASSES
from threelines.platforms.decisions import Decision, decided
from threelines.platforms.views import is_cut, words_of
from threelines.records import Record, Thread, ThreelinesError
from threelines.text.fold import fold
from threelines.text.grams import character_grams, letters, mixed

LEAST = 20
"""Threads a class needs: below, one fold tests it on fewer than four."""
LEAST_GROUPS = 5
"""Groups (accounts, scripts) a class needs: one a fold."""
LARGEST_SHARE = 0.5
"""Of a class's threads, the most that one account may have written."""
_MOST_NAMED = 10
"""Classes up to which a message names those with too few threads."""

_ACCOUNT_COLUMNS = ("account", "account_id", "user_id")
_TIES = ("pair",)
"""Columns whose threads stay together without being of one account. A bare `group` is most often a chat's name, and none."""
_PERMUTATIONS = 24
_BAND = 2
_ALIKE = 0.5
_ROLE = 0.3
_LEAST_TALKS = 10
_SHORT = 25


class LabelsError(ThreelinesError):
    """The labels cannot teach what was asked."""


class Labelled(NamedTuple):
    """Threads with one label each."""

    threads: tuple[Thread, ...]
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    groups: NDArray[np.int64]
    """Threads with the same number belong to one account or one script."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    known: frozenset[tuple[str, str]] = frozenset()
    """(thread, words) of all that have a label, those left out too: ids alone repeat from file to file."""


def threads_of(records: Iterable[Record]) -> list[Thread]:
    """Return the threads a scan would judge: each lone record, and each conversation."""
    lone, talks = [], []
    for record in records:
        if is_lone(record):
            lone.append(lone_thread(record))
        else:
            talks.append(record)
    return lone + list(conversation_threads(talks))


def gather(records: Iterable[Record], decisions: Sequence[Decision] = ()) -> Labelled:
    """Collect labelled threads; raise LabelsError for labels that are too few or leak by account.

    Short texts by several accounts (greetings) say nothing of who wrote them: one a label is kept.
    """
    threads, labels, notes = _labelled(records, decisions)
    texts = [words_of(thread) for thread in threads]
    known = frozenset(zip((thread.id for thread in threads), texts, strict=True))
    accounts, ties, copies = (
        accounts_of(threads, labels),
        [_stated(thread, _TIES) for thread in threads],
        near_copies(texts),
    )
    # Only where accounts are known can a short text tie them; elsewhere copies lie together and lose nothing.
    short = [is_short(text) for text in texts] if any(accounts) else [False] * len(texts)
    kept = _once_a_label(short, copies, accounts, labels)
    if len(kept) < len(texts):
        notes.append(f"{len(texts) - len(kept):,} threads repeat a short text of other accounts: one a label is kept")
    # A greeting is no script: it ties nobody together.
    copies = np.where(short, len(copies) + np.arange(len(copies)), copies)[kept]
    labels, texts = ([part[index] for index in kept] for part in (labels, texts))
    accounts, ties = ([part[index] for index in kept] for part in (accounts, ties))
    notes += [*_contradictions(texts, labels), *_alike(labels), *_cut(threads[index] for index in kept)]
    groups = grouped([(*who, *tie) for who, tie in zip(accounts, ties, strict=True)], copies)
    fault = _too_few(labels) or _leak(labels, accounts) or _tied(labels, accounts, copies, groups)
    if fault:
        raise LabelsError("; ".join([fault, *notes]))
    if not any(accounts):
        notes.append("no thread names an account: whether labels leak by account cannot be seen (--map author=COLUMN)")
    taken = tuple(threads[index] for index in kept)
    return Labelled(taken, tuple(texts), tuple(labels), groups, tuple(notes), known)


def _labelled(records: Iterable[Record], decisions: Sequence[Decision]) -> tuple[list[Thread], list[str], list[str]]:
    """Return the threads with words and a label, their labels, and notes on all others."""
    every = threads_of(records)
    said = decided(every, decisions)
    threads, labels, left = [], [], Counter[str]()
    for place, thread in enumerate(every):
        stated = {normalize("NFC", record.label) for record in thread.records if record.label}
        label = normalize("NFC", said.labels.get(place, stated.pop() if len(stated) == 1 else ""))
        if not label:
            left["labels that disagree" if stated or place in said.labels else "no label"] += 1
        elif not words_of(thread).strip():
            left["a label, but no words"] += 1
        else:
            threads.append(thread)
            labels.append(label)
    return (
        threads,
        labels,
        [*(f"{count:,} threads have {what}: left out" for what, count in sorted(left.items())), *said.notes],
    )


def _contradictions(texts: Sequence[str], labels: Sequence[str]) -> Iterator[str]:
    said: dict[str, set[str]] = {}
    for text, label in zip(texts, labels, strict=True):
        said.setdefault(text, set()).add(label)
    count = sum(len(said[text]) > 1 for text in texts)
    if count:
        yield f"{count:,} threads have the very words of another with a different label: kept, but nobody can tell them apart"


def _alike(labels: Sequence[str]) -> Iterator[str]:
    """Note classes that a person would take for one: capitals, accents, digits of another script, `1` and `1.0`."""
    same: dict[str, list[str]] = {}
    for name in sorted(set(labels)):
        same.setdefault(_drawn(name), []).append(name)
    for names in same.values():
        if len(names) > 1:
            yield f"classes {', '.join(map(repr, names))} look alike, and are learned as different ones: write one name if they are one"


def _drawn(label: str) -> str:
    """Return how a label looks: folded, a number by its value."""
    folded = fold(label).strip()
    try:
        return repr(float(folded))
    except ValueError:
        return " ".join(folded.replace("_", " ").split())


def _cut(threads: Iterable[Thread]) -> Iterator[str]:
    count = sum(map(is_cut, threads))
    if count:
        yield f"{count:,} threads are longer than 20,000 characters: their first and last 10,000 are read"


def is_short(text: str) -> bool:
    """Whether a text is so short that many write it alike: under 25 letters, ideographs and syllables counted twice."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in fold(text[:1000])) < _SHORT


def _once_a_label(
    short: Sequence[bool], copies: NDArray[np.int64], accounts: Sequence[tuple[str, ...]], labels: Sequence[str]
) -> list[int]:
    """Return the threads to keep: of a short text that several accounts wrote, the first of each label."""
    by: dict[int, set[tuple[str, ...] | int]] = {}
    for index, copy in enumerate(copies.tolist()):
        if short[index]:
            by.setdefault(copy, set()).add(accounts[index] or index)  # nobody's name is an account of its own
    seen: set[tuple[int, str]] = set()
    kept = []
    for index, (copy, label) in enumerate(zip(copies.tolist(), labels, strict=True)):
        if not short[index] or len(by[copy]) == 1 or (copy, label) not in seen:
            kept.append(index)
        if short[index]:
            seen.add((copy, label))
    return kept


def accounts_of(threads: Sequence[Thread], labels: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the accounts behind each thread: those stated (`account_id`), and its authors.

    A name in like shares of the conversations of every class, beside others (`A` and `B`, `agent` and `customer`), is
    a role there, not an account. A name in one class's conversations only is what a leak looks like, and stays.
    """
    authors = [_authors(thread) for thread in threads]
    roles = _roles(authors, labels)
    return [
        (*_stated(thread, _ACCOUNT_COLUMNS), *(name for name in names if len(names) == 1 or name not in roles))
        for thread, names in zip(threads, authors, strict=True)
    ]


def _roles(authors: Sequence[tuple[str, ...]], labels: Sequence[str]) -> set[str]:
    talks = [(label, names) for label, names in zip(labels, authors, strict=True) if len(names) > 1]
    of = Counter(label for label, _ in talks)
    if min((of[label] for label in set(labels)), default=0) < _LEAST_TALKS:
        return set()  # too few to tell a role from an account
    often = Counter((name, label) for label, names in talks for name in names)
    found = set()
    for name in {name for name, _ in often}:
        shares = [often[name, label] / of[label] for label in of]
        if min(shares) > max(_ROLE, max(shares) / 2):
            found.add(name)
    return found


def _authors(thread: Thread) -> tuple[str, ...]:
    return tuple(sorted({record.author for record in thread.records if record.author}))


def _stated(thread: Thread, columns: Sequence[str]) -> tuple[str, ...]:
    for column in columns:
        stated = {f"{column}:{record.extra[column]}" for record in thread.records if record.extra.get(column)}
        if stated:
            return tuple(sorted(stated))
    return ()


def near_copies(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number the texts so that near-copies (about half of their letters in fives shared) have one number."""
    if len(texts) == 0:
        return np.zeros(0, dtype=np.int64)
    (grams,) = character_grams(letters([f"{fold(text)} ····" for text in texts]), (5,), across_words=True)
    starts = np.flatnonzero(np.diff(grams.owner, prepend=-1))
    sketch = np.stack([np.minimum.reduceat(mixed(grams.hashes, salt), starts) for salt in range(1, _PERMUTATIONS + 1)])
    first, second = [], []
    for band in range(0, _PERMUTATIONS, _BAND):
        keys = mixed(sketch[band], 99) + sketch[band + 1]
        order = np.argsort(keys, kind="stable")
        same = keys[order[1:]] == keys[order[:-1]]
        first.append(order[:-1][same])
        second.append(order[1:][same])
    one, other = np.concatenate(first), np.concatenate(second)
    alike = (sketch[:, one] == sketch[:, other]).mean(axis=0) >= _ALIKE
    return components(len(texts), one[alike], other[alike])


def grouped(accounts: Sequence[tuple[str, ...]], copies: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number the threads so that threads of one account or one script have one number."""
    first_with: dict[str, int] = {}
    one, other = [], []
    for index, names in enumerate([(*names, f"\0{copy}") for names, copy in zip(accounts, copies, strict=True)]):
        for name in names:
            one.append(first_with.setdefault(name, index))
            other.append(index)
    return components(len(accounts), np.asarray(one, dtype=np.int64), np.asarray(other, dtype=np.int64))


def _too_few(labels: Sequence[str]) -> str:
    """Return which classes have too few threads; empty where all have enough."""
    counts = Counter(labels)
    if len(counts) < 2:
        named = f"only {next(iter(counts))!r}" if counts else "none"
        return f"labels: {named} found; a fit needs two classes or more, in a column `label` (or --map label=…)"
    if len(counts) > MOST_CLASSES:
        return f"labels: {len(counts):,} classes, an adapter holds {MOST_CLASSES} at most: is this the label column?"
    few = sorted(f"{name!r} has {count}" for name, count in counts.items() if count < LEAST)
    if not few:
        return ""
    if len(counts) > _MOST_NAMED:  # most often ids of accounts or free text: nothing of it is printed
        return f"labels: {len(few):,} of {len(counts):,} classes have fewer than {LEAST} threads: is this the label column?"
    return f"labels: {', '.join(few)}; each class needs {LEAST} threads: label more, or join small classes"


def _leak(labels: Sequence[str], accounts: Sequence[tuple[str, ...]]) -> str:
    """Return which account fills a class; empty where none does."""
    for name in sorted(set(labels)):
        held = Counter(who for label, names in zip(labels, accounts, strict=True) if label == name for who in names)
        of = sum(1 for label in labels if label == name)
        for account, count in held.most_common(1):
            if count > LARGEST_SHARE * of:
                return (
                    f"labels leak by account: {account!r} has {count} of the {of} threads of {name!r}; an adapter would "
                    "learn the account: label threads of others, or leave most of this account's out"
                )
    return ""


def _tied(
    labels: Sequence[str], accounts: Sequence[tuple[str, ...]], copies: NDArray[np.int64], groups: NDArray[np.int64]
) -> str:
    """Return which class comes from too few accounts or scripts; empty where none does."""
    alone = grouped(accounts, np.arange(len(labels)))
    for name in sorted(set(labels)):
        mine = [index for index, label in enumerate(labels) if label == name]
        held, apart = len(set(groups[mine].tolist())), len(set(alone[mine].tolist()))
        come = f"the {len(mine)} threads of {name!r} come from {held} {'account or script' if held == 1 else 'accounts or scripts'}"
        if held < LEAST_GROUPS <= apart:
            most = Counter(copies.tolist()).most_common(1)[0][1]
            come += f" ({apart} accounts, tied together by near-copies of one text: the most copied has {most})"
        if held < LEAST_GROUPS:
            return (
                f"labels: {come}; {LEAST_GROUPS} are needed, or the adapter would know them, not the class: "
                "label threads of others"
            )
    return ""
