"""Load on the console: reviewers' requests a second beside a large register, and a kill in the middle.

    python bench/console.py --cases 100000 --seconds 20

Everything runs on this machine over loopback. Reviewers take, read and decide at a fixed rate (an
open loop: a slow answer does not slow the next question down). Then the server is killed with
SIGKILL in the middle of the load, started again, and every decision that was acknowledged is
looked for. Prints one table; exits with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import httpx

from threelines.people import demo as invented
from threelines.people.register import Register
from threelines.platforms.finding import Finding
from threelines.platforms.review import Review
from threelines.records import Assessment, Elements, Record, Signal, ThreadRef
from threelines.roles import User
from threelines.store.audit import Audit
from threelines.store.database import Store
from threelines.store.keyring import Keyring
from threelines.web.accounts import Accounts

PASSWORD = "seven quiet lamps"
TIERS = ("look", "look", "priority", "urgent")


def prepare(folder: Path, *, cases: int, findings: int, reviewers: int) -> list[str]:
    """Fill a database; return the names of the reviewers."""
    keyring = Keyring.create(folder / "bench.key")
    with Register.open(folder / "bench.db", keyring, User(id="w", role="supervisor", team="t")) as register:
        register.set("communities", " ".join(invented.COMMUNITIES))
        entries = invented.entries(cases=cases, canary="", seed=1, today=date(2026, 11, 1))
        register.add_many(entries, reason="demonstration", batch=5000)
    store = Store.open(folder / "bench.db")
    audit = Audit(store, keyring)
    review = Review(store, keyring, audit)
    for start in range(0, findings, 2000):
        review.add(finding(number) for number in range(start, min(start + 2000, findings)))
    accounts = Accounts(store, keyring, audit)
    names = [f"r{number}" for number in range(reviewers)]
    for name in names:
        accounts.add(name, PASSWORD, role="reviewer")
    store.close()
    return names


def finding(number: int) -> Finding:
    """Return one finding with eight messages and two signals."""
    text = "They make us work 17 hours a day. You are fined for being late. We keep your passport. " * 2
    records = tuple(
        Record(id=f"{number}-{place}", author=f"acc_{number // 2}", conversation=str(number), text=text, language="en")
        for place in range(8)
    )
    signals = tuple(
        Signal(indicator=name, record=f"{number}-0", quote=text[start:end], start=start, end=end, strength="medium")
        for name, start, end in (("CTL-13", 13, 32), ("CTL-06", 42, 62))
    )
    judged = Assessment(
        thread=ThreadRef(kind="conversation", id=str(number), records=tuple(r.id for r in records)), concern=0.7,
        tier=TIERS[number % 4], ai_use=0.0, capabilities=(), support=False, elements=Elements(), signals=signals,
    )  # fmt: skip
    return Finding(assessment=judged, records=records, language="en")


class Server:
    """`threelines serve` in a process of its own."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.workers = workers
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it and return the seconds until it answers."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "threelines.cli.main", "serve", "--db", str(self.folder / "bench.db"), "--port",
             str(self.port), "--no-second-factor", "--no-log", "--workers", str(self.workers)],
            stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=5)
                return time.monotonic() - began
            except httpx.HTTPError:
                if time.monotonic() - began > 60 or self.process.poll() is not None:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.1)

    def stop(self, how: int) -> None:
        """End it, and every process of it, with a signal."""
        assert self.process is not None
        os.killpg(self.process.pid, how)
        self.process.wait(20)


class Reviewer:
    """One person in a browser: takes, reads, decides."""

    def __init__(self, client: httpx.AsyncClient, name: str, kept: list[str], times: list[float]) -> None:
        self.client, self.name, self.kept, self.times = client, name, kept, times
        self.token = ""
        self.where = ""
        self.faults = 0

    async def sign_in(self) -> None:
        """Sign in and remember the form token."""
        answer = await self.client.post("/login", data={"name": self.name, "password": PASSWORD})
        assert answer.status_code == 303, answer.status_code
        self.token = re.search(r'name="token" value="(\w+)"', (await self.client.get("/review")).text)[1]

    async def step(self) -> None:
        """Send the next request of this person's work."""
        began = time.perf_counter()
        try:
            await self._step()
        except httpx.HTTPError:
            self.faults += 1
            return
        self.times.append(time.perf_counter() - began)

    async def _step(self) -> None:
        if not self.where:
            answer = await self.client.post("/review/next", data={"token": self.token})
            self.where = answer.headers.get("location", "") + "?read"
        elif self.where.endswith("?read"):
            self.where = self.where.removesuffix("?read")
            await self.client.get(self.where)
            if self.where == "/review":
                self.where = ""
        else:
            answer = await self.client.post(f"{self.where}/decide", data={"token": self.token, "decision": "watch"})
            if answer.status_code == 303:
                self.kept.append(self.where.rsplit("/", 1)[1])
                self.where = answer.headers["location"] + "?read"
            else:
                self.faults += 1
                self.where = ""


