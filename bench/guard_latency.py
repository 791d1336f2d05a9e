"""Latency that the guard adds, over loopback, at a fixed rate.

    python bench/guard_latency.py [--rate 200] [--seconds 10] [--state memory:]

Open loop: requests leave on schedule whether or not earlier ones have come back, so waiting is counted
(no coordinated omission). Two processes: the server, and this client. Nothing leaves the machine.
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
from pathlib import Path

import httpx

from threelines.ai_models.scenario import items, load


def requests(data: Path | None) -> list[str]:
    """Return what is sent: the scenarios, all near to the subject; with a data folder, nine everyday turns for each."""
    near = [turn for item in items(load(), ("misuse", "contrast", "support", "session")) for turn in item.turns]
    if data is None:
        return near
    with gzip.open(data / "dev" / "benign_dialogues.jsonl.gz", "rt", encoding="utf-8") as lines:
        calm = [turn["text"] for row in map(json.loads, lines) for turn in row["turns"][::2]]
    return [near[n // 10 % len(near)] if n % 10 == 0 else calm[n * 7 % len(calm)] for n in range(10 * len(near))]


async def empty(client: httpx.AsyncClient, rate: int) -> None:
    """Print what a request that asks for nothing takes: the share of client, connection and server."""
    waited = []

    async def one(due: float) -> None:
        await client.get("/health")
        waited.append((time.perf_counter() - due) * 1000)

    start = time.perf_counter() + 0.1
    async with asyncio.TaskGroup() as group:
        for number in range(2 * rate):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
    waited.sort()
    print(f"{len(waited)} empty requests: p50 {waited[rate]:.2f} ms, p95 {waited[int(1.9 * rate)]:.2f} ms")


async def fire(address: str, rate: int, seconds: float, data: Path | None) -> list[float]:
    """Send requests on schedule; return the milliseconds from when each was due to when it came back."""
    texts = requests(data)
    pick, waited = random.Random(5), []
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(base_url=address, limits=limits, timeout=10.0) as client:

        async def one(number: int, due: float) -> None:
            body = {
                "input_type": "request", "texts": [texts[number % len(texts)]], "litellm_call_id": str(number),
                "litellm_trace_id": f"s{pick.randrange(500)}", "request_headers": {"x-litellm-session-id": "1"},
                "request_data": {"user_api_key_end_user_id": f"a{pick.randrange(300)}"},
            }  # fmt: skip
            answer = await client.post("/beta/litellm_basic_guardrail_api", content=json.dumps(body))
            assert answer.status_code == 200, answer.text
            waited.append((time.perf_counter() - due) * 1000)

        await asyncio.gather(*(client.get("/health") for _ in range(16)))
        await empty(client, rate)
        for number in range(50):
            await one(number, time.perf_counter())
        waited.clear()
        start, tasks = time.perf_counter() + 0.1, []
        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(number, due)))
        await asyncio.gather(*tasks)
    return sorted(waited)


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
        waited = asyncio.run(fire(f"http://127.0.0.1:{port}", chosen.rate, chosen.seconds, chosen.everyday))
    finally:
        server.terminate()
        server.wait(10)
    at = lambda share: waited[min(len(waited) - 1, int(share * len(waited)))]  # noqa: E731
    print(
        f"{chosen.rate}/s for {chosen.seconds:g} s, state {chosen.state.split(':')[0]}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print(
        f"{len(waited)} answers: p50 {at(0.5):.2f} ms, p95 {at(0.95):.2f} ms, p99 {at(0.99):.2f} ms, max {waited[-1]:.1f} ms"
    )


if __name__ == "__main__":
    main()
