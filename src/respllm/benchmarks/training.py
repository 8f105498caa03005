"""Training measured: the project's own loop beside the plain recipe, on the same examples."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from respllm.batching import ExampleSet, mixed_batches
from respllm.benchmarks.plain import Sample, plain_answers, plain_logits, plain_step
from respllm.benchmarks.workload import BATCH, Workload
from respllm.config import TrainingConfig
from respllm.models import RespLLM
from respllm.training.loop import optimise
from respllm.training.observing import Silent
from respllm.training.state import Progress
from respllm.types import Precision

SEED = 0
RATE = 1e-4


@dataclass
class Losses(Silent):
    """An observer that keeps each step's loss."""

    found: list[float] = field(default_factory=list)

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """Keep it."""
        self.found.append(loss)


def settings(precision: Precision) -> TrainingConfig:
    """One epoch, as plain as the plain recipe's."""
    return TrainingConfig(
        epochs=1,
        batch_size=BATCH,
        learning_rate=RATE,
        schedule="constant",
        warmup_fraction=0,
        gradient_clip=None,
        patience=None,
        bf16=precision == "bfloat16",
    )


def our_epoch(
    model: RespLLM, train: ExampleSet, validation: ExampleSet, precision: Precision
) -> list[float]:
    """One epoch of the project's loop from cached audio tokens, with its validation; its losses."""
    logging.getLogger("accelerate").setLevel(logging.ERROR)
    losses = Losses()
    optimise(model, train, validation, settings(precision), SEED, Accelerator(cpu=True), losses)
    return losses.found


def plain_epoch(
    model: RespLLM, network: Any, samples: list[Sample], validation: list[Sample] | None
) -> None:
    """One epoch of the plain recipe; with a validation set also its evaluations.

    Args:
        network: the audio encoder.
        samples: learned, in the order in which ours come.
        validation: None leaves out every evaluation.
    """
    optimizer = _optimizer(model)
    for batch in _batches(samples):
        plain_step(model, network, optimizer, batch)
    if validation is not None:
        for part in (samples, validation):
            for first in range(0, len(part), BATCH):
                plain_answers(model, network, part[first : first + BATCH])


def largest_loss_difference(work: Workload, steps: int) -> float:
    """Largest absolute difference of a float32 loss over a training of so many steps."""
    size = steps * BATCH
    samples, model = work.samples(0, size), work.trained_model("float32")
    ours = our_epoch(work.trained_model("float32"), work.set(0, size), work.set(0, 0), "float32")
    optimizer, plain = _optimizer(model), []
    for rows in mixed_batches(size, BATCH, SEED, 0):
        batch = [samples[i] for i in rows]
        logits = plain_logits(model, batch, torch.from_numpy(work.tokens[rows]))
        loss = nn.functional.cross_entropy(logits, torch.tensor([s.label for s in batch]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        plain.append(loss.item())
    return float(np.abs(np.array(ours) - np.array(plain)).max())


def _batches(samples: list[Sample]) -> Iterator[list[Sample]]:
    for rows in mixed_batches(len(samples), BATCH, SEED, 0):
        yield [samples[i] for i in rows]


def _optimizer(model: RespLLM) -> torch.optim.Optimizer:
    return torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], RATE)
