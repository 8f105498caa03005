"""From a request's body to what is asked: a recording, a question, what the person stated."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeVar

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from respllm.datasets import table_cells as cells
from respllm.datasets.vocabulary import MEDICAL_HISTORY, SYMPTOMS
from respllm.errors import DataError
from respllm.server.forms import Form, read_form
from respllm.server.problems import BAD_REQUEST, INVALID, MEDIA, ProblemError
from respllm.types import Dms

MAX_WORDS = 200
"""Characters of a name, a condition or a sound."""
MAX_ITEMS = 50
NAMELESS: Final = "recording"
_SPELLED = {word.casefold(): word for word in (*MEDICAL_HISTORY, *SYMPTOMS)}
QUESTION_FIELDS = ("task", "condition", "sound")
Body = TypeVar("Body", bound=BaseModel)

DMS_FIELDS = ("gender", "age", "medical_history", "symptoms", "recording_location")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("letters, digits and marks only")
    return text


Words = Annotated[str, Field(max_length=MAX_WORDS), AfterValidator(_printable)]
Item = Annotated[str, Field(max_length=MAX_WORDS)]
Items = Annotated[list[Item], Field(max_length=MAX_ITEMS)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DmsBody(_Body):
    """What a person stated. Absent or null: not stated. An empty list: stated none."""

    gender: Words | None = Field(None, description="F, M, other.")
    age: float | Words | None = Field(None, description="Years, or a band such as 45-64.")
    medical_history: Items | Words | None = None
    symptoms: Items | Words | None = None
    recording_location: Words | None = Field(None, description="Of a lung sound.")


class QuestionBody(_Body):
    """A task, or a condition with the sound it is looked for in."""

    task: Words | None = Field(None, description="Id of a task of /v1/tasks.")
    condition: Words | None = Field(None, description="Instead: a condition that no task names.")
    sound: Words | None = Field(None, description='With condition: "lung sounds".')


class PredictBody(QuestionBody):
    """A recording, a question, and what the person stated, as JSON."""

    audio: str = Field(description="Base64 of a wav, flac, mp3, ogg/opus, m4a/aac or webm file.")
    dms: DmsBody = DmsBody()
    name: Words | None = Field(None, description="Comes back with the answer.")


class ListenBody(_Body):
    """A recording, as JSON."""

    audio: str = Field(description="Base64 of a wav, flac, mp3, ogg/opus, m4a/aac or webm file.")
    name: Words | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One recording with what is asked about it.

    Attributes:
        audio: the file's bytes.
        name: of the recording, as the sender calls it.
        task, condition, sound: the question; see `Predictor.question`.
        dms: what the person stated.
    """

    audio: bytes
    name: str
    task: str | None
    condition: str | None
    sound: str | None
    dms: Dms


@dataclass(frozen=True, slots=True)
class AskedTable:
    """A table of recordings, the zip that holds them, and one question for all."""

    table: bytes
    recordings: bytes
    separator: str
    task: str | None
    condition: str | None
    sound: str | None


async def read_asked(request: Request) -> Asked:
    """Read `POST /v1/predict`.

    Raises:
        ProblemError: it is not as the document says.
    """
    if _media_type(request) == "application/json":
        body = await _json(request, PredictBody)
        return Asked(
            await run_in_threadpool(_decoded, body.audio),
            body.name or NAMELESS,
            *(body.task, body.condition, body.sound),
            _dms(body.dms),
        )
    form = await _form(request, ("audio",))
    fields = _known_fields(form, (*QUESTION_FIELDS, *DMS_FIELDS, "name"))
    name = fields.pop("name", None) or form.file_names["audio"][:MAX_WORDS]
    question = _valid(QuestionBody, {key: fields.pop(key, None) for key in QUESTION_FIELDS})
    dms = _valid(DmsBody, fields)
    return Asked(
        form.files["audio"],
        _shown(name) or NAMELESS,
        *(question.task, question.condition, question.sound),
        _dms(dms),
    )


async def read_listen(request: Request) -> bytes:
    """Read `POST /v1/listen`: the bytes of a recording.

    Raises:
        ProblemError: it is not as the document says.
    """
    if _media_type(request) == "application/json":
        body = await _json(request, ListenBody)
        return await run_in_threadpool(_decoded, body.audio)
    form = await _form(request, ("audio",))
    _known_fields(form, ("name",))
    return form.files["audio"]


