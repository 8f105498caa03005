"""One optimisation loop for every model that maps a batch to two logits."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from respllm.batching import Batchable, LabelledBatch, ahead, mixed_batches
from respllm.config import TrainingConfig
from respllm.errors import RespllmError
from respllm.models import load_trained_state, predict_logits
from respllm.training.determinism import deterministic
from respllm.training.state import Progress
from respllm.training.validation import mean_auroc, task_aurocs


class TrainingDivergedError(RespllmError):
    """The loss is no finite number any more."""


class Observer(Protocol):
    """Who is told what happens. Only the main process has one that does anything."""

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """An optimiser step was made."""

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """The validation subjects were scored."""

    def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
        """Now is a good time to write the state."""


@dataclass(frozen=True, slots=True)
class Start:
    """What an earlier, interrupted training left."""

    progress: Progress
    weights: dict[str, torch.Tensor]
    optimizer: dict[str, Any]


@deterministic()
def optimise(
    model: nn.Module,
    train: Batchable,
    validation: Batchable,
    config: TrainingConfig,
    seed: int,
    accelerator: Accelerator,
    observer: Observer,
    start: Start | None = None,
) -> Progress:
    """Train `model` in place with cross-entropy over mixed-task batches (paper 3.2).

    Everything random follows from `seed` and the step, so a training that goes on from a saved
    state ends with the weights of one that was never interrupted, and two processes learn what one
    would. The observer keeps the best weights; `model` ends with the last.

    Raises:
        TrainingDivergedError: naming the step and the records of its batch.
    """
    steps_per_epoch = -(-len(train) // config.batch_size)
    total = steps_per_epoch * config.epochs
    validate_every = max(1, steps_per_epoch // config.evaluations_per_epoch)
    progress = Progress()
    optimizer = _optimizer(model, config)
    if start is not None:
        progress = start.progress
        load_trained_state(model, start.weights, where="the saved state")
        optimizer.load_state_dict(start.optimizer)
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    saved_at = time.monotonic()
    model.train()
    planned = _planned(len(train), config, seed, progress.step, accelerator)
    for share, batches in ahead(lambda share: [train.batch(c) for c in share.chunks], planned):
        if progress.stopped:
            break
        step = share.step
        rate = learning_rate(config, step, total)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = _step(wrapped, optimizer, train, share, batches, config, seed, accelerator)
        progress.step = step + 1
        observer.step(progress, total, loss, rate)
        validate = progress.step % validate_every == 0 or progress.step == total
        if validate:
            logits = _validate(model, validation, config, accelerator)
            aurocs = task_aurocs(validation.examples, logits)
            improved = _judge(progress, aurocs, config)
            observer.validated(progress, aurocs, improved)
        if validate or time.monotonic() - saved_at > 60 * config.save_minutes:
            observer.save(progress, optimizer.state_dict())
            saved_at = time.monotonic()
    return progress


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """The rate of step number `step` (from 0) of `total`: linear warm-up, then the schedule."""
    warmup = round(config.warmup_fraction * total)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    left = 1 - (step - warmup) / max(1, total - warmup)
    factor = {
        "constant": 1.0,
        "linear": left,
        "cosine": 0.5 - 0.5 * math.cos(math.pi * left),
    }[config.schedule]
    return config.learning_rate * factor


@dataclass(frozen=True, slots=True)
class _Share:
    """One process's share of an optimiser step.

    Attributes:
        step: its number, from 0.
        examples: in the whole batch, over all processes.
        chunks: positions of this process's examples, computed at once each.
        spare: the batch is smaller than the number of processes, and this one computes an example
            of another without weight.
    """

    step: int
    examples: int
    chunks: tuple[list[int], ...]
    spare: bool


def _planned(
    size: int, config: TrainingConfig, seed: int, done: int, accelerator: Accelerator
) -> Iterator[_Share]:
    """What this process computes, step by step, from step `done` on."""
    epochs = (mixed_batches(size, config.batch_size, seed, e) for e in range(config.epochs))
    for step, rows in enumerate(chain.from_iterable(epochs)):
        if step < done:
            continue
        own = rows[accelerator.process_index :: accelerator.num_processes].tolist()
        spare = not own
        if spare:
            own = rows[:1].tolist()
        micro = config.micro_batch_size or len(own)
        chunks = tuple(own[i : i + micro] for i in range(0, len(own), micro))
        yield _Share(step, len(rows), chunks, spare)


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: Batchable,
    share: _Share,
    batches: Sequence[LabelledBatch],
    config: TrainingConfig,
    seed: int,
    accelerator: Accelerator,
) -> float:
    """One optimiser step on a batch that is shared among the processes; its mean loss."""
    torch.manual_seed(seed * 1_000_003 + share.step)  # dropout, if any
    world = accelerator.num_processes
    optimizer.zero_grad()
    total = 0.0
    for number, (chunk, read) in enumerate(zip(share.chunks, batches, strict=True)):
        batch = read.to(accelerator.device)
        last = number == len(share.chunks) - 1
        waiting = nullcontext() if last else accelerator.no_sync(model)
        with waiting:
            with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=config.bf16):
                logits = model(batch)
            losses = nn.functional.cross_entropy(logits, batch.labels, reduction="none")
            # Weights average 1 over all examples, not over a batch: dividing by a batch's own sum
            # would take back part of what they give to a rare class.
            loss = (losses * batch.weights).sum() / share.examples * (0.0 if share.spare else 1.0)
            if not torch.isfinite(loss):
                names = ", ".join(train.examples[i].clip.record.record_id for i in chunk)
                raise TrainingDivergedError(
                    f"The loss is {loss.item()} at step {share.step + 1}",
                    where=f"records {names}",
                    next_step="lower the learning rate, or check these recordings",
                )
            # Gradients are averaged over the processes: make that a sum.
            accelerator.backward(loss * world)
        total += loss.item()
    if config.gradient_clip is not None:
        accelerator.clip_grad_norm_(model.parameters(), config.gradient_clip)
    optimizer.step()
    return sum(gather_object([total]))


def _validate(
    model: nn.Module, validation: Batchable, config: TrainingConfig, accelerator: Accelerator
) -> np.ndarray:
    """Logits of all validation examples, each process computing its share."""
    rows = range(accelerator.process_index, len(validation), accelerator.num_processes)
    logits = predict_logits(model, validation, rows, bf16=config.bf16)
    pairs = gather_object(list(zip(rows, logits.tolist(), strict=True)))
    result = np.zeros(len(validation))
    for row, logit in pairs:
        result[row] = logit
    return result


def _judge(progress: Progress, aurocs: dict[str, float], config: TrainingConfig) -> bool:
    """Note a validation; whether it is the best so far. Without any, the last is the best."""
    value = mean_auroc(aurocs)
    improved = value is None or progress.best is None or value > progress.best
    if improved:
        progress.best, progress.best_step, progress.waited = value, progress.step, 0
        progress.aurocs = aurocs
    else:
        progress.waited += 1
        progress.stopped = config.patience is not None and progress.waited >= config.patience
    return improved
