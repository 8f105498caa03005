from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from respllm.errors import DataError
from respllm.evaluation import ScoredClip, auroc_score
from respllm.evaluation.auroc import auroc, mean_auroc, newcombe_interval
from respllm.evaluation.units import ScoredUnits, scored_units


def scored(logits: list[float], labels: list[int]) -> list[ScoredClip]:
    """One clip of one recording of one subject for each score."""
    return [
        ScoredClip("S7", f"r{place}", f"s{place}", logit, label)
        for place, (logit, label) in enumerate(zip(logits, labels, strict=True))
    ]


pairs = st.lists(
    st.tuples(st.floats(-50, 50) | st.integers(-2, 2).map(float), st.integers(0, 1)),
    min_size=2,
    max_size=40,
).filter(lambda found: len({label for _, label in found}) == 2)


@settings(deadline=None)
@given(pairs)
def test_agrees_with_scikit_learn(found: list[tuple[float, int]]) -> None:
    logits, labels = [one for one, _ in found], [label for _, label in found]
    assert auroc(labels, logits) == pytest.approx(roc_auc_score(labels, logits), abs=1e-12)


@settings(deadline=None)
@given(pairs, st.randoms(use_true_random=False))
def test_score_is_in_range_and_ignores_order(
    found: list[tuple[float, int]], chance: random.Random
) -> None:
    clips = scored([logit for logit, _ in found], [label for _, label in found])
    score = auroc_score(clips)
    assert score.value is not None
    assert score.low is not None
    assert score.high is not None
    assert 0 <= score.low <= score.value <= score.high <= 1
    chance.shuffle(clips)
    assert auroc_score(clips) == score


@settings(deadline=None)
@given(pairs)
def test_turning_the_scores_round_mirrors_value_and_interval(
    found: list[tuple[float, int]],
) -> None:
    logits, labels = [one for one, _ in found], [label for _, label in found]
    score = auroc_score(scored(logits, labels))
    mirrored = auroc_score(scored([-logit for logit in logits], labels))
    assert score.value is not None
    assert mirrored.value == pytest.approx(1 - score.value)
    assert mirrored.low == pytest.approx(1 - (score.high or 0))


def test_ties_count_half() -> None:
    assert auroc([1, 0], [3, 3]) == 0.5
    assert auroc([1, 1, 0, 0], [2, 1, 1, 0]) == 0.875


@pytest.mark.parametrize(("value", "n1", "n0"), [(1.0, 12, 14), (0.9, 30, 30), (0.52, 7, 80)])
def test_bound_solves_newcombes_equation(value: float, n1: int, n0: int) -> None:
    low, high = newcombe_interval(value, n1, n0)
    mean = (n1 + n0) / 2 - 1
    for bound in (low, high):
        variance = bound * (1 - bound) / (n1 * n0)
        variance *= 1 + mean * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        assert abs(value - bound) == pytest.approx(1.959964 * math.sqrt(variance), abs=1e-6)


def test_interval_at_one_is_no_point_and_narrows_with_subjects() -> None:
    few, many = newcombe_interval(1.0, 5, 5), newcombe_interval(1.0, 50, 50)
    assert few[0] < many[0] < 0.98
    assert few[1] == many[1] == 1.0


def test_interval_counts_subjects_not_clips() -> None:
    once = [ScoredClip("S7", f"r{s}", f"s{s}", s % 5, s % 2) for s in range(12)]
    again = [ScoredClip("S7", f"r{s}-{n}", f"s{s}", s % 5, s % 2) for s in range(12) for n in "xyz"]
    score, repeated = auroc_score(once), auroc_score(again)
    assert (repeated.low, repeated.high) == pytest.approx((score.low, score.high))
    assert (repeated.n_records, repeated.n_subjects) == (36, 12)
    assert (repeated.n_positive, repeated.n_negative) == (6, 6)
    assert auroc_score(again, "recording").low == pytest.approx(score.low)


def test_a_subject_of_both_classes_counts_in_both() -> None:
    clips = [
        ScoredClip("own", "a1", "a", 2, 1),
        ScoredClip("own", "a2", "a", 1, 0),
        ScoredClip("own", "b1", "b", 0, 0),
    ]
    score = auroc_score(clips)
    assert (score.unit, score.value) == ("recording", 1.0)
    assert (score.n_subjects, score.n_positive, score.n_negative) == (2, 1, 2)


@pytest.mark.parametrize(
    ("clips", "note"),
    [
        ([], "nothing was scored"),
        (scored([1, 2], [1, 1]), "only positives"),
        (scored([1, 2], [0, 0]), "only negatives"),
        (scored([1, math.nan, 0], [1, 0, 0]), "1 of 3 scores"),
        (scored([math.inf, -math.inf, 0], [1, 1, 0]), "2 of 3 scores"),
        (
            [ScoredClip("x", "a1", "a", 1, 1), ScoredClip("x", "a2", "a", 0, 0)],
            "only one subject",
        ),
    ],
)
def test_what_cannot_be_computed_is_said(clips: list[ScoredClip], note: str) -> None:
    score = auroc_score(clips)
    assert (score.value, score.low, score.high) == (None, None, None)
    assert note in score.note


def test_constant_scores_are_worth_one_half() -> None:
    score = auroc_score(scored([3.0] * 10, [1, 0] * 5))
    assert score.value == 0.5
    assert score.low is not None
    assert score.low < 0.5
    assert "every score is the same" in score.note


