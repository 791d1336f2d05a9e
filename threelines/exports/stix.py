"""STIX 2.1: incidents with our own extension, TLP 2.0 marks, technique ids; validated offline.

Nothing finer than a quarter, a platform class and a language leaves. Products that refuse custom
entities (OpenCTI) still read the core objects and labels; our data sits in the extension.

Ids and `created` never change. `created` is one day for all, as the day of a case would identify; `modified` is when what
leaves changed, as far as that is known (a feed knows it), or else the time of the export. Everything that speaks of a case or
of the organisation is marked with its TLP, and with a statement that names recipient and legal basis. What is ours and the
same for every organisation (techniques, the extension) has us as author, one version, and no marks.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from threelines.exports.codes import ATLAS, CAPABILITY, DISARM
from threelines.exports.sharing import Handover, coded, holding, listed, read_document
from threelines.records import Incident

PURPOSE = "share_with_company"
SUFFIX = ".json"
NEEDS = "ai_Capability"
"""Cases without it are left out: nothing about AI was seen or asked."""
EXTENSION = "extension-definition--ba0eca65-521c-4c14-a865-6e620a722d30"
_CREATED = "2026-01-01T00:00:00.000Z"
_SHARED = {"spec_version": "2.1", "created": _CREATED, "modified": "2026-12-01T00:00:00.000Z"}
"""Version of what is the same in every bundle: whoever changes a word of it gives it a later `modified`."""
_OURS = "identity--5a0f3c4e-7d0c-5c3e-9a0b-3f1f6f0f7a21"
_NAMESPACE = uuid.UUID("7d3a5f0e-9f65-4d4b-8a8e-4a1d0c8f2b11")
_TLP = {
    "clear": "94868c89-83c2-464b-929b-a1a8aa3c8487", "green": "bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "amber": "55d920b0-5e8b-4f79-9ee9-91f868d9b421", "amber+strict": "939a9414-2ddd-4d32-a0cd-375ea402b003",
    "red": "e828b379-4e03-4974-9ac4-e53a884c97c1",
}  # fmt: skip
_TLP_1 = (
    "613f2e26-407d-48c7-9eca-b8e91df99dc9", "34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "f88d31f6-486f-44da-b317-01333bde0b82", "5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
)  # fmt: skip
_DEFINED = {f"marking-definition--{name}" for name in (*_TLP.values(), *_TLP_1)}
"""Marks that TLP 2.0 and STIX itself (TLP 1) define, for everybody."""
_SHARED_KINDS = ("attack-pattern", "extension-definition", "marking-definition")
"""Kinds of object without a mark: the same for every organisation, or marks themselves."""
_CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.\w\w|\d(?:[ ()./-]*\d){6}")
_SAID = re.compile(r"Recipient: \S.*\. Legal basis: \S.*\.", re.DOTALL)
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
    """Write one bundle: what is said of each case, and revocations of what is said no more."""
    # a bundle has no place for it: every object about a case says that it is a draft
    draft: dict[str, Any] = {} if handover.approved else {"labels": ["draft"]}
    level, statement = _tlp(handover), _statement(handover)
    marked = {"object_marking_refs": [level["id"], statement["id"]]}
    author = {**_identity(handover.organisation), **_version(_changed(handover)), **marked}
    marks = {"created_by_ref": author["id"], **marked, **draft}
    objects: list[dict[str, Any]] = []
    capabilities: set[str] = set()
    for name, fields in coded(holding(incidents, NEEDS), FIELDS):
        common = {**_version(handover.changed(name)), **marks}
        dropped = handover.versions[name].dropped if name in handover.versions else ()
        objects.append(_incident(name, fields, common))
        for capability in parts(fields):
            capabilities.add(capability)
            if capability not in dropped:  # what was revoked once stays so
                objects.append(_relation(name, capability, common))
        objects += [_revoked(_relation(name, capability, common)) for capability in dropped]
    objects += _withdrawn(handover, marks)
    objects[:0] = [author, level, statement, *_ours(), *(_pattern(name) for name in sorted(capabilities))]
    bundle = {"type": "bundle", "id": _id("bundle", handover.organisation + handover.stamp), "objects": objects}
    out.write_text(json.dumps(bundle, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def parts(fields: dict[str, Any]) -> list[str]:
    """Return what is written beside a case: the capabilities that it is related to."""
    return sorted({CAPABILITY[code] for code in listed(fields.get("ai_Capability")) if code in CAPABILITY})


def _withdrawn(handover: Handover, marks: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, version in handover.withdrawn:
        common = {**_version(version.changed), **marks}
        yield _revoked({"type": "incident", "id": _id("incident", name), **common, "name": "Withdrawn"})
        yield from (_revoked(_relation(name, capability, common)) for capability in version.parts)


def _revoked(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "revoked": True}


def _version(changed: datetime) -> dict[str, Any]:
    stamp = changed.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"spec_version": "2.1", "created": _CREATED, "modified": max(stamp, _CREATED)}


def _changed(handover: Handover) -> datetime:
    """Return when something of the organisation's changed last, or else the time of the export."""
    return max((version.changed for version in handover.versions.values()), default=handover.made)


def _identity(name: str) -> dict[str, Any]:
    return {"type": "identity", "id": _id("identity", name), "name": name, "identity_class": "organization"}


def _id(kind: str, name: str) -> str:
    return f"{kind}--{uuid.uuid5(_NAMESPACE, f'{kind} {name}')}"


def _tlp(handover: Handover) -> dict[str, Any]:
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": f"marking-definition--{_TLP[handover.tlp]}",
        "created": "2022-10-01T00:00:00.000Z", "name": f"TLP:{handover.tlp.upper()}",
        "extensions": {_TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": handover.tlp}},
    }  # fmt: skip


