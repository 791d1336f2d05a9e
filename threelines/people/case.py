"""What a case is in memory: coded fields, consent, provenance; and what may leave of it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, Literal, NamedTuple

import msgspec

from threelines.people.codes import one_code
from threelines.people.definition import Form, FormError, Problem, age_band, day_fault, furthest, latest
from threelines.records import filled

Answer = Literal["yes", "no", "withdrawn"]
VaultChange = Literal["set", "removed"]
CONSENT_MONTHS = 24
"""How long a consent stands when no end was agreed (our proposal; an organisation may shorten it)."""
STATUSES = {"Active": "active", "FollowUp": "follow_up", "Closed": "closed", "ClosedReferred": "closed"}
"""HTCDS status → the index column."""


class Consent(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One answer to one purpose, with who gave it and how long it stands.

    Kept as a short array: a hundred thousand cases are opened for one release. New members go last.
    """

    value: Answer = "no"
    giver: str = ""
    language: str = ""
    method: str = ""
    given: str = ""
    expires: str = ""

    def stands(self, today: date) -> bool:
        """Whether it is a yes today. What was not asked, was withdrawn or has expired is no."""
        return self.value == "yes" and (not self.expires or date.fromisoformat(self.expires) > today)

    def words(self, today: date) -> str:
        """Return the answer as it counts today: a yes with its end, or that it is over."""
        if self.value != "yes" or not self.expires:
            return self.value
        return f"yes, until {self.expires}" if self.stands(today) else f"expired on {self.expires}"


@filled
class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is sealed in the row of a case."""

    fields: dict[str, Any]
    consent: dict[str, Consent] = {}
    provenance: dict[str, str] = {}
    vault: dict[str, VaultChange] = {}
    """Which answers of the vault this revision set or removed, by field name; never the answers."""


class Some(NamedTuple):
    """A few answers of one case, one consent, the day of recording."""

    fields: tuple[Any, ...]
    consent: Consent | None
    recorded: str


@cache
def some_answers(names: tuple[str, ...], purpose: str, languages: frozenset[str]) -> Callable[[bytes], Some]:
    """Return a reader of `Content` that makes only these answers and this consent: what is skipped costs little.

    Answers to `languages`, names of questions, have one code for each language, whenever they were kept.
    """
    fields = msgspec.defstruct("Fields", [(name, Any, None) for name in names])
    consent = msgspec.defstruct("Asked", [(purpose, Consent | None, None)] if purpose else [], frozen=True)
    provenance = msgspec.defstruct("Origin", [("recorded", str, "")], frozen=True)
    whole = msgspec.defstruct(
        "Whole", [("fields", fields), ("consent", consent, consent()), ("provenance", provenance, provenance())]
    )
    decode, answers = msgspec.msgpack.Decoder(whole).decode, msgspec.structs.astuple
    spoken = [name for name in names if name in languages]

    def read(plain: bytes) -> Some:
        found: Any = decode(plain)
        for name in spoken:
            setattr(found.fields, name, one_code(getattr(found.fields, name)))
        return Some(answers(found.fields), getattr(found.consent, purpose, None), found.provenance.recorded)

    return read


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """The index of a case: codes and worker ids, nothing a person said."""

    id: str
    place: int
    quarter: str
    status: str
    owner: str
    team: str
    revision: int
    is_held: bool
    changed: str
    destroy_after: str | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case as its worker sees it, without the identity."""

    row: Row
    fields: dict[str, Any]
    consent: dict[str, Consent]
    provenance: dict[str, str]
    vault: dict[str, VaultChange] = {}
    """Which answers of the vault the last revision set or removed."""

    @property
    def id(self) -> str:
        """The random case id."""
        return self.row.id


