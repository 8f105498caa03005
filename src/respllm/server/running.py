"""An application behind a port, until it is told to stop."""

from __future__ import annotations

import asyncio
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from respllm.errors import ConfigError
from respllm.server.problems import BAD_REQUEST, MEDIA_TYPE, ProblemError, told
from respllm.server.settings import LOOPBACK_HOSTS, Settings

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1", "localhost")


def run(app: FastAPI, settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; then finish what was taken in, and return."""
    make_server(app, settings).run(sockets=[listener])


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """The server that `run` runs."""
    config = uvicorn.Config(
        app,
        http=_protocol(settings),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
    )
    return _Server(config, app, settings)


def listen_on(host: str, port: int, settings: Settings) -> socket.socket:
    """Bind a port; 0 takes any that is free.

    Raises:
        ConfigError: it is taken, or others can reach it and no token and name are set.
    """
    if host not in LOOPBACK_ADDRESSES:
        if settings.token is None:
            raise ConfigError(
                f"Others can reach {host}, and no token is set",
                expected="RESPLLM_TOKEN or --token-file",
                next_step='python -c "import secrets; print(secrets.token_urlsafe(32))"; '
                "or keep to --host 127.0.0.1",
            )
        if not set(settings.allowed_hosts) - set(LOOPBACK_HOSTS):
            raise ConfigError(
                f"Others can reach {host}, and it is not said under which name",
                expected="--allowed-host NAME, as it stands in the address of the page",
            )
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise ConfigError(
            f"The service cannot listen on {host}, port {port}: {error.strerror or error}",
            next_step="choose another --port, or stop what listens there",
        ) from error
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # what nobody takes is given up by the system
        milliseconds = round(3000 * settings.grace_seconds)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return listener


class _Server(uvicorn.Server):
    """Says that it is not ready before it stops to listen."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, settings: Settings) -> None:
        super().__init__(config)
        self._application = app
        self._settings = settings

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in nothing more, let a load balancer see it, then stop."""
        self._application.state.respllm.gatherer.stop_taking()
        await asyncio.sleep(self._settings.drain_seconds)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; asked twice, stop at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _protocol(settings: Settings) -> type[asyncio.Protocol]:
    """uvicorn's HTTP/1.1 with a bound on open connections and on the time that a head takes."""

    class Protocol(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            if len(self.connections) > settings.max_connections:
                transport.close()
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            document = told(ProblemError(BAD_REQUEST, "This is no HTTP request")).body
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nContent-Type: " + MEDIA_TYPE.encode() + b"\r\n"
                b"Content-Length: " + str(len(document)).encode() + b"\r\n"
                b"Connection: close\r\n\r\n" + document
            )
            self.transport.close()

        def _watch(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._unwatch()
            elif self._late is None:
                self._late = self.loop.call_later(settings.grace_seconds, self._give_up)

        def _unwatch(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

        def _give_up(self) -> None:
            self._late = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

    return Protocol
