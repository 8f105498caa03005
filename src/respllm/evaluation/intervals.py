"""Intervals of one AUROC that keep their promise with few subjects and near 1.000.

Everything here takes numbers or arrays of one shape, so that `benchmarks/coverage.py` can try
the very functions that tables use.
"""

from __future__ import annotations

import numpy as np
import scipy

from respllm.evaluation.placements import Influence, covariance, freedom

METHOD = "Newcombe's score interval with shrunken DeLong variance, by subject"
# What Newcombe's model variance is worth beside the people's own; chosen in docs/statistics.md.
PRIOR_FREEDOM = 10.0
HALVINGS = 36
Z_95 = 1.959963984540054  # norm.ppf(0.975)


def newcombe_interval(
    value: float, n_positive: float, n_negative: float, z: float = Z_95
) -> tuple[float, float]:
    """95% score interval of an AUROC (Newcombe 2006, Statistics in Medicine 25:559, method 5).

    The bounds are the two solutions t of |value - t| = 1.96 sqrt(V(t)), with Hanley and McNeil's
    variance for exponential scores in its form for two groups of the mean size,
    N = (n1 + n0) / 2 - 1:

        V(t) = t (1 - t) / (n1 n0) * (1 + N (1 - t) / (2 - t) + N t / (1 + t))

    V is taken at the bound and not at `value`: at 1.000 the interval is not a point.
    """
    low, high = score_interval(np.array(value), np.array(z), n_positive, n_negative)
    return float(low), float(high)


def shrunken_interval(own: Influence, tail: float = 0.025) -> tuple[np.ndarray, np.ndarray]:
    """(...) interval of an AUROC that leaves `tail` outside on either side.

    Newcombe's equation |value - t| = c sqrt(f V(t)), on the numbers of subjects, with a factor f
    and a t quantile c in place of 1 and 1.96:

        f = (k v / V(value) + 10) / (k + 10),    c = t quantile with k + 10 degrees of freedom

    v is the clustered DeLong variance of Obuchowski (1997) and k what it is worth (`freedom`).
    With many people f makes the interval DeLong's, whatever the scores' distribution, the
    correlation within subjects and the number of runs that were averaged; with few, or near
    1.000, where v collapses, and with a single subject of a class it stays Newcombe's.
    """
    model = model_variance(own.value, own.n_positive, own.n_negative)
    found = covariance(own, own) if min(own.n_positive, own.n_negative) > 1 else 0 * model
    # A variance of nothing but rounding is none.
    known = np.where(found > 1e-12 * model, freedom(own), 0.0)
    ratio = found / np.where(model > 0, model, 1.0)
    factor = (known * ratio + PRIOR_FREEDOM) / (known + PRIOR_FREEDOM)
    quantile = scipy.stats.t.isf(tail, known + PRIOR_FREEDOM)
    return score_interval(own.value, quantile * np.sqrt(factor), own.n_positive, own.n_negative)


def score_interval(
    value: np.ndarray, z: np.ndarray | float, n_positive: float, n_negative: float
) -> tuple[np.ndarray, np.ndarray]:
    """(...) both solutions t of |value - t| = z sqrt(V(t)) to ten digits (`newcombe_interval`)."""
    # V(t) = V(1 - t): the upper bound is the lower one of the mirrored question.
    both = np.stack([value, 1 - value])
    low, high = np.zeros(both.shape), both.copy()
    # Halving never lands on t = value, which solves the equation too where value is 1.
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        near = both - middle < z * np.sqrt(model_variance(middle, n_positive, n_negative))
        low, high = np.where(near, low, middle), np.where(near, middle, high)
    return low[0], 1 - low[1]


def widened(
    value: np.ndarray, bounds: tuple[np.ndarray, np.ndarray], seed_half: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(...) an interval by subject whose sides grow, in quadrature, by what retraining adds.

    Args:
        value: mean AUROC over seeds.
        bounds: of the interval by subject.
        seed_half: half-width of Student's interval for that mean over seeds.
    """
    low, high = bounds
    return (
        np.maximum(0.0, value - np.hypot(value - low, seed_half)),
        np.minimum(1.0, value + np.hypot(high - value, seed_half)),
    )


def seed_half(values: np.ndarray, tail: float = 0.025) -> np.ndarray:
    """(...) half-width of Student's interval for the mean of K seeds' AUROCs, (..., K); K > 1."""
    runs = values.shape[-1]
    return scipy.stats.t.isf(tail, runs - 1) * values.std(-1, ddof=1) / np.sqrt(runs)


def model_variance(value: np.ndarray, n_positive: float, n_negative: float) -> np.ndarray:
    """Newcombe's V(value) for so many people, whatever their scores."""
    n = (n_positive + n_negative) / 2 - 1
    spread = 1 + n * (1 - value) / (2 - value) + n * value / (1 + value)
    return value * (1 - value) * spread / (n_positive * n_negative)
