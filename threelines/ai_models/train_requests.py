"""Rebuild `requests.npz` and `meaning.npz`, the readers of requests.

    python -m threelines.ai_models.train_requests ../shared/data

Fitted on `request_sheet.toml`, `request_bank.toml`, `everyday_bank.toml`, `everyday_posts.toml` and the English scenarios
(written for this project) and on public sets marked for training: the even rows of everyday dialogues, honest messages and
calls, articles, prose that asks for nothing. The odd rows, every other public set and the sessions of `bench/guard.py`
stay unseen. Needs the extra `semantic`. Also writes `meaning.npz`: a small network for the purpose and a linear reader of
tasks on the encoder's vectors, and both on its first layer read alone, for a glance.

What a session's parts weigh, and where its sum stands among honest ones, is fitted on sessions drawn
from lines that the readers had not seen (five folds by group).
"""

from __future__ import annotations

import gzip
import json
import sys
import tomllib
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from threelines.ai_models.intent import steps_in_order, unquoted
from threelines.ai_models.likeness import (
    BITS,
    SHARES,
    SILENT,
    SURE,
    TASKS,
    TELLING,
    Parts,
    evidence,
    features,
    joint,
    scaled,
)
from threelines.ai_models.meaning import Meaning, Reader, Readers
from threelines.ai_models.scenario import items, load
from threelines.ai_models.tongues import named_languages
from threelines.records import ThreelinesError
from threelines.text.fold import fold

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
STRENGTH = 6.0
"""Inverse of the penalty, by five-fold cross-validation."""
SENSE_STRENGTH = 0.03
"""The same for the reader of tasks on the encoder's vectors, scaled to unit spread."""
NETWORKS, UNITS, NET_PENALTY, ROUNDS = 3, 64, 3.0, 8
"""The reader of purpose on the encoder's vectors; it finds .59 of held-out lines, a linear one .47 (`bench/readers.py`)."""
BANK_WEIGHT = 0.1
"""What a line of the bank counts in the reader of meaning beside one of the sheet: enough that no language stands for a
class, little enough that its machine-made wording does not lead (by the sheet's held-out lines)."""
CALM_WEIGHT, FOREIGN_WEIGHT = 0.1, 0.03
"""The same for everyday texts in English, and in other languages: a language of which only everyday texts are at hand
must not stand for a class."""
NEAR = 0.1
"""Share of honest sessions that are near to the subject, when marks are set."""
OVERLOOKED = 0.01
"""Share of telling requests that the glance may take for calm, held out."""
WIDTH = 384
"""Numbers that the encoder gives at one layer."""
FOLDS = 5
SESSIONS = 6_000
"""Sessions drawn to weigh the parts and to set the marks, of each kind."""
TOLD = 1.5
"""Evidence from which a request counts as telling in its task."""
NAMES = "Ana Rosa Linh Olena Fatima Grace Somchai Amina Daniel Maria Nadia Ivan Aisha Mei Lucas Elif".split()
PLACES = "a hotel;a farm;a factory;a restaurant;a family;a ship;a call centre;a school".split(";")
STAGES = {"persona": "persona", "offer": "offer", "spread": "translation"}
ORDERED = {"move": "move", "control": "control", "papers": "control"}


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
    yield from _sheet()
    yield from _bank()
    for item in items(load(), ("misuse", "contrast", "support", "session")):
        if item.request.language == "en" and item.request.frame != "split":
            for turn in item.turns:
                yield Example(unquoted(turn), item.misuse, item.scenario.id)
    yield from _everyday(data)


def _sheet() -> Iterator[Example]:
    sheet = tomllib.loads((HERE / "request_sheet.toml").read_text(encoding="utf-8"))
    for side, stages in sheet.items():
        for stage, lines in stages.items():
            for number, line in enumerate(lines):
                task = {**STAGES, **ORDERED}.get(stage, "")
                yield Example(line, side == "asked", f"{stage} {number}", task if side == "asked" else "")


