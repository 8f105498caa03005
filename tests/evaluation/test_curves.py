from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score
from sklearn.metrics import roc_curve as reference

from respllm.evaluation.curves import average_precision, precision_recall, roc

pairs = st.lists(
    st.tuples(st.integers(-3, 3).map(float) | st.floats(-9, 9), st.integers(0, 1)),
    min_size=2,
    max_size=40,
).filter(lambda found: len({label for _, label in found}) == 2)


@given(pairs)
def test_roc_is_scikit_learns_within_a_band(found: list[tuple[float, int]]) -> None:
    logits, labels = (np.array(one) for one in zip(*found, strict=True))
    curve = roc(logits, labels, np.arange(len(labels)))
    x, y, low, high = (np.array(one) for one in (curve.x, curve.y, curve.low, curve.high))
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(labels, logits), abs=1e-12)
    rates, sensitivities, _ = reference(labels, logits, drop_intermediate=False)
    assert {*zip(rates, sensitivities, strict=True)} <= {*zip(x, y, strict=True)}
    assert (np.diff(x) >= 0).all()
    assert ((low >= 0) & (low <= y) & (y <= high) & (high <= 1)).all()
    assert (np.diff([low, high]) >= 0).all()
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)


def test_the_band_of_a_perfect_model_is_no_line() -> None:
    labels = np.repeat([0, 1], [14, 12])
    curve = roc(labels.astype(float), labels, np.arange(26))
    at = {x: (low, high) for x, low, high in zip(curve.x, curve.low, curve.high, strict=True)}
    # With 14 negatives the true rate may be 0.2; with 12 positives the sensitivity 0.8.
    assert at[0.1] == (0.0, 1.0)
    assert 0.7 < at[0.5][0] < 0.8


def test_the_band_narrows_with_people_and_not_with_their_recordings() -> None:
    chance = np.random.default_rng(0)
    labels = np.tile([0, 1], 20)
    logits = chance.normal(size=40) + labels

    def width(logits: np.ndarray, labels: np.ndarray, people: np.ndarray) -> float:
        curve = roc(logits, labels, people)
        return float(np.trapezoid(np.subtract(curve.high, curve.low), curve.x))

    once = width(logits, labels, np.arange(40))
    same = width(np.repeat(logits, 9), np.repeat(labels, 9), np.repeat(np.arange(40), 9))
    more = width(np.repeat(logits, 9), np.repeat(labels, 9), np.arange(360))
    assert same == pytest.approx(once)
    assert more < 0.6 * once


def test_the_band_holds_the_true_curve() -> None:
    chance = np.random.default_rng(0)
    labels, people = np.repeat([0, 1], 25), np.arange(50)
    at = np.array([0.05, 0.2, 0.5])
    truth = norm.cdf(norm.ppf(at) + 1.5)
    held = []
    for _ in range(200):
        curve = roc(chance.normal(size=50) + 1.5 * labels, labels, people)
        low, high = (np.interp(at, curve.x, side) for side in (curve.low, curve.high))
        held.append((low <= truth) & (truth <= high))
    assert np.mean(held, 0).min() > 0.93


@given(pairs)
def test_precision_recall_is_scikit_learns(found: list[tuple[float, int]]) -> None:
    logits, labels = (np.array(one) for one in zip(*found, strict=True))
    curve = precision_recall(logits, labels)
    precision, recall, _ = precision_recall_curve(labels, logits, drop_intermediate=True)
    assert curve.x == pytest.approx(recall[::-1])
    assert curve.y == pytest.approx(precision[::-1])
    value = average_precision(logits, labels, np.arange(len(labels)))
    assert value.value == pytest.approx(average_precision_score(labels, logits))
    assert value.low is not None
    assert value.high is not None
    assert 0 <= value.low < value.high <= 1


def test_average_precision_counts_positive_people() -> None:
    labels, logits = np.array([1, 1, 1, 1, 0]), np.array([4.0, 3, 2, 1, 0])
    four = average_precision(logits, labels, np.arange(5))
    one = average_precision(logits, labels, np.array([0, 0, 0, 0, 1]))
    assert four.low == pytest.approx(4 / (4 + 1.959964**2))
    assert one.low == pytest.approx(1 / (1 + 1.959964**2))
