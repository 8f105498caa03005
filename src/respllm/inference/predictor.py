"""Answers for recordings and people: one recording, many, or a whole table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from respllm.batching import ExampleSet
from respllm.batching.tokenizing import MAX_DMS_TOKENS
from respllm.encoders import AudioEncoder, load_encoder
from respllm.errors import CheckpointError, ConfigError, SafetyError
from respllm.inference.hearing import Heard, Refusal, Request, Source, hear, heard_ahead
from respllm.inference.question import Question, condition_question, task_question
from respllm.models import Checkpoint, PromptMemory, for_inference, predict_logits
from respllm.prompts import dms_text, has_long_words
from respllm.prompts.dms_text import MAX_ITEM_CHARACTERS
from respllm.simulation import is_simulated
from respllm.types import Dms, Example, Precision, Prediction

ENCODED_AT_ONCE = 32
SIMULATED_MODEL = (
    "This model was trained on simulated recordings: the number means nothing about this person."
)


class Predictor:
    """A trained model that takes recordings and people. Research only, never a diagnosis.

    Nothing it hears is written to disk. Each prompt is read once and kept, so the model's weights
    must not change while it is used.

    Args:
        checkpoint: the model.
        encoder: the audio encoder that the model was trained with.
        precision: what the language model computes in.
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
        precision: Precision = "float32",
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
        self.precision = precision
        self._allow_simulated_model = allow_simulated_model
        self._memory = PromptMemory()

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: str = "cpu",
        encoder_checkpoint: str | Path | None = None,
        precision: Precision = "float32",
        allow_simulated_model: bool = False,
    ) -> Predictor:
        """Load a run folder, a checkpoint folder or a model from the Hugging Face hub.

        Args:
            device: "cpu" or "cuda".
            encoder_checkpoint: local file of the encoder's weights; None fetches the published
                ones if the encoder has any.
            precision: what encoder and language model compute in. bfloat16 is faster where the
                processor or GPU has it, and an answer differs a little.
        """
        checkpoint = Checkpoint.from_pretrained(source, device)
        for_inference(checkpoint.model, precision)
        encoder = load_encoder(
            checkpoint.config.encoder_name,
            encoder_checkpoint and Path(encoder_checkpoint),
            precision,
        )
        return cls(
            checkpoint,
            encoder.to(device),
            precision=precision,
            allow_simulated_model=allow_simulated_model,
        )

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
        answers = self._answer([self.hear(request)], self.question(task, condition, sound))
        return answers[0]

    def predict_many(
        self, requests: Iterable[Request], question: Question
    ) -> Iterator[Prediction | Refusal]:
        """Answer for many recordings, in order and in bounded memory.

        A recording that cannot be used gives a `Refusal` in its place. Should `requests` fail,
        what it gave before is answered first.

        Raises:
            SafetyError: see `predict`.
        """
        for heard in heard_ahead(requests, self.hear):
            usable = [one for one in heard if isinstance(one, Heard)]
            answers = iter(self._answer(usable, question) if usable else [])
            for one in heard:
                yield one if isinstance(one, Refusal) else next(answers)

    def hear(self, request: Request) -> Heard:
        """Make a recording ready to be asked about; threads may share it.

        Raises:
            AudioError: the recording cannot be used.
            SafetyError: see `predict`.
        """
        self._check_simulation(request.audio)
        return hear(request, self.checkpoint.config.protocol)

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

    def _answer(self, heard: list[Heard], question: Question) -> list[Prediction]:
        tokens = self.tokens(heard)
        examples = [example for one in heard for example in asked_of(one, question)]
        logits = iter(self.log_odds(examples, np.concatenate(tokens)))
        return [self.prediction(one, question, [next(logits) for _ in one.clips]) for one in heard]

    def tokens(self, heard: Sequence[Heard]) -> list[np.ndarray]:
        """Audio tokens of each recording, (clips, 64, A)."""
        parts = torch.from_numpy(np.concatenate([one.mels for one in heard])).split(ENCODED_AT_ONCE)
        found = [self.encoder.tokens(part.to(self.encoder.device)).cpu().numpy() for part in parts]
        ends = np.cumsum([len(one.clips) for one in heard])
        return np.split(np.concatenate(found), ends[:-1])

    def log_odds(self, examples: Sequence[Example], tokens: np.ndarray) -> list[float]:
        """What the model answers, as log-odds of 1 before any correction; threads may share it.

        Args:
            examples: what is asked; questions may differ.
            tokens: (n, 64, A) their sounds.

        Raises:
            CheckpointError: the model answers with no finite number.
        """
        example_set = ExampleSet(
            examples, lambda rows: tokens[np.asarray(rows)], self.checkpoint.tokenizer
        )
        found = predict_logits(
            self.checkpoint.model,
            example_set,
            bf16=self.precision == "bfloat16",
            memory=self._memory,
        ).tolist()
        if not np.isfinite(found).all():
            raise CheckpointError(
                "The model's answer is no finite number",
                next_step="train it again, or ask in float32",
            )
        return found

    def means_nothing(self, request: Request) -> bool:
        """Whether this is a model of simulated recordings and the recording is a real one."""
        return self.checkpoint.config.simulated and not (
            isinstance(request.audio, str | Path) and is_simulated(Path(request.audio))
        )

    def prediction(self, heard: Heard, question: Question, logits: Sequence[float]) -> Prediction:
        """The answer for a recording, from the log-odds of its clips."""
        request = heard.request
        logit = fmean(logits)
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
                *((SIMULATED_MODEL,) if self.means_nothing(request) else ()),
                *question.notes,
                *heard.warnings,
                *self._cuts(request.dms),
            ),
        )

    def _cuts(self, dms: Dms) -> Iterator[str]:
        """What of the stated words the model did not read."""
        if has_long_words(dms):
            yield f"Stated words of more than {MAX_ITEM_CHARACTERS} characters were cut."
        if self.checkpoint.tokenizer.cuts(dms_text(dms)):
            yield f"The stated words were cut after {MAX_DMS_TOKENS} tokens."


def asked_of(heard: Heard, question: Question) -> list[Example]:
    """The question about each clip of a recording."""
    stated = dms_text(heard.request.dms)
    return [Example(question.task_id, c, question.prompt, stated, None) for c in heard.clips]


def corrected(logit: float, question: Question) -> float:
    """Log-odds with the training prior corrected where it is known."""
    return question.known.corrected(logit) if question.known else logit


def probability(logit: float, question: Question) -> float:
    """Probability of answer 1, with the training prior corrected where it is known."""
    odds = corrected(logit, question)
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
