"""A service over a small trained model, asked in this process."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from respllm.inference.answering import Answerer
from respllm.server.app import create_app
from respllm.server.service import Service, card_of
from respllm.server.settings import Settings

HERE = "http://127.0.0.1"
SETTINGS = Settings(allow_simulated_model=True, drain_seconds=0.0, answer_seconds=60.0)
Served = Callable[..., TestClient]


def wav(seconds: float = 3.0, seed: int = 0, rate: int = 16_000, fmt: str = "WAV") -> bytes:
    """Noise as the bytes of a file."""
    random = np.random.default_rng(seed)
    file = io.BytesIO()
    soundfile.write(file, 0.1 * random.standard_normal(round(seconds * rate)), rate, format=fmt)
    return file.getvalue()


@pytest.fixture(scope="session")
def answerer(trained_run: Path) -> Answerer:
    return Answerer.from_pretrained(trained_run, allow_simulated_model=True)


@pytest.fixture(scope="session")
def service(answerer: Answerer, trained_run: Path) -> Service:
    """Answers for any recording."""
    return Service(answerer, SETTINGS, card=card_of(trained_run))


@pytest.fixture
def served(service: Service) -> Iterator[Served]:
    """`served(max_seconds=5)`: a client of the service with other settings."""
    clients: list[TestClient] = []

    def start(**changed: object) -> TestClient:
        settings = replace(SETTINGS, **changed)
        other = Service(service.answerer, settings, card=service.card)
        client = TestClient(create_app(other), HERE, raise_server_exceptions=True)
        client.__enter__()
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture(scope="module")
def http(service: Service) -> Iterator[TestClient]:
    """A client of the service."""
    with TestClient(create_app(service), HERE) as client:
        yield client


def problem(response: object, status: int, kind: str) -> dict:
    """The problem document of a response that must be one."""
    assert response.status_code == status, response.text  # type: ignore[attr-defined]
    assert response.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    found = response.json()  # type: ignore[attr-defined]
    assert found["type"] == f"urn:respllm:problem:{kind}"
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert found["instance"].startswith("urn:respllm:request:")
    return found
