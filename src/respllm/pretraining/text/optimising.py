"""Next-token prediction, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from respllm.errors import ConfigError, RespllmError
from respllm.pretraining.text.language_model import LanguageModel
from respllm.pretraining.text.settings import Optimisation
from respllm.pretraining.text.state import TextProgress, TextState
from respllm.pretraining.text.stream import TokenStream
from respllm.training.determinism import deterministic
from respllm.training.schedule import learning_rate

BETAS = (0.9, 0.95)
"""AdamW's, as usual for language models (Brown et al. 2020)."""


class PretrainingDivergedError(RespllmError):
    """The loss, or its gradient, is no finite number any more."""


class Observer(Protocol):
    """Who is told what happens."""

    def step(self, progress: TextProgress, loss: float, rate: float) -> None:
        """An optimiser step was made."""

    def validated(self, progress: TextProgress, loss: float) -> None:
        """The validation documents were read."""

    def save(self, state: TextState) -> None:
        """Now is the time to write the state."""


@deterministic()
def optimise(
    model: Any,
    stream: TokenStream,
    validation: Sequence[np.ndarray],
    settings: Optimisation,
    seed: int,
    observer: Observer,
    start: TextState | None = None,
) -> TextProgress:
    """Train `model` in place; it ends with the weights of its best validation.

    Everything random follows from `seed` and the step, so one that goes on from a saved state ends
    with the weights of one that was never interrupted.

    Raises:
        PretrainingDivergedError: naming the step; the state saved before it is whole.
        ConfigError: an optimiser that this version of torch lacks.
    """
    optimizers = _optimizers(model, settings)
    progress = TextProgress()
    best = _weights(model)
    if start is not None:
        progress, best = start.progress, start.best
        model.load_state_dict(start.weights)
        for optimizer, state in zip(optimizers, start.optimizers, strict=True):
            optimizer.load_state_dict(state)
    reader = LanguageModel(model, settings.context, settings.bf16)
    model.train()
    while progress.step < settings.steps and not progress.stopped:
        rate = learning_rate(
            settings.learning_rate, settings.warmup_fraction, progress.step, settings.steps
        )
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        torch.manual_seed(seed * 1_000_003 + progress.step)  # dropout, if any
        batch = torch.from_numpy(stream.batch(progress.step)).to(model.device)
        loss = _gradient(model, batch, settings)
        norm = nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
        if not (math.isfinite(loss) and bool(torch.isfinite(norm))):
            raise PretrainingDivergedError(
                f"The loss is {loss}, its gradient {norm.item()}, at step {progress.step + 1}",
                next_step="lower the learning rate and start again with another --out",
            )
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
        progress.step += 1
        observer.step(progress, loss, rate)
        if progress.step % settings.validate_every == 0 or progress.step == settings.steps:
            value = mean_loss(reader.log_probabilities, validation)
            if _judge(progress, value, settings.patience):
                best = _weights(model)
            observer.validated(progress, value)
            states = [optimizer.state_dict() for optimizer in optimizers]
            observer.save(TextState(progress, _weights(model), best, states))
    model.load_state_dict(best)
    return progress


def mean_loss(
    log_probabilities: Callable[[Sequence[np.ndarray]], list[np.ndarray]],
    documents: Sequence[np.ndarray],
) -> float:
    """Mean negative log-likelihood of a document's token, in nats."""
    values = np.concatenate(log_probabilities(documents))
    return float(-values.mean())


def _gradient(model: Any, batch: torch.Tensor, settings: Optimisation) -> float:
    total = 0.0
    for some in batch.split(settings.micro_batch_size):
        with torch.autocast(batch.device.type, torch.bfloat16, enabled=settings.bf16):
            logits = model(input_ids=some[:, :-1], use_cache=False).logits
        loss = nn.functional.cross_entropy(
            logits.float().flatten(0, 1), some[:, 1:].flatten(), reduction="sum"
        )
        loss = loss / batch[:, 1:].numel()
        loss.backward()
        total += loss.item()
    return total


def _optimizers(model: Any, settings: Optimisation) -> list[torch.optim.Optimizer]:
    words = model.get_input_embeddings().weight
    matrices = [p for p in model.parameters() if p.ndim == 2 and p is not words]
    others = [p for p in model.parameters() if p.ndim != 2 or p is words]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adamw":
        groups = [
            {"params": matrices, "weight_decay": decay},
            {"params": others, "weight_decay": 0.0},
        ]
        return [torch.optim.AdamW(groups, lr=rate, betas=BETAS)]
    if not hasattr(torch.optim, "Muon"):
        raise ConfigError(
            f"torch {torch.__version__} has no Muon",
            expected="torch 2.9 or later",
            next_step='set `optimizer: adamw` under training, or "pip install -U torch"',
        )
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=decay, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, betas=BETAS, weight_decay=0.0),
    ]


def _judge(progress: TextProgress, loss: float, patience: int | None) -> bool:
    """Note a validation; whether it is the best so far."""
    improved = progress.best is None or loss < progress.best
    if improved:
        progress.best, progress.best_step, progress.waited = loss, progress.step, 0
    else:
        progress.waited += 1
        progress.stopped = patience is not None and progress.waited >= patience
    return improved


def _weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
