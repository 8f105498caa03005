"""What the service answers, as JSON."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from respllm.evaluation import DISCLAIMER
from respllm.types import Unit


class Reply(BaseModel):
    """What all answers are: unchangeable."""

    model_config = ConfigDict(frozen=True)


class Noted(Reply):
    """An answer with the permanent line: research only."""

    notice: str = DISCLAIMER


class State(Reply):
    """Whether the service lives, or takes requests."""

    status: Literal["ok", "shutting down"]


class Limits(Reply):
    """What a request may be."""

    max_upload_bytes: int
    max_seconds: float
    max_table_rows: int
    max_table_bytes: int
    formats: str


class Model(Noted):
    """What answers."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model_id: str
    encoder: str
    llm: str
    protocol: str
    simulated: bool = Field(description="Whether it was trained on simulated recordings.")
    real_input: Literal["accepted", "refused", "means nothing"] = Field(
        description="What becomes of recordings that are not the examples."
    )
    limits: Limits
    card: str = Field(description="The model card, in Markdown.")
    version: str


class Auroc(Reply):
    """How well the run told people apart on its test people; 95% interval by subject."""

    value: float
    low: float
    high: float
    n_subjects: int
    n_positive: int


class KnownQuestion(Reply):
    """A task of the model."""

    id: str
    condition: str
    sound: str
    dataset: str
    prompt: str
    trained: bool
    calibrated: bool
    auroc: Auroc | None
    asks_location: bool = Field(description="Whether its data states where on the body.")


class FreeCondition(Reply):
    """What can be asked about a condition that no task names."""

    sounds: tuple[str, ...]


class Tasks(Noted):
    """What can be asked."""

    tasks: tuple[KnownQuestion, ...]
    free_condition: FreeCondition


class Form(Reply):
    """The words that the training data uses; others are read, too."""

    genders: tuple[str, ...]
    symptoms: tuple[str, ...]
    medical_history: tuple[str, ...]
    locations: tuple[str, ...]


class StatedDms(Reply):
    """What a person stated: null is "not stated", an empty list "stated none"."""

    gender: str | None = None
    age: float | str | None = None
    medical_history: tuple[str, ...] | None = None
    symptoms: tuple[str, ...] | None = None
    recording_location: str | None = None


class ExampleRecording(Reply):
    """A recording of a simulated person."""

    id: str
    title: str
    task: str
    sound: str
    seconds: float
    dms: StatedDms
    true_answer: Literal[0, 1]


class Examples(Noted):
    """Recordings of simulated people, which every model takes."""

    examples: tuple[ExampleRecording, ...]


class Waveform(Reply):
    """Lowest and highest sample of equal stretches, full scale 1."""

    low: tuple[float, ...]
    high: tuple[float, ...]


class Spectrogram(Reply):
    """The model's log-mel over the whole recording."""

    frames: int
    bands: int
    seconds: float
    low_hz: float
    high_hz: float
    values: str = Field(description="Base64 of uint8 (frames x bands), time-major; 255 = loudest.")


class Listened(Noted):
    """What a recording is like. Nothing is predicted."""

    seconds: float
    sound_seconds: float
    peak_dbfs: float | None = Field(description="null: digital silence.")
    rms_dbfs: float | None = Field(description="null: digital silence.")
    clipped_fraction: float
    usable: bool
    reason: str | None = Field(description="Why it cannot be used.")
    warnings: tuple[str, ...]
    clips: int = Field(description="Stretches of 8.18 s that the model hears.")
    waveform: Waveform
    spectrogram: Spectrogram


class AskedTask(Reply):
    """What was asked."""

    id: str
    condition: str
    sound: str
    validated: bool = Field(description="Whether the model was tested on this question.")


class CalibratedProbability(Reply):
    """A probability with its interval, from the run's validation people."""

    probability: float
    low: float
    high: float
    interval: str
    unit: Unit
    n_positive: int
    n_negative: int


class Verdict(Reply):
    """Yes, no, or neither: the conformal set of the run's validation people."""

    answer: Literal["yes", "no", "abstains"]
    level: float
    text: str


class Contributions(Reply):
    """What sound and text each added, in log-odds."""

    base: float
    audio: float
    text: float
    unit: Literal["log-odds"] = "log-odds"
    method: str


class Familiarity(Reply):
    """How unlike the training recordings this one sounds."""

    percentile: float
    unusual: bool


class Prompt(Reply):
    """What the model read."""

    task: str
    dms: str
    audio: str


class Predicted(Noted):
    """The answer to one question about one recording. Research only, never a diagnosis."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    name: str
    task: AskedTask
    probability: float
    log_odds: float
    calibrated: CalibratedProbability | None
    why_uncalibrated: str
    verdict: Verdict | None
    contributions: Contributions | None
    familiarity: Familiarity | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    means_nothing: bool = Field(
        description="A model of simulated recordings answers for a real one."
    )
    clips: int
    prompt: Prompt
    model_id: str


class Band(Reply):
    """Attributions to one stretch of frequencies over time."""

    name: str
    low_hz: float
    high_hz: float
    seconds_per_value: float
    values: tuple[float, ...]


class AttributedClip(Reply):
    """Attributions to one clip."""

    seconds_start: float
    seconds_stop: float
    bands: tuple[Band, ...]


class AttributedWord(Reply):
    """A word as the model read it, and what it added."""

    word: str
    part: Literal["task", "person"]
    value: float


class Attributed(Noted):
    """What in the recording and in the words moved the answer, in log-odds."""

    clips: tuple[AttributedClip, ...]
    words: tuple[AttributedWord, ...]
    unit: Literal["log-odds"] = "log-odds"
    method: str
    baseline: str


class Start(Reply):
    """First line of a table's answers."""

    kind: Literal["start"] = "start"
    rows: int


class AnsweredRow(Predicted):
    """A row's answer."""

    kind: Literal["answer"] = "answer"
    row: int = Field(description="From 1, without the header.")


class RefusedRow(Reply):
    """A row without an answer, and why."""

    kind: Literal["refusal"] = "refusal"
    row: int
    name: str
    reason: str


class End(Noted):
    """Last line of a table's answers; without it, they were cut off."""

    kind: Literal["end"] = "end"
    answered: int
    refused: int
