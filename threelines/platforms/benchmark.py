"""Measure the wording track on real labelled sets: recall and false positives apart.

The sets are honest proxies. No public set has labelled trafficking-recruitment conversations, so
no row says how much trafficking is found; a row says how often texts of that set are raised at one
fixed threshold (tier other than `none`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt
from pathlib import Path

import msgspec

from threelines.engine.local import Plan, run
from threelines.platforms.read import ReadReport, read
from threelines.records import Assessment, Record, ThreelinesError
from threelines.vocabulary.terms import Vocabulary


class DataMissingError(ThreelinesError):
    """The folder holds none of the labelled sets."""


class Wanted(msgspec.Struct, frozen=True):
    """How one set is read: which labels should be raised, which should not, and what splits the table."""

    file: str
    what: str
    positive: tuple[str, ...] = ()
    """Labels that should be raised; `*` is every label."""
    negative: tuple[str, ...] = ()
    by: tuple[str, ...] = ("lang",)
    """Columns that split the rows of the table."""
    note: str = ""


SETS: tuple[Wanted, ...] = (
    Wanted("jobads_enzh_fraudr1_scamcompound", "scam-compound style offers", ("*",), (), ("lang", "variant")),
    Wanted("jobads_zh_orfd", "58.com adverts", ("fake",), ("real",), note="the fake ones are ordinary job fraud"),
    Wanted("jobads_benign_jobstreet", "JobStreet adverts", (), ("*",)),
    Wanted("jobads_en_emscad_fraud", "fraud adverts", ("*",), note="job fraud, mostly without a trafficking sign"),
    Wanted("benign_short_texts", "everyday short texts", (), ("*",)),
    Wanted("benign_dialogues", "everyday and service talks", (), ("*",)),
    Wanted("sms_id", "SMS", ("fraud",), ("promo", "normal")),
    Wanted("sms_th", "SMS", ("scam",), ("otp", "ok", "spam")),
    Wanted("sms_sw", "SMS", ("scam",), ("trust",)),
    Wanted("fraudr1_messages_enzh", "fraud messages", ("*",), note="fraud, not recruitment"),
    Wanted("phonecalls_zh_teleantifraud_llm", "phone calls", ("fraud",), ("benign",), note="LLM-made, easy: smoke only"),
    Wanted("coercion_ko_dktc", "coercion dialogues", ("threat", "extortion"), (), note="no Korean phrase has a source yet"),
    Wanted("extortion_en_ransomchats", "extortion talks with companies", ("*",)),
    Wanted("threat_ur", "threats", ("threat",), ("none",), note="political threats; no Urdu phrase has a source yet"),
    Wanted("attack_idms_train", "online attacks", ("attack",), ("none",), (), note="insults, not coercion"),
    Wanted("llm_misuse_prompts", "prompts to AI models", ("harmful",), ("benign",), ("source",)),
)  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """One line of the table."""

    set: str
    what: str
    group: str
    measure: str
    """`recall` or `false positives`."""
    raised: int
    total: int
    low: float
    """Wilson 95% interval of the share raised."""
    high: float
    support: int
    """Threads marked as possibly asking for help or reporting."""


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson score interval of a share (E. B. Wilson 1927); (0, 1) for no trials."""
    if not total:
        return 0.0, 1.0
    share = hits / total
    middle = share + z * z / (2 * total)
    spread = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def measure(data: Path, vocabulary: Vocabulary, *, jobs: int = 0, only: str = "") -> Iterator[Row]:
    """Scan each set of a folder and yield the rows of its table."""
    present = [wanted for wanted in SETS if _path(data, wanted).exists() and only in wanted.file]
    if not present:
        raise DataMissingError(f"{data}: holds none of the labelled sets ({SETS[0].file}.jsonl.gz, …)")
    for wanted in present:
        yield from _rows(wanted, _judged(_path(data, wanted), vocabulary, jobs))


def _path(data: Path, wanted: Wanted) -> Path:
    folder = data / "dev" if (data / "dev").is_dir() else data
    return folder / f"{wanted.file}.jsonl.gz"


def _judged(path: Path, vocabulary: Vocabulary, jobs: int) -> Iterator[tuple[Record, Assessment]]:
    """Yield each thread of the file with its first record, which carries label and language."""
    first: dict[str, Record] = {}

    def noted() -> Iterator[Record]:
        for record in read([path], report=ReadReport(), reveal=True):
            first.setdefault(record.conversation or record.id, record)
            yield record

    plan = Plan(vocabulary=vocabulary, everything=True, accounts=False, linked=False)
    for batch in run(noted(), plan, jobs=jobs):
        for found in batch.found:
            assessment = msgspec.json.decode(found.line, type=Assessment)
            if assessment.thread.kind in ("advert", "conversation", "session"):
                yield first[assessment.thread.id], assessment


def _rows(wanted: Wanted, judged: Iterable[tuple[Record, Assessment]]) -> Iterator[Row]:
    counts: dict[tuple[str, str], list[int]] = {}
    for record, assessment in judged:
        measured = _measure_of(wanted, record.label)
        if measured:
            group = " ".join(value for value in (_column(record, name) for name in wanted.by) if value) or "all"
            for key in ((measured, group), (measured, "all")) if group != "all" else ((measured, group),):
                cell = counts.setdefault(key, [0, 0, 0])
                cell[0] += assessment.tier != "none"
                cell[1] += 1
                cell[2] += assessment.support
    for (measured, group), (raised, total, support) in sorted(counts.items(), key=lambda item: _order(item[0])):
        if group == "all" and sum(1 for key in counts if key[0] == measured) == 2:
            continue  # one group only: the sum says nothing new
        low, high = wilson(raised, total)
        yield Row(wanted.file, wanted.what, group, measured, raised, total, round(low, 4), round(high, 4), support)


def _order(key: tuple[str, str]) -> tuple[str, bool, str]:
    return key[0], key[1] != "all", key[1]


def _measure_of(wanted: Wanted, label: str) -> str:
    if label in wanted.positive or "*" in wanted.positive:
        return "recall"
    return "false positives" if label in wanted.negative or "*" in wanted.negative else ""


def _column(record: Record, name: str) -> str:
    return record.language if name == "lang" and record.language else str(record.extra.get(name) or "")


def table(rows: Iterable[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| set | what | group | measure | raised | of | share | 95% interval | help flag |",
        "|---|---|---|---|--:|--:|--:|---|--:|",
    ]
    for row in rows:
        share = f"{row.raised / row.total:.1%}" if row.total else "-"
        lines.append(
            f"| {row.set} | {row.what} | {row.group} | {row.measure} | {row.raised} | {row.total} | {share} "
            f"| {row.low:.1%} to {row.high:.1%} | {row.support} |"
        )
    return "\n".join(lines)
