"""One value against the answer: learned elsewhere, tested by permutation of people."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from respllm.audits import alone


def recordings(labels: np.ndarray, subjects: np.ndarray, by_subject: bool) -> alone.Recordings:
    return alone.Recordings(subjects, labels, by_subject)


def test_numbers_go_into_bins_without_looking_at_labels() -> None:
    values = [float(i) for i in range(10)]
    assert alone.levels_of(values, True).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert alone.levels_of([None, 1.0, 1.0], True).tolist() == [alone.BINS, 0, 0]
    assert alone.levels_of([None] * 3, True).tolist() == [alone.BINS] * 3
    named = alone.levels_of(["b", None, "a", "b"], False)
    assert named[0] == named[3]
    assert len(set(named.tolist())) == 3


def test_folds_keep_people_together_and_classes_even() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(50), 3)
    labels = np.repeat(np.arange(50) % 2, 3)
    folds = alone.folds_of(recordings(labels, subjects, True), rng)
    assert all(len(set(folds[subjects == s].tolist())) == 1 for s in range(50))
    assert [int(labels[folds == f].sum()) for f in range(alone.FOLDS)] == [15] * alone.FOLDS


@pytest.mark.parametrize("by_subject", [True, False])
def test_permutation_moves_people_within_folds(by_subject: bool) -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(60), 2)
    labels = np.repeat(rng.integers(0, 2, 60), 2)
    if not by_subject:
        labels[::4] = 1 - labels[::4]
    data = recordings(labels, subjects, by_subject)
    folds = alone.folds_of(data, rng)
    found = alone.permuted_labels(data, folds, rng)
    assert found.shape == (120, 1 + alone.PERMUTATIONS)
    assert (found[:, 0] == labels).all()
    for fold in range(alone.FOLDS):
        assert np.ptp(found[folds == fold].sum(axis=0)) == 0
    pairs = found[0::2] + 10 * found[1::2]
    original = np.sort(labels[0::2] + 10 * labels[1::2])
    # Whatever two answers a person has, they stay together.
    assert (np.sort(pairs, axis=0) == original[:, None]).all()
    assert (found[:, 1] != found[:, 2]).any()


def test_a_property_that_is_the_answer_and_one_that_is_nothing() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(200) % 2
    data = recordings(labels, np.arange(200), True)
    folds = alone.folds_of(data, rng)
    permuted = alone.permuted_labels(data, folds, rng)
    for levels, expected in ((labels, 1.0), (1 - labels, 1.0), (np.zeros(200, int), 0.5)):
        found = alone.predictions(levels, folds, permuted)
        values = alone.aurocs(data, found, permuted)
        assert values[0] == pytest.approx(expected)
        assert values[1:].max() < 0.8


def test_aurocs_are_those_of_scikit_learn_by_subject() -> None:
    rng = np.random.default_rng(0)
    subjects = np.sort(rng.integers(0, 40, 90))
    _, subjects = np.unique(subjects, return_inverse=True)
    per_person = rng.integers(0, 2, subjects.max() + 1)
    labels = per_person[subjects][:, None].repeat(3, axis=1)
    scores = rng.integers(0, 4, (90, 3)).astype(float)
    found = alone.aurocs(recordings(labels[:, 0], subjects, True), scores, labels)
    for column in range(3):
        means = [scores[subjects == s, column].mean() for s in range(len(per_person))]
        assert found[column] == pytest.approx(roc_auc_score(per_person, means))
    whole = alone.aurocs(recordings(labels[:, 0], subjects, False), scores, labels)
    assert whole[0] == pytest.approx(roc_auc_score(labels[:, 0], scores[:, 0]))


def test_what_is_explained_of_score_ranks() -> None:
    rng = np.random.default_rng(0)
    levels = np.repeat([0, 1], 500)
    scores = rng.normal(size=1000)
    assert alone.explained(levels, scores) == pytest.approx(0, abs=0.01)
    # Two separate halves: eta squared of ranks is 3/4.
    assert alone.explained(levels, scores + 100 * levels) == pytest.approx(0.75, abs=0.01)
    assert alone.explained(levels, np.zeros(1000)) is None
    assert alone.explained(levels, scores * np.nan) is None
    assert alone.explained(np.array([0, 1]), np.array([0.0, 1.0])) is None
