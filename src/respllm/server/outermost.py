"""The outermost layer: every failure becomes a problem document, every answer safe headers."""

from __future__ import annotations

import logging
import secrets
import traceback
from time import monotonic

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from respllm.errors import RespllmError
from respllm.server.limiting import GoneError
from respllm.server.metrics import Metrics
from respllm.server.problems import INTERNAL, MEDIA_TYPE, ProblemError, Told, told

logger = logging.getLogger("respllm.server")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SAFE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class Outermost:
    """Gives a request an id, catches what fails, adds headers, counts.

    A log never holds more of a request than its id: what failed and where in the code, but no
    message of an exception, which may repeat what was sent.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; nothing is raised."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, request_id=secrets.token_hex(8))
        begun = monotonic()
        try:
            try:
                await self._app(scope, receive, answer.send)
            except GoneError:
                answer.status = answer.status or 499
            except RespllmError as error:
                await answer.problem(told(error, answer.instance))
            except Exception as error:
                _log(error, answer.request_id)
                await answer.problem(told(internal(), answer.instance))
        except (GoneError, OSError):  # nobody is there to be told
            pass
        finally:
            route = getattr(scope.get("route"), "path", "other")
            # Anybody may make up a method, and each would be kept for ever.
            method = scope["method"] if scope["method"] in METHODS else "other"
            self._metrics.requests.labels(method, route, str(answer.status)).inc()
            self._metrics.seconds.labels(route).observe(monotonic() - begun)


class _Answer:
    """The answer to one request, as it is sent.

    Attributes:
        request_id: of the request.
        status: that was sent; 0 before.
    """

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self.request_id = request_id
        self.status = 0

    @property
    def instance(self) -> str:
        """The request's id as a name."""
        return f"urn:respllm:request:{self.request_id}"

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with safe headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SAFE_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
            headers["X-Request-Id"] = self.request_id
        await self._send(message)

    async def problem(self, problem: Told) -> None:
        """Send a problem document, unless an answer has begun: then it stays cut off."""
        if self.status:
            return
        body = problem.body
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            **problem.headers,
        }
        await self.send(
            {
                "type": "http.response.start",
                "status": problem.problem.status,
                "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
            }
        )
        await self.send({"type": "http.response.body", "body": body})


def internal() -> ProblemError:
    """That the service failed; what of it, only the log says."""
    return ProblemError(
        INTERNAL,
        "An error that is not the request's",
        next_step="tell whoever runs the service; the log names the request by its instance",
    )


def _log(error: Exception, request_id: str) -> None:
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in frames[::-1])
    logger.error("request %s failed: %s in %s", request_id, type(error).__name__, places)
