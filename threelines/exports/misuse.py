"""AI-misuse case report, company to state authority (the brief, recommendation 4 to governments): proposed by us.

No form for this exists. Ours says which capability, act, means, language and kind of platform, on what basis, and what
was done; nothing that identifies anybody. `exports/schemas/ai-misuse-case.schema.json` is its JSON Schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

from threelines.exports.codes import CAPABILITY
from threelines.exports.sharing import Handover, coded, holding, listed, read_document
from threelines.records import Incident

PURPOSE = "share_with_police"
SUFFIX = ".json"
NEEDS = "ai_Capability"
"""Cases without it are left out: nothing about AI was seen or asked."""
FIELDS: tuple[str, ...] = (
    "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Access", "ai_ToolNamed", "ai_Act", "ai_Means", "ai_Period",
    "ai_PlatformClass", "ai_ContactLanguage", "ai_EvidenceBasis", "ai_Alternative", "ai_ReportedTo", "ai_ReportAction",
)  # fmt: skip
_LISTS = (
    "capability",
    "act",
    "means",
    "platform_class",
    "languages",
    "basis",
    "human_explanation",
    "reported_to",
    "tool",
)
_NAMES = {
    "ai_Suspected": "suspected", "ai_Capability": "capability", "ai_Automation": "automation", "ai_Access": "access",
    "ai_ToolNamed": "tool", "ai_Act": "act", "ai_Means": "means", "ai_Period": "period", "ai_PlatformClass": "platform_class",
    "ai_ContactLanguage": "languages", "ai_EvidenceBasis": "basis", "ai_Alternative": "human_explanation",
    "ai_ReportedTo": "reported_to", "ai_ReportAction": "action",
}  # fmt: skip
_SCHEMA = json.loads(
    (files("threelines") / "exports" / "schemas" / "ai-misuse-case.schema.json").read_text(encoding="utf-8")
)


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one report with a case each for which AI use was recorded."""
    cases = [_case(name, fields) for name, fields in coded(holding(incidents, NEEDS), FIELDS)]
    document = {
        "kind": "ai-misuse-case-report", "version": 1, "organisation": handover.organisation,
        "made": handover.stamp, **handover.terms, "approved_by": handover.people,
        "status": handover.status, "cases": cases,
    }  # fmt: skip
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def _case(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    named = {_NAMES[key]: value for key, value in fields.items()}
    case = {
        key: listed(value) if key in _LISTS else str(value)
        for key, value in named.items()
        if value not in (None, [], "")
    }
    brief = sorted({CAPABILITY[code] for code in case["capability"] if code in CAPABILITY})
    return {"reference": name, **case, "capability_of_the_brief": brief}


def check(path: Path) -> list[str]:
    """Return what the report's schema refuses."""
    from jsonschema import Draft202012Validator

    faults = Draft202012Validator(_SCHEMA).iter_errors(read_document(path))
    return [f"{fault.json_path}: {fault.message}" for fault in faults]
