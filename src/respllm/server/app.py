"""The application: every endpoint over one `Service`. Start it with `respllm serve RUN`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from respllm.inference.answer import Answer
from respllm.server import about, asking_model, page_files
from respllm.server.documenting import document
from respllm.server.gathering import Gatherer
from respllm.server.guarding import Guard
from respllm.server.limiting import Limits
from respllm.server.metrics import Metrics
from respllm.server.outermost import Outermost
from respllm.server.problems import INVALID, METHOD, NOT_FOUND, ProblemError
from respllm.server.processor import begin_asking
from respllm.server.service import Asking, Listening, Service
from respllm.server.state import State


def create_app(service: Service) -> FastAPI:
    """The service as an ASGI application."""
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        gatherer: Gatherer[Asking, Listening, Answer] = Gatherer(
            service.hear,
            service.ask,
            service.settings,
            metrics,
            partial(begin_asking, service.answerer.predictor.checkpoint.model),
        )
        gatherer.start()
        app.state.respllm = State(service, gatherer, metrics)
        try:
            yield
        finally:
            await gatherer.close()

    # Neither documents nor redirects of the framework's own: its pages load scripts from elsewhere.
    app = FastAPI(
        lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    app.include_router(about.router)
    app.include_router(asking_model.router)
    app.include_router(page_files.router)
    openapi = document(app)
    app.openapi = lambda: openapi  # type: ignore[method-assign]
    app.add_exception_handler(HTTPException, _as_problem)
    app.add_exception_handler(RequestValidationError, _as_problem)
    # The last one added is the outermost.
    app.add_middleware(Limits, settings=service.settings, metrics=metrics)
    app.add_middleware(Guard, settings=service.settings)
    app.add_middleware(Outermost, metrics=metrics)
    return app


def _as_problem(request: Request, error: Exception) -> Response:
    """The framework's own errors, in our words."""
    if not isinstance(error, HTTPException):
        raise ProblemError(INVALID, "The request is not as the document says")
    if error.status_code == METHOD.status:
        allowed = dict(error.headers or {})
        raise ProblemError(
            METHOD,
            "The method is not allowed here",
            expected=allowed.get("Allow") or allowed.get("allow"),
            headers=allowed,
        )
    if error.status_code == NOT_FOUND.status:
        raise ProblemError(NOT_FOUND, "There is nothing here", next_step="see /openapi.json")
    raise ProblemError(INVALID, "The request is not as the document says")
