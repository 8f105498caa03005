"""Train a baseline of the paper with the loop, weights and selection that RespLLM gets."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from respllm.batching import (
    FeatureSet,
    Heard,
    balanced_weights,
    hard_dms,
    log_mel_rows,
    pooled_tokens,
)
from respllm.config import BaselineSettings
from respllm.encoders import AudioEncoder
from respllm.errors import ConfigError, DataError
from respllm.models.baselines import (
    BaselineSpec,
    Hearing,
    Standardise,
    build_baseline,
    get_baseline,
)
from respllm.models.predicting import predict_logits
from respllm.models.text_embedding import TextEmbedder
from respllm.tasks.selection import shown_dms
from respllm.training.loop import optimise
from respllm.training.observing import Silent
from respllm.training.state import Progress
from respllm.types import Example, ProtocolName

STANDARDISING_SAMPLE = 512
"""Training clips, evenly spaced, whose tokens the standardisation of tokens is measured on."""


@dataclass(frozen=True, slots=True)
class _Senses:
    """How a baseline's examples become vectors: the same in training and afterwards.

    Attributes:
        fine_tuned: whether an encoder of its own hears log-mels.
        unstated: (D,) what stands for a DMS text that says nothing.
    """

    spec: BaselineSpec
    protocol: ProtocolName
    fine_tuned: bool
    embedder: TextEmbedder | None
    unstated: np.ndarray | None = None

    def features(
        self, heard: Heard, condition: np.ndarray, weights: np.ndarray | None = None
    ) -> FeatureSet:
        """Every example, with its audio and DMS as the model reads them."""
        audio = None
        if self.spec.audio is not None and self.fine_tuned:
            audio = log_mel_rows(heard)
        elif self.spec.audio == "tokens":
            audio = heard.tokens
        elif self.spec.audio == "pooled":
            pooled = pooled_tokens(heard)
            audio = pooled.__getitem__
        return FeatureSet(heard.examples, audio, self.dms(heard.examples), condition, weights)

    def dms(self, examples: tuple[Example, ...]) -> np.ndarray | None:
        """(n, D) float32, or None if the DMS is not read."""
        if self.spec.dms == "hard":
            records = [example.clip.record for example in examples]
            return hard_dms([shown_dms(r.dms, r.dataset, self.protocol) for r in records])
        if self.spec.dms == "soft":
            assert self.embedder is not None
            vectors = self.embedder.embed([example.dms_text for example in examples])
            if self.unstated is not None:
                vectors[[not example.dms_text for example in examples]] = self.unstated
            return vectors
        return None


@dataclass(frozen=True, slots=True)
class FittedBaseline:
    """A trained baseline.

    Attributes:
        name: of its `BaselineSpec`.
        model: the best by validation people.
        seed, settings: it was trained with.
        tasks: it was trained on.
        conditions: task id -> condition, of every task that may ask.
        outputs: the condition each output answers; () if one output answers whatever is asked.
        validation_auroc: mean over its tasks at the kept step; None where it is undefined, and then
            the last step was kept.
        best_step, steps: optimiser steps to the kept model, and in all.
        seconds: that training took.
    """

    name: str
    model: nn.Module
    seed: int
    settings: BaselineSettings
    tasks: tuple[str, ...]
    conditions: Mapping[str, str]
    outputs: tuple[str, ...]
    validation_auroc: float | None
    best_step: int
    steps: int
    seconds: float
    _senses: _Senses = field(repr=False)

    def answers(self, condition: str) -> bool:
        """Whether there is an output for a condition: never for one that was not trained."""
        return not self.outputs or condition in self.outputs

    def logits(self, heard: Heard, condition: str | None = None) -> np.ndarray:
        """Log-odds of answer 1 against 0 for any task's examples.

        Args:
            heard: through the encoder that it was trained with.
            condition: the output to read; None reads the one of each example's own task.

        Returns:
            (n,) float64, in the order of `heard.examples`; NaN where a condition is asked for that
            was never trained: not defined, as the paper's "-" for T6.

        Raises:
            ConfigError: a task whose condition is not known.
        """
        numbers = output_numbers(heard.examples, self.conditions, self.outputs, condition)
        result = np.full(len(numbers), np.nan)
        defined = np.flatnonzero(numbers >= 0)
        if len(defined):
            features = self._senses.features(heard, np.maximum(numbers, 0))
            result[defined] = predict_logits(self.model, features, defined.tolist())
        return result


def fit_baseline(
    name: str,
    train: Heard,
    validation: Heard,
    settings: BaselineSettings,
    seed: int,
    *,
    encoder: AudioEncoder,
    embedder: TextEmbedder | None,
    conditions: Mapping[str, str],
    protocol: ProtocolName,
    blind: bool = False,
) -> FittedBaseline:
    """Train one baseline and keep its best step, judged by validation people.

    The same seed gives the same weights. Nothing is measured on other people than `train`'s.

    Args:
        name: in `BASELINES`.
        train, validation: labelled examples with usable audio; of one task for a baseline of
            scope "task", of all training tasks for a joint one.
        seed: draws initial weights and the order of examples.
        encoder: `train` and `validation` were heard through. It is never changed: what is
            fine-tuned is a copy.
        embedder: reads DMS texts; may be None where nothing is read softly.
        conditions: task id -> `Task.condition_name`, of every task that may ask.
        blind: of a joint one: the published single output, whatever is asked, instead of one for
            each condition.
        protocol: decides what is shown of a person's DMS, in text and in numbers alike.

    Raises:
        ConfigError: an unknown name, no embedder, several tasks for a task-specific baseline, or a
            task without a condition.
        DataError: no training examples of both answers.
    """
    begun = time.monotonic()
    spec = get_baseline(name)
    tasks = _checked(spec, train, embedder)
    joint_blind = spec.scope == "joint" and blind
    named = [_condition(task, conditions) for task in tasks]
    outputs = () if joint_blind else tuple(dict.fromkeys(named))
    fine_tuned = spec.audio is not None and settings.fine_tune_encoder and encoder.has_weights
    config = settings.fine_tuning if fine_tuned else settings.training
    weights = balanced_weights(train.examples) if config.balance == "loss" else None
    hearing, standardise = None, None
    if spec.audio is not None:
        own = encoder.trainable_copy() if fine_tuned else None
        hearing = Hearing(Standardise.over(_sample(spec, train)), own, spec.audio == "pooled")
    senses = _Senses(spec, protocol, fine_tuned, embedder)
    if spec.dms is not None:
        standardise = _dms_scale(senses, train.examples)
        if spec.dms == "soft":
            # Zeros would lie far outside of what was learned; the middle speaks for neither.
            senses = _Senses(spec, protocol, fine_tuned, embedder, standardise.mean.numpy().copy())
    model = build_baseline(spec, hearing, standardise, max(1, len(outputs)), seed)
    numbers = [output_numbers(h.examples, conditions, outputs) for h in (train, validation)]
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    model.to(accelerator.device)
    best = _BestWeights(model)
    progress = optimise(
        model,
        senses.features(train, numbers[0], weights),
        senses.features(validation, numbers[1]),
        config,
        seed,
        accelerator,
        best,
    )
    best.restore()
    accelerator.free_memory()
    return FittedBaseline(
        name=name,
        model=model.eval(),
        seed=seed,
        settings=settings,
        tasks=tasks,
        conditions=dict(conditions),
        outputs=outputs,
        validation_auroc=progress.best,
        best_step=progress.best_step,
        steps=progress.step,
        seconds=time.monotonic() - begun,
        _senses=senses,
    )


def output_numbers(
    examples: tuple[Example, ...],
    conditions: Mapping[str, str],
    outputs: tuple[str, ...],
    condition: str | None = None,
) -> np.ndarray:
    """The output that each example reads, (n,) int64; -1 where there is none.

    Raises:
        ConfigError: a task whose condition is not known.
    """
    if not outputs:
        return np.zeros(len(examples), np.int64)
    number = {name: i for i, name in enumerate(outputs)}
    asked = [condition or _condition(example.task_id, conditions) for example in examples]
    return np.array([number.get(name, -1) for name in asked], np.int64)


class _BestWeights(Silent):
    """Keeps the best weights in memory, on the CPU; batch norm's running statistics too."""

    def __init__(self, model: nn.Module) -> None:
        self._model = model
        self._best: dict[str, Tensor] = {}

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """Copy the weights if they are the best so far."""
        if improved:
            state = self._model.state_dict()
            self._best = {name: value.detach().cpu().clone() for name, value in state.items()}

    def restore(self) -> None:
        """Put the best weights back into the model."""
        self._model.load_state_dict(self._best)


