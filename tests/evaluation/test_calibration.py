from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

from respllm.evaluation.calibration import (
    brier_score,
    calibration_error,
    measure_calibration,
    reliability_bins,
    slope_and_intercept,
)
from respllm.evaluation.proportions import UNDEFINED


def drawn(n: int, times: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits and labels; the true log-odds are the logits over `times`."""
    chance = np.random.default_rng(seed)
    truth = 1.5 * chance.normal(size=n)
    return times * truth, (chance.random(n) < expit(truth)).astype(int)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1), st.integers(0, 9)), min_size=1),
)
def test_brier_is_scikit_learns_within_an_interval(found: list[tuple[float, int, int]]) -> None:
    probabilities, labels, people = (np.array(one) for one in zip(*found, strict=True))
    brier = brier_score(probabilities, labels, people)
    assert brier.value == pytest.approx(brier_score_loss(labels, probabilities, labels=[0, 1]))
    assert brier.low is not None
    assert brier.value is not None
    assert brier.high is not None
    assert 0 <= brier.low <= brier.value <= brier.high <= 1
    assert brier.high > brier.low


def test_brier_of_people_who_are_all_right_is_no_point() -> None:
    labels = np.repeat([0, 1], 13)
    brier = brier_score(labels.astype(float), labels, np.arange(26))
    assert brier.low == brier.value == 0
    assert brier.high is not None
    # Nobody in 26 excludes no rate below 3 / 26 (rule of three).
    assert brier.high > 3 / 26


def test_brier_counts_people() -> None:
    logits, labels = drawn(40)
    probabilities = expit(logits)
    once = brier_score(probabilities, labels, np.arange(40))
    many = brier_score(*(np.repeat(one, 5) for one in (probabilities, labels, np.arange(40))))
    assert (many.value, many.low, many.high) == pytest.approx((once.value, once.low, once.high))


def test_brier_interval_holds_the_truth() -> None:
    many, answers = drawn(200_000, 3.0, seed=5)
    truth = ((expit(many) - answers) ** 2).mean()
    held = 0
    for seed in range(300):
        logits, labels = drawn(40, 3.0, seed=100 + seed)
        found = brier_score(expit(logits), labels, np.arange(40))
        held += (found.low or 0) <= truth <= (found.high or 0)
    assert held / 300 > 0.93


def debiased_by_drawing(
    probabilities: np.ndarray, labels: np.ndarray, bins: int
) -> tuple[float, float]:
    """Kumar, Liang and Ma's correction, with their normal draws instead of the closed form."""
    groups = np.array_split(np.argsort(probabilities, kind="stable"), bins)
    share = np.array([len(one) for one in groups]) / len(labels)
    observed = np.array([labels[one].mean() for one in groups])
    predicted = np.array([probabilities[one].mean() for one in groups])
    plain = (share * np.abs(observed - predicted)).sum()
    spread = np.sqrt(observed * (1 - observed) / [len(one) for one in groups])
    noisy = np.random.default_rng(0).normal(observed, spread, (100_000, bins))
    return plain, max(0, 2 * plain - (np.abs(noisy - predicted) @ share).mean())


@pytest.mark.parametrize(("n", "times"), [(60, 3.0), (100, 1.0), (300, 2.0)])
def test_error_is_the_published_correction(n: int, times: float) -> None:
    logits, labels = drawn(n, times)
    found, why = calibration_error(expit(logits), labels, np.arange(n))
    plain, corrected = debiased_by_drawing(expit(logits), labels, min(10, n // 10))
    assert why == ""
    assert found.value == pytest.approx(corrected, abs=1e-3)
    assert found.value < plain


def test_error_of_right_probabilities_may_be_0_and_of_wrong_ones_not() -> None:
    logits, labels = drawn(300)
    right, _ = calibration_error(expit(logits), labels, np.arange(300))
    wrong, _ = calibration_error(expit(logits + 1.5), labels, np.arange(300))
    assert right.low == 0
    assert right.high is not None
    assert wrong.low is not None
    assert right.high < 0.15 < wrong.low


def test_error_interval_counts_people() -> None:
    logits, labels = drawn(60, 3.0)
    people = np.arange(60)
    once, _ = calibration_error(expit(logits), labels, people)
    many, _ = calibration_error(*(np.repeat(one, 4) for one in (expit(logits), labels, people)))
    assert (many.value, many.low, many.high) == pytest.approx((once.value, once.low, once.high))


def test_error_is_undefined_with_few_people_or_pure_bins() -> None:
    logits, labels = drawn(19)
    few, why = calibration_error(expit(logits), labels, np.arange(19))
    assert few == UNDEFINED
    assert "fewer than 20 people" in why
    labels = np.repeat([0, 1], 15)
    pure, why = calibration_error(labels * 0.9, labels, np.arange(30))
    assert pure == UNDEFINED
    assert "no bin has both answers" in why


def test_slope_and_intercept_agree_with_statsmodels_and_scikit_learn() -> None:
    logits, labels = drawn(200, 2.0)
    people = np.repeat(np.arange(100), 2)
    slope, intercept, why = slope_and_intercept(logits, labels, people)
    design = sm.add_constant(logits)
    theirs = sm.GLM(labels, design, family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": people}
    )
    (low_0, high_0), (low_1, high_1) = theirs.conf_int()
    assert why == ""
    assert (intercept.low, intercept.high) == pytest.approx((low_0, high_0), abs=1e-5)
    assert (slope.low, slope.high) == pytest.approx((low_1, high_1), abs=1e-5)
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(logits[:, None], labels)
    assert slope.value == pytest.approx(plain.coef_[0, 0], abs=1e-4)
    assert intercept.value == pytest.approx(plain.intercept_[0], abs=1e-4)


@pytest.mark.parametrize(
    ("logits", "labels", "why"),
    [
        (np.arange(30.0), np.ones(30, int), "one class"),
        (np.full(30, 1.5), np.tile([0, 1], 15), "every score is the same"),
        (np.arange(30.0), np.repeat([0, 1], 15), "separate the classes"),
        (np.arange(30.0), np.repeat([1, 0], 15), "separate the classes"),
        (np.array([0.0, 1, 1, 2]), np.array([0, 0, 1, 1]), "separate the classes"),
        (np.arange(18.0), np.tile([0, 1], 9), "fewer than 10 people of a class"),
    ],
)
def test_slope_is_undefined(logits: np.ndarray, labels: np.ndarray, why: str) -> None:
    slope, intercept, found = slope_and_intercept(logits, labels, np.arange(len(labels)))
    assert slope == intercept == UNDEFINED
    assert why in found


@given(
    st.lists(
        st.tuples(st.floats(0, 1) | st.sampled_from([0.2, 0.5]), st.integers(0, 1)), min_size=1
    )
)
def test_bins_hold_every_unit_once_in_order(found: list[tuple[float, int]]) -> None:
    probabilities, labels = (np.array(one) for one in zip(*found, strict=True))
    bins = reliability_bins(probabilities, labels, np.arange(len(labels)))
    assert sum(one.units for one in bins) == len(labels)
    predicted = [one.predicted for one in bins]
    assert predicted == sorted(predicted)
    positives = sum(one.units * (one.observed.value or 0) for one in bins)
    assert positives == pytest.approx(labels.sum())
    # Equal probabilities are never torn apart.
    assert len(bins) <= len(set(probabilities.tolist()))


def test_bins_are_of_equal_numbers() -> None:
    logits, labels = drawn(100)
    found, notes = measure_calibration("as given", logits, labels, np.arange(100))
    assert [one.units for one in found.bins] == [10] * 10
    assert notes == ()
    assert found.name == "as given"
