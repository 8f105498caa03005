"""The order in which examples are learned."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from respllm.batching import alike_batches, mixed_batches

SIZES = st.integers(0, 300)


@given(SIZES, st.integers(1, 40), st.integers(0, 2**32), st.integers(0, 100))
def test_every_example_comes_once_an_epoch(
    size: int, batch_size: int, seed: int, epoch: int
) -> None:
    batches = mixed_batches(size, batch_size, seed, epoch)
    assert sorted(i for batch in batches for i in batch) == list(range(size))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert all(len(batch) for batch in batches)
    again = mixed_batches(size, batch_size, seed, epoch)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


def test_seed_and_epoch_change_the_order() -> None:
    orders = {
        tuple(np.concatenate(mixed_batches(100, 16, seed, epoch)))
        for seed in (1, 2, 3)
        for epoch in (0, 1, 2)
    }
    assert len(orders) == 9


def test_batches_mix_the_tasks() -> None:
    task_of = np.repeat([0, 1, 2, 3], 100)  # tasks one after the other
    for batch in mixed_batches(400, 16, seed=42, epoch=0):
        assert len(set(task_of[batch])) >= 3


@given(st.lists(st.integers(0, 50), max_size=100), st.integers(1, 20))
def test_alike_batches_hold_everything_in_order(lengths: list[int], batch_size: int) -> None:
    batches = alike_batches(lengths, batch_size)
    order = [int(i) for batch in batches for i in batch]
    assert sorted(order) == list(range(len(lengths)))
    assert [lengths[i] for i in order] == sorted(lengths)
    assert all(len(batch) <= batch_size for batch in batches)
