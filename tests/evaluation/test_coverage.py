"""The intervals that tables use hold the truth as often as they say (benchmarks/coverage.py)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from respllm.evaluation.contrasts import contrast_interval, correlation
from respllm.evaluation.intervals import seed_half, shrunken_interval, widened
from respllm.evaluation.placements import Influence, influence_of, placements

REPEATS = 1500


def judge(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    return float(np.mean((low <= truth + 1e-9) & (truth - 1e-9 <= high)))


def influences(scores: np.ndarray, labels: np.ndarray, subjects: np.ndarray) -> Influence:
    return influence_of(labels, subjects, placements(labels, scores))


@pytest.mark.parametrize(
    ("positive", "negative", "truth", "spread"),
    [
        (12, 14, 0.98, 1.0),
        (12, 14, 0.5, 1.0),
        (7, 23, 0.8, 1.0),
        (30, 30, 0.9, 2.0),
        (11, 35, 0.65, 0.5),
        (18, 349, 0.65, 1.0),
    ],
)
def test_one_auroc(positive: int, negative: int, truth: float, spread: float) -> None:
    rng = np.random.default_rng(7)
    labels = np.repeat([1, 0], [positive, negative])
    normal = rng.normal(size=(REPEATS, positive + negative))
    shift = math.hypot(1, spread) * norm.ppf(truth)
    scores = np.where(labels == 1, shift + spread * normal, normal)
    own = influences(scores, labels, np.arange(len(labels)))
    assert judge(*shrunken_interval(own), truth) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("alike", [0.2, 0.8])
def test_three_units_a_subject(alike: float) -> None:
    rng = np.random.default_rng(8)
    subjects = np.repeat(np.arange(60), 3)
    labels = np.repeat([1, 0], 90)
    own = math.sqrt(alike) * rng.normal(size=(REPEATS, 60))[:, subjects]
    noise = math.sqrt(1 - alike) * rng.normal(size=(REPEATS, 180))
    shift = math.sqrt(2) * norm.ppf(0.8)
    found = influences(own + noise + shift * labels, labels, subjects)
    assert judge(*shrunken_interval(found), 0.8) == pytest.approx(0.95, abs=0.03)


def test_five_seeds() -> None:
    rng = np.random.default_rng(9)
    labels = np.repeat([1, 0], 100)
    shift = norm.ppf(0.8) * math.sqrt(2 + 0.3**2)
    shifts = shift + 0.3 * rng.normal(size=(REPEATS, 5, 1))
    scores = rng.normal(size=(REPEATS, 1, 200)) + shifts * labels
    placed = placements(labels, scores)
    own = influence_of(labels, np.arange(200), placed.mean(1))
    bounds = shrunken_interval(own)
    half = seed_half(placed[..., labels == 1].mean(-1))
    assert judge(*bounds, 0.8) < 0.9
    assert judge(*widened(own.value, bounds, half), 0.8) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize(
    ("n", "first", "second", "alike"),
    [(30, 0.8, 0.7, 0.3), (30, 0.7, 0.7, 0.7), (12, 0.8, 0.7, 0.3), (100, 0.9, 0.8, 0.7)],
)
def test_paired_differences(n: int, first: float, second: float, alike: float) -> None:
    rng = np.random.default_rng(10)
    labels = np.repeat([1, 0], n)
    common = math.sqrt(alike) * rng.normal(size=(REPEATS, 2 * n))
    owns = [
        influences(
            common
            + math.sqrt(1 - alike) * rng.normal(size=(REPEATS, 2 * n))
            + math.sqrt(2) * norm.ppf(truth) * labels,
            labels,
            np.arange(2 * n),
        )
        for truth in (first, second)
    ]
    low, high = contrast_interval(owns, (1, -1), correlation(owns, (1, -1)))
    assert judge(low, high, first - second) == pytest.approx(0.95, abs=0.03)
