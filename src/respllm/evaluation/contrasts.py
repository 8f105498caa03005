"""Interval of a weighted sum of AUROCs of the same people, from the intervals of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from respllm.evaluation.intervals import shrunken_interval
from respllm.evaluation.placements import Influence, covariance, freedom

METHOD = "MOVER of score intervals with the DeLong correlation, by subject"


def contrast_interval(
    parts: Sequence[Influence],
    weights: Sequence[float],
    together: np.ndarray,
    tail: float = 0.025,
    seed_half: float | np.ndarray = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """(...) interval of sum(weight * AUROC) that leaves `tail` outside on either side.

    The method of variance estimates recovery (Zou and Donner 2008; Zou 2009): each part's distance
    from its value to its bound stands for its standard error in that direction, and the parts
    correlate as in `correlation`. Near 1.000 the Wald interval from their covariance collapses;
    this one inherits the behaviour of the parts' intervals.

    Args:
        parts: AUROCs, of overlapping or of other people. Each needs two subjects a class.
        weights: one a part: 1 and -1 for a difference.
        together: (..., p, p) `correlation(parts, weights)`, which no `tail` changes.
        seed_half: half-width, at the same `tail`, of what retraining adds; in quadrature.
    """
    value = sum(w * part.value for w, part in zip(weights, parts, strict=True))
    down, up = [], []
    for weight, part in zip(weights, parts, strict=True):
        low, high = shrunken_interval(part, tail)
        sides = part.value - low, high - part.value
        lower, upper = sides if weight > 0 else sides[::-1]
        down.append(weight * lower)
        up.append(weight * upper)
    low = value - np.sqrt(_variance(np.stack(down, -1), together) + seed_half**2)
    high = value + np.sqrt(_variance(np.stack(up, -1), together) + seed_half**2)
    return low, high


def correlation(parts: Sequence[Influence], weights: Sequence[float]) -> np.ndarray:
    """(..., p, p) of the parts over subjects, of which what narrows the sum is taken with caution.

    Clustered DeLong correlations; where they make the sum vary less, times k / (k + 1), k being
    the degrees of freedom of the less known of the two parts. Near 1.000 few people decide a
    correlation, and taken at its word it made intervals of differences too narrow
    (docs/statistics.md). 0 with a part that does not vary.
    """
    found = np.stack([np.stack([covariance(a, b) for b in parts], -1) for a in parts], -2)
    variance = np.diagonal(found, axis1=-2, axis2=-1)
    scale = np.sqrt(variance[..., :, None] * variance[..., None, :])
    apart = np.where(scale > 0, found / np.where(scale > 0, scale, 1.0), 0.0).clip(-1, 1)
    worth = np.stack([freedom(part) for part in parts], -1)
    less_known = np.minimum(worth[..., :, None], worth[..., None, :])
    narrows = apart * np.outer(weights, weights) < 0
    cautious = np.where(narrows, apart * less_known / (less_known + 1), apart)
    return np.where(np.eye(len(parts), dtype=bool), 1.0, cautious)


def _variance(halves: np.ndarray, together: np.ndarray) -> np.ndarray:
    return np.einsum("...i,...ij,...j->...", halves, together, halves).clip(0)