def _checked(spec: BaselineSpec, train: Heard, embedder: TextEmbedder | None) -> tuple[str, ...]:
    """The tasks that are learned, once they are known to be learnable."""
    tasks = tuple(dict.fromkeys(example.task_id for example in train.examples))
    where = f"baseline {spec.name}, tasks {', '.join(tasks) or 'none'}"
    if spec.dms == "soft" and embedder is None:
        raise ConfigError(
            "There is nobody to read the DMS texts",
            where=where,
            expected="a text embedder",
            next_step="load one with text_embedder",
        )
    if spec.scope == "task" and len(tasks) > 1:
        raise ConfigError(
            f"A task-specific baseline cannot learn {len(tasks)} tasks",
            where=where,
            expected="examples of one task",
            next_step="train one model for each task, or choose a joint baseline",
        )
    for task in tasks or ("",):
        labels = {e.label for e in train.examples if e.task_id == task}
        if labels != {0, 1}:
            raise DataError(
                f"The training labels are {sorted(labels, key=str)}",
                where=where if not task else f"baseline {spec.name}, task {task}",
                expected="recordings of both answers, 0 and 1",
                next_step="leave the task out, or give it more data",
            )
    return tasks


def _condition(task: str, conditions: Mapping[str, str]) -> str:
    if task not in conditions:
        raise ConfigError(
            f"The condition that task {task!r} asks for is not known",
            where="conditions",
            expected=f"one of {', '.join(conditions) or 'none'}",
            next_step="add the task's `condition_name`",
        )
    return conditions[task]


def _sample(spec: BaselineSpec, train: Heard) -> np.ndarray:
    """What the scale of the audio is measured on: all means, or the tokens of some clips."""
    if spec.audio == "pooled":
        return pooled_tokens(train)
    positions = np.linspace(0, len(train.examples) - 1, STANDARDISING_SAMPLE).astype(int)
    return train.tokens(np.unique(positions).tolist())


def _dms_scale(senses: _Senses, examples: tuple[Example, ...]) -> Standardise:
    vectors = senses.dms(examples)
    assert vectors is not None
    if senses.spec.dms == "hard":
        return Standardise.flags(vectors)
    stated = np.array([bool(example.dms_text) for example in examples])
    return Standardise.over(vectors[stated] if stated.any() else vectors)
