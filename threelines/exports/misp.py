"""MISP: events with our object and taxonomy, as one event file or as a feed folder.

No MISP taxonomy, galaxy or object for trafficking existed in the lists read; ours
(`exports/schemas/misp/`) pass MISP's own schemas and are meant to be proposed upstream.

One organisation has one event, the same in every export. What is said no more stays in it as deleted, without its answers.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from threelines.exports.codes import CAPABILITY
from threelines.exports.sharing import ExportError, Handover, coded, holding, listed, read_document
from threelines.records import Incident

PURPOSE = "share_with_company"
SUFFIX = ".json"
MAY_BE_FOLDER = True
NEEDS = "ai_Capability"
"""Cases without it are left out: nothing about AI was seen or asked."""
TAXONOMY = "ai-enabled-trafficking"
_WITHDRAWN = "withdrawn"
"""What stands in the place of an answer that is taken back: MISP wants some value."""
_NAMESPACE = uuid.UUID("2f1d2f5c-6c52-4d0a-9d2e-5a0d4b7f9c22")
_TAGS = {
    "translation": "real-time-translation", "publications_and_personas": "publications-adverts-personas",
    "deepfake_media": "deepfake-media", "automation": "automated-conversation",
}  # fmt: skip

FIELDS: tuple[str, ...] = (
    "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Act", "ai_Means", "ai_Period", "ai_PlatformClass",
    "ai_ContactLanguage", "ai_EvidenceBasis", "ai_Alternative",
)  # fmt: skip
_RELATION = {
    "ai_Suspected": "confidence", "ai_Capability": "ai-capability", "ai_Automation": "automation", "ai_Act": "act",
    "ai_Means": "means", "ai_Period": "period", "ai_PlatformClass": "platform-class", "ai_ContactLanguage": "language",
    "ai_EvidenceBasis": "evidence-basis", "ai_Alternative": "human-explanation",
}  # fmt: skip


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write one event to a `.json` file; anything else is a folder that becomes a MISP feed."""
    event = _event(incidents, handover)
    if out.suffix == ".json":
        out.write_text(event.to_json(indent=1) + "\n", encoding="utf-8")
        return out
    out.mkdir(parents=True, exist_ok=True)
    feed = event.to_feed(with_meta=False)
    (out / f"{event.uuid}.json").write_text(json.dumps(feed, default=str, indent=1) + "\n", encoding="utf-8")
    (out / "manifest.json").write_text(json.dumps(event.manifest, default=str, indent=1) + "\n", encoding="utf-8")
    hashes = sorted(
        {hashlib.md5(entry.value.encode(), usedforsecurity=False).hexdigest() for entry in _attributes(event)}
    )
    (out / "hashes.csv").write_text("".join(f"{digest},{event.uuid}\n" for digest in hashes), encoding="utf-8")
    return out


def _attributes(event: Any) -> list[Any]:
    every = (attribute for entry in event.objects for attribute in entry.attributes)
    return [attribute for attribute in every if not attribute.get("deleted")]


