"""A model small enough to train in milliseconds, and examples for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from respllm.batching import Batch, ExampleSet, TextTokenizer
from respllm.models.nano import nano_tokenizer
from respllm.prompts import task_prompt
from respllm.tasks import get_task
from respllm.training.state import Progress
from respllm.types import Clip, Dms, Example, Record

WIDTH = 6
TOKENIZER = TextTokenizer(nano_tokenizer())
PROMPTS = tuple(task_prompt(get_task(name)) for name in ("S1", "S2"))


class Stub(nn.Module):
    """The mean of the audio tokens through two layers with dropout."""

    def __init__(self, dropout: float = 0.2) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Linear(WIDTH, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 2)
            )

    def forward(self, batch: Batch) -> torch.Tensor:
        return self.layers(batch.audio.mean(1))


def example_set(size: int, seed: int = 0, weights: np.ndarray | None = None) -> ExampleSet:
    """Examples of two tasks whose answers can be heard."""
    random = np.random.default_rng(seed)
    labels = np.arange(size) // 2 % 2
    audio = random.standard_normal((size, 64, WIDTH)).astype(np.float32)
    audio[:, :, 0] += labels[:, None] - 0.5
    examples = [
        Example(
            ("S1", "S2")[i % 2],
            Clip(Record(f"d/r{i}", f"d/p{i}", "d", "cough", Path(f"{i}.wav"), Dms())),
            PROMPTS[i % 2],
            f"Age: {i}.",
            int(labels[i]),
        )
        for i in range(size)
    ]
    return ExampleSet(examples, lambda rows: audio[np.asarray(rows)], TOKENIZER, weights)


@dataclass
class Notebook:
    """An observer that writes everything down, and can stop the training."""

    kill_at: int | None = None
    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    improved: list[bool] = field(default_factory=list)
    validated_at: list[int] = field(default_factory=list)
    saved_at: list[int] = field(default_factory=list)
    halvings: list[tuple[int, int, int]] = field(default_factory=list)
    optimizer: dict[str, Any] = field(default_factory=dict)

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        self.losses.append(loss)
        self.rates.append(rate)
        if progress.step == self.kill_at:
            raise KeyboardInterrupt

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        self.validated_at.append(progress.step)
        self.improved.append(improved)

    def halved(self, progress: Progress, batch_size: int) -> None:
        self.halvings.append((*progress.halved[-1], batch_size))

    def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
        self.saved_at.append(progress.step)
        self.optimizer = optimizer
