"""What a bank needs for a FinCEN suspicious activity report: key terms word for word, box 38(h), coded red flags.

Key terms: HUMAN TRAFFICKING FIN-2020-A008, and FIN-2024-DEEPFAKEFRAUD where synthetic media were used. A bank writes and
files the report itself; this is the part that a hotline can hand over with consent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threelines.exports.codes import FINCEN_KEY_TERMS, SYNTHETIC
from threelines.exports.sharing import Handover, coded, holding, listed, others, read_document, wrong_head, wrong_id
from threelines.records import Incident

PURPOSE = "share_with_police"
SUFFIX = ".json"
NEEDS = "tl_FinancialFlags"
"""Cases without it are left out: a bank has nothing to look for."""
FIELDS: tuple[str, ...] = (
    "tl_FinancialFlags",
    "ai_Capability",
    "ai_Period",
    "vic_TypeOfExploitation",
    "tl_CountryOfExploitation",
)
_PART = ("reference", "key_terms", "box", "flags", "period", "narrative")
DAYS = 30
"""Days that a bank has from first detection (general knowledge; check before you rely on it)."""


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one part of a report for each case in which a financial red flag was recorded."""
    labels = handover.definition.get("lists", {}).get("financial_flag", {})
    parts = [_part(name, fields, labels) for name, fields in coded(holding(incidents, NEEDS), FIELDS)]
    document = {
        "kind": "fincen-sar-support", "organisation": handover.organisation, "made": handover.stamp, **handover.terms,
        "status": handover.status, "parts": parts,
        "note": "Observations, not findings of guilt. The account holder may be the person who is exploited.",
    }  # fmt: skip
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def _part(name: str, fields: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    terms = [FINCEN_KEY_TERMS["human_trafficking"]]
    if set(listed(fields.get("ai_Capability"))) & set(SYNTHETIC):
        terms.append(FINCEN_KEY_TERMS["deepfake"])
    flags = listed(fields["tl_FinancialFlags"])
    said = "; ".join(labels.get(flag, flag) for flag in flags)
    return {
        "reference": name, "key_terms": terms, "box": "38(h)", "flags": [flag.upper().replace("_", "-") for flag in flags],
        "period": fields.get("ai_Period"), "narrative": f"{'; '.join(terms)}. Red flags observed: {said}.",
    }  # fmt: skip


def check(path: Path) -> list[str]:
    """Return what the head lacks, and parts without the key term word for word, without a flag, or with more than is ours."""
    body = read_document(path)
    wrong = wrong_head(body, ("kind", "parts", "note"))
    for number, part in enumerate(body["parts"], 1):
        where = f"part {number}"
        wrong += [*wrong_id(part["reference"], where), *others(part, _PART, where)]
        if FINCEN_KEY_TERMS["human_trafficking"] not in part["narrative"] or part["box"] != "38(h)":
            wrong.append(f"{where}: the key term or the box is missing")
        if not part["flags"]:
            wrong.append(f"{where}: no red flag")
    return wrong
