"""A logistic regression whose penalty is chosen by people it does not answer for."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

FOLDS = 5
INNER_FOLDS = 4
COMPONENTS = 128
FEWEST = 2 * INNER_FOLDS
"""People that a penalty can be chosen with at the least."""
STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Inverse penalties, tried from the strongest on."""


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
    model = _model(strength).fit(known, labels, sample_weight=even(weights, labels))
    # Folds choose penalties of their own: only scores of one spread can be ranked together.
    spread = max(float(model.decision_function(known).std()), 1e-12)
    return model.decision_function(prepare.transform(asked)) / spread


Answer = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, int], np.ndarray]
"""Fits rows, labels, people and weights, and scores other rows; see `transferred`."""


def cross_validated(
    rows: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    weights: np.ndarray,
    seed: int,
    answer: Answer = transferred,
    limit: int | None = None,
) -> np.ndarray:
    """Score of every row by a model that never saw its person, (n,).

    Everything is fitted within a fold: centre and scale, principal components, the penalty (by an
    inner cross-validation over the fold's training people) and the weights. The folds depend on
    labels, people and seed alone: whatever is compared on the same people shares them.

    Args:
        rows: (n, d) features.
        labels: (n,) 1 or 0; both occur with at least `FOLDS` people.
        people: (n,) who each row is of.
        weights: (n,) of each row.
        seed: divides the folds.
        answer: fits a fold's training people and scores its others.
        limit: how many of a fold's training people are learned from, `FEWEST` or more, see
            `few_people`; None: all.
    """
    found = np.empty(len(rows))
    for train, test in _folds(labels, people, FOLDS, seed):
        if limit is not None:
            kept = few_people(labels[train], people[train], limit, seed)
            train = train[np.isin(people[train], kept)]
        found[test] = answer(
            rows[train], labels[train], people[train], weights[train], rows[test], seed
        )
    return found


def few_people(labels: np.ndarray, people: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """At most `limit` people, chosen by seed; those of a smaller limit are among a larger one's.

    People with answers 0, 1 and both are taken in the proportions of all, rounded up where few
    are of a kind: from two people on both answers are there.

    Args:
        labels: (n,) 1 or 0.
        people: (n,) who each label is of.
    """
    answers: dict[str, set[int]] = defaultdict(set)
    for person, label in zip(people.tolist(), labels.tolist(), strict=True):
        answers[person].add(label)
    kinds: dict[tuple[int, ...], list[str]] = defaultdict(list)
    for person in np.random.default_rng(seed).permutation(sorted(answers)).tolist():
        kinds[tuple(sorted(answers[person]))].append(person)
    order = [
        (place / len(same), kind, person)
        for kind, same in kinds.items()
        for place, person in enumerate(same)
    ]
    return np.array([person for _, _, person in sorted(order)[:limit]])


def even(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Both classes weigh the same among these rows, and not only among all: else the intercept of
    a fold would say how many of each class are in the others."""
    sums = np.bincount(labels, weights, 2)
    return weights * len(labels) / (2 * sums[labels])


def _strength(
    rows: np.ndarray, labels: np.ndarray, people: np.ndarray, weights: np.ndarray, seed: int
) -> float:
    """The inverse penalty with the best mean AUROC over inner folds; the strongest penalty where no
    fold can tell."""
    from sklearn.metrics import roc_auc_score

    scores = np.zeros(len(STRENGTHS))
    for train, test in _folds(labels, people, INNER_FOLDS, seed + 1):
        if len(set(labels[train])) < 2 or len(set(labels[test])) < 2:
            continue
        for place, strength in enumerate(STRENGTHS):
            model = _model(strength)
            model.fit(rows[train], labels[train], sample_weight=even(weights[train], labels[train]))
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
    with warnings.catch_warnings():
        # With few people: inner folds of one class are passed over.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        yield from list(division.split(np.zeros((len(labels), 1)), labels, people))
