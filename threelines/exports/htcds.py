"""HTCDS 2.0 JSON (IOM, CC BY 4.0; no endorsement by IOM): standard names and values only.

Ours that HTCDS has no value for are mapped down: `ForcedCriminality` (HTCDS issue 28) becomes `Other`,
and the AI-use section stays in an `extension` object beside the record.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from threelines.exports.csv import FIELDS as CODED
from threelines.exports.sharing import DENIED, Handover, coded, others, read_document, wrong_head, wrong_id
from threelines.records import Incident

PURPOSE = "research"
SUFFIX = ".json"
_SCHEMA = json.loads(
    (files("threelines") / "exports" / "schemas" / "htcds-2.0.schema.json").read_text(encoding="utf-8")
)
_PROPERTIES: dict[str, Any] = _SCHEMA["properties"]

FIELDS: tuple[str, ...] = (
    "org_Type", "vic_TraffickingStatus", "vic_TraffickingStatusDecisionMakingOrg", "vic_RelationshipToTrafficker",
    "vic_RecruitmentWebsitesAndApps", "vic_MethodOfRecruitment", "vic_MethodsOfControl", "vic_TypeOfExploitation",
    "vic_ForcedLabourIndustry", "vic_TypeOfSexExploitation", "vic_ExploitationWebsitesAndApps", "per_RoleInProcess",
    "cas_Status", "cas_ReasonForIncomingReferral", "cas_ReasonForOutgoingReferral", "hte_Type", "spl_Type",
)  # fmt: skip
_EXTENSION = tuple(name for name in CODED if name.startswith(("ai_", "tl_")))


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write a document with one strict HTCDS record a case, and our extension beside each."""
    records = []
    for name, fields in coded(incidents, (*FIELDS, *_EXTENSION)):
        plain = {key: _standard(key, value) for key, value in fields.items() if key in FIELDS}
        extension = {key: value for key, value in fields.items() if key in _EXTENSION}
        records.append(
            {"id": name, "htcds": {k: v for k, v in plain.items() if v not in (None, [])}, "extension": extension}
        )
    document = {
        "standard": "HTCDS 2.0", "licence": "Field names and values: IOM, CC BY 4.0; not endorsed by IOM",
        "organisation": handover.organisation, "made": handover.stamp, **handover.terms, "status": handover.status,
        "records": records,
    }  # fmt: skip
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def _standard(name: str, value: Any) -> Any:
    """Map a value down to HTCDS's own list; what it has no word for becomes `Other`, once."""
    rule = _PROPERTIES.get(name, {})
    allowed = rule.get("enum") or rule.get("items", {}).get("enum")
    if not allowed:
        return value
    kept = [entry if entry in allowed else "Other" for entry in (value if isinstance(value, list) else [value])]
    kept = [entry for entry in dict.fromkeys(kept) if entry in allowed]
    return kept if rule.get("type") == "array" else (kept[0] if kept else None)


def check(path: Path) -> list[str]:
    """Return what the JSON Schema derived from the standard refuses, what the head lacks, and names that are none of ours."""
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator({**_SCHEMA, "required": []})
    body = read_document(path)
    wrong = wrong_head(body, ("standard", "licence", "records"))
    for number, entry in enumerate(body["records"], 1):
        where = f"record {number}"
        wrong += [*wrong_id(entry["id"], where), *others(entry, ("id", "htcds", "extension"), where)]
        wrong += [f"{where}: {fault.json_path}: {fault.message}" for fault in validator.iter_errors(entry["htcds"])]
        wrong += [f"{where}: {name} may not leave" for name in (*entry["htcds"], *entry["extension"]) if name in DENIED]
        wrong += others(entry["extension"], (*_EXTENSION, *DENIED), f"{where}, extension")
    return wrong
