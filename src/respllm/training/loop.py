"""One optimisation loop for every model that maps a batch to two logits."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import broadcast, gather_object
from torch import nn

from respllm.batching import Batchable, LabelledBatch, ahead, mixed_batches
from respllm.config import TrainingConfig
from respllm.errors import RespllmError
from respllm.models import OutOfMemoryError, load_trained_state, predict_logits
from respllm.training.determinism import deterministic
from respllm.training.schedule import learning_rate
from respllm.training.state import Progress
from respllm.training.validation import mean_auroc, task_aurocs


class TrainingDivergedError(RespllmError):
    """The loss, or its gradient, is no finite number any more."""


class Observer(Protocol):
    """Who is told what happens. Only the main process has one that does anything."""

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """An optimiser step was made."""

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """The validation subjects were scored."""

    def halved(self, progress: Progress, batch_size: int) -> None:
        """The GPU's memory was full: the last of `progress.halved` is computed at once now."""

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

    Where the GPU's memory does not hold what is computed at once, half of it is, from that step on,
    and the step is done again: the gradient is still that of the whole batch.

    Raises:
        TrainingDivergedError: naming the step and the records of its batch. The weights and the
            state are those of the step before.
        OutOfMemoryError: one example at a time is too much, or there is no room for the optimiser's
            own state. The saved state is that of a step before.
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
    # No wrapper that shares gradients as they come: a process that is out of memory would leave
    # the others waiting in it. `_step` adds them up.
    for parameter in model.parameters():
        if parameter.requires_grad:
            broadcast(parameter.data)
    optimizer = accelerator.prepare(optimizer)
    saved_at = time.monotonic()
    model.train()
    planned = _planned(len(train), config, seed, progress, accelerator)
    reading = ahead(lambda share: [train.batch(c) for c in share.chunks], planned)
    for share, batches in reading:
        if progress.stopped:
            break
        step = share.step
        rate = learning_rate(
            config.learning_rate, config.warmup_fraction, step, total, config.schedule
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = None
        while loss is None:
            if max(map(len, share.chunks)) > (progress.micro_batch_size or len(train)):
                # It was read ahead before the halving, or it is this step that is done again.
                share = share.by(progress.micro_batch_size)
                batches = [train.batch(chunk) for chunk in share.chunks]
            loss = _step(
                model, optimizer, train, share, batches, config, seed, accelerator, progress
            )
            if loss is None:
                observer.halved(progress, config.batch_size)
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
    reading.close()
    return progress


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)


@dataclass(frozen=True, slots=True)
class _Share:
    """One process's share of an optimiser step.

    Attributes:
        step: its number, from 0.
        rows: positions of the whole batch's examples, over all processes.
        chunks: positions of this process's examples, computed at once each.
        spare: the batch is smaller than the number of processes, and this one computes an example
            of another without weight.
    """

    step: int
    rows: list[int]
    chunks: tuple[list[int], ...]
    spare: bool

    def by(self, micro: int | None) -> _Share:
        """The same share with `micro` examples computed at once; None: all of them."""
        own = [row for chunk in self.chunks for row in chunk]
        size = micro or len(own)
        chunks = tuple(own[i : i + size] for i in range(0, len(own), size))
        return replace(self, chunks=chunks)


