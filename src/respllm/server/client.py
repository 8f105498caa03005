"""A small client of the service, which loads nothing of it.

>>> client = Client("http://127.0.0.1:8000")  # doctest: +SKIP
>>> client.predict("cough.wav", task="S2", dms=Dms(age=63)).probability  # doctest: +SKIP
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from respllm.errors import AudioError, ConfigError, DataError, RespllmError, SafetyError
from respllm.types import Dms

TIMEOUT_SECONDS = (10.0, 60.0)
"""To connect, and between two pieces of an answer."""
MAX_WAIT_SECONDS = 60.0
BUSY = (429, 503)
PROBLEM = "urn:respllm:problem:"
_ERRORS: Mapping[str, type[RespllmError]] = {
    "recording": AudioError,
    "table": DataError,
    "simulated-model": SafetyError,
    "invalid": ConfigError,
}


class ServiceError(RespllmError):
    """The service cannot be reached, refuses to answer, or failed."""


class BusyError(ServiceError):
    """The service is asked too much, and was so for as long as the client waited."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A calibrated probability with its interval, and the people it comes from."""

    probability: float
    low: float
    high: float
    method: str
    n_positive: int
    n_negative: int


@dataclass(frozen=True, slots=True)
class ServedAnswer:
    """An answer of the service. Research only, never a diagnosis.

    Attributes:
        name: of the recording.
        task_id, condition: what was asked.
        probability: of answer 1, as the model gives it.
        log_odds: of that probability.
        calibrated: None where the run has no validation people for this question.
        verdict: "yes", "no" or "abstains"; None without calibration.
        audio, text: what sound and text contributed, in log-odds; None if that is not known.
        warnings, notes: what a reader must know beside the number.
        means_nothing: whether a model of simulated recordings answered for a real one.
        validated: whether the model was tested on this question.
        model_id: what answered.
        notice: the permanent line.
        document: everything, as the service sent it.
    """

    name: str
    task_id: str
    condition: str
    probability: float
    log_odds: float
    calibrated: Interval | None
    verdict: str | None
    audio: float | None
    text: float | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    means_nothing: bool
    validated: bool
    model_id: str
    notice: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ServedRow:
    """One row of a table: an answer, or why there is none.

    Attributes:
        row: from 1, without the header.
        name: of the recording.
        answer: None where it was refused.
        reason: of the refusal; "" with an answer.
    """

    row: int
    name: str
    answer: ServedAnswer | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ServedTask:
    """A task that can be asked."""

    id: str
    condition: str
    sound: str
    dataset: str
    trained: bool
    calibrated: bool
    auroc: float | None


