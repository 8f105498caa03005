"""Endpoints that tell about the service: nothing is asked of the model here."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from respllm.server import schemas, telling
from respllm.server.metrics import CONTENT_TYPE_LATEST
from respllm.server.problems import NOT_FOUND, ProblemError
from respllm.server.state import Shared

router = APIRouter()


def reply(model: BaseModel, status: int = 200) -> Response:
    """A typed answer as JSON."""
    return Response(model.model_dump_json(), status, media_type="application/json")


@router.get("/healthz", response_model=schemas.State, tags=["operation"])
async def healthz() -> Response:
    """Whether the process lives."""
    return reply(schemas.State(status="ok"))


@router.get(
    "/readyz",
    response_model=schemas.State,
    responses={503: {"model": schemas.State, "description": "Shutting down."}},
    tags=["operation"],
)
async def readyz(state: Shared) -> Response:
    """Whether requests are taken in."""
    if state.gatherer.is_closing:
        return reply(schemas.State(status="shutting down"), 503)
    return reply(schemas.State(status="ok"))


@router.get("/metrics", tags=["operation"], response_class=Response)
async def metrics(state: Shared) -> Response:
    """Counters for Prometheus."""
    return Response(state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """This document."""
    return JSONResponse(request.app.openapi())


@router.get("/v1/model", response_model=schemas.Model, tags=["about"])
async def model(state: Shared) -> Response:
    """What answers: the model, what it takes, its card."""
    return reply(telling.model_reply(state.service))


@router.get("/v1/tasks", response_model=schemas.Tasks, tags=["about"])
async def tasks(state: Shared) -> Response:
    """What can be asked, and how well the model answered its test people."""
    return reply(telling.tasks_reply(state.service))


@router.get("/v1/form", response_model=schemas.Form, tags=["about"])
async def form() -> Response:
    """The words of the training data for what a person states."""
    return reply(telling.form_reply())


@router.get("/v1/examples", response_model=schemas.Examples, tags=["about"])
async def examples(state: Shared) -> Response:
    """Recordings of simulated people, always the same."""
    return reply(telling.examples_reply(state.service))


@router.get("/v1/examples/{example_id}", tags=["about"], response_class=Response)
async def example(example_id: str, state: Shared) -> Response:
    """The sound of an example, as a WAV file."""
    found = state.service.examples.by_id.get(example_id)
    if found is None:
        raise ProblemError(
            NOT_FOUND, "There is no such example", expected=", ".join(state.service.examples.by_id)
        )
    return Response(found.audio, media_type="audio/wav")
