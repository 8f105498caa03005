"""What the endpoints share while the application runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from respllm.inference.answer import Answer
from respllm.server.gathering import Gatherer
from respllm.server.metrics import Metrics
from respllm.server.service import Asking, Listening, Service


@dataclass(frozen=True, slots=True)
class State:
    """The service, its queue and its counters."""

    service: Service
    gatherer: Gatherer[Asking, Listening, Answer]
    metrics: Metrics


def _state(request: Request) -> State:
    return request.app.state.respllm


Shared = Annotated[State, Depends(_state)]
