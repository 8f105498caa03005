from __future__ import annotations

import math
import time
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from respllm.errors import DataError
from respllm.evaluation import ScoredClip
from respllm.evaluation.assess import assess
from respllm.evaluation.assessment import Assessment, Estimate
from respllm.evaluation.calibrator import fit_calibration


def clips(logits: list[float], labels: list[int], name: str = "t") -> list[ScoredClip]:
    """One clip of one recording of one person for each score."""
    return [
        ScoredClip("S7", f"{name}{place}r", f"{name}{place}", logit, label)
        for place, (logit, label) in enumerate(zip(logits, labels, strict=True))
    ]


def cohort(n: int, name: str, seed: int = 0, recordings: int = 1) -> list[ScoredClip]:
    chance = np.random.default_rng(seed)
    found = []
    for person in range(n):
        label, own = int(chance.random() < 0.4), chance.normal()
        for recording in range(recordings):
            logit = float(own + 0.5 * chance.normal() + 1.5 * label)
            found.append(
                ScoredClip("S7", f"{name}{person}r{recording}", f"{name}{person}", logit, label)
            )
    return found


def numbers(found: Assessment) -> list[float]:
    """Every number in it."""

    def walk(value: object) -> list[float]:
        if isinstance(value, tuple | list):
            return [one for part in value for one in walk(part)]
        return [float(value)] if isinstance(value, int | float) else []

    return walk(astuple(found))


def estimates(found: Assessment) -> list[Estimate]:
    points = [
        one
        for point in found.operating_points
        for one in (point.sensitivity, point.specificity, point.ppv, point.npv)
    ]
    calibration = [
        one
        for part in found.calibrations
        for one in (part.brier, part.error, part.slope, part.intercept)
    ]
    sets = (
        [
            found.conformal.coverage,
            found.conformal.coverage_positive,
            found.conformal.coverage_negative,
            found.conformal.abstained,
            found.conformal.accuracy_when_answering,
        ]
        if found.conformal
        else []
    )
    return [found.average_precision, *points, *calibration, *sets]


def check(found: Assessment) -> None:
    """Nothing is NaN or infinite, and every interval holds its value."""
    assert all(math.isfinite(one) for one in numbers(found))
    for one in estimates(found):
        if one.value is None:
            assert one.low is None
            assert one.high is None
        else:
            assert one.low is not None
            assert one.high is not None
            assert one.low <= one.value <= one.high
            assert one.low < one.high


def test_a_whole_assessment() -> None:
    validation, test = cohort(120, "v", 1), cohort(150, "t", 2)
    found = assess(validation, test)
    labels, logits = [one.label for one in test], [one.logit for one in test]
    check(found)
    assert (found.task_id, found.unit, found.n_validation) == ("S7", "subject", 120)
    assert found.auroc.value == pytest.approx(roc_auc_score(labels, logits))
    assert found.prevalence == pytest.approx(np.mean(labels))
    assert found.average_precision.value == pytest.approx(average_precision_score(labels, logits))
    assert [one.name for one in found.calibrations] == ["as given", "Platt", "Venn-Abers"]
    assert found.calibrations[0].brier.value == pytest.approx(
        brier_score_loss(labels, expit(logits))
    )
    assert found.calibrations[2].brier.value == pytest.approx(
        brier_score_loss(labels, [one.calibrated for one in found.units])
    )
    assert len(found.operating_points) == 3
    assert found.conformal is not None
    assert found.roc is not None
    assert found.precision_recall is not None
    assert found.decision is not None
    assert found.notes == ()


def test_units_are_what_the_kept_calibrator_says() -> None:
    validation, test = cohort(60, "v", 1), cohort(40, "t", 2)
    found = assess(validation, test)
    kept = fit_calibration(validation)
    calibrated, low, high = kept.calibrate([one.logit for one in test])
    answers = kept.answers([one.logit for one in test])
    for place, one in enumerate(found.units):
        assert one.unit_id == one.subject_id == test[place].subject_id
        assert one.label == test[place].label
        assert one.probability == pytest.approx(expit(test[place].logit))
        assert (one.calibrated, one.low, one.high) == (
            calibrated[place],
            low[place],
            high[place],
        )
        assert one.answers == answers[place]
        assert 0 <= one.low <= one.calibrated <= one.high <= 1


