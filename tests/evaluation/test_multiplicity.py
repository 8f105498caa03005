from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.evaluation.multiplicity import holm


def by_the_book(p_values: list[float]) -> list[float]:
    """Holm (1979): the i-th smallest of m times m - i + 1, never below a smaller one's."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


@settings(deadline=None)  # the first call loads statsmodels
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_is_holms_procedure(p_values: list[float]) -> None:
    assert holm(p_values) == pytest.approx(by_the_book(p_values))


def test_an_undefined_comparison_is_no_test() -> None:
    assert holm([0.01, None, 0.04]) == [pytest.approx(0.02), None, pytest.approx(0.04)]
    assert holm([None, None]) == [None, None]
    assert holm([]) == []


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_no_p_value_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        holm([0.5, bad])
