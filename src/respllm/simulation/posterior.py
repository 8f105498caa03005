"""The exact posterior of a label, given what is stated, what is heard, or both.

P(label | evidence) is a sum over the 64 combinations of causes and the ages that the stated age
allows. It uses the very tables that the people, answers and signs are drawn from, so no model can
rank better on average: its AUROC is the best reachable one.
"""

from __future__ import annotations

import numpy as np

from respllm.simulation.answers import HISTORY, QUESTIONNAIRES, SYMPTOMS, Answers, chances
from respllm.simulation.population import CAUSES, COMBINATIONS, table
from respllm.simulation.questions import Question
from respllm.simulation.signs import means


def posterior(question: Question, answers: Answers | None, signs: np.ndarray | None) -> np.ndarray:
    """P(label = 1) of n recordings whose people the question is about.

    Args:
        question: which label, in which dataset, among whom.
        answers: what the n people state, or None to go by sound alone.
        signs: (n, 4) signs of the n recordings, or None to go by text alone.

    Returns:
        (n,) probabilities.
    """
    if answers is not None:
        log_weight = _text(question.dataset, answers)
    else:
        log_weight = _log(table(question.dataset).sum(axis=0))[None, :]
    if signs is not None:
        log_weight = log_weight + _sound(signs)
    log_weight = np.where(question.eligible, log_weight, -np.inf)
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
    positive = COMBINATIONS[:, CAUSES.index(question.cause)]
    return weight[:, positive].sum(axis=1) / weight.sum(axis=1)


def _text(dataset: str, answers: Answers) -> np.ndarray:
    """log P(causes, what is stated): (n, 64)."""
    asked = QUESTIONNAIRES[dataset]
    joint = table(dataset)
    up_to = np.vstack([np.zeros(joint.shape[1]), np.cumsum(joint, axis=0)])
    log_weight = _log(up_to[answers.age_high + 1] - up_to[answers.age_low])
    female = COMBINATIONS[:, CAUSES.index("female")]
    contradicts = answers.sex_stated[:, None] & (answers.female[:, None] != female[None, :])
    log_weight = np.where(contradicts, -np.inf, log_weight)
    for ticked, stated, chance in (
        (answers.symptoms, answers.symptoms_stated, chances(SYMPTOMS, asked.symptoms)),
        (answers.history, answers.history_stated, chances(HISTORY, asked.history)),
    ):
        # A clipped log keeps an impossible tick (log 0) from meeting 0 x infinity.
        yes, no = np.log(np.maximum(chance, 1e-300)), np.log(np.maximum(1 - chance, 1e-300))
        log_chance = ticked @ yes.T + (~ticked) @ no.T
        log_weight = log_weight + np.where(stated[:, None], log_chance, 0.0)
    return log_weight


def _sound(signs: np.ndarray) -> np.ndarray:
    """log P(signs | causes) up to a constant: (n, 64); unit variances."""
    centre = means()
    return signs @ centre.T - 0.5 * (centre**2).sum(axis=1)


def _log(probability: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(probability, 0.0))
