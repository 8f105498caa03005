from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from respllm.evaluation import ScoredClip, auroc_score
from respllm.evaluation.auroc import auroc, newcombe_interval


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


@given(pairs)
def test_agrees_with_scikit_learn(found: list[tuple[float, int]]) -> None:
    logits, labels = [one for one, _ in found], [label for _, label in found]
    assert auroc(labels, logits) == pytest.approx(roc_auc_score(labels, logits), abs=1e-12)


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


@pytest.mark.parametrize(("n1", "n0", "truth"), [(12, 14, 0.98), (30, 30, 0.8)])
def test_interval_covers_the_truth_as_often_as_it_says(n1: int, n0: int, truth: float) -> None:
    rng = np.random.default_rng(7)
    # Two normal scores, one standard deviation each, this far apart have the AUROC `truth`.
    distance = math.sqrt(2) * {0.98: 2.0537489, 0.8: 0.8416212}[truth]
    labels = [1] * n1 + [0] * n0
    covered = 0
    for _ in range(1500):
        logits = np.concatenate([rng.normal(distance, 1, n1), rng.normal(0, 1, n0)])
        low, high = newcombe_interval(auroc(labels, list(logits)), n1, n0)
        covered += low <= truth <= high
    assert covered / 1500 == pytest.approx(0.95, abs=0.04)


def test_interval_counts_subjects_not_clips() -> None:
    once = [ScoredClip("S7", f"r{s}", f"s{s}", s % 5, s % 2) for s in range(12)]
    again = [ScoredClip("S7", f"r{s}-{n}", f"s{s}", s % 5, s % 2) for s in range(12) for n in "xyz"]
    score, repeated = auroc_score(once), auroc_score(again)
    assert (repeated.low, repeated.high) == (score.low, score.high)
    assert (repeated.n_records, repeated.n_subjects) == (36, 12)
    assert (repeated.n_positive, repeated.n_negative) == (6, 6)
    assert auroc_score(again, "recording").low == score.low


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