async def read_asked_table(request: Request) -> AskedTable:
    """Read `POST /v1/predict/table`.

    Raises:
        ProblemError: it is not as the document says.
    """
    if _media_type(request) == "application/json":
        raise _other_type("multipart/form-data")
    form = await _form(request, ("table", "recordings"))
    fields = _known_fields(form, QUESTION_FIELDS)
    question = _valid(QuestionBody, fields)
    tabs = form.file_names["table"].lower().endswith((".tsv", ".tab"))
    return AskedTable(
        form.files["table"],
        form.files["recordings"],
        "\t" if tabs else ",",
        *(question.task, question.condition, question.sound),
    )


def _media_type(request: Request) -> str:
    stated = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if stated in ("application/json", "multipart/form-data"):
        return stated
    raise _other_type("multipart/form-data or application/json")


def _other_type(expected: str) -> ProblemError:
    return ProblemError(
        MEDIA,
        "The body is of a type that is not read here",
        where="Content-Type",
        expected=expected,
    )


async def _json(request: Request, kind: type[Body]) -> Body:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
    try:
        return await run_in_threadpool(kind.model_validate_json, bytes(body), strict=True)
    except ValidationError as error:
        raise _invalid(error) from None


async def _form(request: Request, file_fields: tuple[str, ...]) -> Form:
    form = await read_form(request.stream(), request.headers["content-type"], file_fields)
    for name in file_fields:
        if name not in form.files:
            raise ProblemError(
                INVALID,
                "A file is missing",
                where=name,
                expected="a file, with its name",
                next_step=f"curl -F {name}=@FILE",
            )
    return form


def _known_fields(form: Form, names: tuple[str, ...]) -> dict[str, Any]:
    """Fields by name: a list where several are allowed; one that is empty is not stated."""
    if form.fields.keys() - set(names):
        raise ProblemError(
            INVALID, "A field that nothing is known about", expected=", ".join(names)
        )
    found: dict[str, Any] = {}
    for name, values in form.fields.items():
        stated = [value for value in values if value.strip()]
        if not stated:
            continue
        if len(stated) > 1 and name not in ("medical_history", "symptoms"):
            raise ProblemError(INVALID, "A field that is there twice", where=name)
        found[name] = stated[0] if len(stated) == 1 else stated
    return found


def _valid(kind: type[Body], fields: dict[str, Any]) -> Body:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise _invalid(error) from None


def _invalid(error: ValidationError) -> ProblemError:
    """What pydantic found, without what was sent."""
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    # Where a value may have several types, the one that it has says what is wrong with it.
    fitting = (one for one in errors if not str(one["type"]).endswith(("_type", "_parsing")))
    found = next(fitting, errors[-1])
    kind = str(found["type"])
    if kind == "json_invalid":
        return ProblemError(BAD_REQUEST, "The body is no JSON")
    place = [str(part) for part in found["loc"]]
    if kind == "extra_forbidden":
        return ProblemError(
            INVALID,
            "A field that nothing is known about",
            where=".".join(place[:-1]) or "body",
            next_step="compare with /openapi.json",
        )
    known = {*QUESTION_FIELDS, *DMS_FIELDS, "audio", "dms", "name"}
    return ProblemError(
        INVALID,
        str(found["msg"]),
        where=".".join(part for part in place if part in known) or "body",
        next_step="compare with /openapi.json",
    )


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ProblemError(
            INVALID, "The recording is no base64", where="audio", expected="standard base64"
        ) from None


def _dms(body: DmsBody) -> Dms:
    """What is stated, by the rules of an own table; words of the vocabulary in its spelling."""
    try:
        return Dms(
            gender=cells.gender(body.gender, "gender"),
            age=cells.age(body.age, "age"),
            medical_history=_items(body.medical_history, "medical_history"),
            symptoms=_items(body.symptoms, "symptoms"),
            recording_location=cells.phrase(body.recording_location, "recording_location"),
        )
    except DataError as error:
        raise ProblemError(
            INVALID, error.what, where=error.where, expected=error.expected
        ) from None


def _items(value: list[str] | str | None, where: str) -> tuple[str, ...] | None:
    if value == []:
        return ()
    return spelled(cells.items(value, where))


def spelled(items: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Words of the vocabulary in its spelling, as training data has them."""
    return None if items is None else tuple(_SPELLED.get(item, item) for item in items)


def _shown(name: str) -> str:
    """A file's name without its folder and without what cannot be shown."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:MAX_WORDS]
