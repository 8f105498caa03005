"""A random forest: whether simple features hold more than a line through them can tell."""

from __future__ import annotations

import numpy as np

from respllm.pretraining.probing.nested import even

TREES = 200
LEAF = 5  # clips at the least; fixed beforehand, nothing is tuned


def by_trees(
    rows: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    weights: np.ndarray,
    asked: np.ndarray,
    seed: int,
) -> np.ndarray:
    """Share of the trees for answer 1 of other rows (m, d); the arguments of `transferred`.

    Both classes weigh the same and so do all people of a class. Scores lean to the commoner answer
    all the same: leaves are counted in clips.
    """
    from sklearn.ensemble import RandomForestClassifier

    forest = RandomForestClassifier(TREES, min_samples_leaf=LEAF, random_state=seed, n_jobs=1)
    forest.fit(rows, labels, sample_weight=even(weights, labels))
    return forest.predict_proba(asked)[:, 1]
