"""A service behind a real port, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from fastapi import FastAPI

from respllm.server.app import create_app
from respllm.server.running import listen_on, make_server
from respllm.server.service import Service
from respllm.server.settings import Settings


@dataclass
class Running:
    """A running service."""

    app: FastAPI
    server: uvicorn.Server
    port: int
    thread: threading.Thread

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextmanager
def running(service: Service, settings: Settings) -> Iterator[Running]:
    app = create_app(Service(service.answerer, settings, card=service.card))
    with listen_on("127.0.0.1", 0, settings) as listener:
        server = make_server(app, settings)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            give_up = time.monotonic() + 20
            while not server.started and time.monotonic() < give_up:
                time.sleep(0.01)
            yield Running(app, server, listener.getsockname()[1], thread)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()
