"""A second interval for paired differences: reweighted subjects, nothing assumed but that."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from respllm.evaluation.units import ScoredUnits

CHECK_METHOD = "Bayesian subject bootstrap (Rubin 1981), percentiles of 1,000 draws"
DRAWS = 1000
SEED = 20240807
CHUNK = 256


def mean_difference_draws(pairs: Sequence[tuple[ScoredUnits, ScoredUnits]]) -> np.ndarray:
    """(1000,) draws of the mean over tasks of AUROC(first) - AUROC(second).

    Every subject has one random weight a draw (standard exponential, as in the Bayesian bootstrap)
    with all units in all tasks, so that tasks with common people are drawn together. Against
    drawing subjects with replacement no draw ever lacks a class. Within a class it is the
    stratified bootstrap. Where nothing varies (both models at 1.000) all draws are equal: this is
    a check, and not the interval to report.

    Args:
        pairs: of each task two models' scores of the same units in the same order; both classes.
    """
    subjects = sorted({name for first, _ in pairs for name in first.subjects})
    place = {name: column for column, name in enumerate(subjects)}
    weights = np.random.default_rng(SEED).exponential(size=(DRAWS, len(subjects)))
    total = np.zeros(DRAWS)
    for first, second in pairs:
        own = weights[:, [place[name] for name in first.subjects]]
        total += _weighted_difference(first, second, own)
    return total / len(pairs)


def _weighted_difference(
    first: ScoredUnits, second: ScoredUnits, weights: np.ndarray
) -> np.ndarray:
    """(draws,) difference of the mean AUROCs with one weight a unit, (draws, n)."""
    positive = np.flatnonzero(first.labels == 1)
    negative = np.flatnonzero(first.labels == 0)
    above = weights[:, positive] / weights[:, positive].sum(1, keepdims=True)
    below = weights[:, negative] / weights[:, negative].sum(1, keepdims=True)
    found = np.zeros(len(weights))
    # A block of positives at a time: the pairs of all units may not fit in memory.
    for start in range(0, len(positive), CHUNK):
        rows = positive[start : start + CHUNK]
        gain = _wins(first, rows, negative) - _wins(second, rows, negative)
        found += ((above[:, start : start + CHUNK] @ gain) * below).sum(1)
    return found


def _wins(units: ScoredUnits, positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    """(positive, negative) share of the runs in which the positive scores above; a tie is half."""
    runs = units.scores.reshape(-1, len(units))
    wins = np.zeros((len(positive), len(negative)))
    for scores in runs:
        wins += np.sign(scores[positive, None] - scores[None, negative])
    return (wins / len(runs) + 1) / 2
