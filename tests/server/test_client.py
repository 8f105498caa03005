"""The Python client, against a service behind a port."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from respllm.errors import AudioError, ConfigError, DataError, SafetyError
from respllm.server.client import BusyError, Client, ServiceError
from respllm.server.service import Service
from respllm.types import Dms
from tests.server.conftest import SETTINGS, wav
from tests.server.serving import Running, running

TOKEN = "a-token-of-32-characters-or-more"


@pytest.fixture(scope="module")
def served(service: Service) -> Iterator[Running]:
    with running(service, replace(SETTINGS, token=TOKEN)) as found:
        yield found


@pytest.fixture
def client(served: Running) -> Client:
    return Client(served.url + "/", TOKEN)


def test_an_answer_is_the_predictors(client: Client, service: Service, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    dms = Dms("Female", "45-64", (), ("cough", "fever"), "trachea")
    answer = client.predict(path, "S7", dms=dms)
    alone = service.answerer.predictor.predict(path, dms, "S7")
    assert answer.probability == pytest.approx(alone.probability, abs=1e-5)
    assert answer.name == "a.wav"
    assert answer.task_id == "S7"
    assert "not a medical device" in answer.notice
    assert "Age: 45-64" in answer.document["prompt"]["dms"]
    assert "no medical history" in answer.document["prompt"]["dms"]
    unstated = client.predict(path.read_bytes(), condition="asthma", sound="lung sounds")
    assert not unstated.validated
    assert unstated.document["prompt"]["dms"] == ""


def test_tasks(client: Client) -> None:
    found = {task.id: task for task in client.tasks()}
    assert found["S7"].condition == "COPD"
    assert found["S7"].trained


def test_a_table(client: Client, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("audio\tage\na.wav\t30\nb.wav\t40\n")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.wav", wav())
        archive.writestr("b.wav", b"broken")
    (tmp_path / "r.zip").write_bytes(content.getvalue())
    rows = list(client.predict_table(tmp_path / "t.tsv", tmp_path / "r.zip", "S7"))
    assert [(row.row, row.name) for row in rows] == [(1, "a.wav"), (2, "b.wav")]
    assert rows[0].answer is not None
    assert 0 < rows[0].answer.probability < 1
    assert rows[1].answer is None
    assert "decoded" in rows[1].reason
    (tmp_path / "t.tsv").write_text("sound\na.wav\n")
    with pytest.raises(DataError, match="audio"):
        next(client.predict_table(tmp_path / "t.tsv", tmp_path / "r.zip", "S7"))


def test_problems_are_errors_in_the_services_words(client: Client, served: Running) -> None:
    with pytest.raises(AudioError, match="cannot be decoded"):
        client.predict(b"broken", "S7")
    with pytest.raises(ConfigError, match="Did you mean 'S7'"):
        client.predict(wav(1), "S77")
    with pytest.raises(DataError, match="Cannot read"):
        client.predict("nowhere.wav", "S7")
    with pytest.raises(ServiceError, match="token"):
        Client(served.url).tasks()
    with pytest.raises(ServiceError, match="cannot be reached"):
        Client("http://127.0.0.1:1").tasks()


def test_a_model_of_simulated_people(service: Service) -> None:
    careful = replace(SETTINGS, allow_simulated_model=False)
    refused = pytest.raises(SafetyError, match="--allow-simulated-model")
    with running(service, careful) as served, refused:
        Client(served.url).predict(wav(1), "S7")


class Busy(BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        Busy.asked += 1
        busy = self.path == "/busy/v1/tasks" or Busy.asked < 3
        body = b'{"tasks": []}'
        self.send_response(429 if busy else 200)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_busy_service_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = HTTPServer(("127.0.0.1", 0), Busy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        assert Client(url).tasks() == ()
        assert Busy.asked == 3
        with pytest.raises(BusyError):
            Client(url + "/busy", wait=0.2).tasks()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_client_loads_nothing_of_the_service() -> None:
    code = (
        "import sys; import respllm.server.client; "
        "print(sorted({'fastapi', 'starlette', 'torch', 'uvicorn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
