"""The service behind a port: slow and broken clients, and an end that loses nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from respllm.errors import ConfigError
from respllm.server.running import listen_on
from respllm.server.service import Service
from respllm.server.settings import Settings
from tests.server.conftest import SETTINGS, wav
from tests.server.serving import running

TOKEN = "a-token-of-32-characters-or-more"


def test_what_is_no_http_is_told_so(service: Service) -> None:
    with running(service, SETTINGS) as served, served.connect() as client:
        client.sendall(b"hello\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400")
        assert json.loads(body)["type"] == "urn:respllm:problem:bad-request"


def test_a_head_that_does_not_come_is_not_waited_for(service: Service) -> None:
    with running(service, replace(SETTINGS, grace_seconds=0.3)) as served:
        for first in (b"", b"GET /healthz HTT"):
            with served.connect() as client:
                client.sendall(first)
                begun = time.monotonic()
                assert client.recv(10) == b""
                assert time.monotonic() - begun < 3
        with served.connect() as client:  # a second request on one connection, begun and left
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            answer = b""
            while not answer.endswith(b'{"status":"ok"}'):
                answer += client.recv(4096)
            client.sendall(b"GET /hea")
            assert client.recv(10) == b""


def test_a_refusal_reaches_a_sender_in_the_middle_of_a_body(service: Service) -> None:
    with running(service, replace(SETTINGS, max_waiting=1)) as served, served.connect() as client:
        gatherer = served.app.state.respllm.gatherer
        body = b"x" * 700_000
        head = f"Host: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        for _ in range(3):  # on one connection, which stays open
            gatherer._waiting = 1
            client.sendall(b"POST /v1/predict HTTP/1.1\r\n" + head + body)
            answer = b""
            while b"}" not in answer:
                piece = client.recv(4096)
                assert piece
                answer += piece
            assert answer.startswith(b"HTTP/1.1 429")
        gatherer._waiting = 0


def test_a_body_that_drips_is_refused(service: Service) -> None:
    hurried = replace(SETTINGS, grace_seconds=0.3)
    with running(service, hurried) as served, served.connect() as client:
        client.sendall(
            b"POST /v1/listen HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=y\r\n\r\n--y\r\n"
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 408")


def test_an_upload_that_is_too_large_gets_its_answer(service: Service) -> None:
    with running(service, replace(SETTINGS, max_upload_bytes=100_000)) as served:
        files = {"audio": ("a.wav", bytes(5_000_000))}
        answer = requests.post(f"{served.url}/v1/listen", files=files, timeout=20)
        assert answer.status_code == 413

        def pieces() -> Any:
            for _ in range(50):
                yield bytes(10_000)

        kind = {"Content-Type": "multipart/form-data; boundary=y"}
        answer = requests.post(f"{served.url}/v1/listen", pieces(), headers=kind, timeout=20)
        assert answer.status_code == 413


def test_no_more_connections_than_allowed(service: Service) -> None:
    with running(service, replace(SETTINGS, max_connections=3)) as served:
        held = [served.connect() for _ in range(3)]
        time.sleep(0.2)
        with served.connect() as one_more:
            assert one_more.recv(10) == b""
        for client in held:
            client.close()
        time.sleep(0.2)
        assert requests.get(f"{served.url}/healthz", timeout=10).status_code == 200


def test_the_end_says_not_ready_and_finishes_what_was_taken_in(service: Service) -> None:
    found: list[requests.Response] = []
    go = threading.Event()
    with running(service, replace(SETTINGS, drain_seconds=1.0)) as served:
        gatherer = served.app.state.respllm.gatherer
        ask = gatherer._ask
        gatherer._ask = lambda heard: go.wait(10) and ask(heard)

        def asking() -> None:
            found.append(
                requests.post(
                    f"{served.url}/v1/predict",
                    files={"audio": ("a.wav", wav())},
                    data={"task": "S7"},
                    timeout=20,
                )
            )

        client = threading.Thread(target=asking)
        client.start()
        while not gatherer._waiting:
            time.sleep(0.01)
        served.server.should_exit = True
        give_up = time.monotonic() + 5
        while requests.get(f"{served.url}/readyz", timeout=5).status_code != 503:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        late = requests.post(f"{served.url}/v1/predict", timeout=5)
        assert late.json()["type"] == "urn:respllm:problem:shutting-down"
        time.sleep(1.5)  # it has stopped to listen
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{served.url}/readyz", timeout=5)
        assert not found
        go.set()
        client.join(10)
        assert found[0].status_code == 200
        assert 0 < found[0].json()["probability"] < 1


@pytest.mark.parametrize(
    ("host", "settings", "words"),
    [
        ("0.0.0.0", Settings(), "no token is set"),
        ("0.0.0.0", Settings(token=TOKEN), "under which name"),
        ("::", Settings(allowed_hosts=("ward.example",)), "no token is set"),
        ("203.0.113.7", Settings(token=TOKEN, allowed_hosts=("x.example",)), "cannot listen"),
    ],
)
def test_others_are_let_in_with_a_token_and_a_name_only(
    host: str, settings: Settings, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        listen_on(host, 0, settings)


def test_others_are_let_in_where_both_are_there() -> None:
    settings = Settings(token=TOKEN, allowed_hosts=("ward.example",))
    with listen_on("0.0.0.0", 0, settings) as listener, pytest.raises(ConfigError, match="listen"):
        listen_on("0.0.0.0", listener.getsockname()[1], settings)


def test_it_runs_where_nothing_can_be_written(trained_run: Path, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    sealed.chmod(0o500)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))},
        "HOME": "/nonexistent",
        "RESPLLM_CACHE": "/nonexistent/cache",
        "TMPDIR": "/nonexistent/tmp",
    }
    arguments = [str(trained_run), "--port", str(port), "--allow-simulated-model"]
    code = "import typer; from respllm.cli.serve import serve; typer.run(serve)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=sealed,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f"http://127.0.0.1:{port}/" in line
        assert "not a medical device" in line
        url = f"http://127.0.0.1:{port}"
        files = {"audio": ("SENTINEL.wav", wav(1200 / 16, rate=16_000))}
        data = {"task": "S7", "symptoms": "SENTINEL", "name": "SENTINEL"}
        for _ in range(100):
            try:
                requests.get(f"{url}/readyz", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.05)
        answer = requests.post(f"{url}/v1/predict?SENTINEL", files=files, data=data, timeout=60)
        assert answer.status_code == 200, answer.text
        files = {"audio": ("SENTINEL.wav", b"SENTINEL")}
        answer = requests.post(f"{url}/v1/predict", files=files, data=data, timeout=60)
        assert answer.status_code == 422
        open_files = [os.readlink(p) for p in Path(f"/proc/{process.pid}/fd").iterdir()]
        assert not [name for name in open_files if "deleted" in name or "tmp" in name.lower()]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "SENTINEL" not in out + err
    finally:
        process.kill()
        process.wait()
        sealed.chmod(0o700)
