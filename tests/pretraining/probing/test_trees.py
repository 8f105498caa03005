from __future__ import annotations

import numpy as np

from respllm.evaluation.auroc import auroc
from respllm.pretraining.probing.nested import cross_validated
from respllm.pretraining.probing.trees import by_trees


def test_trees_find_what_no_line_tells() -> None:
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{n:03}" for n in range(80)], 2)
    labels = np.repeat(np.arange(80) % 2, 2)
    rows = rng.normal(size=(160, 4))
    # Two signs alike or not: neither feature alone says anything.
    rows[:, 1] = np.abs(rows[:, 1]) * np.where(labels, 1, -1) * np.sign(rows[:, 0])
    trees = cross_validated(rows, labels, people, np.ones(160), 0, by_trees)
    line = cross_validated(rows, labels, people, np.ones(160), 0)
    assert auroc(labels, trees) > 0.85
    assert auroc(labels, line) < 0.7
    assert np.array_equal(trees, cross_validated(rows, labels, people, np.ones(160), 0, by_trees))


def test_the_share_of_a_class_shifts_no_score() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(200) < 20).astype(int)
    people = np.array([f"p{n:03}" for n in range(200)])
    rows, asked = rng.normal(size=(200, 5)), rng.normal(size=(200, 5))
    given = by_trees(rows, labels, people, np.ones(200), asked, 0)
    assert abs(given.mean() - 0.5) < 0.15
    again = by_trees(rows, labels, people, np.where(labels, 9.0, 1.0), asked, 0)
    assert np.allclose(given, again)
