"""What the guard's readers of requests are fitted on.

Written for this project: `request_sheet.toml`, `request_bank.toml`, `everyday_bank.toml`, `everyday_posts.toml` and the
English scenarios. Public, and marked for training: the even rows of everyday dialogues, honest messages and calls, articles,
prose that asks for nothing. The odd rows, every other public set and the sessions of `bench/guard.py` stay unseen.
"""

from __future__ import annotations

import gzip
import json
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.scenario import items, load
from threelines.records import ThreelinesError
from threelines.signals.quotes import unquoted

HERE = Path(__file__).parent
EVERYDAY = 8
"""Turns taken of each dialogue."""
PROSE = {"aitext_glimpse": 900, "incidents_aiid_mit": 300}
"""Texts that ask for nothing, taken of each public set."""
TOGETHER = 10
"""Short everyday texts that make one session."""
TONGUES = 2_000
"""Articles of the declaration of human rights, one language after the other: everyday words of many languages."""
MESSAGES = {"sms_sw": ("trust",), "sms_th": ("ok", "otp")}
"""Honest short messages of public sets, by their labels."""
CALLS = 300
"""Honest phone calls."""
BANK_WEIGHT = 0.1
"""What a line of the bank counts in the reader of meaning beside one of the sheet: enough that no language stands for a
class, little enough that its machine-made wording does not lead (by the sheet's held-out lines)."""
CALM_WEIGHT, FOREIGN_WEIGHT = 0.15, 0.08
"""The same for everyday texts in English, and in other languages: a language of which only everyday texts are at hand
must not stand for a class."""
BESIDE, WHOLE = 0.25, 260
"""Share of requests that are met once more with an everyday line beside them; letters, as bytes, that are surely read whole."""
NAMES = "Ana Rosa Linh Olena Fatima Grace Somchai Amina Daniel Maria Nadia Ivan Aisha Mei Lucas Elif".split()
PLACES = "a hotel;a farm;a factory;a restaurant;a family;a ship;a call centre;a school".split(";")
STAGES = {"persona": "persona", "offer": "offer", "spread": "translation"}
ORDERED = {"move": "move", "control": "control", "papers": "control", "debts": "control"}


class TrainError(ThreelinesError):
    """The readers cannot be fitted here."""


class Example(NamedTuple):
    """One request, whether it tells a harmful purpose, what it must not be split from, the task and the side."""

    text: str
    asked: bool
    group: str
    task: str = ""
    """Empty where the task is not known."""
    language: str = "en"
    neutral: bool = False
    """The task alone, as both sides ask for it."""
    weight: float = 1.0
    """What it counts in the reader of meaning."""


def examples(data: Path) -> Iterator[Example]:
    """Yield everything that may be learned from."""
    near = list(_near())
    yield from near
    yield from _beside_small_talk(near)
    yield from _everyday(data)


def _beside_small_talk(near: Sequence[Example]) -> Iterator[Example]:
    """Put everyday lines before or after some requests: neither their length nor what stands beside them may hide them."""
    random, lines = np.random.default_rng(4), dict[str, list[str]]()
    for key, line, _ in _written():
        lines.setdefault(key, []).append(line)
    for example in near:
        said = str(random.choice(lines.get(example.language, lines["en"])))
        first, second = (said, example.text) if random.random() < 0.5 else (example.text, said)
        text = f"{first} {second}"
        if random.random() < BESIDE and len(text.encode()) <= WHOLE:
            yield example._replace(text=text)


def _near() -> Iterator[Example]:
    """Yield requests on the subject, of both sides."""
    yield from _sheet()
    yield from _bank()
    for item in items(load(), ("misuse", "contrast", "support", "session")):
        if item.request.language == "en" and item.request.frame != "split":
            for turn in item.turns:
                yield Example(unquoted(turn), item.misuse, item.scenario.id)


def _sheet() -> Iterator[Example]:
    for side, stages in _table("request_sheet").items():
        for stage, lines in stages.items():
            for number, line in enumerate(lines):
                task = {**STAGES, **ORDERED}.get(stage, "")
                yield Example(line, side == "asked", f"{stage} {number}", task if side == "asked" else "")


def _bank() -> Iterator[Example]:
    """Put clauses together: what is asked, with what tells the purpose or an honest reason."""
    random = np.random.default_rng(3)
    for key, clauses in _table("request_bank").items():
        for text, asked, group, task, neutral in _combined(clauses, random):
            tongues = random.choice(clauses["languages"], 3, replace=False)
            for slot, value in zip(("{a}", "{b}", "{c}"), map(str, tongues), strict=True):
                text = text.replace(slot, value)
            text = text.replace("{name}", str(random.choice(NAMES))).replace("{who}", str(random.choice(PLACES)))
            yield Example(text, asked, f"{key} {group}", task, key[:2], neutral, BANK_WEIGHT)