def _event(incidents: Iterable[Incident], handover: Handover) -> Any:
    from pymisp import MISPEvent, MISPOrganisation

    event = MISPEvent()
    event.uuid = str(uuid.uuid5(_NAMESPACE, f"{handover.organisation} {PURPOSE}"))
    event.info = f"{'' if handover.approved else 'DRAFT: '}Suspected AI use in trafficking cases, de-identified"
    event.date, event.timestamp = handover.made.date(), int(handover.made.timestamp())
    event.publish_timestamp = int(handover.made.timestamp()) if handover.approved else 0
    event.distribution, event.threat_level_id = 0, 4
    event.analysis, event.published = (2, True) if handover.approved else (0, False)  # completed, or initial
    event.Orgc = MISPOrganisation()
    event.Orgc.name, event.Orgc.uuid = handover.organisation, str(uuid.uuid5(_NAMESPACE, handover.organisation))
    for tag in (f"tlp:{handover.tlp}", "PAP:AMBER", f'{TAXONOMY}:consent="{PURPOSE.replace("_", "-")}"'):
        event.add_tag(tag)
    if not handover.approved:
        event.add_tag('workflow:state="draft"')  # MISP's own taxonomy
    _add_terms(event, handover)
    seen: set[str] = set()
    with as_file(files("threelines") / "exports" / "schemas" / "misp") as folder:
        for name, fields in coded(holding(incidents, NEEDS), FIELDS):
            event.add_object(_object(name, fields, folder, handover))
            seen |= {CAPABILITY[code] for code in listed(fields["ai_Capability"]) if code in CAPABILITY}
        if not event.objects:  # nothing is said any more
            event.published, event.publish_timestamp = False, 0
        for name, _ in handover.withdrawn:
            event.add_object(_object(name, {}, folder, handover))
    for capability in sorted(seen):
        event.add_tag(f'{TAXONOMY}:capability="{_TAGS[capability]}"')
    return event


def _add_terms(event: Any, handover: Handover) -> None:
    """Say recipient and legal basis as attributes of the event: MISP's tags have a word for TLP, none for these."""
    for name, title in (("recipient", "Recipient"), ("legal_basis", "Legal basis")):
        value = handover.terms[name]
        attribute = event.add_attribute(
            "text", value, category="Other", comment=title, to_ids=False, disable_correlation=True
        )
        attribute.uuid = str(uuid.uuid5(_NAMESPACE, f"{handover.organisation} {name}"))
        attribute.timestamp = int(handover.made.timestamp())


def _object(name: str, fields: dict[str, Any], folder: Path, handover: Handover) -> Any:
    from pymisp import MISPObject

    is_withdrawn = not fields
    made = MISPObject(
        "ai-use-in-trafficking", strict=not is_withdrawn, misp_objects_path_custom=str(folder / "objects")
    )
    made.uuid = str(uuid.uuid5(_NAMESPACE, name))
    made.timestamp = int(handover.changed(name).timestamp())
    left = handover.versions[name].parts if name in handover.versions else ()
    for part, value in {**dict.fromkeys(left, _WITHDRAWN), **_answers(fields)}.items():
        attribute = made.add_attribute(part.split()[0], value=value, disable_correlation=True)
        if attribute is not None:
            attribute.uuid = str(uuid.uuid5(_NAMESPACE, f"{name} {part}"))
            attribute.timestamp = made.timestamp
            if value == _WITHDRAWN:
                attribute.delete()
    if is_withdrawn:
        made.delete()
    return made


def _answers(fields: dict[str, Any]) -> dict[str, str]:
    return {
        f"{relation} {number}": value
        for field, relation in _RELATION.items()
        for number, value in enumerate(listed(fields.get(field)))
    }


def parts(fields: dict[str, Any]) -> list[str]:
    """Return what is written of a case: one attribute an answer, by relation and number."""
    return list(_answers(fields))


def check(path: Path) -> list[str]:
    """Return what PyMISP refuses when it reads the event, or each event of the feed, and events without a tag of TLP."""
    from pymisp import MISPEvent, PyMISPError

    paths = (
        [path] if path.is_file() else [entry for entry in sorted(path.glob("*.json")) if entry.name != "manifest.json"]
    )
    wrong = [] if paths else [f"{path}: no event in this folder"]
    for entry in paths:
        event = MISPEvent()
        try:
            event.load(read_document(entry))
        except (ExportError, PyMISPError, ValueError, KeyError) as fault:
            wrong.append(f"{entry.name}: {fault}")
            continue
        if not any(tag.name.startswith("tlp:") for tag in event.tags):
            wrong.append(f"{entry.name}: no tag of TLP")
        wrong += [
            f"{entry.name}: object {made.uuid} names no capability"
            for made in event.objects
            if not made.get("deleted") and not made.get_attributes_by_relation("ai-capability")
        ]
    return wrong
