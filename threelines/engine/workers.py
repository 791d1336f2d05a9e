"""Processes that work for this one: they stop when it stops, and end when it ends, however it does."""

from __future__ import annotations

import _thread
import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, TypeVar

from threelines.records import ThreelinesError

_In = TypeVar("_In")
_Out = TypeVar("_Out")

_one_piece = threading.RLock()
_GRACE = 2.0
"""Seconds that a process has to hand over its answer when it alone is asked to end."""


class WorkersError(ThreelinesError):
    """A process that worked for this one is gone."""


class Workers:
    """A pool of processes, or this one; answers come in the order of the questions. Use as a context.

    `begin` gets `plan` once in each process of a pool. In this one, where runs of several plans may take turns or stand in
    several threads, it gets it before each piece of work, and no two pieces are done at once. Ctrl-C and SIGHUP, which a shell sends to a whole group, are left to
    the process that began them. Once that leaves the context their work is broken off; when it is gone they end.
    """

    def __init__(self, begin: Callable[[Any], None], plan: object, jobs: int) -> None:
        self._jobs = jobs
        self._begin_here = partial(begin, plan)
        self._pool: ProcessPoolExecutor | None = None
        if jobs > 1:
            # fork shares the vocabulary with no copy; where there is none, each process gets its own.
            forked = sys.platform == "linux"
            context = multiprocessing.get_context("fork" if forked else "spawn")
            heard, self._line = context.Pipe(duplex=False)
            given = (begin, plan, heard, self._line if forked else None)
            self._pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_worker, initargs=given)
            with _signals_held():  # until each process has its own way with them
                self._pool.submit(int)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool:
            self._line.close()
            self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self, work: Callable[[_In], _Out], item: _In) -> Callable[[], _Out]:
        """Begin `work(item)` and return what gives its answer; without a pool it is done when asked for."""
        return partial(_answer, self._begun(work, item)) if self._pool else lambda: self._here(work, item)

    def each(self, work: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
        """Yield `work(item)` in order, at most two items ahead per process."""
        if not self._pool:
            yield from map(partial(self._here, work), items)
            return
        waiting: deque[Future[_Out]] = deque()
        for item in items:
            waiting.append(self._begun(work, item))
            if len(waiting) > 2 * self._jobs:
                yield _answer(waiting.popleft())
        while waiting:
            yield _answer(waiting.popleft())

    def _here(self, work: Callable[[_In], _Out], item: _In) -> _Out:
        with _one_piece:
            self._begin_here()
            return _at_once(work, item)

    def _begun(self, work: Callable[[_In], _Out], item: _In) -> Future[_Out]:
        assert self._pool
        try:
            return self._pool.submit(_work, work, item)
        except BrokenProcessPool as broken:
            raise _gone() from broken


def _answer(future: Future[_Out]) -> _Out:
    try:
        return future.result()
    except BrokenProcessPool as broken:
        raise _gone() from broken


def _gone() -> WorkersError:
    return WorkersError(
        "a process that worked for this one was ended from outside, most often for want of memory; run again with fewer --jobs"
    )


@contextmanager
def _signals_held() -> Iterator[None]:
    """Let signals wait meanwhile, here and in what is begun here."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    had = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, had)


def _at_once(work: Callable[[_In], _Out], item: _In) -> _Out:
    """Do one piece of work without looking for cycles in between.

    Records, turns and signals make none, and looking for some among 100,000 that live on took 15% of all time.
    """
    if not gc.isenabled():
        return work(item)
    gc.disable()
    try:
        return work(item)
    finally:
        gc.enable()


# ---- in each process -------------------------------------------------------------------------

_ASKED = "a process that worked for this one was asked to end; run again"

_working = False
_stopping = False


def _begin_worker(begin: Callable[[Any], None], plan: object, heard: Connection, line: Connection | None) -> None:
    if line:
        line.close()  # what was forked holds a copy, and would never hear the end
    _take_signals()
    threading.Thread(target=_heed, args=(heard,), daemon=True).start()
    begin(plan)
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


def _take_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _on_end)
    if hasattr(signal, "pthread_sigmask"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def _heed(heard: Connection) -> None:
    """Break off the work when the line is closed, and end when the process that began this one is gone."""
    global _stopping  # noqa: PLW0603 - one per process
    heard.poll(None)  # nothing is ever sent
    _stopping = True
    _thread.interrupt_main(signal.SIGTERM)
    began = multiprocessing.parent_process()
    if began:
        began.join()
    os._exit(1)


def _on_end(_number: int, _frame: object) -> None:
    """Break off the work; an answer that is on its way is sent whole, or the process that waits for it would hang."""
    global _stopping  # noqa: PLW0603 - one per process
    if not _stopping:
        _stopping = True
        late = threading.Timer(_GRACE, os._exit, (128 + signal.SIGTERM,))
        late.daemon = True
        late.start()
    if _working:
        raise WorkersError(_ASKED)


def _work(work: Callable[[_In], _Out], item: _In) -> _Out:
    global _working  # noqa: PLW0603 - one per process
    _working = True
    try:
        if _stopping:
            raise WorkersError(_ASKED)
        return _at_once(work, item)
    finally:
        _working = False
