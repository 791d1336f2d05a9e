"""Invented findings and accounts for `threelines serve --demo`.

The texts are the vocabulary's own published examples, put together and judged by the real engine:
no text is written here, and no finding is made up by hand.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from threelines.people import demo as invented
from threelines.platforms.finding import Decision
from threelines.platforms.pseudonym import conceal, pseudonyms
from threelines.records import Record
from threelines.roles import ROLES
from threelines.vocabulary.terms import Indicator, Vocabulary
from threelines.web.accounts import Settings
from threelines.web.desk import Desk
from threelines.web.ingest import findings_of
from threelines.web.keys import account_key

ENOUGH = 72
"""Findings that a demonstration has; a little more than a reviewer decides in a sitting."""
CASES = 2400
"""Invented cases: enough for figures that show something although small cells are withheld."""
_BATCHES = 40
_START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_ORDINARY = (
    "Hello, are you still looking?", "Thank you, I will ask at home first.", "What are the hours?",
    "Can you send the contract before I decide?",
)  # fmt: skip
_GOLDEN: tuple[Decision, ...] = ("no_concern", "watch", "support", "refer", "watch", "no_concern")


class Credential(NamedTuple):
    """What is printed once."""

    name: str
    password: str
    role: str


def fill(desk: Desk) -> int:
    """Queue at least `ENOUGH` findings where the vocabulary's examples allow it; return how many there are."""
    draw = random.Random(20241101)
    shown, token = _examples(desk.vocabulary), pseudonyms(account_key(desk.register))
    for batch in range(_BATCHES):
        threads = (_thread(shown, draw, f"demo-{batch}-{place}") for place in range(12))
        records = [conceal(record, token) for thread in threads for record in thread]
        desk.review.add(findings_of(records, desk.vocabulary))
        if desk.review.counts().get("open", 0) >= ENOUGH:
            break
    for place, expected in enumerate(_GOLDEN):
        for finding in findings_of(_thread(shown, draw, f"training-{place}"), desk.vocabulary)[:1]:
            desk.review.train(finding, expected=expected)
    return desk.review.counts().get("open", 0)


def fill_cases(desk: Desk, *, cases: int = CASES) -> int:
    """Add invented cases in the name of the demonstration's case worker; return how many there are."""
    worker = desk.accounts.by_name("demo-case-worker")
    supervisor = desk.accounts.by_name("demo-supervisor")
    if worker is None or supervisor is None:
        return 0
    register = copy(desk.register)
    register.user = supervisor.user
    register.set("communities", " ".join(invented.COMMUNITIES))
    register.user = worker.user
    register.__dict__.pop("_settings", None)
    made = invented.entries(cases=cases, canary="", seed=7, today=register.today)
    return len(register.add_many(made, reason="demonstration"))


def _examples(vocabulary: Vocabulary) -> dict[str, list[tuple[Indicator, str]]]:
    """Return the examples that show something, by language."""
    by_language: dict[str, list[tuple[Indicator, str]]] = {}
    for indicator in vocabulary.active:
        for example in indicator.examples:
            if example.shows and indicator.counts:
                by_language.setdefault(example.language or "en", []).append((indicator, example.text))
    for language in vocabulary.languages.values():
        for entry in language.examples:
            if entry.shows and vocabulary.indicators[entry.indicator].counts:
                by_language.setdefault(language.code, []).append((vocabulary.indicators[entry.indicator], entry.text))
    return {code: found for code, found in sorted(by_language.items()) if len(found) >= 4}


def _thread(shown: dict[str, list[tuple[Indicator, str]]], draw: random.Random, name: str) -> list[Record]:
    if not shown:
        return []
    # Half in English, so that a reader of one language has enough to see; the others in turn.
    language = "en" if "en" in shown and draw.random() < 0.5 else draw.choice(sorted(shown))
    first = draw.choice(shown[language])
    # Signs of one dimension come together, as in the published cases; loose ones are not raised.
    like = [entry for entry in shown[language] if entry[0].dimension == first[0].dimension]
    texts = [text for _, text in draw.sample(like, min(len(like), draw.randint(2, 4)))]
    begun = _START + timedelta(minutes=draw.randint(0, 20_000))
    if draw.random() < 0.45:
        return [_advert(name, language, texts, begun)]
    return list(_talk(name, language, texts, begun, draw))


def _author(name: str) -> str:
    """Let every three threads in a row be one account's, so that findings of one account meet."""
    head, _, place = name.rpartition("-")
    return f"demo_account_{head}_{int(place) // 3}"


def _advert(name: str, language: str, texts: list[str], begun: datetime) -> Record:
    return Record(
        id=name, kind="advert", author=_author(name), text="\n".join(texts), language=language, time=begun,
        source="demonstration",
    )  # fmt: skip


def _talk(name: str, language: str, texts: list[str], begun: datetime, draw: random.Random) -> Iterator[Record]:
    for place, words in enumerate(texts):
        for turn, (who, text) in enumerate((("writer", words), ("reader", draw.choice(_ORDINARY)))):
            begun += timedelta(minutes=draw.randint(1, 90))
            yield Record(
                id=f"{name}-{place}-{turn}", author=_author(name) if who == "writer" else f"demo_reader_{name}", conversation=name, text=text,
                language=language if who == "writer" else "en", time=begun, source="demonstration",
            )  # fmt: skip


def make_accounts(desk: Desk) -> tuple[Credential, ...]:
    """Make an account for each role with a random password; what exists already is left alone."""
    made = []
    for role in ROLES:
        for number in (1, 2) if role in ("reviewer", "supervisor") else (1,):
            name = f"demo-{role.replace('_', '-')}" + (f"-{number}" if number > 1 else "")
            if desk.accounts.by_name(name) is not None:
                continue
            words = secrets.token_urlsafe(12)
            desk.accounts.add(name, words, role=role, team="north", settings=Settings(grey_text=False))
            made.append(Credential(name, words, role))
    return tuple(made)
