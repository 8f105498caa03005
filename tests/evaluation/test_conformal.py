from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin

from respllm.evaluation.conformal import (
    answer_limits,
    answer_sets,
    fewest_people,
    measure_conformal,
)


class Given(ClassifierMixin, BaseEstimator):
    """Reads the logit that it is shown."""

    def __init__(self) -> None:
        self.classes_ = np.array([0, 1])
        self.fitted_ = True

    def fit(self, x: np.ndarray, y: np.ndarray) -> Given:
        return self

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return np.stack([1 - expit(x[:, 0]), expit(x[:, 0])], 1)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return (x[:, 0] >= 0).astype(int)


@pytest.mark.filterwarnings("ignore:WARNING. your conformalization dataset has less labels")
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("level", [0.8, 0.9])
def test_one_class_agrees_with_mapie_on_people_of_that_class(label: int, level: float) -> None:
    chance = np.random.default_rng(0)
    logits = chance.normal(size=80)
    labels = (chance.random(80) < expit(logits)).astype(int)
    new = 2 * chance.normal(size=200)
    ours = answer_sets(new, answer_limits(logits, labels, np.ones(80), level))
    mapie = SplitConformalClassifier(
        Given(), confidence_level=level, conformity_score="lac", prefit=True
    )
    inside = labels == label
    mapie.conformalize(logits[inside, None], labels[inside])
    _, theirs = mapie.predict_set(new[:, None])
    kept = [label in answers for answers in ours]
    assert 0 < sum(kept) < 200
    assert kept == theirs[:, label, 0].tolist()


@pytest.mark.parametrize(("n", "rank"), [(9, 9), (10, 10), (19, 18), (29, 27), (99, 90)])
def test_the_limit_is_the_finite_sample_quantile(n: int, rank: int) -> None:
    logits = np.concatenate([np.arange(n, dtype=float), -np.arange(n, dtype=float)])
    labels = np.repeat([0, 1], n)
    # Zeros: small logits speak for 0, so the limit is the rank-th smallest.
    highest, lowest = answer_limits(logits, labels, np.ones(2 * n), 0.9)
    assert (highest, lowest) == (rank - 1, -(rank - 1))


def test_a_class_with_too_few_people_is_never_ruled_out() -> None:
    assert fewest_people(0.9) == 9
    assert fewest_people(0.8) == 4
    logits, labels = np.arange(17.0), np.repeat([0, 1], [8, 9])
    highest, lowest = answer_limits(logits, labels, np.ones(17), 0.9)
    assert highest == math.inf
    assert lowest == 8
    assert answer_sets(np.array([1e9, -1e9]), (highest, lowest)) == ((0, 1), (0,))


@given(st.lists(st.integers(-20, 20).map(float), min_size=9, max_size=30), st.integers(2, 4))
def test_a_persons_recordings_share_one_persons_weight(logits: list[float], times: int) -> None:
    once = np.array([*logits, *logits])
    labels = np.repeat([0, 1], len(logits))
    one = answer_limits(once, labels, np.ones(len(once)))
    many = answer_limits(
        np.repeat(once, times),
        np.repeat(labels, times),
        np.full(len(once) * times, 1 / times),
    )
    assert one == many


def test_coverage_of_new_people_is_as_promised() -> None:
    chance = np.random.default_rng(1)
    found = []
    for _ in range(400):
        logits = chance.normal(size=50) + np.repeat([0, 1.5], 25)
        limits = answer_limits(logits, np.repeat([0, 1], 25), np.ones(50))
        found.append(
            [
                (chance.normal(size=200) <= limits[0]).mean(),
                (chance.normal(size=200) + 1.5 >= limits[1]).mean(),
            ]
        )
    # Exactly ceil(26 * 0.9) / 26 on average.
    assert np.mean(found, 0) == pytest.approx([24 / 26] * 2, abs=0.01)


def test_measures_count_sets() -> None:
    sets = ((1,), (0,), (0, 1), (), (0,))
    labels = np.array([1, 1, 1, 0, 0])
    found = measure_conformal(sets, labels, np.arange(5), level=0.9, unit="subject")
    assert found.coverage.value == pytest.approx(3 / 5)
    assert found.coverage_positive.value == pytest.approx(2 / 3)
    assert found.coverage_negative.value == pytest.approx(1 / 2)
    assert found.abstained.value == pytest.approx(2 / 5)
    assert found.accuracy_when_answering.value == pytest.approx(2 / 3)
    assert "does not carry over to other datasets" in found.statement
    assert "a new person" in found.statement


def test_the_statement_says_what_holds_for_recordings() -> None:
    found = measure_conformal(((0, 1),), np.array([1]), np.array([0]), level=0.9, unit="recording")
    assert "one recording, drawn at random, of a new person" in found.statement
    assert found.accuracy_when_answering.value is None
    assert found.coverage_negative.value is None
