"""Speed of wording, contact and judgement on short texts, beside a loop over rules

The peer is a plain loop over 100 rules of the shape that Osprey's worker evaluates (two comparisons
and one bounded regular expression each), here without its graph and serialisation, so it is faster
than the worker itself (139 events/s at 100 rules, measured by others on a like machine).
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from threelines.engine.local import Plan
from threelines.engine.local import run as scan
from threelines.records import Record
from threelines.vocabulary.terms import load

WORDS = (
    "good morning the bus is late again we meet at six near the market bring the blue folder please thanks "
    "my sister says hello work was long today rain all week the train tickets are on the table call me when "
    "you can dinner is ready who has the keys nice photo happy birthday see you on friday the match starts soon"
).split()
MORE = "besok kita bertemu di pasar jam enam ya terima kasih 明天六点在市场见 谢谢 ฉันจะไปตลาดพรุ่งนี้ завтра в шесть у рынка".split()


def records(count: int, seed: int = 7) -> Iterator[Record]:
    """Yield short everyday texts; one in fifty names a messenger or a sum of money."""
    draw = random.Random(seed)
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for number in range(count):
        text = " ".join(draw.choices(WORDS + MORE, k=draw.randint(4, 18)))
        if number % 50 == 0:
            text += draw.choice(
                [" write me on telegram @friend_of_mine", " rent is 450 EUR per month", " +66 2 343 9477"]
            )
        yield Record(id=f"m{number}", text=text, time=start + timedelta(seconds=number), kind="post")


def _rules() -> list[tuple[int, str, re.Pattern[str]]]:
    draw = random.Random(1)
    return [
        (
            draw.randint(0, 9),
            draw.choice(WORDS),
            re.compile(rf"\b{draw.choice(WORDS)}\W{{1,4}}{draw.choice(WORDS)}\b", re.I),
        )
        for _ in range(100)
    ]


def rules_loop(batch: list[Record]) -> float:
    """Return events per second of the loop over 100 rules, one process."""
    rules = _rules()
    began = time.perf_counter()
    for record in batch:
        for length, word, pattern in rules:
            len(record.text) > length and word in record.text.lower() and pattern.search(record.text)
    return len(batch) / (time.perf_counter() - began)


def threelines(batch: list[Record], jobs: int) -> float:
    """Return records per second of the whole plan over these records, every detector on."""
    plan = Plan(vocabulary=load(), accounts=False, linked=False)
    began = time.perf_counter()
    for _ in scan(batch, plan, jobs=jobs):
        pass
    return len(batch) / (time.perf_counter() - began)


def run(data: Path | None = None, count: int = 100_000) -> list[dict[str, Any]]:
    """Return one row per way of judging the same texts, in one run."""
    batch = list(records(count))
    threelines(batch[:5000], 1)  # warm: vocabulary, automaton, letters
    one, two = threelines(batch[: count // 2], 1), threelines(batch, 2)
    loop = rules_loop(batch[: count // 20])
    cores = os.cpu_count() or 1
    return [
        {"way": "threelines, 1 process", "records/s": one, "ratio to the loop": one / loop},
        {"way": f"threelines, 2 processes ({cores} cores)", "records/s": two, "ratio to the loop": two / loop},
        {"way": "loop over 100 rules, 1 process", "records/s": loop, "ratio to the loop": 1.0},
    ]


if __name__ == "__main__":
    for row in run():
        print(row)
