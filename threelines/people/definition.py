"""Read `form.toml`, the one definition of what the register asks, and check answers against it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Literal

import msgspec

from threelines.people.codes import country_code, language_code
from threelines.records import ThreelinesError, is_whole

Entity = Literal["event", "person", "organisation", "report"]
Type = Literal[
    "one", "many", "yes_no", "text", "long_text", "date", "number", "decimal", "quarter",
    "language", "languages", "country", "countries", "code",
]  # fmt: skip
"""`code` is a code of the organisation's own list; `many`, `languages`, `countries` hold lists."""

ASKED = "ai_Asked"
LISTS = ("many", "languages", "countries")
"""Types whose answer is a list."""
PROOF = ("court_finding", "forensic_exam", "provider_confirmation")
"""Bases that allow `ai_Suspected = confirmed`."""


class FormError(ThreelinesError):
    """Answers cannot be kept: names the fields and the faults, and never repeats an answer."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.field}: {problem.fault}" for problem in problems))


class Problem(msgspec.Struct, frozen=True):
    """One fault of one answer. The answer itself is never repeated: it may hold a name."""

    field: str
    fault: str


class Field(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question."""

    name: str
    entity: Entity
    section: str
    label: str
    type: Type
    values: str = ""
    """Name of its closed list."""
    help: str = ""
    required: bool = False
    short: bool = False
    """In the 60-second hotline form."""
    core: bool = False
    """In the core of HTCDS 2.0."""
    deprecated: bool = False
    identity: bool = False
    """Sealed in the vault; in no export."""
    share: tuple[str, ...] = ()
    """Consent purposes for which the value may leave."""
    when: dict[str, tuple[str, ...]] = {}
    """Asked only when each of these fields has one of these values."""
    own_act: bool = False
    """What the person was made to do: leaves for the police only with its own consent."""

    @property
    def is_htcds(self) -> bool:
        """Whether HTCDS 2.0 has this field."""
        return not self.name.startswith(("ai_", "tl_"))


