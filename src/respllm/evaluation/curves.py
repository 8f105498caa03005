"""ROC curve with a band, precision-recall curve and the area under it."""

from __future__ import annotations

import numpy as np

from respllm.evaluation.assessment import Curve, Estimate
from respllm.evaluation.proportions import effective_people, wilson_bounds

GRID = np.linspace(0, 1, 101)


def roc(logits: np.ndarray, labels: np.ndarray, people: np.ndarray) -> Curve:
    """False positive rate against sensitivity, with a pointwise 95% band by subject.

    Both rates have a Wilson interval at every threshold. The true curve rises, so at rate x it is
    at most the upper sensitivity of any threshold whose rate is at least x, and at least the
    lower sensitivity of any whose rate is at most x. Unlike a bootstrap band this one is no line
    where the test people are separated perfectly; it errs on the wide side
    (docs/calibration.md).

    Args:
        logits, labels, people: (n,) of the test units; both classes occur.
    """
    from sklearn.metrics import roc_curve

    rate, sensitivity, _ = roc_curve(labels, logits, drop_intermediate=False)
    positive = labels == 1
    rate_low, rate_high = wilson_bounds(rate, effective_people(people[~positive]))
    low, high = wilson_bounds(sensitivity, effective_people(people[positive]))
    x, y = _with_grid(rate, sensitivity)
    # Both ends are known: nobody, and at the end everybody, is answered 1.
    rate_high[0], rate_low[-1], low[-1] = 0.0, 1.0, 1.0
    # Thresholds fall, so the bounds rise along the arrays.
    first = np.minimum(np.searchsorted(rate_low, x, side="right"), len(rate) - 1)
    last = np.searchsorted(rate_high, x, side="right") - 1
    band_low, band_high = np.minimum(low[last], y), np.maximum(high[first], y)
    return Curve(*(tuple(one.tolist()) for one in (x, y, band_low, band_high)))


def precision_recall(logits: np.ndarray, labels: np.ndarray) -> Curve:
    """Recall against precision, recall rising; no band. Both classes occur."""
    from sklearn.metrics import precision_recall_curve

    precision, recall, _ = precision_recall_curve(labels, logits, drop_intermediate=True)
    return Curve(tuple(recall[::-1].tolist()), tuple(precision[::-1].tolist()))


def average_precision(logits: np.ndarray, labels: np.ndarray, people: np.ndarray) -> Estimate:
    """Area under the precision-recall curve, with a 95% interval by subject.

    The interval is the binomial one of Boyd, Eng and Page (2013) on the number of positive
    people, in Wilson's form so that it is no point at 1. It errs on the wide side with few people
    (docs/calibration.md).

    Args:
        logits, labels, people: (n,) of the test units; both classes occur.
    """
    from sklearn.metrics import average_precision_score

    value = float(average_precision_score(labels, logits))
    low, high = wilson_bounds(value, effective_people(people[labels == 1]))
    return Estimate(value, float(low), float(high))


def _with_grid(rate: np.ndarray, sensitivity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The curve with points between its own, so that the band is seen along straight stretches."""
    between = GRID[~np.isin(GRID, rate)]
    x = np.concatenate([rate, between])
    y = np.concatenate([sensitivity, np.interp(between, rate, sensitivity)])
    order = np.lexsort((y, x))
    return x[order], y[order]
