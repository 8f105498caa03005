"""How well does one value tell the answer? Cross-validated by subject, tested by permutation."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

FOLDS = 5
BINS = 5
PERMUTATIONS = 999
PRIOR_WEIGHT = 2.0
"""People that each level borrows from its training folds' rate: a rare level says little."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """One task's recordings as a property is judged on them.

    Attributes:
        subjects: (n,) numbers from 0, in order of first occurrence.
        labels: (n,) 0 or 1.
        by_subject: whether every subject has one label, so that a person counts once.
    """

    subjects: np.ndarray
    labels: np.ndarray
    by_subject: bool


def levels_of(values: Sequence[Hashable], numeric: bool) -> np.ndarray:
    """(n,) level numbers; None is a level of its own.

    Numbers go into at most five bins with equally many values, made without looking at labels.
    """
    if not numeric:
        names = sorted({str(value) for value in values})
        return np.array([names.index(str(value)) for value in values])
    known = np.array([np.nan if value is None else float(value) for value in values])  # type: ignore[arg-type]
    found = np.full(len(known), BINS)
    stated = np.isfinite(known)
    if stated.any():
        edges = np.unique(np.quantile(known[stated], np.linspace(0, 1, BINS + 1)[1:-1]))
        found[stated] = np.searchsorted(edges, known[stated], side="left")
    return found


def folds_of(data: Recordings, rng: np.random.Generator) -> np.ndarray:
    """(n,) fold of each recording: by subject, stratified by whether a subject has a positive."""
    count = int(data.subjects.max()) + 1
    positive = np.zeros(count, bool)
    np.logical_or.at(positive, data.subjects, data.labels == 1)
    fold = np.zeros(count, int)
    start = 0
    for label in (True, False):
        members = rng.permutation(np.flatnonzero(positive == label))
        fold[members] = (start + np.arange(len(members))) % FOLDS
        start += len(members)
    return fold[data.subjects]


def permuted_labels(data: Recordings, folds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, 1 + 999) labels: the true ones, then with people's answers dealt out anew in each fold.

    Within a fold, so that every column has the same number of positives in each. Where people have
    several answers, people stand in random order and their answers are dealt in that order: what
    belongs to one person stays together.
    """
    columns = np.repeat(data.labels[:, None], 1 + PERMUTATIONS, axis=1)
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        own = data.subjects[rows]
        people, first, place = np.unique(own, return_index=True, return_inverse=True)
        answers = data.labels[rows[first]]
        order = rng.permuted(np.tile(np.arange(len(people)), (PERMUTATIONS, 1)), axis=1)
        if data.by_subject:
            columns[rows, 1:] = answers[order][:, place].T
        else:
            dealt = np.argsort(order[:, place], axis=1, kind="stable")
            columns[rows, 1:] = data.labels[rows[dealt]].T
    return columns


def predictions(levels: np.ndarray, folds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What the level tells about each recording, learned in the other folds.

    The share of positives at the same level, less the share among all: a level that is not in the
    other folds says 0, and so does every level if there is only one.

    Args:
        levels, folds: (n,).
        labels: (n, k), k sets of labels at once.

    Returns:
        (n, k) float64.
    """
    found = np.zeros(labels.shape)
    one_hot = (levels[:, None] == np.unique(levels)[None]).astype(float)
    for fold in np.unique(folds):
        test = folds == fold
        train = one_hot[~test]
        share = labels[~test].mean(axis=0)
        counts = train.sum(axis=0)[:, None]
        rate = (train.T @ labels[~test] + PRIOR_WEIGHT * share) / (counts + PRIOR_WEIGHT)
        found[test] = one_hot[test] @ (rate - share)
    return found


def aurocs(data: Recordings, scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AUROC of each column of scores (n, k) against labels (n, k), in the data's own unit."""
    if data.by_subject:
        count = int(data.subjects.max()) + 1
        size = np.bincount(data.subjects, minlength=count)[:, None]
        means = np.zeros((2, count, scores.shape[1]))
        np.add.at(means[0], data.subjects, scores)
        np.add.at(means[1], data.subjects, labels)
        scores, labels = means / size
    # Sums in another order differ in the last digit: ties must stay ties.
    ranks = rankdata(scores.round(12), axis=0)
    positive = labels.sum(axis=0)
    negative = len(labels) - positive
    wins = (ranks * labels).sum(axis=0) - positive * (positive + 1) / 2
    return wins / (positive * negative)


def explained(levels: np.ndarray, scores: np.ndarray) -> float | None:
    """Share of the variance of score ranks (n,) that lies between levels, 0 to 1.

    Epsilon squared (Kelley 1935): eta squared less what levels explain by chance, not below 0.
    None where there are too few recordings, or scores that do not vary.
    """
    n, k = len(scores), len(np.unique(levels))
    if n - k < 2 or not np.isfinite(scores).all() or np.ptp(scores) == 0:
        return None
    ranks = rankdata(scores)
    total = float(((ranks - ranks.mean()) ** 2).sum())
    within = sum(
        float(((ranks[levels == level] - ranks[levels == level].mean()) ** 2).sum())
        for level in np.unique(levels)
    )
    return min(1.0, max(0.0, 1 - (within / (n - k)) / (total / (n - 1))))
