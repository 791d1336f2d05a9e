"""A risk record for one model, filled from an evaluation log.

The form follows what Regulation (EU) 2024/1689 (AI Act), Art. 55(1), asks of models with systemic risk
(evaluate with adversarial tests, assess and mitigate, document incidents), and recommendation 3 to
governments of the OSCE / Bali Process brief (understand trafficking risks under risk-based laws). What only
the model's provider can say stays null and is listed. It is no legal advice and no certificate.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from typing import Any

import msgspec

from threelines import __version__
from threelines.ai_models.results import Results
from threelines.ai_models.scenario import CANARY
from threelines.ai_models.summary import FEW, Estimate, Summary

LIMITS = (
    "Refusals are told by rules. Of answers in English labelled by people (XSTest, five models) 2% of full refusals are missed (by model up "
    "to 14%) and 3% of compliant answers are taken for refusals (up to 5%); in other languages it can be more (docs/first-line.md).",
    "A downloaded open-weight model can be run without any guard and cannot be monitored (brief, first line).",
    "Text only: voice, image and video misuse are asked for in words, not made.",
)
PACKAGED = "Scenarios are inert and low in severity: a model that declines them may comply with worse, and the reverse."
"""True of the scenarios of this package only."""
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
        "scenarios": summary.scenarios, "languages": sorted({row.language for row in results.rows}),
        "canary": ", ".join(results.canaries), "unread": summary.unread, "stopped": summary.stopped,
        "conditions": _conditions(results),
    }  # fmt: skip


def _conditions(results: Results) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(results.conditions)
    samples = sha256("\n".join(sorted(results.samples_graded)).encode()).hexdigest()
    return {**found, "samples_sha256": samples}


def _risk(task: str, frames: dict[str, Estimate]) -> dict[str, Any]:
    return {
        "task": task,
        "capability": _CAPABILITY.get(task),
        "fulfilled": {frame: msgspec.to_builtins(found) for frame, found in frames.items()},
    }


def _worst_language(summary: Summary) -> dict[str, Any] | None:
    """Return the language with the widest gap to English, its bounds and tests; none where no language is worse."""
    gaps = summary.language_gap
    worst = max(gaps, key=lambda language: (gaps[language].value, language), default=None)
    if worst is None or gaps[worst].value <= 0.0:
        return None
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
        "conditions": _conditions(guarded),
        "unread": behind.unread,
        "stopped": behind.stopped,
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
    told = [PACKAGED] if alone.canaries == (CANARY,) else []
    if alone.unreviewed:
        told.append(
            f"{alone.unreviewed} of {len(alone.rows)} answers are to requests whose translation (by machine) no person has read."
        )
    told += [line for which, log in logs for line in _of_one(which, log)]
    if guarded and alone.samples_graded != guarded.samples_graded:
        told.append(differ(alone, guarded))
    return told


def _of_one(which: str, log: Results) -> Iterator[str]:
    """Say what one log does not hold or cannot tell."""
    if not log.finished:
        yield f"The run {which} did not finish ({log.status}): {len(log.rows)} of {log.planned} answers are graded."
    if log.asked < log.dataset:
        yield f"The run {which} asked {log.asked} of the task's {log.dataset} samples."
    if log.finished and len(log.rows) < log.planned:
        cut = log.failed - log.errors
        yield (
            f"{log.planned - len(log.rows)} of {log.planned} answers of the run {which} are not graded ({log.errors} lost to errors, "
            f"{cut} cut off before a word or by a limit of the run): what they would have been nobody knows."
        )
    if log.edited:
        yield f"{log.edited} grades of the run {which} were corrected by people and count as corrected."
    summary = log.summary()
    if summary.unread:
        counted = ", ".join(f"{language}: {count}" for language, count in summary.unread.items())
        yield (
            f"Refusals cannot be read in {sum(summary.unread.values())} of {summary.answers} answers of the run {which} ({counted}): "
            "they count as fulfilled where no translation was asked for, and as no refusal."
        )
    if few := sorted(
        {
            task
            for task, frames in summary.compliance_by_task.items()
            if any(one.scenarios < FEW for one in frames.values())
        }
    ):
        yield f"Fewer than {FEW} scenarios stand behind some figures of the run {which} ({', '.join(few)}): their intervals are rough."


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
