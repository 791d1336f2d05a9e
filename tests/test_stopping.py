"""A run that is stopped leaves no half file, no texts and no process, and says so by its exit code."""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from threelines.engine.local import Plan, run
from threelines.records import Record
from threelines.vocabulary.terms import load

SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
COMMANDS = {
    "read": ("read", "--format", "jsonl"),
    "scan in one process": ("scan", "--format", "jsonl", "--jobs", "1"),
    "scan in two processes": ("scan", "--format", "jsonl", "--jobs", "2"),
}
KEY = "a key of the tests, not of people"
MANY = 30_000
"""Records after which the processes of a scan have begun: a pipe lets no more through than are read."""


class Running:
    """A command that reads a pipe which never ends; its standard error ends with the last process that holds it."""

    def __init__(self, place: Path, command: tuple[str, ...], *, code: str = "") -> None:
        self.place, self.out, self.scratch = place, place / "out.jsonl", place / "tmp"
        self.out.write_text("old\n")
        self.scratch.mkdir()
        program = f"{code}\nfrom threelines.cli.main import main\nmain()"
        environment = {"THREELINES_KEY": KEY, "TMPDIR": str(self.scratch), "PYTHONPATH": str(Path(__file__).parents[1])}
        self.process = subprocess.Popen(
            [sys.executable, "-c", program, *command, "/dev/stdin", "--out", str(self.out)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
            start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin
        for number in range(MANY):
            text = f"cook wanted number {number}, ask at the door"
            self.process.stdin.write(json.dumps({"id": str(number), "author": f"a{number % 99}", "text": text}) + "\n")

    def told(self) -> str:
        """Return all of standard error, once every process has let go of it."""
        assert self.process.stderr
        told = b""
        while select.select([self.process.stderr], [], [], 60)[0]:
            part = os.read(self.process.stderr.fileno(), 1 << 16)
            if not part:
                self.process.wait(60)
                return told.decode()
            told += part
        raise TimeoutError(f"a process still holds standard error, which says: {told!r}")

    def clear_up(self) -> None:
        """End what is left of it, its own processes too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for end in (self.process.stdin, self.process.stderr):
            with suppress(BrokenPipeError):  # what was not sent has no reader any more
                assert end
                end.close()
        self.process.wait()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start commands that are under way when they are handed over."""
    begun: list[Running] = []

    def begin(command: str, *, code: str = "") -> Running:
        begun.append(Running(tmp_path, COMMANDS[command], code=code))
        return begun[-1]

    yield begin
    for each in begun:
        each.clear_up()


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("send", [os.kill, os.killpg], ids=["alone", "group"])
@pytest.mark.parametrize("command", COMMANDS)
def test_stopping_leaves_nothing(
    command: str, send: Callable[[int, int], None], number: signal.Signals, start: Callable[..., Running]
) -> None:
    """However a run is stopped it says so, clears up and ends its processes; what stood there before stays whole."""
    running = start(command)
    send(running.process.pid, number)
    told = running.told()

    assert (SIGNALS[number], "Stopped.") == (running.process.returncode, told.strip())
    assert ("old\n", []) == (running.out.read_text(), list(running.scratch.iterdir()))
    assert not list(running.place.glob(".out*"))


def test_processes_end_with_the_one_that_began_them(start: Callable[..., Running]) -> None:
    """A scan that is killed, and can clear up nothing, leaves no process that works on or holds its output open."""
    running = start("scan in two processes")
    os.kill(running.process.pid, signal.SIGKILL)

    assert "" == running.told()
    assert "old\n" == running.out.read_text()


def test_nohup_outlives_the_terminal(start: Callable[..., Running]) -> None:
    """Who ignores SIGHUP goes on, and is stopped by what is not ignored."""
    running = start("read", code="import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    os.kill(running.process.pid, signal.SIGHUP)
    os.kill(running.process.pid, signal.SIGTERM)

    assert "Stopped." == running.told().strip()
    assert 143 == running.process.returncode


def test_a_process_that_is_ended_from_outside_is_a_message(start: Callable[..., Running]) -> None:
    """Where the system ends a process of a scan, for want of memory, the scan says so and clears up."""
    running = start("scan in two processes")
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    if not children.exists():
        pytest.skip("needs /proc with children")
    os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
    assert running.process.stdin
    running.process.stdin.close()
    told = running.told()

    assert (2, True, False) == (running.process.returncode, "fewer --jobs" in told, "Traceback" in told), told
    assert ("old\n", []) == (running.out.read_text(), list(running.scratch.iterdir()))


def test_a_program_that_wants_no_more_has_no_process_left() -> None:
    """A scan that is closed early ends its processes, from a thread of a program as well."""

    def first_of_many() -> int:
        records = (Record(id=str(number), kind="advert", text=f"cook wanted {number}") for number in range(MANY))
        batches = run(records, Plan(vocabulary=load(), everything=True), jobs=2)
        found = next(batches).found
        assert 2 == len(multiprocessing.active_children())
        batches.close()
        return len(found)

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(first_of_many).result(60)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("words", ["vocabulary gaps", "vocabulary --help", "scan many.jsonl --all", "read many.jsonl"])
def test_output_that_nobody_reads_is_141(words: str, tmp_path: Path) -> None:
    """A closed pipe ends the run in silence with the code that shells give: not all was written, and nothing was found."""
    line = json.dumps({"text": "cook wanted, ask at the door"})
    (tmp_path / "many.jsonl").write_text(f"{line}\n" * 3000)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "threelines.cli.main", *words.split()],
        cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=120,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1]), "THREELINES_KEY": KEY},
    )  # fmt: skip
    os.close(writing)

    assert (141, "") == (done.returncode, done.stderr)
