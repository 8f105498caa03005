"""How much the service bears, and what it does with more: over HTTP, on this machine.

python benchmarks/service_load.py demo/run [--minutes 10] [--json FILE]

1. capacity: 32 clients that each ask again as soon as they are answered, against the service and
   against the same service handling one request after another;
2. half: requests that come at random times, at half of that capacity;
3. twice: the same at twice the capacity, for `--minutes`: who is taken in, who is sent away (429),
   and what the service's memory does.

The clients run on the same processor as the service and take their share of it. They send the
service's own simulated recordings, as multipart uploads, with changing questions and persons.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import requests
from rich.console import Console
from rich.table import Table

CLIENTS = 32
SECONDS = 20.0
MOST_CONNECTIONS = 400
BOUNDARY = "respllm-load"


@dataclass(slots=True)
class Load:
    """What became of one kind of load; latencies in seconds, memory in MiB."""

    name: str
    offered: float | None
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def answered(self) -> float:
        """Answers a second."""
        return self.statuses[200] / self.seconds

    @property
    def lost(self) -> int:
        """Requests that neither were answered nor sent away politely."""
        return sum(n for status, n in self.statuses.items() if status not in {200, 429})

    def percentile(self, share: float) -> float:
        """Of the latencies of answers, in milliseconds."""
        return float(np.percentile(self.latencies, share) * 1e3) if self.latencies else float("nan")

    def growth(self) -> float | None:
        """MiB between the second and the last quarter of the time."""
        n = len(self.memory) // 4
        if not n:
            return None
        return float(np.median(self.memory[-n:]) - np.median(self.memory[n : 2 * n]))


def bodies(address: str) -> list[bytes]:
    """Whole HTTP requests, ready to send: every example with several persons and questions."""
    found = requests.get(f"{address}/v1/examples", timeout=30).json()["examples"]
    host = address.removeprefix("http://")
    draw = random.Random(0)
    made = []
    for example in found:
        audio = requests.get(f"{address}/v1/examples/{example['id']}", timeout=30).content
        for _ in range(8):
            fields = {
                "task": example["task"],
                "age": str(draw.randrange(20, 90)),
                "gender": draw.choice(["Female", "Male"]),
                "symptoms": draw.choice(["none", "fever", "cough, fever", "sore throat"]),
            }
            parts = [
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in fields.items()
            ]
            head = (
                f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="audio"; '
                'filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
            )
            body = (
                "".join(parts).encode() + head.encode() + audio + f"\r\n--{BOUNDARY}--\r\n".encode()
            )
            top = (
                f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n"
            )
            made.append(top.encode() + body)
    draw.shuffle(made)
    return made


class Connections:
    """Connections to the service that stay open between requests."""

    def __init__(self, address: str) -> None:
        self._host, port = address.removeprefix("http://").split(":")
        self._port = int(port)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._room = asyncio.Semaphore(MOST_CONNECTIONS)

    async def ask(self, request: bytes) -> int:
        """Send one request and read its answer to the end; its status, or 0 where none came."""
        async with self._room:
            while self._idle:
                reader, writer = self._idle.pop()
                if not reader.at_eof():  # the service closes what was idle for long
                    break
                writer.close()
            else:
                try:
                    reader, writer = await asyncio.open_connection(self._host, self._port)
                except OSError:
                    return 0
            try:
                writer.write(request)
                await writer.drain()
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                await reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                return 0
            if "connection: close" in head:
                writer.close()
            else:
                self._idle.append((reader, writer))
            return int(head.split()[1])

    def close(self) -> None:
        """Close what is open."""
        for _, writer in self._idle:
            writer.close()


async def timed(connections: Connections, load: Load, request: bytes) -> int:
    """Ask once and write down what came of it."""
    begun = time.perf_counter()
    status = await connections.ask(request)
    load.statuses[status] += 1
    if status == 200:
        load.latencies.append(time.perf_counter() - begun)
    return status


async def closed(address: str, requests_: list[bytes], name: str, seconds: float) -> Load:
    """`CLIENTS` clients, each asking again once it is answered."""
    load, connections = Load(name, None), Connections(address)
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        at = number
        while time.perf_counter() < end:
            await timed(connections, load, requests_[at % len(requests_)])
            at += CLIENTS

    begun = time.perf_counter()
    await asyncio.gather(*(client(n) for n in range(CLIENTS)))
    load.seconds = time.perf_counter() - begun
    connections.close()
    return load


async def opened(
    address: str, requests_: list[bytes], name: str, rate: float, seconds: float, process: int
) -> Load:
    """Requests at random times, `rate` a second on average, whatever becomes of the others."""
    load, connections = Load(name, rate), Connections(address)
    draw = random.Random(1)
    asked: set[asyncio.Task[int]] = set()
    server = psutil.Process(process)
    begun = time.perf_counter()
    next_at, looked_at = begun, begun
    number = 0
    while (now := time.perf_counter()) < begun + seconds:
        if now >= looked_at:
            load.memory.append(server.memory_info().rss / 2**20)
            looked_at += 1.0
        while next_at <= now:
            task = asyncio.create_task(timed(connections, load, requests_[number % len(requests_)]))
            asked.add(task)
            task.add_done_callback(asked.discard)
            number += 1
            next_at += draw.expovariate(rate)
        await asyncio.sleep(max(0.0, min(next_at, looked_at) - time.perf_counter()))
    load.seconds = time.perf_counter() - begun
    await asyncio.gather(*asked)
    connections.close()
    return load


@asynccontextmanager
async def service(run: str, way: str) -> AsyncIterator[tuple[str, int]]:
    """The service in a process of its own: its address and process id."""
    process = subprocess.Popen(
        [sys.executable, __file__, run, "--serve", way], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        address = process.stdout.readline().strip()
        while requests.get(f"{address}/readyz", timeout=30).status_code != 200:
            await asyncio.sleep(0.1)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait(60)


async def measure(run: str, minutes: float, console: Console) -> list[Load]:
    """All loads, one after the other."""
    loads = []
    async with service(run, "one-by-one") as (address, _):
        asked = bodies(address)
        console.print("one request after another")
        await closed(address, asked, "", SECONDS / 4)  # warms up
        loads.append(await closed(address, asked, "one after another", SECONDS))
    async with service(run, "gathered") as (address, process):
        asked = bodies(address)
        console.print("gathered")
        await closed(address, asked, "", SECONDS / 4)
        loads.append(await closed(address, asked, "gathered", SECONDS))
        capacity = loads[-1].answered
        console.print(f"half of {capacity:.0f} a second")
        loads.append(
            await opened(address, asked, "half of the capacity", capacity / 2, 60.0, process)
        )
        console.print(f"twice {capacity:.0f} a second, for {minutes:g} minutes")
        loads.append(
            await opened(address, asked, "twice the capacity", capacity * 2, 60 * minutes, process)
        )
    return loads


def summary(load: Load) -> dict[str, object]:
    """Its numbers, without the single latencies."""
    return {
        "name": load.name,
        "offered_per_second": load.offered,
        "seconds": load.seconds,
        "answered_per_second": load.answered,
        "statuses": dict(load.statuses),
        "p50_ms": load.percentile(50),
        "p95_ms": load.percentile(95),
        "p99_ms": load.percentile(99),
        "memory_growth_mib": load.growth(),
    }


def shown(loads: list[Load]) -> Table:
    """One row a load."""
    table = Table(
        "load", "offered/s", "answered/s", "sent away", "lost", "p50 ms", "p95 ms", "MiB +"
    )
    for load in loads:
        growth = load.growth()
        table.add_row(
            load.name,
            "-" if load.offered is None else f"{load.offered:.0f}",
            f"{load.answered:.1f}",
            str(load.statuses[429]),
            str(load.lost),
            f"{load.percentile(50):.0f}",
            f"{load.percentile(95):.0f}",
            "-" if growth is None else f"{growth:+.1f}",
        )
    return table


def serve(run: str, way: str) -> None:
    """Serve until told to stop; prints the address first."""
    from respllm.inference.answering import Answerer
    from respllm.server.app import create_app
    from respllm.server.processor import hear_alone, keep_freed_memory
    from respllm.server.running import listen_on
    from respllm.server.running import run as run_app
    from respllm.server.service import Service
    from respllm.server.settings import Settings

    settings = Settings(max_requests=2 * MOST_CONNECTIONS)
    with listen_on("127.0.0.1", 0, settings) as listener:
        answerer = Answerer.from_pretrained(run, allow_simulated_model=True)
        keep_freed_memory()
        hear_alone()
        app = create_app(Service(answerer, settings))
        if way == "one-by-one":
            app.add_middleware(OneByOne)
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        run_app(app, settings, listener)


class OneByOne:
    """Lets the next request in when the last one is answered."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        async with self._turn:
            await self._app(scope, receive, send)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("run", help="run folder, of the demo for instance")
    parser.add_argument("--minutes", type=float, default=10.0, help="at twice the capacity")
    parser.add_argument("--json", type=Path, help="file for all numbers")
    parser.add_argument("--serve", choices=["one-by-one", "gathered"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.run, given.serve)
        return
    console = Console()
    loads = asyncio.run(measure(given.run, given.minutes, console))
    console.print(shown(loads))
    console.print(f"gathered / one after another: {loads[1].answered / loads[0].answered:.2f}")
    if given.json:
        given.json.write_text(json.dumps([summary(load) for load in loads], indent=2) + "\n")


if __name__ == "__main__":
    main()
