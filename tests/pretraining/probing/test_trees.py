from __future__ import annotations

import numpy as np

from respllm.evaluation.auroc import auroc
from respllm.pretraining.probing.nested import transferred
from respllm.pretraining.probing.trees import by_trees


def test_trees_find_what_no_line_tells_and_find_it_again() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(240) % 2
    people = np.array([f"p{n:03}" for n in range(240)])
    rows = rng.normal(size=(240, 4))
    # Two signs alike or not: neither feature alone says anything.
    rows[:, 1] = np.abs(rows[:, 1]) * np.where(labels, 1, -1) * np.sign(rows[:, 0])
    known = (rows[:160], labels[:160], people[:160], np.ones(160), rows[160:])
    trees = by_trees(*known, 0)
    assert auroc(labels[160:], trees) > 0.85
    assert auroc(labels[160:], transferred(*known, 0)) < 0.7
    assert np.array_equal(trees, by_trees(*known, 0))
    assert not np.array_equal(trees, by_trees(*known, 1))


def test_a_class_weighs_the_same_whatever_its_weights_sum_to() -> None:
    rng = np.random.default_rng(0)
    labels = (np.arange(60) < 15).astype(int)
    people = np.array([f"p{n:03}" for n in range(60)])
    rows, asked = rng.normal(size=(60, 5)), rng.normal(size=(20, 5))
    plain = by_trees(rows, labels, people, np.ones(60), asked, 0)
    heavy = by_trees(rows, labels, people, np.where(labels, 9.0, 1.0), asked, 0)
    assert np.allclose(plain, heavy)