def test_the_decision_curve_is_of_calibrated_probabilities() -> None:
    found = assess(cohort(60, "v", 1), cohort(40, "t", 2))
    assert found.decision is not None
    threshold = found.decision.thresholds[39]
    acted = [one for one in found.units if one.calibrated >= threshold]
    hits = sum(one.label for one in acted)
    expected = (hits - (len(acted) - hits) * threshold / (1 - threshold)) / 40
    assert found.decision.model[39] == pytest.approx(expected)


@given(st.lists(st.integers(0, 1), min_size=12, max_size=12))
@settings(deadline=None, max_examples=25)
def test_nothing_that_is_fitted_reads_test_labels(labels: list[int]) -> None:
    validation = cohort(40, "v", 1)
    test = clips([0.4 * place - 2 for place in range(12)], [0, 1] * 6)
    first = assess(validation, test)
    second = assess(
        validation, [replace(one, label=y) for one, y in zip(test, labels, strict=True)]
    )
    assert [one.threshold for one in first.operating_points] == [
        one.threshold for one in second.operating_points
    ]
    assert [(u.probability, u.calibrated, u.low, u.high, u.answers) for u in first.units] == [
        (u.probability, u.calibrated, u.low, u.high, u.answers) for u in second.units
    ]


@given(
    st.lists(st.tuples(st.floats(-20, 20), st.integers(0, 1), st.integers(0, 5)), max_size=25),
    st.lists(st.tuples(st.floats(-20, 20), st.integers(0, 1), st.integers(0, 5)), max_size=25),
)
@settings(deadline=None, max_examples=60)
def test_whatever_comes_is_assessed(
    validation: list[tuple[float, int, int]], test: list[tuple[float, int, int]]
) -> None:
    sides = [
        [
            ScoredClip("S7", f"{name}{person}-{label}-{place % 3}", f"{name}{person}", logit, label)
            for place, (logit, label, person) in enumerate(side)
        ]
        for name, side in (("v", validation), ("t", test))
    ]
    found = assess(*sides)
    check(found)
    if not validation or not test or len({label for _, label, _ in validation}) < 2:
        assert found.units == ()
        assert found.conformal is None
        assert found.notes


def test_without_validation_people_nothing_is_fitted() -> None:
    found = assess([], cohort(60, "t"))
    check(found)
    assert found.operating_points == ()
    assert found.units == ()
    assert found.conformal is None
    assert [one.name for one in found.calibrations] == ["as given"]
    assert found.decision is not None
    assert found.roc is not None
    assert found.n_validation == 0
    assert any("no validation people" in note for note in found.notes)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ([], "nothing was scored"),
        (clips([1.0, math.nan], [1, 0]), "1 of 2 scores are not finite"),
    ],
)
def test_without_usable_scores_nothing_is_said(test: list[ScoredClip], why: str) -> None:
    found = assess(cohort(40, "v"), test)
    assert found.auroc.value is None
    assert found.prevalence is None
    assert found.calibrations == ()
    assert found.units == ()
    assert found.decision is None
    assert all(one.value is None for one in estimates(found))
    assert any(why in note for note in found.notes)


def test_nothing_at_all() -> None:
    found = assess([], [])
    assert found.task_id == ""
    assert found.auroc.value is None


def test_one_class_has_no_curves() -> None:
    found = assess(cohort(40, "v"), clips([0.1 * place for place in range(30)], [1] * 30))
    check(found)
    assert found.roc is None
    assert found.precision_recall is None
    assert found.decision is None
    assert found.average_precision.value is None
    assert found.operating_points[0].sensitivity.value is not None
    assert found.operating_points[0].specificity.value is None
    assert found.calibrations[0].slope.value is None
    assert found.calibrations[0].brier.value is not None
    assert any("only positives" in note for note in found.notes)


def test_two_people_are_told_with_wide_intervals() -> None:
    found = assess(cohort(40, "v"), clips([-1.0, 1.0], [0, 1]))
    check(found)
    for one in estimates(found):
        if one.low is not None and one.high is not None:
            assert one.high - one.low > 0.6


