"""The state of a text pretraining, saved so that a killed one ends with the same weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from respllm.training.state import read_checked, write_checked


@dataclass(slots=True)
class TextProgress:
    """How far it is.

    Attributes:
        step: optimiser steps done.
        best, best_step: lowest validation loss, nats per token, and when; None before the first.
        waited: validations since.
        stopped: whether early stopping ended it.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waited: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class TextState:
    """All that the next step follows from, besides seed and step number.

    Attributes:
        progress: how far it is.
        weights: of the model.
        best: of the model at the best validation.
        optimizers: their own states.
    """

    progress: TextProgress
    weights: dict[str, torch.Tensor]
    best: dict[str, torch.Tensor]
    optimizers: list[dict[str, Any]]

    def save(self, path: Path) -> None:
        """Write it so that the file is the old or the new one, never half of it."""
        content = {
            "progress": asdict(self.progress),
            "weights": self.weights,
            "best": self.best,
            "optimizers": self.optimizers,
        }
        write_checked(path, content)

    @classmethod
    def load(cls, path: Path) -> TextState:
        """Read a state.

        Raises:
            CheckpointError: damaged.
        """
        return read_checked(
            path, lambda found: cls(**found | {"progress": TextProgress(**found["progress"])})
        )
