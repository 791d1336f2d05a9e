"""Which columns may say who wrote a row and when, where none is read so: without them no thread and no account is seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Literal

from threelines.platforms.columns import is_personal
from threelines.platforms.read._source import Note
from threelines.platforms.read._times import Shown, time_of

_SHOWN = 3
_Field = Literal["author", "time"]


class Beside:
    """What some rows of a file show."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = 0
        self._missing: set[_Field] = {"author", "time"}
        self._people, self._times = Counter[str](), Counter[str]()

    def watch(self, row: Mapping[str, Any]) -> None:
        """Note which columns of a row name people or hold times."""
        self._rows += 1
        self._missing = {field for field in self._missing if field not in row}
        for column, value in row.items() if self._missing else ():
            if "author" in self._missing and isinstance(value, str | int) and value and is_personal(column):
                self._people[column] += 1
            if "time" in self._missing and _is_time(value):
                self._times[column] += 1

    def notes(self) -> Iterator[Note]:
        """Say for the sender and the time where they may stand, if nothing was read as such."""
        found: tuple[tuple[_Field, str, Counter[str]], ...] = (
            ("author", "the sender", self._people),
            ("time", "the time", self._times),
        )
        for field, called, columns in found:
            likely = [column for column, times in columns.items() if 2 * times > self._rows][:_SHOWN]
            if field in self._missing and likely:
                reason = f"no column is read as {called}; it may stand in {' or '.join(likely)}"
                yield Note(self._name, reason, f"to read it: --map {field}=COLUMN")


def _is_time(value: Any) -> bool:
    if isinstance(value, date):
        return True
    if not isinstance(value, str) or not 6 <= len(value) <= 40 or not any(mark in value for mark in "-/.:年"):
        return False
    return any(map(str.isdigit, value)) and time_of(value, _any_order)[0] is not None


def _any_order() -> Shown:
    return "day"
