"""Weights that let every class of every task count the same, by people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from respllm.types import Example


def balanced_weights(examples: Sequence[Example]) -> np.ndarray:
    """Weight training examples so that both classes of a task weigh the same.

    Within a class every person weighs the same, whatever the number of recordings and clips. The
    weights of a task's examples average 1, so a task counts by its number of examples.

    Args:
        examples: labelled training examples, and nothing else.

    Returns:
        (n,) float32.
    """
    group_of = [(e.task_id, e.label, e.clip.record.subject_id) for e in examples]
    clips = Counter(group_of)
    people: dict[tuple[str, int | None], int] = Counter((task, label) for task, label, _ in clips)
    weights = np.array(
        [1 / (clips[group] * people[group[0], group[1]]) for group in group_of], np.float64
    )
    rows = defaultdict(list)
    for i, example in enumerate(examples):
        rows[example.task_id].append(i)
    for indices in rows.values():
        weights[indices] *= len(indices) / weights[indices].sum()
    return weights.astype(np.float32)


def class_priors(examples: Sequence[Example]) -> Mapping[str, float]:
    """Share of positive people per task; a person counts once for each class they occur in."""
    people = sorted({(e.task_id, e.label, e.clip.record.subject_id) for e in examples}, key=str)
    return _shares([(task, label) for task, label, _ in people], np.ones(len(people)))


def implied_priors(examples: Sequence[Example], weights: np.ndarray) -> Mapping[str, float]:
    """Share of positives per task that the loss sees: by weight, every clip and copy counted."""
    return _shares([(example.task_id, example.label) for example in examples], weights)


def _shares(rows: Sequence[tuple[str, int | None]], weights: np.ndarray) -> dict[str, float]:
    shares = {}
    for task in sorted({task for task, _ in rows}):
        own = np.array([row[0] == task for row in rows])
        positive = np.array([row == (task, 1) for row in rows])
        shares[task] = float(weights[positive].sum() / weights[own].sum())
    return shares