async def load(
    server: Server, names: list[str], *, rate: int, seconds: float, kill: bool
) -> tuple[list[str], list[float], int]:
    """Send `rate` requests a second; return acknowledged decisions, times in seconds, and faults."""
    kept: list[str] = []
    times: list[float] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    clients = [httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=30, limits=limits) for _ in names]
    reviewers = [Reviewer(client, name, kept, times) for client, name in zip(clients, names, strict=True)]
    for reviewer in reviewers:
        await reviewer.sign_in()
    times.clear()
    began, running = time.perf_counter(), set()
    free = list(reviewers)
    late = 0
    for number in range(int(rate * seconds)):
        wait = began + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        if kill and number == int(rate * seconds / 2):
            server.stop(signal.SIGKILL)
            break
        if not free:
            late += 1
            continue
        reviewer = free.pop(0)
        task = asyncio.create_task(reviewer.step())
        running.add(task)
        task.add_done_callback(lambda done, who=reviewer: (running.discard(done), free.append(who)))
    await asyncio.gather(*running)
    for client in clients:
        await client.aclose()
    return kept, times, late + sum(reviewer.faults for reviewer in reviewers)


def lost(folder: Path, kept: list[str]) -> int:
    """Count acknowledged decisions that the database does not have."""
    import sqlalchemy as sa

    from threelines.platforms.review_tables import decisions

    store = Store.open(folder / "bench.db")
    with store.read() as connection:
        known = set(connection.execute(sa.select(decisions.c.finding)).scalars())
    Audit(store, Keyring.open(folder / "bench.key")).verify()
    return len(set(kept) - known)


def main() -> int:
    """Run both parts and print the table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (
        ("cases", 100_000),
        ("findings", 9000),
        ("reviewers", 60),
        ("rate", 200),
        ("seconds", 20),
        ("workers", 2),
    ):
        options.add_argument(f"--{name}", type=int, default=default)
    options.add_argument("--folder", type=Path, help="Prepare here, or use what was prepared here.")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="threelines-bench-") as name:
        return measure(given.folder or Path(name), given)


def measure(folder: Path, given: argparse.Namespace) -> int:
    """Prepare where needed, send the load, kill in the middle, count what was lost."""
    names = [f"r{number}" for number in range(given.reviewers)]
    if not (folder / "bench.db").exists():
        began = time.monotonic()
        folder.mkdir(exist_ok=True)
        names = prepare(folder, cases=given.cases, findings=given.findings, reviewers=given.reviewers)
        print(f"prepared {given.cases:,} cases and {given.findings:,} findings in {time.monotonic() - began:.0f} s")
    server = Server(folder, given.workers)
    print(f"started in {server.start():.1f} s; load of the machine before: {os.getloadavg()[0]:.1f}")
    kept, times, faults = asyncio.run(load(server, names, rate=given.rate, seconds=given.seconds, kill=False))
    ranks = statistics.quantiles(times, n=100)
    print(
        f"{given.rate}/s for {given.seconds} s: {len(times)} answered, {faults} late or failed, {len(kept)} decisions"
    )
    print(f"p50 {1000 * ranks[49]:.0f} ms, p95 {1000 * ranks[94]:.0f} ms, p99 {1000 * ranks[98]:.0f} ms")
    more, _, _ = asyncio.run(load(server, names, rate=given.rate, seconds=given.seconds / 2, kill=True))
    print(f"killed in the middle of the load; started again in {server.start():.1f} s")
    missing = lost(folder, [*kept, *more])
    print(f"{len(kept) + len(more)} acknowledged decisions, {missing} lost; audit chain whole")
    server.stop(signal.SIGTERM)
    return int(ranks[94] > 0.2 or missing > 0 or faults > 0.01 * given.rate * given.seconds)


if __name__ == "__main__":
    raise SystemExit(main())
