"""EU Digital Services Act: of cases, the facts for statements of reasons (Art. 17, 24(5)) and the notice of a crime (Art. 18).

It reads cases of the register whose persons agreed. What reviewers decided to remove in the console's queue becomes
statements of reasons by `threelines export statements`.

A statement may hold no personal data (Art. 24(5)): facts are sentences of ours around codes. The
database names languages by ISO 639-1 only, so most small languages cannot be said there: then the
field is left out and the statement says so in words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from threelines.exports.codes import DSA_KEYWORD, SYNTHETIC
from threelines.exports.sharing import Handover, coded, holding, listed, others, read_document, wrong_head
from threelines.records import Incident

PURPOSE = "share_with_company"
ELSEWHERE = "What reviewers decided to remove in the queue is no case: `threelines export statements` writes that."
"""Said where no case was written."""
SUFFIX = ".json"
NEEDS = "ai_Capability"
"""Cases without it are left out: nothing about AI was seen or asked."""
BATCH = 100
"""Statements that the database takes in one call."""
FIELDS: tuple[str, ...] = (
    "ai_Capability", "ai_Suspected", "ai_Means", "ai_PlatformClass", "ai_ContactLanguage", "ai_Period", "ai_ReportedTo",
)  # fmt: skip
_SCHEMA = json.loads(
    (files("threelines") / "exports" / "schemas" / "dsa-statement.schema.json").read_text(encoding="utf-8")
)
_ALPHA2 = {
    "ara": "AR", "ben": "BN", "bul": "BG", "ces": "CS", "dan": "DA", "deu": "DE", "ell": "EL", "eng": "EN", "est": "ET", "fin": "FI",
    "fra": "FR", "hin": "HI", "hrv": "HR", "hun": "HU", "ind": "ID", "ita": "IT", "jpn": "JA", "khm": "KM", "kor": "KO", "lao": "LO",
    "lav": "LV", "lit": "LT", "msa": "MS", "zsm": "MS", "mya": "MY", "nep": "NE", "nld": "NL", "pol": "PL", "por": "PT", "ron": "RO", "rus": "RU",
    "sin": "SI", "slk": "SK", "slv": "SL", "som": "SO", "spa": "ES", "swa": "SW", "swh": "SW", "swe": "SV", "tam": "TA", "tgl": "TL",
    "tha": "TH", "tur": "TR", "ukr": "UK", "urd": "UR", "uzb": "UZ", "vie": "VI", "zho": "ZH", "cmn": "ZH", "amh": "AM", "tir": "TI",
}  # fmt: skip


_RESTRICTIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
PLATFORM: dict[str, str] = {
    "decision_visibility": f"what was restricted: one of {', '.join(_RESTRICTIONS)}",
    "decision_ground": "illegal content (with the law and why) or against the terms (with the clause and why)",
    "incompatible_content_ground": "the clause of the terms, where that is the ground",
    "incompatible_content_explanation": "why the content is against that clause",
    "category": "the category of the database",
    "content_type": "what kind of content it is",
    "content_date": "when the content was posted",
    "territorial_scope": "the States in which it is restricted",
    "application_date": "the day from which it is restricted",
    "source_type": "how it came to notice: notice, trusted flagger, own search",
    "automated_detection": "whether it was found by automated means",
    "automated_decision": "whether it was decided by automated means",
}
"""Fields of a statement that only the platform knows, where it holds none, with what they say."""
_PROPOSED = {
    "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
    "illegal_content_legal_ground": "Directive 2011/36/EU as amended by Directive (EU) 2024/1712",
    "illegal_content_explanation": "Content that a person reviewed and suspects of serving recruitment or control for trafficking in human beings.",
}
"""For the platform to take or leave: whether content is illegal is its decision."""
_DRAFT = "draft for a person to approve"
_TO_COMPLETE = "draft for the platform to complete, and to send once it has carried the decisions out"
"""Status of statements made of removals: they have no terms, as they go to nobody yet."""
_BATCHED = ("batches", "to_be_added_by_the_platform", "proposed_ground")
_UNDATED = "no quarter was recorded in them, and a statement needs a date"


def without_part(incidents: Iterable[Incident]) -> str:
    """Say how many of the cases written have a notice and no statement, and why; empty when all have both."""
    count = sum(not _date(fields) for _, fields in coded(holding(incidents, NEEDS), FIELDS))
    return f"{count} of them without a statement of reasons, with their notice only ({_UNDATED})" if count else ""


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write the statements in batches of 100, as the database takes them."""
    cases = list(coded(holding(incidents, NEEDS), FIELDS))
    dated = [(name, fields) for name, fields in cases if _date(fields)]
    statements = [statement(name, fields) for name, fields in dated]
    document = {
        "organisation": handover.organisation,
        "made": handover.stamp,
        **handover.terms,
        "status": handover.status if handover.approved else _DRAFT,
        **batched(statements),
        "without_statement": {_UNDATED: len(cases) - len(dated)},
        "notices_article_18": [notice(name, fields, handover, authority=handover.recipient) for name, fields in cases],
    }
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


