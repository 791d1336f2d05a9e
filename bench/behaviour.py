"""Behaviour: who is raised on simulated platforms, with words and with noise; clusters of real accounts.

    python bench/behaviour.py [SEEDS [ACCOUNTS [DAYS]]]        e.g. 21-25 4000 10

The floor of `led_score` was set on seeds 1 to 3 and 11 to 15; measure on others. The platform is ours, so are most of
its parameters (assumptions): the figures say that the combination holds there, not that it holds anywhere.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby, pairwise
from math import log1p
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

import msgspec

from threelines.assess import judge, observe
from threelines.engine.calibrate import Threshold
from threelines.engine.plan import Turn, account_threads, turns_of, whole_talks
from threelines.engine.reference import Reference
from threelines.platforms.benchmark import wilson
from threelines.platforms.simulate import Simulation
from threelines.records import Record, Thread
from threelines.signals.account import AccountFeatures, measure, wording_print
from threelines.vocabulary.terms import Vocabulary, load

SEEDS, ACCOUNTS, DAYS = (21, 22, 23, 24, 25), 4000, 10
FOUND = ("ai_agents", "scam_shifts")
BANDS = (0, 15, 30, 60, 200)


class Judged(msgspec.Struct):
    """One simulated account after the scan."""

    role: str
    standing: str
    opened: float
    """Strangers it opened talks with, a day."""
    led: float
    raised: bool
    ai_use: float


def platform(seed: int, accounts: int, days: int, *, noise: bool, vocabulary: Vocabulary) -> list[Judged]:
    """Simulate a platform, link it, measure every account, then judge every account as the engine does."""
    truth: dict[str, dict[str, Any]] = {}
    simulation = Simulation(accounts=accounts, days=days, seed=seed, noise_words=noise)
    decode = msgspec.json.Decoder(Record).decode
    lines = simulation.lines(lambda fact: truth.update({fact["account"]: fact}) if "account" in fact else None)
    threads = list(account_threads(_turns(map(decode, lines))))
    features = {thread.id: measure(thread) for thread in threads}
    reference = Reference.of(features.values())
    return [_judged(thread, features[thread.id], reference, truth[thread.id], vocabulary) for thread in threads]


def _turns(records: Iterable[Record]) -> Iterator[Turn]:
    """Link talk by talk: the simulation writes each one in a piece."""
    for name, talk in groupby(records, key=lambda record: record.conversation):
        if not name:
            yield from (Turn(record=record) for record in talk)
            continue
        for whole in whole_talks(talk):
            yield from turns_of(whole)


def _judged(
    thread: Thread, own: AccountFeatures, reference: Reference, truth: dict[str, Any], vocabulary: Vocabulary
) -> Judged:
    facts = {**thread.facts, "features": own, "quantiles": reference.quantiles(own)}
    thread = msgspec.structs.replace(thread, facts=facts)
    assessment = judge(thread, observe(thread, vocabulary), vocabulary)
    return Judged(
        truth["role"], truth["class"], own.opened_per_day, own.led, assessment.tier != "none", assessment.ai_use
    )


def simulated(seeds: Iterable[int], accounts: int, days: int) -> list[dict[str, Any]]:
    """Return a row per role and wording, then what a conformal level at 0.1% of ordinary accounts finds."""
    vocabulary, rows, levels = load(), [], []
    for noise in (False, True):
        words = "noise" if noise else "as written"
        pooled: dict[str, list[Judged]] = defaultdict(list)
        for seed in seeds:
            print(f"… seed {seed}, words {words}", file=sys.stderr)
            for account in platform(seed, accounts, days, noise=noise, vocabulary=vocabulary):
                pooled[account.role].append(account)
        rows += [_row(words, role, pooled[role]) for role in sorted(pooled, key=lambda r: (pooled[r][0].standing, r))]
        found = [account for role in FOUND for account in pooled[role]]
        rows.append(_row(words, "AI agents and scam shifts", found))
        for low, high in pairwise(BANDS):
            band = [account for account in found if low <= account.opened < high]
            rows += [_row(words, f"… who reach {low} to {high} strangers a day", band)] if band else []
        levels.append(_level(words, pooled))
    return rows + levels


def _row(words: str, role: str, found: list[Judged]) -> dict[str, Any]:
    raised = sum(account.raised for account in found)
    low, high = wilson(raised, len(found))
    return {
        "words": words, "accounts of": role, "standing": found[0].standing, "n": len(found), "raised": raised,
        "share": round(raised / len(found), 4), "95%": f"{low:.3f}-{high:.3f}",
        "AI use seen": round(sum(account.ai_use > 0 for account in found) / len(found), 4),
    }  # fmt: skip


def _level(words: str, pooled: dict[str, list[Judged]]) -> dict[str, Any]:
    ordinary = [account.led for account in pooled["ordinary"]]
    level = Threshold.for_rate(ordinary[::2], 0.001)
    row: dict[str, Any] = {
        "words": words, "level": round(level.score, 3),
        "set on ordinary": len(ordinary[::2]), "other ordinary raised": _above(level, ordinary[1::2]),
    }  # fmt: skip
    return row | {role: _above(level, [a.led for a in pooled[role]]) for role in (*FOUND, "human_recruiters")}


def _above(level: Threshold, scores: list[float]) -> float:
    return round(sum(map(level.raises, scores)) / len(scores), 4)


# ---- real accounts: coordinated posts and ordinary people, timed ---------------------------------


def clusters(folder: Path) -> list[dict[str, Any]]:
    """Return how well language-free numbers alone group the accounts of `accounts_ira_vs_human`."""
    path = next((p for p in (folder / "dev", folder) if (p / "accounts_ira_vs_human.jsonl.gz").exists()), None)
    if path is None:
        print("accounts_ira_vs_human is not here: clusters are not measured", file=sys.stderr)
        return []
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score
    from sklearn.preprocessing import StandardScaler

    with gzip.open(path / "accounts_ira_vs_human.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    truths = {
        "human, coordinated, bot": [row["label"] for row in rows],
        "category, all humans one": [row.get("category") or row["label"] for row in rows],
        "platform (the confound)": [row["platform"] for row in rows],
    }
    account, post = [_account_numbers(row["posts"]) for row in rows], [_post_numbers(row["posts"]) for row in rows]
    made = []
    for named, numbers in (("posts", post), ("posts and account", [a + p for a, p in zip(account, post, strict=True)])):
        for k in (2, 3):
            groups = KMeans(k, n_init=20, random_state=0).fit_predict(StandardScaler().fit_transform(numbers))
            scores = {f"NMI, {truth}": round(float(normalized_mutual_info_score(labels, groups)), 3)
                      for truth, labels in truths.items()}  # fmt: skip
            made.append({"accounts": len(rows), "numbers of": named, "k": k, **scores, "known (category)": 0.716})
    return made


_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y.%m.%d %H:%M")


def _time(text: str) -> datetime | None:
    for form in _FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _account_numbers(posts: list[dict[str, Any]]) -> list[float]:
    """Return rates, hours and reuse, as `measure` sees them: no word is understood, no platform is named."""
    records = tuple(
        Record(id=str(i), kind="post", author="a", time=_time(post["time"]), text=post["text"])
        for i, post in enumerate(posts)
    )
    own = measure(Thread(kind="account", id="a", records=records))
    lengths = [len(record.text) for record in records]
    prints = [wording_print(record.text) for record in records]
    links = sum("://" in record.text for record in records) / len(records)
    named = sum("@" in record.text or "#" in record.text for record in records) / len(records)
    return [
        log1p(own.records / max(own.days, 1.0)), log1p(own.days), own.hours_per_day, own.quiet_hours,
        sum(lengths) / len(lengths), max(lengths), links, named, 1 - len(set(prints)) / len(prints),
    ]  # fmt: skip


def _post_numbers(posts: list[dict[str, Any]]) -> list[float]:
    """Return gaps between posts and kinds of characters in them."""
    times = sorted(time.timestamp() for time in (_time(post["time"]) for post in posts) if time)
    gaps = [log1p(later - earlier) for earlier, later in zip(times, times[1:], strict=False)] or [log1p(86_400)]
    texts = [post["text"] for post in posts]
    letters, lengths = "".join(texts), [len(text) for text in texts]
    kinds = (str.isupper, str.isdigit, lambda letter: not letter.isalnum() and not letter.isspace())
    return [
        median(gaps), pstdev(gaps), fmean(gaps),
        *(sum(map(kind, letters)) / max(1, len(letters)) for kind in kinds),
        pstdev(lengths) / (fmean(lengths) + 1), fmean(map(log1p, lengths)),
    ]  # fmt: skip


def run(
    data: Path | None = None, *, seeds: Iterable[int] = SEEDS, accounts: int = ACCOUNTS, days: int = DAYS
) -> list[dict[str, Any]]:
    """Return all rows; `data` is the folder of labelled sets, without it the clusters are left out."""
    return simulated(seeds, accounts, days) + (clusters(data) if data else [])


def main() -> None:
    """Print the tables."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from threelines.cli.bench import markdown

    first, _, last = (sys.argv[1] if len(sys.argv) > 1 else "21-25").partition("-")
    seeds = range(int(first), int(last or first) + 1)
    sizes = [int(value) for value in sys.argv[2:4]] + [ACCOUNTS, DAYS][len(sys.argv[2:4]) :]
    data = Path(__file__).parents[2] / "shared" / "data"
    print(markdown(run(data if data.exists() else None, seeds=seeds, accounts=sizes[0], days=sizes[1])))


if __name__ == "__main__":
    main()
