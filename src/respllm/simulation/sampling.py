"""Draw the people of one dataset of a cohort, their answers and their parts of the split."""

from __future__ import annotations

import numpy as np

from respllm.errors import ConfigError
from respllm.simulation.answers import draw_answers
from respllm.simulation.layouts.plan import Sample
from respllm.simulation.population import People, draw_people
from respllm.simulation.questions import QUESTIONS
from respllm.types import Split

# Shares of validation and test people in the official split; the rest trains. A dataset that is
# not here has no official split: it is only tested on.
SPLIT_SHARES: dict[str, tuple[float, float]] = {
    "uk_covid19": (0.13, 0.27),
    "covid19_sounds": (0.13, 0.27),
    "icbhi": (0.0, 0.40),
}
# Chance that a person's label is not known (not tested, "prefer not to say"), whatever it is.
MISSING_LABEL: dict[str, dict[str, float]] = {
    "uk_covid19": {"covid19": 0.02},
    "covid19_sounds": {"covid19": 0.02, "smoker": 0.02},
    "coswara": {"covid19": 0.03},
}
MIN_PER_CLASS = 2
ATTEMPTS = 1000


def draw_sample(dataset: str, n: int, rng: np.random.Generator) -> Sample:
    """n people of a dataset; drawn again until every task has two of each class.

    Raises:
        ConfigError: n is so small that this does not happen.
    """
    people, stated = _draw_with_both_classes(dataset, n, rng)
    answers = draw_answers(dataset, people, rng)
    return Sample(people, answers, _split(dataset, people, rng), stated)


def _draw_with_both_classes(
    dataset: str, n: int, rng: np.random.Generator
) -> tuple[People, dict[str, np.ndarray]]:
    questions = [question for question in QUESTIONS if question.dataset == dataset]
    for _ in range(ATTEMPTS):
        people = draw_people(dataset, n, rng)
        missing = rng.random(n)
        stated = {}
        # One draw for all labels: nobody lacks two of them and so drops out of every table.
        for cause, share in MISSING_LABEL.get(dataset, {}).items():
            stated[cause] = missing >= share
            missing = missing - share
            missing[missing < 0] = 1
        counts = [
            np.bincount(
                people.has(q.cause)[q.asks(people) & stated.get(q.cause, np.True_)], minlength=2
            ).min()
            for q in questions
        ]
        if min(counts) >= MIN_PER_CLASS:
            return people, stated
    raise ConfigError(
        f"{n} people of {dataset} do not make two of each class in every task",
        where="subjects",
        next_step="simulate more subjects",
    )


def _split(dataset: str, people: People, rng: np.random.Generator) -> tuple[Split, ...]:
    """Parts by person, stratified by what the dataset's tasks ask."""
    parts: list[Split] = ["test"] * len(people)
    if dataset not in SPLIT_SHARES:
        return tuple(parts)
    validation, test = SPLIT_SHARES[dataset]
    causes = sorted({question.cause for question in QUESTIONS if question.dataset == dataset})
    stratum = sum(people.has(cause).astype(int) << bit for bit, cause in enumerate(causes))
    for value in np.unique(stratum):
        members = rng.permutation(np.flatnonzero(stratum == value))
        tested = max(1, round(test * len(members)))
        validated = round(validation * len(members))
        for place, person in enumerate(members):
            if place >= tested:
                parts[person] = "validation" if place < tested + validated else "train"
    return tuple(parts)
