"""What goes wrong, as RFC 9457 problem documents. No text of a patient is ever in one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from respllm.errors import AudioError, ConfigError, DataError, RespllmError, SafetyError

MEDIA_TYPE = "application/problem+json"
PREFIX = "urn:respllm:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its name in `type`, the HTTP status, a title that never changes."""

    name: str
    status: int
    title: str


BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read")
UNAUTHORISED = Kind("token", 401, "The token is missing or wrong")
FOREIGN = Kind("foreign", 403, "The request comes from another place")
SIMULATED_MODEL = Kind("simulated-model", 403, "The model was trained on simulated recordings")
NOT_FOUND = Kind("not-found", 404, "There is nothing here")
METHOD = Kind("method", 405, "The method is not allowed here")
SLOW_SENDER = Kind("slow-sender", 408, "The request was sent too slowly")
NO_ATTRIBUTION = Kind("no-attribution", 409, "The model cannot say what moved its answer")
TOO_LARGE = Kind("too-large", 413, "The request is too large")
MEDIA = Kind("media-type", 415, "The request is of another type")
INVALID = Kind("invalid", 422, "The request does not say what is needed")
RECORDING = Kind("recording", 422, "The recording cannot be used")
TABLE = Kind("table", 422, "The table or its recordings cannot be used")
BUSY = Kind("busy", 429, "Too much is asked at the moment")
INTERNAL = Kind("internal", 500, "The service failed")
CLOSING = Kind("shutting-down", 503, "The service is shutting down")
LATE = Kind("too-late", 503, "The answer would come too late")

KINDS = (
    *(BAD_REQUEST, UNAUTHORISED, FOREIGN, SIMULATED_MODEL, NOT_FOUND, METHOD, SLOW_SENDER),
    *(NO_ATTRIBUTION, TOO_LARGE, MEDIA, INVALID, RECORDING, TABLE, BUSY, INTERNAL, CLOSING, LATE),
)


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description=f"`{PREFIX}` and the kind of problem.")
    title: str = Field(description="The kind of problem in words.")
    status: int
    detail: str = Field(description="What is wrong here.")
    where: str | None = Field(None, description="The field, row or file that it is about.")
    expected: str | None = Field(None, description="What would have been accepted.")
    next_step: str | None = Field(None, description="What can be done about it.")
    instance: str | None = Field(None, description="The request; a log names nothing else of it.")


class ProblemError(RespllmError):
    """A request that is answered with a problem document.

    Args:
        kind: of problem.
        headers: of the response, beside the usual ones.
    """

    def __init__(
        self,
        kind: Kind,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        next_step: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(what, where=where, expected=expected, next_step=next_step)
        self.kind = kind
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Told:
    """A problem document with the headers it is sent with."""

    problem: Problem
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The document as JSON; what is not known is left out."""
        return self.problem.model_dump_json(exclude_none=True).encode()


def told(error: RespllmError, instance: str | None = None) -> Told:
    """An error as a problem document."""
    kind = error.kind if isinstance(error, ProblemError) else _kind(error)
    return Told(
        Problem(
            type=PREFIX + kind.name,
            title=kind.title,
            status=kind.status,
            detail=error.what.rstrip(".") + ".",
            where=error.where,
            expected=error.expected,
            next_step=error.next_step,
            instance=instance,
        ),
        error.headers if isinstance(error, ProblemError) else {},
    )


def _kind(error: RespllmError) -> Kind:
    kinds: tuple[tuple[type[RespllmError], Kind], ...] = (
        (AudioError, RECORDING),
        (SafetyError, SIMULATED_MODEL),
        (DataError, TABLE),
        (ConfigError, INVALID),
    )
    return next((kind for cls, kind in kinds if isinstance(error, cls)), INTERNAL)
