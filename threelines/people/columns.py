"""Which field, purpose or choice each column of a file means: HTCDS in its spellings, form servers, our own questions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from threelines.people.definition import LISTS, Field, Form

MISSING = frozenset({"", "NULL", "null", "-99", "N/A", "n/a"})
"""How HTCDS and CTDC files write: not recorded. Never read as no."""
# Spellings that exist in HTCDS's own toolkits and that no rule finds (standard's section 3.2).
_ALIASES = {
    "vic_traffickinstatusdecisionmakingorg": "vic_TraffickingStatusDecisionMakingOrg",
    "con_consentreporting": "consent.statistics",
    "perorganisation": "tl_PerpetratorOrganisation",
    "instanceid": "tl_SubmissionId",
    "uuid": "tl_SubmissionId",
    "metainstanceid": "tl_SubmissionId",
}
_OF_PERPETRATOR = re.compile(r"per|.*perpetrator.*")
"""Groups in which HTCDS's `Organisation`, a field without a prefix, is the perpetrator's. Elsewhere it may be anybody's."""
_SYSTEM = re.compile(
    r"_(id|submission_time|notes|status|submitted_by|tags|index|xform_id_string|bamboo_dataset_id|attachments|geolocation)|"
    r"_(validation_status|supplementalDetails)(/.*)?|_+version_*(_\d+)?|_submission__.*|"
    r"(.*/)?meta/instanceName|meta-instanceName|"
    r"start|end|today|deviceid|username|simserial|subscriberid|phonenumber|"
    r"__system/.*|SubmissionDate|SubmitterID|SubmitterName|AttachmentsPresent|AttachmentsExpected|ReviewState|DeviceID|"
    r"Edits|FormVersion"
)
"""Columns that Kobo and ODK add, spelt as they spell them; they hold nothing of the case (device ids among them are not
wanted). A name that a team may have given (`id`, `status`, `Notes`) is not here: it stops the import, as any unknown one."""
SUBMITTED = "submitted"
"""What the columns with the time of a submission mean."""
_SUBMISSION_TIMES = ("_submission_time", "SubmissionDate", "__system/submissionDate")
"""Where form servers write when an answer reached them: the day of the record, and of the consent in it."""
FORMER = "former"
"""What the columns with the ids of a submission's earlier versions mean."""
_FORMER = re.compile(r"(.*/)?(meta[/-])?(rootUuid|deprecatedID)|KEY|__id")
"""Kobo writes the first id and the one before; ODK Central knows a submission by its first id throughout."""
_FORM_WIDE = re.compile(r"formhub(/.*)?")
"""One value for every submission of a form: `formhub/uuid` is no id of a submission."""
_NOTE = re.compile(r".*_other_note")
"""Texts that HTCDS's forms show; such a column is passed over as long as nothing stands in it."""


def squeezed(text: str) -> str:
    """Return the ASCII letters and digits of a name, small: one for the spellings that tables give it."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def columns_of(
    form: Form, rows: Iterable[Mapping[str, Any]], ignore: frozenset[str]
) -> tuple[dict[str, str], list[str]]:
    """Return what each column means (a field, `consent.PURPOSE`, `FIELD/choice`, `SUBMITTED` or `FORMER`), and those that are unknown."""
    filled: dict[str, bool] = {}
    for row in rows:
        for name, value in row.items():
            filled[name] = filled.get(name, False) or str(value or "").strip() not in MISSING
    known: dict[str, str] = {}
    unknown = []
    labels = _labels(form, filled)
    for name in sorted(filled):
        if name in ignore:
            continue
        if name in _SUBMISSION_TIMES or _FORMER.fullmatch(name):
            known[name] = SUBMITTED if name in _SUBMISSION_TIMES else FORMER
            continue
        target = "" if _FORM_WIDE.fullmatch(name) else _target(form, labels, name)
        if target:
            known[name] = target
        elif meant := labels.get(name, ()):
            unknown += [f"{name} (a question of {', '.join(meant)}: write which)"] if filled[name] else []
        elif not _is_passed_over(name, filled[name]):
            unknown.append(name or "(a column without a name)")
    return known, unknown


def _labels(form: Form, columns: Iterable[str]) -> dict[str, list[str]]:
    """Return the fields and purposes that each question's text means, where a form server wrote those as columns.

    A file does so if a question of three words or more stands in it: "Country" alone is a column of a team's own.
    """
    found: dict[str, list[str]] = {}
    for field in form.full:
        if not field.identity:
            found.setdefault(field.label, []).append(field.name)
    for purpose, label in form.list["consent_purpose"].items():
        found.setdefault(label, []).append(f"consent.{purpose}")
    return found if any(len(name.split()) > 2 and name in found for name in columns) else {}


def _is_passed_over(name: str, is_filled: bool) -> bool:
    last = name.rsplit("/", 1)[-1]
    if _FORM_WIDE.fullmatch(name) or _SYSTEM.fullmatch(name) or _SYSTEM.fullmatch(last):
        return True
    return bool(_NOTE.fullmatch(last)) and not is_filled


def _target(form: Form, labels: Mapping[str, list[str]], column: str) -> str:
    """Return the field, `consent.PURPOSE`, or `FIELD/choice` that a column means; empty when none, or several."""
    if column in labels:
        return labels[column][0] if len(labels[column]) == 1 else ""
    names = {squeezed(name): name for name in form.fields}
    *path, last = column.split("/")
    asked = labels.get("/".join(path), ["/".join(path[-1:])])
    for purpose in form.purposes:
        if squeezed(last) in (f"consent{squeezed(purpose)}", f"conconsent{squeezed(purpose)}"):
            return f"consent.{purpose}"
    if squeezed(last) == "organisation":
        return "tl_PerpetratorOrganisation" if any(_OF_PERPETRATOR.fullmatch(squeezed(name)) for name in path) else ""
    alias = _ALIASES.get(last.lower().strip("_")) or _ALIASES.get(squeezed(last))
    found = alias or names.get(squeezed(last), "")
    field = form.fields.get(names.get(squeezed(asked[0]), "")) if len(asked) == 1 else None
    if not found and field:
        code = code_of(form, field, last)
        return f"{field.name}/{code}" if field.type in LISTS and code else ""
    return found


def code_of(form: Form, field: Field, text: str) -> str:
    """Return the code for a code or a label in any case and spacing (`DebtBondage `, `Debt bondage`)."""
    wanted = squeezed(text)
    for code, label in form.choices(field).items():
        if wanted in (squeezed(code), squeezed(label)):
            return code
    return ""
