"""Read cases that exist elsewhere: HTCDS files in their spellings, XLSForm submissions, CSV, reviewed findings.

Nothing is dropped silently: an unknown column stops the import before it starts (unless it is named
in `ignore`), and a row with a fault is reported by number and field while the others are kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from threelines.people.columns import FORMER, MISSING, SUBMITTED, code_of, columns_of
from threelines.people.correcting import UUID, correct, find, twice
from threelines.people.definition import ASKED, Field, Form, FormError, Problem, load_form
from threelines.people.entry import Entry
from threelines.people.register import Register
from threelines.people.rows import Numbered, read_rows
from threelines.people.same import as_person, marked
from threelines.people.sheet import ImportingError
from threelines.people.tables import CASES
from threelines.roles import require

BATCH = 500
"""Rows of one transaction."""

# Yes, no and withdrawn in the languages of `people/messages`, as people type them. What is not here is asked again:
# a guess would make a consent of a refusal, or the reverse.
_ANSWERS = {
    word: answer
    for answer, words in {
        "yes": "yes y true 1 1.0 granted given agreed oui sí si نعم ya ဟုတ်ကဲ့ ဟုတ် да ndiyo ใช่ ยินยอม oo opo так có 是 同意",
        "no": "no n false 0 0.0 refused denied declined non لا tidak မဟုတ် нет hapana ไม่ ไม่ใช่ ไม่ยินยอม hindi ні không 否 不 不同意",
        "withdrawn": "withdrawn revoked",
    }.items()
    for word in words.split()
}
_UNREADABLE = "cannot be read as an answer; write yes, no or withdrawn"
_TWICE = "two columns give two answers; mend the row, or --ignore a column"

_EXPORTED = re.compile(r"x[0-9a-f]{24}")
"""How the id of a case looks in an export of ours."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did. Faults name row and field, never a value."""

    added: tuple[str, ...]
    corrected: tuple[str, ...] = ()
    """Cases that a later version of their submission changed."""
    known: int = 0
    """Rows that had been imported before, or that stand in the file before."""
    by_answers: tuple[int, ...] = ()
    """Those of them that have no id and name nobody: what they answer was imported before."""
    alike: tuple[tuple[int, str], ...] = ()
    """Rows that are not added, and whose person they perhaps are: `case c7…`, or `row 3` of the file."""
    refused: tuple[tuple[int, tuple[Problem, ...]], ...] = ()
    undecided: int = 0
    """Findings of a scan that nobody has decided on yet."""
    others: int = 0
    """Findings that were decided, and make no case."""

    @property
    def summary(self) -> str:
        """Everything that became of the rows, in one line."""
        parts = [f"{len(self.added)} added", f"{self.known} known already", f"{len(self.refused)} refused"]
        parts += [f"{len(self.corrected)} corrected"] if self.corrected else []
        parts += [f"{len(self.alike)} perhaps known persons"] if self.alike else []
        parts += [f"{self.others} decided otherwise than {' or '.join(TAKEN)}, no case"] if self.others else []
        if self.undecided:
            parts.append(f"{self.undecided} have no decision {' or '.join(TAKEN)}; decide them in the console")
        return ", ".join(parts)


def import_file(
    register: Register, path: Path, *, ignore: Iterable[str] = (), anyway: Collection[int] = ()
) -> Imported:
    """Import a `.csv`, `.xlsx`, `.json` or `.jsonl` file of rows, or of reviewed findings of a scan.

    `anyway` numbers rows that are added although they are known by their answers alone, or perhaps the same person.
    """
    rows = list(read_rows(path))
    whole = [row for _, row in rows if not isinstance(row, Problem)]
    if whole and all("thread" in row and "tier" in row for row in whole):
        decisions = Counter(_decision(row) for row in whole)
        others = sum(count for decision, count in decisions.items() if decision not in ("", *TAKEN))
        done = _keep(register, _findings(rows), anyway)
        return msgspec.structs.replace(done, undecided=decisions[""], others=others)
    columns, unknown = columns_of(register.form, whole, frozenset(ignore))
    if unknown:
        raise ImportingError(
            f"{path.name}: unknown columns: {', '.join(unknown)}; rename them, or name them with --ignore"
        )
    checked = ((number, _checked(register, row, columns)) for number, row in rows)
    return _keep(register, checked, anyway, frozenset(columns.values()))


def _checked(register: Register, row: Mapping[str, Any] | Problem, columns: Mapping[str, str]) -> Entry | FormError:
    """Return what a row says, or why it cannot be read; whole rows only, so that no half of a case is kept."""
    if isinstance(row, Problem):
        return FormError((row,))
    try:
        return _entry(register.form, row, columns, register.today)
    except FormError as fault:
        return fault


