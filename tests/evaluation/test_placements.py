from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from respllm.evaluation.placements import (
    covariance,
    freedom,
    influence,
    influence_of,
    placements,
    run_values,
)
from respllm.evaluation.units import ScoredUnits


def plain_placements(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Every pair compared, without ranks."""
    found = np.zeros(len(labels))
    for row, own in enumerate(labels):
        others = [scores[other] for other in range(len(labels)) if labels[other] != own]
        above = [1.0 if scores[row] > s else 0.5 if scores[row] == s else 0.0 for s in others]
        found[row] = np.mean(above) if own == 1 else 1 - np.mean(above)
    return found


def plain_delong(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """DeLong et al. (1988): covariances of the structural components, class by class."""
    one, two = plain_placements(labels, first), plain_placements(labels, second)
    total = 0.0
    for own in (labels == 1, labels == 0):
        total += np.cov(one[own], two[own], ddof=1)[0, 1] / own.sum()
    return total


def plain_obuchowski(labels: np.ndarray, subjects: np.ndarray, scores: np.ndarray) -> float:
    """Obuchowski (1997), equations 4 to 6, subject by subject."""
    placed = plain_placements(labels, scores)
    value = placed[labels == 1].mean()
    names = np.unique(subjects)
    positive, negative = [], []
    for name in names:
        own = subjects == name
        positive.append(np.sum(placed[own & (labels == 1)] - value))
        negative.append(np.sum(placed[own & (labels == 0)] - value))
    m, n = (labels == 1).sum(), (labels == 0).sum()
    i10, i01 = (len(np.unique(subjects[labels == own])) for own in (1, 0))
    s10 = i10 / ((i10 - 1) * m) * np.sum(np.square(positive))
    s01 = i01 / ((i01 - 1) * n) * np.sum(np.square(negative))
    s11 = len(names) / (len(names) - 1) * np.dot(positive, negative)
    return float(s10 / m + s01 / n + 2 * s11 / (m * n))


def units(
    labels: np.ndarray, scores: np.ndarray, subjects: np.ndarray | None = None
) -> ScoredUnits:
    names = tuple(f"u{row:03d}" for row in range(len(labels)))
    owners = names if subjects is None else tuple(f"s{one}" for one in subjects)
    return ScoredUnits("recording", names, owners, labels, scores.reshape(-1, 1, len(labels)))


labelled = st.lists(
    st.tuples(st.integers(0, 1), st.integers(-3, 3), st.floats(-5, 5), st.integers(0, 6)),
    min_size=6,
    max_size=30,
).filter(
    lambda rows: all(
        len({subject for label, _, _, subject in rows if label == own}) > 1 for own in (0, 1)
    )
)


@settings(deadline=None)
@given(labelled)
def test_ranks_agree_with_comparing_every_pair(rows: list[tuple[int, int, float, int]]) -> None:
    labels = np.array([row[0] for row in rows])
    scores = np.array([[row[1] for row in rows], [row[2] for row in rows]], float)
    found = placements(labels, scores)
    for own, one in zip(found, scores, strict=True):
        assert own == pytest.approx(plain_placements(labels, one), abs=1e-12)
        value = roc_auc_score(labels, one)
        assert own[labels == 1].mean() == pytest.approx(value, abs=1e-12)
        assert own[labels == 0].mean() == pytest.approx(value, abs=1e-12)


@settings(deadline=None)
@given(labelled)
def test_delong_where_every_subject_has_one_unit(rows: list[tuple[int, int, float, int]]) -> None:
    labels = np.array([row[0] for row in rows])
    first, second = (np.array([row[place] for row in rows], float) for place in (1, 2))
    one, two = influence(units(labels, first)), influence(units(labels, second))
    assert covariance(one, two) == pytest.approx(plain_delong(labels, first, second), abs=1e-12)
    assert covariance(one, one) == pytest.approx(plain_delong(labels, first, first), abs=1e-12)


@settings(deadline=None)
@given(labelled)
def test_obuchowski_with_several_units_a_subject(rows: list[tuple[int, int, float, int]]) -> None:
    labels, subjects = np.array([row[0] for row in rows]), np.array([row[3] for row in rows])
    scores = np.array([row[1] for row in rows], float)
    own = influence(units(labels, scores, subjects))
    found = covariance(own, own)
    assert found == pytest.approx(plain_obuchowski(labels, subjects, scores), abs=1e-12)


def test_an_example_by_hand() -> None:
    # Positives 3, 1; negatives 2, 0, 1: 3 beats all three, 1 beats 0 and ties with 1.
    labels, scores = np.array([1, 1, 0, 0, 0]), np.array([3.0, 1.0, 2.0, 0.0, 1.0])
    assert placements(labels, scores) == pytest.approx([1, 0.5, 0.5, 1, 0.75])
    own = influence(units(labels, scores))
    assert float(own.value) == 0.75
    # var(1, 0.5) / 2 + var(0.5, 1, 0.75) / 3 = 0.125 / 2 + 0.0625 / 3
    assert covariance(own, own) == pytest.approx(0.125 / 2 + 0.0625 / 3)


def test_variance_is_what_repeated_draws_show() -> None:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(40), 3)
    labels = np.repeat([1, 0], [45, 75])
    alike = rng.normal(size=(4000, 40))[:, subjects]
    scores = 0.8 * alike + 0.6 * rng.normal(size=(4000, 120)) + labels
    own = influence_of(labels, subjects, placements(labels, scores))
    assert covariance(own, own).mean() == pytest.approx(own.value.var(), rel=0.05)
    # As if all 120 were independent, the variance would be less than half of that.
    apart = influence_of(labels, np.arange(120), placements(labels, scores))
    assert covariance(apart, apart).mean() < 0.5 * own.value.var()


def test_tasks_covary_through_the_people_they_share() -> None:
    rng = np.random.default_rng(1)
    names = np.array([f"p{row:02d}" for row in range(60)])
    labels = np.repeat([1, 0], 30)
    both: list[list[float]] = [[], []]
    claimed = []
    # Task A asks people 0 to 39 (30 positive), task B people 10 to 59, as it happens.
    parts = np.arange(40), np.arange(10, 60)
    for _ in range(3000):
        common = rng.normal(size=60) + labels
        owns = []
        for part, found in zip(parts, both, strict=True):
            placed = placements(labels[part], common[part] + 0.5 * rng.normal(size=len(part)))
            owns.append(influence_of(labels[part], names[part], placed))
            found.append(float(owns[-1].value))
        claimed.append(covariance(owns[0], owns[1]))
    assert np.mean(claimed) == pytest.approx(np.cov(*both)[0, 1], rel=0.15)


def test_strangers_do_not_covary() -> None:
    labels, scores = np.array([1, 1, 0, 0]), np.array([3.0, 1.0, 2.0, 0.0])
    one = influence_of(labels, np.array(["a", "b", "c", "d"]), placements(labels, scores))
    other = influence_of(labels, np.array(["e", "f", "g", "h"]), placements(labels, scores))
    assert covariance(one, other) == 0


def test_runs_are_averaged() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], [8, 9])
    scores = rng.normal(size=(5, 3, 17))
    names = tuple(str(row) for row in range(17))
    found = ScoredUnits("subject", names, names, labels, scores)
    values = [[roc_auc_score(labels, run) for run in models] for models in scores]
    assert run_values(found) == pytest.approx(np.array(values))
    own = influence(found)
    assert float(own.value) == pytest.approx(np.mean(values))
    # The variance of a mean is the mean of all covariances.
    runs = [influence(units(labels, run)) for run in scores.reshape(-1, 17)]
    pairs = np.mean([covariance(a, b) for a, b in product(runs, runs)])
    assert covariance(own, own) == pytest.approx(pairs)


def test_a_variance_near_one_is_worth_little() -> None:
    labels = np.repeat([1, 0], 30)
    spread = np.random.default_rng(3).normal(size=60)
    plain = influence(units(labels, spread + labels))
    nearly = np.where(labels == 1, 5.0, 0.0) + spread / 100
    nearly[0] = 0.0
    near = influence(units(labels, nearly))
    assert 0.95 < near.value < 1
    assert freedom(near) < 3 < 30 < freedom(plain)
    assert freedom(influence(units(labels, labels.astype(float)))) == 0
