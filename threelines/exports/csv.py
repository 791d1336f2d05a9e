"""CSV of coded fields for research under an agreement: RFC 4180, UTF-8, formulas made harmless.

Rows are cases. For publication use `threelines release`: its tables keep k ≥ 11.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threelines.exports.sharing import DENIED, Handover, coded, listed
from threelines.records import Incident

PURPOSE = "research"
SUFFIX = ".csv"
MARKS_DRAFT = False
"""A table of cases has no place to say that it is a draft: the command says it."""

FIELDS: tuple[str, ...] = (
    "ai_Asked", "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Access", "ai_ToolNamed", "ai_Act", "ai_Means",
    "ai_Period", "ai_PlatformClass", "ai_MovedToE2EE", "ai_ContactLanguage", "ai_RecruiterSpokeLanguage",
    "ai_LanguageQuality", "ai_CommunityNew", "ai_OfferType", "ai_Signs", "ai_EvidenceBasis", "ai_Alternative", "ai_Effect",
    "ai_Stage", "ai_VictimMadeToUseAI", "ai_ReportedTo", "ai_ReportAnswered", "tl_Channel", "tl_AgeBand",
    "vic_TypeOfExploitation", "vic_MethodsOfControl", "vic_MethodOfRecruitment",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one row a case; lists are joined by `;`."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(("id", *FIELDS))
        for name, fields in coded(incidents, FIELDS):
            writer.writerow([name, *(harmless(fields.get(field)) for field in FIELDS)])
    return out


def harmless(value: Any) -> str:
    """Return a cell that no spreadsheet runs (OWASP: CSV injection)."""
    text = ";".join(listed(value))
    return "'" + text if text.startswith(_FORMULA) else text


def check(path: Path) -> list[str]:
    """Return what is wrong with a file of ours."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        wrong = [f"column {name} may not leave" for name in header if name in DENIED]
        return wrong + [
            f"row {number}: {len(row)} cells" for number, row in enumerate(rows, 2) if len(row) != len(header)
        ]