def _entry(form: Form, row: Mapping[str, Any], columns: Mapping[str, str], today: date) -> Entry:
    told = _Row()
    for column, target in columns.items():
        value = row.get(column)
        text = value.strip() if isinstance(value, str) else value
        if target == SUBMITTED:
            # an empty one, too: what has no day among dated rows would be taken for today's
            _take_day(told, column, _day_of(text, today))
        elif text is None or (isinstance(text, str) and text in MISSING):
            continue
        elif target == FORMER:
            told.former.add(str(text).removeprefix(UUID))
        elif target.startswith("consent."):
            _take(told, told.consent, target.removeprefix("consent."), answer_of(text), target, _UNREADABLE)
        elif "/" in target:
            name, code = target.split("/")
            chosen = "yes" if code_of(form, form.fields[name], str(text)) == code else answer_of(text)
            _take(told, told.choices.setdefault(name, {}), code, chosen, target, "cannot be read; write 1 or 0")
        else:
            value = _value(form, form.fields[target], text)
            if not _is_same(told.fields.setdefault(target, value), value):
                told.problems.append(Problem(target, _TWICE))
    _put_together(told)
    if "con_Consent" in told.fields:
        answer = answer_of(told.fields["con_Consent"])
        if not answer:
            told.problems.append(Problem("con_Consent", _UNREADABLE))
        told.consent.setdefault("services", answer)
        told.fields["con_Consent"] = answer == "yes"
    if told.problems:
        raise FormError(tuple(told.problems))
    day = told.day
    given = {purpose: {"value": value, "given": day} for purpose, value in told.consent.items()}
    submission = told.fields.get("tl_SubmissionId")
    former = frozenset(told.former - {submission}) if submission else frozenset()
    provenance = {"form_kind": "import", **({"recorded": day} if day else {})}
    return Entry(_asked(told.fields), given, provenance, former=former)


class _Row(msgspec.Struct):
    """What the columns of a row say, as far as they were read."""

    fields: dict[str, Any] = {}
    consent: dict[str, str] = {}
    choices: dict[str, dict[str, str]] = {}
    """By field, the answer of each choice that has a column of its own."""
    former: set[str] = set()
    day: str = ""
    problems: list[Problem] = []


def _take(told: _Row, answers: dict[str, str], name: str, answer: str, target: str, unreadable: str) -> None:
    """Keep the answer of a column, unless it cannot be read or another column answers otherwise."""
    if not answer:
        told.problems.append(Problem(target, unreadable))
    elif answers.setdefault(name, answer) != answer:
        told.problems.append(Problem(target, _TWICE))


def _take_day(told: _Row, column: str, day: str) -> None:
    if not day:
        fault = "no day of the past such as 2026-09-01; mend it, or --ignore the column"
        told.problems.append(Problem(column, fault))
    elif told.day and day != told.day:
        told.problems.append(Problem(column, _TWICE))
    told.day = day


