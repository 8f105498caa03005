"""Answers for recordings and people: one recording, many, or a whole table."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from respllm.audio import SAMPLE_RATE, check_usable, load_audio, log_mel, read_facts, warnings
from respllm.batching import ExampleSet
from respllm.encoders import AudioEncoder, load_encoder
from respllm.errors import AudioError, CheckpointError, ConfigError, SafetyError
from respllm.inference.question import Question, condition_question, task_question
from respllm.models import Checkpoint, predict_logits
from respllm.prompts import dms_text
from respllm.simulation import is_simulated
from respllm.tasks.clips import cut
from respllm.types import Clip, Dms, Example, Prediction, Record

CHUNK = 64
SIMULATED_MODEL = (
    "This model was trained on simulated recordings: the number means nothing about this person."
)

Source = Path | str | bytes | np.ndarray


@dataclass(frozen=True, slots=True)
class Request:
    """One recording to answer for.

    Attributes:
        audio: a file, its bytes, or a mono waveform of 16 kHz.
        dms: what the person stated.
        record_id, subject_id: names that come back with the answer.
        label: the true answer, if known; it does not influence anything.
    """

    audio: Source
    dms: Dms = field(default_factory=Dms)
    record_id: str = "recording"
    subject_id: str = "person"
    label: int | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """A recording without an answer, and why."""

    record_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Heard:
    request: Request
    clips: tuple[Clip, ...]
    mels: np.ndarray
    warnings: tuple[str, ...]


class Predictor:
    """A trained model that takes recordings and people. Research only, never a diagnosis.

    Nothing it hears is written to disk.

    Args:
        checkpoint: the model.
        encoder: the audio encoder that the model was trained with.
        allow_simulated_model: let a model that was trained on simulated recordings answer for
            real ones; every answer then says that it means nothing.

    Raises:
        CheckpointError: another encoder than the model's.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        encoder: AudioEncoder,
        *,
        allow_simulated_model: bool = False,
    ) -> None:
        if encoder.identity != checkpoint.config.encoder_identity:
            raise CheckpointError(
                f"The model hears through {checkpoint.config.encoder_identity}, "
                f"not through {encoder.identity}",
                next_step="name the encoder checkpoint that the model was trained with",
            )
        self.checkpoint = checkpoint
        self.encoder = encoder
        self._allow_simulated_model = allow_simulated_model

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: str = "cpu",
        encoder_checkpoint: str | Path | None = None,
        allow_simulated_model: bool = False,
    ) -> Predictor:
        """Load a run folder, a checkpoint folder or a model from the Hugging Face hub.

        Args:
            device: "cpu" or "cuda".
            encoder_checkpoint: local file of the encoder's weights; None fetches the published
                ones if the encoder has any.
        """
        checkpoint = Checkpoint.from_pretrained(source, device)
        encoder = load_encoder(
            checkpoint.config.encoder_name, encoder_checkpoint and Path(encoder_checkpoint)
        )
        return cls(checkpoint, encoder.to(device), allow_simulated_model=allow_simulated_model)

    def question(
        self, task: str | None = None, condition: str | None = None, sound: str | None = None
    ) -> Question:
        """What to ask: a task, or a condition heard in a sound.

        Raises:
            ConfigError: both, neither, or an unknown task.
        """
        if task is not None and condition is None:
            return task_question(self.checkpoint.config, task)
        if task is None and condition is not None and sound is not None:
            return condition_question(condition, sound)
        raise ConfigError(
            "It is not clear what to ask",
            expected="either a task, or a condition together with a sound",
        )

    def predict(
        self,
        audio: Source,
        dms: Dms | None = None,
        task: str | None = None,
        *,
        condition: str | None = None,
        sound: str | None = None,
    ) -> Prediction:
        """Answer for one recording.

        Args:
            audio: a file, its bytes, or a mono waveform of 16 kHz.
            dms: what the person stated; None states nothing.
            task: "S1" to "T6", a task of the model's own, or a task file.
            condition, sound: instead of a task, a condition that no task names.

        Raises:
            AudioError: the recording cannot be used.
            SafetyError: a model trained on simulated recordings, a real recording.
        """
        name = Path(audio).name if isinstance(audio, str | Path) else "recording"
        request = Request(audio, dms or Dms(), name, name)
        answers = self._answer([self._hear(request)], self.question(task, condition, sound))
        return answers[0]

    def predict_many(
        self, requests: Iterable[Request], question: Question
    ) -> Iterator[Prediction | Refusal]:
        """Answer for many recordings, in order and in bounded memory.

        A recording that cannot be used gives a `Refusal` in its place.

        Raises:
            SafetyError: see `predict`.
        """
        pending = iter(requests)
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
            while chunk := list(islice(pending, CHUNK)):
                heard = list(pool.map(self._try_to_hear, chunk))
                usable = [one for one in heard if isinstance(one, _Heard)]
                answers = iter(self._answer(usable, question) if usable else [])
                for one in heard:
                    yield one if isinstance(one, Refusal) else next(answers)

    def _try_to_hear(self, request: Request) -> _Heard | Refusal:
        try:
            return self._hear(request)
        except AudioError as error:
            return Refusal(request.record_id, str(error))

    def _hear(self, request: Request) -> _Heard:
        self._check_simulation(request.audio)
        source = Path(request.audio) if isinstance(request.audio, str) else request.audio
        record = Record(
            request.record_id,
            request.subject_id,
            "",
            "",
            source if isinstance(source, Path) else Path(),
            request.dms,
        )
        clips = self._clips(record, source)
        usable: list[Clip] = []
        mels: list[np.ndarray] = []
        found: list[str] = []
        refused: list[AudioError] = []
        for clip in clips:
            try:
                waveform = _stretch(source, clip)
                quality = check_usable(waveform)
            except AudioError as error:  # the rest of a recording may be heard, as in `evaluate`
                refused.append(error)
                continue
            usable.append(clip)
            mels.append(log_mel(waveform))
            found += warnings(quality)
        if not usable:
            raise refused[0]
        if refused:
            found.append(f"{len(refused)} of {len(clips)} clips left out: {refused[0].what}")
        return _Heard(request, tuple(usable), np.stack(mels), tuple(dict.fromkeys(found)))

    def _clips(self, record: Record, source: Path | bytes | np.ndarray) -> tuple[Clip, ...]:
        if self.checkpoint.config.protocol == "paper":
            return (Clip(record),)
        if isinstance(source, Path):
            facts = read_facts(source)
            if facts.error is not None:
                raise AudioError(f"The recording {facts.error}", where=str(source))
            seconds = facts.seconds
        elif isinstance(source, bytes):
            seconds = len(load_audio(source)) / SAMPLE_RATE
        else:
            seconds = len(source) / SAMPLE_RATE
        return tuple(cut(record, seconds))

    def _check_simulation(self, source: Source) -> None:
        if not self.checkpoint.config.simulated or self._allow_simulated_model:
            return
        if isinstance(source, str | Path) and is_simulated(Path(source)):
            return
        raise SafetyError(
            "This model was trained on simulated recordings and this recording is real",
            expected="a recording of a simulated cohort",
            next_step="train on real recordings; or pass --allow-simulated-model "
            "(allow_simulated_model=True) to see a number that means nothing",
        )

    def _answer(self, heard: list[_Heard], question: Question) -> list[Prediction]:
        with torch.inference_mode():
            tokens = np.concatenate(
                [
                    self.encoder.tokens(torch.from_numpy(one.mels).to(self.encoder.device))
                    .cpu()
                    .numpy()
                    for one in heard
                ]
            )
        examples = [
            Example(question.task_id, clip, question.prompt, dms_text(one.request.dms), None)
            for one in heard
            for clip in one.clips
        ]
        example_set = ExampleSet(
            examples, lambda rows: tokens[np.asarray(rows)], self.checkpoint.tokenizer
        )
        logits = iter(predict_logits(self.checkpoint.model, example_set).tolist())
        return [self._prediction(one, [next(logits) for _ in one.clips], question) for one in heard]

    def _prediction(self, heard: _Heard, logits: list[float], question: Question) -> Prediction:
        request = heard.request
        logit = fmean(logits)
        means_nothing = self.checkpoint.config.simulated and not (
            isinstance(request.audio, str | Path) and is_simulated(Path(request.audio))
        )
        return Prediction(
            task_id=question.task_id,
            record_id=request.record_id,
            subject_id=request.subject_id,
            logit=logit,
            probability=probability(logit, question),
            label=request.label,
            model_id=self.checkpoint.model_id,
            clip_logits=tuple(logits),
            validated=question.known is not None,
            notes=(
                *((SIMULATED_MODEL,) if means_nothing else ()),
                *question.notes,
                *heard.warnings,
            ),
        )


def probability(logit: float, question: Question) -> float:
    """Probability of answer 1, with the training prior corrected where it is known."""
    corrected = question.known.corrected(logit) if question.known else logit
    return 1 / (1 + math.exp(-corrected)) if corrected > -700 else 0.0


def _stretch(source: Path | bytes | np.ndarray, clip: Clip) -> np.ndarray:
    if not isinstance(source, np.ndarray):
        return load_audio(source, clip.start, clip.stop)
    stop = None if clip.stop is None else round(clip.stop * SAMPLE_RATE)
    return source[round(clip.start * SAMPLE_RATE) : stop].astype(np.float32)
