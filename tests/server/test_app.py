"""Every endpoint answers, and everything that is none is a problem document."""

from __future__ import annotations

import base64

import pytest
from fastapi.testclient import TestClient

from respllm.datasets.vocabulary import SYMPTOMS
from respllm.evaluation import DISCLAIMER
from tests.server.conftest import Served, problem, wav


def test_probes_and_counters(http: TestClient) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ok"}
    http.get("/v1/examples/cough-1")
    found = http.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    assert 'route="/v1/examples/{example_id}",status="200"' in found.text
    assert "respllm_waiting 0.0" in found.text


def test_the_model_and_its_card(http: TestClient) -> None:
    found = http.get("/v1/model").json()
    assert found["model_id"].startswith("respllm-")
    assert found["encoder"] == "mel-patch"
    assert found["simulated"] is True
    assert found["real_input"] == "means nothing"
    assert found["limits"]["max_seconds"] == 600
    assert "# A RespLLM model" in found["card"]
    assert found["notice"] == DISCLAIMER


def test_tasks_and_the_words_of_the_form(http: TestClient) -> None:
    found = http.get("/v1/tasks").json()
    tasks = {task["id"]: task for task in found["tasks"]}
    assert tasks["S7"]["trained"]
    assert tasks["S7"]["asks_location"]
    assert not tasks["S6"]["asks_location"]
    assert not tasks["T5"]["trained"]
    assert "COPD" in tasks["S7"]["prompt"]
    assert "lung sounds" in found["free_condition"]["sounds"]
    form = http.get("/v1/form").json()
    assert form["symptoms"] == list(SYMPTOMS)
    assert form["genders"] == ["Female", "Male", "Other"]


def test_the_examples_are_playable(http: TestClient) -> None:
    examples = http.get("/v1/examples").json()["examples"]
    assert len(examples) >= 6
    for example in examples:
        audio = http.get(f"/v1/examples/{example['id']}")
        assert audio.headers["content-type"] == "audio/wav"
        assert audio.content[:4] == b"RIFF"
    problem(http.get("/v1/examples/nobody"), 404, "not-found")


def test_listening_predicts_nothing(http: TestClient) -> None:
    found = http.post("/v1/listen", files={"audio": ("a.wav", wav(20))}).json()
    assert found["seconds"] == pytest.approx(20)
    assert found["usable"]
    assert found["reason"] is None
    assert found["clips"] == 3
    assert len(found["waveform"]["low"]) == len(found["waveform"]["high"]) == 1000
    shape = found["spectrogram"]
    values = base64.b64decode(shape["values"])
    assert len(values) == shape["frames"] * shape["bands"]
    assert shape["bands"] == 64
    assert max(values) == 255
    assert "probability" not in found


def test_a_silent_recording_is_shown_and_called_unusable(http: TestClient) -> None:
    silence = wav(2).replace(wav(2)[44:], bytes(len(wav(2)) - 44))
    found = http.post("/v1/listen", files={"audio": ("a.wav", silence)}).json()
    assert not found["usable"]
    assert "silent" in found["reason"]
    assert found["peak_dbfs"] is None
    answer = http.post("/v1/predict", files={"audio": ("a.wav", silence)}, data={"task": "S7"})
    assert "silent" in problem(answer, 422, "recording")["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/v1",
        "/v1/predict/",
        "/page/../app.py",
        "/page/%2e%2e/app.py",
        "/page/..%2fapp.py",
    ],
)
def test_what_is_not_there(http: TestClient, path: str) -> None:
    problem(http.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/predict"), ("PUT", "/v1/listen"), ("POST", "/v1/tasks")]
)
def test_another_method(http: TestClient, method: str, path: str) -> None:
    answer = http.request(method, path)
    problem(answer, 405, "method")
    assert answer.headers["allow"]


def test_headers_keep_the_page_to_itself(http: TestClient) -> None:
    for path in ("/healthz", "/v1/tasks", "/nothing", "/v1/examples/cough-1"):
        headers = http.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "microphone=(self)" in headers["permissions-policy"]
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


def test_no_document_of_the_framework_is_served(http: TestClient) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        problem(http.get(path), 404, "not-found")


def test_a_failure_tells_its_number_and_nothing_else(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    http = served()
    state = http.app.state.respllm  # type: ignore[attr-defined]

    def fail(heard: object) -> None:
        raise KeyError("SENTINEL-OF-A-PATIENT")

    monkeypatch.setattr(state.gatherer, "_ask", fail)
    files = {"audio": ("a.wav", wav())}
    answer = http.post("/v1/predict", files=files, data={"task": "S7"})
    found = problem(answer, 500, "internal")
    assert "SENTINEL" not in answer.text
    number = found["instance"].removeprefix("urn:respllm:request:")
    assert number in caplog.text
    assert "KeyError" in caplog.text
    assert "SENTINEL" not in caplog.text


def test_made_up_methods_are_counted_together(http: TestClient) -> None:
    for method in ("A1", "A2", "A3"):
        http.request(method, "/v1/tasks")
    counted = http.get("/metrics").text
    assert 'method="other"' in counted
    assert "A2" not in counted
