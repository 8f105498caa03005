"""Intervals that `coverage.py` compares; the ones tables use are those of the package itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit, logit
from scipy.stats import norm, t

from respllm.evaluation.intervals import score_interval, shrunken_interval
from respllm.evaluation.placements import Influence, covariance, freedom

Interval = tuple[np.ndarray, np.ndarray]
Z95 = norm.ppf(0.975)

USED = "Newcombe, shrunken DeLong"
UNITS = "Newcombe 5, counting units"


def wald(own: Influence) -> Interval:
    half = Z95 * np.sqrt(covariance(own, own))
    return own.value - half, own.value + half


def hanley_mcneil(own: Influence) -> Interval:
    a, n1, n0 = own.value, own.n_positive, own.n_negative
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)
    variance = a * (1 - a) + (n1 - 1) * (q1 - a**2) + (n0 - 1) * (q2 - a**2)
    half = Z95 * np.sqrt(variance.clip(0) / (n1 * n0))
    return a - half, a + half


def logit_delong(own: Influence, quantile: np.ndarray | float = Z95) -> Interval:
    inside = (own.value > 0) & (own.value < 1)
    a = np.where(inside, own.value, 0.5)
    half = quantile * np.sqrt(covariance(own, own)) / (a * (1 - a))
    # At 0 and 1 the logit is infinite and the interval a point.
    return (
        np.where(inside, expit(logit(a) - half), own.value),
        np.where(inside, expit(logit(a) + half), own.value),
    )


def logit_delong_t(own: Influence) -> Interval:
    return logit_delong(own, t.isf(0.025, freedom(own).clip(1)))


def newcombe(own: Influence) -> Interval:
    return newcombe_of(own.value, own.n_positive, own.n_negative)


def newcombe_of(values: np.ndarray, n_positive: int, n_negative: int) -> Interval:
    return score_interval(values, Z95, n_positive, n_negative)


SINGLE: dict[str, Callable[[Influence], Interval]] = {
    "Wald, Hanley–McNeil": hanley_mcneil,
    "Wald, DeLong": wald,
    "logit, DeLong": logit_delong,
    "logit t, DeLong": logit_delong_t,
    "Newcombe 5": newcombe,
    USED: shrunken_interval,
}


def resampled(labels: np.ndarray, rng: np.random.Generator, draws: int) -> np.ndarray:
    """(draws, n) weights of single-unit subjects drawn with replacement within each class."""
    weights = np.empty((draws, len(labels)))
    for own in (labels == 1, labels == 0):
        n = int(own.sum())
        weights[:, own] = rng.multinomial(n, np.full(n, 1 / n), size=draws) / n
    return weights


def percentile_bootstrap(gains: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Interval:
    """(repeats,) from each repeat's (n1, n0) matrix of wins, or of differences of wins."""
    above, below = weights[:, labels == 1], weights[:, labels == 0]
    found = np.array([((above @ gain) * below).sum(1) for gain in gains])
    low, high = np.quantile(found, [0.025, 0.975], axis=1)
    return low, high


def wins(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(repeats, n1, n0)."""
    apart = scores[:, labels == 1, None] - scores[:, None, labels == 0]
    return (np.sign(apart) + 1) / 2
