from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.evaluation.operating import (
    SENSITIVE,
    SPECIFIC,
    YOUDEN,
    choose_thresholds,
    operating_point,
)

units = st.lists(
    st.tuples(st.integers(-4, 4).map(float), st.integers(0, 1), st.sampled_from([1.0, 0.5, 0.25])),
    min_size=2,
    max_size=30,
).filter(lambda found: len({label for _, label, _ in found}) == 2)


def rates(
    threshold: float, logits: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[float, float]:
    """Sensitivity and specificity, counted one by one."""
    hit = total = passed = others = 0.0
    for logit, label, weight in zip(logits, labels, weights, strict=True):
        if label:
            total += weight
            hit += weight * (logit >= threshold)
        else:
            others += weight
            passed += weight * (logit < threshold)
    return hit / total, passed / others


@given(units)
def test_thresholds_are_the_best_of_all_validation_scores(
    found: list[tuple[float, int, float]],
) -> None:
    logits, labels, weights = (np.array(one) for one in zip(*found, strict=True))
    chosen = choose_thresholds(logits, labels, weights)
    by = {t: rates(t, logits, labels, weights) for t in set(logits.tolist())}
    best = max(sum(one) for one in by.values())
    assert sum(by[chosen[YOUDEN]]) == pytest.approx(best)
    assert chosen[SENSITIVE] == max(t for t, (one, _) in by.items() if one >= 0.9 - 1e-9)
    specific = [t for t, (_, one) in by.items() if one >= 0.9 - 1e-9]
    assert (min(specific) == chosen[SPECIFIC]) if specific else (SPECIFIC not in chosen)


def test_nine_of_ten_is_0_90() -> None:
    logits = np.concatenate([np.arange(10.0), np.arange(10.0) + 0.5])
    labels = np.repeat([0, 1], 10)
    chosen = choose_thresholds(logits, labels, np.ones(20))
    assert chosen[SENSITIVE] == 1.5
    # One of ten negatives is at or above it.
    assert chosen[SPECIFIC] == 8.5


def test_a_point_counts_test_units_at_or_above_the_threshold() -> None:
    logits = np.array([2.0, 1.0, 0.0, 1.0, -1.0])
    labels = np.array([1, 1, 1, 0, 0])
    point = operating_point(YOUDEN, 1.0, logits, labels, np.arange(5))
    assert point.sensitivity.value == pytest.approx(2 / 3)
    assert point.specificity.value == pytest.approx(1 / 2)
    assert point.ppv.value == pytest.approx(2 / 3)
    assert point.npv.value == pytest.approx(1 / 2)


def test_a_share_of_nobody_is_undefined() -> None:
    point = operating_point(YOUDEN, 9.0, np.array([1.0, 2.0]), np.array([1, 1]), np.arange(2))
    assert point.sensitivity.value == 0
    assert point.specificity.value is None
    assert point.ppv.value is None
    assert point.npv.value == 0