def test_ten_recordings_of_one_person_are_one_person() -> None:
    ten = [ScoredClip("S7", f"r{k}", "a", float(k + 1), 1) for k in range(10)]
    ten += [ScoredClip("S7", f"q{k}", "a", -float(k), 0) for k in range(10)]
    found = assess(cohort(40, "v"), ten)
    check(found)
    assert found.unit == "recording"
    assert found.auroc.value is None
    assert found.average_precision.value == pytest.approx(1)
    assert found.average_precision.low is not None
    assert found.average_precision.low < 0.3


def test_constant_scores() -> None:
    found = assess(cohort(40, "v"), clips([0.5] * 40, [0, 1] * 20))
    check(found)
    assert found.auroc.value == 0.5
    assert found.average_precision.value == 0.5
    assert any("every score is the same" in note for note in found.notes)
    flat = assess(clips([0.5] * 40, [0, 1] * 20, "v"), cohort(40, "t"))
    check(flat)
    assert [one.name for one in flat.calibrations] == ["as given", "Venn-Abers"]
    assert any("no Platt calibration" in note for note in flat.notes)
    assert any("no threshold reaches at least 0.90 specificity" in note for note in flat.notes)


def test_separated_and_huge_scores() -> None:
    labels = [0, 1] * 20
    huge = [1e300 * (2 * label - 1) for label in labels]
    found = assess(clips(huge, labels, "v"), clips(huge, labels))
    check(found)
    assert found.auroc.value == 1
    assert any("separate the classes" in note for note in found.notes)


def test_few_validation_people_force_abstention() -> None:
    found = assess(clips([3.0, 2.0, 1.0, -1.0, -2.0], [1, 1, 1, 0, 0], "v"), cohort(40, "t"))
    check(found)
    assert found.conformal is not None
    assert found.conformal.abstained.value == 1
    assert found.conformal.coverage.value == 1
    assert found.conformal.accuracy_when_answering.value is None
    assert any("only 3 positive validation people" in note for note in found.notes)
    assert any("only 2 negative validation people" in note for note in found.notes)


def test_validation_scores_that_are_no_numbers_are_not_used() -> None:
    validation = cohort(40, "v")
    validation[3] = replace(validation[3], logit=math.inf)
    found = assess(validation, cohort(40, "t"))
    assert found.operating_points == ()
    assert any("1 of 40 validation scores are not finite" in note for note in found.notes)


def test_both_parts_have_one_unit() -> None:
    validation, test = cohort(40, "v", 1, recordings=2), cohort(40, "t", 2, recordings=2)
    assert assess(validation, test).unit == "subject"
    torn = [*validation, ScoredClip("S7", "other", "v1", 0.0, 1 - validation[2].label)]
    found = assess(torn, test)
    check(found)
    assert (found.unit, found.auroc.unit, len(found.units)) == ("recording", "recording", 80)
    assert found.conformal is not None
    assert "drawn at random" in found.conformal.statement
    assert any("one score per recording" in note for note in found.notes)
    # What cannot be fitted does not decide either.
    assert assess([replace(one, logit=math.nan) for one in torn], test).unit == "subject"
    assert assess(validation, test, unit="recording").n_validation == 80
    with pytest.raises(DataError, match="both labels"):
        assess(torn, test, unit="subject")


def test_people_in_both_parts_are_told() -> None:
    found = assess(cohort(40, "v"), [*cohort(40, "t"), *cohort(2, "v")])
    assert any("2 people are in both" in note for note in found.notes)


def test_clips_of_two_tasks_are_refused() -> None:
    with pytest.raises(ValueError, match="one task"):
        assess(cohort(5, "v"), [ScoredClip("T1", "r", "s", 0.0, 1)])


def test_five_hundred_people_take_less_than_a_second() -> None:
    validation, test = cohort(500, "v", 1), cohort(500, "t", 2)
    assess(validation[:30], test[:30])  # imports
    start = time.process_time()
    assess(validation, test)
    assert time.process_time() - start < 1.0
