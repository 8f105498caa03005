from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from respllm.evaluation.proportions import UNDEFINED, effective_people, proportion


def wilson(hits: float, count: float) -> tuple[float, float]:
    z = norm.ppf(0.975)
    share = hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


@pytest.mark.parametrize(("hits", "count"), [(0, 5), (3, 5), (5, 5), (40, 100)])
def test_one_unit_each_is_wilsons_interval(hits: int, count: int) -> None:
    found = proportion(np.arange(count) < hits, np.arange(count))
    assert found.value == pytest.approx(hits / count)
    assert (found.low, found.high) == pytest.approx(wilson(hits, count), abs=1e-12)


def test_many_units_of_one_person_are_one_person() -> None:
    assert effective_people(np.zeros(50, int)) == 1
    assert effective_people(np.repeat(np.arange(8), 5)) == 8
    assert effective_people(np.array([1, 2, 3, 3, 3, 3])) == pytest.approx(36 / 18)
    found = proportion(np.ones(50, bool), np.zeros(50, int))
    assert (found.low, found.high) == pytest.approx(wilson(1, 1))


def test_nobody_has_no_share() -> None:
    assert proportion(np.zeros(0, bool), np.zeros(0, int)) == UNDEFINED


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_an_interval_holds_its_share_and_is_no_point(found: list[tuple[bool, int]]) -> None:
    hits, people = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    one = proportion(hits, people)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert one.high - one.low > 0.05


def test_repeating_every_unit_changes_nothing() -> None:
    hits, people = np.array([1, 1, 0, 1, 0], bool), np.arange(5)
    assert proportion(np.tile(hits, 3), np.tile(people, 3)) == proportion(hits, people)
