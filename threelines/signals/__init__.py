"""Detectors: each reads one kind of thread and yields what it saw, with the words.

The tuple `SIGNALS` is the whole list. A detector's docstring is what the moderator reads.
To add one: write the function in its family's module and name it here.
"""

from __future__ import annotations

from threelines.signals.detector import Detector, reads
from threelines.signals.wording import published_phrase

__all__ = ["SIGNALS", "Detector", "reads"]

SIGNALS: tuple[Detector, ...] = (published_phrase,)