def _combined(clauses: dict[str, list[str]], random: Any) -> Iterator[tuple[str, bool, str, str, bool]]:
    for stage, task in STAGES.items():
        for side in ("tell", "fine"):
            for number, clause in enumerate(clauses.get(f"{stage}_{side}", ())):
                for form in range(3):
                    ask = str(random.choice(clauses[stage]))
                    text = (f"{ask} {clause}", clause, f"{clause} {ask}")[form]
                    yield text, side == "tell", f"{stage} {side} {number}", task if form != 1 else "", False
        for number, ask in enumerate(clauses.get(stage, ())):
            yield ask, False, f"{stage} ask {number}", task, True
    for stage, task in ORDERED.items():
        for number, clause in enumerate(clauses.get(f"{stage}_asked", ())):
            yield clause, True, f"{stage} {number}", task, False
        for number, clause in enumerate(clauses.get(f"{stage}_fine", ())):
            yield clause, False, f"{stage} fine {number}", task, False
    for number, clause in enumerate(clauses.get("honest", ())):
        yield clause, False, f"honest {number}", "none", False


def _everyday(data: Path) -> Iterator[Example]:
    for number, row in enumerate(rows(data, "benign_dialogues")):
        if number % 2 == 0:
            for turn in row["turns"][::2][:EVERYDAY]:
                text = turn if isinstance(turn, str) else str(turn.get("text", ""))
                weight = CALM_WEIGHT if row.get("lang", "en") == "en" else FOREIGN_WEIGHT
                yield Example(text, False, f"dialogue {number}", "none", "", weight=weight)
    for name, most in PROSE.items():
        for number, row in enumerate(rows(data, name)[:most]):
            for part in row["text"][:600].split(". ")[:4]:
                yield Example(part, False, f"dialogue {name} {number}", "none", "", weight=FOREIGN_WEIGHT)
    for key, line, group in _written():
        yield Example(line, False, group, "none", "", weight=CALM_WEIGHT if key == "en" else FOREIGN_WEIGHT)
    articles = rows(data, "langid_udhr")
    for number, row in enumerate(articles[:: max(1, len(articles) // TONGUES)]):
        yield Example(
            row["text"][:240], False, f"dialogue udhr {number // TOGETHER}", "none", "", weight=FOREIGN_WEIGHT / 3
        )
    for name, labels in MESSAGES.items():
        honest = [row["text"] for row in rows(data, name) if row["label"] in labels]
        for number, text in enumerate(honest):
            yield Example(text[:240], False, f"dialogue {name} {number // TOGETHER}", "none", "", weight=FOREIGN_WEIGHT)
    calls = [row for row in rows(data, "phonecalls_zh_teleantifraud_llm") if row["label"] == "benign"]
    for number, row in enumerate(calls[:CALLS]):
        for turn in row["turns"][::2][:3]:
            text = turn if isinstance(turn, str) else str(turn.get("text", ""))
            yield Example(text[:240], False, f"dialogue call {number}", "none", "", weight=FOREIGN_WEIGHT)


def _written() -> Iterator[tuple[str, str, str]]:
    """Yield the everyday lines that were written for this project: language, text, group."""
    for file in ("everyday_bank", "everyday_posts"):
        for key, lists in _table(file).items():
            for name, lines in lists.items():
                for number, line in enumerate(lines):
                    yield key, line, f"dialogue {file} {key} {name} {number // TOGETHER}"


def _table(name: str) -> dict[str, Any]:
    path = HERE / f"{name}.toml"
    if not path.is_file():
        raise TrainError(f"{path.name}: not part of an installation; fit in a checkout of the repository")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Read the half of a public set that is at hand."""
    path = data / "dev" / f"{name}.jsonl.gz"
    if not path.is_file():
        raise TrainError(f"{path}: not here; give the folder of labelled sets")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def balanced(known: Sequence[Example]) -> NDArray[np.float64]:
    """Return what each example counts, both sides alike, one on average."""
    asked = np.array([example.asked for example in known])
    weight = np.array([example.weight for example in known])
    weight *= np.where(asked, weight[~asked].sum() / weight[asked].sum(), 1.0)
    return np.asarray(weight / weight.mean())