class Client:
    """Asks a service.

    Args:
        url: of the service, as in the browser.
        token: if it needs one.
        wait: seconds that a busy service is asked again, in all.
    """

    def __init__(self, url: str, token: str | None = None, *, wait: float = MAX_WAIT_SECONDS):
        self._url = url.rstrip("/")
        self._wait = wait
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, and no password of a .netrc file
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def tasks(self) -> tuple[ServedTask, ...]:
        """The tasks that can be asked.

        Raises:
            ServiceError: no answer.
        """
        found = self._json(self._send("GET", "/v1/tasks"))["tasks"]
        return tuple(
            ServedTask(
                id=task["id"],
                condition=task["condition"],
                sound=task["sound"],
                dataset=task["dataset"],
                trained=task["trained"],
                calibrated=task["calibrated"],
                auroc=task["auroc"] and task["auroc"]["value"],
            )
            for task in found
        )

    def predict(
        self,
        audio: Path | str | bytes,
        task: str | None = None,
        *,
        condition: str | None = None,
        sound: str | None = None,
        dms: Dms | None = None,
        name: str | None = None,
    ) -> ServedAnswer:
        """Answer one question about one recording.

        Args:
            audio: a file, or its bytes.
            task: id of one of `tasks`.
            condition, sound: instead, a condition that no task names.
            dms: what the person stated; None states nothing.
            name: comes back with the answer.

        Raises:
            AudioError: the recording cannot be used.
            ConfigError: the question or the person's answers cannot be read.
            SafetyError: a model of simulated recordings, another recording.
            BusyError: too much is asked at the moment.
            ServiceError: any other failure.
        """
        content = audio if isinstance(audio, bytes) else _read(Path(audio))
        shown = name or ("recording" if isinstance(audio, bytes) else Path(audio).name)
        fields = [*_question(task, condition, sound), *_person(dms or Dms()), ("name", shown)]
        answer = self._send(
            "POST", "/v1/predict", data=fields, files={"audio": ("recording", content)}
        )
        return _answer(self._json(answer))

    def predict_table(
        self,
        table: Path | str,
        recordings: Path | str,
        task: str | None = None,
        *,
        condition: str | None = None,
        sound: str | None = None,
    ) -> Iterator[ServedRow]:
        """Answer one question about all recordings of a table, as the answers come.

        Args:
            table: a CSV or TSV file with a column `audio` (docs/own_data.md).
            recordings: a zip file with the recordings under those names.

        Raises:
            DataError: the table or the zip file cannot be used.
            ServiceError: the answers were cut off, or as `predict`.
        """
        files = {
            "table": ("table" + Path(table).suffix, _read(Path(table))),
            "recordings": ("recordings.zip", _read(Path(recordings))),
        }
        data = _question(task, condition, sound)
        answer = self._send("POST", "/v1/predict/table", data=data, files=files, stream=True)
        ended = False
        try:
            with answer:
                for line in answer.iter_lines():
                    found = json.loads(line)
                    ended = found["kind"] == "end"
                    if found["kind"] == "answer":
                        yield ServedRow(found["row"], found["name"], _answer(found))
                    elif found["kind"] == "refusal":
                        yield ServedRow(found["row"], found["name"], None, found["reason"])
        except (requests.RequestException, ValueError, KeyError) as error:
            raise _cut_off() from error
        if not ended:
            raise _cut_off()

    def _send(self, method: str, path: str, **content: Any) -> requests.Response:
        """Send a request; again, when a busy service says so."""
        give_up = time.monotonic() + self._wait
        while True:
            try:
                answer = self._session.request(
                    method,
                    self._url + path,
                    timeout=TIMEOUT_SECONDS,
                    allow_redirects=False,
                    **content,
                )
            except requests.RequestException as error:
                raise ServiceError(
                    f"The service cannot be reached ({type(error).__name__})",
                    where=self._url,
                    next_step="check the address, and that `respllm serve` runs",
                ) from error
            if answer.status_code < 300:
                return answer
            pause = _pause(answer)
            if pause is None or time.monotonic() + pause > give_up:
                raise _error(answer)
            answer.close()
            time.sleep(pause)

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise ServiceError("The answer is no JSON", where=self._url) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"Cannot read the file: {error.strerror}", where=str(path)) from error


def _question(task: str | None, condition: str | None, sound: str | None) -> list[tuple[str, str]]:
    named = (("task", task), ("condition", condition), ("sound", sound))
    return [(name, value) for name, value in named if value is not None]


def _person(dms: Dms) -> list[tuple[str, str]]:
    """Form fields; what was not stated is left out, a list of nothing is "none"."""
    named = (
        ("gender", dms.gender),
        ("age", dms.age),
        ("recording_location", dms.recording_location),
    )
    fields = [(name, str(value)) for name, value in named if value is not None]
    for name, items in (("medical_history", dms.medical_history), ("symptoms", dms.symptoms)):
        if items is not None:
            fields += [(name, item) for item in items or ("none",)]
    return fields


def _answer(found: Mapping[str, Any]) -> ServedAnswer:
    calibrated, verdict, parts = found["calibrated"], found["verdict"], found["contributions"]
    return ServedAnswer(
        name=found["name"],
        task_id=found["task"]["id"],
        condition=found["task"]["condition"],
        probability=found["probability"],
        log_odds=found["log_odds"],
        calibrated=calibrated
        and Interval(
            calibrated["probability"],
            calibrated["low"],
            calibrated["high"],
            calibrated["interval"],
            calibrated["n_positive"],
            calibrated["n_negative"],
        ),
        verdict=verdict and verdict["answer"],
        audio=parts and parts["audio"],
        text=parts and parts["text"],
        warnings=tuple(found["warnings"]),
        notes=tuple(found["notes"]),
        means_nothing=found["means_nothing"],
        validated=found["task"]["validated"],
        model_id=found["model_id"],
        notice=found["notice"],
        document=found,
    )


def _pause(answer: requests.Response) -> float | None:
    """Seconds after which to ask again; None where that would not help."""
    stated = answer.headers.get("Retry-After", "")
    return float(stated) if answer.status_code in BUSY and stated.isdigit() else None


def _error(answer: requests.Response) -> RespllmError:
    """The problem document's words as an error."""
    other = BusyError if answer.status_code in BUSY else ServiceError
    try:
        found = answer.json()
        kind = str(found["type"]).removeprefix(PROBLEM)
        what = str(found["detail"])
        told = {name: found.get(name) for name in ("where", "expected", "next_step")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return other(f"The service answered with status {answer.status_code}")
    return _ERRORS.get(kind, other)(what, **told)


def _cut_off() -> ServiceError:
    return ServiceError(
        "The answers were cut off", next_step="send the rows that are missing once more"
    )
