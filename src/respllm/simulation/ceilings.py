"""The best reachable AUROC of each task: by text, by sound, by both.

Two numbers each: of the population (a large sample of people, no audio needed), which is precise,
and of one cohort's own test people, which is what a model tested on that cohort can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from respllm.simulation.answers import draw_answers
from respllm.simulation.population import draw_people
from respllm.simulation.posterior import posterior
from respllm.simulation.questions import QUESTIONS, Question
from respllm.simulation.signs import draw_signs

if TYPE_CHECKING:
    import pandas as pd

EVIDENCE = ("best", "text_only", "audio_only")
POPULATION_SIZE = 20_000

Ceiling = dict[str, float | int | None]


@cache
def population_ceiling(question: Question, people: int = POPULATION_SIZE) -> Mapping[str, float]:
    """AUROC of the exact posteriors over a fixed large sample, one recording per person.

    Args:
        question: the task.
        people: how many are drawn; those the question is not about are left out.

    Returns:
        AUROC by `EVIDENCE`.
    """
    from sklearn.metrics import roc_auc_score  # slow to load

    rng = np.random.default_rng(0)
    drawn = draw_people(question.dataset, people, rng)
    asked = drawn.take(np.flatnonzero(question.asks(drawn)))
    answers = draw_answers(question.dataset, asked, rng)
    signs = draw_signs(asked, rng)
    label = asked.has(question.cause)
    evidence = ((answers, signs), (answers, None), (None, signs))
    return {
        name: float(roc_auc_score(label, posterior(question, *seen)))
        for name, seen in zip(EVIDENCE, evidence, strict=True)
    }


def cohort_ceiling(truth: pd.DataFrame) -> Ceiling:
    """AUROC of one task's posteriors over a cohort's test people.

    Args:
        truth: that task's rows of `truth.csv`. A person's recordings count once, by the mean of
            their log-odds, as models are scored.

    Returns:
        AUROC by `EVIDENCE` (None if there is only one class), and the numbers of people.
    """
    from sklearn.metrics import roc_auc_score

    test = truth[truth["split"] == "test"]
    odds = test[list(EVIDENCE)].clip(1e-12, 1 - 1e-12).transform(lambda p: np.log(p / (1 - p)))
    people = odds.assign(label=test["label"]).groupby(test["subject_id"]).mean()
    label = people["label"].astype(int)
    both_classes = label.nunique() == 2
    scores: Ceiling = {
        name: float(roc_auc_score(label, people[name])) if both_classes else None
        for name in EVIDENCE
    }
    return scores | {"positive": int(label.sum()), "negative": int((1 - label).sum())}


def all_ceilings(truth: pd.DataFrame) -> dict[str, object]:
    """What `best_reachable.json` holds: per task the population's and the cohort's ceilings."""
    return {
        question.task_id: {
            "needs_both": question.needs_both,
            "population": dict(population_ceiling(question)),
            "cohort": cohort_ceiling(truth[truth["task_id"] == question.task_id]),
        }
        for question in QUESTIONS
    }
