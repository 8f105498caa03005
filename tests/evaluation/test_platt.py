from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator

from respllm.evaluation.platt import fit_platt


class Given(ClassifierMixin, BaseEstimator):
    """Its score is the logit that it is shown."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])

    def fit(self, x: np.ndarray, y: np.ndarray) -> Given:
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        return (x[:, 0] >= 0).astype(int)

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        return x[:, 0]


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator does not appear to accept")
def test_agrees_with_scikit_learns_platt_scaling() -> None:
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 2, 60)
    logits = 3 * chance.normal(size=60) + labels
    weights = chance.choice([1.0, 0.5, 0.25], 60)
    ours = fit_platt(logits, labels, weights)
    theirs = CalibratedClassifierCV(FrozenEstimator(Given()), ensemble=False)
    theirs.fit(logits[:, None], labels, sample_weight=weights)
    new = np.linspace(-9, 9, 50)
    assert ours is not None
    # Theirs stops at a tolerance.
    assert expit(ours.calibrate(new)) == pytest.approx(
        theirs.predict_proba(new[:, None])[:, 1], abs=1e-3
    )


def test_the_weighted_targets_are_met_exactly() -> None:
    # The score equations: what is predicted adds up to the targets, also times the logit.
    logits, labels = np.array([-2.0, 1.0, 0.5, 3.0, -1.0]), np.array([0, 0, 1, 1, 1])
    weights = np.array([1.0, 1.0, 0.5, 0.5, 1.0])
    fit = fit_platt(logits, labels, weights)
    assert fit is not None
    residuals = weights * (np.where(labels == 1, 3 / 4, 1 / 4) - expit(fit.calibrate(logits)))
    assert residuals.sum() == pytest.approx(0, abs=1e-7)
    assert (residuals * logits).sum() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e5, 1e307])
def test_is_finite_where_the_classes_are_separated(scale: float) -> None:
    logits, labels = np.array([-3.0, -2.0, 2.0, 3.0]) * scale, np.array([0, 0, 1, 1])
    fit = fit_platt(logits, labels, np.ones(4))
    assert fit is not None
    assert fit.slope > 0
    calibrated = expit(fit.calibrate(logits))
    # Two of two people are told 3/4, as Platt's targets say.
    assert calibrated == pytest.approx([0.25, 0.25, 0.75, 0.75], abs=0.06)


def test_constant_scores_have_no_fit() -> None:
    assert fit_platt(np.full(6, 2.5), np.array([0, 1] * 3), np.ones(6)) is None
