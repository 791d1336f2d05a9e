"""Synthetic cases for trying the register out: no person, no organisation and no place behind them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from threelines.people.definition import Field, Form, load_form
from threelines.people.entry import Entry
from threelines.people.register import Register

COMMUNITIES = ("coast", "delta", "hills", "north", "river", "south")
WEEKS = 156
"""The invented cases were recorded over the last three years."""
_LANGUAGES = ("tha", "lao", "khm", "mya", "vie", "eng", "zho", "ind", "tgl", "swa", "amh", "spa")
_CORRIDORS = (("LA", "TH"), ("MM", "TH"), ("VN", "KH"), ("ID", "KH"), ("PH", "MM"), ("KE", "LA"), ("ET", "MM"))
_CAPABILITIES = (
    "translation_text",
    "publication_or_advert",
    "persona_profile",
    "voice_clone",
    "deepfake_image",
    "automated_conversation",
)


def fill(register: Register, *, cases: int, canary: str = "", seed: int = 1) -> list[str]:
    """Add synthetic cases, planting `canary` in every identifying text field; return their ids."""
    register.set("communities", " ".join(COMMUNITIES))
    made = entries(cases=cases, canary=canary, seed=seed, today=register.today)
    return list(register.add_many(made, reason="demonstration"))


def entries(*, cases: int, canary: str, seed: int, today: date) -> Iterator[Entry]:
    """Yield invented entries: use of AI rises slowly, and fast in one language in the last weeks."""
    draw = random.Random(seed)
    form = load_form()
    for number in range(cases):
        week = draw.randrange(WEEKS)
        recorded = today - timedelta(weeks=WEEKS - 1 - week, days=draw.randrange(7))
        fields = {**_coded(draw, week), **_identity(form, draw, number, canary)}
        provenance = {"recorded": min(recorded, today).isoformat(), "form_kind": draw.choice(("short", "full"))}
        yield Entry(fields, _consent(draw), {**provenance, "interview_language": draw.choice(_LANGUAGES)})


def _coded(draw: random.Random, week: int) -> dict[str, Any]:
    came_from, went_to = draw.choice(_CORRIDORS)
    asked = draw.choices(("yes", "no", "not_possible"), (7, 2, 1))[0]
    language = draw.choice(_LANGUAGES)
    coded: dict[str, Any] = {
        "ai_Asked": asked, "ai_ContactLanguage": [language], "ai_PlatformClass": [draw.choice(("social_media", "messaging", "dating"))],
        "ai_Community": draw.choice(COMMUNITIES), "ai_CommunityNew": draw.choice(("yes", "no", "unknown")),
        "prs_Gender": draw.choice(("Feminine", "Masculine", "NonSpecifiedUnknown")), "vic_AgeWhenTrafficked": draw.randint(12, 55),
        "tl_CountryOfRecruitment": came_from, "tl_CountryOfExploitation": went_to, "tl_Channel": draw.choice(("hotline", "outreach", "referral")),
        "vic_TypeOfExploitation": draw.sample(("ForcedLabour", "SexualExploitation", "ForcedCriminality"), draw.randint(1, 2)),
        "vic_MethodsOfControl": draw.sample(("DebtBondage", "FalsePromises", "WithholdsDocuments", "PhysicalThreats"), 2),
        "cas_Status": draw.choices(("Active", "FollowUp", "Closed"), (5, 2, 3))[0], "prs_Citizenship": [came_from],
    }  # fmt: skip
    if asked == "yes":
        recent = language == "lao" and week > WEEKS - 12
        is_seen = draw.random() < (0.7 if recent else 0.15 + 0.1 * week / WEEKS)
        coded["ai_Suspected"] = draw.choice(("suspected", "probable")) if is_seen else "none"
        if is_seen:
            coded["ai_Capability"] = sorted({"translation_text"} if recent else {draw.choice(_CAPABILITIES)})
            coded["ai_EvidenceBasis"] = [draw.choice(("survivor_account", "message_or_file_seen"))]
            coded["ai_Alternative"] = [draw.choice(("unclear", "human_translator", "template_reuse"))]
    return coded


def _identity(form: Form, draw: random.Random, number: int, canary: str) -> dict[str, Any]:
    named = [form.fields[name] for name in sorted(form.identity) if name != "tl_SubmissionId"]
    return {field.name: _planted(field, draw, number, canary) for field in named if not field.when}


def _planted(field: Field, draw: random.Random, number: int, canary: str) -> str:
    if field.type == "date":
        return date(draw.randint(1970, 2010), draw.randint(1, 12), draw.randint(1, 28)).isoformat()
    if field.type == "decimal":
        return f"{draw.uniform(-80, 80):.5f}"
    return f"{canary or f'Example {field.label}'} {number}"


def _consent(draw: random.Random) -> dict[str, dict[str, str]]:
    def answer(*weights: int) -> dict[str, str]:
        value = draw.choices(("yes", "no", "withdrawn"), weights)[0]
        return {"value": value, "giver": "self", "method": "spoken"}

    return {
        "services": answer(9, 1, 0), "statistics": answer(8, 1, 1), "research": answer(4, 5, 1),
        "share_with_company": answer(4, 5, 1), "share_with_police": answer(3, 6, 1), "own_acts_to_police": answer(1, 9, 0),
    }  # fmt: skip