def _bank() -> Iterator[Example]:
    """Put clauses together: what is asked, with what tells the purpose or an honest reason."""
    random = np.random.default_rng(3)
    bank = tomllib.loads((HERE / "request_bank.toml").read_text(encoding="utf-8"))
    for key, clauses in bank.items():
        for text, asked, group, task, neutral in _combined(clauses, random):
            tongues = random.choice(clauses["languages"], 3, replace=False)
            for slot, value in zip(("{a}", "{b}", "{c}"), map(str, tongues), strict=True):
                text = text.replace(slot, value)
            text = text.replace("{name}", str(random.choice(NAMES))).replace("{who}", str(random.choice(PLACES)))
            yield Example(text, asked, f"{key} {group}", task, key[:2], neutral, BANK_WEIGHT)


def _combined(clauses: dict[str, list[str]], random: Any) -> Iterator[tuple[str, bool, str, str, bool]]:
    for stage, task in STAGES.items():
        for side in ("tell", "fine"):
            for number, clause in enumerate(clauses[f"{stage}_{side}"]):
                for form in range(3):
                    ask = str(random.choice(clauses[stage]))
                    text = (f"{ask} {clause}", clause, f"{clause} {ask}")[form]
                    yield text, side == "tell", f"{stage} {side} {number}", task if form != 1 else "", False
        for number, ask in enumerate(clauses[stage]):
            yield ask, False, f"{stage} ask {number}", task, True
    for stage, task in ORDERED.items():
        for number, clause in enumerate(clauses.get(f"{stage}_asked", ())):
            yield clause, True, f"{stage} {number}", task, False
        for number, clause in enumerate(clauses.get(f"{stage}_fine", ())):
            yield clause, False, f"{stage} fine {number}", task, False
    for number, clause in enumerate(clauses["honest"]):
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
    for file in ("everyday_bank", "everyday_posts"):
        for key, lists in tomllib.loads((HERE / f"{file}.toml").read_text(encoding="utf-8")).items():
            weight = CALM_WEIGHT if key == "en" else FOREIGN_WEIGHT
            for name, lines in lists.items():
                for number, line in enumerate(lines):
                    group = f"dialogue {file} {key} {name} {number // TOGETHER}"
                    yield Example(line, False, group, "none", "", weight=weight)
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


def rows(data: Path, name: str) -> list[dict[str, Any]]:
    """Read the half of a public set that is at hand."""
    path = data / "dev" / f"{name}.jsonl.gz"
    if not path.is_file():
        raise TrainError(f"{path}: not here; give the folder of labelled sets")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def dense(texts: Sequence[str], rarity: NDArray[np.float32]) -> Any:
    """Return a sparse matrix of scaled features."""
    from scipy.sparse import csr_matrix

    found = features(texts)
    values = scaled(found, rarity, len(texts))
    return csr_matrix((values, (found.row, found.column)), shape=(len(texts), 1 << BITS))


