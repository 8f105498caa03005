"""The order in which examples of all tasks are learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def mixed_batches(size: int, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """Divide all examples of all tasks, shuffled together, into batches (paper 3.2).

    Every example comes once an epoch. The order depends on `seed` and `epoch` alone, so an
    interrupted run can go on where it was.

    Returns:
        Arrays of positions; the last may be smaller than `batch_size`.
    """
    order = np.random.default_rng([seed, epoch]).permutation(size)
    return [order[start : start + batch_size] for start in range(0, size, batch_size)]


def alike_batches(keys: Sequence[Any], batch_size: int) -> list[np.ndarray]:
    """Divide examples into batches of neighbours in the order of `keys`, for prediction.

    Sorted by length, batches have little padding; sorted by text, they share its beginnings.
    """
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), int)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
