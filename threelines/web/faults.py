"""What the log says of a fault: which kind, and where in our code. Never its text: that may hold what somebody wrote."""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from typing import Any

import msgspec

_FRAMES = 12


def fault_line(fault: BaseException) -> str:
    """Return one JSON line: the kinds of a fault and of what led to it, and the innermost places, without any value."""
    kinds, last, seen = [], fault, set[int]()
    step: BaseException | None = fault
    while step is not None and id(step) not in seen:
        seen.add(id(step))
        kinds.append(type(step).__name__)
        last, step = step, step.__cause__ or step.__context__
    frames = traceback.extract_tb(last.__traceback__ or fault.__traceback__)[-_FRAMES:]
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return msgspec.json.encode({"fault": kinds, "at": places}).decode()


def note_fault(fault: BaseException) -> None:
    """Write a fault into the log of the process."""
    print(fault_line(fault), file=sys.stderr, flush=True)  # noqa: T201 - the log itself


class WithoutValues(logging.Handler):
    """Write the first line of a message to standard error, and a fault as `fault_line` does: servers print its text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line of the log; a standard error that is closed takes none."""
        fault = record.exc_info[1] if record.exc_info else None
        line = record.getMessage().partition("\n")[0] if fault is None else fault_line(fault)
        with suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log itself


LOG: dict[str, Any] = {
    "version": 1, "disable_existing_loggers": False, "handlers": {"stderr": {"()": WithoutValues}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    # none of its own, which would write values: whoever ran uvicorn before in this process may have given it some
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("uvicorn", "uvicorn.error", "uvicorn.access")},
}  # fmt: skip
"""The log of `threelines serve`, `feed` and `guard serve`, for uvicorn and all that runs beneath it."""