class Removal(NamedTuple):
    """What a reviewer decided to remove: codes of the queue, no words."""

    reference: str
    """The finding's id, under which its decision was announced to the platform."""
    day: str
    """Of the decision, such as 2026-12-01."""
    reason: str
    """In words, as the reviewer chose it."""
    signs: tuple[str, ...] = ()
    """Names of the published signs for which the content was raised."""
    language: str = ""
    """BCP 47; empty when unknown."""
    is_content: bool = True
    """Not where an account, a network or a script was judged: then what is restricted is left to the platform."""
    is_house_rule: bool = False
    """Whether the reason is a rule of the platform's own."""
    is_suspicion: bool = False
    """Whether the reason is a suspicion of trafficking; where it is not, the category is left to the platform."""


def write_removals(removals: Iterable[Removal], out: Path, handover: Handover) -> Path:
    """Write statements of reasons of what was decided; a draft, as the platform must complete each."""
    document = {
        "organisation": handover.organisation, "made": handover.stamp,
        "status": _TO_COMPLETE,
        **batched([removal_statement(each) for each in removals]),
    }  # fmt: skip
    out.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return out


def removal_statement(decided: Removal) -> dict[str, Any]:
    """Return the part of a statement of reasons that a decision says; whether the content is illegal, nobody decided."""
    signs = f" ({'; '.join(decided.signs)})" if decided.signs else ""
    made: dict[str, Any] = {
        "decision_facts": f"Automated means found published signs of trafficking in human beings{signs} and raised the content for review. "
        f"A person reviewed it and decided on {decided.day} to have it removed. Reason: {decided.reason}.",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_NOT_AUTOMATED",
        "puid": decided.reference,
    }
    if decided.is_content:
        made["decision_visibility"] = ["DECISION_VISIBILITY_CONTENT_REMOVED"]
    if decided.is_house_rule:
        made["decision_ground"] = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    if decided.is_suspicion:
        made["category"], made["category_specification"] = "STATEMENT_CATEGORY_VIOLENCE", ["KEYWORD_HUMAN_TRAFFICKING"]
    spoken = decided.language.split("-")[0]
    return {**made, "content_language": spoken.upper()} if len(spoken) == 2 else made


