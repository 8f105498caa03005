"""The words everyone shares: what flows from a dataset's folder to a report.

dataset folder -> Record -> Clip -> Example -> Batch -> logits -> Prediction -> Score
(`Batch` holds tensors and lives in `respllm.batching`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

Gender = Literal["Female", "Male", "Other"]
Split = Literal["train", "validation", "test"]
ProtocolName = Literal["paper", "clean"]
Unit = Literal["subject", "recording", "clip"]
Precision = Literal["float32", "bfloat16"]
"""What is computed in; weights that are trained, sums and results are float32 either way."""

SPLITS: tuple[Split, ...] = get_args(Split)
PROTOCOLS: tuple[ProtocolName, ...] = get_args(ProtocolName)


@dataclass(frozen=True, slots=True)
class Dms:
    """Demographics, medical history and symptoms of one person at one recording (paper 3.2).

    In every field `None` means "not stated"; in the two lists `()` means "stated none". Nothing
    here is ever imputed.

    Attributes:
        gender: "Female", "Male" or "Other".
        age: years as a number, or a band as the dataset states it ("45-64").
        medical_history: condition names, in English, lower case ("asthma").
        symptoms: symptom names, in English, lower case ("dry cough").
        recording_location: where on the body a lung sound was recorded ("right posterior chest").
    """

    gender: Gender | None = None
    age: float | str | None = None
    medical_history: tuple[str, ...] | None = None
    symptoms: tuple[str, ...] | None = None
    recording_location: str | None = None


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """One annotated stretch of a recording (an ICBHI breathing cycle); times in seconds."""

    start: float
    stop: float
    crackle: bool
    wheeze: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One recording of one person, as its dataset states it. No protocol's choice is in here.

    Attributes:
        record_id: unique over all datasets, `<dataset>/<name>`.
        subject_id: unique over all datasets, `<dataset>/<person>`. Where the publisher gives no
            subjects, the group of byte-identical recordings; then `subject_known` is False.
        dataset: the dataset's registry name ("icbhi").
        sound_type: registry name of the sound ("cough", "exhalation", "breathing-deep", ...).
        audio_path: the recording; it may be missing or undecodable.
        dms: what the person stated.
        labels: condition -> 0 or 1. A condition that is not there is unknown for this record.
        splits: name of a published split -> the part this record is in.
        device: recording device or platform, if stated.
        site: where it was recorded (a hospital, a country), if stated.
        language: the person's, if stated.
        recruitment: how the person came into the dataset, if stated. These four are never shown to
            the model: they are for audits.
        events: annotated stretches, in time order.
        subject_known: whether `subject_id` comes from the publisher.
    """

    record_id: str
    subject_id: str
    dataset: str
    sound_type: str
    audio_path: Path
    dms: Dms
    labels: Mapping[str, int] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)
    device: str | None = None
    site: str | None = None
    language: str | None = None
    recruitment: str | None = None
    events: tuple[SoundEvent, ...] = ()
    subject_known: bool = True


@dataclass(frozen=True, slots=True)
class Clip:
    """The stretch of a recording that one set of 64 audio tokens stands for.

    The samples from `start` to `stop` are cut out, silence at their ends is trimmed, and window
    number `window` of 8.18 s (hop 4.09 s) is taken.

    Attributes:
        record: the recording.
        start: seconds from the beginning of the file.
        stop: seconds from the beginning of the file; `None` means its end.
        window: index of the window within the trimmed stretch.
        view: 0 as it was recorded; each further number, as some other device in some other room
            would have recorded it.
    """

    record: Record
    start: float = 0.0
    stop: float | None = None
    window: int = 0
    view: int = 0

    @property
    def clip_id(self) -> str:
        """`<record_id>@<start>-<stop>#<window>`, and `~<view>` if any; unique over all clips."""
        stop = "end" if self.stop is None else f"{self.stop:.3f}"
        view = f"~{self.view}" if self.view else ""
        return f"{self.record.record_id}@{self.start:.3f}-{stop}#{self.window}{view}"


@dataclass(frozen=True, slots=True)
class Example:
    """One question about one clip: what the model reads, and the answer if it is known.

    Attributes:
        task_id: the task that asks.
        clip: what is listened to.
        prompt_text: X_p, the task prompt.
        dms_text: X_d, the person's DMS as text; "" if nothing is stated.
        label: 1, 0, or None when serving.
    """

    task_id: str
    clip: Clip
    prompt_text: str
    dms_text: str
    label: int | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer to one question about one recording. Research only, not a diagnosis.

    Attributes:
        task_id: the task asked.
        record_id: the recording.
        subject_id: the person (or group of identical recordings).
        logit: log-odds of 1 before any prior correction, averaged over the recording's clips.
        probability: probability of 1 after correcting the training prior where it is known.
        label: the true answer, or None.
        model_id: what answered.
        clip_logits: the logit of each clip, in time order.
        validated: False if no task the model was tested on asks this question.
        notes: what a reader must know beside the number.
    """

    task_id: str
    record_id: str
    subject_id: str
    logit: float
    probability: float
    label: int | None
    model_id: str
    clip_logits: tuple[float, ...] = ()
    validated: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one model on one task, with its interval.

    Attributes:
        metric: "auroc".
        value: None if it is undefined (one class only); then `note` says why.
        low, high: bounds of the 95% interval, by subject; None with `value`.
        n_records, n_subjects: what was scored.
        n_positive, n_negative: subjects with at least one scored unit of that class.
        unit: what one score belongs to.
        method: name of the interval's method.
        note: what a reader must know beside the number.
        n_runs: seeds whose AUROCs were averaged.
        run_sd: standard deviation of the seeds' AUROCs; None with one seed.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    n_records: int
    n_subjects: int
    n_positive: int
    n_negative: int
    unit: Unit
    method: str
    note: str = ""
    n_runs: int = 1
    run_sd: float | None = None
