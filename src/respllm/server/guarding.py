"""Who may ask: the right Host, no page of another place, the token where there is one."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from respllm.server.problems import BAD_REQUEST, FOREIGN, UNAUTHORISED, ProblemError
from respllm.server.settings import Settings

OPEN_PATHS = ("/", "/healthz", "/readyz")
OPEN_FOLDER = "/page/"
"""What needs no token: the page, into which the token is typed, and the probes of health."""
_READING = ("GET", "HEAD")


class Guard:
    """Refuses requests with a foreign Host or Origin, or without the token."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in settings.allowed_hosts)
        self._token = None if settings.token is None else settings.token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or raise a `ProblemError`."""
        if scope["type"] == "http":
            self._check(scope)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        host = _host(headers)
        if _without_port(host) not in self._hosts:
            raise ProblemError(
                FOREIGN,
                "The service is not known under this name",
                where="Host",
                expected="a name that the service was started for",
                next_step="add it with --allowed-host",
            )
        if scope["method"] not in _READING:
            _check_origin(headers, host)
        path: str = scope["path"]
        if self._token is not None and path not in OPEN_PATHS and not path.startswith(OPEN_FOLDER):
            self._check_token(headers)

    def _check_token(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        stated = _all(headers, b"authorization")
        scheme, _, token = (stated[0] if len(stated) == 1 else b"").partition(b" ")
        assert self._token is not None
        # Compared whole: how long it takes tells nothing about how much of it is right.
        if not (hmac.compare_digest(token.strip(), self._token) and scheme.lower() == b"bearer"):
            raise ProblemError(
                UNAUTHORISED,
                "The service needs its token",
                where="Authorization",
                expected="Bearer and the token that the service was started with",
                headers={"WWW-Authenticate": 'Bearer realm="respllm"'},
            )


def _check_origin(headers: list[tuple[bytes, bytes]], host: str) -> None:
    origins = _all(headers, b"origin")
    sites = _all(headers, b"sec-fetch-site")
    own = all(_netloc(origin) == host for origin in origins)
    if not own or any(site in (b"cross-site", b"same-site") for site in sites):
        raise ProblemError(
            FOREIGN,
            "A page of another place may not ask here",
            where="Origin",
            expected="the service's own page, or no browser",
        )


def _host(headers: Iterable[tuple[bytes, bytes]]) -> str:
    hosts = _all(headers, b"host")
    if len(hosts) != 1:
        raise ProblemError(BAD_REQUEST, "The request names no host, or several", where="Host")
    return hosts[0].decode("latin-1").strip().lower()


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def _netloc(origin: bytes) -> str:
    try:
        parts = urlsplit(origin.decode("latin-1"))
        default = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
        return parts.netloc.lower().removesuffix(default) if default else ""
    except ValueError:
        return ""


def _all(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
