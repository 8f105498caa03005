"""Net benefit: is acting on the model better than acting on everybody or on nobody?"""

from __future__ import annotations

import numpy as np

from respllm.evaluation.assessment import DecisionCurve

THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(1, 100))


def decision_curve(probabilities: np.ndarray, labels: np.ndarray) -> DecisionCurve:
    """Net benefit at thresholds 0.01 to 0.99 (Vickers and Elkin 2006, Med Decis Making 26:565).

    TP/n - FP/n * p / (1 - p), where a unit is acted on if its probability is at least p. It holds
    at the test part's share of positives.

    Args:
        probabilities, labels: (n,) of the test units; n is at least 1.
    """
    n = len(labels)
    odds = np.array([p / (1 - p) for p in THRESHOLDS])
    positive, negative = (np.sort(probabilities[labels == label]) for label in (1, 0))
    hits = len(positive) - np.searchsorted(positive, THRESHOLDS)
    alarms = len(negative) - np.searchsorted(negative, THRESHOLDS)
    model = (hits - alarms * odds) / n
    act_on_all = (len(positive) - len(negative) * odds) / n
    return DecisionCurve(THRESHOLDS, tuple(model.tolist()), tuple(act_on_all.tolist()))
