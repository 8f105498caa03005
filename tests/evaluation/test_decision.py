from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.evaluation.decision import decision_curve


@given(
    st.lists(
        st.tuples(st.floats(0, 1) | st.sampled_from([0.01, 0.3, 0.5, 0.99]), st.integers(0, 1)),
        min_size=1,
        max_size=40,
    )
)
def test_agrees_with_counting_one_by_one(found: list[tuple[float, int]]) -> None:
    probabilities, labels = (np.array(one) for one in zip(*found, strict=True))
    curve = decision_curve(probabilities, labels)
    assert curve.thresholds[0] == 0.01
    assert curve.thresholds[-1] == 0.99
    assert len(curve.thresholds) == 99
    n = len(labels)
    for threshold, model, everybody in zip(
        curve.thresholds, curve.model, curve.act_on_all, strict=True
    ):
        odds = threshold / (1 - threshold)
        hits = sum(p >= threshold and y == 1 for p, y in found)
        alarms = sum(p >= threshold and y == 0 for p, y in found)
        assert model == pytest.approx(hits / n - alarms / n * odds, abs=1e-12)
        positives = int(labels.sum())
        assert everybody == pytest.approx(positives / n - (n - positives) / n * odds, abs=1e-12)


def test_a_perfect_model_is_worth_the_prevalence_and_never_less_than_everybody() -> None:
    labels = np.array([1, 0, 0, 1])
    curve = decision_curve(labels.astype(float), labels)
    assert curve.model == pytest.approx([0.5] * 99)
    assert all(a >= b for a, b in zip(curve.model, curve.act_on_all, strict=True))
