from __future__ import annotations

import math

import numpy as np
import pytest

from respllm.simulation.answers import (
    HISTORY,
    QUESTIONNAIRES,
    SYMPTOMS,
    Answers,
    chances,
    draw_answers,
)
from respllm.simulation.population import CAUSES, COMBINATIONS, People, draw_people, table
from respllm.simulation.posterior import posterior
from respllm.simulation.questions import QUESTIONS, Question
from respllm.simulation.signs import draw_signs, means

BY_ID = {question.task_id: question for question in QUESTIONS}


def _draw(question: Question, n: int, seed: int) -> tuple[People, Answers, np.ndarray]:
    rng = np.random.default_rng(seed)
    people = draw_people(question.dataset, n, rng)
    people = people.take(np.flatnonzero(question.asks(people)))
    return people, draw_answers(question.dataset, people, rng), draw_signs(people, rng)


@pytest.mark.parametrize("task_id", ["S1", "S3", "S5", "S7", "T1", "T5", "T6"])
@pytest.mark.parametrize("evidence", ["best", "text_only", "audio_only"])
def test_posteriors_are_calibrated(task_id: str, evidence: str) -> None:
    question = BY_ID[task_id]
    people, answers, signs = _draw(question, 40_000, seed=6)
    seen = {"best": (answers, signs), "text_only": (answers, None), "audio_only": (None, signs)}
    probability = posterior(question, *seen[evidence])
    label = people.has(question.cause)
    bins = np.array_split(np.argsort(probability, kind="stable"), 10)
    for members in bins:
        expected = probability[members].mean()
        # Four standard errors of a share.
        tolerance = 4 * math.sqrt(max(expected * (1 - expected), 1e-3) / len(members))
        assert label[members].mean() == pytest.approx(expected, abs=tolerance)


def _by_hand(question: Question, answers: Answers, signs: np.ndarray) -> float:
    """The posterior of one person, summed in the plainest way."""
    asked = QUESTIONNAIRES[question.dataset]
    weights = {True: 0.0, False: 0.0}
    for c, causes in enumerate(COMBINATIONS):
        named = dict(zip(CAUSES, causes.tolist(), strict=True))
        if any(named[cause] for cause in question.without):
            continue
        if answers.sex_stated[0] and named["female"] != answers.female[0]:
            continue
        likelihood = math.exp(-0.5 * float(((signs[0] - means()[c]) ** 2).sum()))
        for items, names, ticks, stated in (
            (SYMPTOMS, asked.symptoms, answers.symptoms[0], answers.symptoms_stated[0]),
            (HISTORY, asked.history, answers.history[0], answers.history_stated[0]),
        ):
            for name, tick in zip(names, ticks, strict=True):
                if stated:
                    chance = chances(items, (name,))[c, 0]
                    likelihood *= chance if tick else 1 - chance
        for age in range(int(answers.age_low[0]), int(answers.age_high[0]) + 1):
            weights[named[question.cause]] += table(question.dataset)[age, c] * likelihood
    return weights[True] / (weights[True] + weights[False])


@pytest.mark.parametrize("task_id", ["S2", "S6", "S7", "T3", "T6"])
def test_posteriors_are_the_sum_over_all_states(task_id: str) -> None:
    question = BY_ID[task_id]
    people, answers, signs = _draw(question, 60, seed=7)
    probability = posterior(question, answers, signs)
    for i in range(0, len(people), 7):
        one = np.array([i])
        expected = _by_hand(question, answers.take(one), signs[one])
        assert probability[i] == pytest.approx(expected, rel=1e-9)


def test_without_any_evidence_it_is_the_share_among_those_asked() -> None:
    question = BY_ID["T5"]
    share = table("kauh").sum(axis=0)
    copd = COMBINATIONS[:, CAUSES.index("copd")]
    expected = share[question.eligible & copd].sum() / share[question.eligible].sum()
    neutral = posterior(question, None, None)
    assert neutral == pytest.approx([expected])
