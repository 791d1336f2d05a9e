"""Referral to an authority: PDF to read and JSON to keep, complete or refused, two people, receipt and answer.

What the person was made to do is left out unless they agreed to exactly that (non-punishment, R19).
Without two approvals the papers say DRAFT on every page and in the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threelines.exports.sharing import Handover, coded, listed, read_document
from threelines.pages import Block, Paper
from threelines.pages import write as write_pages
from threelines.records import Incident

PURPOSE = "share_with_police"
SUFFIX = ".json"
BESIDE = (".pdf",)
"""Endings of the files that `write` puts beside its main one."""
FIELDS: tuple[str, ...] = (
    "ai_Suspected", "ai_Capability", "ai_Automation", "ai_Act", "ai_Means", "ai_Period", "ai_PlatformClass", "ai_MovedToE2EE",
    "ai_ContactLanguage", "ai_Signs", "ai_EvidenceBasis", "ai_EvidenceHeld", "ai_Alternative", "ai_Stage", "ai_Effect",
    "vic_TypeOfExploitation", "vic_MethodsOfControl", "vic_MethodOfRecruitment", "tl_CountryOfRecruitment", "tl_CountryOfExploitation",
)  # fmt: skip
NEEDED: tuple[str, ...] = ("ai_Act", "ai_Means", "ai_EvidenceBasis", "ai_Period", "ai_PlatformClass")
"""Without these an authority cannot act on a referral."""
_TITLE = "Referral: suspected trafficking in persons"
_DRAFT = "DRAFT: not approved by two people. Do not send."
_LABELS = {
    "ai_Suspected": "AI use", "ai_Capability": "Used for", "ai_Automation": "Automation", "ai_Act": "Act", "ai_Means": "Means",
    "ai_Period": "Quarter", "ai_PlatformClass": "Kind of platform", "ai_MovedToE2EE": "Moved to an encrypted app",
    "ai_ContactLanguage": "Languages of contact (ISO 639-3)", "ai_Signs": "What was observed", "ai_EvidenceBasis": "Basis",
    "ai_EvidenceHeld": "Evidence is held by", "ai_Alternative": "Explanation without AI", "ai_Stage": "Stage", "ai_Effect": "Part AI played",
    "vic_TypeOfExploitation": "Exploitation", "vic_MethodsOfControl": "Control", "vic_MethodOfRecruitment": "Recruitment",
    "tl_CountryOfRecruitment": "Country of recruitment", "tl_CountryOfExploitation": "Country of exploitation",
}  # fmt: skip


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write `out` (JSON) and the same as PDF beside it."""
    referrals = [referral(name, fields, handover) for name, fields in coded(incidents, FIELDS)]
    body = {
        "organisation": handover.organisation, "recipient": handover.recipient or "not named", "made": handover.stamp,
        "legal_basis": handover.legal_basis or "consent of the person to a report to the police", "tlp": handover.tlp,
        "approved_by": handover.people, "status": handover.status,
        "referrals": referrals, "receipt": None, "answer": None,
    }  # fmt: skip
    body["sha256"] = digest(body)
    out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    pdf(body, out.with_suffix(".pdf"))
    return out


def referral(name: str, fields: dict[str, Any], handover: Handover) -> dict[str, Any]:
    """Return one referral with what is missing in it."""
    return {
        "reference": name,
        "facts": {key: listed(value) for key, value in fields.items()},
        "missing": [key for key in NEEDED if not fields.get(key)],
        "complete": all(fields.get(key) for key in NEEDED),
    }


def digest(body: dict[str, Any]) -> str:
    """Return the SHA-256 of the content, without the digest, the receipt and the answer."""
    content = {key: value for key, value in body.items() if key not in ("sha256", "receipt", "answer")}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def pdf(body: dict[str, Any], out: Path) -> None:
    """Write the referrals as plain pages; letters that no font has are written out, and the page says so."""
    entries = body["referrals"] or [{"reference": "none", "facts": {}, "missing": [], "complete": False}]
    pages = [_blocks(entry, body) for entry in entries]
    foot = "" if body["status"] == "approved" else _DRAFT
    write_pages(Paper(pages, title=_TITLE, author=body["organisation"], foot=foot), out)


def _blocks(entry: dict[str, Any], body: dict[str, Any]) -> list[Block]:
    status = "Approved by two people." if body["status"] == "approved" else _DRAFT
    blocks = [
        Block("title", (_TITLE,)), Block("strong", (status,)),
        Block("text", (
            "Reference ", entry["reference"], ". From ", body["organisation"], " to ", body["recipient"],
            f", {body['made']}. TLP:{body['tlp'].upper()}.",
        )),
        Block("text", ("Legal basis: ", body["legal_basis"], ".")),
        Block("text", ("Observations for an authority to examine, not findings of guilt. The person concerned must not be punished for what they were made to do.",)),
        Block("heading", ("What was recorded",)),
    ]  # fmt: skip
    blocks += [
        Block("text", (f"{_LABELS[key]}: ", ", ".join(values).replace("_", " ")))
        for key, values in entry["facts"].items()
        if values
    ]
    if entry["missing"]:
        blocks.append(Block("text", (f"Incomplete: {', '.join(_LABELS[key] for key in entry['missing'])}.",)))
    blocks.append(Block("text", (f"SHA-256 of the content: {body['sha256']}",)))
    return blocks


def answered(path: Path, *, receipt: str = "", answer: str = "", action: str = "") -> dict[str, Any]:
    """Record the authority's receipt and answer in the file; the digest of what was sent stays."""
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if receipt:
        body["receipt"] = receipt
    if answer:
        body["answer"] = {"text": answer, "action": action or "not said"}
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return body


def _people(body: dict[str, Any]) -> int:
    """Return how many people approved; files of early versions name them instead."""
    return int(body.get("approved_by", len(set(body.get("approvals", ())))))


def check(path: Path) -> list[str]:
    """Return what is wrong: a changed content, a status without two approvals, no PDF beside it."""
    body = read_document(path)
    wrong = [] if digest(body) == body["sha256"] else ["the content was changed after it was written"]
    if body["status"] == "approved" and _people(body) < 2:
        wrong.append("approved without two people")
    pdf_path = path.with_suffix(".pdf")
    if not pdf_path.exists() or not pdf_path.read_bytes().startswith(b"%PDF"):
        wrong.append("no PDF beside it")
    return wrong
