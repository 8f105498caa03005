"""A local web server that misbehaves on demand."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 4096


@dataclass(frozen=True)
class Fault:
    """What one request gets instead of the file.

    Attributes:
        status: answered without the file.
        headers: of that answer.
        drop_after: bytes after which the connection is cut.
        content: sent instead of the file's.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    content: bytes | None = None


@dataclass
class Request:
    """One request, and the bytes of the body that were handed to the network so far."""

    method: str
    path: str
    start: int
    sent: int


@dataclass
class Site:
    """What is served.

    Attributes:
        files: path -> content.
        faults: path -> what its next requests get.
        log: what was served so far.
        ranges: whether ranges are heeded.
        validators: whether ETag is sent.
        stated: whether Content-Length is sent.
        pause: seconds between blocks.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    log: list[Request] = field(default_factory=list)
    ranges: bool = True
    validators: bool = True
    stated: bool = True
    pause: float = 0.0

    def requests(self, path: str) -> list[Request]:
        return [request for request in self.log if request.path == path and request.method == "GET"]


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site()

    class Handler(_Handler):
        served = site

    server = _Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    served: Site

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        site, path = self.served, self.path
        faults = site.faults[path] if body else []
        fault = faults.pop(0) if faults else Fault()
        content = site.files.get(path) if fault.content is None else fault.content
        if fault.status is not None or content is None:
            site.log.append(Request(self.command, path, 0, 0))
            self.send_response(fault.status or 404)
            for name, value in fault.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and site.ranges else 0
        if self.headers.get("If-Range", etag) != etag:
            start, asked = 0, None
        if start and start >= len(content):
            site.log.append(Request(self.command, path, start, 0))
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        partial = asked is not None and site.ranges
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if site.validators:
            self.send_header("ETag", etag)
        if site.stated:
            self.send_header("Content-Length", str(len(content) - start))
        else:
            self.close_connection = True
        self.end_headers()
        if body:
            self._send(content[start:], start, fault.drop_after)
        else:
            site.log.append(Request(self.command, path, 0, 0))

    def _send(self, content: bytes, start: int, drop_after: int | None) -> None:
        request = Request(self.command, self.path, start, 0)
        self.served.log.append(request)
        end = len(content) if drop_after is None else min(drop_after, len(content))
        try:
            for at in range(0, end, BLOCK):
                block = content[at : min(at + BLOCK, end)]
                request.sent += len(block)
                self.wfile.write(block)
                time.sleep(self.served.pause)
        except OSError:
            self.close_connection = True
        if drop_after is not None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
