"""The audit fails on a known weakness, and says so where it could not ask."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from benchmarks.reliability import audit

Answer = Callable[[str, Any], tuple[int, bytes]]


@contextmanager
def database(answer: Answer) -> Iterator[str]:
    """A stand-in for the database: path and question to status and body."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, body = answer(self.path, json.loads(self.rfile.read(length) or b"null"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def known(withdrawn: bool = False) -> Answer:
    """Something is known against weak 1.0, and nothing against any other."""

    def answer(path: str, question: Any) -> tuple[int, bytes]:
        if path == "/querybatch":
            assert all(one["package"]["ecosystem"] == "PyPI" for one in question["queries"])
            asked = [(one["package"]["name"], one["version"]) for one in question["queries"]]
            results = [{"vulns": [{"id": "X-1"}]} if a == ("weak", "1.0") else {} for a in asked]
            return 200, json.dumps({"results": results}).encode()
        about = {"id": "X-1", "summary": "reads\nanything"}
        return 200, json.dumps(about | ({"withdrawn": "2026"} if withdrawn else {})).encode()

    return answer


@pytest.fixture
def constraints(tmp_path: Path) -> list[str]:
    path = tmp_path / "constraints.txt"
    path.write_text("# pinned\nfine==2.1\nweak==1.0+cpu  # a comment\nother==3\n")
    return ["--constraints", str(path)]


def test_a_known_weakness_fails(constraints: list[str], capsys: pytest.CaptureFixture) -> None:
    with database(known()) as service:
        assert audit.main(constraints, service) == 1
        assert "weak 1.0: X-1 reads anything" in capsys.readouterr().out
        assert audit.main([*constraints, "--accept", "X-1"], service) == 0
    with database(known(withdrawn=True)) as service:
        assert audit.main(constraints, service) == 0
    assert "3 dependencies audited: 0 known" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer",
    [
        lambda path, question: (503, b"{}"),
        lambda path, question: (200, b"<html>log in</html>"),
        lambda path, question: (200, b"[]"),
        lambda path, question: (200, b'{"results": []}'),
    ],
)
def test_without_an_answer_it_is_skipped_and_says_so(
    answer: Answer, constraints: list[str], capsys: pytest.CaptureFixture
) -> None:
    with database(answer) as service:
        assert audit.main(constraints, service) == 0
        assert "NOT audited" in capsys.readouterr().out
        assert audit.main([*constraints, "--require-answer"], service) == 2


def test_a_service_that_is_not_there_or_never_answers_is_skipped(
    constraints: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "SECONDS", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        assert audit.main(constraints, address) == 0  # nobody listens
        silent.listen()
        assert audit.main(constraints, address) == 0  # nobody answers


def test_every_dependency_of_the_repository_can_be_asked_about(tmp_path: Path) -> None:
    packages = dict(audit.pinned(audit.CONSTRAINTS))
    assert len(packages) > 50
    assert packages["torch"]
    (tmp_path / "loose.txt").write_text("fine>=2\n")
    with pytest.raises(ValueError, match="pins no version"):
        audit.pinned(tmp_path / "loose.txt")
