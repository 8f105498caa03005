"""Recordings of simulated people, made when the service starts: always the same, bit by bit."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
import soundfile

from respllm.server.schemas import ExampleRecording, StatedDms
from respllm.simulation.answers import QUESTIONNAIRES
from respllm.simulation.devices import draw_device, record
from respllm.simulation.layouts.plan import Sample
from respllm.simulation.questions import QUESTIONS, SoundKind
from respllm.simulation.sampling import draw_sample
from respllm.simulation.signs import draw_signs
from respllm.simulation.sounds import synthesise
from respllm.tasks import builtin_tasks
from respllm.types import Dms

SEED = 20_241
PEOPLE = 60
"""From whom one with the wanted answer is taken."""

# The datasets' own words, where they differ from the simulation's.
_SYMPTOMS = {"runny nose": "runny or blocked nose"}
_OWN_SYMPTOMS = {
    "uk_covid19": {"loss of smell or taste": "change to sense of smell or taste"},
    "covid19_sounds": {"cough": "dry cough"},
    "coswara": {"shortness of breath": "breathing difficulties", "runny nose": "cold"},
}
_HISTORY = {"copd": "chronic obstructive pulmonary disease"}
_OWN_HISTORY = {"coswara": {"copd": "chronic lung disease"}}


@dataclass(frozen=True, slots=True)
class _Plan:
    """An example: whom to record, and what for."""

    id: str
    title: str
    task: str
    kind: SoundKind
    positive: bool
    location: str | None = None


_PLANS = (
    _Plan("cough-1", "A cough, with COVID-19", "S2", "cough", True),
    _Plan("breath-1", "An exhalation, without COVID-19", "S1", "breath", False),
    _Plan("breath-2", "A breath of a smoker", "S5", "breath", True),
    _Plan("lung-1", "A lung sound, with COPD", "S7", "lung", True, "left posterior chest"),
    _Plan("lung-2", "A lung sound, without asthma", "T6", "lung", False, "posterior right lower"),
    _Plan("cough-2", "A shallow cough, without COVID-19", "T1", "cough", False),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A simulated person's recording.

    Attributes:
        shown: what the service tells about it.
        dms: what the person states.
        audio: a WAV file.
    """

    shown: ExampleRecording
    dms: Dms
    audio: bytes


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """All examples, and how to tell their bytes from others."""

    by_id: dict[str, Example]
    digests: frozenset[bytes]

    def has(self, audio: bytes) -> bool:
        """Whether these bytes are one of the examples."""
        return hashlib.sha256(audio).digest() in self.digests


def make_examples() -> ExampleSet:
    """Simulate the people and their recordings; it takes a moment and touches no disk."""
    made = [_example(plan, number) for number, plan in enumerate(_PLANS)]
    return ExampleSet(
        {one.shown.id: one for one in made},
        frozenset(hashlib.sha256(one.audio).digest() for one in made),
    )


def _example(plan: _Plan, number: int) -> Example:
    question = next(q for q in QUESTIONS if q.task_id == plan.task)
    rng = np.random.default_rng([SEED, number])
    sample = draw_sample(question.dataset, PEOPLE, rng)
    fits = question.asks(sample.people) & (sample.people.has(question.cause) == plan.positive)
    person = int(np.flatnonzero(fits)[0])
    signs = draw_signs(sample.people.take(np.array([person])), rng)[0]
    device = draw_device(question.dataset, rng)
    samples = record(synthesise(plan.kind, signs, rng).waveform, device, rng)
    file = io.BytesIO()
    soundfile.write(file, samples, device.sampling_rate, subtype="PCM_16", format="WAV")
    dms = _dms(question.dataset, sample, person, plan.location)
    return Example(
        ExampleRecording(
            id=plan.id,
            title=plan.title,
            task=plan.task,
            sound=builtin_tasks()[plan.task].sound,
            seconds=len(samples) / device.sampling_rate,
            dms=StatedDms(
                gender=dms.gender,
                age=dms.age,
                medical_history=dms.medical_history,
                symptoms=dms.symptoms,
                recording_location=dms.recording_location,
            ),
            true_answer=1 if plan.positive else 0,
        ),
        dms,
        file.getvalue(),
    )


def _dms(dataset: str, sample: Sample, person: int, location: str | None) -> Dms:
    """What a person states, in the words of the dataset that they are simulated for."""
    asked, answers = QUESTIONNAIRES[dataset], sample.answers
    bands = {18: "18-44", 45: "45-64", 65: "65+"}
    age: float | str | None = None
    if answers.age_stated[person]:
        low, high = int(answers.age_low[person]), int(answers.age_high[person])
        age = float(low) if low == high else bands.get(low, f"{low}-{high}")
    sex = "Female" if answers.female[person] else "Male"
    return Dms(
        gender=sex if answers.sex_stated[person] else None,  # type: ignore[arg-type]
        age=age,
        medical_history=_ticked(
            asked.history,
            answers.history[person],
            bool(answers.history_stated[person]),
            {**_HISTORY, **_OWN_HISTORY.get(dataset, {})},
            dataset != "coswara",
        ),
        symptoms=_ticked(
            asked.symptoms,
            answers.symptoms[person],
            bool(answers.symptoms_stated[person]),
            {**_SYMPTOMS, **_OWN_SYMPTOMS.get(dataset, {})},
            dataset != "coswara",
        ),
        recording_location=location,
    )


def _ticked(
    asked: tuple[str, ...],
    ticks: np.ndarray,
    stated: bool,
    names: dict[str, str],
    can_state_none: bool,
) -> tuple[str, ...] | None:
    if not asked or not stated:
        return None
    found = tuple(names.get(name, name) for name, tick in zip(asked, ticks, strict=True) if tick)
    return found if found or can_state_none else None
