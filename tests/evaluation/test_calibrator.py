from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from respllm.errors import DataError
from respllm.evaluation import ScoredClip
from respllm.evaluation.calibrator import Calibrator, fit_calibration

# Scikit-learn takes scores that differ by a rounding error for equal; we do not.
scores = st.integers(-3, 3).map(float) | st.floats(-50, 50).map(lambda score: round(score, 3))
units = st.lists(st.tuples(scores, st.integers(0, 1)), min_size=2, max_size=25).filter(
    lambda found: len({label for _, label in found}) == 2
)


def calibrator(found: list[tuple[float, int]]) -> Calibrator:
    logits, labels = zip(*found, strict=True)
    return Calibrator("subject", logits, labels, (1.0,) * len(found))


def two_isotonic_fits(found: list[tuple[float, int]], new: float) -> tuple[float, float]:
    """Venn-Abers by its definition: add the new score with either label, and fit."""
    scores = [*(logit for logit, _ in found), new]
    low, high = (
        float(IsotonicRegression().fit(scores, [*(y for _, y in found), label]).predict([new])[0])
        for label in (0, 1)
    )
    return low, high


@given(units, st.lists(scores, min_size=1, max_size=5))
@settings(deadline=None, max_examples=50)
def test_venn_abers_is_two_isotonic_fits(found: list[tuple[float, int]], new: list[float]) -> None:
    asked = [*new, found[0][0]]
    calibrated, low, high = calibrator(found).calibrate(asked)
    for place, one in enumerate(asked):
        expected = two_isotonic_fits(found, one)
        assert (low[place], high[place]) == pytest.approx(expected, abs=1e-9)
        assert calibrated[place] == pytest.approx(expected[1] / (1 - expected[0] + expected[1]))


@given(units, st.lists(scores, min_size=2, max_size=20))
@settings(deadline=None)
def test_probabilities_are_ordered_and_rise_with_the_score(
    found: list[tuple[float, int]], new: list[float]
) -> None:
    calibrated, low, high = calibrator(found).calibrate(sorted(new))
    assert (low >= 0).all()
    assert (low <= calibrated).all()
    assert (calibrated <= high).all()
    assert (high <= 1).all()
    for rising in (calibrated, low, high):
        assert (np.diff(rising) >= -1e-12).all()


@given(units, st.lists(scores, min_size=1, max_size=20))
@settings(deadline=None)
def test_answers_for_one_rise_with_the_score_and_with_the_level(
    found: list[tuple[float, int]], new: list[float]
) -> None:
    kept = calibrator(found).answers(sorted(new), 0.8)
    ones, zeros = [1 in answers for answers in kept], [0 in answers for answers in kept]
    assert ones == sorted(ones)
    assert zeros == sorted(zeros, reverse=True)
    surer = calibrator(found).answers(sorted(new), 0.95)
    assert all(set(less) <= set(more) for less, more in zip(kept, surer, strict=True))


def test_large_scores_are_told_apart() -> None:
    # A sigmoid would make them all 1.
    found = [(float(place), int(place >= 110)) for place in range(100, 120)]
    calibrated, _, _ = calibrator(found).calibrate([100.0, 119.0])
    assert calibrated[0] < 0.2 < 0.8 < calibrated[1]


def test_people_are_gathered_and_weighed() -> None:
    clips = [
        ScoredClip("S7", record, person, logit, label)
        for record, person, logit, label in [
            ("a1", "a", 1.0, 1),
            ("a1", "a", 3.0, 1),
            ("a2", "a", 0.0, 0),
            ("a3", "a", 0.5, 0),
            ("b1", "b", -1.0, 0),
        ]
    ]
    found = fit_calibration(clips)
    assert found == Calibrator(
        "recording", (2.0, 0.0, 0.5, -1.0), (1, 0, 0, 0), (1.0, 0.5, 0.5, 1.0)
    )
    assert (found.n_positive, found.n_negative) == (1, 2)
    assert fit_calibration(clips[:2] + clips[4:]).unit == "subject"


def test_text_keeps_everything_and_no_ids() -> None:
    found = fit_calibration(
        [
            ScoredClip("S7", f"r{place}", f"someone{place}", 0.1 * place**1.1, place % 2)
            for place in range(20)
        ]
    )
    text = found.to_json()
    assert "someone" not in text
    assert Calibrator.from_json(text) == found
    new = [-1.0, 0.3, 9.0]
    for one, other in zip(
        found.calibrate(new), Calibrator.from_json(text).calibrate(new), strict=True
    ):
        assert (one == other).all()
    assert Calibrator.from_json(text).answers(new) == found.answers(new)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": [0, 0]},
        {"labels": [0, 2]},
        {"labels": [0]},
        {"logits": [0.0, float("nan")]},
        {"logits": ["a", "b"]},
        {"logits": None},
        {"weights": [0.0, 1.0]},
        {"unit": "hospital"},
    ],
)
def test_damaged_text_is_refused(change: dict[str, object]) -> None:
    good = {"unit": "subject", "logits": [0.0, 1.0], "labels": [0, 1], "weights": [1.0, 1.0]}
    assert Calibrator.from_json(json.dumps(good)).n_positive == 1
    with pytest.raises(DataError, match="Nothing can be calibrated"):
        Calibrator.from_json(json.dumps({**good, **change}))


@pytest.mark.parametrize("text", ["", "[]", "3", "{}", "null", "[1, 2]"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        Calibrator.from_json(text)


@pytest.mark.parametrize(
    ("clips", "why"),
    [
        ([], "no validation people"),
        ([ScoredClip("S7", "r", "s", 0.0, 1)], "all positive"),
        ([ScoredClip("S7", "r", "s", 0.0, 0)], "all negative"),
        (
            [ScoredClip("S7", "r", "s", float("nan"), 0), ScoredClip("S7", "q", "t", 0.0, 1)],
            "1 of 2 validation scores are not finite",
        ),
    ],
)
def test_what_cannot_be_fitted_says_why(clips: list[ScoredClip], why: str) -> None:
    with pytest.raises(DataError, match=why):
        fit_calibration(clips)


def test_a_score_that_is_no_number_is_refused() -> None:
    found = calibrator([(0.0, 0), (1.0, 1)])
    with pytest.raises(DataError, match="no finite number"):
        found.calibrate([float("nan")])
    with pytest.raises(DataError, match="no finite number"):
        found.answers([float("inf")])
    with pytest.raises(DataError, match="level 1"):
        found.answers([0.0], 1)


def test_numpy_warns_as_before() -> None:
    before = np.geterr()
    calibrator([(0.0, 0), (1.0, 1), (2.0, 1)]).calibrate([0.5])
    assert np.geterr() == before