def batched(statements: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return statements in the batches that the database takes, and what the platform must add to them."""
    missing = {field for made in statements for field in PLATFORM if not _has(made, field)}
    return {
        "batches": [{"statements": statements[at : at + BATCH]} for at in range(0, len(statements), BATCH)],
        "to_be_added_by_the_platform": {field: said for field, said in PLATFORM.items() if field in missing},
        "proposed_ground": _PROPOSED if "decision_ground" in missing else {},
    }


def _has(made: dict[str, Any], field: str) -> bool:
    return any(name in made for name in (_RESTRICTIONS if field == "decision_visibility" else (field,)))


def statement(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return what a case can say of a statement of reasons: the facts, and how they came to be known.

    What the platform decides is not in it (`PLATFORM` names it): a case holds no decision about content.
    """
    capabilities = listed(fields.get("ai_Capability"))
    languages = [entry for entry in listed(fields.get("ai_ContactLanguage")) if len(entry) == 3]
    keywords = {"KEYWORD_HUMAN_TRAFFICKING", *(DSA_KEYWORD[code] for code in capabilities if code in DSA_KEYWORD)}
    made = {
        "decision_facts": _facts(capabilities, fields, languages),
        "content_type": ["CONTENT_TYPE_SYNTHETIC_MEDIA" if set(capabilities) & set(SYNTHETIC) else "CONTENT_TYPE_TEXT"],
        "category": "STATEMENT_CATEGORY_VIOLENCE",
        "category_specification": sorted(keywords),
        "content_date": _date(fields),
        "source_type": "SOURCE_TYPE_OTHER_NOTIFICATION",
        "automated_detection": "No",
        "puid": name.replace(":", "-"),
    }
    spoken = [_ALPHA2[entry] for entry in languages if entry in _ALPHA2]
    return {**made, "content_language": spoken[0]} if spoken else made


def _facts(capabilities: list[str], fields: dict[str, Any], languages: list[str]) -> str:
    places = ", ".join(listed(fields.get("ai_PlatformClass"))).replace("_", " ") or "not recorded"
    said = f" Languages of contact (ISO 639-3): {', '.join(languages)}." if languages else ""
    return (
        f"Suspected AI use ({fields.get('ai_Suspected', 'unknown')}) in a suspected case of trafficking in human beings: "
        f"{', '.join(capabilities).replace('_', ' ')}. Kind of platform: {places}.{said} Reviewed by a person."
    )


def _date(fields: dict[str, Any]) -> str:
    """Return the first day of the quarter: the exact day would identify. Empty where no quarter is known."""
    year, _, quarter = str(fields.get("ai_Period", "")).partition("-Q")
    return f"{year}-{3 * int(quarter) - 2:02d}-01" if year.isdigit() and quarter.isdigit() else ""


def notice(name: str, fields: dict[str, Any], handover: Handover, *, authority: str, state: str = "") -> dict[str, Any]:
    """Return the notice of Art. 18: a suspicion of a crime that threatens life or safety.

    There is no official form. If the Member State is not known, the hosting service's own police
    or Europol is informed. Content and account data are added by the platform under its own duty.
    """
    return {
        "legal_basis": "Regulation (EU) 2022/2065, Article 18; recital 56 names Directive 2011/36/EU",
        "reference": name, "made": handover.stamp, "from": handover.organisation,
        "to": authority or "Europol and the police of the State of establishment", "member_state": state or "not known",
        "suspicion": _facts(listed(fields.get("ai_Capability")), fields, listed(fields.get("ai_ContactLanguage"))),
        "to_be_added_by_the_platform": [
            "the content", "time of publication with time zone", "data needed to locate and identify the account",
            "where the offence, the suspect or the person concerned is thought to be",
        ],
        "approved_by": handover.people, "may_be_sent": handover.approved,
        "note": "A suspicion for an authority to examine. The sender of a message may have been forced to send it.",
    }  # fmt: skip


def check(path: Path) -> list[str]:
    """Return what the head lacks and what the (partial) schema of a statement refuses; what the file leaves to the platform
    may be missing.
    """
    from jsonschema import Draft202012Validator

    body = read_document(path)
    validator = Draft202012Validator(_schema(set(PLATFORM) & set(body.get("to_be_added_by_the_platform", ()))))
    wrong = _wrong_head(body)
    for batch in body["batches"]:
        if len(batch["statements"]) > BATCH:
            wrong.append(f"a batch of {len(batch['statements'])} statements; {BATCH} at most")
        for made in batch["statements"]:
            wrong += [f"{made['puid']}: {fault.json_path}: {fault.message}" for fault in validator.iter_errors(made)]
    return wrong


def _wrong_head(body: dict[str, Any]) -> list[str]:
    """Return what is wrong with the head of either kind of file, and notices that say otherwise than its status."""
    if body.get("status") == _TO_COMPLETE and "notices_article_18" not in body:
        wrong = [f"{name} is missing" for name in ("organisation", "made") if not body.get(name)]
        return [*wrong, *others(body, ("organisation", "made", "status", *_BATCHED), "the document")]
    wrong = wrong_head(body, (*_BATCHED, "without_statement", "notices_article_18"), ("approved", _DRAFT))
    approved = body.get("status") == "approved"
    if any(made["may_be_sent"] is not approved for made in body.get("notices_article_18", ())):
        wrong.append("a notice and the status of the document differ on whether it is approved")
    return wrong


def _schema(missing: set[str]) -> dict[str, Any]:
    """Return the schema of a statement in which these fields are still missing."""
    schema = {**_SCHEMA, "required": [field for field in _SCHEMA["required"] if field not in missing]}
    if "decision_visibility" in missing:
        schema.pop("anyOf")
    return schema
