"""Scans take turns, in a thread of their own: an hour of scanning holds no thread that a page needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threelines.records import ThreelinesError

_Answer = TypeVar("_Answer")


class Occupied(ThreelinesError):
    """Another scan is under way and did not end in time."""


class Turns:
    """One scan at a time (the engine keeps its plan per process); who waits too long is told to come again.

    `seconds` is how long one may wait for its turn, `most` how many may.
    """

    def __init__(self, *, seconds: float = 20.0, most: int = 100) -> None:
        self.seconds, self.most = seconds, most
        self._waiting = 0
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="threelines-scan")

    async def take(self, work: Callable[[], _Answer]) -> _Answer:
        """Return what the work returns; raise Occupied when it cannot begin in time."""
        if self._waiting >= self.most:
            raise Occupied(_COME_AGAIN)
        self._waiting += 1
        try:
            asked = self._thread.submit(work)
            answer = asyncio.wrap_future(asked)
            await asyncio.wait([answer], timeout=self.seconds)
            if asked.cancel():
                raise Occupied(_COME_AGAIN)
            return await answer
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Let the scan under way end, and begin no other."""
        self._thread.shutdown(wait=False, cancel_futures=True)


_COME_AGAIN = "another export is being read here; try again in a minute"
AGAIN_AFTER = 60
"""Seconds after which to come again."""
