"""The OpenAPI document says what the service does; no request that fits it breaks the service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from respllm.server import schemas
from respllm.server.app import create_app
from respllm.server.documented import ANSWERS, PREDICT_JSON
from respllm.server.service import Service
from tests.server.conftest import SETTINGS

OPERATIONS = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/v1/model"),
    ("get", "/v1/tasks"),
    ("get", "/v1/form"),
    ("get", "/v1/examples"),
    ("get", "/v1/examples/{example_id}"),
    ("post", "/v1/listen"),
    ("post", "/v1/predict"),
    ("post", "/v1/attribute"),
    ("post", "/v1/predict/table"),
}


def test_every_operation_and_problem_is_told(http: TestClient) -> None:
    document = http.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    found = {(m, path) for path, operations in document["paths"].items() for m in operations}
    assert found == OPERATIONS
    for path, operations in document["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            assert {"200", "400", "403", "500"} <= responses.keys()
            for status, response in responses.items():
                if status.startswith(("4", "5")) and path != "/readyz":
                    content = response["content"]["application/problem+json"]
                    for example in content["examples"].values():
                        assert example["value"]["status"] == int(status)
            if "post" in operations:
                assert {"408", "413", "415", "422", "429", "503"} <= responses.keys()
                assert "Retry-After" in responses["429"]["headers"]
    names = json.dumps(document).split("#/components/schemas/")[1:]
    assert {name.split('"')[0] for name in names} <= document["components"]["schemas"].keys()


def test_the_examples_of_the_document_fit_it() -> None:
    schemas.Predicted.model_validate(ANSWERS["/v1/predict"])
    schemas.Listened.model_validate(ANSWERS["/v1/listen"])


def test_the_example_request_is_understood(http: TestClient) -> None:
    answer = http.post("/v1/predict", json=PREDICT_JSON)
    assert answer.json()["type"].endswith("recording"), "all of it but the sound, which is empty"


@pytest.fixture(scope="module")
def fuzzed(service: Service) -> Iterator[tuple[schemathesis.BaseSchema, asgi.ASGIClient]]:
    names = replace(SETTINGS, allowed_hosts=(asgi.HOST,))
    app = create_app(Service(service.answerer, names))
    with asgi.get_client(app) as client:
        schema = schemathesis.openapi.from_dict(app.openapi())
        schema.app = app
        yield schema, client


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        *((method, path, GenerationMode.POSITIVE) for method, path in sorted(OPERATIONS)),
        # Nothing of the others can be wrong.
        *((m, path, GenerationMode.NEGATIVE) for m, path in sorted(OPERATIONS) if m == "post"),
    ],
)
def test_no_request_breaks_the_service_or_the_document(
    fuzzed: tuple[schemathesis.BaseSchema, asgi.ASGIClient],
    method: str,
    path: str,
    mode: GenerationMode,
) -> None:
    schema, client = fuzzed
    operation = schema[path][method]

    @settings(
        max_examples=25 if method == "post" else 3,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzz(case: schemathesis.Case) -> None:
        response = case.call(session=client)
        case.validate_response(response, checks=CHECKS)

    fuzz()
