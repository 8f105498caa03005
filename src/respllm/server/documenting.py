"""The OpenAPI 3.1 document: every body, every problem, with examples."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from respllm.evaluation import DISCLAIMER
from respllm.server import problems, schemas
from respllm.server.asking import ListenBody, PredictBody
from respllm.server.documented import ANSWERS, PREDICT_JSON, TABLE_LINES
from respllm.server.problems import Kind, Problem
from respllm.version import __version__

REFERENCE = "#/components/schemas/"
DESCRIPTION = (
    f"**{DISCLAIMER}** Questions about respiratory health to a trained RespLLM model: a recording "
    "and what a person stated, as `respllm predict` asks them. Errors are RFC 9457 problem "
    "documents. Nothing that is sent is written to a disk or a log."
)
EVERYWHERE = (problems.BAD_REQUEST, problems.FOREIGN, problems.INTERNAL)
BODY = (
    *(problems.SLOW_SENDER, problems.TOO_LARGE, problems.MEDIA, problems.INVALID),
    *(problems.BUSY, problems.CLOSING),
)
OPEN = ("/healthz", "/readyz")
PROBLEMS: dict[str, tuple[Kind, ...]] = {
    "/v1/examples/{example_id}": (problems.NOT_FOUND,),
    "/v1/listen": (*BODY, problems.SIMULATED_MODEL, problems.RECORDING, problems.LATE),
    "/v1/predict": (*BODY, problems.SIMULATED_MODEL, problems.RECORDING, problems.LATE),
    "/v1/attribute": (
        *(*BODY, problems.SIMULATED_MODEL, problems.RECORDING, problems.LATE),
        problems.NO_ATTRIBUTION,
    ),
    "/v1/predict/table": (*BODY, problems.TABLE, problems.LATE),
}
"""What may go wrong, beside what may go wrong everywhere."""

_FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
_AUDIO = {**_FILE, "description": "A wav, flac, mp3, ogg/opus, m4a/aac or webm file."}
_TEXT = {"type": "string", "maxLength": 200}
_ITEMS = {
    "type": "array",
    "items": _TEXT,
    "description": 'Repeated, or separated by commas; "none" states none; absent: not stated.',
}
_QUESTION = {"task": _TEXT, "condition": _TEXT, "sound": _TEXT}
_PERSON = {
    "age": _TEXT,
    "gender": _TEXT,
    "medical_history": _ITEMS,
    "symptoms": _ITEMS,
    "recording_location": _TEXT,
}
_FORMS: dict[str, dict[str, Any]] = {
    "ListenForm": {"audio": _AUDIO, "name": _TEXT},
    "PredictForm": {"audio": _AUDIO, **_QUESTION, **_PERSON, "name": _TEXT},
    "TableForm": {
        "table": {**_FILE, "description": "CSV, or TSV if its name ends in .tsv."},
        "recordings": {**_FILE, "description": "A zip file with the table's recordings."},
        **_QUESTION,
    },
}
_BODIES: dict[str, tuple[str, type[BaseModel] | None]] = {
    "/v1/listen": ("ListenForm", ListenBody),
    "/v1/predict": ("PredictForm", PredictBody),
    "/v1/attribute": ("PredictForm", PredictBody),
    "/v1/predict/table": ("TableForm", None),
}


def document(app: FastAPI) -> dict[str, Any]:
    """The application's OpenAPI document."""
    found = get_openapi(
        title="respllm", version=__version__, description=DESCRIPTION, routes=app.routes
    )
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(_schemas())
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "Where the service was started with a token.",
        }
    }
    for path, operations in found["paths"].items():
        for operation in operations.values():
            _complete(path, operation)
    return found


def _schemas() -> dict[str, Any]:
    lines: tuple[type[BaseModel], ...] = (
        *(schemas.Start, schemas.AnsweredRow, schemas.RefusedRow, schemas.End),
    )
    models: tuple[type[BaseModel], ...] = (Problem, ListenBody, PredictBody, *lines)
    _, generated = models_json_schema(
        [(model, "validation") for model in models], ref_template=REFERENCE + "{model}"
    )
    found = dict(generated["$defs"])
    found["TableLine"] = {
        "oneOf": [{"$ref": REFERENCE + model.__name__} for model in lines],
        "discriminator": {"propertyName": "kind"},
    }
    for name, properties in _FORMS.items():
        files = [key for key, value in properties.items() if "contentMediaType" in value]
        found[name] = {"type": "object", "properties": properties, "required": files}
    return found


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Add to an operation what the framework cannot know."""
    responses = operation["responses"]
    responses.pop("422", None)
    if path not in OPEN:
        operation["security"] = [{}, {"token": []}]
    kinds = (*EVERYWHERE, *(() if path in OPEN else (problems.UNAUTHORISED,)))
    for kind in (*kinds, *PROBLEMS.get(path, ())):
        _add_problem(responses, kind)
    content = responses["200"].setdefault("content", {})
    if path == "/metrics":
        responses["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif path == "/v1/examples/{example_id}":
        responses["200"]["content"] = {"audio/wav": {"schema": _FILE}}
    elif path == "/v1/predict/table":
        responses["200"]["content"] = {
            "application/x-ndjson": {
                "schema": {"$ref": REFERENCE + "TableLine"},
                "example": TABLE_LINES,
            }
        }
    elif path in ANSWERS:
        content["application/json"]["example"] = ANSWERS[path]
    if path in _BODIES:
        form, body = _BODIES[path]
        taken: dict[str, Any] = {"multipart/form-data": {"schema": {"$ref": REFERENCE + form}}}
        if body is not None:
            example = {k: v for k, v in PREDICT_JSON.items() if k in body.model_fields}
            taken["application/json"] = {
                "schema": {"$ref": REFERENCE + body.__name__},
                "example": example,
            }
        operation["requestBody"] = {"required": True, "content": taken}


def _add_problem(responses: dict[str, Any], kind: Kind) -> None:
    example = Problem(
        type=problems.PREFIX + kind.name,
        title=kind.title,
        status=kind.status,
        detail=kind.title + ".",
        instance="urn:respllm:request:0123456789abcdef",
    ).model_dump(exclude_none=True)
    status = str(kind.status)
    response = responses.setdefault(status, {"description": kind.title})
    content = response.setdefault("content", {}).setdefault(
        problems.MEDIA_TYPE, {"schema": {"$ref": REFERENCE + "Problem"}, "examples": {}}
    )
    content["examples"][kind.name] = {"summary": kind.title, "value": example}
    if response["description"] != kind.title and kind.title not in response["description"]:
        response["description"] += f"; {kind.title}"
    if kind in (problems.BUSY, problems.CLOSING, problems.LATE):
        response["headers"] = {
            "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
        }
