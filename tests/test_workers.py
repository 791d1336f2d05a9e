"""The processes of `threelines serve --workers`: one that ends is replaced, and a service that cannot run ends."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

WORKERS = r"""
import os, sys, time
from threelines.cli._workers import Workers
def work(number):
    os.write(1, f"started {number}\n".encode())
    time.sleep(60)
Workers(work, count=2, young=float(sys.argv[1])).run()
"""


def children(pid):
    """Return the processes that a process has started and that run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split() if "\nState:\tZ" not in Path(f"/proc/{child}/status").read_text()]


def until(true):
    """Wait until something is true, half a minute at most."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def started():
    """Return a function that starts two workers, which are `young` for so many seconds."""
    begun = []

    def start(young):
        command = [sys.executable, "-c", WORKERS, str(young)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        begun.append(process)
        assert {process.stdout.readline() for _ in range(2)} == {"started 0\n", "started 1\n"}
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.terminate()
        process.wait(15)


@pytest.mark.parametrize("number", [0, 1])
def test_a_worker_that_was_killed_is_replaced(started, number):
    """By one of the same number (0 sends the announcements), and the log says so; a stop then ends all."""
    process = started(0)
    first = children(process.pid)
    os.kill(first[number], signal.SIGKILL)

    assert process.stdout.readline() == f"started {number}\n"
    now = children(process.pid)
    assert len(now) == 2 and first[number] not in now and first[1 - number] in now
    process.terminate()
    assert (process.wait(15), [pid for pid in now if Path(f"/proc/{pid}").exists()]) == (0, [])
    assert '"message":"worker ended"' in process.stderr.read()


def test_a_worker_that_ends_at_once_ends_the_service(started):
    """With a code that is not 0, so that systemd or the container starts it again; no other worker is left behind."""
    process = started(60)
    pids = children(process.pid)
    os.kill(pids[0], signal.SIGKILL)

    assert process.wait(15) != 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_ctrl_c_ends_all(started):
    """A terminal sends it to every process at once."""
    process = started(0)
    pids = children(process.pid)
    for pid in (*pids, process.pid):
        os.kill(pid, signal.SIGINT)

    assert process.wait(15) == 0
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_workers_end_with_the_process_that_started_them(started):
    """Also where it was killed and could tell them nothing: none serves on, unseen, with the port taken."""
    process = started(0)
    process.kill()
    process.wait(15)

    assert select.select([process.stdout], [], [], 30)[0], "somebody still holds the output"
    assert process.stdout.read() == ""


def test_the_console_goes_on_when_a_worker_is_killed(tmp_path):
    """It answers with the others, and has as many again; stopped, it ends all of them."""
    command = [sys.executable, "-m", "threelines.cli.main", "serve", "--db", "s.db", "--port", "0", "--workers", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    )  # fmt: skip
    try:
        line = next(line for line in process.stdout if line.startswith("Console:"))
        address = line.split()[1]
        until(lambda: len(children(process.pid)) == 2)
        time.sleep(5.5)
        killed = children(process.pid)[0]
        os.kill(killed, signal.SIGKILL)
        until(lambda: len(children(process.pid)) == 2 and killed not in children(process.pid))
        assert httpx.get(f"{address}health", timeout=30).status_code == 200
    finally:
        process.terminate()
        process.wait(30)
    assert process.returncode == 0
