"""What is asked of the model through HTTP is what Python would ask, alone and in a crowd."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from respllm.evaluation import DISCLAIMER
from respllm.inference.answering import Answerer
from respllm.server.app import create_app
from respllm.server.service import Service
from respllm.types import Dms
from tests.server.conftest import HERE, SETTINGS, Served, problem, wav

PERSON = {
    "age": "63",
    "gender": "F",
    "symptoms": ["cough", "fever"],
    "medical_history": "none",
    "recording_location": "trachea",
}
DMS = Dms("Female", 63, (), ("cough", "fever"), "trachea")


def asked(http: TestClient, audio: bytes, **fields: Any) -> Any:
    return http.post("/v1/predict", files={"audio": ("a.wav", audio)}, data=fields)


def test_an_answer_is_the_predictors(http: TestClient, service: Service) -> None:
    audio = wav(20)
    found = asked(http, audio, task="S7", name="visit", **PERSON)
    assert found.status_code == 200, found.text
    answer = found.json()
    alone = service.answerer.predictor.predict(audio, DMS, "S7")
    assert answer["probability"] == pytest.approx(alone.probability, abs=1e-5)
    assert answer["clips"] == 3
    assert answer["name"] == "visit"
    assert answer["task"] == {
        "id": "S7",
        "condition": "COPD",
        "sound": "lung sounds",
        "validated": True,
    }
    assert answer["model_id"] == alone.model_id
    assert answer["prompt"]["dms"].startswith("Gender: Female. Age: 63. Patient presents with no")
    assert answer["notice"] == DISCLAIMER
    assert answer["means_nothing"] is True, "a model of simulated people, a recording of noise"


def test_json_asks_the_same(http: TestClient) -> None:
    audio = wav()
    body = {
        "audio": base64.b64encode(audio).decode(),
        "task": "S7",
        "name": "visit",
        "dms": {
            "age": 63,
            "gender": "F",
            "symptoms": ["cough", "fever"],
            "medical_history": [],
            "recording_location": "trachea",
        },
    }
    by_json = http.post("/v1/predict", json=body).json()
    by_form = asked(http, audio, task="S7", name="visit", **PERSON).json()
    assert by_json["probability"] == pytest.approx(by_form["probability"], abs=1e-6)
    assert by_json["prompt"] == by_form["prompt"]


def test_what_is_not_stated_stays_unsaid(http: TestClient) -> None:
    empty = {"age": "", "gender": "", "symptoms": "", "medical_history": ""}
    assert asked(http, wav(), task="S7", **empty).json()["prompt"]["dms"] == ""
    commas = asked(http, wav(), task="S7", symptoms="cough; hiv OR impaired immunity").json()
    assert "cough, HIV or impaired immunity" in commas["prompt"]["dms"]


def test_a_condition_that_no_task_names_is_unvalidated(http: TestClient) -> None:
    answer = asked(http, wav(), condition="pneumonia", sound="lung sounds").json()
    assert answer["task"]["validated"] is False
    assert answer["task"]["condition"] == "pneumonia"
    assert answer["task"]["sound"] == "lung sounds"
    assert answer["verdict"] is None
    assert any("Unvalidated" in note for note in answer["notes"])


def test_the_answer_is_the_same_alone_and_in_a_crowd(served: Served) -> None:
    http = served()
    requests = [
        (wav(2 + n % 3 * 7, seed=n), ("S7", "S6", "T5")[n % 3], str(20 + 2 * n)) for n in range(12)
    ]
    alone = [asked(http, a, task=t, age=y).json() for a, t, y in requests]
    with ThreadPoolExecutor(12) as pool:
        crowd = list(pool.map(lambda r: asked(http, r[0], task=r[1], age=r[2]).json(), requests))
    for one, other in zip(alone, crowd, strict=True):
        assert other["log_odds"] == pytest.approx(one["log_odds"], abs=1e-5)
        assert other["prompt"] == one["prompt"]
    batches = http.get("/metrics").text
    assert 'respllm_batch_recordings_bucket{le="1.0"} 24.0' not in batches, "nothing was gathered"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "not clear what to ask"),
        ({"task": "S7", "condition": "asthma", "sound": "lung sounds"}, "not clear what to ask"),
        ({"condition": "asthma"}, "not clear what to ask"),
        ({"task": "S77"}, "Did you mean 'S7'"),
        ({"task": "/etc/passwd.yaml"}, "Unknown task"),
        ({"task": "S7", "age": "631"}, "Impossible age"),
        ({"task": "S7", "gender": "x"}, "Unknown gender"),
        ({"task": "S7", "symptoms": "none, cough"}, 'says "none"'),
        ({"task": "S7", "symptoms": ["a"] * 51}, "at most 50"),
        ({"task": "S7", "symptoms": "a" * 201}, "at most 200"),
        ({"task": "S7", "colour": "red"}, "nothing is known about"),
        ({"task": ["S7", "S6"]}, "there twice"),
        ({"task": "S7", "age": "6\x003"}, "letters, digits and marks"),
    ],
)
def test_a_question_that_cannot_be_read(
    http: TestClient, fields: dict[str, Any], word: str
) -> None:
    assert word in problem(asked(http, wav(1), **fields), 422, "invalid")["detail"]


def test_a_problem_never_repeats_what_a_patient_said(http: TestClient) -> None:
    said = "SENTINEL"
    for fields in (
        {"task": "S7", "age": said},
        {"task": "S7", "gender": said},
        {"task": "S7", said: said},
        {"task": "S7", "symptoms": f"none, {said}"},
    ):
        assert said not in asked(http, wav(1), **fields).text
    for body in (
        {"audio": said + "!", "task": "S7"},
        {"audio": "", "task": "S7", "dms": {"age": [said]}},
        {"audio": "", "task": "S7", "dms": {said: 1}},
        {"audio": "", "task": "S7", "dms": {"symptoms": [[said]]}},
    ):
        answer = http.post("/v1/predict", json=body)
        problem(answer, 422, "invalid")
        assert said not in answer.text


@pytest.mark.parametrize(
    ("content", "kind", "status", "name"),
    [
        (b"{", "application/json", 400, "bad-request"),
        (b"[]", "application/json", 422, "invalid"),
        (b"[" * 100_000, "application/json", 400, "bad-request"),
        (b"audio", "text/plain", 415, "media-type"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "media-type"),
        (b"x", "multipart/form-data", 400, "bad-request"),
        (b"x", "multipart/form-data; boundary=y", 400, "bad-request"),
        (b"--y\r\n\r\nx\r\n--y--\r\n", "multipart/form-data; boundary=y", 400, "bad-request"),
        (
            b'--y\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\nx',
            "multipart/form-data; boundary=y",
            400,
            "bad-request",
        ),
        (
            b'--y\r\nContent-Disposition: form-data; name="task"\r\n\r\nS7\r\n--y--\r\n',
            "multipart/form-data; boundary=y",
            422,
            "invalid",
        ),
        (
            b'--y\r\nContent-Disposition: form-data; name="task"\r\n\r\n\xff\r\n--y--\r\n',
            "multipart/form-data; boundary=y",
            400,
            "bad-request",
        ),
        (
            b'--y\r\nContent-Disposition: form-data; name="etc"; filename="a"\r\n\r\n\r\n--y--\r\n',
            "multipart/form-data; boundary=y",
            422,
            "invalid",
        ),
    ],
)
def test_a_body_that_cannot_be_read(
    http: TestClient, content: bytes, kind: str, status: int, name: str
) -> None:
    for path in ("/v1/predict", "/v1/attribute"):
        answer = http.post(path, content=content, headers={"Content-Type": kind})
        problem(answer, status, name)


def test_only_the_examples_are_asked_about_where_the_model_is_of_simulated_people(
    served: Served,
) -> None:
    http = served(allow_simulated_model=False)
    assert http.get("/v1/model").json()["real_input"] == "refused"
    files = {"audio": ("a.wav", wav())}
    for path in ("/v1/predict", "/v1/listen", "/v1/attribute"):
        data = {} if path == "/v1/listen" else {"task": "S7"}
        found = problem(http.post(path, files=files, data=data), 403, "simulated-model")
        assert "--allow-simulated-model" in found["next_step"]
    for example in http.get("/v1/examples").json()["examples"]:
        audio = http.get(f"/v1/examples/{example['id']}").content
        answer = http.post(
            "/v1/predict",
            json={
                "audio": base64.b64encode(audio).decode(),
                "task": example["task"],
                "dms": example["dms"],
            },
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["means_nothing"] is False
        assert "means nothing" not in json.dumps(answer.json()["notes"])
        changed = audio[:-1] + bytes([audio[-1] ^ 1])
        again = http.post("/v1/listen", files={"audio": ("a.wav", changed)})
        problem(again, 403, "simulated-model")


@pytest.mark.parametrize(
    "audio",
    [b"", b"not a recording", wav()[:30], b"\x00" * 5000, b"#EXTM3U\n/etc/passwd\n"],
)
def test_a_file_that_is_no_recording(http: TestClient, audio: bytes) -> None:
    for path in ("/v1/predict", "/v1/listen"):
        data = {} if path == "/v1/listen" else {"task": "S7"}
        answer = http.post(path, files={"audio": ("../../etc/passwd", audio)}, data=data)
        assert "passwd" not in json.dumps(problem(answer, 422, "recording"))


def test_what_moved_an_answer_adds_up(http: TestClient, service: Service) -> None:
    files = {"audio": ("a.wav", wav(20))}
    answer = http.post("/v1/attribute", files=files, data={"task": "S7", **PERSON})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert len(found["clips"]) == 3
    for clip in found["clips"]:
        assert sum(len(band["values"]) for band in clip["bands"]) == 64
        assert clip["seconds_stop"] > clip["seconds_start"]
    assert {word["part"] for word in found["words"]} == {"task", "person"}
    assert found["unit"] == "log-odds"
    assert found["method"]
    assert found["baseline"]


def test_a_model_without_a_neutral_sound_cannot_say_what_moved_it(service: Service) -> None:
    bare = Service(Answerer(service.answerer.predictor), SETTINGS)
    with TestClient(create_app(bare), HERE) as http:
        files = {"audio": ("a.wav", wav())}
        answer = http.post("/v1/attribute", files=files, data={"task": "S7"})
        problem(answer, 409, "no-attribution")
        predicted = http.post("/v1/predict", files=files, data={"task": "S7"}).json()
        assert predicted["contributions"] is None
        assert predicted["calibrated"] is None
        assert predicted["why_uncalibrated"]


def test_how_far_to_trust_an_answer_is_told(http: TestClient, service: Service) -> None:
    answer = asked(http, wav(), task="S7", **PERSON).json()
    parts = answer["contributions"]
    total = parts["base"] + parts["audio"] + parts["text"]
    assert total == pytest.approx(answer["log_odds"], abs=1e-4)
    familiarity = answer["familiarity"]  # none where too few people validated the model
    assert familiarity is None or 0 <= familiarity["percentile"] <= 100
    calibrated = answer["calibrated"]
    assert calibrated is None or calibrated["low"] <= calibrated["high"]
    assert (calibrated is None) == bool(answer["why_uncalibrated"])