def rarity_of(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return smoothed inverse document frequency by column; 0 where a column was never met."""
    seen = np.bincount(features(texts).column, minlength=1 << BITS)
    return np.where(seen > 0, np.log((1 + len(texts)) / (1 + seen)) + 1.0, 0.0).astype(np.float32)


class Fitted(NamedTuple):
    """Both readers."""

    rarity: NDArray[np.float32]
    weight: NDArray[np.float32]
    constant: float
    tasks: NDArray[np.float32]
    task_constants: NDArray[np.float32]

    def read(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], list[str]]:
        """Return scores and tasks."""
        table = dense(texts, self.rarity)
        odds = table @ self.tasks + self.task_constants
        return table @ self.weight + self.constant, _named(odds)


def fit(known: Sequence[Example]) -> Fitted:
    """Fit both readers."""
    from sklearn.linear_model import LogisticRegression

    texts = [example.text for example in known]
    rarity = rarity_of(texts)
    table = dense(texts, rarity)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000)
    model.fit(table, [example.asked for example in known])
    inside = [number for number, example in enumerate(known) if example.task]
    tasks = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=3000)
    tasks.fit(table[inside], [TASKS.index(known[number].task) for number in inside])
    return Fitted(
        rarity, model.coef_[0].astype(np.float32), float(model.intercept_[0]),
        tasks.coef_.T.astype(np.float32), tasks.intercept_.astype(np.float32),
    )  # fmt: skip


def fit_sense(known: Sequence[Example], vectors: NDArray[np.float32]) -> Reader:
    """Fit both readers on vectors: some networks, whose log odds are averaged, and a linear reader of tasks."""
    from sklearn.linear_model import LogisticRegression

    centre, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    table = (vectors - centre) / spread
    asked = np.array([example.asked for example in known])
    nets = [_network(table, asked, balanced(known), seed) for seed in range(NETWORKS)]
    inside = [number for number, example in enumerate(known) if example.task]
    tasks = LogisticRegression(C=SENSE_STRENGTH, class_weight="balanced", max_iter=1000)
    tasks.fit(table[inside], [TASKS.index(known[number].task) for number in inside])
    made = {
        "centre": centre, "spread": spread, "hidden": np.hstack([net.coefs_[0] for net in nets]),
        "hidden_constants": np.concatenate([net.intercepts_[0] for net in nets]),
        "weight": np.concatenate([net.coefs_[1][:, 0] for net in nets]) / NETWORKS,
        "tasks": tasks.coef_.T, "task_constants": tasks.intercept_,
    }  # fmt: skip
    constant = float(np.mean([net.intercepts_[1][0] for net in nets]))
    return Reader(**{name: np.asarray(part, dtype=np.float32) for name, part in made.items()}, constant=constant)


def balanced(known: Sequence[Example]) -> NDArray[np.float64]:
    """Return what each example counts, both sides alike, one on average."""
    asked = np.array([example.asked for example in known])
    weight = np.array([example.weight for example in known])
    weight *= np.where(asked, weight[~asked].sum() / weight[asked].sum(), 1.0)
    return np.asarray(weight / weight.mean())


def _network(table: NDArray[np.float32], asked: NDArray[np.bool_], weight: NDArray[np.float64], seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    net = MLPClassifier((UNITS,), alpha=NET_PENALTY, max_iter=ROUNDS, batch_size=256, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is stopped early on purpose
        return net.fit(table, asked, sample_weight=weight)


class Line(NamedTuple):
    """What one line adds to a session."""

    evidence: float
    task: str
    fan: bool


class Found(NamedTuple):
    """Scores and tasks of every example by readers that have not seen its group."""

    scores: NDArray[np.float64]
    tasks: list[str]

    def put(self, places: Sequence[int], scores: NDArray[Any], tasks: Sequence[str]) -> None:
        """Write what was read of some examples."""
        self.scores[places] = scores
        for place, task in zip(places, tasks, strict=True):
            self.tasks[place] = task


def held_out(known: Sequence[Example], vectors: NDArray[np.float32]) -> tuple[Found, Found, float]:
    """Read every example by words and by meaning, each by readers that have not seen its group; say what is calm."""
    groups = sorted({example.group for example in known})
    fold_of = {group: number for number, group in enumerate(np.random.default_rng(1).permutation(groups))}
    words, glance, whole = (Found(np.zeros(len(known)), [""] * len(known)) for _ in range(3))
    for part in range(FOLDS):
        inside = [n for n, example in enumerate(known) if fold_of[example.group] % FOLDS == part]
        outside = [n for n, example in enumerate(known) if fold_of[example.group] % FOLDS != part]
        seen = [known[n] for n in outside]
        words.put(inside, *fit(seen).read([known[n].text for n in inside]))
        for found, width in ((glance, WIDTH), (whole, vectors.shape[1])):
            scores, odds = fit_sense(seen, vectors[outside, :width]).read(vectors[inside, :width])
            found.put(inside, scores, _named(odds))
    asked = np.array([example.asked for example in known])
    calm = float(np.quantile(glance.scores[asked & (whole.scores > SILENT)], OVERLOOKED))
    spared = glance.scores < calm
    sys.stdout.write(f"calm at a glance: below {calm:.2f}; so are {spared[~asked].mean():.3f} of honest lines\n")
    for number in np.flatnonzero(spared):
        whole.put([int(number)], glance.scores[[number]], [glance.tasks[number]])
    return words, whole, calm


def _named(odds: NDArray[Any]) -> list[str]:
    share = np.exp(odds - odds.max(axis=1, keepdims=True))
    sure = 1.0 / share.sum(axis=1) >= SURE
    return [TASKS[place] if known else "none" for place, known in zip(odds.argmax(axis=1), sure, strict=True)]


class Pools:
    """Lines by language, task and side, from which sessions are drawn."""

    def __init__(self, known: Sequence[Example], found: Found) -> None:
        self.lines: dict[tuple[str, str, str], list[Line]] = {}
        self.dialogues: dict[str, list[Line]] = {}
        for example, score, task in zip(known, found.scores, found.tasks, strict=True):
            line = Line(evidence(float(score)), task, len(named_languages(fold(example.text))) > 2)
            if example.group.startswith("dialogue "):
                self.dialogues.setdefault(example.group, []).append(line)
                continue
            side = "asked" if example.asked else "neutral" if example.neutral else "honest"
            self.lines.setdefault((example.language, example.task or "none", side), []).append(line)
        self.random = np.random.default_rng(2)

    @cached_property
    def languages(self) -> list[str]:
        """English half of the time, the others alike."""
        others = sorted({language for language, _, _ in self.lines if language != "en"})
        return ["en"] * len(others) + others

    def one(self, language: str, task: str, side: str) -> list[Line]:
        """Draw a line, or none where there is none."""
        found = self.lines.get((language, task, side), [])
        return [found[int(self.random.integers(len(found)))]] if found else []

    def misuse(self) -> list[Line]:
        """Steps in order, a quarter of them without a word of purpose, harmless turns between; cut before the move."""
        language, session = str(self.random.choice(self.languages)), list[Line]()
        for step in ("persona", "offer", "translation", "move", "control"):
            if self.random.random() < (0.75 if step != "control" else 0.25) and not (
                step == "move" and self.random.random() < 0.7
            ):
                side = "neutral" if step in STAGES.values() and self.random.random() < 0.25 else "asked"
                session += self.one(language, step, side)
            if self.random.random() < 0.4:
                session += self.one(language, "none", "honest")
        return session or self.one(language, "offer", "asked")

    def near(self) -> list[Line]:
        """Honest people near to the subject: recruiters with the same order of tasks, and everybody else."""
        language, session = str(self.random.choice(self.languages)), list[Line]()
        if self.random.random() < 0.4:
            for step in ("persona", "offer", "translation", "move"):
                if self.random.random() < 0.7:
                    side = "neutral" if self.random.random() < 0.4 else "honest"
                    session += self.one(language, step, side)
                if self.random.random() < 0.4:
                    session += self.one(language, "none", "honest")
            return session
        return [line for _ in range(int(self.random.integers(2, 8))) for line in self.one(language, "none", "honest")]

    def everyday(self) -> list[Line]:
        """One public dialogue, or what one person posted."""
        keys = list(self.dialogues)
        return self.dialogues[keys[int(self.random.integers(len(keys)))]]


def parts(session: Sequence[Line]) -> Parts:
    """Return what of a session is added up."""
    top = [*sorted((line.evidence for line in session), reverse=True)[:TELLING], 0.0, 0.0, 0.0]
    steps = [line.task for line in session if line.task in TASKS[:4]]
    told = {line.task for line in session if line.task != "none" and line.evidence >= TOLD}
    return Parts(
        top[0], top[1], top[2], max(0.0, steps_in_order(tuple(steps)) - 1.0),
        float(any(line.fan for line in session)), max(0.0, len(told) - 1.0),
    )  # fmt: skip


def weigh(bad: NDArray[np.float64], good: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit what the parts weigh: a logistic regression whose weights are never negative."""
    from scipy.optimize import minimize

    table = np.vstack([bad, good])
    sign = np.r_[np.ones(len(bad)), -np.ones(len(good))]
    share = np.r_[np.full(len(bad), 1 / len(bad)), np.full(len(good), 1 / len(good))]

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (table @ weights[:-1] + weights[-1])
        slope = -sign * share / (1.0 + np.exp(margin))
        gradient = np.r_[table.T @ slope + 0.001 * weights[:-1], slope.sum()]
        return float(share @ np.logaddexp(0.0, -margin) + 0.0005 * (weights[:-1] ** 2).sum()), gradient

    width = table.shape[1]
    found = minimize(
        loss, np.zeros(width + 1), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * width + [(None, None)]
    )
    return np.asarray(found.x[:-1])


def sessions(known: Sequence[Example], found: Found) -> tuple[Any, Any]:
    """Return what the parts weigh, and the sums that 5%, 1% and 0.1% of honest sessions reach."""
    pools = Pools(known, found)
    bad = np.array([parts(pools.misuse()) for _ in range(SESSIONS)])
    near = np.array([parts(pools.near()) for _ in range(SESSIONS)])
    calm = np.array([parts(pools.everyday()) for _ in range(SESSIONS)])
    mix = weigh(bad, np.vstack([near, calm]))
    sums = np.r_[near @ mix, calm @ mix]
    share_of = np.r_[np.full(len(near), NEAR), np.full(len(calm), 1.0 - NEAR)]
    order = np.argsort(-sums)
    reached = np.cumsum(share_of[order]) / share_of.sum()
    marks = tuple(round(float(sums[order][np.searchsorted(reached, share)]), 3) for share in SHARES)
    for share, mark in zip(SHARES, marks, strict=True):
        sys.stdout.write(
            f"sessions, lines not seen: {share:.1%} of honest ones (near the subject {(near @ mix >= mark).mean():.3f}, "
            f"everyday {(calm @ mix >= mark).mean():.3f}) reach {mark}; of misuse ones {(bad @ mix >= mark).mean():.3f}\n"
        )
    sys.stdout.write(f"parts weigh {dict(zip(Parts._fields, np.round(mix, 3), strict=True))}\n")
    return mix, marks


def report(name: str, known: Sequence[Example], found: Found) -> None:
    """Print what readers find in groups that they had not seen."""
    asked = np.array([example.asked for example in known])
    sys.stdout.write(f"{name}, held-out groups\n")
    for share in (0.05, 0.01, 0.001):
        at = float(np.quantile(found.scores[~asked], 1 - share))
        sys.stdout.write(
            f"  {share:.1%} of {int((~asked).sum())} honest at {at:.2f}; "
            f"found {float((found.scores[asked] >= at).mean()):.3f} of {int(asked.sum())}\n"
        )
    labelled = [(example.task, task) for example, task in zip(known, found.tasks, strict=True) if example.task]
    for name in TASKS:
        right = [named == name for task, named in labelled if task == name]
        wrong = [named == name for task, named in labelled if task != name]
        sys.stdout.write(f"  task {name}: found {np.mean(right):.3f}, named wrongly {np.mean(wrong):.3f}\n")


def main() -> None:
    """Cross-validate, fit on everything, write the weights."""
    known = list(examples(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
    vectors = Meaning().vectors([example.text[:300] for example in known])
    words, sense, calm = held_out(known, vectors)
    both = Found(joint(words.scores, sense.scores), sense.tasks)
    for name, found in (("words", words), ("meaning", sense), ("both", both)):
        report(name, known, found)
    save(fit(known), sessions(known, words), sessions(known, both))
    save_sense(Readers(fit_sense(known, vectors[:, :WIDTH]), calm, fit_sense(known, vectors)))


def save_sense(made: Readers) -> None:
    """Write the readers of meaning."""
    named = {"glance": made.glance, "whole": made.whole}
    kept: dict[str, Any] = {
        f"{which}_{name}": np.asarray(value, dtype=np.float16)
        for which, reader in named.items()
        for name, value in reader._asdict().items()
    }
    np.savez_compressed(HERE / "meaning.npz", calm=np.float32(made.calm), **kept)


def save(made: Fitted, words: tuple[Any, Any], both: tuple[Any, Any]) -> None:
    """Write the weights: halves for the reader of purpose, bytes for the reader of tasks."""
    scale = np.abs(made.tasks).max(axis=0) / 127.0
    np.savez_compressed(
        HERE / "requests.npz",
        rarity=made.rarity.astype(np.float16),
        weight=made.weight.astype(np.float16),
        constant=np.float32(made.constant),
        tasks=np.round(made.tasks / scale).astype(np.int8),
        task_scale=scale.astype(np.float32),
        task_constants=made.task_constants,
        words_mix=np.array(words[0], dtype=np.float32),
        words_marks=np.array(words[1], dtype=np.float32),
        both_mix=np.array(both[0], dtype=np.float32),
        both_marks=np.array(both[1], dtype=np.float32),
    )


if __name__ == "__main__":
    main()
