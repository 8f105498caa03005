"""How much is sent and how slowly is checked while it comes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient

from respllm.server.app import create_app
from respllm.server.limiting import Limits
from respllm.server.service import Service
from tests.server.conftest import SETTINGS, Served, problem, wav
from tests.server.looping import run_async

LIMITS: dict[str, Any] = {"max_upload_bytes": 200_000, "max_table_bytes": 300_000}

FORM = (
    b'--y\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n' + wav(1) + b"\r\n"
)


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield bytes(10_000)


def test_a_stated_size_that_is_too_large_is_refused_before_it_comes(served: Served) -> None:
    http = served(**LIMITS)
    files = {"audio": ("a.wav", bytes(250_000))}
    answer = http.post("/v1/listen", files=files)
    assert "200000" in problem(answer, 413, "too-large")["expected"]
    assert answer.headers["connection"] == "close"


def test_a_size_that_is_not_stated_is_refused_while_it_comes(served: Served) -> None:
    http = served(**LIMITS)
    kind = {"Content-Type": "multipart/form-data; boundary=y"}
    for path in ("/v1/listen", "/v1/predict", "/v1/attribute"):
        problem(http.post(path, content=pieces(21), headers=kind), 413, "too-large")
    table = "/v1/predict/table"
    assert http.post(table, content=pieces(25), headers=kind).status_code == 400, "no form"
    problem(http.post(table, content=pieces(31), headers=kind), 413, "too-large")
    problem(http.post("/v1/predict", content=pieces(25), headers=kind), 413, "too-large")


def test_where_no_body_is_taken_none_is_read(served: Served) -> None:
    http = served(**LIMITS)
    problem(http.request("GET", "/v1/tasks", content=bytes(100_000)), 413, "too-large")
    problem(http.get("/v1/tasks", headers={"Content-Length": "x"}), 400, "bad-request")


def test_all_bodies_together_are_bounded(served: Served) -> None:
    http = served(**LIMITS, max_held_bytes=100_000)
    answer = http.post("/v1/listen", files={"audio": ("a.wav", wav(4))})
    problem(answer, 429, "busy")
    assert answer.headers["retry-after"]
    small = http.post("/v1/listen", files={"audio": ("a.wav", wav(2))})
    assert small.status_code == 200, "what the refused one held was given back"
    assert "respllm_held_bytes 0.0" in http.get("/metrics").text


class Asking:
    """A request as a server hands it over, with pauses."""

    def __init__(self, app: FastAPI, path: str, messages: AsyncIterator[dict]) -> None:
        self.app, self.messages = app, messages
        self.sent: list[dict] = []
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"127.0.0.1"),
                (b"content-type", b"multipart/form-data; boundary=y"),
            ],
        }

    async def answered(self, take: float = 0.0) -> None:
        async def receive() -> dict:
            return await anext(self.messages)

        async def send(message: dict) -> None:
            await asyncio.sleep(take)
            self.sent.append(message)

        await self.app(self.scope, receive, send)

    @property
    def document(self) -> dict:
        return json.loads(self.sent[1]["body"])


def app_with(service: Service, **changed: Any) -> FastAPI:
    settings = replace(SETTINGS, **changed)
    return create_app(Service(service.answerer, settings))


async def started(app: FastAPI, work: Any) -> None:
    async with app.router.lifespan_context(app):
        await work()


def test_a_sender_that_pauses_for_too_long(service: Service) -> None:
    async def slow() -> AsyncIterator[dict]:
        yield {"type": "http.request", "body": b"--y\r\n", "more_body": True}
        await asyncio.sleep(5)

    app = app_with(service, grace_seconds=0.2)
    asking = Asking(app, "/v1/predict", slow())
    begun = time.monotonic()
    run_async(started(app, asking.answered))
    assert time.monotonic() - begun < 2
    assert asking.sent[0]["status"] == 408
    assert asking.document["type"].endswith("slow-sender")
    assert (b"connection", b"close") in asking.sent[0]["headers"]


def test_a_sender_that_drips_is_given_up_in_the_end(service: Service) -> None:
    async def dripping() -> AsyncIterator[dict]:
        yield {"type": "http.request", "body": FORM[:90], "more_body": True}
        while True:
            await asyncio.sleep(0.02)
            yield {"type": "http.request", "body": b"-", "more_body": True}

    for changed in ({"grace_seconds": 0.3}, {"body_seconds": 0.3, "slowest_bytes": 0.001}):
        app = app_with(service, **changed)
        asking = Asking(app, "/v1/predict", dripping())
        begun = time.monotonic()
        run_async(started(app, asking.answered))
        assert 0.25 < time.monotonic() - begun < 2
        assert asking.sent[0]["status"] == 408


def test_who_takes_the_answer_too_slowly_is_given_up(service: Service) -> None:
    async def whole() -> AsyncIterator[dict]:
        yield {"type": "http.request", "body": FORM + b"--y--\r\n", "more_body": False}
        await asyncio.sleep(60)

    app = app_with(service, grace_seconds=0.2)
    asking = Asking(app, "/v1/listen", whole())
    run_async(started(app, lambda: asking.answered(take=5)))
    assert asking.sent == []


def test_who_went_away_is_not_answered(service: Service) -> None:
    computed: list[int] = []

    async def gone() -> AsyncIterator[dict]:
        task = b'--y\r\nContent-Disposition: form-data; name="task"\r\n\r\nS7\r\n--y--\r\n'
        yield {"type": "http.request", "body": FORM + task, "more_body": False}
        yield {"type": "http.disconnect"}

    app = app_with(service)
    asking = Asking(app, "/v1/predict", gone())

    async def work() -> None:
        gatherer = app.state.respllm.gatherer
        ask = gatherer._ask
        gatherer._ask = lambda heard: computed.append(len(heard)) or ask(heard)
        await asking.answered()

    run_async(started(app, work))
    assert asking.sent == []
    assert computed == []


def test_a_busy_service_still_lives(served: Served) -> None:
    http = served(max_requests=1)
    assert http.get("/v1/tasks").status_code == 200
    stack = http.app.middleware_stack  # type: ignore[attr-defined]
    while not isinstance(stack, Limits):
        stack = getattr(stack, "app", None) or stack._app
    stack._running = 1
    problem(http.get("/v1/tasks"), 429, "busy")
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").status_code == 200


def test_a_full_queue_is_told_before_the_body_is_read(served: Served) -> None:
    http = served(max_waiting=1)
    gatherer = http.app.state.respllm.gatherer  # type: ignore[attr-defined]
    gatherer._waiting = 1
    answer = http.post("/v1/predict", content=b"never read")
    gatherer._waiting = 0
    problem(answer, 429, "busy")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_closing_service_says_so(served: Served) -> None:
    http: TestClient = served()
    http.app.state.respllm.gatherer.stop_taking()  # type: ignore[attr-defined]
    assert http.get("/readyz").status_code == 503
    assert http.get("/healthz").status_code == 200
    for path in ("/v1/predict", "/v1/listen", "/v1/attribute", "/v1/predict/table"):
        problem(http.post(path), 503, "shutting-down")