class Form(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Every question, in order, with the closed lists."""

    version: str
    list: dict[str, dict[str, str]]
    field: tuple[Field, ...]

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Questions by name, in the order they are asked."""
        return {field.name: field for field in self.field}

    @cached_property
    def short(self) -> tuple[Field, ...]:
        """The 60-second form."""
        return tuple(field for field in self.field if field.short)

    @cached_property
    def full(self) -> tuple[Field, ...]:
        """The full form: all but what HTCDS has deprecated (still accepted on import)."""
        return tuple(field for field in self.field if not field.deprecated)

    @cached_property
    def identity(self) -> frozenset[str]:
        """Names of the fields that are kept in the vault and never leave."""
        return frozenset(field.name for field in self.field if field.identity)

    @cached_property
    def languages(self) -> frozenset[str]:
        """Names of the fields whose answers are codes of languages."""
        return frozenset(field.name for field in self.field if field.type in ("language", "languages"))

    def wished(self, answers: Mapping[str, str]) -> tuple[str, ...]:
        """Return what is searched for as it is kept today: a language by one of its codes is found by each."""
        return tuple(
            language_code(value) or value if name in self.languages else value for name, value in answers.items()
        )

    @property
    def purposes(self) -> tuple[str, ...]:
        """What consent is asked for."""
        return tuple(self.list["consent_purpose"])

    def shared(self, purpose: str) -> frozenset[str]:
        """Return the allow-list of one purpose; `services` may see every coded field."""
        return self._shared.get(purpose, frozenset())

    @cached_property
    def _shared(self) -> dict[str, frozenset[str]]:
        coded = [field for field in self.field if not field.identity]
        named = {purpose: frozenset(f.name for f in coded if purpose in f.share) for purpose in self.purposes}
        return {**named, "services": frozenset(field.name for field in coded)}

    def choices(self, field: Field) -> dict[str, str]:
        """Return code → label of a question's closed list; `ai_` questions can be left unasked."""
        own = self.list[field.values] if field.values else {}
        if field.name.startswith("ai_") and field.name != ASKED:
            return {**own, **self.list["no_answer"]}
        return own

    def is_asked(self, field: Field, answers: Mapping[str, Any]) -> bool:
        """Say whether a question's condition holds for these answers."""
        return all(set(_listed(answers.get(name))) & set(values) for name, values in field.when.items())

    def problems(self, answers: Mapping[str, Any]) -> tuple[Problem, ...]:
        """Return what is wrong with the answers; empty when they can be kept."""
        return self._read(answers, {})[1]

    def parted(self, answers: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the coded answers, and those that belong into the vault."""
        coded = {name: value for name, value in answers.items() if name not in self.identity}
        return coded, {name: value for name, value in answers.items() if name in self.identity}

    def clean(self, answers: Mapping[str, Any], *, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the answers in one spelling and without the empty ones, or raise FormError.

        An impossible day or age that was kept `before` is no reason against another answer.
        """
        kept, problems = self._read(answers, before or {})
        if problems:
            raise FormError(problems)
        return kept

    def _read(
        self, answers: Mapping[str, Any], before: Mapping[str, Any]
    ) -> tuple[dict[str, Any], tuple[Problem, ...]]:
        kept: dict[str, Any] = {}
        problems = [
            Problem("answers", "a field that the form does not have") for name in answers if name not in self.fields
        ]
        for name, field in self.fields.items():
            answer = answers.get(name)
            if answer is None or answer == "" or answer == []:
                continue
            value = _READERS[field.type](self, field, answer)
            if value is None:
                problems.append(Problem(name, _EXPECTED[field.type]))
            elif value != before.get(name) and (fault := _impossible(field, value)):
                problems.append(Problem(name, fault))
            else:
                kept[name] = value
        problems += self._loose_ends(kept)
        return kept, tuple(problems)

    def _loose_ends(self, kept: dict[str, Any]) -> Iterator[Problem]:
        for name, field in self.fields.items():
            if field.required and name not in kept:
                yield Problem(name, "an answer is needed")
            elif name in kept and not self.is_asked(field, kept):
                needs = " and ".join(f"{other} = {' or '.join(values)}" for other, values in field.when.items())
                yield Problem(name, f"is asked only when {needs}")
        if kept.get("ai_Suspected") == "confirmed" and not set(kept.get("ai_EvidenceBasis", ())) & set(PROOF):
            yield Problem("ai_EvidenceBasis", f"confirmed needs one of {', '.join(PROOF)}; else choose probable")


def _listed(answer: Any) -> list[Any]:
    return answer if isinstance(answer, list) else [answer]


def _one(form: Form, field: Field, answer: Any) -> str | None:
    text = str(answer).strip()
    return text if text in form.choices(field) else None


def _split(answer: Any) -> list[str]:
    parts = answer if isinstance(answer, (list, tuple, set, frozenset)) else re.split(r"[\s;,|]+", str(answer))
    return sorted({str(part).strip() for part in parts} - {""})


def _many(form: Form, field: Field, answer: Any) -> list[str] | None:
    found = _split(answer)
    return found if found and set(found) <= set(form.choices(field)) else None


def _yes_no(_form: Form, _field: Field, answer: Any) -> bool | None:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        str(answer).strip().lower()
    )


def _text(_form: Form, field: Field, answer: Any) -> str | None:
    text = str(answer).strip()
    return text if len(text) <= (20_000 if field.type == "long_text" else 500) and is_whole(text) else None


def _date(_form: Form, _field: Field, answer: Any) -> str | None:
    try:
        return date.fromisoformat(str(answer).strip()[:10]).isoformat()
    except ValueError:
        return None


_EARLIEST, _OLDEST = 1900, 120
"""The first year of a day, and the highest age."""
_PAST = ("prs_Birthdate", "hte_Date")
"""Days that have been."""
_YEARS_AHEAD = 20
"""How far ahead a day that is planned may lie."""


def _impossible(field: Field, value: Any) -> str:
    """Return what is wrong with a day or an age that no person can have; nothing is converted."""
    if field.name == "vic_AgeWhenTrafficked" and value > _OLDEST:
        return f"an age of at most {_OLDEST}"
    if field.type != "date":
        return ""
    today = datetime.now(UTC).date()
    return day_fault(date.fromisoformat(value), latest(today) if field.name in _PAST else furthest(today))


def latest(today: date) -> date:
    """Return the last day on which something has been: it is tomorrow already, east of here."""
    return today + timedelta(days=1)


def furthest(today: date) -> date:
    """Return the last day that anybody plans for."""
    return today.replace(year=today.year + _YEARS_AHEAD, day=1)


def day_fault(day: date, last: date) -> str:
    """Return what is wrong with a day before 1900 or after `last`, and of which calendar it may be; empty when nothing is."""
    if _EARLIEST <= day.year and day <= last:
        return ""
    meant = " or ".join(name for name, year in _calendars(day.year) if _EARLIEST <= year <= last.year)
    return f"no day from {_EARLIEST} to {last}" + (
        f"; is it {meant}? Write it in the Gregorian calendar" if meant else ""
    )


def _calendars(year: int) -> tuple[tuple[str, int], ...]:
    """Return the calendars of people whom organisations ask, and the Gregorian year that begins in, or before, theirs."""
    return (
        ("the Buddhist calendar", year - 543),
        ("the Persian calendar", year + 621),
        ("the Islamic calendar (Hijri)", int(622 + year * 0.9702)),
        ("the Nepali calendar (Bikram Sambat)", year - 57),
    )


def _number(_form: Form, _field: Field, answer: Any) -> int | None:
    text = str(answer).strip().removesuffix(".0")
    return int(text) if re.fullmatch(r"\d{1,3}", text) else None


def _decimal(_form: Form, _field: Field, answer: Any) -> float | None:
    text = str(answer).strip()
    return float(text) if re.fullmatch(r"-?\d{1,3}(\.\d{1,10})?", text) else None


def _quarter(form: Form, field: Field, answer: Any) -> str | None:
    text = str(answer).strip()
    return text if re.fullmatch(r"(19|20)\d\d-Q[1-4]", text) or text in form.choices(field) else None


def _language(form: Form, field: Field, answer: Any) -> str | None:
    text = str(answer).strip()
    return text if text in form.choices(field) else language_code(text) or None


def _country(_form: Form, _field: Field, answer: Any) -> str | None:
    return country_code(str(answer)) or None


def _each(reader: Callable[[Form, Field, Any], str | None]) -> Callable[[Form, Field, Any], list[str] | None]:
    def read(form: Form, field: Field, answer: Any) -> list[str] | None:
        found = [reader(form, field, part) for part in _split(answer)]
        return sorted({part for part in found if part}) if found and all(found) else None

    return read


def _code(form: Form, field: Field, answer: Any) -> str | None:
    text = str(answer).strip()
    return text if re.fullmatch(r"[a-z][a-z0-9_]{0,23}", text) or text in form.choices(field) else None


_READERS: dict[str, Callable[[Form, Field, Any], Any]] = {
    "one": _one, "many": _many, "yes_no": _yes_no, "text": _text, "long_text": _text, "date": _date,
    "number": _number, "decimal": _decimal, "quarter": _quarter, "language": _language, "languages": _each(_language),
    "country": _country, "countries": _each(_country), "code": _code,
}  # fmt: skip

_EXPECTED = {
    "one": "choose one value of its list", "many": "choose values of its list", "yes_no": "yes or no",
    "text": "at most 500 characters, and no half of one", "long_text": "at most 20,000 characters, and no half of one", "date": "a date such as 2026-03-31",
    "number": "a whole number", "decimal": "a number such as 12.5", "quarter": "a quarter such as 2026-Q3",
    "language": "an ISO 639-3 code such as lao", "languages": "ISO 639-3 codes such as lao",
    "country": "an ISO 3166 code such as LA", "countries": "ISO 3166 codes such as LA",
    "code": "a code of your own list: small letters, digits, underscores",
}  # fmt: skip


def age_band(age: int) -> str:
    """Return the CTDC age band."""
    for last, band in ((8, "0-8"), (17, "9-17"), (23, "18-23"), (30, "24-30"), (38, "31-38"), (47, "39-47")):
        if age <= last:
            return band
    return "48+"


@cache
def load_form() -> Form:
    """Read the packaged definition, once."""
    text = (files("threelines") / "people" / "form.toml").read_text(encoding="utf-8")
    form = msgspec.convert(tomllib.loads(text), Form)
    for field in form.field:
        loose = [name for name in field.when if name not in form.fields]
        if loose or (field.values and field.values not in form.list) or (field.identity and field.share):
            raise FormError((Problem(field.name, "form.toml: unknown list or field, or an identity that is shared"),))
    return form


def words_of(form: Form, name: str, value: Any) -> str:
    """Return one answer in the form's words; none is "No answer"."""
    if value is None:
        return "No answer"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    choices = form.choices(form.fields[name])
    parts = value if isinstance(value, list) else [value]
    return "; ".join(choices.get(str(part), str(part)) for part in parts)
