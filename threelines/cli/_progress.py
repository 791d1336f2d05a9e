"""Progress of long work: a line that moves on a terminal, silence in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


class Stages:
    """Shows the stages of a scan and how far each one is; use as a context."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._tasks: dict[str, TaskID] = {}
        self._done: dict[str, int] = {}
        self._progress = Progress(
            SpinnerColumn(), TextColumn("{task.description:<14}"), TextColumn("{task.fields[done]}"), TimeElapsedColumn(),
            console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True,
        )  # fmt: skip

    def __enter__(self) -> Stages:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, stage: str, done: int) -> None:
        """Add to a stage; the first call begins it."""
        self._done[stage] = self._done.get(stage, 0) + done
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=None, done="")
        unit = {"reading": "records", "pictures": "pictures"}.get(stage, "bytes")
        self._progress.update(self._tasks[stage], done=f"{self._done[stage]:,} {unit}" if self._done[stage] else "")

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return time.monotonic() - self._started

    @property
    def records(self) -> int:
        """Records read so far."""
        return self._done.get("reading", 0)
