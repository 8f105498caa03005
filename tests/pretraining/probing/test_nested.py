from __future__ import annotations

import numpy as np
import pytest

from respllm.evaluation.auroc import auroc
from respllm.pretraining.probing.nested import cross_validated, transferred


def people_and_labels(count: int, clips: int) -> tuple[np.ndarray, np.ndarray]:
    people = np.repeat([f"p{n:03}" for n in range(count)], clips)
    return people, np.repeat(np.arange(count) % 2, clips)


def test_what_is_there_is_found() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(40, 2)
    rows = rng.normal(size=(80, 30))
    rows[:, 5] += 3 * labels
    rows[:, 6] *= 1000  # scales do not matter
    scores = cross_validated(rows, labels, people, np.ones(80), 0)
    assert auroc(labels, scores) > 0.8


def test_who_somebody_is_tells_nothing() -> None:
    # Every clip of a person is nearly alike: remembering people would give an AUROC near 1.
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(60, 8)
    own = np.repeat(rng.normal(size=(60, 40)), 8, axis=0)
    rows = own + 0.01 * rng.normal(size=own.shape)
    scores = cross_validated(rows, labels, people, np.ones(len(rows)), 0)
    assert 0.2 < auroc(labels, scores) < 0.8


def test_an_answer_does_not_depend_on_who_else_is_asked() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(20, 2)
    rows, asked = rng.normal(size=(40, 10)), rng.normal(size=(5, 10))
    both = transferred(rows, labels, people, np.ones(40), asked, 0)
    one = transferred(rows, labels, people, np.ones(40), asked[:1], 0)
    assert both[0] == pytest.approx(one[0])


def test_labels_of_the_answered_change_nothing() -> None:
    rng = np.random.default_rng(0)
    people, labels = people_and_labels(30, 1)
    rows = rng.normal(size=(30, 10))
    first = cross_validated(rows, labels, people, np.ones(30), 0)
    again = cross_validated(rows, labels, people, np.ones(30), 0)
    assert np.array_equal(first, again)


def test_folds_are_ranked_on_one_scale() -> None:
    # Few people, unevenly answered: how many of each class the other folds have must not count.
    found = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        people = np.repeat([f"p{n:03}" for n in range(24)], 3)
        labels = np.repeat((np.arange(24) < 8).astype(int), 3)
        rows = rng.normal(size=(72, 20))
        rows[:, 0] += 2 * labels
        found.append(auroc(labels, cross_validated(rows, labels, people, np.ones(72), seed)))
    assert np.mean(found) > 0.8


def test_scores_do_not_depend_on_the_shares_of_classes_in_training() -> None:
    rng = np.random.default_rng(1)
    people, labels = people_and_labels(30, 1)
    rows, asked = rng.normal(size=(30, 4)), rng.normal(size=(6, 4))
    rows[:, 0] += 2 * labels
    plain = transferred(rows, labels, people, np.ones(30), asked, 0)
    heavy = transferred(rows, labels, people, np.where(labels, 9.0, 1.0), asked, 0)
    assert heavy == pytest.approx(plain)
