"""STIX 2.1: incidents with our own extension, TLP 2.0 marks, technique ids; validated offline.

Nothing finer than a quarter, a platform class and a language leaves. Products that refuse custom
entities (OpenCTI) still read the core objects and labels; our data sits in the extension.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from threelines.exports.codes import ATLAS, CAPABILITY, DISARM
from threelines.exports.sharing import Handover, coded, holding, listed
from threelines.records import Incident

PURPOSE = "share_with_company"
SUFFIX = ".json"
NEEDS = "ai_Capability"
"""Cases without it are left out: nothing about AI was seen or asked."""
EXTENSION = "extension-definition--ba0eca65-521c-4c14-a865-6e620a722d30"
_NAMESPACE = uuid.UUID("7d3a5f0e-9f65-4d4b-8a8e-4a1d0c8f2b11")
_TLP = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487", "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}  # fmt: skip
_TLP_EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
_CONFIDENCE = {"none": 0, "suspected": 30, "probable": 60, "confirmed": 90}
_LABELS = {
    "translation": "Deceptive contact through machine translation",
    "publications_and_personas": "Deceptive adverts, pages or personas made with AI",
    "deepfake_media": "Deceptive or coercive synthetic media",
    "automation": "Automated conversations or search for people",
}

FIELDS: tuple[str, ...] = (
    "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Act", "ai_Means", "ai_Period", "ai_PlatformClass",
    "ai_MovedToE2EE", "ai_ContactLanguage", "ai_EvidenceBasis", "ai_Alternative", "ai_OfferType", "vic_TypeOfExploitation",
)  # fmt: skip


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one bundle."""
    common = {"spec_version": "2.1", "created": _stamp(handover), "modified": _stamp(handover)}
    # a bundle has no place for it: every object that may stand alone says that it is a draft
    draft: dict[str, Any] = {} if handover.approved else {"labels": ["draft"]}
    author = {
        "type": "identity",
        "id": _id("identity", handover.organisation),
        **common,
        "name": handover.organisation,
        "identity_class": "organization",
        **draft,
    }
    marks = {
        "created_by_ref": author["id"], "object_marking_refs": [f"marking-definition--{_TLP[handover.tlp]}"], **draft,
    }  # fmt: skip
    objects: list[dict[str, Any]] = [author, _tlp(handover), _definition(author["id"], common)]
    patterns: dict[str, dict[str, Any]] = {}
    for name, fields in coded(holding(incidents, NEEDS), FIELDS):
        incident = _incident(name, fields, {**common, **marks})
        objects.append(incident)
        for capability in sorted({CAPABILITY[code] for code in listed(fields["ai_Capability"]) if code in CAPABILITY}):
            pattern = patterns.setdefault(capability, _pattern(capability, {**common, **marks}))
            objects.append(_relation(incident["id"], pattern["id"], {**common, **marks}))
    objects[3:3] = [patterns[name] for name in sorted(patterns)]
    bundle = {"type": "bundle", "id": _id("bundle", handover.organisation + handover.stamp), "objects": objects}
    out.write_text(json.dumps(bundle, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def _stamp(handover: Handover) -> str:
    return handover.stamp.replace("Z", ".000Z")


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(_NAMESPACE, f'{kind} {name}')}"


def _tlp(handover: Handover) -> dict[str, Any]:
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{_TLP[handover.tlp]}",
        "created": "2022-10-01T00:00:00.000Z", "name": f"TLP:{handover.tlp.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": handover.tlp}},
    }  # fmt: skip


def _definition(author: str, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "extension-definition", "id": EXTENSION, **common, "created_by_ref": author, "version": "1.0.0",
        "name": "AI use in trafficking in persons", "description": "De-identified AI-use section of a case record.",
        "schema": "urn:threelines:stix-ai-use:1", "extension_types": ["property-extension"],
    }  # fmt: skip


def _incident(name: str, fields: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    suspected = str(fields.get("ai_Suspected", "unknown"))
    properties = {
        "suspected": suspected, "capability": listed(fields.get("ai_Capability")), "automation": fields.get("ai_Automation"),
        "acts": listed(fields.get("ai_Act")), "means": listed(fields.get("ai_Means")), "period": fields.get("ai_Period"),
        "platform_class": listed(fields.get("ai_PlatformClass")), "languages": listed(fields.get("ai_ContactLanguage")),
        "evidence_basis": listed(fields.get("ai_EvidenceBasis")), "human_explanation": listed(fields.get("ai_Alternative")),
        "offer": listed(fields.get("ai_OfferType")), "exploitation": listed(fields.get("vic_TypeOfExploitation")),
    }  # fmt: skip
    kept = {key: value for key, value in properties.items() if value not in (None, [], "")}
    return {
        "type": "incident", "id": _id("incident", name), **common, "name": f"Suspected AI use in a trafficking case ({suspected})",
        "description": "De-identified, coded fields only. An observation, not a finding of guilt.",
        "labels": [*common.get("labels", []), suspected], "confidence": _CONFIDENCE.get(suspected, 0),
        "extensions": {EXTENSION: {"extension_type": "property-extension", "consent": PURPOSE, **kept}},
    }  # fmt: skip


def _pattern(capability: str, common: dict[str, Any]) -> dict[str, Any]:
    codes = [code for code, of in CAPABILITY.items() if of == capability]
    disarm = sorted({entry for code in codes for entry in DISARM.get(code, ())})
    atlas = sorted({entry for code in codes for entry in ATLAS.get(code, ())})
    references = [{"source_name": "DISARM", "external_id": entry} for entry in disarm]
    references += [{"source_name": "mitre-atlas", "external_id": entry} for entry in atlas]
    return {
        "type": "attack-pattern", "id": _id("attack-pattern", capability), **common, "name": _LABELS[capability],
        "external_references": references,
    }  # fmt: skip


def _relation(source: str, target: str, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relationship", "id": _id("relationship", source + target), **common,
        "relationship_type": "related-to", "source_ref": source, "target_ref": target,
    }  # fmt: skip


def check(path: Path) -> list[str]:
    """Return what OASIS's validator refuses, our extension included; it makes no network call."""
    from stix2validator import ValidationOptions, validate_file

    with as_file(files("threelines") / "exports" / "schemas" / "stix") as schemas:
        result = validate_file(str(path), ValidationOptions(version="2.1", schema_dir=str(schemas), strict=False))
    wrong = [] if result.is_valid else [str(result.fatal.error)] if result.fatal else []
    for entry in result.object_results or []:
        wrong += [f"{entry.object_id}: {fault}" for fault in entry.errors]
    return wrong
