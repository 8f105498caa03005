"""How much may be sent, and how slowly: checked while it comes, whatever the request states."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from respllm.server.gathering import busy
from respllm.server.metrics import Metrics
from respllm.server.problems import BAD_REQUEST, SLOW_SENDER, TOO_LARGE, ProblemError
from respllm.server.settings import Settings

TABLE_PATH = "/v1/predict/table"
UPLOAD_PATHS = ("/v1/listen", "/v1/predict", "/v1/attribute", TABLE_PATH)
PROBES = ("/healthz", "/readyz")
SMALL_BODY_BYTES = 64 * 1024
"""Of a request that takes none."""
CLOSE = {"Connection": "close"}


class GoneError(Exception):
    """Whoever asked went away, or takes the answer too slowly."""


class Limits:
    """Bounds the bodies of requests, each and all together, and both ends' slowness."""

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._held = 0
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a bounded body; its problems are raised where it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(self, scope, receive)
        body.check_stated_length()
        if scope["path"] not in PROBES and self._running >= self._settings.max_requests:
            self._metrics.refused("requests")
            raise busy(1)
        self._running += 1
        try:
            await self._app(scope, body.receive, self._hurried(send))
        finally:
            self._running -= 1
            self.hold(-body.held)

    def hold(self, count: int) -> None:
        """Count bytes of bodies in memory."""
        self._held += count
        self._metrics.held.set(self._held)

    @property
    def settings(self) -> Settings:
        """What is allowed."""
        return self._settings

    def is_full(self, more: int) -> bool:
        """Whether so many more bytes would be too many."""
        return self._held + more > self._settings.max_held_bytes

    def refused(self, reason: str) -> None:
        """Count a refusal."""
        self._metrics.refused(reason)

    def _hurried(self, send: Send) -> Send:
        async def hurried(message: Message) -> None:
            try:
                async with asyncio.timeout(self._settings.grace_seconds):
                    await send(message)
            except TimeoutError:
                self._metrics.refused("slow reader")
                raise GoneError from None

        return hurried


@dataclass(slots=True)
class _Body:
    """The body of one request, as it comes.

    Attributes:
        held: bytes of it in memory.
    """

    limits: Limits
    scope: Scope
    source: Receive
    held: int = 0
    received: int = 0
    complete: bool = False
    begun: float = 0.0

    def check_stated_length(self) -> None:
        lengths = [value for name, value in self.scope["headers"] if name == b"content-length"]
        if lengths and not all(value.isdigit() for value in lengths):
            raise ProblemError(BAD_REQUEST, "The length is no number", where="Content-Length")
        if lengths and int(lengths[0]) > self._most:
            self.limits.refused("size")
            raise self._too_large()

    async def receive(self) -> Message:
        """The next piece.

        Raises:
            ProblemError: too much, or too slow.
        """
        if self.complete:
            return await self.source()
        message = await self._in_time()
        if message["type"] != "http.request":
            return message
        size = len(message.get("body", b""))
        self.received += size
        self.complete = not message.get("more_body", False)
        if self.received > self._most:
            self.limits.refused("size")
            raise self._too_large()
        if self.limits.is_full(size):
            self.limits.refused("memory")
            error = busy(5)
            error.headers.update(CLOSE)
            raise error
        self.limits.hold(size)
        self.held += size
        return message

    @property
    def _most(self) -> int:
        settings, path = self.limits.settings, self.scope["path"]
        if path == TABLE_PATH:
            return settings.max_table_bytes
        return settings.max_upload_bytes if path in UPLOAD_PATHS else SMALL_BODY_BYTES

    async def _in_time(self) -> Message:
        """The next piece, within the whole body's time and at no less than the slowest rate."""
        settings = self.limits.settings
        now = monotonic()
        self.begun = self.begun or now
        table = self.scope["path"] == TABLE_PATH
        whole = settings.table_body_seconds if table else settings.body_seconds
        earned = settings.grace_seconds + self.received / settings.slowest_bytes
        try:
            async with asyncio.timeout(max(0.0, self.begun + min(whole, earned) - now)):
                return await self.source()
        except TimeoutError:
            self.limits.refused("slow sender")
            raise ProblemError(
                SLOW_SENDER,
                "The body did not come in time",
                expected=f"all of it within {whole:g} s, at {settings.slowest_bytes:g} bytes "
                "a second or more",
                headers=CLOSE,
            ) from None

    def _too_large(self) -> ProblemError:
        return ProblemError(
            TOO_LARGE,
            "The body is too large",
            expected=f"at most {self._most} bytes",
            next_step="send a shorter recording, or a compressed file (flac, ogg)",
            headers=CLOSE,
        )
