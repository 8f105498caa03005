from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.training.schedule import Schedule, learning_rate


def test_the_rate_rises_and_then_follows_the_schedule() -> None:
    rates = [learning_rate(1.0, 0.2, step, 20) for step in range(20)]
    assert rates[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert rates[12] == pytest.approx(0.5)
    assert rates[19] == pytest.approx(0.5 - 0.5 * math.cos(math.pi / 16))
    assert rates == rates[:4] + sorted(rates[4:], reverse=True)
    assert learning_rate(1.0, 0.2, 8, 20, "linear") == pytest.approx(0.75)
    assert {learning_rate(1.0, 0.0, step, 20, "constant") for step in range(20)} == {1.0}


@given(
    st.integers(1, 500),
    st.floats(0, 0.99),
    st.sampled_from(["cosine", "linear", "constant"]),
    st.data(),
)
def test_the_rate_never_leaves_its_bounds(
    total: int, warmup: float, schedule: Schedule, data: st.DataObject
) -> None:
    step = data.draw(st.integers(0, total - 1))
    assert 0 < learning_rate(0.01, warmup, step, total, schedule) <= 0.01 * (1 + 1e-12)
