"""How good a model is on the validation subjects: what selection and early stopping look at."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from respllm.evaluation import ScoredClip, auroc_score
from respllm.types import Example


def task_aurocs(examples: Sequence[Example], logits: np.ndarray) -> dict[str, float]:
    """AUROC by subject of every task whose examples have both answers."""
    scores = {}
    for task_id in sorted({example.task_id for example in examples}):
        clips = [
            ScoredClip.of(example, logit)
            for example, logit in zip(examples, logits, strict=True)
            if example.task_id == task_id
        ]
        value = auroc_score(clips).value
        if value is not None:
            scores[task_id] = value
    return scores


def mean_auroc(aurocs: dict[str, float]) -> float | None:
    """The mean over tasks, each counting the same; None without any."""
    return fmean(aurocs.values()) if aurocs else None