def test_one_clip_more_in_another_order_makes_no_tie_break() -> None:
    # 0.1 + 0.2 + 0.3 depends on the order in naive arithmetic; the tie must stay a tie.
    clips = [ScoredClip("x", "a", "a", logit, 1) for logit in (0.1, 0.2, 0.3)]
    clips += [ScoredClip("x", "b", "b", logit, 0) for logit in (0.3, 0.2, 0.1)]
    assert auroc_score(clips).value == 0.5


def test_two_tasks_are_refused() -> None:
    clips = [ScoredClip("S1", "a", "a", 1, 1), ScoredClip("S2", "b", "b", 0, 0)]
    with pytest.raises(ValueError, match="S1, S2"):
        auroc_score(clips)


def units(labels: np.ndarray, scores: np.ndarray) -> ScoredUnits:
    """One unit a subject; scores (K, M, n)."""
    names = tuple(f"p{row:03d}" for row in range(len(labels)))
    return ScoredUnits("subject", names, names, labels, scores)


def test_one_run_is_scored_alike_either_way() -> None:
    clips = scored([2, 1.5, 1, 0.5, 0, -1], [1, 1, 0, 1, 0, 0])
    assert mean_auroc(scored_units([[clips]])) == auroc_score(clips)


def test_runs_are_averaged_not_their_scores() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [20, 30])
    scores = rng.normal(size=(5, 2, 50)) + labels
    score = mean_auroc(units(labels, scores))
    values = np.array([[roc_auc_score(labels, run) for run in models] for models in scores])
    assert score.value == pytest.approx(values.mean())
    assert score.run_sd == pytest.approx(values.mean(1).std(ddof=1))
    assert score.n_runs == 5
    assert "5 seeds by t with 4 degrees of freedom" in score.method


def test_seeds_widen_each_side_in_quadrature() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([1, 0], 40)
    moved = np.array([0.5, 1.0, 2.0])[:, None, None]
    scores = rng.normal(size=80) + moved * labels
    score = mean_auroc(units(labels, scores))
    # As three source models of one training they are averaged in the same way, without seeds.
    single = mean_auroc(units(labels, scores.transpose(1, 0, 2)))
    assert (single.n_runs, single.run_sd, single.value) == (1, None, score.value)
    assert score.value is not None
    assert score.run_sd is not None
    half = 4.302653 * score.run_sd / math.sqrt(3)
    assert score.low == pytest.approx(score.value - math.hypot(score.value - single.low, half))
    upper = score.value + math.hypot(single.high - score.value, half)
    assert score.high == pytest.approx(min(1.0, upper))


def test_many_people_give_delongs_interval() -> None:
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], [1500, 3000])
    # The positives spread three times as wide: Newcombe's variance does not fit.
    values = np.where(labels == 1, 2 + 3 * rng.normal(size=4500), rng.normal(size=4500))
    score = mean_auroc(units(labels, values[None, None]))
    above = [np.mean(values[labels == 0] < one) for one in values[labels == 1]]
    below = [np.mean(values[labels == 1] > one) for one in values[labels == 0]]
    half = 1.96 * math.sqrt(np.var(above, ddof=1) / 1500 + np.var(below, ddof=1) / 3000)
    assert score.value is not None
    assert score.value - (score.low or 0) == pytest.approx(half, rel=0.04)
    plain = newcombe_interval(score.value, 1500, 3000)
    assert (score.high or 0) - (score.low or 0) > 1.1 * (plain[1] - plain[0])


def test_units_that_are_alike_within_subjects_count_as_few() -> None:
    rng = np.random.default_rng(3)
    owner = np.repeat(np.arange(60), 4)
    labels = (owner % 2).astype(int)
    names = tuple(f"r{row:03d}" for row in range(240))
    widths = []
    for alike in (0.0, 0.95):
        own = math.sqrt(alike) * rng.normal(size=60)[owner]
        values = own + math.sqrt(1 - alike) * rng.normal(size=240) + labels
        found = ScoredUnits(
            "recording", names, tuple(f"s{one:02d}" for one in owner), labels, values[None, None]
        )
        score = mean_auroc(found)
        assert (score.n_subjects, score.n_positive, score.n_records) == (60, 30, 240)
        widths.append((score.high or 0) - (score.low or 0))
    assert widths[1] > 1.4 * widths[0]


def test_records_are_counted_from_clips() -> None:
    clips = [ScoredClip("x", f"r{row // 2}", f"s{row // 4}", row % 3, row % 2) for row in range(16)]
    found = scored_units([[clips]])
    assert (found.unit, mean_auroc(found).n_records) == ("clip", 8)


def test_mean_of_what_cannot_be_computed_is_said() -> None:
    labels = np.repeat([1, 0], 5)
    scores = np.random.default_rng(4).normal(size=(3, 1, 10))
    scores[1, 0, 2] = math.nan
    score = mean_auroc(units(labels, scores))
    assert (score.value, score.low, score.high, score.run_sd) == (None, None, None, None)
    assert "1 of 10 scores" in score.note
    assert mean_auroc(units(np.ones(4, int), np.zeros((2, 1, 4)))).note == "only positives"
    with pytest.raises(DataError, match="Nothing was scored"):
        scored_units([])
