"""A logistic regression whose penalty is chosen by people it does not answer for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

FOLDS = 5
INNER_FOLDS = 4
COMPONENTS = 128
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse penalties, tried from the strongest on."""


def cross_validated(
    rows: np.ndarray, labels: np.ndarray, people: np.ndarray, weights: np.ndarray, seed: int
) -> np.ndarray:
    """Log-odds of every row by a model that never saw its person, (n,).

    Everything is fitted within a fold: centre and scale, principal components, the penalty (by an
    inner cross-validation over the fold's training people) and the weights.

    Args:
        rows: (n, d) features.
        labels: (n,) 1 or 0; both occur with at least `FOLDS` people.
        people: (n,) who each row is of.
        weights: (n,) of each row.
        seed: divides the folds.
    """
    found = np.empty(len(rows))
    for train, test in _folds(labels, people, FOLDS, seed):
        found[test] = transferred(
            rows[train], labels[train], people[train], weights[train], rows[test], seed
        )
    return found


def transferred(
    rows: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    weights: np.ndarray,
    asked: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Scores of other rows (m, d) by a model of these, in units of the spread of its own rows."""
    from sklearn.decomposition import PCA
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    steps = [StandardScaler()]
    size = min(COMPONENTS, *rows.shape)
    if size < rows.shape[1]:
        steps.append(PCA(size, svd_solver="full"))
    prepare = make_pipeline(*steps)
    known = prepare.fit_transform(rows)
    strength = _strength(known, labels, people, weights, seed)
    model = _model(strength).fit(known, labels, sample_weight=_even(weights, labels))
    # Folds choose penalties of their own: only scores of one spread can be ranked together.
    spread = max(float(model.decision_function(known).std()), 1e-12)
    return model.decision_function(prepare.transform(asked)) / spread


def _even(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Both classes weigh the same among these rows, and not only among all: else the intercept of
    a fold would say how many of each class are in the others."""
    sums = np.bincount(labels, weights, 2)
    return weights * len(labels) / (2 * sums[labels])


def _strength(
    rows: np.ndarray, labels: np.ndarray, people: np.ndarray, weights: np.ndarray, seed: int
) -> float:
    """The inverse penalty with the best mean AUROC over inner folds."""
    from sklearn.metrics import roc_auc_score

    scores = np.zeros(len(STRENGTHS))
    for train, test in _folds(labels, people, INNER_FOLDS, seed + 1):
        if len(set(labels[train])) < 2 or len(set(labels[test])) < 2:
            continue
        for place, strength in enumerate(STRENGTHS):
            model = _model(strength)
            model.fit(
                rows[train], labels[train], sample_weight=_even(weights[train], labels[train])
            )
            given = model.decision_function(rows[test])
            scores[place] += roc_auc_score(labels[test], given, sample_weight=weights[test])
    return STRENGTHS[int(scores.argmax())]


def _model(strength: float) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200)


def _folds(
    labels: np.ndarray, people: np.ndarray, count: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedGroupKFold

    division = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    yield from division.split(np.zeros((len(labels), 1)), labels, people)