def new_id(prefix: str, draw: Callable[[str], str] = secrets.choice) -> str:
    """Return a random id (80 bits), derived from nothing that anybody said; `draw` takes a letter of an alphabet."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return prefix + "".join(draw(alphabet) for _ in range(17))


def quarter_of(day: date) -> str:
    """Return the quarter such as 2026-Q3."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def add_months(month: str, months: int) -> str:
    """Return the month `months` after `YYYY-MM`."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:7]) - 1 + months, 12)
    return f"{year:04d}-{number + 1:02d}"


def new_consent(form: Form, answers: Mapping[str, str | Mapping[str, str]], today: date) -> dict[str, Consent]:
    """Read consent answers: purpose → yes, or purpose → {value, giver, language, method, given, expires}."""
    if not isinstance(answers, Mapping):  # from a file, whatever its author thought of
        raise FormError((Problem("consent", 'answers by purpose are expected, such as {"statistics": "yes"}'),))
    kept = {}
    problems = [
        Problem("consent", "no such purpose; form.toml lists them") for name in answers if name not in form.purposes
    ]
    for purpose in form.purposes:
        if purpose in answers:
            given = answers[purpose]
            consent = _consent(form, {"value": given} if isinstance(given, str) else given, today)
            if isinstance(consent, str):
                problems.append(Problem(f"consent.{purpose}", consent))
            else:
                kept[purpose] = consent
    if problems:
        raise FormError(tuple(problems))
    return kept


def told_before(consent: Consent | None) -> dict[str, str]:
    """Return who gave a consent, how and in which language: it stays until somebody says otherwise."""
    names = ("giver", "language", "method")
    return {name: getattr(consent, name) for name in names if getattr(consent, name)} if consent else {}


_CONSENT_EXPECTED = "yes, no or withdrawn, with giver, language and method from the lists"


def _consent(form: Form, given: Mapping[str, str], today: date) -> Consent | str:
    """Return the consent, or what was expected instead."""
    if not isinstance(given, Mapping) or not all(isinstance(value, str) for value in given.values()):
        return _CONSENT_EXPECTED
    filled = {"given": today.isoformat(), **{key: value for key, value in given.items() if value}}
    listed = all(filled.get(key, "") in ("", *form.list[f"consent_{key}"]) for key in ("value", "giver", "method"))
    known = set(filled) <= set(Consent.__struct_fields__) and filled.get("value")
    if not (listed and known and re.fullmatch(r"([a-z]{3})?", filled.get("language", ""))):
        return _CONSENT_EXPECTED
    if fault := _day_faults(filled, today):
        return fault
    if filled["value"] == "yes":
        # from the day it was given, which may be long before it is kept here
        filled.setdefault("expires", f"{add_months(filled['given'][:7], CONSENT_MONTHS)}-01")
    return Consent(**filled)  # type: ignore[arg-type]


def _day_faults(told: Mapping[str, str], today: date) -> str:
    """Return what is wrong with the days of a consent; empty when nothing is."""
    days = {key: _day(told[key]) for key in ("given", "expires") if key in told}
    lasts = {"given": latest(today), "expires": furthest(today)}
    for key, day in days.items():
        if day is None:
            return f"{key}: a day such as 2027-12-31 is expected"
        # the end of what is withdrawn says nothing any more, and must not stand against the withdrawal
        if (key == "given" or told["value"] == "yes") and (fault := day_fault(day, lasts[key])):
            return f"{key}: {fault}"
    expires = days.get("expires")
    if told["value"] == "yes" and expires and expires <= today and told["given"] == today.isoformat():
        return "expires: this day is over, the consent would never stand; give a day after today"
    return ""


def _day(text: str) -> date | None:
    """Return a day written YYYY-MM-DD."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


LEAVING_PROVENANCE = ("form", "interview_language", "interpreter", "worker_role")
"""What of the provenance leaves with an incident."""
_PROVENANCE = {
    "form": r"[0-9.]+", "form_kind": "short|full|import|finding", "worker_role": "[a-z_]+", "interview_language": "[a-z]{3}",
    "interpreter": "human|machine|none", "second_reviewer": "[A-Za-z0-9._-]{1,40}", "recorded": r"\d{4}-\d\d-\d\d",
    "source": "[a-z0-9_-]{1,20}",
}  # fmt: skip


def new_provenance(given: Mapping[str, str], today: date) -> dict[str, str]:
    """Check provenance: codes only, and a day of recording that has been."""
    wrong = [
        name
        for name, value in given.items()
        if not (isinstance(value, str) and re.fullmatch(_PROVENANCE.get(name, "(?!)"), value))
    ]
    if wrong:
        known = ", ".join(sorted(_PROVENANCE))
        raise FormError(tuple(Problem("provenance", f"a code is expected; known: {known}") for _ in wrong[:1]))
    if "recorded" in given:
        day = _day(given["recorded"])
        fault = day_fault(day, latest(today)) if day else "a day such as 2026-09-01 is expected"
        if fault:
            raise FormError((Problem("provenance.recorded", fault),))
    return {name: given[name] for name in sorted(given)}


def with_derived(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Set the age band by the age where that is known: a corrected age corrects its band."""
    full = dict(fields)
    if "vic_AgeWhenTrafficked" in full:
        full["tl_AgeBand"] = age_band(full["vic_AgeWhenTrafficked"])
    return full


def without_derived(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out the age band that follows from an age; one that a person gave without an age stays."""
    return {
        name: value for name, value in fields.items() if name != "tl_AgeBand" or "vic_AgeWhenTrafficked" not in fields
    }


def merged(old: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the old answers with a change; None takes an answer away."""
    return {name: value for name, value in {**old, **change}.items() if value is not None}


def vault_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, VaultChange]:
    """Return which identity answers differ, by field name."""
    return {
        name: "set" if name in new else "removed" for name in sorted({*old, *new}) if old.get(name) != new.get(name)
    }


def holds(answer: Any, value: str) -> bool:
    """Say whether an answer is this value, or has it among several."""
    return value in answer if isinstance(answer, list) else str(answer) == value


def permission_to_leave(purpose: str) -> str:
    """Return the permission of whoever takes cases out of the register for a purpose: all but figures is cases."""
    return "statistics.read" if purpose == "statistics" else "export.prepare"


def leaving(form: Form, content: Content, purpose: str, today: date) -> dict[str, Any] | None:
    """Return the coded fields that may leave for a purpose; None when there is no consent today.

    To the police goes nothing that the person was made to do, unless the person agreed to that apart
    (non-punishment: UNODC, OHCHR principle 7): forced criminality is then written as Other.
    """
    consent = content.consent.get(purpose)
    if consent is None or not consent.stands(today):
        return None
    names = form.shared(purpose)
    fields = {
        name: one_code(value) if name in form.languages else value
        for name, value in content.fields.items()
        if name in names
    }
    if purpose == "share_with_police":
        own = content.consent.get("own_acts_to_police")
        if own is None or not own.stands(today):
            purposes = fields.get("vic_TypeOfExploitation")
            if purposes and "ForcedCriminality" in purposes:
                fields["vic_TypeOfExploitation"] = sorted({*purposes, "Other"} - {"ForcedCriminality"})
        else:
            fields |= {f.name: content.fields[f.name] for f in form.field if f.own_act and f.name in content.fields}
    return fields
