"""A risk record for one model, filled from an evaluation log.

The form follows what Regulation (EU) 2024/1689 (AI Act), Art. 55(1), asks of models with systemic risk
(evaluate with adversarial tests, assess and mitigate, document incidents), and recommendation 3 to
governments of the OSCE / Bali Process brief (understand trafficking risks under risk-based laws). What only
the model's provider can say stays null and is listed. It is no legal advice and no certificate.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import msgspec

from threelines import __version__
from threelines.ai_models.results import Results
from threelines.ai_models.scenario import CANARY
from threelines.ai_models.summary import Estimate, Summary

LIMITS = (
    "Scenarios are inert and low in severity: a model that declines them may comply with worse, and the reverse.",
    "Requests in languages other than English are machine-translated and unreviewed.",
    "Refusals are told by rules; a share of about 3% to 8% of compliant answers is misread as refusal.",
    "A downloaded open-weight model can be run without any guard and cannot be monitored (brief, first line).",
    "Text only: voice, image and video misuse are asked for in words, not made.",
)
OPEN = (
    "provider.name", "provider.contact", "model.weights_public", "acceptance.criteria", "acceptance.accepted_by",
    "incidents.contact", "incidents.serious_since_last_record", "security.measures", "review.next",
)  # fmt: skip
"""What only the provider can fill."""

_CAPABILITY = {
    "threat_translation": "translation",
    "deceptive_advert": "publications_and_personas",
    "persona": "publications_and_personas",
    "conversation_control": "automation",
    "platform_automation": "automation",
    "deepfake_or_document": "deepfake_media",
}


def risk_record(alone: Results, guarded: Results | None = None) -> dict[str, Any]:
    """Return the record of a model alone and, where a log is given, with the guard as mitigation."""
    summary = alone.summary()
    return {
        "record": "threelines.risk-record/1",
        "basis": ["Regulation (EU) 2024/1689, Art. 55(1)(a)-(c)", "OSCE / Bali Process RSO brief 2024, governments 3"],
        "model": {"name": alone.name, "weights_public": None},
        "provider": {"name": None, "contact": None},
        "evaluation": _evaluation(alone, summary),
        "risks": [_risk(task, frames) for task, frames in summary.compliance_by_task.items()],
        "reframing_gap": msgspec.to_builtins(summary.reframing_gap),
        "worst_language": _worst_language(summary),
        "harm_to_people_in_need": _harm(summary),
        "mitigation": _mitigation(alone, guarded) if guarded else None,
        "limits": [*LIMITS, *_limits(alone, guarded)],
        "acceptance": {"criteria": None, "accepted_by": None},
        "incidents": {"contact": None, "serious_since_last_record": None},
        "security": {"measures": None},
        "review": {"next": None},
        "to_be_filled": list(OPEN),
    }


def _evaluation(results: Results, summary: Summary) -> dict[str, Any]:
    return {
        "tool": f"threelines {__version__}", "task": results.task, "version": results.version, "created": results.created,
        "log": results.file, "log_sha256": results.digest, "status": results.status,
        "answers": summary.answers, "not_graded": results.failed, "planned": results.planned,
        "scenarios": summary.scenarios, "languages": sorted({row.language for row in results.rows}), "canary": CANARY,
    }  # fmt: skip


def _risk(task: str, frames: dict[str, Estimate]) -> dict[str, Any]:
    return {
        "task": task,
        "capability": _CAPABILITY.get(task),
        "fulfilled": {frame: msgspec.to_builtins(found) for frame, found in frames.items()},
    }


def _worst_language(summary: Summary) -> dict[str, Any] | None:
    gaps = summary.language_gap
    if not gaps:
        return None
    worst = max(gaps, key=lambda language: (gaps[language].value, language))
    return {"language": worst, "gap": msgspec.to_builtins(gaps[worst])}


def _harm(summary: Summary) -> dict[str, Any]:
    """Over-refusal is a risk as well: those turned away are the ones whom the law wants protected."""
    return {
        "over_refusal": msgspec.to_builtins(summary.over_refusal),
        "not_helped": msgspec.to_builtins(summary.not_helped),
        "over_refusal_by_role": msgspec.to_builtins(summary.over_refusal_by_role),
        "support_quality": msgspec.to_builtins(summary.support_quality),
    }


def _mitigation(alone: Results, guarded: Results) -> dict[str, Any]:
    """Compare on the samples that both logs hold: over other samples a difference would be theirs, not the guard's."""
    shared = alone.samples_graded & guarded.samples_graded
    without, behind = alone.over(shared).summary(), guarded.over(shared).summary()
    return {
        "measure": "threelines guard, judged by the session",
        "guard_version": guarded.guard or None,
        "log": guarded.file,
        "log_sha256": guarded.digest,
        "status": guarded.status,
        "answers": behind.answers,
        "not_graded": guarded.failed,
        "planned": guarded.planned,
        "samples": {
            "shared": len(shared),
            "only_alone": len(alone.samples_graded - shared),
            "only_guarded": len(guarded.samples_graded - shared),
        },
        "fulfilled": msgspec.to_builtins(behind.compliance),
        "over_refusal": msgspec.to_builtins(behind.over_refusal),
        "alone_on_shared": {
            "answers": without.answers,
            "fulfilled": msgspec.to_builtins(without.compliance),
            "over_refusal": msgspec.to_builtins(without.over_refusal),
        },
    }


def _limits(alone: Results, guarded: Results | None) -> list[str]:
    """Say what these very logs do not hold."""
    logs = [("of the model alone", alone), *([("with the guard in front", guarded)] if guarded else [])]
    told = [
        f"The run {which} did not finish ({log.status}): {len(log.rows)} of {log.planned} answers are graded."
        for which, log in logs
        if not log.finished
    ]
    told += [
        f"The run {which} asked {log.asked} of the task's {log.dataset} samples."
        for which, log in logs
        if log.asked < log.dataset
    ]
    if guarded and alone.samples_graded != guarded.samples_graded:
        told.append(differ(alone, guarded))
    return told


def differ(alone: Results, guarded: Results) -> str:
    """Say which samples the mitigation rests on where the two logs do not hold the same."""
    one, other = alone.samples_graded, guarded.samples_graded
    return (
        f"The mitigation rests on the {len(one & other)} samples that both logs hold; {len(one - other)} are graded "
        f"in the log of the model alone only, {len(other - one)} in the guarded one only."
    )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the record."""
    text = (files("threelines") / "ai_models" / "risk_record.schema.json").read_bytes()
    found: dict[str, Any] = msgspec.json.decode(text)
    return found
