from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from respllm.errors import DataError
from respllm.evaluation.auroc import mean_auroc
from respllm.evaluation.differences import SMALLEST_P, mean_difference, paired_difference
from respllm.evaluation.units import ScoredUnits


def units(labels: np.ndarray, scores: np.ndarray, names: str = "p") -> ScoredUnits:
    """One unit a subject; scores (n,) or (K, n)."""
    ids = tuple(f"{names}{row:03d}" for row in range(len(labels)))
    return ScoredUnits("subject", ids, ids, labels, scores.reshape(-1, 1, len(labels)))


def two_models(
    seed: int, n: int = 60, first: float = 1.5, second: float = 0.5, runs: int = 1
) -> tuple[ScoredUnits, ScoredUnits]:
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 2).astype(int)
    common = rng.normal(size=n)
    models = (common + push * labels + 0.4 * rng.normal(size=(runs, n)) for push in (first, second))
    one, other = (units(labels, scores) for scores in models)
    return one, other


def test_value_is_the_difference_of_scikit_learns_aurocs() -> None:
    first, second = two_models(0, runs=3)
    means = [
        np.mean([roc_auc_score(one.labels, run[0]) for run in one.scores])
        for one in (first, second)
    ]
    found = paired_difference(first, second)
    assert found.value == pytest.approx(means[0] - means[1])
    assert found.n_subjects == 60


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 40), st.integers(1, 3))
def test_turned_round_everything_changes_sign(seed: int, n: int, runs: int) -> None:
    first, second = two_models(seed, n, runs=runs)
    there, back = paired_difference(first, second), paired_difference(second, first)
    assert there.value is not None
    assert back.value == pytest.approx(-there.value)
    assert back.low == pytest.approx(-(there.high or 0))
    assert back.high == pytest.approx(-(there.low or 0))
    assert back.p_value == pytest.approx(there.p_value, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(4, 60), st.floats(0, 1.5), st.integers(1, 3))
def test_p_value_and_interval_say_the_same(seed: int, n: int, gain: float, runs: int) -> None:
    found = paired_difference(*two_models(seed, n, 0.5 + gain, 0.5, runs))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.p_value is not None
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert SMALLEST_P <= found.p_value <= 1
    assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_with_many_people_it_is_delongs_test() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 1500)
    common = rng.normal(size=3000)
    first = units(labels, common + labels + 0.5 * rng.normal(size=3000))
    second = units(labels, common + 0.9 * labels + 0.5 * rng.normal(size=3000))
    found = paired_difference(first, second)
    gains = []
    for own in (1, 0):
        # The variance over people of each one's own difference in placements (DeLong 1988).
        a, b = (
            np.array([np.mean(model[labels != own] < s) for s in model[labels == own]])
            for model in (first.scores[0, 0], second.scores[0, 0])
        )
        gains.append(np.var(a - b, ddof=1) / 1500)
    half = 1.96 * math.sqrt(sum(gains))
    assert found.value is not None
    assert found.low == pytest.approx(found.value - half, abs=0.1 * half)
    assert found.high == pytest.approx(found.value + half, abs=0.1 * half)


@pytest.mark.parametrize("seed", range(4))
def test_the_check_agrees_in_easy_cases(seed: int) -> None:
    found = paired_difference(*two_models(seed, 300, 1.0, 0.8))
    assert found.low is not None
    assert found.high is not None
    width = found.high - found.low
    assert found.check_low == pytest.approx(found.low, abs=0.15 * width)
    assert found.check_high == pytest.approx(found.high, abs=0.15 * width)


def test_the_order_of_the_units_does_not_matter() -> None:
    first, second = two_models(5)
    order = np.random.default_rng(0).permutation(60)
    ids = tuple(second.ids[row] for row in order)
    other = ScoredUnits("subject", ids, ids, second.labels[order], second.scores[..., order])
    assert paired_difference(first, other) == paired_difference(first, second)


