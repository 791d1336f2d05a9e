"""Read the rows of an Excel workbook as a CSV file would hold them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from threelines.records import ThreelinesError


class ImportingError(ThreelinesError):
    """A file cannot be imported: names the file, the fault and the remedy."""


def read_sheet(path: Path) -> Iterator[list[str]]:
    """Yield the cells of each row of a workbook's only sheet: of several, all but one would be left out in silence."""
    try:
        from openpyxl import load_workbook
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise ImportingError(f"{path.name}: save it as CSV UTF-8, or install threelines[share] to read .xlsx") from None
    try:
        with closing(load_workbook(path, read_only=True, data_only=True)) as book:
            sheets = {sheet.title: list(_rows(sheet)) for sheet in book.worksheets}
    except (BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, OSError):
        raise ImportingError(f"{path.name}: is no whole workbook; save it again, or as CSV UTF-8") from None
    filled = {name: rows for name, rows in sheets.items() if any(any(map(str.strip, row)) for row in rows)}
    if len(filled) > 1:
        raise ImportingError(f"{path.name}: holds the sheets {', '.join(filled)}; save that of the cases as CSV UTF-8")
    yield from next(iter(filled.values()), [])


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Yield rows as wide as the header: a sheet remembers cells that were emptied long ago."""
    width = 0
    sheet.reset_dimensions()  # what a program wrote down of them may be wrong
    for row in sheet.values:
        cells = [_cell(value) for value in row]
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        width = width or len(cells)
        yield cells + [""] * (width - len(cells))


def _cell(value: Any) -> str:
    """Return what a cell holds as people type it: days as 2026-03-31, whole numbers without a point."""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