def _put_together(told: _Row) -> None:
    """Make one answer of the choices that have columns of their own; a column of the whole question must say the same."""
    for name, answers in told.choices.items():
        chosen = [code for code, answer in answers.items() if answer == "yes"]
        whole = told.fields.setdefault(name, chosen)
        if any((code in whole) != (code in chosen) for code in answers):
            told.problems.append(Problem(name, _TWICE))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two columns give one answer: choices in any order, a number or a word however the file holds it."""
    if isinstance(one, list) and isinstance(other, list):
        return set(one) == set(other)
    return str(one).strip() == str(other).strip()


def _day_of(value: Any, today: date) -> str:
    """Return the day of a time as servers write it; empty when it is none, or lies after today."""
    found = re.match(r"\d{4}-\d\d-\d\d(?![^T ])", str(value))
    try:
        day = date.fromisoformat(found.group()) if found else None
    except ValueError:
        day = None
    # a server east of here may write tomorrow; nobody consented later than today
    return "" if day is None or day > today + timedelta(days=1) else min(day, today).isoformat()


def _value(form: Form, field: Field, text: Any) -> Any:
    if field.name == "tl_SubmissionId":
        # Kobo writes one id as `_uuid` and, behind `uuid:`, as `meta/instanceID`
        return str(text).removeprefix(UUID)
    if not field.values:
        return text
    if field.type == "one":
        return code_of(form, field, str(text)) or text
    parts = text if isinstance(text, list) else _parts(form, field, str(text))
    return [code_of(form, field, str(part)) or str(part).strip() for part in parts if str(part).strip()]


def _parts(form: Form, field: Field, text: str) -> list[str]:
    if code_of(form, field, text):
        return [text]
    split = re.split(r"[;,|]", text)
    return split if len(split) > 1 else text.split()


def answer_of(value: Any) -> str:
    """Return yes, no or withdrawn for an answer as people and programs write it; empty when it is none of them."""
    return _ANSWERS.get(unicodedata.normalize("NFC", str(value)).strip().casefold(), "")


def _asked(fields: dict[str, Any]) -> dict[str, Any]:
    """Say whether AI was asked about, where a file has no such column: an answer means it was."""
    if ASKED in fields:
        return fields
    if fields.get("ai_Suspected") in ("unknown", None):
        fields.pop("ai_Suspected", None)
        return {**fields, ASKED: "no"}
    return {**fields, ASKED: "yes"}


# A scan's element → the register's code. A finding is a reason to look: it never says more than suspected.
_ACTS = {
    "recruitment": "recruitment",
    "transport": "transportation",
    "transfer": "transfer",
    "harbouring_receipt": "harbouring",
}
_MEANS = {"deception": "fraud_deception", "coercion": "threat", "abuse_of_vulnerability": "abuse_of_vulnerability"}
_PURPOSES = {
    "sexual_exploitation": "SexualExploitation", "forced_labour": "ForcedLabour", "forced_criminality": "ForcedCriminality",
    "servitude": "Servitude", "organ_removal": "OrganRemoval", "slavery": "Other",
}  # fmt: skip
_CAPABILITIES = {
    "translation": "translation_text", "publications_and_personas": "persona_profile", "deepfake_media": "deepfake_image",
    "automation": "automated_conversation",
}  # fmt: skip
TAKEN = ("refer", "support")
"""Decisions of a review that make a finding a case; every other finding is left where it is."""


class _Thread(msgspec.Struct):
    kind: str
    id: str | int


class _Reviewed(msgspec.Struct):
    """What is taken over of a line of `threelines scan` that a person decided on."""

    thread: _Thread
    elements: dict[str, tuple[str, ...]] | None = None
    capabilities: tuple[str, ...] | None = None
    explanation: str = ""


def _findings(rows: Iterable[Numbered]) -> Iterator[tuple[int, Entry | FormError]]:
    for number, row in rows:
        if isinstance(row, Problem):
            yield number, FormError((row,))
            continue
        if _decision(row) in TAKEN:
            yield number, _finding(row)


def _decision(row: Mapping[str, Any]) -> str:
    """Return what a person decided on a finding; empty where nobody has."""
    review = row.get("review") or {}
    return str(row.get("decision") or (review.get("decision") if isinstance(review, dict) else "") or "")


def _finding(row: Mapping[str, Any]) -> Entry | FormError:
    try:
        found = msgspec.convert(row, _Reviewed)
    except msgspec.ValidationError as fault:
        # Its text names types and the place, never a value.
        return FormError((Problem("row", f"no finding of a scan: {fault}"),))
    elements = found.elements or {}
    seen = sorted({_CAPABILITIES[name] for name in found.capabilities or () if name in _CAPABILITIES})
    fields: dict[str, Any] = {
        ASKED: "not_possible", "tl_Channel": "platform_finding", "ai_Detector": ["threelines_scan"],
        "ai_Suspected": "suspected" if seen else "unknown", "tl_SubmissionId": f"{found.thread.kind}:{found.thread.id}"[:500],
        "ai_Notes": found.explanation[:20_000],
        "vic_TypeOfExploitation": sorted({_PURPOSES[name] for name in elements.get("purpose", ()) if name in _PURPOSES}),
    }  # fmt: skip
    if seen:
        fields |= {
            "ai_Capability": seen, "ai_EvidenceBasis": ["message_or_file_seen"],
            "ai_Act": sorted({_ACTS[name] for name in elements.get("act", ()) if name in _ACTS}),
            "ai_Means": sorted({_MEANS[name] for name in elements.get("means", ()) if name in _MEANS}),
        }  # fmt: skip
    return Entry(fields, {}, {"form_kind": "finding"})


class _Told(msgspec.Struct):
    """What became of the rows so far, and what is known of those before."""

    own: frozenset[str]
    anyway: Collection[int]
    added: list[str] = []
    corrections: list[tuple[int, Entry]] = []
    """Rows that are a later version of what the register, or a row before, has."""
    corrected: list[str] = []
    known: int = 0
    by_answers: list[int] = []
    alike: list[tuple[int, str]] = []
    refused: list[tuple[int, tuple[Problem, ...]]] = []
    taken: set[str] = set()
    equal: Counter[str] = msgspec.field(default_factory=Counter)
    people: dict[str, int] = {}
    """Rows by the tags of whom they name."""


def _keep(
    register: Register,
    rows: Iterable[tuple[int, Entry | FormError]],
    anyway: Collection[int],
    targets: Collection[str] = (),
) -> Imported:
    require(register.user, "case.import")
    found = list(rows)
    told = _Told(own=_own(register, (entry for _, entry in found if not isinstance(entry, FormError))), anyway=anyway)
    for start in range(0, len(found), BATCH):
        # what is asked of the register and what is added to it in one transaction: two imports of a file take turns
        with register.store.write() as connection:
            register.store.lock(connection)
            fresh = _fresh(register, connection, found[start : start + BATCH], told)
            good = _strangers(register, connection, fresh, told)
            told.added += register.add_in(connection, good, "import") if good else []
    # after what they correct is there; each in a transaction of its own, which takes the case before the audit
    for number, entry in told.corrections:
        case, problem = correct(register, entry, targets)
        if problem:
            told.refused.append((number, (problem,)))
        else:
            told.known += not case
            told.corrected += [case] if case else []
    if told.corrected:
        register.store.flush()  # what the corrections took out of the vault
    return Imported(
        added=tuple(told.added), corrected=tuple(told.corrected), known=told.known, by_answers=tuple(told.by_answers), alike=tuple(told.alike),
        refused=tuple(sorted(told.refused, key=lambda one: one[0])),
    )  # fmt: skip


def _fresh(
    register: Register, connection: sa.Connection, rows: Iterable[tuple[int, Entry | FormError]], told: _Told
) -> list[tuple[int, Entry]]:
    """Return the entries without a fault that were not imported before."""
    fresh: list[tuple[int, Entry]] = []
    for number, given in rows:
        if isinstance(given, FormError):
            told.refused.append((number, given.problems))
            continue
        submission = _submission(given)
        own, former = find(register, connection, [submission]), find(register, connection, given.former)
        if own and not set(former) <= set(own):
            told.refused.append((number, (twice(register, connection, {*own, *former}),)))
            continue
        if own or submission in told.taken or submission in told.own:
            told.known += 1
            continue
        problems = register.problems(given)
        if problems:
            told.refused.append((number, problems))
            continue
        if former or not told.taken.isdisjoint(given.former):
            told.corrections.append((number, given))
            told.taken.add(submission)
            continue
        entry = given if submission else marked(register.form, given, told.equal)
        is_named = bool(register.vault.tags(as_person(entry)))
        is_asked = not submission and (is_named or number not in told.anyway)
        if is_asked and find(register, connection, [_submission(entry)]):
            told.known += 1
            told.by_answers += [] if is_named else [number]
            continue
        fresh.append((number, entry))
        told.taken |= {submission, *given.former} - {""}
    return fresh


def _strangers(
    register: Register, connection: sa.Connection, rows: Iterable[tuple[int, Entry]], told: _Told
) -> list[Entry]:
    """Return the entries to add, and tell of the rows that are perhaps a person of the register or of an earlier row."""
    tagged = [(number, entry, register.vault.tags(as_person(entry))) for number, entry in rows]
    named = [entry for _, entry, tags in tagged if tags]
    matches = iter(register.match_in(connection, map(as_person, named), "import") if named else ())
    good: list[Entry] = []
    before, added = told.people, frozenset(told.added)
    for number, entry, tags in tagged:
        cases = [case for case in next(matches) if case not in added] if tags else []
        twins = sorted(before[tag] for tag in tags if tag in before)
        if (cases or twins) and number not in told.anyway:
            told.alike.append((number, f"case {cases[0]}" if cases else f"row {twins[0]}"))
            continue
        good.append(entry._replace(is_apart=bool(cases or twins)))
        before |= dict.fromkeys(tags, number)
    return good


def _submission(entry: Entry) -> str:
    return str(entry.fields.get("tl_SubmissionId", "")).strip()


def _own(register: Register, entries: Iterable[Entry]) -> frozenset[str]:
    """Return the ids under which cases of this register leave, if the file names any that look so.

    The ids are made anew, for none is kept: exports from before the register's keys were changed are not known again.
    """
    if not any(_EXPORTED.fullmatch(_submission(entry)) for entry in entries):
        return frozenset()
    with register.store.read() as connection:
        cases = connection.execute(sa.select(CASES.c.id)).scalars().all()
    return frozenset(register.export_id(case, purpose) for case in cases for purpose in register.form.purposes)


def blank_csv(*, short: bool = False) -> str:
    """Return the header line of a CSV file that `import_file` reads."""
    form = load_form()
    names = [field.name for field in (form.short if short else form.full)]
    return ",".join([*names, *(f"consent.{purpose}" for purpose in form.purposes)]) + "\n"
