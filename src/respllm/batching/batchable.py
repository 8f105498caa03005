"""What the training loop and the predictor ask of a set of examples and of its batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from respllm.types import Example


class LabelledBatch(Protocol):
    """B examples as tensors; what else they hold is between the set and its model."""

    @property
    def labels(self) -> Tensor:
        """(B,) int64; -1 where unknown."""

    @property
    def weights(self) -> Tensor:
        """(B,) float32, each example's weight in the loss."""

    def to(self, device: torch.device | str) -> Any:
        """The same batch on another device."""


class Batchable(Protocol):
    """Examples that can be batched in any composition: `ExampleSet`, `FeatureSet`."""

    @property
    def examples(self) -> tuple[Example, ...]:
        """What is asked, in order."""

    def __len__(self) -> int: ...

    def sort_key(self, index: int) -> Any:
        """Examples are cheapest in a batch with their neighbours in this order."""

    def batch(self, indices: Sequence[int]) -> LabelledBatch:
        """The examples at these positions, in this order."""
