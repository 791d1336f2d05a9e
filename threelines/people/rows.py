"""Read the rows of a file of cases: CSV, a workbook, JSON in the shapes of form servers and of our own export, JSON lines."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from threelines.people.columns import squeezed
from threelines.people.definition import Problem
from threelines.people.sheet import ImportingError, read_sheet

_TOO_DEEP = Problem("row", "nested too deep to be read")

Numbered = tuple[int, dict[str, Any] | Problem]
"""The number of a row, and its answers by column, or why it cannot be read."""


def read_rows(path: Path) -> Iterator[Numbered]:
    """Yield (number, row) of a CSV file (UTF-8), the only sheet of a workbook, a JSON list, a form server's JSON answer, or JSON lines.

    Numbers are those that a spreadsheet shows: header and empty rows count. In JSON they are places of the list.
    A row of a table that does not fit its header is a problem in its place: its answers may stand under wrong names.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        yield from _table(read_sheet(path))
        return
    try:
        text = path.read_text(encoding="utf-8-sig")
        if suffix == ".csv":
            yield from _csv_rows(text)
        elif suffix == ".json":
            yield from enumerate(map(_row, _listed(json.loads(text))), start=1)
        elif suffix in (".jsonl", ".ndjson"):
            # not splitlines: a quote may hold a line separator (U+2028), which JSON writes as it is
            lines = enumerate(text.split("\n"), start=1)
            yield from ((number, _json_row(line)) for number, line in lines if line.strip())
        else:
            raise ImportingError(f"{path.name}: give a .csv, .xlsx, .json or .jsonl file")
    except UnicodeDecodeError:
        raise ImportingError(f"{path.name}: is not in UTF-8; save it as CSV UTF-8") from None
    except csv.Error:
        raise ImportingError(
            f"{path.name}: a quote is not closed, or words stand behind a closed one; mend the quotes of the table"
        ) from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as fault:
        raise ImportingError(f"{path.name}: cannot be read ({type(fault).__name__}); is it UTF-8 and whole?") from None


def _json_row(line: str) -> dict[str, Any] | Problem:
    try:
        return _row(json.loads(line))
    except RecursionError:
        return _TOO_DEEP


def _row(row: Any) -> dict[str, Any] | Problem:
    """Return the answers of a JSON object, flat; a finding of a scan as it stands."""
    if not isinstance(row, dict):
        return Problem("row", "no JSON object with answers")
    try:
        return row if "thread" in row else _flat(row)
    except RecursionError:
        return _TOO_DEEP


def _listed(whole: Any) -> list[Any]:
    """Return the rows of a list, of a form server's answer, of our own HTCDS export, or the one row."""
    if isinstance(whole, list):
        return whole
    if "records" in whole and whole.get("standard", "").startswith("HTCDS"):
        return [
            # the id is the case's own for the recipient, the same in every export of it
            {**record["htcds"], **record.get("extension", {}), "tl_SubmissionId": record.get("id", "")}
            for record in whole["records"]
        ]
    rows: list[Any] = whole.get("results", whole.get("value", [whole]))
    return rows


def _csv_rows(text: str) -> Iterator[Numbered]:
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    # strict, or a quote that is never closed takes the rows behind it into its cell
    yield from _table(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def _table(rows: Iterator[list[str]]) -> Iterator[Numbered]:
    header = _named(next(rows, []))
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            yield number, _csv_row(header, row)


def _csv_row(header: list[str], row: list[str]) -> dict[str, Any] | Problem:
    if len(row) != len(header):
        return Problem("row", f"{len(row)} cells under {len(header)} columns; is a cell with a comma in quotes?")
    found: dict[str, Any] = {}
    for name, cell in zip(header, row, strict=True):
        if found.get(name, cell) != cell:
            return Problem(name or "(a column without a name)", "stands twice in the header, with two answers here")
        if name or cell.strip():
            found[name] = cell
    return found


def _named(header: list[str]) -> list[str]:
    """Name the one header cell that HTCDS's flat workbook leaves blank, by its place."""
    names = [name.strip() for name in header]
    for place, name in enumerate(names):
        before = squeezed(names[place - 1]) if place else ""
        if not name and before == "casreferredprimarycaseworker":
            names[place] = "cas_ReasonForOutgoingReferral"
    return names


def _flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}/")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
