from __future__ import annotations

import numpy as np
import pytest

from respllm.errors import DataError
from respllm.evaluation import ScoredClip, scored_units


def clips(logits: list[float]) -> list[ScoredClip]:
    """Two people with two recordings each; the first is positive."""
    return [
        ScoredClip("S7", f"r{i}", f"p{i // 2}", logit, int(i < 2)) for i, logit in enumerate(logits)
    ]


def test_runs_stand_side_by_side_in_the_first_ones_order() -> None:
    first, second = clips([1, 3, 5, 7]), clips([0, 0, 2, 2])
    units = scored_units([[first], [second[::-1]]])
    assert units.ids == ("p0", "p1")
    assert units.labels.tolist() == [1, 0]
    np.testing.assert_allclose(units.scores, [[[2, 6]], [[0, 2]]])
    np.testing.assert_allclose(units.mean_scores, [1, 4])
    assert units.subjects_of(1) == units.subjects_of(0) == 1


def test_a_smaller_unit_keeps_its_subject() -> None:
    units = scored_units([[clips([1, 3, 5, 7])]], "recording")
    assert units.ids == ("r0", "r1", "r2", "r3")
    assert units.subjects == ("p0", "p0", "p1", "p1")
    assert units.scores.shape == (1, 1, 4)


def test_runs_of_other_recordings_are_refused_and_named() -> None:
    with pytest.raises(DataError, match="r3"):
        scored_units([[clips([1, 3, 5, 7])], [clips([1, 3, 5])]], "recording")


def test_every_seed_needs_the_same_models() -> None:
    one = clips([1, 3, 5, 7])
    with pytest.raises(DataError, match="same models"):
        scored_units([[one, one], [one]])


@pytest.mark.parametrize("runs", [[], [[]], [[[]]]])
def test_nothing_scored_is_said(runs: list) -> None:
    with pytest.raises(DataError, match="Nothing was scored"):
        scored_units(runs)