def test_equal_scores_differ_by_nothing() -> None:
    first, _ = two_models(6)
    found = paired_difference(first, first)
    assert (found.value, found.p_value) == (0.0, 1.0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert (found.check_low, found.check_high) == (0.0, 0.0)


def test_two_perfect_models_are_not_known_to_be_equal() -> None:
    labels = np.repeat([1, 0], [12, 14])
    perfect = units(labels, labels.astype(float))
    found = paired_difference(perfect, perfect)
    assert found.value == 0
    assert found.low is not None
    assert found.low < -0.05
    # What the bootstrap makes of it: nothing varies.
    assert (found.check_low, found.check_high) == (0.0, 0.0)


def test_a_perfect_model_against_a_coin() -> None:
    labels = np.repeat([1, 0], 100)
    found = paired_difference(
        units(labels, labels.astype(float)),
        units(labels, np.random.default_rng(0).normal(size=200)),
    )
    assert found.p_value is not None
    assert SMALLEST_P <= found.p_value < 1e-6
    assert found.high is not None
    assert found.high <= 1


def test_paired_is_sharper_than_unpaired() -> None:
    first, second = two_models(7, 200)
    found = paired_difference(first, second)
    one, two = mean_auroc(first), mean_auroc(second)
    apart = math.hypot((one.high or 0) - (one.low or 0), (two.high or 0) - (two.low or 0))
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low < 0.8 * apart


def test_seeds_that_disagree_widen_the_interval() -> None:
    rng = np.random.default_rng(8)
    labels = np.arange(200) % 2
    common = rng.normal(size=200)
    steady = units(labels, np.stack([common + labels] * 5))
    moved = np.array([0.2, 0.6, 1.0, 1.4, 1.8])[:, None]
    shaky = units(labels, common + moved * labels)
    once = replace(shaky, scores=shaky.scores.mean(0, keepdims=True))
    found = paired_difference(shaky, steady)
    fixed = paired_difference(once, replace(steady, scores=steady.scores[:1]))
    assert (found.high or 0) - (found.low or 0) > 2 * ((fixed.high or 0) - (fixed.low or 0))
    assert (found.check_high or 0) - (found.check_low or 0) > 0.2
    assert "seeds (5 and 5)" in found.method


def test_the_same_runs_under_two_conditions_share_their_seeds() -> None:
    rng = np.random.default_rng(9)
    labels = np.arange(200) % 2
    moved = np.array([0.2, 0.6, 1.0, 1.4, 1.8])[:, None]
    first = units(labels, rng.normal(size=200) + moved * labels)
    swapped = replace(first, scores=first.scores + 0.2 * rng.normal(size=first.scores.shape))
    apart = paired_difference(first, swapped)
    together = paired_difference(first, swapped, same_runs=True)
    assert together.value == apart.value
    assert (together.high or 0) - (together.low or 0) < (apart.high or 0) - (apart.low or 0)
    with pytest.raises(DataError, match="5 and 4 times"):
        paired_difference(first, replace(swapped, scores=swapped.scores[:4]), same_runs=True)


def test_one_run_against_several_is_said() -> None:
    first, second = two_models(10, runs=4)
    found = paired_difference(first, replace(second, scores=second.scores[:1]))
    assert found.value is not None
    assert "one run only" in found.note


def test_units_of_one_subject_count_together() -> None:
    first, second = two_models(11)
    thrice = [
        ScoredUnits(
            "recording",
            tuple(f"{name}-{n}" for name in one.ids for n in range(3)),
            tuple(name for name in one.ids for _ in range(3)),
            np.repeat(one.labels, 3),
            np.repeat(one.scores, 3, axis=-1),
        )
        for one in (first, second)
    ]
    once, repeated = paired_difference(first, second), paired_difference(*thrice)
    assert repeated.low == pytest.approx(once.low)
    assert repeated.p_value == pytest.approx(once.p_value, rel=1e-4)
    assert repeated.check_low == pytest.approx(once.check_low)
    assert repeated.n_subjects == 60


def test_mean_over_tasks_knows_who_takes_part_in_several() -> None:
    first, second = two_models(12, 80)
    strangers = [
        (replace(one, ids=names, subjects=names), replace(other, ids=names, subjects=names))
        for one, other, names in [
            (first, second, tuple(f"{task}{name}" for name in first.ids)) for task in "abcd"
        ]
    ]
    once = paired_difference(first, second)
    same = mean_difference([(first, second)] * 4)
    apart = mean_difference(strangers)
    assert same.value == pytest.approx(once.value)
    assert same.low == pytest.approx(once.low)
    assert same.check_low == pytest.approx(once.check_low)
    assert (same.n_subjects, apart.n_subjects) == (80, 320)
    # Four times as many people: half the width.
    width = (once.high or 0) - (once.low or 0)
    assert (apart.high or 0) - (apart.low or 0) == pytest.approx(width / 2, rel=0.03)
    check = (once.check_high or 0) - (once.check_low or 0)
    assert (apart.check_high or 0) - (apart.check_low or 0) == pytest.approx(check / 2, rel=0.12)


def one_class() -> tuple[ScoredUnits, ScoredUnits]:
    labels = np.ones(8, int)
    return units(labels, np.arange(8.0)), units(labels, np.arange(8.0))


def lonely_negative() -> tuple[ScoredUnits, ScoredUnits]:
    labels = np.array([1, 1, 1, 0])
    return units(labels, np.arange(4.0)), units(labels, np.arange(4.0))


def not_finite() -> tuple[ScoredUnits, ScoredUnits]:
    first, second = two_models(0, 10)
    scores = second.scores.copy()
    scores[..., 3] = math.nan
    return first, replace(second, scores=scores)


def nobody() -> tuple[ScoredUnits, ScoredUnits]:
    empty = ScoredUnits("subject", (), (), np.zeros(0, int), np.zeros((1, 1, 0)))
    return empty, empty


@pytest.mark.parametrize(
    ("pair", "note"),
    [
        (one_class(), "only positives"),
        (lonely_negative(), "only one subject of a class"),
        (not_finite(), "1 of 10 scores are not finite"),
        (nobody(), "nothing was scored"),
    ],
)
def test_what_cannot_be_computed_is_said(pair: tuple[ScoredUnits, ScoredUnits], note: str) -> None:
    for found in (paired_difference(*pair), mean_difference([two_models(0), pair])):
        assert note in found.note
        numbers = (found.value, found.low, found.high, found.p_value)
        assert (*numbers, found.check_low, found.check_high) == (None,) * 6


def test_constant_scores_are_a_coin() -> None:
    first, second = two_models(13)
    found = paired_difference(first, replace(second, scores=np.zeros(second.scores.shape)))
    assert found.value == pytest.approx((mean_auroc(first).value or 0) - 0.5)
    assert found.p_value is not None
    assert found.p_value < 0.05


def test_other_units_labels_or_subjects_are_refused() -> None:
    first, second = two_models(0)
    ids = (*second.ids[:-1], "stranger")
    with pytest.raises(DataError, match="2 are in one only"):
        paired_difference(first, replace(second, ids=ids))
    with pytest.raises(DataError, match="p000 has another label"):
        paired_difference(first, replace(second, labels=1 - second.labels))
    with pytest.raises(DataError, match="p059 is of subject p059"):
        paired_difference(first, replace(second, subjects=ids))
    with pytest.raises(DataError, match="nothing to compare"):
        mean_difference([])
    with pytest.raises(DataError, match="unlike numbers of seeds"):
        mean_difference([two_models(0), two_models(0, runs=3)])


def test_five_seeds_of_five_hundred_people_take_well_under_a_second() -> None:
    first, second = two_models(1, 500, runs=5)
    start = time.perf_counter()
    paired_difference(first, second)
    assert time.perf_counter() - start < 2
