"""CSV of coded fields for research under an agreement: RFC 4180, UTF-8, formulas made harmless.

Rows are cases. A table has no place for recipient, legal basis, TLP and draft: they stand in a covering file beside it
(cases.csv, cases.cover.json), which names the table by its SHA-256. For publication use `threelines release`: its tables
keep k ≥ 11.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threelines.exports.sharing import ExportError, Handover, coded, listed, read_document, wrong_head, wrong_id
from threelines.records import Incident

PURPOSE = "research"
SUFFIX = ".csv"
COVER = ".cover.json"
BESIDE = (COVER,)
"""Endings of the files that `write` puts beside its main one."""
MARKS_DRAFT = False
"""A table of cases has no place to say that it is a draft: the command and the covering file say it."""

FIELDS: tuple[str, ...] = (
    "ai_Asked", "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Access", "ai_ToolNamed", "ai_Act", "ai_Means",
    "ai_Period", "ai_PlatformClass", "ai_MovedToE2EE", "ai_ContactLanguage", "ai_RecruiterSpokeLanguage",
    "ai_LanguageQuality", "ai_CommunityNew", "ai_OfferType", "ai_Signs", "ai_EvidenceBasis", "ai_Alternative", "ai_Effect",
    "ai_Stage", "ai_VictimMadeToUseAI", "ai_ReportedTo", "ai_ReportAnswered", "tl_Channel", "tl_AgeBand",
    "vic_TypeOfExploitation", "vic_MethodsOfControl", "vic_MethodOfRecruitment",
)  # fmt: skip
_HEADER, _KIND = ("id", *FIELDS), "covering-file"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one row a case, lists joined by `;`, and the covering file."""
    count = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(_HEADER)
        for name, fields in coded(incidents, FIELDS):
            writer.writerow([name, *(harmless(fields.get(field)) for field in FIELDS)])
            count += 1
    cover = {
        "kind": _KIND, "organisation": handover.organisation, "made": handover.stamp, **handover.terms,
        "status": handover.status, "cases": count, "sha256": _digest(out),
    }  # fmt: skip
    out.with_suffix(COVER).write_text(json.dumps(cover, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def harmless(value: Any) -> str:
    """Return a cell that no spreadsheet runs (OWASP: CSV injection)."""
    text = ";".join(listed(value))
    return "'" + text if text.startswith(_FORMULA) else text


def check(path: Path) -> list[str]:
    """Return what is wrong with a file of ours: another header, a row of other length, an id that is none, and what is
    wrong with the covering file. Raise ExportError where it is no table.
    """
    try:
        count, wrong = _wrong_rows(path)
    except csv.Error as fault:
        raise ExportError(f"{path}: no table ({fault})") from None
    cover = path.with_suffix(COVER)
    if not cover.exists():
        return [*wrong, f"no covering file beside it: {cover.name}"]
    return [*wrong, *_wrong_cover(read_document(cover), cover.name, count, _digest(path))]


def _wrong_rows(path: Path) -> tuple[int, list[str]]:
    """Return the number of rows below the header, and what is wrong in the table."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        wrong = [] if tuple(header) == _HEADER else ["the header is not ours"]
        count = 0
        for count, row in enumerate(rows, 1):
            wrong += [] if len(row) == len(header) else [f"row {count + 1}: {len(row)} cells"]
            wrong += wrong_id(row[0] if row else "", f"row {count + 1}")
    return count, wrong


def _wrong_cover(body: dict[str, Any], name: str, count: int, digest: str) -> list[str]:
    wrong = [f"{name}: {fault}" for fault in wrong_head(body, ("kind", "cases", "sha256"))]
    if body.get("kind") != _KIND:
        wrong.append(f"{name}: its kind is not {_KIND}")
    if body.get("sha256") != digest:
        wrong.append(f"the table is not the one that {name} speaks of")
    elif body.get("cases") != count:
        wrong.append(f"{name}: speaks of another number of cases than the table has")
    return wrong
