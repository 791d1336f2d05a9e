"""Labelled threads for `threelines fit`: gathered from records, grouped, refused where they cannot teach.

A class is learned from what people say, so it must not be learnable from who they are. Threads of
one account, and near-copies of one text, stay on one side of every split; a class that one account
mostly fills is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from threelines.engine.plan import conversation_threads, is_lone, lone_thread
from threelines.link.groups import components
from threelines.platforms.views import words_of
from threelines.records import Record, Thread, ThreelinesError
from threelines.text.fold import fold
from threelines.text.grams import character_grams, letters, mixed

LEAST = 20
"""Threads a class needs: below, one fold tests it on fewer than four."""
LEAST_GROUPS = 5
"""Groups (accounts, scripts) a class needs: one a fold."""
LARGEST_SHARE = 0.5
"""Of a class's threads, the most that one account may have written."""

_GROUP_COLUMNS = ("group", "account", "account_id", "user_id", "pair")
_PERMUTATIONS = 24
_BAND = 2
_ALIKE = 0.5
_ROLE = 0.3


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


def threads_of(records: Iterable[Record]) -> list[Thread]:
    """Return the threads a scan would judge: each lone record, and each conversation."""
    lone, talks = [], []
    for record in records:
        if is_lone(record):
            lone.append(lone_thread(record))
        else:
            talks.append(record)
    return lone + list(conversation_threads(talks))


def label_of(thread: Thread, decisions: Mapping[str, str]) -> str:
    """Return the label of a thread: a decision about it, or what its records say; empty when they disagree."""
    decided = [decisions[name] for name in (thread.id, *(record.id for record in thread.records)) if name in decisions]
    stated = {record.label for record in thread.records if record.label}
    if decided:
        return decided[0]
    return stated.pop() if len(stated) == 1 else ""


def read_decisions(path: Path) -> dict[str, str]:
    """Read what people decided: JSONL with `thread` (or `record`, `id`) and `label` (or `decision`)."""
    decisions = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as fault:
            raise LabelsError(f"{path}:{number}: not a JSON object ({fault})") from fault
        name = row.get("thread") or row.get("record") or row.get("id")
        label = row.get("label") or row.get("decision")
        if not isinstance(name, str) or not isinstance(label, str):
            raise LabelsError(f'{path}:{number}: a decision needs "thread" (or "record") and "label", both text')
        decisions[name] = label
    return decisions


def gather(records: Iterable[Record], decisions: Mapping[str, str] | None = None) -> Labelled:
    """Collect labelled threads, and refuse labels that are too few or leak by account."""
    threads, labels, texts, bare, empty = [], [], [], 0, 0
    for thread in threads_of(records):
        label = label_of(thread, decisions or {})
        words = words_of(thread)
        if not label:
            bare += 1
        elif not words.strip():
            empty += 1
        else:
            threads.append(thread)
            labels.append(label)
            texts.append(words)
    notes = []
    if bare:
        notes.append(f"{bare:,} threads have no label, or labels that disagree: left out")
    if empty:
        notes.append(f"{empty:,} labelled threads have no words: left out")
    accounts = accounts_of(threads)
    groups = grouped(accounts, near_copies(texts))
    _refuse_too_few(labels, groups)
    _refuse_leaks(labels, accounts)
    return Labelled(tuple(threads), tuple(texts), tuple(labels), groups, tuple(notes))


def accounts_of(threads: Sequence[Thread]) -> list[tuple[str, ...]]:
    """Return the accounts behind each thread: a stated group, or its authors.

    A name in many conversations beside others (`A` and `B`, `agent` and `customer`) is a role, not an account.
    """
    seen = [_accounts(thread) for thread in threads]
    talks = [names for thread, names in zip(threads, seen, strict=True) if len(thread.records) > 1]
    often = Counter(name for names in talks for name in names)
    roles = {name for name, count in often.items() if count > max(2, _ROLE * len(talks))}
    return [tuple(name for name in names if name not in roles) for names in seen]


def _accounts(thread: Thread) -> tuple[str, ...]:
    for column in _GROUP_COLUMNS:
        stated = {f"{column}:{record.extra[column]}" for record in thread.records if record.extra.get(column)}
        if stated:
            return tuple(sorted(stated))
    return tuple(sorted({record.author for record in thread.records if record.author}))


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


def _refuse_too_few(labels: Sequence[str], groups: NDArray[np.int64]) -> None:
    counts = Counter(labels)
    if len(counts) < 2:
        named = f"only {next(iter(counts))!r}" if counts else "none"
        raise LabelsError(
            f"labels: {named} found; a fit needs two classes or more, in a column `label` (or --map label=…)"
        )
    few = sorted(f"{name!r} has {count}" for name, count in counts.items() if count < LEAST)
    if few:
        raise LabelsError(
            f"labels: {', '.join(few)}; each class needs {LEAST} threads: label more, or join small classes"
        )
    for name in sorted(counts):
        held = len({int(group) for label, group in zip(labels, groups, strict=True) if label == name})
        if held < LEAST_GROUPS:
            raise LabelsError(
                f"labels: the {counts[name]} threads of {name!r} come from {held} "
                f"{'account or script' if held == 1 else 'accounts or scripts'}; {LEAST_GROUPS} are needed, or the adapter "
                "would know them, not the class: label threads of others"
            )


def _refuse_leaks(labels: Sequence[str], accounts: Sequence[tuple[str, ...]]) -> None:
    for name in sorted(set(labels)):
        held = Counter(who for label, names in zip(labels, accounts, strict=True) if label == name for who in names)
        of = sum(1 for label in labels if label == name)
        for account, count in held.most_common(1):
            if count > LARGEST_SHARE * of:
                raise LabelsError(
                    f"labels leak by account: {account!r} has {count} of the {of} threads of {name!r}; an adapter would "
                    "learn the account: label threads of others, or leave most of this account's out"
                )
