"""Several processes that share the work of one server: one that ends is replaced, and none ends unseen."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing import connection
from multiprocessing.context import ForkProcess

import msgspec

from threelines.records import ThreelinesError

YOUNG = 5.0
"""Seconds: a worker that ends sooner would end again, so that all are stopped and whoever watches the service sees it."""


class WorkerError(ThreelinesError):
    """A worker ended as soon as it was started."""


class Workers:
    """Processes that run `work(number)`, numbers from 0, until they are told to stop."""

    def __init__(self, work: Callable[[int], None], *, count: int, young: float = YOUNG) -> None:
        self.work, self.count, self.young = work, count, young
        self._running: dict[int, tuple[ForkProcess, float]] = {}
        """By number: the process, and when it was started (monotonic, seconds)."""
        self._stopping = False
        self._pipe = (-1, -1)
        """Its end for writing is the parent's alone, as long as it lives."""
        # What is ignored stays so: `nohup`.
        asked = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        self._signals = tuple(each for each in asked if signal.getsignal(each) is not signal.SIG_IGN)

    def run(self) -> None:
        """Start them and replace each that ends, with its number, until a signal says stop; then stop all.

        Raises WorkerError, with all stopped, where one ended within `young` seconds.
        """
        before = {each: signal.signal(each, self._stop) for each in self._signals}
        self._pipe = os.pipe()
        try:
            for number in range(self.count):
                self._start(number)
            while not self._stopping:
                self._replace(self._ended())
        finally:
            self._stop()
            for process, _ in self._running.values():
                process.join()
            for end in self._pipe:
                os.close(end)
            for each, had in before.items():
                signal.signal(each, had)

    def _start(self, number: int) -> None:
        process = multiprocessing.get_context("fork").Process(target=self._child, args=(number,))
        # A signal in between waits: it would find a process that nobody knows of yet.
        signal.pthread_sigmask(signal.SIG_BLOCK, self._signals)
        process.start()
        self._running[number] = (process, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)

    def _child(self, number: int) -> None:
        for each in self._signals:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self._signals)
        os.close(self._pipe[1])
        threading.Thread(target=self._end_with_parent, name="threelines-parent", daemon=True).start()
        self.work(number)

    def _end_with_parent(self) -> None:
        os.read(self._pipe[0], 1)  # nobody writes: it returns when the parent, killed too, holds the other end no more
        os.kill(os.getpid(), signal.SIGTERM)

    def _ended(self) -> list[int]:
        """Wait until some end; return their numbers."""
        by_sentinel = {process.sentinel: number for number, (process, _) in self._running.items()}
        return sorted(by_sentinel[each] for each in connection.wait(list(by_sentinel)) if isinstance(each, int))

    def _replace(self, numbers: list[int]) -> None:
        for number in numbers:
            if self._stopping:
                return
            process, started = self._running[number]
            process.join()
            lived = time.monotonic() - started
            line = {"message": "worker ended", "worker": number, "code": process.exitcode, "seconds": round(lived)}
            print(msgspec.json.encode(line).decode(), file=sys.stderr, flush=True)
            if lived < self.young:
                raise WorkerError(f"worker {number} ended as soon as it was started: all are stopped; the log says why")
            self._start(number)

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process, _started in self._running.values():
            process.terminate()
