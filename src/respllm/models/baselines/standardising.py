"""Inputs of a linear model brought to one scale, by numbers fixed before training."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

SMALLEST = 0.1
"""No dimension is scaled up as if its spread were below this share of the typical spread."""
CONSTANT = 1e-6


class Standardise(nn.Module):
    """(x - mean) * scale along the last dimension; both are buffers and never trained.

    A linear model after it can express what it could before, so this changes no model, only how
    fast its weights are found: the dimensions of mel-patch tokens lie in 0 to 1 around a common
    mean, and one learning rate for all of them would leave most of their differences unused. For
    inputs that are near unit scale already (HTS-AT's tokens come out of a layer norm) it does
    little.

    A dimension that never varies in training carries nothing and becomes 0, whatever it is
    elsewhere: its weight could not be learned. One that hardly varies is not blown up either:
    people of another dataset would lie hundreds of its spreads away.

    Args:
        mean, scale: (D,).
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: np.ndarray, scale: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(mean.astype(np.float32)))
        self.register_buffer("scale", torch.from_numpy(scale.astype(np.float32)))

    @classmethod
    def over(cls, values: np.ndarray) -> Self:
        """Centre and scale by the mean and spread of training values, (..., D)."""
        mean, spread = _moments(values)
        typical = float(np.sqrt(np.square(spread).mean())) if spread.size else 0.0
        floor = max(SMALLEST * typical, CONSTANT)
        return cls(mean, np.where(spread > CONSTANT, 1 / np.maximum(spread, floor), 0.0))

    @classmethod
    def flags(cls, values: np.ndarray) -> Self:
        """Centre flags of 0 to 1, (n, D), and leave their scale.

        Divided by its spread, a symptom that one training person in a thousand has would count
        thirty times a common one.
        """
        mean, spread = _moments(values)
        return cls(mean, np.where(spread > CONSTANT, 1.0, 0.0))

    @property
    def width(self) -> int:
        """D."""
        return len(self.mean)

    def forward(self, values: Tensor) -> Tensor:
        """(..., D) -> (..., D)."""
        return (values - self.mean) * self.scale


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return flat.mean(0), flat.std(0)