def _planned(
    size: int, config: TrainingConfig, seed: int, progress: Progress, accelerator: Accelerator
) -> Iterator[_Share]:
    """What this process computes, step by step, from where it stands on."""
    done = progress.step
    epochs = (mixed_batches(size, config.batch_size, seed, e) for e in range(config.epochs))
    for step, rows in enumerate(chain.from_iterable(epochs)):
        if step < done:
            continue
        own = rows[accelerator.process_index :: accelerator.num_processes].tolist()
        spare = not own
        if spare:
            own = rows[:1].tolist()
        micro = progress.micro_batch_size or config.micro_batch_size
        yield _Share(step, rows.tolist(), (own,), spare).by(micro)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one process's share of a step.

    Attributes:
        loss: its part of the batch's mean loss.
        bad: a loss that is no finite number, else None; and the records it was computed on.
        too_large: examples that were computed at once when the memory was full; 0: it was not.
    """

    loss: float = 0.0
    bad: tuple[float, list[int]] | None = None
    too_large: int = 0


def _step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: Batchable,
    share: _Share,
    batches: Sequence[LabelledBatch],
    config: TrainingConfig,
    seed: int,
    accelerator: Accelerator,
    progress: Progress,
) -> float | None:
    """One optimiser step on a batch that is shared among the processes.

    Returns:
        The batch's mean loss; None where the memory was full: nothing was changed but
        `progress.halved`.
    """
    # Batch norm counts what it sees, so what a share was interrupted in is taken back.
    buffers = [buffer.clone() for buffer in model.buffers()]
    torch.manual_seed(seed * 1_000_003 + share.step)  # dropout, if any
    optimizer.zero_grad()
    own = _gradient(model, train, share, batches, config, accelerator)
    # All processes hear of all, so that they stop, or begin again, together.
    outcomes: list[_Outcome] = gather_object([own])
    for outcome in outcomes:
        if outcome.bad is not None:
            value, rows = outcome.bad
            raise _diverged(f"The loss is {value}", share.step, train, rows)
    too_large = max(outcome.too_large for outcome in outcomes)
    if too_large:
        optimizer.zero_grad()
        with torch.no_grad():
            for buffer, before in zip(model.buffers(), buffers, strict=True):
                buffer.copy_(before)
        if accelerator.device.type == "cuda":
            torch.cuda.empty_cache()
        if too_large == 1:
            raise OutOfMemoryError(
                f"The memory of the GPU does not hold one example at step {share.step + 1}",
                where=f"device {accelerator.device}",
                expected="room for the model and the activations of one example",
                next_step="set model.gradient_checkpointing, dtype bfloat16 or a smaller language "
                "model, or free the GPU of other programs, and go on with --resume",
            )
        progress.halved.append((share.step + 1, -(-too_large // 2)))
        return None
    if accelerator.num_processes > 1:
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad = accelerator.reduce(parameter.grad, "sum")
    try:
        _learn(model, optimizer, train, share, config, accelerator)
    except torch.OutOfMemoryError as error:
        # Some weights may have moved, so the step cannot be done again here.
        raise OutOfMemoryError(
            f"The memory of the GPU does not hold the optimiser's state at step {share.step + 1}",
            where=f"device {accelerator.device}",
            expected="room for two more numbers for each trained weight",
            next_step="free the GPU of other programs and go on with --resume, or begin a new run "
            "with a smaller language model or lora.r",
        ) from error
    return sum(outcome.loss for outcome in outcomes)


def _learn(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    train: Batchable,
    share: _Share,
    config: TrainingConfig,
    accelerator: Accelerator,
) -> None:
    """Move the weights along the whole batch's gradient, if it is one."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    if config.gradient_clip is not None:
        norm = accelerator.clip_grad_norm_(model.parameters(), config.gradient_clip)
    else:
        norm = nn.utils.get_total_norm(gradients)
    if not torch.isfinite(norm):
        # A step with it would leave weights of NaN for the state and the best model.
        raise _diverged(f"The gradient is {norm.item()}", share.step, train, share.rows)
    optimizer.step()


def _gradient(
    model: nn.Module,
    train: Batchable,
    share: _Share,
    batches: Sequence[LabelledBatch],
    config: TrainingConfig,
    accelerator: Accelerator,
) -> _Outcome:
    """Add this process's part of the batch's gradient to the weights' gradients."""
    total = 0.0
    for chunk, read in zip(share.chunks, batches, strict=True):
        try:
            loss = _loss(model, read.to(accelerator.device), share, config, accelerator)
            value = loss.item()
            if not math.isfinite(value):
                return _Outcome(bad=(value, chunk))
            accelerator.backward(loss)
        except torch.OutOfMemoryError:
            return _Outcome(too_large=len(chunk))
        total += value
        del loss  # or this graph would stay through the next one's forward pass
    return _Outcome(total)


def _loss(
    model: nn.Module,
    batch: LabelledBatch,
    share: _Share,
    config: TrainingConfig,
    accelerator: Accelerator,
) -> torch.Tensor:
    with torch.autocast(accelerator.device.type, torch.bfloat16, enabled=config.bf16):
        logits = model(batch)
    losses = nn.functional.cross_entropy(logits, batch.labels, reduction="none")
    # Weights average 1 over all examples, not over a batch: dividing by a batch's own sum
    # would take back part of what they give to a rare class.
    return (losses * batch.weights).sum() / len(share.rows) * (0.0 if share.spare else 1.0)


def _diverged(what: str, step: int, train: Batchable, rows: Sequence[int]) -> TrainingDivergedError:
    names = ", ".join(train.examples[row].clip.record.record_id for row in rows)
    return TrainingDivergedError(
        f"{what} at step {step + 1}",
        where=f"records {names}",
        next_step="lower the learning rate, or check these recordings",
    )


def _validate(
    model: nn.Module, validation: Batchable, config: TrainingConfig, accelerator: Accelerator
) -> np.ndarray:
    """Logits of all validation examples, each process computing its share."""
    rows = range(accelerator.process_index, len(validation), accelerator.num_processes)
    own: list[tuple[int, float] | OutOfMemoryError]
    try:
        logits = predict_logits(model, validation, rows, bf16=config.bf16)
        own = [*zip(rows, logits.tolist(), strict=True)]
    except OutOfMemoryError as error:  # all processes hear of it, so that none waits for another
        own = [error]
    result = np.zeros(len(validation))
    for answer in gather_object(own):
        if isinstance(answer, OutOfMemoryError):
            raise answer
        row, logit = answer
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
