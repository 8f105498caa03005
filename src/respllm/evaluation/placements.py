"""What each subject contributes to an AUROC, and how AUROCs vary and covary over subjects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from respllm.evaluation.units import ScoredUnits


@dataclass(frozen=True, slots=True)
class Influence:
    """How far each subject pulls an AUROC away from its value, once for each class.

    A subject's pull in a class is the sum of (placement - AUROC) over its units of that class,
    divided by the number of all units of that class. Over all subjects it sums to 0.

    Attributes:
        value: (...) the AUROC. Leading axes are whatever was scored together.
        subjects: (s,) who, sorted.
        positive, negative: (..., s) pull of the subject's units of the class; 0 without one.
        n_positive, n_negative: subjects with a unit of the class.
    """

    value: np.ndarray
    subjects: np.ndarray
    positive: np.ndarray
    negative: np.ndarray
    n_positive: int
    n_negative: int


def placements(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """DeLong's structural components of each unit (DeLong et al. 1988), by ranks.

    A positive's placement is the share of negatives that it scores above, a negative's the share
    of positives that score above it; a tie counts half. The mean over either class is the AUROC.

    Args:
        labels: (n,) 1 or 0; both must occur.
        scores: (..., n), finite.

    Returns:
        (..., n). The cost is that of sorting (Sun and Xu 2014).
    """
    positive = labels == 1
    below = np.empty(scores.shape)
    together = scipy.stats.rankdata(scores, axis=-1)
    for own in (positive, ~positive):
        # A rank among all less the rank among one's own counts the others that are below.
        below[..., own] = together[..., own] - scipy.stats.rankdata(scores[..., own], axis=-1)
        below[..., own] /= int((~own).sum())
    return np.where(positive, below, 1 - below)


def run_values(units: ScoredUnits) -> np.ndarray:
    """(K, M) AUROC of every seed and source model. Both classes must occur."""
    return placements(units.labels, units.scores)[..., units.labels == 1].mean(-1)


def influence(units: ScoredUnits) -> Influence:
    """Every subject's pull on the mean AUROC over all runs. Both classes must occur."""
    placed = placements(units.labels, units.scores).mean((0, 1))
    # Sums in one fixed order: the order of the units never decides a digit.
    order = np.argsort(np.array(units.ids))
    return influence_of(units.labels[order], np.array(units.subjects)[order], placed[order])


def influence_of(labels: np.ndarray, subjects: np.ndarray, placed: np.ndarray) -> Influence:
    """Gather placements by subject.

    Args:
        labels, subjects: (n,) class and owner of each unit.
        placed: (..., n) placements, or their mean over runs.
    """
    positive = labels == 1
    value = placed[..., positive].mean(-1)
    names, owner = np.unique(subjects, return_inverse=True)
    return Influence(
        value,
        names,
        _pulls(placed - value[..., None], positive, owner, len(names)),
        _pulls(placed - value[..., None], ~positive, owner, len(names)),
        len(np.unique(owner[positive])),
        len(np.unique(owner[~positive])),
    )


def covariance(first: Influence, second: Influence) -> np.ndarray:
    """(...) covariance over subjects of two AUROCs (Obuchowski 1997, Biometrics 53:567).

    With one unit a subject it is DeLong's; of an AUROC with itself it is the variance. The two may
    be of different tasks whose people overlap or not. nan where a class has one subject only.
    """
    if first.subjects is second.subjects:
        p, q, r, s = first.positive, first.negative, second.positive, second.negative
    else:
        _, a, b = np.intersect1d(
            first.subjects, second.subjects, assume_unique=True, return_indices=True
        )
        p, q = first.positive[..., a], first.negative[..., a]
        r, s = second.positive[..., b], second.negative[..., b]
    return (
        _correction(first.n_positive, second.n_positive) * (p * r).sum(-1)
        + _correction(first.n_negative, second.n_negative) * (q * s).sum(-1)
        + _correction(len(first.subjects), len(second.subjects)) * (p * s + q * r).sum(-1)
    )


def freedom(own: Influence) -> np.ndarray:
    """(...) degrees of freedom that the variance `covariance(own, own)` is worth.

    A sample variance of n values with kurtosis k varies like one with 2n / (k - 1) degrees of
    freedom; the two classes are combined as by Welch and Satterthwaite. Near 1.000 few placements
    differ from 1: k is large, and the variance is worth little. 0 where it is 0.
    """
    parts, spread = [], []
    for pulls, n in ((own.positive, own.n_positive), (own.negative, own.n_negative)):
        square = (pulls**2).sum(-1)
        fourth = np.where(square > 0, (pulls**4).sum(-1), 1.0)
        kurtosis = n * fourth / np.where(square > 0, square, 1.0) ** 2
        worth = 2 * n / (kurtosis - 1 + 2 / n)
        parts.append(square)
        spread.append(square**2 / worth)
    return sum(parts) ** 2 / np.maximum(sum(spread), 1e-300)


def _pulls(apart: np.ndarray, own: np.ndarray, owner: np.ndarray, n_subjects: int) -> np.ndarray:
    """(..., s) sum over each subject's units of one class, as a share of the class's units."""
    order = np.flatnonzero(own)[np.argsort(owner[own], kind="stable")]
    present, start = np.unique(owner[order], return_index=True)
    pulls = np.zeros((*apart.shape[:-1], n_subjects))
    pulls[..., present] = np.add.reduceat(apart[..., order], start, axis=-1) / len(order)
    return pulls


def _correction(first: int, second: int) -> float:
    """Obuchowski's I / (I - 1); of two tasks with unlike numbers, the geometric mean."""
    if first < 2 or second < 2:
        return math.nan
    return math.sqrt(first / (first - 1) * second / (second - 1))
