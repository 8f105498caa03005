"""Sets of answers that hold the true one at a promised rate, and what they give on test people."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from respllm.evaluation.assessment import Conformal
from respllm.evaluation.proportions import proportion
from respllm.types import Unit

LEVEL = 0.90


def answer_limits(
    logits: np.ndarray, labels: np.ndarray, weights: np.ndarray, level: float = LEVEL
) -> tuple[float, float]:
    """Class-conditional split conformal limits (Vovk 2012), from validation units alone.

    A class's units are ranked by how little their logit speaks for it, and the answer is kept up
    to rank ceil((n + 1) * level) of the n. Where people have several units, each person's share
    one person's weight (Lee, Barber and Willett 2023, hierarchical conformal prediction); with
    one unit each that is the plain rank.

    Args:
        logits, labels, weights: (n,) of units; the weights of one person sum to 1 in each class.
        level: promised coverage within each class, between 0 and 1.

    Returns:
        The highest logit that keeps the answer 0 and the lowest that keeps 1; infinite for a
        class with too few people, which is then never ruled out.
    """
    zero = _quantile(logits[labels == 0], weights[labels == 0], level)
    one = _quantile(-logits[labels == 1], weights[labels == 1], level)
    return zero, -one


def fewest_people(level: float = LEVEL) -> int:
    """How many people a class needs for its answer ever to be ruled out."""
    return math.ceil(level / (1 - level) - 1e-9)


def answer_sets(logits: np.ndarray, limits: tuple[float, float]) -> tuple[tuple[int, ...], ...]:
    """The answers that are not ruled out, for each of (n,) logits."""
    highest_zero, lowest_one = limits
    return tuple(
        (*((0,) if logit <= highest_zero else ()), *((1,) if logit >= lowest_one else ()))
        for logit in logits.tolist()
    )


def measure_conformal(
    sets: Sequence[tuple[int, ...]],
    labels: np.ndarray,
    people: np.ndarray,
    *,
    level: float,
    unit: Unit,
) -> Conformal:
    """What the sets give on test units; a share of nobody is undefined.

    Args:
        sets: n sets of answers.
        labels, people: (n,) of the test units.
        level: what was promised.
        unit: what one score belongs to; the promise depends on it.
    """
    holds = np.array([label in kept for kept, label in zip(sets, labels, strict=True)], bool)
    answers = np.array([len(kept) == 1 for kept in sets], bool)
    positive = labels == 1
    return Conformal(
        level=level,
        coverage=proportion(holds, people),
        coverage_positive=proportion(holds[positive], people[positive]),
        coverage_negative=proportion(holds[~positive], people[~positive]),
        abstained=proportion(~answers, people),
        accuracy_when_answering=proportion(holds[answers], people[answers]),
        statement=_statement(level, unit),
    )


def _quantile(scores: np.ndarray, weights: np.ndarray, level: float) -> float:
    """The smallest score that at least (people + 1) * level people do not exceed."""
    order = np.argsort(scores)
    reached = np.cumsum(weights[order])
    wanted = (weights.sum() + 1) * level
    # 0.9 * 10 people must be 9 in spite of rounding.
    place = int(np.searchsorted(reached, wanted - 1e-9))
    return float(scores[order][place]) if place < len(scores) else math.inf


def _statement(level: float, unit: Unit) -> str:
    whom = {
        "subject": "a new person",
        "recording": "one recording, drawn at random, of a new person",
        "clip": "one clip, drawn at random, of a new person",
    }[unit]
    return (
        f"Within each class the set holds the true answer for {whom} with a chance of at least "
        f"{level:.2f}, on average over the choice of validation people, if that person is "
        "exchangeable with them: same dataset, same way of recording and of finding people. It "
        "does not carry over to other datasets, and a task the model was not trained on has no "
        "such promise."
    )
