"""From a question and features of its clips to scores of the people asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from respllm.batching import balanced_weights
from respllm.evaluation import ScoredClip, ScoredUnits, mean_auroc, paired_difference, scored_units
from respllm.pretraining.probing.nested import Answer, cross_validated, transferred
from respllm.pretraining.probing.questions import Question
from respllm.pretraining.probing.results import Versus
from respllm.types import Example


def units_of(
    question: Question,
    rows: np.ndarray,
    seeds: int,
    answer: Answer = transferred,
    limit: int | None = None,
) -> ScoredUnits:
    """Scores of everybody who is asked, one run per division into folds.

    Args:
        question: of clips that can be heard.
        rows: (n, d) features of its training clips, then of its test clips.
        seeds: how many divisions.
        answer: what learns.
        limit: people to learn from where people are cross-validated; None: all.
    """
    count = len(question.train)
    labels = np.array([e.label for e in question.train])
    people = np.array([e.clip.record.subject_id for e in question.train])
    weights = balanced_weights(question.train)
    known = (rows[:count], labels, people, weights)
    runs: list[list[list[ScoredClip]]] = []
    for seed in range(seeds):
        if question.test is None:
            given = cross_validated(*known, seed, answer, limit)
            runs.append([_scored(question.id, question.train, given)])
        else:
            given = answer(*known, rows[count:], seed)
            runs.append([_scored(question.id, question.test, given)])
    return scored_units(runs)


def versus(baseline: str, units: ScoredUnits, other: ScoredUnits) -> Versus:
    """The encoder beside a baseline that was asked the same."""
    gain = paired_difference(units, other, same_runs=True)
    return Versus(baseline, mean_auroc(other), gain.value, gain.low, gain.high, gain.note)


def _scored(question: str, examples: Sequence[Example], given: np.ndarray) -> list[ScoredClip]:
    return [
        replace(ScoredClip.of(example, logit), task_id=question)
        for example, logit in zip(examples, given, strict=True)
    ]
