"""Latency that the guard adds, over loopback, at a fixed rate.

    python bench/guard_latency.py [--rate 200] [--seconds 10] [--state memory:]

Open loop: requests leave on schedule whether or not earlier ones have come back, so waiting is counted
(no coordinated omission). Two processes: the server, and this client, which takes part of the same cores; measured with the
connection that LiteLLM itself uses, and with httpx. Nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import aiohttp
import httpx
import uvloop

from threelines.ai_models.scenario import items, load


def requests(data: Path | None) -> list[str]:
    """Return what is sent: the scenarios, all near to the subject; with a data folder, nine everyday turns for each."""
    near = [turn for item in items(load(), ("misuse", "contrast", "support", "session")) for turn in item.turns]
    if data is None:
        return near
    with gzip.open(data / "dev" / "benign_dialogues.jsonl.gz", "rt", encoding="utf-8") as lines:
        calm = [turn["text"] for row in map(json.loads, lines) for turn in row["turns"][::2]]
    return [near[n // 10 % len(near)] if n % 10 == 0 else calm[n * 7 % len(calm)] for n in range(10 * len(near))]


class Light:
    """aiohttp: the connection that LiteLLM itself takes its guardrails over by default, on uvloop like its proxy."""

    def __init__(self, address: str) -> None:
        self._client = aiohttp.ClientSession(address, connector=aiohttp.TCPConnector(limit=64))

    async def get(self, path: str) -> int:
        """Return the status of a request that asks for nothing."""
        async with self._client.get(path) as answer:
            await answer.read()
            return answer.status

    async def post(self, path: str, body: str) -> int:
        """Return the status of a request."""
        async with self._client.post(path, data=body.encode()) as answer:
            await answer.read()
            return answer.status

    async def aclose(self) -> None:
        """Leave."""
        await self._client.close()


class Heavy:
    """httpx: what most Python programs ask with; of its own it takes about a millisecond."""

    def __init__(self, address: str) -> None:
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        self._client = httpx.AsyncClient(base_url=address, limits=limits, timeout=10.0)

    async def get(self, path: str) -> int:
        """Return the status of a request that asks for nothing."""
        return (await self._client.get(path)).status_code

    async def post(self, path: str, body: str) -> int:
        """Return the status of a request."""
        return (await self._client.post(path, content=body)).status_code

    async def aclose(self) -> None:
        """Leave."""
        await self._client.aclose()


async def schedule(rate: int, count: int, ask: Callable[[int], Coroutine[None, None, int]]) -> list[float]:
    """Ask on schedule; return the milliseconds from when each was due to when it came back, shortest first."""
    waited: list[float] = []

    async def one(number: int, due: float) -> None:
        status = await ask(number)
        waited.append((time.perf_counter() - due) * 1000)
        assert status == 200, status

    start = time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(number, due))
    return sorted(waited)


async def fire(client: Light | Heavy, rate: int, seconds: float, data: Path | None) -> tuple[list[float], list[float]]:
    """Return the milliseconds of requests that ask for nothing (client, connection and server alone), and of real ones."""
    texts, pick = requests(data), random.Random(5)

    async def nothing(number: int) -> int:
        return await client.get("/health")

    async def one(number: int) -> int:
        body = {
            "input_type": "request", "texts": [texts[number % len(texts)]], "litellm_call_id": str(number),
            "litellm_trace_id": f"s{pick.randrange(500)}", "request_headers": {"x-litellm-session-id": "1"},
            "request_data": {"user_api_key_end_user_id": f"a{pick.randrange(300)}"},
        }  # fmt: skip
        return await client.post("/beta/litellm_basic_guardrail_api", json.dumps(body))

    await asyncio.gather(*(nothing(0) for _ in range(16)))
    empty = await schedule(rate, 2 * rate, nothing)
    for number in range(50):
        await one(number)
    return empty, await schedule(rate, int(rate * seconds), one)


def measure(kind: type[Light] | type[Heavy], address: str, chosen: argparse.Namespace) -> None:
    """Print what one client waits."""

    async def work() -> tuple[list[float], list[float]]:
        client = kind(address)
        try:
            return await fire(client, chosen.rate, chosen.seconds, chosen.everyday)
        finally:
            await client.aclose()

    empty, waited = uvloop.run(work()) if kind is Light else asyncio.run(work())
    at = lambda times, share: times[min(len(times) - 1, int(share * len(times)))]  # noqa: E731
    name = "aiohttp on uvloop" if kind is Light else "httpx"
    print(f"{name}: {len(empty)} empty requests: p50 {at(empty, 0.5):.2f} ms, p95 {at(empty, 0.95):.2f} ms")
    print(
        f"{name}: {len(waited)} answers: p50 {at(waited, 0.5):.2f} ms, p95 {at(waited, 0.95):.2f} ms, "
        f"p99 {at(waited, 0.99):.2f} ms, max {waited[-1]:.1f} ms"
    )


def main() -> None:
    """Start the server, measure, stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--state", default="memory:")
    parser.add_argument("--everyday", type=Path, help="data folder: nine everyday turns for each scenario")
    parser.add_argument("--words", action="store_true", help="without the reader of meaning")
    parser.add_argument("--later", action="store_true", help="requests are read after the answer (guard serve --later)")
    chosen = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    orders = [
        sys.executable,
        "-m",
        "threelines.cli.main",
        "guard",
        "serve",
        "--port",
        str(port),
        "--state",
        chosen.state,
        "--key",
        "bench",
        "--words" if chosen.words else "--meaning",
        *(["--later"] if chosen.later else []),
    ]
    server = subprocess.Popen(orders)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        for kind in (Light, Heavy):
            measure(kind, f"http://127.0.0.1:{port}", chosen)
    finally:
        server.terminate()
        server.wait(10)
    print(
        f"{chosen.rate}/s for {chosen.seconds:g} s, state {chosen.state.split(':')[0]}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
