"""How an encoder does with fewer labelled people: the same folds, the same people asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from respllm.evaluation import mean_auroc
from respllm.pretraining.probing.nested import FOLDS
from respllm.pretraining.probing.questions import Question
from respllm.pretraining.probing.results import LOG_MEL, CurvePoint
from respllm.pretraining.probing.scoring import units_of, versus


def learning_curve(
    question: Question,
    encoder: np.ndarray,
    log_mel: np.ndarray,
    seeds: int,
    numbers: Sequence[int],
) -> tuple[CurvePoint, ...]:
    """One point per number of people that is less than what a fold learns from.

    Args:
        question: cross-validated, of clips that can be heard; a question with people of its own to
            ask gives no point.
        encoder, log_mel: (n, d) features of its clips.
        seeds: divisions into folds; each draws people of its own.
        numbers: of people, see `few_people`.
    """
    if question.test is not None:
        return ()
    there = len({e.clip.record.subject_id for e in question.train})
    points = []
    for number in sorted(set(numbers)):
        if number * FOLDS < there * (FOLDS - 1):
            own, other = (units_of(question, x, seeds, limit=number) for x in (encoder, log_mel))
            points.append(CurvePoint(number, mean_auroc(own), versus(LOG_MEL, own, other)))
    return tuple(points)
