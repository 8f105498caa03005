"""Platt scaling: a logistic regression of the label on the logit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Platt:
    """The calibrated logit is `intercept` + `slope` * logit."""

    slope: float
    intercept: float

    def calibrate(self, logits: np.ndarray) -> np.ndarray:
        """(n,) calibrated logits."""
        return self.intercept + self.slope * logits


@dataclass(frozen=True, slots=True)
class Standardised:
    """Standardised logits, and the way back.

    Attributes:
        values: (n,).
        back: (2, 2), takes intercept and slope on `values` to those on the logits.
    """

    values: np.ndarray
    back: np.ndarray


def fit_platt(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Platt | None:
    """Fit on validation units, without a penalty; None if their logits are all the same.

    The targets are Platt's (1999): (N1 + 1) / (N1 + 2) for 1 and 1 / (N0 + 2) for 0, with N the
    weight of a class. They are never quite 1 or 0, so that slope and intercept are finite where
    the classes are separated, and approach plain maximum likelihood with many people.

    Args:
        logits, labels, weights: (n,) of units of both classes.
    """
    from sklearn.linear_model import LogisticRegression

    scale = standardise(logits)
    if scale is None:
        return None
    ones, zeros = weights[labels == 1].sum(), weights[labels == 0].sum()
    targets = np.where(labels == 1, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    # A target between 0 and 1 is a part of a unit with either label.
    fit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8).fit(
        np.tile(scale.values, 2)[:, None],
        np.repeat([1, 0], len(logits)),
        sample_weight=np.concatenate([weights * targets, weights * (1 - targets)]),
    )
    intercept, slope = scale.back @ [fit.intercept_[0], fit.coef_[0, 0]]
    return Platt(float(slope), float(intercept))


def standardise(logits: np.ndarray) -> Standardised | None:
    """Bring (n,) logits to mean 0 and deviation 1, so that a fit converges on any scale of them.

    None if they are all the same, up to rounding.
    """
    # In units of the largest first: squares of huge scores must not overflow.
    largest = max(1.0, float(np.abs(logits).max()))
    relative = logits / largest
    centre, spread = float(relative.mean()), float(relative.std())
    if spread <= 1e-12:
        return None
    back = np.array([[1.0, -centre / spread], [0.0, 1 / spread / largest]])
    return Standardised((relative - centre) / spread, back)
