"""XLSForm of the register's own form, for KoboToolbox and ODK: passes pyxform and ODK Validate.

Made from the one definition (`people/form.toml`), which arrives as plain values in the handover. It
holds questions, never answers. Names, contacts and free text are left to the register: a form on a
field phone that is lost must not hold them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from threelines.exports.sharing import ExportError, Handover
from threelines.records import Incident

PURPOSE = ""
SUFFIX = ".xlsx"
_TYPES = {
    "one": "select_one", "many": "select_multiple", "yes_no": "select_one yes_no", "number": "integer", "decimal": "decimal",
    "quarter": "text", "language": "text", "languages": "text", "country": "text", "countries": "text", "code": "text",
}  # fmt: skip
_CONSTRAINTS = {
    "quarter": ("regex(., '^(19|20)[0-9]{2}-Q[1-4]$')", "A quarter such as 2026-Q3"),
    "language": ("regex(., '^[a-z]{3}$')", "Three letters, such as lao"),
    "languages": ("regex(., '^[a-z]{3}( [a-z]{3})*$')", "Three letters each, with a space between"),
    "country": ("regex(., '^[A-Z]{2}$')", "Two letters, such as LA"),
    "countries": ("regex(., '^[A-Z]{2}( [A-Z]{2})*$')", "Two letters each, with a space between"),
    "number": (". >= 0 and . <= 120", "A whole number up to 120"),
    "code": ("regex(., '^[a-z][a-z0-9_]{0,23}$')", "A code of your own list"),
}


def write(incidents: Iterable[Incident], out: Path, handover: Handover) -> Path:
    """Write the form; the incidents are not read."""
    from openpyxl import Workbook

    form = handover.definition
    if not form:
        raise ExportError("xlsform: the form's definition was not handed over")
    book = Workbook()
    survey = book.active
    survey.title = "survey"
    survey.append(["type", "name", "label", "hint", "required", "relevant", "constraint", "constraint_message"])
    for row in _survey(form):
        survey.append(row)
    choices = book.create_sheet("choices")
    choices.append(["list_name", "name", "label"])
    for row in _choices(form):
        choices.append(row)
    settings = book.create_sheet("settings")
    settings.append(["form_title", "form_id", "version"])
    settings.append(["Suspected AI use in a trafficking case", "threelines_ai_use", form["version"]])
    book.save(out)
    return out


def _questions(form: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        field
        for field in form["fields"]
        if not field["identity"] and not field["deprecated"] and field["type"] in _TYPES
    ]


def _survey(form: dict[str, Any]) -> list[list[str]]:
    """Return the questions: consent first (R5), then the short form, then the rest."""
    rows = [["note", "intro", "Ask only what is needed. Services never depend on an answer.", "", "", "", "", ""]]
    for purpose, label in form["consent"].items():
        rows.append(
            [
                f"select_one {_list('consent_value')}",
                f"consent_{purpose}",
                label,
                "What is not asked is no.",
                "",
                "",
                "",
                "",
            ]
        )
    rows += [_row(field, form) for field in sorted(_questions(form), key=lambda field: not field["short"])]
    return rows


def _row(field: dict[str, Any], form: dict[str, Any]) -> list[str]:
    kind = _TYPES[field["type"]]
    if kind in ("select_one", "select_multiple"):
        kind = f"{kind} {_list(_choice_list(field))}"
    constraint, message = _CONSTRAINTS.get(field["type"], ("", ""))
    return [
        kind,
        field["name"],
        field["label"],
        field["help"],
        "yes" if field["required"] else "",
        _relevant(field, form),
        constraint,
        message,
    ]


def _relevant(field: dict[str, Any], form: dict[str, Any]) -> str:
    asked = {entry["name"]: entry for entry in _questions(form)}
    clauses = []
    for name, values in field["when"].items():
        if name in asked:
            tests = [f"selected(${{{name}}}, '{value}')" for value in values]
            clauses.append("(" + " or ".join(tests) + ")")
    return " and ".join(clauses)


def _choice_list(field: dict[str, Any]) -> str:
    """Name the list: questions on AI can be left unasked, so their lists differ from plain ones."""
    open_ended = field["name"].startswith("ai_") and field["name"] != "ai_Asked"
    return f"{field['values']}__open" if open_ended else str(field["values"])


def _list(name: str) -> str:
    return name.replace("-", "_")


def _choices(form: dict[str, Any]) -> list[list[str]]:
    rows = [["yes_no", "yes", "Yes"], ["yes_no", "no", "No"]]
    rows += [[_list("consent_value"), code, label] for code, label in form["lists"]["consent_value"].items()]
    done = {"consent_value"}
    for field in _questions(form):
        if not field["values"] or (name := _choice_list(field)) in done:
            continue
        done.add(name)
        own = form["lists"][field["values"]]
        extra = form["lists"]["no_answer"] if name.endswith("__open") else {}
        rows += [[_list(name), code, label] for code, label in {**own, **extra}.items()]
    return rows


def check(path: Path) -> list[str]:
    """Return what pyxform, and ODK Validate where there is Java, refuse."""
    import shutil

    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert

    try:
        convert(str(path), validate=shutil.which("java") is not None)
    except (PyXFormError, ValueError) as fault:
        return [str(fault).splitlines()[0]]
    return []
