"""Posts of an invented platform, and of a group that acts as one on it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from threelines.records import Record

START = datetime(2026, 1, 1, tzinfo=UTC)
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]


def text(rng, words=14):
    return " ".join("".join(rng.choices(SYLLABLES, k=3)) for _ in range(words))


def post(index, author, said, seconds, **more):
    return Record(
        id=f"p{index}", kind="post", author=author, text=said, time=START + timedelta(seconds=seconds), **more
    )


def platform(seed=1, posts=3000, accounts=600, links=20):
    """Ordinary people: some far busier than others, popular links posted by everybody."""
    rng = random.Random(seed)
    made = []
    for index in range(posts):
        author = f"u{int(accounts * rng.random() ** 2)}"
        said = text(rng)
        if rng.random() < 0.3:
            said += f" https://news{int(links * rng.random() ** 2)}.example/story"
        made.append(post(index, author, said, rng.random() * 20 * 86_400))
    return made, rng


def campaign(rng, number, accounts, handle="", at=86_400.0, spread=40.0):
    script = text(rng, 16)
    return [
        post(
            f"c{number}-{index}",
            account,
            f"{script} {rng.randint(100, 999)}" + (f" {handle}" if handle else ""),
            at + rng.random() * spread,
        )
        for index, account in enumerate(accounts)
    ]