def _statement(handover: Handover) -> dict[str, Any]:
    """Return the mark that says who hands over to whom on which basis; other words are another mark, as none has versions."""
    terms = handover.terms
    said = (
        f"Handed over by {handover.organisation}. Recipient: {terms['recipient']}. Legal basis: {terms['legal_basis']}."
    )
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": _id("marking-definition", f"{handover.tlp} {said}"),
        "created": _CREATED, "created_by_ref": _id("identity", handover.organisation), "name": "Recipient and legal basis",
        "object_marking_refs": [f"marking-definition--{_TLP[handover.tlp]}"],
        "definition_type": "statement", "definition": {"statement": said},
    }  # fmt: skip


def _ours() -> list[dict[str, Any]]:
    """Return who made the extension and the techniques, and the extension."""
    author = {**_identity("threelines"), "id": _OURS, **_SHARED}
    definition = {
        "type": "extension-definition", "id": EXTENSION, **_SHARED, "created_by_ref": _OURS, "version": "1.0.0",
        "name": "AI use in trafficking in persons", "description": "De-identified AI-use section of a case record.",
        "schema": "urn:threelines:stix-ai-use:1", "extension_types": ["property-extension"],
    }  # fmt: skip
    return [author, definition]


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


def _pattern(capability: str) -> dict[str, Any]:
    codes = [code for code, of in CAPABILITY.items() if of == capability]
    disarm = sorted({entry for code in codes for entry in DISARM.get(code, ())})
    atlas = sorted({entry for code in codes for entry in ATLAS.get(code, ())})
    references = [{"source_name": "DISARM", "external_id": entry} for entry in disarm]
    references += [{"source_name": "mitre-atlas", "external_id": entry} for entry in atlas]
    return {
        "type": "attack-pattern", "id": _id("attack-pattern", capability), **_SHARED, "created_by_ref": _OURS,
        "name": _LABELS[capability], "external_references": references,
    }  # fmt: skip


def _relation(name: str, capability: str, common: dict[str, Any]) -> dict[str, Any]:
    source, target = _id("incident", name), _id("attack-pattern", capability)
    return {
        "type": "relationship", "id": _id("relationship", source + target), **common,
        "relationship_type": "related-to", "source_ref": source, "target_ref": target,
    }  # fmt: skip


def check(path: Path) -> list[str]:
    """Return what OASIS's validator refuses, our extension included, and what our bundles are never without.

    A reference leads to an object of the bundle, what speaks of a case or of the organisation is marked with its TLP and
    with the statement of recipient and legal basis, and no telephone or e-mail stands in the words of a case. No network call is made, and nothing of the file is repeated
    but ids.
    """
    objects = _objects(read_document(path))
    if not objects:
        return [f"{path}: a bundle of objects is expected"]
    return [*_refused(path), *_dangling(objects), *_unmarked(objects), *_contacts(objects)]


def _objects(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    objects = body.get("objects", [])
    is_bundle = body.get("type") == "bundle" and isinstance(objects, list)
    return objects if is_bundle and all(isinstance(entry, dict) for entry in objects) else None


def _refused(path: Path) -> list[str]:
    from stix2validator import ValidationOptions, validate_file

    with as_file(files("threelines") / "exports" / "schemas" / "stix") as schemas:
        result = validate_file(str(path), ValidationOptions(version="2.1", schema_dir=str(schemas), strict=False))
    wrong = [] if result.is_valid else [str(result.fatal.error)] if result.fatal else []
    for entry in result.object_results or []:
        wrong += [f"{entry.object_id}: {fault}" for fault in entry.errors]
    return wrong


def _dangling(objects: list[dict[str, Any]]) -> list[str]:
    """Return references to what is not in the bundle; what is revoked, and marks that everybody knows, may be alone."""
    known = {str(entry.get("id")) for entry in objects} | _DEFINED
    return [
        f"{entry.get('id')}: {name} leads to no object of the bundle"
        for entry in objects
        for name, value in entry.items()
        if not entry.get("revoked")
        if name.endswith(("_ref", "_refs")) and not {*listed(value)} <= known
    ]


def _unmarked(objects: list[dict[str, Any]]) -> list[str]:
    needing = (entry for entry in objects if entry.get("type") not in _SHARED_KINDS and entry.get("id") != _OURS)
    statements = {str(entry.get("id")) for entry in objects if _is_statement(entry)}
    wrong = []
    for entry in needing:
        marks = {*listed(entry.get("object_marking_refs"))}
        if not _DEFINED & marks:
            wrong.append(f"{entry.get('id')}: has no mark of TLP")
        elif not statements & marks:
            wrong.append(f"{entry.get('id')}: has no statement of recipient and legal basis")
    return wrong


def _is_statement(entry: dict[str, Any]) -> bool:
    """Tell whether an object is the mark that names recipient and legal basis."""
    definition = entry.get("definition")
    said = definition.get("statement") if isinstance(definition, dict) else None
    return entry.get("definition_type") == "statement" and _SAID.search(str(said)) is not None


def _contacts(objects: list[dict[str, Any]]) -> list[str]:
    """Return names and descriptions that hold a telephone or e-mail; an organisation, and a mark by it, may name its own."""
    return [
        f"{entry.get('id')}: {name} holds a telephone or e-mail"
        for entry in objects
        for name in ("name", "description")
        if entry.get("type") not in ("identity", "marking-definition") and _CONTACT.search(str(entry.get(name, "")))
    ]
