"""Thresholds chosen on validation people, and what they give on test people."""

from __future__ import annotations

import numpy as np

from respllm.evaluation.assessment import OperatingPoint
from respllm.evaluation.proportions import proportion

TARGET = 0.90
YOUDEN = "largest Youden index on validation people"
SENSITIVE = "at least 0.90 sensitivity on validation people"
SPECIFIC = "at least 0.90 specificity on validation people"


def choose_thresholds(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> dict[str, float]:
    """One threshold for each rule, from validation units alone.

    Candidates are the validation logits; at or above the threshold the answer is 1. Of several
    with the largest Youden index the highest is taken. Of those that reach a sensitivity the
    highest is taken, of those that reach a specificity the lowest.

    Args:
        logits, labels, weights: (n,) of units of both classes; a share counts units by weight.

    Returns:
        rule -> threshold. A specificity that is reached only by never answering 1 is left out.
    """
    from sklearn.metrics import roc_curve

    false_positive, sensitivity, thresholds = roc_curve(
        labels, logits, sample_weight=weights, drop_intermediate=False
    )
    # The first threshold is infinite: it never answers 1.
    false_positive, sensitivity = false_positive[1:], sensitivity[1:]
    thresholds = thresholds[1:]
    # Weighted shares such as 9/10 may miss the target by a rounding error.
    sensitive = sensitivity >= TARGET - 1e-9
    specific = 1 - false_positive >= TARGET - 1e-9
    chosen = {
        YOUDEN: thresholds[np.argmax(sensitivity - false_positive)],
        SENSITIVE: thresholds[sensitive].max(),
    }
    if specific.any():
        chosen[SPECIFIC] = thresholds[specific].min()
    return {rule: float(threshold) for rule, threshold in chosen.items()}


def operating_point(
    rule: str, threshold: float, logits: np.ndarray, labels: np.ndarray, people: np.ndarray
) -> OperatingPoint:
    """What a threshold gives on test units; a share of nobody is undefined.

    The predictive values hold at the test part's share of positives, not at that of a clinic.

    Args:
        rule: how the threshold was chosen.
        threshold: of the logit.
        logits, labels, people: (n,) of the test units.
    """
    says_yes, is_yes = logits >= threshold, labels == 1
    return OperatingPoint(
        rule=rule,
        threshold=threshold,
        sensitivity=proportion(says_yes[is_yes], people[is_yes]),
        specificity=proportion(~says_yes[~is_yes], people[~is_yes]),
        ppv=proportion(is_yes[says_yes], people[says_yes]),
        npv=proportion(~is_yes[~says_yes], people[~says_yes]),
    )
